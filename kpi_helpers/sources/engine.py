"""SQL out of Ibis, with the dates of a period left open, and its result as a frame."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from kpi_helpers.errors import BadInput, Unavailable, first_line
from kpi_helpers.sources.server import embedded, server

Rows = ir.Table  # rows on their engine, for whom has no need of Ibis itself

_MERGING = ("duckdb", "postgres")  # engines that merge the steps of a query, told so or not
VIEW = "_kpi_view_"  # how the names begin under which `named` keeps rows

START: ir.DateScalar = ibis.literal(dt.date(1111, 11, 11))
END: ir.DateScalar = ibis.literal(dt.date(1212, 12, 12))
_NAMES = {"1111, 11, 11": "{start}", "1212, 12, 12": "{end}"}
# Text and names are matched first, so that what they say is never taken for a date of ours.
_QUOTED = r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`"""
_PLACE = re.compile(rf"{_QUOTED}|\w+\(({'|'.join(_NAMES)})\)")


def template(con: Any, expr: ir.Table) -> str:
    """Compile once, with `START` and `END` left open for any period.

    Compiling costs ten times what a small query costs, so the text is kept and only its two dates
    change.

    Examples
    --------
    >>> table = ibis.table({"day": "date"}, name="t")
    >>> sql = template(ibis.duckdb.connect(), table.filter(table.day >= START))
    >>> "{start}" in sql
    True
    """
    sql = compiled(con, expr).replace("{", "{{").replace("}", "}}")
    return _PLACE.sub(lambda found: _NAMES.get(found[1], found[0]), sql)


def compiled(con: Any, expr: ir.Table) -> str:
    """The SQL of an expression, where Ibis does not write it as well as an engine takes it.

    An engine that takes the word is told to write no bare rows aside: it would make all that is
    named once by Ibis into a table, whatever rows are asked of it. In what replaces a text, Spark
    knows groups as ``$1``.

    Raises
    ------
    Unavailable
        When the engine has no words for what is asked.
    """
    from sqlglot import exp

    try:
        with _as_asked(con):
            tree = con.compiler.to_sqlglot(expr)
    except ibis.common.exceptions.IbisError as error:
        raise Unavailable("engine_lacks", what=con.name, reason=first_line(error)) from None
    if con.name == "pyspark":
        for each in tree.find_all(exp.RegexpReplace):
            written = re.sub(r"\\([0-9])", r"$\1", each.args["replacement"].this)
            each.set("replacement", exp.Literal.string(written))
    dear = (exp.Join, exp.Group, exp.Window, exp.AggFunc, exp.SetOperation, exp.Distinct, exp.UDTF)
    for aside in tree.ctes if con.name in _MERGING else ():
        if not aside.this.find(*dear):
            aside.set("materialized", False)
    return str(tree.sql(dialect=con.dialect, copy=False))


@contextmanager
def _as_asked(con: Any) -> Iterator[None]:
    """Leave each step of a query to itself: some engines merge them in no time, Ibis in much."""
    before = ibis.options.sql.fuse_selects
    ibis.options.sql.fuse_selects = before and con.name not in _MERGING
    try:
        yield
    finally:
        ibis.options.sql.fuse_selects = before


def named(con: Any, expr: ir.Table) -> ir.Table:
    """The same rows under a name of the session, whose engine knows what they are made of.

    Queries of them are then compiled without it, which takes Ibis longer than the engine needs to
    answer. A database need not let us name anything, and Spark becomes slower by it.

    Examples
    --------
    >>> con = ibis.duckdb.connect()
    >>> rows = stored(con, "t", pd.DataFrame({"x": [1, 2]}))
    >>> doubled = named(con, rows.mutate(y=rows.x * 2))
    >>> "* 2" in compiled(con, doubled), frame_of(con, doubled)["y"].tolist()
    (False, [2, 4])
    """
    if con.name != "duckdb":
        return expr
    sql = compiled(con, expr)
    name = f"{VIEW}{hashlib.sha256(sql.encode()).hexdigest()[:16]}"
    embedded(con, lambda: con.con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {sql}"))
    table = ops.DatabaseTable(name, schema=expr.schema(), source=con, namespace=ops.Namespace())
    return table.to_expr()


def filled(sql: str, start: dt.date, end: dt.date) -> str:
    """The SQL of one period [start, end)."""
    return sql.format(start=f"DATE '{start.isoformat()}'", end=f"DATE '{end.isoformat()}'")


def stored(con: Any, name: str, frame: pd.DataFrame) -> ir.Table:
    """A frame written to the engine as a temporary table."""
    if con.name == "duckdb":
        con.con.register(f"{name}_frame", frame)
        con.con.execute(f'CREATE OR REPLACE TEMP TABLE "{name}" AS FROM "{name}_frame"')
        con.con.unregister(f"{name}_frame")
        table: ir.Table = con.table(name)
    else:
        import pyarrow

        arrow = pyarrow.Table.from_pandas(frame, preserve_index=False)
        with server(con):
            if con.name == "pyspark":  # for which Ibis has no temporary table
                con._session.createDataFrame(arrow).createOrReplaceTempView(name)
                return con.table(name)
            table = con.create_table(name, arrow, temp=True, overwrite=True)
    return table


def one_query(sql: str, dialect: str) -> Any:
    """The syntax tree of one SQL query.

    Raises
    ------
    BadInput
        When the text is something else, or more than one query.
    """
    import sqlglot
    from sqlglot import exp

    try:
        trees = sqlglot.parse(sql, dialect=dialect)
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        raise BadInput("bad_query", value=sql, reason=first_line(error)) from error
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise BadInput("bad_query", value=sql, reason="SELECT …")
    return trees[0]


def frame_of(con: Any, expr: ir.Table) -> pd.DataFrame:
    """The rows of an expression as a frame."""
    return fetch(con, compiled(con, expr))


def number_of(con: Any, scalar: ir.Scalar) -> float:
    """The one number that an aggregate gives; 0 where there are no rows."""
    table = scalar.cast("float64").fill_null(0.0).name("value").as_table()
    return float(frame_of(con, table)["value"].iloc[0])


Columns = dict[str, Any]


def columns_of_result(con: Any, sql: str, values: Collection[str]) -> Columns:
    """Run SQL whose result is numbers and some ``values``; a frame would cost more than the query.

    Returns
    -------
    dict
        Numbers as arrays of floats, missing ones NaN; the columns named in ``values`` as lists,
        missing ones None.
    """
    if con.name == "duckdb":
        found = embedded(con, lambda: con.con.execute(sql).fetchnumpy())
        return {
            name: _listed(column) if name in values else _floats(column)
            for name, column in found.items()
        }
    frame = fetch(con, sql)
    return {
        str(name): column.astype(object).where(column.notna(), None).tolist()
        if name in values
        else column.to_numpy(np.float64, na_value=np.nan)
        for name, column in frame.items()
    }


def _listed(column: Any) -> list[Any]:
    if column.dtype.kind == "M":
        return [None if pd.isna(day) else day for day in pd.DatetimeIndex(column)]
    return column.tolist()


def _floats(column: Any) -> Any:
    return np.ma.filled(column.astype(np.float64), np.nan)


# What DuckDB gives, for what PostgreSQL gives as Python objects or with gaps.
_DTYPES = {
    **dict.fromkeys(("date", "timestamp"), "datetime64[us]"),
    **dict.fromkeys(("numeric", "float4", "float8"), "float64"),
    **dict.fromkeys(("int2", "int4", "int8"), "Int64"),
    "bool": "boolean",
}


def fetch(con: Any, sql: str) -> pd.DataFrame:
    """Run SQL on the engine that holds the data; the result as a frame.

    Raises
    ------
    Unavailable
        When a server refuses, stops, or is gone.
    BadInput
        When the file of a database is damaged.
    """
    if con.name == "duckdb":
        frame: pd.DataFrame = embedded(con, lambda: con.con.execute(sql).df())
        return frame
    with server(con):
        return _of_server(con, sql)


def _of_arrow(table: Any) -> pd.DataFrame:
    """Frames as of the embedded engine: floats, also where Spark is exact, and days as moments."""
    import pyarrow.types

    kinds: dict[str, str] = {}
    for field in table.schema:
        if pyarrow.types.is_decimal(field.type):
            kinds[field.name] = "float64"
        elif pyarrow.types.is_date(field.type):
            kinds[field.name] = "datetime64[us]"
    frame: pd.DataFrame = table.to_pandas(date_as_object=False).astype(kinds)
    return frame


def _of_server(con: Any, sql: str) -> pd.DataFrame:
    if con.name == "pyspark":
        return _of_arrow(con.raw_sql(sql).toArrow())
    if con.name != "postgres":
        frame = con.sql(sql).to_pandas()
        return frame
    with con.con.cursor() as cursor:
        cursor.execute(sql)
        names = [column.name for column in cursor.description]
        frame = pd.DataFrame(cursor.fetchall(), columns=names)
        kinds = [column.type_display.partition("(")[0] for column in cursor.description]
    return frame.astype(
        {
            name: _DTYPES[kind]
            for name, kind in zip(names, kinds, strict=True)
            if kind in _DTYPES and (frame[name].dtype == object or frame[name].hasnans)
        }
    )


def add_in_order(con: Any) -> None:
    """Let the engine add up in one order, so that the same rows give the same sum to the last bit.

    Sums of several threads are put together as they come; the last digit then depends on the run.
    """
    if con.name == "duckdb":
        con.con.execute("SET threads = 1")
    elif con.name == "postgres":
        with con.con.cursor() as cursor:
            cursor.execute("SET max_parallel_workers_per_gather = 0")


def spills_apart(con: Any) -> bool:
    """Give an engine in memory a folder of its own for rows that memory does not hold.

    Returns
    -------
    bool
        Whether that could be done: not for a database, nor for an engine that has begun to use the
        folder it had. Two processes forked from one that could can both go on with its tables.

    Examples
    --------
    >>> spills_apart(ibis.duckdb.connect())
    True
    """
    if con.name != "duckdb":
        return False
    if con.con.execute("FROM duckdb_databases() WHERE path IS NOT NULL").fetchall():
        return False
    # The engine makes this folder when it needs it, and removes it when it closes.
    folder = os.path.join(tempfile.gettempdir(), f"kpi-{secrets.token_hex(8)}").replace("'", "''")
    try:
        con.con.execute(f"SET temp_directory = '{folder}'")
    except duckdb.Error:
        return False
    return True
