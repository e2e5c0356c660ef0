"""Grids of text, whatever file they come from, become tables; lines that are no rows stand aside.

Title lines, repeated headers, totals and footers are neither rows nor lost: they keep their line
and cells, with the reason for which they are left out.
"""

from __future__ import annotations

import csv
import glob
import itertools
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kpi_helpers.errors import BadInput
from kpi_helpers.sources.files.headers import (
    ASIDE,
    FILE,
    HEAD,
    LINE,
    SURPLUS,
    Header,
    find_header,
)

TITLE, REPEATED, TOTAL, FOOTER = "title_line", "repeated_header", "total_row", "footer_line"
REASONS = (TITLE, REPEATED, TOTAL, FOOTER)
MOST_COLUMNS = 2_000  # the widest CRM exports have some 900; each column is asked several times
LONGEST_FOOT = 20

Row = tuple[int, Sequence[str]]

_TOTAL = r"^(grand |sous[- ]?|sub[- ]?)?tota(l|ls|ux)\b|\btotal$|^(sum|somme|count|nombre)$"
_NUMBER = re.compile(r"[-+(]?[^\w\s]{0,3}\s*[0-9][0-9\s.,'’]*[)%\s-]*(?:k?[€$£]|k|M|[A-Z]{3})?")
_DAY = re.compile(r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}")
_FOOT = re.compile(
    r"(?i)confidential|copyright|©|^(?:generated|g[ée]n[ée]r[ée]|export|extract|extrait|filtered"
    r"|filtr[ée]|printed|imprim[ée]|source|as of|page [0-9]|report|rapport)"
)


def quoted_name(name: str) -> str:
    """A name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def quoted_text(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def split_head(rows: Iterable[Row], file: str) -> tuple[Header, Iterator[Row]]:
    """The header of a grid, and all of its rows again.

    Raises
    ------
    BadInput
        When there are no cells, no line of words among the first, or too many columns.
    """
    rest = iter(rows)
    first = list(itertools.islice(rest, HEAD))
    header = find_header([cells for _, cells in first])
    if header is None:
        filled = any(cell.strip() for _, cells in first for cell in cells)
        raise BadInput("no_header" if filled else "empty_file", file=file)
    check_width(header.names, file)
    return header, itertools.chain(first, rest)


def check_width(names: Sequence[str], file: str) -> None:
    """Refuse a table of more columns than any export has."""
    if len(names) > MOST_COLUMNS:
        raise BadInput("too_wide", file=file, columns=len(names), most=MOST_COLUMNS)


def _placed(header: Header, rows: Iterable[Row], mark: str) -> Iterator[list[str]]:
    """Each row after its line, its surplus, and the reason why it is none."""
    width, seen = len(header.names), []
    for place, (line, cells) in enumerate(rows):
        if header.first <= place < header.below:
            seen.append(list(cells))
            continue
        if len(cells) < 2 and not "".join(cells).strip():
            continue
        surplus = mark.join(cells[width:]).strip(f"{mark} ")
        reason = TITLE if place < header.first else REPEATED if list(cells) in seen else ""
        text = _first(cells) if reason else surplus
        yield [str(line), text, reason, *cells[:width], *[""] * (width - len(cells))]


def store(con: Any, name: str, header: Header, rows: Iterable[Row], mark: str = ";") -> None:
    """Write the rows of a grid to a table of text, under the names of its header.

    Each has its `LINE`; `SURPLUS` (cells beyond the header, with ``mark`` between them) and
    `ASIDE` stand where any row needs them.
    """
    facts, names = (SURPLUS, ASIDE), header.names
    with tempfile.TemporaryDirectory(prefix="kpi-") as folder:
        copy = Path(folder) / "rows.csv"
        with open(copy, "w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
            writer.writerows(_placed(header, rows, mark))
        line = f'* REPLACE ("{LINE}"::BIGINT AS "{LINE}")'
        create(con, name, line, text_cells(copy, ",", [LINE, *facts, *names], header=False))
    table, counts = quoted_name(name), ", ".join(f"count({quoted_name(fact)})" for fact in facts)
    found = con.execute(f"SELECT {counts} FROM {table}").fetchone()
    for fact, count in zip(facts, found, strict=True):
        if not count:
            con.execute(f"ALTER TABLE {table} DROP COLUMN {quoted_name(fact)}")
    set_aside(con, name, names)


def stack(con: Any, name: str, parts: Mapping[str, str]) -> None:
    """Put tables of the same columns on top of each other; each row keeps its file and sheet.

    Parameters
    ----------
    con
        DuckDB connection.
    name
        Name of the table to make.
    parts
        Name of each table, which is what a person calls it, to the name of its sheet.
    """
    each = [
        f'SELECT *, {quoted_text(label)} AS "{FILE}", {quoted_text(sheet)} AS sheet '
        f"FROM {quoted_name(label)}"
        for label, sheet in parts.items()
    ]
    con.execute(f"CREATE TABLE {quoted_name(name)} AS {' UNION ALL BY NAME '.join(each)}")
    for label in parts:
        con.execute(f"DROP TABLE {quoted_name(label)}")


def create(con: Any, name: str, columns: str, cells: str) -> None:
    """Make a table of what `text_cells` reads."""
    con.execute(f"CREATE TABLE {quoted_name(name)} AS SELECT {columns} FROM {cells}")


def text_cells(path: Path, delimiter: str, names: Sequence[str], *, header: bool) -> str:
    """SQL that reads a file's cells as text under the names of its header, and guesses nothing."""
    columns = ", ".join(f"{quoted_text(name)}: 'VARCHAR'" for name in names)
    dialect = f"delim={quoted_text(delimiter)}, quote='\"', escape='\"', nullstr=''"
    lines = "" if header else ", new_line='\\n'"
    options = f"auto_detect=false, header={str(header).lower()}, {dialect}{lines}"
    # In a file's own name, [ and * would match other files.
    file = quoted_text(glob.escape(str(path)))
    return f"read_csv({file}, columns={{{columns}}}, {options})"


def set_aside(con: Any, name: str, names: Sequence[str]) -> None:
    """Mark the totals of a table of text, and the lines below its last row."""
    cells = [quoted_name(each) for each in names]
    if len(cells) < 2:
        return
    table, listed = quoted_name(name), ", ".join(cells)
    blank = " OR ".join(f"{cell} IS NULL" for cell in cells)
    label = f"lower(trim(coalesce({listed})))"
    asked = f"SELECT rowid, {listed} FROM {table}"
    maybe = f"{asked} WHERE ({blank}) AND regexp_matches({label}, {quoted_text(_TOTAL)})"
    last = f"{asked} ORDER BY rowid DESC LIMIT {LONGEST_FOOT}"
    found = {row: (TOTAL, _first(own)) for row, *own in con.execute(maybe).fetchall() if _adds(own)}
    for row, *own in con.execute(last).fetchall():
        if row not in found and not _is_foot(own):
            break
        found.setdefault(row, (FOOTER, _first(own)))
    if not found:
        return
    for fact in (SURPLUS, ASIDE):
        con.execute(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {quoted_name(fact)} VARCHAR")
    con.executemany(
        f"UPDATE {table} SET {quoted_name(ASIDE)} = ?, {quoted_name(SURPLUS)} = ? WHERE rowid = ?",
        [[reason, text, row] for row, (reason, text) in found.items()],
    )


def _first(cells: Iterable[str | None]) -> str:
    return next((cell.strip() for cell in cells if cell and cell.strip()), "")


def _adds(cells: Sequence[str | None]) -> bool:
    """Whether there are only names of totals and numbers, as no row of a table has."""
    filled = [cell.strip() for cell in cells if cell and cell.strip()]
    return all(
        re.search(_TOTAL, cell.lower()) or (_NUMBER.fullmatch(cell) and not _DAY.fullmatch(cell))
        for cell in filled
    )


def _is_foot(cells: Sequence[str | None]) -> bool:
    """Whether a line below the rows is blank, or one text that says what the export is."""
    filled = [cell.strip() for cell in cells if cell and cell.strip()]
    return not filled or (len(filled) == 1 and _FOOT.search(filled[0]) is not None)
