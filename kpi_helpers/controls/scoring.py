"""The BANT scorer: what answers are worth, what the score was worth, and which open cases first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from kpi_helpers import charts, funnel, sheets, wording
from kpi_helpers.controls.control import Control, refused
from kpi_helpers.controls.fields import choice
from kpi_helpers.controls.shown import Shown
from kpi_helpers.controls.views import look_of
from kpi_helpers.errors import KpiError, unknown
from kpi_helpers.funnel.scoring import ITEMS
from kpi_helpers.language import nouns, text
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.dataset import Where
from kpi_helpers.units import COUNT, PERCENT, write, write_range

LEVELS = {"yes": 1.0, "no": 0.0, "": np.nan}
MOST, SURE = 10, 0.05


class Ready(NamedTuple):
    """What the scorer starts from; ``said`` is what the score was worth, and what follows."""

    bant: funnel.Bant
    rows: pd.DataFrame
    table: Any
    said: tuple[str, ...]
    look: Mapping[str, Any]
    as_of: dt.date


def ready(data: Dataset, period: str = "last", where: Where = None) -> Ready:
    """Ask once for what `scored` starts from; as for `kpi_helpers.funnel.bant`."""
    found, look = funnel.bant(data, period, where), look_of(data)
    tables = {"bant_scores": found.scores, "bant_quality": found.quality}
    sorts, holds = (wording.selling_findings(frame, name, **look) for name, frame in tables.items())
    # A score is worth keeping that sorts, and of which nothing speaks against what it promised.
    trend, against = found.quality["trend_p"].iloc[0], (holds["sureness"] == 0).any()
    key = "redefine" if against or trend >= SURE else "keep" if trend < SURE else "untested"
    decided = text(f"selling.{key}", look["lang"], **nouns(look["lang"], look["terms"]))
    said = (*sorts["sentence"], *holds["sentence"], decided)
    rows = funnel.open_cases(data, found, where)
    named = {"points": "answered", "chance": "likely", "expected": "worth"}
    table = sheets.selling(rows.head(MOST).rename(columns=named), "bant_open", **look)
    return Ready(found, rows, table, said, look, data.as_of)


def scored(
    data: Dataset | Ready, budget: str = "", authority: str = "", need: str = "", timeline: str = ""
) -> Shown:
    """Show the chance that four answers give, what the score was worth, and the open cases.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load` with the four items of BANT, or what `ready` makes of it.
    budget, authority, need, timeline
        ``"yes"``, ``"no"``, or empty where it is not known.

    Returns
    -------
    Shown
        ``frame``: the rows of `kpi_helpers.funnel.open_cases`.

    Raises
    ------
    Unavailable
        As `kpi_helpers.funnel.bant`.
    UnknownName
        For another answer.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> data = kh.load("data/sample", {"language": "en"})
    >>> scored(data, "yes", "yes", "yes", "no").figures["Points"]
    '3'
    """
    start = data if isinstance(data, Ready) else ready(data)
    said = dict(zip(ITEMS, (budget, authority, need, timeline), strict=True))
    for answer in said.values():
        if answer not in LEVELS:
            raise unknown("value", answer, LEVELS)
    found, look = start.bant, start.look
    one = funnel.graded(found, pd.DataFrame([{item: LEVELS[own] for item, own in said.items()}]))
    rate = found.scores["numerator"].sum() / found.scores["n"].sum()
    blank = tuple(item for item, own in said.items() if not own)
    one = one.assign(items=pd.Series([blank], dtype=object), all=rate)
    one["weighed"] = found.weights is not None
    told = wording.selling_findings(one, "bant_graded", **look)["sentence"]
    options = {"as_of": start.as_of, "title": told.iloc[0], **look}
    figure = charts.score_pairs(found.scores, **options)
    figures = _figures(one.iloc[0], look)
    return Shown((*told, *start.said), figures, figure, start.table, start.rows)


def scorer(
    data: Dataset,
    period: str = "last",
    where: Where = None,
    folder: Path | None = None,
    **begin: Any,
) -> Control:
    """Make the control of `scored`: yes, no or not known for each of the four.

    Parameters
    ----------
    data, **begin
        As for `scored`; the fields begin with these.
    period, where, folder
        As for `kpi_helpers.funnel.bant`, and for `kpi_helpers.controls.Control`.
    """
    lang = data.config.lang
    try:
        start = ready(data, period, where)
    except KpiError as error:
        return refused(error, lang, "scorer")
    answers = {text(f"selling.answer.{own or 'missing'}", lang): own for own in LEVELS}
    made = {item: choice(text(f"selling.item.{item}", lang), answers, "") for item in ITEMS}
    control = Control(partial(scored, start), made, lang, "scorer", folder)
    control.restore(data.config.workshop.get("scorer", {}))
    control.set(**begin)
    return control


def _figures(row: Any, look: Mapping[str, Any]) -> dict[str, str]:
    """What answers are compared by: their points and their chance."""
    lang = look["lang"]
    within = write_range(row["low"], row["high"], PERCENT, lang)
    chance = f"{write(row['chance'], PERCENT, lang, digits=0)} ({within})"
    points = write(row["points"], COUNT, lang)
    named = {"points": points, "chance": chance}
    return {text(f"controls.scorer.{of}", lang): said for of, said in named.items()}
