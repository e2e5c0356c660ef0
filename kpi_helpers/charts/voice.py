"""Who recommends and who does not, round by round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import pandas as pd

from kpi_helpers import wording
from kpi_helpers.charts.page import page
from kpi_helpers.charts.reader import Options, Reader, known
from kpi_helpers.charts.scales import name_axis, number_axis
from kpi_helpers.charts.theme import BAR, INCH, INK, SMALL, TARGET, VALUE
from kpi_helpers.units import PERCENT, POINTS, write, write_date
from kpi_helpers.wording.voice import wave

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, AROUND, NAMES, MOST = 0.32 * INCH, 0.9 * INCH, 110.0, 10


def sides(rounds: pd.DataFrame, ax: Axes | None = None, **options: Unpack[Options]) -> Figure:
    """Draw promoters to the right of 0 and detractors to the left, with the score and its range.

    Parameters
    ----------
    rounds : DataFrame
        What `kpi_helpers.voice.rounds` returns; the last ten are drawn.
    ax : Axes, optional
        Where to draw; by default a new figure.
    **options
        See `kpi_helpers.charts.Options`.
    """
    reader = Reader(**options)
    rows = rounds.tail(MOST).to_dict("records")
    found = wording.voice_findings(rounds, reader.lang, reader.terms, reader.currency)
    about = [_text("subtitle", reader)]
    if reader.as_of is not None:
        about.append(reader.text("as_of", day=write_date(reader.as_of, reader.lang)))
    with page(reader, [] if ax is None else [ax], AROUND + ROW * len(rows)) as sheet:
        sheet.head(reader.title or found["sentence"].iloc[0], about)
        reach = max(1.4 * max(row["promoters"] / row["n"] for row in rows), 0.5)
        least = max(row["detractors"] / row["n"] for row in rows) + 0.15
        sheet.ax.set(xlim=(-least, reach), ylim=(len(rows) - 0.5, -0.5))
        number_axis(sheet.ax.xaxis, PERCENT, reader)
        for place, row in enumerate(rows):
            style: dict[str, Any] = {"va": "center", "size": SMALL, "color": INK}
            for side, name, colour in ((-1, "detractors", TARGET), (1, "promoters", BAR)):
                share = row[name] / row["n"]
                bar = sheet.ax.barh(place, side * share, 0.6, color=colour, gid=name)
                sheet.key(_text(name, reader), bar[0])
                said, end = write(share, PERCENT, reader.lang, digits=0), side * (share + 0.02)
                sheet.ax.text(end, place, said, ha="left" if side > 0 else "right", **style)
            score: dict[str, Any] = {"color": VALUE, "gid": "score", "lw": 1.4, "ms": 4}
            (dot,) = sheet.ax.plot([row["value"] / 100], [place], "o", **score)
            if known(row["low"]):
                ends = [row["low"] / 100, row["high"] / 100]
                (dot,) = sheet.ax.plot(ends, [place, place], "|-", **score)
            sheet.key(_text("score", reader), dot)
            said = write(row["value"], POINTS, reader.lang)
            sheet.ax.text(reach, place, said, ha="right", weight="bold", **style)
        sheet.ax.axvline(0, color=INK, lw=0.8)
        name_axis(sheet.ax.yaxis, [wave(row["wave"], row, reader.lang) for row in rows], NAMES)
    return sheet.figure


def _text(key: str, reader: Reader) -> str:
    from kpi_helpers.language import text

    return text(f"voice.{key}", reader.lang)
