"""The naive twins of what customers keep paying and of how they buy."""

from bisect import bisect_left
from collections.abc import Iterable
from typing import Any

from twins import (
    DAY,
    NAN,
    Asked,
    Found,
    Row,
    Tables,
    divided,
    is_sale,
    months_before,
    orders_in,
    share_of,
)

WORDS = ("referral", "recommand", "recommend", "parrain", "bouche", "word of mouth")


def _fees(tables: Tables, ask: Asked) -> list[tuple[float, float]]:
    """What each customer of the eve of the period paid then, and in its last month."""
    end = min(ask.end, ask.as_of + DAY)
    ends = {}
    for name, day in (("before", ask.start), ("after", end)):
        paid: dict[str, float] = {}
        for row in tables["mrr"]:
            there = months_before(day, 1) <= row["month"] < day and row["mrr"] > 0
            if there and (name == "after" or ask.keep(row)):
                paid[row["customer_id"]] = paid.get(row["customer_id"], 0.0) + row["mrr"]
        ends[name] = paid
    return [(fee, ends["after"].get(who, 0.0)) for who, fee in ends["before"].items()]


def logo_churn_rate(tables: Tables, ask: Asked) -> Found:
    fees = _fees(tables, ask)
    return share_of(sum(after == 0 for _, after in fees), len(fees))


def upsell_rate(tables: Tables, ask: Asked) -> Found:
    fees = _fees(tables, ask)
    return share_of(sum(after > before for before, after in fees), len(fees))


def gross_revenue_retention(tables: Tables, ask: Asked) -> Found:
    return _kept((min(fee) for fee in _fees(tables, ask)), _fees(tables, ask))


def net_revenue_retention(tables: Tables, ask: Asked) -> Found:
    return _kept((after for _, after in _fees(tables, ask)), _fees(tables, ask))


def _kept(kept: Iterable[float], fees: list[tuple[float, float]]) -> Found:
    a, b = sum(kept), sum(before for before, _ in fees)
    return Found(divided(a, b), a, b, len(fees))


def _year(tables: Tables, ask: Asked) -> list[Row]:
    end = min(ask.end, ask.as_of + DAY)
    year = ask._replace(start=months_before(end, 12), end=end)
    return [order for order in orders_in(tables, year) if order["customer_id"] is not None]


def cross_sell_rate(tables: Tables, ask: Asked) -> Found:
    bought: dict[str, set[str]] = {}
    for order in filter(is_sale, _year(tables, ask)):
        if order["product_family"] is not None:
            bought.setdefault(order["customer_id"], set()).add(order["product_family"])
    return share_of(sum(len(each) > 1 for each in bought.values()), len(bought))


def purchase_frequency(tables: Tables, ask: Asked) -> Found:
    who = [order["customer_id"] for order in orders_in(tables, ask) if is_sale(order)]
    placed = [name for name in who if name is not None]
    known = {order["customer_id"] for order in orders_in(tables, ask)} - {None}
    n = len(set(placed))
    return Found(divided(len(placed), n), len(placed), n, len(known))


def _paid_back(tables: Tables) -> set[str]:
    """Ids of sales that a refund undoes: the one it names, else the customer's last of its sum."""
    sales: dict[str, list[Row]] = {}
    for order in filter(is_sale, tables["orders"]):
        sales.setdefault(order["order_id"], []).append(order)
    back: dict[str, float] = {}
    undone = set()
    for refund in (order for order in tables["orders"] if not is_sale(order)):
        name, amount = refund["original_order_id"], -refund["amount_net"]
        if name is not None:
            back[name] = back.get(name, 0.0) + amount
            continue
        same = [
            sale
            for each in sales.values()
            for sale in each
            if sale["customer_id"] == refund["customer_id"] is not None
            and abs(sale["amount_net"] - amount) < 0.005
            and sale["order_date"] <= refund["order_date"]
        ]
        last = max((sale["order_date"] for sale in same), default=None)
        undone |= {sale["order_id"] for sale in same if sale["order_date"] == last}
    for name, amount in back.items():
        if any(amount > sale["amount_net"] - 0.005 for sale in sales.get(name, [])):
            undone.add(name)
    return undone


def rfm_segment_share(tables: Tables, ask: Asked) -> Found:
    undone = _paid_back(tables)
    last, often, much = {}, {}, {}
    for order in _year(tables, ask):
        who = order["customer_id"]
        much[who] = much.get(who, 0.0) + order["amount_net"]
        if is_sale(order) and order["order_id"] not in undone:
            last[who] = max(last.get(who, order["order_date"]), order["order_date"])
            often[who] = often.get(who, 0) + 1
    n = len(last)
    groups = 3 if n < 50 else 5
    cents = {who: round(100 * much[who]) for who in last}

    lately, frequent, large = (_parts_below(of, last, groups) for of in (last, often, cents))
    risk = sum(
        lately[who] < groups // 2 and frequent[who] + large[who] >= groups - 1 for who in last
    )
    return Found(risk / n if n else NAN, risk, n, n)


def _parts_below(of: dict[str, Any], who: Iterable[str], groups: int) -> dict[str, int]:
    """In which of so many groups each one stands, by how many are below."""
    values = sorted(of[name] for name in who)
    return {name: groups * bisect_left(values, of[name]) // len(values) for name in who}


def referral_rate(tables: Tables, ask: Asked) -> Found:
    won = [r for r in tables["leads"] if ask.holds(r["converted_at"]) and ask.keep(r)]
    known = [lead["source"].lower() for lead in won if lead["source"] is not None]
    return share_of(sum(any(word in name for word in WORDS) for name in known), len(known))
