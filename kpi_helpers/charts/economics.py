"""What a customer costs by channel, against what one leaves; the purchases to come."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Unpack

import numpy as np
import pandas as pd
from matplotlib.ticker import NullLocator

from kpi_helpers import wording
from kpi_helpers.catalogue import LOWER
from kpi_helpers.charts.bars import bars
from kpi_helpers.charts.lettering import fitted
from kpi_helpers.charts.page import Page, page
from kpi_helpers.charts.reader import Options, Reader, Row, known, rows_of
from kpi_helpers.charts.scales import day_number, label_axis, limits, number_axis
from kpi_helpers.charts.theme import BETTER, GRID, INCH, INK, QUIET, SMALL, TEXT, VALUE, WORSE
from kpi_helpers.language import nouns, text
from kpi_helpers.measure.judge import ENOUGH, INDICATIVE, INSUFFICIENT, MISSING, OK
from kpi_helpers.units import COUNT, MONEY, write_compact, write_date
from kpi_helpers.wording.told import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

    from kpi_helpers.customers import Outlook

HEIGHT, LABEL, AREA = 4.2 * INCH, 170.0, (60.0, 300.0)
FEW, ROUND, ROOM = 5, (1, 2, 5), 1.5
# Of names above and below their points, so that neighbours do not run into each other.
HEIGHTS = (6.0, -6.0, 20.0, -20.0)
SIDES: tuple[Literal["left", "center", "right"], ...] = ("left", "center", "center", "right")
# Colour and form say the same; only a cost that counts everything can be a loss, in red.
SIGNS: Mapping[str, Mapping[str, Any]] = {
    "loss": {"marker": "s", "fc": WORSE, "ec": "white"},
    "cut": {"marker": "s", "fc": "white", "ec": INK},
    "earns": {"marker": "D", "fc": BETTER, "ec": "white"},
    "scale": {"marker": "D", "fc": BETTER, "ec": "white"},
    "open": {"marker": "o", "fc": "white", "ec": QUIET},
}


def acquisition_costs(
    economics: pd.DataFrame, ax: Axes | None = None, **options: Unpack[Options]
) -> Figure:
    """Draw the media cost of a customer by channel, from 0, with its plausible range.

    Parameters
    ----------
    economics : DataFrame
        What `kpi_helpers.customers.economics` returns.
    ax : Axes, optional
        Where to draw; by default a new figure.
    **options
        See `kpi_helpers.charts.Options`.
    """
    rows = economics[economics["basis"] == "media"].reset_index(drop=True)
    n = rows["customers"]
    cases = [rows["cac"].isna(), n < FEW, n < ENOUGH]
    tidy = pd.DataFrame(
        {
            "kpi": "media_cac",
            "label": text("economics.media_cac", Reader(**options).lang),
            **{"unit": MONEY, "better": LOWER, "method": "propagated", "note": ""},
            **{"start": rows["start"], "end": rows["end"], "channel": rows["channel"]},
            **{"value": rows["cac"], "low": rows["cac_low"], "high": rows["cac_high"], "n": n},
            "status": np.select(cases, [MISSING, INSUFFICIENT, INDICATIVE], OK),
            "period": _span(economics),
        }
    )
    return bars(tidy, "channel", axes=[] if ax is None else [ax], **options)


def value_against_cost(
    economics: pd.DataFrame, ax: Axes | None = None, **options: Unpack[Options]
) -> Figure:
    """Draw what a customer leaves against the cost, a point a channel, with both ranges.

    Both axes are logarithmic, so that a multiple of the cost is a straight line.

    Parameters
    ----------
    economics, ax, **options
        As for `acquisition_costs`.
    """
    reader = Reader(**options)
    rows = [row for row in rows_of(economics) if known(row["ratio"]) and row["ratio"] > 0]
    rows = sorted(rows, key=lambda row: float(row["cac"]))
    with page(reader, [] if ax is None else [ax], HEIGHT) as sheet:
        sheet.head(reader.title or _found(economics, reader), _about(economics, reader))
        if sheet.empty([{"value": row["ratio"]} for row in rows]):
            return sheet.figure
        sheet.ax.set(xscale="log", yscale="log", xlim=_ends(rows, "cac"), ylim=_ends(rows, "value"))
        for axis, name in ((sheet.ax.xaxis, "cac"), (sheet.ax.yaxis, "value")):
            _round_amounts(axis, reader)
            axis.set_label_text(_text(f"columns.{name}", reader), size=SMALL, color=QUIET)
        _multiples(sheet.ax)
        most = max([row["customers"] for row in rows if row["basis"] == "media"], default=1.0)
        for place, row in enumerate(rows):
            _point(sheet, row, min(row["customers"] / most, 1.0), HEIGHTS[place % len(HEIGHTS)])
    return sheet.figure


def purchases_expected(
    outlook: Outlook, ax: Axes | None = None, **options: Unpack[Options]
) -> Figure:
    """Draw the purchases that were expected beside those that were seen, added up.

    Parameters
    ----------
    outlook : Outlook
        What `kpi_helpers.customers.outlook` returns.
    ax, **options
        As for `acquisition_costs`.
    """
    reader, track = Reader(**options), outlook.track
    told = wording.outlook_findings(outlook, reader.lang, reader.terms, reader.currency)
    cut, last = track.loc[track["part"] == "fitted", "day"].max(), track["day"].max()
    with page(reader, [] if ax is None else [ax], 0.65 * HEIGHT) as sheet:
        about = _text("outlook.about", reader, day=write_date(cut.date(), reader.lang))
        sheet.head(reader.title or told["sentence"].iloc[0], [about])
        days = [day_number(day) for day in track["day"]]
        sheet.ax.set_xlim(days[0], days[-1])
        sheet.ax.set_ylim(limits([*track["seen"], *track["expected"]], floor=True))
        number_axis(sheet.ax.yaxis, COUNT, reader)
        for name, colour, line in (("seen", VALUE, "-"), ("expected", WORSE, "--")):
            (drawn,) = sheet.ax.plot(days, track[name], lw=1.8, gid=name, color=colour, ls=line)
            sheet.key(_text(f"outlook.was_{name}", reader), drawn)
        if cut < last:
            tested = sheet.ax.axvspan(day_number(cut), days[-1], fc=GRID, lw=0, gid="held_out")
            sheet.key(_text("outlook.tested", reader), tested)
        _dates(sheet.ax, track["day"], reader)
    return sheet.figure


def _found(economics: pd.DataFrame, reader: Reader) -> str:
    told = wording.economics_findings(economics, reader.lang, reader.terms, reader.currency)
    return str(told["sentence"].iloc[0])


def _span(economics: pd.DataFrame) -> str:
    start, end = economics["start"].iloc[0], economics["end"].iloc[0]
    return f"{start}:{end - dt.timedelta(days=1)}"


def _text(key: str, reader: Reader, **values: str) -> str:
    named = nouns(reader.lang, reader.terms)
    return text(f"economics.{key}", reader.lang, **named, **values)


def _about(economics: pd.DataFrame, reader: Reader) -> list[str]:
    row = economics.to_dict("records")[0]
    what = _text(row["valued"] or "revenue", reader)
    value = _text(row["model"] or "unknown", reader, what=what, months=str(row["months"]))
    ends = (row["start"], row["end"] - dt.timedelta(days=1))
    days = (write_date(day, reader.lang) for day in ends)
    return [value, _text("quadrant", reader, **dict(zip(("start", "end"), days, strict=True)))]


def _ends(rows: Sequence[Row], name: str) -> tuple[float, float]:
    """Return the ends of a logarithmic axis that holds every range."""
    seen = [row[name + end] for row in rows for end in ("", "_low", "_high")]
    seen = [each for each in seen if known(each) and each > 0]
    return min(seen) / ROOM, max(seen) * ROOM


def _round_amounts(axis: Axis, reader: Reader) -> None:
    low, high = axis.get_view_interval()
    powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)))
    ticks = [float(tick) for tick in np.outer(powers, ROUND).ravel() if low <= tick <= high]
    written = [write_compact(tick, reader.lang, reader.currency, plain=True) for tick in ticks]
    axis.set_minor_locator(NullLocator())
    label_axis(axis, ticks, written)
    axis.grid(True, color=GRID, linewidth=0.8)


def _multiples(ax: Axes) -> None:
    """Draw where the value is once and three times the cost."""
    cost, (bottom, top) = np.array(ax.get_xlim()), ax.get_ylim()
    for times in (1, 3):
        ax.plot(cost, times * cost, color=QUIET, lw=1, ls=(0, (4, 2)), gid=f"{times}:1")
        if cost[0] < top / times < cost[1]:
            style: dict[str, Any] = {"color": QUIET, "size": SMALL, "va": "bottom", "ha": "center"}
            ax.annotate(
                f"{times}:1", (top / times, top), (0, 2), textcoords="offset points", **style
            )
    ax.set(xlim=cost, ylim=(bottom, top))


def _point(sheet: Page, row: Row, weight: float, side: float) -> None:
    """Draw a channel with its ranges, its name above or below; all together, as a small sign."""
    ax, kind, whole = sheet.ax, row["verdict"] or "open", row["basis"] == "loaded"
    style: dict[str, Any] = {"color": QUIET, "lw": 1, "gid": "range", "zorder": 1}
    ax.hlines(row["value"], row["cac_low"], row["cac_high"], **style)
    ax.vlines(row["cac"], row["value_low"], row["value_high"], **style)
    size = AREA[0] + (0.0 if whole else weight) * (AREA[1] - AREA[0])
    look: dict[str, Any] = {"s": size, "lw": 1.4, "zorder": 2, "gid": kind, **SIGNS[kind]}
    drawn = ax.scatter([row["cac"]], [row["value"]], **look)
    sheet.key(_text(f"verdicts.{kind}", sheet.reader), drawn)
    name = row["channel"] if plain(row["channel"]) else _text("all", sheet.reader)
    edge = row["value_high" if side > 0 else "value_low"]
    place: dict[str, Any] = {"ha": "center", "va": "bottom" if side > 0 else "top", "size": TEXT}
    place |= {"textcoords": "offset points", "color": INK, "gid": "name"}
    ax.annotate(fitted(name, LABEL), (row["cac"], edge), (0, side), **place)


def _dates(ax: Axes, days: pd.Series, reader: Reader) -> None:
    """Write a few days along the axis, the first and the last among them."""
    at = np.linspace(0, len(days) - 1, len(SIDES)).round().astype(int)
    shown = [days.iloc[place] for place in at]
    said = [write_date(day.date(), reader.lang) for day in shown]
    label_axis(ax.xaxis, [day_number(day) for day in shown], said)
    for label, side in zip(ax.get_xticklabels(), SIDES, strict=True):
        label.set_horizontalalignment(side)
