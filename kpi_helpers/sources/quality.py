"""The quality of the data: what was found, on how many rows, and how much money it touches."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from kpi_helpers.sources.across import across_tables
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.finding import COLUMNS, finding, never
from kpi_helpers.sources.headers import FILE, LINE
from kpi_helpers.sources.mapping import TEXT_PREFIX, Mapped
from kpi_helpers.sources.marks import (
    BLOCK,
    COPY,
    EXCLUDED,
    FLAGGED,
    INFO,
    WARN,
    Mark,
    copy_number,
    marks_of,
    unusable,
)

LISTED = ("table", "file", "line", "column", "value", "reason", "action", "money")
MONEY = "_kpi_money"


def quality(data: Dataset) -> pd.DataFrame:
    """What the checks found in a data set, the gravest first.

    Parameters
    ----------
    data
        A data set of `load`.

    Returns
    -------
    pandas.DataFrame
        Columns ``check, table, column, rows, share, money, money_share, severity, kpis,
        consequence``: a row a check that found something. ``share`` is of the table's rows,
        ``money`` the sum of the table's amounts on these rows, ``money_share`` its size beside
        that of all amounts; ``severity`` is ``block``, ``warn`` or ``info``.

    Examples
    --------
    >>> from kpi_helpers.sources import load
    >>> deals = pd.DataFrame({"deal_id": ["1", "1"], "status": ["won", "open"],
    ...     "created_at": ["2026-01-05", "2026-01-09"], "closed_at": ["2026-01-01", None]})
    >>> quality(load(deals))["check"].tolist()
    ['closed_before_created', 'duplicate_key']
    """
    frame: pd.DataFrame = data.remember("quality", lambda: _quality(data))
    return frame.copy()


def left_out(data: Dataset) -> pd.DataFrame:
    """Every row that was left out, or used although something is odd about it.

    Parameters
    ----------
    data
        A data set of `load`.

    Returns
    -------
    pandas.DataFrame
        Columns ``table, file, line, column, value, reason, action, money``: a row a row and
        reason. ``line`` is that of the file (missing for a database), ``value`` the text as it
        stands there, ``action`` ``excluded`` or ``flagged``.
    """
    frame: pd.DataFrame = data.remember("left_out", lambda: _left_out(data))
    return frame.copy()


def _quality(data: Dataset) -> pd.DataFrame:
    found = [row for name in data.mapped for row in _of_table(data, name)]
    found += across_tables(data)
    frame = pd.DataFrame(found, columns=list(COLUMNS))
    grave = frame["severity"].map({BLOCK: 0, WARN: 1, INFO: 2})
    order = frame.assign(grave=grave, fewer=-frame["rows"]).sort_values(["grave", "fewer", "check"])
    return order.drop(columns=["grave", "fewer"]).reset_index(drop=True)


def _left_out(data: Dataset) -> pd.DataFrame:
    found = quality(data)
    frames = []
    for name, mapped in data.mapped.items():
        hit = set(
            found.loc[found["table"] == name, ["check", "column"]].itertuples(
                index=False, name=None
            )
        )
        expr, marks = _marked(data, mapped)
        listed = [
            _listed(expr, mapped, mark) for mark in marks if (mark.reason, mark.column) in hit
        ]
        if listed:
            rows = frame_of(data.con, ibis.union(*listed) if len(listed) > 1 else listed[0])
            frames.append(rows.assign(table=name, file=rows["file"].fillna(data.files[name])))
    if not frames:
        return pd.DataFrame(columns=list(LISTED))
    rows = pd.concat(frames, ignore_index=True)[list(LISTED)]
    return rows.sort_values(["table", "action", "reason", "line"], kind="stable", ignore_index=True)


def _listed(expr: ir.Table, mapped: Mapped, mark: Mark) -> ir.Table:
    """The rows that a mark is about, each with its line, value and money."""
    text_of = TEXT_PREFIX + mark.column
    source = text_of if text_of in expr.columns else mark.column
    line = expr[LINE] if LINE in expr.columns else ibis.null("int64")
    return expr.filter(mark.test(expr).fill_null(False)).select(
        file=expr[FILE] if FILE in expr.columns else ibis.null("string"),
        line=line.cast("int64"),
        column=ibis.literal(mapped.columns.get(mark.column, mark.column)),
        value=expr[source].cast("string"),
        reason=ibis.literal(mark.reason),
        action=ibis.literal(mark.action),
        money=_money(mapped, expr).cast("float64"),
    )


def _marked(data: Dataset, mapped: Mapped) -> tuple[ir.Table, list[Mark]]:
    """A mapped table that counts the copies of each key, and its marks with the one about them."""
    marks, expr = marks_of(mapped, data.as_of), mapped.expr
    declared = data.config.table(mapped.table.name).deduplicate
    own = tuple(key for key in mapped.table.keys if key in mapped.columns)
    keys = declared or own or (*mapped.columns, *mapped.dimensions)
    reason = "duplicate_key" if declared or own else "identical_row"
    keys = tuple(key for key in keys if key in expr.columns)
    expr = expr.mutate(**{COPY: copy_number(expr, keys, mapped.table, unusable(mapped))})
    action = EXCLUDED if declared else FLAGGED
    return expr, [*marks, Mark(reason, keys[0], lambda t: t[COPY] > 0, action)]


def _of_table(data: Dataset, name: str) -> Iterator[dict[str, Any]]:
    """What the marks found in one table: one query."""
    mapped = data.mapped[name]
    expr, marks = _marked(data, mapped)
    expr = expr.mutate(**{MONEY: _money(mapped, expr).cast("float64").fill_null(0.0)})
    money = expr[MONEY]
    sums: dict[str, Any] = {"rows": expr.count(), "amounts": money.abs().sum()}
    for place, mark in enumerate(marks):
        test = mark.test(expr).fill_null(False)
        sums |= {
            f"n{place}": expr.count(where=test),
            f"m{place}": ibis.ifelse(test, money, 0.0).sum(),
        }
    tests = [mark.test(expr).fill_null(False) for mark in marks if mark.action == EXCLUDED]
    sums["later"] = expr.count(where=_after(expr, mapped, data.as_of) & ~ibis.or_(*tests))
    counts = frame_of(data.con, expr.aggregate(**sums)).iloc[0]
    totals = counts["rows"], counts["amounts"]
    for place, mark in enumerate(marks):
        if counts[f"n{place}"] > 0:
            yield finding(data, name, mark, counts[f"n{place}"], totals, counts[f"m{place}"])
    if counts["later"] > 0:
        mark = Mark("after_as_of", str(mapped.table.dated), never, severity=INFO)
        yield finding(data, name, mark, counts["later"], totals)


def _after(expr: ir.Table, mapped: Mapped, as_of: dt.date) -> ir.BooleanValue:
    column = mapped.table.column(str(mapped.table.dated))
    if column is None or column.plan or column.name not in expr.columns:
        return ibis.literal(False)
    return (expr[column.name].cast("date") > as_of).fill_null(False)


def _money(mapped: Mapped, expr: ir.Table) -> ir.FloatingValue:
    money = mapped.table.money
    return expr[money] if money is not None and money in expr.columns else ibis.null("float64")
