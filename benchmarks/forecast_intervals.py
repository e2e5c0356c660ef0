"""Fit how wide forecast intervals are: ``python benchmarks/forecast_intervals.py SERIES.parquet``.

The series: a row each with ``group``, ``season``, ``train`` and ``test`` (arrays). The constants of
`kpi_helpers.forecasting.multipliers` come from the M1 competition (617 monthly, 203 quarterly
series), the tourism competition (366 and 427), 1,384 series of M3 and 179 weekly ones of M4; the
other series of M3 and M4 were left for judging. Each series is forecast once, from its training
part; groups weigh like the roots of their sizes.

Printed are the constants, and the cover of both intervals in each group when the constants come
from the other half of the series (odd against even).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.forecasting.bands import SIDES, features, sizes
from kpi_helpers.forecasting.cleaning import cleaned
from kpi_helpers.forecasting.members import combined, members, recent
from kpi_helpers.forecasting.multipliers import MULTIPLIERS
from kpi_helpers.forecasting.scale import to

__all__ = ["MULTIPLIERS", "collected", "covers", "fitted", "halves"]

QUANTILES = (0.9, 0.9, 0.975, 0.975)
NEAREST = 1e-3  # an error so small, in sizes of an error, counts as this


def collected(series: pd.DataFrame) -> pd.DataFrame:
    """Features, and errors in sizes of an error, of every series at every horizon."""
    rows: list[dict[str, Any]] = []
    for number, row in enumerate(series.itertuples()):
        test, season = np.asarray(row.test, float), int(row.season)
        clean = cleaned(np.asarray(row.train, float), season)
        y, season = recent(clean.values, season)
        found = members(y, len(test), season, clean.scale)
        size = sizes(found.missed)
        error = to(test, clean.scale) - to(combined(found.paths), clean.scale)
        of = {"group": row.group, "series": number, "weight": 1 / len(test)}
        by_horizon = zip(features(found, size, season), error / size, strict=True)
        rows += [of | {"features": each, "error": far} for each, far in by_horizon]
    frame = pd.DataFrame(rows)
    frame["weight"] /= np.sqrt(frame.groupby("group")["series"].transform("nunique"))
    return frame


def fitted(frame: pd.DataFrame) -> np.ndarray:
    """The four rows of multipliers, as `kpi_helpers.forecasting.bands.limits` reads them."""
    x, weight = np.stack(frame["features"]), frame["weight"].to_numpy(float)
    error = frame["error"].to_numpy(float)
    return np.array(
        [
            quantile_regression(x, np.log(np.fmax(side * error, NEAREST)), q, weight)
            for side, q in zip(SIDES, QUANTILES, strict=True)
        ]
    )


def quantile_regression(x: np.ndarray, y: np.ndarray, q: float, weight: np.ndarray) -> np.ndarray:
    """Coefficients of a quantile, by least squares weighted again and again."""
    root = np.sqrt(weight)[:, None]
    fit = np.linalg.lstsq(x * root, y * root[:, 0], rcond=None)[0]
    fit[0] += np.quantile(y - x @ fit, q)
    near = 0.1
    for _ in range(80):
        left = y - x @ fit
        pull = weight * np.where(left > 0, q, 1 - q) / np.fmax(np.abs(left), near)
        fit = np.linalg.solve(x.T @ (x * pull[:, None]), x.T @ (pull * y))
        near = max(near * 0.8, 1e-4)
    return fit


def covers(frame: pd.DataFrame, multipliers: np.ndarray) -> pd.DataFrame:
    """Share of values within the 80 % and the 95 % interval, by group."""
    far = np.exp(np.stack(frame["features"]) @ multipliers.T)
    error = frame["error"].to_numpy(float)
    inside = {
        f"cover{level}": (error >= -far[:, low]) & (error <= far[:, low + 1])
        for level, low in ((80, 0), (95, 2))
    }
    held = pd.DataFrame(inside).groupby([frame["group"].to_numpy(), frame["series"].to_numpy()])
    return held.mean().groupby(level=0).mean()


def halves(frame: pd.DataFrame) -> pd.DataFrame:
    """Cover in each half of the series by the constants of the other half."""
    odd = frame["series"] % 2 == 1
    parts = [covers(frame[side], fitted(frame[~side])) for side in (odd, ~odd)]
    return pd.concat(parts).groupby(level=0).mean()


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit how wide forecast intervals are.")
    parser.add_argument("series", type=Path, help="parquet file: group, season, train, test")
    frame = collected(pd.read_parquet(parser.parse_args().series))
    print("MULTIPLIERS = (")
    for row in fitted(frame):
        print(f"    ({', '.join(f'{each:.3f}' for each in row)}),")
    print(")")
    print(halves(frame).round(3).to_string())


if __name__ == "__main__":
    main()
