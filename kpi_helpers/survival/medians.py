"""What is read off the curves: medians with their limits, and the restricted mean."""

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kpi_helpers.survival.curves import (
    Curve,
    Floats,
    Incidence,
    aalen_johansen,
    floats,
    just_before,
    over,
    quiet,
    running_sum,
)

ROUNDING = 1e-12  # 3/4 * 2/3 must count as one half


def median(curve: Curve) -> Floats:
    """Return the smallest time with survival of one half or less; missing if not reached.

    Examples
    --------
    >>> from kpi_helpers.survival import kaplan_meier
    >>> float(median(kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1], [0, 0, 0, 0])))
    2.0
    """
    return quantile(curve, 0.5)


def quantile(curve: Curve, share: float) -> Floats:
    """Return the smallest time by which a share has ended; missing if not reached.

    Examples
    --------
    >>> from kpi_helpers.survival import kaplan_meier
    >>> float(quantile(kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1], [0, 0, 0, 0]), 0.75))
    3.0
    """
    return _finite(_first(curve.time, curve.survival <= 1 - share + ROUNDING))


@quiet
def median_interval(curve: Curve, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return the times at which a survival of one half is not rejected, on the log-log scale.

    Returns
    -------
    low, high : array
        ``high`` is infinite where the data set no upper limit; both are missing where the curve
        ends too high to set a lower one.

    References
    ----------
    Brookmeyer and Crowley (1982), Biometrics 38, 29-41; see ``_limits`` for whole days.

    Examples
    --------
    >>> from kpi_helpers.survival import kaplan_meier
    >>> days = np.arange(1, 31)
    >>> low, high = median_interval(kaplan_meier(days, days > 0, days < 0))
    >>> float(low), float(high)
    (10.0, 20.0)
    """
    survival, log = curve.survival, np.log(curve.survival)
    error = np.sqrt(curve.variance) / np.abs(survival * log)
    z = (np.log(-log) - np.log(np.log(2))) / error
    # A curve that has ended at 0 has no variance: it rejects nothing.
    return _limits(curve.time, np.where(survival <= ROUNDING, 0, z), level)


@quiet
def restricted_mean(curve: Curve, horizon: ArrayLike) -> Floats:
    """Return the mean time until the end or the horizon, whichever comes first.

    Missing where nobody was followed up to the horizon.

    Examples
    --------
    >>> from kpi_helpers.survival import kaplan_meier
    >>> curve = kaplan_meier([10, 20, 30], [1, 0, 0], [0, 1, 2])
    >>> round(float(restricted_mean(curve, 30)), 6)
    25.0
    """
    (horizon,) = floats(horizon)
    ends = np.minimum(curve.time, horizon[..., None])
    edges = np.concatenate([np.zeros_like(ends[..., :1]), ends, horizon[..., None]], axis=-1)
    heights = np.concatenate([np.ones_like(curve.survival[..., :1]), curve.survival], axis=-1)
    mean = (np.diff(edges) * heights).sum(axis=-1)
    return np.where(_followed(curve.time, curve.at_risk, curve.survival, horizon), mean, np.nan)


def conditional_median(
    time: ArrayLike,
    won: ArrayLike,
    lost: ArrayLike,
    censored: ArrayLike,
    horizon: ArrayLike | None = None,
    min_at_risk: int = 5,
) -> tuple[Floats, Floats]:
    """Return the median time to win among deals won within a horizon, and that horizon.

    Parameters
    ----------
    time, won, lost, censored : array_like
        As for ``aalen_johansen``.
    horizon : array_like, optional
        One for all groups or one a group; by default the last time with ``min_at_risk`` deals at
        risk. Medians may be compared at the same horizon only.
    min_at_risk : int
        How many deals a horizon must rest on.

    Returns
    -------
    value, horizon : array
        ``value`` is missing without a win within the horizon, or where no deal was followed so far.

    Examples
    --------
    >>> value, horizon = conditional_median([10, 20, 30], [2, 1, 1], [1, 0, 0], [0, 0, 5])
    >>> float(value), float(horizon)
    (10.0, 30.0)
    """
    shares = aalen_johansen(time, won, lost, censored)
    if horizon is None:
        reached = np.where(shares.at_risk >= min_at_risk, shares.time, -np.inf)
        horizon = _finite(reached.max(axis=-1, initial=-np.inf))
    (horizon,) = floats(horizon)
    half = until(shares.time, shares.won, horizon)[..., None] / 2
    value = _finite(_first(shares.time, (shares.won >= half - ROUNDING) & (half > 0)))
    seen = _followed(shares.time, shares.at_risk, shares.open, horizon)
    return np.where(seen, value, np.nan), np.broadcast_to(horizon, seen.shape)


@quiet
def won_by(
    time: ArrayLike, won: ArrayLike, lost: ArrayLike, censored: ArrayLike, day: ArrayLike
) -> tuple[Floats, Floats]:
    """Return the share won by a day, or by several, and its variance (see ``excess``).

    Examples
    --------
    >>> share, variance = won_by([10, 20, 30], [1, 1, 0], [1, 1, 0], [0, 0, 1], 25)
    >>> round(float(share), 6), round(float(variance), 6)
    (0.4, 0.048)
    """
    time, won, lost, censored, day = floats(time, won, lost, censored, day)
    shares = aalen_johansen(time, won, lost, censored)
    last = np.searchsorted(time, day, side="right")[..., None] - 1 == np.arange(len(time))
    both = excess(shares, won, won + lost, day, np.asarray(0.0))
    share, variance = (np.where(last, each, 0).sum(axis=-1) for each in both)
    return share, variance


@quiet
def conditional_median_interval(
    time: ArrayLike,
    won: ArrayLike,
    lost: ArrayLike,
    censored: ArrayLike,
    horizon: ArrayLike,
    level: float = 0.95,
) -> tuple[Floats, Floats]:
    """Return the times t at which "half of the wins within the horizon come by t" is not rejected.

    The test divides ``won(t) - won(horizon) / 2`` by its standard error; with all deals won and
    none open it is the sign test.

    Parameters
    ----------
    time, won, lost, censored, horizon : array_like
        As for ``conditional_median``, with the horizon that it returned.
    level : float
        Confidence, 0 to 1.

    Returns
    -------
    low, high : array
        Never beyond the horizon; missing where the median is.

    References
    ----------
    Beyersmann and Schumacher (2008), Biometrika 95, 1006-1008, for quantiles of an incidence by
    inverted tests; see ``_limits`` for whole days.

    Examples
    --------
    >>> days = np.arange(1, 31)
    >>> low, high = conditional_median_interval(days, days % 3 > 0, days % 3 == 0, days < 0, 30)
    >>> float(low), float(high)
    (10.0, 20.0)
    """
    time, won, lost, censored = floats(time, won, lost, censored)
    value, horizon = conditional_median(time, won, lost, censored, horizon)
    z = _half_of_wins(aalen_johansen(time, won, lost, censored), won, won + lost, horizon)
    low, high = _limits(time, np.where(time >= horizon[..., None], np.inf, z), level)
    return (
        np.where(np.isnan(value), np.nan, low),
        np.where(np.isnan(value), np.nan, np.minimum(high, horizon)),
    )


def _half_of_wins(shares: Incidence, won: Floats, ended: Floats, horizon: Floats) -> Floats:
    """Return ``won(t) - won(horizon) / 2`` over its standard error."""
    moved, variance = excess(shares, won, ended, horizon, np.asarray(0.5))
    return moved / np.sqrt(variance)


def excess(
    shares: Incidence, won: Floats, ended: Floats, horizon: Floats, part: Floats
) -> tuple[Floats, Floats]:
    """Return ``won(t) - part * won(horizon)`` at each time, and its variance (delta method).

    The hazards of each time are independent multinomials. One more win at time j moves won(t) by
    x - won(t) y and one more loss likewise, with x and y free of t, so that three running sums
    give every variance and covariance.
    """
    n, now = shares.at_risk, shares.won
    win, end = over(won, n), over(ended, n)
    before = just_before(shares.open)
    y = np.where(end < 1, 1 / (1 - end), 0)  # after the last end nothing moves any more
    loss_x = now * y
    win_x = before + loss_x
    mean_x = win_x * win + loss_x * (end - win)
    spread = win_x**2 * win + loss_x**2 * (end - win) - mean_x**2
    xx, xy, yy = (
        running_sum(over(term, n))
        for term in (spread, mean_x * y * (1 - end), y**2 * end * (1 - end))
    )
    last, xx_last, xy_last, yy_last = (
        until(shares.time, term, horizon)[..., None] for term in (now, xx, xy, yy)
    )
    variance = xx - 2 * now * xy + now**2 * yy
    covariance = xx - (now + last) * xy + now * last * yy
    variance_last = xx_last - 2 * last * xy_last + last**2 * yy_last
    part = part[..., None]
    total = variance - 2 * part * covariance + part**2 * variance_last
    return now - part * last, np.maximum(total, 0)


def _limits(time: Floats, z: Floats, level: float) -> tuple[Floats, Floats]:
    """Return the first time that is not rejected and the first that is rejected as too late.

    A median in whole days is known up to its day only, and the usual quantile then covers it too
    often: 97.5 % with 1,000 cases of 20 days. Imbens and Manski (2004, Econometrica 72, 1845-1857)
    give the quantile for a value known up to a cell: here a day, in standard errors.
    """
    usual = NormalDist().inv_cdf((1 + level) / 2)
    low, high = _first(time, z >= -usual), _first(time, z > usual)
    day = np.diff(time).min(initial=1.0)
    cell = 2 * usual * day / np.maximum(high - low - day, day / 2)
    reach = _cell_quantile(level, cell)[..., None]
    low, high = _finite(_first(time, z >= -reach)), _first(time, z > reach)
    return low, np.where(np.isnan(low), np.nan, high)


def _cell_quantile(level: float, cell: Floats) -> Floats:
    """Solve ``Phi(c + cell) - Phi(-c) = level`` by Newton's method."""
    from scipy.special import ndtr

    c = np.full_like(cell, NormalDist().inv_cdf((1 + level) / 2))
    for _ in range(6):
        slope = (np.exp(-((c + cell) ** 2) / 2) + np.exp(-(c**2) / 2)) / np.sqrt(2 * np.pi)
        c = c - (ndtr(c + cell) - ndtr(-c) - level) / slope
    return c


def _first(time: Floats, holds: NDArray[np.bool_]) -> Floats:
    return np.where(holds, time, np.inf).min(axis=-1, initial=np.inf)


def _finite(value: Floats) -> Floats:
    return np.where(np.isinf(value), np.nan, value)


def until(time: Floats, rising: Floats, horizon: Floats) -> Floats:
    """Return the value of a step function that never falls, at the horizon."""
    return np.where(time <= horizon[..., None], rising, 0).max(axis=-1, initial=0)


def _followed(time: Floats, at_risk: Floats, left: Floats, horizon: Floats) -> NDArray[np.bool_]:
    """Return whether somebody was still followed at the horizon, or all had ended before."""
    last = np.where(at_risk > 0, time, -np.inf).max(axis=-1, initial=-np.inf)
    return (horizon <= last) | (left.min(axis=-1, initial=1) <= ROUNDING)
