"""The naive twins of how we stand in the market, and of what an action changed."""

import datetime as dt
import re
from collections.abc import Callable

import twins
import twins_worth
from twins import DAY, NAN, Asked, Found, Row, Tables, divided, share_of

OURS, WHOLE, NO_ONE = (
    ("us", "nous"),
    ("marché", "marche", "market"),
    ("autres", "others", "unnamed"),
)
NOTHING = Found(NAN, NAN, NAN, 0)


def _span(name: str) -> tuple[dt.date, dt.date] | None:
    """First day and day after the last, of a year or a quarter."""
    if re.fullmatch(r"\d{4}", name):
        return dt.date(int(name), 1, 1), dt.date(int(name) + 1, 1, 1)
    if re.fullmatch(r"\d{4}Q[1-4]", name):
        year, quarter = int(name[:4]), int(name[5])
        after = dt.date(year + quarter // 4, quarter % 4 * 3 + 1, 1)
        return dt.date(year, quarter * 3 - 2, 1), after
    return None


def _middle(row: Row) -> float:
    low, high = row.get("value_low"), row.get("value_high")
    if row["value"] is not None:
        return float(row["value"])
    return NAN if low is None or high is None else (low + high) / 2


def _usable(row: Row, metric: str) -> bool:
    money = metric != "market_sales" or row.get("unit") in (None, "EUR", "eur")
    sound = row["confidence"] != "D" and row["definition_match"] != "no"
    return row["metric"] == metric and money and sound and _middle(row) > 0


def _said(tables: Tables, ask: Asked, metric: str, counts: Callable[[str], bool]) -> Found:
    """Of each entity the surest, then newest row; of the entities the largest."""
    entities: dict[str, list[Row]] = {}
    for row in tables.get("benchmarks", []):
        asked = _span(row["period"]) == (ask.start, ask.end) and counts(row["entity"].lower())
        if asked and _usable(row, metric) and ask.keep(row):
            entities.setdefault(row["entity"], []).append(row)
    best = []
    for rows in entities.values():
        rows.sort(key=lambda r: (r["confidence"], -r["source_date"].toordinal(), r["source"]))
        best.append(_middle(rows[0]))
    return Found(max(best), max(best), NAN, 1) if best else NOTHING


def market_sales(tables: Tables, ask: Asked) -> Found:
    return _said(tables, ask, "market_sales", lambda who: who in WHOLE)


def leader_sales(tables: Tables, ask: Asked) -> Found:
    others = (*WHOLE, *OURS, *NO_ONE)
    return _said(tables, ask, "market_sales", lambda who: who not in others)


def addressable_accounts(tables: Tables, ask: Asked) -> Found:
    return _said(tables, ask, "addressable_accounts", lambda who: who in WHOLE)


def buying_customers(tables: Tables, ask: Asked) -> Found:
    sold = [order for order in twins.orders_in(tables, ask) if twins.is_sale(order)]
    who = {order["customer_id"] for order in sold} - {None}
    return Found(len(who), len(who), NAN, len(who))


def _part(ours: Found, whole: Found) -> Found:
    return Found(ours.value / whole.value, ours.value, whole.value, ours.n)


def market_share(tables: Tables, ask: Asked) -> Found:
    found = _part(twins.revenue(tables, ask), market_sales(tables, ask))
    return found._replace(value=NAN) if found.value > 1 else found


def relative_market_share(tables: Tables, ask: Asked) -> Found:
    return _part(twins.revenue(tables, ask), leader_sales(tables, ask))


def market_share_gain(tables: Tables, ask: Asked) -> Found:
    now, before = (market_share(tables, each) for each in (ask, ask.earlier(12)))
    return now._replace(value=100 * (now.value - before.value))


def share_of_growth(tables: Tables, ask: Asked) -> Found:
    ago = ask.earlier(12)
    ours = twins.revenue(tables, ask)
    gained = ours.value - twins.revenue(tables, ago).value
    growth = market_sales(tables, ask).value - market_sales(tables, ago).value
    return Found(gained / growth if growth > 0 else NAN, gained, growth, ours.n)


def growth_vs_market(tables: Tables, ask: Asked) -> Found:
    now, before = (market_share(tables, each) for each in (ask, ask.earlier(12)))
    return now._replace(value=100 * divided(now.value, before.value))


def penetration_rate(tables: Tables, ask: Asked) -> Found:
    customers, accounts = buying_customers(tables, ask), addressable_accounts(tables, ask)
    value = customers.value / accounts.value
    return Found(NAN if value > 1 else value, customers.value, accounts.value, accounts.value)


def best_in_class_gap(tables: Tables, ask: Asked) -> Found:
    """Of no KPI, or of several in different units, there is no gap; of one, in its own test."""
    said = {row["metric"] for row in tables.get("benchmarks", [])}
    assert len(said & {"win_rate_count", "lead_qualification_rate", "nps"}) != 1
    return NOTHING


def competitive_win_rate(tables: Tables, ask: Asked) -> Found:
    decided = [d for d in twins.closed_deals(tables, ask, "won", "lost") if d.get("competitor")]
    return share_of(sum(1 for deal in decided if deal["status"] == "won"), len(decided))


def _in_group(said: str) -> Callable[[Row], bool]:
    column, value = re.fullmatch(r"(\w+) == '(.*)'", said).groups()
    return lambda row: row.get(column) == value


def action_effect(tables: Tables, ask: Asked) -> Found:
    """Of the one action that starts in the period, where it has somebody to be compared with."""
    begun = [a for a in tables["actions"] if ask.start <= a["start_date"] < ask.end and ask.keep(a)]
    if len(begun) != 1 or not begun[0].get("control_group"):
        return NOTHING
    action, twin = begun[0], getattr(twins_worth, begun[0]["kpi_id"])
    start, end = action["start_date"], min(ask.as_of, action["expected_by"]) + DAY
    found = [
        twin(tables, ask._replace(start=begins, end=ends, keep=_in_group(action[group])))
        for group in ("population", "control_group")
        for begins, ends in ((start, end), (start - (end - start), start))
    ]
    now, before, others_now, others_before = (100 * each.value for each in found)
    value = (now - before) - (others_now - others_before)
    return Found(value, value, NAN, min(each.n for each in found))
