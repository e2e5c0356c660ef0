"""How we stand in the market: shares of it, and who gains."""

from __future__ import annotations

from typing import Any

import ibis.expr.types as ir
import numpy as np

from kpi_helpers.catalogue import NEUTRAL, Ago, Example, kpi
from kpi_helpers.intervals import wilson
from kpi_helpers.kpis.parts import Parts, distinct, outside
from kpi_helpers.kpis.settled import RANGE, Array, Remark, Settled, bounds, divided
from kpi_helpers.units import COUNT, MONEY, PERCENT, POINTS, SCORE, TIMES

PERIMETER = (
    "Périmètre du marché différent du nôtre ; HT ou TTC ; ventes aux distributeurs ou aux clients.",
    "Perimeter of the market other than ours; tax or not; sales to resellers or to customers.",
)
REVISED = (
    "La source revoit ses chiffres : la fourchette est la sienne ; un périmètre peut changer.",
    "The source revises its figures: the range is its own; a perimeter may change.",
)


def benchmark_rows(**columns: Any) -> dict[str, Any]:
    """Rows of benchmarks of an example, with what every row must have."""
    size = len(next(iter(columns.values())))
    known = {"source": "panel", "source_date": "2026-02-01", "definition_match": "yes"}
    known |= {"entity": "market", "metric": "market_sales", "period": "2025", "confidence": "A"}
    return {**{name: [value] * size for name, value in known.items()}, **columns}


def _sales(rows: dict[str, Any], gives: float) -> Example:
    """Sales of 20 and 24 in two years, beside what a source says."""
    orders: dict[str, Any] = {"amount_net": [20.0, 24.0]}
    orders["order_date"] = ["2024-01-01", "2025-12-31"]
    return Example(gives, "2025", {"as_of": "2026-02-28"}, orders=orders, benchmarks=rows)


MARKET = benchmark_rows(period=["2024", "2025"], value=[100.0, 120.0])


@kpi(
    names=("Ventes du marché", "Market sales"),
    definition_fr="Ventes de tout le marché pendant la période que nomme la source.",
    unit=MONEY,
    better=NEUTRAL,
    dated="period",
    tier="P2",
    category=("lagging",),
    tags=("benchmark",),
    pitfalls=PERIMETER,
    seeds="S3 L27",
    example=_sales(MARKET, gives=120.0),
)
def market_sales(benchmarks: ir.Table) -> Parts:
    """Sales of the whole market in the period that the source names."""
    return outside(benchmarks, benchmarks.is_market & (benchmarks.metric == "market_sales"))


@kpi(
    names=("Ventes du premier concurrent", "Sales of the largest competitor"),
    definition_fr="Ventes du plus grand concurrent nommé par la source, dans la même période.",
    unit=MONEY,
    better=NEUTRAL,
    dated="period",
    tier="P2",
    category=("lagging",),
    tags=("benchmark",),
    pitfalls=(
        "Le premier concurrent n’est pas toujours le même.",
        "The largest competitor is not always the same one.",
    ),
    seeds="S3 L27",
    example=_sales(
        benchmark_rows(entity=["Alpha", "Beta", "Others"], value=[55.0, 26.0, 99.0]), gives=55.0
    ),
)
def leader_sales(benchmarks: ir.Table) -> Parts:
    """Sales of the largest competitor that the source names, in the same period."""
    return outside(benchmarks, benchmarks.is_rival & (benchmarks.metric == "market_sales"))


@kpi(
    names=("Comptes adressables", "Addressable accounts"),
    definition_fr="Comptes du marché visé, tels que la source les compte pour la période.",
    unit=COUNT,
    better=NEUTRAL,
    dated="period",
    tier="P2",
    category=("lagging",),
    tags=("conquest",),
    pitfalls=(
        "Définition datée (SIRENE, code NAF, taille).",
        "A definition with a date (register, sector code, size).",
    ),
    seeds="S4 L8",
    example=_sales(benchmark_rows(metric=["addressable_accounts"], value=[2000.0]), gives=2000.0),
)
def addressable_accounts(benchmarks: ir.Table) -> Parts:
    """Accounts of the target market, as the source counts them for the period."""
    metric = benchmarks.metric == "addressable_accounts"
    return outside(benchmarks, benchmarks.is_market & metric)


@kpi(
    names=("Clients acheteurs", "Buying customers"),
    definition_fr="Clients différents ayant commandé dans la période.",
    unit=COUNT,
    dated="order_date",
    tier="P2",
    category=("volume",),
    tags=("conquest",),
    pitfalls=(
        "Les filiales d’un même groupe comptent à part ; les mois ne s’additionnent pas.",
        "Subsidiaries of one group count apart; months do not add up.",
    ),
    seeds="S4 L8",
    cases="customers",
    example=Example(gives=2, orders={"customer_id": ["A", "A", "B"], "amount_net": [1.0] * 3}),
)
def buying_customers(orders: ir.Table) -> Parts:
    """Different customers with an order in the period."""
    return distinct(orders.customer_id, where=orders.is_sale)


def _carried(figure: Array, over: Settled, ends: tuple[Array, Array], n: Array) -> Settled:
    """A figure between the values that it has at both ends of the source's ranges."""
    ranged = ends[1] > ends[0]
    low, high = (np.where(ranged, end, np.nan) for end in ends)
    method = RANGE if ranged.any() else "exact"
    return over._replace(value=figure, n=n, low=low, high=high, method=method, remarks=())


def _within(figure: Settled) -> Settled:
    """No part is larger than the whole; where one would be, it is of something else."""
    strange = figure.value > 1
    value = np.where(strange, np.nan, figure.value)
    return figure._replace(value=value, remarks=(Remark("notes.above_whole", strange, {}),))


def _over(part: Settled, whole: Settled) -> Settled:
    """A figure of ours over one of a source, at both ends of its range."""
    low, high = bounds(whole)
    ends = divided(part.value, high), divided(part.value, low)
    made = _carried(divided(part.value, whole.value), whole, ends, part.n)
    return made._replace(numerator=part.value, denominator=whole.value)


@kpi(
    names=("Part de marché", "Market share"),
    definition_fr="Notre CA, en part des ventes du marché que la source donne pour la période.",
    unit=PERCENT,
    of={"ours": "revenue", "market": "market_sales"},
    category=("lagging",),
    tags=("benchmark", "mature"),
    pitfalls=PERIMETER,
    seeds="S3 L27",
    example=_sales(MARKET, gives=0.2),
)
def market_share(ours: Settled, market: Settled) -> Settled:
    """Our revenue, as a share of the market's sales that the source gives for the period."""
    return _within(_over(ours, market))


@kpi(
    names=("Part de marché relative", "Relative market share"),
    definition_fr="Notre CA rapporté aux ventes du premier concurrent.",
    unit=TIMES,
    of={"ours": "revenue", "leader": "leader_sales"},
    tier="P2",
    category=("lagging",),
    tags=("mature",),
    pitfalls=(
        "Le premier concurrent n’est pas toujours le même.",
        "The largest competitor is not always the same one.",
    ),
    seeds="S3 L27",
    example=_sales(benchmark_rows(entity=["Alpha", "Beta"], value=[48.0, 26.0]), gives=0.5),
)
def relative_market_share(ours: Settled, leader: Settled) -> Settled:
    """Our revenue over the sales of the largest competitor."""
    return _over(ours, leader)


@kpi(
    names=("Gain de part de marché", "Market share gain"),
    definition_fr="Part de marché moins celle de la même période un an plus tôt, en points.",
    unit=POINTS,
    of={"now": "market_share", "before": Ago("market_share", 12)},
    category=("lagging",),
    tags=("benchmark",),
    pitfalls=REVISED,
    seeds="S3 L27",
    example=_sales(benchmark_rows(period=["2024", "2025"], value=[100.0, 96.0]), gives=5.0),
)
def market_share_gain(now: Settled, before: Settled) -> Settled:
    """Market share less that of the same period a year earlier, in points."""
    low, high = bounds(now)
    least, most = bounds(before)
    ends = 100 * (low - most), 100 * (high - least)
    return _carried(100 * (now.value - before.value), now, ends, now.n)


@kpi(
    names=("Part de la croissance", "Share of growth"),
    definition_fr="Ce que notre CA a gagné en un an, en part de ce que le marché a gagné.",
    unit=PERCENT,
    of={
        **{"ours": "revenue", "before": Ago("revenue", 12)},
        **{"market": "market_sales", "then": Ago("market_sales", 12)},
    },
    tier="P2",
    category=("lagging",),
    tags=("conquest",),
    pitfalls=(
        "N’a de sens que dans un marché qui croît nettement.",
        "Has a meaning only in a market that clearly grows.",
    ),
    seeds="extension",
    example=_sales(MARKET, gives=0.2),
)
def share_of_growth(ours: Settled, before: Settled, market: Settled, then: Settled) -> Settled:
    """What our revenue gained in a year, as a share of what the market gained."""
    (low, high), (least, most) = bounds(market), bounds(then)
    gained, growth = ours.value - before.value, market.value - then.value
    shrinking = low - most <= 0
    value = np.where(shrinking, np.nan, divided(gained, growth))
    sides = np.sort([divided(gained, low - most), divided(gained, high - least)], axis=0)
    figure = _carried(value, market, (sides[0], sides[1]), ours.n)
    remark = Remark("notes.shrinking_market", shrinking, {})
    return figure._replace(numerator=gained, denominator=growth, remarks=(remark,))


@kpi(
    names=("Croissance comparée au marché", "Growth against the market"),
    definition_fr="Indice de notre évolution sur un an, rapportée à celle du marché ; à 100, notre "
    "part est restée la même.",
    unit=SCORE,
    of={"now": "market_share", "before": Ago("market_share", 12)},
    tier="P2",
    category=("lagging",),
    tags=("benchmark",),
    pitfalls=REVISED,
    seeds="S3 L26",
    example=_sales(MARKET, gives=100.0),
)
def growth_vs_market(now: Settled, before: Settled) -> Settled:
    """Index of our change in a year over that of the market; at 100 our share is the same."""
    (low, high), (least, most) = bounds(now), bounds(before)
    ends = 100 * divided(low, most), 100 * divided(high, least)
    return _carried(100 * divided(now.value, before.value), now, ends, now.n)


@kpi(
    names=("Taux de pénétration", "Penetration rate"),
    definition_fr="Clients ayant commandé dans la période, en part des comptes adressables.",
    unit=PERCENT,
    of={"customers": "buying_customers", "accounts": "addressable_accounts"},
    category=("lagging",),
    tags=("conquest",),
    pitfalls=(
        "Le compte des adressables dépend d’une définition datée (SIRENE, code NAF, taille).",
        "What is addressable depends on a definition with a date (register, sector code, size).",
    ),
    seeds="S4 L8",
    cases="cases",
    example=Example(
        gives=0.5,
        period="2025",
        config={"as_of": "2026-02-28"},
        orders={
            **{"customer_id": ["A", "A", "B"], "amount_net": [1.0] * 3},
            "order_date": ["2025-01-05", "2025-05-01", "2025-12-30"],
        },
        benchmarks=benchmark_rows(metric=["addressable_accounts"], value=[4.0]),
    ),
)
def penetration_rate(customers: Settled, accounts: Settled) -> Settled:
    """Customers with an order in the period, as a share of the addressable accounts."""
    figure = _within(_over(customers, accounts))
    counted = np.isnan(figure.low)
    limits = wilson(figure.value * accounts.value, accounts.value)
    low, high = (np.where(counted, w, s) for w, s in zip(limits, figure[4:6], strict=True))
    method = "wilson" if counted.all() else figure.method
    return figure._replace(low=low, high=high, n=accounts.value, method=method)
