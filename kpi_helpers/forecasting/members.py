"""The four members of the forecast: two of smoothing, Theta, and autoregression."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kpi_helpers.forecasting.scale import Array, Scale, back, to
from kpi_helpers.forecasting.seasons import indices, is_seasonal, slope_of
from kpi_helpers.forecasting.smoothing import TINY, Grid, grid, mixed, run, smoothed

# Of long seasons (weeks) the last five are read.
LONG_SEASON, YEARS = 24, 5
ORDER, RIDGE, LEAST, STEADY = 6, 0.1, 5, 0.98
SEASONAL_DRIFT, DRIFT = 0.6, 0.5
# Sorted members weigh 1, 3, 3, 1: between their median and their mean.
WEIGHTS = np.array([1, 3, 3, 1]) / 8


class Members(NamedTuple):
    """Paths in the series' own units; past misses, the paths' spread and the slope on its scale."""

    paths: Array
    missed: Array
    spread: Array
    slope: float


def recent(y: Array, season: int) -> tuple[Array, int]:
    """Return the part of a series that is read, and its season: 1 where it has not two of them."""
    y = y[-YEARS * season :] if season > LONG_SEASON else y
    return y, season if len(y) >= 2 * season else 1


def members(y: Array, horizon: int, season: int, scale: Scale) -> Members:
    """Forecast a series by each of the four members.

    1. Smoothing with a season, where there seems to be one. 2. Smoothing of the series adjusted by
    shrunk indices. 3. Theta of the adjusted series, on the logarithm where it exists. 4. The mean
    of autoregressions on changes from the season before and from the point before.
    """
    x, n = to(y, scale), len(y)
    gate, far = is_seasonal(x, season), 6 if season > 6 else 3
    whole, _ = indices(x, season)
    flat, shrunk = _adjusted(x, season, horizon)
    first, missed = smoothed(x, horizon, whole if gate else np.zeros(1), far)
    second, missed_flat = smoothed(flat, horizon, np.zeros(1), far)
    third = _theta(y, horizon, season, scale)
    fourth = autoregression(flat, 1, horizon, DRIFT) + shrunk
    if gate and season <= LONG_SEASON and n >= 3 * season + 4:
        fourth = (fourth + autoregression(x, season, horizon, SEASONAL_DRIFT)) / 2
    paths = np.stack([first, second + shrunk, to(third, scale), fourth])
    slope = slope_of(flat)
    return Members(back(paths, scale), (missed + missed_flat) / 2, paths.std(axis=0), slope)


def combined(paths: Array) -> Array:
    """Return the forecast from the members' paths, shape (4, horizon): sorted, then weighed."""
    return WEIGHTS @ np.sort(paths, axis=0)


def _adjusted(x: Array, season: int, horizon: int) -> tuple[Array, Array]:
    """The series less its shrunk indices, and those of the points to come."""
    by_place, factor = indices(x, season)
    shrunk = factor * by_place[np.arange(len(x) + horizon) % season]
    return x - shrunk[: len(x)], shrunk[len(x) :]


def _theta(y: Array, horizon: int, season: int, scale: Scale) -> Array:
    logarithm = scale.name == "power" and (y > 0).all()
    scale = scale._replace(name="log") if logarithm else scale
    flat, shrunk = _adjusted(to(y, scale), season, horizon)
    return back(theta(flat, horizon) + shrunk, scale)


def theta(x: Array, horizon: int) -> Array:
    """Forecast by Theta: a smoothed level that moves on by half the overall slope.

    Assimakopoulos and Nikolopoulos (2000), International Journal of Forecasting 16, 521-530, as
    read by Hyndman and Billah (2003), the same journal 19, 287-290; levels are mixed, not chosen.
    """
    models = grid(False)
    models = Grid(*(part[models.drift == 0] for part in models))
    states = run(x, np.zeros(1), models)
    weight = mixed(len(x) * np.log((states.error**2).mean(axis=0) + TINY))
    slope = slope_of(x)
    return states.level[-1] @ weight + slope / 2 * np.arange(1, horizon + 1)


def autoregression(x: Array, lag: int, horizon: int, drift: float) -> Array:
    """Forecast by an autoregression of the changes from ``lag`` points before.

    Least squares with a ridge on the last six changes, and the one a season before. Only a share
    ``drift`` of the mean change goes on: trends bend. At least ``lag + 4`` points.
    """
    change = x[lag:] - x[:-lag]
    usual, n = change.mean(), len(change)
    order = max(1, min(ORDER, n // LEAST))
    lags = np.arange(1, order + 1)
    if lag > order and n > 2 * lag + 4:
        lags = np.r_[lags, lag]
    z, longest = change - usual, lags.max()
    before = np.stack([z[longest - k : n - k] for k in lags], axis=1)
    squares = before.T @ before
    ridge = (RIDGE * np.trace(squares) / len(squares) + TINY) * np.eye(len(squares))
    weights = np.linalg.solve(squares + ridge, before.T @ z[longest:])
    weights *= min(1.0, STEADY / max(np.abs(weights).sum(), TINY))
    path, past = np.r_[x, np.zeros(horizon)], np.r_[np.zeros(longest), z, np.zeros(horizon)]
    for t in range(len(x), len(path)):
        at = t - lag + longest
        past[at] = weights @ past[at - lags]
        path[t] = path[t - lag] + past[at] + drift * usual
    return path[len(x) :]
