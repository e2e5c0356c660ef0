"""Intervals around a forecast that hold what they promise: own errors, corrected by experience."""

from __future__ import annotations

import numpy as np

from kpi_helpers.forecasting.members import Members
from kpi_helpers.forecasting.multipliers import MULTIPLIERS
from kpi_helpers.forecasting.scale import Array, Scale, back, to

# Errors grow with the horizon like its power; a series' own exponent is believed by its length.
GROWTH, BELIEF = 0.4, 40.0
# Mean absolute error to standard deviation, of a normal law.
ABSOLUTE = 1.25
TINY = 1e-9
SIDES = (-1, 1, -1, 1)


def sizes(missed: Array) -> Array:
    """Return the size of an error at each horizon, from past errors of the smoothing.

    Half the root mean square, half 1.25 times the mean absolute error; over the horizons a power
    law whose exponent is drawn towards 0.4, and the sizes seen towards that law, the more so the
    fewer errors there are.

    Parameters
    ----------
    missed : array of float, shape (n, horizon)
        As `kpi_helpers.forecasting.smoothing.smoothed` returns.

    Returns
    -------
    array of float, shape (horizon,)
    """
    there = np.isfinite(missed)
    number = there.sum(axis=0)
    error = np.where(there, missed, 0.0)
    of = np.fmax(number, 1)
    seen = np.sqrt((error**2).sum(axis=0) / of) + ABSOLUTE * np.abs(error).sum(axis=0) / of
    seen = np.log(seen / 2 + TINY)
    log_h = np.log(np.arange(1, len(number) + 1))
    weight = number / log_h.size
    centre, middle = np.average(log_h, weights=weight), np.average(seen, weights=weight)
    spread = weight @ (log_h - centre) ** 2
    slope = weight @ ((log_h - centre) * (seen - middle)) + BELIEF / 4 * GROWTH
    slope = slope / (spread + BELIEF / 4)
    law = middle + slope * (log_h - centre)
    trust = number / (number + BELIEF)
    return np.exp(trust * seen + (1 - trust) * law)


def features(found: Members, size: Array, season: int) -> Array:
    """Return what the width of an interval depends on, shape (horizon, 7).

    1; the logarithm of the horizon; 1 / sqrt(n); horizon / n (at most 1); and as logarithms, over
    the size of an error: the members' spread, the latest errors, what the overall trend adds.
    """
    n, h = len(found.missed), np.arange(1, len(size) + 1)
    one = found.missed[:, 0]
    last = max(4, min(n // 3, 2 * season if season > 1 else 8))
    recent = np.log((_size(one[-last:]) + TINY) / (_size(one) + TINY))
    columns = [
        np.ones(len(h)),
        np.log(h),
        np.full(len(h), 1 / np.sqrt(n)),
        np.fmin(h / n, 1.0),
        np.clip(np.log((found.spread + TINY) / (size + TINY)), -4, 2),
        np.full(len(h), np.clip(recent, -2, 2)),
        np.log(0.05 + np.fmin(abs(found.slope) * h / (size + TINY), 50)),
    ]
    return np.stack(columns, axis=1)


def _size(error: Array) -> float:
    """Half the root mean square, half 1.25 times the mean absolute error."""
    return float(np.sqrt((error**2).mean()) + ABSOLUTE * np.abs(error).mean()) / 2


def limits(found: Members, mean: Array, season: int, scale: Scale) -> tuple[Array, ...]:
    """Return ``lo80, hi80, lo95, hi95`` around a forecast, each of shape (horizon,).

    The limits lie so many sizes of an error off the forecast, on the scale of the series. How many
    is said by log-linear quantile regressions (Koenker and Bassett 1978, Econometrica 46) that
    ``benchmarks/forecast_intervals.py`` fitted once to public series.
    """
    size = sizes(found.missed)
    off = np.exp(np.array(MULTIPLIERS) @ features(found, size, season).T) * size
    centre = to(mean, scale)
    return tuple(back(centre + side * far, scale) for side, far in zip(SIDES, off, strict=True))
