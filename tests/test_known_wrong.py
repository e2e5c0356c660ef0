"""Known wrong answers, each pinned by a tiny table: what a careless query says, and what is right.

The arithmetic stands in the docstrings.
"""

import datetime as dt
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.errors import BadInput, MixedCurrencies
from kpi_helpers.kpis.parts import Parts, average, total
from kpi_helpers.kpis.settled import Settled, quotient
from kpi_helpers.units import MONEY


def value(data: Any, kpi: str, period: str, **options: Any) -> float:
    found = kh.measure(data, kpi, period, **options)["value"]
    return float(found.item())


def deals(status: list[str], **columns: Any) -> pd.DataFrame:
    frame = pd.DataFrame({"deal_id": [str(i) for i in range(len(status))], "status": status})
    closed = [None if each == "open" else "2026-02-10" for each in status]
    return frame.assign(**{"created_at": "2026-01-01", "closed_at": closed, **columns})


def orders(rows: list[tuple[str, float]], **columns: Any) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["order_date", "amount_net"])
    return frame.assign(**{"order_id": [str(i) for i in range(len(rows))], **columns})


def test_fan_out_an_owner_on_two_lines_does_not_count_deals_twice() -> None:
    """Ann has changed teams and stands twice among the reps. A plain join gives 100 + 100 = 200;
    her deal of 100 was won once, by a team that nobody can tell."""
    reps = pd.DataFrame({"owner": ["Ann", "Ann"], "team": ["North", "South"]})
    won = deals(["won"], owner="Ann", amount=100.0)
    assert won.merge(reps, on="owner")["amount"].sum() == 200.0
    data = kh.load({"deals": won, "reps": reps})
    (row,) = kh.measure(data, "bookings", "2026Q1", by="team").itertuples()
    assert (row.value, row.team) == (100.0, None)


def test_fan_out_a_frame_with_several_rows_a_key_is_not_joined() -> None:
    """Two visits for one deal of 100: joined, its amount counts 200. The join is refused."""
    visits = pd.DataFrame({"deal_id": ["0", "0"], "visitor": ["x", "y"]})
    data = kh.load(deals(["won"], amount=100.0))
    with pytest.raises(BadInput, match="'0' stands on 2 rows"):
        data.add(visits, on="deal_id", to="deals")
    one = data.add(visits.drop_duplicates("deal_id"), on="deal_id", to="deals")
    assert kh.measure(one, "bookings", "2026Q1", by="visitor")["value"].tolist() == [100.0]


def test_partial_month_a_running_month_is_not_set_against_a_whole_one() -> None:
    """10 a day. On 10 April the month stands at 100 against 310 in March, "down 68 %"; against
    10 April of last year, ten days against ten, nothing has changed: 100 / 100 - 1 = 0."""
    days = [str(day.date()) for day in pd.date_range("2025-03-01", "2026-04-10")]
    data = kh.load({"orders": orders([(day, 10.0) for day in days])}, {"language": "en"})
    months = kh.measure(data, ["revenue", "revenue_growth"], "2026-03:2026-04")
    assert months["value"].tolist() == pytest.approx([310.0, 100.0, 0.0, 0.0])
    assert months["note"].str.startswith("Period still running: 10 of 30 days").tolist() == [
        *(False, True, False, True)
    ]
    assert 100.0 / 310.0 - 1 < -0.67


def test_simpson_every_source_wins_more_often_and_the_total_falls() -> None:
    """Web 1 of 10, then 6 of 40 (10 to 15 %); fairs 12 of 40, then 4 of 10 (30 to 40 %): both rise.
    The total falls from 13 of 50 = 26 % to 10 of 50 = 20 %, because the web brings more deals."""
    rows = []
    for day, won_of in (("2026-02-01", (1, 10, 12, 40)), ("2026-05-01", (6, 40, 4, 10))):
        for source, won, of in (("web", *won_of[:2]), ("fair", *won_of[2:])):
            rows += [(source, day, "won")] * won + [(source, day, "lost")] * (of - won)
    frame = pd.DataFrame(rows, columns=["source", "closed_at", "status"])
    frame = frame.assign(deal_id=frame.index.astype(str), created_at="2026-01-01")
    data = kh.load(frame)
    total = kh.measure(data, "win_rate_count", "2026Q1:2026Q2")["value"].tolist()
    by_source = kh.measure(data, "win_rate_count", "2026Q1:2026Q2", by="source")
    assert total == pytest.approx([0.26, 0.20])
    assert by_source["value"].tolist() == pytest.approx([0.3, 0.4, 0.1, 0.15])
    numerators = by_source.groupby("period")["numerator"].sum()
    assert numerators.tolist() == [13.0, 10.0]


def test_iso_week_new_year_does_not_meet_old_year() -> None:
    """Monday 29 December 2025 and Thursday 1 January 2026 are one week, 2026W01: 1 + 2 = 3. Filed
    under calendar year and week number, the first falls into "2025W01" with 1 January 2025, a year
    earlier: 4 + 1 = 5."""
    data = kh.load(
        {"orders": orders([("2025-01-01", 4.0), ("2025-12-29", 1.0), ("2026-01-01", 2.0)])}
    )
    sold = data["orders"]
    day = sold["order_date"].dt
    careless = sold.groupby([day.year, day.isocalendar().week])["amount_net"].sum()
    assert careless.loc[(2025, 1)] == 5.0
    assert value(data, "revenue", "2026W01") == 3.0
    assert value(data, "revenue", "2025W01") == 4.0
    weeks = kh.measure(data, "revenue", "2025-12-22:2026-01-04", grain="week")
    assert weeks["period"].tolist() == ["2025W52", "2026W01"]
    assert weeks["value"].tolist() == [0.0, 3.0]


def test_mixed_currency_dollars_and_euros_are_not_added() -> None:
    """100 EUR and 100 USD are not 200 of anything. At .9 EUR a dollar they are 190 EUR."""
    mixed = orders([("2026-01-05", 100.0), ("2026-01-06", 100.0)], currency=["EUR", "USD"])
    with pytest.raises(MixedCurrencies, match="EUR, USD"):
        kh.load({"orders": mixed})
    priced = kh.load({"orders": mixed}, {"rates": {"USD": 0.9}})
    assert value(priced, "revenue", "2026-01") == 190.0
    stored = kh.load({"orders": mixed}, {"mixed_currencies": "as_stored"})
    assert value(stored, "revenue", "2026-01") == 200.0


def test_young_cohort_leads_of_last_week_have_not_failed_to_convert() -> None:
    """March: 4 of 10 converted, all on their 30th day. June, seen on 8 June: 0 of 10, of which none
    has had 30 days. Counted together 4 of 20 = 20 %; of those that have had the time, 40 %."""
    created = ["2026-03-01"] * 10 + ["2026-06-05"] * 10
    leads = pd.DataFrame({"lead_id": [str(i) for i in range(20)], "created_at": created})
    leads["converted_at"] = ["2026-03-31"] * 4 + [None] * 16
    config = {"as_of": "2026-06-08", "windows": {"lead_to_customer_rate": 30}}
    data = kh.load({"leads": leads}, config)
    assert leads["converted_at"].notna().mean() == 0.2
    assert value(data, "lead_to_customer_rate", "2026-03-01:2026-06-08") == pytest.approx(0.4)
    (june,) = kh.measure(data, "lead_to_customer_rate", "2026-06").itertuples()
    assert (june.status, june.numerator, june.denominator) == ("immature", 0.0, 10.0)
    assert pd.isna(june.value)


def test_quota_label_a_quota_counts_the_days_it_runs_over() -> None:
    """A quota of 100 dated 30 March and labelled "Q1" runs until 29 June. Joined by the label it
    meets the first quarter's 10: 10 %. Over its own days it meets the second's 80: 80 %."""
    sold = orders([("2026-02-10", 10.0), ("2026-05-10", 80.0)])
    quota = {
        **{"metric": ["revenue"], "scope_type": ["company"], "scope_value": [None]},
        **{"period_start": ["2026-03-30"], "period_end": ["2026-06-29"], "value": [100.0]},
    }
    data = kh.load({"orders": sold, "targets": pd.DataFrame(quota)}, as_of="2026-06-30")
    careless = sold[pd.to_datetime(sold["order_date"]).dt.quarter == 1]["amount_net"].sum() / 100
    assert careless == 0.1
    assert value(data, "revenue_attainment", "2026Q2") == 0.8
    first = kh.measure(data, "revenue_attainment", "2026Q1")
    assert first["status"].tolist() == ["missing"]


def test_nested_targets_a_quarter_is_not_added_to_its_own_months() -> None:
    """100 sold in each month; targets of 100 a month and of 300 for the quarter. Added together
    they are 600, met by the same 300 counted twice; the quarter's own target is 300."""
    sold = orders([("2026-01-05", 100.0), ("2026-02-05", 100.0), ("2026-03-31", 100.0)])
    ends = ["2026-01-31", "2026-02-28", "2026-03-31", "2026-03-31"]
    targets = pd.DataFrame(
        {
            "metric": "revenue",
            "period_start": ["2026-01-01", "2026-02-01", "2026-03-01", "2026-01-01"],
            "period_end": ends,
            "scope_type": "company",
            "scope_value": None,
            "value": [100.0, 100.0, 100.0, 300.0],
        }
    )
    data = kh.load({"orders": sold, "targets": targets})
    for period, actual in (("2026Q1", 300.0), ("2026-02", 100.0)):
        (row,) = kh.measure(data, "revenue_attainment", period).itertuples()
        assert (row.numerator, row.denominator, row.n) == (actual, actual, 1)
        assert kh.rows(data, "revenue_attainment", period)["part_b"].tolist() == [actual]


def test_mean_of_ratios_a_small_rep_does_not_weigh_as_much_as_a_large_one() -> None:
    """10 of 100 and 1 of 2: the mean of 10 % and 50 % is 30 %, the ratio of sums 11 / 102, 11 %."""
    ann, bob = deals(["won"] * 10 + ["lost"] * 90), deals(["won", "lost"])
    frame = pd.concat([ann.assign(owner="Ann"), bob.assign(owner="Bob")], ignore_index=True)
    data = kh.load(frame.assign(deal_id=frame.index.astype(str)))
    by_owner = kh.measure(data, "win_rate_count", "2026Q1", by="owner")
    assert by_owner["value"].mean() == pytest.approx(0.3)
    assert value(data, "win_rate_count", "2026Q1") == pytest.approx(11 / 102)


def test_distinct_buyers_summed_over_months_count_the_faithful_again() -> None:
    """A buys every month, B once: 4 buyers when three months are summed, 2 different ones. 400 of
    revenue are 200 a customer, not 400 / 4 = 100."""
    rows = [("2026-01-05", 100.0), ("2026-02-05", 100.0), ("2026-03-05", 100.0)]
    sold = orders([*rows, ("2026-01-09", 100.0)], customer_id=["A", "A", "A", "B"])
    data = kh.load({"orders": sold}, as_of="2026-03-31")
    months = kh.measure(data, "revenue_per_customer", "2026Q1", grain="month")
    quarter = kh.measure(data, "revenue_per_customer", "2026Q1")
    assert months["n"].sum() == 4
    assert months["numerator"].sum() / months["n"].sum() == 100.0
    assert (quarter["n"].item(), quarter["value"].item()) == (2, 200.0)


def test_naive_cycle_the_quick_wins_are_not_the_cycle() -> None:
    """Ten deals a month old at most when the quarter closes. Those already won took 10 days; the
    others are still open at 30. The mean of the wins says 10 and forgets that eight still run."""
    today = dt.date(2026, 3, 31)
    quick = deals(["won"] * 2, created_at="2026-03-01", closed_at="2026-03-11")
    slow = deals(["open"] * 8, created_at="2026-03-01")
    lost = deals(["lost"] * 6, created_at="2026-01-10", closed_at="2026-01-20")
    late = deals(["won"] * 6, created_at="2026-01-01", closed_at="2026-03-12")
    frame = pd.concat([quick, slow, lost, late], ignore_index=True)
    data = kh.load(frame.assign(deal_id=frame.index.astype(str)), as_of=today)
    march = frame[frame["status"].eq("won") & frame["created_at"].eq("2026-03-01")]
    assert len(march) == 2
    assert value(data, "sales_cycle_duration", "2026-01") == 70.0
    assert value(data, "sales_cycle_duration", "2026Q1") == 70.0
    (row,) = kh.measure(data, "sales_cycle_duration", "2026-03").itertuples()
    assert (row.value, row.status, row.denominator) == (10.0, "insufficient", 10.0)


@pytest.mark.parametrize("kpi", ["bookings", "pipeline_created", "of_ones_own"])
@pytest.mark.parametrize(
    ("amounts", "status", "value"),
    [
        ([None, None, None, None], "missing", None),
        ([100.0, 100.0, None, None], "indicative", 200.0),
        ([100.0, 100.0, 100.0, None], "indicative", 300.0),
        ([100.0, 0.0, 0.0, 0.0], "ok", 100.0),
    ],
)
def test_a_sum_of_amounts_that_nobody_filled_in_is_not_nothing(
    kpi: str, amounts: list[float | None], status: str, value: float | None
) -> None:
    """Four deals are won; without their amounts what they bring is not known, and not 0."""

    @kh.kpi(names=("Somme", "Sum"), definition_fr="Somme.", unit=MONEY, dated="closed_at")
    def of_ones_own(deals: ir.Table) -> Parts:
        """A sum."""
        return total(deals.amount, where=deals.is_won)

    days = {"created_at": "2026-01-01", "closed_at": "2026-01-01", "status": "won"}
    deals = pd.DataFrame({"deal_id": ["1", "2", "3", "4"], **days, "amount": amounts})
    deals["amount"] = deals["amount"].astype("float64")
    try:
        data = kh.load({"deals": deals}, {"as_of": "2026-01-01"})
        (row,) = kh.measure(data, kpi, "2026-01-01:2026-01-01").to_dict("records")
    finally:
        del REGISTRY["of_ones_own"]
    assert row["status"] == status
    assert (None if np.isnan(row["value"]) else row["value"]) == value
    lacking = sum(amount is None for amount in amounts)
    assert row["note"] == (f"{lacking} sur 4 sans chiffre." if lacking else "")


def test_a_range_without_an_end_is_said_and_not_written_as_a_number() -> None:
    """Five amounts with mean 2, from −11 to 15: what one may divide by may be 0."""

    @kh.kpi(names=("Moyenne", "Mean"), definition_fr="Moyenne.", unit=MONEY, dated="order_date")
    def own_mean(orders: ir.Table) -> Parts:
        """A mean."""
        return average(orders.amount_net)

    @kh.kpi(
        names=("Rapport", "Ratio"),
        definition_fr="Rapport.",
        unit=MONEY,
        of={"sold": "revenue", "mean": "own_mean"},
    )
    def own_ratio(sold: Settled, mean: Settled) -> Settled:
        """A ratio."""
        return quotient(sold, mean)

    rows = {"order_id": list("abcde"), "customer_id": list("abcde"), "order_date": "2026-01-01"}
    orders = pd.DataFrame({**rows, "amount_net": [-11.0, 15.0, -4.0, 8.0, 2.0]})
    try:
        data = kh.load({"orders": orders}, {"as_of": "2026-01-01", "language": "en"})
        (row,) = kh.measure(data, "own_ratio", "2026-01-01:2026-01-01").to_dict("records")
    finally:
        for name in ("own_mean", "own_ratio"):
            del REGISTRY[name]
    assert row["value"] == pytest.approx(5.0)
    assert np.isnan([row["low"], row["high"]]).all()
    assert "the plausible range is not bounded" in row["note"]
