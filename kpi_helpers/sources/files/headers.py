"""Where the table begins in a grid of text: title lines above it, names on one line or two."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import NamedTuple

HEAD = 50  # rows in which the header is looked for; exports put a dozen lines above it at most
WIDE = 0.7  # share of the widest line of words that a header fills, for title lines are narrow
LINE = "_kpi_line"
SURPLUS = "…"
ASIDE = "_kpi_aside"
FILE = "_kpi_file"
ROW_FACTS = (LINE, SURPLUS, ASIDE, FILE)

_YEAR = re.compile(r"(?:19|20)[0-9]{2}")


class Header(NamedTuple):
    """The names of a grid's columns, and the rows that they stand on, ``[first, below)``."""

    names: list[str]
    first: int
    below: int


def find_header(rows: Sequence[Sequence[str]]) -> Header | None:
    """The header among the first rows of a grid: its first wide line of words.

    Two lines are one header where the first names groups of columns (merged cells leave blanks
    behind them) and the second the columns of each group.

    Parameters
    ----------
    rows
        The first rows, cells as text.

    Returns
    -------
    Header or None
        None where no row holds words alone.

    Examples
    --------
    >>> find_header([["Report"], [], ["id", "amount"], ["1", "5"]])
    Header(names=['id', 'amount'], first=2, below=3)
    >>> find_header([["Client", "", "Amount", ""], ["Name", "City", "net", "gross"]]).names
    ['Client Name', 'Client City', 'Amount net', 'Amount gross']
    """
    wide = [_width(row) if _is_words(row) else 0 for row in rows]
    if not any(wide):
        return None
    at = next(n for n, width in enumerate(wide) if width >= WIDE * max(wide))
    if at and wide[at - 1] and _names_groups(rows[at - 1]):
        return Header(_joined(rows[at - 1], rows[at]), at - 1, at + 1)
    if at + 1 < len(rows) and wide[at + 1] > 1 and _names_parts(rows[at], rows[at + 1]):
        return Header(_joined(rows[at], rows[at + 1]), at, at + 2)
    return Header(distinct_names(rows[at]), at, at + 1)


def _width(row: Sequence[str]) -> float:
    """How far a row reaches, and how full it is; a merged title is but one cell."""
    filled = {cell.strip(): place for place, cell in enumerate(row, 1) if cell.strip()}
    return (len(filled) + max(filled.values())) / 2 if len(filled) > 1 else float(len(filled))


def _is_words(row: Sequence[str]) -> bool:
    """Whether cells are words or years, but for one in four of a line of several."""
    cells = [cell.strip() for cell in row if cell.strip()]
    words = [cell for cell in cells if _is_word(cell)]
    others = len(cells) - len(words) - sum(_YEAR.fullmatch(cell) is not None for cell in cells)
    return bool(words) and 4 * others <= (len(cells) if len(cells) > 2 else 0)


def _is_word(cell: str) -> bool:
    return any(map(str.isalpha, cell)) or not any(map(str.isdigit, cell))


def _spans(row: Sequence[str]) -> list[bool]:
    """Which cells belong to a name that stands over more than one column."""
    cells = [cell.strip() for cell in row]
    follows = [
        any(cells[:place]) and cell in ("", cells[place - 1]) for place, cell in enumerate(cells)
    ]
    return [a or b for a, b in itertools.zip_longest(follows, follows[1:], fillvalue=False)][
        : len(cells)
    ]


def _names_groups(row: Sequence[str]) -> bool:
    """Whether two names or more stand over several columns each, or a merged one does."""
    merged = [cell.strip() for cell, right in itertools.pairwise(row) if cell == right]
    leads = [cell for cell, spans in zip(row, _spans(row), strict=True) if spans and cell.strip()]
    return _width(row) > 1 and (any(merged) or len(leads) > 1)


def _names_parts(upper: Sequence[str], lower: Sequence[str]) -> bool:
    """Whether the second line holds names only under those that stand over several columns."""
    cells = itertools.zip_longest(lower, upper, _spans(upper), fillvalue="")
    return all(span or cell.strip() in ("", name.strip()) for cell, name, span in cells)


def _joined(upper: Sequence[str], lower: Sequence[str]) -> list[str]:
    merged = any(a.strip() and a == b for a, b in itertools.pairwise(upper))
    group, names = "", []
    for above, below in itertools.zip_longest(upper, lower, fillvalue=""):
        group = above.strip() or ("" if merged else group)
        parts = dict.fromkeys(part for part in (group, below.strip()) if part)
        names.append(" ".join(parts))
    return distinct_names(names)


def distinct_names(header: Sequence[str]) -> list[str]:
    """The names of a header as an engine can hold them, each different but for case.

    Examples
    --------
    >>> distinct_names(["Amount", "", "amount"])
    ['Amount', 'column 2', 'amount (2)']
    """
    names: list[str] = []
    taken = set(ROW_FACTS)
    for place, cell in enumerate(header, start=1):
        own = name = cell.replace("\x00", "").strip() or f"column {place}"
        numbers = itertools.count(2)
        while name.casefold() in taken:
            name = f"{own} ({next(numbers)})"
        taken.add(name.casefold())
        names.append(name)
    return names
