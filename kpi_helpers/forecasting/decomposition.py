"""A series as trend, season and rest, which add up to what was read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from kpi_helpers.errors import Unavailable
from kpi_helpers.forecasting.frames import RANGES
from kpi_helpers.forecasting.histories import series
from kpi_helpers.forecasting.models import SHORT
from kpi_helpers.forecasting.scale import Array, Scale, back, fitting, to
from kpi_helpers.forecasting.slopes import slope
from kpi_helpers.language import Phrase
from kpi_helpers.sources.dataset import Dataset, Where

SEASONAL, TINY = 0.01, 1e-12
SHOWN, NONE_SHOWN, UNKNOWN = "shown", "none_shown", "unknown"


def decomposed(rows: pd.DataFrame) -> pd.DataFrame:
    """Decompose each series into trend, season and rest.

    STL (Cleveland and others 1990, Journal of Official Statistics 6), robust and with a season that
    is the same every year; of rates on the logit, of amounts and counts on the logarithm where they
    allow it. A season is only taken out where it is shown (F-test at 1 %); with less than two of
    them there is none to see, and the trend is Theil and Sen's line.

    Parameters
    ----------
    rows
        What `kpi_helpers.forecasting.series` or `with_adjusted` returns.

    Returns
    -------
    pandas.DataFrame
        The rows of the KPIs with eight values, from the first one on; with ``trend, seasonal,
        rest`` in the unit of the KPI as far as there are values, ``turns`` (whether a season is
        ``shown``, ``none_shown`` or ``unknown``) and ``left_out`` (values missing or too young).

    Raises
    ------
    Unavailable
        Where no KPI has eight values.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> from kpi_helpers import forecasting
    >>> found = decomposed(forecasting.series(kh.load("data/sample"), "revenue", "2026Q3"))
    >>> parts = found[["trend", "seasonal", "rest"]].sum(axis=1)
    >>> bool(np.allclose(parts, found["adjusted"])), found["turns"].iloc[0]
    (True, 'none_shown')
    """
    counts = rows.assign(known=known(rows)).groupby("kpi", sort=False)["known"].sum()
    long = counts.index[counts >= SHORT]
    if not len(long):
        needs = Phrase("forecasting.points", {"least": SHORT, "n": int(counts.max())})
        raise Unavailable(what=Phrase("trend.what"), needs=needs)
    return pd.concat([_parts(rows[rows["kpi"] == kpi]) for kpi in long], ignore_index=True)


def course(
    data: Dataset,
    kpis: str | Sequence[str],
    period: str = "last",
    where: Where = None,
    grain: str = "month",
) -> pd.DataFrame:
    """Return the series of KPIs decomposed: `decomposed` of `kpi_helpers.forecasting.series`."""
    return decomposed(series(data, kpis, period, where, grain))


def known(rows: pd.DataFrame) -> pd.Series[bool]:
    """Whether a figure was read itself, and is no gap between others."""
    return rows["usable"] & rows["adjusted"].notna()


def scaled(rows: pd.DataFrame, *columns: str) -> tuple[Scale, float, float, list[Array]]:
    """The scale of one KPI, the least it can be, its range, and sums of columns on that scale."""
    method = str(rows["method"].iloc[0])
    low, high = RANGES.get(method, (0.0, 1.0))
    read = (rows["adjusted"].to_numpy(float) - low) / (high - low)
    scale = fitting(read, "logit" if method in RANGES else "log" if (read > 0).all() else "")
    sums = [rows[column.split()].sum(axis=1).to_numpy(float) for column in columns]
    return scale, low, high - low, [to((each - low) / (high - low), scale) for each in sums]


def _parts(rows: pd.DataFrame) -> pd.DataFrame:
    every, rows = rows, rows[rows["adjusted"].notna()]
    scale, low, width, (x,) = scaled(rows, "adjusted")
    season, at = int(rows["season"].iloc[0]), np.arange(len(rows), dtype=float)
    turns = _turns(x, season)
    if turns == UNKNOWN or np.ptp(x) == 0:
        steep = slope(x, np.zeros(len(x)), at).value
        along, turning = np.median(x - steep * at) + steep * at, np.zeros(len(x))
    else:
        along, turning = _stl(x, season)
        turning = turning * (turns == SHOWN)
    level, both = (low + width * back(each, scale) for each in (along, along + turning))
    parts = {"trend": level, "seasonal": both - level, "rest": rows["adjusted"] - both}
    found = every.join(pd.DataFrame(parts, index=rows.index))
    return found.assign(turns=turns, left_out=int((~known(every)).sum()))


def _stl(x: Array, season: int) -> tuple[Array, Array]:
    from statsmodels.tsa.seasonal import STL

    found = STL(x, season, seasonal=10 * len(x) + 1, seasonal_deg=0, robust=True).fit()
    return found.trend, found.seasonal


def _turns(x: Array, season: int) -> str:
    """Whether the places of the season differ, beside a bent line."""
    from scipy.special import fdtrc

    n, at = len(x), np.linspace(-1, 1, len(x))
    if season < 2 or n < max(2 * season, season + SHORT):
        return UNKNOWN
    bent = np.column_stack([np.ones(n), at, at**2])
    places = np.arange(n)[:, None] % season == np.arange(1, season)
    few, many = (_left(x, model) for model in (bent, np.column_stack([bent, places])))
    free, floor = n - season - 2, TINY * max(float(x @ x), TINY)
    ratio = (few - many) / (season - 1) / max(many / free, floor)
    return SHOWN if fdtrc(season - 1, free, max(ratio, 0.0)) < SEASONAL else NONE_SHOWN


def _left(x: Array, model: Array) -> float:
    basis, _ = np.linalg.qr(model)
    left = x - basis @ (basis.T @ x)
    return float(left @ left)
