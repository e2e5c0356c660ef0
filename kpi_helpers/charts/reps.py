"""Reps beside what chance does, and what is estimated of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from kpi_helpers import wording
from kpi_helpers.charts.lettering import fitted
from kpi_helpers.charts.page import Page, page
from kpi_helpers.charts.reader import Options, Reader, Row, about, known, rows_of
from kpi_helpers.charts.scales import limits, name_axis, number_axis
from kpi_helpers.charts.strokes import marks
from kpi_helpers.charts.theme import BAND, INCH, INK, QUIET, SMALL
from kpi_helpers.language import text
from kpi_helpers.teams.rates import ABOVE, BELOW
from kpi_helpers.teams.rates import limits as chance
from kpi_helpers.teams.reps import NOBODY, TOO_FEW
from kpi_helpers.units import COUNT, write, write_range

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT, ROW, AROUND = 3.6 * INCH, 0.27 * INCH, 0.8 * INCH
NAMES, LABEL = 130.0, 120.0
SIGN = {ABOVE: "better", BELOW: "worse", TOO_FEW: "care"}
DASHED = (0, (4, 2))
CHANCE = {"low_95": 0.95, "low_998": 0.998}


def rep_limits(team: pd.DataFrame, ax: Axes | None = None, **options: Unpack[Options]) -> Figure:
    """Draw each rep's rate against the number of cases, and what chance alone does.

    Parameters
    ----------
    team : DataFrame
        What `kpi_helpers.teams.compared` returns. Reps outside of what chance does in 998 cases
        of 1,000 are named; those who differ for certain have a sign of their own, and a name.
    ax : Axes, optional
        Where to draw; by default a new figure.
    **options
        See `kpi_helpers.charts.Options`.

    Examples
    --------
    >>> from kpi_helpers.charts import alt
    >>> alt(rep_limits(pd.DataFrame()))
    'Nothing to show'
    """
    reader = Reader(**options)
    rows = [row for row in rows_of(team) if known(row["value"]) and row["verdict"] != NOBODY]
    with page(reader, [] if ax is None else [ax], HEIGHT) as sheet:
        sheet.head(_title(team, reader), about(rows, reader))
        if sheet.empty(rows):
            return sheet.figure
        seen = [row[name] for row in rows for name in ("value", "low_998", "high_998")]
        n = [row["n"] for row in rows]
        sheet.ax.set(xlim=(0.6 * min(n), 1.1 * max(n)), ylim=limits(seen))
        number_axis(sheet.ax.xaxis, COUNT, reader)
        number_axis(sheet.ax.yaxis, rows[0]["unit"], reader)
        style: dict[str, Any] = {"size": SMALL, "color": QUIET, "parse_math": False}
        sheet.ax.set_xlabel(text("teams.charts.cases", reader.lang), **style)
        _chance(sheet, next(row["pooled"] for row in rows if known(row["pooled"])))
        _signs(sheet, rows, n, [row["value"] for row in rows])
        for row in rows:
            within = not row["value"] < row["low_998"] and not row["value"] > row["high_998"]
            if row["verdict"] in (ABOVE, BELOW) or not within:
                _name(sheet, row)
    return sheet.figure


def rep_estimates(team: pd.DataFrame, ax: Axes | None = None, **options: Unpack[Options]) -> Figure:
    """Draw each rep's observed rate, and what is estimated of it with its plausible range.

    Parameters
    ----------
    team : DataFrame
        What `kpi_helpers.teams.compared` returns; drawn are those with an estimate, the highest
        first. Where no difference is shown, nobody has one.
    ax, **options
        As for `rep_limits`.

    Examples
    --------
    >>> from kpi_helpers.charts import alt
    >>> alt(rep_estimates(pd.DataFrame()))
    'Nothing to show'
    """
    reader = Reader(**options)
    rows = [row for row in rows_of(team) if known(row["estimate"])]
    rows = sorted(rows, key=lambda row: (-row["estimate"], str(row["owner"])))
    with page(reader, [] if ax is None else [ax], AROUND + ROW * max(len(rows), 2)) as sheet:
        note = text("teams.charts.estimated", reader.lang)
        title = _spread(rows, reader) if rows and not reader.title else _title(team, reader)
        sheet.head(title, [*about(rows, reader), note] if rows else [])
        if sheet.empty(rows):
            return sheet.figure
        columns = ("value", "estimate", "estimate_low", "estimate_high")
        value, mean, low, high = (np.array([row[name] for row in rows]) for name in columns)
        at = np.arange(len(rows))
        sheet.ax.set(ylim=(len(rows) - 0.5, -0.5), xlim=limits([*value, *low, *high]))
        number_axis(sheet.ax.xaxis, rows[0]["unit"], reader)
        name_axis(sheet.ax.yaxis, [reader.group(row, ["owner"]) for row in rows], NAMES)
        line = sheet.ax.axvline(rows[0]["pooled"], color=QUIET, lw=1, ls=DASHED, gid="pooled")
        sheet.key(text("teams.charts.pooled", reader.lang), line)
        whiskers = sheet.ax.hlines(at, low, high, color=INK, lw=1.1, gid="range")
        sheet.key(reader.text("key.range"), whiskers)
        observed = text("teams.charts.value", reader.lang)
        marks(sheet, sheet.ax, value, at, observed, "reference")
        _signs(sheet, rows, mean, at)
        _figures(sheet, rows)
    return sheet.figure


def _title(team: pd.DataFrame, reader: Reader) -> str:
    if reader.title or team.empty:
        return reader.title or reader.text("nothing")
    told = wording.teams_findings(team, reader.lang, reader.terms, reader.currency)
    return str(told["sentence"].iloc[0])


def _spread(rows: Sequence[Row], reader: Reader) -> str:
    """Say between what the estimates lie, and the observed rates, of rows by estimate."""
    ends = {"low": reader.figure(rows[-1], "estimate"), "high": reader.figure(rows[0], "estimate")}
    observed = sorted(row["value"] for row in rows)
    within = write_range(observed[0], observed[-1], rows[0]["unit"], reader.lang)
    name = reader.name(rows[0])
    return text("teams.charts.spread", reader.lang, what=name, range=within, **ends)


def _chance(sheet: Page, pooled: float) -> None:
    """Draw the rate of all and what chance makes of it, by the number of cases."""
    first, last = sheet.ax.get_xlim()
    n = np.arange(max(np.floor(first), 1.0), last)
    said = {key: text(f"teams.charts.{key}", sheet.reader.lang) for key in ("pooled", *CHANCE)}
    sheet.key(said["pooled"], sheet.ax.axhline(pooled, color=INK, lw=1, gid="pooled"))
    low, high = chance(pooled, n, CHANCE["low_95"])
    style: dict[str, Any] = {"color": BAND, "lw": 0, "gid": "low_95"}
    sheet.key(said["low_95"], sheet.ax.fill_between(n, low, high, **style))
    for bound in chance(pooled, n, CHANCE["low_998"]):
        (dashed,) = sheet.ax.plot(n, bound, color=QUIET, lw=0.9, ls=DASHED, gid="low_998")
    sheet.key(said["low_998"], dashed)


def _signs(sheet: Page, rows: Sequence[Row], x: Any, y: Any) -> None:
    """Draw a sign for each rep by what is said of him."""
    for verdict in dict.fromkeys(row["verdict"] for row in rows):
        of = np.array([row["verdict"] == verdict for row in rows])
        said = text(f"teams.verdicts.{verdict}", sheet.reader.lang)
        kind = SIGN.get(verdict, "value")
        marks(sheet, sheet.ax, np.asarray(x)[of], np.asarray(y)[of], said, kind)


def _name(sheet: Page, row: Row) -> None:
    """Write the name of a rep beside his point, on the side where there is room."""
    left, apart = row["n"] > np.mean(sheet.ax.get_xlim()), row["verdict"] in (ABOVE, BELOW)
    place: dict[str, Any] = {"textcoords": "offset points", "va": "center", "size": SMALL}
    place |= {"xytext": (-7, 0), "ha": "right"} if left else {"xytext": (7, 0), "ha": "left"}
    name = fitted(sheet.reader.group(row, ["owner"]), LABEL, SMALL, bold=apart)
    weight = "bold" if apart else "normal"
    sheet.ax.annotate(name, (row["n"], row["value"]), weight=weight, gid="name", **place)


def _figures(sheet: Page, rows: Sequence[Row]) -> None:
    """Write each estimate and its range at the end of its row."""
    lang, unit = sheet.reader.lang, rows[0]["unit"]
    place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "va": "center"}
    place |= {"textcoords": "offset points", "annotation_clip": False, "gid": "figure"}
    for at, row in enumerate(rows):
        within = write_range(row["estimate_low"], row["estimate_high"], unit, lang)
        said = write(row["estimate"], unit, lang)
        sheet.ax.annotate(said, (1, at), (6, 0), weight="bold", **place)
        sheet.ax.annotate(within, (1, at), (48, 0), size=SMALL, color=QUIET, **place)
