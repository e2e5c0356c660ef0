"""Web pages: the tables in them, for several CRMs name such a page ``.xls``."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from kpi_helpers.errors import BadInput
from kpi_helpers.sources.files.grids import Row

_TABLE, _ROW, _CELLS = "table", "tr", ("td", "th")
_UNSEEN = ("script", "style")


def read_page(path: Path) -> list[list[Row]]:
    """The tables of a web page that have more than one row, cells as text, rows with their line.

    A cell that spans rows stands in each of them; one that spans columns is followed by blanks.

    Raises
    ------
    BadInput
        When there is none, with the page's title: it is often an error or a login page.
    """
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    page = _Page()
    page.feed(text)
    page.close()
    tables = [rows for rows in page.tables if len(rows) > 1]
    if not tables:
        raise BadInput("no_table_in_page", file=path.name, title=" ".join(page.title.split()))
    return tables


class _Page(HTMLParser):
    """Collects the rows of tables; what stands in an inner table is no cell of the outer one."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[Row]] = []
        self.title = ""
        self._open: list[_Table] = []
        self._within = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == _TABLE:
            self._open.append(_Table())
            self.tables.append(self._open[-1].rows)
        elif tag == _ROW and self._open:
            self._open[-1].begin_row(self.getpos()[0])
        elif tag in _CELLS and self._open:
            self._open[-1].begin_cell(dict(attrs))
        elif tag == "br":
            self.handle_data(" ")
        elif tag in ("title", *_UNSEEN):
            self._within = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == _TABLE and self._open:
            self._open.pop().end()
        elif tag == self._within:
            self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within == "title":
            self.title += data
        elif self._open and not self._within:
            self._open[-1].text += data

    def close(self) -> None:
        super().close()
        for table in self._open:
            table.end()


class _Table:
    """The rows of one table while it is read."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.text = ""
        self._cells: list[str] = []
        self._line = 0
        self._span = (0, 0)  # rows and columns of the cell that is open, none where they are 0
        self._hanging: dict[int, tuple[int, str]] = {}  # column → rows to come, and their text

    def begin_row(self, line: int) -> None:
        self.end()
        self._line = line

    def begin_cell(self, attrs: dict[str, str | None]) -> None:
        self._end_cell()
        self._span = (_number(attrs.get("rowspan")), _number(attrs.get("colspan")))

    def end(self) -> None:
        self._end_cell()
        self._cells += self._from_above()
        if any(self._cells):
            self.rows.append((self._line, self._cells))
        self._cells = []

    def _end_cell(self) -> None:
        rows, columns = self._span
        text, self.text, self._span = " ".join(self.text.split()), "", (0, 0)
        if not columns:
            return
        self._cells += self._from_above()
        if rows > 1:
            self._hanging[len(self._cells)] = (rows - 1, text)
        self._cells += [text, *[""] * (columns - 1)]

    def _from_above(self) -> Iterator[str]:
        """The cells of earlier rows that hang down into the next columns of this one."""
        column = len(self._cells)
        while column in self._hanging:
            rows, text = self._hanging.pop(column)
            if rows > 1:
                self._hanging[column] = (rows - 1, text)
            yield text
            column += 1


def _number(text: str | None) -> int:
    """A span as a number; pages that claim thousands are cut off."""
    return min(max(int(text), 1), 100) if text and text.strip().isdecimal() else 1
