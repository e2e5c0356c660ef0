"""The KPIs of a period, a row each: against target and reference, and how they came there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from kpi_helpers import wording
from kpi_helpers.charts.lettering import fitted, width_of, wrapped
from kpi_helpers.charts.page import Page, page
from kpi_helpers.charts.reader import Options, Reader, Row, about, known, number, rows_of
from kpi_helpers.charts.scales import edges, limits, own_scales
from kpi_helpers.charts.strokes import marks, within
from kpi_helpers.charts.theme import BAND, BAR, INCH, INK, QUIET, SMALL, TEXT, VALUE
from kpi_helpers.charts.track import one_series, track
from kpi_helpers.measure.judge import MISSING
from kpi_helpers.units import COUNT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, AROUND = 0.48 * INCH, 0.7 * INCH
NAMES, FIGURES, GAP, LINE = 195.0, 120.0, 8.0, 1.3
PERIODS = 12
SEEN = ("value", "low", "high", "target", "reference")
TALL = 0.34

Words = tuple[str, list[str]]


def scorecard_rows(
    compared: pd.DataFrame,
    history: pd.DataFrame,
    axes: Sequence[Axes] = (),
    **options: Unpack[Options],
) -> Figure:
    """Draw a row a KPI: its figure and range, a bar against its target, its last twelve periods.

    Parameters
    ----------
    compared : DataFrame
        What `kpi_helpers.compare` returns for one period, a row a KPI, drawn in its order but for
        those without any figure.
    history : DataFrame
        What `kpi_helpers.measure` returns for the same KPIs, a row a period; the last twelve are
        drawn.
    axes : sequence of two Axes, optional
        Where to draw the bars and the histories; by default a new figure.
    **options
        See `kpi_helpers.charts.Options`.

    Examples
    --------
    >>> from kpi_helpers.charts import alt
    >>> alt(scorecard_rows(pd.DataFrame(), pd.DataFrame()))
    'Nothing to compare in this period.'
    """
    reader = Reader(**options)
    rows = [row for row in rows_of(compared) if row["status"] != MISSING]
    height = AROUND + ROW * max(len(rows), 2)
    with page(reader, axes, height, ncols=2, width_ratios=(4, 3)) as sheet:
        said = [*about(rows, reader), *([reader.text("own_scale")] if len(rows) > 1 else [])]
        title = wording.aims(compared, reader.lang, reader.terms, reader.currency)
        sheet.head(reader.title or title, said)
        if sheet.empty([*rows_of(history), *rows] if rows else []):
            return sheet.figure
        for ax in sheet.axes:
            ax.set(xticks=[], yticks=[], ylim=(len(rows) - 0.5, -0.5))
        _words(sheet.axes[0], rows, reader)
        _bullets(sheet, rows)
        _histories(sheet, rows, rows_of(history))
    return sheet.figure


def _words(ax: Axes, rows: Sequence[Row], reader: Reader) -> None:
    """Write each KPI with its verdict, and its figure with its range, to the left of its bar."""
    names = [
        (reader.name(row), wrapped(_verdict(row, reader), NAMES, SMALL, most=2)) for row in rows
    ]
    figures = [(reader.figure(row), _small(row, reader)) for row in rows]
    wide = max(_room(figures) + GAP, width_of(reader.told(rows[0]).period(), SMALL) + GAP)
    _column(ax, figures, wide, "figure")
    _column(ax, names, wide + min(_room(names), NAMES) + 2 * GAP, "name")
    head: dict[str, Any] = {"color": QUIET, "size": SMALL, "annotation_clip": False}
    apart: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
    ax.annotate(reader.told(rows[0]).period(), (0, 1), (-wide, 4), **apart, **head)


def _column(ax: Axes, column: Sequence[Words], left: float, gid: str) -> None:
    apart: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "annotation_clip": False}
    apart |= {"textcoords": "offset points", "va": "top"}
    for place, (first, rest) in enumerate(column):
        top = (LINE * TEXT + LINE * SMALL * len(rest)) / 2
        weight = "bold" if gid == "figure" else "normal"
        said = fitted(first, NAMES, TEXT, bold=gid == "figure")
        ax.annotate(said, (0, place), (-left, top), weight=weight, gid=gid, **apart)
        under = "\n".join(rest)
        small: dict[str, Any] = {"size": SMALL, "color": QUIET, "gid": f"{gid}-small"}
        ax.annotate(under, (0, place), (-left, top - LINE * TEXT), **small, **apart)


def _room(column: Sequence[Words]) -> float:
    """Width of the widest text of a column."""
    small = [width_of(line, SMALL) for _, rest in column for line in rest]
    return max([width_of(first, TEXT, bold=True) for first, _ in column] + small)


def _verdict(row: Row, reader: Reader) -> str:
    return wording.verdict(row, reader.lang, reader.terms, reader.currency)


def _small(row: Row, reader: Reader) -> list[str]:
    """Return what stands under a figure: its range and its cases."""
    told = reader.told(row)
    counted = known(row["value"]) and known(row["n"]) and row["unit"] != COUNT
    cases = told.cases(number(row["n"])) if counted else ""
    return [fitted(said, FIGURES, SMALL) for said in (told.range(), cases) if said]


def _bullets(sheet: Page, rows: Sequence[Row]) -> None:
    """Draw each figure as a bar from 0, its range on it, its target and reference across it."""
    ax, at, places = sheet.axes[0], np.arange(len(rows)), own_scales(rows, SEEN, floor=True)
    reader = sheet.reader
    ax.set_xlim(0, 1)
    zero, value = places["zero"], places["value"]
    there = np.isfinite(value)
    style: dict[str, Any] = {"height": 0.4, "color": BAR, "lw": 0}
    bars = ax.barh(at[there], (value - zero)[there], left=zero[there], **style)
    for bar in bars:
        bar.set_gid("value")
    sheet.key(sheet.reader.told(rows[0]).period(), bars[0])
    ax.vlines(zero, at - TALL, at + TALL, color=QUIET, lw=0.8, gid="zero")
    low, high = within(places["low"], places["high"], (0.0, 1.0))
    # What chance could have given says nothing of a fact that is held against its target.
    aimed = np.array([known(row["target"]) and reader.told(row).is_fact for row in rows])
    ranged = np.isfinite(low) & there & ~aimed
    if ranged.any():
        style = {"color": INK, "lw": 1.1, "gid": "range"}
        drawn = ax.hlines(at[ranged], low[ranged], high[ranged], **style)
        sheet.key(sheet.reader.text("key.range"), drawn)
    marks(sheet, ax, places["reference"], at, sheet.reader.reference(rows), "reference")
    marks(sheet, ax, places["target"], at, sheet.reader.text("key.target"), "target")


def _histories(sheet: Page, rows: Sequence[Row], history: Sequence[Row]) -> None:
    """Draw the last periods of each KPI, on a scale of its own, with their ranges."""
    ax = sheet.axes[1]
    read = [row for row in history if known(row["value"])]
    periods = sorted({edges(row): row for row in read}.items())[-PERIODS:]
    if not periods:
        return
    (first, opening), (last, closing) = periods[0], periods[-1]
    ax.set_xlim(first[0], last[1])
    for place, row in enumerate(rows):
        own = [each for each in read if each["kpi"] == row["kpi"] and edges(each) >= first]
        _history(ax, one_series(own), place)
    span = " – ".join(sheet.reader.told(each).period() for each in (opening, closing))
    ax.set_title(span, loc="right", pad=4, fontsize=SMALL, color=QUIET, parse_math=False)


def _history(ax: Axes, rows: Sequence[Row], place: int) -> None:
    drawn = track(rows)
    if not np.isfinite(drawn.y).any():
        return
    bottom, top = limits([row.get(name) for row in rows for name in ("value", "low", "high")])
    low, high = within(drawn.low, drawn.high, (bottom, top))
    lower, value, upper = (
        place + TALL - 2 * TALL * (each - bottom) / (top - bottom) for each in (low, drawn.y, high)
    )
    ax.fill_between(drawn.x, lower, upper, color=BAND, lw=0, gid="range")
    ax.plot(drawn.x, value, color=VALUE, lw=1.2, gid="history")
    end = np.flatnonzero(np.isfinite(value))[-1]
    ax.plot(drawn.x[end], value[end], color=VALUE, ls="", marker="o", ms=4, gid="last")
