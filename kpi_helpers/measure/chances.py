"""What amounts add up to that come or do not, each by its own chance: their exact distribution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kpi_helpers.catalogue import Kpi
from kpi_helpers.kpis.settled import Array, Remark, Settled
from kpi_helpers.measure.cells import Spread

# Sums are told apart to one part in so many of the largest that there can be.
FINEST = 4000
LIMITS = (0.025, 0.975)
_ERFC = np.vectorize(math.erfc, otypes=[float])
# Of more deals, of which as many at least weigh alike, the sum is as good as normal.
MANY, ALIKE = 1000, 100


def settle_chances(spread: Spread, kpi: Kpi) -> Settled:
    """The sum expected, within limits, and how likely each sum is to be reached.

    Missing where half of the rows or more carry no amount, or no chance is known of any.
    """
    amount, chance, count = (
        spread.found[f"{kpi.id}__{name}"].astype(float) for name in ("amount", "chance", "n")
    )
    known = (amount > 0) & ~np.isnan(chance)
    expected = spread.total(np.where(known, amount * chance, 0.0) * count)
    pipeline = spread.total(np.where(known, amount, 0.0) * count)
    n, unknown = spread.total(count), spread.total(count * ~known)
    unpriced = spread.total(count * ~(amount > 0))
    owns = [known & (spread.cell == cell) for cell in range(spread.size)]
    sums = [at_least(amount[own], chance[own], count[own]) for own in owns]
    steps = np.array([step for step, _ in sums])
    reached = np.array([each for _, each in sums]).reshape(-1, FINEST + 1)
    low, high = (steps * _quantile(reached, level) for level in LIMITS)
    blind = (n > 0) & ((2 * unpriced >= n) | (unknown == n))
    value = np.where(blind, np.nan, expected)
    low, high = (np.where(np.isnan(value) | (n == 0), np.nan, limit) for limit in (low, high))
    old = unknown - unpriced
    remarks = (
        Remark("notes.unknown_amounts", unpriced > 0, {"unknown": unpriced, "n": n}),
        Remark("notes.no_chance", old > 0, {"unknown": old, "n": n}),
    )
    settled = Settled(value, expected, pipeline, n, low, high, "convolution", remarks)
    return settled._replace(chances=(steps, *reached))


def at_least(amount: Array, chance: Array, count: Array) -> tuple[float, Array]:
    """The probability that independent amounts add up to each level at least.

    Parameters
    ----------
    amount, chance, count : array, shape (m,)
        Amounts above zero, the probability of each, and how many deals have both.

    Returns
    -------
    step : float
        Distance of the levels, on which the amounts lie exactly where they have a common measure,
        and to one part in 4,000 of their sum otherwise.
    reached : array, shape (4001,)
        ``reached[i]`` is the probability of ``i × step`` or more.

    Examples
    --------
    Deals of 100, 150 and 80, with chances of 50, 40 and 70 %:

    >>> step, reached = at_least(np.array([100., 150., 80.]), np.array([.5, .4, .7]), np.ones(3))
    >>> step, round(float(reached[20]), 6)
    (10.0, 0.34)
    """
    common, total = _measure(amount), float((amount * count).sum())
    step = common if total <= FINEST * common else total / FINEST
    variance = chance * (1 - chance) * amount**2
    if count.sum() > MANY and (variance @ count) ** 2 >= ALIKE * (variance**2 @ count):
        levels = step * np.arange(FINEST + 1) - common / 2
        return step, _nearly_normal(amount, chance, count, levels)
    exact = np.zeros(FINEST + 1)
    exact[0] = 1.0
    levels, between = np.divmod(np.round(amount / step, 9), 1)
    for level, part, p, times in zip(levels.astype(int), between, chance, count, strict=True):
        for _ in range(int(times)):  # between two levels it lies on each of them in part
            moved = (1 - part) * _moved(exact, level) + part * _moved(exact, level + 1)
            exact = (1 - p) * exact + p * moved
    return step, np.minimum(exact[::-1].cumsum()[::-1], 1.0)


def _nearly_normal(amount: Array, chance: Array, count: Array, levels: Any) -> Array:
    """The same of many deals, of whose distribution the skewness is all that is left.

    The refined normal approximation: Volkova (1996), Theory of Probability 40, 791-794.
    """
    variance = chance * (1 - chance) * amount**2
    spread = np.sqrt(variance @ count)
    skewness = (variance * (1 - 2 * chance) * amount) @ count / spread**3
    z = (levels - (amount * chance) @ count) / spread
    bend = skewness * (1 - z * z) * np.exp(-z * z / 2) / np.sqrt(2 * np.pi) / 6
    reached = np.clip(0.5 * _ERFC(z / np.sqrt(2)) - bend, 0.0, 1.0)
    return np.minimum.accumulate(reached)


def _moved(exact: Array, levels: int) -> Array:
    """The probabilities some levels further up; what passes the last level stays on it."""
    kept = max(FINEST - levels, 0)
    moved = np.concatenate([np.zeros(FINEST - kept), exact[:kept], [0.0]])
    moved[-1] = exact[kept:].sum()
    return moved


def _measure(amount: Array) -> float:
    """The common measure of the amounts, in hundredths."""
    hundredths = np.rint(amount * 100).astype(np.int64)
    return float(np.gcd.reduce(hundredths)) / 100 if len(amount) else 1.0


def _quantile(reached: Any, level: float) -> Array:
    """The first level that is exceeded with a probability of ``1 − level`` at most."""
    beyond = np.concatenate([reached[:, 1:], np.zeros((len(reached), 1))], axis=1)
    place: Array = (beyond <= 1 - level + 1e-12).argmax(axis=1).astype(float)
    return place
