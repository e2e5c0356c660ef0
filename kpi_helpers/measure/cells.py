"""The cells of an answer: every period × every combination of dimension values, as flat arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.kpis.settled import Array
from kpi_helpers.periods import Period

PLACE = "_period"


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

    def places(self, frame: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.intp]]:
        """Column of the combination of each row; new ones are added."""
        if not self.by:
            return np.zeros(len(frame), dtype=np.intp)
        columns = [_plain(frame[name]) for name in self.by]
        rows = zip(*columns, strict=True)
        return np.fromiter(
            (self.combos.setdefault(row, len(self.combos)) for row in rows), np.intp, len(frame)
        )

    def index(self, frame: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.intp]]:
        """Cell of each row, once every combination is known."""
        return frame[PLACE].to_numpy(np.intp) * len(self.combos) + self.places(frame)

    def spread(self, frame: pd.DataFrame, column: str) -> Array:
        """One column of a query's result as an array over all cells, zero where it has no row."""
        array = np.zeros(len(self))
        np.add.at(array, self.index(frame), frame[column].to_numpy(np.float64))
        return array

    def order(self) -> list[tuple[tuple[Any, ...], int]]:
        """The combinations in the order of their values, missing ones last."""
        return sorted(self.combos.items(), key=lambda item: [(v is None, str(v)) for v in item[0]])


def _plain(column: pd.Series[Any]) -> list[Any]:
    values = column.astype(object)
    return values.where(column.notna(), None).tolist()
