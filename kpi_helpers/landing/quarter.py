"""Where the quarter will land, whether it will hit its target, and what that would take."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from kpi_helpers.errors import Unavailable
from kpi_helpers.funnel import Prepared, cases, prepared, won_by
from kpi_helpers.funnel.leak import tidy
from kpi_helpers.landing.forecasts import (
    Forecast,
    Sold,
    by_deals,
    shock,
    sold,
    together,
    with_shock,
)
from kpi_helpers.landing.replay import (
    ASKED,
    FEWEST,
    QUARTERS,
    Crm,
    Past,
    past,
    reliability,
    replay,
    scores,
)
from kpi_helpers.landing.sums import NORMAL, shaken, total
from kpi_helpers.language import Phrase
from kpi_helpers.measure import measured
from kpi_helpers.measure.judge import ENOUGH, INDICATIVE, OK
from kpi_helpers.measure.targets import target_values
from kpi_helpers.periods import Period
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.dataset import Where
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.journeys import DEAL

KPI, TARGET = "bookings", "bookings_target"
SCENARIOS = {"low": 0.2, "base": 0.5, "high": 0.8}
POINTS, DAYS = 0.03, 20


class Landed(NamedTuple):
    """What `landing` returns, five frames."""

    quarter: pd.DataFrame
    scenarios: pd.DataFrame
    scores: pd.DataFrame
    reliability: pd.DataFrame
    past: pd.DataFrame


def landing(data: Dataset, where: Where = None) -> Landed:
    """Forecast what will be won by the end of the quarter, and how likely its target is.

    Booked so far, open deals by the chance of their stage and age, and deals still to come, which
    all share a shock that past forecasts tell; together with the forecast of the months, by weights
    from the same past.

    Parameters
    ----------
    data
        A data set with deals; the quarter is that of the day after its last.
    where
        As for `kpi_helpers.measure`. Targets are set for the whole, hence there is none then.

    Returns
    -------
    Landed
        ``quarter``: a row a ``method`` (``together`` first, then its parts ``deals`` and
        ``series``): ``booked, from_open, from_new, value`` with ``low, high`` (80 %), ``weight``,
        ``target`` and its ``chance``; ``deals_needed, pipeline_needed``: how many more deals won,
        or how much more of open deals, make it 8 in 10; ``n`` deals won in the last year.
        ``scenarios``: ``low, base, high`` (20, 50, 80 %), then ``win_rate`` (3 points less),
        ``cycle`` (20 days more) and ``key_deal`` (the largest lost): ``value, chance``, ``change``
        of the value, what it starts ``from`` (a rate, days, an amount) and goes ``by``.
        ``scores``, ``reliability``, ``past``: see `replay`.

    Raises
    ------
    Unavailable
        Without deals, amounts, or five deals won with an amount in the last year.
    """
    of = _past(data, where)
    found, won = of.at(data.as_of)
    if len(found.amounts) < FEWEST:
        needs = Phrase("landing.few", {"n": len(found.amounts), "least": FEWEST})
        raise Unavailable(what=Phrase("landing.what"), needs=needs)
    now, asked = found.periods[0], pd.DataFrame({"kpi": [KPI]})
    target = float(target_values(data, asked, now, (), where)[0])
    before = replay(of, data.as_of, _targets(data, now, where))
    deals = with_shock(by_deals(found, won, of.known.calendar, data.as_of), before)
    both = together(deals, before)
    quarter = _quarter(found, both, deals, target)
    scenarios = _scenarios(found, both, shock(before), target)
    return Landed(quarter, scenarios, scores(before), reliability(before), before)


def _past(data: Dataset, where: Where) -> Past:
    """The cases, as their rows say they were; or asked again for each day.

    Of several deals of one lead the rows keep the one that got furthest in the end.
    """
    of = past(cases(data, where))
    of = of._replace(crm=_crm(data, of.known.steps))
    if of.known.leads == 0 or data.repeated("deals", "lead_id") == 0:
        return of

    def asked(day: dt.date) -> tuple[Prepared, Sold]:
        known = cases(data.at(day), where)
        return prepared(known, day), sold(known)

    return of._replace(at=asked, quarters=ASKED)


def _targets(data: Dataset, now: Period, where: Where) -> Mapping[str, float]:
    """The targets of the quarters before."""
    if "targets" not in data.base or where:
        return {}
    quarters = [data.config.calendar.shift(now, -back) for back in range(QUARTERS, 0, -1)]
    rows = measured(data, [TARGET], quarters)
    return dict(zip(rows["period"], rows["value"], strict=True))


def _crm(data: Dataset, steps: tuple[str, ...]) -> Crm | None:
    """What the chances that the CRM puts to stages make of deals said to close by a quarter's end.

    None where it has no such chances, or its history does not tell what was said when.
    """
    known = "probability_crm" in data.filled("deals") and "stage_history" in data.base
    if not known or data.lacks("closing_dates"):
        return None
    deals = frame_of(data.con, data.table("deals", ("stage", "probability_crm", "is_open"), True))
    usual = deals[deals["is_open"]].groupby("stage")["probability_crm"].median()
    chance = pd.Series(steps).map(usual).fillna(0.0)
    dates = frame_of(data.con, data.table("closing_dates")).astype({"deal_id": object})

    def expected(found: Prepared, day: dt.date, quarter: Period) -> float:
        then, end = pd.Timestamp(day), pd.Timestamp(quarter.end)
        said = dates[(dates["changed_at"] <= then) & ~(dates["until_at"] <= then)]
        due = said.loc[said["expected_close"] < end, "deal_id"]
        own = found.open[found.open["deal_id"].isin(due)]
        return float((own["amount"] * own["place"].map(chance)).sum())

    return expected


def _quarter(found: Prepared, both: Forecast, deals: Forecast, target: float) -> pd.DataFrame:
    """A row a forecast, the one to rely on first."""
    mean, pipeline = found.amounts.mean(), found.open["amount"].sum()
    share = deals.opened / pipeline if deals.opened > 0 else np.nan
    rows: list[dict[str, Any]] = []
    for name, each in {"together": both, "deals": deals}.items():
        lacking = max(target - each.level(SCENARIOS["low"]), 0.0) if target > 0 else np.nan
        row = {"value": each.value, "low": each.level(0.1), "high": each.level(0.9)}
        row |= {"weight": each.weight, "chance": _chance(each, target)}
        row |= {"deals_needed": np.ceil(lacking / mean), "pipeline_needed": lacking / share}
        rows.append({"method": name, **row})
    away = NORMAL.inv_cdf(0.9) * deals.series_sd
    ends = {"low": max(deals.series - away, deals.booked), "high": deals.series + away}
    rows.append({"method": "series", "value": deals.series, **ends})
    frame = pd.DataFrame(rows[1:2] if np.isnan(deals.series) else rows)
    new, n = deals.sum.mean - deals.opened, len(found.amounts)
    parts = {"booked": deals.booked, "from_open": deals.opened, "from_new": new}
    status = OK if n >= ENOUGH else INDICATIVE
    frame = frame.assign(**parts, target=target, n=n, status=status)
    return frame.assign(**(tidy(KPI, found.periods[0]) | {"method": frame["method"]}))


def _chance(of: Forecast, target: float) -> float:
    return of.chance(target) if target > 0 else np.nan


def _scenarios(found: Prepared, both: Forecast, sd: float, target: float) -> pd.DataFrame:
    """The three levels of the forecast, and what three named shocks make of it."""
    rate, cycle = _habits(found)
    fewer = max(rate - POINTS, 0.0) / rate if rate > 0 else 1.0
    shocks = {
        "win_rate": (rate, -POINTS, _shocked(found, both, sd, last=fewer)),
        "cycle": (cycle, DAYS, _shocked(found, both, sd, cycle=1 + DAYS / cycle)),
    }
    largest = found.open["amount"].max()
    if largest > found.amounts.mean():  # which deals without an amount count at
        kept = found._replace(open=found.open.iloc[1:])
        shocks["key_deal"] = (largest, -largest, _shocked(kept, both, sd, part=both.weight))
    base, none = SCENARIOS["base"], (np.nan,) * 3
    rows = [(name, both.level(level), *none) for name, level in SCENARIOS.items()]
    for name, (start, by, then) in shocks.items():
        rows.append((name, then.level(base), start, by, _chance(then, target)))
    frame = pd.DataFrame(rows, columns=["scenario", "value", "from", "by", "chance"])
    frame = frame.assign(target=target, **tidy(KPI, found.periods[0]))
    return frame.assign(change=frame["value"] - both.level(base))


def _shocked(
    found: Prepared,
    both: Forecast,
    sd: float,
    cycle: float = 1.0,
    last: float = 1.0,
    part: float = 1.0,
) -> Forecast:
    """The forecast moved by what a shock changes of that of the deals; as `what_if`.

    By a ``part`` of it where the forecast of the months never knew of what is lost.
    """
    ratio = np.append(np.ones(len(found.steps) - 1), last)
    chance, leads, new = won_by(found, found.days[0], cycle, ratio)
    of = shaken(total(found.open["amount"], chance, leads + new, found.amounts), sd)
    value = both.value + part * (of.mean - both.sum.mean)
    return both._replace(sum=of, value=value, sd=both.sd * of.sd / (both.sum.sd or 1.0))


def _habits(found: Prepared) -> tuple[float, float]:
    """The share of new deals that are won, and the days in which half of these are."""
    days = np.ones(1)
    for moved in found.moved[found.steps.index(DEAL) :]:
        days = np.convolve(days, moved)
    won = days.cumsum()
    return float(won[-1]), float(np.searchsorted(won, won[-1] / 2) or 1)
