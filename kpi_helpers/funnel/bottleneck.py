"""Bottlenecks: steps that are worse than their own past, and what mending them would bring.

A step is one where (i) fewer pass, or it takes longer, than in the four periods before (Benjamini
and Hochberg, 10 %) *and* (ii) what can be gained there is surely something, and among the two
largest gains.

- (i) compares within channels, so that no shift of the mix is taken for a decline: passing by the
  test of Cochran, Mantel and Haenszel, time by that of medians (`compare`), weighted to this mix.
- (ii) asks what it brings to be as good as in the step's own best period. Periods stand as observed
  over expected at this mix, moved towards their mean as far as chance explains them (DerSimonian
  and Laird 1986): where chance explains all, there is nothing to gain. A rate better by a part
  brings that part of what flows through the step; a day less brings forward, once, a day's worth.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.compare.durations import same_time
from kpi_helpers.errors import Unavailable
from kpi_helpers.funnel.history import journeys
from kpi_helpers.funnel.leak import FEWEST, Z, leak, steps_of_leads, tidy, window, within
from kpi_helpers.kpis.settled import Array, divided
from kpi_helpers.measure.counted import time_to_win
from kpi_helpers.periods import Period
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.asked import period_of
from kpi_helpers.sources.dataset import Where
from kpi_helpers.sources.derived import days_between
from kpi_helpers.sources.engine import frame_of

PASSING, TIME = "stage_conversion", "time_in_stage"
CHANNELS = ("source", "channel", "segment")
BEFORE, LEAST_BEFORE, LEVEL, TOP = 4, 2, 0.10, 2


def bottlenecks(data: Dataset, period: str = "last", where: Where = None) -> pd.DataFrame:
    """Say at which steps a period is worse than the four before, and what can be gained there.

    Parameters
    ----------
    data, period, where
        As for `leak`.

    Returns
    -------
    pandas.DataFrame
        A row a step and ``measure``: ``stage_conversion`` (passing) or ``time_in_stage``. ``now``,
        of ``n`` cases that can be read of ``entered``; ``reference``, the ``before`` periods before
        at this mix of channels (if any: ``has_channels``); ``best``, what the own best period makes
        attainable; ``p_value, p_adjusted``; ``value, low, high``, the gain in the period (of less
        time, once), 0 where chance explains all; its ``rank``; ``verdict``: ``bottleneck``,
        ``worse`` (without such a gain), ``none_shown`` or ``unread`` (too few had the time).

    Raises
    ------
    Unavailable
        As `leak`; and where fewer than two periods before can be read.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> found = bottlenecks(kh.load("data/sample").at("2025-12-31"), "2025Q4")
    >>> found.loc[found["verdict"] == "bottleneck", ["step", "measure"]].values.tolist()
    [['lead', 'stage_conversion']]
    """
    calendar = data.config.calendar
    steps = leak(data, period, where)
    steps, now = steps[steps["reason"].isna()], period_of(data, period)
    periods = [calendar.shift(now, -back) for back in range(BEFORE, -1, -1)]
    cells = _cells(data, periods, where)
    rows = [
        {"place": place, "measure": measure, "before": own["at"].nunique() - 1, **compared(own)}
        for measure, compared in ((PASSING, _passed), (TIME, _waited))
        for place, own in cells.groupby("place")
        if place in set(steps["place"]) and own["at"].max() == BEFORE
        if own["at"].nunique() > LEAST_BEFORE
    ]
    if not rows:
        raise Unavailable("nothing_before", period=now.name, first=data.first)
    known = ["step", "place", "entered", "rate", "chance", "chance_se", "amount", "amount_se"]
    frame = pd.DataFrame(rows).merge(steps[[*known, "flow"]], on="place")
    frame = _judged(_gains(frame, now)).assign(has_channels=cells["group"].max() > 0)
    return frame.assign(**tidy("achievable_gain", now))


def _cells(data: Dataset, periods: list[Period], where: Where) -> pd.DataFrame:
    """Cases by step, period, channel, days until they left it, and how; whether they had time."""
    rows = journeys(data, where)
    early, late = (window(data, kpi) for kpi in ("lead_qualification_rate", PASSING))
    limit = (rows.place < steps_of_leads(data)).ifelse(early, late)
    channel = next((name for name in CHANNELS if name in rows.columns), None)
    group = rows[channel].cast("string") if channel else rows.step.nullif(rows.step)
    end = rows.advanced_at.coalesce(rows.lost_at)
    days = days_between(rows.entered_at, end)
    at = within(rows.entered_at, periods[0]).ifelse(0, None)
    for place, period in enumerate(periods[1:], start=1):
        at = within(rows.entered_at, period).ifelse(place, at)
    cells = rows.select(
        "place",
        at=at,
        group=group.fill_null(""),
        days=days.coalesce(rows.age_days),
        gone=end.notnull(),
        passed=(rows.advanced_at.notnull() & (days <= limit)).fill_null(False),
        ripe=rows.age_days >= limit,
    )
    names = ("place", "at", "group", "days", "gone", "passed", "ripe")
    cells = cells.filter(cells["at"].notnull(), cells.days >= 0)
    frame = frame_of(data.con, cells.group_by(*names).agg(n=cells.count()))
    frame = frame.sort_values(list(names), ignore_index=True)
    return frame.assign(group=frame["group"].rank(method="dense").astype(int) - 1)


def _passed(own: pd.DataFrame) -> dict[str, Any]:
    """How many pass now and before, within channels, of those that had the time."""
    k, n = (_table(own, own["n"] * own["ripe"] * which) for which in (own["passed"], 1))
    (k1, n1), (k0, n0) = (k[-1], n[-1]), (k[:-1].sum(axis=0), n[:-1].sum(axis=0))
    usual = np.where(n0 > 0, divided(k0, n0), divided(k0.sum(), n0.sum()))
    pooled = np.nan_to_num(divided(k.sum(axis=0), n.sum(axis=0)))
    expected, spread = n @ pooled, n @ (pooled * (1 - pooled))
    enough = min(expected[-1], n1.sum() - expected[-1]) >= FEWEST
    now, reference = (float(divided(each, n1.sum())) for each in (k1.sum(), n1 @ usual))
    found = {"n": n1.sum(), "now": now, "reference": reference, "worse": now < reference}
    found["p_value"] = mantel_haenszel(k1, n1, k0, n0) if enough else np.nan
    return found | _best(divided(k.sum(axis=1), expected), divided(spread, expected**2), np.nanmax)


def _waited(own: pd.DataFrame) -> dict[str, Any]:
    """How long it takes now and before, the past weighted to the present mix of channels."""
    size = _table(own, own["n"])
    share, before = divided(size, size.sum(axis=1, keepdims=True)), size[:-1].sum(axis=0)
    weight = np.nan_to_num(divided(share[-1] + 0 * share, share))[own["at"], own["group"]]
    past = np.nan_to_num(divided(share[-1], divided(before, before.sum())))[own["group"]]
    earlier = own["at"] < len(size) - 1
    sides = [own["n"] * weight * (own["at"] == at) for at in range(len(size))]
    sides.append(own["n"] * past * earlier)
    days = np.arange(own["days"].max() + 1)
    ages = [
        (
            days,
            *(np.bincount(own["days"], x, len(days)) for x in (side * own["gone"], 0 * side, side)),
        )
        for side in sides
    ]
    horizon = np.fmin.reduce([time_to_win(each)[3] for each in ages])
    value, low, high = np.array([time_to_win(each, horizon)[:3] for each in ages], float).T
    usual, enough = float(value[-1]), min(each[1].sum() for each in ages[-2:]) >= FEWEST
    found = {"n": size[-1].sum(), "now": value[-2], "reference": usual, "worse": value[-2] > usual}
    found["p_value"] = same_time(ages[-2], ages[-1]) if enough else np.nan
    error = divided(high - low, 2 * Z * value[-1:])
    return found | _best(divided(value, value[-1:])[:-1], error[:-1] ** 2, np.nanmin)


def _table(own: pd.DataFrame, values: pd.Series[float]) -> Array:
    """Sums by period and channel."""
    table: Array = np.zeros((own["at"].max() + 1, own["group"].max() + 1))
    np.add.at(table, (own["at"].to_numpy(), own["group"].to_numpy()), values.to_numpy(float))
    return table


def mantel_haenszel(k1: Array, n1: Array, k0: Array, n0: Array) -> float:
    """Return the p-value of "the rate is the same in every stratum", without continuity correction.

    Mantel and Haenszel (1959), Journal of the National Cancer Institute 22, 719-748.

    Examples
    --------
    >>> strata = [np.array(x, float) for x in ([20, 10], [50, 40], [30, 25], [50, 40])]
    >>> round(mantel_haenszel(*strata), 4)
    0.0002
    """
    from scipy.special import ndtr

    n, hits = n1 + n0, k1 + k0
    spread = np.nansum(divided(n1 * n0 * hits * (n - hits), n**2 * (n - 1)))
    moved = np.nansum(k1 - divided(n1 * hits, n))
    return float(2 * ndtr(-abs(moved) / np.sqrt(spread))) if spread > 0 else np.nan


def shrunk(value: Array, variance: Array) -> tuple[Array, Array]:
    """Return values, and their variances, moved towards their mean as far as chance explains them.

    Examples
    --------
    >>> shrunk(np.array([1.1, 1.0, 0.6]), np.array([0.01, 0.01, 0.01]))[0].round(3).tolist()
    [1.071, 0.986, 0.643]
    """
    known = np.isfinite(value) & (variance > 0)
    weight = np.where(known, 1 / np.where(known, variance, 1.0), 0.0)
    mean = (weight * np.where(known, value, 0.0)).sum() / max(weight.sum(), 1e-12)
    excess = (weight * np.where(known, value - mean, 0.0) ** 2).sum() - (known.sum() - 1)
    scale = weight.sum() - (weight**2).sum() / max(weight.sum(), 1e-12)
    between = max(excess / scale, 0.0) if scale > 0 else 0.0
    part = np.where(known, divided(between + 0 * variance, between + variance), np.nan)
    return mean + part * (value - mean), part * variance


def _best(value: Array, variance: Array, best: Any) -> dict[str, float]:
    """The present period and the best one, beside what is expected at this mix."""
    value, variance = shrunk(value, variance)
    if not np.isfinite(value[-1]):
        return dict.fromkeys(("at", "at_var", "top", "top_var"), np.nan)
    place = int(np.flatnonzero(value == best(value))[-1])
    found = {"at": value[-1], "at_var": variance[-1]}
    return found | {"top": value[place], "top_var": variance[place]}


def _gains(frame: pd.DataFrame, now: Period) -> pd.DataFrame:
    """What it would bring in the period to be as good as in the best one, with its range."""
    of_flow = np.hypot(frame["chance_se"] / frame["chance"], frame["amount_se"] / frame["amount"])
    is_rate, ratio = frame["measure"] == PASSING, frame["top"] / frame["at"]
    days = frame["reference"] / (now.end - now.start).days
    part = np.where(is_rate, ratio - 1, (frame["at"] - frame["top"]) * days)
    of_rate = np.hypot(np.sqrt(frame["top_var"]), ratio * np.sqrt(frame["at_var"])) / frame["at"]
    of_time = np.sqrt(frame["top_var"] + frame["at_var"]) * days
    error = np.hypot(np.where(is_rate, of_rate, of_time), part * of_flow)
    passing = frame["entered"] * frame["now"] * frame["chance"] / frame["rate"] * frame["amount"]
    flow = np.where(is_rate, passing, frame["flow"])
    value, half = flow * part, Z * flow * error
    shown = value > 0
    return frame.drop(columns=["at", "at_var", "top", "top_var"]).assign(
        best=(frame["now"] * ratio).where(shown),
        value=value,
        low=(value - half).where(shown),
        high=(value + half).where(shown),
    )


def _judged(frame: pd.DataFrame) -> pd.DataFrame:
    """Say which steps are worse than before, and of these which have one of the largest gains."""
    from scipy.stats import false_discovery_control

    read = frame["p_value"].notna()
    adjusted = frame["p_value"].copy()
    adjusted[read] = false_discovery_control(frame.loc[read, "p_value"])
    rank = frame["value"].where(frame["value"] > 0).rank(ascending=False, method="first")
    worse = read & frame["worse"] & (adjusted < LEVEL)
    large = (rank <= TOP) & (frame["low"] > 0)
    kinds = {"unread": ~read, "bottleneck": worse & large, "worse": worse}
    return frame.drop(columns="worse").assign(
        p_adjusted=adjusted,
        rank=rank,
        verdict=np.select([*kinds.values()], [*kinds], "none_shown"),
        status=np.where(read, "ok", np.where(frame["n"] > 0, "insufficient", "immature")),
    )
