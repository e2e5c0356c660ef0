"""Where a series goes, with intervals that hold what they promise."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kpi_helpers.errors import BadInput
from kpi_helpers.forecasting.bands import limits
from kpi_helpers.forecasting.cleaning import Clean, cleaned
from kpi_helpers.forecasting.members import combined, members, recent
from kpi_helpers.forecasting.scale import Array, back, to
from kpi_helpers.language import Phrase

__all__ = ["Forecast", "forecast"]

# With fewer points there is no model.
SHORT = 8
LEVELS = (0.8, 0.95)


class Forecast(NamedTuple):
    """A forecast with the limits of its 80 % and 95 % intervals, each of shape (horizon,)."""

    mean: Array
    lo80: Array
    hi80: Array
    lo95: Array
    hi95: Array


def forecast(y: ArrayLike, horizon: int, season: int = 1, scale: str = "") -> Forecast:
    """Forecast one series.

    Between the median and the mean of four forecasts (`kpi_helpers.forecasting.members.members`),
    with intervals from the series' own errors (`kpi_helpers.forecasting.bands.limits`). Gaps are
    interpolated and single spikes damped; with fewer than 8 points the mean of them goes on, with
    their own dispersion.

    Parameters
    ----------
    y : array_like of float, shape (n,)
        Values in order of time, equally spaced; missing ones are NaN.
    horizon : int
        How many points to forecast.
    season : int
        Points in a season: 12 for months, 4 for quarters, 52 for weeks, 1 for none.
    scale : str
        ``"logit"`` for rates from 0 to 1, ``"power"`` for what is never negative, ``"plain"`` for
        anything; by default as the values are.

    Returns
    -------
    Forecast
        In the units of ``y``.

    Raises
    ------
    BadInput
        For infinite values, and for a horizon or season that is not a whole number from 1.
    Unavailable
        For fewer than three values.

    Examples
    --------
    >>> found = forecast([112, 118, 132, 129, 121, 135, 148, 148, 136, 119], 3)
    >>> found.mean.round().tolist(), bool((found.lo95 < found.lo80).all())
    ([128.0, 129.0, 129.0], True)
    """
    return of_clean(cleaned(np.asarray(y, dtype=float), season, scale), horizon, season)


def of_clean(series: Clean, horizon: int, season: int) -> Forecast:
    """Forecast a series that is clean already."""
    for number in (horizon, season):
        if not (isinstance(number, int | np.integer) and number >= 1):
            raise BadInput(value=number, expected=Phrase("forecasting.whole"))
    y = recent(series.values, season)
    if len(y) < SHORT:
        return _run_rate(series, horizon)
    found = members(y, horizon, season, series.scale)
    mean = combined(found.paths)
    return Forecast(mean, *limits(found, mean, season, series.scale))


def _run_rate(series: Clean, horizon: int) -> Forecast:
    """The mean goes on; intervals are those of one more value like the others (Student's t)."""
    from scipy.special import stdtrit

    x = to(series.values, series.scale)
    n, mean = len(x), np.full(horizon, x.mean())
    far = x.std(ddof=1) * np.sqrt(1 + 1 / n)
    sides = [side * stdtrit(n - 1, 0.5 + level / 2) * far for level in LEVELS for side in (-1, 1)]
    return Forecast(*(back(mean + side, series.scale) for side in (0.0, *sides)))
