"""Intervals of estimates combined: a difference, a quotient, a product, a sum of chance many.

The first three recover the variances from the limits of each side (MOVER), so that lopsided limits
stay lopsided. A figure known exactly is its own limits.
"""

import numpy as np
from numpy.typing import ArrayLike

from kpi_helpers.intervals.estimates import Floats, Limits, floats, garwood, quiet, wilson


@quiet
def newcombe(
    k1: ArrayLike, n1: ArrayLike, k2: ArrayLike, n2: ArrayLike, level: float = 0.95
) -> Limits:
    """Difference of two independent shares, ``k1 / n1 - k2 / n2``: Newcombe's hybrid score.

    Parameters
    ----------
    k1, n1, k2, n2 : array_like
        Cases that count and all cases, of the first and of the second group.
    level : float
        Confidence, 0 to 1.

    Returns
    -------
    low, high : array
        Limits in [-1, 1] (times 100: points); missing where a group is empty.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17, 873-890, method 10.

    Examples
    --------
    >>> low, high = newcombe(20, 40, 12, 40)
    >>> round(float(low), 4), round(float(high), 4)
    (-0.0138, 0.3901)
    """
    k1, n1, k2, n2 = floats(k1, n1, k2, n2)
    first, second = k1 / n1, k2 / n2
    (low1, high1), (low2, high2) = wilson(k1, n1, level), wilson(k2, n2, level)
    change = first - second
    low = change - np.hypot(first - low1, high2 - second)
    return low, change + np.hypot(high1 - first, second - low2)


@quiet
def quotient(
    a: ArrayLike,
    a_low: ArrayLike,
    a_high: ArrayLike,
    b: ArrayLike,
    b_low: ArrayLike,
    b_high: ArrayLike,
) -> Limits:
    """Quotient ``a / b`` of two independent estimates: MOVER-R.

    Parameters
    ----------
    a, a_low, a_high : array_like
        The numerator and its limits, of either sign.
    b, b_low, b_high : array_like
        The denominator and its limits, not negative (a lower limit under 0 is taken as 0).

    Returns
    -------
    low, high : array
        Limits of the level of those given. Infinite on the side that a ``b_low`` of 0 leaves open;
        missing where ``b`` is 0.

    References
    ----------
    Donner and Zou (2012), Statistical Methods in Medical Research 21, 347-359; for numerators of
    either sign Newcombe (2016), the same journal 25, 1774-1778.

    Examples
    --------
    30,000 euros for 12 customers (6.20 to 20.96):

    >>> from kpi_helpers.intervals import garwood
    >>> low, high = quotient(30_000, 30_000, 30_000, 12, *garwood(12))
    >>> round(float(low)), round(float(high))
    (1431, 4838)
    """
    a, a_low, a_high, b, b_low, b_high = floats(a, a_low, a_high, b, b_low, b_high)
    b, b_low = np.where(b > 0, b, np.nan), np.maximum(b_low, 0)
    low = _quotient_low(a, a_low, b, b_low, b_high)
    return low, -_quotient_low(-a, -a_high, b, b_low, b_high)


def _quotient_low(a: Floats, a_low: Floats, b: Floats, b_low: Floats, b_high: Floats) -> Floats:
    """Return the lower r of ``(a - r b)**2 = (a - a_low)**2 + (r spread)**2``.

    What makes a positive r small is a large b; what makes a negative one small is a small b.
    """
    down, spread = a - a_low, np.where(a_low > 0, b_high - b, b - b_low)
    rest = b**2 - spread**2
    root = np.sqrt(np.maximum((a * spread) ** 2 + down**2 * rest, 0))
    # Two forms of the same root, each without cancellation on its side.
    positive = a_low * (2 * a - a_low) / (a * b + root)
    negative = (a * b - root) / rest
    return np.where(a_low > 0, positive, np.where(a_low < 0, negative, a_low / b))


@quiet
def product(
    a: ArrayLike,
    a_low: ArrayLike,
    a_high: ArrayLike,
    b: ArrayLike,
    b_low: ArrayLike,
    b_high: ArrayLike,
) -> Limits:
    """Product ``a * b`` of two independent estimates: MOVER on the logarithms.

    Parameters
    ----------
    a, a_low, a_high, b, b_low, b_high : array_like
        The factors and their limits, not negative (a lower limit under 0 is taken as 0).

    Returns
    -------
    low, high : array
        Limits of the level of those given. A product of 0 has no logarithm: its limits are 0 and
        ``a_high * b_high``, on the safe side. Missing where a factor is negative.

    References
    ----------
    Zou and Donner (2008), Statistics in Medicine 27, 1693-1702.

    Examples
    --------
    A win rate of 30 % (18 to 45) on 100 open deals:

    >>> low, high = product(0.30, 0.18, 0.45, 100, 100, 100)
    >>> round(float(low), 6), round(float(high), 6)
    (18.0, 45.0)
    """
    a, a_low, a_high, b, b_low, b_high = floats(a, a_low, a_high, b, b_low, b_high)
    value = np.where((a >= 0) & (b >= 0), a * b, np.nan)
    down = np.hypot(np.log(np.maximum(a_low, 0) / a), np.log(np.maximum(b_low, 0) / b))
    up = np.hypot(np.log(a_high / a), np.log(b_high / b))
    low = np.where(value == 0, 0, value * np.exp(-down))
    return low, np.where(value == 0, a_high * b_high, value * np.exp(up))


@quiet
def compound(x: ArrayLike, xx: ArrayLike, level: float = 0.95) -> Limits:
    """Sum of amounts of which both number and size came by chance: gamma interval.

    Parameters
    ----------
    x, xx : array_like
        Sum of the amounts, and of their squares.
    level : float
        Confidence, 0 to 1.

    Returns
    -------
    low, high : array
        Limits in the unit of the amounts, those of Garwood where all amounts are alike; missing
        where the sum is not above 0.

    References
    ----------
    Fay and Feuer (1997), Statistics in Medicine 16, 791-801, with the weight of the amount added
    taken as their mean weighted by size.

    Examples
    --------
    >>> low, high = compound(1200.0, 120_000.0)
    >>> round(float(low), 1), round(float(high), 1)
    (620.1, 2096.2)
    """
    x, xx = floats(x, xx)
    size = np.where(x > 0, xx / x, np.nan)
    low, high = garwood(x / size, level=level)
    return low * size, high * size
