"""The market: shares from one year to the next, and growth beside share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from kpi_helpers import wording
from kpi_helpers.benchmarking.market import OTHERS, US
from kpi_helpers.charts.lettering import fitted
from kpi_helpers.charts.page import Page, page
from kpi_helpers.charts.reader import Options, Reader, Row, rows_of
from kpi_helpers.charts.scales import Array, label_axis, limits, number_axis
from kpi_helpers.charts.theme import INCH, INK, QUIET, REST, SMALL, TEXT, VALUE
from kpi_helpers.units import PERCENT, POINTS, write, write_change, write_date, write_relative

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT, NAME, MOST, APART = 3.2 * INCH, 150.0, 9, 0.06
SMALLEST, LARGEST = 25.0, 700.0


def share_slope(gains: pd.DataFrame, ax: Axes | None = None, **options: Unpack[Options]) -> Figure:
    """Draw the share of the largest sellers in two years, ours among them.

    Parameters
    ----------
    gains : DataFrame
        What `kpi_helpers.benchmarking.gains` returns, of which the first metric is drawn.
    ax : Axes, optional
        Where to draw; by default a new figure.
    **options
        See `kpi_helpers.charts.Options`.
    """
    reader = Reader(**options)
    rows = _sellers(gains, reader)
    if not rows:
        return _nothing(reader, ax)
    shares = np.array([[row["before"], row["after"]] for row in rows])
    places = np.array([_apart(side, float(np.ptp(shares)) or 1.0) for side in shares.T])
    with page(reader, [] if ax is None else [ax], HEIGHT) as sheet:
        _head(sheet, gains, rows[0], "slope")
        label_axis(sheet.ax.xaxis, [0, 1], [rows[0]["period_before"], rows[0]["period"]])
        label_axis(sheet.ax.yaxis, [], [])
        sheet.ax.set(xlim=(-0.35, 1.9), ylim=limits([*shares.ravel(), *places.ravel()]))
        for row, left, right in zip(rows, *places, strict=True):
            _line(sheet, row, left, right)
    return sheet.figure


def growth_share(gains: pd.DataFrame, ax: Axes | None = None, **options: Unpack[Options]) -> Figure:
    """Draw how fast each of the largest sellers grows by its share, the market's growth as a line.

    Parameters
    ----------
    gains, ax, **options
        As for `share_slope`; who is new has no growth yet and is not drawn.
    """
    reader = Reader(**options)
    rows = _sellers(gains[gains["growth"].notna()], reader)
    if not rows:
        return _nothing(reader, ax)
    grown, share, sold = np.array(
        [[row[of] for row in rows] for of in ("growth", "after", "sales")]
    )
    with page(reader, [] if ax is None else [ax], HEIGHT) as sheet:
        _head(sheet, gains, rows[0], "bubble")
        low, high = limits([*grown, 0.0])
        wide = 1.35 * (high - low)  # with room for the name of the last one
        sheet.ax.set(xlim=(low, low + wide), ylim=limits([*share, 1.15 * share.max()], floor=True))
        for axis in (sheet.ax.xaxis, sheet.ax.yaxis):
            number_axis(axis, PERCENT, reader)
        line = sheet.ax.axvline(rows[0]["market_growth"], color=INK, lw=1.1, ls=(0, (4, 2)))
        growth = write_relative(rows[0]["market_growth"], reader.lang)
        sheet.key(reader.text("market.growth", growth=growth), line)
        colours = [VALUE if row["kind"] == US else REST for row in rows]
        areas = SMALLEST + (LARGEST - SMALLEST) * sold / sold.max()
        sheet.ax.scatter(grown, share, areas, colours, ec=QUIET, lw=0.6, gid="sellers")
        heights = _apart(share, sheet.ax.get_ylim()[1])
        style: dict[str, Any] = {"va": "center", "size": SMALL}
        line_to = {"arrowstyle": "-", "lw": 0.5, "color": QUIET}
        for row, x, y, height in zip(rows, grown, share, heights, strict=True):
            style["arrowprops"] = None if np.isclose(y, height) else line_to
            said = fitted(row["entity"], NAME, SMALL)
            sheet.ax.annotate(said, (x, y), (x + 0.03 * wide, height), **style)
    return sheet.figure


def _nothing(reader: Reader, ax: Axes | None) -> Figure:
    with page(reader, [] if ax is None else [ax], HEIGHT) as sheet:
        sheet.head(reader.title or reader.text("nothing"), [])
        sheet.empty([])
    return sheet.figure


def _sellers(gains: pd.DataFrame, reader: Reader) -> list[Row]:
    """Return ours and the largest sellers that are named."""
    named = gains[gains["metric"].isin(gains["metric"].head(1)) & (gains["kind"] != OTHERS)]
    size = named[["after", "before"]].max(axis=1).where(named["kind"] != US, np.inf)
    kept = named.loc[size.sort_values(ascending=False, kind="stable").index[:MOST]]
    return rows_of(wording.with_sellers(kept, reader.lang))


def _head(sheet: Page, gains: pd.DataFrame, row: Row, key: str) -> None:
    """Say the first finding, what is drawn of whom, and the date of the data."""
    reader = sheet.reader
    told = wording.market_findings(gains, "gains", reader.lang, reader.terms, reader.currency)
    years = {"then": row["period_before"], "now": row["period"]}
    about = [reader.text(f"market.{key}", most=MOST, **years)]
    if reader.as_of is not None:
        about.append(reader.text("as_of", day=write_date(reader.as_of, reader.lang)))
    sheet.head(reader.title or told["sentence"].iloc[0], about)


def _line(sheet: Page, row: Row, left: float, right: float) -> None:
    ours, lang = row["kind"] == US, sheet.reader.lang
    style: dict[str, Any] = {"color": VALUE if ours else QUIET, "lw": 2.6 if ours else 1.0}
    sheet.ax.plot([0, 1], [row["before"], row["after"]], "o-", ms=4, gid="seller", **style)
    before, after = (write(row[of], PERCENT, lang) for of in ("before", "after"))
    said = f"{fitted(row['entity'], NAME)}  {after} ({write_change(row['gain'], POINTS, lang)})"
    letters: dict[str, Any] = {"va": "center", "size": TEXT if ours else SMALL}
    letters["weight"] = "bold" if ours else "normal"
    sheet.ax.text(-0.05, left, before, ha="right", **letters)
    sheet.ax.text(1.05, right, said, ha="left", **letters)


def _apart(values: Array, wide: float) -> Array:
    """Return the heights of labels, in their order, that do not run into each other.

    Each stays at its value where there is room; those that would meet are spread around theirs, as
    isotonic regression does.
    """
    steps, order = APART * wide * np.arange(len(values)), np.argsort(values, kind="stable")
    y, n = values[order] - steps, len(values)
    means = [[y[j : k + 1].mean() if j <= k else np.inf for k in range(n)] for j in range(n)]
    places = np.empty(n)
    places[order] = [max(min(means[j][i:]) for j in range(i + 1)) for i in range(n)] + steps
    return places
