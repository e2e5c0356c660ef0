"""Axes whose numbers and periods are written in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axis import XAxis
from matplotlib.ticker import MaxNLocator

from kpi_helpers.charts.lettering import fitted, width_of
from kpi_helpers.charts.reader import Reader, Row, known, number
from kpi_helpers.charts.theme import GRID, INCH, INK, QUIET, SMALL, TEXT
from kpi_helpers.units import (
    COUNT,
    DAYS,
    HOURS,
    MONEY,
    MONTHS,
    PERCENT,
    POINTS,
    write,
    write_compact,
)

if TYPE_CHECKING:
    from matplotlib.axis import Axis

Array = np.ndarray[tuple[Any, ...], np.dtype[Any]]

MARKS = 6
# Room that a number takes along an axis, and the space between periods.
WIDE, HIGH, APART = 45.0, 20.0, 9.0
COMPACT_FROM = 10_000
NICE = (1, 2, 5, 10)
WORDS = (POINTS, DAYS, MONTHS, HOURS)
ROOM, LEAST = 0.08, 0.25


def limits(values: Sequence[object], floor: bool = False) -> tuple[float, float]:
    """Return the ends of an axis that holds values, with some room around them.

    Parameters
    ----------
    values
        What must be seen; missing and infinite ones are not.
    floor
        Whether 0 must be seen too, as for bars.

    Examples
    --------
    >>> limits([10.0, float("nan"), 20.0], floor=True)
    (0.0, 21.6)
    """
    seen = [number(each) for each in values if known(each)]
    low, high = (min(seen), max(seen)) if seen else (0.0, 1.0)
    if floor:
        low, high = min(low, 0.0), max(high, 0.0)
    room = ROOM * (high - low) or ROOM * abs(high) or 1.0
    # Room never takes an axis across 0, where no value is.
    return (max(low - room, 0.0) if low >= 0 else low - room), high + room


def number_axis(axis: Axis, unit: str, reader: Reader) -> None:
    """Write round numbers along an axis, and draw thin lines at them."""
    low, high = sorted(axis.get_view_interval())
    most = int(room_of(axis) // (WIDE if isinstance(axis, XAxis) else HIGH))
    ticks = MaxNLocator(min(max(most, 2), MARKS), steps=list(NICE)).tick_values(low, high)
    inside = [float(tick) for tick in ticks if low <= tick <= high]
    label_axis(axis, inside, numbers(inside, unit, reader))
    axis.grid(True, color=GRID, linewidth=0.8)


def numbers(ticks: Sequence[float], unit: str, reader: Reader) -> list[str]:
    """Return round numbers as they stand along an axis, all with the same decimals.

    A unit that is a word stands only with the last one.

    Examples
    --------
    >>> numbers([0.0, 0.25, 0.5], PERCENT, Reader("en"))
    ['0%', '25%', '50%']
    >>> numbers([0.0, 5.0, 10.0], DAYS, Reader("en"))
    ['0', '5', '10 days']
    """
    if unit == MONEY and max(map(abs, ticks), default=0) >= COMPACT_FROM:
        return [
            write_compact(round(tick, 6), reader.lang, reader.currency, plain=True)
            for tick in ticks
        ]
    scaled = [100 * tick if unit == PERCENT else tick for tick in ticks]
    digits = next(d for d in range(7) if d == 6 or _whole_at(scaled, d))
    last, plain = len(ticks) - 1, COUNT if unit in WORDS else unit
    return [
        write(round(tick, 12), unit if i == last else plain, reader.lang, reader.currency, digits)
        for i, tick in enumerate(ticks)
    ]


def period_axis(axis: Axis, rows: Sequence[Row], reader: Reader) -> None:
    """Write periods along an axis, the last one among them; a year where it begins."""
    names = [reader.told(row).period() for row in rows]
    widest = max((width_of(said, SMALL) for name in names for said in _parts(name)), default=0.0)
    most = max(int(room_of(axis) // (widest + APART)), 2)
    step = max(-(-len(rows) // most), 1)
    shown = range((len(rows) - 1) % step, len(rows), step)
    label_axis(axis, [middle(rows[i]) for i in shown], _years_once([names[i] for i in shown]))


def name_axis(axis: Axis, names: Sequence[str], room: float) -> None:
    """Write names along an axis, at 0, 1, 2 …, cut to the room there is."""
    label_axis(axis, list(range(len(names))), [fitted(name, room) for name in names])
    axis.set_tick_params(pad=8)
    for label in axis.get_ticklabels():
        label.set(color=INK, size=TEXT)


def label_axis(axis: Axis, at: Sequence[float], said: Sequence[str]) -> None:
    """Write texts at places of an axis, as they are."""
    axis.set_ticks(list(at), labels=list(said))
    for label in axis.get_ticklabels():
        label.set(parse_math=False, color=QUIET)


def unclutter(axis: Axis) -> None:
    """Hide numbers that run into the one after them, once the layout is known."""
    free = float("inf")
    for label in reversed([each for each in axis.get_ticklabels() if each.get_visible()]):
        box = label.get_window_extent()
        if box.x1 + box.height / 2 < free:
            free = box.x0
        else:
            label.set_visible(False)


def _whole_at(scaled: Sequence[float], digits: int) -> bool:
    return bool(np.allclose(np.round(scaled, digits), scaled, rtol=0, atol=1e-9))


def _years_once(labels: Sequence[str]) -> list[str]:
    """Set the year under a period, and only under the first one of it."""
    parts = [_parts(said) for said in labels]
    years = ["", *(year for _, year in parts)]
    # The others have an empty line in its stead: all stand at the same height.
    return [
        name + (f"\n{year if year != before else ' '}" if any(years) else "")
        for (name, year), (before, _) in zip(parts, pairwise(years), strict=True)
    ]


def _parts(said: str) -> tuple[str, str]:
    """Return a period without its year, and the year; a range or a year stays whole."""
    name, _, year = said.rpartition(" ")
    return (name, year) if name and year.isdigit() and "–" not in name else (said, "")


def room_of(axis: Axis) -> float:
    """Length of an axis, in points."""
    place, figure = axis.axes.get_position(), axis.get_figure(root=True)
    width, height = figure.get_size_inches() if figure else (0.0, 0.0)
    inches = place.width * width if isinstance(axis, XAxis) else place.height * height
    return float(INCH * inches)


def middle(row: Row) -> float:
    """Return the middle of a row's period, in days."""
    start, end = edges(row)
    return (start + end) / 2


def edges(row: Row) -> tuple[float, float]:
    """Return the first day of a row's period and the day after it, in days."""
    start, end = (day_number(row[edge]) for edge in ("start", "end"))
    return start, end


def day_number(value: Any) -> float:
    """Return a day as its number since 1970."""
    return float(pd.Timestamp(value).timestamp() / 86400)


def own_scales(
    rows: Sequence[Row], columns: Sequence[str], floor: bool = False
) -> dict[str, Array]:
    """Return columns as places from 0 to 1 on a scale that each row has for itself.

    A missing value is nan; one that is infinite lies at the end of the scale. With `floor`, 0 is on
    the scale, at the place ``zero``; without, the scale is wide enough for a small change to look
    small.
    """
    scaled: dict[str, list[float]] = {name: [] for name in (*columns, "zero")}
    for row in rows:
        seen = [number(row.get(name)) for name in columns if known(row.get(name))]
        seen += [] if floor else _around(seen, row)
        low, high = limits(seen, floor)
        for name, places in scaled.items():
            value = 0.0 if name == "zero" else number(row.get(name))
            places.append(float(np.clip((value - low) / (high - low), 0.0, 1.0)))
    return {name: np.array(places) for name, places in scaled.items()}


def _around(seen: Sequence[float], row: Row) -> list[float]:
    """Return the least ends of a scale: a change that may be nothing does not fill it."""
    if not seen:
        return []
    within = number(row.get("change_high")) - number(row.get("change_low"))
    least = max(LEAST * max(map(abs, seen)), within if known(within) else 0.0) / 2
    centre = (min(seen) + max(seen)) / 2
    return [centre - least, centre + least]
