"""What becomes of deals as they age."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import pandas as pd

from kpi_helpers import wording
from kpi_helpers.charts.page import page
from kpi_helpers.charts.reader import Options, Reader
from kpi_helpers.charts.scales import number_axis
from kpi_helpers.charts.theme import BAR, INCH, INK, QUIET, REST, VALUE
from kpi_helpers.language import text
from kpi_helpers.units import DAYS, PERCENT, write_date
from kpi_helpers.wording.times import written

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT, TOLD, DAY = 3.1 * INCH, (30, 60, 90, 180), pd.Timedelta(days=1)
FILLS = {"won": BAR, "open": "white", "lost": REST}


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
    lang, rows = reader.lang, chances.to_dict("records")
    found = wording.cycle_findings(chances, lang, reader.terms, reader.currency)
    days = {"start": rows[0]["start"], "end": rows[0]["end"] - DAY}
    said = written(rows[0], lang) | {name: write_date(day, lang) for name, day in days.items()}
    about = [text("times.about", lang, **said)]
    if reader.as_of is not None:
        about.append(reader.text("as_of", day=write_date(reader.as_of, lang)))
    with page(reader, [] if ax is None else [ax], HEIGHT) as sheet:
        sheet.head(reader.title or "".join(found["sentence"]), about)
        shares = [chances[name] for name in FILLS]
        areas = sheet.ax.stackplot(age, *shares, colors=[*FILLS.values()], ec=QUIET, lw=0.6)
        for name, area in zip(FILLS, areas, strict=True):
            area.set_gid(name)
            sheet.key(text(f"times.{name}", lang), area)
        ends = chances["won_low"], chances["won_high"]
        band = sheet.ax.fill_between(age, *ends, color=VALUE, alpha=0.35, lw=0, gid="range")
        sheet.key(reader.text("key.range"), band)
        above: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "gid": "won_by"}
        for row in rows:
            if row["age"] in TOLD:
                place = row["age"], row["won_high"]
                sheet.ax.annotate(written(row, lang)["won"], place, (0, 3), color=INK, **above)
        sheet.ax.set(xlim=(0, max(age.iloc[-1], 1)), ylim=(0, 1))
        number_axis(sheet.ax.xaxis, DAYS, reader)
        number_axis(sheet.ax.yaxis, PERCENT, reader)
    return sheet.figure
