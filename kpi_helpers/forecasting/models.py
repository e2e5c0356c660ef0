"""Models by name: the kit's own, baselines that it has to beat, and those of statsmodels."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from kpi_helpers.errors import BadInput, Unavailable, unknown
from kpi_helpers.forecasting.bands import limits, size_of
from kpi_helpers.forecasting.cleaning import Clean
from kpi_helpers.forecasting.members import combined, members, recent
from kpi_helpers.forecasting.scale import Array, back, to
from kpi_helpers.language import Phrase

# With fewer points there is no model, and none of statsmodels with less than ten.
SHORT, ENOUGH = 8, 10
OWN = "four"
STATSMODELS = ("ets", "theta", "sarimax", "unobserved", "stl_ets")


class Forecast(NamedTuple):
    """A forecast with the limits of its 80 % and 95 % intervals, each of shape (horizon,)."""

    mean: Array
    lo80: Array
    hi80: Array
    lo95: Array
    hi95: Array


def checked(*numbers: object) -> None:
    """Refuse a horizon or a season that is not a whole number from 1."""
    for number in numbers:
        if isinstance(number, bool) or not (isinstance(number, int | np.integer) and number >= 1):
            raise BadInput(value=number, expected=Phrase("forecasting.whole"))


def made(model: str, series: Clean, horizon: int, season: int) -> Forecast:
    """Forecast a clean series by a model; below 8 points by its run rate."""
    if model not in MODELS:
        raise unknown("value", model, MODELS)
    y, season = recent(series.values, season)
    if len(y) < SHORT:
        return _normal(_run_rate, series, horizon, season)
    if model == OWN:
        found = members(y, horizon, season, series.scale)
        mean = combined(found.paths)
        return Forecast(mean, *limits(found, mean, season, series.scale))
    if model in BASELINES:
        return _normal(BASELINES[model], series, horizon, season)
    known = len(y) >= ENOUGH
    parts = _told(model, to(y, series.scale), horizon, season) if known else np.array([np.nan])
    if not np.isfinite(parts).all():
        raise Unavailable(what=model, needs=Phrase("forecasting.longer"))
    return Forecast(*(back(part, series.scale) for part in parts))


# --- Baselines: a path, the size of an error at each horizon, degrees of freedom ------------------


def _normal(path: Callable[..., Any], series: Clean, horizon: int, season: int) -> Forecast:
    """Student's t around a path, as in Hyndman and Athanasopoulos, Forecasting, section 5.5."""
    from scipy.special import stdtrit

    x = to(series.values, series.scale)
    mean, size, free = path(x, np.arange(1, horizon + 1), season)
    far = [stdtrit(free, 0.5 + level / 2) * size for level in (0.8, 0.95)]
    parts = (mean, mean - far[0], mean + far[0], mean - far[1], mean + far[1])
    return Forecast(*(back(part, series.scale) for part in parts))


def _run_rate(x: Array, h: Array, season: int) -> Any:
    return np.full(len(h), x.mean()), x.std(ddof=1) * np.sqrt(1 + 1 / len(x)), len(x) - 1


def _naive(x: Array, h: Array, season: int) -> Any:
    step = np.diff(x)
    return np.full(len(h), x[-1]), size_of(step) * np.sqrt(h), len(step)


def _seasonal_naive(x: Array, h: Array, season: int) -> Any:
    step, years = x[season:] - x[:-season], (h - 1) // season
    size = size_of(step) * np.sqrt(years + 1)
    return x[len(x) + h - 1 - season * (years + 1)], size, len(step)


def _drift(x: Array, h: Array, season: int) -> Any:
    step = np.diff(x)
    size = step.std(ddof=1) * np.sqrt(h * (1 + h / len(step)))
    return x[-1] + h * step.mean(), size, len(step) - 1


BASELINES = {"naive": _naive, "seasonal_naive": _seasonal_naive, "drift": _drift}
MODELS = (OWN, *BASELINES, *STATSMODELS)

# --- statsmodels ----------------------------------------------------------------------------------


def _fitted(model: str, x: Any, season: int) -> Any:
    from statsmodels.tsa import api as tsa
    from statsmodels.tsa.forecasting.theta import ThetaModel

    turns, damped = season > 1, {"trend": "add", "damped_trend": True}
    if model == "theta":
        return ThetaModel(x, period=season, deseasonalize=turns, method="additive").fit()
    if model == "sarimax":
        turn = (0, 1, 1, season) if turns else (0, 0, 0, 0)
        return tsa.SARIMAX(x, order=(0, 1, 1), seasonal_order=turn).fit(disp=False)
    if model == "unobserved":
        return tsa.UnobservedComponents(x, "lltrend", seasonal=season * turns or None).fit(
            disp=False
        )
    if model == "stl_ets" and turns:
        adjusted = tsa.STLForecast(x, tsa.ETSModel, model_kwargs=damped, period=season)
        return adjusted.fit(fit_kwargs={"disp": False})
    of: dict[str, Any] = {"seasonal": "add", "seasonal_periods": season} if turns else {}
    return tsa.ETSModel(x, **damped, **of).fit(disp=False)


def _told(model: str, x: Array, horizon: int, season: int) -> Array:
    """Mean and limits of a model, whose columns statsmodels names in several ways."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a fit did not converge shows in the back-test
        fit = _fitted(model, pd.Series(x), season)
        if model == "theta":
            mean = fit.forecast(horizon)
            frames = [fit.prediction_intervals(horizon, alpha=alpha) for alpha in (0.2, 0.05)]
        else:
            ahead = fit.get_prediction(len(x), len(x) + horizon - 1)
            frames = [ahead.summary_frame(alpha=alpha) for alpha in (0.2, 0.05)]
            mean = frames[0]["mean"]
    ends = [[name for name in frames[0] if name.endswith(end)][-1] for end in ("lower", "upper")]
    return np.vstack([mean, *(frame[end] for frame in frames for end in ends)])
