"""What a canonical table is: its columns, what they hold, and which of them identify a row.

The tables themselves stand in `tables` (facts and entities) and `registers` (what people write
down about them).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Type = Literal["text", "number", "date", "time", "flag"]


@dataclass(frozen=True)
class Column:
    """A column of a canonical table.

    Parameters
    ----------
    name, type
        Canonical name; ``date`` is a calendar day, ``time`` a day with its hour.
    required
        A source that cannot supply it does not load.
    key
        Part of what identifies a row; duplicates are reported.
    plan
        The date may lie after ``as_of`` (an expected close), so a replay keeps it.
    values
        Closed list of the values allowed, empty for any.
    dimension
        Figures may be broken down by it.
    """

    name: str
    type: Type = "text"
    required: bool = False
    key: bool = False
    plan: bool = False
    values: tuple[str, ...] = ()
    dimension: bool = False


@dataclass(frozen=True)
class Table:
    """A canonical table: its columns, the date a row belongs to and the money it carries."""

    name: str
    columns: tuple[Column, ...]
    dated: str | None = None
    money: str | None = None

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def column(self, name: str) -> Column | None:
        """The column of that name, or None for a dimension of the source's own."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the canonical columns, in their declared order."""
        return tuple(column.name for column in self.columns)

    @property
    def keys(self) -> tuple[str, ...]:
        """Names of the columns that identify a row."""
        return tuple(column.name for column in self.columns if column.key)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns without which the table cannot be used."""
        return tuple(column.name for column in self.columns if column.required)


def key(name: str) -> Column:
    """A required text that identifies a row."""
    return Column(name, required=True, key=True)


def must(name: str, type_: Type = "text", values: tuple[str, ...] = ()) -> Column:
    """A required column; one with a closed list of values is a dimension."""
    return Column(name, type_, required=True, values=values, dimension=bool(values))


def plan(name: str, required: bool = False, key: bool = False) -> Column:
    """A day that may lie ahead."""
    return Column(name, "date", required=required, key=key, plan=True)


def dims(*names: str) -> tuple[Column, ...]:
    """Texts by which figures may be broken down."""
    return tuple(Column(name, dimension=True) for name in names)


def texts(*names: str) -> tuple[Column, ...]:
    """Texts that are no dimension: ids, free text, e-mail addresses and phone numbers."""
    return tuple(Column(name) for name in names)


def numbers(*names: str) -> tuple[Column, ...]:
    """Numbers."""
    return tuple(Column(name, "number") for name in names)


def dates(*names: str) -> tuple[Column, ...]:
    """Calendar days that have passed."""
    return tuple(Column(name, "date") for name in names)


def times(*names: str) -> tuple[Column, ...]:
    """Days with their hour that have passed."""
    return tuple(Column(name, "time") for name in names)


IBIS_TYPES: dict[str, str] = {
    "text": "string",
    "number": "float64",
    "date": "date",
    "time": "timestamp",
    "flag": "boolean",
}

# Seconds of a wait that has ended, where moments are known and not only what a clock showed.
WAITED = "_kpi_waited"

# Names that the tidy frame and those of analyses use themselves: a source column of that name gets
# the prefix ``dim_``.
ADDED_COLUMNS = (
    *("reference", "change", "target", "p_value", "p_adjusted", "certainty", "change_verdict"),
    *("step", "place", "after", "window", "turn", "at_0", "at_1", "case_id", "outcome"),
    *("started", "young", "so_far", "standing", "naive", "whole", "adverse", "signals"),
    *("spread", "covered", "ages", "pace"),
)
TIDY_COLUMNS: tuple[str, ...] = (
    "kpi",
    "label",
    "unit",
    "better",
    "period",
    "start",
    "end",
    "value",
    "numerator",
    "denominator",
    "n",
    "low",
    "high",
    "method",
    "status",
    "note",
)
