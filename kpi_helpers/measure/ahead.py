"""Figures measured ahead: many periods in one go, for whoever then moves from one to the next."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import pandas as pd

from kpi_helpers.periods import Period
from kpi_helpers.sources.dataset import Dataset, Where


def taken(
    data: Dataset, kpis: Sequence[str], periods: Sequence[Period], where: Where
) -> pd.DataFrame | None:
    """The figures of KPIs in periods, where all of them were kept; a frame of its own."""
    found: list[tuple[pd.DataFrame, dict[tuple[str, Period], int]]] = []
    found = data.memory.get(_key(where), found)
    wanted = [*product(kpis, periods)]
    for frame, places in found:
        rows = [places.get(each, -1) for each in wanted]
        if -1 not in rows:
            return frame.take(rows).reset_index(drop=True)
    return None


def keep(
    data: Dataset,
    kpis: Sequence[str],
    periods: Sequence[Period],
    where: Where,
    frame: pd.DataFrame,
) -> None:
    """Keep what `measured` returned for KPIs in periods, of everything that a filter selects."""
    places = {each: row for row, each in enumerate(product(kpis, periods))}
    data.memory.setdefault(_key(where), []).append((frame, places))


def _key(where: Where) -> tuple[str, str]:
    return "ahead", repr(where)
