"""The tables that KPIs are counted on: the canonical ones, and targets with what was achieved."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import ibis.expr.operations as ops
import ibis.expr.types as ir

from kpi_helpers.catalogue import REGISTRY, Kpi
from kpi_helpers.errors import Unavailable, nearest, unknown
from kpi_helpers.kpis.tried import tried
from kpi_helpers.measure.achieved import achievable, achievements, by_day, levels, pairs
from kpi_helpers.measure.held import LEVELS
from kpi_helpers.measure.kinds import KINDS, Kind
from kpi_helpers.measure.pacing import with_pace
from kpi_helpers.periods import LAST_DAY
from kpi_helpers.sources.across_rows import FIRST_TIMES
from kpi_helpers.sources.checks.across import known_scopes
from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.derived import unbound
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.facts import FACTS, MADE
from kpi_helpers.sources.filters import columns_of, condition, no_segment_column
from kpi_helpers.sources.linked import lacking as lacking_of
from kpi_helpers.sources.linked import linked
from kpi_helpers.sources.registers import ACHIEVEMENTS, SCOPES
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
        if any("expected" in _columns_named(kpi) for kpi in kpis):
            table = with_pace(data, table, lambda metric: by_day(data, metric))
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
    filled = {each: data.filled(each) for each in data.base}
    for need in lacking_of(linked(name, _columns_named(kpi)), filled):
        raise Unavailable(what=kpi.id, needs=need)


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
    known = data.remember("target levels", lambda: pairs(data))
    metric = metric_of(kpi)
    if not known:
        raise Unavailable("no_usable_target", what=kpi.id)
    if metric is None:
        return
    if metric not in {m for m, _ in known}:
        found = sorted({m for m, _ in known})
        strange = [m for m in found if m not in REGISTRY]
        meant = [close for m in strange for close in nearest(m, REGISTRY)]
        raise Unavailable("no_target_metric", metric=metric, found=found, nearest=meant)
    if not achievable(data, metric):
        raise Unavailable(what=kpi.id, needs=REGISTRY[metric].table)
    if not any(m == metric for m, _ in levels(data, by)):
        found = sorted({scope for m, scope in known if m == metric})
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
