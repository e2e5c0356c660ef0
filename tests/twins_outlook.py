"""The naive twins of campaigns, prospects, records, pacing, forecasts and ramps."""

import datetime as dt
import statistics
from collections import defaultdict
from collections.abc import Iterable

from twins import (
    DAY,
    NAN,
    Asked,
    Found,
    Row,
    Tables,
    counted,
    divided,
    revenue,
    targets_of,
)

from kpi_helpers.periods import Calendar

WINDOW, ACTIVE = dt.timedelta(180), dt.timedelta(90)


def _sold(tables: Tables, ask: Asked) -> Iterable[tuple[Row, str, dt.date]]:
    """Orders of customers whom a lead brought, with its campaign and day."""
    brought: dict[str, list[Row]] = defaultdict(list)
    for lead in tables["leads"]:
        if lead.get("customer_id") is not None and lead["converted_at"] is not None:
            brought[lead["customer_id"]].append(lead)
    for order in tables["orders"]:
        leads = brought.get(order["customer_id"], [])
        first = min((lead["converted_at"] for lead in leads), default=None)
        leads = [lead for lead in leads if lead["converted_at"] == first]
        campaigns = {lead["campaign"] for lead in leads}
        if len(campaigns) == 1 and ask.keep(order) and order["amount_net"] is not None:
            yield order, campaigns.pop(), min(lead["created_at"] for lead in leads)


def _brought(sums: Iterable[tuple[Row, float]]) -> Found:
    listed = list(sums)
    total = sum(amount for _, amount in listed)
    buyers = {order["customer_id"] for order, _ in listed}
    return Found(total, total, NAN, len(buyers))


def campaign_revenue(tables: Tables, ask: Asked) -> Found:
    return _brought(
        (order, order["amount_net"])
        for order, campaign, came in _sold(tables, ask)
        if campaign is not None and ask.holds(order["order_date"])
        if dt.timedelta(0) <= order["order_date"] - came <= WINDOW
    )


def campaign_margin(tables: Tables, ask: Asked) -> Found:
    return _brought(
        (order, order["amount_net"] - order["cost"])
        for order, campaign, came in _sold(tables, ask)
        if campaign is not None and ask.holds(came) and came + WINDOW <= ask.as_of
        if dt.timedelta(0) <= order["order_date"] - came <= WINDOW and order["cost"] is not None
    )


def _spent(tables: Tables, ask: Asked, until: dt.date) -> Found:
    amounts = [
        row["amount"]
        for row in tables["spend"]
        if row["cost_type"] == "media" and row.get("campaign") is not None
        if ask.holds(row["date"]) and row["date"] <= until and ask.keep(row)
    ]
    value = sum(amounts) if amounts else NAN
    return Found(value, value, NAN, len(amounts))


def campaign_spend(tables: Tables, ask: Asked) -> Found:
    return _spent(tables, ask, ask.as_of)


def campaign_spend_matured(tables: Tables, ask: Asked) -> Found:
    return _spent(tables, ask, ask.as_of - WINDOW)


def roas(tables: Tables, ask: Asked) -> Found:
    a, b = campaign_revenue(tables, ask), campaign_spend(tables, ask)
    return Found(divided(a.value, b.value), a.value, b.value, a.n)


def campaign_romi(tables: Tables, ask: Asked) -> Found:
    a, b = campaign_margin(tables, ask), campaign_spend_matured(tables, ask)
    return Found(divided(a.value, b.value) - 1, a.value, b.value, a.n)


def email_open_rate(tables: Tables, ask: Asked) -> Found:
    sent = [row for row in tables.get("campaign_stats", []) if ask.holds(row["date"])]
    opens, delivered = (sum(row[name] for row in sent) for name in ("opens", "delivered"))
    return Found(divided(opens, delivered), opens, delivered, delivered)


def waited(times: Iterable[tuple[float, bool]]) -> Found:
    """Kaplan and Meier, from one time of an end to the next."""
    seen = list(times)
    still, median = 1.0, NAN
    for time in sorted({time for time, ended in seen if ended}):
        still *= 1 - seen.count((time, True)) / sum(1 for each, _ in seen if each >= time)
        if still <= 0.5 + 1e-12:
            median = time
            break
    return Found(median, sum(ended for _, ended in seen), len(seen), len(seen))


def lead_response_time(tables: Tables, ask: Asked) -> Found:
    end = dt.datetime.combine(ask.as_of + DAY, dt.time())
    times = []
    for lead in tables["leads"]:
        came, answer = lead.get("received_at"), lead.get("answered_at")
        timed = came is not None and came.time() != dt.time()
        if ask.holds(lead["created_at"]) and timed and ask.keep(lead):
            minutes = ((answer or end) - came).total_seconds() // 60
            times += [(minutes / 60, answer is not None)] if minutes >= 0 else []
    return waited(times)


def bant_score(tables: Tables, ask: Asked) -> Found:
    items = ("bant_budget", "bant_authority", "bant_need", "bant_timeline")
    marks = [
        [lead.get(item) for item in items]
        for lead in tables["leads"]
        if ask.holds(lead["sql_at"]) and ask.keep(lead)
    ]
    scores = [sum(each) for each in marks if None not in each]
    return Found(divided(sum(scores), len(scores)), sum(scores), len(scores), len(scores))


def active_prospects(tables: Tables, ask: Asked) -> Found:
    end = min(ask.end, ask.as_of + DAY)
    won = {lead["lead_id"]: [lead["converted_at"]] for lead in tables["leads"]}
    behind = {}
    for deal in tables["deals"]:
        behind[deal["deal_id"]] = deal.get("lead_id")
        if deal["status"] == "won":
            won.setdefault(deal.get("lead_id"), []).append(deal["closed_at"])
    found = set()
    for done in tables["activities"]:
        lead = done.get("lead_id") or behind.get(done.get("deal_id"))
        days = [day for day in won.get(lead, []) if day is not None]
        touched = end - ACTIVE <= done["started_at"].date() < end
        ours = done["type"] in ("call", "email", "meeting", "note") and ask.keep(done)
        if lead is not None and touched and ours and not (days and min(days) < end):
            found.add(lead)
    if not any("lead_id" in done for done in tables["activities"]):
        return Found(NAN, NAN, NAN, 0)
    return counted([{"lead": lead} for lead in found])


def crm_report_quality(tables: Tables, ask: Asked) -> Found:
    notes: dict[str, list[Row]] = defaultdict(list)
    for done in tables["activities"]:
        if done["type"] == "note" and done.get("deal_id") is not None:
            notes[done["deal_id"]].append(done)
    marks = []
    for deal in tables["deals"]:
        today = ask.start <= ask.as_of < ask.end
        if deal["status"] != "open" or not today or not ask.keep(deal):
            continue
        own = notes[deal["deal_id"]]
        last = max((note["started_at"].date() for note in own), default=dt.date(1, 1, 1))
        words = max((note.get("note_words") or 0 for note in own), default=0)
        filled = [(deal["amount"] or 0) > 0]
        filled += [deal[name] is not None for name in ("expected_close", "customer_id", "owner")]
        ahead = deal["expected_close"] is not None and deal["expected_close"] >= ask.as_of
        rich = words >= 20 and ahead
        marks.append(50 * sum(filled) / 4 + 30 * ((ask.as_of - last).days <= 14) + 20 * rich)
    return Found(divided(sum(marks), len(marks)), sum(marks), len(marks), len(marks))


def _expected(tables: Tables, ask: Asked, target: Row) -> float:
    """The part of a target expected by the last day known."""
    start, end = target["period_start"], target["period_end"] + DAY
    if end <= ask.as_of + DAY:
        return 1.0
    if start > ask.as_of:
        return 0.0
    calendar = Calendar(country="FR")
    part = calendar.working_days(start, ask.as_of + DAY) / calendar.working_days(start, end)
    past = []
    for years in (1, 2, 3):
        first, last = start.replace(year=start.year - years), end.replace(year=end.year - years)
        if min(order["order_date"] for order in tables["orders"]) > first + dt.timedelta(31):
            continue
        days = calendar.working_days(first, last)
        day = first
        while calendar.working_days(first, day + DAY) < part * days - 1e-9:
            day += DAY
        whole = revenue(tables, _of_all(ask, first, last)).value
        if whole > 0:
            past.append(revenue(tables, _of_all(ask, first, day + DAY)).value / whole)
    return statistics.median(past) if past and part else part


def _of_all(ask: Asked, start: dt.date, end: dt.date) -> Asked:
    return Asked(start, end, ask.as_of)


def target_pacing(tables: Tables, ask: Asked) -> Found:
    targets = targets_of(tables, ask, "revenue")
    done = expected = 0.0
    for target in targets:
        own = ask._replace(start=target["period_start"], end=target["period_end"] + DAY)
        done += revenue(tables, own).value
        expected += target["value"] * _expected(tables, ask, target)
    return Found(divided(done, expected), done, expected, len(targets))


def _errors(tables: Tables, ask: Asked) -> list[tuple[float, float]]:
    found = []
    for row in tables.get("forecasts", []):
        if ask.holds(row["period_end"]) and row["made_at"] < row["period_end"]:
            span = _of_all(ask, row["period_start"], row["period_end"] + DAY)
            found.append((revenue(tables, span).value, row["value"]))
    return found


def forecast_accuracy(tables: Tables, ask: Asked) -> Found:
    pairs = _errors(tables, ask)
    size = sum(abs(a) for a, _ in pairs)
    good = size - sum(abs(a - f) for a, f in pairs)
    return Found(divided(good, size), good, size, len(pairs))


def forecast_bias(tables: Tables, ask: Asked) -> Found:
    pairs = _errors(tables, ask)
    size, off = sum(a for a, _ in pairs), sum(f - a for a, f in pairs)
    return Found(divided(off, size) if size > 0 else NAN, off, size, len(pairs))


def ramp_time(tables: Tables, ask: Asked) -> Found:
    """Quarters by their last month's number, months as whole ones."""
    sold: dict[tuple[str, int], float] = defaultdict(float)
    for deal in tables["deals"]:
        if deal["status"] == "won" and deal["closed_at"] is not None and deal["amount"] is not None:
            day = deal["closed_at"]
            sold[deal["owner"], 12 * day.year + 3 * ((day.month + 2) // 3)] += deal["amount"]
    quarters = sorted({quarter for _, quarter in sold})
    known = _month(ask.as_of + DAY)
    first = {rep["owner"]: _month(rep.get("start") or dt.date(1, 1, 1)) for rep in tables["reps"]}
    last = {
        rep["owner"]: min(_month(rep.get("end") or dt.date(9999, 1, 1)), known)
        for rep in tables["reps"]
    }
    times = []
    for rep in tables["reps"]:
        who = rep["owner"]
        if not quarters or not ask.holds(rep.get("start")) or not ask.keep(rep):
            continue
        if first[who] < quarters[0] - 3:
            continue
        months = None
        for end in quarters:
            old = [o for o in first if first[o] + 12 <= end - 3 and last[o] >= end - 3]
            usual = statistics.median(sold[o, end] for o in old) if old and end <= known else 0
            good = usual > 0 and sold[who, end] >= 0.8 * usual and last[who] >= end - 3
            if good and end > first[who] and months is None:
                months = end - first[who]
        times.append(
            (float(last[who] - first[who] if months is None else months), months is not None)
        )
    return waited(times)


def _month(day: dt.date) -> int:
    return 12 * day.year + day.month - 1
