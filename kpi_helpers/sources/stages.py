"""The order of the stages: as the settings have it on a day, else as deals go through them."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import pandas as pd

from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.engine import frame_of


class Stages(NamedTuple):
    """Stages in their order, and what says so: ``"settings"``, ``"history"`` or ``"nothing"``."""

    names: tuple[str, ...]
    by: str


def stage_order(data: Dataset, day: dt.date | None = None) -> Stages:
    """The stages of the deals in their order.

    Parameters
    ----------
    data
        A data set of `load`.
    day
        When: the settings may change the order from a day on; by default its last day.

    Returns
    -------
    Stages
        As the settings say; else that of the history: a stage stands before another where more
        deals entered it first; else none.

    Examples
    --------
    >>> from kpi_helpers.sources import load
    >>> deals = pd.DataFrame({"deal_id": ["1"], "created_at": ["2026-01-05"], "status": ["open"]})
    >>> moves = pd.DataFrame({"deal_id": ["1", "1"], "stage": ["Offer", "Contact"],
    ...                       "entered_at": ["2026-02-05", "2026-01-05"]})
    >>> stage_order(load({"deals": deals, "stage_history": moves}))
    Stages(names=('Contact', 'Offer'), by='history')
    """
    if data.config.all_stages:
        return Stages(data.config.stages_on(day or data.as_of), "settings")
    if "stage_history" not in data.tables:
        return Stages((), "nothing")
    return Stages(tuple(data.remember("stage_order", lambda: _of_history(data))), "history")


def _of_history(data: Dataset) -> list[str]:
    moves = data.table("stage_history")
    first = moves.group_by("deal_id", "stage").agg(entered_at=moves.entered_at.min())
    later = first.view()
    pairs = first.join(later, "deal_id").filter(first.entered_at < later.entered_at)
    counts = frame_of(data.con, pairs.group_by("stage", "stage_right").agg(n=pairs.count()))
    names = frame_of(data.con, moves.select("stage").distinct())["stage"].dropna()
    ahead = counts.pivot(index="stage", columns="stage_right", values="n")
    square = ahead.reindex(index=sorted(names), columns=sorted(names)).fillna(0)
    beaten: pd.Series[int] = (square > square.T).sum(axis=1)
    return list(beaten.sort_values(ascending=False, kind="stable").index)
