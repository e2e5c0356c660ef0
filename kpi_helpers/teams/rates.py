"""Rates of people side by side, without their luck: arithmetic on k cases of n.

Who differs is tried in this order (``benchmarks/reps.py`` prints how often it errs):

1. *Dispersion*: do the rates differ by more than chance at all (χ², 5 %)? If not, nobody differs.
2. *Each against the team's rate*: exact binomial test, and the same against the rate that the team
   reaches on the person's own mix of cases; the larger of the two p-values counts.
3. *Holm's correction* (1979): in 95 % of cases nobody at all is wrongly called different.

Where the rates do differ, each is estimated with what the others teach (empirical Bayes,
beta-binomial; Efron and Morris 1975): few cases move a rate towards the team's.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from kpi_helpers.compare.difference import holm
from kpi_helpers.kpis.settled import Array

SURE = 0.05
DRAWS, SEED = 5_000, 73
# Cases that the team's rate weighs at least: people may be far apart, but are no two kinds.
LEAST_WEIGHT = 1.0
ABOVE, BELOW, NONE_SHOWN = "above", "below", "none_shown"


def judged(k: Array, n: Array, expected: Array | None = None) -> pd.DataFrame:
    """Say who is reliably above or below the rate of all.

    Parameters
    ----------
    k, n : array of float, shape (people,)
        Cases that count, and all cases: at least one each.
    expected : array of float, shape (people,), optional
        The rate that all together reach on the mix of cases of each.

    Returns
    -------
    pandas.DataFrame
        A row each: ``pooled`` (the rate of all), ``dispersion`` (χ²) and ``dispersion_p``,
        ``p_value`` and Holm's ``p_adjusted``, ``estimate, estimate_low, estimate_high`` (95 %),
        ``p_top`` and ``p_bottom`` (the chance to be in the highest and the lowest third), these
        five missing where no difference is shown; and ``verdict``: above, below or none_shown.

    Examples
    --------
    >>> judged(np.array([3.0, 30, 8, 45, 1]), np.array([4.0, 100, 40, 150, 6])).round(3)[
    ...     ["pooled", "dispersion", "dispersion_p", "p_adjusted", "verdict"]].head(2)
       pooled  dispersion  dispersion_p  p_adjusted     verdict
    0    0.29       6.249         0.181       0.382  none_shown
    1    0.29       6.249         0.181       1.000  none_shown
    """
    pooled = np.full(len(k), k.sum() / n.sum())
    chi2, chi2_p = dispersion(k, n)
    p_value = exact(k, n, pooled)
    if expected is not None:
        same_side = np.sign(k / n - expected) == np.sign(k / n - pooled)
        p_value = np.where(same_side, np.maximum(p_value, exact(k, n, expected)), 1.0)
    adjusted = holm(p_value)
    differ = chi2_p <= SURE
    side = np.where(k / n > pooled, ABOVE, BELOW)
    found = estimates(k, n, prior(k, n)) if differ else np.full((3, len(k)), np.nan)
    chances = thirds(k, n, prior(k, n)) if differ else np.full((2, len(k)), np.nan)
    return pd.DataFrame(
        {
            "pooled": pooled,
            "dispersion": chi2,
            "dispersion_p": chi2_p,
            "p_value": p_value,
            "p_adjusted": adjusted,
            **dict(zip(("estimate", "estimate_low", "estimate_high"), found, strict=True)),
            **dict(zip(("p_top", "p_bottom"), chances, strict=True)),
            "verdict": np.where(differ & (adjusted <= SURE), side, NONE_SHOWN),
        }
    )


def dispersion(k: Array, n: Array) -> tuple[float, float]:
    """χ² of the rates against one rate for all, and its p-value; 0 and 1 where all are alike.

    Examples
    --------
    >>> [round(x, 3) for x in dispersion(np.array([10.0, 30.0]), np.array([50.0, 50.0]))]
    [16.667, 0.0]
    """
    from scipy.special import chdtrc

    pooled = k.sum() / n.sum()
    if pooled in (0, 1) or len(k) < 2:
        return 0.0, 1.0
    chi2 = float((n * (k / n - pooled) ** 2).sum() / (pooled * (1 - pooled)))
    return chi2, float(chdtrc(len(k) - 1, chi2))


def exact(k: Array, n: Array, rate: Array) -> Array:
    """Two-sided p-values of exact binomial tests of k of n against a rate, one each."""
    from scipy.stats import binomtest

    rows = zip(k.astype(int), n.astype(int), np.clip(rate, 0, 1), strict=True)
    return np.array([binomtest(*row).pvalue for row in rows], dtype=float)


def limits(rate: float, n: Array, level: float = 0.95) -> tuple[Array, Array]:
    """Between which rates chance alone leaves k of n in a share ``level`` of cases.

    Exact binomial limits, interpolated (Spiegelhalter 2005, Statistics in Medicine 24, 1185–1202,
    appendix A.1.1); numerically inverted, they need no normal approximation.

    Examples
    --------
    >>> low, high = limits(0.235, np.array([50.0, 180.0]))
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.112, 0.172], [0.348, 0.296])
    """
    return _limit(rate, n, (1 - level) / 2), _limit(rate, n, (1 + level) / 2)


def _limit(rate: float, n: Array, p: float) -> Array:
    from scipy.stats import binom

    whole = binom.ppf(p, n, rate)
    above = binom.cdf(whole, n, rate)
    part = (above - p) / (above - binom.cdf(whole - 1, n, rate))
    limit: Array = np.clip((whole - part) / n, 0, 1)
    return limit


def prior(k: Array, n: Array) -> tuple[float, float]:
    """The two parameters of the beta distribution from which the rates of all may come.

    By moments, from the dispersion beyond chance (DerSimonian and Laird 1986).

    Examples
    --------
    >>> a, b = prior(np.array([10.0, 30.0, 20.0]), np.array([50.0, 50.0, 50.0]))
    >>> round(a / (a + b), 3), round(a + b, 1)
    (0.4, 5.8)
    """
    pooled, total = k.sum() / n.sum(), n.sum()
    chi2, _ = dispersion(k, n)
    within = pooled * (1 - pooled)
    between = within * (chi2 - (len(k) - 1)) / (total - (n**2).sum() / total)
    weight = max(within / between - 1, LEAST_WEIGHT) if between > 0 else total
    return float(pooled * weight), float((1 - pooled) * weight)


def estimates(k: Array, n: Array, beta: tuple[float, float]) -> Array:
    """What the rates are with what the others teach, and ranges of 95 %; shape (3, people).

    Where a difference is shown the ranges hold the true rate in 92 to 95 % of cases: that the prior
    is itself estimated is not allowed for.

    Examples
    --------
    >>> estimates(np.array([3.0, 30.0]), np.array([4.0, 100.0]), (6, 14)).round(3).tolist()
    [[0.375, 0.3], [0.197, 0.222], [0.573, 0.385]]
    """
    from scipy.special import betaincinv

    a, b = beta[0] + k, beta[1] + n - k
    return np.array([a / (a + b), betaincinv(a, b, 0.025), betaincinv(a, b, 0.975)])


def thirds(k: Array, n: Array, beta: tuple[float, float], seed: int = SEED) -> Array:
    """Chances to be in the highest and in the lowest third of all, from seeded draws; (2, people).

    The Monte-Carlo error is at most 0.7 points.

    Examples
    --------
    >>> thirds(np.array([30.0, 50, 70]), np.array([100.0] * 3), (6, 14)).round(1).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    order = np.lexsort((n, k))  # whoever stands first, the same chances
    a, b = (beta[0] + k)[order], (beta[1] + n - k)[order]
    drawn = np.random.default_rng(seed).beta(a, b, size=(DRAWS, len(k)))
    place = np.empty_like(drawn)
    place[:, order] = drawn.argsort(axis=1).argsort(axis=1)
    third = max(len(k) // 3, 1)
    return np.array([(place >= len(k) - third).mean(axis=0), (place < third).mean(axis=0)])
