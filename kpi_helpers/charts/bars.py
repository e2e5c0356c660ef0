"""Figures of groups as bars from 0: a panel a KPI."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from kpi_helpers import wording
from kpi_helpers.charts.lettering import fitted, width_of
from kpi_helpers.charts.page import Page, page
from kpi_helpers.charts.ranking import kept, ranked, unseen
from kpi_helpers.charts.reader import Options, Reader, Row, about, known, number, rows_of, spread
from kpi_helpers.charts.scales import edges, limits, name_axis, number_axis
from kpi_helpers.charts.strokes import marks, within
from kpi_helpers.charts.theme import BAR, INCH, INK, QUIET, SMALL, TEXT
from kpi_helpers.measure.judge import IMMATURE, INDICATIVE, INSUFFICIENT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, TOP, AROUND = 0.25 * INCH, 0.55 * INCH, 0.3 * INCH
COLUMNS, NAMES, HEADING, CASES = 2, (150.0, 95.0), 190.0, (220.0, 85.0)
SEEN = ("value", "low", "high", "target")
HATCHES = {INDICATIVE: "////", INSUFFICIENT: "xxxx", IMMATURE: "...."}


def bars(
    tidy: pd.DataFrame,
    by: str | Sequence[str],
    most: int = 15,
    axes: Sequence[Axes] = (),
    **options: Unpack[Options],
) -> Figure:
    """Draw KPIs for each group, from 0, with their plausible ranges.

    Parameters
    ----------
    tidy : DataFrame
        What `kpi_helpers.measure` or `compare` returns by group; of several periods the last one
        is drawn. The groups of one KPI stand with the highest first, those of several KPIs in the
        order of the frame. A confirmed difference from the reference bears a sign.
    by : str or sequence of str
        The dimensions that make the groups.
    most : int
        Groups shown of one KPI; the others are counted. The blank group always is shown.
    axes : sequence of Axes, optional
        Where to draw, a KPI each; by default a new figure.
    **options
        See `kpi_helpers.charts.Options`.

    Examples
    --------
    >>> from kpi_helpers.charts import alt
    >>> alt(bars(pd.DataFrame(), by="owner"))
    'Nothing to show'
    """
    reader, names = Reader(**options), [by] if isinstance(by, str) else list(by)
    rows = _last(rows_of(tidy))
    kpis = list(dict.fromkeys(row["kpi"] for row in rows))
    alone = len(kpis) < 2
    shown = kept(ranked(rows, names), names, most) if alone else rows
    groups = list(dict.fromkeys(reader.group(row, names) for row in shown))
    high, wide = -(-len(kpis) // COLUMNS) or 1, min(len(kpis), COLUMNS) or 1
    height = AROUND + high * (TOP + ROW * max(len(groups), 3))
    with page(reader, axes, height, nrows=high, ncols=wide) as sheet:
        beside = any(known(row.get("p_value")) for row in rows)
        find = wording.moves(tidy, reader.lang, reader.terms, reader.currency) if beside else ""
        said = about(rows, reader) + (unseen(len(rows), len(shown), reader) if alone else [])
        sheet.head(reader.title or find or spread(shown, names, reader), said)
        if sheet.empty(rows):
            return sheet.figure
        for place, (ax, kpi) in enumerate(zip(sheet.axes, kpis, strict=False)):
            of = {reader.group(row, names): row for row in shown if row["kpi"] == kpi}
            _panel(sheet, ax, [of.get(group) for group in groups], alone)
            name_axis(ax.yaxis, [] if place % wide else groups, NAMES[not alone])
        for ax in sheet.axes[len(kpis) :]:
            ax.set_axis_off()
    return sheet.figure


def _last(rows: Sequence[Row]) -> list[Row]:
    last = max((edges(row) for row in rows), default=None)
    return [row for row in rows if edges(row) == last]


def _panel(sheet: Page, ax: Axes, rows: Sequence[Row | None], alone: bool) -> None:
    """Draw one KPI; a group that it does not know has an empty place."""
    there = [(place, row) for place, row in enumerate(rows) if row is not None]
    first = there[0][1]
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlim(limits([row.get(of) for _, row in there for of in SEEN], floor=True))
    number_axis(ax.xaxis, first["unit"], sheet.reader)
    _bars(sheet, ax, there)
    _ranges(sheet, ax, there)
    at = np.array([float(place) for place, _ in there])
    target = np.array([number(row.get("target")) for _, row in there])
    marks(sheet, ax, target, at, sheet.reader.text("key.target"), "target")
    _figures(ax, there, sheet.reader, CASES[not alone])
    if not alone:
        said = fitted(sheet.reader.name(first), HEADING, bold=True)
        style: dict[str, Any] = {"fontsize": TEXT, "fontweight": "bold", "color": INK}
        ax.set_title(said, loc="left", pad=4, parse_math=False, **style)


def _bars(sheet: Page, ax: Axes, there: Sequence[tuple[int, Row]]) -> None:
    ax.axvline(0, color=QUIET, lw=0.8)
    for place, row in there:
        if not known(row["value"]):
            continue
        (bar,) = ax.barh(place, row["value"], height=0.62, color=BAR, ec="white", lw=0)
        bar.set_gid("value")
        if row["status"] in HATCHES:
            bar.set(hatch=HATCHES[row["status"]], facecolor="white", edgecolor=BAR)
            sheet.key(sheet.reader.text(f"key.{row['status']}"), bar)
        verdict = row.get("change_verdict")
        if verdict in ("better", "worse") and known(row.get("p_value")):
            said = sheet.reader.text(f"key.others_{verdict}")
            marks(sheet, ax, np.array([row["value"]]), np.array([place]), said, verdict)


def _ranges(sheet: Page, ax: Axes, there: Sequence[tuple[int, Row]]) -> None:
    low, high = (np.array([number(row.get(of)) for _, row in there]) for of in ("low", "high"))
    low, high = within(low, high, ax.get_xlim())
    at, seen = np.array([place for place, _ in there]), np.isfinite(low)
    if seen.any():
        style: dict[str, Any] = {"color": INK, "lw": 1.1, "gid": "range"}
        whiskers = ax.hlines(at[seen], low[seen], high[seen], **style)
        sheet.key(sheet.reader.text("key.range"), whiskers)


def _figures(ax: Axes, there: Sequence[tuple[int, Row]], reader: Reader, room: float) -> None:
    """Write each figure at the end of its row, with its cases or why it cannot be read."""
    figures = [reader.figure(row) if known(row["value"]) else "" for _, row in there]
    wide = max(width_of(said, TEXT, bold=True) for said in figures)
    apart: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "va": "center"}
    apart |= {"textcoords": "offset points", "annotation_clip": False}
    small: dict[str, Any] = {"color": QUIET, "size": SMALL, "gid": "cases"}
    for (place, row), said in zip(there, figures, strict=True):
        right: dict[str, Any] = {"ha": "right", "weight": "bold", "gid": "figure"}
        ax.annotate(said, (1, place), (4 + wide, 0), **right, **apart)
        cases = "" if known(row["value"]) and row["value"] == row["n"] else reader.weight(row)
        ax.annotate(fitted(cases, room, SMALL), (1, place), (4 + wide + 5, 0), **small, **apart)
