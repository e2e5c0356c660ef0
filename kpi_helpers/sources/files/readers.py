"""Opens what a person has: frames, files, folders, databases; the only place that reads them.

Text files are read by DuckDB with every cell as text; our own rules (``sources.parsing``) turn the
text into dates and numbers afterwards, so that nothing is lost or guessed on the way in.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis.backends import BaseBackend

from kpi_helpers.errors import BadInput, KpiError, first_line, unknown
from kpi_helpers.language import Phrase
from kpi_helpers.sources.config import FILE_NAME, Config
from kpi_helpers.sources.engine import VIEW, one_query, spills_apart
from kpi_helpers.sources.files.archives import check_number
from kpi_helpers.sources.files.databases import connect, shut_in
from kpi_helpers.sources.files.delimited import read_delimited
from kpi_helpers.sources.files.frames import plain
from kpi_helpers.sources.files.grids import quoted_name, quoted_text
from kpi_helpers.sources.files.headers import LINE, distinct_names
from kpi_helpers.sources.files.kinds import (
    ENDINGS,
    FAULTS,
    Raw,
    is_parquet,
    is_sqlite,
    raw_tables,
    refusal,
    there,
    unchanged,
)
from kpi_helpers.sources.files.sqlite import file_of
from kpi_helpers.sources.server import hidden, listed, no_right, roomy, server

DATABASES = (".duckdb", ".ddb", ".db")
LARGE = 256 << 20  # bytes of files from which on tables are kept on disk, not in memory
# MB that their engine begins with: with less to ask, figures of stages take half as long again.
OPENING, ASKING = 64, 280


@dataclass
class Source:
    """An open connection and the raw tables that can be asked from it, by name.

    ``files`` holds the raw tables of files (none for a database), ``frames`` the frames, ``passed``
    why what else stands in a folder or workbook was passed over, by its name. The engine of
    ``large`` files is held to little memory.
    """

    con: Any
    files: dict[str, Raw] = field(default_factory=dict)
    passed: dict[str, Phrase | KpiError] = field(default_factory=dict)
    frames: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    remote: bool = False
    large: bool = False
    _opened: dict[str, ir.Table] = field(default_factory=dict)

    def hold(self, most: int) -> None:
        """Hold the engine of large files to so many MB, until something needs more."""
        if self.large:
            self.con.con.execute(f"SET memory_limit = '{most}MB'")

    @property
    def live(self) -> bool:
        """Whether rows may come in while it is open."""
        return self.remote and self.con.name != "duckdb"

    @property
    def names(self) -> list[str]:
        """Names of the raw tables."""
        if self.files or self.frames:
            return sorted([*self.files, *self.frames])
        return sorted(t for t in listed(self.con) if not t.startswith(VIEW))

    def label(self, name: str) -> str:
        """What a person calls the raw table: its file and sheet, or its own name."""
        return self.files[name].label if name in self.files else name

    def stem(self, name: str) -> str:
        """The raw table's name without the ending of its file."""
        return self.files[name].stem if name in self.files else name

    def named(self, file: str) -> str:
        """The raw table of a file or sheet by its name, with or without its ending.

        Raises
        ------
        BadInput
            When the file holds several tables, or is one that could not be read.
        """
        failed = self.passed.get(file)
        if isinstance(failed, KpiError):
            raise failed
        found = [name for name, raw in self.files.items() if file == raw.label]
        found = found or [name for name, raw in self.files.items() if file == raw.file]
        if len(found) > 1:
            raise BadInput("several_tables", file=file, candidates=list(map(self.label, found)))
        return found[0] if found else file

    def typed(self, name: str) -> bool:
        """Whether the raw table carries types of its own and is large enough to stay in place."""
        path = self.files[name].path if name in self.files else None
        return self.remote or (path is not None and is_parquet(path))

    @property
    def unasked(self) -> list[str]:
        """What a person calls the raw tables of files that nothing was read from."""
        return [raw.label for name, raw in self.files.items() if name not in self._opened]

    def table(self, name: str) -> ir.Table:
        """The raw table of that name; text files are read as text."""
        if name not in self._opened:
            failed = self.passed.get(name)
            if isinstance(failed, KpiError):
                raise failed
            if name not in self.names:
                raise unknown("table", name, self.names)
            self._opened[name] = self._open(name)
        return self._opened[name]

    def query(self, sql: str) -> ir.Table:
        """The result of an SQL query on the raw tables, and on nothing else.

        Raises
        ------
        BadInput
            When the text is not one query, or the engine refuses it.
        UnknownName
            When it names a table that the source does not have.
        """
        from sqlglot import exp

        tree = one_query(sql, self.con.name)
        inner = {cte.alias_or_name for cte in tree.find_all(exp.CTE)}
        for used in sorted({each.name for each in tree.find_all(exp.Table)} - inner):
            self.table(used)
        try:
            return self.con.sql(tree.sql(dialect=self.con.name))
        except Exception as error:  # every driver has errors of its own
            raise BadInput("bad_query", value=sql, reason=first_line(error)) from error

    def _open(self, name: str) -> ir.Table:
        try:
            if name in self.frames:
                self._take(name, plain(self.frames[name]))
            elif name in self.files:
                roomy(self.con, partial(self._read, name, self.files[name]))
                return self.con.table(name)
        except FAULTS as error:
            raise refusal(self.label(name), error) from error
        with server(self.con):
            return self.con.table(name)

    def _read(self, name: str, raw: Raw) -> None:
        if raw.path is None:
            if name != raw.label:
                view = f"CREATE OR REPLACE VIEW {quoted_name(name)}"
                self.con.con.execute(f"{view} AS FROM {quoted_name(raw.label)}")
        elif is_parquet(raw.path):
            rows = f"read_parquet({quoted_text(glob.escape(str(raw.path)))}, file_row_number=true)"
            line = f'* EXCLUDE (file_row_number), file_row_number + 1 AS "{LINE}"'
            view = f"CREATE OR REPLACE VIEW {quoted_name(name)}"
            self.con.con.execute(f"{view} AS SELECT {line} FROM {rows}")
        else:
            with unchanged(raw.path):
                read_delimited(self.con.con, name, raw.path)

    def _take(self, name: str, frame: pd.DataFrame) -> None:
        self.con.con.register("kpi_frame", frame)
        line = f'row_number() OVER () AS "{LINE}"'
        self.con.con.execute(
            f"CREATE OR REPLACE TABLE {quoted_name(name)} AS SELECT *, {line} FROM kpi_frame"
        )
        self.con.con.unregister("kpi_frame")


def open_source(source: Any, config: Config) -> Source:
    """Open frames, a file, a folder, a DuckDB file, a database's URL or an Ibis connection.

    Raises
    ------
    UnknownName
        When the path does not exist, with the nearest names.
    Unavailable
        When the kind of source needs an extra that is not installed, or a server refuses.
    """
    if isinstance(source, pd.DataFrame):
        source = {"deals": source}
    if isinstance(source, Mapping):
        return Source(_embedded(), frames=_frames(source))
    source = file_of(source) or source
    if isinstance(source, BaseBackend):
        return _of_database(source)
    if not isinstance(source, str | os.PathLike):
        raise BadInput(value=type(source).__name__, expected=Phrase("expected.source"))
    text = os.fspath(source)
    if "://" in text:
        return _of_database(connect(text, config))
    try:
        return _open_path(Path(text))
    except FAULTS as error:
        raise refusal(Path(text).name, error) from error


def _of_database(con: Any) -> Source:
    """The tables of a database; those that may not be read are passed over, with the reason."""
    return Source(con, remote=True, passed={name: no_right(con, name) for name in hidden(con)})


def _frames(source: Mapping[Any, Any]) -> dict[str, pd.DataFrame]:
    for name, frame in source.items():
        if not isinstance(frame, pd.DataFrame):
            kind = type(frame).__name__
            raise BadInput(file=str(name), value=kind, expected=Phrase("expected.frame"))
    return {str(name): frame for name, frame in source.items()}


def _open_path(path: Path) -> Source:
    there(path)
    if path.suffix.lower() in DATABASES and not is_sqlite(path):
        con = _quiet(ibis.duckdb.connect(str(path), read_only=True))
        shut_in(con)
        return Source(con, remote=True)
    return _open_files(path)


def _open_files(path: Path) -> Source:
    """The tables of a file, or of the files of a folder, where one that cannot be read is noted."""
    source, tables = Source(_embedded()), []
    inside = _inside(path)
    check_number(path, sum(file.name.lower().endswith(ENDINGS) for file in inside))
    for file in inside:
        try:
            if not file.name.lower().endswith(ENDINGS):
                raise _no_source(file)
            found = raw_tables(source.con.con, file)
        except (BadInput, *FAULTS) as error:
            if file == path:
                raise
            source.passed[file.name] = _passed(file, error)
        else:
            tables += found.tables
            source.passed.update(found.passed)
    stems = [raw.stem.casefold() for raw in tables]
    alone = [stems.count(stem) == 1 for stem in stems]
    names = [raw.stem if own else raw.label for raw, own in zip(tables, alone, strict=True)]
    # To the engine, names that differ by case are the same.
    source.files.update(zip(distinct_names(names), tables, strict=True))
    source.large = sum(_size(file) for file in inside if file.is_file()) > LARGE
    source.hold(OPENING)
    if not source.files:
        failed = [each for each in source.passed.values() if isinstance(each, KpiError)]
        raise failed[0] if failed else _no_source(path)
    return source


def _passed(file: Path, error: Exception) -> BadInput | Phrase:
    """Why something in a folder was not read."""
    if file.is_dir():
        return Phrase("files.folder")
    known = file.name.lower().endswith(ENDINGS)
    return refusal(file.name, error) if known else Phrase("files.ending")


def _size(file: Path) -> int:
    """Bytes of a file once it is unpacked, as a rule of thumb."""
    packed = file.name.lower().endswith((".gz", ".zip", ".xlsx"))
    return file.stat().st_size * (10 if packed else 1)


def _no_source(path: Path) -> BadInput:
    if path.is_dir():
        return BadInput("no_file_inside", file=path.name)
    return BadInput(file=path.name, value=path.name, expected=Phrase("expected.source"))


def _inside(path: Path) -> list[Path]:
    """The files of a folder but for hidden ones and the settings, or the file itself."""
    if path.is_dir():
        own = [each for each in sorted(path.iterdir()) if each.name != FILE_NAME]
        return [each for each in own if not each.name.startswith((".", "~$"))]
    return [path]


def _embedded() -> Any:
    con = _quiet(ibis.duckdb.connect())
    spills_apart(con)
    return con


def _quiet(con: Any) -> Any:
    con.con.execute("SET enable_progress_bar = false")
    return con
