"""The targets that hold for a figure, and what is said of it beside them."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers.errors import UnknownName

COLUMNS = ["metric", "period_start", "period_end", "scope_type", "scope_value", "value"]
QUARTER = ("2026-04-01", "2026-06-30")


def targets(*rows: tuple[Any, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS)


def company_target(metric: str, value: float) -> pd.DataFrame:
    return targets((metric, *QUARTER, "company", None, value))


def orders(**by_day: float) -> pd.DataFrame:
    """One order a day named as ``d20260405``."""
    days = [pd.Timestamp(name[1:]) for name in by_day]
    frame = pd.DataFrame({"order_date": days, "amount_net": list(by_day.values())})
    return frame.assign(order_id=[str(place) for place in range(len(frame))])


def deals(won: int, lost: int) -> pd.DataFrame:
    """Deals decided from the first to the last day of the quarter."""
    days = [pd.Timestamp(QUARTER[0]), *[pd.Timestamp(QUARTER[1])] * (won + lost - 1)]
    frame = pd.DataFrame({"status": ["won"] * won + ["lost"] * lost, "closed_at": days})
    ids = [str(place) for place in range(len(frame))]
    return frame.assign(created_at=pd.Timestamp("2026-03-01"), deal_id=ids, amount=100.0)


def beside(kpi: str, tables: dict[str, Any], as_of: str = "2026-06-30", **asked: Any) -> Any:
    found = kh.compare(kh.load(tables, as_of=as_of), kpi, asked.pop("period", "2026Q2"), **asked)
    (row,) = found.itertuples(index=False)
    return row


@pytest.fixture(scope="module")
def teams() -> Any:
    sold = orders(d20260401=900.0, d20260630=300.0, d20260615=50.0)
    held = targets(
        ("revenue", *QUARTER, "company", None, 1300.0),
        ("revenue", *QUARTER, "rep", "Ann", 800.0),
        ("revenue", *QUARTER, "team", "South", 400.0),
    )
    reps = pd.DataFrame({"owner": ["Ann", "Bob", "Gus"], "team": ["North", "South", "South"]})
    tables = {"orders": sold.assign(owner=["Ann", "Bob", "Gus"]), "reps": reps, "targets": held}
    return kh.load(tables, as_of="2026-06-30")


@pytest.mark.parametrize(("target", "verdict"), [(1300.0, "missed"), (1200.0, "met"), (1.0, "met")])
def test_totals_meet_or_miss_their_target_for_certain(target: float, verdict: str) -> None:
    tables = {"orders": orders(d20260401=900.0, d20260630=300.0)}
    row = beside("revenue", tables | {"targets": company_target("revenue", target)})
    assert (row.value, row.target) == (1200.0, target)
    assert (row.target_verdict, row.certainty) == (verdict, "exact")
    assert np.isnan(row.more_needed)


def test_counts_of_the_past_do_too() -> None:
    held = company_target("deals_won_count", 21.0)
    row = beside("deals_won_count", {"deals": deals(20, 20), "targets": held})
    assert (row.value, row.target_verdict, row.certainty) == (20, "missed", "exact")
    assert row.low < row.target < row.high
    assert np.isnan(row.more_needed)


def test_spending_less_than_planned_is_met() -> None:
    spend = pd.DataFrame({"date": QUARTER, "amount": 100.0, "channel": "web", "cost_type": "media"})
    held = company_target("media_spend", 250.0)
    row = beside("media_spend", {"spend": spend, "targets": held})
    assert (row.value, row.target_verdict, row.certainty) == (200.0, "met", "exact")


def test_w2_twelve_of_forty_is_met_but_may_be_chance() -> None:
    held = company_target("win_rate_count", 0.25)
    row = beside("win_rate_count", {"deals": deals(12, 28), "targets": held})
    assert (row.value, row.n, row.target) == (0.3, 40, 0.25)
    assert (row.target_verdict, row.certainty) == ("met", "not_established")
    assert row.more_needed > 40


@pytest.mark.parametrize(("won", "verdict"), [(20, "met"), (3, "missed")])
def test_a_rate_whose_range_excludes_its_target(won: int, verdict: str) -> None:
    held = company_target("win_rate_count", 0.25)
    row = beside("win_rate_count", {"deals": deals(won, 40 - won), "targets": held})
    assert (row.target_verdict, row.certainty) == (verdict, "established")
    assert np.isnan(row.more_needed)


def test_targets_of_reps(teams: Any) -> None:
    found = kh.compare(teams, "revenue", "2026Q2", by="owner").set_index("owner")
    assert found.loc["Ann", ["target", "target_verdict"]].tolist() == [800.0, "met"]
    assert found["target"].isna().tolist() == [False, True, True]
    assert found.loc["Bob", "target_verdict"] == "none"


def test_targets_of_teams(teams: Any) -> None:
    found = kh.compare(teams, "revenue", "2026Q2", by="team").set_index("team")
    assert found.loc["South", ["value", "target", "target_verdict"]].tolist() == [
        350.0,
        400.0,
        "missed",
    ]
    assert np.isnan(found.loc["North", "target"])


def test_a_target_is_set_for_one_dimension_at_most(teams: Any) -> None:
    assert kh.compare(teams, "revenue", "2026Q2", by=["owner", "team"])["target"].isna().all()


def test_a_target_of_everything_is_none_of_filtered_rows(teams: Any) -> None:
    found = kh.compare(teams, "revenue", "2026Q2", where={"owner": "Ann"})
    assert found["target"].isna().all()
    assert found["target_verdict"].tolist() == ["none"]


def test_a_target_by_definition_holds_for_filtered_rows_too(teams: Any) -> None:
    found = kh.compare(teams, "revenue_attainment", "2026Q2", where={"owner": "Ann"})
    assert found[["value", "target", "target_verdict"]].to_numpy().tolist() == [[1.125, 1.0, "met"]]


def months(metric: str, *values: float, first: str = QUARTER[0]) -> list[tuple[Any, ...]]:
    starts = pd.date_range(first, periods=len(values), freq="MS")
    return [
        (metric, start, start + pd.offsets.MonthEnd(), "company", None, value)
        for start, value in zip(starts, values, strict=True)
    ]


def target_of(kpi: str, *rows: tuple[Any, ...], period: str = "2026Q2") -> float:
    tables = {"deals": deals(9, 9), "targets": targets(*rows)}
    return float(beside(kpi, tables, period=period).target)


@pytest.mark.parametrize(
    ("kpi", "expected"),
    [
        ("bookings", 60.0),
        ("deals_won_count", 60.0),
        ("new_customers_won", 60.0),
        ("open_pipeline_value", 30.0),
        ("win_rate_count", (10 * 30 + 20 * 31 + 30 * 30) / 91),
        ("avg_deal_value", (10 * 30 + 20 * 31 + 30 * 30) / 91),
    ],
)
def test_targets_of_months_make_that_of_the_quarter(kpi: str, expected: float) -> None:
    assert target_of(kpi, *months(kpi, 10, 20, 30)) == pytest.approx(expected)


def test_months_and_their_quarter_are_not_added_up() -> None:
    quarter = ("bookings", *QUARTER, "company", None, 70.0)
    assert target_of("bookings", *months("bookings", 10, 20, 30), quarter) == 70
    assert target_of("bookings", *months("bookings", 10, 20, 30), quarter, period="2026-06") == 30


def test_a_target_that_leaves_a_month_open_is_none() -> None:
    assert np.isnan(target_of("bookings", *months("bookings", 10, 20)))


def test_a_quota_of_other_days_is_held_on_these_only() -> None:
    # The quarter sold 1,200, of which 900 on its last day: the quota ended the day before.
    sold = orders(d20260330=1.0, d20260401=300.0, d20260630=900.0)
    quota = targets(("revenue", "2026-03-30", "2026-06-29", "company", None, 1000.0))
    tables = {"orders": sold, "targets": quota}
    assert np.isnan(beside("revenue", tables).target)
    attained = beside("revenue_attainment", tables)
    assert (attained.value, attained.target_verdict) == (0.301, "missed")


@pytest.mark.parametrize("as_of", ["2026-06-10", "2026-06-20"])
def test_the_year_to_date_within_a_month_has_no_target(as_of: str) -> None:
    sold = orders(d20260101=500.0, d20260401=500.0, d20260610=400.0, d20260620=400.0)
    rows = [
        row
        for part in ("2026-01-01", "2026-04-01")
        for row in months("revenue", 9, 9, 9, first=part)
    ]
    tables = {"orders": sold, "targets": targets(*rows)}
    assert np.isnan(beside("revenue", tables, as_of=as_of, period="ytd").target)
    assert beside("revenue", tables, as_of="2026-06-30", period="ytd").target == 54


def test_a_running_attainment_is_not_set_beside_the_first_months_of_before() -> None:
    sold = orders(d20260101=500.0, d20260210=500.0, d20260401=500.0, d20260510=400.0)
    rows = [
        row for part in ("2026-01-01", QUARTER[0]) for row in months("revenue", 9, 9, 9, first=part)
    ]
    row = beside("revenue_attainment", {"orders": sold, "targets": targets(*rows)}, "2026-05-10")
    assert row.value == 900 / 27
    assert np.isnan([row.reference, row.change]).all()
    assert row.change_verdict == "no_reference"


@pytest.mark.parametrize(
    ("target", "verdict", "certainty"),
    [(1000.0, "none", "not_established"), (900.0, "met", "exact")],
)
def test_a_running_total_is_judged_once_it_has_reached_its_target(
    target: float, verdict: str, certainty: str
) -> None:
    sold = orders(d20260101=500.0, d20260120=400.0, d20260401=500.0, d20260420=400.0)
    tables = {"orders": sold, "targets": company_target("revenue", target)}
    row = beside("revenue", tables, as_of="2026-04-20")
    assert (row.value, row.target, row.reference) == (900.0, target, 900.0)
    assert (row.target_verdict, row.certainty) == (verdict, certainty)


def test_a_running_budget_is_judged_once_it_is_overspent() -> None:
    days = ["2026-04-01", "2026-04-20"]
    spend = pd.DataFrame({"date": days, "amount": 100.0, "channel": "web", "cost_type": "media"})
    for budget, verdict in ((250.0, "none"), (150.0, "missed")):
        tables = {"spend": spend, "targets": company_target("media_spend", budget)}
        row = beside("media_spend", tables, as_of="2026-04-20")
        assert (row.value, row.target, row.target_verdict) == (200.0, budget, verdict)


def test_a_total_that_the_data_cover_in_part_is_not_judged() -> None:
    sold = orders(d20260401=900.0, d20260402=100.0)
    tables = {"orders": sold, "targets": company_target("revenue", 1200.0)}
    row = beside("revenue", tables, as_of="2026-06-30")
    assert (row.value, row.status, row.target_verdict) == (1000.0, "indicative", "none")


def asked(tables: dict[str, Any], kpi: str, period: str, as_of: str, **more: Any) -> pd.DataFrame:
    data = kh.load(tables, {"language": "en"}, as_of=as_of)
    return kh.measure(data, kpi, period, **more)


@pytest.fixture(scope="module")
def reps() -> dict[str, Any]:
    """Two reps who sold, and a target for a third whom nobody knows."""
    sold = orders(d20260401=100.0, d20260630=300.0).assign(owner=["Ann", "Bob"])
    held = [("revenue", *QUARTER, "rep", name, 200.0) for name in ("Ann", "Bob", "Nobody")]
    staff = pd.DataFrame({"owner": ["Ann", "Bob"], "team": ["Équipe A", "Équipe B"]})
    return {"orders": sold, "reps": staff, "targets": targets(*held)}


@pytest.mark.parametrize(
    ("kpi", "period", "reason"),
    [
        ("bookings_target", "2026Q2", "No bookings target for this period"),
        ("bookings_target", "all", "No bookings target for this period"),
        ("revenue_attainment", "2026Q1", "No “Revenue” target for this period"),
        ("revenue_attainment", "2026Q2", None),
    ],
)
def test_no_target_is_not_a_target_of_zero(kpi: str, period: str, reason: str | None) -> None:
    sold = orders(d20260101=900.0, d20260630=300.0)
    tables = {"deals": deals(9, 9), "orders": sold, "targets": company_target("revenue", 400.0)}
    (row,) = asked(tables, kpi, period, "2026-06-30").itertuples()
    if reason is None:
        assert (row.value, row.status) == (0.75, "ok")
        return
    assert np.isnan(row.value)
    assert row.status == "missing"
    assert reason in row.note


@pytest.mark.parametrize("period", ["2026Q2", "ytd", "all", "2026"])
def test_months_and_their_quarter_are_achieved_once(period: str) -> None:
    sold = orders(d20260101=1.0, d20260401=100.0, d20260510=100.0, d20260630=100.0)
    rows = [*months("revenue", 100, 100, 100), ("revenue", *QUARTER, "company", None, 300.0)]
    tables = {"orders": sold, "targets": targets(*rows)}
    (row,) = asked(tables, "revenue_attainment", period, "2026-06-30").itertuples()
    assert (row.numerator, row.denominator, row.n) == (300.0, 300.0, 1)


def test_a_quarter_and_the_months_of_another_are_both_held() -> None:
    rows = [*months("revenue", 100, 100, 100, first="2026-01-01")]
    rows.append(("revenue", *QUARTER, "company", None, 300.0))
    sold = orders(d20260101=300.0, d20260630=300.0)
    tables = {"orders": sold, "targets": targets(*rows)}
    row = beside("revenue", tables, period="2026-01-01:2026-06-30")
    found = asked(tables, "revenue_attainment", "2026-01-01:2026-06-30", "2026-06-30")
    assert (row.target, found["denominator"].item()) == (600.0, 600.0)


def test_a_target_of_a_name_without_rows_is_said(reps: dict[str, Any]) -> None:
    each = asked(reps, "revenue_attainment", "2026Q2", "2026-06-30", by="owner").set_index("owner")
    assert each["value"].fillna(-1).to_dict() == {"Ann": 0.5, "Bob": 1.5, "Nobody": -1}
    assert each["status"].to_dict() == {"Ann": "ok", "Bob": "ok", "Nobody": "missing"}
    assert "No row bears the name" in each.loc["Nobody", "note"]
    (whole,) = asked(reps, "revenue_attainment", "2026Q2", "2026-06-30").itertuples()
    assert (whole.value, whole.n) == (400 / 600, 3)
    assert "a name that no row bears: 1 of 3" in whole.note


def test_a_rep_of_the_staff_who_sold_nothing_has_attained_nothing(reps: dict[str, Any]) -> None:
    staff = pd.DataFrame({"owner": ["Ann", "Bob", "Nobody"], "team": "Équipe A"})
    found = asked(reps | {"reps": staff}, "revenue_attainment", "2026Q2", "2026-06-30", by="owner")
    assert found["value"].tolist() == [0.5, 1.5, 0.0]
    assert found["note"].tolist() == ["", "", ""]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("period", "as_of", "held", "said"),
    [
        ("ytd", "2026-06-20", 200.0, "left out: 1."),
        ("ytd", "2026-06-10", 200.0, "left out: 1."),
        ("2026-01-01:2026-06-20", "2026-06-20", 200.0, "left out: 1."),
        ("all", "2026-06-20", 300.0, "1 of 3, counted whole."),
        ("all", "2026-06-10", 200.0, "left out: 1."),
        ("2026Q2", "2026-06-20", 300.0, "Period still running: 81 of 91 days."),
        ("ytd", "2026-06-30", 300.0, ""),
    ],
)
def test_targets_that_still_run_are_left_out_or_said(
    period: str, as_of: str, held: float, said: str
) -> None:
    sold = orders(d20260101=1.0, d20260401=100.0, d20260510=100.0, d20260610=50.0, d20260620=9.0)
    tables = {"orders": sold, "targets": targets(*months("revenue", 100, 100, 100))}
    (row,) = asked(tables, "revenue_attainment", period, as_of).itertuples()
    assert row.denominator == held
    assert row.note.endswith(said) if said else row.note == ""
    data = kh.load(tables, as_of=as_of)
    assert kh.rows(data, "revenue_attainment", period)["part_b"].sum() == held


def test_the_months_stand_in_for_their_quarter_while_it_runs() -> None:
    sold = orders(d20260101=1.0, d20260401=100.0, d20260510=100.0, d20260620=9.0)
    rows = [*months("revenue", 100, 100, 100), ("revenue", *QUARTER, "company", None, 300.0)]
    tables = {"orders": sold, "targets": targets(*rows)}
    (row,) = asked(tables, "revenue_attainment", "ytd", "2026-06-20").itertuples()
    assert (row.numerator, row.denominator) == (200.0, 200.0)
    assert "left out: 2." in row.note


def test_a_company_target_is_none_of_those_that_a_filter_leaves() -> None:
    tables = {"orders": orders(d20260101=1.0), "targets": targets(*months("revenue", 100))}
    data = kh.load(tables, {"language": "en"})
    (row,) = kh.measure(data, "revenue_attainment", "2026Q1", where="owner == 'Ann'").itertuples()
    assert row.note.startswith("No target is set for each owner")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("revenue", *QUARTER, "compny", None, 1.0), ["compny", "Did you mean company?"]),
        (("revenue", *QUARTER, "galaxy", None, 1.0), ["galaxy", "company, rep, team, product"]),
        (("revenu", *QUARTER, "company", None, 1.0), ["revenu.", "Did you mean revenue"]),
        (("revenue", *QUARTER, "company", None, None), ["No target can be used", "a value"]),
        (("revenue", *QUARTER[::-1], "company", None, 1.0), ["No target can be used", "dates"]),
    ],
)
@pytest.mark.parametrize("by", [(), "owner"])
def test_why_no_target_can_be_used(row: tuple[Any, ...], said: list[str], by: str) -> None:
    sold = orders(d20260401=900.0, d20260630=300.0).assign(owner="Ann")
    tables = {"orders": sold, "targets": targets(row)}
    (found,) = asked(tables, "revenue_attainment", "2026Q2", "2026-06-30", by=by).itertuples()
    assert found.status == "missing"
    assert all(part in found.note for part in said)
    assert "achievements" not in found.note


def test_targets_without_the_table_of_their_metric_name_it() -> None:
    held = {"targets": company_target("revenue", 1.0)}
    (row,) = asked(held, "revenue_attainment", "2026Q2", "2026-06-30").itertuples()
    assert row.note == "This source lacks orders: revenue_attainment cannot be computed."


@pytest.mark.parametrize(
    ("where", "meant"),
    [({"team": "Equipe A"}, "Équipe A"), ({"owner": "Bobb"}, "Bob"), ("owner == 'Anne'", "Ann")],
)
def test_a_filter_of_targets_gives_the_nearest_names(
    reps: dict[str, Any], where: Any, meant: str
) -> None:
    with pytest.raises(UnknownName, match=f"Did you mean {meant}"):
        asked(reps, "revenue_attainment", "2026Q2", "2026-06-30", where=where)


def test_a_filter_for_a_name_without_rows_is_refused(reps: dict[str, Any]) -> None:
    with pytest.raises(UnknownName, match="Nobody"):
        asked(reps, "revenue_attainment", "2026Q2", "2026-06-30", where={"owner": "Nobody"})


@pytest.mark.parametrize(("second", "held"), [(1300.0, 1300.0), (1400.0, None)])
def test_a_target_written_twice_is_set_once(second: float, held: float | None) -> None:
    sold = orders(d20260401=900.0, d20260630=300.0)
    rows = [("revenue", *QUARTER, "company", None, value) for value in (1300.0, second)]
    tables = {"orders": sold, "targets": targets(*rows)}
    told = beside("revenue", tables, to="target").target
    assert (None if pd.isna(told) else told) == held
    (found,) = kh.measure(kh.load(tables), "revenue_attainment", "2026Q2").to_dict("records")
    assert found["denominator"] == (1300.0 if held else 2700.0)
    checks = kh.quality(kh.load(tables)).query("table == 'targets'")["check"].tolist()
    assert checks == (["duplicate_key"] if held else ["overlapping_target"])
