"""From which to which day a table has rows."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from kpi_helpers.sources.checks.marks import is_placeholder
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.tables import TABLES

LONGEST_PAUSE = dt.timedelta(days=366)
FEW = 5


@dataclass(frozen=True)
class Coverage:
    """From which to which day a date column has rows, and on how many days.

    ``latest`` is the last day of all, the placeholders for an unknown one and the slips of the
    pen far ahead of all others too.
    """

    first: dt.date | None
    last: dt.date | None
    days: int
    latest: dt.date | None = None

    @property
    def tolerance(self) -> dt.timedelta:
        """How long a stretch without rows may be before the data are said not to cover it.

        Five times the mean gap between days with rows, which a steady flow exceeds by chance in
        under one case in a hundred, but a month at most, and a week-end.
        """
        if self.first is None or self.last is None:
            return dt.timedelta(0)
        gap = (self.last - self.first) / max(self.days - 1, 1)
        return min(5 * gap, dt.timedelta(days=31)) + dt.timedelta(days=3)


def coverage(
    con: Any, rows: ir.Table, name: str, live: bool = False
) -> dict[tuple[str, str], Coverage]:
    """The coverage of each date column of a table that looks back, in one query.

    Parameters
    ----------
    con
        Ibis connection.
    rows
        The canonical table.
    name
        Its name in `TABLES`.
    live
        Whether later rows may come in while it is open, as into a database.
    """
    dates = [c.name for c in TABLES[name] if c.type in ("date", "time") and not c.plan]
    if not dates:
        return {}
    covers = _covers(con, rows, dates, live)
    last = _last_believed(con, rows, covers)
    covers = _covers(con, rows, dates, live, last) if last else covers
    return {(name, column): cover for column, cover in covers.items()}


def _covers(
    con: Any, rows: ir.Table, dates: list[str], live: bool, until: dt.date = dt.date.max
) -> dict[str, Coverage]:
    totals: dict[str, ir.Value] = {}
    for column in dates:
        any_day = rows[column].cast("date")
        unknown = is_placeholder(any_day) | (any_day > until)
        day = ibis.ifelse(unknown, ibis.null("date"), any_day)
        totals |= {
            f"{column}__first": day.min(),
            f"{column}__last": day.max(),
            f"{column}__days": day.nunique(),
            f"{column}__latest": ibis.ifelse(any_day > dt.date.max, dt.date.max, any_day).max(),
        }
    row = frame_of(con, rows.aggregate(**totals)).iloc[0]
    return {column: _read(row, column, live) for column in dates}


def _read(row: Any, column: str, live: bool) -> Coverage:
    first, last, latest = (_date(row[f"{column}__{end}"]) for end in ("first", "last", "latest"))
    return Coverage(first, last, int(row[f"{column}__days"]), dt.date.max if live else latest)


def _last_believed(con: Any, rows: ir.Table, covers: dict[str, Coverage]) -> dt.date | None:
    """The last day of a table before some that are far ahead, None where there are none such.

    Days are that where they follow over a year without any, and at most a fifth of all lie there:
    one closing in 2062 would else say that the data are of 2062.
    """
    known = {column: c for column, c in covers.items() if c.first and c.last}
    newest = max(known.values(), key=lambda c: c.last or dt.date.min, default=None)
    if newest is None or newest.first is None or newest.last is None:
        return None
    if (newest.last - newest.first).days - newest.days < LONGEST_PAUSE.days:
        return None
    each = [rows.select(day=rows[column].cast("date")) for column in known]
    every = ibis.union(*each) if len(each) > 1 else each[0]
    every = every.filter(every.day.notnull() & ~is_placeholder(every.day))
    days = frame_of(con, every.group_by("day").agg(n=every.count()).order_by("day"))
    paused = pd.to_datetime(days["day"]).diff() > LONGEST_PAUSE
    few = FEW * days["n"][::-1].cumsum() <= days["n"].sum()
    ahead = days.index[paused & few]
    return None if ahead.empty else _date(days["day"][ahead[0] - 1])


def _date(value: Any) -> dt.date | None:
    return None if pd.isna(value) else pd.Timestamp(value).date()
