"""The interval and the test of a difference, by how the two figures were made.

=====================  =================================  ========================================
figures                interval of the difference         test
=====================  =================================  ========================================
shares, cohorts        Newcombe                           z; Boschloo where an expected count < 5
counts                 MOVER on Garwood's limits          conditional binomial (two, the weaker)
totals                 compound Poisson, ±z·√Σx²          the same, as z
stocks, attainment     none                               none: the change is a fact
everything else        MOVER on the figures' limits       the same, as z
=====================  =================================  ========================================

MOVER (Zou and Donner 2008, Statistics in Medicine 27, 1693–1702) makes the limits of a difference
of two independent estimates from the limits of each.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import pandas as pd

from kpi_helpers import intervals
from kpi_helpers.kpis.settled import Array, divided

Z = NormalDist().inv_cdf(0.975)
SMALL_EXPECTED = 5


Rows = np.ndarray[tuple[int], np.dtype[np.intp]]


class Difference(NamedTuple):
    """Change from the reference with its interval and p-value; arrays, a row each."""

    change: Array
    low: Array
    high: Array
    p_value: Array


class Figures(NamedTuple):
    """One side of a comparison, a row each."""

    value: Array
    numerator: Array
    denominator: Array
    low: Array
    high: Array
    spread: Array
    exposure: Array


def difference(now: Figures, then: Figures, method: pd.Series[str]) -> Difference:
    """Compare figures row by row.

    Parameters
    ----------
    now, then
        The two sides; missing where there is no reference.
    method
        How the figures' intervals were made, as the tidy frame says.

    Examples
    --------
    >>> def rate(k, n):
    ...     k, n = np.array([float(k)]), np.array([float(n)])
    ...     blank = np.full(1, np.nan)
    ...     return Figures(k / n, k, n, *intervals.wilson(k, n), blank, blank)
    >>> found = difference(rate(20, 40), rate(12, 40), pd.Series(["wilson"]))
    >>> [round(float(x[0]), 4) for x in found]
    [0.2, -0.0138, 0.3901, 0.0679]
    """
    found = _mover(now, then)
    for name, other in (("wilson", _shares), ("garwood", _counts), ("exact", _totals)):
        rows = np.flatnonzero(method == name)
        better = other(_at(now, rows), _at(then, rows))
        for whole, part in zip(found, better, strict=True):
            whole[rows] = part
    return found


def _at(figures: Figures, rows: Rows) -> Figures:
    return Figures(*(column[rows] for column in figures))


def _mover(now: Figures, then: Figures) -> Difference:
    change = now.value - then.value
    low = change - np.hypot(now.value - now.low, then.high - then.value)
    high = change + np.hypot(now.high - now.value, then.value - then.low)
    return Difference(change, low, high, _two_sided(change, low, high))


def _two_sided(change: Array, low: Array, high: Array) -> Array:
    """Normal p-value of no change, by the half of the interval that faces zero."""
    from scipy.special import ndtr

    error = np.where(change > 0, change - low, high - change) / Z
    p: Array = 2 * ndtr(-np.abs(divided(change, error)))
    return np.where((change == 0) & (error > 0), 1.0, p)


def _shares(now: Figures, then: Figures) -> Difference:
    k1, n1, k2, n2 = now.numerator, now.denominator, then.numerator, then.denominator
    low, high = intervals.newcombe(k1, n1, k2, n2)
    pooled = divided(k1 + k2, n1 + n2)
    error = np.sqrt(
        pooled * (1 - pooled) * (divided(np.ones_like(n1), n1) + divided(np.ones_like(n2), n2))
    )
    change = now.value - then.value
    p = _two_sided(change, change - Z * error, change + Z * error)
    least = np.minimum(pooled, 1 - pooled) * np.minimum(n1, n2)
    for row in np.flatnonzero(least < SMALL_EXPECTED):
        p[row] = _boschloo(k1[row], n1[row], k2[row], n2[row])
    return Difference(change, low, high, p)


def _boschloo(k1: float, n1: float, k2: float, n2: float) -> float:
    """Exact test of two shares (Boschloo 1970), for small expected counts."""
    from scipy.stats import boschloo_exact

    table = np.array([[k1, k2], [n1 - k1, n2 - k2]])
    if np.isnan(table).any() or (table.sum(axis=1) == 0).any():
        return 1.0 if not np.isnan(table).any() else np.nan
    return float(boschloo_exact(table.astype(int)).pvalue)


def _counts(now: Figures, then: Figures) -> Difference:
    """A change must hold as counted, and as a rate by the days worked: the larger p-value."""
    by_days = divided(now.exposure, now.exposure + then.exposure)
    p = np.maximum(_binomial(now, then, np.full_like(by_days, 0.5)), _binomial(now, then, by_days))
    return _mover(now, then)._replace(p_value=p)


def _binomial(now: Figures, then: Figures, share: Array) -> Array:
    """Given the sum of two counts, the first is binomial by its share of the exposure."""
    from scipy.special import betainc

    at_most = np.where(then.value > 0, betainc(then.value, now.value + 1, 1 - share), 1.0)
    at_least = np.where(now.value > 0, betainc(now.value, then.value + 1, share), 1.0)
    p = np.minimum(1.0, 2 * np.minimum(at_most, at_least))
    return np.where(now.value + then.value == 0, 1.0, p)


def _totals(now: Figures, then: Figures) -> Difference:
    change = now.value - then.value
    half = Z * np.hypot(now.spread, then.spread)
    low, high = change - half, change + half
    return Difference(change, low, high, _two_sided(change, low, high))


def adjusted(p_value: Array) -> Array:
    """Benjamini and Hochberg's p-values over those that are known.

    Examples
    --------
    >>> adjusted(np.array([0.01, np.nan, 0.04])).tolist()
    [0.02, nan, 0.04]
    """
    from scipy.stats import false_discovery_control

    known = ~np.isnan(p_value)
    result = np.full(p_value.shape, np.nan)
    if known.any():
        result[known] = false_discovery_control(p_value[known])
    return result
