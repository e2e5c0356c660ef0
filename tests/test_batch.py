"""A report for each value of a dimension: whatever the values are called, and when one fails."""

import json
import re
from pathlib import Path

import pytest

import kpi_helpers as kh
from kpi_helpers.cli import main
from kpi_helpers.errors import KpiError, UnknownName
from kpi_helpers.reports import places, run_each
from kpi_helpers.reports.batch import filters_of
from kpi_helpers.reports.naming import folder_name

TEAMS = ["North", "north", "../../<b>x'\"</b> == 1 北 \\n", "South"]
HEAD = "deal_id,created_at,status,closed_at,amount,team\n"
CELLS = {
    "parameters": (
        'data = ""\nconfig = ""\nperiod = "last"\nas_of = ""\nsegment = ""\n'
        'share = False\nlang = ""\nfail = ""'
    ),
    "": (
        "import kpi_helpers as kh\nfrom kpi_helpers import reports\n"
        "assert not fail or fail not in segment, 'it went wrong'\n"
        "dataset = reports.opened(data, config, as_of, lang, share)\n"
        "compared = kh.compare(dataset, ['win_rate_count'], period, where=segment)"
    ),
    "end": "reports.finish(compared=compared)",
}


def quoted(said: str) -> str:
    return '"' + said.replace('"', '""') + '"'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of deals of teams with odd names, whose reports are one small notebook."""
    rows = [
        f"{10 * n + i},2026-01-05,{'won' if i <= n else 'lost'},2026-02-01,100,{quoted(team)}"
        for n, team in enumerate(TEAMS)
        for i in range(8)
    ]
    rows.append("99,2026-01-05,won,2026-02-01,100,")
    (tmp_path / "deals.csv").write_text(HEAD + "\n".join(rows) + "\n", "utf-8")
    cells = [
        {
            "cell_type": "code",
            "id": f"cell-{n}",
            "execution_count": None,
            "metadata": {"tags": [tag] if tag else []},
            "outputs": [],
            "source": source,
        }
        for n, (tag, source) in enumerate(CELLS.items())
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    book = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "01_small.ipynb").write_text(json.dumps(book), "utf-8")
    monkeypatch.setattr(places, "of_reports", lambda: [tmp_path / "01_small.ipynb"])
    return tmp_path


def test_each_team_has_its_pack_whatever_its_name_and_one_that_fails_is_told(
    project: Path,
) -> None:
    deals, out = project / "deals.csv", project / "out"
    given = {"data": str(deals), "period": "2026Q1", "lang": "en", "fail": "South"}
    batch = run_each("team", given, out)
    assert set(batch.packs) == set(TEAMS)
    failed = {name: made for name, made in batch.packs.items() if isinstance(made, KpiError)}
    assert [*failed] == ["South"]
    folders = [made for made in batch.packs.values() if isinstance(made, Path)]
    assert {path.name for path in out.glob("[!.]*")} == {
        batch.overview.name,
        *(folder.name for folder in folders),
    }
    assert len({folder.name.casefold() for folder in folders}) == len(TEAMS) - 1

    html = batch.overview.read_text("utf-8")
    assert html.count("<h1>Reports by “team”<") == 1
    assert "<b>x" not in html
    assert "&lt;b&gt;x" in html
    assert "it went wrong" in html
    links = re.findall(r'href="([^"#]+/index\.html)"', html)
    assert len(links) == len(TEAMS) - 1
    data = kh.load(deals, {"language": "en"})
    for name, made in batch.packs.items():
        if isinstance(made, Path):
            (row,) = kh.measure(data, "win_rate_count", "2026Q1", where={"team": name}).itertuples()
            assert row.n == 8
            assert f"{row.value:.1%}" in html


@pytest.mark.thorough
def test_the_command_says_which_failed_and_returns_its_code(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = '[segments]\nlarge = "amount >= 50"\nodd = "missing(nothing)"\n'
    (project / "kpi.toml").write_text(settings, "utf-8")
    words = ["--data", str(project / "deals.csv"), "--config", str(project / "kpi.toml")]
    words += ["--period", "2026Q1", "--lang", "en", "--out", str(project / "out")]
    assert main(["report", "--each", "segments", *words]) == 1
    told = capsys.readouterr()
    assert told.out.splitlines() == [
        str(project / "out" / "2026Q1-each-segments.html"),
        str(project / "out" / "2026Q1-large" / "index.html"),
    ]
    assert re.search(r"kpi: odd: .*nothing", told.err)
    assert "large · Executing 01_small (1 of 1), cell 1 of 4" in told.err


def test_a_dimension_that_no_table_has_is_refused_before_a_kernel_starts(project: Path) -> None:
    with pytest.raises(UnknownName, match="tem.*team"):
        run_each("tem", {"data": str(project / "deals.csv"), "period": "2026Q1"}, project / "out")
    assert not (project / "out").exists()


def test_two_hundred_values_have_filters_and_folders_of_their_own(tmp_path: Path) -> None:
    rows = [f"{n},2026-01-05,won,2026-02-01,100,{'x' * 60}{n}" for n in range(200)]
    (tmp_path / "deals.csv").write_text(HEAD + "\n".join(rows) + "\n", "utf-8")
    data = kh.load(tmp_path / "deals.csv")
    filters = filters_of(data, "team")
    assert len(filters) == 200
    assert len({folder_name("2026Q1", where) for where in filters.values()}) == 200
    for where in [*filters.values()][:3]:
        assert len(kh.rows(data, "win_rate_count", "2026Q1", where)) == 1
