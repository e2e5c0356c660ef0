"""Shares as a map of cells, darker where they are higher: cohorts by age, segments by segment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Patch

from kpi_helpers import wording
from kpi_helpers.charts.page import Page, page
from kpi_helpers.charts.reader import Options, Reader
from kpi_helpers.charts.scales import Array, label_axis, name_axis
from kpi_helpers.charts.theme import BAND, GRID, INCH, INK, QUIET, SMALL, VALUE
from kpi_helpers.language import nouns
from kpi_helpers.units import COUNT, PERCENT, write, write_date
from kpi_helpers.wording.when import label_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, AROUND, NAMES, MOST = 0.24 * INCH, 0.85 * INCH, 130.0, 14
YOUNG, DARK = "....", 0.7


def cohort_map(
    triangle: pd.DataFrame, ax: Axes | None = None, **options: Unpack[Options]
) -> Figure:
    """Draw which share of each cohort is there at each age; what is too early is dotted.

    Parameters
    ----------
    triangle : DataFrame
        What `kpi_helpers.customers.cohorts` returns; the last 14 cohorts and first 14 ages are
        drawn.
    ax : Axes, optional
        Where to draw; by default a new figure.
    **options
        See `kpi_helpers.charts.Options`.

    Examples
    --------
    >>> from kpi_helpers.charts import alt
    >>> alt(cohort_map(pd.DataFrame()))
    'Nothing to show'
    """
    reader = Reader(**options)
    if triangle.empty:
        return _nothing(reader, ax)
    seen = triangle[triangle["age"].between(1, MOST)]
    rows = triangle[triangle["age"] == 0].tail(MOST)
    cells, young = (
        seen.pivot(index="start", columns="age", values=of).reindex(rows["start"])
        for of in ("value", "status")
    )
    head = wording.stays(triangle, reader.lang, reader.terms)
    about = [_text(rows["kind"].iloc[0], reader), _as_of(rows["n"].sum(), reader)]
    names = [_cohort(row, reader) for row in rows.to_dict("records")]
    with page(reader, [] if ax is None else [ax], AROUND + ROW * len(rows)) as sheet:
        sheet.head(reader.title or head, about)
        values = cells.to_numpy(float)
        said = [
            [write(v, PERCENT, reader.lang, digits=0) if np.isfinite(v) else "" for v in row]
            for row in values
        ]
        shaded(sheet, values, said, (young == "immature").to_numpy())
        name_axis(sheet.ax.yaxis, names, NAMES)
        label_axis(sheet.ax.xaxis, range(values.shape[1]), [str(age) for age in cells])
        sheet.ax.set_xlabel(_text(rows["grain"].iloc[0], reader))
        if rows["truncated"].any():
            sheet.key(_text("truncated", reader), Patch(fc="none", ec="none"))
    return sheet.figure


def moves_map(moves: pd.DataFrame, ax: Axes | None = None, **options: Unpack[Options]) -> Figure:
    """Draw where the customers of each segment are at the end of a period: row to column.

    Parameters
    ----------
    moves : DataFrame
        What `kpi_helpers.customers.moves` returns.
    ax, **options
        As for `cohort_map`.

    Examples
    --------
    >>> from kpi_helpers.charts import alt
    >>> alt(moves_map(pd.DataFrame()))
    'Nothing to show'
    """
    reader = Reader(**options)
    if moves.empty:
        return _nothing(reader, ax)
    names = list(dict.fromkeys(moves["before"]))
    counts, shares = (
        moves.pivot(index="before", columns="after", values=of).loc[names, names]
        for of in ("customers", "share")
    )
    said = [[write(n, COUNT, reader.lang) for n in row] for row in counts.to_numpy()]
    shown = [wording.segment(name, reader.lang) for name in names]
    head = wording.moved(moves, reader.lang, reader.terms, reader.currency)
    about = [_text("moves", reader), _as_of(counts.to_numpy().sum(), reader)]
    with page(reader, [] if ax is None else [ax], AROUND + ROW * len(names)) as sheet:
        sheet.head(reader.title or head, about)
        shaded(sheet, shares.to_numpy(float), said, np.zeros(shares.shape, dtype=bool))
        name_axis(sheet.ax.yaxis, shown, NAMES)
        label_axis(sheet.ax.xaxis, range(len(names)), shown)
        sheet.ax.set_xlabel(_text("end", reader))
    return sheet.figure


def _nothing(reader: Reader, ax: Axes | None) -> Figure:
    with page(reader, [] if ax is None else [ax], AROUND) as sheet:
        sheet.head(reader.title or reader.text("nothing"), [])
        sheet.empty([])
    return sheet.figure


def shaded(sheet: Page, values: Array, said: Sequence[Sequence[str]], young: Array) -> None:
    """Draw the cells, each with what it holds; the shades go from the lowest to the highest."""
    ax, known = sheet.ax, values[np.isfinite(values)]
    low, high = (known.min(), known.max()) if known.size else (0.0, 1.0)
    shade = LinearSegmentedColormap.from_list("share", ["white", BAND, VALUE])
    places = (values - low) / ((high - low) or 1.0)
    high, wide = values.shape
    edges = np.arange(wide + 1) - 0.5, np.arange(high + 1) - 0.5
    ax.pcolormesh(*edges, places, cmap=shade, vmin=0, vmax=1, ec=GRID, lw=0.6, gid="cells")
    ax.set(xlim=(-0.5, wide - 0.5), ylim=(high - 0.5, -0.5))
    for (row, column), place in np.ndenumerate(places):
        if young[row, column]:
            dots: dict[str, Any] = {"fc": "none", "ec": QUIET, "hatch": YOUNG, "lw": 0}
            ax.bar(column, 1, 1, row - 0.5, gid="young", **dots)
            sheet.key(sheet.reader.text("key.immature"), Patch(**dots))
        colour = "white" if place > DARK else INK
        style: dict[str, Any] = {"ha": "center", "va": "center", "size": SMALL, "color": colour}
        ax.text(column, row, said[row][column], **style)


def _text(key: str, reader: Reader, **values: object) -> str:
    return reader.text(f"retention.{key}", **values, **nouns(reader.lang, reader.terms))


def _cohort(row: dict[Any, Any], reader: Reader) -> str:
    mark = "*" if row["truncated"] else ""
    n = write(row["n"], COUNT, reader.lang)
    return f"{label_of(row['cohort'], row, reader.lang)}{mark} · {n}"


def _as_of(n: float, reader: Reader) -> str:
    counted = _text("customers", reader, n=int(n), number=write(n, COUNT, reader.lang))
    if reader.as_of is None:
        return counted
    return f"{counted} · {reader.text('as_of', day=write_date(reader.as_of, reader.lang))}"
