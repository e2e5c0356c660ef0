"""What a server refuses, stops, or no longer answers, and what a file lost, as errors of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from kpi_helpers.errors import BadInput, KpiError, Unavailable, first_line, unknown

T = TypeVar("T")

_PARQUET = re.compile(r"read_parquet\('((?:[^']|'')*)'")
_VIEWS = """SELECT '"' || replace(view_name, '"', '""') || '"', sql FROM duckdb_views()
WHERE NOT internal AND NOT temporary AND sql LIKE '%read_parquet(%'"""

_MEMORY = "SELECT parse_formatted_bytes(current_setting('memory_limit'))"

_SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_)'"
_LISTED = """SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()
OR (table_type = 'LOCAL TEMPORARY' AND current_schema() = 'public')"""
_HIDDEN = """SELECT relname FROM pg_class
WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
AND relkind IN ('r', 'v', 'm', 'f', 'p') AND NOT has_table_privilege(oid, 'SELECT')"""

# What PostgreSQL's codes begin with (its manual, appendix A) → our text.
_TEXTS = {
    "42501": "no_right",
    "57014": "query_stopped",
    "57P": "server_gone",
    "08": "server_gone",
}


@contextmanager
def server(con: Any) -> Iterator[None]:
    """Ask a server; what its driver raises becomes an error of ours without the query or a secret.

    Raises
    ------
    Unavailable
        When the server refuses, stops the query, or is gone.

    Examples
    --------
    >>> import ibis
    >>> with server(ibis.duckdb.connect()):
    ...     raise OSError("out of reach")
    Traceback (most recent call last):
    ...
    kpi_helpers.errors.Unavailable: duckdb refuses the query: out of reach...
    """
    try:
        yield
    except KpiError:
        raise
    except Exception as error:  # every driver has errors of its own
        what = {"what": _address(con), "reason": first_line(error)}
        raise Unavailable(_key(con, error), **what) from None


def embedded(con: Any, ask: Callable[[], T]) -> T:
    """Ask DuckDB; what its file has lost, which shows where the rows are read, is an error of ours.

    Raises
    ------
    BadInput
        When the file is damaged or cut off.
    Unavailable
        When memory does not hold what is asked.
    KeyboardInterrupt
        When a person ends the query.
    """
    try:
        return roomy(con, ask)
    except RuntimeError as error:
        if not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        con.con.interrupt()  # otherwise the engine works on, and the process cannot end before it
        raise error.__cause__ from None
    except duckdb.OutOfMemoryException as error:
        raise Unavailable("no_memory", reason=first_line(error)) from error
    except duckdb.Error as error:
        file, reason = _damaged(con, error)
        if not file:
            raise
        raise BadInput("damaged", file=file, reason=reason) from error


def roomy(con: Any, ask: Callable[[], T]) -> T:
    """Ask DuckDB again with more memory if need be: that of large files begins with little."""
    try:
        return ask()
    except duckdb.OutOfMemoryException:
        if not _given_more(con):
            raise
        return roomy(con, ask)


def _given_more(con: Any) -> bool:
    """Give the engine twice its memory, or what it takes unless told; whether it had less."""
    (had,) = con.con.execute(_MEMORY).fetchone()
    con.con.execute("RESET memory_limit")
    (most,) = con.con.execute(_MEMORY).fetchone()
    con.con.execute(f"SET memory_limit = '{min(2 * had, most)}B'")
    return bool(had < most)


def _damaged(con: Any, error: duckdb.Error) -> tuple[str, str]:
    """The file in which an engine met something that cannot be read, and what; else nothing.

    Of parquet files the pages are first read when they are asked for: what an engine says of them
    need not name the file, so that each is read once more, as a whole.
    """
    if isinstance(error, duckdb.IOException):
        asked = "SELECT path FROM duckdb_databases() WHERE path IS NOT NULL"
        for (path,) in con.con.execute(asked).fetchall():
            name = Path(path).name
            return name, first_line(error).partition(":")[2].replace(path, name).strip()
    with suppress(duckdb.FatalException):
        for view, sql in con.con.execute(_VIEWS).fetchall():
            file = _PARQUET.search(sql)
            try:
                con.con.execute(f"SELECT count(*) FROM {view} AS t WHERE hash(t) = 1").fetchall()
            except duckdb.Error as fault:
                if file:
                    name = Path(re.sub(r"\[(.)\]", r"\1", file[1].replace("''", "'"))).name
                    return name, first_line(fault).rpartition(": ")[2]
    return "", ""


def hidden(con: Any) -> list[str]:
    """Tables of the schema in use that PostgreSQL leaves out of its lists: they may not be read."""
    if con.name != "postgres":
        return []
    return _names(con, _HIDDEN)


def listed(con: Any) -> list[str]:
    """Tables of the schema in use, whatever its name."""
    with server(con):
        return _names(con, _LISTED) if con.name == "postgres" else list(con.list_tables())


def _names(con: Any, sql: str) -> list[str]:
    with server(con), con.con.cursor() as cursor:
        cursor.execute(sql)
        return sorted(name for (name,) in cursor.fetchall())


def no_right(con: Any, table: str) -> Unavailable:
    """The error for a table that this user may not read."""
    return Unavailable("no_right", what=_address(con), reason=table)


def no_schema(con: Any, name: str) -> KpiError:
    """The error for a schema that is not there, with those that are, or that may not be used."""
    there = _names(con, _SCHEMAS)
    return no_right(con, name) if name in there else unknown("schema", name, there)


def _key(con: Any, error: Exception) -> str:
    state = str(getattr(error, "sqlstate", None) or "")
    for code, key in _TEXTS.items():
        if state.startswith(code):
            return key
    if con.name == "pyspark":
        return "session_ended" if _has_ended(con._session, error) else "query_refused"
    closed = getattr(getattr(con, "con", None), "closed", False)
    return "server_gone" if closed else "query_refused"


def _has_ended(session: Any, error: Exception) -> bool:
    """Whether a Spark session was stopped, or its Java is gone."""
    context = getattr(session, "_sc", None)
    if context is None:  # of a Spark server
        return bool(getattr(session, "is_stopped", False))
    # What Java itself says is a Py4JJavaError; the others say that nobody answers.
    lost = type(error).__name__ in ("Py4JError", "Py4JNetworkError")
    return lost or isinstance(error, ConnectionError) or context._jsc is None


def _address(con: Any) -> str:
    """The kind of server and, where it has one, its host."""
    host = con._con_kwargs.get("host")
    return f"{con.name} ({host})" if host else str(con.name)
