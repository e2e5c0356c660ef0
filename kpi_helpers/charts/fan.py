"""Where figures are heading: what was, the fan of what may come, and what was said of the past."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from kpi_helpers.charts import strokes
from kpi_helpers.charts.page import Page, page
from kpi_helpers.charts.reader import Options, Reader, Row, about, rows_of
from kpi_helpers.charts.scales import edges, limits, middle, number_axis, period_axis
from kpi_helpers.charts.theme import BAND, BAR, INCH, INK, QUIET, TEXT, VALUE
from kpi_helpers.charts.track import one_series, track
from kpi_helpers.forecasting import Ahead
from kpi_helpers.measure.judge import MISSING
from kpi_helpers.wording.forecasts import forecast_title
from kpi_helpers.wording.lines import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FAN, STRIP = 2.1 * INCH, 1.1 * INCH
SEEN, BEFORE = 36, 3
BANDS = (("95", BAND), ("80", BAR))


def fan(
    found: Ahead,
    most: int = 1,
    axes: Sequence[Axes] = (),
    **options: Unpack[Options],
) -> Figure:
    """Draw KPIs with what may come of them; below each, past forecasts beside what then came.

    Parameters
    ----------
    found : Ahead
        What `kpi_helpers.forecasting.ahead` returns.
    most : int
        KPIs shown.
    axes : sequence of Axes, optional
        Where to draw, two a KPI; by default a new figure.
    **options
        See `kpi_helpers.charts.Options`.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> from kpi_helpers.charts import alt
    >>> from kpi_helpers.forecasting import ahead
    >>> found = ahead(kh.load("data/sample"), 6, kpis="revenue")
    >>> alt(fan(found)).partition(" (")[0]
    'Q4 2026 revenue: about €3.58m'
    """
    reader, ahead = Reader(**options), found.ahead
    kpis = list(dict.fromkeys(ahead.loc[ahead["status"] != MISSING, "kpi"]))[:most]
    series = [_rows(found, kpi) for kpi in kpis]
    every = [row for past, *_ in series for row in past]
    heights = [FAN, STRIP] * max(len(kpis), 1)
    grid = {"nrows": len(heights), "gridspec_kw": {"height_ratios": heights}}
    with page(reader, axes, sum(heights) + 0.5 * INCH, **grid) as sheet:
        look = Look(reader.lang, reader.terms, reader.currency)
        said = [forecast_title(ahead, kpi, look) for kpi in kpis[:1]]
        sheet.head(reader.title or "".join(said) or reader.text("nothing"), about(every, reader))
        if sheet.empty(every):
            return sheet.figure
        for place, (past, to_come, tried) in enumerate(series):
            top, strip = sheet.axes[2 * place : 2 * place + 2]
            _scales(sheet, (top, strip), past, to_come)
            _fan(sheet, top, past, to_come)
            _strip(sheet, strip, past, tried)
    return sheet.figure


def _rows(found: Ahead, kpi: str) -> tuple[list[Row], list[Row], list[Row]]:
    """What was (of late), what may come, and the forecasts made three steps before."""
    past, ahead, tried = (
        frame[frame["kpi"] == kpi] for frame in (found.past, found.ahead, found.tried)
    )
    steps = ahead[ahead["part"] == "step"]
    seen = past[past["start"] < steps["start"].min()].tail(SEEN)
    seen = seen.assign(low=np.nan, high=np.nan)
    far = tried["h"] == min(BEFORE, tried["h"].max()) if len(tried) else []
    return one_series(rows_of(seen)), rows_of(steps), rows_of(tried[far])


def _scales(
    sheet: Page, pair: tuple[Axes, Axes], past: Sequence[Row], to_come: Sequence[Row]
) -> None:
    """Give both axes of a KPI the same time, and its name."""
    reader, every = sheet.reader, [*past, *to_come]
    seen = [row.get(of) for row in every for of in ("value", "lo95", "hi95")]
    for ax in pair:
        ax.set_xlim(edges(every[0])[0], edges(every[-1])[1])
    pair[0].set_ylim(limits(seen))
    number_axis(pair[0].yaxis, past[0]["unit"], reader)
    period_axis(pair[1].xaxis, every, reader)
    pair[0].set_xticks([])
    style: dict[str, Any] = {"loc": "left", "fontsize": TEXT, "color": INK, "parse_math": False}
    pair[0].set_title(reader.name(past[0]), pad=4.0, **style)


def _fan(sheet: Page, ax: Axes, past: Sequence[Row], to_come: Sequence[Row]) -> None:
    drawn = track(past)
    known = np.isfinite(drawn.y)
    x0, y0 = drawn.x[known][-1], drawn.y[known][-1]
    x = np.r_[x0, [middle(row) for row in to_come]]
    for level, colour in BANDS:
        low, high = (np.r_[y0, [row[f"{of}{level}"] for row in to_come]] for of in ("lo", "hi"))
        band = ax.fill_between(x, low, high, color=colour, lw=0, gid=f"fan{level}")
        sheet.key(sheet.reader.text(f"key.fan{level}"), band)
    path = np.r_[y0, [row["value"] for row in to_come]]
    (line,) = ax.plot(x, path, color=VALUE, lw=1.4, ls=(0, (3, 2)), gid="forecast")
    sheet.key(sheet.reader.text("key.forecast"), line)
    strokes.holes(sheet, ax, drawn)
    strokes.series(sheet, ax, drawn)


def _strip(sheet: Page, ax: Axes, past: Sequence[Row], tried: Sequence[Row]) -> None:
    reader = sheet.reader
    ax.set_ylim(limits([row[of] for row in tried for of in ("actual", "lo80", "hi80")]))
    number_axis(ax.yaxis, past[0]["unit"], reader)
    x = np.array([middle(row) for row in tried])
    low, high, mean, came = (
        np.array([row[of] for row in tried], dtype=float)
        for of in ("lo80", "hi80", "mean", "actual")
    )
    ax.vlines(x, low, high, color=BAR, lw=5, gid="tried")
    ax.plot(x, mean, ls="", color=VALUE, marker="_", ms=7, gid="tried-mean")
    strokes.marks(sheet, ax, x, came, reader.text("key.came"), "care")
    far = int(tried[0]["h"]) if tried else 0
    said = reader.text(f"strip.{'tried' if far else 'untried'}", n=far)
    style: dict[str, Any] = {"loc": "left", "fontsize": TEXT, "color": QUIET, "parse_math": False}
    ax.set_title(said, pad=4.0, **style)
