"""Fit how wide forecast intervals are: ``python benchmarks/forecast_intervals.py SERIES.parquet``.

The series: a row each with ``group``, ``season``, ``train`` and ``test`` (arrays). The constants of
`kpi_helpers.forecasting.multipliers` come from the M1 competition (617 monthly, 203 quarterly
series), the tourism competition (366 and 427), 1,384 series of M3 and 179 weekly ones of M4; the
other series of M3 and M4 were left for judging. Each series is forecast once, from its training
part, the monthly ones of M3 again from its last 36 points, as companies have no more; groups weigh
like the roots of their sizes.

Quantile regression covers what it promises over all groups together; `held` then moves its 95 %
limits as little as makes them cover it in each group: series of one time share its shocks (M1's
quarters end in the recession of 1974), and are missed together.

Printed are the constants, and the cover of both intervals in each group when the constants come
from the other half of the series (odd against even).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit

from kpi_helpers.forecasting.bands import SIDES, features, sizes
from kpi_helpers.forecasting.cleaning import cleaned
from kpi_helpers.forecasting.members import combined, members, recent
from kpi_helpers.forecasting.multipliers import MULTIPLIERS
from kpi_helpers.forecasting.scale import to

__all__ = ["MULTIPLIERS", "collected", "covers", "fitted", "halves", "held"]

QUANTILES = (0.9, 0.9, 0.975, 0.975)
LAST, SHORTENED = 36, "M3M"
# What the cover of 95 % may be in a group, and in those of M3; how hard it is held to it.
WITHIN, CLOSER, HARD, MARGIN = (0.93, 0.97), (0.94, 0.96), 3000.0, 0.0015
SMOOTH = (0.1, 0.05, 0.02, 0.01)
NEAREST = 1e-3  # an error so small, in sizes of an error, counts as this


def collected(series: pd.DataFrame) -> pd.DataFrame:
    """Features, and errors in sizes of an error, of every series at every horizon."""
    again = series[series["group"] == SHORTENED]
    again = again.assign(group=f"{SHORTENED}{LAST}", train=[y[-LAST:] for y in again["train"]])
    rows: list[dict[str, Any]] = []
    series = pd.concat([series, again], ignore_index=True)
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


def held(frame: pd.DataFrame, start: np.ndarray) -> np.ndarray:
    """Both rows of the 95 % limits, from those of `fitted`, with the cover of each group held.

    The loss of quantile regression, and the squares by which the cover of a group leaves its
    bounds; to have a slope, a value counts as inside by degrees, ever more sharply.
    """
    x, error = np.stack(frame["features"]), frame["error"].to_numpy(float)
    y = [np.log(np.fmax(side * error, NEAREST)) for side in SIDES[2:]]
    weight = (frame["weight"] / frame["weight"].sum()).to_numpy()
    parts = [np.flatnonzero(frame["group"] == group) for group in frame["group"].unique()]
    bounds = [CLOSER if group.startswith("M3") else WITHIN for group in frame["group"].unique()]

    def loss(rows: np.ndarray, smooth: float) -> tuple[float, np.ndarray]:
        total, slope, over, steep = 0.0, np.zeros((2, x.shape[1])), np.zeros(len(x)), []
        for side, row in enumerate(rows.reshape(2, -1)):
            left = y[side] - x @ row
            total += weight @ np.fmax(QUANTILES[2] * left, (QUANTILES[2] - 1) * left)
            slope[side] = -(weight * np.where(left > 0, QUANTILES[2], QUANTILES[2] - 1)) @ x
            far = expit(left / smooth)
            over += far
            steep.append(far * (1 - far) / smooth)
        for part, (low, high) in zip(parts, bounds, strict=True):
            own = weight[part] / weight[part].sum()
            cover = 1 - own @ over[part]
            off = max(low + MARGIN - cover, 0) - max(cover - high + MARGIN, 0)
            total += HARD * off**2
            slope -= [2 * HARD * off * ((own * each[part]) @ x[part]) for each in steep]
        return total, slope.ravel()

    rows = start[2:].ravel()
    for smooth in SMOOTH:
        rows = minimize(loss, rows, (smooth,), "L-BFGS-B", jac=True, options={"maxiter": 300}).x
    return np.vstack([start[:2], rows.reshape(2, -1)])


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
    parts = [covers(frame[one], held(frame[~one], fitted(frame[~one]))) for one in (odd, ~odd)]
    return pd.concat(parts).groupby(level=0).mean()


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit how wide forecast intervals are.")
    parser.add_argument("series", type=Path, help="parquet file: group, season, train, test")
    frame = collected(pd.read_parquet(parser.parse_args().series))
    print("MULTIPLIERS = (")
    for row in held(frame, fitted(frame)):
        print(f"    ({', '.join(f'{each:.3f}' for each in row)}),")
    print(")")
    print(halves(frame).round(3).to_string())


if __name__ == "__main__":
    main()
