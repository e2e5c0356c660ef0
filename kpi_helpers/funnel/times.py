"""How long deals take to be won or lost, those still open included.

Deals are counted by age and outcome where the data live; curves, medians and tests are made of
these counts. Ranges of medians are inverted tests, not a bootstrap of the counts: they hold the
truth more often (``benchmarks/coverage.py``, ``benchmarks/cycle.py``).
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers import intervals, survival
from kpi_helpers.compare.difference import adjusted
from kpi_helpers.errors import Unavailable, unknown
from kpi_helpers.kpis.settled import Array, divided
from kpi_helpers.language import Phrase
from kpi_helpers.measure import measured
from kpi_helpers.measure.counted import time_to_win
from kpi_helpers.measure.judge import FEW
from kpi_helpers.sources.asked import year_of
from kpi_helpers.sources.dataset import Dataset, Where

CLOCKS = CREATED, FIRST_CONTACT, QUALIFIED = "created", "first_contact", "qualified"
KPI = "sales_cycle_duration"
DIMENSIONS = ("sector", "segment", "region", "product", "source", "channel")
MOST_UNNAMED, FALSE_FINDINGS = 0.2, 0.05
USUAL_SHARE, MONTH, HALF = 0.9, 30, 0.5
MOST_ROWS = 120
NUMBERS, ABOUT, BLANK = ["value", "low", "high", "n"], ["clock", "start", "end"], np.nan


def cycle(data: Dataset, period: str, clock: str = CREATED, where: Where = None) -> pd.DataFrame:
    """How long it takes to win a deal, and what else is said to be that.

    Parameters
    ----------
    data, where
        As for `kpi_helpers.measure`.
    period
        As for `kpi_helpers.compare`; deals are those whose clock started in the year that ends with
        it, followed up to the last day of the data.
    clock
        Where a cycle starts: ``created``; ``first_contact`` (of the deal where the source has it:
        deals without it are left out, and only contacts that became deals are known; else the
        creation of the lead); ``qualified`` (of the lead). On a lead's clock every lead counts, one
        without a deal as open.

    Returns
    -------
    pandas.DataFrame
        A row a ``measure``: ``half`` (median days to win among the deals won by ``horizon``, the
        last day with five at risk), ``most`` (by when nine in ten of these are won: how long to
        wait before a cohort is judged), ``decided`` (median days to any decision, Kaplan and Meier
        1958; where not half are decided ``within``, the mean days up to the horizon) and ``naive``
        (mean of the won deals, too short as long ones are still open): ``value, low, high``, ``n``
        (won, or decided), ``deals, horizon, clock, start, end``.

    Raises
    ------
    Unavailable, UnknownName
        Without the date of the clock or five wins; for a clock that is none.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> cycle(kh.load("data/sample"), "2026Q3")[["value", "low", "high"]].iloc[0].tolist()
    [64.0, 59.0, 70.0]
    """
    row = _measured(data, period, clock, where).iloc[0]
    time, won, lost, everyone = row["ages"]
    still = everyone - won - lost
    value, low, high, horizon = time_to_win(row["ages"])
    come = survival.aalen_johansen(time, won, lost, still).won
    usual = time[come >= USUAL_SHARE * come[time <= horizon][-1] - 1e-12].min()
    curve = survival.kaplan_meier(time, won + lost, still)
    wins, middle, limits = won.sum(), survival.median(curve), survival.median_interval(curve)
    decided: tuple[Any, ...] = ("decided", middle, *limits, (won + lost).sum())
    if np.isnan(middle):
        decided = ("within", survival.restricted_mean(curve, horizon), BLANK, BLANK, decided[-1])
    rows = [("half", value, low, high, wins), ("most", usual, BLANK, BLANK, wins), decided]
    rows.append(("naive", (time * won).sum() / wins, BLANK, BLANK, wins))
    frame = pd.DataFrame(rows, columns=["measure", *NUMBERS]).astype(dict.fromkeys(NUMBERS, float))
    return frame.assign(deals=everyone.sum(), horizon=float(horizon), **dict(row[ABOUT]))


def cycle_chances(
    data: Dataset,
    period: str,
    clock: str = CREATED,
    where: Where = None,
    least: float | None = None,
) -> pd.DataFrame:
    """What becomes of deals by their age, and what an open deal of an age may still hope for.

    Won and lost compete (Aalen and Johansen 1978). What follows an age is estimated from the deals
    that were still open then.

    Parameters
    ----------
    data, period, clock, where
        As for `cycle`, whose errors it raises.
    least
        The chance below which a deal is no longer worth following; by default half of what it is on
        the first day.

    Returns
    -------
    pandas.DataFrame
        A row an ``age`` in days: ``n`` (deals seen open at it), ``won, lost, open`` (shares of all
        by then), ``soon`` (chance of a deal of that age to be won within 30 days), ``chance`` (to
        be won by ``horizon``), with ``_low`` and ``_high`` (Wilson's limits on as many deals as
        would vary as much); ``past`` from the first age on at which the chance is below ``least``
        for certain; ``deals, least, horizon, clock, start, end``.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> found = cycle_chances(kh.load("data/sample"), "2026Q3").set_index("age")
    >>> found.loc[[30, 60, 90, 180], "won"].round(3).tolist()
    [0.041, 0.108, 0.155, 0.211]
    """
    row = _measured(data, period, clock, where).iloc[0]
    time, won, lost, everyone = row["ages"]
    counts = np.stack([won, lost, everyone - won - lost])
    horizon = float(time_to_win(row["ages"])[3])
    step = 1 if horizon <= MOST_ROWS else 10 * np.ceil(horizon / 10 / MOST_ROWS)
    age = np.arange(0, horizon + 1, step)
    later = np.where(time > age[:, None], counts[:, None], 0.0)
    shares, place = survival.aalen_johansen(time, *counts), np.searchsorted(time, age, side="right")
    columns = {
        "n": later.sum(axis=(0, 2)),
        **_limits("won", counts, time, age),
        "lost": np.append(0.0, shares.lost)[place],
        "open": np.append(1.0, shares.open)[place],
        **_limits("soon", later, time, np.minimum(age + MONTH, horizon)),
        **_limits("chance", later, time, np.full_like(age, horizon)),
    }
    least = HALF * float(columns["chance"][0]) if least is None else least
    columns["past"] = np.logical_or.accumulate(columns["chance_high"] < least)
    told = {"deals": everyone.sum(), "least": least, "horizon": horizon, **dict(row[ABOUT])}
    return pd.DataFrame({"age": age, **columns}).assign(**told)


def cycle_segments(
    data: Dataset, period: str, clock: str = CREATED, where: Where = None
) -> pd.DataFrame:
    """Compare the time to win of each segment with that of all others, at the same horizon.

    Parameters
    ----------
    data, period, clock, where
        As for `cycle`, whose errors it raises. A dimension that more than a fifth of the deals lack
        is left out, as it may be filled in late.

    Returns
    -------
    pandas.DataFrame
        A row a ``dimension`` and ``group`` that has five wins, as the others have: ``n`` (its
        wins), ``value, low, high`` (median days to win by ``horizon``), ``reference`` (of the
        others), ``p_value`` (`kpi_helpers.survival.median_test`), ``p_adjusted`` (Benjamini and
        Hochberg), ``apart`` (``longer``, ``shorter``, ``none_shown``), ``clock, start, end``.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> found = cycle_segments(kh.load("data/sample"), "2026Q3")
    >>> found.loc[found["apart"] == "longer", ["group", "value", "reference"]].values.tolist()
    [['public', 92.0, 60.0]]
    """
    known = data.dimensions("deals") if "deals" in data.base else []
    names = [name for name in DIMENSIONS if name in known]
    frames = [_beside(_measured(data, period, clock, where, name), name) for name in names]
    found = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    if found.empty:
        raise Unavailable("no_segments", by=", ".join(names or DIMENSIONS))
    found["p_adjusted"] = adjusted(found["p_value"].to_numpy(float))
    side = np.where(found["value"] > found["reference"], "longer", "shorter")
    sure = (found["p_adjusted"] < FALSE_FINDINGS) & (found["value"] != found["reference"])
    return found.assign(apart=np.where(sure, side, "none_shown"))


def _beside(found: pd.DataFrame, name: str) -> pd.DataFrame:
    time = found["ages"].iloc[0][0]
    counts = np.array([each[1:] for each in found["ages"]])
    sides = [np.moveaxis(each, 1, 0) for each in (counts, counts.sum(axis=0) - counts)]
    horizon = np.minimum(*(time_to_win((time, *side))[3] for side in sides))
    (value, low, high, _), (reference, *_) = (time_to_win((time, *s), horizon) for s in sides)
    wins = [np.where(time <= horizon[:, None], won, 0).sum(axis=1) for won, *_ in sides]
    one, other = ([won, lost, n - won - lost] for won, lost, n in sides)
    columns = {"dimension": name, "group": found[name], "n": wins[0], "horizon": horizon}
    columns |= {"value": value, "low": low, "high": high, "reference": reference}
    columns |= {"p_value": survival.median_test(time, one, other, horizon)}
    frame = pd.DataFrame(columns).assign(**dict(found[ABOUT].iloc[0]))
    blank = found["denominator"].where(found[name].isna(), 0.0).sum() / found["denominator"].sum()
    told = found[name].notna() & (np.minimum(*wins) >= FEW) & (blank <= MOST_UNNAMED)
    return frame[told & frame["p_value"].notna()]


def _limits(name: str, counts: Array, time: Array, day: Array) -> dict[str, Array]:
    """The share won by a day and its range, under a name."""
    won, lost, still = counts
    share, variance = survival.won_by(time, won, lost, still, day)
    # Without a win, the cases are those that were lost by then or were followed so far.
    seen = np.where(time < day[:, None], lost, won + lost + still).sum(axis=-1)
    alike = np.where(variance > 0, divided(share * (1 - share), variance), seen)
    low, high = intervals.wilson(share * alike, alike)
    return {name: np.where(alike > 0, share, np.nan), f"{name}_low": low, f"{name}_high": high}


def _measured(data: Dataset, period: str, clock: str, where: Where, by: str = "") -> pd.DataFrame:
    """The cycle with the counts behind it, of the year that ends with a period."""
    year = year_of(data, period)
    found = measured(_clocked(data, clock), [KPI], [year], (by,) if by else (), where)
    found = found[found["ages"].notna()].assign(clock=clock)
    if found["n"].sum() < FEW:
        needs = data.lacks("deals") or Phrase("times.needs", {"n": FEW})
        raise Unavailable(what=Phrase("times.what"), needs=needs)
    return found


def _clocked(data: Dataset, clock: str) -> Dataset:
    """The data set with deals that begin where the clock starts."""
    if clock not in CLOCKS:
        raise unknown("value", clock, CLOCKS)
    if clock == CREATED:
        return data
    filled = {name: data.filled(name) for name in ("deals", "leads") if name in data.base}
    if clock == FIRST_CONTACT and "first_contact_at" in filled.get("deals", ()):
        deals = data.base["deals"].mutate(created_at=data.base["deals"].first_contact_at)
    else:
        start = "created_at" if clock == FIRST_CONTACT else "sql_at"
        for table, column in (("deals", "lead_id"), ("leads", "lead_id"), ("leads", start)):
            if column not in filled.get(table, ()):
                raise Unavailable(what=Phrase("times.what"), needs=f"{table}.{column}")
        deals = _of_leads(data.base["deals"], data.base["leads"], start)
    return dataclasses.replace(data, base={**data.base, "deals": deals}, memory={})


def _of_leads(deals: Any, leads: Any, start: str) -> Any:
    """A row a lead and deal of it; a lead without any is a deal that is open."""
    shared = [c for c in deals.columns if c in leads.columns and c != "created_at"]
    own = {c: deals[c].coalesce(leads[c]) if c in shared else deals[c] for c in deals.columns}
    own |= {"deal_id": deals.deal_id.coalesce(leads.lead_id), "created_at": leads[start]}
    own |= {"lead_id": leads.lead_id, "status": deals.status.fill_null("open")}
    return leads.left_join(deals, leads.lead_id == deals.lead_id).select(**own)
