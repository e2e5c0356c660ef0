"""Text files with separators: their encoding, their separator, and the line each row stands on.

A file whose every line is a row is read by the engine at once. Any other (line breaks inside
quotes, blank lines, rows with too many or too few cells) is first written out row by row, each
with its line, so that none is lost or listed at the wrong place.
"""

from __future__ import annotations

import codecs
import csv
import glob
import gzip
import io
import itertools
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import duckdb

from kpi_helpers.errors import BadInput
from kpi_helpers.language import Phrase

DELIMITERS = ";,\t|"
LINE = "_kpi_line"
SURPLUS = "…"
_CHUNK = 1 << 20
_OTHER_KINDS = (b"%PDF", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1")


@dataclass(frozen=True)
class _Shape:
    """How a file is written; ``lines`` are those of its bytes, 0 where they tell no rows."""

    encoding: str
    lines: int
    delimiter: str
    header: list[str]


def read_delimited(con: Any, name: str, path: Path) -> None:
    """Read a text file into a table of text columns, with `LINE` and, where needed, `SURPLUS`.

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
        When the file cannot be opened, is empty, is no text, or leaves a quote open.
    """
    try:
        shape = _shape(path)
        if shape.lines and _read_at_once(con, name, path, shape):
            return
        with tempfile.TemporaryDirectory(prefix="kpi-") as folder:
            copy = Path(folder) / "rows.csv"
            with open(copy, "w", encoding="utf-8", newline="") as stream:
                csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(
                    _rows(path, shape)
                )
            line = f'* REPLACE ("{LINE}"::BIGINT AS "{LINE}")'
            names = [LINE, SURPLUS, *shape.header]
            _create(con, name, line, _cells(copy, ",", names, header=False))
    except (EOFError, OSError, UnicodeError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput("unreadable_source", file=path.name, reason=reason) from error


def _read_at_once(con: Any, name: str, path: Path, shape: _Shape) -> bool:
    """Whether each line of the file was a row, so that its rows could be read as they stand."""
    line = f'*, row_number() OVER () + 1 AS "{LINE}"'
    try:
        _create(con, name, line, _cells(path, shape.delimiter, shape.header, header=True))
    except duckdb.Error:
        return False
    (rows,) = con.execute(f"SELECT count(*) FROM {quoted_name(name)}").fetchone()
    return bool(rows == shape.lines - 1)


def _create(con: Any, name: str, columns: str, cells: str) -> None:
    con.execute(f"CREATE OR REPLACE TABLE {quoted_name(name)} AS SELECT {columns} FROM {cells}")


def _cells(path: Path, delimiter: str, names: list[str], *, header: bool) -> str:
    """SQL that reads a file's cells as text under the names of its header, and guesses nothing."""
    columns = ", ".join(f"{quoted_text(name)}: 'VARCHAR'" for name in names)
    dialect = f"delim={quoted_text(delimiter)}, quote='\"', escape='\"', nullstr=''"
    lines = "" if header else ", new_line='\\n'"
    options = f"auto_detect=false, header={str(header).lower()}, {dialect}{lines}"
    # In a file's own name, [ and * would match other files.
    file = quoted_text(glob.escape(str(path)))
    return f"read_csv({file}, columns={{{columns}}}, {options})"


def quoted_name(name: str) -> str:
    """A name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def quoted_text(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def _shape(path: Path) -> _Shape:
    with _bytes(path) as stream:
        start = stream.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding, lines = "utf-16", 0
    elif start.startswith(_OTHER_KINDS) or b"\x00" in start:
        raise BadInput(file=path.name, value=repr(start), expected=Phrase("expected.csv"))
    else:
        encoding, lines = _encoding(path)
    first = {mark: _first_record(path, encoding, mark) for mark in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda mark: len(first[mark]))
    if not first[delimiter]:
        raise BadInput("empty_file", file=path.name)
    one_line = not any("\n" in cell or "\r" in cell for cell in first[delimiter])
    names = distinct_names(first[delimiter])
    return _Shape(encoding, lines if one_line else 0, delimiter, names)


def _encoding(path: Path) -> tuple[str, int]:
    """UTF-8 where the whole file is, else Windows-1252; its lines, where they end in one way."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, alone, last = 0, 0, b"\n"
    with _bytes(path) as stream:
        while chunk := stream.read(_CHUNK):
            pairs = chunk.count(b"\r\n") + (last == b"\r" and chunk[:1] == b"\n")
            lines, alone = lines + chunk.count(b"\n"), alone + chunk.count(b"\r") - pairs
            last = chunk[-1:]
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                return "cp1252", 0
    return "utf-8", 0 if alone else lines + (last != b"\n")


def _bytes(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path)) if path.suffix == ".gz" else open(path, "rb")


def _text(path: Path, encoding: str) -> IO[str]:
    errors = "replace" if encoding == "cp1252" else "strict"
    name = "utf-8-sig" if encoding == "utf-8" else encoding
    return io.TextIOWrapper(_bytes(path), encoding=name, errors=errors, newline="")


def _first_record(path: Path, encoding: str, delimiter: str) -> list[str]:
    """The cells of the first line that is not blank."""
    with _text(path, encoding) as stream:
        try:
            records = csv.reader(stream, delimiter=delimiter)
            return next((r for r in records if any(cell.strip() for cell in r)), [])
        except csv.Error:
            return []


def distinct_names(header: list[str]) -> list[str]:
    """The names of a header as an engine can hold them, each different but for case.

    Examples
    --------
    >>> distinct_names(["Amount", "", "amount"])
    ['Amount', 'column 2', 'amount (2)']
    """
    names: list[str] = []
    taken = {LINE, SURPLUS}
    for place, cell in enumerate(header, start=1):
        name = cell.replace("\x00", "").strip() or f"column {place}"
        again = (f"{name} ({number})" for number in itertools.count(2))
        name = next(again) if name.casefold() in taken else name
        while name.casefold() in taken:
            name = next(again)
        taken.add(name.casefold())
        names.append(name)
    return names


def _rows(path: Path, shape: _Shape) -> Iterator[list[str]]:
    """Every row below the header, after its line and what stands beyond the header's columns."""
    width = len(shape.header)
    with _text(path, shape.encoding) as stream:
        reader = csv.reader(stream, delimiter=shape.delimiter, strict=True)
        header = True
        while True:
            line = reader.line_num + 1
            try:
                record = next(reader, None)
            except csv.Error as error:
                raise BadInput("open_quote", file=path.name, line=line) from error
            if record is None:
                return
            if header or (len(record) < 2 and not "".join(record).strip()):
                header = header and not any(cell.strip() for cell in record)
                continue
            surplus = shape.delimiter.join(record[width:]).strip(f"{shape.delimiter} ")
            yield [str(line), surplus, *record[:width], *[""] * (width - len(record))]
