"""What the months (weeks, quarters) of a series share over the years, and whether they do."""

from __future__ import annotations

import numpy as np

from kpi_helpers.forecasting.scale import Array

# A season shows where its own autocorrelation is one standard error above chance; older years weigh
# less, by this much a year.
LENIENT, DECAY = 1.0, 0.7


def slope_of(x: Array) -> float:
    """Return the slope of the straight line through equally spaced points.

    Examples
    --------
    >>> slope_of(np.array([1.0, 3.0, 5.0]))
    2.0
    """
    t = np.arange(len(x)) - (len(x) - 1) / 2
    return float(t @ x / (t @ t))


def is_seasonal(x: Array, season: int) -> bool:
    """Whether a series repeats itself after a season: a lenient autocorrelation test.

    The autocorrelation of the detrended series at the season's lag, against its standard error
    after the shorter lags (Bartlett 1946). Two whole seasons are needed.
    """
    n = len(x)
    if season < 2 or n < 2 * season + 2:
        return False
    left = x - x.mean() - slope_of(x) * (np.arange(n) - (n - 1) / 2)
    total = left @ left
    if not total > 1e-12 * n:
        return False
    by_lag = np.array([left[k:] @ left[:-k] for k in range(1, season + 1)]) / total
    return bool(by_lag[-1] > LENIENT * np.sqrt((1 + 2 * (by_lag[:-1] ** 2).sum()) / n))


def indices(x: Array, season: int) -> tuple[Array, float]:
    """Return what each place of the season adds (from that of ``x[0]``), and how far to trust it.

    Deviations from centred moving averages, averaged by place with weights that decay into the
    past. The factor, 0 to 1, is James and Stein's (1961): 1 where the years agree, 0 for noise or
    less than two seasons.

    Examples
    --------
    >>> by_place, factor = indices(np.tile([1.0, 2.0, 3.0, 6.0], 5), 4)
    >>> (by_place.round(9) + 0.0).tolist(), factor
    ([-2.0, -1.0, 0.0, 3.0], 1.0)
    """
    n = len(x)
    if season < 2 or n < 2 * season:
        return np.zeros(max(season, 1)), 0.0
    weights = np.ones(season) if season % 2 else np.r_[0.5, np.ones(season - 1), 0.5]
    trend = np.convolve(x, weights / season, "valid")
    at = (n - len(trend)) // 2 + np.arange(len(trend))
    off, place, weight = x[at] - trend, at % season, DECAY ** ((n - 1 - at) / season)
    total = np.bincount(place, weight, season)
    by_place = np.bincount(place, weight * off, season) / total
    by_place -= by_place.mean()
    left = off - by_place[place]
    noise = (left @ left) / max(len(off) - season, 1)
    noise *= np.mean(np.bincount(place, weight**2, season) / total**2)
    square = float(by_place @ by_place)
    return by_place, float(np.clip(1 - (season - 3) * noise / square, 0, 1)) if square else 0.0
