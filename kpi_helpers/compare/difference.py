"""The interval and the test of a difference, by how the two figures were made.

=====================  =================================  ========================================
figures                interval of the difference         test
=====================  =================================  ========================================
shares, cohorts        Newcombe                           z; exact where an expected count < 5
counts                 MOVER on Garwood's limits          conditional binomial
totals, attainment     compound Poisson, ±z·√Σx²          the same, as z
promoter scores        MOVER on the figures' limits       z of the multinomial variance
durations              MOVER on the figures' limits       median test at the same horizon
stocks, spend, plans   none                               none: the change is a fact
everything else        MOVER on the figures' limits       the same, as z
=====================  =================================  ========================================

MOVER (Zou and Donner 2008, Statistics in Medicine 27, 1693–1702) makes the limits of a difference
of two independent estimates from the limits of each. Two periods of the same customers are not
independent; what they share makes a difference smaller, so that all this errs on the safe side.

What moves with the days worked (counts, totals, a cost for each lead) is tried twice, as it is and
as it would be with equally many days. Four days more make nobody better, nor do four days less: a
change must hold both times, in the same direction.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from kpi_helpers import intervals
from kpi_helpers.compare.durations import same_time
from kpi_helpers.kpis.settled import Array, divided

Z = NormalDist().inv_cdf(0.975)
SMALL_EXPECTED = 5
# Up to so many tests are few: none of their findings may be false, where of many a few may be.
FEW_TESTS = 5
# Boschloo's test looks at every table of these sizes: seconds for two groups of 500.
MOST_TABLES = 40_000

Rows = np.ndarray[tuple[int], np.dtype[np.intp]]


class Difference(NamedTuple):
    """Change from the reference with its interval and p-value; arrays, a row each."""

    change: Array
    low: Array
    high: Array
    p_value: Array


class Figures(NamedTuple):
    """One side of a comparison, a row each.

    ``days`` are those worked, ``pace`` is how the figure moves with them (1, 0 or −1), ``ages``
    are the counts behind a duration.
    """

    value: Array
    numerator: Array
    denominator: Array
    low: Array
    high: Array
    spread: Array
    pace: Array
    days: Array
    ages: Any


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
    ...     limits = intervals.wilson(k, n)
    ...     return Figures(k / n, k, n, *limits, blank, np.zeros(1), blank, blank)
    >>> found = difference(rate(20, 40), rate(12, 40), pd.Series(["wilson"]))
    >>> [round(float(x[0]), 4) for x in found]
    [0.2, -0.0138, 0.3901, 0.0679]
    """
    methods = method.to_numpy(object)
    one = np.ones_like(now.value)
    found = _compared(now._replace(days=one), then._replace(days=one), methods)
    rows = np.flatnonzero(now.pace != 0)
    daily = _compared(_a_day(_at(now, rows)), _a_day(_at(then, rows)), methods[rows])
    p = np.fmax(found.p_value[rows], daily.p_value)
    against = (found.change[rows] * daily.change < 0) & ~np.isnan(p)
    found.p_value[rows] = np.where(against, 1.0, p)
    return found


def _at(figures: Figures, rows: Rows) -> Figures:
    return Figures(*(column[rows] for column in figures))


def _a_day(figures: Figures) -> Figures:
    """Figures as they are for one day worked; missing where none was."""
    times = np.where(figures.days > 0, figures.days, np.nan) ** -figures.pace
    names = ("value", "low", "high", "spread")
    return figures._replace(**{name: getattr(figures, name) * times for name in names})


def _compared(now: Figures, then: Figures, method: Any) -> Difference:
    found = _mover(now, then)
    for name, other in _OWN_WAY.items():
        rows = np.flatnonzero(method == name)
        better = other(_at(now, rows), _at(then, rows))
        for whole, part in zip(found, better, strict=True):
            whole[rows] = part
    return found


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
        p[row] = _exact(k1[row], n1[row], k2[row], n2[row])
    return Difference(change, low, high, p)


def _exact(k1: float, n1: float, k2: float, n2: float) -> float:
    """Boschloo's test (1970); Fisher's, which is more cautious, where that would take long."""
    from scipy.stats import boschloo_exact, fisher_exact

    table = np.array([[k1, k2], [n1 - k1, n2 - k2]])
    if np.isnan(table).any() or (table.sum(axis=1) == 0).any():
        return 1.0 if not np.isnan(table).any() else np.nan
    test = boschloo_exact if n1 * n2 <= MOST_TABLES else fisher_exact
    return float(test(table.astype(int)).pvalue)


def _counts(now: Figures, then: Figures) -> Difference:
    """Given the sum of two counts, the first is binomial by its share of the days."""
    from scipy.special import betainc

    first, second = (np.rint(side.value * side.days**side.pace) for side in (now, then))
    share = divided(now.days, now.days + then.days)
    at_most = np.where(second > 0, betainc(second, first + 1, 1 - share), 1.0)
    at_least = np.where(first > 0, betainc(first, second + 1, share), 1.0)
    p = np.where(first + second == 0, 1.0, np.minimum(1.0, 2 * np.minimum(at_most, at_least)))
    return _mover(now, then)._replace(p_value=np.where(np.isnan(first + second), np.nan, p))


def _totals(now: Figures, then: Figures) -> Difference:
    change = now.value - then.value
    half = Z * np.hypot(now.spread, then.spread)
    low, high = change - half, change + half
    return Difference(change, low, high, _two_sided(change, low, high))


def _scores(now: Figures, then: Figures) -> Difference:
    return _mover(now, then)._replace(p_value=_totals(now, then).p_value)


def _durations(now: Figures, then: Figures) -> Difference:
    found = _mover(now, then)
    for row in np.flatnonzero(~np.isnan(found.change)).tolist():
        found.p_value[row] = same_time(now.ages[row], then.ages[row])
    return found


_OWN_WAY = {
    "wilson": _shares,
    "garwood": _counts,
    "exact": _totals,
    "aalen-johansen": _durations,
    "kaplan-meier": _durations,
    "adjusted wald": _scores,
}


def adjusted(p_value: Array) -> Array:
    """Return the p-values that are known, adjusted for how many are tried together.

    Up to five by Holm's steps (1979), which keep the chance of any false finding among them;
    more by Benjamini and Hochberg's (1995), which keep the share of false findings.

    Examples
    --------
    >>> adjusted(np.array([0.01, np.nan, 0.03, 0.04])).tolist()
    [0.03, nan, 0.06, 0.06]
    """
    from scipy.stats import false_discovery_control

    known = ~np.isnan(p_value)
    result = np.full(p_value.shape, np.nan)
    adjust = holm if known.sum() <= FEW_TESTS else false_discovery_control
    if known.any():
        result[known] = adjust(p_value[known])
    return result


def holm(p_value: Array) -> Array:
    """Return p-values adjusted by Holm's steps (1979): in 95 of 100 families no false finding.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_value, kind="stable")
    steps = np.arange(len(p_value), 0, -1)
    result = np.empty_like(p_value)
    result[order] = np.minimum(np.maximum.accumulate(p_value[order] * steps), 1.0)
    return result
