"""One KPI through time as arrays to draw: with a gap wherever nothing may be joined."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from kpi_helpers.charts.reader import Row, known, number, one_kpi
from kpi_helpers.charts.scales import Array, day_number, edges, middle
from kpi_helpers.errors import BadInput
from kpi_helpers.measure.judge import IMMATURE, MISSING


class Hole(NamedTuple):
    """A stretch of time without a figure, and why."""

    start: float
    end: float
    status: str


@dataclass(frozen=True)
class Track:
    """Points of a line, in days; a gap is nan."""

    x: Array
    y: Array
    low: Array
    high: Array
    status: np.ndarray[Any, Any]
    holes: tuple[Hole, ...]

    def young(self) -> Array:
        """The values that are too early, and the readable ones that they follow."""
        late = self.status == IMMATURE
        return np.where(late | np.append(late[1:], False), self.y, np.nan)

    def old(self) -> Array:
        """The values that can be read."""
        return np.where(self.status == IMMATURE, np.nan, self.y)

    def alone(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Where a point has no neighbour to draw a band to."""
        empty = np.concatenate([[True], np.isnan(self.y), [True]])
        return ~np.isnan(self.y) & empty[:-2] & empty[2:]


def one_series(rows: Sequence[Row]) -> list[Row]:
    """Return rows in the order of time.

    Raises
    ------
    BadInput
        If they hold several KPIs, or several groups.
    """
    ordered = sorted(one_kpi(rows), key=middle)
    if len({edges(row) for row in rows}) < len(ordered):
        raise BadInput("several_series", value=ordered[0]["kpi"])
    return ordered


def track(rows: Sequence[Row], breaks: Mapping[dt.date, str] | None = None) -> Track:
    """Return what to draw of ordered rows.

    A line is interrupted where a value or a period is missing, and where the definition changes.
    """
    cuts = [day_number(day) for day in breaks or {}]
    points: list[tuple[float, float, float, float, str]] = []
    holes: list[Hole] = []
    before: float | None = None
    for row in rows:
        start, end = edges(row)
        if before is not None and start > before:
            holes.append(Hole(before, start, MISSING))
        if before is not None and (start > before or any(before <= cut <= start for cut in cuts)):
            points.append((before, np.nan, np.nan, np.nan, MISSING))
        if not known(row["value"]):
            holes.append(Hole(start, end, row["status"]))
        value, low, high = (number(row.get(name)) for name in ("value", "low", "high"))
        points.append((middle(row), value, low, high, row["status"]))
        before = end
    columns = list(zip(*points, strict=True)) or [()] * 5
    x, y, lows, highs = (np.array(column, dtype=float) for column in columns[:4])
    return Track(x, y, lows, highs, np.array(columns[4], dtype=object), tuple(holes))
