"""Whether two sides take the same time."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from kpi_helpers.survival.curves import Floats, aalen_johansen, floats, quiet
from kpi_helpers.survival.medians import conditional_median, excess, until


@quiet
def median_test(
    time: ArrayLike, one: Sequence[ArrayLike], other: Sequence[ArrayLike], horizon: ArrayLike
) -> Floats:
    """Return the p-value of "the median time to win within the horizon is the same".

    Mood's test on wins that compete with losses: of the wins that each side has within the horizon,
    the share that has come by the median of both together. Medians in whole days are too coarse to
    be tested by their difference.

    Parameters
    ----------
    time : array_like
        As for ``aalen_johansen``, the same for both sides.
    one, other : sequence of array_like
        How many were won, lost and last seen open at each time, on either side.
    horizon : array_like
        As for ``conditional_median``.

    Returns
    -------
    p_value : array
        Missing under two wins within the horizon on either side.

    References
    ----------
    Mood (1950), Introduction to the Theory of Statistics, chapter 16; the standard errors are those
    of ``conditional_median_interval``, with Student's quantile for the side with fewer wins.

    Examples
    --------
    >>> days = np.arange(1, 31)
    >>> slow, quick = [days > 10, days < 1, days < 1], [days <= 20, days < 1, days < 1]
    >>> float(median_test(days, slow, slow, 30)), bool(median_test(days, slow, quick, 30) < 0.01)
    (1.0, True)
    """
    from scipy.special import stdtr

    (days, end), (first, second) = floats(time, horizon), (floats(*one), floats(*other))
    pooled = [a + b for a, b in zip(first, second, strict=True)]
    middle, _ = conditional_median(days, pooled[0], pooled[1], pooled[2], end)
    come = aalen_johansen(days, *pooled).won
    part = until(days, come, middle) / until(days, come, end)
    (beyond, variance, wins), (beyond2, variance2, wins2) = (
        _share(days, counts, middle, end, part) for counts in (first, second)
    )
    change, fewest = beyond - beyond2, np.minimum(wins, wins2)
    z = np.where(change == 0, 0, change / np.sqrt(variance + variance2))
    return np.where(fewest >= 2, 2 * stdtr(np.maximum(fewest - 1, 1), -np.abs(z)), np.nan)


def _share(
    time: Floats, counts: list[Floats], middle: Floats, horizon: Floats, part: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return by how much a side's share of wins by ``middle`` exceeds ``part``, variance, wins."""
    won, lost, _ = counts
    shares = aalen_johansen(time, *counts)
    moved, variance = excess(shares, won, won + lost, horizon, part)
    now, all_won = time == middle[..., None], until(time, shares.won, horizon)
    wins = np.where(time <= horizon[..., None], won, 0).sum(axis=-1)
    return (
        np.where(now, moved, 0).sum(axis=-1) / all_won,
        np.where(now, variance, 0).sum(axis=-1) / all_won**2,
        wins,
    )
