"""One figure for each group, as bars from 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from kpi_helpers.charts.lettering import width_of
from kpi_helpers.charts.page import Page, page
from kpi_helpers.charts.ranking import kept, ranked, unseen
from kpi_helpers.charts.reader import (
    Options,
    Reader,
    Row,
    about,
    known,
    number,
    one_kpi,
    rows_of,
    spread,
)
from kpi_helpers.charts.scales import edges, limits, name_axis, number_axis
from kpi_helpers.charts.strokes import within
from kpi_helpers.charts.theme import BAR, INCH, INK, QUIET, SMALL, TEXT
from kpi_helpers.measure.judge import IMMATURE, INDICATIVE, INSUFFICIENT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, AROUND = 0.3 * INCH, 0.7 * INCH
NAMES = 150.0
SEEN = ("value", "low", "high", "target")
HATCHES = {INDICATIVE: "////", INSUFFICIENT: "xxxx", IMMATURE: "...."}


def bars(
    tidy: pd.DataFrame,
    by: str | Sequence[str],
    most: int = 15,
    ax: Axes | None = None,
    **options: Unpack[Options],
) -> Figure:
    """Draw one KPI for each group, from 0, with its plausible range, the highest first.

    Parameters
    ----------
    tidy : DataFrame
        What `kpi_helpers.measure` or `compare` returns for one KPI by group. Of several periods
        the last one is drawn.
    by : str or sequence of str
        The dimensions that make the groups.
    most : int
        Groups shown; the others are counted. The blank group always is.
    ax : Axes, optional
        Where to draw; by default a new figure.
    **options
        See `kpi_helpers.charts.Options`.

    Raises
    ------
    BadInput
        If the frame holds several KPIs.

    Examples
    --------
    >>> from kpi_helpers.charts import alt
    >>> alt(bars(pd.DataFrame(), by="owner"))
    'Nothing to show'
    """
    reader, names = Reader(**options), [by] if isinstance(by, str) else list(by)
    every = one_kpi(rows_of(tidy))
    last = max((edges(row) for row in every), default=None)
    rows = ranked([row for row in every if edges(row) == last], names)
    shown = kept(rows, names, most)
    with page(reader, [ax] if ax else [], AROUND + ROW * max(len(shown), 3)) as sheet:
        said = about(rows, reader) + unseen(len(rows), len(shown), reader)
        sheet.head(spread(shown, names, reader), said)
        if sheet.empty(rows):
            return sheet.figure
        _scales(sheet.ax, shown, names, reader)
        _bars(sheet, shown)
        _ranges(sheet, shown)
        _targets(sheet, shown)
        _figures(sheet.ax, shown, reader)
    return sheet.figure


def _scales(ax: Axes, rows: Sequence[Row], by: Sequence[str], reader: Reader) -> None:
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlim(limits([row.get(of) for row in rows for of in SEEN], floor=True))
    number_axis(ax.xaxis, rows[0]["unit"], reader)
    name_axis(ax.yaxis, [reader.group(row, by) for row in rows], NAMES)


def _bars(sheet: Page, rows: Sequence[Row]) -> None:
    values = [row["value"] if known(row["value"]) else np.nan for row in rows]
    drawn = sheet.ax.barh(range(len(rows)), values, height=0.62, color=BAR, ec="white", lw=0)
    for bar, row in zip(drawn, rows, strict=True):
        bar.set_gid("value")
        if row["status"] in HATCHES and known(row["value"]):
            bar.set(hatch=HATCHES[row["status"]], facecolor="white", edgecolor=BAR)
            sheet.key(sheet.reader.text(f"key.{row['status']}"), bar)
    sheet.ax.axvline(0, color=QUIET, lw=0.8)


def _ranges(sheet: Page, rows: Sequence[Row]) -> None:
    low, high = (np.array([number(row.get(name)) for row in rows]) for name in ("low", "high"))
    low, high = within(low, high, sheet.ax.get_xlim())
    at = np.flatnonzero(np.isfinite(low))
    if len(at) == 0:
        return
    style: dict[str, Any] = {"color": INK, "lw": 1.1, "gid": "range"}
    whiskers = sheet.ax.hlines(at, low[at], high[at], **style)
    sheet.key(sheet.reader.text("key.range"), whiskers)


def _targets(sheet: Page, rows: Sequence[Row]) -> None:
    at = [place for place, row in enumerate(rows) if known(row.get("target"))]
    if not at:
        return
    style: dict[str, Any] = {"color": INK, "ls": "", "marker": "|", "ms": 13, "mew": 2}
    (drawn,) = sheet.ax.plot([rows[i]["target"] for i in at], at, gid="target", **style)
    sheet.key(sheet.reader.text("key.target"), drawn)


def _figures(ax: Axes, rows: Sequence[Row], reader: Reader) -> None:
    """Write each figure behind its bar and its range, with its cases or why it cannot be read."""
    for place, row in enumerate(rows):
        seen = [float(row[of]) for of in SEEN if known(row.get(of))]
        reach = ax.get_xlim()[1] if number(row.get("high")) == np.inf else 0.0
        at = (max([*seen, reach, 0.0]), place)
        apart: dict[str, Any] = {"textcoords": "offset points", "va": "center"}
        said = reader.figure(row) if known(row["value"]) else ""
        ax.annotate(said, at, (6, 0), weight="bold", gid="figure", **apart)
        beside = 12 + width_of(said, TEXT, bold=True) if said else 6
        small: dict[str, Any] = {"color": QUIET, "size": SMALL, "gid": "cases"}
        ax.annotate(reader.weight(row), at, (beside, 0), **small, **apart)
