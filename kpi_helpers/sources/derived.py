"""The closed list of derived columns, and the dimensions that a fact takes from its entities.

Every column here is computed as of a date: what happened later is not known yet, so that an older
report can be replayed on newer data.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Collection, Mapping, Sequence

import ibis
import ibis.expr.types as ir

from kpi_helpers.errors import unknown
from kpi_helpers.sources.across_rows import ACROSS_ROWS
from kpi_helpers.sources.facts import FACTS, MADE
from kpi_helpers.sources.linked import linked, links, one_value
from kpi_helpers.sources.registers import ACHIEVEMENTS
from kpi_helpers.sources.schema import IBIS_TYPES, WAITED
from kpi_helpers.sources.tables import LOOKUPS, TABLES, WAITS


def as_of_table(
    expr: ir.Table, name: str, as_of: dt.date, ahead: Collection[str] | None = None
) -> ir.Table:
    """The rows of a canonical table that were known on a day, with their derived columns.

    Parameters
    ----------
    expr
        Canonical table; every optional column is present (missing where the source has none).
    name
        Its name in `TABLES`.
    as_of
        Last day that is known. Rows dated later are left out, later events are blanked.
    ahead
        Columns with days after it, where that is known: the others are left as they are.
    """
    table = TABLES[name]
    day = ibis.literal(as_of)
    tomorrow = ibis.literal(as_of + dt.timedelta(days=1))
    happened = {
        column.name: expr[column.name]
        for column in table
        if column.type in ("date", "time") and not column.plan and column.name in expr.columns
        if ahead is None or column.name in ahead
    }
    known = {
        column: ibis.ifelse(value < tomorrow.cast(value.type()), value, ibis.null(value.type()))
        for column, value in happened.items()
        if column != table.dated
    }
    if table.dated in happened:
        dated = happened[table.dated]
        expr = expr.filter(dated.isnull() | (dated < tomorrow.cast(dated.type())))
    if name == "deals" and "closed_at" in known:
        known["status"] = ibis.ifelse(expr.closed_at >= tomorrow, "open", expr.status)
    expr = expr.mutate(**known) if known else expr
    derive = _DERIVED.get(name)
    expr = expr.mutate(**derive(expr, day)) if derive else expr
    return expr.drop(WAITED) if WAITED in expr.columns else expr


# How a survey of several companies calls the one that asks.
OURSELVES = ("us", "nous")
# What stands as the subject where it is asked how much an attribute matters.
IMPORTANCE = ("importance",)
# How a source calls the market as a whole, and the sellers that it does not name.
MARKET = ("marché", "marche", "market")
UNNAMED = ("autres", "others", "unnamed")
# What a source that names no company says of how they are spread: value → share of them below it.
MARKS = {"p10": 0.1, "p25": 0.25, "q1": 0.25, "p50": 0.5, "median": 0.5, "médiane": 0.5}
MARKS |= {"p75": 0.75, "q3": 0.75, "p90": 0.9}


def days_between(start: ir.DateValue, end: ir.DateValue) -> ir.IntegerValue:
    """Whole days from one date to another, missing where either is."""
    return end.cast("date").delta(start.cast("date"), unit="day")


def as_number(value: ir.Value) -> ir.FloatingValue:
    """A number for each row; a test counts 1 where it holds (not every engine casts it)."""
    return value.ifelse(1.0, 0.0) if value.type().is_boolean() else value.cast("float64")


def _deals(deals: ir.Table, day: ir.DateScalar) -> Mapping[str, ir.Value]:
    is_open = deals.status == "open"
    is_decided = deals.status.isin(["won", "lost"])
    seen = ibis.ifelse(is_open, ibis.coalesce(deals.created_at, day), deals.created_at)
    return {
        "is_won": deals.status == "won",
        "is_lost": deals.status == "lost",
        "is_open": is_open,
        "is_decided": is_decided,
        # A deal without a first day is known only as open today; a decided one without its
        # last day cannot be told apart from the stock, so it is in none.
        "opened_at": ibis.ifelse(is_open | deals.closed_at.notnull(), seen, ibis.null("date")),
        "left_at": ibis.ifelse(is_decided, deals.closed_at, ibis.null("date")),
        "age_days": days_between(deals.created_at, ibis.ifelse(is_decided, deals.closed_at, day)),
    }


def _leads(leads: ir.Table, day: ir.DateScalar) -> Mapping[str, ir.Value]:
    at = leads.received_at
    # A source of days puts all of them at midnight: the hour is then not known.
    timed = at.epoch_seconds() != at.cast("date").cast("timestamp").epoch_seconds()
    hours = _hours(leads, "leads", day)
    return {
        "is_converted": leads.converted_at.notnull(),
        "age_days": days_between(leads.created_at, day),
        "hours_to_response": timed.ifelse(hours, ibis.null("float64")),
    }


def _hours(rows: ir.Table, name: str, day: ir.DateScalar) -> ir.Value:
    """Hours waited, to the minute; where nothing ended them, those of the clock up to midnight."""
    since, until = (rows[column] for column in WAITS[name])
    midnight = (day + ibis.interval(days=1)).cast("timestamp")
    seconds = ibis.coalesce(until, midnight).epoch_seconds() - since.epoch_seconds()
    if WAITED in rows.columns:
        seconds = ibis.ifelse(until.notnull(), rows[WAITED], seconds)
    return (seconds / 60.0).floor().cast("float64") / 60.0


def _orders(orders: ir.Table, day: ir.DateScalar) -> Mapping[str, ir.Value]:
    untyped = orders.type.isnull() & (orders.amount_net < 0)
    refund = (orders.type == "refund").fill_null(False) | untyped
    age = days_between(orders.order_date, day)
    return {"is_refund": refund, "is_sale": ~refund, "age_days": age}


def _activities(activities: ir.Table, day: ir.DateScalar) -> Mapping[str, ir.Value]:
    return {
        "is_empty": (activities.duration_s == 0).fill_null(False),
        "hours_to_reply": _hours(activities, "activities", day),
    }


def _surveys(surveys: ir.Table, day: ir.DateScalar) -> Mapping[str, ir.Value]:
    return {"is_own": surveys.subject.lower().isin(OURSELVES).fill_null(False)}


def _customers(customers: ir.Table, day: ir.DateScalar) -> Mapping[str, ir.Value]:
    return {"is_contractual": customers.contract_start.notnull()}


def _mrr(mrr: ir.Table, day: ir.DateScalar) -> Mapping[str, ir.Value]:
    return {"is_paid": (mrr.mrr > 0).fill_null(False)}


def _reps(reps: ir.Table, day: ir.DateScalar) -> Mapping[str, ir.Value]:
    """Who has no dates has always been there, and whose hours are not known works full time.

    Months are numbered; ``known_month`` is the number of those that have ended.
    """
    since = reps.start.fill_null(dt.date(1, 1, 1))
    until = reps.end.fill_null(dt.date(9999, 12, 31))
    known = _month(day + ibis.interval(days=1))
    months = {"first_month": _month(since), "last_month": ibis.least(_month(until), known)}
    there = {"weight": reps.fte.fill_null(1.0), "since": since, "until": until}
    return there | months | {"known_month": known}


def _month(day: ir.DateValue) -> ir.IntegerValue:
    return day.cast("date").year() * 12 + day.cast("date").month() - 1


def _spend(spend: ir.Table, day: ir.DateScalar) -> Mapping[str, ir.Value]:
    return {"age_days": days_between(spend.date, day)}


def _benchmarks(rows: ir.Table, day: ir.DateScalar) -> Mapping[str, ir.Value]:
    """A figure without a range is its own; one of which only the range is known lies in between."""
    who = rows.entity.lower()
    middle = ibis.coalesce(rows.value, (rows.value_low + rows.value_high) / 2)
    return {
        "is_market": who.isin(MARKET),
        "is_rival": who.notin((*MARKET, *UNNAMED, *OURSELVES, *MARKS)),
        "is_sourced": rows.confidence != "D",
        "middle": middle,
        "least": ibis.coalesce(rows.value_low, middle),
        "most": ibis.coalesce(rows.value_high, middle),
    }


_DERIVED = {
    "deals": _deals,
    "leads": _leads,
    "orders": _orders,
    "order_lines": _orders,
    "activities": _activities,
    "surveys": _surveys,
    "customers": _customers,
    "mrr": _mrr,
    "reps": _reps,
    "benchmarks": _benchmarks,
    "spend": _spend,
}


def offered(tables: Mapping[str, ir.Table], name: str) -> dict[str, tuple[str, str]]:
    """Columns that a fact takes from its entities.

    Returns
    -------
    dict
        Column → (table it comes from, shared key). A column that the fact has itself wins.
    """
    fact = tables[name]
    found: dict[str, tuple[str, str]] = {}
    for entity, key in LOOKUPS:
        if entity in tables and entity != name and key in fact.columns:
            lacking = [c for c in tables[entity].columns if c not in fact.columns]
            found |= dict.fromkeys(lacking, (entity, key))
    return found


def with_columns(
    tables: Mapping[str, ir.Table],
    name: str,
    columns: tuple[str, ...],
    alone: bool = False,
    unique: Callable[[str, str], bool] = lambda entity, key: False,
) -> ir.Table:
    """The fact with these columns: those of its entities, and those across rows.

    ``alone`` leaves out the others, which makes a shorter query; ``unique`` says of which entities
    every key is known to stand on one row.
    """
    fact, entities = tables[name], offered(tables, name)
    lent: dict[tuple[str, str], list[str]] = {}
    for column in columns:
        if column not in fact.columns and column in entities:
            lent.setdefault(entities[column], []).append(column)
    ones = [
        tables[entity].select(key, *names)
        if unique(entity, key)
        else _one_each(tables[entity], key, names)
        for (entity, key), names in lent.items()
    ]
    ones += [made(fact) for c, made in ACROSS_ROWS.get(name, {}).items() if c in columns]
    ones += [each.made(tables) for each in linked(name, columns)]
    if alone:
        kept = {*columns, *(column for one_each in ones for column in one_each.columns)}
        fact = fact.select([c for c in fact.columns if c in kept])
    for one_each in ones:
        keys = [c for c in one_each.columns if c in fact.columns]
        others = [c for c in one_each.columns if c not in fact.columns]
        joined = fact.left_join(one_each, keys)
        fact = joined.select(*(fact[c] for c in fact.columns), *(one_each[c] for c in others))
    return fact


def _one_each(rows: ir.Table, key: str, columns: Sequence[str]) -> ir.Table:
    return rows.group_by(key).agg(**{c: one_value(rows[c]) for c in columns})


def across_rows(name: str, tables: Collection[str] = TABLES) -> tuple[str, ...]:
    """Names of a table's columns that look at other rows, its own or of those ``tables``."""
    return (*ACROSS_ROWS.get(name, {}), *links(name, tables))


@functools.cache
def unbound(name: str) -> ir.Table:
    """A table without data, with every column that the body of a KPI may name."""
    if name == ACHIEVEMENTS.name:
        return ibis.table({c.name: IBIS_TYPES[c.type] for c in ACHIEVEMENTS}, name=name)
    if name in MADE:
        return ibis.table({c.name: IBIS_TYPES[c.type] for c in FACTS[name]}, name=name)
    if name not in TABLES:
        raise unknown("table", name, [*FACTS, ACHIEVEMENTS.name])
    names = {name}.union(*(each.others for each in linked(name)))
    known = {each: as_of_table(_empty(each), each, dt.date(2000, 1, 1)) for each in names}
    return with_columns(known, name, across_rows(name))


def _empty(name: str) -> ir.Table:
    return ibis.table({c.name: IBIS_TYPES[c.type] for c in TABLES[name]}, name=name)
