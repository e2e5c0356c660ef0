"""Where a series goes, with intervals that hold what they promise."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kpi_helpers.errors import BadInput, unknown
from kpi_helpers.forecasting.cleaning import cleaned
from kpi_helpers.forecasting.decomposition import course, decomposed
from kpi_helpers.forecasting.headline import Ahead, ahead
from kpi_helpers.forecasting.histories import paced, series, with_adjusted
from kpi_helpers.forecasting.models import MODELS, OWN, Forecast, checked, made
from kpi_helpers.forecasting.scores import backtest, errors, together
from kpi_helpers.forecasting.told import accuracy, due, logged
from kpi_helpers.forecasting.trends import trends
from kpi_helpers.language import Phrase

__all__ = [
    "MODELS",
    "Ahead",
    "Forecast",
    "accuracy",
    "ahead",
    "backtest",
    "course",
    "decomposed",
    "due",
    "errors",
    "forecast",
    "logged",
    "paced",
    "series",
    "together",
    "trends",
    "with_adjusted",
]


SCALES = ("", "logit", "power", "plain")


def forecast(
    y: ArrayLike, horizon: int, season: int = 1, scale: str = "", model: str = OWN
) -> Forecast:
    """Forecast one series.

    By default between the median and the mean of four forecasts (`forecasting.members.members`),
    with intervals from the series' own errors (`forecasting.bands.limits`). Gaps are interpolated
    and single spikes damped; below 8 points their mean goes on, with their own dispersion.

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
    model : str
        One of `MODELS`.

    Returns
    -------
    Forecast
        In the units of ``y``.

    Raises
    ------
    BadInput
        For what holds no numbers, for infinite values, and for a horizon or season that is not a
        whole number from 1.
    Unavailable
        For fewer than three values, for more gaps than one in three, and for a model of statsmodels
        that cannot be fitted to so few.
    UnknownName
        For a model or a scale that does not exist.

    Examples
    --------
    >>> found = forecast([10.0] * 12, 3)
    >>> found.mean.round(3).tolist(), found.hi95.round(3).tolist()
    ([10.0, 10.0, 10.0], [10.0, 10.0, 10.0])
    """
    checked(horizon, season)
    if scale not in SCALES:
        raise unknown("value", scale, SCALES)
    try:
        values = np.asarray(y, dtype=float)
    except (TypeError, ValueError) as error:
        raise BadInput(value=y, expected=Phrase("forecasting.values")) from error
    return made(model, cleaned(values, season, scale), horizon, season)
