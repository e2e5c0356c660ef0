"""Figures beside a reference and their targets: which reference, which target, and what is said."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers import intervals, survival
from kpi_helpers.compare import ADDED, everything_but
from kpi_helpers.errors import BadInput, UnknownName
from kpi_helpers.measure import measured
from kpi_helpers.sources import Dataset

AS_OF = "2026-06-30"


def deals(day: str, won: int, lost: int, owner: str | None = "Ann", amount: float = 100.0) -> Any:
    """Deals decided on a day, created ten days before."""
    closed = pd.Timestamp(day)
    return pd.DataFrame(
        {"status": ["won"] * won + ["lost"] * lost, "owner": owner, "amount": amount}
        | {"created_at": closed - pd.Timedelta(10, "D"), "closed_at": closed}
    )


def orders(day: str, amounts: list[float], owner: str = "Ann") -> pd.DataFrame:
    return pd.DataFrame({"order_date": pd.Timestamp(day), "amount_net": amounts, "owner": owner})


def numbered(frames: list[pd.DataFrame], key: str) -> pd.DataFrame:
    frame = pd.concat(frames, ignore_index=True)
    return frame.assign(**{key: [str(place) for place in range(len(frame))]})


QUARTER_ENDS = [(1, "2026-03-31"), (4, "2026-06-30")]
QUARTERS = [("2025-06-30", 12, 28), ("2025-12-31", 15, 25), ("2026-03-31", 12, 28)]


@pytest.fixture(scope="module")
def company() -> Any:
    """Deals since 2025-04, of which 20 of 40 were won in the last quarter and 12 of 40 before."""
    decided = [deals(day, won, lost) for day, won, lost in QUARTERS]
    decided += [deals("2025-05-02", 1, 0, "Gus"), deals("2026-03-02", 6, 9, None)]
    decided += [
        deals("2026-05-05", 14, 20),
        deals("2026-06-30", 6, 0, None),
        deals(AS_OF, 0, 5, "Bob"),
    ]
    sold = [orders(day, [100.0] * 10) for day in ("2025-04-01", "2025-06-30", "2026-03-31")]
    sold += [orders("2026-04-02", [100.0] * 9), orders(AS_OF, [300.0], "Bob")]
    tables = {"deals": numbered(decided, "deal_id"), "orders": numbered(sold, "order_id")}
    return kh.load(tables, {"as_of": AS_OF})


def only(frame: pd.DataFrame) -> Any:
    (row,) = frame.itertuples(index=False)
    return row


# The reference


def test_the_columns_are_the_tidy_ones_and_those_added(company: Any) -> None:
    measured = kh.measure(company, ["revenue", "win_rate_count"], "2026Q2", by="owner")
    found = kh.compare(company, ["revenue", "win_rate_count"], "2026Q2", by="owner")
    assert list(found) == [*measured, *ADDED]


@pytest.mark.parametrize(("to", "then"), [("previous", "2026Q1"), ("year_ago", "2025Q2")])
def test_the_reference_is_what_measure_says_of_that_period(
    company: Any, to: str, then: str
) -> None:
    kpis = ["revenue", "win_rate_count", "deals_won_count", "open_pipeline_value", "avg_deal_value"]
    found = kh.compare(company, kpis, "2026Q2", to=to)
    now, before = (kh.measure(company, kpis, period) for period in ("2026Q2", then))
    pd.testing.assert_frame_equal(found[list(now)], now)
    assert found["reference_period"].tolist() == [then] * len(kpis)
    for column in ("low", "high", "n"):
        assert found[f"reference_{column}"].to_numpy() == pytest.approx(before[column], nan_ok=True)
    assert found["reference"].tolist() == before["value"].tolist()
    assert found["change"].tolist() == pytest.approx(now["value"] - before["value"])
    assert found["change_relative"].dropna().tolist() == pytest.approx(
        (now["value"] / before["value"] - 1)[found["change_relative"].notna()]
    )


def test_a_stock_beside_a_year_ago_is_not_added_to_it() -> None:
    left_open = numbered([deals("2025-01-10", 1, 0), deals("2026-06-05", 1, 0)], "deal_id")
    left_open[["status", "closed_at"]] = "open", None
    row = only(
        kh.compare(kh.load(left_open, as_of=AS_OF), "open_pipeline_value", "2026Q2", "year_ago")
    )
    assert (row.reference, row.value, row.change) == (100.0, 200.0, 100.0)
    assert (row.change_verdict, row.certainty) == ("better", "exact")


def test_a_running_period_stands_beside_as_many_days(company: Any) -> None:
    running = kh.load({"deals": company["deals"]}, {"as_of": "2026-05-05"})
    row = only(kh.compare(running, "deals_won_count", "2026Q2"))
    until = only(kh.measure(running, "deals_won_count", "2026-01-01:2026-02-04"))
    assert row.reference_period == "2026Q1"
    assert row.reference == until.value == 0
    assert row.value == 14


def test_without_a_reference_only_the_figure_is_told(company: Any) -> None:
    for found in (
        kh.compare(company, "win_rate_count", "all"),
        kh.compare(company, "win_rate_count", "2026Q1", to="target"),
        kh.compare(company, "win_rate_count", "2025Q2"),  # the history starts in it
    ):
        row = only(found)
        assert row.value > 0
        assert np.isnan([row.reference, row.change, row.p_value, row.p_adjusted]).all()
        assert row.change_verdict == "no_reference"


def test_a_reference_that_the_history_begins_in_is_none(company: Any) -> None:
    late = company["deals"].query("created_at >= '2026-02-10'")
    row = only(kh.compare(kh.load(late, as_of=AS_OF), "deals_won_count", "2026Q2"))
    assert np.isnan([row.reference, row.reference_n, row.change, row.p_value]).all()
    assert row.change_verdict == "no_reference"


def test_a_period_that_the_data_end_in_is_not_compared(company: Any) -> None:
    data = kh.load({"deals": company["deals"], "orders": company["orders"]}, as_of="2026-09-30")
    row = only(kh.compare(data, "revenue", "2026Q3"))
    assert row.change_verdict == "no_reference"


def test_a_period_that_is_still_to_come_says_nothing(company: Any) -> None:
    found = kh.compare(company, ["revenue", "win_rate_count"], "2027Q1")
    assert found["certainty"].tolist() == ["missing"] * 2
    assert (
        found[["target_verdict", "change_verdict"]].to_numpy().tolist()
        == [["none", "no_reference"]] * 2
    )


def test_a_filter_as_reference(company: Any) -> None:
    for to in ({"owner": "Bob"}, "owner == 'Bob'"):
        row = only(kh.compare(company, "revenue", "2026Q2", to=to, where={"owner": "Ann"}))
        assert (row.value, row.reference, row.reference_period) == (900.0, 300.0, "2026Q2")


def test_a_segment_as_reference(company: Any) -> None:
    config = {"as_of": AS_OF, "segments": {"young": "owner == 'Bob'"}}
    data = kh.load({"orders": company["orders"]}, config)
    assert only(kh.compare(data, "revenue", "2026Q2", to="young")).reference == 300.0


def test_a_mistyped_reference_is_refused(company: Any) -> None:
    with pytest.raises(UnknownName, match="Did you mean previous"):
        kh.compare(company, "revenue", "2026Q2", to="previuos")


def test_blank_groups_stand_beside_blank_ones(company: Any) -> None:
    found = kh.compare(company, "win_rate_count", "2026Q2", by="owner").set_index("owner")
    assert list(found.index.isna()) == [False, False, True]
    blank = found[found.index.isna()].iloc[0]
    assert (blank["value"], blank["reference"]) == (1.0, 6 / 15)


def test_what_vanished_and_what_is_new_have_changed_too(company: Any) -> None:
    found = kh.compare(company, "deals_won_count", "2026Q2", "year_ago", by="owner")
    counts = found.set_index("owner")[["value", "reference"]]
    assert counts.loc["Gus"].tolist() == [0, 1]
    assert counts[counts.index.isna()].iloc[0].tolist() == [6, 0]
    rates = kh.compare(company, "win_rate_count", "2026Q2", "year_ago", by="owner")
    gone = rates.set_index("owner").loc["Gus"]
    assert (gone["certainty"], gone["change_verdict"]) == ("missing", "no_reference")


def test_too_few_cases_on_either_side_are_no_comparison() -> None:
    few = numbered(
        [deals("2025-10-05", 9, 9), deals("2026-01-05", 2, 2), deals(AS_OF, 9, 9)], "deal_id"
    )
    data = kh.load(few, as_of=AS_OF)
    now, before = (only(kh.compare(data, "win_rate_count", p)) for p in ("2026Q2", "2026Q1"))
    assert (now.change_verdict, now.certainty) == ("no_reference", "not_established")
    assert (before.change_verdict, before.certainty) == ("no_reference", "insufficient")


def test_nothing_that_is_given_is_changed(company: Any) -> None:
    given = {name: company[name] for name in ("deals", "orders")}
    before = {name: frame.copy(deep=True) for name, frame in given.items()}
    data = kh.load(given, {"as_of": AS_OF})
    kpis, dims, where = ["revenue", "win_rate_count"], ["owner"], {"owner": "Ann"}
    first = kh.compare(data, kpis, "2026Q2", to={"owner": "Bob"}, by=dims, where=where)
    again = kh.compare(data, kpis, "2026Q2", to={"owner": "Bob"}, by=dims, where=where)
    pd.testing.assert_frame_equal(first, again)
    for name, frame in given.items():
        pd.testing.assert_frame_equal(frame, before[name])
    assert (kpis, dims, where) == (["revenue", "win_rate_count"], ["owner"], {"owner": "Ann"})


# Changes


def test_w2_twenty_of_forty_after_twelve_of_forty_is_not_established() -> None:
    both = numbered([deals("2026-01-05", 12, 28), deals(AS_OF, 20, 20)], "deal_id")
    data = kh.load(both.assign(created_at="2025-12-20"), as_of=AS_OF)
    row = only(kh.compare(data, "win_rate_count", "2026Q2"))
    assert row.change == pytest.approx(0.2)
    assert [row.change_low, row.change_high] == pytest.approx(intervals.newcombe(20, 40, 12, 40))
    # Alone in its family it would pass at 10 %, but its range holds no change.
    assert row.p_adjusted == row.p_value == pytest.approx(0.067889, abs=1e-6)
    assert (row.change_verdict, row.certainty) == ("none_shown", "not_established")


def test_the_more_is_asked_the_more_a_change_must_show() -> None:
    more = numbered(
        [deals("2026-01-05", 30, 70, o) for o in "ABCDEFGH"]
        + [deals(AS_OF, 46 if o == "A" else 30, 54 if o == "A" else 70, o) for o in "ABCDEFGH"],
        "deal_id",
    ).assign(created_at="2025-12-20")
    data = kh.load(more, as_of=AS_OF)
    alone = only(kh.compare(data, "win_rate_count", "2026Q2", where={"owner": "A"}))
    among = kh.compare(data, "win_rate_count", "2026Q2", by="owner").iloc[0]
    assert alone.p_value == pytest.approx(among["p_value"])
    assert among["p_adjusted"] == pytest.approx(8 * alone.p_value)
    assert (alone.change_verdict, among["change_verdict"]) == ("better", "none_shown")


def test_cohorts_that_are_too_young_are_neither_better_nor_worse() -> None:
    rows = [("2026-01-02", 100, 30), ("2026-04-02", 100, 25), ("2026-06-20", 60, 2)]
    days = [pd.Timestamp(day) for day, leads, _ in rows for _ in range(leads)]
    won = [n < k for _, leads, k in rows for n in range(leads)]
    converted = [
        day + pd.Timedelta(9, "D") if w else None for day, w in zip(days, won, strict=True)
    ]
    leads = pd.DataFrame({"created_at": days, "converted_at": converted, "source": "web"})
    leads["lead_id"] = leads.index.astype(str)
    config = {"windows": {"lead_to_customer_rate": 30}, "as_of": AS_OF}
    kpis = ["lead_to_customer_rate", "leads_generated"]
    data = kh.load({"leads": leads}, config)
    row = kh.compare(data, kpis, "2026-06").iloc[0]
    assert (row["change_verdict"], row["certainty"]) == ("no_reference", "immature")
    last = kh.last_readable(data, kpis, "2026-06")
    assert last[["kpi", "period", "value", "n"]].to_numpy().tolist() == [
        ["lead_to_customer_rate", "2026-04", 0.25, 100]
    ]
    assert kh.last_readable(data, kpis, "2026-04").empty
    by_source = kh.last_readable(data, kpis, "2026-06", by="source")
    assert by_source[["source", "period"]].to_numpy().tolist() == [["web", "2026-04"]]
    assert kh.last_readable(data, kpis, "all").empty
    assert list(last) == list(kh.measure(data, kpis, "2026-06"))


# Durations


def cycles(rng: np.random.Generator, first: str, count: int) -> pd.DataFrame:
    created = pd.Timestamp(first) + pd.to_timedelta(rng.integers(0, 85, count), "D")
    closed = created + pd.to_timedelta(np.ceil(60 * np.exp(0.75 * rng.normal(size=count))), "D")
    seen = closed <= pd.Timestamp(AS_OF)
    status = np.where(seen, rng.choice(["won", "lost"], count, p=[0.6, 0.4]), "open")
    return pd.DataFrame({"created_at": created, "closed_at": closed.where(seen), "status": status})


def until(frame: pd.DataFrame, horizon: float | None = None) -> tuple[float, float]:
    """Median time to win, straight from the rows."""
    age = (frame["closed_at"].fillna(pd.Timestamp(AS_OF)) - frame["created_at"]).dt.days
    time = np.sort(age.unique()).astype(float)
    counts = [
        np.array([(age[frame["status"] == status] == t).sum() for t in time], dtype=float)
        for status in ("won", "lost", "open")
    ]
    value, reached = survival.conditional_median(time, *counts, horizon)
    return float(value), float(reached)


def test_cycles_are_compared_at_the_horizon_of_the_younger_side() -> None:
    rng = np.random.default_rng(3)
    old, young = cycles(rng, "2025-07-01", 300), cycles(rng, "2026-04-01", 300)
    side = np.repeat(["old", "young"], 300)
    data = kh.load(numbered([old, young], "deal_id").assign(side=side), as_of=AS_OF)
    (value, horizon), (own, longer) = until(young), until(old)
    at_same = until(old, horizon)[0]
    assert longer > horizon
    assert at_same < own

    def beside(one: str, other: str) -> Any:
        kpi, to, where = "sales_cycle_duration", {"side": other}, {"side": one}
        return only(kh.compare(data, kpi, "all", to=to, where=where))

    now, back = beside("young", "old"), beside("old", "young")
    assert (now.value, now.reference, now.change) == (value, at_same, value - at_same)
    assert (back.value, back.reference) == (at_same, value)
    assert back.low <= back.value <= back.high
    for note in (now.note, back.note):
        assert f"{horizon:.0f}" in note
        assert f"{longer:.0f}" not in note


def test_cycles_with_too_few_wins_by_then_are_not_compared() -> None:
    slow = pd.DataFrame({"created_at": ["2025-07-01"] * 50, "closed_at": "2025-09-01"})
    quick = pd.DataFrame({"created_at": ["2026-06-05"] * 10, "closed_at": "2026-06-10"})
    young = pd.DataFrame({"created_at": ["2026-06-05"] * 20, "closed_at": None, "status": "open"})
    sides = [slow.assign(status="won", side="old"), quick.assign(status="won"), young]
    tables = numbered(sides, "deal_id").fillna({"side": "young"})
    data = kh.load(tables, as_of=AS_OF)
    row = only(
        kh.compare(data, "sales_cycle_duration", "all", {"side": "young"}, where={"side": "old"})
    )
    assert row.value == 62
    assert np.isnan([row.reference, row.change]).all()
    assert row.change_verdict == "no_reference"


def test_attainment_changes_no_more_surely_than_the_revenue_behind_it() -> None:
    sold = [orders("2026-01-01", [100.0] * 9), orders("2026-03-31", [900.0])]
    sold += [orders("2026-04-01", [100.0] * 9), orders(AS_OF, [100.0])]
    held = [("revenue", f"2026-{m:02}-01", e, "company", None, 500.0) for m, e in QUARTER_ENDS]
    columns = ["metric", "period_start", "period_end", "scope_type", "scope_value", "value"]
    tables = {"orders": numbered(sold, "order_id"), "targets": pd.DataFrame(held, columns=columns)}
    found = kh.compare(kh.load(tables, as_of=AS_OF), ["revenue", "revenue_attainment"], "2026Q2")
    assert found["change"].tolist() == pytest.approx([-800, -1.6])
    assert found["change_low"].iloc[1] == pytest.approx(found["change_low"].iloc[0] / 500)
    half = 1.96 * np.sqrt(19 * 100**2 + 900**2)
    assert found["change_high"].iloc[0] == pytest.approx(-800 + half, rel=1e-4)
    assert found["change_verdict"].tolist() == ["none_shown", "none_shown"]
    assert found["target_verdict"].tolist() == ["met", "met"]


# --- groups beside all the others -----------------------------------------------------------------


def test_each_group_stands_beside_the_rows_that_are_not_its_own() -> None:
    names, where = ["O'Neil", '"B"', None], "amount >= 0"
    deals = pd.DataFrame(
        {
            "deal_id": range(240),
            "owner": [name for name in names for _ in range(80)],
            "created_at": "2026-01-05",
            "closed_at": "2026-02-01",
            "status": ["won"] * 60 + ["lost"] * 20 + ["won", "lost"] * 40 + ["lost"] * 80,
            "amount": 10.0,
        }
    )
    data = kh.load(deals)
    kpis = ["win_rate_count", "deals_won_count"]
    frame = kh.compare(data, kpis, "all", "others", "owner", where)
    rate = frame[frame["kpi"] == "win_rate_count"].set_index(frame["owner"].iloc[:3].fillna("–"))
    assert rate["reference"].to_dict() == {"O'Neil": 40 / 160, '"B"': 60 / 160, "–": 100 / 160}
    assert rate["change_verdict"].to_dict() == {
        "O'Neil": "better",
        '"B"': "none_shown",
        "–": "worse",
    }
    assert frame.loc[frame["kpi"] == "deals_won_count", "reference"].isna().all()


def test_the_others_are_those_of_one_dimension(company: Any) -> None:
    regions = pd.DataFrame({"owner": ["Ann"], "region": ["North"]})
    both = company.add(regions, on="owner", to="deals")
    for by in ([], ["owner", "region"]):
        with pytest.raises(BadInput, match="one dimension"):
            kh.compare(both, "win_rate_count", "2026Q2", "others", by)
    with pytest.raises(BadInput, match="a filter"):
        kh.compare(company, "win_rate_count", "2026Q2", "others", "owner", {"owner": "Ann"})


@pytest.mark.parametrize(
    ("by", "asked"),
    [
        ("team", ["win_rate_count", "sales_cycle_duration", "lead_to_customer_rate"]),
        ("team", ["customer_retention_rate", "open_pipeline_value", "stalled_share"]),
        ("product_family", ["customer_retention_rate", "repurchase_rate", "aov"]),  # several each
    ],
)
def test_the_others_are_what_is_measured_without_the_group(
    sample: Dataset, by: str, asked: list[str]
) -> None:
    """Of each way of asking a KPI, whether its sums tell those of the others or not."""
    period = sample.config.calendar.parse("2026Q3")
    groups = kh.measure(sample, asked[0], "2026Q3", by=by)[by]
    rest = {group: everything_but(sample, by, [group], None) for group in groups}
    found = measured(sample, asked, [period], (by,), None, rest)
    for group, where in rest.items():
        alone = measured(sample, asked, [period], (), where).drop(columns="ages")
        own = found[found[by] == group].drop(columns=[by, "ages"])
        pd.testing.assert_frame_equal(own.reset_index(drop=True), alone, rtol=1e-12)
