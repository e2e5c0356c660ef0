"""Customers, what they are invoiced, and their maintenance contracts."""

import numpy as np
import pandas as pd
from numpy.random import Generator

from kpi_helpers.samples.draws import (
    Array,
    amounts,
    day,
    ids,
    intensity,
    picked,
    whole_months,
    working_day,
)
from kpi_helpers.samples.parameters import Parameters

MACHINES, PARTS, MAINTENANCE = "machines", "pièces", "maintenance"
SALES, WEB, PHONE = "Commerciaux", "Boutique en ligne", "Téléphone"


def draw_old(p: Parameters, rng: Generator) -> pd.DataFrame:
    """Draw the customers from before the first day, indexed by customer_id, oldest first."""
    size = p.old_customers
    first_seen = day(p.start) - 1 - np.sort(rng.integers(0, 8 * 365, size))[::-1]
    return pd.DataFrame(
        {
            "first_seen": first_seen,
            "segment": picked(rng, p.segments, size),
            "region": picked(rng, p.regions, size),
            "sector": picked(rng, p.sectors, size),
            "firm": np.arange(size),
            "contact": np.arange(size),
            "owner": np.array(p.owners, dtype=object)[rng.integers(len(p.owners), size=size)],
        },
        index=pd.Index(ids("C", np.ones(size, bool)), name="customer_id"),
    )


def add_new(old: pd.DataFrame, deals: pd.DataFrame) -> pd.DataFrame:
    """Add a customer for each deal won with a firm that was none, in order of signature.

    Returns
    -------
    DataFrame
        As `old`, with ``lead_id`` of the lead that brought the customer (none for the old).
    """
    new = deals[(deals["status"] == "won") & deals["customer_id"].isna()]
    new = new.sort_values("closed_at", kind="stable").rename(columns={"closed_at": "first_seen"})
    customers = pd.concat([old, new[[*old.columns, "lead_id"]]])
    return customers.set_index(
        pd.Index(ids("C", np.ones(len(customers), bool)), name=old.index.name)
    )


def add_contracts(customers: pd.DataFrame, p: Parameters, rng: Generator) -> pd.DataFrame:
    """Add yearly contracts: the first and the last day they bind, exclusive, and the fee.

    A contract is renewed at each anniversary at the rate of that day; those of old customers were
    still running on the first day. While it runs, ``contract_end`` is the next anniversary.
    """
    size = len(customers)
    old = customers["lead_id"].isna().to_numpy()
    share = np.where(old, p.old_contract_share, p.new_contract_share)
    starts = customers["first_seen"].to_numpy("M8[M]") + 1
    signed = (rng.random(size) < share) & (starts.astype("M8[D]") <= day(p.as_of))
    before, last = _years(starts, day(p.start)), _years(starts, day(p.as_of)) + 1
    year = before[:, None] + 1 + np.arange((last - before).max())
    anniversary = (starts[:, None] + 12 * year).astype("M8[D]")
    rate = np.where(anniversary < day(p.renewal_from), p.renewal_rate, p.renewal_after)
    ended = (rng.random(year.shape) >= rate) | (year >= last[:, None])
    years = before + 1 + ended.argmax(axis=1)
    none = np.datetime64("NaT", "D")
    return customers.assign(
        contract_start=np.where(signed, starts.astype("M8[D]"), none),
        contract_end=np.where(signed, (starts + 12 * years).astype("M8[D]"), none),
        fee=amounts(rng, p.invoice_median, p.invoice_spread, size),
    )


def _years(starts: Array, to: np.datetime64) -> Array:
    """Return the whole years from the first of a month to a day, at least 0."""
    return np.maximum((to.astype("M8[M]") - starts).astype(int) // 12, 0)


def list_fees(customers: pd.DataFrame, p: Parameters) -> pd.DataFrame:
    """List what each contract costs in each of its years: ``customer_id, starts, fee``."""
    signed = customers[customers["contract_start"].notna()]
    starts = signed["contract_start"].to_numpy("M8[M]")
    years = (signed["contract_end"].to_numpy("M8[M]") - starts).astype(int) // 12
    which = np.repeat(np.arange(len(signed)), years)
    year = np.arange(len(which)) - np.repeat(np.cumsum(years) - years, years)
    return pd.DataFrame(
        {
            "customer_id": signed.index.to_numpy()[which],
            "starts": starts[which] + 12 * year,
            "fee": (signed["fee"].to_numpy()[which] * (1 + p.fee_growth) ** year).round(2),
        }
    )


def list_mrr(fees: pd.DataFrame, p: Parameters) -> pd.DataFrame:
    """List the twelfth of its fee that each contract brings in each month."""
    months = np.repeat(fees["starts"].to_numpy("M8[M]"), 12) + np.tile(np.arange(12), len(fees))
    rows = fees.loc[fees.index.repeat(12), ["customer_id"]].assign(
        month=months.astype("M8[D]"), mrr=(np.repeat(fees["fee"], 12) / 12).round()
    )
    return rows[(months >= np.datetime64(p.start, "M")) & (months <= np.datetime64(p.as_of, "M"))]


def draw_orders(
    customers: pd.DataFrame, deals: pd.DataFrame, p: Parameters, rng: Generator
) -> pd.DataFrame:
    """Draw all invoices up to as_of and the refunds of some of them.

    Returns
    -------
    DataFrame
        ``orders``, ordered by date, refunds among them.
    """
    kinds = [
        _machines(deals, p, rng),
        _parts(customers, p, rng),
        _maintenance(list_fees(customers, p)),
    ]
    orders = pd.concat(kinds, ignore_index=True)
    orders["order_date"] = working_day(orders["order_date"].to_numpy("M8[D]"))
    inside = orders["order_date"].between(pd.Timestamp(p.start), pd.Timestamp(p.as_of))
    orders = orders[inside].sort_values("order_date", kind="stable", ignore_index=True)
    orders["type"] = "order"
    orders["number"] = np.arange(len(orders))
    orders = pd.concat([orders, _refunds(orders, p, rng)], ignore_index=True)
    return _finished(orders, customers, p)


def _machines(deals: pd.DataFrame, p: Parameters, rng: Generator) -> pd.DataFrame:
    won = deals[deals["status"] == "won"]
    days = rng.integers(1, p.delivery_days - 1, len(won))  # a weekend adds up to two days
    cut = rng.uniform(0, p.discount, len(won))
    return pd.DataFrame(
        {
            "customer_id": won["customer_id"],
            "order_date": won["closed_at"].to_numpy("M8[D]") + days,
            "amount_net": (won["amount"] * (1 - cut)).round(2),
            "product_family": MACHINES,
            "channel": SALES,
        }
    )


def _parts(customers: pd.DataFrame, p: Parameters, rng: Generator) -> pd.DataFrame:
    """Draw parts by customer: each has a rate of its own and, one day, leaves.

    The first customer is the key account, which buys by contract until it stops.

    Times are drawn on a clock that runs with the season and stands still at weekends.
    """
    days = whole_months(p.start, p.as_of)
    clock = np.cumsum(intensity(days, p.parts_season, p.parts_weekdays))
    seen = np.maximum(customers["first_seen"].to_numpy("M8[D]"), day(p.start))
    stay = 30.44 * rng.exponential(p.customer_months, len(customers))
    last = np.minimum(seen + stay.astype(int), day(p.as_of))
    last[0] = min(day(p.key_account_until), day(p.as_of))
    begin, end = (clock[(at - days[0]).astype(int)] for at in (seen, last))
    old = customers["lead_id"].isna().to_numpy()
    mean = np.where(old, p.old_parts_a_month, p.new_parts_a_month)
    rate = mean * rng.gamma(2.0, 0.5, len(customers))
    rate[0] = p.key_account_parts
    counts = rng.poisson(rate * (end - begin))
    buyer = np.repeat(np.arange(len(customers)), counts)
    at = begin[buyer] + rng.random(len(buyer)) * (end - begin)[buyer]
    web = rng.random(len(buyer)) < p.web_share
    return pd.DataFrame(
        {
            "customer_id": customers.index.to_numpy()[buyer],
            "order_date": days[np.searchsorted(clock, at)],
            "amount_net": amounts(rng, p.invoice_median, p.invoice_spread, len(buyer)),
            "product_family": PARTS,
            "channel": np.where(web, WEB, PHONE),
        }
    )


def _maintenance(fees: pd.DataFrame) -> pd.DataFrame:
    """One invoice a year and contract, at its start and at each renewal."""
    return pd.DataFrame(
        {
            "customer_id": fees["customer_id"],
            "order_date": fees["starts"].to_numpy("M8[M]").astype("M8[D]"),
            "amount_net": fees["fee"],
            "product_family": MAINTENANCE,
            "channel": SALES,
        }
    )


def _refunds(orders: pd.DataFrame, p: Parameters, rng: Generator) -> pd.DataFrame:
    """Refund a share of the orders, half of them in full, one to six weeks later."""
    size = len(orders)
    chosen = rng.random(size) < p.refund_rate
    part = np.where(rng.random(size) < 0.5, 1.0, rng.uniform(0.1, 0.9, size))
    later = rng.integers(5, 41, size)
    when = working_day(orders["order_date"].to_numpy("M8[D]") + later)
    refunds = orders.assign(
        order_date=when, amount_net=-(orders["amount_net"] * part).round(2), type="refund"
    )
    return refunds[chosen & (when <= day(p.as_of))]


def _finished(orders: pd.DataFrame, customers: pd.DataFrame, p: Parameters) -> pd.DataFrame:
    orders = orders.sort_values(["order_date", "number"], kind="stable", ignore_index=True)
    orders["order_id"] = ids("F", np.ones(len(orders), bool))
    refund = orders["type"] == "refund"
    first = orders[~refund].set_index("number")["order_id"]
    shares = orders["product_family"].map(dict(p.cost_shares))
    return orders.assign(
        original_order_id=orders["number"].map(first).where(refund, None),
        owner=orders["customer_id"].map(customers["owner"]),
        cost=(orders["amount_net"] * shares).round(),
    )
