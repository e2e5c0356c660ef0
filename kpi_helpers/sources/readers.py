"""Opens what a person has: frames, files, folders, databases; the only place that reads them.

Text files are read by DuckDB with every cell as text; our own rules (``sources.parsing``) turn the
text into dates and numbers afterwards, so that nothing is lost or guessed on the way in.
"""

from __future__ import annotations

import csv
import gzip
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import duckdb
import ibis
import ibis.expr.types as ir
import pandas as pd

from kpi_helpers.errors import BadInput, unknown
from kpi_helpers.sources.config import Config
from kpi_helpers.sources.databases import connect

TEXT = (".csv", ".tsv", ".txt", ".csv.gz")
TYPED = (".parquet",)
DATABASES = (".duckdb", ".ddb", ".db")
DELIMITERS = ";,\t|"
LINE = "_line"


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
    _folder: Any = None

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
        """The result of an SQL query on the raw tables."""
        import sqlglot
        from sqlglot import exp

        try:
            tree = sqlglot.parse_one(sql, dialect=self.con.name)
        except sqlglot.errors.SqlglotError as error:
            raise BadInput(value=sql, expected="SQL", fix=str(error)) from error
        inner = {cte.alias_or_name for cte in tree.find_all(exp.CTE)}
        for used in {each.name for each in tree.find_all(exp.Table)} - inner:
            self.table(used)
        return self.con.sql(sql)

    def _open(self, name: str) -> ir.Table:
        if name in self.frames:
            self.con.con.register(f"frame_{name}", _plain(self.frames[name]))
            self._create(name, f'SELECT * FROM "frame_{name}"')
            self.con.con.unregister(f"frame_{name}")
        elif name in self.files:
            self._open_file(name, self.files[name])
        return self.con.table(name)

    def _create(self, name: str, select: str) -> None:
        quoted = name.replace('"', '""')
        self.con.raw_sql(
            f'CREATE OR REPLACE TABLE "{quoted}" AS '
            f"SELECT *, row_number() OVER () AS {LINE} FROM ({select})"
        )

    def _open_file(self, name: str, path: Path) -> None:
        if _suffix(path) in TYPED:
            self.con.read_parquet(str(path), table_name=name)
            return
        if path.stat().st_size == 0:
            raise BadInput(file=path.name, value="", expected="header", fix=str(path.name))
        readable = self._utf8(path)
        delimiter = _delimiter(readable)
        options = f"delim={_quoted(delimiter)}, header=true, all_varchar=true, quote='\"'"
        try:
            self._create(
                name, f"SELECT * FROM read_csv({_quoted(str(readable))}, {options}, nullstr='')"
            )
        except duckdb.Error as error:
            raise BadInput(
                file=path.name, value=str(error).splitlines()[0], expected="CSV"
            ) from error

    def _utf8(self, path: Path) -> Path:
        """The file itself when it is UTF-8, else a copy that is."""
        encoding = _encoding(path)
        if encoding == "utf-8":
            return path
        if self._folder is None:
            self._folder = tempfile.mkdtemp(prefix="kpi-")
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        copy = Path(self._folder) / path.name.removesuffix(".gz")
        with _open_bytes(path) as old, open(copy, "w", encoding="utf-8", newline="") as new:
            for chunk in _decoded(old, encoding):
                new.write(chunk)
        return copy


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
        return Source(_embedded(), frames=dict(source))
    text = os.fspath(source)
    if "://" in text:
        return Source(connect(text, config), remote=True)
    path = Path(text)
    if not path.exists():
        siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise unknown("file", path.name, siblings)
    if path.suffix in DATABASES:
        return Source(_quiet(ibis.duckdb.connect(str(path), read_only=True)), remote=True)
    found = [path] if path.is_file() else sorted(p for p in path.iterdir() if p.is_file())
    files = {_stem(p): p for p in found if _suffix(p) in TEXT + TYPED}
    if not files:
        raise BadInput(file=path.name, value=path.name, expected=", ".join(TEXT + TYPED))
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


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns that DuckDB can take: names as text, categories and periods as what they hold."""
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise BadInput(column=str(repeated[0]), value=str(repeated[0]), expected="unique")
    taken = frame.reset_index(drop=True)
    converted = {
        name: _converted(column) for name, column in taken.items() if _needs_conversion(column)
    }
    taken = taken.assign(**{str(name): column for name, column in converted.items()})
    return taken.rename(columns=str)


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


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _open_bytes(path: Path) -> IO[bytes]:
    return gzip.open(path) if path.suffix == ".gz" else open(path, "rb")  # type: ignore[return-value]


def _encoding(path: Path) -> str:
    """UTF-16 by its byte order mark, else UTF-8 where the whole file is, else Windows-1252."""
    with _open_bytes(path) as stream:
        start = stream.read(4)
        if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return "utf-16"
        if b"\x00" in start or start.startswith(b"%PDF"):
            raise BadInput(file=path.name, value=repr(start), expected="CSV")
        stream.seek(0)
        try:
            for _ in _decoded(stream, "utf-8"):
                pass
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def _decoded(stream: IO[bytes], encoding: str) -> Iterator[str]:
    import codecs

    decoder = codecs.getincrementaldecoder(encoding)(
        errors="replace" if encoding == "cp1252" else "strict"
    )
    while chunk := stream.read(1 << 20):
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def _delimiter(path: Path) -> str:
    """The separator that cuts the header into most cells."""
    with _open_bytes(path) as stream:
        header = stream.readline(1 << 20).decode("utf-8-sig", errors="replace")
    cells = {mark: len(next(csv.reader([header], delimiter=mark), [])) for mark in DELIMITERS}
    return max(cells, key=lambda mark: cells[mark])
