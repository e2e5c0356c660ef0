"""What an action changed: its KPI month by month beside what was to be expected without it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from kpi_helpers.charts import strokes
from kpi_helpers.charts.lettering import fitted
from kpi_helpers.charts.over_time import line
from kpi_helpers.charts.page import Page, page
from kpi_helpers.charts.reader import Options, Reader, Row, about, number, rows_of
from kpi_helpers.charts.scales import edges, label_axis, limits, middle, number_axis, period_axis
from kpi_helpers.charts.theme import INCH, INK, QUIET, SMALL
from kpi_helpers.charts.track import one_series, track
from kpi_helpers.language import text
from kpi_helpers.units import MONEY, write_date
from kpi_helpers.wording.effects import effect_said, first_said
from kpi_helpers.wording.lines import Look
from kpi_helpers.wording.told import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT, ROOM, MOST, EFFORTS = 2.7 * INCH, 120.0, 6, (1, 2, 3)
BESIDE: dict[str, dict[str, Any]] = {
    "other": {"color": QUIET, "marker": "."},
    "without": {"color": INK, "ls": (0, (4, 2))},
}


def effect_line(
    points: pd.DataFrame, found: pd.DataFrame, ax: Axes | None = None, **options: Unpack[Options]
) -> Figure:
    """Draw the KPI of an action month by month, beside what was to be expected without it.

    Parameters
    ----------
    points : DataFrame
        What `kpi_helpers.actions.measured_on` returns.
    found : DataFrame
        What `kpi_helpers.actions.effects` returns.
    ax : Axes, optional
        Where to draw; by default a new figure.
    **options
        See `kpi_helpers.charts.Options`.
    """
    reader, rows = Reader(**options), one_series(rows_of(points))
    (action,) = found[found["action_id"] == points["action_id"].iloc[0]].to_dict("records")
    look = Look(reader.lang, reader.terms, reader.currency)
    with page(reader, [ax] if ax else [], HEIGHT) as sheet:
        sheet.head(reader.title or effect_said(action, look), about(rows, reader))
        if sheet.empty(rows):
            return sheet.figure
        drawn, start = track(rows), action["start"]
        seen = [row[of] for row in rows for of in ("value", "low", "high", "other", "without")]
        sheet.ax.set_ylim(limits(seen))
        sheet.ax.set_xlim(edges(rows[0])[0], edges(rows[-1])[1])
        number_axis(sheet.ax.yaxis, rows[0]["unit"], reader)
        period_axis(sheet.ax.xaxis, rows, reader)
        strokes.series(sheet, sheet.ax, drawn)
        for part in (False, True):
            # What lies in between is not read: no line leads across it.
            _beside(sheet, [row for row in rows if row["after"] == part])
        strokes.breaks(sheet.ax, {start: plain(action["action"])})
    return sheet.figure


def adapted_line(found: pd.DataFrame, **options: Unpack[Options]) -> Figure:
    """Draw the KPI whose definition changed last, interrupted where it did.

    Parameters
    ----------
    found : DataFrame
        What `kpi_helpers.actions.adapted` returns.
    **options
        See `kpi_helpers.charts.Options`.
    """
    last = found[found["date"] == found["date"].max()]
    last = last[last["kpi"] == last["kpi"].iloc[0]]
    day, lang = last["date"].iloc[0].date(), Reader(**options).lang
    said = {"label": last["label"].iloc[0], "day": write_date(day, lang)}
    options["title"] = options.get("title") or text("effects.cut", lang, **said)
    return line(last, {day: plain(last["definition"].iloc[-1])}, **options)


def priority_map(
    ranked: pd.DataFrame, ax: Axes | None = None, **options: Unpack[Options]
) -> Figure:
    """Draw proposals by the work they take and the money that they may bring.

    Parameters
    ----------
    ranked : DataFrame
        What `kpi_helpers.actions.ranked` returns.
    ax : Axes, optional
        Where to draw; by default a new figure.
    **options
        See `kpi_helpers.charts.Options`.
    """
    reader = Reader(**options)
    look = Look(reader.lang, reader.terms, reader.currency)
    worth = {
        of: ranked[f"money_{end}"] * ranked["chance"]
        for of, end in (("value", "at_stake"), ("low", "low"), ("high", "high"))
    }
    rows = rows_of(ranked.assign(**worth, note=""))[:MOST]
    with page(reader, [ax] if ax else [], HEIGHT) as sheet:
        sheet.head(reader.title or first_said(ranked, look), [text("effects.key.worth", look.lang)])
        if sheet.empty(rows):
            return sheet.figure
        sheet.ax.set_ylim(limits([row[of] for row in rows for of in worth], floor=True))
        sheet.ax.set_xlim(0.7, 4)
        number_axis(sheet.ax.yaxis, MONEY, reader)
        said = [text(f"effects.effort.{effort}", look.lang) for effort in EFFORTS]
        label_axis(sheet.ax.xaxis, EFFORTS, said)
        for row in rows:
            at = (row["effort"], row["value"])
            ends = [number(row["low"]), number(row["high"])]
            (drawn,) = sheet.ax.plot([row["effort"]] * 2, ends, gid="range", color=QUIET, lw=1.3)
            if np.isfinite(ends).all():
                sheet.key(sheet.reader.text("key.range"), drawn)
            sheet.ax.plot(*at, gid="proposal", **strokes.SIGNS["value"])
            beside: dict[str, Any] = {"textcoords": "offset points", "va": "center", "color": INK}
            sheet.ax.annotate(
                fitted(str(row["label"]), ROOM, SMALL), at, (8, 0), size=SMALL, **beside
            )
    return sheet.figure


def _beside(sheet: Page, rows: Sequence[Row]) -> None:
    """Draw the group without the action, and what was to be expected, where there are any."""
    at = np.array([middle(row) for row in rows])
    for of, style in BESIDE.items():
        y = np.array([number(row[of]) for row in rows])
        if np.isfinite(y).any():
            (drawn,) = sheet.ax.plot(at, y, lw=1.3, gid=of, **style)
            sheet.key(text(f"effects.key.{of}", sheet.reader.lang), drawn)
