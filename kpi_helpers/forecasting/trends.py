"""Which KPIs rise or fall for certain, how fast, and where their level broke beside what events."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from kpi_helpers.catalogue import HIGHER, LOWER
from kpi_helpers.compare.difference import adjusted
from kpi_helpers.compare.verdicts import FALSE_FINDINGS
from kpi_helpers.forecasting.decomposition import SHOWN, known, scaled
from kpi_helpers.forecasting.models import SHORT
from kpi_helpers.forecasting.scale import Array, Scale, back
from kpi_helpers.forecasting.slopes import Break, Slope, level_break, logistic, slope
from kpi_helpers.periods.period import span

# A trend is told as what goes on: fewer of them may be false than of changes, and of breaks.
SURE = 0.05
# A break may have what was noted so many periods from it beside it.
BESIDE = 2
YEAR = 365.25
FACTS = ["kpi", "label", "unit", "better", "method", "turns", "left_out"]


class Read(NamedTuple):
    """The known values of one KPI on their scale: without the season, and with it."""

    rows: pd.DataFrame
    scale: Scale
    low: float
    width: float
    calm: Array
    x: Array
    phase: Array
    at: Array
    places: Array


def trends(parts: pd.DataFrame) -> pd.DataFrame:
    """Say of each KPI whether it rises or falls, how fast, and whether its level broke.

    Slopes and their test are those of `kpi_helpers.forecasting.slopes.slope`; those of `logistic`
    for shares of cases, of which only cohorts old enough are read. A definition that changed
    makes no trend: only what goes on before and after it does. Nor does a level that broke for
    certain: then no trend is told, as its place was chosen from the same values.

    Parameters
    ----------
    parts
        What `decomposed` returns.

    Returns
    -------
    pandas.DataFrame
        ``kpi, label, unit, better, method, period, start, end, n`` (values read), ``left_out,
        turns`` as in `decomposed`; ``per_period, per_year`` in the unit of the KPI, ``relative`` a
        year (missing for what may be negative), the last two with ``_low`` and ``_high``;
        ``p_value, p_adjusted`` (for as many KPIs) and ``verdict`` (``better, worse, changed,
        none_shown``). Of the largest change of level ``break_period, before, after`` (the year on
        either side, less the season), ``break_p, break_adjusted, broke``, and ``event``: what was
        noted at most two periods from it.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> from kpi_helpers import forecasting
    >>> found = forecasting.series(kh.load("data/sample"), "lead_qualification_rate", "2026Q3")
    >>> trends(forecasting.decomposed(found))[["break_period", "broke"]].values.tolist()
    [['2025-05', True]]
    """
    kept = parts[parts["trend"].notna()]
    read = [_read(rows) for _, rows in kept.groupby("kpi", sort=False)]
    breaks = [level_break(each.x, each.phase, each.at, each.places) for each in read]
    told = pd.DataFrame(map(_break_told, read, breaks))
    told["break_adjusted"] = adjusted(told["break_p"].to_numpy(float))
    told["broke"] = (told["break_p"] < SURE) & (told["break_adjusted"] <= FALSE_FINDINGS)
    starts = told["place"].where(told["broke"], np.inf)
    slopes = pd.DataFrame(map(_slope_told, read, starts))
    slopes["p_adjusted"] = adjusted(slopes["p_value"].to_numpy(float))
    sign = np.select([slopes["better"] == HIGHER, slopes["better"] == LOWER], [1.0, -1.0], 0.0)
    way = np.sign(sign * slopes["per_year"]).map({1.0: "better", -1.0: "worse"}).fillna("changed")
    slopes["verdict"] = way.where((slopes["p_adjusted"] < SURE) & ~told["broke"], "none_shown")
    return pd.concat([slopes, told.drop(columns="place")], axis=1)


def _read(rows: pd.DataFrame) -> Read:
    columns = ("adjusted", "trend", "trend seasonal")
    scale, low, width, (x, level, both) = scaled(rows, *columns)
    season = int(rows["season"].iloc[0]) if rows["turns"].iloc[0] == SHOWN else 1
    at, there = np.arange(len(rows), dtype=float), known(rows).to_numpy(bool)
    arrays = (x - (both - level), x, rows["phase"].to_numpy(float), at, at % season)
    return Read(rows, scale, low, width, *(each[there] for each in arrays))


def _break_told(read: Read, found: Break | None) -> dict[str, Any]:
    """The level of a year before and after a break, and what was noted around it."""
    if found is None:
        blank = {"break_period": "", "event": "", "place": np.inf}
        return blank | dict.fromkeys(("before", "after", "break_p"), np.nan)
    rows, first = read.rows, int(read.at[found.place])
    year = max(int(rows["season"].iloc[0]), SHORT)
    calm = rows["adjusted"] - rows["seasonal"]
    noted = np.flatnonzero(rows["event"] != "")
    near = noted[np.abs(noted - first) <= BESIDE]
    return {
        "break_period": rows["period"].iloc[first],
        "before": float(calm.iloc[max(first - year, 0) : first].median()),
        "after": float(calm.iloc[first : first + year].median()),
        "event": " · ".join(rows["event"].iloc[near]),
        "place": float(first),
        "break_p": found.p_value,
    }


def _slope_told(read: Read, broken: float) -> dict[str, Any]:
    """A slope, as what it changes a period and a year around the middle of the series."""
    rows, scale = read.rows, read.scale
    start, end = rows["start"].iloc[0], rows["end"].iloc[-1]
    told: dict[str, Any] = {name: rows[name].iloc[0] for name in FACTS}
    told |= {"period": span(start.date(), end.date()).name, "start": start, "end": end}
    steps = round(YEAR / float((rows["end"] - rows["start"]).dt.days.mean()))
    found, middle = _slope(read, broken), float(np.median(read.calm))
    for which, by in (("", found.value), ("_low", found.low), ("_high", found.high)):
        before, after = back(middle + by * steps * np.array([-0.5, 0.5]), scale)
        told[f"per_year{which}"] = read.width * (after - before)
        positive = scale.name != "plain" and read.low == 0 and before > 0
        told[f"relative{which}"] = after / before - 1 if positive else np.nan
    more = {"per_period": told["per_year"] / steps, "n": len(read.x), "p_value": found.p_value}
    return told | more


def _slope(read: Read, broken: float) -> Slope:
    phase = read.phase + (read.at >= broken) * (read.phase.max() + 1)
    taken = len(np.unique(read.places)) - 1
    if len(read.x) - 1 - len(np.unique(phase)) - taken < 1:
        return Slope(0.0, np.nan, np.nan, np.nan)
    if read.rows["method"].iloc[0] == "wilson" and np.ptp(read.x) > 0:
        counted = read.rows.loc[known(read.rows), ["numerator", "denominator"]]
        k, n = counted.to_numpy(float).T
        return logistic(k, n, phase, read.at, read.places)
    return slope(read.calm, phase, read.at, taken)
