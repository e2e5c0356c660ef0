"""The distribution of what amounts add up to that come or do not, with a shock that all share."""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kpi_helpers.survival.curves import Floats

LEVELS, WIDE, AT_ONCE = 1024, 8.0, 500
NORMAL = NormalDist()
LUCK = np.array([NORMAL.inv_cdf((place + 0.5) / 31) for place in range(31)])


class Total(NamedTuple):
    """A sum: its mean, standard error, and the probability to reach ``i × step``, for each i."""

    mean: float
    sd: float
    step: float
    reached: Floats


def total(amount: ArrayLike, chance: ArrayLike, come: float = 0.0, paid: ArrayLike = ()) -> Total:
    """Return the distribution of a sum of independent amounts.

    Parameters
    ----------
    amount, chance : array_like, shape (n,)
        Amounts above zero, and how likely each is to come.
    come, paid
        How many more are expected, as Poisson has it, and the amounts that such have had.

    Returns
    -------
    Total
        Exact where the amounts have a common measure that is no finer than a 1,000th of their sum,
        else to such a part (the product of their characteristic functions, turned back by a fast
        Fourier transform; Hong 2013, Computational Statistics and Data Analysis 59, 41-51).

    Examples
    --------
    Deals of 100, 150 and 80, with chances of 50, 40 and 70 %:

    >>> found = total([100, 150, 80], [0.5, 0.4, 0.7])
    >>> round(found.mean, 6), round(float(likely(found, 200)), 6)
    (166.0, 0.34)
    """
    amount, chance, paid = (np.asarray(each, dtype=float) for each in (amount, chance, paid))
    first, second = (float((paid**power).mean()) if come else 0.0 for power in (1, 2))
    opened, variance = float(amount @ chance), float(amount**2 @ (chance * (1 - chance)))
    mean, sd = opened + come * first, float(np.sqrt(variance + come * second))
    top = min(opened + WIDE * np.sqrt(variance), amount.sum())
    top += come * first + (WIDE * np.sqrt(come * second) + paid.max()) if come else 0.0
    sizes = np.rint(100 * np.concatenate([amount, paid if come else paid[:0]])).astype(np.int64)
    common = float(np.gcd.reduce(sizes)) / 100 if len(sizes) else 1.0
    step = common if top < LEVELS * common else top / (LEVELS - 1)
    wave = _wave(amount / step, chance)
    if come:
        own = np.bincount(np.rint(paid / step).astype(int), minlength=LEVELS) / len(paid)
        wave = wave * np.exp(come * (np.fft.rfft(own) - 1))
    mass = np.maximum(np.fft.irfft(wave, LEVELS), 0)
    reached = mass[::-1].cumsum()[::-1] / mass.sum()
    levels = float(reached[1:].sum())
    return Total(mean, sd, mean / levels if levels > 0 else step, reached)


def _wave(sizes: Floats, chance: Floats) -> Floats:
    """The Fourier transform of the distribution of a sum of amounts, in steps."""
    waves = np.arange(LEVELS // 2 + 1)[:, None]
    turns = np.exp(-2j * np.pi * np.arange(LEVELS) / LEVELS)
    found = np.ones(len(waves), dtype=complex)
    for some in np.array_split(np.arange(len(sizes)), len(sizes) // AT_ONCE + 1):
        phase = turns[waves * np.rint(sizes[some]).astype(int) % LEVELS]
        found *= (1 + chance[some] * (phase - 1)).prod(axis=1)
    return found


def shaken(sum_: Total, sd: float) -> Total:
    """The same where all that comes is more or less by one log-normal factor with a mean of 1."""
    if sd <= 0:
        return sum_
    factor = np.exp(sd * LUCK)
    factor /= factor.mean()
    places = np.ceil(np.arange(LEVELS) / factor[:, None] - 1e-9).astype(int)
    reached = np.append(sum_.reached, 0.0)[np.minimum(places, LEVELS)].mean(axis=0)
    return sum_._replace(
        sd=float(np.hypot(sum_.sd * np.sqrt(1 + sd**2), sum_.mean * sd)), reached=reached
    )


def likely(sum_: Total, needed: ArrayLike) -> Floats:
    """The probability that the sum is what is needed, or more."""
    place = np.ceil(np.maximum(needed, 0.0) / sum_.step - 1e-9)
    return np.append(sum_.reached, 0.0)[np.minimum(place, LEVELS).astype(int)]


def reached(sum_: Total, level: ArrayLike) -> Floats:
    """What the sum stays below, or at, with such a probability."""
    beyond = np.append(sum_.reached[1:], 0.0)
    places = (beyond[:, None] <= 1 - np.atleast_1d(level) + 1e-12).argmax(axis=0)
    return sum_.step * places.astype(float).reshape(np.shape(level))
