"""The naive twins of leads once they are there, of reps, margins, buyers and contracts."""

import datetime as dt
from typing import Any

from twins import (
    DAY,
    NAN,
    Asked,
    Found,
    Row,
    Tables,
    acquisition_spend,
    bookings,
    cac,
    closed_deals,
    counted,
    divided,
    first_days,
    grown,
    is_sale,
    leads_generated,
    media_spend,
    months_before,
    new_customers,
    orders_in,
    quotient,
    revenue,
    share_of,
    within,
)


def no_decision_rate(tables: Tables, ask: Asked) -> Found:
    said = ("sans décision", "no decision", "abandon")
    closed = closed_deals(tables, ask, "won", "lost")
    lost = [str(d["lost_reason"]).lower() for d in closed if d["status"] == "lost"]
    return share_of(sum(1 for reason in lost if any(w in reason for w in said)), len(closed))


def qualified_leads(tables: Tables, ask: Asked) -> Found:
    return counted(r for r in tables["leads"] if ask.holds(r["sql_at"]) and ask.keep(r))


def marketing_qualified_leads(tables: Tables, ask: Asked) -> Found:
    return counted(r for r in tables["leads"] if ask.holds(r["mql_at"]) and ask.keep(r))


def lead_qualification_rate(tables: Tables, ask: Asked) -> Found:
    return within(tables, ask, "created_at", "sql_at")


def lead_acceptance_rate(tables: Tables, ask: Asked) -> Found:
    return within(tables, ask, "handed_over_at", "accepted_at")


def lead_velocity_rate(tables: Tables, ask: Asked) -> Found:
    return grown(qualified_leads(tables, ask), qualified_leads(tables, ask.earlier(1)))


def cost_per_qualified_lead(tables: Tables, ask: Asked) -> Found:
    """Leads that have had their window speak for the others of the period."""
    spent, rate = media_spend(tables, ask).value, lead_qualification_rate(tables, ask)
    qualified = rate.value * leads_generated(tables, ask).value
    return Found(divided(spent, qualified), spent, qualified, rate.numerator)


def gross_margin_rate(tables: Tables, ask: Asked) -> Found:
    sold = [order for order in orders_in(tables, ask) if order["cost"] is not None]
    total = sum(order["amount_net"] for order in sold)
    margin = total - sum(order["cost"] for order in sold)
    buyers = {order["customer_id"] or order["order_id"] for order in sold}
    return Found(margin / total if total > 0 else NAN, margin, total, len(buyers))


def discount_rate(tables: Tables, ask: Asked) -> Found:
    won = [deal for deal in closed_deals(tables, ask, "won") if deal["amount"] is not None]
    listed = [deal for deal in won if deal["list_amount"] is not None and deal["list_amount"] > 0]
    full = sum(deal["list_amount"] for deal in listed)
    off = full - sum(deal["amount"] for deal in listed)
    return Found(divided(off, full), off, full, len(listed))


def sales_marketing_ratio(tables: Tables, ask: Asked) -> Found:
    spent, sold = acquisition_spend(tables, ask), revenue(tables, ask)
    base = sold.value if sold.value > 0 else NAN
    return Found(spent.value / base, spent.value, base, sold.n)


def action_completion_rate(tables: Tables, ask: Asked) -> Found:
    due = [a for a in tables["actions"] if ask.holds(a["due_date"]) and ask.keep(a)]
    done = [a for a in due if a["done_date"] is not None and a["done_date"] <= a["due_date"]]
    return share_of(len(done), len(due))


def active_reps(tables: Tables, ask: Asked) -> Found:
    """Day by day: who is there, and how much of a full time they work."""
    last = min(ask.end, ask.as_of + DAY)
    days = [ask.start + dt.timedelta(day) for day in range((last - ask.start).days)]
    there, full = set(), 0.0
    for rep in filter(ask.keep, tables["reps"]):
        first, end = rep.get("start") or dt.date.min, rep.get("end") or dt.date.max
        present = sum(1 for day in days if first <= day <= end)
        if present:
            there.add(rep["owner"])
            full += (1.0 if rep["fte"] is None else rep["fte"]) * present / len(days)
    return Found(full, full, NAN, len(there))


def revenue_per_rep(tables: Tables, ask: Asked) -> Found:
    won, reps = bookings(tables, ask), active_reps(tables, ask)
    return Found(divided(won.value, reps.value), won.value, reps.value, won.n)


def new_vs_existing_revenue(tables: Tables, ask: Asked) -> Found:
    first = first_days(filter(is_sale, tables["orders"]), "order_date")
    sold = [order for order in orders_in(tables, ask) if order["customer_id"] is not None]
    new = [o for o in sold if ask.holds(first.get(o["customer_id"]))]
    a, b = (sum(order["amount_net"] for order in some) for some in (new, sold))
    return Found(a / b if b > 0 else NAN, a, b, len({o["customer_id"] for o in sold}))


def revenue_concentration(tables: Tables, ask: Asked) -> Found:
    end = min(ask.end, ask.as_of + DAY)
    bought: dict[str, float] = {}
    for order in orders_in(tables, ask._replace(start=months_before(end, 12), end=end)):
        if order["customer_id"] is not None:
            so_far = bought.get(order["customer_id"], 0.0)
            bought[order["customer_id"]] = so_far + order["amount_net"]
    amounts = sorted(bought.values(), reverse=True)
    top, total = sum(amounts[: 10 if len(amounts) >= 10 else 3]), sum(amounts)
    return Found(top / total if total > 0 else NAN, top, total, len(amounts))


def _paid(tables: Tables, ask: Asked) -> list[Row]:
    return [m for m in tables["mrr"] if ask.holds(m["month"]) and ask.keep(m) and m["mrr"] > 0]


def arpa(tables: Tables, ask: Asked) -> Found:
    paid = _paid(tables, ask)
    total = sum(month["mrr"] for month in paid)
    return Found(divided(total, len(paid)), total, len(paid), len({m["customer_id"] for m in paid}))


def monthly_churn(tables: Tables, ask: Asked) -> Found:
    last: dict[Any, dt.date] = {}
    for month in tables["mrr"]:
        if month["mrr"] > 0:
            who = month["customer_id"]
            last[who] = max(last.get(who, month["month"]), month["month"])
    months = [month for month in _paid(tables, ask) if month["month"] < max(last.values())]
    left = [month for month in months if month["month"] == last[month["customer_id"]]]
    return share_of(len(left), len(months))


def ltv(tables: Tables, ask: Asked) -> Found:
    return _lived(tables, ask, 0.0)


def ltv_discounted(tables: Tables, ask: Asked) -> Found:
    return _lived(tables, ask, 0.10)


def _lived(tables: Tables, ask: Asked, yearly: float) -> Found:
    monthly, churn = arpa(tables, ask), monthly_churn(tables, ask).value
    margin = monthly.value * gross_margin_rate(tables, ask).value
    value = sum(margin * ((1 - churn) / (1 + yearly) ** (1 / 12)) ** k for k in range(60))
    return Found(value, value, NAN, monthly.n)


def ltv_cac_ratio(tables: Tables, ask: Asked) -> Found:
    return quotient(ltv(tables, ask), cac(tables, ask))


def cac_payback_months(tables: Tables, ask: Asked) -> Found:
    cost = cac(tables, ask)
    monthly = arpa(tables, ask).value * gross_margin_rate(tables, ask).value
    paid = monthly > 0 and cost.value <= 60 * monthly
    return Found(cost.value / monthly if paid else NAN, cost.value, monthly, cost.n)


def _retained(tables: Tables, ask: Asked, before: Asked, now: Asked) -> Found:
    base = {o["customer_id"] for o in orders_in(tables, before) if is_sale(o)} - {None}
    anyone = now._replace(keep=lambda row: True)  # a customer handed over has not left
    again = {o["customer_id"] for o in orders_in(tables, anyone) if is_sale(o)} - {None}
    return share_of(len(base & again), len(base))


def customer_retention_rate(tables: Tables, ask: Asked) -> Found:
    end = min(ask.end, ask.as_of + DAY)
    before = ask._replace(start=months_before(ask.start, 12), end=ask.start)
    return _retained(tables, ask, before, ask._replace(start=months_before(end, 12), end=end))


def repurchase_rate(tables: Tables, ask: Asked) -> Found:
    return _retained(tables, ask, ask.earlier(12), ask)


def lead_to_customer_rate_period(tables: Tables, ask: Asked) -> Found:
    return quotient(new_customers(tables, ask), leads_generated(tables, ask))


def cost_per_lead(tables: Tables, ask: Asked) -> Found:
    return quotient(media_spend(tables, ask), leads_generated(tables, ask))


def revenue_per_customer(tables: Tables, ask: Asked) -> Found:
    sold = [order for order in orders_in(tables, ask) if order["customer_id"] is not None]
    total = sum(order["amount_net"] for order in sold)
    buyers = len({order["customer_id"] for order in sold if is_sale(order)})
    return Found(divided(total, buyers), total, buyers, len({o["customer_id"] for o in sold}))


def aov(tables: Tables, ask: Asked) -> Found:
    sold = orders_in(tables, ask)
    total = sum(order["amount_net"] for order in sold)
    sales = len([order for order in sold if is_sale(order) and order["amount_net"]])
    buyers = {order["customer_id"] or order["order_id"] for order in sold}
    return Found(divided(total, sales), total, sales, len(buyers))
