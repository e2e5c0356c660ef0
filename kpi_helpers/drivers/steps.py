"""The two periods that an analysis stands between, and its result as steps from one to the other.

Steps are the frame that `kpi_helpers.charts.waterfall` draws: a row for the level before, one for
each change, one for the level after; the changes add up to what lies between the levels.
"""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from kpi_helpers.compare.beside import PERIODS, PREVIOUS, YEAR_AGO, earlier_period
from kpi_helpers.errors import Unavailable, unknown
from kpi_helpers.language import Phrase
from kpi_helpers.periods import Period
from kpi_helpers.sources import Dataset
from kpi_helpers.units import MONEY

COLUMNS = ("bridge", "step", "name", "kind", "amount", "unit", "certainty", "n", "change")
SIDES = ("before", "after")
NUMBERS = ("amount", "n", "change", "mix", "other_method")
NOT_TESTED = "not_tested"
SURENESS = {"none_shown": "not_established", "no_reference": NOT_TESTED}


class Between(NamedTuple):
    """Two periods, and how `kpi_helpers.compare` is told of the earlier one."""

    then: Period
    now: Period
    to: str


def known(to: str) -> str:
    """Return the earlier period asked for, by its word.

    Raises
    ------
    UnknownName
        For a target, a filter, or whatever else is not earlier.
    """
    if to not in PERIODS:
        raise unknown("value", to, PERIODS)
    return to


def between(data: Dataset, period: str, to: str, table: str) -> Between:
    """Return a period and what it stands beside: as asked, or else what the table does know.

    Raises
    ------
    UnknownName
        When ``to`` is no earlier period.
    Unavailable
        When the table has no dates in the period, or in none before it.
    """
    now = data.config.calendar.parse(period, data.as_of, data.first)
    cover = data.covered.get((table, "closed_at" if table == "deals" else "order_date"))
    if cover is None or cover.first is None or cover.last is None or cover.last < now.start:
        raise Unavailable(what=Phrase("drivers.what"), needs=f"{table} ({now.name})")
    for each in [known(to), *(other for other in (YEAR_AGO, PREVIOUS) if other != to)]:
        then = earlier_period(data, now, each)
        if then and then.start >= cover.first - cover.tolerance:
            return Between(then, now, each)
    raise Unavailable("nothing_before", period=now.name, first=cover.first)


def steps(
    changes: pd.DataFrame,
    bridge: str,
    levels: tuple[float, float],
    beside: Between,
    unit: str = MONEY,
) -> pd.DataFrame:
    """Return changes as steps between two levels.

    Parameters
    ----------
    changes
        ``step, amount``; ``name, certainty, n`` and others as there are.
    bridge
        What is explained, a key of ``wording.drivers.bridges``.
    levels
        Before and after.
    beside
        Their periods.
    unit
        Of the levels.
    """
    first, last = ({"kind": kind, "amount": a} for kind, a in zip(SIDES, levels, strict=True))
    last["change"] = levels[1] - levels[0]
    rows = [first, *changes.assign(kind="change").to_dict("records"), last]
    frame = pd.DataFrame(rows, columns=[*dict.fromkeys([*COLUMNS, *changes])], dtype=object)
    blank = {"step": "", "certainty": ""}
    frame = frame.fillna(blank).assign(name=frame["name"].where(frame["name"].notna(), None))
    numbers = [c for c in frame if c in NUMBERS or str(c).endswith(SIDES)]
    periods = [beside.then, *[beside.now] * (len(frame) - 1)]
    return frame.astype(dict.fromkeys(numbers, float)).assign(
        bridge=bridge,
        unit=unit,
        period=[each.name for each in periods],
        start=[pd.Timestamp(each.start) for each in periods],
        end=[pd.Timestamp(each.end) for each in periods],
    )


def sureness(compared: pd.DataFrame) -> list[str]:
    """Return whether each change of a comparison is established, or why nobody can tell."""
    return [
        status if status in ("immature", "insufficient") else SURENESS.get(verdict, "established")
        for verdict, status in zip(compared["change_verdict"], compared["status"], strict=True)
    ]
