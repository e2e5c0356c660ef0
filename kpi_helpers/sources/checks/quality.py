"""The quality of the data: what was found, on how many rows, and how much money it touches."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from kpi_helpers.sources.checks.across import across_tables
from kpi_helpers.sources.checks.crowds import hit, later_than, marked
from kpi_helpers.sources.checks.finding import COLUMNS, finding
from kpi_helpers.sources.checks.marks import BLOCK, INFO, WARN, Mark
from kpi_helpers.sources.currencies import REPORTED
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.files.headers import FILE, LINE
from kpi_helpers.sources.mapping import TEXT_PREFIX, Mapped

LISTED = ("table", "file", "line", "column", "value", "reason", "action", "money")


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
        consequence, fix``: a row a check that found something. ``share`` is of the table's rows,
        ``money`` the sum of the table's amounts on these rows, ``money_share`` its size beside
        that of all amounts; ``severity`` is ``block``, ``warn`` or ``info``; ``kpis`` are those
        that it weakens, ``fix`` says how to mend it. Of ``empty_months``, ``rows`` are months.

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
        stands there (hidden where names are), ``action`` ``excluded`` or ``flagged``.
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
    frames = []
    for name, mapped in data.mapped.items():
        expr, marks = fired(data, name)
        listed = [_listed(expr, mapped, mark) for mark in marks]
        if listed:
            rows = frame_of(data.con, ibis.union(*listed) if len(listed) > 1 else listed[0])
            frames.append(rows.assign(table=name, file=rows["file"].fillna(data.files[name])))
    if not frames:
        return pd.DataFrame(columns=list(LISTED))
    rows = pd.concat(frames, ignore_index=True)[list(LISTED)]
    if data.masked:
        rows = rows.assign(value=None, file=pd.factorize(rows["file"])[0].astype(str))
    return rows.sort_values(["table", "action", "reason", "line"], kind="stable", ignore_index=True)


def fired(data: Dataset, name: str) -> tuple[ir.Table, list[Mark]]:
    """A table with what its marks look at, and those marks that found a row."""
    expr, marks = marked(data, name)
    found = quality(data)
    known = found.loc[found["table"] == name, ["check", "column"]]
    hits = set(known.itertuples(index=False, name=None))
    return expr, [mark for mark in marks if (mark.reason, mark.column) in hits]


def _listed(expr: ir.Table, mapped: Mapped, mark: Mark) -> ir.Table:
    """The rows that a mark is about, each with its line, value and money."""
    text_of = TEXT_PREFIX + mark.column
    source = text_of if text_of in expr.columns else mark.column
    line = expr[LINE] if LINE in expr.columns else ibis.null("int64")
    return expr.filter(hit(mark, expr)).select(
        file=expr[FILE] if FILE in expr.columns else ibis.null("string"),
        line=line.cast("int64"),
        column=ibis.literal(mapped.columns.get(mark.column, mark.column)),
        value=expr[source].cast("string"),
        reason=ibis.literal(mark.reason),
        action=ibis.literal(mark.action),
        money=expr[REPORTED],
    )


def _of_table(data: Dataset, name: str) -> Iterator[dict[str, Any]]:
    """What the marks found in one table: one query."""
    mapped = data.mapped[name]
    expr, marks = marked(data, name)
    money = expr[REPORTED].fill_null(0.0)
    marks += _later(mapped, data.as_of)
    sums: dict[str, Any] = {"rows": expr.count(), "amounts": money.abs().sum()}
    for place, mark in enumerate(marks):
        test = hit(mark, expr)
        sums[f"n{place}"] = expr.count(where=test)
        sums[f"m{place}"] = ibis.ifelse(test, money, 0.0).sum()
    counts = frame_of(data.con, expr.aggregate(**sums)).iloc[0]
    totals = counts["rows"], counts["amounts"]
    for place, mark in enumerate(marks):
        if counts[f"n{place}"] > 0:
            yield finding(data, name, mark, counts[f"n{place}"], totals, counts[f"m{place}"])


def _later(mapped: Mapped, as_of: dt.date) -> list[Mark]:
    """For each column of days that looks back: the day is yet to come. These are not listed."""
    days = [c.name for c in mapped.table if c.type in ("date", "time") and not c.plan]
    return [
        Mark("after_as_of", name, later_than(name, as_of), severity=INFO)
        for name in days
        if name in mapped.columns
    ]
