"""One query for many periods: what does not depend on the period is made once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import ibis.expr.operations as ops
import ibis.expr.types as ir
import numpy as np
from ibis.common.graph import Graph

from kpi_helpers.measure.cells import PLACE
from kpi_helpers.sources.engine import END, START, Columns, columns_of_result, filled, template
from kpi_helpers.sources.server import embedded

Span = tuple[dt.date, dt.date]


# What does not fall where `START` and `END` rise.
_RISING = (ops.Literal, ops.DateAdd, ops.DateSub, ops.Least, ops.Greatest)
_DEAR = (ops.JoinChain, ops.Aggregate, ops.WindowFunction)
_NAMING = (ops.Project, ops.Aggregate, ops.JoinChain, ops.CountStar)  # the columns they read
_FROM, _UNTIL = (ops.GreaterEqual, ops.Greater), (ops.LessEqual, ops.Less)


class Repeated(NamedTuple):
    """The SQL of one period, dates left open, and of the tables made once for all periods.

    Of each of these the dates of the first period give the rows from it on, those of the last what
    is needed of them; no column is kept that no period reads.
    """

    sql: str
    made: dict[str, tuple[str, str]]


def repeated(con: Any, expr: ir.Table, periods: int) -> Repeated:
    """Compile a query that is asked for some periods; of one period it is asked as it is.

    Only the embedded engine writes tables: a database need not let us.
    """
    if con.name != "duckdb" or periods == 1:
        return Repeated(template(con, expr), {})
    query = expr.op()
    tables = {
        rows: ops.UnboundTable(f"_made_once_{place}", rows.schema)
        for place, rows in enumerate(_whatever_period(query))
    }
    moving = query.replace(tables)
    dear = {rows: table for rows, table in tables.items() if rows.find(_DEAR)}
    made = {}
    for rows, table in tables.items():
        known = rows.replace({other: once for other, once in dear.items() if other != rows})
        # What was dear to make is read again by other tables, so kept whole.
        whole = rows in dear and any(rows in Graph.from_bfs(o) for o in tables if o != rows)
        since, until = ([], []) if whole else _tests(moving, table)
        moving = _untested(moving, table, since)
        columns = list(table.schema) if whole else _used(moving, table)
        made[table.name] = _made(con, known, table, (since, until), columns)
    return Repeated(template(con, moving.to_expr()), made)


def _made(
    con: Any,
    known: ops.Relation,
    table: ops.Relation,
    tests: tuple[list[ops.Value], list[ops.Value]],
    columns: list[str],
) -> tuple[str, str]:
    """The SQL of rows that are made once, and of what is needed of them."""
    since, until = tests
    kept = ops.Filter(known, [test.replace({table: known}) for test in since]) if since else known
    needed = ops.Filter(table, until) if until else table
    return template(con, kept.to_expr()), template(con, needed.to_expr().select(*columns))


def _untested(query: ops.Node, rows: ops.Relation, since: list[ops.Value]) -> ops.Node:
    """The query without those tests that rows were made by and that are of no period."""
    passed = {test for test in since if _is_still(test)}
    if not passed:
        return query
    (tested,) = (node for node in query.find(ops.Filter) if node.parent == rows)
    left = [test for test in tested.predicates if test not in passed]
    return query.replace({tested: ops.Filter(rows, left) if left else rows})


def _used(query: ops.Node, rows: ops.Relation) -> list[str]:
    """The columns of rows that a query reads; all of them where it passes them on unnamed."""
    found: set[str] = set()
    for node, parts in Graph.from_bfs(query).items():
        if rows not in parts:
            continue
        if isinstance(node, ops.Field):
            found.add(node.name)
        elif isinstance(node, ops.Filter | ops.Sort | ops.JoinReference):
            found.update(_used(query, node))
        elif not isinstance(node, _NAMING):
            found.update(rows.schema)
    return [name for name in rows.schema if name in found] or [*rows.schema][:1]


def _tests(query: ops.Node, rows: ops.Relation) -> tuple[list[ops.Value], list[ops.Value]]:
    """What every period asks of rows, whatever its dates or from some day on; and up to some day.

    Only where it is the first thing that is done with them, and the only one.
    """
    nodes = Graph.from_bfs(query).items()
    users = [node for node, parts in nodes if rows in parts and not isinstance(node, ops.Field)]
    if len(users) != 1 or not isinstance(users[0], ops.Filter):
        return [], []
    tests = users[0].predicates
    if any(test.find((ops.Reduction, ops.Analytic, ops.WindowFunction)) for test in tests):
        return [], []
    since = [test for test in tests if _holds(test, _FROM, _UNTIL)]
    until = [test for test in tests if _holds(test, _UNTIL, _FROM) and not _is_still(test)]
    return since, until


def _holds(test: Any, kinds: tuple[type, ...], mirrored: tuple[type, ...]) -> bool:
    """Whether a test is of no period, or of a day on one side of one that rises with it."""
    if isinstance(test, ops.And | ops.Or):
        return all(_holds(part, kinds, mirrored) for part in test.args)
    if _is_still(test) or type(test) not in kinds + mirrored:
        return _is_still(test)
    column, day = test.args if type(test) in kinds else test.args[::-1]
    return _is_still(column) and all(isinstance(node, _RISING) for node in Graph.from_bfs(day))


def _is_still(node: ops.Node) -> bool:
    return not {START.op(), END.op()} & {*node.find(ops.Literal)}


def _whatever_period(query: ops.Node) -> list[ops.Relation]:
    """The largest parts of a query that read neither `START` nor `END`, but for bare tables."""
    moving: dict[ops.Node, None] = dict.fromkeys([START.op(), END.op()])
    ordered, _ = Graph.from_bfs(query).toposort()
    for node, parts in ordered.items():  # the parts of a node come first
        if any(part in moving for part in parts):
            moving[node] = None
    below = dict.fromkeys(child for node in moving for child in node.__children__)
    below = dict.fromkeys(r.parent if isinstance(r, ops.JoinReference) else r for r in below)
    return [
        rows
        for rows in ordered
        if rows in below
        if isinstance(rows, ops.Relation) and not isinstance(rows, ops.PhysicalTable)
        if rows not in moving
    ]


def joined(results: Sequence[Columns]) -> Columns:
    """Results of the same columns, one below the other."""
    if len(results) == 1:
        return results[0]
    return {
        name: [value for result in results for value in result[name]]
        if isinstance(column, list)
        else np.concatenate([result[name] for result in results])
        for name, column in results[0].items()
    }


def each_period(
    con: Any, query: Repeated, spans: Mapping[int, Span], values: Collection[str]
) -> Columns:
    """A query's result for each span of days, beside the place under which it stands.

    A database is asked once for all; the embedded engine, which would work on all of them at the
    same time and hold them in memory, one after the other.
    """
    if con.name != "duckdb":
        each = [
            f"SELECT {place} AS {PLACE}, each_{place}.* FROM "
            f"({filled(query.sql, *span)}) AS each_{place}"
            for place, span in spans.items()
        ]
        return columns_of_result(con, " UNION ALL ".join(each), values)
    try:
        starts, ends = zip(*spans.values(), strict=True)
        first, last = (min(starts), min(ends)), (max(starts), max(ends))
        for name, (rows, needed) in query.made.items():
            once = f"WITH {name} AS ({filled(rows, *first)}) {filled(needed, *last)}"
            sql = f"CREATE OR REPLACE TEMP TABLE {name} AS {once}"
            embedded(con, partial(con.con.execute, sql))
        queries = [filled(query.sql, *span) for span in spans.values()]
        results = [columns_of_result(con, sql, values) for sql in queries]
    finally:
        for name in query.made:
            con.con.execute(f"DROP TABLE IF EXISTS {name}")
    for place, result in zip(spans, results, strict=True):
        size = len(next(iter(result.values())))
        result[PLACE] = np.full(size, float(place))
    return joined(results)
