"""Targets, each with what was achieved in its own period and scope."""

from __future__ import annotations

import functools
from typing import Any

import ibis
import ibis.expr.datatypes as types
import ibis.expr.types as ir
import pandas as pd

from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.errors import Unavailable
from kpi_helpers.kpis.parts import Parts
from kpi_helpers.kpis.tried import tried
from kpi_helpers.measure.held import set_once, timed
from kpi_helpers.sources.checks.across import known_scopes
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.derived import as_number
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.registers import SCOPES


def achievements(data: Dataset, by: tuple[str, ...]) -> ir.Table:
    """Targets of the level that ``by`` asks for, each with what was achieved in its own period.

    A target runs from ``period_start`` to ``period_end``, both included. It counts for the period
    that holds its ``midpoint``, so that a quota from 30 March to 29 June is the second quarter's.
    """
    targets = set_once(data)
    rows = [_achieved(data, targets, metric, scope) for metric, scope in levels(data, by)]
    if not rows:
        told = "no_target_of" if pairs(data) else "no_usable_target"
        raise Unavailable(told, what="targets", by=", ".join(by))
    table = timed(functools.reduce(lambda a, b: a.union(b), rows))
    return table.mutate(is_met=table.actual >= table.value)


def levels(data: Dataset, by: tuple[str, ...]) -> list[tuple[str, str]]:
    """(metric, scope type) pairs to read: the level of the dimensions, else the company's own.

    Without a company target the reps' add up to one.
    """
    found = data.remember("target levels", lambda: pairs(data))
    wanted = [scope for scope, column in SCOPES.items() if column in by]
    if by and not wanted:
        wanted = list(by)
    if wanted == ["team"]:
        wanted = ["team", "rep"]
    order = wanted or ["company", "rep", "team", "product"]
    read = []
    for metric in sorted({m for m, _ in found}):
        scope = next((s for s in order if (metric, s) in found), None)
        if scope and achievable(data, metric):
            read.append((metric, scope))
    return read


def achievable(data: Dataset, metric: str) -> bool:
    """Whether the metric is a sum over rows of a table that the source has."""
    kpi = REGISTRY.get(metric)
    additive = kpi is not None and not kpi.derived and tried(kpi).kind in ("count", "total")
    return additive and kpi is not None and kpi.table in data.base


def pairs(data: Dataset) -> set[tuple[str, str]]:
    """(metric, scope type) pairs that the source has targets of."""
    frame = frame_of(data.con, data.table("targets").select("metric", "scope_type").distinct())
    return set(frame.itertuples(index=False, name=None))


def _achieved(data: Dataset, targets: ir.Table, metric: str, scope: str) -> ir.Table:
    """Targets of one metric and level, with the metric's sum over each one's dates and scope."""
    column = SCOPES.get(scope)
    own = targets.filter(targets.metric == metric, targets.scope_type == scope)
    days = _daily(data, metric, column)
    near = [days.day >= own.period_start, days.day <= own.period_end]
    if column:
        near.append(days.who == own.scope_value)
    keys = ["metric", "period_start", "period_end", "scope_type", "scope_value", "value"]
    joined = own.left_join(days, near).select(*(own[k] for k in keys), days.amount, days.squares)
    summed = joined.group_by(keys).agg(
        actual=joined.amount.sum().fill_null(0.0), squares=joined.squares.sum().fill_null(0.0)
    )
    who = {name: _named(summed, scope == level) for level, name in SCOPES.items()}
    if scope == "rep" and "reps" in data.base and "team" in data.base["reps"].columns:
        who["team"] = _team_of(data, summed)
    known = known_scopes(data, column) if column else None
    if column is None:
        unheard: ir.BooleanValue = ibis.literal(False)
    else:
        unheard = ibis.literal(True) if known is None else summed.scope_value.notin(known[column])
    return summed.mutate(**who, is_unknown=unheard)


def _daily(data: Dataset, metric: str, column: str | None) -> ir.Table:
    """What a metric sums up to, by day and by who it is of."""
    kpi = REGISTRY[metric]
    facts = data.table(kpi.table, (column,) if column else ())
    parts: Parts = kpi.body(facts)
    term = parts.terms.get("x", parts.terms.get("k"))
    amount = ibis.ifelse(parts.where, as_number(term), 0.0)
    days = facts.select(day=facts[str(kpi.dated)], amount=amount, who=_scope(facts, column))
    return days.group_by("day", "who").agg(
        amount=days.amount.sum(), squares=(days.amount * days.amount).sum()
    )


def by_day(data: Dataset, metric: str) -> pd.Series[float]:
    """The company's amounts of a metric, by day."""
    frame = data.remember(
        ("by day", metric), lambda: frame_of(data.con, _daily(data, metric, None))
    )
    amounts: pd.Series[float] = frame.set_index(pd.to_datetime(frame["day"]))["amount"]
    return amounts[amounts.index.notna()].astype("float64").sort_index()


def _scope(facts: ir.Table, column: str | None) -> ir.Value:
    return facts[column] if column else ibis.literal("")


def _named(table: ir.Table, this: bool) -> Any:
    return table.scope_value if this else ibis.null(types.string)


def _team_of(data: Dataset, table: ir.Table) -> Any:
    frame = frame_of(data.con, data.table("reps").select("owner", "team"))
    known = frame.dropna().drop_duplicates().drop_duplicates("owner", keep=False)
    pairs = [(table.scope_value == o, t) for o, t in known.itertuples(index=False, name=None)]
    return ibis.cases(*pairs, else_=ibis.null(types.string)) if pairs else ibis.null(types.string)
