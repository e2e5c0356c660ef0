"""What becomes of the calls that are made, and when those that come in are missed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers import intervals
from kpi_helpers.catalogue import find
from kpi_helpers.compare.apart import with_others
from kpi_helpers.errors import Unavailable
from kpi_helpers.kpis.activity import LOST, SPOKEN
from kpi_helpers.language import Phrase
from kpi_helpers.sources.asked import year_of
from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.engine import frame_of

MADE, SPOKE, BOOKED, WON = STEPS = ("made", "spoke", "booked", "won")
OWN = ("started_at", "deal_id", "lead_id", "wait_s", "duration_s")


def _calls(data: Dataset, period: str, where: Where, direction: str) -> Any:
    """Calls of the year that ends with a period, of known outcome, on the engine."""
    year = year_of(data, period)
    calls = data.filtered("activities", where, OWN)
    day = calls.started_at.date()
    asked = (calls.type == "call") & (calls.direction == direction)
    asked &= calls.outcome.isin(SPOKEN + LOST)
    if direction == "out":
        asked &= ~calls.is_empty
    return calls.filter(asked, day >= year.start, day < year.end)


def call_steps(data: Dataset, period: str, where: Where = None) -> pd.DataFrame:
    """How many calls made led to a conversation, to a meeting, and to a deal won.

    Parameters
    ----------
    data
        A data set with ``activities``; the last step needs ``deals`` too, linked by deal or lead.
    period
        As for `kpi_helpers.compare`; what is counted is the year that ends with it.
    where
        As for `kpi_helpers.measure`.

    Returns
    -------
    pandas.DataFrame
        A row a step after the first (``spoke, booked, won``): ``k`` calls of the ``n`` of the step
        before that could take it, ``value, low, high`` (Wilson), and ``pending``, those whose deal
        is still open.

    Raises
    ------
    Unavailable
        When no outbound call has an outcome.
    """
    calls = _calls(data, period, where, "out")
    spoke, booked = calls.outcome.isin(SPOKEN), calls.outcome == "booked"
    one = {"made": calls.outcome.notnull(), "spoke": spoke, "booked": booked}
    one |= {"linked": booked & (calls.deal_id.notnull() | calls.lead_id.notnull())}
    for name, of in (("won", "is_won"), ("pending", "is_open")):
        one[name] = (
            booked & _leads_to(calls, data, of) if "deals" in data.tables else booked & False
        )
    marked = calls.select(**one)
    sums = {name: marked[name].ifelse(1.0, 0.0).sum() for name in one}
    n = frame_of(data.con, marked.agg(**sums)).iloc[0].fillna(0).to_dict()
    if n["made"] == 0:
        raise Unavailable(what=Phrase("outreach.steps"), needs=Phrase("outreach.outbound"))
    pairs = ((SPOKE, "spoke", MADE), (BOOKED, "booked", SPOKE), (WON, "won", "linked"))
    rows = [(step, n[k], n[of]) for step, k, of in pairs if n[of] > 0]
    frame = pd.DataFrame(rows, columns=["step", "k", "n"])
    low, high = intervals.wilson(frame["k"], frame["n"])
    pending = np.where(frame["step"] == WON, n["pending"], 0.0)
    found = frame.assign(value=frame["k"] / frame["n"], low=low, high=high, pending=pending)
    return found[(found["step"] != WON) | ("deals" in data.tables)]


def _leads_to(calls: Any, data: Dataset, of: str) -> Any:
    """Whether the call's deal, or one of its lead, is in a state."""
    deals = data.table("deals")
    deals = deals.filter(deals[of])
    links = [
        calls[key].isin(deals.filter(deals[key].notnull())[key]).fill_null(False)
        for key in ("deal_id", "lead_id")
    ]
    return links[0] | links[1]


def call_times(data: Dataset, period: str, where: Where = None) -> pd.DataFrame:
    """How long callers wait, those who are answered and those who are not, and how long one talks.

    Parameters
    ----------
    data, period, where
        As for `call_steps`.

    Returns
    -------
    pandas.DataFrame
        A row each of ``wait_answered, wait_missed, talk``: ``n`` calls, ``value`` (mean, seconds)
        and ``low, high`` (Hall).

    Raises
    ------
    Unavailable
        When no inbound call has a time.
    """
    calls = _calls(data, period, where, "in")
    spoke = calls.outcome.isin(SPOKEN)
    times = {
        "wait_answered": spoke.ifelse(calls.wait_s, None),
        "wait_missed": spoke.ifelse(None, calls.wait_s),
        "talk": spoke.ifelse(calls.duration_s, None),
    }
    timed = calls.select(**{name: each.cast("float64") for name, each in times.items()})
    sums = {f"{name}|{power}": (timed[name] ** power).sum() for name in times for power in range(4)}
    sums |= {f"{name}|0": timed[name].count() for name in times}
    found = frame_of(data.con, timed.agg(**sums)).astype(float).iloc[0]
    table = np.array([[found[f"{name}|{power}"] for power in range(4)] for name in times])
    if np.nansum(table[:, 0]) == 0:
        raise Unavailable(what=Phrase("outreach.times"), needs="wait_s, duration_s")
    low, high = intervals.hall(*table.T)
    frame = pd.DataFrame({"time": list(times), "n": table[:, 0], "low": low, "high": high})
    frame["value"] = table[:, 1] / np.where(table[:, 0] > 0, table[:, 0], np.nan)
    return frame[frame["n"] > 0].reset_index(drop=True)


def missed(data: Dataset, period: str, where: Where = None) -> pd.DataFrame:
    """Calls missed by weekday and hour, each hour beside all the others.

    Hours of a weekday that follow each other and are all missed more often for certain make a
    block, which stands beside the calls outside of all blocks.

    Parameters
    ----------
    data, period, where
        As for `call_steps`.

    Returns
    -------
    pandas.DataFrame
        A row a weekday (0 is Monday) and hour with calls: ``weekday, hour``, the columns of
        `kpi_helpers.compare.apart.with_others` for the calls missed, and ``block`` (a number,
        missing outside), its ``block_k, block_n, block_value, block_low, block_high``
        and hours ``block_from, block_to``; ``usual_k, usual_n, usual_value, usual_low,
        usual_high``, those outside of all blocks.

    Raises
    ------
    Unavailable
        When no inbound call has an outcome and an hour.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> found = missed(kh.load("data/sample"), "2026Q3").dropna(subset="block")
    >>> found[["weekday", "hour"]].values.tolist()
    [[0, 9], [0, 10]]
    """
    calls = _calls(data, period, where, "in")
    lost = find("missed_call_rate").body(calls).terms
    at = {"weekday": calls.started_at.day_of_week.index(), "hour": calls.started_at.hour()}
    marked = calls.select(**at, **{name: lost[name].ifelse(1.0, 0.0) for name in ("k", "n")})
    sums = {"k": marked.k.sum(), "n": marked.n.sum()}
    cells = frame_of(data.con, marked.group_by("weekday", "hour").agg(**sums))
    if cells["hour"].nunique() < 2:
        raise Unavailable(what=Phrase("outreach.missed"), needs=Phrase("outreach.inbound"))
    cells = cells.sort_values(["weekday", "hour"], ignore_index=True)
    cells[["weekday", "hour"]] = cells[["weekday", "hour"]].astype("int64")
    return _blocks(with_others(cells))


def _blocks(cells: pd.DataFrame) -> pd.DataFrame:
    worse = cells["apart"] == "above"
    alone = (cells["weekday"].diff() != 0) | (cells["hour"].diff() != 1)
    begins = worse & (alone | ~worse.shift(1, fill_value=False))
    block = begins.cumsum().where(worse).astype(float)
    k, n = (cells[name].groupby(block).transform("sum") for name in ("k", "n"))
    first, last = (cells["hour"].groupby(block).transform(of) for of in ("min", "max"))
    low, high = intervals.wilson(k, n)
    found = cells.assign(block=block, block_from=first, block_to=last + 1)
    found = found.assign(block_k=k, block_n=n, block_value=k / n, block_low=low, block_high=high)
    usual = cells.loc[~worse, ["k", "n"]].sum()
    ends = [float(limit) for limit in intervals.wilson(usual["k"], usual["n"])]
    found = found.assign(
        usual_k=usual["k"], usual_n=usual["n"], usual_low=ends[0], usual_high=ends[1]
    )
    return found.assign(usual_value=usual["k"] / usual["n"])
