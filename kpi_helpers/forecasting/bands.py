"""Intervals around a forecast that hold what they promise: own errors, corrected by experience."""

from __future__ import annotations

import numpy as np

from kpi_helpers.forecasting.members import Members
from kpi_helpers.forecasting.multipliers import MULTIPLIERS
from kpi_helpers.forecasting.scale import Array, Scale, back, to

# Errors grow with the horizon like its power; what a series says itself is believed by its errors.
GROWTH, BELIEF, PRIOR = 0.4, 40.0, 10.0
# Mean absolute error to standard deviation, of a normal law.
ABSOLUTE = 1.25
# Standard deviations to either side that hold 80 % of a normal law.
NORMAL_80 = 1.2816
TINY = 1e-9
SIDES = (-1, 1, -1, 1)


def sizes(missed: Array) -> Array:
    """Return the size of an error at each horizon, from past errors of the smoothing.

    Over the horizons a power law whose exponent is drawn towards 0.4, and the sizes seen towards
    that law, the more so the fewer errors there are.
    """
    number = np.isfinite(missed).sum(axis=0)
    seen = np.log([size_of(column[np.isfinite(column)]) + TINY for column in missed.T])
    log_h, weight = np.log(np.arange(1, len(number) + 1)), number / len(number)
    centre, middle = np.average(log_h, weights=weight), np.average(seen, weights=weight)
    slope = weight @ ((log_h - centre) * (seen - middle)) + PRIOR * GROWTH
    law = middle + slope / (weight @ (log_h - centre) ** 2 + PRIOR) * (log_h - centre)
    trust = number / (number + BELIEF)
    return np.exp(trust * seen + (1 - trust) * law)


def size_of(error: Array) -> float:
    """Return half the root mean square error and half 1.25 times the mean absolute one."""
    if not len(error):
        return 0.0
    return float(np.sqrt((error**2).mean()) + ABSOLUTE * np.abs(error).mean()) / 2


def steadied(levels: Array, cases: float) -> Array:
    """Return the levels of a forecast share of which only what chance does not explain grows.

    In a number of cases a share varies by chance, next month as in a year. That part of the first
    error is known; the rest of it grows with the horizon as it did.

    Parameters
    ----------
    levels
        Mean, lo80, hi80, lo95 and hi95 as shares, shape (5, horizon).
    cases
        How many cases the share of a period usually has.
    """
    logit = Scale("logit", TINY)
    mean, *ends = to(levels, logit)
    off = np.array(ends) - mean
    first, p = (off[1, 0] - off[0, 0]) / 2 / NORMAL_80, levels[0, 0]
    if not (first > 0 and cases * p * (1 - p) > 0):
        return levels
    chance = min(1 / (cases * p * (1 - p)) / first**2, 1.0)
    far = np.sqrt(chance * off[:, :1] ** 2 + (1 - chance) * off**2)
    return np.vstack([levels[:1], back(mean + np.array(SIDES)[:, None] * far, logit)])


def features(found: Members, size: Array, season: int) -> Array:
    """Return what the width of an interval depends on, shape (horizon, 9).

    1; the logarithm of the horizon; 1 / sqrt(n); horizon / n (at most 1); and as logarithms, over
    the size of an error: the members' spread, the latest errors, what the overall trend adds; the
    size itself, one step ahead; how much heavier than normal the tails of the errors are.
    """
    n, h = len(found.missed), np.arange(1, len(size) + 1)
    one = found.missed[:, 0]
    last = max(4, min(n // 3, 2 * season if season > 1 else 8))
    root = np.sqrt((one**2).mean())
    columns = np.ones((9, len(h)))
    columns[1] = np.log(h)
    columns[2] = 1 / np.sqrt(n)
    columns[3] = np.fmin(h / n, 1.0)
    columns[4] = np.clip(np.log((found.spread + TINY) / (size + TINY)), -4, 2)
    columns[5] = np.clip(np.log((size_of(one[-last:]) + TINY) / (size_of(one) + TINY)), -2, 2)
    columns[6] = np.log(0.05 + np.fmin(abs(found.slope) * h / (size + TINY), 50))
    columns[7] = np.log(np.clip(size[0], 1e-3, 10))
    tails = np.log((root + TINY) / (ABSOLUTE * np.abs(one).mean() + TINY))
    columns[8] = np.clip(tails, -0.3, 0.3)
    return columns.T


def limits(found: Members, mean: Array, season: int, scale: Scale) -> tuple[Array, ...]:
    """Return ``lo80, hi80, lo95, hi95`` around a forecast, each of shape (horizon,).

    So many sizes of an error off the forecast, on the scale of the series. How many is said by
    log-linear quantile regressions (Koenker and Bassett 1978, Econometrica 46) that
    ``benchmarks/forecast_intervals.py`` fitted once to public series.
    """
    size = sizes(found.missed)
    off = np.exp(np.array(MULTIPLIERS) @ features(found, size, season).T) * size
    off[2:] = np.fmax(off[2:], off[:2])
    centre = to(mean, scale)
    return tuple(back(centre + side * far, scale) for side, far in zip(SIDES, off, strict=True))
