"""Segments by KPI: the figure of each, shaded by how far it stands from that of the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Patch

from kpi_helpers import wording
from kpi_helpers.charts.lettering import wrapped
from kpi_helpers.charts.page import page
from kpi_helpers.charts.reader import Options, Reader, Row
from kpi_helpers.charts.scales import label_axis, name_axis
from kpi_helpers.charts.theme import BAND, GRID, INCH, INK, SMALL
from kpi_helpers.language import text
from kpi_helpers.units import write_date
from kpi_helpers.wording.told import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, TOP, AROUND, NAMES, ROOM = 0.3 * INCH, 0.75 * INCH, 0.6 * INCH, 130.0, 285.0
WORSE_CELL = "#f2c3ab"
STRONGEST = 4.0
SIGNS = {"better": "▲ ", "worse": "▼ "}


def segment_map(
    crossed: pd.DataFrame, axes: Sequence[Axes] = (), **options: Unpack[Options]
) -> Figure:
    """Draw the KPIs of segments as maps of cells, one for each dimension.

    Parameters
    ----------
    crossed : DataFrame
        What `kpi_helpers.associations.crossed` returns.
    axes : sequence of Axes, optional
        Where to draw, a dimension each; by default a new figure.
    **options
        See `kpi_helpers.charts.Options`.
    """
    reader = Reader(**options)
    maps = [rows for _, rows in crossed.groupby("dimension", sort=False)]
    heights = [TOP + ROW * rows["group"].nunique() for rows in maps]
    grid: dict[str, Any] = {"nrows": len(maps), "gridspec_kw": {"height_ratios": heights}}
    found = wording.segments_findings(crossed, reader.lang, reader.terms, reader.currency)
    about = [_text("subtitle", reader), _as_of(reader)]
    with page(reader, axes, AROUND + sum(heights), **grid) as sheet:
        sheet.head(reader.title or found["sentence"].iloc[0], [each for each in about if each])
        for ax, rows in zip(sheet.axes, maps, strict=False):
            _map(ax, rows.to_dict("records"), reader)
        sheet.key(_text("better", reader), Patch(fc=BAND, ec=GRID))
        sheet.key(_text("worse_key", reader), Patch(fc=WORSE_CELL, ec=GRID))
        sheet.key(_text("sure", reader), Patch(fc="none", ec="none"))
    return sheet.figure


def _map(ax: Axes, rows: Sequence[Row], reader: Reader) -> None:
    """Draw one dimension: a row a segment, a column a KPI."""
    first = {row["kpi"]: row for row in reversed(rows)}
    kpis = list(dict.fromkeys(row["kpi"] for row in rows))
    groups = list(dict.fromkeys(row["group"] for row in rows))
    shades = np.full((len(groups), len(kpis)), np.nan)
    for row in rows:
        place = groups.index(row["group"]), kpis.index(row["kpi"])
        shades[place] = row["strength"]
        said = SIGNS.get(row["change_verdict"], "") + reader.figure(row)
        weight = "bold" if row["change_verdict"] in SIGNS else "normal"
        style: dict[str, Any] = {"ha": "center", "va": "center", "size": SMALL, "color": INK}
        ax.text(place[1], place[0], said, weight=weight, **style)
    _shaded(ax, shades)
    name_axis(ax.yaxis, [plain(group) for group in groups], NAMES)
    room = ROOM / len(kpis)
    heads = ["\n".join(wrapped(reader.name(first[kpi]), room, SMALL, most=4)) for kpi in kpis]
    label_axis(ax.xaxis, range(len(kpis)), heads)
    ax.xaxis.tick_top()


def _shaded(ax: Axes, shades: Any) -> None:
    high, wide = shades.shape
    shade = LinearSegmentedColormap.from_list("beside", [WORSE_CELL, "white", BAND])
    edges = np.arange(wide + 1) - 0.5, np.arange(high + 1) - 0.5
    style: dict[str, Any] = {"ec": GRID, "lw": 0.6, "vmin": -STRONGEST, "vmax": STRONGEST}
    ax.pcolormesh(*edges, np.ma.masked_invalid(shades), cmap=shade, **style)
    ax.set(xlim=(-0.5, wide - 0.5), ylim=(high - 0.5, -0.5))


def _text(key: str, reader: Reader) -> str:
    return text(f"associations.{key}", reader.lang)


def _as_of(reader: Reader) -> str:
    if reader.as_of is None:
        return ""
    return reader.text("as_of", day=write_date(reader.as_of, reader.lang))
