"""Revenue as a chain: from leads to customers to money, and what each link brought."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from kpi_helpers.compare import compare
from kpi_helpers.compare.beside import YEAR_AGO
from kpi_helpers.drivers.accounts import by_customer
from kpi_helpers.drivers.factors import LMDI, lmdi, shapley
from kpi_helpers.drivers.steps import NOT_TESTED, SIDES, Between, between, steps, sureness
from kpi_helpers.errors import Unavailable, UnknownName
from kpi_helpers.kpis.settled import divided
from kpi_helpers.language import Phrase
from kpi_helpers.measure import measured
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.dataset import Where
from kpi_helpers.units import COUNT, MONEY, PERCENT

# Stock before and after, in the order in which one leads to the next; the last one is money.
Stocks = Mapping[str, tuple[float, float]]

# The driver that a stock makes of the one before it, by both; the first stock of a chain is one.
LINKS = {
    ("", "leads"): "leads",
    ("", "new"): "new_customers",
    ("leads", "new"): "conversion",
    ("new", "first"): "first_value",
    ("", "buyers"): "customers",
    ("", "again"): "again",
    ("buyers", "orders"): "frequency",
    ("orders", "again"): "basket",
    ("", "qualified"): "qualified",
    ("leads", "qualified"): "qualification",
    ("", "decided"): "decided",
    ("leads", "decided"): "decided_per_lead",
    ("qualified", "decided"): "decided_per_qualified",
    ("decided", "won"): "win",
    ("won", "bookings"): "value",
}
# The KPI whose comparison says whether a driver itself has moved.
TESTED = {
    "leads": "leads_generated",
    "new_customers": "new_customers",
    "conversion": "lead_to_customer_rate",
    "basket": "aov",
    "qualified": "qualified_leads",
    "qualification": "lead_qualification_rate",
    "win": "win_rate_count",
    "value": "avg_deal_value",
}
UNITS = dict.fromkeys(("conversion", "qualification", "win"), PERCENT)
UNITS |= dict.fromkeys(("first_value", "basket", "value", "again"), MONEY)
# The stocks of the chain of bookings: parts of KPIs.
LEADS = {"leads": ("leads_generated", "value"), "qualified": ("qualified_leads", "value")}
DEALS = {
    "decided": ("win_rate_count", "denominator"),
    "won": ("win_rate_count", "numerator"),
    "bookings": ("bookings", "value"),
}


def revenue_chain(
    data: Dataset, period: str = "last", to: str = YEAR_AGO, where: Where = None
) -> pd.DataFrame:
    """Cut the change of revenue among the drivers of its chain.

    Everything is read in the period: leads × new customers per lead × their revenue, and beside
    it other customers × orders each × net value of an order, refunds deducted; what names no
    customer is a step of its own. The new customers of a period mostly come from earlier leads:
    whether conversion has moved is what the cohorts say (``certainty``). Without orders, the chain
    is that of `bookings_chain`.

    Parameters
    ----------
    data, period, to, where
        As for `customer_bridge`.

    Returns
    -------
    pandas.DataFrame
        The steps of `kpi_helpers.charts.waterfall`, a driver each, by `shapley`; and
        ``driver_before, driver_after, driver_unit``, ``other_method`` (the same by `lmdi`, missing
        where it is not defined) and ``kpi``, the one whose comparison gave ``certainty``:
        ``established``, ``not_established``, ``immature``, ``insufficient`` or ``not_tested``.

    Raises
    ------
    Unavailable
        When there are neither orders nor deals, or no earlier period.
    """
    if "orders" not in data.tables:
        return bookings_chain(data, period, to, where)
    beside = between(data, period, to, "orders")
    bought = by_customer(data, "orders", beside, where)
    sides = [_bought(bought, beside, side) for side in SIDES]
    stocks = {name: (sides[0][name], sides[1][name]) for name in sides[0]}
    try:
        leads = _stocks(data, beside, where, {"leads": LEADS["leads"]})
    except UnknownName:  # a filter of the orders that no lead can be held against
        leads = {}
    chains = [
        leads | {name: stocks[name] for name in ("new", "first")},
        {name: stocks[name] for name in ("buyers", "orders", "again")},
    ]
    unnamed = bought.loc[bought["customer_id"].isna(), ["net_before", "net_after"]].sum()
    parts = [_drivers(chain) for chain in chains]
    if unnamed.any():
        amount = unnamed["net_after"] - unnamed["net_before"]
        parts.append(pd.DataFrame([{"step": "unnamed", "amount": amount}]))
    levels = bought["net_before"].sum(), bought["net_after"].sum()
    return _told(data, pd.concat(parts, ignore_index=True), "revenue", levels, beside, where)


def bookings_chain(
    data: Dataset, period: str = "last", to: str = YEAR_AGO, where: Where = None
) -> pd.DataFrame:
    """Cut the change of bookings among leads, qualification, decisions, win rate and deal value.

    Everything is read in the period, so that the product is its bookings: leads created,
    qualified, deals decided, won. Deals decided per qualified lead is the pace at which the sales
    force works its stock off. A link that the data do not have is left out and the next one takes
    its place.

    Parameters
    ----------
    data, period, to, where
        As for `customer_bridge`.

    Returns
    -------
    pandas.DataFrame
        As `revenue_chain`.

    Raises
    ------
    Unavailable
        When there are no deals, or no earlier period.
    """
    if "deals" not in data.tables:
        raise Unavailable(what=Phrase("drivers.what"), needs="orders, deals")
    beside = between(data, period, to, "deals")
    stocks = _stocks(data, beside, where, LEADS | DEALS)
    if any(money and not won for won, money in zip(stocks["won"], stocks["bookings"], strict=True)):
        raise Unavailable(what=Phrase("drivers.what"), needs=DEALS["won"][0])
    return _told(data, _drivers(stocks), "bookings", stocks["bookings"], beside, where)


def _stocks(
    data: Dataset, beside: Between, where: Where, parts: Mapping[str, tuple[str, str]]
) -> dict[str, tuple[float, float]]:
    """Return the parts of KPIs in both periods; leads count only where their table covers both."""
    periods = [beside.then, beside.now]
    kpis = list(dict.fromkeys(kpi for kpi, _ in parts.values()))
    found = measured(data, kpis, periods, (), where)
    covered = found.groupby("kpi")["covered"].all()
    stocks = {}
    for name, (kpi, column) in parts.items():
        if name not in LEADS or covered[kpi]:
            rows = found[found["kpi"] == kpi].sort_values("start")
            before, after = rows[column].fillna(0.0)
            stocks[name] = (float(before), float(after))
    return stocks


def _bought(bought: pd.DataFrame, beside: Between, side: str) -> dict[str, float]:
    """Return the stocks of one side: what its new customers bought, and all the others."""
    span = beside.then if side == "before" else beside.now
    known = bought[bought["customer_id"].notna()]
    first = pd.to_datetime(known["first"])
    new = first.ge(pd.Timestamp(span.start)) & first.lt(pd.Timestamp(span.end))
    others = known[~new]
    return {
        "new": float(new.sum()),
        "first": known.loc[new, f"net_{side}"].sum(),
        "buyers": float((others[f"orders_{side}"] > 0).sum()),
        "orders": others[f"orders_{side}"].sum(),
        "again": others[f"net_{side}"].sum(),
    }


def _drivers(stocks: Stocks) -> pd.DataFrame:
    """Return what each driver of a chain brought, its last stock being the money.

    A stock of nothing that money follows from all the same is no link of the chain.
    """
    money = list(stocks.values())[-1]
    rows, name, base = [], "", (1.0, 1.0)
    for stock, pair in stocks.items():
        if pair is money or all(p or not m for p, m in zip(pair, money, strict=True)):
            ratios = divided(np.array(pair), np.array(base))
            rows.append((LINKS[name, stock], *ratios))
            name, base = stock, pair
    found = pd.DataFrame(rows, columns=["step", "driver_before", "driver_after"])
    sides = [found.set_index("step")[[f"driver_{side}"]].T.set_axis([0]) for side in SIDES]
    fair, other = shapley(*sides), lmdi(*sides)
    defined = other["method"].eq(LMDI).all()
    return found.assign(
        amount=fair[found["step"]].to_numpy(float)[0],
        other_method=other[found["step"]].to_numpy(float)[0] if defined else np.nan,
    )


def _told(
    data: Dataset,
    drivers: pd.DataFrame,
    bridge: str,
    levels: tuple[float, float],
    beside: Between,
    where: Where,
) -> pd.DataFrame:
    """Return drivers as steps, with whether each has moved for certain."""
    drivers = drivers.assign(kpi=drivers["step"].map(TESTED), certainty=NOT_TESTED)
    drivers["driver_unit"] = drivers["step"].map(UNITS).fillna(COUNT)
    asked = list(drivers["kpi"].dropna())
    if asked:
        found = compare(data, asked, beside.now.name, beside.to, where=where)
        sure = found.assign(sure=sureness(found)).set_index("kpi")[["sure", "change"]]
        tested = drivers.join(sure, on="kpi")
        # A cohort may have moved for certain, and against what the period shows.
        moved = tested["driver_after"] - tested["driver_before"]
        against = (tested["sure"] == "established") & (tested["change"] * moved <= 0)
        drivers["certainty"] = tested["sure"].mask(against, "not_established").fillna(NOT_TESTED)
    # What names no customer is no driver: there is nothing to establish.
    drivers["certainty"] = drivers["certainty"].mask(drivers["step"] == "unnamed", "")
    return steps(drivers, bridge, levels, beside)
