"""Why revenue moved, on the sample company and on published data: everything adds up."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from packs import opened

import kpi_helpers as kh
from kpi_helpers import charts, drivers
from kpi_helpers.errors import Unavailable, UnknownName
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.pseudonyms import pseudonymised

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
BRIDGES = [drivers.customer_bridge, drivers.revenue_chain, drivers.bookings_chain]


def left_over(steps: pd.DataFrame) -> float:
    amounts = steps["amount"].tolist()
    assert steps["kind"].tolist() == ["before", *["change"] * (len(steps) - 2), "after"]
    return sum(amounts[1:-1]) - (amounts[-1] - amounts[0])


def figure(data: Dataset, kpi: str, period: str) -> float:
    return float(kh.measure(data, kpi, period)["value"].item())


def step(steps: pd.DataFrame, name: str) -> pd.Series:
    (row,) = (row for _, row in steps[steps["step"] == name].iterrows())
    return row


# The sample company


@pytest.mark.parametrize("bridge", BRIDGES)
@pytest.mark.parametrize("to", ["year_ago", "previous"])
def test_the_levels_are_the_figures_and_nothing_is_left_over(
    sample: Dataset, bridge: Any, to: str
) -> None:
    steps = bridge(sample, "2026Q3", to)
    kpi = "bookings" if bridge is drivers.bookings_chain else "revenue"
    before = {"year_ago": "2025Q3", "previous": "2026Q2"}[to]
    levels = steps["amount"].iloc[[0, -1]].tolist()
    assert levels == pytest.approx([figure(sample, kpi, p) for p in (before, "2026Q3")])
    assert steps["period"].tolist()[0] == before
    assert left_over(steps) == pytest.approx(0, abs=1e-8)


def test_the_key_account_that_stopped_is_named_in_the_bridge(sample: Dataset) -> None:
    """It made 9% of revenue until 2026-05: no other account moves the figure as much."""
    steps = drivers.customer_bridge(sample, "2026Q3")
    named = steps[steps["name"].notna()]
    assert named.iloc[0][["step", "name"]].tolist() == ["lost", "Biscuiterie Annecy 1"]
    orders = sample["orders"].query("customer_id == 'C00001' and type == 'order'")
    then = orders[orders["order_date"].between("2025-07-01", "2025-09-30")]
    assert named.iloc[0]["amount"] == pytest.approx(-then["amount_net"].sum())
    assert named["amount"].abs().idxmax() == named.index[0]


def test_a_shared_bridge_names_nobody(sample: Dataset) -> None:
    steps = drivers.customer_bridge(pseudonymised(sample), "2026Q3")
    own = drivers.customer_bridge(sample, "2026Q3")
    names = steps["name"].dropna().tolist()
    assert len(names) == len(own["name"].dropna())
    assert all(name.startswith(("Compte", "Client", "Account")) for name in names)
    assert steps["amount"].tolist() == pytest.approx(own["amount"].tolist())


def test_the_bridge_counts_each_customer_once_as_a_loop_does(sample: Dataset) -> None:
    steps = drivers.customer_bridge(sample, "2026Q3").set_index("step")
    orders = sample["orders"]
    kinds: dict[str, float] = {}
    for _, own in orders[orders["type"] == "order"].groupby("customer_id"):
        days = own["order_date"]
        then = own.loc[days.between("2025-07-01", "2025-09-30"), "amount_net"].sum()
        now = own.loc[days.between("2026-07-01", "2026-09-30"), "amount_net"].sum()
        if then and now:
            kind = "expansion" if now >= then else "contraction"
        elif then:
            kind = "lost"
        else:
            kind = "new" if days.min() >= pd.Timestamp("2025-10-01") else "returned"
        kinds[kind] = kinds.get(kind, 0.0) + now - then
    found = steps["amount"].groupby(steps.index.str.removesuffix("_others")).sum()
    assert {kind: found[kind] for kind in kinds} == pytest.approx(kinds)
    back = orders[orders["type"] == "refund"].set_index("order_date")["amount_net"].sort_index()
    refunds = back["2026-07-01":"2026-09-30"].sum() - back["2025-07-01":"2025-09-30"].sum()
    assert found["refunds"] == pytest.approx(refunds)


def test_the_drivers_multiply_to_the_bookings(sample: Dataset) -> None:
    steps = drivers.bookings_chain(sample, "2026Q3")
    changes = steps[steps["kind"] == "change"]
    names = ["leads", "qualification", "decided_per_qualified", "win", "value"]
    assert changes["step"].tolist() == names
    for side, level in (("before", steps["amount"].iloc[0]), ("after", steps["amount"].iloc[-1])):
        assert changes[f"driver_{side}"].prod() == pytest.approx(level)
    assert changes["other_method"].tolist() == pytest.approx(changes["amount"].tolist(), rel=0.02)
    assert step(steps, "win")["driver_after"] == figure(sample, "win_rate_count", "2026Q3")


def test_what_no_chance_has_shown_is_not_said_to_be_sure(sample: Dataset) -> None:
    """The win rate falls from 25.2 to 23.5%: planted to stay silent."""
    sure = drivers.bookings_chain(sample, "2026Q3").set_index("step")["certainty"]
    assert sure["win"] == "not_established"
    assert sure["decided_per_qualified"] == "not_tested"
    sure = drivers.revenue_chain(sample, "2026Q3").set_index("step")["certainty"]
    assert sure["conversion"] == "immature"


def test_the_fall_of_qualification_is_in_the_channels_and_in_their_mix(sample: Dataset) -> None:
    """From 38.5 to 25%: less in each channel since 2025-07, and social media weigh 22, then 38%."""
    steps = drivers.rate_bridge(sample, "2025Q4", "lead_qualification_rate")
    first, last = steps.iloc[0], steps.iloc[-1]
    assert (first["amount"], last["amount"]) == pytest.approx((0.385, 0.25), abs=0.02)
    assert last["certainty"] == "established"
    assert last["change_high"] < -0.1
    groups = steps[steps["step"] == "rate"].set_index("name")
    assert (groups["amount"] < 0).all()
    social = groups.loc["Réseaux sociaux"]
    assert social[["weight_before", "weight_after"]].tolist() == pytest.approx(
        [0.22, 0.38], abs=0.02
    )
    mix = step(steps, "mix")["amount"]
    assert groups["mix"].sum() == pytest.approx(mix)
    assert groups["mix"].idxmin() == "Réseaux sociaux"
    assert mix == pytest.approx(-0.04, abs=0.01)
    assert left_over(steps) == pytest.approx(0, abs=1e-12)


def test_the_groups_of_a_rate_make_up_the_whole(sample: Dataset) -> None:
    steps = drivers.rate_bridge(sample, "2025Q4", "win_rate_count", "product")
    levels = [figure(sample, "win_rate_count", p) for p in ("2024Q4", "2025Q4")]
    assert steps["amount"].iloc[[0, -1]].tolist() == pytest.approx(levels)


def test_deals_by_product_are_pieces_at_their_amounts(sample: Dataset) -> None:
    cut = drivers.product_mix(sample, "2026Q3")
    won = sample["deals"].query("status == 'won'").set_index("closed_at").sort_index()
    for side, days in (("before", ("2025-07", "2025-09")), ("after", ("2026-07", "2026-09"))):
        sold = won[days[0] : days[1]].groupby("product")["amount"].sum()
        assert cut.set_index("product")[side].to_dict() == pytest.approx(sold.to_dict())


def test_a_period_that_is_still_running_stands_beside_as_many_days(sample: Dataset) -> None:
    steps = drivers.revenue_chain(sample.at("2026-08-15"), "2026Q3")
    as_long = figure(sample, "revenue", "2025-07-01:2025-08-15")
    assert steps["amount"].iloc[0] == pytest.approx(as_long)


def test_without_a_year_of_data_the_period_before_is_taken(sample: Dataset) -> None:
    steps = drivers.customer_bridge(sample, "2023Q4")
    assert steps["period"].iloc[0] == "2023Q3"
    with pytest.raises(Unavailable, match="nothing before 2023Q2"):
        drivers.customer_bridge(sample, "2023Q2")


def test_a_filter_that_leads_do_not_know_leaves_them_out(sample: Dataset) -> None:
    shop = {"channel": "Boutique en ligne"}
    steps = drivers.revenue_chain(sample, "2026Q3", where=shop)
    assert steps["step"].tolist()[1] == "new_customers"
    assert left_over(steps) == pytest.approx(0, abs=1e-8)
    level = kh.measure(sample, "revenue", "2026Q3", where=shop)["value"].item()
    assert steps["amount"].iloc[-1] == pytest.approx(level)
    with pytest.raises(UnknownName, match="chanel"):
        drivers.revenue_chain(sample, "2026Q3", where={"chanel": "x"})


# Small data


def orders(*rows: tuple[object, str, float]) -> Dataset:
    frame = pd.DataFrame(rows, columns=["customer_id", "order_date", "amount_net"])
    return kh.load({"orders": frame.assign(order_id=range(len(frame)))}, as_of="2026-03-31")


def test_each_kind_of_customer_and_what_names_none() -> None:
    data = orders(
        *(("back", "2024-06-01", 5.0), ("back", "2026-01-09", 50.0)),
        *(("lost", "2025-02-01", 700.0), ("more", "2025-02-01", 10.0)),
        *(("more", "2026-02-01", 25.0), ("less", "2025-02-01", 90.0), ("less", "2026-02-01", 70.0)),
        *(("new", "2025-07-01", 1.0), ("new", "2026-02-01", 300.0), ("more", "2026-03-01", -5.0)),
        *((None, "2025-01-05", 20.0), (None, "2026-01-05", 8.0)),
    )
    steps = drivers.customer_bridge(data, "2026Q1")
    changes = steps[steps["kind"] == "change"]
    found = changes.fillna({"name": ""}).set_index(["step", "name"])["amount"].to_dict()
    assert found == {
        ("lost", "lost"): -700.0,
        ("contraction", ""): -20.0,
        ("refunds", ""): -5.0,
        ("expansion", ""): 15.0,
        ("returned", "back"): 50.0,
        ("new", "new"): 300.0,
        ("unnamed", ""): -12.0,
    }
    assert steps["amount"].iloc[[0, -1]].tolist() == [820.0, 448.0]
    chain = drivers.revenue_chain(data, "2026Q1")
    assert left_over(chain) == pytest.approx(0, abs=1e-9)
    assert step(chain, "unnamed")["amount"] == -12.0


def test_refunds_alone_are_in_the_chain_too() -> None:
    """Nobody but refunds in one of the periods: no order to divide by, and nothing is lost."""
    data = orders(("a", "2024-06-01", 5.0), ("a", "2025-02-01", -4.0), ("a", "2026-02-01", 9.0))
    for bridge in (drivers.customer_bridge, drivers.revenue_chain):
        steps = bridge(data, "2026Q1")
        assert steps["amount"].iloc[[0, -1]].tolist() == [-4.0, 9.0]
        assert left_over(steps) == pytest.approx(0, abs=1e-9)


def test_lines_without_product_or_quantity_are_apart() -> None:
    rows = [
        ("2025-01-05", "A", 10.0, 100.0),
        ("2026-01-05", "A", 10.0, 120.0),
        ("2026-01-05", None, 3.0, 30.0),
        ("2026-01-06", "freight", None, 7.0),
        ("2026-01-06", "A", None, -2.0),
    ]
    lines = pd.DataFrame(rows, columns=["order_date", "product", "quantity", "amount_net"])
    data = kh.load({"order_lines": lines.assign(order_id="1")}, as_of="2026-03-31")
    cut = drivers.product_mix(data, "2026Q1").set_index("product")
    assert cut["other"].sum() == 35.0
    assert cut.loc["A", ["price", "other"]].tolist() == [20.0, -2.0]
    parts = cut[["volume", "mix", "price", "other"]].sum(axis=1)
    assert parts.tolist() == pytest.approx((cut["after"] - cut["before"]).tolist())


def test_data_without_sales_say_what_they_lack() -> None:
    data = kh.load(SAMPLE / "activities.parquet")
    for analysis in (*BRIDGES, drivers.product_mix):
        with pytest.raises(Unavailable, match="orders|deals|order_lines"):
            analysis(data, "2026Q3")
    with pytest.raises(Unavailable, match="None of"):
        drivers.rate_bridge(data, "2026Q3")


@pytest.mark.parametrize("bridge", [*BRIDGES, drivers.product_mix, drivers.rate_bridge])
@pytest.mark.parametrize("to", ["target", "others", "region = 'Nord'", {}])
def test_a_bridge_is_cut_from_an_earlier_period_alone(
    sample: Dataset, bridge: Callable[..., pd.DataFrame], to: Any
) -> None:
    with pytest.raises(UnknownName, match="Allowed: previous, year_ago"):
        bridge(sample, "2026Q3", to=to)


# Published data


@pytest.mark.parametrize(
    ("name", "period", "kpi"),
    [
        ("maven_crm", "2017Q4", "bookings"),
        ("adventureworks", "2013Q2", "revenue"),
        ("online_retail", "2011-10", "revenue"),
    ],
)
def test_customers_and_products_of_published_data_balance(name: str, period: str, kpi: str) -> None:
    data = opened(name)
    steps = drivers.customer_bridge(data, period)
    before = steps["period"].iloc[0]
    levels = [figure(data, kpi, each) for each in (before, period)]
    assert steps["amount"].iloc[[0, -1]].tolist() == pytest.approx(levels)
    assert left_over(steps) == pytest.approx(0, abs=1e-9 * max(levels))
    cut = drivers.product_mix(data, period)
    assert [cut["before"].sum(), cut["after"].sum()] == pytest.approx(levels)
    parts = cut[["volume", "mix", "price", "other"]].sum(axis=1)
    assert (parts - (cut["after"] - cut["before"])).abs().max() < 1e-9 * max(levels)
    chain = drivers.bookings_chain if kpi == "bookings" else drivers.revenue_chain
    steps = chain(data, period)
    assert steps["amount"].iloc[[0, -1]].tolist() == pytest.approx(levels)
    assert left_over(steps) == pytest.approx(0, abs=1e-9 * max(levels))


@pytest.mark.parametrize("leads", [None, ["2026-01-05"] * 4, ["2025-01-05", "2026-01-05"]])
@pytest.mark.parametrize("won", [(0, 2), (2, 0), (1, 3)])
def test_a_chain_holds_where_a_link_was_nothing(leads: Any, won: tuple[int, int]) -> None:
    """No win in one period, leads that begin only in the other, or none at all."""
    rows = [
        (day, "won" if i < k else "lost", 100.0 * (i + 1))
        for day, k in zip(("2025-02-01", "2026-02-01"), won, strict=True)
        for i in range(3)
    ]
    deals = pd.DataFrame(rows, columns=["closed_at", "status", "amount"])
    tables = {"deals": deals.assign(deal_id=range(6), created_at="2025-01-02")}
    if leads:
        frame = pd.DataFrame({"created_at": leads, "lead_id": range(len(leads))})
        tables["leads"] = frame.assign(sql_at=frame["created_at"])
    steps = drivers.bookings_chain(kh.load(tables, as_of="2026-03-31"), "2026Q1")
    sold = [
        deals.query(f"status == 'won' and closed_at == '{d}'")["amount"].sum()
        for d in ("2025-02-01", "2026-02-01")
    ]
    assert steps["amount"].iloc[[0, -1]].tolist() == sold
    assert left_over(steps) == pytest.approx(0, abs=1e-9)
    assert steps["amount"].notna().all()
    assert {"win", "value"} <= set(steps["step"])
    assert charts.alt(charts.waterfall(steps, lang="fr"))
