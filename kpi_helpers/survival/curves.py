"""Survival curves from counts: Kaplan-Meier for one kind of end, Aalen-Johansen for two."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

quiet = np.errstate(divide="ignore", invalid="ignore")


class Curve(NamedTuple):
    """Kaplan-Meier estimate of the share not yet ended after each time.

    Attributes
    ----------
    time, at_risk, survival, variance : array
        ``variance`` is Greenwood's; missing where ``survival`` is 0.
    """

    time: Floats
    at_risk: Floats
    survival: Floats
    variance: Floats


class Incidence(NamedTuple):
    """Aalen-Johansen estimate of the shares won, lost and still open after each time.

    Attributes
    ----------
    time, at_risk, won, lost, open : array
        ``won + lost + open`` is 1 at every time.
    """

    time: Floats
    at_risk: Floats
    won: Floats
    lost: Floats
    open: Floats


@quiet
def kaplan_meier(time: ArrayLike, events: ArrayLike, censored: ArrayLike) -> Curve:
    """Estimate the survival curve of one kind of end.

    Parameters
    ----------
    time, events, censored : array_like
        Times; how many ended at each; how many were last seen open at each.

    References
    ----------
    Kaplan and Meier (1958), Journal of the American Statistical Association 53, 457-481.

    Examples
    --------
    >>> curve = kaplan_meier([10, 15, 20, 25, 30], [1, 1, 0, 1, 1], [0, 0, 1, 0, 0])
    >>> curve.survival.round(2).tolist()
    [0.8, 0.6, 0.6, 0.3, 0.0]
    """
    time, events, censored = floats(time, events, censored)
    at_risk = _at_risk(events + censored)
    survival = running_product(1 - over(events, at_risk))
    greenwood = np.where(events == 0, 0, events / (at_risk * (at_risk - events)))
    return Curve(time, at_risk, survival, survival**2 * running_sum(greenwood))


@quiet
def aalen_johansen(
    time: ArrayLike, won: ArrayLike, lost: ArrayLike, censored: ArrayLike
) -> Incidence:
    """Estimate the cumulative incidence of two kinds of end that exclude each other.

    Parameters
    ----------
    time, won, lost, censored : array_like
        Times; how many were won, lost and last seen open at each.

    References
    ----------
    Aalen and Johansen (1978), Scandinavian Journal of Statistics 5, 141-150.

    Examples
    --------
    >>> shares = aalen_johansen([10, 20, 30], [1, 1, 0], [1, 1, 0], [0, 0, 1])
    >>> shares.won.round(2).tolist(), shares.open.round(2).tolist()
    ([0.2, 0.4, 0.4], [0.6, 0.2, 0.2])
    """
    time, won, lost, censored = floats(time, won, lost, censored)
    at_risk = _at_risk(won + lost + censored)
    still_open = running_product(1 - over(won + lost, at_risk))
    before = just_before(still_open)
    won_share = running_sum(before * over(won, at_risk))
    lost_share = running_sum(before * over(lost, at_risk))
    return Incidence(time, at_risk, won_share, lost_share, still_open)


def floats(*values: ArrayLike) -> list[Floats]:
    """Return the values as float arrays."""
    return [np.asarray(value, dtype=np.float64) for value in values]


def running_sum(values: Floats) -> Floats:
    """Return the sums up to each time."""
    return values.cumsum(axis=-1)


def running_product(values: Floats) -> Floats:
    """Return the products up to each time."""
    return values.cumprod(axis=-1)


def over(part: Floats, whole: Floats) -> Floats:
    """Return the share, 0 where there is nobody to share among."""
    return np.where(whole == 0, 0, part / whole)


def just_before(share: Floats) -> Floats:
    """Return what a share that starts at 1 was just before each time."""
    return np.concatenate([np.ones_like(share[..., :1]), share[..., :-1]], axis=-1)


def _at_risk(ended: Floats) -> Floats:
    return running_sum(ended[..., ::-1])[..., ::-1]
