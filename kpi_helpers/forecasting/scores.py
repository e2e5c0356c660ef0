"""How good forecasts were: errors, back-tests from rolling origins, and what to combine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from kpi_helpers.errors import Unavailable
from kpi_helpers.forecasting.cleaning import Clean, cleaned
from kpi_helpers.forecasting.models import BASELINES, OWN, SHORT, Forecast, checked, made
from kpi_helpers.forecasting.scale import Array
from kpi_helpers.language import Phrase

ORIGINS = 8
QUANTILES = dict(zip(Forecast._fields, (0.5, 0.1, 0.9, 0.025, 0.975), strict=True))


def errors(actual: ArrayLike, forecast: ArrayLike, scale: float = np.nan) -> dict[str, float]:
    """Return what a forecast missed: ``bias, bias_pct, mae, wape, mape, rmse, mase``.

    ``scale`` is that of MASE: the mean absolute change from the season before (Hyndman and Koehler
    2006, International Journal of Forecasting 22, 679-688). Missing where it would divide by 0.

    Examples
    --------
    >>> found = errors([100, 120, 90, 110], [110, 125, 95, 105], scale=10)
    >>> found["bias"], found["mae"], found["mase"]
    (3.75, 6.25, 0.625)
    """
    y, miss = np.asarray(actual, float), np.asarray(forecast, float) - np.asarray(actual, float)
    mae, total = np.abs(miss).mean(), np.abs(y).sum()
    size = np.where(y == 0, np.nan, np.abs(y))
    parts = {
        "bias": miss.mean(),
        "bias_pct": miss.sum() / y.sum() if y.sum() else np.nan,
        "mae": mae,
        "wape": np.abs(miss).sum() / total if total else np.nan,
        "mape": (np.abs(miss) / size).mean(),
        "rmse": np.sqrt((miss**2).mean()),
        "mase": mae / scale if scale > 0 else np.nan,
    }
    return {name: float(value) for name, value in parts.items()}


def together(
    first: tuple[float, float], second: tuple[float, float], correlation: float = 0.0
) -> tuple[float, float, float]:
    """Combine two forecasts, each a mean and a standard error; return weight, mean and error.

    The weight of the first that makes the error least (Bates and Granger 1969, Operational Research
    Quarterly 20, 451-468), kept within 0 and 1.

    Examples
    --------
    >>> [round(each, 2) for each in together((760, 60), (820, 80))]
    [0.64, 781.6, 48.0]
    """
    (one, a), (other, b) = first, second
    shared = correlation * a * b
    free = a**2 + b**2 - 2 * shared
    weight = float(np.clip((b**2 - shared) / free, 0, 1)) if free > 0 else 0.5
    rest = 1 - weight
    variance = (weight * a) ** 2 + (rest * b) ** 2 + 2 * weight * rest * shared
    return weight, weight * one + rest * other, float(np.sqrt(variance))


def backtest(
    y: ArrayLike,
    horizon: int,
    season: int = 1,
    models: Sequence[str] = (OWN, *BASELINES),
    scale: str = "",
) -> pd.DataFrame:
    """Forecast the last points of a series from origins before them, and compare.

    The last eight origins (fewer for short series) from which the whole horizon is known.

    Returns
    -------
    pandas.DataFrame
        A row a model and horizon ``h``: ``origins``, ``mase`` and ``pinball`` (both over the mean
        absolute change from the season before), ``cover80``, ``cover95``.

    Raises
    ------
    Unavailable
        Where no origin has eight points before and the horizon after it.
    """
    checked(horizon, season)
    y = np.asarray(y, dtype=float)
    y = y[np.isfinite(y).argmax() :]
    origins = [t for t in range(len(y) - horizon - ORIGINS + 1, len(y) - horizon + 1) if t >= SHORT]
    if not origins:
        needs = Phrase("forecasting.points", {"least": SHORT + horizon, "n": len(y)})
        raise Unavailable(what=Phrase("forecasting.backtest"), needs=needs)
    parts = []
    for t in origins:
        series = cleaned(y[:t], season, scale)
        tried = {model: made(model, series, horizon, season) for model in models}
        parts += [_judged(tried[m], series, y[t : t + horizon], season, m) for m in models]
    frame = pd.concat(parts).groupby(["model", "h"], sort=False).mean()
    return frame.assign(origins=len(origins)).reset_index()


def _judged(found: Forecast, past: Clean, actual: Array, season: int, model: str) -> pd.DataFrame:
    step = season if len(past.values) >= 2 * season else 1
    unit = np.abs(past.values[step:] - past.values[:-step]).mean() or np.nan
    over = {q: actual - getattr(found, name) for name, q in QUANTILES.items()}
    # The loss of a quantile by what a value lies over it (Koenker and Bassett 1978).
    loss = np.mean([np.fmax(q * each, (q - 1) * each) for q, each in over.items()], axis=0)
    columns = {"model": model, "h": np.arange(1, len(actual) + 1)}
    columns |= {"mase": np.abs(actual - found.mean) / unit, "pinball": loss / unit}
    for level, low, high in ((80, found.lo80, found.hi80), (95, found.lo95, found.hi95)):
        inside = ((actual >= low) & (actual <= high)).astype(float)
        columns[f"cover{level}"] = np.where(np.isfinite(actual), inside, np.nan)
    return pd.DataFrame(columns)
