"""SQLite files: each table a grid of text, read by Python's own library, never written to."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from kpi_helpers.errors import BadInput
from kpi_helpers.sources.files.grids import Row, check_width
from kpi_helpers.sources.files.headers import Header, distinct_names
from kpi_helpers.sources.files.workbooks import text_of

LONGEST = 64 << 20  # bytes of a cell, which may be computed


class SqliteTable(NamedTuple):
    """A table: its name, its columns, and its rows as text, numbered from 1."""

    name: str
    header: Header
    rows: Iterator[Row]


def file_of(source: Any) -> str:
    """The file of a SQLite URL or connection of Ibis, which is read as one; empty of any other."""
    if isinstance(source, str):
        scheme, _, place = source.partition("://")
        return place.partition("?")[0] if scheme == "sqlite" else ""
    if getattr(source, "name", "") != "sqlite":
        return ""
    attached = source.con.execute("PRAGMA database_list").fetchall()
    return next(file for _, name, file in attached if name == "main")


@contextmanager
def open_sqlite(path: Path) -> Iterator[Iterator[SqliteTable]]:
    """The tables of a SQLite file, views left aside.

    Raises
    ------
    BadInput
        When it is damaged or holds bytes that are no text.
    """
    # Only where another program is writing may its log beside the file be looked into.
    writing = path.with_name(f"{path.name}-wal").exists()
    uri = f"{path.resolve().as_uri()}?{'mode=ro' if writing else 'immutable=1'}"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as con:
            con.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
            yield _tables(con, path.name)
    except sqlite3.Error as error:
        raise BadInput("damaged", file=path.name, reason=str(error)) from error


def _tables(con: sqlite3.Connection, file: str) -> Iterator[SqliteTable]:
    asked = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' "
    for (name,) in con.execute(f"{asked} ESCAPE '!' ORDER BY name").fetchall():
        quoted = name.replace('"', '""')
        rows = con.execute(f'SELECT * FROM "{quoted}"')
        names = [column for column, *_ in rows.description]
        check_width(names, f"{file}/{name}")
        yield SqliteTable(name, Header(distinct_names(names), 0, 0), _as_text(rows))


def _as_text(rows: Any) -> Iterator[Row]:
    for number, row in enumerate(rows, 1):
        yield number, [text_of(None if isinstance(value, bytes) else value) for value in row]
