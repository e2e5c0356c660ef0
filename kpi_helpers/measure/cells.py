"""The cells of an answer: every period × every combination of dimension values, as flat arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kpi_helpers.kpis.settled import Array
from kpi_helpers.periods import Period
from kpi_helpers.sources.engine import Columns

PLACE, LEFT = "_period", "_left"
Index = np.ndarray[Any, np.dtype[np.intp]]


@dataclass
class Cells:
    """Periods × combinations; a combination gets its place when a query first brings it.

    An array of parts has one entry a cell, combinations running fastest.
    """

    periods: Sequence[Period]
    by: tuple[str, ...]
    combos: dict[tuple[Any, ...], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.by:
            self.combos[()] = 0

    def __len__(self) -> int:
        return len(self.periods) * len(self.combos)

    def laid(self, results: Sequence[Columns]) -> list[Spread]:
        """The rows of queries' results laid over the cells, every combination of them known."""
        places = [self.places(found) for found in results]
        return [self.over(found, place) for found, place in zip(results, places, strict=True)]

    def places(self, found: Columns) -> Index:
        """Column of the combination of each row of a query's result; new ones are added."""
        rows = len(found[PLACE])
        if not self.by:
            return np.zeros(rows, dtype=np.intp)
        combos = [*zip(*(found[name] for name in self.by), strict=True)]
        for combo in dict.fromkeys(combos):
            self.combos.setdefault(combo, len(self.combos))
        return np.fromiter(map(self.combos.__getitem__, combos), int, rows)

    def over(self, found: Columns, places: Index) -> Spread:
        """The rows of a query's result laid over the cells, once every combination is known."""
        return Spread(found, found[PLACE].astype(int) * len(self.combos) + places, len(self))

    def over_others(self, found: Columns) -> Spread:
        """The rows of a query's result, each laid over the cells of all groups but its own."""
        own = [*zip(*(found[name] for name in self.by), strict=True)]
        group = np.array([self.combos.get(combo, len(self.combos)) for combo in own], dtype=int)
        rows, others = np.nonzero(group[:, None] != np.arange(len(self.combos)))
        laid = Spread(found, group, len(self)).only(rows)
        cell = laid.found[PLACE].astype(int) * len(self.combos) + others
        return Spread(laid.found, cell, len(self))

    def order(self) -> list[tuple[tuple[Any, ...], int]]:
        """The combinations in the order of their values, missing ones last."""
        return sorted(self.combos.items(), key=lambda item: [(v is None, str(v)) for v in item[0]])


@dataclass(frozen=True)
class Spread:
    """A query's result, and the cell to which each of its rows belongs, of ``size`` cells."""

    found: Columns
    cell: Index
    size: int

    def only(self, rows: Any) -> Spread:
        """Some rows of the result, given by their indices or by a test for each."""
        numbers = {n: each[rows] for n, each in self.found.items() if not isinstance(each, list)}
        return Spread(numbers, self.cell[rows], self.size)

    def until_left(self, width: int) -> Spread:
        """Each row in every period from its own up to that in which it left, not included.

        ``width`` cells lie between a period and the next.
        """
        periods = np.maximum(self.found[LEFT] - self.found[PLACE], 0).astype(int)
        rows = np.repeat(np.arange(len(periods)), periods)
        passed = np.arange(len(rows)) - np.repeat(np.cumsum(periods) - periods, periods)
        there = self.only(rows)
        return Spread(there.found, there.cell + passed * width, self.size)

    def numbers(self, column: str) -> Array:
        """One column of the result; an empty sum is zero."""
        return np.nan_to_num(self.found[column])

    def total(self, numbers: Array) -> Array:
        """Numbers of the rows, added up in each cell."""
        return np.bincount(self.cell, weights=numbers, minlength=self.size).astype(np.float64)

    def totals(self, prefix: str) -> dict[str, Array]:
        """The columns whose name begins so, under what follows, added up in each cell."""
        names = [column for column in self.found if column.startswith(prefix)]
        return {name.removeprefix(prefix): self.total(self.numbers(name)) for name in names}
