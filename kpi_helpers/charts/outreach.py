"""When calls are missed, and what becomes of leads by how soon they are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd
from matplotlib.patches import Patch, Rectangle

from kpi_helpers import wording
from kpi_helpers.charts.bars import bars
from kpi_helpers.charts.heat import shaded
from kpi_helpers.charts.page import page
from kpi_helpers.charts.reader import Options, Reader
from kpi_helpers.charts.scales import label_axis, name_axis
from kpi_helpers.charts.theme import INCH, WORSE
from kpi_helpers.language import text
from kpi_helpers.units import COUNT, PERCENT, write, write_date
from kpi_helpers.wording.outreach import hour

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, AROUND, NAMES = 0.22 * INCH, 0.85 * INCH, 60.0


def missed_map(missed: pd.DataFrame, ax: Axes | None = None, **options: Unpack[Options]) -> Figure:
    """Draw the share of calls missed by weekday and hour; what is confirmed is outlined.

    Parameters
    ----------
    missed : DataFrame
        What `kpi_helpers.outreach.missed` returns.
    ax : Axes, optional
        Where to draw; by default a new figure.
    **options
        See `kpi_helpers.charts.Options`.
    """
    reader = Reader(**options)
    hours = range(missed["hour"].min(), missed["hour"].max() + 1)
    days = sorted(missed["weekday"].unique())
    value, n = (
        missed.pivot(index="hour", columns="weekday", values=of).reindex(hours)
        for of in ("value", "n")
    )
    said = [
        [_cell(share, size, reader) for share, size in zip(*pair, strict=True)]
        for pair in zip(value.to_numpy(float), n.to_numpy(float), strict=True)
    ]
    found = wording.missed_findings(missed, reader.lang, reader.terms, reader.currency)
    about = [text("outreach.map", reader.lang), _as_of(reader)]
    with page(reader, [] if ax is None else [ax], AROUND + ROW * len(hours)) as sheet:
        sheet.head(reader.title or found["sentence"].iloc[0], [each for each in about if each])
        shaded(sheet, value.to_numpy(float), said, np.zeros(value.shape, dtype=bool))
        outline: dict[str, Any] = {"fc": "none", "ec": WORSE, "lw": 2}
        for row in missed[missed["block"].notna()].to_dict("records"):
            corner = days.index(row["weekday"]) - 0.5, hours.index(row["hour"]) - 0.5
            sheet.ax.add_patch(Rectangle(corner, 1, 1, gid="block", **outline))
            sheet.key(text("outreach.outlined", reader.lang), Patch(**outline))
        name_axis(sheet.ax.yaxis, [hour(each, reader.lang) for each in hours], NAMES)
        names = [text(f"outreach.days.{day}", reader.lang) for day in days]
        label_axis(sheet.ax.xaxis, range(len(days)), names)
    return sheet.figure


def response_bars(responses: pd.DataFrame, **options: Unpack[Options]) -> Figure:
    """Draw what becomes of leads by how soon they had an answer.

    Parameters
    ----------
    responses : DataFrame
        What `kpi_helpers.outreach.responses` returns.
    **options
        See `kpi_helpers.charts.Options`.
    """
    reader = Reader(**options)
    told = wording.responses_findings(responses, reader.lang, reader.terms, reader.currency)
    named = {band: text(f"outreach.bands.{band}", reader.lang) for band in responses["band"]}
    drawn = responses.drop(columns="p_value").replace({"band": named})
    options["title"] = reader.title or told["sentence"].iloc[0]
    return bars(drawn, "band", **options)


def _cell(share: float, n: float, reader: Reader) -> str:
    if not n > 0:
        return ""
    said = {
        "value": write(share, PERCENT, reader.lang, digits=0),
        "n": write(n, COUNT, reader.lang),
    }
    return text("outreach.cell", reader.lang, **said)


def _as_of(reader: Reader) -> str:
    if reader.as_of is None:
        return ""
    return reader.text("as_of", day=write_date(reader.as_of, reader.lang))
