"""A change as steps from what was to what is: how much each one added or took away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd
from matplotlib.patches import Patch

from kpi_helpers import wording
from kpi_helpers.charts.lettering import fitted, width_of
from kpi_helpers.charts.page import Page, page
from kpi_helpers.charts.reader import Options, Reader, Row, rows_of
from kpi_helpers.charts.scales import Array, limits, name_axis, number_axis
from kpi_helpers.charts.theme import BAR, BETTER, INCH, INK, QUIET, SMALL, TEXT, WORSE
from kpi_helpers.units import PERCENT, POINTS, write_date

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, AROUND = 0.27 * INCH, 0.75 * INCH
NAMES, REMARKS = 190.0, 90.0
THICK, HATCH = 0.66, "////"


def waterfall(steps: pd.DataFrame, ax: Axes | None = None, **options: Unpack[Options]) -> Figure:
    """Draw the steps from one level to another, each from where the one above it ended.

    The axis is the change from the first level, so that small steps between large levels can be
    seen and the bar of the whole starts at 0. A step whose cause may be chance is hatched.

    Parameters
    ----------
    steps : DataFrame
        A row a step, in order; of `kpi_helpers.drivers.steps` or of this form. ``bridge`` says what
        is explained and ``step`` what a row is (both keys of the texts ``wording.drivers``),
        ``name`` is a text of the data to be shown with it (blank for none), ``kind`` one of
        ``before``, ``change`` and ``after``, ``amount`` the level or the change, ``unit`` that of
        the levels, ``certainty`` that of the step (blank for a fact), and ``period, start, end``
        the period of the row.
    ax : Axes, optional
        Where to draw; by default a new figure.
    **options
        See `kpi_helpers.charts.Options`.

    Examples
    --------
    >>> from kpi_helpers.charts import alt
    >>> alt(waterfall(pd.DataFrame()))
    'Nothing to show'
    """
    reader, rows = Reader(**options), rows_of(steps)
    given = [] if ax is None else [ax]
    with page(reader, given, AROUND + ROW * max(len(rows), 1)) as sheet:
        language = (reader.lang, reader.terms, reader.currency)
        found = wording.bridged(steps, *language) if rows else reader.text("nothing")
        sheet.head(reader.title or found, _about(steps, reader))
        if sheet.empty([{"value": row["amount"]} | {"note": ""} for row in rows]):
            return sheet.figure
        start, end = _places(rows)
        sheet.ax.set_ylim(len(rows) - 0.5, -0.5)
        sheet.ax.set_xlim(limits([*start, *end], floor=True))
        unit = rows[0]["unit"]
        number_axis(sheet.ax.xaxis, POINTS if unit == PERCENT else unit, reader)
        _draw(sheet, rows, start, end)
        _write(sheet.ax, rows, reader)
        name_axis(sheet.ax.yaxis, [wording.step_name(row, *language[:2]) for row in rows], NAMES)
    return sheet.figure


def _about(steps: pd.DataFrame, reader: Reader) -> list[str]:
    """Return the paragraphs of the subtitle: what is explained and how; the day of the data."""
    if steps.empty:
        return []
    said = [wording.bridge_method(steps, reader.lang, reader.terms), reader.text("from_before")]
    if reader.as_of is not None:
        said[1] += " · " + reader.text("as_of", day=write_date(reader.as_of, reader.lang))
    return said


def _places(rows: Sequence[Row]) -> tuple[Array, Array]:
    """Return where each bar starts and ends, as changes from the first level."""
    scale = 100.0 if rows[0]["unit"] == PERCENT else 1.0
    changes = np.array([scale * row["amount"] * (row["kind"] == "change") for row in rows])
    end = np.cumsum(changes)
    is_change = np.array([row["kind"] == "change" for row in rows])
    return np.where(is_change, end - changes, 0.0), end


def _draw(sheet: Page, rows: Sequence[Row], start: Array, end: Array) -> None:
    ax = sheet.ax
    ax.axvline(0, color=QUIET, lw=0.8)
    for place, (row, left, right) in enumerate(zip(rows, start, end, strict=True)):
        is_change = row["kind"] == "change"
        colour = (BETTER if right > left else WORSE) if is_change else BAR
        (bar,) = ax.barh(place, right - left, THICK, left, color=colour, ec=colour, lw=1)
        bar.set_gid(row["kind"])
        if is_change:
            said = sheet.reader.text(f"key.{'added' if right > left else 'taken'}")
            sheet.key(said, Patch(color=colour))
        if is_change and not wording.is_sure(row):
            bar.set(facecolor="white", hatch=HATCH, hatchcolor=colour)
            sheet.key(
                sheet.reader.text("key.may_be_chance"), Patch(fc="white", ec=QUIET, hatch=HATCH)
            )
    for place, level in enumerate(end[:-1]):
        edges = (place + THICK / 2, place + 1 - THICK / 2)
        ax.plot([level, level], edges, color=INK, lw=0.8, gid="connection")


def _write(ax: Axes, rows: Sequence[Row], reader: Reader) -> None:
    """Write each level or signed change at the end of its row, and what is known of its cause."""
    said = [
        reader.told(row).difference(row["amount"])
        if row["kind"] == "change"
        else reader.told(row).figure(row["amount"])
        for row in rows
    ]
    wide = max(width_of(each, TEXT, bold=True) for each in said)
    apart: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "va": "center"}
    apart |= {"textcoords": "offset points", "annotation_clip": False}
    for place, (row, figure) in enumerate(zip(rows, said, strict=True)):
        right: dict[str, Any] = {"ha": "right", "weight": "bold", "gid": "figure"}
        ax.annotate(figure, (1, place), (4 + wide, 0), **right, **apart)
        remark = fitted(wording.step_certainty(row, reader.lang), REMARKS, SMALL)
        small: dict[str, Any] = {"color": QUIET, "size": SMALL, "gid": "remark"}
        ax.annotate(remark, (1, place), (9 + wide, 0), **small, **apart)
