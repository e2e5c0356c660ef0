"""The quality of the data: what was found, on how many rows, and how much money it touches."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from kpi_helpers.language import text
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.delimited import LINE
from kpi_helpers.sources.engine import frame_of, number_of
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
from kpi_helpers.sources.schema import LOOKUPS, SCOPES, TABLES

COLUMNS = ("check", "table", "column", "rows", "share", "money", "severity", "kpis", "consequence")
LISTED = ("table", "file", "line", "column", "value", "reason", "action", "money")
STALE = dt.timedelta(days=31)
LARGEST_GAP = 0.1


def quality(data: Dataset) -> pd.DataFrame:
    """What the checks found in a data set, the gravest first.

    Parameters
    ----------
    data
        A data set of `load`.

    Returns
    -------
    pandas.DataFrame
        Columns ``check, table, column, rows, share, money, severity, kpis, consequence``: a row a
        check that found something. ``share`` is of the table's rows, ``money`` the sum of the
        table's amounts on these rows; ``severity`` is ``block``, ``warn`` or ``info``.

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
    found += [*_unmatched(data), *_unknown_scopes(data), *_uncovered(data), *_unbilled(data)]
    found += _as_stored(data)
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
            frames.append(rows.assign(table=name, file=data.files[name]))
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
    money = _money(mapped, expr).cast("float64").fill_null(0.0)
    sums: dict[str, Any] = {"rows": expr.count()}
    for place, mark in enumerate(marks):
        test = mark.test(expr).fill_null(False)
        sums |= {
            f"n{place}": expr.count(where=test),
            f"m{place}": ibis.ifelse(test, money, 0.0).sum(),
        }
    tests = [mark.test(expr).fill_null(False) for mark in marks if mark.action == EXCLUDED]
    sums["later"] = expr.count(where=_after(expr, mapped, data.as_of) & ~ibis.or_(*tests))
    counts = frame_of(data.con, expr.aggregate(**sums)).iloc[0]
    for place, mark in enumerate(marks):
        if counts[f"n{place}"] > 0:
            yield _row(data, name, mark, counts[f"n{place}"], counts["rows"], counts[f"m{place}"])
    if counts["later"] > 0:
        mark = Mark("after_as_of", str(mapped.table.dated), _never, severity=INFO)
        yield _row(data, name, mark, counts["later"], counts["rows"])


def _row(
    data: Dataset, table: str, mark: Mark, rows: float, total: float, money: float | None = None
) -> dict[str, Any]:
    priced = money is not None and TABLES[table].money is not None
    return {
        "check": mark.reason,
        "table": table,
        "column": mark.column,
        "rows": int(rows),
        "share": float(rows) / float(total) if total else float("nan"),
        "money": float(money) if priced and money is not None else float("nan"),
        "severity": mark.severity,
        "kpis": ", ".join(mark.kpis),
        "consequence": text(f"quality.{mark.reason}", data.config.lang),
    }


def _never(table: ir.Table) -> ir.BooleanValue:
    return ibis.literal(False)


def _after(expr: ir.Table, mapped: Mapped, as_of: dt.date) -> ir.BooleanValue:
    column = mapped.table.column(str(mapped.table.dated))
    if column is None or column.plan or column.name not in expr.columns:
        return ibis.literal(False)
    return (expr[column.name].cast("date") > as_of).fill_null(False)


def _money(mapped: Mapped, expr: ir.Table) -> ir.FloatingValue:
    money = mapped.table.money
    return expr[money] if money is not None and money in expr.columns else ibis.null("float64")


def _unmatched(data: Dataset) -> Iterator[dict[str, Any]]:
    """Facts that name an owner, customer or product which its own table does not know."""
    for entity, key in LOOKUPS:
        for name in data.mapped:
            if entity not in data.mapped or name == entity or key not in data.filled(name):
                continue
            fact, known = data.base[name], data.base[entity].select(key).distinct()
            missing = fact.filter(fact[key].notnull()).anti_join(known, key)
            counts = [number_of(data.con, table.count()) for table in (missing, fact)]
            if counts[0]:
                yield _row(data, name, Mark("not_in_entity", key, _never), *counts)


def _unknown_scopes(data: Dataset) -> Iterator[dict[str, Any]]:
    """Targets set for a rep or team that no row belongs to: nothing will ever be achieved."""
    if "targets" not in data.mapped:
        return
    targets = data.table("targets")
    for scope, column in SCOPES.items():
        own = targets.filter(targets.scope_type == scope)
        known = known_scopes(data, column)
        lost = own if known is None else own.anti_join(known, own.scope_value == known[column])
        rows, total = (number_of(data.con, table.count()) for table in (lost, targets))
        if rows:
            mark = Mark("unknown_scope", "scope_value", _never, kpis=("revenue_attainment",))
            yield _row(data, "targets", mark, rows, total, number_of(data.con, lost.value.sum()))


def known_scopes(data: Dataset, column: str) -> ir.Table | None:
    """The owners, teams or products that any row belongs to, or that their own table lists."""
    names = [
        data.table(name, (column,)).select(column)
        for name in ("deals", "orders", "leads")
        if name in data.base and column in data.dimensions(name)
    ]
    names += [
        data.base[n].select(column)
        for n in ("reps", "products")
        if n in data.base and column in data.filled(n)
    ]
    names = [table.filter(table[column].notnull()).distinct() for table in names]
    return ibis.union(*names, distinct=True) if len(names) > 1 else names[0] if names else None


def _uncovered(data: Dataset) -> Iterator[dict[str, Any]]:
    """Tables whose rows stop well before the day that the data are said to be of."""
    for name in data.mapped:
        dated = TABLES[name].dated
        cover = data.covered.get((name, str(dated)))
        if cover is not None and cover.last and data.as_of - cover.last > cover.tolerance + STALE:
            yield _row(data, name, Mark("stops_early", str(dated), _never), 0, 0)


def _as_stored(data: Dataset) -> Iterator[dict[str, Any]]:
    """Amounts in other currencies, which the settings declare to be comparable as they stand."""
    if data.config.mixed_currencies != "as_stored":
        return
    for name in data.mapped:
        if "currency" in data.filled(name):
            rows = data.base[name]
            other = rows.filter(rows.currency != data.config.currency)
            counts = [number_of(data.con, table.count()) for table in (other, rows)]
            if counts[0]:
                yield _row(
                    data, name, Mark("as_stored", "currency", _never, severity=INFO), *counts
                )


def _unbilled(data: Dataset) -> Iterator[dict[str, Any]]:
    """Won deals and invoices that differ by more than a tenth over their common dates."""
    covers = [data.covered.get(key) for key in (("deals", "closed_at"), ("orders", "order_date"))]
    if None in covers or "amount" not in data.filled("deals"):
        return
    firsts = [c.first for c in covers if c is not None and c.first is not None]
    if len(firsts) < len(covers):
        return
    first = max(firsts)
    deals, orders = data.table("deals"), data.table("orders")
    won = deals.filter(deals.is_won & (deals.closed_at >= first)).amount.sum()
    billed = orders.filter(orders.order_date >= first).amount_net.sum()
    signed, invoiced = (number_of(data.con, total) for total in (won, billed))
    if signed > (1 + LARGEST_GAP) * invoiced:
        mark = Mark("won_not_billed", "amount", _never, kpis=("revenue", "bookings"))
        yield _row(data, "deals", mark, 0, 0, signed - invoiced)
