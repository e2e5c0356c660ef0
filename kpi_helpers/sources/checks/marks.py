"""A mark: one reason for which rows are left out or pointed at, as a test on the mapped table.

A mark either leaves the row out (`EXCLUDED`: it cannot be placed or counted) or only points at it
(`FLAGGED`: used, with its oddity said). Nothing is repaired.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from kpi_helpers.sources.files.headers import LINE
from kpi_helpers.sources.schema import Table

EXCLUDED, FLAGGED = "excluded", "flagged"
BLOCK, WARN, INFO = "block", "warn", "info"

COPY = "_kpi_copy"
PLACEHOLDERS = (dt.date(1970, 1, 1), dt.date(2099, 1, 1), dt.date(2099, 12, 31))
PLAUSIBLE = (dt.date(1900, 1, 2), dt.date(2199, 12, 31))

Test = Callable[[ir.Table], ir.BooleanValue]


@dataclass(frozen=True)
class Mark:
    """One reason for which rows are left out or pointed at.

    ``test`` is true on these rows; ``needs`` are the columns that it reads besides ``column``;
    ``kpis`` are those that it weakens; ``hint`` is what was perhaps meant, or is allowed.
    """

    reason: str
    column: str
    test: Test
    action: str = FLAGGED
    severity: str = WARN
    kpis: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    hint: str = ""


def copy_number(
    rows: ir.Table, keys: tuple[str, ...], table: Table, useless: ir.BooleanValue | None = None
) -> ir.IntegerValue:
    """Which row of its key a row is, from 0: the earliest first (a database has no lines).

    Rows that cannot be used anyway, and those without any part of the key, are no copies.
    """
    order = [rows[name] for name in (table.dated, table.money, LINE) if name in rows.columns]
    apart = [] if useless is None else [useless]
    groups = [*(_compared(rows[key]) for key in keys), *apart]
    number = ibis.row_number().over(ibis.window(group_by=groups, order_by=order or None))
    counts = ibis.or_(*(rows[key].notnull() for key in keys))
    return ibis.ifelse(counts & ~useless if useless is not None else counts, number, 0)


def _compared(key: ir.Value) -> ir.Value:
    """A part of a key; any day of a month stands for it."""
    return key.truncate("M") if key.get_name() == "month" and key.type().is_date() else key


def is_placeholder(day: ir.DateValue) -> ir.BooleanValue:
    """Whether a day stands for an unknown one, or is of a year that can only be a slip."""
    return day.isin(PLACEHOLDERS) | ~day.between(*PLAUSIBLE)


def is_test(value: ir.StringValue) -> ir.BooleanValue:
    """Whether a name says that it was made to try something out."""
    return value.lower().re_search(r"(^|[^a-z])(test|demo|démo)([^a-z]|$)")
