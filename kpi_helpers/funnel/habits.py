"""How cases have moved on in a year, as it was known on a day: what `what_if` starts from.

The rows are asked once and replayed for any earlier day: what happened later has not happened yet.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from kpi_helpers.errors import Unavailable
from kpi_helpers.funnel.history import journeys
from kpi_helpers.funnel.leak import steps_of_leads, unpaid
from kpi_helpers.language import Phrase
from kpi_helpers.periods import Calendar, Period
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.dataset import Where
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.journeys import way
from kpi_helpers.survival.curves import Floats, just_before, over, quiet, running_product

HABITS_DAYS, OLDEST, FEW = 365, 1095, 10
NEVER = 10**7  # a day that does not come
ON, LOST, STAYS = range(3)


class Cases(NamedTuple):
    """Each case at each step that it reached, of which the first ``leads`` are those of leads.

    ``rows`` has ``place, deal_id, amount, is_new`` (it comes without a lead), and the days on which
    it ``entered``, ``advanced`` and was ``lost``, counted from 1970 (`NEVER` for what did not
    happen). A deal that is decided, nobody knows when, is left out where it stood last.
    """

    steps: tuple[str, ...]
    leads: int
    rows: pd.DataFrame
    calendar: Calendar


class Prepared(NamedTuple):
    """What `what_if` needs of a data set.

    ``moved, left`` (steps × ages in days) are the chances to go on at an age, and to be there still
    after it; ``open`` has a deal's ``place, age, amount`` a row; ``waiting`` (steps × ages) counts
    leads without a deal, ``come`` what comes a day to each step; ``days`` are left to the end of
    each period, ``amounts`` those won in the last year.
    """

    steps: tuple[str, ...]
    moved: Floats
    left: Floats
    open: pd.DataFrame
    waiting: Floats
    come: Floats
    booked: float
    amounts: Floats
    periods: tuple[Period, Period]
    days: tuple[int, int]


def outlook(data: Dataset, where: Where = None) -> Prepared:
    """Prepare `what_if`: the habits of a year and the open deals, asked once.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load` with deals; the quarter is that of the day after its last.
    where
        As for `kpi_helpers.measure`.

    Raises
    ------
    Unavailable
        Without deals, or where none was won with an amount in the last year.
    """
    return prepared(cases(data, where, data.as_of), data.as_of)


def cases(data: Dataset, where: Where = None, first: dt.date = dt.date(1, 12, 31)) -> Cases:
    """Ask for the cases, as needed for `prepared` on any day from the first one on.

    Raises
    ------
    Unavailable
        Without deals, or where none has an amount.
    """
    if "deals" not in data.tables:
        raise Unavailable(what=Phrase("funnel.what"), needs="deals")
    if "amount" not in data.filled("deals"):
        raise unpaid(data)
    rows, steps, leads = journeys(data, where), way(data)[:-1], steps_of_leads(data)
    end = rows.advanced_at.coalesce(rows.lost_at)
    undated = end.isnull() & (rows.outcome != "open") & (rows.place >= leads)
    begun = first - dt.timedelta(days=HABITS_DAYS - 1)
    is_won = rows.place == len(steps)
    rows = rows.filter(is_won | ~undated.fill_null(False), end.isnull() | (end >= begun))
    asked = rows.select(
        "place",
        "deal_id",
        "amount",
        is_new=(rows.place == 0) | (rows.lead_id.isnull() & (rows.place == leads)),
        entered=rows.entered_at,
        advanced=rows.advanced_at,
        lost=rows.lost_at,
    )
    frame = frame_of(data.con, asked)
    days = {name: _numbered(frame[name]) for name in ("entered", "advanced", "lost")}
    frame = frame.astype({"deal_id": object, "place": "int8"}).assign(**days)
    return Cases(steps, leads, frame, data.config.calendar)


def prepared(known: Cases, day: dt.date) -> Prepared:
    """What was known of the cases on a day, as `outlook` gives it.

    The rows of a day say what was known on it, but for leads that became several deals: of these
    the one that got furthest counts, which a later day may say otherwise.

    Raises
    ------
    Unavailable
        Where no deal was won with an amount in the year before.
    """
    now = known.calendar.at(day + dt.timedelta(days=1), "quarter")
    periods, today = (now, known.calendar.shift(now, 1)), _number(day)
    rows, size = known.rows[known.rows["entered"] <= today], len(known.steps)
    begun = today - HABITS_DAYS + 1
    won = rows[(rows["place"] == size) & (rows["amount"] > 0) & (rows["entered"] >= begun)]
    amounts = np.sort(won["amount"].to_numpy(float))
    if not len(amounts):
        raise Unavailable(what=Phrase("funnel.what"), needs=Phrase("funnel.paid"))
    spells = _spells(rows[rows["place"] < size], today)
    stays = spells[spells["end"] == STAYS]
    waiting = np.zeros((size, OLDEST + 1))
    there = stays[stays["place"] < known.leads]
    np.add.at(waiting, (there["place"], there["last"]), 1.0)
    began = spells.loc[spells["is_new"] & (spells["entered"] >= begun), "place"]
    seen = spells[(spells["last"] >= spells["first"]) & (spells["gone"] >= begun)]
    life = np.array([_life(seen[seen["place"] == place]) for place in range(size)])
    return Prepared(
        steps=known.steps,
        moved=life[:, 0],
        left=life[:, 1],
        open=_open(stays[stays["place"] >= known.leads], float(amounts.mean())),
        waiting=waiting,
        come=np.bincount(began, minlength=size) / HABITS_DAYS,
        booked=float(won.loc[won["entered"] >= _number(now.start), "amount"].sum()),
        amounts=amounts,
        periods=periods,
        days=(_number(now.end) - today - 1, _number(periods[1].end) - today - 1),
    )


def _number(day: dt.date) -> int:
    return int(np.datetime64(day, "D").astype(int))


def _numbered(days: Any) -> Any:
    """Days since 1970, `NEVER` where there is none."""
    known = days.to_numpy("M8[D]")
    return np.where(np.isnat(known), NEVER, known.astype(int))


def _spells(rows: pd.DataFrame, today: int) -> pd.DataFrame:
    """Cases at a step by age: from which one they are seen, until which, and how that ended.

    Only what happened in the last year counts: older cases are seen from the age they had then.
    """
    entered, advanced, lost = (rows[name].to_numpy() for name in ("entered", "advanced", "lost"))
    gone = np.minimum(advanced, lost)
    end = np.where(gone > today, STAYS, np.where(advanced <= lost, ON, LOST))
    return rows.assign(
        gone=gone,
        end=end,
        first=np.maximum(today - entered - (HABITS_DAYS - 1), 0),
        last=np.minimum(np.minimum(gone, today) - entered, OLDEST),
    )


@quiet
def _life(spells: pd.DataFrame) -> tuple[Floats, Floats]:
    """The chances to go on at an age, and to be there still after it."""
    first, last, end = (spells[name].to_numpy(int) for name in ("first", "last", "end"))
    came, went = (np.bincount(at, minlength=OLDEST + 2) for at in (first, last + 1))
    risk: Floats = np.cumsum(came - went)[:-1].astype(np.float64)
    late = np.arange(OLDEST + 1) > np.max(np.flatnonzero(risk >= FEW), initial=0)
    hazards = []
    for way_out in (ON, LOST):
        events = np.bincount(last[end == way_out], minlength=OLDEST + 1).astype(np.float64)
        pooled = events[late].sum() / max(risk[late].sum(), 1.0)
        hazards.append(np.where(late, pooled, over(events, risk)))
    left = running_product(np.clip(1 - hazards[0] - hazards[1], 0, 1))
    return just_before(left) * hazards[0], left


def _open(stays: pd.DataFrame, mean: float) -> pd.DataFrame:
    """The open deals, the largest first: at which step, for how many days, and their amount."""
    amount = stays["amount"].astype(float)
    frame = stays[["place", "deal_id"]].assign(
        age=stays["last"], amount=amount.where(amount > 0, mean)
    )
    keys = ["amount", "place", "age", "deal_id"]
    return frame.sort_values(keys, ascending=[False] * 3 + [True], ignore_index=True)
