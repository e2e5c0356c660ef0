"""Text files with separators: their encoding, their separator, and the line each row stands on.

A file whose every line is a row is read by the engine at once. Any other (title lines, line breaks
inside quotes, blank lines, rows with too many or too few cells) is first written out row by row,
each with its line, so that none is lost or listed at the wrong place.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import io
import itertools
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import duckdb

from kpi_helpers.errors import BadInput, first_line
from kpi_helpers.sources.files.archives import check_unpacked
from kpi_helpers.sources.files.grids import (
    Row,
    check_width,
    create,
    quoted_name,
    set_aside,
    store,
    text_cells,
)
from kpi_helpers.sources.files.headers import HEAD, LINE, Header, find_header

DELIMITERS = ";,\t|"
_CHUNK = 1 << 20
_SEP = re.compile(r'"?sep=[;,\t|]?"?', re.IGNORECASE)
_UNDEFINED = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")  # no characters of Windows-1252
_UTF8 = re.compile(rb"\xc3[\x80-\xbf]|\xc5[\x92\x93]|\xe2\x80[\x90-\xaf]|\xe2\x82\xac")  # é œ ’ €


@dataclass(frozen=True)
class Shape:
    """How a file is written; ``lines`` are those of its bytes, 0 where they tell no rows."""

    encoding: str
    lines: int
    delimiter: str
    header: Header


def read_delimited(con: Any, name: str, path: Path) -> None:
    """Read a text file into a table of text columns, with those of `ROW_FACTS` that it needs.

    Parameters
    ----------
    con
        DuckDB connection that receives the table.
    name
        Name of the table.
    path
        The file, possibly compressed with gzip.

    Raises
    ------
    BadInput
        When the file cannot be opened, is empty, is no text, leaves a quote open, or has a
        cell of endless text.
    """
    try:
        shape = shape_of(path)
        if not (shape.lines and _read_at_once(con, name, path, shape)):
            store(con, name, shape.header, _rows(path, shape), shape.delimiter)
    except (EOFError, OSError, UnicodeError, zlib.error) as error:
        raise BadInput("unreadable_source", file=path.name, reason=first_line(error)) from error


def _read_at_once(con: Any, name: str, path: Path, shape: Shape) -> bool:
    """Whether each line of the file was a row, so that its rows could be read as they stand."""
    names, cells = shape.header.names, f"{name} (cells)"
    try:
        create(con, cells, "*", text_cells(path, shape.delimiter, names, header=True))
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error:
        return False
    table = quoted_name(cells)
    (rows,) = con.execute(f"SELECT count(*) FROM {table}").fetchone()
    if rows != shape.lines - 1:
        return False
    set_aside(con, cells, names)
    # The engine numbers rows by itself, in the order of the file: counting them costs a third.
    line = f'SELECT *, rowid + 2 AS "{LINE}" FROM {table}'
    con.execute(f"CREATE VIEW {quoted_name(name)} AS {line}")
    return True


def shape_of(path: Path) -> Shape:
    """Return how a text file is written; errors as of `read_delimited`."""
    with _bytes(path) as stream:
        start = stream.read(4)
        if path.suffix == ".gz":
            # Once more through the file, but only as far as the limit.
            while stream.read(_CHUNK):
                check_unpacked(path, stream.tell())
    marked = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding, lines = ("utf-16", 0) if marked else _encoding(path)
    first = {mark: _first_rows(path, encoding, mark) for mark in DELIMITERS}
    found = {mark: find_header([cells for _, cells in rows]) for mark, rows in first.items()}
    widths = {mark: len(header.names) for mark, header in found.items() if header is not None}
    if not widths:
        filled = any(cell.strip() for _, cells in first[";"] for cell in cells)
        raise BadInput("no_header" if filled else "empty_file", file=path.name)
    delimiter = max(widths, key=lambda mark: widths[mark])
    header = cast("Header", found[delimiter])
    check_width(header.names, path.name)
    line, cells = first[delimiter][0]
    plain = (line, header.first, header.below) == (1, 0, 1)
    one_line = plain and not any("\n" in cell or "\r" in cell for cell in cells)
    return Shape(encoding, lines if one_line else 0, delimiter, header)


def _encoding(path: Path) -> tuple[str, int]:
    """UTF-8 where the whole file is, else Windows-1252; its lines, where they end in one way."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, alone, last = 0, 0, b"\n"
    with _bytes(path) as stream:
        while chunk := stream.read(_CHUNK):
            if b"\x00" in chunk:
                line = lines + chunk[: chunk.index(b"\x00")].count(b"\n") + 1
                raise BadInput("zero_bytes", file=path.name, line=line)
            lines += chunk.count(b"\n")
            if b"\r" in chunk or last == b"\r":
                pairs = chunk.count(b"\r\n") + (last == b"\r" and chunk[:1] == b"\n")
                alone += chunk.count(b"\r") - pairs
            last = chunk[-1:]
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                _check_windows(path)
                return "cp1252", 0
    return "utf-8", 0 if alone else lines + (last != b"\n")


def _check_windows(path: Path) -> None:
    """Refuse a file of two encodings, and bytes that Windows-1252 has no character for."""
    line = 1
    with _bytes(path) as stream:
        for part in iter(lambda: stream.readline(_CHUNK), b""):
            odd = _UNDEFINED.search(part) or _UTF8.search(part)
            if odd:
                key = "two_encodings" if _UTF8.match(odd[0]) else "unknown_byte"
                raise BadInput(key, file=path.name, line=line, value=odd[0].hex())
            line += part.endswith(b"\n")


def _bytes(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path)) if path.suffix == ".gz" else open(path, "rb")


def _first_rows(path: Path, encoding: str, delimiter: str) -> list[Row]:
    """The rows among which the header is, up to one that this separator cannot cut."""
    rows: list[Row] = []
    with open_text(path, encoding) as stream, contextlib.suppress(BadInput):
        rows.extend(itertools.islice(_records(stream, delimiter, path.name), HEAD))
    return rows


def open_text(path: Path, encoding: str) -> IO[str]:
    """A file as text, its line ends as they stand."""
    name = "utf-8-sig" if encoding == "utf-8" else encoding
    return io.TextIOWrapper(_bytes(path), encoding=name, newline="")


def _rows(path: Path, shape: Shape) -> Iterator[Row]:
    with open_text(path, shape.encoding) as stream:
        yield from _records(stream, shape.delimiter, path.name)


def _records(stream: IO[str], delimiter: str, file: str) -> Iterator[Row]:
    """Every row with the line it begins on, but for one that only names the separator."""
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader, None)
        except csv.Error as error:
            # A quote that is left open goes on over the lines that follow.
            if "field limit" in str(error) and reader.line_num <= line:
                most = csv.field_size_limit()
                raise BadInput("long_cell", file=file, line=line, most=most) from error
            raise BadInput("open_quote", file=file, line=line) from error
        if record is None:
            return
        if line > 1 or not _SEP.fullmatch(delimiter.join(record)):
            yield line, record
