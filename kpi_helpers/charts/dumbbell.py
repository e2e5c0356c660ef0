"""Two figures a row, the reference and the value, and the way from one to the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from kpi_helpers import wording
from kpi_helpers.charts.lettering import fitted
from kpi_helpers.charts.page import Page, page
from kpi_helpers.charts.reader import (
    Options,
    Reader,
    Row,
    about,
    known,
    number,
    rows_of,
    spread,
)
from kpi_helpers.charts.scales import Array, limits, name_axis, number_axis, own_scales
from kpi_helpers.charts.strokes import marks, within
from kpi_helpers.charts.theme import INCH, INK, QUIET, SMALL
from kpi_helpers.compare.verdicts import UNREADABLE
from kpi_helpers.measure.judge import INDICATIVE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, AROUND = 0.42 * INCH, 0.7 * INCH
NAMES, FIGURES = 140.0, 170.0
SEEN = ("value", "low", "high", "reference", "reference_low", "reference_high")
ABOVE, BELOW = -0.13, 0.13


def dumbbell(
    compared: pd.DataFrame,
    by: str | Sequence[str] = (),
    ax: Axes | None = None,
    **options: Unpack[Options],
) -> Figure:
    """Draw each figure below its reference, both with their plausible ranges, and the change.

    Parameters
    ----------
    compared : DataFrame
        What `kpi_helpers.compare` returns, drawn in its order, without the KPIs that have no
        reference. Rows of one KPI share a scale; several KPIs have each its own. Figures of too
        few cases are written, not drawn.
    by : str or sequence of str
        The dimensions that name the rows; by default the KPIs do.
    ax : Axes, optional
        Where to draw; by default a new figure.
    **options
        See `kpi_helpers.charts.Options`.

    Examples
    --------
    >>> from kpi_helpers.charts import alt
    >>> alt(dumbbell(pd.DataFrame()))
    'Nothing to show'
    """
    reader, names = Reader(**options), [by] if isinstance(by, str) else list(by)
    rows = [row for row in rows_of(compared) if by or known(row["change"])]
    with page(reader, [ax] if ax else [], AROUND + ROW * max(len(rows), 2)) as sheet:
        several = len({row["kpi"] for row in rows}) > 1
        note = [reader.text("own_scale")] if several else []
        title = reader.title or wording.moves(compared, reader.lang, reader.terms, reader.currency)
        sheet.head(title if several else spread(rows, names, reader), about(rows, reader) + note)
        if sheet.empty(rows):
            return sheet.figure
        sheet.ax.set_ylim(len(rows) - 0.5, -0.5)
        places = _places(sheet, [_readable(row) for row in rows], own=several)
        said = [reader.group(row, names) if names else reader.name(row) for row in rows]
        name_axis(sheet.ax.yaxis, said, NAMES)
        _pairs(sheet, rows, places)
        for place, row in enumerate(rows):
            _figures(sheet.ax, row, place, reader)
    return sheet.figure


def _places(sheet: Page, rows: Sequence[Row], own: bool) -> dict[str, Array]:
    """Set the scale, and return each column's places on it."""
    if own:
        sheet.ax.set(xlim=(-0.03, 1.03), xticks=[])
        return own_scales(rows, SEEN)
    sheet.ax.set_xlim(limits([row.get(name) for row in rows for name in SEEN]))
    number_axis(sheet.ax.xaxis, rows[0]["unit"], sheet.reader)
    return {name: np.array([number(row.get(name)) for row in rows]) for name in SEEN}


def _pairs(sheet: Page, rows: Sequence[Row], places: dict[str, Array]) -> None:
    ax, at = sheet.ax, np.arange(len(rows))
    ways = [places["reference"], places["value"]]
    ax.plot(ways, [at + ABOVE, at + BELOW], color=QUIET, lw=0.8, zorder=1)
    _ranges(sheet, places, "reference_", at + ABOVE)
    _ranges(sheet, places, "", at + BELOW)
    reference = sheet.reader.reference(rows)
    marks(sheet, ax, places["reference"], at + ABOVE, reference, "reference")
    for kind in ("better", "worse", "value", "care"):
        of = np.array([_kind(row) == kind for row in rows])
        said = _said(sheet, rows[0], kind)
        marks(sheet, ax, places["value"][of], (at + BELOW)[of], said, kind)


def _kind(row: Row) -> str:
    """Say what a value shows: a confirmed change, or one to be read with care, or neither."""
    tested = known(row["p_value"]) or known(row.get("place"))  # one among peers has its range
    if row["change_verdict"] in ("better", "worse") and tested:
        return str(row["change_verdict"])
    return "care" if row["status"] == INDICATIVE else "value"


def _said(sheet: Page, row: Row, kind: str) -> str:
    period = sheet.reader.told(row).period()
    if kind in ("value", "care"):
        return period if kind == "value" else sheet.reader.text("key.indicative")
    return sheet.reader.text(f"key.value_{kind}", period=period)


def _ranges(sheet: Page, places: dict[str, Array], of: str, at: Array) -> None:
    low, high = within(places[f"{of}low"], places[f"{of}high"], sheet.ax.get_xlim())
    there = np.isfinite(low) & np.isfinite(places[of.rstrip("_") or "value"])
    if there.any():
        style: dict[str, Any] = {"color": QUIET if of else INK, "lw": 1.1, "gid": f"{of}range"}
        whiskers = sheet.ax.hlines(at[there], low[there], high[there], **style)
        sheet.key(sheet.reader.text("key.range"), whiskers)


def _figures(ax: Axes, row: Row, place: int, reader: Reader) -> None:
    """Write both figures and the change at the end of a row."""
    value = reader.figure(row) if known(row["value"]) else reader.weight(row)
    before = reader.figure(row, "reference") if known(row["reference"]) else ""
    few = reader.weight(row) if known(row["value"]) and row["status"] in UNREADABLE else ""
    change = reader.change(row) if known(row["change"]) else few
    apart: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "annotation_clip": False}
    apart |= {"textcoords": "offset points", "size": SMALL}
    said = fitted(" → ".join(filter(None, (before, value))), FIGURES, SMALL)
    up, where = (1, "bottom") if change else (0, "center")
    ax.annotate(said, (1, place), (8, up), va=where, gid="figures", **apart)
    ax.annotate(change, (1, place), (8, -up), va="top", color=QUIET, gid="change", **apart)


def _readable(row: Row) -> Row:
    """Return a row without its figures where too few cases stand behind them to set a scale."""
    return {**row, **dict.fromkeys(SEEN)} if row["status"] in UNREADABLE else row
