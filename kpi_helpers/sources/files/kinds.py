"""Which raw tables a file holds; what it is, its content tells and not its name."""

from __future__ import annotations

import glob
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb

from kpi_helpers.errors import BadInput, KpiError, first_line, unknown
from kpi_helpers.language import Phrase
from kpi_helpers.sources.files.archives import DAMAGED, unpacked
from kpi_helpers.sources.files.delimited import read_delimited
from kpi_helpers.sources.files.grids import quoted_name, quoted_text, split_head, stack, store
from kpi_helpers.sources.files.objects import LINES, is_lines, read_objects
from kpi_helpers.sources.files.sqlite import open_sqlite
from kpi_helpers.sources.files.webpages import read_page
from kpi_helpers.sources.files.workbooks import Sheet, open_workbook

TEXT = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods")
OBJECTS = (".json", *LINES)
SQLITE = (".sqlite", ".sqlite3", ".db")
PARQUET = ".parquet"
ENDINGS = (*TEXT, *WORKBOOKS, *OBJECTS, *SQLITE, ".html", ".htm", ".zip", PARQUET)
MOST_HELD = 256 << 20  # web pages and JSON are held whole, at some ten times their size

FAULTS = (OSError, UnicodeError, duckdb.Error)  # of the system, of a text's letters, of the engine

_START = 4096
_WORKBOOK = (b"xl/workbook", b"application/vnd.oasis.opendocument.spreadsheet")
_MAGIC = {
    b"%PDF": "pdf",
    b"\x89PNG": "picture",
    b"\xff\xd8\xff": "picture",
    b"GIF8": "picture",
    b"PAR1": "parquet",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\xd0\xcf\x11\xe0": "workbook",
    b"SQLite format 3\x00": "sqlite",
}
_PAGE = (b"<!doctype html", b"<html", b"<head", b"<meta", b"<table", b"<body", b"<div")


@dataclass(frozen=True)
class Raw:
    """A raw table of a file.

    ``label`` is what a person calls it (``crm.xlsx/Deals``), ``stem`` the name that it is known
    by, ``file`` the name of its file, ``path`` that file where it is read when it is asked for.
    """

    label: str
    stem: str
    file: str
    path: Path | None = None


@dataclass(frozen=True)
class Found:
    """The raw tables of a file, and why what else it holds was passed over, by its name."""

    tables: list[Raw]
    passed: Mapping[str, Phrase | KpiError] = field(default_factory=dict)


def raw_tables(con: Any, path: Path) -> Found:
    """What a file holds: text and parquet are read when asked for, anything else at once.

    Raises
    ------
    BadInput
        When it is of no kind that can be read, or damaged.
    """
    kind = _kind(path)
    if kind in ("text", "parquet"):
        return Found([Raw(path.name, stem_of(path), path.name, path)])
    if kind not in _READERS:
        raise BadInput("other_kind", file=path.name, kind=Phrase(f"files.{kind}"))
    with unchanged(path):
        return _READERS[kind](con, path)


def refusal(file: str, error: Exception) -> BadInput:
    """What is wrong with a file, said by us, by the system or by the engine."""
    if isinstance(error, BadInput):
        return error
    # Of other files, and of what the system says, the engine's reason may be our own doing.
    odd = file.lower().endswith(PARQUET) and isinstance(error, duckdb.Error)
    key = "damaged" if odd and not isinstance(error, duckdb.IOException) else "unreadable_source"
    return BadInput(key, file=file, reason=first_line(error))


@contextmanager
def unchanged(path: Path) -> Iterator[None]:
    """Refuse a file that grew, shrank or was replaced while it was read."""
    before = path.stat()
    yield
    after = path.stat()
    if any(getattr(before, own) != getattr(after, own) for own in _STAMP):
        raise BadInput("changed", file=path.name)


_STAMP = ("st_size", "st_mtime_ns", "st_ino")


def stem_of(path: Path) -> str:
    """The name of a file without its ending."""
    name = path.name.lower()
    ending = next((each for each in ENDINGS if name.endswith(each)), path.suffix)
    return path.name[: len(path.name) - len(ending)]


def there(path: Path) -> None:
    """Refuse a path at which there is nothing.

    Raises
    ------
    UnknownName
        With the nearest names of its folder.
    BadInput
        For a link that leads nowhere.
    """
    if os.path.exists(path):  # which a name that no file can have does not stop
        return
    if os.path.islink(path):
        raise BadInput("dead_link", file=path.name)
    if not os.path.isdir(path.parent):
        raise unknown("file", path, [])
    beside = [each.name for each in path.parent.iterdir()]
    raise unknown("file", path.name, [name for name in beside if not name.startswith(".")])


def is_parquet(path: Path) -> bool:
    """Whether a file is a parquet file."""
    return _kind(path) == "parquet"


def is_sqlite(path: Path) -> bool:
    """Whether a file is one of SQLite, and not of DuckDB, which has the same endings."""
    return _kind(path) == "sqlite"


def _kind(path: Path) -> str:
    if not path.is_file():
        raise BadInput("no_file", file=path.name)
    if path.name.lower().endswith(PARQUET):
        return "parquet"
    with open(path, "rb") as stream:
        start = stream.read(_START)
    kind = next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), "text")
    words = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if words.startswith(_PAGE) or (words.startswith(b"<?xml") and b"<html" in words):
        return "page"
    if words.startswith(b"<?xml"):
        return "xml"
    if kind == "text" and path.name.lower().endswith(OBJECTS):
        return "objects"
    return _kind_of_zip(path) if kind == "zip" else kind


def _kind_of_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as parts:
            names = parts.namelist()
            if "Index/Document.iwa" in names or "Index.zip" in names:
                return "numbers"
            said = parts.read("mimetype") if "mimetype" in names else " ".join(names).encode()
    except (*DAMAGED, RuntimeError) as error:
        raise BadInput("damaged", file=path.name, reason=str(error)) from error
    return "workbook" if any(mark in said for mark in _WORKBOOK) else "zip"


def _workbook(con: Any, path: Path) -> Found:
    with open_workbook(path) as (sheets, hidden):
        if not sheets:
            raise BadInput("no_sheet", file=path.name)
        passed: dict[str, Phrase | KpiError] = {
            f"{path.name}/{name}": Phrase("files.hidden") for name in hidden
        }
        alike: dict[tuple[str, ...], list[Sheet]] = {}
        for sheet in sheets:
            try:
                header, rows = split_head(sheet.rows(), sheet.label)
            except BadInput as error:
                if len(sheets) == 1:
                    raise
                passed[sheet.label] = error
                continue
            store(con, sheet.label, header, rows)
            alike.setdefault(tuple(map(str.casefold, header.names)), []).append(sheet)
    single = len(sheets) == 1
    return Found([_of_sheets(con, path, group, single) for group in alike.values()], passed)


def _of_sheets(con: Any, path: Path, sheets: list[Sheet], single: bool) -> Raw:
    """The table of a sheet, or of several with the same columns, such as one a month."""
    if len(sheets) == 1:
        return Raw(sheets[0].label, stem_of(path) if single else sheets[0].name, path.name)
    stack(con, path.name, {sheet.label: sheet.name for sheet in sheets})
    return Raw(path.name, stem_of(path), path.name)


def _page(con: Any, path: Path) -> Found:
    _check_held(path)
    tables = []
    found = read_page(path)
    for number, grid in enumerate(found, 1):
        label = path.name if len(found) == 1 else f"{path.name}/{number}"
        store(con, label, *split_head(grid, label))
        stem = stem_of(path) if len(found) == 1 else label
        tables.append(Raw(label, stem, path.name))
    return Found(tables)


def _objects(con: Any, path: Path) -> Found:
    if not is_lines(path):
        _check_held(path)
    store(con, path.name, *read_objects(path))
    return Found([Raw(path.name, stem_of(path), path.name)])


def _check_held(path: Path) -> None:
    size = path.stat().st_size
    if size > MOST_HELD:
        raise BadInput("too_large", file=path.name, size=size >> 20, most=MOST_HELD >> 20)


def _sqlite(con: Any, path: Path) -> Found:
    tables = []
    with open_sqlite(path) as found:
        for table in found:
            label = f"{path.name}/{table.name}"
            store(con, label, table.header, table.rows)
            tables.append(Raw(label, table.name, path.name))
    return Found(tables)


def _zip(con: Any, path: Path) -> Found:
    """The tables of the files in a zip archive, each read while it is unpacked."""
    tables: list[Raw] = []
    passed: dict[str, Phrase | KpiError] = {}
    for member, name in unpacked(path, ENDINGS):
        label = f"{path.name}/{name}"
        place = label.removesuffix(member.name)
        try:
            if _kind(member) == "zip":
                raise BadInput("other_kind", file=label, kind=Phrase("files.zip"))
            found = raw_tables(con, member)
            tables += [_read_now(con, raw, path.name, place) for raw in found.tables]
            passed |= {f"{place}{sheet}": why for sheet, why in found.passed.items()}
        except (BadInput, *FAULTS) as error:
            passed[label] = refusal(label, error)
    failed = [why for why in passed.values() if isinstance(why, KpiError)]
    if not tables:
        raise failed[0] if failed else BadInput("nothing_inside", file=path.name)
    return Found(tables, passed)


def _read_now(con: Any, raw: Raw, archive: str, place: str) -> Raw:
    """A raw table of an unpacked file, in the engine under the name that says where it was."""
    label = f"{place}{raw.label}"
    if raw.path is None:
        con.execute(f"ALTER TABLE {quoted_name(raw.label)} RENAME TO {quoted_name(label)}")
    elif is_parquet(raw.path):
        file = quoted_text(glob.escape(str(raw.path)))
        con.execute(f"CREATE TABLE {quoted_name(label)} AS FROM read_parquet({file})")
    else:
        read_delimited(con, label, raw.path)
    return replace(raw, label=label, file=archive, path=None)


_READERS = {
    "workbook": _workbook,
    "page": _page,
    "objects": _objects,
    "sqlite": _sqlite,
    "zip": _zip,
}
