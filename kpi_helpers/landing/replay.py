"""The forecast of a quarter as it would have been made on past days, beside simpler ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from kpi_helpers.errors import Unavailable
from kpi_helpers.funnel import Cases, Prepared, prepared
from kpi_helpers.landing.forecasts import (
    ONE,
    Forecast,
    Sold,
    by_deals,
    sold,
    together,
    with_shock,
)
from kpi_helpers.periods import Period

# Parts of a quarter at which its forecast is replayed, and for how many of the last quarters; for
# how many where each day has to be asked.
PARTS, QUARTERS, ASKED = (0.0, 0.25, 0.5, 0.75), 12, 2
# Deals won in a year that a forecast takes; days of data before a quarter that is replayed, and
# before one whose course was not that of the first deals noted.
FEWEST, YEAR, SETTLED = 5, 365, 91
COLUMNS = (
    *("period", "start", "part", "booked", "value", "expected", "spread", "series"),
    *("linear", "seasonal", "crm", "actual"),
)
SAID = ("combined", "low", "high", "chance")
METHODS = ("combined", "value", "series", "linear", "seasonal", "crm")
BANDS = (0.0, 0.2, 0.5, 0.8, 1.0)
Crm = Callable[[Prepared, dt.date, Period], float]


class Past(NamedTuple):
    """What is replayed: the cases, what was won by day, and how both were known on a day.

    ``crm`` says what its chances make of the open deals of a day, to be won in a quarter.
    ``quarters`` is how many at most.
    """

    known: Cases
    sold: Sold
    at: Callable[[dt.date], tuple[Prepared, Sold]]
    crm: Crm | None = None
    quarters: int = QUARTERS


def past(known: Cases) -> Past:
    """What is replayed of cases whose rows say how they were known on any day."""
    won = sold(known)
    return Past(known, won, lambda day: (prepared(known, day), won))


def replay(of: Past, day: dt.date, targets: Mapping[str, float]) -> pd.DataFrame:
    """Forecast quarters that ended by a day from days within them, by what was known on each.

    Parameters
    ----------
    of
        What is replayed.
    day
        The last day known.
    targets
        The target of each quarter, by its name.

    Returns
    -------
    pandas.DataFrame
        A row a day: ``period, part`` (of the quarter that was over), ``booked, value`` (from the
        deals) of which ``expected`` was still to come, ``spread`` (its standard error, before any
        shock), ``series`` (by month), ``linear, seasonal`` (booked over the part that is over, or
        that had come a year before), ``crm``, ``actual, target, hit``; and as would have been said
        then, after the quarters before it: ``combined`` with ``low, high`` (80 %), ``chance``.
    """
    made = [
        row
        for period in _quarters(of, day)
        for part in PARTS
        if (row := _then(of, period, part)) is not None
    ]
    frame = pd.DataFrame([row for row, _ in made], columns=[*COLUMNS])
    frame["target"] = frame["period"].map(targets).astype(float)
    said = [
        _said(target, deals, frame[frame["start"] < row["start"]])
        for target, (row, deals) in zip(frame["target"], made, strict=True)
    ]
    frame = frame.join(pd.DataFrame(said, columns=[*SAID]))
    hit = (frame["actual"] >= frame["target"]).astype(float)
    return frame.assign(hit=hit.where(frame["target"].notna()))


def _quarters(of: Past, day: dt.date) -> list[Period]:
    """The last whole quarters before which a year of cases is known, the oldest first."""
    calendar, found = of.known.calendar, list[Period]()
    period = calendar.shift(calendar.at(day + ONE, "quarter"), -1)
    while len(found) < of.quarters and (period.start - of.sold.first).days >= YEAR:
        found.insert(0, period)
        period = calendar.shift(period, -1)
    return found


def _then(of: Past, period: Period, part: float) -> tuple[dict[str, Any], Forecast] | None:
    """What was forecast once this part of a quarter was over; nothing where too few were won."""
    over, ago = round(part * period.days), of.known.calendar.shift(period, -4)
    day = period.start + dt.timedelta(days=over - 1)
    try:
        found, won = of.at(day)
    except Unavailable:
        return None
    if len(found.amounts) < FEWEST:
        return None
    made = by_deals(found, won, of.known.calendar, day)
    come = won.between(ago.start, ago.start + dt.timedelta(days=round(part * ago.days)))
    usual = come > 0 and (ago.start - won.first).days >= SETTLED
    row = {
        **{"period": period.name, "start": pd.Timestamp(period.start), "part": part},
        **{"booked": made.booked, "value": made.value, "series": made.series},
        **{"expected": made.sum.mean, "spread": made.sd},
        "linear": made.booked / part if over else np.nan,
        "seasonal": made.booked * won.between(ago.start, ago.end) / come if usual else np.nan,
        "crm": made.booked + of.crm(found, day, period) if of.crm else np.nan,
        "actual": of.sold.between(period.start, period.end),
    }
    return row, made


def _said(target: float, deals: Forecast, before: pd.DataFrame) -> tuple[float, ...]:
    """What would have been said of a quarter, had only those before it been replayed."""
    both = together(with_shock(deals, before), before)
    chance = np.nan if np.isnan(target) else both.chance(target)
    return both.value, both.level(0.1), both.level(0.9), chance


def scores(found: pd.DataFrame) -> pd.DataFrame:
    """Return how good each way to forecast was, on the days on which all of them could.

    Returns
    -------
    pandas.DataFrame
        A row a method: ``method, n`` (days), ``quarters, error`` (what was missed, as a share of
        what came) and ``bias`` (too much, if above 0).
    """
    used = [name for name in METHODS if found[name].notna().any()]
    rows = found.dropna(subset=used)
    whole, quarters = rows["actual"].sum() or np.nan, rows["period"].nunique()
    missed = rows[used].sub(rows["actual"], axis=0) / whole
    frame = pd.DataFrame({"error": missed.abs().sum(), "bias": missed.sum()})
    return frame.rename_axis("method").reset_index().assign(n=len(rows), quarters=quarters)


def reliability(found: pd.DataFrame) -> pd.DataFrame:
    """Return what became of the chances that would have been given.

    Returns
    -------
    pandas.DataFrame
        First all of them, then by band of chances (``band``, its least one): ``n`` forecasts of
        ``quarters``, ``said`` on average, ``came`` (the share that hit the target), ``brier``, the
        mean squared difference (Brier 1950, Monthly Weather Review 78, 1-3), and ``base``, that of
        always saying how often the target is hit.
    """
    rows = found.dropna(subset=["chance", "hit"])
    rows = rows.assign(
        brier=(rows["chance"] - rows["hit"]) ** 2,
        base=(rows["hit"].mean() - rows["hit"]) ** 2,
        band=np.array(BANDS)[np.digitize(rows["chance"], BANDS[1:-1])],
    )
    bands = pd.concat([rows.assign(band=np.nan), rows.sort_values("band")])
    return bands.groupby("band", dropna=False, sort=False, as_index=False).agg(
        n=("hit", "size"),
        quarters=("period", "nunique"),
        said=("chance", "mean"),
        came=("hit", "mean"),
        brier=("brier", "mean"),
        base=("base", "mean"),
    )
