"""A company that stays the same: every quarter follows one law, by the day worked.

Its volumes are those of the sample company. It exists twice: as the sums of many quarters at once
(`quarter`), which the kit's own code settles into figures, and as tables of many years (`tables`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from kpi_helpers.catalogue import find
from kpi_helpers.kpis.settled import Settled
from kpi_helpers.measure.counted import time_to_win
from kpi_helpers.measure.kinds import KINDS

USUAL_DAYS, WEEKDAYS, QUARTER_DAYS = 63.0, 65.25, 91
REGIONS = 6

Rng = np.random.Generator
Array = Any


@dataclass(frozen=True)
class Law:
    """What a quarter of 63 days worked holds on average; ``burst`` is variance ÷ mean of leads."""

    leads: float = 1340.0
    conversion: float = 0.09
    decided: float = 480.0
    won: float = 0.235
    deal_median: float = 9_000.0
    deal_spread: float = 0.8
    cycle_median: float = 58.0
    cycle_spread: float = 0.75
    buyers: int = 1000
    orders_each: float = 1.65
    new_buyers: float = 105.0
    invoice_median: float = 1_000.0
    between_buyers: float = 0.6
    within_buyer: float = 0.8
    retained: float = 0.95
    media: float = 87_000.0
    other_costs: float = 300_000.0
    burst: float = 1.0


class Buyers(NamedTuple):
    """Habits that customers keep: how often they order, beside the others, and how much."""

    rate: Array
    size: Array


def buyers(rng: Rng, law: Law, runs: int) -> Buyers:
    shape = (runs, law.buyers)
    return Buyers(
        rng.exponential(size=shape),
        law.invoice_median * np.exp(law.between_buyers * rng.standard_normal(shape)),
    )


def quarter(rng: Rng, law: Law, days: float, known: Buyers, age: int) -> dict[str, Settled]:
    """One quarter of each run, with the figures of its headline; ``age`` days have passed since."""
    runs, pace = len(known.rate), days / USUAL_DAYS
    leads = _bursts(rng, law.leads * pace, law.burst, runs)
    found = _deals(rng, law, pace, runs) | _orders(rng, law, pace, known)
    found["leads_generated"] = _settled("count", k=leads)
    for name in ("new_customers", "new_customers_won"):
        found[name] = _settled("distinct", k=rng.poisson(law.new_buyers * pace, runs))
    shares = (
        ("lead_to_customer_rate", leads, law.conversion),
        ("customer_retention_rate", np.full(runs, 1250), law.retained),
        ("repurchase_rate", np.full(runs, 600), 0.58),
    )
    for name, n, rate in shares:
        found[name] = _settled("share", k=rng.binomial(n, rate), n=n)
    found["sales_cycle_duration"] = _cycles(rng, law, runs, age)
    return found | _costs(law, found)


def _settled(kind: str, **sums: Array) -> Settled:
    return KINDS[kind].settle({name: np.asarray(x, dtype=float) for name, x in sums.items()})


def _bursts(rng: Rng, mean: float, burst: float, runs: int) -> Array:
    """Counts whose variance is ``burst`` times their mean."""
    if burst <= 1:
        return rng.poisson(mean, runs)
    return rng.poisson(rng.gamma(mean / (burst - 1), burst - 1, runs))


def _deals(rng: Rng, law: Law, pace: float, runs: int) -> dict[str, Settled]:
    count = rng.poisson(law.decided * pace, runs)
    run, size = np.repeat(np.arange(runs), count), count.sum()
    amount = law.deal_median * np.exp(law.deal_spread * rng.standard_normal(size))
    won = rng.random(size) < law.won

    def total(weights: Array) -> Array:
        return np.bincount(run, weights, runs)

    k, x, xx, xxx = (total(won * amount**power) for power in range(4))
    b, bb, lost = total(amount), total(amount**2), count - k
    value = {"n": count, "of": count, "a": x, "b": b, "aa": xx, "bb": bb, "ab": xx}
    found = {
        "deals_won_count": _settled("count", k=k),
        "bookings": _settled("total", x=x, xx=xx, n=k, lacking=0 * k),
        "win_rate_count": _settled("share", k=k, n=count),
        "win_rate_value": _settled("value_share", **value, outside=lost, outside_priced=lost),
        "avg_deal_value": _settled("average", n=k, x=x, xx=xx, xxx=xxx),
    }
    cell = run * REGIONS + rng.integers(REGIONS, size=size)
    by_region = [np.bincount(cell, w, runs * REGIONS).reshape(runs, -1) for w in (won, None)]
    for region in range(REGIONS - 1):
        k, n = (counts[:, region] for counts in by_region)
        found[f"win_rate_count, region {region + 1}"] = _settled("share", k=k, n=n)
    return found


def _orders(rng: Rng, law: Law, pace: float, habits: Buyers) -> dict[str, Settled]:
    count = rng.poisson(law.orders_each * habits.rate * pace)
    cell = np.repeat(np.arange(count.size), count.ravel())
    size = habits.size.ravel()[cell]
    amount = size * np.exp(law.within_buyer * rng.standard_normal(len(cell)))
    each = np.bincount(cell, amount, count.size).reshape(count.shape)
    squares = np.bincount(cell // law.buyers, amount**2, len(count))
    x, xx, active, orders = each.sum(axis=1), (each**2).sum(axis=1), count > 0, count.sum(axis=1)
    by_order, by_buyer = (
        {"b": b.sum(axis=1), "bb": (b**2).sum(axis=1), "ab": (b * each).sum(axis=1)}
        for b in (count, active.astype(float))
    )
    known = {"n": active.sum(axis=1), "a": x, "aa": xx}
    target = np.full(len(x), law.buyers * law.orders_each * law.invoice_median * 1.6)
    return {
        "revenue": _settled("total", x=x, xx=squares, n=orders, lacking=0 * orders),
        "revenue_attainment": _settled("exact_ratio", a=x, b=target, squares=squares, n=orders),
        "revenue_per_customer": _settled("clustered_ratio", **known, **by_buyer),
        "aov": _settled("clustered_ratio", **known, **by_order),
    }


def _costs(law: Law, found: dict[str, Settled]) -> dict[str, Settled]:
    ones = np.ones_like(found["revenue"].value)
    media, spent = (
        _settled("decided", x=amount * ones, n=3 * ones)
        for amount in (law.media, law.media + law.other_costs)
    )
    leads, customers = found["leads_generated"], found["new_customers"]
    return {
        "media_spend": media,
        "acquisition_spend": spent,
        "cost_per_lead": find("cost_per_lead").body(spent=media, leads=leads),
        "cac": find("cac").body(spent=spent, customers=customers),
        "lead_to_customer_rate_period": find("lead_to_customer_rate_period").body(
            customers=customers, leads=leads
        ),
    }


def _cycles(rng: Rng, law: Law, runs: int, age: int) -> Settled:
    """Deals created through the quarter, seen until ``age`` days after its end."""
    n, days = int(law.decided), QUARTER_DAYS * 2 + age
    seen = age + rng.integers(QUARTER_DAYS, size=(runs, n))
    cycle = law.cycle_median * np.exp(law.cycle_spread * rng.standard_normal((runs, n)))
    end, wins = np.maximum(np.rint(cycle), 1), rng.random((runs, n)) < law.won
    cell = np.minimum(end, seen).astype(int) + days * np.arange(runs)[:, None]
    kinds = (wins & (end <= seen), ~wins & (end <= seen), np.ones_like(wins))
    won, lost, everyone = (
        np.bincount(cell[kind], minlength=runs * days).reshape(runs, -1).astype(float)
        for kind in kinds
    )
    ages = np.arange(days, dtype=float), won, lost, everyone
    value, low, high, _ = time_to_win(ages)
    k, n = won.sum(axis=1), everyone.sum(axis=1)
    return Settled(value, k, n, k, low, high, "aalen-johansen", ages=ages)


def tables(rng: Rng, law: Law, years: int, drop: float = 0.0) -> dict[str, pd.DataFrame]:
    """The same company row by row; every second quarter converts less by ``drop``."""
    days = pd.bdate_range("1990-01-01", periods=261 * years).to_numpy("M8[D]")
    month = np.unique(days.astype("M8[M]")).astype("M8[D]")
    spend = pd.DataFrame({"date": month, "amount": law.media / 3, "channel": "web"})
    target = pd.DataFrame({"metric": "revenue", "period_start": month, "scope_type": "company"})
    ends = (month.astype("M8[M]") + 1).astype("M8[D]") - 1
    return {
        "leads": _lead_rows(rng, law, days, drop),
        "deals": _deal_rows(rng, law, days),
        "orders": _order_rows(rng, law, days),
        "spend": spend.assign(cost_type="media"),
        "targets": target.assign(period_end=ends, scope_value=None, value=800_000.0),
    }


def _drawn(rng: Rng, days: Array, a_quarter: float) -> Array:
    return np.repeat(days, rng.poisson(a_quarter / WEEKDAYS, len(days)))


def _lead_rows(rng: Rng, law: Law, days: Array, drop: float) -> pd.DataFrame:
    created = _drawn(rng, days, law.leads)
    odd = created.astype("M8[M]").astype(int) // 3 % 2
    converts = rng.random(len(created)) < law.conversion * (1 - drop * odd)
    delay = np.ceil(45 * np.exp(0.5 * rng.standard_normal(len(created)))).astype(int)
    converted = np.where(converts, created + delay, np.datetime64("NaT", "D"))
    frame = pd.DataFrame({"created_at": created, "converted_at": converted})
    return frame.assign(lead_id=frame.index.astype(str), source="web")


def _deal_rows(rng: Rng, law: Law, days: Array) -> pd.DataFrame:
    created = _drawn(rng, days, law.decided)
    size = len(created)
    cycle = law.cycle_median * np.exp(law.cycle_spread * rng.standard_normal(size))
    closed = np.busday_offset(created + np.maximum(np.rint(cycle), 1).astype(int), 0, "forward")
    status = np.where(rng.random(size) < law.won, "won", "lost")
    amount = law.deal_median * np.exp(law.deal_spread * rng.standard_normal(size))
    frame = pd.DataFrame({"created_at": created, "status": status, "amount": amount})
    seen = closed <= days[-1]
    frame = frame.assign(closed_at=np.where(seen, closed, np.datetime64("NaT", "D")))
    frame["status"] = frame["status"].where(seen, "open")
    ids = frame.index.astype(str)
    return frame.assign(deal_id=ids, customer_id=ids, region=rng.integers(REGIONS, size=size))


def _order_rows(rng: Rng, law: Law, days: Array) -> pd.DataFrame:
    """Customers come, order when they come and then at their own pace, and leave."""
    came = np.searchsorted(days, _drawn(rng, days, law.new_buyers))
    stay = rng.exponential(law.buyers / law.new_buyers * WEEKDAYS, len(came))
    pace = law.orders_each / WEEKDAYS * rng.exponential(size=len(came))
    count = 1 + rng.poisson(pace * stay)
    buyer = np.repeat(np.arange(len(came)), count)
    day = came[buyer] + np.floor(rng.random(len(buyer)) * stay[buyer]).astype(int)
    first = np.cumsum(count) - count
    day[first] = came
    size = law.invoice_median * np.exp(law.between_buyers * rng.standard_normal(len(came)))
    amount = size[buyer] * np.exp(law.within_buyer * rng.standard_normal(len(buyer)))
    kept = day < len(days)
    rows = {"order_date": days[day[kept]], "amount_net": amount[kept], "customer_id": buyer[kept]}
    frame = pd.DataFrame(rows)
    ids = frame.index.astype(str)
    return frame.assign(order_id=ids, customer_id="C" + frame["customer_id"].astype(str))
