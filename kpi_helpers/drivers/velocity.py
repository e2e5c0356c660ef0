"""Sales velocity as a product: how many deals, how often won, how large, how fast."""

from __future__ import annotations

import pandas as pd

from kpi_helpers.compare import compare
from kpi_helpers.compare.beside import YEAR_AGO
from kpi_helpers.drivers.factors import lmdi, shapley
from kpi_helpers.drivers.steps import NOT_TESTED, SIDES, between, steps, sureness
from kpi_helpers.errors import Unavailable
from kpi_helpers.language import Phrase
from kpi_helpers.measure import measured
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.dataset import Where
from kpi_helpers.units import COUNT, DAYS, MONEY, PERCENT

RATES = ("win_rate_count", "avg_deal_value", "sales_cycle_duration")
DRIVERS = dict(zip(("open_deals", *RATES), ("stock", "win", "value", "cycle"), strict=True))
UNITS = (COUNT, PERCENT, MONEY, DAYS)


def velocity_chain(data: Dataset, period: str = "last", where: Where = None) -> pd.DataFrame:
    """Cut the change of sales velocity in a year among open deals, win rate, deal value and cycle.

    The last three are read over the twelve months that end with a period, as ``sales_velocity``
    reads them.

    Parameters
    ----------
    data, period, where
        As for `kpi_helpers.drivers.revenue_chain`; the period before where no year ago is known.

    Returns
    -------
    pandas.DataFrame
        As `kpi_helpers.drivers.revenue_chain`, by `shapley` of the product with 1 ÷ cycle.

    Raises
    ------
    Unavailable
        When there are no deals, no earlier period, or a driver is not known in both.
    """
    beside = between(data, period, YEAR_AGO, "deals")
    years = [data.config.calendar.year_to(each) for each in beside[:2]]
    asked = {("open_deals",): [*beside[:2]], RATES: years}
    found = pd.concat(measured(data, kpis, spans, (), where) for kpis, spans in asked.items())
    values = found.sort_values("start", kind="stable").groupby("kpi")["value"].agg(list)
    drivers = pd.DataFrame({step: values[kpi] for kpi, step in DRIVERS.items()}, index=SIDES)
    if not (drivers > 0).all(axis=None):
        raise Unavailable(what=Phrase("drivers.what"), needs="sales_velocity")
    factors = drivers.assign(cycle=1 / drivers["cycle"])
    before, after = (factors.loc[[side]].set_axis([0]) for side in SIDES)
    sure = ["", *[NOT_TESTED] * len(RATES)]
    if beside.to == YEAR_AGO:
        sure[1:] = sureness(compare(data, RATES, years[1].name, YEAR_AGO, where=where))
    changes = pd.DataFrame({"step": [*DRIVERS.values()], "certainty": sure, "driver_unit": UNITS})
    for column, cut in (("amount", shapley), ("other_method", lmdi)):
        changes[column] = cut(before, after)[changes["step"]].to_numpy(float)[0]
    for side in SIDES:
        changes[f"driver_{side}"] = drivers.loc[side].to_numpy(float)
    levels = before.prod(axis=1).item(), after.prod(axis=1).item()
    return steps(changes, "sales_velocity", levels, beside)
