"""Whether a series took a step when an action began: the arithmetic of measured effects.

Shares have errors that are known from their cases, made wider where the months vary more than their
cases explain (a binomial model with identity link and dispersion of one or more); of anything else
the months say how much they vary. Both are one weighted regression on a step, so that one series
(interrupted, Bernal et al. 2017, Int J Epidemiology 46) and the difference of two (difference in
differences) are measured alike. A year before and after is too short for errors that allow for
slow waves: simulated, those establish effects that are not there in one run of five.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from kpi_helpers.kpis.settled import Array

Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]

SURE, POWER = 0.05, 0.8
# From so many points before the start a trend in them can be told from chance.
TRENDED = 8


class Step(NamedTuple):
    """The mean distance from what would have come without it, and how sure that is.

    ``slope`` is the change of the trend a month, 0 where no trend is allowed for; ``without`` what
    was to be expected at each point after the start.
    """

    effect: float
    error: float
    low: float
    high: float
    p_value: float
    slope: float
    without: Array


def step(value: Array, after: Flags, variance: Array | None = None, trend: bool = False) -> Step:
    """Measure the step of a series.

    Parameters
    ----------
    value : array, shape (n,)
        A figure a month, or the difference of two.
    after : array of bool, shape (n,)
        Which months come after the start.
    variance : array, shape (n,), optional
        Of each figure, where its cases tell it.
    trend : bool
        Whether the trend from before is taken to go on; it may change its slope with the step.

    Returns
    -------
    Step
        Missing limits where nothing tells how much the figures vary.

    Examples
    --------
    >>> found = step(np.array([10, 11, 12, 13, 18, 19, 20, 21.0]), np.arange(8) > 3, trend=True)
    >>> round(found.effect, 6), abs(round(found.slope, 6)), found.without.round(6).tolist()
    (4.0, 0.0, [14.0, 15.0, 16.0, 17.0])
    """
    time, since = np.arange(len(value)), after.astype(float)
    columns = [np.ones(len(value)), since]
    if trend:
        # Centred, so that the step is that of the mean month after the start.
        columns += [time, since * (time - time[after].mean())]
    found, errors, freedom = _regressed(np.column_stack(columns), value, variance)
    effect, error = float(found[1]), float(errors[1])
    half = _quantile(1 - SURE / 2, freedom) * error
    known = np.array(columns)[[0, 2] if trend else [0]].T[after]
    p_value = _two_sided(effect, error, freedom)
    slope = float(found[3]) if trend else 0.0
    without = known @ found[[0, 2] if trend else [0]]
    return Step(effect, error, effect - half, effect + half, p_value, slope, without)


def drifts(value: Array, variance: Array | None = None) -> bool:
    """Tell whether a series has a trend, at 5 %; never with fewer than four points.

    Examples
    --------
    >>> drifts(np.array([1.0, 2.1, 2.9, 4.2, 5.0])), drifts(np.array([1.0, 5.0, 2.0]))
    (True, False)
    """
    if len(value) < 4:
        return False
    columns = np.column_stack([np.ones(len(value)), np.arange(len(value))])
    found, errors, freedom = _regressed(columns, value, variance)
    return _two_sided(float(found[1]), float(errors[1]), freedom) < SURE


def chosen_late(value: Array, after: Flags, effect: float) -> bool:
    """Tell whether the start comes right after the most extreme month before it.

    Such a month is often why the action was taken, and the next one would have been nearer to the
    usual level without it: it is no part of what the others stand beside.

    Examples
    --------
    >>> late = np.array([False] * 5 + [True] * 2)
    >>> chosen_late(np.array([5.0, 6.0, 5.0, 6.0, 2.0, 5.0, 6.0]), late, effect=1.0)
    True
    """
    before = value[~after]
    if len(before) < 5:
        return False
    return bool(before[-1] == (before.min() if effect > 0 else before.max()))


def variance_of(k: Array, n: Array, after: Flags) -> Array:
    """Return the variance of each month's share, at the level that its months have together.

    Examples
    --------
    >>> late = np.array([False, False, True])
    >>> k, n = np.array([4.0, 6.0, 9.0]), np.full(3, 10.0)
    >>> (100 * variance_of(k, n, late)).round(6).tolist()
    [2.5, 2.5, 0.9]
    """
    share = np.empty(len(n))
    for side in (after, ~after):
        if side.any():
            least = 0.5 / (n[side].sum() + 1)
            share[side] = np.clip(k[side].sum() / n[side].sum(), least, 1 - least)
    return np.asarray(share * (1 - share) / n)


def visible(error: float) -> float:
    """Return the least effect that figures with this error establish in four cases of five.

    Examples
    --------
    >>> round(visible(0.02), 3)
    0.056
    """
    return (_quantile(1 - SURE / 2, np.inf) + _quantile(POWER, np.inf)) * error


def _regressed(columns: Any, value: Array, variance: Array | None) -> tuple[Any, Any, float]:
    """Coefficients, their errors, and the degrees of freedom behind these (infinite if known)."""
    weight = np.ones(len(value)) if variance is None else 1 / np.sqrt(variance)
    design = columns * weight[:, None]
    found, *_ = np.linalg.lstsq(design, value * weight, rcond=None)
    left = float(((value * weight - design @ found) ** 2).sum())
    free = len(value) - columns.shape[1]
    scale = left / free if free > 0 else np.nan
    freedom = float(free)
    if variance is not None and not scale > 1:
        scale, freedom = 1.0, np.inf
    spread = np.linalg.inv(design.T @ design).diagonal()
    return found, np.sqrt(scale * spread), freedom


def _two_sided(effect: float, error: float, freedom: float) -> float:
    from scipy.special import ndtr, stdtr

    if np.isnan(error):
        return np.nan
    if error == 0:
        return float(effect == 0)
    z = -abs(effect) / error
    return 2 * float(ndtr(z) if np.isinf(freedom) else stdtr(freedom, z))


def _quantile(level: float, freedom: float) -> float:
    from scipy.special import ndtri, stdtrit

    return float(ndtri(level) if np.isinf(freedom) else stdtrit(max(freedom, 1.0), level))
