"""Exponential smoothing without an optimiser: a grid of models run through a series at once."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from kpi_helpers.forecasting.scale import Array
from kpi_helpers.forecasting.seasons import slope_of

LEVELS = (0.02, 0.06, 0.12, 0.2, 0.3, 0.4, 0.5, 0.62, 0.75, 0.9)
DRIFTS = (0.0, 0.5, 1.0)
TRENDS, DAMPED = (0.1, 0.3, 0.6), (0.7, 0.8, 0.9, 0.95)
SEASONS = (0.0, 0.1, 0.3)
# Akaike weights are too sure of themselves: flatter ones did better, and so did a criterion that
# looks at errors several steps ahead as well.
FLAT, AHEAD = 0.6, 0.6
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
            moved = season * (1 - level)
            rows += [(level, 0.0, 1.0, drift, moved, 1 + (drift > 0) + more) for drift in DRIFTS]
            trends = [(level * trend, damped) for trend in TRENDS for damped in DAMPED]
            rows += [(level, *trend, 1.0, moved, 2.5 + more) for trend in trends]
    return Grid(*np.array(rows).T)


class States(NamedTuple):
    """States before each point and the errors at it: a row a point, a column a model.

    ``level`` and ``trend`` have one row more (after the last point), ``season`` one season more.
    """

    level: Array
    trend: Array
    season: Array
    error: Array


def run(x: Array, start: Array, models: Grid) -> States:
    """Run every model through a series, from seasonal indices ``start`` (one 0 for no season).

    The error-correction form of additive smoothing (Hyndman, Koehler, Ord and Snyder, Forecasting
    with Exponential Smoothing, 2008, chapter 2).
    """
    n, m, c = len(x), len(start), len(models.level)
    level, trend, error = np.empty((n + 1, c)), np.empty((n + 1, c)), np.empty((n, c))
    season = np.empty((n + m, c))
    season[:m] = start[:, None]
    first = min(n, max(4, min(m, n // 3)))
    trend[0] = slope_of(x - np.resize(start, n)) * models.drift
    level[0] = (x[:first] - start[np.arange(first) % m]).mean() - trend[0] * (first + 1) / 2
    moves = bool(models.season.any())
    for t in range(n):
        slope = trend[t] * models.damped
        ahead = level[t] + slope
        miss = error[t] = x[t] - season[t] - ahead
        level[t + 1] = ahead + models.level * miss
        trend[t + 1] = slope + models.trend * miss
        season[t + m] = season[t] + models.season * miss if moves else season[t]
    return States(level, trend, season, error)


def mixed(criterion: Array) -> Array:
    """Return weights that sum to 1 by an information criterion, flatter than Akaike's."""
    weight = np.exp(-0.5 * FLAT * (criterion - criterion.min()))
    return weight / weight.sum()


def smoothed(x: Array, horizon: int, start: Array, far: int) -> tuple[Array, Array]:
    """Return the average path of the models, and what it would have missed in the past.

    Models whose season moves take part where ``start`` is not all 0; all are weighed by their
    errors up to ``far`` steps ahead (as Xia and Tong 2011, Statistical Science 26, propose). The
    past misses, shape (n, horizon), are point ``t`` less its forecast ``h + 1`` steps before;
    missing before the series began.
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
    return n * ((1 - AHEAD) * logs[0] + AHEAD * logs.mean(axis=0)) + penalty
