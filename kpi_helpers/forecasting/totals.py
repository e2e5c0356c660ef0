"""Totals of quarters, of what is known and what is forecast, with intervals of their own."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kpi_helpers.errors import Unavailable
from kpi_helpers.forecasting.cleaning import cleaned
from kpi_helpers.forecasting.frames import SEASONS, Series
from kpi_helpers.forecasting.members import members, recent
from kpi_helpers.forecasting.models import SHORT
from kpi_helpers.forecasting.scale import Array

LEVELS = ("lo80", "hi80", "lo95", "hi95")
# What past errors say of how alike they are counts as so many stretches that say: wholly.
CAUTION = 0.25
SEASON = SEASONS["month"]


def totals(known: Series, ahead: pd.DataFrame) -> pd.DataFrame:
    """Add forecasts of one KPI up to quarters, with what is already known of the first.

    Errors of neighbouring months are alike, but not the same: the limits of a sum lie nearer than
    the sum of the limits, and farther than if the months had nothing to do with each other.

    Parameters
    ----------
    known
        The months seen.
    ahead
        What `kpi_helpers.forecast` returns of the months that follow.

    Returns
    -------
    pandas.DataFrame
        As ``ahead``, a row a quarter of which every month is known or forecast.
    """
    shared = alike(str(ahead["model"].iloc[0]), known.values, len(ahead), SEASON)
    seen = {pd.Timestamp(p.start): y for p, y in zip(known.periods, known.values, strict=True)}
    rows, of = [], known.calendar
    for quarter in dict.fromkeys(of.at(day.date(), "quarter") for day in ahead["start"]):
        months = [pd.Timestamp(each.start) for each in of.split(quarter, "month")]
        to_come = ahead["start"].isin(months).to_numpy()
        before = np.array([seen.get(month, np.nan) for month in months if month in seen])
        if len(before) + to_come.sum() < len(months) or np.isnan(before).any():
            continue
        part = ahead[to_come]
        value = part["value"].sum()
        off = part[list(LEVELS)].sub(part["value"], axis=0).to_numpy()
        far = np.sqrt(np.einsum("hk,hj,jk->k", off, shared[np.ix_(to_come, to_come)], off))
        limits = value + np.array([-1, 1, -1, 1]) * far
        figures = dict(zip(("value", *LEVELS), before.sum() + np.r_[value, limits], strict=True))
        span = {"period": quarter.name, "start": months[0], "end": pd.Timestamp(quarter.end)}
        rows.append(part.iloc[0].to_dict() | span | figures)
    return pd.DataFrame(rows, columns=ahead.columns)


def alike(model: str, y: Array, horizon: int, season: int) -> Array:
    """Return how alike the errors of a forecast are at each two horizons, between 0 and 1.

    Those of a random walk follow from its law. Of the kit's own they are seen in the past: all
    horizons from the same origin, standardized; few origins are believed less, and what is doubted
    counts as wholly alike.

    Returns
    -------
    numpy.ndarray
        Shape (horizon, horizon), 1 on the diagonal.
    """
    h = np.arange(1, horizon + 1)
    if model == "run_rate":  # the mean is wrong for all alike, by a part
        return (1 + np.isfinite(y).sum() * np.eye(horizon)) / (1 + np.isfinite(y).sum())
    if model in ("naive", "drift"):
        return np.sqrt(np.fmin.outer(h, h) / np.fmax.outer(h, h))
    if model == "seasonal_naive":
        years, same = (h - 1) // season + 1, np.subtract.outer(h, h) % season == 0
        return np.sqrt(np.fmin.outer(years, years) / np.fmax.outer(years, years)) * same
    try:
        series = cleaned(y, season)
    except Unavailable:
        return np.ones((horizon, horizon))
    values, season = recent(series.values, season)
    whole = np.ones((horizon, horizon))
    if len(values) < SHORT + horizon:
        return whole
    missed = members(values, horizon, season, series.scale).missed
    paths = np.stack([missed[h + t - 1, h - 1] for t in range(len(values) - horizon + 1)])
    paths /= np.sqrt((paths**2).mean(axis=0)) + 1e-12
    trust = len(paths) / (len(paths) + CAUTION * horizon)
    return trust * (paths.T @ paths / len(paths)) + (1 - trust) * whole
