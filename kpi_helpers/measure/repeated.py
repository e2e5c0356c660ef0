"""One query for many periods: what does not depend on the period is made once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import ibis.expr.operations as ops
import ibis.expr.types as ir
import numpy as np
from ibis.common.graph import Graph

from kpi_helpers.measure.cells import PLACE
from kpi_helpers.sources.engine import END, START, Columns, columns_of_result, filled, template

Span = tuple[dt.date, dt.date]


class Repeated(NamedTuple):
    """The SQL of one period, dates left open, and of the tables made once for all periods."""

    sql: str
    made: dict[str, str]


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
    made = {table.name: str(con.compile(rows.to_expr())) for rows, table in tables.items()}
    return Repeated(template(con, query.replace(tables).to_expr()), made)


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
        for rows in below
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
        for name, sql in query.made.items():
            con.con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")
        queries = [filled(query.sql, *span) for span in spans.values()]
        results = [columns_of_result(con, sql, values) for sql in queries]
    finally:
        for name in query.made:
            con.con.execute(f"DROP TABLE IF EXISTS {name}")
    for place, result in zip(spans, results, strict=True):
        size = len(next(iter(result.values())))
        result[PLACE] = np.full(size, float(place))
    return joined(results)
