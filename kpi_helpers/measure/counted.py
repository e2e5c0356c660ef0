"""Figures made of counts by age: the sales cycle, and conversion within a window."""

from __future__ import annotations

import math
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from kpi_helpers import intervals, survival
from kpi_helpers.catalogue import Kpi
from kpi_helpers.kpis.parts import Parts
from kpi_helpers.kpis.settled import Array, Remark, Settled, divided
from kpi_helpers.kpis.tried import tried
from kpi_helpers.measure.attribution import WINDOWED, windowed
from kpi_helpers.measure.cells import Spread
from kpi_helpers.measure.facts import fact
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.engine import frame_of

MIN_AT_RISK = 5
USUAL_SHARE = 0.9

Ages = tuple[Any, ...]


def settle_duration(spread: Spread, kpi: Kpi) -> Settled:
    """Median time to win among eventual wins, up to a horizon with enough deals still at risk.

    The wins are n, for it is them that the median rests on; the denominator is all deals.
    """
    ages = _by_age(spread, f"{kpi.id}__")
    value, low, high, horizon = time_to_win(ages)
    _, won, _, everyone = ages
    wins, deals = won.sum(axis=1), everyone.sum(axis=1)
    remarks = (
        Remark("notes.horizon", ~np.isnan(value), {"days": horizon}),
        Remark("notes.no_horizon", np.isnan(value) & (deals > 0), {"n": deals, "k": wins}),
    )
    settled = Settled(value, wins, deals, wins, low, high, "aalen-johansen", remarks)
    return settled._replace(ages=ages)


def settle_waiting(spread: Spread, kpi: Kpi) -> Settled:
    """Median time until the end of any (Kaplan and Meier), where half of them have ended."""
    ages = _by_age(_at_ends(spread, f"{kpi.id}__"), f"{kpi.id}__")
    time, ended, _, everyone = ages
    curve = survival.kaplan_meier(time, ended, everyone - ended)
    value, (low, high) = survival.median(curve), survival.median_interval(curve)
    done, n = ended.sum(axis=1), everyone.sum(axis=1)
    remarks = [Remark("notes.not_reached", np.isnan(value) & (n > 0), {"n": n, "k": done})]
    if f"{kpi.id}__unknown" in spread.found:
        out = spread.total(spread.numbers(f"{kpi.id}__unknown"))
        remarks.append(Remark("notes.no_clock", out > 0, {"k": out, "n": n + out}))
    return Settled(value, done, n, n, low, high, "kaplan-meier", tuple(remarks), ages=ages)


def settle_age(spread: Spread, kpi: Kpi) -> Settled:
    """The middle age of what stands: a fact, so without an interval."""
    settled = settle_waiting(spread, kpi)
    blank = np.full_like(settled.value, np.nan)
    return settled._replace(numerator=blank, low=blank, high=blank, method="exact", ages=None)


def time_to_win(ages: Ages, horizon: Array | None = None) -> tuple[Array, Array, Array, Array]:
    """Median, its limits and its horizon, by default the last age with enough deals at risk."""
    time, won, lost, everyone = ages
    counts = (time, won, lost, everyone - won - lost)
    value, horizon = survival.conditional_median(*counts, horizon, MIN_AT_RISK)
    low, high = survival.conditional_median_interval(*counts, horizon)
    return value, low, high, horizon


def _at_ends(spread: Spread, prefix: str) -> Spread:
    """Rows at the last age by which any had ended: those still waiting say nothing in between.

    Hours are as many as there are rows; those at which something ended are few.
    """
    days = spread.found[f"{prefix}days"]
    ends = np.unique(days[(spread.numbers(f"{prefix}won") > 0) & (days >= 0)])
    place = np.searchsorted(ends, days, side="right")
    earlier = np.where(days >= 0, np.append(0.0, ends)[place], days)
    return Spread(spread.found | {f"{prefix}days": earlier}, spread.cell, spread.size)


def _by_age(spread: Spread, prefix: str) -> Ages:
    """Ages in days, and for each cell how many rows were won, lost, and there at all at each."""
    spread = spread.only(spread.found[f"{prefix}days"] >= 0)
    time, place = np.unique(spread.numbers(f"{prefix}days"), return_inverse=True)
    aged = Spread(spread.found, spread.cell * len(time) + place, spread.size * len(time))
    shape = (spread.size, len(time))
    won, lost, everyone = (
        aged.total(aged.numbers(f"{prefix}{part}")).reshape(shape) for part in ("won", "lost", "n")
    )
    return time, won, lost, everyone


def settle_cohort(spread: Spread, kpi: Kpi, window: int | None) -> Settled:
    """Share converted within the window, of those that have had it; "so far" where none has.

    Where every row is too young the value is missing, and numerator and denominator say how many
    of how many have converted so far.
    """
    spread = spread.only(~np.isnan(spread.found[f"{kpi.id}__age"]))
    age = spread.numbers(f"{kpi.id}__age")
    days = spread.found[f"{kpi.id}__days"]
    if window is None:
        old, done = np.full(age.shape, True), ~np.isnan(days)
    else:
        impossible = days < 0
        old, done = (age >= window) & ~impossible, (days <= window) & ~impossible
    counts = spread.numbers(f"{kpi.id}__n")
    k, n, so_far, everyone = (
        spread.total(counts * chosen) for chosen in (old & done, old, done, np.full(age.shape, 1.0))
    )
    young = (n == 0) & (everyone > 0)
    low, high = intervals.wilson(k, n)
    remarks = _window_remarks(window, young, n, everyone, so_far)
    numerator, denominator = np.where(young, so_far, k), np.where(young, everyone, n)
    return Settled(divided(k, n), numerator, denominator, n, low, high, "wilson", remarks, young)


def settle_cohort_total(spread: Spread, kpi: Kpi, window: int | None) -> Settled:
    """The amounts of the rows that a cohort's share counts.

    Too early while any row is too young: it would be less than that of an older cohort.
    """
    share = settle_cohort(spread, kpi, window)
    age, days = (spread.found[f"{kpi.id}__{name}"] for name in ("age", "days"))
    longest = np.inf if window is None else float(window)
    done = (days >= 0) & (days <= longest) & (age >= (0 if window is None else longest))
    total, unknown, lost = (
        spread.total(spread.numbers(f"{kpi.id}__{name}") * done) for name in ("x", "unknown", "n")
    )
    value = np.where((share.n == 0) | ((unknown > 0) & (2 * unknown >= lost)), np.nan, total)
    blank = np.full_like(value, np.nan)
    early = [r for r in share.remarks if r.key != "notes.too_young"]
    told = Remark("notes.unknown_amounts", unknown > 0, {"unknown": unknown, "n": lost})
    young = np.logical_or.reduce([r.where for r in share.remarks if "young" in r.key] or [lost < 0])
    settled = Settled(value, value, blank, share.n, blank, blank, "exact", (*early, told))
    return settled._replace(young=young)


def _window_remarks(
    window: int | None, young: Any, n: Array, everyone: Array, so_far: Array
) -> tuple[Remark, ...]:
    if window is None:
        return (Remark("notes.no_window", everyone > 0, {}),)
    length = np.full(n.shape, float(window))
    partly = (n > 0) & (n < everyone)
    return (
        Remark("notes.window", n > 0, {"days": length}),
        Remark("notes.partly_young", partly, {"n": n, "everyone": everyone}),
        Remark("notes.too_young", young, {"days": length, "k": so_far, "everyone": everyone}),
    )


def parts_of(data: Dataset, kpi: Kpi, rows: ir.Table) -> Parts:
    """What a KPI makes of rows, with the window of the settings where its sums need one."""
    parts: Parts = kpi.body(rows)
    return windowed(parts, window_of(data, kpi)) if parts.kind in WINDOWED else parts


def window_of(data: Dataset, kpi: Kpi) -> int | None:
    """Days that a conversion may take: the setting, the KPI's own, else what nine in ten needed."""
    name = tried(kpi).setting or kpi.id
    if name in data.config.windows:
        return data.config.windows[name]
    if tried(kpi).window is not None:
        return tried(kpi).window
    result: int = data.remember(("window", kpi), lambda: usual_days(_needed(data, kpi)))
    return result


def median_days(data: Dataset, kpi: Kpi) -> int:
    """Days that every other conversion of a cohort needed."""
    return usual_days(_needed(data, kpi), 0.5)


def _needed(data: Dataset, kpi: Kpi) -> pd.DataFrame:
    """How many converted by the days that they needed, and by their age."""
    table = fact(data, [kpi], (), None)
    parts: Parts = kpi.body(table)
    counted = table.select(days=parts.terms["days"], age=parts.terms["age"])
    counted = counted.filter(counted.days >= 0)
    return frame_of(data.con, counted.group_by(["days", "age"]).agg(n=counted.count()))


def usual_days(frame: pd.DataFrame, share: float = USUAL_SHARE) -> int:
    """Days that nine in ten needed, of rows ``n`` by ``days`` needed and ``age``; 90 without any.

    Only those old enough to have had twice that time are looked at, so that the young ones, of
    which only the quick conversions are seen, do not shorten it.
    """
    if frame.empty:
        return 90
    first = _quantile(frame, USUAL_SHARE)
    old = frame[frame["age"] >= 2 * first]
    return max(_quantile(old if len(old) else frame, share), 1)


def _quantile(frame: pd.DataFrame, share: float) -> int:
    by_days = frame.groupby("days")["n"].sum().sort_index()
    reached = by_days.cumsum() >= share * by_days.sum()
    return math.ceil(by_days.index[reached].min())
