"""Workbooks (xlsx, xlsm, xls, ods): each visible sheet a grid of text, read by calamine.

calamine holds a sheet as a dense block and ends the process when that block does not fit: how far
the cells of a sheet reach, and how large its parts unpack, is checked before.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np

from kpi_helpers.errors import BadInput
from kpi_helpers.sources.files.archives import checked_zip
from kpi_helpers.sources.files.grids import Row
from kpi_helpers.sources.files.headers import HEAD

MOST_CELLS = 20_000_000  # calamine takes some 32 bytes a cell: 640 MB
MOST_BYTES = 1 << 30  # a million rows of twenty columns unpack to 0.8 GB
LONGEST_NUMBER = 10**15  # a cell keeps 15 digits; of a longer number the last ones are made up
WORKSHEET, VISIBLE = "SheetTypeEnum.WorkSheet", "SheetVisibleEnum.Visible"
HALF = 500_000  # microseconds; a date is a fraction that rarely ends on the second
_CHUNK, _TAG = 1 << 20, 1000
# Places beyond any sheet count too: calamine would hold room for them.
_CELL = re.compile(rb"""<(?:\w+:)?c\s[^>]*?r=["']([A-Za-z]+)([0-9]+)["']([^>]*)>""")
_ROW = re.compile(rb"""<(?:\w+:)?row\s[^>]*?r=["']([0-9]+)["']""")
_NAMELESS = re.compile(rb"""<(?:\w+:)?c(?![^>]* r=)[ >]""")  # a cell that stands where it comes
_REPEATED = re.compile(
    rb"""<table:table-cell(?=[^>]*value-type)[^>]*number-columns-repeated=["']([0-9]+)["']"""
)
_WIDEST = 16_384
_COMMA = re.compile(r"[^a-zA-Z]*[0-9],[0-9]{1,2}[^0-9a-zA-Z]*")
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


class Extent(NamedTuple):
    """How far the cells of a sheet reach, and where it shows an error such as #N/A."""

    rows: int
    columns: int
    errors: frozenset[tuple[int, int]]


NOWHERE = Extent(0, 0, frozenset())


class Sheet(NamedTuple):
    """A visible sheet that holds cells: its name, and what a person calls it."""

    name: str
    label: str
    cells: Any
    errors: frozenset[tuple[int, int]]

    def rows(self) -> Iterator[Row]:
        """Each row that holds anything, as text, with its number in the sheet.

        Numbers come as plain decimals, dates in ISO form, errors as ``#N/A``; a merged cell of
        text fills the cells that it covers.
        """
        commas, first = _with_comma(self.cells), self.cells.start[1]
        covered = _covered(self.cells) | dict.fromkeys(self.errors, "#N/A")
        rows_covered = {row for row, _ in covered}
        for number, values in enumerate(self.cells.iter_rows()):
            self._check_digits(values, number + 1)
            row = [text_of(v, "," if n in commas else ".") for n, v in enumerate(values)]
            if number in rows_covered:
                row = [covered.get((number, first + n), cell) for n, cell in enumerate(row)]
            if any(row):
                yield number + 1, row

    def _check_digits(self, values: Sequence[Any], line: int) -> None:
        for value in values:
            if isinstance(value, float) and abs(value) >= LONGEST_NUMBER:
                raise BadInput("long_number", file=self.label, line=line, value=f"{value:.0f}")


@contextmanager
def open_workbook(path: Path) -> Iterator[tuple[list[Sheet], list[str]]]:
    """The visible sheets of a workbook that hold cells, and the names of its hidden sheets.

    Raises
    ------
    BadInput
        When the workbook is damaged, has a password, or is too large, naming the sheet.
    """
    import python_calamine as calamine

    extents = _extents(path) if zipfile.is_zipfile(path) else {}
    try:
        with calamine.load_workbook(path) as book:
            grids = [each for each in book.sheets_metadata if str(each.typ) == WORKSHEET]
            shown = [each.name for each in grids if str(each.visible) == VISIBLE]
            hidden = [each.name for each in grids if each.name not in shown]
            sheets = [_sheet(book, name, path.name, extents.get(name, NOWHERE)) for name in shown]
            yield [sheet for sheet in sheets if sheet.cells.start is not None], hidden
    except calamine.PasswordError as error:
        raise BadInput("password", file=path.name) from error
    except calamine.CalamineError as error:
        raise BadInput("damaged", file=path.name, reason=str(error)) from error


def _sheet(book: Any, name: str, file: str, extent: Extent) -> Sheet:
    cells, label = book.get_sheet_by_name(name), f"{file}/{name}"
    if cells.start is not None:
        _check_size(cells.total_height, cells.width, label)
    return Sheet(name, label, cells, extent.errors)


def _extents(path: Path) -> dict[str, Extent]:
    """The extent of each sheet of an xlsx file; none of a workbook is larger than can be held."""
    found: dict[str, Extent] = {}
    with checked_zip(path, MOST_BYTES) as parts:
        if "content.xml" in parts.namelist():
            texts = _texts(parts, "content.xml")
            repeated = sum(int(n) for text in texts for n in _REPEATED.findall(text))
            _check_size(1, repeated, path.name)
            return found
        try:
            for name, part in _sheet_parts(parts):
                found[name] = _extent(parts, part)
                _check_size(found[name].rows, found[name].columns, f"{path.name}/{name}")
        except (LookupError, ValueError, ElementTree.ParseError) as error:  # two of encodings
            raise BadInput("damaged", file=path.name, reason=str(error)) from error
    return found


def _sheet_parts(parts: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """The name of each sheet of an xlsx file, and the part that holds its cells."""
    names = set(parts.namelist())
    links = ElementTree.fromstring(parts.read("xl/_rels/workbook.xml.rels"))
    targets = {str(link.get("Id")): str(link.get("Target")).lstrip("/") for link in links}
    for sheet in ElementTree.fromstring(parts.read("xl/workbook.xml")).iter():
        target = targets.get(str(sheet.get(_RELATION)), "")
        part = target if target in names else f"xl/{target}"
        if sheet.tag.endswith("}sheet") and part in names:
            yield str(sheet.get("name")), part


def _texts(parts: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """A part piece by piece; a tag that a piece cuts stands whole in the next one."""
    kept = b""
    with parts.open(part) as stream:
        while text := stream.read(_CHUNK):
            text = kept + text
            kept = text[text.rfind(b"<") :][:_TAG]
            yield text


def _extent(parts: zipfile.ZipFile, part: str) -> Extent:
    rows, named, nameless = 0, 0, 0
    columns: set[bytes] = set()
    errors: set[tuple[int, int]] = set()
    for text in _texts(parts, part):
        filled = [cell for cell in _CELL.findall(text) if cell[2][-1:] != b"/"]
        columns |= {column for column, _, _ in filled}
        nameless += len(_NAMELESS.findall(text))
        rows = max([rows, *(int(row) for _, row, _ in filled)])
        named = max([named, *(int(row) for row in _ROW.findall(text))])
        errors |= {(int(r) - 1, _place(c)) for c, r, own in filled if b't="e"' in own}
    widest = max([min(nameless, _WIDEST), *(_place(column) + 1 for column in columns)])
    return Extent(max(rows, named) if nameless else rows, widest, frozenset(errors))


def _place(letters: bytes) -> int:
    place = 0
    for letter in letters.upper():
        place = 26 * place + letter - 64
    return place - 1


def _check_size(rows: int, columns: int, file: str) -> None:
    if rows * columns > MOST_CELLS:
        raise BadInput("too_large_sheet", file=file, rows=rows, columns=columns, most=MOST_CELLS)


def _covered(cells: Any) -> dict[tuple[int, int], str]:
    """What stands in the cells under a merged text; a title over the whole width is left alone."""
    merged = [each for each in cells.merged_cell_ranges or [] if _is_part(each, cells)]
    leads = {top for (top, _), _ in merged}
    rows = {n: row for n, row in enumerate(cells.iter_rows() if leads else ()) if n in leads}
    found: dict[tuple[int, int], str] = {}
    for (top, left), (bottom, right) in merged:
        value = rows[top][left - cells.start[1]]
        if isinstance(value, str):
            places = itertools.product(range(top, bottom + 1), range(left, right + 1))
            found |= dict.fromkeys(places, value.strip())
    return found


def _is_part(merged: Any, cells: Any) -> bool:
    """Whether a merged range ends within the sheet's cells and is no title over all of them."""
    (top, left), (bottom, right) = merged
    within = bottom <= cells.end[0] and cells.start[1] <= left and right <= cells.end[1]
    return within and (right - left + 1 < cells.width) and (right == left or top < HEAD)


def _with_comma(cells: Any) -> set[int]:
    """Columns in which numbers that are stored as text have a decimal comma."""
    return {
        place
        for row in cells.iter_rows()
        for place, value in enumerate(row)
        if isinstance(value, str) and "," in value and _COMMA.fullmatch(value)
    }


def text_of(value: Any, decimal: str = ".") -> str:
    """A typed value as the text that our reading rules take for it.

    Examples
    --------
    >>> [text_of(value) for value in (12.0, 1234.567, 0.3, True, None)]
    ['12', '1234.5670', '0.3', 'true', '']
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return unambiguous(np.format_float_positional(value, trim="-")).replace(".", decimal)
    if isinstance(value, dt.datetime):
        second = value.replace(microsecond=0) + dt.timedelta(seconds=value.microsecond >= HALF)
        return second.isoformat(" ").removesuffix(" 00:00:00")
    if isinstance(value, dt.timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return str(value).strip() if isinstance(value, str) else str(value)


def unambiguous(number: str) -> str:
    """A number with a decimal point, which its text leaves no doubt about.

    Examples
    --------
    >>> unambiguous("1.234"), unambiguous("12.34")
    ('1.2340', '12.34')
    """
    decimals = number.partition(".")[2]
    return f"{number}0" if len(decimals) == len("234") and decimals.isdecimal() else number
