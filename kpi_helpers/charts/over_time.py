"""Figures through time: one line with its plausible range, or a small one for each group."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from kpi_helpers.charts import strokes
from kpi_helpers.charts.lettering import fitted, width_of
from kpi_helpers.charts.page import WIDTH, Page, page
from kpi_helpers.charts.ranking import kept, latest, ranked, unseen
from kpi_helpers.charts.reader import (
    RANGES,
    Options,
    Reader,
    Row,
    about,
    known,
    number,
    rows_of,
    spread,
    stated,
)
from kpi_helpers.charts.scales import edges, limits, middle, number_axis, period_axis
from kpi_helpers.charts.theme import INCH, INK, QUIET, TEXT
from kpi_helpers.charts.track import one_series, track
from kpi_helpers.wording import accuracy_findings, control_title
from kpi_helpers.wording.told import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT, PANEL = 2.7 * INCH, 1.25 * INCH
COLUMNS, BROAD, MOST = 3, 2, 24
NAME, SCALE = WIDTH / COLUMNS - 35, 24.0


def line(
    tidy: pd.DataFrame,
    breaks: Mapping[dt.date, str] | None = None,
    ax: Axes | None = None,
    **options: Unpack[Options],
) -> Figure:
    """Draw one KPI through time, with its plausible range and its target where it has one.

    Parameters
    ----------
    tidy : DataFrame
        What `kpi_helpers.measure` returns for one KPI, a row a period. Time without a figure is
        hatched; figures that it is too early to read are dashed.
    breaks : mapping, optional
        Day from which a definition changed → what changed. The line is interrupted there.
    ax : Axes, optional
        Where to draw; by default a new figure.
    **options
        See `kpi_helpers.charts.Options`.

    Raises
    ------
    BadInput
        If the frame holds several KPIs or groups.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> from kpi_helpers.charts import alt
    >>> deals = pd.DataFrame({"deal_id": ["1", "2"], "status": ["won", "lost"],
    ...     "created_at": ["2026-01-05"] * 2, "closed_at": ["2026-02-01", "2026-05-01"]})
    >>> quarters = kh.measure(kh.load(deals), "deals_won_count", "2026Q1:2026Q2")
    >>> alt(line(quarters, title="One deal won"))
    'One deal won'
    """
    reader, rows = Reader(**options), one_series(rows_of(tidy))
    with page(reader, [ax] if ax else [], HEIGHT) as sheet:
        sheet.head(stated(rows, reader), about(rows, reader))
        if sheet.empty(rows):
            return sheet.figure
        drawn = track(rows, breaks)
        _scales(sheet.ax, rows, ends(rows), reader)
        strokes.holes(sheet, sheet.ax, drawn)
        strokes.targets(sheet, sheet.ax, rows)
        strokes.series(sheet, sheet.ax, drawn)
        strokes.breaks(sheet.ax, breaks or {})
        strokes.last_value(sheet.ax, rows, reader)
    return sheet.figure


def forecasts_due(
    found: pd.DataFrame,
    summed: pd.DataFrame,
    ax: Axes | None = None,
    **options: Unpack[Options],
) -> Figure:
    """Draw what came of the first KPI beside what was last forecast of it, with its range.

    Parameters
    ----------
    found, summed : DataFrame
        What `kpi_helpers.forecasting.due` and `kpi_helpers.forecasting.accuracy` return.
    ax : Axes, optional
        Where to draw; by default a new figure.
    **options
        See `kpi_helpers.charts.Options`.
    """
    reader, first = Reader(**options), found.iloc[0]
    own = found[found["kpi"].eq(first["kpi"]) & found["grain"].eq(first["grain"])]
    last = own.sort_values("made_at", kind="stable").drop_duplicates("start", keep="last")
    rows = one_series(rows_of(last))[-MOST:]
    said = accuracy_findings(summed, reader.lang)["sentence"].iloc[0]
    with page(reader, [ax] if ax else [], HEIGHT) as sheet:
        sheet.head(reader.title or said, about(rows, reader))
        seen = [row[of] for row in rows for of in ("value", "reference", *RANGES[1])]
        _scales(sheet.ax, rows, limits(seen), reader)
        x, told, low, high = np.array(
            [[middle(row), *(number(row[of]) for of in ("reference", *RANGES[1]))] for row in rows]
        ).T
        low, high = strokes.within(low, high, sheet.ax.get_ylim())
        whiskers = sheet.ax.vlines(x, low, high, color=QUIET, lw=1.1, gid="forecast_range")
        sheet.key(reader.text("key.forecast_range"), whiskers)
        strokes.marks(sheet, sheet.ax, x, told, reader.text("key.forecast"), "reference")
        strokes.series(sheet, sheet.ax, track(rows))
    return sheet.figure


def small_multiples(
    tidy: pd.DataFrame,
    by: str | Sequence[str],
    most: int = 12,
    axes: Sequence[Axes] = (),
    **options: Unpack[Options],
) -> Figure:
    """Draw one KPI through time for each group, all on the same scales; several KPIs on their own.

    Parameters
    ----------
    tidy : DataFrame
        What `kpi_helpers.measure` returns for one KPI, a row a period and group; of what stands
        beside a reference, a confirmed change bears a sign.
    by : str or sequence of str
        The dimensions that make the groups; ``kpi`` for several KPIs of one group.
    most : int
        Groups shown, those with the highest last figure first; the others are counted.
    axes : sequence of Axes, optional
        Where to draw, a group each; by default a new figure.
    **options
        See `kpi_helpers.charts.Options`.

    Raises
    ------
    BadInput
        If a group holds several KPIs or series.

    Examples
    --------
    >>> from kpi_helpers.charts import alt
    >>> alt(small_multiples(pd.DataFrame(), by="owner"))
    'Nothing to show'
    """
    reader, names = Reader(**options), [by] if isinstance(by, str) else list(by)
    groups = _groups(rows_of(tidy), names)
    lasts = ranked([latest(rows) for rows in groups.values()], names)
    first = kept(lasts, names, len(axes) or most)
    shown = [groups[_key(row, names)] for row in first]
    every = [row for rows in groups.values() for row in rows]
    high, wide = -(-len(shown) // COLUMNS) or 1, min(len(shown), COLUMNS) or 1
    alone = len({row["kpi"] for row in every}) < 2
    shown = shown if alone else list(groups.values())
    grid = {"nrows": high, "ncols": wide, "sharex": True, "sharey": alone}
    with page(reader, axes, PANEL * high + 0.5 * INCH, **grid) as sheet:
        said = about(every, reader) + unseen(len(groups), len(shown), reader)
        kpis = reader.title or ", ".join(dict.fromkeys(reader.name(row) for row in every))
        sheet.head(spread(first, names, reader) if alone else kpis, said)
        if sheet.empty(every):
            return sheet.figure
        _panels(sheet, shown, names)
        trim(sheet.axes, len(shown), wide)
    return sheet.figure


def control_charts(
    found: pd.DataFrame,
    latest: pd.DataFrame,
    most: int = 6,
    axes: Sequence[Axes] = (),
    **options: Unpack[Options],
) -> Figure:
    """Draw KPIs month by month beside their usual variation, those that left it first.

    Parameters
    ----------
    found, latest : DataFrame
        What `kpi_helpers.control.watched` and `kpi_helpers.control.latest` return.
    most : int
        KPIs shown.
    axes : sequence of Axes, optional
        Where to draw, a KPI each; by default a new figure.
    **options
        See `kpi_helpers.charts.Options`.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> from kpi_helpers import control
    >>> from kpi_helpers.charts import alt
    >>> found = control.watched(kh.load("data/sample"), "lead_qualification_rate", "2026Q3")
    >>> alt(control_charts(found, control.latest(found)))
    '1 KPI outside its usual variation: Lead qualification rate'
    """
    reader, shown = Reader(**options), latest.head(len(axes) or most)
    judged = found["centre"].notna().groupby(found["kpi"]).cummax()
    drawn = found[judged].assign(low=found["lower"], high=found["upper"])
    groups = [one_series(rows_of(drawn[drawn["kpi"] == kpi])) for kpi in shown["kpi"]]
    every = [row for rows in groups for row in rows]
    high, wide = -(-len(groups) // BROAD), min(len(groups), BROAD)
    grid = {"nrows": high, "ncols": wide, "sharex": True}
    with page(reader, axes, PANEL * high + 0.5 * INCH, **grid) as sheet:
        rest = [reader.text("drawn", n=len(latest), shown=len(shown))]
        said = about(every, reader) + (rest if len(shown) < len(latest) else [])
        sheet.head(reader.title or control_title(latest, reader.lang, reader.terms), said)
        for ax, rows, last in zip(sheet.axes, groups, rows_of(shown), strict=False):
            times(ax, max(groups, key=len), reader)
            _usual(sheet, ax, rows, last)
        trim(sheet.axes, len(groups), wide)
    return sheet.figure


def _usual(sheet: Page, ax: Axes, rows: Sequence[Row], last: Row) -> None:
    """Draw a KPI, its limits, the signals, and what was noted when they began."""
    reader, drawn = sheet.reader, track(rows)
    ax.set_ylim(ends(rows))
    number_axis(ax.yaxis, last["unit"], reader)
    strokes.holes(sheet, ax, drawn)
    strokes.series(sheet, ax, drawn, "usual")
    outside = np.where([row["signal"] for row in rows], drawn.y, np.nan)
    strokes.marks(sheet, ax, drawn.x, outside, reader.text("key.outside"), "outside")
    if last["event"]:
        began = next(row for row in rows if row["period"] == last["since"])
        strokes.breaks(ax, {began["start"]: plain(last["event"])})
    judged = [row for row in rows if known(row["centre"])]
    label(ax, reader.name(last), reader.figure(judged[-1]), WIDTH / BROAD - 35)


def _panels(sheet: Page, groups: Sequence[Sequence[Row]], by: Sequence[str]) -> None:
    reader, every = sheet.reader, [row for rows in groups for row in rows]
    alone = len({row["kpi"] for row in every}) < 2
    for ax, rows in zip(sheet.axes, groups, strict=False):
        drawn = track(rows)
        _scales(ax, rows, ends(every if alone else rows), reader)
        strokes.holes(sheet, ax, drawn)
        strokes.targets(sheet, ax, rows)
        strokes.series(sheet, ax, drawn)
        strokes.moved(sheet, ax, rows)
        name = reader.group(rows[0], by) if alone else reader.name(rows[0])
        label(ax, name, reader.figure(latest(rows)), NAME if alone else NAME - SCALE)


def label(ax: Axes, name: str, figure: str, wide: float) -> None:
    """Name a panel, with its last figure at the other end."""
    style: dict[str, Any] = {"pad": 4.0, "fontsize": TEXT, "color": INK, "parse_math": False}
    room = wide - width_of(figure, TEXT, bold=True)
    ax.set_title(fitted(name, room), loc="left", **style)
    ax.set_title(figure, loc="right", fontweight="bold", **style)


def trim(axes: Sequence[Axes], shown: int, wide: int) -> None:
    """Give the lowest panel of each column its periods, and hide the panels without a group."""
    for panel in axes[max(shown - wide, 0) : shown]:
        panel.tick_params(labelbottom=True)
    for panel in axes[shown:]:
        panel.set_axis_off()


def _scales(ax: Axes, rows: Sequence[Row], within: tuple[float, float], reader: Reader) -> None:
    ax.set_ylim(within)
    number_axis(ax.yaxis, rows[0]["unit"], reader)
    times(ax, rows, reader)


def times(ax: Axes, rows: Sequence[Row], reader: Reader) -> None:
    """Give a panel the periods of its rows."""
    ax.set_xlim(min(edges(row)[0] for row in rows), max(edges(row)[1] for row in rows))
    period_axis(ax.xaxis, rows, reader)


def ends(rows: Sequence[Row]) -> tuple[float, float]:
    """Return the ends of an axis that holds figures, their ranges and targets."""
    return limits([row.get(of) for row in rows for of in ("value", "low", "high", "target")])


def _groups(rows: Sequence[Row], by: Sequence[str]) -> dict[tuple[str, ...], list[Row]]:
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(_key(row, by), []).append(row)
    return {key: one_series(group) for key, group in found.items()}


def _key(row: Row, by: Sequence[str]) -> tuple[str, ...]:
    values = (row[name] for name in by)
    return tuple("" if value is None or value != value else f"={value}" for value in values)
