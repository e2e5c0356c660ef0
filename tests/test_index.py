"""Several notebooks in one report: their parameters, tables and findings put together."""

import json
from pathlib import Path

import pandas as pd
import pytest

from kpi_helpers.actions import noted, proposals
from kpi_helpers.errors import UnknownName
from kpi_helpers.reports import running
from kpi_helpers.reports.index import closing, first_lines, merged, proposed
from kpi_helpers.reports.parameters import of_each
from kpi_helpers.reports.tables import gather, number_of_rows, read_csv, write_csv

NAN = float("nan")


def found(*rows: tuple[str, str, int, float]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["kind", "sentence", "sureness", "money_at_stake"])
    return frame.assign(table="compared", rows=[str(n + 1) for n in range(len(frame))])


FIRST = found(
    ("finding", "sure, small", 0, 10.0),
    ("finding", "chance, large", 1, 900.0),
    ("propose_action", "act", 0, NAN),
)
SECOND = found(
    ("finding", "sure, large", 0, 500.0),
    ("finding", "sure, unpriced", 0, NAN),
    ("propose_patience", "wait", 1, NAN),
)
NOTHING = found(("nothing", "Nothing to compare.", 2, NAN))


def notebook(path: Path, parameters: str, code: str = "", title: str = "A page") -> Path:
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": f"# {title}"},
        {
            "cell_type": "code",
            "id": "b",
            "metadata": {"tags": ["parameters"]},
            "source": parameters,
        },
        {"cell_type": "code", "id": "c", "metadata": {"tags": ["end"]}, "source": code},
    ]
    for cell in cells[1:]:
        cell |= {"outputs": [], "execution_count": None}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    content = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(content), "utf-8")
    return path


def test_findings_of_all_notebooks_are_ranked_together(tmp_path: Path) -> None:
    every = merged(tmp_path, {"01_a": FIRST, "02_b": SECOND, "03_c": NOTHING})
    said = ["sure, large", "sure, small", "sure, unpriced", "chance, large", "act", "wait"]
    assert every["sentence"].tolist() == said
    assert every["notebook"].tolist()[:2] == ["02_b", "01_a"]
    assert read_csv(tmp_path / "findings.csv")["sentence"].tolist() == said
    assert first_lines(every, 4)["sentence"].tolist() == [
        "sure, large",
        "sure, small",
        "act",
        "wait",
    ]
    assert merged(tmp_path, {"03_c": NOTHING})["sentence"].tolist() == ["Nothing to compare."]


def test_what_became_of_decisions_is_told_apart() -> None:
    rows = [FIRST.assign(table="compared"), SECOND.assign(table="effects")]
    every = pd.concat(rows, ignore_index=True)
    assert every.loc[closing(every), "sentence"].tolist() == ["sure, large", "sure, unpriced"]


def test_the_gap_of_a_figure_is_not_proposed_again_by_its_alert(tmp_path: Path) -> None:
    """An alert stays where no figure of its money is proposed, and other findings of it do."""
    row = {"kpi": "bookings", "period": "2026Q3", "label": "Bookings", "unit": "money", "n": 3.0}
    row |= {"value": 90.0, "target": 100.0, "target_verdict": "missed", "certainty": "exact"}
    told = [found(("finding", said, 0, money)) for said, money in (("same", 10.0), ("own", 12.0))]
    frames = [
        proposals(pd.DataFrame([{**row, "change_verdict": "none_shown", "p_value": NAN}])),
        noted(pd.concat(told).assign(table="alerts"), "2026Q3"),
        noted(told[0].assign(table="losses", sentence="lost"), "2026Q3"),
    ]
    paths = [tmp_path / f"0{place}_decisions.csv" for place in range(len(frames))]
    for frame, path in zip(frames, paths, strict=True):
        write_csv(frame, path)
    kept = ["2026Q3-alerts-2", "2026Q3-bookings-1", "2026Q3-losses-1"]
    assert list(together(paths)["action_id"]) == kept
    assert list(together(paths[1:2])["action_id"]) == ["2026Q3-alerts-2", "2026Q3-alerts-1"]
    write_csv(frames[0].head(0), paths[0])
    assert together(paths[:1]).empty


def together(paths: list[Path]) -> pd.DataFrame:
    every = proposed(paths)
    assert every is not None
    return every


def test_a_table_that_two_notebooks_make_differently_is_kept_twice(tmp_path: Path) -> None:
    same, other = pd.DataFrame({"a": ["=1", "'x"]}), pd.DataFrame({"a": [1]})
    for stem, frame in (("01_a", same), ("02_b", same), ("03_c", other)):
        write_csv(frame, tmp_path / stem / "quality.csv")
        write_csv(frame, tmp_path / stem / "left_out.csv")
    tables = tmp_path / "tables"
    named = [gather(tmp_path / s, tables, ["left_out"]) for s in ("01_a", "02_b", "03_c")]
    assert [each["quality"] for each in named] == ["quality", "quality", "03_quality"]
    assert sorted(path.name for path in tables.iterdir()) == ["03_quality.csv", "quality.csv"]
    pd.testing.assert_frame_equal(read_csv(tables / "quality.csv"), same)
    assert number_of_rows(tables / "quality.csv") == 2


def test_a_table_without_rows_is_kept_only_where_no_other_has_its_name(tmp_path: Path) -> None:
    some, none = pd.DataFrame({"a": [1]}), pd.DataFrame({"a": []})
    for stem, frame in (("01_a", some), ("02_b", none), ("03_c", some.assign(a=2))):
        write_csv(frame, tmp_path / stem / "decisions.csv")
        write_csv(none, tmp_path / stem / "stalled.csv")
        gather(tmp_path / stem, tmp_path / "tables")
    kept = ["03_decisions.csv", "decisions.csv", "stalled.csv"]
    assert sorted(path.name for path in (tmp_path / "tables").iterdir()) == kept


def test_each_notebook_gets_the_parameters_that_it_declares(tmp_path: Path) -> None:
    a = notebook(tmp_path / "01_a.ipynb", 'period = "last"\nsegment = ""')
    b = notebook(tmp_path / "02_b.ipynb", 'period = "last"\ndraws = 10')
    each = of_each({"period": "2026Q3", "draws": 5, "segment": ""}, [a, b])
    assert each == {
        a: {"period": "2026Q3", "segment": ""},
        b: {"period": "2026Q3", "draws": 5},
    }
    with pytest.raises(UnknownName, match="Did you mean draws"):
        of_each({"drws": 5}, [a, b])
    with pytest.raises(UnknownName, match="Unknown parameter: 'segment'"):
        of_each({"segment": "large"}, [a, b])


def test_a_report_of_two_notebooks_has_one_index(tmp_path: Path) -> None:
    deals = "deal_id,created_at,status,closed_at\n1,2026-01-05,won,2026-02-01\n"
    (tmp_path / "deals.csv").write_text(deals, "utf-8")
    code = (
        "import pandas as pd\nfrom kpi_helpers import reports\n"
        "reports.finish(findings=pd.DataFrame({}))"
    )
    rows = [FIRST, SECOND.assign(sentence="<b>=1</b> " + SECOND["sentence"])]
    books = [
        notebook(
            tmp_path / f"0{n}_page.ipynb",
            'data = ""\nperiod = "last"\nlang = ""',
            code.format(frame.to_dict("list")).replace("nan", "None"),
            f"Page {n}",
        )
        for n, frame in enumerate(rows, 1)
    ]
    steps: list[tuple[object, ...]] = []

    def progress(step: str, **values: object) -> None:
        steps.append((step, values.get("place"), values.get("notebooks"), values.get("n")))

    given = {"data": str(tmp_path / "deals.csv"), "period": "2026Q1", "lang": "en"}
    folder = running.run(given, tmp_path / "out", progress, books)
    html = (folder / "index.html").read_text("utf-8")
    assert html.count("<h1>") == 1
    assert html.index("sure, large") < html.index("sure, small") < html.index(">act<")
    assert "&lt;b&gt;=1&lt;/b&gt; sure, large" in html
    for n in (1, 2):
        assert f'<a href="0{n}_page.html">Page {n}</a>' in html
        assert (folder / f"0{n}_page.html").is_file()
    assert '<a href="tables/findings.csv">findings.csv</a> · 6 rows' in html
    assert '<a href="methods.html">Methods and words</a>' in html
    assert html.index('id="annex"') < html.index("tables/findings.csv")
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {"tables", "known"}
    begun = [step for step in steps if step[0] == "executing" and step[3] == 1]
    assert sorted(begun) == [("executing", 1, 2, 1), ("executing", 2, 2, 1)]
