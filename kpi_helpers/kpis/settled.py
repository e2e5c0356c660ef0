"""Measured values as plain arrays, and what derived KPIs may do with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kpi_helpers import intervals

Array = np.ndarray[tuple[int], np.dtype[np.float64]]


# How an interval was made that a source outside gives.
RANGE = "source range"

Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]


class Remark(NamedTuple):
    """A note on the cells where ``where`` is true: a key of the texts and its values.

    A value is an array with a number for each cell, or the id of a KPI to be named.
    """

    key: str
    where: Flags
    values: dict[str, Array | str]


class Settled(NamedTuple):
    """One figure for each cell: value, its parts, n, interval; all arrays of one length.

    What is not known is NaN: the numerator of a total's share, the interval of an exact figure.
    ``method`` names how the interval was made, ``remarks`` says in keys of the texts what a
    reader must know of a cell (None where nothing), ``young`` marks cells too recent to be read,
    ``spread`` is the standard error of a total whose rows came by chance, ``ages`` are the counts
    behind a duration: ages in days, and by cell and age how many were won, lost, and there at all.
    ``pace`` is how a figure moves with the days worked: 1 as they do, 0 not, −1 the other way.
    ``doubtful`` marks cells to be read with care whatever their n. ``units`` says of each cell
    what its figure is in, where that is not the same for all. ``chances`` says how likely a
    sum of uncertain amounts is to reach each level: the levels' distance in each cell, then for
    each cell their probabilities.
    """

    value: Array
    numerator: Array
    denominator: Array
    n: Array
    low: Array
    high: Array
    method: str
    remarks: tuple[Remark, ...] = ()
    young: Flags | None = None
    spread: Array | None = None
    ages: tuple[Array, ...] | None = None
    pace: float = 0.0
    doubtful: Flags | None = None
    units: Sequence[str] | None = None
    chances: tuple[Array, ...] | None = None


def divided(a: Array, b: Array) -> Array:
    """``a / b``, missing where ``b`` is zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(b != 0, a / b, np.nan)


def bounds(figure: Settled) -> tuple[Array, Array]:
    """The interval of a figure, its own value where it is exact."""
    exact = np.isnan(figure.low)
    return np.where(exact, figure.value, figure.low), np.where(exact, figure.value, figure.high)


def quotient(a: Settled, b: Settled) -> Settled:
    """``a ÷ b``, with the intervals of both carried on (MOVER-R); n is that of ``b``."""
    value = divided(a.value, b.value)
    a_low, a_high = bounds(a)
    b_low, b_high = bounds(b)
    low, high = intervals.quotient(a.value, a_low, a_high, b.value, b_low, b_high)
    exact = np.isnan(a.low) & np.isnan(b.low)
    low, high = (np.where(exact, np.nan, bound) for bound in (low, high))
    method = "exact" if exact.all() else "propagated"
    return Settled(value, a.value, b.value, b.n, low, high, method, pace=a.pace - b.pace)


def product(a: Settled, b: Settled) -> Settled:
    """``a × b``, with the intervals of both carried on; n is that of ``a``."""
    value = a.value * b.value
    low, high = intervals.product(a.value, *bounds(a), b.value, *bounds(b))
    blank = np.full_like(value, np.nan)
    return Settled(value, value, blank, a.n, low, high, "propagated", pace=a.pace + b.pace)


def above_zero(figure: Settled) -> Settled:
    """The figure where it may be divided by; missing where it is not above zero."""
    return figure._replace(value=np.where(figure.value > 0, figure.value, np.nan))


def per(events: Settled, exposure: Settled) -> Settled:
    """Events for each unit of what they may happen to, which is a fact: their own interval."""
    blank = np.full_like(exposure.value, np.nan)
    return quotient(events, exposure._replace(low=blank, high=blank))


def growth(now: Settled, before: Settled) -> Settled:
    """``now ÷ before − 1``; missing where ``before`` is not above zero."""
    base = above_zero(before).value
    change = quotient(now, before._replace(value=base))
    spread = None
    if now.spread is not None and before.spread is not None:
        spread = np.hypot(divided(now.spread, base), change.value * divided(before.spread, base))
    low, high = change.low - 1, change.high - 1
    return change._replace(value=change.value - 1, low=low, high=high, n=now.n, spread=spread)


def remaining(target: Settled, done: Settled) -> Settled:
    """What is left of a target; missing once it is reached."""
    left = target.value - done.value
    blank = np.full_like(left, np.nan)
    return target._replace(
        value=np.where(left > 0, left, np.nan), low=blank, high=blank, method="exact"
    )


def chance_of(needed: Array, expected: Settled) -> Array:
    """The probability that each sum reaches what is needed; certain where that is nothing."""
    if expected.chances is None:
        return np.full_like(needed, np.nan)
    steps, *reached = expected.chances
    beyond = len(reached[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        place = np.ceil(np.where(needed > 0, needed / steps, 0.0) - 1e-9)
    places = np.clip(np.nan_to_num(place), 0, beyond).astype(int)
    found = [np.append(each, 0.0)[at] for each, at in zip(reached, places, strict=True)]
    return np.where(np.isnan(needed) | np.isnan(expected.value), np.nan, found)
