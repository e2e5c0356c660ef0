"""A series made fit for a forecast: gaps filled, spikes damped, both remembered."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kpi_helpers.errors import BadInput, Unavailable
from kpi_helpers.forecasting.scale import Array, Scale, back, fitting, to
from kpi_helpers.forecasting.seasons import indices
from kpi_helpers.language import Phrase

LEAST, PASSES = 3, 10
# With more of it made up, a series would look surer than it is.
GAPS = 1 / 3
# A spike lies so many usual deviations outside its neighbours and the same season of other years;
# what is left of it are three.
SPIKE, LEFT, NEIGHBOURS = 8.0, 3.0, 4
TINY = 1e-9
LARGEST = 1e150  # the squares of larger numbers are none to a machine


class Clean(NamedTuple):
    """The values to forecast from, their scale, and which were missing or damped."""

    values: Array
    scale: Scale
    gaps: Array
    spikes: Array


def cleaned(y: Array, season: int, scale: str = "") -> Clean:
    """Return a series, from its first value on, without gaps and single spikes.

    Gaps are interpolated between their neighbours, less the season. A spike is a value far outside
    both its neighbours and the same place of other seasons: a change of level, or a December that
    comes every year, is none. Errors are those of `kpi_helpers.forecasting.forecast`.
    """
    y = np.asarray(y, dtype=float).ravel()
    if (endless := np.abs(y) > LARGEST).any():
        raise BadInput(value=float(y[endless][0]), expected=Phrase("forecasting.finite"))
    known = np.flatnonzero(np.isfinite(y))
    if len(known) < LEAST:
        needs = Phrase("forecasting.points", {"least": LEAST, "n": len(known)})
        raise Unavailable(what=Phrase("forecasting.what"), needs=needs)
    y = y[known[0] :]
    of, gaps = fitting(y[np.isfinite(y)], scale), ~np.isfinite(y)
    if gaps.mean() > GAPS:
        raise Unavailable(what=Phrase("forecasting.what"), needs=Phrase("forecasting.known"))
    filled = _filled(to(y, of), gaps, season)
    calm, spikes = _damped(filled, season)
    return Clean(np.where(gaps | spikes, back(calm, of), y), of, gaps, spikes & ~gaps)


def _filled(x: Array, gaps: Array, season: int) -> Array:
    """Interpolate less the season, which is what the filled series says, again and again."""
    t, shared = np.arange(len(x)), np.zeros(len(x))
    for _ in range(PASSES if gaps.any() else 0):
        x = np.interp(t, t[~gaps], (x - shared)[~gaps]) + shared
        by_place, factor = indices(x, season)
        shared = factor * np.resize(by_place, len(x))
    return x


def _damped(x: Array, season: int) -> tuple[Array, Array]:
    if len(x) < 2 * NEIGHBOURS:
        return x, np.zeros(len(x), dtype=bool)
    calm, far = _outside(x, 1)
    if season > 1 and len(x) > 2 * season:
        calm, as_far = _outside(x, season)
        far = np.fmin(far, as_far)
    return np.where(far > SPIKE, calm, x), far > SPIKE


def _outside(x: Array, lag: int) -> tuple[Array, Array]:
    """What each value is damped to, and how far it lies outside those ``lag``, ... beside it.

    The nearest four are compared with; one on either side of them may be a spike itself.
    """
    n, pad = len(x), NEIGHBOURS * lag
    padded = np.pad(x, pad, constant_values=np.nan)
    steps = [side * k * lag for k in range(1, NEIGHBOURS + 1) for side in (-1, 1)]
    around = np.stack([padded[pad + step : pad + step + n] for step in steps], axis=1)
    around[np.cumsum(np.isfinite(around), axis=1) > NEIGHBOURS] = np.nan
    around.sort(axis=1)
    there, rows = np.isfinite(around).sum(axis=1), np.arange(n)
    inner = np.fmin(1, (there - 1) // 2)
    low, high = around[rows, inner], around[rows, there - 1 - inner]
    middle = (low + high) / 2
    off = np.abs(x - middle)
    usual = max(1.48 * np.median(off), np.quantile(off, 0.9) / 1.64, 1e-3 * np.abs(x).mean(), TINY)
    return middle + np.sign(x - middle) * LEFT * usual, np.fmax(x - high, low - x) / usual
