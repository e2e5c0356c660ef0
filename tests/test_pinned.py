"""Forecasts as they were when their constants were fitted: no later change moves them unseen.

What the constants are good for is measured by `benchmarks/forecast.py` and `forecast_intervals.py`.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from kpi_helpers.forecasting import forecast
from kpi_helpers.forecasting.bands import features, sizes, steadied
from kpi_helpers.forecasting.members import members
from kpi_helpers.forecasting.scale import fitting
from kpi_helpers.forecasting.seasons import indices
from kpi_helpers.forecasting.smoothing import smoothed
from kpi_helpers.forecasting.totals import alike

PINNED = json.loads((Path(__file__).parent / "data" / "pinned_forecasts.json").read_text("utf-8"))


def series() -> dict[str, tuple[np.ndarray, int]]:
    """Series of every kind that is told apart: short, long, with a season, a trend, as shares."""
    rng, t = np.random.default_rng(20260930), np.arange(60)
    turn, noise = 1 + 0.2 * np.sin(t * np.pi / 6), rng.lognormal(0, 0.08, 60)
    return {
        "short": (100 * noise[:9], 12),
        "flat": (100 * noise[:30], 12),
        "season": (100 * turn * noise, 12),
        "quarters": ((100 + t * turn * noise)[:22], 4),
        "both": (100 * np.exp(0.02 * t) * turn * noise, 12),
        "two years": ((100 * turn * noise)[:26], 12),
        "fallen": (np.r_[130 - 3.0 * t[:15], 85 + 3 * noise[:12]], 12),
        "negative": (50 * np.cumsum(noise - 1) - 3, 1),
    }


def figures() -> dict[str, list]:
    """All that the constants go into, of each series."""
    found = {}
    for name, (y, season) in series().items():
        made = forecast(y, 6, season)
        found[name] = [made.mean, made.lo80, made.hi80, made.lo95, made.hi95]
        start, trust = indices(y, season)
        path, missed = smoothed(y, 4, start if trust else np.zeros(1), 3)
        found[f"{name}, by parts"] = [[*start, trust], path, missed[-1]]
        found[f"{name}, together"] = [*alike("four", y, 3, season)]
    for name, season in (("flat", 1), ("season", 12), ("short", 1), ("both", 4), ("two years", 2)):
        y = series()[name][0]
        seen = members(y, 4, season, fitting(y))
        size = sizes(seen.missed)
        found[f"{name}, widths"] = [size, *features(seen, size, season)]
    levels = np.array([[0.3] * 3, [0.25, 0.24, 0.23], [0.35, 0.36, 0.37], [0.2] * 3, [0.4] * 3])
    found["steadied"] = [*steadied(levels, 200.0)]
    return {name: [np.asarray(row).tolist() for row in rows] for name, rows in found.items()}


def test_forecasts_are_what_they_were() -> None:
    found = figures()
    assert found.keys() == PINNED.keys()
    for name, rows in PINNED.items():
        for row, then in zip(found[name], rows, strict=True):
            assert row == pytest.approx(then, rel=1e-6, abs=1e-6, nan_ok=True), name
