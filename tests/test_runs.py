"""Reports that are really run: finished or nothing, the same bytes twice, no kernel left behind."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from kpi_helpers.ending import Ended
from kpi_helpers.errors import ReportFailed, UnknownName
from kpi_helpers.reports import places, running
from kpi_helpers.units import write

TINY = Path(__file__).parent / "data" / "tiny.ipynb"
CANARY = "c4nary-f0r-tests"
PATIENCE = 30
Pack = Callable[[str], Path]

PAGE = "01_kpi_evaluation.html"
NOTEBOOKS = places.of_reports()
TABLES = (
    *(
        "accounting",
        "behind",
        "breakdown",
        "compared",
        "weighed",
        "decisions",
        "findings",
        "history",
        "left_out",
        "others",
        "quality",
        "scorecard",
        "year_ago",
    ),
    # Of the sections.
    *(
        "ages",
        "alerts",
        "agreed",
        "bookings_steps",
        "call_steps",
        "call_times",
        "control",
        "customer_steps",
        "economics",
        "missed",
        "moves",
        "mrr_steps",
        "outlook",
        "products",
        "rate_steps",
        "recurring",
        "rep_targets",
        "responses",
        "revenue_steps",
        "rounds",
        "segments",
        "signals",
        "team",
        "themes",
        "volumes",
    ),
    # Of the choice of KPIs.
    "selection",
    # Of the landing of the quarter.
    *("landing", "landing_scores", "reliability", "scenarios"),
    # Of the funnel.
    *(
        "02_decisions",
        "amounts",
        "apart",
        "around",
        "bant_items",
        "bant_quality",
        "bant_scores",
        "bottleneck",
        "budget",
        "channels",
        "coverage",
        "cycle",
        "cycle_chances",
        "cycle_segments",
        "devices",
        "entered",
        "integrity",
        "leak",
        "levers",
        "losses",
        "movement",
        "next_steps",
        "passing",
        "planned",
        "promises",
        "put_off",
        "rivals",
        "shop",
        "slipped",
        "stalled",
        "stays",
        "velocity",
    ),
    # Of the market.
    *(
        "03_decisions",
        "concentration",
        "context",
        "gains",
        "gaps",
        "perception",
        "sellers",
        "sources",
        "verdicts",
    ),
    # Of the forecasts.
    *("04_decisions", "backtest", "course", "forecast_log", "forecasts", "trends"),
    # Of the actions.
    *("adapted", "decided", "effect_months", "effects", "priorities", "revised"),
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a few deals, and settings that name where a password is."""
    monkeypatch.setenv("CANARY", CANARY)
    deals = {
        "deal_id": ["1", "2", "3"],
        "created_at": ["2026-01-05", "2026-01-09", "2026-02-01"],
        "status": ["won", "lost", "open"],
        "closed_at": ["2026-02-01", "2026-03-01", None],
        "amount": [900.0, 400.0, 100.0],
    }
    pd.DataFrame(deals).to_csv(tmp_path / "deals.csv", index=False)
    settings = 'schema = 1\nname = "Tiny"\nlanguage = "en"\npassword_env = "CANARY"\n'
    (tmp_path / "kpi.toml").write_text(settings, "utf-8")
    return tmp_path


def run(project: Path, out: Path, notebook: Path = TINY, **parameters: str) -> Path:
    given = {"data": str(project / "deals.csv"), "period": "2026Q1", **parameters}
    return running.run(given, out, sources=[notebook])


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def differing(first: Path, second: Path) -> list[bytes]:
    """Return the lines in which the files of two packs differ."""
    packs = contents(first), contents(second)
    assert list(packs[0]) == list(packs[1])
    pairs = [
        zip(a.splitlines(), packs[1][name].splitlines(), strict=True)
        for name, a in packs[0].items()
    ]
    return [line for pair in pairs for line, other in pair if line != other]


@pytest.mark.thorough
def test_two_runs_give_the_same_bytes_but_for_one_line_and_no_secret(project: Path) -> None:
    first, second = (run(project, project / name) for name in ("first", "second"))
    written = contents(first)
    assert sorted(written) == [
        "index.html",
        "known/deals.csv",
        "known/names.csv",
        "methods.html",
        "run.json",
        "tables/figures.csv",
        "tiny.html",
        "tiny.ipynb",
    ]
    assert all(b'"generated_at"' in line for line in differing(first, second))
    assert CANARY.encode() not in b"".join(written.values())
    assert b"password: ***" in written["tiny.html"]
    assert b"<script" not in written["tiny.html"]


@pytest.mark.thorough
def test_what_is_replaced_is_said_and_the_record_is_whole(project: Path) -> None:
    said: list[tuple[str, dict[str, object]]] = []
    for by in ("", "owner"):
        given = {"data": str(project / "deals.csv"), "period": "2026Q1", "lang": "fr"}
        told = running.run(
            given, project / "out", lambda step, **values: said.append((step, values)), [TINY]
        )
        assert ("replaced" in dict(said)) == (by == "owner")
    assert said[-2] == ("replaced", {"report": "2026Q1", "by": "–", "language": "fr"})
    record = json.loads((told / "run.json").read_text("utf-8"))
    assert record["rows"] == {"deals": {"rows": 3, "used": 3, "excluded": 0, "flagged": 0}}
    assert set(record["seeds"].values()) == {73}
    assert (record["exports"], record["forecasts_read"]) == ([], 0)


def test_the_password_of_a_database_is_in_no_file(project: Path) -> None:
    server = os.environ.get("KPI_TEST_POSTGRES")
    if not server:
        pytest.skip("KPI_TEST_POSTGRES names no server")
    import psycopg

    with psycopg.connect(server, autocommit=True) as con:
        con.execute("DROP SCHEMA IF EXISTS report CASCADE")
        con.execute("CREATE SCHEMA report")
        con.execute(
            "CREATE TABLE report.deals AS SELECT '1' AS deal_id, DATE '2026-01-05' AS created_at,"
            " 'won' AS status, DATE '2026-02-01' AS closed_at, 900.0::float8 AS amount"
        )
    address = server.replace("@", ":s3%21cret@") + "/report"
    settings = project / "kpi.toml"
    settings.write_text('schema = 1\nlanguage = "en"\n', "utf-8")
    folder = run(project, project / "out", data=address, config=str(settings))
    written = b"".join(contents(folder).values())
    assert b"source: postgresql://" in written
    assert b"s3%21cret" not in written
    assert b"s3!cret" not in written


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("fail", "reason"),
    [("raise", "it went wrong"), ("full", "The disk is full"), ("die", "Kernel died")],
)
def test_a_notebook_that_fails_leaves_the_old_report(project: Path, fail: str, reason: str) -> None:
    before = contents(run(project, project / "out"))
    with pytest.raises(ReportFailed, match=reason):
        run(project, project / "out", fail=fail)
    assert contents(project / "out" / "2026Q1") == before


@pytest.mark.thorough
def test_a_report_that_is_ended_while_its_pages_are_written_leaves_no_draft(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_: object) -> None:
        # Else a report that does not mind it would end the tests.
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(running, "export", ended)
    with pytest.raises(Ended):
        run(project, project / "out")
    assert [path.name for path in (project / "out").iterdir()] == [".2026Q1.lock"]


@pytest.mark.thorough
def test_a_notebook_that_does_not_say_it_is_finished_is_not(project: Path) -> None:
    cut = project / "cut.ipynb"
    cut.write_text(TINY.read_text("utf-8").replace("reports.finish(figures=figures)", "figures"))
    with pytest.raises(ReportFailed, match="did not come to its end"):
        run(project, project / "out", notebook=cut)
    assert list((project / "out").glob("[!.]*")) == []


def test_a_wrong_name_stops_before_a_kernel_starts(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "executed", None)
    for wrong in ({"perod": "2026Q1"}, {"by": "ownr"}, {"lang": "de"}):
        with pytest.raises(UnknownName):
            run(project, project / "out", **wrong)


SHIPPED = ["fr", pytest.param("en", marks=pytest.mark.thorough)]
SAID = {"fr": ["Où en sommes-nous", "T3 2026"], "en": ["Where do we stand?", "Q3 2026"]}


@pytest.mark.parametrize("lang", SHIPPED)
def test_the_shipped_report_is_whole_and_speaks_its_language(pack: Pack, lang: str) -> None:
    folder = pack(f"sample {lang}")
    tables = {f"tables/{name}.csv" for name in TABLES}
    assert set(contents(folder)) == {
        *tables,
        "alerts.json",
        "index.html",
        "known/deals.csv",
        "known/names.csv",
        "methods.html",
        "run.json",
        *(name for path in NOTEBOOKS for name in (path.name, f"{path.stem}.html")),
        PAGE.replace("html", "meeting.html"),
        *(f"05_action_plan.{view}.html" for view in ("management", "team", "rep")),
        *(("report.xlsx", "report.pptx") if lang == "fr" else ()),
    }
    html = (folder / PAGE).read_text("utf-8")
    assert all(words in html for words in [f'<html lang="{lang}">', *SAID[lang]])
    assert "import kpi_helpers" not in html
    assert "Traceback" not in html


@pytest.mark.thorough
def test_what_is_drawn_at_random_comes_out_the_same_again(pack: Pack, tmp_path: Path) -> None:
    """The notebook that draws most, alone, gives the page and the tables that it has in a pack."""
    shipped = pack("sample en")
    (book,) = [path for path in places.of_reports() if path.stem == "04_trend_forecasting"]
    given = {"period": "2026Q3", "by": "team", "lang": "en"}
    again = running.run(given, tmp_path, sources=[book])
    own = {path.name for path in (again / "tables").iterdir()} - {"decisions.csv", "findings.csv"}
    assert len(own) >= 8
    for name in (book.name, f"{book.stem}.html", *(f"tables/{table}" for table in own)):
        assert (again / name).read_bytes() == (shipped / name).read_bytes(), name


@pytest.mark.parametrize("lang", SHIPPED)
def test_every_figure_of_the_scorecard_stands_in_its_table(pack: Pack, lang: str) -> None:
    shipped = pack(f"sample {lang}")
    html = (shipped / PAGE).read_text("utf-8")
    for name in ("compared", "year_ago"):
        table = pd.read_csv(shipped / "tables" / f"{name}.csv", encoding="utf-8-sig")
        for row in table.dropna(subset=["value", "reference"]).itertuples():
            assert write(row.value, row.unit, lang, "EUR") in html
            assert write(row.reference, row.unit, lang, "EUR") in html
