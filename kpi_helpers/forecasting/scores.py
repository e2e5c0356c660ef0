"""How good forecasts were: errors, back-tests from rolling origins, and what to combine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from kpi_helpers.errors import Unavailable
from kpi_helpers.forecasting.cleaning import cleaned
from kpi_helpers.forecasting.models import BASELINES, OWN, SHORT, Forecast, checked, made
from kpi_helpers.forecasting.scale import Array
from kpi_helpers.language import Phrase

ORIGINS = 8
PATIENCE = 2.0  # seconds
T = TypeVar("T")
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


def replayed(
    y: ArrayLike,
    horizon: int,
    season: int = 1,
    models: Sequence[str] = (OWN, *BASELINES),
    scale: str = "",
) -> pd.DataFrame:
    """Forecast the last points of a series from origins before them, by what was known then.

    The last eight origins (fewer for short series) from which the whole horizon is known.

    Returns
    -------
    pandas.DataFrame
        A row a model, origin and horizon: ``model``, ``origin`` (the number of points known), ``h``
        (1 to ``horizon``), ``actual`` (missing in a gap), the fields of `Forecast`, and ``unit``:
        the mean absolute change from the season before, of the points known.

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
    found: list[Array] = []
    for t in shown(origins):
        past = cleaned(y[:t], season, scale)
        known = [np.full(horizon, t), np.arange(1, horizon + 1), y[t : t + horizon]]
        unit = np.full(horizon, _unit(past.values, season))
        found += [np.array([*known, *made(m, past, horizon, season), unit]) for m in models]
    columns = ("origin", "h", "actual", *Forecast._fields, "unit")
    frame = pd.DataFrame(np.concatenate(found, axis=1).T, columns=columns)
    frame.insert(0, "model", np.tile(np.repeat(models, horizon), len(origins)))
    return frame.astype({"origin": int, "h": int})


def backtest(
    y: ArrayLike,
    horizon: int,
    season: int = 1,
    models: Sequence[str] = (OWN, *BASELINES),
    scale: str = "",
) -> pd.DataFrame:
    """Say how good the forecasts of `replayed` were.

    Returns
    -------
    pandas.DataFrame
        A row a model and horizon ``h``: ``origins``, ``mase`` and ``pinball`` (both over the mean
        absolute change from the season before), ``cover80``, ``cover95``.
    """
    return judged(replayed(y, horizon, season, models, scale))


def judged(tried: pd.DataFrame) -> pd.DataFrame:
    """Return what `backtest` does, of the forecasts that `replayed` made."""
    y, unit = tried["actual"], tried["unit"]
    # The loss of a quantile by what a value lies over it (Koenker and Bassett 1978).
    loss = [np.fmax(q * (y - tried[of]), (q - 1) * (y - tried[of])) for of, q in QUANTILES.items()]
    columns = {"mase": (y - tried["mean"]).abs() / unit, "pinball": sum(loss) / len(loss) / unit}
    for level in (80, 95):
        inside = y.between(tried[f"lo{level}"], tried[f"hi{level}"])
        columns[f"cover{level}"] = inside.astype(float).where(y.notna())
    frame = tried[["model", "h"]].assign(**columns).groupby(["model", "h"], sort=False).mean()
    return frame.assign(origins=tried["origin"].nunique()).reset_index()


def shown(steps: Iterable[T]) -> Iterable[T]:
    """Go through steps; in a terminal, one sees how far it is once it takes over two seconds."""
    from tqdm import tqdm

    # None: quiet where nobody looks, as in notebooks that are run for a report.
    found: Iterable[T] = tqdm(steps, delay=PATIENCE, disable=None, leave=False)
    return found


def _unit(past: Array, season: int) -> float:
    step = season if len(past) >= 2 * season else 1
    return float(np.abs(past[step:] - past[:-step]).mean()) or np.nan
