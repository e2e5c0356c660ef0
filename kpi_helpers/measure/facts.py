"""The tables that KPIs are counted on: the canonical ones, and targets with what was achieved."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import ibis
import ibis.expr.datatypes as types
import ibis.expr.operations as ops
import ibis.expr.types as ir

from kpi_helpers.catalogue import REGISTRY, Kpi
from kpi_helpers.errors import Unavailable, nearest, unknown
from kpi_helpers.kpis.parts import Parts
from kpi_helpers.kpis.tried import tried
from kpi_helpers.measure.held import LEVELS, timed
from kpi_helpers.measure.kinds import KINDS, Kind
from kpi_helpers.sources.checks.across import known_scopes
from kpi_helpers.sources.dataset import LAST_DAY, Dataset, Where, no_segment_column
from kpi_helpers.sources.derived import FIRST_TIMES, as_number, unbound
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.filters import columns_of, condition
from kpi_helpers.sources.registers import ACHIEVEMENTS, SCOPES
from kpi_helpers.sources.tables import FACTS, MADE
from kpi_helpers.sources.words import words_of


def fact(
    data: Dataset, kpis: Sequence[Kpi], by: tuple[str, ...], where: Where, whole: bool = False
) -> ir.Table:
    """The rows that KPIs of one table are counted on, with the dimensions asked for.

    Columns that these KPIs do not name are left out, unless the ``whole`` rows are wanted.

    Raises
    ------
    Unavailable
        When the source lacks the table.
    UnknownName
        When a dimension does not exist there.
    """
    name = kpis[0].table
    if name == ACHIEVEMENTS.name:
        segment = where if _is_segment(data, where) else None
        where = where if segment is None else data.config.segments[str(segment)]
        for column in columns_of(where) if segment else ():
            if column not in ACHIEVEMENTS.names:
                raise no_segment_column(str(segment), column, "targets", ACHIEVEMENTS.names)
        table = achievements(data, tuple(dict.fromkeys((*by, *columns_of(where)))))
        for column in by:
            if column not in table.columns:
                raise unknown("dimension", column, list(SCOPES.values()))
        test = condition(where, table)
        return table if test is None else table.filter(test)
    columns = (*by, *(column for kpi in kpis for column in sorted(_columns_named(kpi))))
    return data.filtered(name, where, columns, alone=not whole)


def kind_of(kpi: Kpi) -> Kind:
    """The kind of a KPI, as its body returns it."""
    return KINDS[tried(kpi).kind]


def require(data: Dataset, kpi: Kpi, by: tuple[str, ...], where: Where) -> None:
    """Check that the source has what a KPI reads, and the dimensions asked for.

    Raises
    ------
    Unavailable
        Naming the table, or the column of it, that is lacking.
    UnknownName
        When its table has no such dimension.
    """
    data.remember(("required", kpi, by, repr(where)), lambda: _required(data, kpi, by, where))


def _required(data: Dataset, kpi: Kpi, by: tuple[str, ...], where: Where) -> None:
    name = "targets" if kpi.table == ACHIEVEMENTS.name else kpi.table
    if needs := data.lacks(name):
        raise Unavailable(what=kpi.id, needs=needs)
    if kpi.table == ACHIEVEMENTS.name:
        _require_targets(data, kpi, by)
    data.remember(("checked", kpi.table, by, repr(where)), lambda: fact(data, [kpi], by, where))
    words = [] if _is_segment(data, where) else words_of(where)
    if kpi.table == ACHIEVEMENTS.name:
        for column, wanted in words:
            _check_scopes(data, column, wanted)
        return
    for column, wanted in words:
        _check_values(data, entity_of(name), column, wanted)
    for dimension in by:
        if dimension not in data.dimensions(name):
            raise unknown("dimension", dimension, data.dimensions(name))
    lacking = (columns_read(kpi) & {*FACTS[name].names}) - data.filled(name)
    if lacking:
        raise Unavailable(what=kpi.id, needs=f"{entity_of(name)}.{min(lacking)}")


def entity_of(table: str) -> str:
    """The table of the source that a table's rows have their columns from."""
    return "deals" if table in MADE else table


def _is_segment(data: Dataset, where: Where) -> bool:
    """A segment serves many data sets: in one of them nobody may have its words."""
    return isinstance(where, str) and where in data.config.segments


def _check_values(data: Dataset, name: str, column: str, wanted: Any) -> None:
    """Refuse a word that no row has on any day: misspelt, it would count nothing in silence."""
    ever = data.remember("ever", lambda: data.at(LAST_DAY)).table(name, (column,))[column]
    values = _given(wanted)
    if ever.type().is_string() and values:
        _refuse_others(values, data.remember(("words", name, column), lambda: _words(data, ever)))


def _check_scopes(data: Dataset, column: str, wanted: Any) -> None:
    """The same for targets: who has one without any row is no more known than elsewhere."""
    if column in SCOPES.values():
        known = known_scopes(data.remember("ever", lambda: data.at(LAST_DAY)), column)
        _refuse_others(_given(wanted), [] if known is None else _words(data, known[column]))


def _given(wanted: Any) -> list[Any]:
    values = wanted if isinstance(wanted, list | tuple | set) else [wanted]
    return [value for value in values if value is not None]


def _refuse_others(values: Sequence[Any], known: Sequence[str]) -> None:
    for value in values:
        if value not in known:
            raise unknown("value", value, known)


def _words(data: Dataset, column: ir.StringColumn) -> list[str]:
    frame = frame_of(data.con, column.as_table().distinct())
    return sorted(frame.iloc[:, 0].dropna())


def _require_targets(data: Dataset, kpi: Kpi, by: tuple[str, ...]) -> None:
    """Say in words why no target of the source can serve a KPI, where none can."""
    pairs = data.remember("target levels", lambda: _pairs(data))
    metric = metric_of(kpi)
    if not pairs:
        raise Unavailable("no_usable_target", what=kpi.id)
    if metric is None:
        return
    if metric not in {m for m, _ in pairs}:
        found = sorted({m for m, _ in pairs})
        strange = [m for m in found if m not in REGISTRY]
        meant = [close for m in strange for close in nearest(m, REGISTRY)]
        raise Unavailable("no_target_metric", metric=metric, found=found, nearest=meant)
    if not _achievable(data, metric):
        raise Unavailable(what=kpi.id, needs=REGISTRY[metric].table)
    if not any(m == metric for m, _ in _levels(data, by)):
        found = sorted({scope for m, scope in pairs if m == metric})
        strange = [scope for scope in found if scope not in LEVELS]
        meant = [close for scope in strange for close in nearest(scope, LEVELS)]
        hints = {"nearest": meant, "allowed": list(LEVELS)} if strange else {}
        level = ", ".join(by) if by else "company"
        raise Unavailable("no_target_level", metric=metric, level=level, found=found, **hints)


def metric_of(kpi: Kpi) -> str | None:
    """What the targets are of that a KPI counts: the metric that its body asks for."""
    table = unbound(kpi.table).op()
    for test in tried(kpi).where.op().find(ops.Equals):
        is_metric = isinstance(test.left, ops.Field) and test.left.name == "metric"
        if is_metric and test.left.rel == table and isinstance(test.right, ops.Literal):
            return str(test.right.value)
    return None


@functools.cache
def columns_read(kpi: Kpi) -> frozenset[str]:
    """Columns that a body cannot do without; what rows cluster by may be absent."""
    parts = tried(kpi)
    return _fields([*parts.terms.values(), parts.where], kpi.table)


@functools.cache
def _columns_named(kpi: Kpi) -> frozenset[str]:
    """Every column of its table that a KPI names, found by trying its body."""
    dated = {kpi.dated} if kpi.dated else set()
    return columns_read(kpi) | _fields([tried(kpi).cluster], kpi.table) | dated


def fields_of(kpi: Kpi, term: str) -> frozenset[str]:
    """Columns of its table that one term of a KPI's parts is made of."""
    return _fields([tried(kpi).terms[term]], kpi.table)


def looks_across(kpi: Kpi) -> bool:
    """Whether a KPI looks for a first time among other rows: the first order of a customer."""
    return bool(_columns_named(kpi) & {*FIRST_TIMES})


def _fields(values: Sequence[Any], name: str) -> frozenset[str]:
    table = unbound(name).op()
    nodes = [value.op() for value in values if isinstance(value, ir.Value)]
    return frozenset(f.name for node in nodes for f in node.find(ops.Field) if f.rel == table)


def achievements(data: Dataset, by: tuple[str, ...]) -> ir.Table:
    """Targets of the level that ``by`` asks for, each with what was achieved in its own period.

    A target runs from ``period_start`` to ``period_end``, both included. It counts for the period
    that holds its ``midpoint``, so that a quota from 30 March to 29 June is the second quarter's.
    """
    targets = data.table("targets")
    rows = [_achieved(data, targets, metric, scope) for metric, scope in _levels(data, by)]
    if not rows:
        raise Unavailable("no_usable_target", what="targets")
    table = timed(functools.reduce(lambda a, b: a.union(b), rows))
    running = table.period_end > ibis.literal(data.as_of)
    return table.mutate(is_met=table.actual >= table.value, is_running=running)


def _levels(data: Dataset, by: tuple[str, ...]) -> list[tuple[str, str]]:
    """(metric, scope type) pairs to read: the level of the dimensions, else the company's own.

    Without a company target the reps' add up to one.
    """
    found = data.remember("target levels", lambda: _pairs(data))
    wanted = [scope for scope, column in SCOPES.items() if column in by]
    if by and not wanted:
        wanted = list(by)
    if wanted == ["team"]:
        wanted = ["team", "rep"]
    order = wanted or ["company", "rep", "team", "product"]
    pairs = []
    for metric in sorted({m for m, _ in found}):
        scope = next((s for s in order if (metric, s) in found), None)
        if scope and _achievable(data, metric):
            pairs.append((metric, scope))
    return pairs


def _achievable(data: Dataset, metric: str) -> bool:
    """Whether the metric is a sum over rows of a table that the source has."""
    kpi = REGISTRY.get(metric)
    additive = kpi is not None and not kpi.derived and tried(kpi).kind in ("count", "total")
    return additive and kpi is not None and kpi.table in data.base


def _pairs(data: Dataset) -> set[tuple[str, str]]:
    frame = frame_of(data.con, data.table("targets").select("metric", "scope_type").distinct())
    return set(frame.itertuples(index=False, name=None))


def _achieved(data: Dataset, targets: ir.Table, metric: str, scope: str) -> ir.Table:
    """Targets of one metric and level, with the metric's sum over each one's dates and scope."""
    kpi = REGISTRY[metric]
    column = SCOPES.get(scope)
    own = targets.filter(targets.metric == metric, targets.scope_type == scope)
    facts = data.table(kpi.table, (column,) if column else ())
    parts: Parts = kpi.body(facts)
    term = parts.terms.get("x", parts.terms.get("k"))
    amount = ibis.ifelse(parts.where, as_number(term), 0.0)
    days = facts.select(day=facts[str(kpi.dated)], amount=amount, who=_scope(facts, column))
    days = days.group_by("day", "who").agg(
        amount=days.amount.sum(), squares=(days.amount * days.amount).sum()
    )
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


def _scope(facts: ir.Table, column: str | None) -> ir.Value:
    return facts[column] if column else ibis.literal("")


def _named(table: ir.Table, this: bool) -> Any:
    return table.scope_value if this else ibis.null(types.string)


def _team_of(data: Dataset, table: ir.Table) -> Any:
    frame = frame_of(data.con, data.table("reps").select("owner", "team"))
    known = frame.dropna().drop_duplicates().drop_duplicates("owner", keep=False)
    pairs = [(table.scope_value == o, t) for o, t in known.itertuples(index=False, name=None)]
    return ibis.cases(*pairs, else_=ibis.null(types.string)) if pairs else ibis.null(types.string)
