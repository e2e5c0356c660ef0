"""What the months (weeks, quarters) of a series share over the years, and whether they share it."""

from __future__ import annotations

import numpy as np

from kpi_helpers.forecasting.scale import Array

# A season is looked for where its own autocorrelation is one standard error above chance; older
# years weigh less, by this much a year.
LENIENT, DECAY = 1.0, 0.7


def is_seasonal(x: Array, season: int) -> bool:
    """Whether a series repeats itself after a season: a lenient autocorrelation test.

    The autocorrelation of the detrended series at the season's lag, against its standard error
    after the shorter lags (Bartlett 1946). Two whole seasons are needed.

    Examples
    --------
    >>> is_seasonal(np.tile([1.0, 2.0, 3.0, 9.0], 5), 4), is_seasonal(np.arange(20.0), 4)
    (True, False)
    """
    n = len(x)
    if season < 2 or n < 2 * season + 2:
        return False
    t = np.arange(n)
    left = x - np.polyval(np.polyfit(t, x, 1), t)
    total = left @ left
    if not total > 1e-12 * n:
        return False
    by_lag = np.array([left[k:] @ left[:-k] for k in range(1, season + 1)]) / total
    error = np.sqrt((1 + 2 * (by_lag[:-1] ** 2).sum()) / n)
    return bool(by_lag[-1] > LENIENT * error)


def indices(x: Array, season: int) -> tuple[Array, float]:
    """Return the seasonal indices of a series, and how much of them stands out of chance.

    Deviations from centred moving averages, averaged by place in the season with weights that
    decay into the past (classical decomposition). The second figure is James and Stein's (1961)
    factor, 0 to 1, by which the indices are to be shrunk towards none: all of them for a series
    whose years agree, nothing for noise.

    Parameters
    ----------
    x : array of float, shape (n,)
        At least two seasons; else there are no indices.
    season : int
        Length of the season, in points.

    Returns
    -------
    indices : array of float, shape (season,)
        What each place adds, the first one being that of ``x[0]``; their mean is 0.
    factor : float
        Between 0 and 1.

    Examples
    --------
    >>> by_place, factor = indices(np.tile([1.0, 2.0, 3.0, 6.0], 5), 4)
    >>> (by_place.round(9) + 0.0).tolist(), factor
    ([-2.0, -1.0, 0.0, 3.0], 1.0)
    """
    n = len(x)
    if season < 2 or n < 2 * season:
        return np.zeros(max(season, 1)), 0.0
    even = season % 2 == 0
    weights = np.r_[0.5, np.ones(season - 1), 0.5] if even else np.ones(season)
    trend = np.convolve(x, weights / season, "valid")
    first = (n - len(trend)) // 2
    at = first + np.arange(len(trend))
    off, place = x[at] - trend, at % season
    weight = DECAY ** ((n - 1 - at) / season)
    total = np.bincount(place, weight, season)
    by_place = np.bincount(place, weight * off, season) / total
    by_place -= by_place.mean()
    left = off - by_place[place]
    noise = (left @ left) / max(len(off) - season, 1)
    noise *= np.mean(np.bincount(place, weight**2, season) / total**2)
    square = float(by_place @ by_place)
    factor = 1 - (season - 3) * noise / square if square > 0 else 0.0
    return by_place, float(np.clip(factor, 0, 1))
