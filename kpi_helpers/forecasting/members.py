"""The four members of the forecast: two of smoothing, Theta, and autoregression."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kpi_helpers.forecasting.scale import Array, Scale, back, to
from kpi_helpers.forecasting.seasons import indices, is_seasonal
from kpi_helpers.forecasting.smoothing import LEVELS, TINY, mixed, smoothed

# Of long seasons (weeks) the last five are read.
LONG_SEASON, YEARS = 24, 5
ORDER, RIDGE, LEAST = 6, 0.1, 5
SEASONAL_DRIFT, DRIFT = 0.6, 0.5
# Sorted members weigh 1, 3, 3, 1: between their median and their mean.
WEIGHTS = np.array([1, 3, 3, 1]) / 8


class Members(NamedTuple):
    """Paths in the series' own units; past misses, the paths' spread and the slope on its scale."""

    paths: Array
    missed: Array
    spread: Array
    slope: float


def recent(y: Array, season: int) -> Array:
    """Return the part of a series that is read."""
    return y[-YEARS * season :] if season > LONG_SEASON else y


def members(y: Array, horizon: int, season: int, scale: Scale) -> Members:
    """Forecast a series by each of the four members.

    1. Smoothing with a season, where there seems to be one. 2. Smoothing of the series adjusted by
    shrunk indices. 3. Theta of the adjusted series, on the logarithm where it exists. 4. The mean
    of autoregressions on changes from the season before and from the point before.
    """
    x, n = to(y, scale), len(y)
    season = season if n >= 2 * season else 1
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
    slope = float(np.polyfit(np.arange(n), flat, 1)[0])
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
    n, alpha = len(x), np.array(LEVELS)
    level, miss = np.full(len(alpha), x[:4].mean()), np.empty((n, len(alpha)))
    for t in range(n):
        miss[t] = x[t] - level
        level = level + alpha * miss[t]
    weight = mixed(n * np.log((miss**2).mean(axis=0) + TINY))
    slope = np.polyfit(np.arange(n), x, 1)[0]
    return level @ weight + slope / 2 * np.arange(1, horizon + 1)


def autoregression(x: Array, lag: int, horizon: int, drift: float) -> Array:
    """Forecast by autoregressions of the changes from ``lag`` points before.

    Least squares with a ridge over nested sets of lags, mixed by the corrected Akaike criterion;
    the lag itself comes first where it is a season. Only a share ``drift`` of the mean change goes
    on: trends bend. At least ``lag + 4`` points.
    """
    change = x[lag:] - x[:-lag]
    usual, n = change.mean(), len(change)
    own = [lag] if lag > 1 and n > 2 * lag + 4 else []
    lags = own + [k for k in range(1, min(ORDER, n // LEAST) + 1) if k not in own]
    weights = _lag_weights(change - usual, lags, len(own))
    past = np.r_[np.zeros(len(weights)), change - usual, np.zeros(horizon)]
    for t in range(len(past) - horizon, len(past)):
        past[t] = weights @ past[t - 1 :: -1][: len(weights)]
    path = np.r_[x, past[-horizon:] + drift * usual]
    for t in range(len(x), len(path)):
        path[t] += path[t - lag]
    return path[len(x) :]


def _lag_weights(z: Array, lags: list[int], fewest: int) -> Array:
    """Weights of the points 1, 2, ... before, over nested sets of lags; their sizes sum to < 1."""
    longest = max(lags, default=1)
    target = z[longest:]
    before = np.stack([z[longest - k : len(z) - k] for k in lags] or [target * 0], axis=1)
    squares, products = before.T @ before, before.T @ target
    n, sets, scores = len(target), [], []
    for k in range(fewest, len(lags) + 1):
        ridge = (RIDGE * np.trace(squares[:k, :k]) / max(k, 1) + TINY) * np.eye(k)
        fit = np.linalg.solve(squares[:k, :k] + ridge, products[:k])
        miss = target - before[:, :k] @ fit
        scores.append(n * np.log(miss @ miss / n + TINY) + 2 * (k + 1) * n / max(n - k - 2, 1))
        sets.append(np.bincount(np.array(lags[:k], dtype=int), fit, longest + 1)[1:])
    weights = mixed(np.array(scores)) @ np.array(sets)
    return weights * min(1.0, 0.98 / max(np.abs(weights).sum(), TINY))
