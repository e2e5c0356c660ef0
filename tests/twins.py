"""The naive twins: every KPI once more, by a plain loop over the rows, to check the engine against.

A twin takes the rows of each table and an `Asked`, and returns value, numerator, denominator and n.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any, NamedTuple

import pandas as pd

Row = dict[str, Any]
Tables = Mapping[str, list[Row]]
NAN = float("nan")
DAY = dt.timedelta(days=1)

PLANNED = {
    *{("deals", "expected_close"), ("close_date_history", "expected_close")},
    *{("customers", "contract_end"), ("reps", "end"), ("reps", "start")},
    *{(table, f"period_{end}") for table in ("forecasts", "targets") for end in ("start", "end")},
    *{("actions", day) for day in ("due_date", "start_date", "expected_by")},
}
DATED = {
    **dict.fromkeys(("actions", "deals", "leads"), "created_at"),
    **dict.fromkeys(("campaign_stats", "spend", "web_funnel"), "date"),
    **{"activities": "started_at", "benchmarks": "source_date", "forecasts": "made_at"},
    **{"close_date_history": "changed_at", "mrr": "month", "orders": "order_date"},
    **{"stage_history": "entered_at", "surveys": "responded_at"},
}
MOMENTS = ("started_at", "first_reply_at", "entered_at", "received_at", "answered_at")


class Found(NamedTuple):
    value: float
    numerator: float
    denominator: float
    n: float


class Asked(NamedTuple):
    """Days [start, end), the last day known, which rows count, and the settings that matter."""

    start: dt.date
    end: dt.date
    as_of: dt.date
    keep: Callable[[Row], bool] = lambda row: True
    scope: tuple[str, str | None] = ("company", None)
    window: int | None = 60
    lag: int = 0

    def holds(self, day: dt.date | None) -> bool:
        return day is not None and self.start <= day < min(self.end, self.as_of + DAY)

    def earlier(self, months: int) -> "Asked":
        start, end = (months_before(day, months) for day in (self.start, self.end))
        start -= DAY * (start.day != self.start.day)  # 29 February is held against the 28th
        running = self.as_of + DAY < self.end
        as_of = start + (self.as_of - self.start) if running else self.as_of
        return self._replace(start=start, end=end, as_of=as_of)


def months_before(day: dt.date, months: int) -> dt.date:
    """The same day of an earlier month; where that has none, the first one after it."""
    number = day.year * 12 + day.month - 1 - months
    try:
        return dt.date(number // 12, number % 12 + 1, day.day)
    except ValueError:
        return dt.date((number + 1) // 12, (number + 1) % 12 + 1, 1)


def truncated(frames: Mapping[str, pd.DataFrame], as_of: dt.date) -> dict[str, pd.DataFrame]:
    """The files as they stood at the end of a day: no later rows, no later events in the rest."""
    known, day = {}, pd.Timestamp(as_of)
    for table, frame in frames.items():
        kept = frame.copy()
        for column in kept.columns[[kind.kind == "M" for kind in kept.dtypes]]:
            later = kept[column].dt.normalize() > day
            if column == DATED.get(table):
                kept = kept[~later]
            elif (table, column) not in PLANNED:
                if (table, column) == ("deals", "closed_at"):
                    kept.loc[later, "status"] = "open"
                kept.loc[later, column] = pd.NaT
        known[table] = kept.reset_index(drop=True)
    return known


def rows_of(frames: Mapping[str, pd.DataFrame], as_of: dt.date) -> dict[str, list[Row]]:
    """Rows as dictionaries with plain dates and None, as known on a day, each with its team."""
    known = truncated(frames, as_of)
    if "first_response_at" in known.get("leads", ()):
        known["leads"] = known["leads"].assign(answered_at=known["leads"]["first_response_at"])
    tables = {name: _plain(frame) for name, frame in known.items()}
    for order in tables.get("orders", []):
        if order.get("type") == "refund" and order["amount_net"] > 0:
            for name in {"amount_net", "cost"} & {*order}:
                order[name] = None if order[name] is None else -order[name]
    team = {rep["owner"]: rep["team"] for rep in tables.get("reps", [])}
    for rows in tables.values():
        for row in rows:
            if row.get("type") == "refund":  # however the file writes it
                row["amount_net"] = -abs(row["amount_net"])
            if "owner" in row:
                row.setdefault("team", team.get(row["owner"]))
    return tables


def _plain(frame: pd.DataFrame) -> list[Row]:
    columns = {}
    for name, column in frame.items():
        is_day = column.dtype.kind == "M" and name not in MOMENTS
        values = column.dt.date if is_day else column
        columns[name] = values.astype(object).where(column.notna(), None).tolist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def divided(a: float, b: float) -> float:
    return a / b if b else NAN


def counted(rows: Iterable[Row]) -> Found:
    k = len(list(rows))
    return Found(k, k, NAN, k)


def _different(values: Iterable[Any]) -> Found:
    k = len({value for value in values if value is not None})
    return Found(k, k, NAN, k)


def _sum(amounts: Iterable[float | None]) -> Found:
    known = [amount for amount in amounts if amount is not None]
    return Found(sum(known), sum(known), NAN, len(known))


def total(amounts: Iterable[float | None]) -> Found:
    """A sum that is not known where none of its amounts is."""
    every = list(amounts)
    found = _sum(every)
    return Found(NAN, NAN, NAN, 0) if every and not found.n else found


def share_of(part: int, of: int) -> Found:
    return Found(divided(part, of), part, of, of)


def grown(now: Found, before: Found) -> Found:
    base = before.value if before.value > 0 else NAN
    return Found(now.value / base - 1, now.value, base, now.n)


def quotient(a: Found, b: Found) -> Found:
    return Found(divided(a.value, b.value), a.value, b.value, b.n)


def closed_deals(tables: Tables, ask: Asked, *status: str) -> list[Row]:
    return [
        deal
        for deal in tables["deals"]
        if deal["status"] in status and ask.holds(deal["closed_at"]) and ask.keep(deal)
    ]


def orders_in(tables: Tables, ask: Asked) -> list[Row]:
    return [o for o in tables["orders"] if ask.holds(o["order_date"]) and ask.keep(o)]


def is_sale(order: Row) -> bool:
    if order.get("type") is None:
        return order["amount_net"] >= 0
    return bool(order["type"] != "refund")


def first_days(rows: Iterable[Row], day: str) -> dict[Any, dt.date]:
    first: dict[Any, dt.date] = {}
    for row in rows:
        who = row["customer_id"]
        first[who] = min(first.get(who, row[day]), row[day])
    return first


def leads_generated(tables: Tables, ask: Asked) -> Found:
    return counted(r for r in tables["leads"] if ask.holds(r["created_at"]) and ask.keep(r))


def lead_to_customer_rate(tables: Tables, ask: Asked) -> Found:
    """With a window the leads that have had it; while none has, the counts so far and no value."""
    return within(tables, ask, "created_at", "converted_at")


def within(tables: Tables, ask: Asked, begins: str, ends: str) -> Found:
    cohort = [r for r in tables["leads"] if ask.holds(r[begins]) and ask.keep(r)]
    taken = [(ask.as_of - r[begins], _delay(r[begins], r[ends])) for r in cohort]
    if ask.window is None:
        return share_of(sum(1 for _, delay in taken if delay is not None), len(cohort))
    length, none = dt.timedelta(days=ask.window), dt.timedelta(0)
    possible = [(age, delay) for age, delay in taken if delay is None or delay >= none]
    quick = [age for age, delay in possible if delay is not None and delay <= length]
    old = [age for age, _ in possible if age >= length]
    if cohort and not old:
        return Found(NAN, len(quick), len(cohort), 0)
    return share_of(sum(1 for age in quick if age >= length), len(old))


def _delay(begun: dt.date, ended: dt.date | None) -> dt.timedelta | None:
    return None if ended is None else ended - begun


def new_customers(tables: Tables, ask: Asked) -> Found:
    first = first_days(filter(is_sale, tables["orders"]), "order_date")
    return _different(
        order["customer_id"]
        for order in orders_in(tables, ask)
        if order["order_date"] == first.get(order["customer_id"])
    )


def new_customers_won(tables: Tables, ask: Asked) -> Found:
    won = [d for d in tables["deals"] if d["status"] == "won" and d["closed_at"] is not None]
    first = first_days(won, "closed_at")
    return _different(
        deal["customer_id"]
        for deal in closed_deals(tables, ask, "won")
        if deal["closed_at"] == first[deal["customer_id"]]
    )


def _decided(amounts: Iterable[Any]) -> Found:
    """What nobody wrote down is not known."""
    found = _sum(amounts)
    return found if found.n else Found(NAN, NAN, NAN, 0)


def acquisition_spend(tables: Tables, ask: Asked) -> Found:
    return _decided(s["amount"] for s in tables["spend"] if ask.holds(s["date"]) and ask.keep(s))


def media_spend(tables: Tables, ask: Asked) -> Found:
    media = [s for s in tables["spend"] if s["cost_type"] == "media"]
    return acquisition_spend({"spend": media}, ask)


def cac(tables: Tables, ask: Asked) -> Found:
    return quotient(
        acquisition_spend(tables, ask.earlier(ask.lag) if ask.lag else ask),
        new_customers(tables, ask),
    )


def win_rate_count(tables: Tables, ask: Asked) -> Found:
    return share_of(
        len(closed_deals(tables, ask, "won")), len(closed_deals(tables, ask, "won", "lost"))
    )


def win_rate_value(tables: Tables, ask: Asked) -> Found:
    """Missing where deals were lost and none of them has an amount."""
    decided = closed_deals(tables, ask, "won", "lost")
    lost = [deal for deal in decided if deal["status"] == "lost"]
    won = _sum(deal["amount"] for deal in decided if deal["status"] == "won").value
    total = _sum(deal["amount"] for deal in decided).value
    blind = bool(lost) and not any(deal["amount"] for deal in lost)
    priced = sum(1 for deal in decided if deal["amount"])
    return Found(NAN if blind else divided(won, total), won, total, priced)


def sales_cycle_duration(tables: Tables, ask: Asked) -> Found:
    ages = []
    for deal in tables["deals"]:
        if not (ask.holds(deal["created_at"]) and ask.keep(deal)):
            continue
        end = ask.as_of if deal["status"] == "open" else deal["closed_at"]
        if end is not None and end >= deal["created_at"]:
            ages.append(((end - deal["created_at"]).days, deal["status"]))
    won = sum(1 for _, status in ages if status == "won")
    return Found(_cycle(ages), won, len(ages), won)


def _cycle(ages: list[tuple[int, str]]) -> float:
    """Aalen and Johansen, day by day, up to the last day with five deals at risk."""
    days = sorted({day for day, _ in ages if sum(1 for age, _ in ages if age >= day) >= 5})
    still_open, incidence = 1.0, []
    for day in days:
        at_risk = sum(1 for age, _ in ages if age >= day)
        won, lost = (ages.count((day, status)) for status in ("won", "lost"))
        before = incidence[-1][1] if incidence else 0.0
        incidence.append((day, before + still_open * won / at_risk))
        still_open *= 1 - (won + lost) / at_risk
    total = incidence[-1][1] if incidence else 0.0
    reached = [day for day, share in incidence if share >= total / 2 - 1e-12]
    return float(reached[0]) if total else NAN


def open_pipeline_value(tables: Tables, ask: Asked) -> Found:
    last = min(ask.end - DAY, ask.as_of)
    stock = [
        deal
        for deal in tables["deals"]
        if ask.keep(deal)
        and deal["created_at"] <= last
        and (
            deal["status"] == "open" or (deal["closed_at"] is not None and deal["closed_at"] > last)
        )
    ]
    priced = [deal["amount"] for deal in stock if deal["amount"]]
    value = NAN if stock and 2 * len(priced) <= len(stock) else sum(priced)
    return Found(value, value, NAN, len(stock))


def pipeline_due(tables: Tables, ask: Asked) -> Found:
    return total(
        deal["amount"]
        for deal in tables["deals"]
        if deal["status"] == "open"
        and deal["expected_close"] is not None
        and ask.start <= deal["expected_close"] < ask.end
        and ask.keep(deal)
    )


def pipeline_coverage(tables: Tables, ask: Asked) -> Found:
    due = pipeline_due(tables, ask)
    missing = bookings_target(tables, ask).value - bookings(tables, ask).value
    left = missing if missing > 0 else NAN
    return Found(due.value / left, due.value, left, due.n)


def revenue(tables: Tables, ask: Asked) -> Found:
    return total(order["amount_net"] for order in orders_in(tables, ask))


def bookings(tables: Tables, ask: Asked) -> Found:
    return total(deal["amount"] for deal in closed_deals(tables, ask, "won"))


def targets_of(tables: Tables, ask: Asked, metric: str) -> list[Row]:
    level, who = ask.scope
    found = []
    for target in tables["targets"]:
        length = (target["period_end"] - target["period_start"]).days
        middle = target["period_start"] + dt.timedelta(days=length // 2)
        fits = (length + 1) <= 1.15 * (ask.end - ask.start).days + 5
        inside = ask.start <= middle < ask.end and who in (None, target["scope_value"])
        if (target["metric"], target["scope_type"]) == (metric, level) and fits and inside:
            found.append(target)
    return found


def bookings_target(tables: Tables, ask: Asked) -> Found:
    return _decided(target["value"] for target in targets_of(tables, ask, "bookings"))


def revenue_attainment(tables: Tables, ask: Asked) -> Found:
    targets = targets_of(tables, ask, "revenue")
    done = 0.0
    for target in targets:
        own = ask._replace(start=target["period_start"], end=target["period_end"] + DAY)
        done += revenue(tables, own).value
    value = _sum(target["value"] for target in targets).value
    return Found(divided(done, value), done, value, len(targets))


def revenue_growth(tables: Tables, ask: Asked) -> Found:
    return grown(revenue(tables, ask), revenue(tables, ask.earlier(12)))


def deals_won_count(tables: Tables, ask: Asked) -> Found:
    return counted(closed_deals(tables, ask, "won"))


def avg_deal_value(tables: Tables, ask: Asked) -> Found:
    amounts = [deal["amount"] for deal in closed_deals(tables, ask, "won")]
    priced = [amount for amount in amounts if amount is not None and amount > 0]
    return Found(divided(sum(priced), len(priced)), sum(priced), len(priced), len(priced))


Twin = Callable[[Tables, Asked], Found]


def twins_in(module: ModuleType) -> dict[str, Twin]:
    """The twins that a module holds, under the ids of their KPIs."""
    return {
        name: made
        for name, made in vars(module).items()
        if callable(made) and getattr(made, "__annotations__", {}).get("return") is Found
        if not name.startswith("_")
    }
