"""A pack as a workbook: findings first, charts that can be changed, definitions, every table."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from kpi_helpers.charts.theme import VALUE
from kpi_helpers.language import text
from kpi_helpers.reports.columns import Words, headings, number_format, unit_of, worded
from kpi_helpers.reports.exporting import Made
from kpi_helpers.reports.index import FINDINGS, proposed
from kpi_helpers.reports.native import forecasts, scorecard
from kpi_helpers.reports.page import title
from kpi_helpers.reports.tables import read_csv
from kpi_helpers.sheets.findings import RIGHT, decision_lines
from kpi_helpers.units import PERCENT
from kpi_helpers.wording.told import plain

if TYPE_CHECKING:
    import pandas as pd
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

FILE = "report.xlsx"
# Text is text, whatever it looks like; the same tables give the same bytes.
AS_IT_IS = {f"strings_to_{kind}": False for kind in ("formulas", "urls", "numbers")}
MADE = dt.datetime(2000, 1, 1)
# What a sheet and a cell can hold: a letter beyond the first 65,536 counts twice.
MOST_ROWS, LONGEST, LONGEST_NAME = 1_048_576, 16_383, 31
FORBIDDEN, RESERVED = re.compile(r"[][:*?/\\']"), "history"
DAY = re.compile(r"(?:19|2\d)\d\d-\d\d-\d\d")
# In letters, and the height of a line in points.
WIDTHS, FRONT, DEFINED, LINE, A4 = (13, 44), (100, 40, 22, 22, 22), (36, 100, 12, 9, 30), 15, 9
# What the unit of a cell depends on.
ABOUT = ["unit", "driver_unit", "kind", "bridge", "measure"]
CHARTS = {"scorecard": scorecard, "forecast": forecasts}


def write_workbook(made: Made) -> None:
    """Write ``report.xlsx`` into the folder of a pack, from its tables."""
    import xlsxwriter

    config = made.data.config
    words = Words(config.lang, config.terms, config.currency)
    paths = sorted(made.tables, key=lambda path: (made.tables[path], path.name))
    frames = {path.stem: read_csv(path) for path in paths}
    own = [text(f"export.{each}", words.lang) for each in (FINDINGS, *CHARTS, "definitions")]
    first, *charts, definitions = sheet_names([*own, *frames])[: len(own)]
    places = dict(zip(frames, sheet_names([*own, *frames])[len(own) :], strict=True))
    with xlsxwriter.Workbook(made.folder / FILE, {"in_memory": True, **AS_IT_IS}) as book:
        book.set_properties({"created": MADE, "title": _heading(made)})
        pen = _Pen(book, words)
        _front(pen.sheet(first), made, frames, places)
        for name, draw in zip(charts, CHARTS.values(), strict=True):
            draw(book, pen.sheet(name).page, frames, words)
        _definitions(pen.sheet(definitions), made)
        for stem, frame in frames.items():
            _table(pen.sheet(places[stem]), stem, frame)


def sheet_names(asked: Iterable[str]) -> list[str]:
    """Return names that sheets may have, no two alike, as near as can be to those asked for.

    Examples
    --------
    >>> sheet_names(["a/b", "A:B", "history", "x" * 40])
    ['a_b', 'A_B 2', 'history_', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx']
    """
    names: list[str] = []
    for each in asked:
        name = FORBIDDEN.sub("_", plain(each, longest=None))[:LONGEST_NAME] or "_"
        name += "_" * (name.casefold() == RESERVED)
        taken = {other.casefold() for other in names}
        tries = (f"{name[: LONGEST_NAME - 4]} {n}" for n in range(2, len(taken) + 3))
        names.append(next(each for each in [name, *tries] if each.casefold() not in taken))
    return names


class _Pen:
    """Writes cells into one sheet after the other, each as what it is.

    Parameters
    ----------
    book : xlsxwriter.Workbook
    words : Words
    """

    def __init__(self, book: Workbook, words: Words) -> None:
        self.book, self.words = book, words
        self.form = cache(lambda **asked: book.add_format({"valign": "top", **asked}))
        self.page: Worksheet
        self.row = 0

    def sheet(self, name: str) -> _Pen:
        """Begin a sheet."""
        self.page, self.row = self.book.add_worksheet(name), 0
        self.page.set_landscape()
        self.page.set_paper(A4)
        self.page.fit_to_pages(1, 0)
        return self

    def line(self, cells: Sequence[Any], widths: Sequence[int] = (), **form: Any) -> None:
        """Write a row as high as its texts need, and go to the next."""
        for column, cell in enumerate(cells):
            self.put(self.row, column, cell, self.form(text_wrap=bool(widths), **form))
        texts = [(str(cell or ""), width) for cell, width in zip(cells, widths, strict=False)]
        if lines := [len(wrap(said, width)) for said, width in texts]:
            self.page.set_row(self.row, LINE * max(1, *lines))
        self.row += 1

    def columns(self, widths: Sequence[int]) -> Sequence[int]:
        """Make columns so many letters wide."""
        for column, width in enumerate(widths):
            self.page.set_column(column, column, width)
        return widths

    def put(self, row: int, column: int, value: Any, form: Format) -> None:
        """Write a cell; what is missing or infinite is left blank."""
        if isinstance(value, str):
            self.page.write_string(row, column, plain(value, LONGEST), form)
        elif isinstance(value, bool):
            self.page.write_boolean(row, column, value, form)
        elif isinstance(value, dt.date):
            self.page.write_datetime(row, column, value, form)
        elif value is not None and math.isfinite(value):
            self.page.write_number(row, column, value, form)

    def link(self, column: int, table: Any, places: Mapping[str, str]) -> None:
        """Lead from the row to come to the sheet of a table."""
        if table in places:
            form = self.form(font_color=VALUE, underline=1)
            self.page.write_url(self.row, column, f"internal:'{places[table]}'!A1", form, table)


def _heading(made: Made) -> str:
    return " · ".join([*made.facts.values()][:2])


def _front(
    pen: _Pen, made: Made, frames: Mapping[str, pd.DataFrame], places: Mapping[str, str]
) -> None:
    """The findings, what they call for, and where each table is."""
    lang, wide = pen.words.lang, pen.columns(FRONT)
    titles = {stem: title(book, lang) or stem for stem, book in made.notebooks.items()}
    pen.page.hide_gridlines(2)
    pen.line([_heading(made)], bold=True, font_size=16)
    for name, value in made.facts.items():
        pen.line([f"{name}{text('export.colon', lang)}{value}"], wide)
    pen.row += 1
    pen.line([text(f"export.{of}", lang) for of in ("finding", "page", "table", "rows")], bold=True)
    found = frames[FINDINGS].to_dict("records") if FINDINGS in frames else []
    for each in found:
        pen.link(2, each["table"], places)
        pen.line([each["sentence"], titles.get(each["notebook"]), None, each["rows"]], wide)
    decisions, columns = proposed(made.tables), ["decide", *RIGHT]
    if decisions is not None:
        pen.row += 1
        pen.line([text(f"sheets.columns.{column}", lang) for column in columns], bold=True)
        for line in decision_lines(decisions, lang, pen.words.currency):
            pen.line([line.get(of, "").replace("\n", " · ") for of in columns], wide)
    pen.row += 1
    pen.line([text("export.sheets", lang)], bold=True)
    for stem, frame in frames.items():
        pen.link(0, stem, places)
        cut = text("export.cut", lang, n=MOST_ROWS - 1, table=stem)
        notebook = next(made.tables[path] for path in made.tables if path.stem == stem)
        over = len(frame) >= MOST_ROWS
        pen.line([None, titles.get(notebook), len(frame), cut if over else None], wide)


def _definitions(pen: _Pen, made: Made) -> None:
    """What the KPIs of the report mean."""
    from kpi_helpers.kpis import catalogue

    lang, word = pen.words.lang, worded("", pen.words)
    known = catalogue(lang)
    keys = ["sheets.columns.kpi", "sheets.columns.definition", "export.columns.unit"]
    keys += ["sheets.columns.version", "export.columns.kpi"]
    widths = pen.columns(DEFINED)
    pen.line([text(key, lang) for key in keys], widths, bold=True, bottom=1)
    for kpi in known[known["id"].isin(made.kpis)].to_dict("records"):
        unit = word("unit", kpi["unit"])
        said = [kpi["name"], kpi["definition"], unit, kpi["version"], kpi["id"]]
        pen.line(said, widths)
    pen.page.freeze_panes(1, 0)


def _table(pen: _Pen, name: str, frame: pd.DataFrame) -> None:
    """A table under its headings: numbers by their unit, days as days, ids in words."""
    frame = frame.head(MOST_ROWS - 1)
    columns = [str(column) for column in frame]
    head, word = headings(name, columns, pen.words), worded(name, pen.words)
    about = frame.reindex(columns=ABOUT).to_dict("records")
    cells = {
        column: [word(column, value) if isinstance(value, str) else value for value in values]
        for column in columns
        for values in [_as_days(frame[column].tolist())]
    }
    widths = pen.columns([_width(head[column], values) for column, values in cells.items()])
    pen.line([head[column] for column in columns], widths, bold=True, bottom=1)
    for place, (column, values) in enumerate(cells.items()):
        for row, value in enumerate(values):
            if isinstance(value, int | float) and not isinstance(value, bool):
                unit = unit_of(column, name, about[row])
                _number(pen, (row + 1, place), value, *unit)
            else:
                pen.put(
                    row + 1, place, value, pen.form(num_format=text("export.day", pen.words.lang))
                )
    pen.page.freeze_panes(1, 0)
    pen.page.repeat_rows(0)
    pen.page.autofilter(0, 0, max(len(frame), 1), max(len(columns) - 1, 0))


def _number(pen: _Pen, place: tuple[int, int], value: float, unit: str, is_change: bool) -> None:
    """A number as a page writes it; a difference of two rates in points."""
    if not math.isfinite(value):
        return
    form = "#,##0" if value == int(value) else "General"
    if unit:
        form = number_format(value, unit, is_change, pen.words)
    points = is_change and unit == PERCENT
    pen.put(*place, round(100 * value, 12) if points else value, pen.form(num_format=form))


def _width(heading: str, values: Sequence[Any]) -> int:
    """Letters that a column needs, within limits; a heading may stand on several lines."""
    words = max(map(len, heading.split()), default=0) + 3  # with the sign of the filter
    said = max((len(value) for value in values if isinstance(value, str)), default=0)
    return min(max(said + 1, words, WIDTHS[0]), WIDTHS[1])


def _as_days(values: list[Any]) -> list[Any]:
    """Days out of a column that holds nothing else."""
    said = [value for value in values if isinstance(value, str)]
    if not said or not all(map(DAY.fullmatch, said)):
        return values
    return [dt.date.fromisoformat(each) if isinstance(each, str) else None for each in values]
