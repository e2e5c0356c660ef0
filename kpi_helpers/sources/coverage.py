"""From which to which day a table has rows."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from kpi_helpers.sources.checks.marks import is_placeholder
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.tables import TABLES

LONGEST_PAUSE = dt.timedelta(days=366)
LONGEST_SILENCE = dt.timedelta(days=5 * 366)
FEW = 5


@dataclass(frozen=True)
class Coverage:
    """From which to which day a date column has rows, and on how many days.

    ``earliest`` and ``latest`` are the first and the last day of all: the slips of the pen far from
    all others too, and to the last one the placeholders for an unknown day.
    """

    first: dt.date | None
    last: dt.date | None
    days: int
    latest: dt.date | None = None
    earliest: dt.date | None = None

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
    ends = _believed(con, rows, covers)
    if ends:
        found = _covers(con, rows, dates, live, ends)
        covers = {c: replace(found[c], earliest=covers[c].first) for c in dates}
    return {(name, column): cover for column, cover in covers.items()}


def _covers(
    con: Any,
    rows: ir.Table,
    dates: list[str],
    live: bool,
    ends: tuple[dt.date, dt.date] = (dt.date.min, dt.date.max),
) -> dict[str, Coverage]:
    totals: dict[str, ir.Value] = {}
    for column in dates:
        any_day = rows[column].cast("date")
        unknown = is_placeholder(any_day) | ~any_day.between(*ends)
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
    latest = dt.date.max if live else latest
    return Coverage(first, last, int(row[f"{column}__days"]), latest, first)


def _believed(
    con: Any, rows: ir.Table, covers: dict[str, Coverage]
) -> tuple[dt.date, dt.date] | None:
    """The first and the last day of a table without some that are far off, None without such.

    Days are far ahead where they follow over a year without any, and at most a fifth of all lie
    there: one closing in 2062 would else say that the data are of 2062. They are far behind where
    over five years without any follow them: one of 1905 would else begin a century of months.
    """
    known = {column: c for column, c in covers.items() if c.first and c.last}
    if not any(_has_pause(cover) for cover in known.values()):
        return None
    each = [rows.select(day=rows[column].cast("date")) for column in known]
    every = ibis.union(*each) if len(each) > 1 else each[0]
    every = every.filter(every.day.notnull() & ~is_placeholder(every.day))
    days = frame_of(con, every.group_by("day").agg(n=every.count()).order_by("day"))
    pause, rows_of = pd.to_datetime(days["day"]).diff(), days["n"]
    behind = FEW * rows_of.cumsum().shift() <= rows_of.sum()
    ahead = FEW * rows_of[::-1].cumsum() <= rows_of.sum()
    begins = days.index[(pause > LONGEST_SILENCE) & behind]
    ended = days.index[(pause > LONGEST_PAUSE) & ahead]
    if begins.empty and ended.empty:
        return None
    first = 0 if begins.empty else begins[-1]
    last = days.index[-1] if ended.empty else ended[0] - 1
    return _day(days["day"][first]), _day(days["day"][last])


def _has_pause(cover: Coverage) -> bool:
    """Whether the days without rows are so many that some may be far off."""
    return (
        cover.first is not None
        and cover.last is not None
        and (cover.last - cover.first).days - cover.days >= LONGEST_PAUSE.days
    )


def _date(value: Any) -> dt.date | None:
    return None if pd.isna(value) else _day(value)


def _day(value: Any) -> dt.date:
    return pd.Timestamp(value).date()
