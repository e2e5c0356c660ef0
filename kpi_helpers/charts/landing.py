"""Where the quarter lands: what is booked, open and to come, beside its target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from kpi_helpers import wording
from kpi_helpers.charts.page import Page, page
from kpi_helpers.charts.reader import Options, Reader, Row
from kpi_helpers.charts.scales import limits, name_axis, number_axis
from kpi_helpers.charts.strokes import marks
from kpi_helpers.charts.theme import BAND, BAR, INCH, INK, REST, SMALL, VALUE
from kpi_helpers.language import nouns, text
from kpi_helpers.units import COUNT, MONEY, write, write_compact, write_date
from kpi_helpers.wording.bottleneck import step_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, AROUND, NAMES = 0.5 * INCH, 0.9 * INCH, 130.0
PARTS = {"booked": VALUE, "from_open": BAR, "from_new": BAND}


def landing(quarter: pd.DataFrame, ax: Axes | None = None, **options: Unpack[Options]) -> Figure:
    """Draw each forecast of the quarter from 0 with its range of 80 %, and the target.

    Parameters
    ----------
    quarter : DataFrame
        The ``quarter`` that `kpi_helpers.landing.landing` returns.
    ax : Axes, optional
        Where to draw; by default a new figure.
    **options
        See `kpi_helpers.charts.Options`.
    """
    reader, rows = Reader(**options), quarter.to_dict("records")
    told = wording.landing_findings(quarter, reader.lang, reader.terms, reader.currency)
    names = [_text(f"methods.{row['method']}", reader) for row in rows]
    with page(reader, [] if ax is None else [ax], AROUND + ROW * len(rows)) as sheet:
        sheet.head(reader.title or told["sentence"].iloc[0], _about(rows[0], reader))
        _drawn(sheet, rows, names, _text("range", reader))
    return sheet.figure


def lever_ranges(found: pd.DataFrame, ax: Axes | None = None, **options: Unpack[Options]) -> Figure:
    """Draw what each quarter brings as things are and with levers, with its range of 95 %.

    Parameters
    ----------
    found : DataFrame
        Rows of `kpi_helpers.funnel.levers` with the ``target`` of their quarter, or none.
    ax, **options
        As for `landing`.
    """
    reader, rows = Reader(**options), found.sort_values("start", kind="stable").to_dict("records")
    if not reader.title:
        told = wording.moved_findings(found, reader.lang, reader.terms, reader.currency)
        reader = replace(reader, title=told["sentence"].iloc[0])
    about = text("funnel.levers.about", reader.lang, **nouns(reader.lang, reader.terms))
    levers = [step_name(row["lever"], reader.lang, reader.terms) for row in rows]
    periods = [reader.told(row).period() for row in rows]
    names = [f"{period} – {lever}" for period, lever in zip(periods, levers, strict=True)]
    with page(reader, [] if ax is None else [ax], AROUND + ROW * len(rows)) as sheet:
        sheet.head(reader.title, [about])
        _drawn(sheet, rows, names, reader.text("key.fan95"))
    return sheet.figure


def _drawn(sheet: Page, rows: Sequence[Row], names: Sequence[str], within: str) -> None:
    """Draw a bar a row from 0, its range, its value and its target."""
    at, reader = sheet.ax, sheet.reader
    ends = [row[of] for row in rows for of in ("high", "target")]
    at.set(xlim=limits(ends, floor=True), ylim=(len(rows) - 0.5, -0.5))
    number_axis(at.xaxis, MONEY, reader)
    for place, row in enumerate(rows):
        _bar(sheet, place, row)
    for place, row in enumerate(rows):
        line = at.hlines(place, row["low"], row["high"], color=INK, lw=1.3, gid="range")
        said = write_compact(row["value"], reader.lang, reader.currency)
        style: dict[str, Any] = {"size": SMALL, "va": "bottom", "ha": "center", "color": INK}
        at.text(row["value"], place - 0.26, said, weight="bold", **style)
    sheet.key(within, line)
    spots = np.array([row["target"] for row in rows]), np.arange(len(rows), dtype=float)
    marks(sheet, at, *spots, reader.text("key.target"), "target")
    name_axis(at.yaxis, names, NAMES)


def _bar(sheet: Page, place: int, row: Row) -> None:
    """Draw a forecast from 0; that from the deals in its parts."""
    whole = row["method"] in ("together", "series")
    start, parts = 0.0, {"value": REST} if whole else PARTS
    for name, colour in parts.items():
        look: dict[str, Any] = {"color": colour, "ec": "white", "lw": 0.5, "gid": name}
        drawn = sheet.ax.barh(place, row[name], 0.5, start, **look)
        start += row[name]
        if name in PARTS and row[name] > 0:
            sheet.key(_text(f"columns.{name}", sheet.reader), drawn[0])


def _about(row: Row, reader: Reader) -> list[str]:
    n = write(row["n"], COUNT, reader.lang)
    said = [_text("about", reader, period=reader.told(row).period(), deals=n)]
    if reader.as_of is not None:
        said.append(reader.text("as_of", day=write_date(reader.as_of, reader.lang)))
    return said


def _text(key: str, reader: Reader, **values: str) -> str:
    return text(f"landing.{key}", reader.lang, **nouns(reader.lang, reader.terms), **values)
