"""Registers as people keep them, that of actions first: CSV or a workbook, changed cell by cell.

Whoever writes says what they saw. A cell that somebody else has changed since is not overwritten,
and rows, columns and cells that nobody changed stay as they are.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from kpi_helpers.errors import BadInput, MissingColumn
from kpi_helpers.sources.files.delimited import shape_of
from kpi_helpers.sources.files.workbooks import open_workbook, text_of
from kpi_helpers.sources.saving import ENCODING, Change, as_before, difference, inert, updated

ID = "action_id"
NUMBER = re.compile(r"[-+]?\d[\d\s.,]*%?")
# What a workbook may hold that a new one with the same cells would not.
MORE = re.compile(rb"<(?:\w+:)?(?:f|dataValidation|conditionalFormatting)[ >]")
PARTS = re.compile(r"xl/(comments|threadedComments|drawings|charts|pivot|tables|vba)")
SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
# A workbook says when it was made: the same cells shall give the same bytes.
MADE = dt.datetime(2000, 1, 1)


class Held(NamedTuple):
    """A register as it lies on disk: its cells by line, and how they are written again."""

    rows: pd.DataFrame
    write: Callable[[pd.DataFrame], bytes]


def register(path: Path | str, keys: Sequence[str] = (ID,)) -> pd.DataFrame:
    """Read a register as text, by the lines of its file.

    Parameters
    ----------
    path
        A CSV file, of any usual separator and encoding, or a workbook (xlsx) of one sheet.
    keys
        The columns that tell one row from another.

    Returns
    -------
    DataFrame
        All its columns in their order, missing cells empty, days as ISO text.

    Raises
    ------
    BadInput
        When it cannot be read, or a row is longer than the header.
    MissingColumn
        Without the first of these columns.
    """
    return _told(_held(Path(path), keys).rows)


def recorded(
    path: Path | str, edited: pd.DataFrame, seen: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Write changed and new rows into a register, whole or not at all; return it as it is then.

    Parameters
    ----------
    path
        A CSV file or a workbook; made where it is missing.
    edited
        Rows with an ``action_id``; a row of a new one is added at the end, so is a new column.
        Rows that are left out stay as they are.
    seen
        What `register` returned before the rows were edited; by default all rows are new.

    Raises
    ------
    BadInput
        For a cell that has been changed by somebody else meanwhile, an id that is missing, that
        stands on several rows or that is gone, and a workbook that holds more than cells.
    KpiError
        When the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "actions.csv"
    >>> seen = recorded(file, pd.DataFrame({"action_id": ["A1"], "owner": ["Ann"]}))
    >>> print(recorded(file, seen.assign(owner="Zoë"), seen).to_string(index=False))
    action_id owner
           A1   Zoë
    """
    path = Path(path)
    updated(path, recording(path, edited, seen))
    return register(path)


def recording(
    path: Path,
    edited: pd.DataFrame,
    seen: pd.DataFrame | None = None,
    told: list[str] | None = None,
    keys: Sequence[str] = (ID,),
) -> Change:
    """Return what does as `recorded`, for `saving.updated`; it adds to ``told`` what changed."""

    def changed(old: bytes | None) -> bytes:
        held = _new(path, edited) if old is None else _held(path, keys)
        if old is not None and path.suffix.lower() != ".csv":
            _check_plain(path)
        rows = _merged(held.rows, edited, seen, path, keys)
        if old is not None and rows.equals(held.rows):
            return old
        before = "" if old is None else _lines(held.rows)
        (told if told is not None else []).extend(difference(path.name, before, _lines(rows)))
        return held.write(rows)

    return changed


def _merged(
    rows: pd.DataFrame,
    edited: pd.DataFrame,
    seen: pd.DataFrame | None,
    path: Path,
    keys: Sequence[str],
) -> pd.DataFrame:
    """The rows of a file with the cells in which an edit differs from what its author saw."""
    rows, now = rows.copy(), _told(rows)
    known = [] if seen is None else _told(seen).to_dict("records")
    before = {_name(row, keys): row for row in known}
    pairs = zip(edited.to_dict("records"), _told(edited).to_dict("records"), strict=True)
    changed = [(given, said) for given, said in pairs if said not in known]
    lines: dict[Any, str] = {line: _name(row, keys) for line, row in now.T.to_dict().items()}
    for given, said in changed:
        own = _name(said, keys)
        line = _line(lines, own, own in before, path, keys[0])
        for name, value in ((str(name), value) for name, value in said.items()):
            was = before.get(own, {}).get(name, "")
            here = now.loc[line, [name]].iloc[0] if line in now.index and name in now else ""
            if here not in (was, value) and value != was:
                place = {"file": path.name, "line": line, "column": name}
                raise BadInput("register_changed", **place, value=here, own=value)
            if value not in (was, here):
                rows.loc[line, [name]] = [_cell(given[name], value, path)]
        lines[line] = own
    _check_once([_name(said, keys) for _, said in changed], path, keys[0])
    rows = rows.reindex(columns=list(dict.fromkeys([*rows.columns, *edited.columns])))
    return rows.astype(object).where(rows.notna(), "")


def _name(row: Mapping[Any, str], keys: Sequence[str]) -> str:
    """What tells a row from the others."""
    return " · ".join(filter(None, (row.get(key, "") for key in keys)))


def _line(lines: dict[Any, str], said: str, was_there: bool, path: Path, column: str) -> int:
    """The line of a row, or the one after the last for a new one."""
    found = [line for line, name in lines.items() if name == said]
    _check_once([said] * len(found), path, column)
    if not said or (was_there and not found):
        why = "gone" if said else "nameless"
        raise BadInput(f"register_{why}", file=path.name, column=column, value=said)
    return int(found[0] if found else max(lines, default=1) + 1)


def _check_once(ids: list[str], path: Path, column: str) -> None:
    for name in ids:
        if ids.count(name) > 1:
            raise BadInput("register_many", file=path.name, column=column, value=name)


def _cell(given: Any, said: str, path: Path) -> Any:
    """A value for a file: text that a spreadsheet would run is made harmless, a number is none."""
    if path.suffix.lower() != ".csv":
        return given if isinstance(given, float | int | dt.date) else said
    return said if NUMBER.fullmatch(said) else inert(said)


def _told(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.astype(object).where(rows.notna(), "").map(lambda cell: as_before(text_of(cell)))


def _new(path: Path, edited: pd.DataFrame) -> Held:
    rows = pd.DataFrame(columns=list(edited.columns), dtype=object)
    if path.suffix.lower() == ".xlsx":
        return Held(rows, lambda cells: _workbook(cells, path.stem[:31]))
    return Held(rows, lambda cells: _text(cells, ",", "\n", ENCODING))


def _held(path: Path, keys: Sequence[str]) -> Held:
    if path.suffix.lower() == ".csv":
        return _of_csv(path, keys[0])
    if path.suffix.lower() != ".xlsx":
        raise BadInput("register_kind", file=path.name)
    with open_workbook(path) as (sheets, _):
        if not sheets:
            raise BadInput("no_sheet", file=path.name)
        name, cells = sheets[0].name, sheets[0].cells
        lines = list(enumerate(cells.iter_rows(), cells.start[0] + 1))
    return Held(_frame(lines, path, keys[0]), lambda rows: _workbook(rows, name))


def _of_csv(path: Path, column: str) -> Held:
    shape = shape_of(path)
    content = path.read_bytes()
    marked = content.startswith(b"\xef\xbb\xbf")
    encoding = ENCODING if marked else shape.encoding
    stream = io.StringIO(content.decode(encoding), newline="")
    reader = csv.reader(stream, delimiter=shape.delimiter)
    lines = list(_with_lines(reader))
    end = "\r\n" if b"\r\n" in content else "\n"
    frame = _frame(lines, path, column)
    return Held(frame, lambda rows: _text(rows, shape.delimiter, end, encoding))


def _with_lines(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Each row of a CSV file with the line on which it begins."""
    line = reader.line_num + 1
    for cells in reader:
        yield line, cells
        line = reader.line_num + 1


def _frame(lines: list[tuple[int, list[Any]]], path: Path, column: str) -> pd.DataFrame:
    (_, head), *rows = lines
    names = [text_of(cell) for cell in head]
    if twice := [name for place, name in enumerate(names) if name and name in names[:place]]:
        raise BadInput("register_twice", file=path.name, column=twice[0])
    for line, cells in rows:
        if any(map(text_of, cells[len(names) :])):
            raise BadInput("register_long", file=path.name, line=line, value=len(cells))
    cells = [[*row, *[""] * len(names)][: len(names)] for _, row in rows]
    frame = pd.DataFrame(cells, columns=names, index=[line for line, _ in rows], dtype=object)
    if column not in frame:
        raise MissingColumn(table=path.name, column=column, candidates=names)
    return frame


def _text(rows: pd.DataFrame, delimiter: str, end: str, encoding: str) -> bytes:
    written = _lines(rows, delimiter, end)
    try:
        return written.encode(encoding)
    except UnicodeEncodeError:  # a letter that Windows-1252 does not know
        return written.encode(ENCODING)


def _lines(rows: pd.DataFrame, delimiter: str = ",", end: str = "\n") -> str:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, lineterminator=end)
    writer.writerows([list(rows.columns), *rows.to_numpy().tolist()])
    return stream.getvalue()


def _workbook(rows: pd.DataFrame, name: str) -> bytes:
    import xlsxwriter

    stream = io.BytesIO()
    plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(stream, {"in_memory": True, **plain}) as book:
        book.set_properties({"created": MADE})
        sheet, day = book.add_worksheet(name), book.add_format({"num_format": "yyyy-mm-dd"})
        for place, cells in enumerate([list(rows.columns), *rows.to_numpy().tolist()]):
            for column, cell in enumerate(cells):
                if isinstance(cell, dt.date):
                    sheet.write_datetime(place, column, cell, day)
                elif cell != "":
                    sheet.write(place, column, cell)
    return stream.getvalue()


def _check_plain(path: Path) -> None:
    """Refuse to write a workbook again of which a person's formulas, notes or sheets would go."""
    with zipfile.ZipFile(path) as parts:
        sheets = [name for name in parts.namelist() if SHEET.fullmatch(name)]
        more = any(PARTS.match(name) for name in parts.namelist())
        if more or len(sheets) > 1 or any(MORE.search(parts.read(name)) for name in sheets):
            raise BadInput("register_more", file=path.name)
