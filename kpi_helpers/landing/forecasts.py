"""Where a quarter lands: what its deals say, what its months say, and both of them together."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import numpy as np
import pandas as pd

from kpi_helpers import forecasting
from kpi_helpers.errors import Unavailable
from kpi_helpers.funnel import Cases, Prepared, won_by
from kpi_helpers.landing.sums import NORMAL, Total, likely, reached, shaken, total
from kpi_helpers.periods import Calendar, Period
from kpi_helpers.survival.curves import Floats

# How many past forecasts weights of their own take. A shock is taken to be of 15 % before there
# are any, which then counts as much as two quarters.
ENOUGH, USUAL, WEIGHT, TWICE, LEAST = 8, 0.15, 2, 2.0, 1e-12
# As far as a mean and its error say what a sum is: its middle is no further from its mean.
LOPSIDED = 0.25
ONE, MONTHS, SD_80 = dt.timedelta(days=1), 12, 2 * NORMAL.inv_cdf(0.9)


class Sold(NamedTuple):
    """The days on which something was won, counted from 1970, and all amounts up to each."""

    first: dt.date
    days: Floats
    sums: Floats

    def between(self, start: dt.date, end: dt.date) -> float:
        """What was won from one day to the day before another."""
        ends = np.array([start, end], dtype="M8[D]").astype(int)
        before, after = self.sums[np.searchsorted(self.days, ends)]
        return float(after - before)


def sold(known: Cases) -> Sold:
    """What was won by day, as the rows have it, and the first day that they tell of."""
    rows = known.rows
    won = rows[(rows["place"] == len(known.steps)) & (rows["amount"] > 0)].sort_values("entered")
    first = pd.Timestamp(rows["entered"].min(), unit="D").date() if len(rows) else dt.date.max
    return Sold(first, won["entered"].to_numpy(), np.append(0.0, won["amount"].to_numpy().cumsum()))


class Forecast(NamedTuple):
    """A forecast: what is booked, the ``sum`` to come, then ``value`` and ``sd`` of both together.

    It is spread as the sum is, about a value and with an error of its own. ``opened`` is what open
    deals bring to it, ``series`` the forecast of the months, ``weight`` that of the deals.
    """

    booked: float
    sum: Total
    value: float
    sd: float
    weight: float = 1.0
    opened: float = 0.0
    series: float = np.nan
    series_sd: float = np.nan

    def chance(self, target: float) -> float:
        """The probability that the quarter reaches a target."""
        if target <= self.booked or not self.sum.sd > 0:
            return float(target <= max(self.booked, self.value))
        needed = self.sum.mean + (target - self.value) * self.sum.sd / self.sd
        return float(likely(self.sum, needed))

    def level(self, chances: float) -> float:
        """What the quarter stays below, or at, with such a probability."""
        away = float(reached(self.sum, chances)) - self.sum.mean
        return max(self.booked, self.value + away * self.sd / (self.sum.sd or 1.0))


def by_deals(found: Prepared, won: Sold, calendar: Calendar, day: dt.date) -> Forecast:
    """Forecast the quarter that the day after belongs to from its deals, before any shock."""
    chance, leads, new = won_by(found, found.days[0], 1.0, np.ones(len(found.steps)))
    amount = found.open["amount"].to_numpy(float)
    of = total(amount, chance, leads + new, found.amounts)
    series, error = _by_month(won, calendar, day, found.periods[0])
    opened, value = float(amount @ chance), found.booked + of.mean
    series += found.booked
    return Forecast(found.booked, of, value, of.sd, 1.0, opened, series, error)


def _by_month(won: Sold, calendar: Calendar, day: dt.date, quarter: Period) -> tuple[float, float]:
    """What the days left in a quarter bring if the whole months go on, and the error of that."""
    month, months = calendar.at(day + ONE, "month"), list[float]()
    ahead = [month]
    while ahead[-1].end < quarter.end:
        ahead.append(calendar.shift(ahead[-1], 1))
    while (month := calendar.shift(month, -1)).start >= won.first:
        months.insert(0, won.between(month.start, month.end))
    try:
        found = forecasting.forecast(months, len(ahead), MONTHS)
    except Unavailable:
        return np.nan, np.nan
    left = np.array([(each.end - max(each.start, day + ONE)).days / each.days for each in ahead])
    return float(found.mean @ left), float((found.hi80 - found.lo80) @ left / SD_80)


def shock(past: pd.DataFrame) -> float:
    """The standard error of what all deals share, relative to what is expected of them.

    What past forecasts missed beyond the luck of each deal, moved towards what is usual.
    """
    if past.empty:
        return USUAL
    quarters, missed = past["period"].nunique(), past["actual"] - past["value"]
    beyond = (missed**2 - past["spread"] ** 2).sum() / (past["expected"] ** 2).sum()
    return float(np.sqrt((quarters * max(beyond, 0) + WEIGHT * USUAL**2) / (quarters + WEIGHT)))


def with_shock(deals: Forecast, past: pd.DataFrame) -> Forecast:
    """The forecast from the deals with the shock that past forecasts of that kind tell."""
    of = shaken(deals.sum, shock(past))
    return deals._replace(sum=of, sd=of.sd)


def together(deals: Forecast, past: pd.DataFrame) -> Forecast:
    """Deals and months, weighted as the errors of past forecasts say, else equally.

    Each error counts over what luck was to be expected then. With equal weights both are taken to
    err alike. Too few months leave the deals alone; and so do, before there are weights, those that
    claim an error more than twice as large. So does one deal that outweighs all others: it comes or
    not, and a mean between the two is neither.
    """
    if abs(float(reached(deals.sum, 0.5)) - deals.sum.mean) > LOPSIDED * deals.sum.sd:
        return deals
    known = past[past["series"].notna() & (past["spread"] > 0)]
    errors = known[["value", "series"]].sub(known["actual"], axis=0).div(known["spread"], axis=0)
    few = len(errors) < ENOUGH
    if np.isnan(deals.series) or (few and deals.series_sd > TWICE * deals.sd):
        return deals
    if few:
        value, sd = (deals.value + deals.series) / 2, (deals.sd + deals.series_sd) / 2
        return deals._replace(value=value, sd=sd, weight=0.5)
    squares = (errors.T @ errors / len(errors)).to_numpy()
    a, b = np.sqrt(np.maximum(np.diag(squares), LEAST))
    sides = (deals.value, a), (deals.series, b)
    weight, value, sd = forecasting.together(*sides, squares[0, 1] / (a * b))
    return deals._replace(value=value, sd=sd * deals.sd / a, weight=weight)
