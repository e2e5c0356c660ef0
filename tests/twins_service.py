"""The naive twins of what is done and said: the web shop, surveys, calls and tickets."""

import datetime as dt
from collections import defaultdict

from twins import DAY, NAN, Asked, Found, Row, Tables, divided, is_sale, orders_in, total

SPOKEN, LOST = ("answered", "booked"), ("missed", "voicemail")


def _of(tables: Tables, ask: Asked, table: str, day: str, **fixed: str) -> list[Row]:
    return [
        row
        for row in tables[table]
        if all(row[name] == value for name, value in fixed.items())
        and row[day] is not None
        and ask.holds(row[day].date() if isinstance(row[day], dt.datetime) else row[day])
        and ask.keep(row)
    ]


def _done(tables: Tables, ask: Asked, **fixed: str) -> list[Row]:
    return _of(tables, ask, "activities", "started_at", **fixed)


def _answers(tables: Tables, ask: Asked, kind: str) -> list[Row]:
    rows = _of(tables, ask, "surveys", "responded_at", type=kind)
    return [row for row in rows if _on_scale(row)]


def _on_scale(row: Row) -> bool:
    return bool(row["scale_min"] <= row["score"] <= row["scale_max"])


def _counted(rows: list[Row]) -> Found:
    return Found(len(rows), len(rows), NAN, len(rows))


def _part(k: float, n: float) -> Found:
    """A share; more than all, or fewer than none, is none."""
    return Found(divided(k, n) if 0 <= k <= n else NAN, k, n, n)


def _steps(tables: Tables, ask: Asked, *steps: str) -> list[list[float]]:
    rows = _of(tables, ask, "web_funnel", "date")
    return [[row[s] for s in steps] for row in rows if None not in [row[s] for s in steps]]


def cart_abandonment_rate(tables: Tables, ask: Asked) -> Found:
    rows = _steps(tables, ask, "carts", "orders")
    carts, orders = (sum(row[place] for row in rows) for place in (0, 1))
    return _part(carts - orders, carts)


def site_conversion_rate(tables: Tables, ask: Asked) -> Found:
    rows = _steps(tables, ask, "sessions", "orders")
    sessions, orders = (sum(row[place] for row in rows) for place in (0, 1))
    return _part(orders, sessions)


def site_visits(tables: Tables, ask: Asked) -> Found:
    return total(row["sessions"] for row in _of(tables, ask, "web_funnel", "date"))


def _pleased(tables: Tables, ask: Asked, kind: str, *least: tuple[float, float]) -> Found:
    """Answers at the mark that says so on each scale, given as (its top, the mark)."""
    marks = dict(least)
    valid = _answers(tables, ask, kind)
    return _part(sum(1 for row in valid if row["score"] >= marks[row["scale_max"]]), len(valid))


def csat(tables: Tables, ask: Asked) -> Found:
    return _pleased(tables, ask, "csat", (5.0, 4.0), (7.0, 5.5), (10.0, 7.5))


def ces(tables: Tables, ask: Asked) -> Found:
    return _pleased(tables, ask, "ces", (5.0, 11 / 3), (7.0, 5.0), (10.0, 20 / 3))


def nps(tables: Tables, ask: Asked) -> Found:
    scores = [row["score"] for row in _answers(tables, ask, "nps")]
    whole = [score for score in scores if score in range(11)]
    up, down = sum(1 for s in whole if s > 8), sum(1 for s in whole if s < 7)
    return Found(divided(100 * (up - down), len(whole)), up - down, len(whole), len(whole))


def review_score(tables: Tables, ask: Asked) -> Found:
    marks = []
    for row in _answers(tables, ask, "review"):
        score, least, most = row["score"], row["scale_min"], row["scale_max"]
        marks.append(1 + 4 * (score - least) / (most - least))
    return Found(divided(sum(marks), len(marks)), sum(marks), len(marks), len(marks))


def review_count(tables: Tables, ask: Asked) -> Found:
    return _counted(_answers(tables, ask, "review"))


def service_response_time(tables: Tables, ask: Asked) -> Found:
    """Kaplan and Meier, from one time of a reply to the next."""
    end = dt.datetime.combine(ask.as_of + DAY, dt.time())
    replied, seen = defaultdict(int), []
    for ticket in _done(tables, ask, type="ticket"):
        until = ticket["first_reply_at"] or end
        if until >= ticket["started_at"]:
            minutes = (until - ticket["started_at"]).total_seconds() // 60
            seen.append(minutes)
            replied[minutes] += ticket["first_reply_at"] is not None
    waiting, median = 1.0, NAN
    for minutes in sorted(replied):
        waiting *= 1 - replied[minutes] / sum(1 for each in seen if each >= minutes)
        if waiting <= 0.5 + 1e-12:
            median = minutes / 60
            break
    return Found(median, sum(replied.values()), len(seen), len(seen))


def calls_made(tables: Tables, ask: Asked) -> Found:
    calls = _done(tables, ask, type="call", direction="out")
    return _counted([call for call in calls if call["duration_s"] != 0])


def calls_received(tables: Tables, ask: Asked) -> Found:
    return _counted(_done(tables, ask, type="call", direction="in"))


def calls_handled(tables: Tables, ask: Asked) -> Found:
    return _counted([c for c in _done(tables, ask, type="call") if c["outcome"] in SPOKEN])


def _inbound(tables: Tables, ask: Asked, *outcomes: str) -> Found:
    ends = [call["outcome"] for call in _done(tables, ask, type="call", direction="in")]
    known = [end for end in ends if end in (*SPOKEN, *LOST)]
    return _part(sum(1 for end in known if end in outcomes), len(known))


def missed_call_rate(tables: Tables, ask: Asked) -> Found:
    return _inbound(tables, ask, *LOST)


def answer_rate(tables: Tables, ask: Asked) -> Found:
    return _inbound(tables, ask, *SPOKEN)


def call_to_meeting_rate(tables: Tables, ask: Asked) -> Found:
    ends = [call["outcome"] for call in _done(tables, ask, type="call", direction="out")]
    return _part(ends.count("booked"), ends.count("booked") + ends.count("answered"))


def meetings_booked(tables: Tables, ask: Asked) -> Found:
    return _counted(_done(tables, ask, type="meeting"))


def activities_per_rep(tables: Tables, ask: Asked) -> Found:
    kinds = ("call", "email", "meeting", "note")
    done = [a for a in _done(tables, ask) if a["type"] in kinds and a["owner"] is not None]
    days = {(each["owner"], each["started_at"].date()) for each in done}
    return Found(divided(len(done), len(days)), len(done), len(days), len(days))


def lead_handover_sla(tables: Tables, ask: Asked) -> Found:
    """While no lead has had its day, the counts so far and no value."""
    handed = _of(tables, ask, "leads", "handed_over_at")
    soon = [
        lead
        for lead in handed
        if lead["first_response_at"] is not None
        and lead["first_response_at"] <= lead["handed_over_at"] + DAY
    ]
    old = [lead for lead in handed if lead["handed_over_at"] + DAY <= ask.as_of]
    if handed and not old:
        return Found(NAN, len(soon), len(handed), 0)
    return _part(sum(1 for lead in soon if lead in old), len(old))


def orders_placed(tables: Tables, ask: Asked) -> Found:
    return _counted([order for order in orders_in(tables, ask) if is_sale(order)])


def complaints(tables: Tables, ask: Asked) -> Found:
    return _counted(_done(tables, ask, type="complaint"))


def complaint_rate(tables: Tables, ask: Asked) -> Found:
    k, n = complaints(tables, ask).value, orders_placed(tables, ask).value
    return Found(divided(k, n), k, n, n)


def refund_rate(tables: Tables, ask: Asked) -> Found:
    first: dict[str, dt.date] = {}
    for order in filter(is_sale, tables["orders"]):
        first[order["order_id"]] = order["order_date"]
    back: dict[str, float] = defaultdict(float)
    for row in tables["orders"]:
        of = row["original_order_id"]
        if not is_sale(row) and of in first and 0 <= (row["order_date"] - first[of]).days <= 60:
            back[of] -= row["amount_net"]
    old = [
        order
        for order in orders_in(tables, ask)
        if is_sale(order) and order["amount_net"] > 0 and order["original_order_id"] is None
        if (ask.as_of - order["order_date"]).days >= 60
    ]
    paid, total = sum(back[o["order_id"]] for o in old), sum(o["amount_net"] for o in old)
    return Found(divided(paid, total), paid, total, len(old))


def _is_own(row: Row) -> bool:
    return row["subject"] is not None and row["subject"].lower() in ("us", "nous")


def perception_gap(tables: Tables, ask: Asked) -> Found:
    own: dict[tuple[str, str], list[float]] = defaultdict(list)
    asked = [row for row in tables["surveys"] if row["type"] == "perception"]
    for row in asked:
        if _is_own(row) and _on_scale(row):
            own[row["response_id"], row["attribute"]].append(row["score"])
    gaps = []
    for row in _answers(tables, ask, "perception"):
        marks = own.get((row["response_id"], row["attribute"]))
        if (
            row["subject"] is not None
            and marks
            and not _is_own(row)
            and row["attribute"] is not None
        ):
            gaps.append((row["response_id"], sum(marks) / len(marks) - row["score"]))
    total, people = sum(gap for _, gap in gaps), len({who for who, _ in gaps})
    return Found(divided(total, len(gaps)), total, len(gaps), people)
