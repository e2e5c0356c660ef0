"""The kit's forecast beside others: ``python benchmarks/forecast.py SERIES.parquet [--limit N]``.

The series (public competitions: M1, tourism, M3, weekly M4) are a row each with ``group``,
``season``, ``train`` and ``test``. All models forecast the same series in the same process. Errors
are those of the competitions: OWA is the mean of sMAPE and MASE, each over that of Naive2 (here:
the seasonal naive forecast where a season shows, else the last value); MSIS is the mean scaled
interval score at 95 %. The last column is CPU milliseconds a series.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.errors import Unavailable
from kpi_helpers.forecasting import forecast
from kpi_helpers.forecasting.scale import Scale, back, to
from kpi_helpers.forecasting.seasons import indices, is_seasonal

SHOWN = ("four", "theta", "ets", "seasonal_naive")


def naive2(y: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """The last value, adjusted by the season where it shows (Makridakis and others 1982)."""
    scale = Scale("log" if (y > 0).all() else "plain")
    x, n = to(y, scale), len(y)
    season = season if is_seasonal(x, season) else 1
    by_place, _ = indices(x, season)
    places = np.arange(n + horizon) % season
    return back(x[-1] - by_place[places[n - 1]] + by_place[places[n:]], scale)


def smape(actual: np.ndarray, found: np.ndarray) -> float:
    size = np.abs(actual) + np.abs(found)
    return float(200 * np.mean(np.abs(actual - found) / np.where(size > 0, size, 1)))


def judged(row: Any, model: str) -> dict[str, Any]:
    """One series by one model."""
    y, actual, season = np.asarray(row.train, float), np.asarray(row.test, float), int(row.season)
    began = time.process_time()
    try:
        found = forecast(y, len(actual), season, model=model)
    except Unavailable:
        return {"group": row.group, "model": model, "refused": True}
    spent = 1000 * (time.process_time() - began)
    step = season if season <= 24 and len(y) > season else 1  # weeks count as not seasonal
    unit = np.abs(y[step:] - y[:-step]).mean()
    base = naive2(y, len(actual), season if season <= 24 else 1)
    miss = np.fmax(found.lo95 - actual, 0) + np.fmax(actual - found.hi95, 0)
    return {
        **{"group": row.group, "model": model, "refused": False, "ms": spent},
        **{"smape": smape(actual, found.mean), "mase": np.abs(actual - found.mean).mean() / unit},
        **{"smape0": smape(actual, base), "mase0": np.abs(actual - base).mean() / unit},
        "cover80": np.mean((actual >= found.lo80) & (actual <= found.hi80)),
        "cover95": np.mean((actual >= found.lo95) & (actual <= found.hi95)),
        "msis": np.mean(found.hi95 - found.lo95 + 40 * miss) / unit,
    }


def table(series: pd.DataFrame, models: tuple[str, ...] = SHOWN) -> pd.DataFrame:
    """A row a group and model."""
    first = next(series.itertuples())
    for model in models:
        judged(first, model)  # imports are not timed
    rows = [judged(row, model) for row in series.itertuples() for model in models]
    frame = pd.DataFrame(rows).groupby(["group", "model"], sort=False)
    mean = frame.mean(numeric_only=True).assign(n=frame.size())
    mean["owa"] = (mean["smape"] / mean["smape0"] + mean["mase"] / mean["mase0"]) / 2
    columns = ["n", "refused", "smape", "mase", "owa", "cover80", "cover95", "msis", "ms"]
    return mean[columns].reset_index()


def main() -> None:
    parser = argparse.ArgumentParser(description="The kit's forecast beside others.")
    parser.add_argument("series", type=Path, help="parquet file: group, season, train, test")
    parser.add_argument("--groups", default="M3M,M3Q,M4W,TM,TQ,M1M,M1Q")
    parser.add_argument("--limit", type=int, default=40, help="seeded sample a group; 0 = all")
    parser.add_argument("--models", default=",".join(SHOWN))
    chosen = parser.parse_args()
    series = pd.read_parquet(chosen.series)
    for group in chosen.groups.split(","):
        part = series[series["group"] == group]
        if 0 < chosen.limit < len(part):
            part = part.sample(chosen.limit, random_state=2018)
        found = table(part, tuple(chosen.models.split(",")))
        print(found.round(3).to_string(index=False), flush=True)


if __name__ == "__main__":
    main()
