"""What a report shows where nobody has chosen: 25 KPIs at most, all of which the data can carry."""

from collections.abc import Iterator

import ibis.expr.types as ir
import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers.catalogue import REGISTRY, kpi
from kpi_helpers.kpis.headline import FIRST, MOST, headline
from kpi_helpers.kpis.parts import Parts, share
from kpi_helpers.reports import chosen
from kpi_helpers.units import PERCENT

DEALS = pd.DataFrame(
    {
        "deal_id": ["1", "2"],
        "created_at": ["2026-07-05", "2026-07-09"],
        "status": ["won", "lost"],
        "closed_at": ["2026-08-01", "2026-09-01"],
        "amount": [20_000.0, 9_000.0],
    }
)


@pytest.fixture
def own() -> Iterator[str]:
    @kpi(names=("Part", "Part"), definition_fr="Une part.", unit=PERCENT, dated="created_at")
    def large_deals(deals: ir.Table) -> Parts:
        "Large deals, as a share of all."
        return share(deals.amount >= 10_000, of=deals.amount.notnull())

    yield "large_deals"
    REGISTRY.pop("large_deals")


def test_the_list_names_kpis_that_exist_in_tier_p1_once_each() -> None:
    assert len({*FIRST}) == len(FIRST) <= MOST
    assert {REGISTRY[name].tier for name in FIRST} == {"P1"}
    assert headline()[: len(FIRST)] == list(FIRST)
    assert {*headline()} == {name for name, kpi in REGISTRY.items() if kpi.tier == "P1"}


def test_a_source_that_carries_all_shows_no_more_than_25() -> None:
    data = kh.load("data/sample")
    assert len(headline()) > MOST
    found = chosen(data)
    assert len(found) == MOST
    assert found == [name for name in headline() if name in found]


def test_what_the_data_cannot_carry_takes_no_place() -> None:
    """Deals alone: no customer, order, lead or spend; what comes after the list gets in."""
    data = kh.load(DEALS)
    found = chosen(data)
    assert found[:3] == ["bookings", "deals_won_count", "avg_deal_value"]
    assert not {"orders", "leads", "spend", "mrr"} & {REGISTRY[name].table for name in found}
    assert not {"pipeline_coverage", "revenue_attainment", "cac"} & {*found}
    card = kh.measure(data, found, "2026Q3")
    assert not card["note"].str.contains("lacks").any()


def test_what_looks_ahead_takes_no_place_where_the_period_is_over() -> None:
    data = kh.load("data/sample")
    over, running = (chosen(data, period=period) for period in ("2026Q3", "2026Q4"))
    assert {*running} - {*over} == {"pipeline_coverage"}
    assert len(over) == len(running) == MOST
    assert chosen(data, ["pipeline_coverage"], "2026Q3") == ["pipeline_coverage"]


def test_the_rest_is_there_for_the_asking(own: str) -> None:
    data = kh.load(DEALS)
    assert chosen(data, ["refund_rate", "aov"]) == ["refund_rate", "aov"]
    assert chosen(kh.load(DEALS, {"kpis": ["cac"]})) == ["cac"]


def test_a_project_s_own_kpi_comes_first(own: str) -> None:
    assert chosen(kh.load(DEALS))[0] == own


def test_where_nothing_can_be_carried_the_first_say_what_they_lack() -> None:
    events = pd.DataFrame({"date": ["2026-01-01"], "label": ["Strike"]})
    data = kh.load({"events": events}, as_of="2026-09-30")
    assert chosen(data) == headline()[:MOST]
