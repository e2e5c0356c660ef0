"""Draws that the sample's tables share: days with a season, shares, log-normal amounts, ids."""

import tomllib
from collections.abc import Sequence
from datetime import date
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from kpi_helpers.samples.parameters import Shares

Array = NDArray[Any]


def day(value: date) -> np.datetime64:
    """Return a date as numpy's day."""
    return np.datetime64(value, "D")


def whole_months(start: date, end: date, before: int = 0) -> Array:
    """Return every day of the months from `before` months ahead of `start` to that of `end`."""
    first = np.datetime64(start, "M") - before
    last = np.datetime64(end, "M") + 1
    return np.arange(first.astype("M8[D]"), last.astype("M8[D]"))


def intensity(days: Array, season: Sequence[float], weekdays: Sequence[float]) -> Array:
    """Spread each month's season over its days.

    Parameters
    ----------
    days : array of days
        Whole months, in order.
    season, weekdays : sequence of 12 and of 7 floats
        Weights from January and from Monday.

    Returns
    -------
    array of floats
        One a day; those of a month add up to its season.

    Examples
    --------
    >>> days = whole_months(date(2024, 2, 1), date(2024, 2, 29))
    >>> float(intensity(days, [1, 2] + [1] * 10, [1] * 5 + [0] * 2).sum().round(9))
    2.0
    """
    months = days.astype("M8[M]").astype(int)
    weekday = (days.astype(int) + 3) % 7
    weight = np.asarray(weekdays)[weekday]
    of_month = months - months[0]
    return weight / np.bincount(of_month, weight)[of_month] * np.asarray(season)[months % 12]


def picked(rng: Generator, shares: Shares, size: int) -> Array:
    """Draw names with their shares, and None for what these leave of all.

    Examples
    --------
    >>> set(picked(np.random.default_rng(1), (("a", 0.5), ("b", 0.5)), 50).tolist()) == {"a", "b"}
    True
    """
    names = np.array([*(name for name, _ in shares), None], dtype=object)
    upto = np.cumsum([share for _, share in shares]).round(9)
    return names[np.searchsorted(upto, rng.random(size) * max(1.0, upto[-1]), side="right")]


def amounts(rng: Generator, median: float, spread: float, size: int) -> Array:
    """Draw log-normal amounts, in euros and cents."""
    return np.round(median * np.exp(spread * rng.standard_normal(size)), 2)


def working_day(days: Array) -> Array:
    """Move Saturdays and Sundays to the Monday that follows.

    Examples
    --------
    >>> working_day(np.array(["2026-09-26", "2026-09-28"], "M8[D]"))
    array(['2026-09-28', '2026-09-28'], dtype='datetime64[D]')
    """
    return np.busday_offset(days, 0, roll="forward")


def campaigns(channels: Array, days: Array) -> Array:
    """Name the campaign of a channel on a day: one a quarter."""
    quarter = pd.PeriodIndex(days.astype("M8[D]"), freq="Q").astype(str)
    named: Array = (pd.Series(channels).astype(str) + " " + quarter).to_numpy(object)
    return named


def ids(prefix: str, numbered: Array) -> Array:
    """Number the rows that are true with `prefix`; the others get None.

    Examples
    --------
    >>> ids("D", np.array([True, False, True])).tolist()
    ['D00001', None, 'D00002']
    """
    width = max(5, len(str(numbered.sum())))
    numbers = np.cumsum(numbered)
    return np.array(
        [
            f"{prefix}{n:0{width}}" if own else None
            for n, own in zip(numbers, numbered, strict=True)
        ],
        dtype=object,
    )


def read_data(name: str) -> dict[str, Any]:
    """Read a file of data that stands beside the code."""
    return tomllib.loads(resources.files(__package__).joinpath(f"{name}.toml").read_text("utf-8"))
