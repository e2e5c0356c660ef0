"""What a line is drawn with: values, ranges, holes, breaks of the definition, targets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kpi_helpers.charts.lettering import fitted
from kpi_helpers.charts.page import Page
from kpi_helpers.charts.reader import Reader, Row, known
from kpi_helpers.charts.scales import Array, day_number, edges, middle, room_of
from kpi_helpers.charts.theme import BAND, BETTER, INK, QUIET, SMALL, VALUE, WORSE
from kpi_helpers.charts.track import Track
from kpi_helpers.measure.judge import IMMATURE, INDICATIVE, INSUFFICIENT, MISSING, OK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# What is said in colour has a form too, for those who do not see it.
SIGNS: Mapping[str, Mapping[str, Any]] = {
    "target": {"color": INK, "marker": "|", "ms": 13, "mew": 2},
    "reference": {"marker": "o", "ms": 6, "mfc": "white", "mec": QUIET},
    "better": {"color": BETTER, "marker": "D", "ms": 6.5},
    "worse": {"color": WORSE, "marker": "s", "ms": 6.5},
    "outside": {"color": INK, "marker": "s", "ms": 4.5},
    "value": {"color": VALUE, "marker": "o", "ms": 6.5},
    "care": {"color": VALUE, "marker": "o", "ms": 6.5, "mfc": "white", "mew": 1.6},
}
DENSE = 24
LABEL = 130.0
HATCHES = {IMMATURE: "....", MISSING: "////"}
MARKERS: Mapping[str, Mapping[str, Any]] = {
    OK: {"marker": "o", "markerfacecolor": VALUE},
    INDICATIVE: {"marker": "o", "markerfacecolor": "white"},
    INSUFFICIENT: {"marker": "D", "markerfacecolor": "white"},
    IMMATURE: {"marker": "s", "markerfacecolor": "white"},
}


def series(sheet: Page, ax: Axes, line: Track, within: str = "range") -> None:
    """Draw a line with its range; what is too early is dashed, its range hatched.

    The text of the key ``within`` says what range it is.
    """
    _range(sheet, ax, line, sheet.reader.text(f"key.{within}"))
    ax.plot(line.x, line.young(), color=VALUE, lw=1.2, ls=(0, (3, 2)), gid="young")
    ax.plot(line.x, line.old(), color=VALUE, lw=1.8, gid="value")
    size = 4.5 if len(line.x) <= DENSE else 2.5
    for status, shape in MARKERS.items():
        at = line.status == status
        if not np.isfinite(line.y[at]).any():
            continue
        style = {"color": VALUE, "ls": "", "ms": size, **shape}
        (drawn,) = ax.plot(line.x[at], line.y[at], gid=f"points-{status}", **style)
        if status != OK:
            sheet.key(sheet.reader.text(f"key.{status}"), drawn)


def marks(sheet: Page, ax: Axes, x: Array, y: Array, said: str, kind: str) -> None:
    """Draw signs of a kind where there is a number, and explain them once."""
    if np.isfinite(x).any():
        (drawn,) = ax.plot(x, y, ls="", clip_on=False, gid=kind, **SIGNS[kind])
        sheet.key(said, drawn)


def moved(sheet: Page, ax: Axes, rows: Sequence[Row]) -> None:
    """Draw a sign where a change from the reference is confirmed."""
    for verdict in ("better", "worse"):
        found = [row for row in rows if row.get("change_verdict") == verdict]
        x, y = np.array([[middle(row), row["value"]] for row in found]).reshape(-1, 2).T
        marks(sheet, ax, x, y, sheet.reader.text(f"key.moved_{verdict}"), verdict)


def holes(sheet: Page, ax: Axes, line: Track) -> None:
    """Hatch the time without a figure."""
    for start, end, status in line.holes:
        style: dict[str, Any] = {"hatch": HATCHES.get(status, "////"), "lw": 0, "zorder": 0}
        drawn = ax.axvspan(start, end, fc="none", ec=QUIET, alpha=0.45, gid="hole", **style)
        sheet.key(sheet.reader.text(f"key.{'unread' if status == IMMATURE else MISSING}"), drawn)


def breaks(ax: Axes, changes: Mapping[dt.date, str]) -> None:
    """Draw an upright line where a definition changed, and say on its broader side what changed."""
    first, last = ax.get_xlim()
    for place, (day, said) in enumerate(sorted(changes.items())):
        ax.axvline(day_number(day), color=INK, lw=0.9, ls=(0, (1, 1.5)), gid="break")
        before = (day_number(day) - first) / (last - first)
        late, room = before > 0.5, max(before, 1 - before) * room_of(ax.xaxis)
        ax.annotate(
            fitted(said, min(LABEL, room), SMALL),
            (day_number(day), 1),
            (-3 if late else 3, -2 - SMALL * 1.3 * (place % 3)),
            ha="right" if late else "left",
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            va="top",
            size=SMALL,
            color=INK,
            gid="change",
        )


def targets(sheet: Page, ax: Axes, rows: Sequence[Row]) -> None:
    """Draw the target of each period that has one."""
    held = [row for row in rows if known(row.get("target"))]
    if not held:
        return
    ends = np.array([edges(row) for row in held])
    values = [row["target"] for row in held]
    style: dict[str, Any] = {"color": INK, "lw": 1.1, "ls": (0, (4, 2)), "gid": "target"}
    drawn = ax.hlines(values, ends[:, 0], ends[:, 1], **style)
    sheet.key(sheet.reader.text("key.target"), drawn)


def last_value(ax: Axes, rows: Sequence[Row], reader: Reader) -> None:
    """Write the last figure that can be read beside its point."""
    read = [row for row in rows if known(row["value"]) and row["status"] != IMMATURE]
    for row in read[-1:]:
        ax.annotate(
            reader.figure(row),
            (middle(row), row["value"]),
            (6, 0),
            textcoords="offset points",
            va="center",
            weight="bold",
            bbox={"fc": "white", "ec": "none", "pad": 1.0},
            gid="last",
        )


def _range(sheet: Page, ax: Axes, line: Track, said: str) -> None:
    """Draw the band of the plausible range, and whiskers where a point stands alone."""
    low, high = within(line.low, line.high, ax.get_ylim())
    if not np.isfinite(low).any():
        return
    for part, hatch in ((line.old(), None), (line.young(), "////")):
        drawn_at = np.isfinite(part) & ~line.alone()
        if drawn_at.any():
            ends = np.where(drawn_at, low, np.nan), np.where(drawn_at, high, np.nan)
            style: dict[str, Any] = {"fc": "none" if hatch else BAND, "ec": BAND, "hatch": hatch}
            band = ax.fill_between(line.x, *ends, lw=0, gid="range", **style)
            sheet.key(said, band)
    for place in np.flatnonzero(line.alone()):
        style = {"color": QUIET, "lw": 1, "gid": "range"}
        whisker = ax.vlines(line.x[place], low[place], high[place], **style)
        sheet.key(said, whisker)


def within(low: Array, high: Array, ends: tuple[float, float]) -> tuple[Array, Array]:
    """Return ranges of which those that are open end where the axis does."""
    bottom, top = ends
    return np.where(low == -np.inf, bottom, low), np.where(high == np.inf, top, high)
