"""Exponential smoothing without an optimiser: a grid of models run through a series at once."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from kpi_helpers.forecasting.scale import Array

LEVELS = (0.02, 0.06, 0.12, 0.2, 0.3, 0.4, 0.5, 0.62, 0.75, 0.9)
DRIFTS = (0.0, 0.5, 1.0)
TRENDS, DAMPED = (0.1, 0.3, 0.6), (0.7, 0.8, 0.9, 0.95)
SEASONS = (0.0, 0.1, 0.3)
# Akaike weights are too sure of themselves: flatter ones did better. Errors several steps ahead
# count for as much as those one step ahead.
FLAT, FAR = 0.5, 0.6
TINY = 1e-12


class Grid(NamedTuple):
    """Models as columns: the shares of an error that go into level, trend and season.

    ``damped`` is what remains of a trend after a step, ``drift`` the share of the overall slope it
    starts with, ``free`` the number of figures a model fits.
    """

    level: Array
    trend: Array
    damped: Array
    drift: Array
    season: Array
    free: Array


@cache
def grid(seasonal: bool) -> Grid:
    """Return the models: no trend, a drift, or a damped trend, each with a moving season or not."""
    rows = []
    for season in SEASONS if seasonal else (0.0,):
        more = 1.0 * (season > 0)
        for level in LEVELS:
            rows += [(level, 0.0, 1.0, d, season * (1 - level), 1 + (d > 0) + more) for d in DRIFTS]
            rows += [
                (level, level * trend, damped, 1.0, season * (1 - level), 2.5 + more)
                for trend in TRENDS
                for damped in DAMPED
            ]
    return Grid(*np.array(rows).T)


class States(NamedTuple):
    """What a run leaves: states before each point, one row a point, one column a model.

    ``level`` and ``trend`` have a row more (after the last point), ``season`` one season more.
    """

    level: Array
    trend: Array
    season: Array
    error: Array


def run(x: Array, start: Array, models: Grid) -> States:
    """Run every model through a series in one loop over time.

    The error-correction form of additive exponential smoothing (Hyndman, Koehler, Ord and Snyder,
    Forecasting with Exponential Smoothing, 2008, chapter 2).

    Parameters
    ----------
    x : array of float, shape (n,)
    start : array of float, shape (m,)
        Seasonal indices to start from; one 0 where there is no season.
    models : Grid
        Of ``c`` columns.
    """
    n, m, c = len(x), len(start), len(models.level)
    level, trend, error = np.empty((n + 1, c)), np.empty((n + 1, c)), np.empty((n, c))
    season = np.empty((n + m, c))
    season[:m] = start[:, None]
    first = min(n, max(4, min(m, n // 3)))
    slope = np.polyfit(np.arange(n), x - np.resize(start, n), 1)[0]
    trend[0] = slope * models.drift
    level[0] = (x[:first] - start[np.arange(first) % m]).mean() - trend[0] * (first + 1) / 2
    moves = bool(models.season.any())
    for t in range(n):
        slope_now = trend[t] * models.damped
        ahead = level[t] + slope_now
        miss = error[t] = x[t] - season[t] - ahead
        level[t + 1] = ahead + models.level * miss
        trend[t + 1] = slope_now + models.trend * miss
        season[t + m] = season[t] + models.season * miss if moves else season[t]
    return States(level, trend, season, error)


def mixed(criterion: Array) -> Array:
    """Return weights that sum to 1 by an information criterion, flatter than Akaike's."""
    weight = np.exp(-0.5 * FLAT * (criterion - criterion.min()))
    return weight / weight.sum()


def smoothed(x: Array, horizon: int, start: Array, far: int) -> tuple[Array, Array]:
    """Return the average path of the models, and what it would have missed in the past.

    Parameters
    ----------
    x : array of float, shape (n,)
    horizon : int
    start : array of float, shape (m,)
        As for `run`; models whose season moves take part where it is not all 0.
    far : int
        Models are weighed by their errors up to so many steps ahead (Xia and Tong 2011, Statistical
        Science 26, match features several steps ahead).

    Returns
    -------
    path : array of float, shape (horizon,)
    missed : array of float, shape (n, horizon)
        Point ``t`` less its forecast ``h + 1`` steps before; missing before the series began.
    """
    n, m = len(x), len(start)
    models = grid(bool(start.any()))
    states = run(x, start, models)
    steps = np.cumsum(models.damped ** np.arange(1, horizon + 1)[:, None], axis=0)
    weight = mixed(_criterion(x, states, models, steps[:far]))
    later = n + np.arange(horizon) % m
    path = (states.level[-1] + states.trend[-1] * steps + states.season[later]) @ weight
    known = (states.level @ weight)[:, None] + states.trend @ (weight[:, None] * steps.T)
    seen = x - states.season[:n] @ weight
    missed = np.full((n, horizon), np.nan)
    for h in range(min(horizon, n)):
        missed[h:, h] = seen[h:] - known[: n - h, h]
    return path, missed


def _criterion(x: Array, states: States, models: Grid, steps: Array) -> Array:
    """Corrected Akaike criterion of each model, from errors one step and several steps ahead."""
    n = len(x)
    seen = x[:, None] - states.season[:n]
    sizes = [
        ((seen[h:] - states.level[: n - h] - states.trend[: n - h] * step) ** 2).mean(axis=0)
        for h, step in enumerate(steps[:n])
    ]
    logs = np.log(np.array(sizes) + TINY)
    penalty = 2 * models.free * n / np.fmax(n - models.free - 1, 1)
    return n * ((1 - FAR) * logs[0] + FAR * logs.mean(axis=0)) + penalty
