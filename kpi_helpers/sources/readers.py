"""Opens what a person has: frames, files, folders, databases; the only place that reads them.

Text files are read by DuckDB with every cell as text; our own rules (``sources.parsing``) turn the
text into dates and numbers afterwards, so that nothing is lost or guessed on the way in.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pandas as pd

from kpi_helpers.errors import BadInput, unknown
from kpi_helpers.language import Phrase
from kpi_helpers.sources.config import Config
from kpi_helpers.sources.databases import connect
from kpi_helpers.sources.delimited import LINE, distinct_names, quoted_name, read_delimited
from kpi_helpers.sources.engine import first_line, one_query

TEXT = (".csv", ".tsv", ".txt", ".csv.gz")
TYPED = (".parquet",)
DATABASES = (".duckdb", ".ddb", ".db")


@dataclass
class Source:
    """An open connection and the raw tables that can be asked from it, by name.

    ``files`` holds the path behind each raw table (absent for a database), ``frames`` the frames.
    """

    con: Any
    files: dict[str, Path] = field(default_factory=dict)
    frames: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    remote: bool = False
    _opened: dict[str, ir.Table] = field(default_factory=dict)

    @property
    def live(self) -> bool:
        """Whether rows may come in while it is open."""
        return self.remote and self.con.name != "duckdb"

    @property
    def names(self) -> list[str]:
        """Names of the raw tables."""
        if self.files or self.frames:
            return sorted([*self.files, *self.frames])
        return sorted(self.con.list_tables())

    def label(self, name: str) -> str:
        """What a person calls the raw table: its file's name, or its own."""
        return self.files[name].name if name in self.files else name

    def stem(self, name: str) -> str:
        """The raw table's name without the ending of its file."""
        return _stem(self.files[name]) if name in self.files else name

    def named(self, file: str) -> str:
        """The raw table of a file's name, with or without its ending."""
        return next((name for name, path in self.files.items() if path.name == file), file)

    def typed(self, name: str) -> bool:
        """Whether the raw table carries types of its own and is large enough to stay in place."""
        return self.remote or (name in self.files and _suffix(self.files[name]) in TYPED)

    def table(self, name: str) -> ir.Table:
        """The raw table of that name; text files are read as text."""
        if name not in self._opened:
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
            elif name in self.files and _suffix(self.files[name]) in TYPED:
                self.con.read_parquet(glob.escape(str(self.files[name])), table_name=name)
            elif name in self.files:
                read_delimited(self.con.con, name, self.files[name])
        except duckdb.Error as error:
            reason = first_line(error)
            raise BadInput("unreadable_source", file=self.label(name), reason=reason) from error
        return self.con.table(name)

    def _take(self, name: str, frame: pd.DataFrame) -> None:
        self.con.con.register("kpi_frame", frame)
        line = f'row_number() OVER () AS "{LINE}"'
        self.con.con.execute(
            f"CREATE OR REPLACE TABLE {quoted_name(name)} AS SELECT *, {line} FROM kpi_frame"
        )
        self.con.con.unregister("kpi_frame")


def open_source(source: Any, config: Config) -> Source:
    """Open a frame, a mapping of frames, a file, a folder, a DuckDB file or a PostgreSQL URL.

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
    if not isinstance(source, str | os.PathLike):
        raise BadInput(value=type(source).__name__, expected=Phrase("expected.source"))
    text = os.fspath(source)
    if "://" in text:
        return Source(connect(text, config), remote=True)
    try:
        return _open_path(Path(text))
    except (OSError, duckdb.Error) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise BadInput("unreadable_source", file=Path(text).name, reason=reason) from error


def _frames(source: Mapping[Any, Any]) -> dict[str, pd.DataFrame]:
    for name, frame in source.items():
        if not isinstance(frame, pd.DataFrame):
            kind = type(frame).__name__
            raise BadInput(file=str(name), value=kind, expected=Phrase("expected.frame"))
    return {str(name): frame for name, frame in source.items()}


def _open_path(path: Path) -> Source:
    if not path.exists():
        if not path.parent.is_dir():
            raise unknown("file", path, [])
        raise unknown("file", path.name, [each.name for each in path.parent.iterdir()])
    if path.suffix.lower() in DATABASES:
        return Source(_quiet(ibis.duckdb.connect(str(path), read_only=True)), remote=True)
    inside = [] if path.is_file() else sorted(path.iterdir())
    found = [p for p in inside if p.is_file() and not p.name.startswith(".")] or [path]
    readable = [p for p in found if _suffix(p) in TEXT + TYPED]
    stems = [_stem(p) for p in readable]
    files = {p.name if stems.count(_stem(p)) > 1 else _stem(p): p for p in readable}
    if not files:
        raise BadInput(file=path.name, value=path.name, expected=Phrase("expected.source"))
    return Source(_embedded(), files=files)


def _embedded() -> Any:
    return _quiet(ibis.duckdb.connect())


def _quiet(con: Any) -> Any:
    con.con.execute("SET enable_progress_bar = false")
    return con


def _suffix(path: Path) -> str:
    name = path.name.lower()
    return next((end for end in TEXT + TYPED if name.endswith(end)), path.suffix.lower())


def _stem(path: Path) -> str:
    return path.name[: -len(_suffix(path))] if _suffix(path) else path.name


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns that DuckDB can take: names as text, categories and periods as what they hold."""
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise BadInput("two_columns", column=str(repeated[0]))
    taken = frame.reset_index(drop=True)
    names = distinct_names([str(name) for name in taken.columns])
    columns = (column for _, column in taken.items())
    converted = [_converted(c) if _needs_conversion(c) else c for c in columns]
    return pd.DataFrame(dict(zip(names, converted, strict=True)), index=taken.index)


def _needs_conversion(column: pd.Series[Any]) -> bool:
    return isinstance(column.dtype, pd.CategoricalDtype | pd.PeriodDtype) or (
        column.dtype == object
    )


def _converted(column: pd.Series[Any]) -> pd.Series[Any]:
    if isinstance(column.dtype, pd.PeriodDtype):
        return column.dt.start_time
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype(object).astype("string")
    inferred = column.infer_objects()
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if inferred.dtype != object or kind in ("date", "datetime", "boolean", "decimal"):
        return inferred if kind != "decimal" else column.astype(float)
    return column.astype("string")
