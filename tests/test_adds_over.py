"""What the kinds of parts say they add over, tried on every KPI of the catalogue.

Where a kind declares periods or dimensions, the parts of the months or of the breakdown sum to the
whole. Where it does not, a company is shown on which they do not.
"""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from strategies import COHORTS

import kpi_helpers as kh
from kpi_helpers.catalogue import REGISTRY, kpi
from kpi_helpers.kpis import catalogue
from kpi_helpers.kpis.parts import Parts, distinct
from kpi_helpers.measure.kinds import BOTH, DIMENSIONS, KINDS, PERIODS
from kpi_helpers.sources import Dataset
from kpi_helpers.units import COUNT

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
KIND_OF = dict(zip(catalogue()["id"], catalogue()["kind"], strict=True))
DIMENSION = {"leads": "source", "deals": "source", "orders": "channel", "spend": "channel"}
DIMENSION |= {"surveys": "channel", "web_funnel": "source", "activities": "type", "mrr": "segment"}
PARTS = ["numerator", "denominator", "n"]

# First orders and first wins fall into one month each, as do the days of a rep, the sheets of a
# survey and the closing date of a deal, so that these add up over months, which is more than their
# kind promises; different buyers do not (below).
FIRST_TIMES = ["new_customers", "new_customers_won"]
IN_ONE_MONTH = [*FIRST_TIMES, "activities_per_rep", "perception_gap", "expected_wins"]
IN_ONE_MONTH += ["campaign_margin"]
# The company has hired nobody lately and wrote no forecasts; of records only today's are known.
NOT_THERE = ["ramp_time", "forecast_accuracy", "forecast_bias"]
ONLY_TODAY = ["crm_report_quality"]


def of_base(over: str, declared: bool) -> list[str]:
    """KPIs of kinds that add over periods or dimensions, or do not.

    The cases of clusters do add up; it is their spread that does not (below). What stands in a
    register is one figure: of several there is none (test_market.py).
    """
    return [
        name
        for name, kind in KIND_OF.items()
        if kind not in ("derived", "clustered_share", "outside", "gap", "effect")
        if name not in NOT_THERE
        if (over in KINDS[kind].adds_over) is declared
    ]


@pytest.fixture(scope="module")
def sample() -> Dataset:
    config = {"windows": dict.fromkeys(COHORTS, 30), "as_of": "2026-08-14"}
    return kh.load(SAMPLE, config)


def period_of(name: str) -> str:
    ahead = dict.fromkeys(["pipeline_due", "expected_wins", "expected_wins_crm"], "2026Q4")
    others = {"nps": "2026Q1", "crm_report_quality": "2026Q3", "campaign_spend_matured": "2025Q4"}
    return (ahead | others).get(name, "2026Q2")


def summed(parts: pd.DataFrame) -> dict[str, float]:
    return {column: float(parts[column].sum()) for column in PARTS}


def whole_of(sample: Dataset, name: str) -> dict[str, float]:
    return summed(kh.measure(sample, name, period_of(name)))


@pytest.mark.thorough
@pytest.mark.parametrize("name", of_base(PERIODS, declared=True))
def test_the_months_add_up_where_the_kind_says_so(sample: Dataset, name: str) -> None:
    months = kh.measure(sample, name, period_of(name), grain="month")
    assert len(months) == 3
    assert summed(months) == pytest.approx(whole_of(sample, name))
    assert whole_of(sample, name)["n"] > 0


@pytest.mark.thorough
@pytest.mark.parametrize("name", of_base(DIMENSIONS, declared=True))
def test_the_breakdown_adds_up_where_the_kind_says_so(sample: Dataset, name: str) -> None:
    by = DIMENSION.get(REGISTRY[name].table, "owner")
    parts = kh.measure(sample, name, period_of(name), by=by)
    if by == "owner":  # what reps did is what their teams did; what they were to do is 4 % more
        teams = summed(kh.measure(sample, name, period_of(name), by="team"))
        close = 0.05 if name == "bookings_target" else 1e-9
        assert summed(parts)["numerator"] == pytest.approx(teams["numerator"], rel=close)
        return
    assert len(parts) > 1
    assert summed(parts) == pytest.approx(whole_of(sample, name))


@pytest.mark.parametrize(
    "name", [n for n in of_base(PERIODS, False) if n not in IN_ONE_MONTH + ONLY_TODAY]
)
def test_the_months_do_not_add_up_where_the_kind_does_not_say_so(
    sample: Dataset, name: str
) -> None:
    months = kh.measure(sample, name, "2026Q2", grain="month")
    assert summed(months) != pytest.approx(whole_of(sample, name))


@pytest.fixture(scope="module")
def two_counters() -> Dataset:
    """Each customer buys on one day at both counters, in two years running."""
    days = pd.to_datetime(["2025-03-02", "2025-03-02", "2026-03-02", "2026-03-02"] * 2)
    orders = pd.DataFrame(
        {
            "order_id": [str(number) for number in range(8)],
            "order_date": days,
            "customer_id": ["A"] * 4 + ["B"] * 4,
            "channel": ["shop", "phone"] * 4,
            "amount_net": 10.0,
            "cost": 4.0,
            "product_family": ["parts", "service"] * 4,
        }
    )
    deals = orders.rename(columns={"order_id": "deal_id", "order_date": "closed_at"})
    deals = deals.assign(created_at=deals["closed_at"], status="won", source=deals["channel"])
    marks = {"subject": ["us", "x"] * 4, "attribute": "price", "score": 5, "scale_min": 0}
    sheets = pd.DataFrame({"response_id": ["1"] * 4 + ["2"] * 4, **marks, "scale_max": 10})
    sheets = sheets.assign(type="perception", channel=["a", "a", "b", "b"] * 2)
    done = {"activity_id": range(8), "owner": ["A"] * 4 + ["B"] * 4, "type": ["call", "note"] * 4}
    mrr = orders[["customer_id", "channel"]].set_axis(["customer_id", "segment"], axis=1)
    moved = pd.to_timedelta(orders["channel"].eq("shop").astype(int), unit="D")
    eve = pd.Timedelta(80, unit="D")
    leads = pd.DataFrame({"lead_id": [*"ABC"], "customer_id": ["A", "B", None], "campaign": "x"})
    came = {"created_at": days[2], "converted_at": [days[2], days[2], None]}
    windows = {"campaign_romi": "none"}
    return kh.load(
        {
            "orders": orders,
            "mrr": pd.concat(
                mrr.assign(mrr=10.0, month=month + moved) for month in (days, days - eve)
            ).drop_duplicates(),
            "deals": deals.drop(columns=["amount_net", "cost", "channel", "product_family"]).assign(
                lead_id="A"
            ),
            "leads": leads.assign(**came),
            "surveys": sheets.assign(responded_at=days[2]),
            "activities": pd.DataFrame(done).assign(started_at=days, lead_id="C"),
        },
        {"windows": windows},
    )


@pytest.mark.parametrize("name", of_base(DIMENSIONS, declared=False))
def test_the_breakdown_does_not_add_up_where_the_kind_does_not_say_so(
    two_counters: Dataset, name: str
) -> None:
    period = "2025Q1" if name in FIRST_TIMES else "2026Q1"
    parts = kh.measure(two_counters, name, period, by=DIMENSION[REGISTRY[name].table])
    whole = kh.measure(two_counters, name, period)
    assert whole["status"].ne("missing").all()
    assert summed(parts) != pytest.approx(summed(whole))


def test_the_spread_of_clusters_does_not_add_up() -> None:
    """Each of 20 customers answers twice, alike, by two channels: 20 opinions, not 40."""
    surveys = pd.DataFrame({"response_id": range(40), "customer_id": [*range(20)] * 2})
    surveys = surveys.assign(channel=["mail"] * 20 + ["phone"] * 20, responded_at="2026-01-05")
    surveys = surveys.assign(type="csat", score=[5, 1] * 20, scale_min=1, scale_max=5)
    data = kh.load({"surveys": surveys})
    whole, *parts = (kh.measure(data, "csat", "all", by=by) for by in ((), "channel"))
    assert whole["n"].item() == 40
    assert [whole["low"].item()] * 2 == pytest.approx(parts[0]["low"].tolist(), abs=0.01)


def test_different_buyers_of_a_year_are_not_those_of_its_months(sample: Dataset) -> None:
    @kpi(
        names=("Acheteurs", "Buyers"),
        definition_fr="Clients différents ayant commandé.",
        unit=COUNT,
        dated="order_date",
    )
    def buyers(orders: Any) -> Parts:
        """Different customers who ordered."""
        return distinct(orders.customer_id)

    try:
        year = kh.measure(sample, "buyers", "2025")["value"].item()
        months = kh.measure(sample, "buyers", "2025", grain="month")["value"].sum()
    finally:
        del REGISTRY["buyers"]
    orders = sample["orders"]
    orders = orders[orders["order_date"].dt.year == 2025]
    assert year == orders["customer_id"].nunique()
    assert months == orders.groupby(orders["order_date"].dt.month)["customer_id"].nunique().sum()
    assert months > 1.5 * year


def test_every_kind_is_tried_and_declares_what_exists() -> None:
    assert set(KINDS) - set(KIND_OF.values()) <= {"ratio"}
    for kind in KINDS.values():
        assert set(kind.adds_over) <= set(BOTH)
