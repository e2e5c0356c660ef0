"""Trends: KPIs through time with what goes on beneath season and chance, and the parts of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from kpi_helpers import wording
from kpi_helpers.charts import strokes
from kpi_helpers.charts.over_time import BROAD, PANEL, ends, label, small_multiples, times, trim
from kpi_helpers.charts.page import WIDTH, Page, page
from kpi_helpers.charts.reader import Options, Reader, Row, about, rows_of
from kpi_helpers.charts.scales import number_axis
from kpi_helpers.charts.theme import BAR, INCH, VALUE
from kpi_helpers.charts.track import one_series, track
from kpi_helpers.wording.told import plain
from kpi_helpers.wording.trend import QUIET, UNKNOWN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = ("adjusted", "trend", "seasonal", "rest")


def trend_lines(
    parts: pd.DataFrame,
    found: pd.DataFrame,
    most: int = 6,
    axes: Sequence[Axes] = (),
    **options: Unpack[Options],
) -> Figure:
    """Draw KPIs through time, each with its trend: those that move for certain first.

    Parameters
    ----------
    parts, found : DataFrame
        What `kpi_helpers.forecasting.decomposed` and `kpi_helpers.forecasting.trends` return.
    most : int
        KPIs shown.
    axes : sequence of Axes, optional
        Where to draw, a KPI each; by default a new figure.
    **options
        See `kpi_helpers.charts.Options`.
    """
    reader = Reader(**options)
    still, worse = found["verdict"] == QUIET, found["verdict"] == "worse"
    order = np.select([found["broke"], worse, ~still], [0, 1, 2], 3)
    shown = found.iloc[order.argsort(kind="stable")].head(len(axes) or most)
    drawn = parts.assign(anew=parts.groupby("kpi")["phase"].diff().fillna(0) != 0)
    groups = [one_series(rows_of(drawn[drawn["kpi"] == kpi])) for kpi in shown["kpi"]]
    every = [row for rows in groups for row in rows]
    high, wide = -(-len(groups) // BROAD), min(len(groups), BROAD)
    grid = {"nrows": high, "ncols": wide, "sharex": True}
    with page(reader, axes, PANEL * high + 0.6 * INCH, **grid) as sheet:
        said = wording.trends_findings(found, reader.lang, reader.terms, reader.currency)
        rest = [reader.text("drawn", n=len(found), shown=len(shown))] * (len(shown) < len(found))
        explained = [reader.text("trend.about"), *about(every, reader), *rest]
        sheet.head(reader.title or said["sentence"].iloc[0], explained)
        for ax, rows, row in zip(sheet.axes, groups, rows_of(shown), strict=False):
            times(ax, max(groups, key=len), reader)
            _trend(sheet, ax, rows, row)
        trim(sheet.axes, len(groups), wide)
    return sheet.figure


def trend_parts(parts: pd.DataFrame, kpi: str = "", **options: Unpack[Options]) -> Figure:
    """Draw what one KPI is made of: what was read, its trend, its season and the rest.

    Parameters
    ----------
    parts : DataFrame
        What `kpi_helpers.forecasting.decomposed` returns.
    kpi : str
        Its id; by default the first one whose season is shown, else the first one.
    **options
        See `kpi_helpers.charts.Options`.
    """
    reader, read = Reader(**options), parts[parts["trend"].notna()]
    first = read.sort_values("turns", key=lambda turns: turns != "shown", kind="stable")
    rows = read[read["kpi"] == (kpi or first["kpi"].iloc[0])]
    blank: dict[str, Any] = {"low": np.nan, "high": np.nan, "status": "ok", "n": np.nan}
    said = {of: reader.text(f"trend.{of}") for of in COLUMNS}
    drawn = [rows.assign(**blank, kpi=of, label=said[of], value=rows[of]) for of in COLUMNS]
    title = reader.title or reader.text("trend.parts", name=reader.name(rows_of(rows)[0]))
    options["title"] = title
    return small_multiples(pd.concat(drawn), "kpi", **options)


def _trend(sheet: Page, ax: Axes, rows: Sequence[Row], row: Row) -> None:
    """Draw one KPI: as it was, its trend, what was damped, and where it was defined anew."""
    reader, trend = sheet.reader, np.array([each["trend"] for each in rows])
    damped = np.array([bool(each["spike"]) for each in rows])
    shown = [{**each, "value": each["adjusted" if each["spike"] else "value"]} for each in rows]
    ax.set_ylim(ends([*shown, *({"value": level} for level in trend)]))
    number_axis(ax.yaxis, row["unit"], reader)
    drawn = track(shown)
    strokes.holes(sheet, ax, drawn)
    ax.plot(drawn.x, drawn.young(), color=BAR, lw=1.2, ls=(0, (3, 2)), gid="young")
    (read,) = ax.plot(drawn.x, drawn.old(), color=BAR, lw=1.2, marker="o", ms=2, gid="value")
    (line,) = ax.plot(drawn.x, trend, color=VALUE, lw=2, gid="trend")
    sheet.key(reader.text("trend.read"), read)
    sheet.key(reader.text("trend.line"), line)
    x, y = (np.where(damped, along, np.nan) for along in (drawn.x, drawn.y))
    strokes.marks(sheet, ax, x, y, reader.text("trend.damped"), "outside")
    anew = {each["start"]: reader.text("trend.redefined") for each in rows if each["anew"]}
    at = [each["start"] for each in rows if row["broke"] and each["period"] == row["break_period"]]
    strokes.breaks(ax, anew | dict.fromkeys(at, plain(row["event"]) or reader.text("trend.broke")))
    label(ax, reader.name(row), _moved(row, reader), WIDTH / BROAD - 45)


def _moved(row: Row, reader: Reader) -> str:
    """Say from where to where a level moved, else what a trend changes a year, if shown."""
    if row["broke"]:
        return f"{reader.figure(row, 'before')} → {reader.figure(row, 'after')}"
    by, _ = wording.a_year(row, reader.lang, reader.currency)
    sure = row["verdict"] != QUIET and row["turns"] != UNKNOWN
    return reader.text("trend.a_year", by=by) if sure else ""
