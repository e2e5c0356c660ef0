"""What becomes of deals as they age, and how long they stay in each stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from kpi_helpers.charts.page import Page, page
from kpi_helpers.charts.reader import Options, Reader
from kpi_helpers.charts.scales import limits, name_axis, number_axis
from kpi_helpers.charts.theme import BAR, INCH, INK, QUIET, REST, SMALL, VALUE, WORSE
from kpi_helpers.language import text
from kpi_helpers.units import COUNT, DAYS, PERCENT, write, write_date
from kpi_helpers.wording.times import cycle_findings, written

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT, ROW, AROUND, NAMES = 3.1 * INCH, 0.42 * INCH, 0.8 * INCH, 130.0
TOLD = (30, 60, 90, 180)


def cycle_shares(
    chances: pd.DataFrame, ax: Axes | None = None, **options: Unpack[Options]
) -> Figure:
    """Draw the shares of deals won, still open and lost by age, with the range of the won.

    Parameters
    ----------
    chances : DataFrame
        What `kpi_helpers.funnel.cycle_chances` returns.
    ax : Axes, optional
        Where to draw; by default a new figure.
    **options
        See `kpi_helpers.charts.Options`.
    """
    reader, age = Reader(**options), chances["age"]
    with page(reader, [] if ax is None else [ax], HEIGHT) as sheet:
        _head(sheet, chances, "shares", chances["deals"].iloc[0])
        names, fills = ("won", "open", "lost"), (BAR, "white", REST)
        shares = [chances[name] for name in names]
        areas = sheet.ax.stackplot(age, *shares, colors=fills, ec=QUIET, lw=0.6)
        for name, area in zip(names, areas, strict=True):
            area.set_gid(name)
            sheet.key(_text(name, reader), area)
        ends = chances["won_low"], chances["won_high"]
        band = sheet.ax.fill_between(age, *ends, color=VALUE, alpha=0.35, lw=0, gid="range")
        sheet.key(reader.text("key.range"), band)
        for row in chances[age.isin(TOLD)].to_dict("records"):
            said, place = written(row, reader.lang)["won"], (row["age"], row["won_high"])
            above: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "gid": "won_by"}
            sheet.ax.annotate(said, place, (0, 3), color=INK, **above)
        sheet.ax.set(xlim=(0, max(age.iloc[-1], 1)), ylim=(0, 1))
        number_axis(sheet.ax.xaxis, DAYS, reader)
        number_axis(sheet.ax.yaxis, PERCENT, reader)
    return sheet.figure


def stage_times(stays: pd.DataFrame, ax: Axes | None = None, **options: Unpack[Options]) -> Figure:
    """Draw by when half, three in four and nine in ten stays end, and how many deals are beyond.

    Parameters
    ----------
    stays : DataFrame
        What `kpi_helpers.funnel.stays` returns.
    ax, **options
        As for `cycle_shares`.
    """
    reader, at = Reader(**options), np.arange(len(stays))
    with page(reader, [] if ax is None else [ax], AROUND + ROW * max(len(at), 2)) as sheet:
        _head(sheet, stays, "stages", stays["n"].sum())
        axes, ends = sheet.ax, stays[["high", "late", "very_late"]].to_numpy(float)
        axes.set(xlim=limits(list(ends.ravel()), floor=True), ylim=(len(at) - 0.5, -0.5))
        number_axis(axes.xaxis, DAYS, reader)
        bars = axes.barh(at, stays["value"].fillna(0), 0.5, color=BAR, gid="value")
        sheet.key(_text("half_stay", reader), bars[0])
        for name, colour in (("late", VALUE), ("very_late", WORSE)):
            style: dict[str, Any] = {"color": colour, "ls": "", "ms": 13, "mew": 2, "gid": name}
            sheet.key(_text(name, reader), axes.plot(stays[name], at, "|", **style)[0])
        high = stays["high"].clip(upper=axes.get_xlim()[1])
        axes.hlines(at, stays["low"], high, color=INK, lw=1.2, gid="range")
        for place, row in enumerate(stays.to_dict("records")):
            said = dict.fromkeys(("late", "very_late"), "–") | written(row, reader.lang)
            beside: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "va": "center"}
            beside |= {"textcoords": "offset points", "annotation_clip": False, "size": SMALL}
            axes.annotate(text("times.there", reader.lang, **said), (1, place), (8, 0), **beside)
        name_axis(axes.yaxis, [str(name) for name in stays["stage"]], NAMES)
    return sheet.figure


def _head(sheet: Page, found: pd.DataFrame, key: str, n: float) -> None:
    """Say the finding, then what is drawn, of how many, and up to which day."""
    reader, row = sheet.reader, found.iloc[0]
    told = cycle_findings(found, reader.lang, reader.terms, reader.currency)["sentence"]
    span = {"start": row["start"], "end": row["end"] - pd.Timedelta(days=1)}
    values = {name: write_date(day, reader.lang) for name, day in span.items()}
    values |= written(row.to_dict(), reader.lang) | {"n": write(n, COUNT, reader.lang)}
    about = [text(f"times.about.{key}", reader.lang, **values)]
    if reader.as_of is not None:
        about.append(reader.text("as_of", day=write_date(reader.as_of, reader.lang)))
    sheet.head(reader.title or "".join(told.iloc[:1]), about)


def _text(key: str, reader: Reader) -> str:
    return text(f"times.{key}", reader.lang)
