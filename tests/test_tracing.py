"""Every figure of a report leads back to the rows of its source, and to the same number."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers import reports
from kpi_helpers.catalogue import REGISTRY, find
from kpi_helpers.cli import main
from kpi_helpers.errors import KpiError, UnknownName
from kpi_helpers.kpis.tried import tried
from kpi_helpers.measure import traced
from kpi_helpers.reports import tables, tracing
from kpi_helpers.reports.record import record
from kpi_helpers.sources import Dataset

OWNER = 'O\'Brien "=1+1" <b>'
DEALS = pd.DataFrame(
    {
        "deal_id": ["a1", "a2", "a3", "a4", "a5", "c1"],
        "created_at": ["2026-01-05"] * 6,
        "status": ["won", "won", "lost", "lost", "lost", "lost"],
        "closed_at": ["2026-02-01"] * 5 + ["2026-07-20"],
        "amount": [100.0, 300.5, 50, 50, 50, 70],
        "owner": ["Ann", OWNER, "Ann", None, OWNER, "Ann"],
    }
)
KPIS = ["win_rate_count", "bookings", "avg_deal_value"]


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Return a pack of a few deals, its data beside it."""
    DEALS.to_csv(tmp_path / "deals.csv", index=False)
    settings = (
        'schema = 1\nlanguage = "en"\nas_of = "2026-08-01"\n[segments]\nbig = "amount > 60"\n'
    )
    (tmp_path / "kpi.toml").write_text(settings, "utf-8")
    return put(tmp_path / "pack", tmp_path / "deals.csv")


def put(folder: Path, source: Path, segment: str = "", **given: Any) -> Path:
    """Write a pack as a report does, without a notebook."""
    data = reports.opened(str(source), share=bool(given.get("share")))
    made = {
        "scorecard": reports.side_by_side(data, KPIS, "2026Q1", segment=segment),
        "breakdown": reports.side_by_side(data, KPIS, "2026Q1", "owner", segment),
        "left_out": kh.left_out(data),
        "findings": pd.DataFrame({"sentence": ["!"], "table": ["scorecard"], "rows": ["4, 5"]}),
    }
    for name, table in made.items():
        tables.write_csv(table, folder / "tables" / f"{name}.csv")
    asked = {"data": str(source), "config": "", "lang": "", "by": "owner", "segment": segment}
    period = data.config.calendar.parse("2026Q1")
    written = record(data, period, {**asked, **given}, KPIS)
    (folder / "run.json").write_text(json.dumps(written), "utf-8")
    return folder


def lines(found: tracing.Trace) -> list[tuple[Any, ...]]:
    return list(found.rows[["line", "above", "below"]].itertuples(index=False, name=None))


@pytest.mark.thorough
@pytest.mark.parametrize("period", ["2026Q3", "2026Q2"])
def test_the_rows_of_every_kpi_add_up_to_the_scorecard(
    pack: Callable[[str], Path], sample: Dataset, period: str
) -> None:
    known = tracing.figures(pack("sample en"))
    counted = known[known["counted"] & (known["table"] == "scorecard")]
    card = counted[counted["period"] == period]  # one that is missing has no rows
    asked = sample.config.calendar.parse(period)
    assert len(card) > 20
    for figure in card.to_dict("records"):
        rows = traced(sample, figure["kpi"], asked)
        assert rows["line"].notna().all()
        if not find(figure["kpi"]).derived:
            assert tracing.adds_up(figure, rows), figure["figure"]
            continue
        for (kpi, when), own in rows.groupby(["kpi", "period"]):
            (part,) = kh.measure(sample, kpi, when).to_dict("records")
            assert tracing.adds_up(part, own), (figure["figure"], kpi)


@pytest.mark.thorough
def test_what_is_declared_no_sum_is_all_that_does_not_add_up(sample: Dataset) -> None:
    asked = sample.config.calendar.parse("2026Q2")
    kinds = {tried(kpi).kind: kpi.id for kpi in REGISTRY.values() if not kpi.derived}
    counted = [*kinds.values()]  # one of each kind
    measured = kh.measure(sample, counted, "2026Q2").dropna(subset="numerator")
    wrong = {
        row["kpi"]
        for row in measured.to_dict("records")
        if REGISTRY[row["kpi"]].table not in ("benchmarks", "forecasts")
        and not tracing.adds_up(row, traced(sample, row["kpi"], asked))
    }
    assert wrong == {kinds[kind] for kind in ("largest", "at_risk", "present")}


def test_a_row_is_named_by_its_file_and_line(tiny: Path) -> None:
    found = tracing.trace(tiny, "scorecard/win_rate_count")
    assert lines(found) == [(2, 1, 1), (3, 1, 1), (4, 0, 1), (5, 0, 1), (6, 0, 1)]
    assert set(found.rows["file"]) == {"deals.csv"}
    with pytest.raises(UnknownName, match="scorecard/win_rate_count"):
        tracing.trace(tiny, "scorecard/win_rat")


@pytest.mark.parametrize(
    ("figure", "on"),
    [
        *[("breakdown/bookings/Ann", [2]), (f"breakdown/bookings/{OWNER}", [3])],
        *[("breakdown/win_rate_count", [5]), ("findings/1", [2, 3, 4, 5, 6, 2, 3])],
        *[("scorecard/2", []), ("scorecard/5", [2, 3]), ("scorecard/999", None)],
    ],
)
def test_a_group_a_finding_and_a_line_have_their_rows(
    tiny: Path, figure: str, on: list[int] | None
) -> None:
    if on is None:
        with pytest.raises(UnknownName):
            tracing.trace(tiny, figure)
    else:
        assert [*tracing.trace(tiny, figure).rows.get("line", [])] == on


def test_a_segment_goes_for_its_figures_too(tiny: Path) -> None:
    folder = put(tiny.parent / "big", tiny.parent / "deals.csv", segment="big")
    assert lines(tracing.trace(folder, "scorecard/win_rate_count")) == [(2, 1, 1), (3, 1, 1)]
    assert lines(tracing.trace(folder, "breakdown/bookings/Ann"))[0][:2] == (2, 100)


def test_rows_of_other_data_are_not_shown_as_if_they_were_those(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    DEALS.iloc[1:].to_csv(tiny.parent / "deals.csv", index=False)
    with pytest.raises(KpiError, match=r"no longer those.*deals: 6 → 5 rows"):
        tracing.trace(tiny, "scorecard/bookings")
    assert main(["rows", str(tiny), "scorecard/bookings", "--anyway", "--lang", "en"]) == 0
    out, err = capsys.readouterr()
    assert "No longer as in the report: deals: 6 → 5 rows." in err
    assert "add up" not in out


def test_other_settings_are_told(tiny: Path) -> None:
    settings = tiny.parent / "kpi.toml"
    settings.write_text(settings.read_text("utf-8").replace("> 60", "> 80"), "utf-8")
    with pytest.raises(KpiError, match=r"segments\.big: amount > 60 → amount > 80"):
        tracing.trace(tiny, "scorecard/bookings")


def test_a_shared_report_is_traced_where_its_source_is_named(tiny: Path) -> None:
    source = tiny.parent / "deals.csv"
    shared = put(tiny.parent / "shared", source, share=True)
    record_of = json.loads((shared / "run.json").read_text("utf-8"))
    record_of["parameters"]["data"] = ""
    (shared / "run.json").write_text(json.dumps(record_of), "utf-8")
    with pytest.raises(KpiError, match="--data"):
        tracing.trace(shared, "scorecard/bookings")
    found = tracing.trace(shared, "scorecard/bookings", data=str(source))
    assert lines(found)[0][:2] == (2, 100)


def test_the_command_says_the_sums_and_writes_the_rows(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rows", str(tiny), "--lang", "en"]) == 0
    said = capsys.readouterr()
    assert "scorecard/win_rate_count: Win rate (count), 2026Q1: 40.0%" in said.out
    file = tiny.parent / "rows.csv"
    words = ["rows", str(tiny), f"breakdown/bookings/{OWNER}", "--csv", str(file), "--lang", "fr"]
    assert main(words) == 0
    said = capsys.readouterr()
    assert "1 ligne\u00a0; au numérateur 301, au dénominateur –" in said.out
    assert "La somme des lignes donne le chiffre." in said.out
    (row,) = pd.read_csv(file, encoding="utf-8-sig").to_dict("records")
    assert (row["file"], row["line"], row["above"]) == ("deals.csv", 3, 300.5)
    assert main(["rows", str(tiny.parent), "--lang", "en"]) == 2


def test_a_customer_of_several_families_is_counted_once_by_its_first_row() -> None:
    """A buys of two families, B twice of one, C of three: two customers of three."""
    bought = {"customer_id": [*"ABACBCC"], "product_family": [*"xxyxxyz"], "amount_net": 10.0}
    days = pd.date_range("2026-01-05", periods=7)
    data = kh.load({"orders": pd.DataFrame({**bought, "order_id": range(7), "order_date": days})})
    year = data.config.calendar.parse("2026Q1")
    rows = traced(data, "cross_sell_rate", year).sort_values("line")
    assert rows["above"].tolist() == [1, 0, 0, 1, 0, 0, 0]
    assert rows["below"].tolist() == [1, 1, 0, 1, 0, 0, 0]
    (found,) = kh.measure(data, "cross_sell_rate", "2026Q1").itertuples()
    assert (found.numerator, found.denominator) == (2, 3)
