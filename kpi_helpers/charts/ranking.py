"""Which groups are shown, and in what order."""

from __future__ import annotations

from collections.abc import Sequence

from kpi_helpers.charts.reader import Reader, Row, absent, known
from kpi_helpers.units import COUNT, write


def ranked(rows: Sequence[Row], by: Sequence[str]) -> list[Row]:
    """Return rows by value, the highest first; then those without one, then the blank group.

    Examples
    --------
    >>> rows = [{"team": "A", "value": 1.0}, {"team": None, "value": 9.0},
    ...         {"team": "B", "value": 2.0}, {"team": "C", "value": None}]
    >>> [row["team"] for row in ranked(rows, ["team"])]
    ['B', 'A', 'C', None]
    """

    def place(row: Row) -> tuple[bool, bool, float, str]:
        value = -float(row["value"]) if known(row["value"]) else 0.0
        name = " ".join(str(row[dimension]) for dimension in by)
        return blank(row, by), not known(row["value"]), value, name

    return sorted(rows, key=place)


def kept(rows: Sequence[Row], by: Sequence[str], most: int) -> list[Row]:
    """Return the first rows; the last place is kept for the blank group where there is one."""
    if len(rows) <= most:
        return list(rows)
    last = [row for row in rows[-1:] if blank(row, by)] or list(rows[most - 1 : most])
    return [*rows[: most - 1], *last]


def unseen(rows: int, shown: int, reader: Reader) -> list[str]:
    """Return a sentence on the groups that are not shown, if there are any."""
    if rows <= shown:
        return []
    counts = {"rest": write(rows - shown, COUNT, reader.lang), "shown": shown}
    return [reader.text("rest", n=rows - shown, **counts)]


def blank(row: Row, by: Sequence[str]) -> bool:
    """Tell whether a row belongs to nobody: one of its dimensions is blank."""
    return any(absent(row[dimension]) for dimension in by)


def latest(rows: Sequence[Row]) -> Row:
    """Return the last row, in the order of time, that has a figure; or else the last one."""
    return next((row for row in reversed(rows) if known(row["value"])), rows[-1])
