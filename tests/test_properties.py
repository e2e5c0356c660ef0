"""What must hold of any company: the acceptance properties, tried on small random ones.

Where each of them is shown:

1. Order of rows, columns and identical rows more: here.
2. Open deals: win rate and whatever was decided, here; the curves of the cycle, in test_survival.
3. Parts of a breakdown add up: here, for every KPI that says so in test_adds_over.
4. No residual: test_factors, test_drivers (price, volume, mix), test_retention, test_bridges.
5. Gross retention: here. 6. Shares and gains of a market: here.
7. Wilson: here and in test_intervals. 8. Won, lost and open: test_survival; its figure, here.
9. Another currency: here. 10. Months make up the quarter: here and in test_adds_over.
11. Replays: here, on real data in test_real. 12. Longer windows: here.
13. Missing, with a reason: here. 14. Two runs: test_runs.
15. A churn that vanishes: test_lifetime, test_economics.
16. Numbers in sentences: test_numbers_in_sentences.
17. Percent, points and figures as a language writes them: test_units; on pages, test_pages.
18. What a figure says of itself: cards in test_cards; beside its value, in test_sheets.
19. False alarms and what is detected: test_false_alarms.
20. The story of the sample: test_sample_found.
"""

import datetime as dt
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import (
    AS_OF,
    FIRST,
    QUARTERS,
    Frames,
    companies,
    deals,
    leads,
    mrr,
    opened,
    orders,
    quick,
    some,
    spend,
)
from twins import truncated

import kpi_helpers as kh
from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.kpis import catalogue

KPIS, KINDS = catalogue()["id"].tolist(), catalogue()["kind"].tolist()
NUMBERS = ["value", "numerator", "denominator", "n", "low", "high"]


def of_kind(*kinds: str) -> list[str]:
    return [name for name, kind in zip(KPIS, KINDS, strict=True) if kind in kinds]


def same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(left, right, rtol=1e-9, atol=1e-9)


@pytest.mark.thorough
@some(2)
@given(companies(), st.randoms(use_true_random=False))
def test_1_neither_the_order_of_rows_nor_a_column_more_changes_a_kpi(
    frames: Frames, chance: Any
) -> None:
    shuffled = {
        name: frame.sample(frac=1, random_state=chance.randrange(2**32)).assign(note_interne="x")
        for name, frame in frames.items()
    }
    same(*(kh.measure(opened(each), KPIS, QUARTERS) for each in (frames, shuffled)))


@pytest.mark.thorough
@some(2)
@given(companies())
def test_1_identical_rows_that_are_declared_so_count_once(frames: Frames) -> None:
    keys = {"deals": "deal_id", "leads": "lead_id", "orders": "order_id"}
    twice = {name: pd.concat([frames[name]] * 2) for name in keys}
    settings = {"tables": {name: {"deduplicate": [key]} for name, key in keys.items()}}
    once, again = opened({name: frames[name] for name in keys}), opened(twice, settings)
    for name, key in keys.items():
        rows = (data[name].sort_values(key, ignore_index=True) for data in (once, again))
        pd.testing.assert_frame_equal(*rows)
    kpis = ["win_rate_count", "revenue", "leads_generated"]
    same(*(kh.measure(data, kpis, QUARTERS) for data in (once, again)))


@some(6)
@given(deals(), deals(20))
def test_2_open_deals_change_no_figure_of_what_is_decided(
    frame: pd.DataFrame, others: pd.DataFrame
) -> None:
    still = others.assign(status="open", closed_at=pd.NaT, deal_id="open-" + others["deal_id"])
    decided = ["win_rate_count", "win_rate_value", "avg_deal_value", "bookings"]
    decided += ["deals_won_count", "no_decision_rate"]
    tables = ({"deals": each} for each in (frame, pd.concat([frame, still])))
    same(*(kh.measure(opened(each), decided, QUARTERS)[NUMBERS] for each in tables))


@pytest.mark.thorough
@some(2)
@given(companies(), st.sampled_from(["team", "owner"]))
def test_3_the_parts_of_a_breakdown_add_up_to_the_total(frames: Frames, by: str) -> None:
    data = opened(frames)
    additive = [
        name
        for name in of_kind("count", "total", "share")
        if REGISTRY[name].table in data.base and by in data.dimensions(REGISTRY[name].table)
    ]
    whole = kh.measure(data, additive, QUARTERS).set_index(["kpi", "period"])
    parts = kh.measure(data, additive, QUARTERS, by=by).groupby(["kpi", "period"], sort=False)
    for column in ("numerator", "n"):
        same(parts[[column]].sum(), whole[[column]].fillna(0.0))


SPENT = ("acquisition_spend", "media_spend")


@some(10)
@given(deals(), st.integers(2, 5))
def test_7_wilson_holds_the_share_and_narrows_with_n(frame: pd.DataFrame, times: int) -> None:
    copies = [frame.assign(deal_id=frame["deal_id"] + f"-{copy}") for copy in range(times)]
    once, often = (
        kh.measure(opened({"deals": each}), "win_rate_count", QUARTERS)
        for each in (frame, pd.concat(copies))
    )
    for found in (once, often):
        known = found[found["status"] != "missing"]
        assert known["value"].between(known["low"], known["high"]).all()
        assert known["low"].ge(0).all()
        assert known["high"].le(1).all()
    same(once[["value"]], often[["value"]])
    narrower = (often["high"] - often["low"]) < (once["high"] - once["low"])
    assert narrower[once["status"] != "missing"].all()


@some(10)
@given(deals(40))
def test_8_the_cycle_is_that_of_a_deal_that_was_won_in_time(frame: pd.DataFrame) -> None:
    (row,) = kh.measure(opened({"deals": frame}), "sales_cycle_duration", "all").itertuples()
    won = frame[frame["status"] == "won"]
    taken = (won["closed_at"] - won["created_at"]).dt.days
    if row.status == "missing":
        assert row.note
    else:
        assert row.numerator <= row.denominator <= len(frame)
        assert row.value in set(taken)
        assert row.low <= row.value <= row.high


@pytest.mark.thorough
@some(2)
@given(companies(), st.sampled_from([0.5, 7.0, 1000.0]))
def test_9_another_unit_of_money_scales_amounts_and_leaves_rates(frames: Frames, k: float) -> None:
    money = {"amount", "amount_net", "list_amount", "cost", "mrr"}
    scaled = {
        name: frame.assign(**{c: frame[c] * k for c in money & {*frame.columns}})
        for name, frame in frames.items()
    }
    for name in ("targets", "forecasts"):
        scaled[name] = frames[name].assign(value=frames[name]["value"] * k)
    before, after = (kh.measure(opened(each), KPIS, QUARTERS) for each in (frames, scaled))
    factor = np.where(before["unit"] == "money", k, 1.0)
    for column in ("value", "low", "high"):
        np.testing.assert_allclose(after[column], before[column] * factor, rtol=1e-9, atol=1e-9)
    same(*(each[["kpi", "n", "status", "note"]] for each in (before, after)))


@pytest.mark.thorough
@some(5)
@given(deals(), orders(), spend())
def test_9_a_rate_of_exchange_does_the_same(
    deals: pd.DataFrame, orders: pd.DataFrame, spend: pd.DataFrame
) -> None:
    frames = {"deals": deals, "orders": orders, "spend": spend}
    dollars = {name: frame.assign(currency="USD") for name, frame in frames.items()}
    euros = {name: frame.assign(currency="EUR") for name, frame in frames.items()}
    amounts = ["bookings", "revenue", "acquisition_spend", "avg_deal_value", "win_rate_value"]
    data = opened(euros), opened(dollars, {"rates": {"USD": 0.8}})
    before, after = (kh.measure(each, amounts, QUARTERS) for each in data)
    factor = np.where(before["unit"] == "money", 0.8, 1.0)
    np.testing.assert_allclose(after["value"], before["value"] * factor, rtol=1e-9)


@pytest.mark.thorough
@some(2)
@given(companies())
def test_10_the_months_of_a_quarter_add_up_to_it(frames: Frames) -> None:
    data = opened(frames)
    flows = [*of_kind("count", "total"), "win_rate_count", "avg_deal_value", "win_rate_value"]
    flows = [name for name in flows if name not in ("pipeline_due", "bookings_target")]
    quarter = kh.measure(data, flows, "2026Q1").set_index("kpi")
    months = kh.measure(data, flows, "2026Q1", grain="month")
    assert months["period"].tolist() == ["2026-01", "2026-02", "2026-03"] * len(flows)
    blind = [*months.loc[months["note"].str.contains("no amounts"), "kpi"]]
    summed = months.groupby("kpi")[["numerator", "n"]].sum()
    expected = quarter[["numerator", "n"]].fillna(0.0)
    shown = [name for name in flows if name not in blind]
    same(summed.loc[shown], expected.loc[shown])


@pytest.mark.thorough
@some(2)
@given(companies(), st.sampled_from([dt.date(2026, 5, 14), dt.date(2026, 3, 31)]))
def test_11_a_replay_is_what_the_files_of_that_day_gave(frames: Frames, day: dt.date) -> None:
    replayed = quick(opened(frames).at(day))
    at_the_time = opened(truncated(frames, day), as_of=day)
    for name in frames:
        rows = [
            data[name].sort_values([*data[name].columns], ignore_index=True)
            for data in (replayed, at_the_time)
        ]
        pd.testing.assert_frame_equal(*rows, check_dtype=False)
    same(*(kh.measure(data, KPIS, QUARTERS)[NUMBERS] for data in (replayed, at_the_time)))


@pytest.mark.thorough
@some(6)
@given(leads(40))
def test_12_more_time_never_means_fewer_conversions(frame: pd.DataFrame) -> None:
    rates = []
    for window in (1, 20, 45, 90, 180):
        data = opened({"leads": frame}, {"windows": {"lead_to_customer_rate": window}})
        found = kh.measure(data, "lead_to_customer_rate", "2024Q3:2025Q4")
        rates.append(found["value"].to_numpy())
        assert found["value"].dropna().between(0, 1).all()
        assert (found["numerator"].fillna(0) <= found["denominator"].fillna(0)).all()
    for shorter, longer in pairwise(rates):
        known = ~np.isnan(shorter)
        assert (longer[known] >= shorter[known]).all()


@pytest.mark.thorough
@some(2)
@given(companies(), st.sampled_from([(), "owner"]))
def test_13_what_cannot_be_divided_is_missing_with_its_reason(frames: Frames, by: Any) -> None:
    kpis = [name for name in KPIS if not (by and name in (*SPENT, "cac", "cost_per_lead"))]
    found = kh.measure(opened(frames), kpis, QUARTERS, by=by)
    missing = found["status"] == "missing"
    assert not np.isinf(found["value"]).any()
    assert found.loc[missing, "value"].isna().all()
    assert found.loc[missing, "note"].str.len().gt(0).all()
    known = found[~missing & (found["status"] != "immature")]
    assert known["value"].notna().all()
    # A weighted pipeline is a sum: its denominator, the same unweighted, divides nothing.
    summed = known["kpi"] == "weighted_pipeline"
    assert not known.loc[~summed, "denominator"].eq(0).any()
    empty = known[summed & known["denominator"].eq(0)]
    assert empty[["value", "n"]].eq(0).all(axis=None)


@pytest.mark.parametrize("by", [(), "owner"])
def test_13_where_nothing_happened_rates_are_missing_and_counts_are_zero(by: Any) -> None:
    """The two ends of the data only: nothing in between, though the period is covered."""
    ends = {"deal_id": ["1", "2"], "status": ["won", "lost"], "amount": [1.0, 1.0], "owner": "Ann"}
    days = pd.to_datetime([FIRST, AS_OF])
    frame = pd.DataFrame({**ends, "created_at": days, "closed_at": days})
    rates = ["win_rate_count", "win_rate_value", "avg_deal_value", "sales_cycle_duration"]
    data = opened({"deals": frame})
    found = kh.measure(data, rates, "2025Q2", by=by)
    assert found["status"].tolist() == ["missing"] * 4
    assert found["note"].tolist() == ["Nothing to count in this period."] * 4
    counts = kh.measure(data, ["bookings", "deals_won_count"], "2025Q2")
    assert counts["value"].tolist() == [0.0, 0.0]
    assert counts["status"].tolist() == ["ok", "ok"]


@pytest.mark.thorough
@some(25)
@given(mrr(12))
def test_5_gross_retention_is_neither_over_one_nor_over_the_net_one(frame: pd.DataFrame) -> None:
    kpis = ["gross_revenue_retention", "net_revenue_retention"]
    found = kh.measure(opened({"mrr": frame}), kpis, QUARTERS)
    gross, net = (found[found["kpi"] == kpi]["value"].to_numpy() for kpi in kpis)
    assert (gross <= np.minimum(1, net) + 1e-12).all()
    assert (gross > 0).all()


@pytest.mark.thorough
@some(6)
@given(st.lists(st.tuples(*[st.integers(1, 900)] * 2), min_size=2, max_size=4))
def test_6_shares_of_a_market_make_a_whole_and_gains_are_lost_by_others(
    sold: list[tuple[int, int]],
) -> None:
    """Each company of a market in its turn is ours."""
    found = [_market(sold, ours) for ours in range(len(sold))]
    shares, gains, growth = map(sum, zip(*found, strict=True))
    assert shares == pytest.approx(1)
    assert gains == pytest.approx(0, abs=1e-9)
    grew = sum(after - before for before, after in sold) > 0
    assert growth == pytest.approx(1) if grew else np.isnan(growth)


def _market(sold: list[tuple[int, int]], ours: int) -> list[float]:
    """Our share, what it gained in points, and our share of the growth."""
    years = ("2024", "2025")
    totals = [float(sum(each)) for each in zip(*sold, strict=True)]
    outside = pd.DataFrame({"period": years, "value": totals, "entity": "Market", "unit": "EUR"})
    said = {"metric": "market_sales", "source": "panel", "source_date": "2026-02-01"}
    said |= {"definition_match": "yes", "confidence": "A"}
    days = ["2024-01-01", "2024-12-31", "2025-01-01", "2025-12-31"]
    halves = [half for amount in sold[ours] for half in (amount / 2, amount / 2)]
    orders = pd.DataFrame({"order_id": list("abcd"), "order_date": days, "amount_net": halves})
    settings = {"language": "en", "as_of": "2026-03-31"}
    data = kh.load({"orders": orders, "benchmarks": outside.assign(**said)}, settings)
    kpis = ["market_share", "market_share_gain", "share_of_growth"]
    return [*kh.measure(data, kpis, "2025").set_index("kpi")["value"][kpis]]
