"""What part of a target is expected by today: as in past years, else by the days worked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, NamedTuple

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.engine import frame_of

PAST_YEARS = 3
DAY = dt.timedelta(days=1)
Daily = Callable[[str], pd.Series]


class Share(NamedTuple):
    """Part of a target that is expected, with its range, and whether it is by days alone."""

    least: float
    usual: float
    most: float
    linear: bool


def with_pace(data: Dataset, targets: ir.Table, daily: Daily) -> ir.Table:
    """Targets with the part of them ``expected`` by the last day known, and its range.

    Parameters
    ----------
    data
        The data set.
    targets
        Its targets; one that has ended is expected whole, one still to begin not at all.
    daily
        Metric → the company's amounts by day, as far as they are known.

    Returns
    -------
    ibis.Table
        Besides ``expected``: ``expected_least``, ``expected_most`` and ``is_linear``.
    """
    last = ibis.literal(data.as_of)
    spans = targets.filter(targets.period_start <= last, targets.period_end > last)
    spans = spans.select("metric", "period_start", "period_end").distinct()
    running = [
        (_same(targets, row), share(data, daily(str(row.metric)), row.period_start, row.period_end))
        for row in frame_of(data.con, spans).itertuples(index=False)
    ]
    ended = (targets.period_end <= last, 1.0)
    shares = {
        name: ibis.cases(ended, *((test, getattr(s, part)) for test, s in running), else_=0.0)
        for name, part in _COLUMNS.items()
    }
    linear = [test for test, part in running if part.linear]
    return targets.mutate(**shares, is_linear=ibis.or_(ibis.literal(False), *linear))


_COLUMNS = {"expected": "usual", "expected_least": "least", "expected_most": "most"}


def _same(targets: ir.Table, row: Any) -> ir.BooleanValue:
    start, end = row.period_start.date(), row.period_end.date()
    same = (targets.period_start == ibis.literal(start)) & (targets.period_end == ibis.literal(end))
    return same & (targets.metric == row.metric)


def share(data: Dataset, amounts: pd.Series, first: Any, last: Any) -> Share:
    """The share of past years at as much of their working days, of this one's else.

    Parameters
    ----------
    data
        The data set.
    amounts
        What came in, by day.
    first, last
        The days of a period that is running, both included.
    """
    worked = _worked(data, first, pd.Timestamp(data.as_of + DAY))
    part = worked / max(_worked(data, first, last + DAY), 1)
    years = [pd.DateOffset(years=years) for years in range(1, PAST_YEARS + 1)]
    past = [_of_year(data, amounts, first - ago, last - ago, part) for ago in years]
    known = [each for each in past if each is not None]
    if not known or worked == 0:
        return Share(part, part, part, True)
    return Share(min(known), float(np.median(known)), max(known), False)


def _of_year(
    data: Dataset, amounts: pd.Series, start: pd.Timestamp, end: pd.Timestamp, part: float
) -> float | None:
    """What had come of a past year's total once this part of its days was worked."""
    if amounts.empty or amounts.index[0] > start + pd.Timedelta(31, "D"):
        return None
    days = pd.date_range(start, end, freq="D")
    counts = [_worked(data, start, day + DAY) for day in days]
    reached = days[int(np.searchsorted(counts, part * counts[-1] - 1e-9))]
    whole = float(amounts[start:end].sum())
    return float(amounts[start:reached].sum()) / whole if whole > 0 else None


def _worked(data: Dataset, start: pd.Timestamp, end: pd.Timestamp) -> int:
    return data.config.calendar.working_days(start.date(), end.date())
