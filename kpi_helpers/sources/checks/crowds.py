"""What is odd about a row beside the other rows of its table: copies, bursts, days far off."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import chain

import ibis
import ibis.expr.types as ir
import pandas as pd

from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.errors import nearest
from kpi_helpers.sources.checks.marks import (
    COPY,
    EXCLUDED,
    FLAGGED,
    Mark,
    Test,
    copy_number,
    is_placeholder,
)
from kpi_helpers.sources.checks.rules import marks_of, unusable
from kpi_helpers.sources.currencies import money_of
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.derived import days_between
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.mapping import Mapped
from kpi_helpers.sources.personal import same_phone
from kpi_helpers.sources.reading import STATUS_WORDS
from kpi_helpers.sources.registers import LONGEST_TARGET, SCOPES

OUT, OVERLAPS = "_kpi_out", "_kpi_overlaps"
CROWD = 20
BURST = 10
MANY = 1000
SAME_LEAD = ("email", "phone", "customer_name")
_STAGED = ("time_in_stage", "stage_conversion")
# Accents that a name may be written with or without.
_ACCENTED, _PLAIN = "àâäáãåçéèêëíìîïñóòôöõúùûüýÿ", "aaaaaaceeeeiiiinooooouuuuyy"


def marked(data: Dataset, name: str) -> tuple[ir.Table, list[Mark]]:
    """A mapped table with what its marks look at, and every mark that applies to it.

    `OUT` is true on the rows that are left out; what is only flagged is so on the others.
    """
    expr, marks = data.remember(("marked", name), lambda: _marked(data, data.mapped[name]))
    return expr, [*marks]


def _marked(data: Dataset, mapped: Mapped) -> tuple[ir.Table, list[Mark]]:
    expr = mapped.expr.mutate(**{OUT: unusable(mapped)})
    expr = money_of(expr, mapped.table, data.config, data.base.get("rates"))
    expr, copies = _copies(expr, mapped, data.config.table(mapped.table.name).deduplicate)
    if copies.action == EXCLUDED:
        expr = expr.mutate(**{OUT: expr[OUT] | copies.test(expr)})
    expr, twins = _twins(expr, mapped)
    expr, overlaps = _overlaps(data, expr, mapped)
    marks = [*marks_of(mapped, data.as_of), copies, *twins, *overlaps]
    rows = expr.filter(~expr[OUT])
    marks += [*_bursts(data, mapped, rows), *_moves(data, mapped, rows), *_far_off(data, mapped)]
    strange = [_strange_stage(data, mapped), _strange_kpi(data, rows, mapped.table.name)]
    return expr, [*marks, *chain(*strange, _strange_scope(data, rows, mapped.table.name))]


def hit(mark: Mark, table: ir.Table) -> ir.BooleanValue:
    """The rows of a marked table that a mark is about: none that is left out is flagged too."""
    test = mark.test(table).fill_null(False)
    return test if mark.action == EXCLUDED else test & ~table[OUT]


def _copies(expr: ir.Table, mapped: Mapped, declared: tuple[str, ...]) -> tuple[ir.Table, Mark]:
    """The table with the copies of each key counted, and the mark about them."""
    own = tuple(key for key in mapped.table.keys if key in mapped.columns)
    if mapped.table.name == "targets" and own:  # of two values, see `_overlaps`
        own = (*own, str(mapped.table.money))
    keys = declared or own or (*mapped.columns, *mapped.dimensions)
    reason = "duplicate_key" if declared or own else "identical_row"
    keys = tuple(key for key in keys if key in expr.columns)
    number = copy_number(expr, keys, mapped.table, expr[OUT])
    return expr.mutate(**{COPY: number}), Mark(
        reason,
        keys[0],
        _again(COPY),
        EXCLUDED if declared else FLAGGED,
        needs=keys[1:] if declared or own else (),
    )


def _twins(expr: ir.Table, mapped: Mapped) -> tuple[ir.Table, list[Mark]]:
    """Leads that share an address, a telephone or a name, but for case, accents and spaces."""
    columns = [c for c in SAME_LEAD if c in mapped.columns and mapped.table.name == "leads"]
    marks = []
    for column in columns:
        key, copy = f"_kpi_{column}", f"{COPY}_{column}"
        same = same_phone if column == "phone" else normal
        expr = expr.mutate(**{key: same(expr[column])})
        expr = expr.mutate(**{copy: copy_number(expr, (key,), mapped.table, expr[OUT])})
        marks.append(Mark("duplicate_lead", column, _again(copy), kpis=("leads_generated",)))
    return expr, marks


def _overlaps(data: Dataset, expr: ir.Table, mapped: Mapped) -> tuple[ir.Table, list[Mark]]:
    """Targets of one metric and scope that share days, where no rule says which of them counts.

    Months within a quarter are none, for the quarter's own counts; nor is a target written twice.
    """
    if mapped.table.name != "targets":
        return expr, []
    used, keys = expr.filter(~expr[OUT]), [key for key in mapped.table.keys if key in expr.columns]
    other = used.view()
    same = {key: used[key].identical_to(other[key]) for key in keys}
    apart = [same.pop(key) for key in ("period_start", "period_end")]
    shared = [used.period_start <= other.period_end, other.period_start <= used.period_end]
    shared += [~_nested(used, other), ~_nested(other, used)]
    on = [*same.values(), *shared, ~ibis.and_(*apart) | (used.value != other.value)]
    clash = used.semi_join(other, on)
    metrics = sorted(_words(data, clash.metric))
    if not metrics:
        return expr, []
    parts = clash, used.anti_join(other, on), expr.filter(expr[OUT])
    flagged = ibis.union(*(t.mutate(**{OVERLAPS: t is clash}) for t in parts))
    kpis = tuple(dict.fromkeys(("revenue_attainment", *metrics)))
    return flagged, [Mark("overlapping_target", "value", lambda t: t[OVERLAPS], kpis=kpis)]


def _nested(inner: ir.Table, outer: ir.Table) -> ir.BooleanValue:
    """Whether a target lies within another, and is clearly shorter."""
    inner_days, outer_days = (
        days_between(t.period_start, t.period_end) + 1 for t in (inner, outer)
    )
    within = (inner.period_start >= outer.period_start) & (inner.period_end <= outer.period_end)
    return within & (inner_days * LONGEST_TARGET < outer_days)


def _again(copy: str) -> Test:
    return lambda t: t[copy] > 0


def normal(name: ir.StringValue) -> ir.StringValue:
    """A name in lower case, without accents, its words set apart by one space."""
    plain = name.lower().translate(_ACCENTED, _PLAIN)
    return plain.re_replace("[^a-z0-9]+", " ").strip().nullif("")


def _bursts(data: Dataset, mapped: Mapped, rows: ir.Table) -> Iterator[Mark]:
    """Days on which more than ten times as many rows begin as on an ordinary day."""
    name, dated = mapped.table.name, str(mapped.table.dated)
    if name not in ("deals", "leads", "customers") or dated not in mapped.columns:
        return
    counts = frame_of(data.con, rows.group_by(day=rows[dated]).agg(n=rows.count())).dropna()
    usual = counts["n"].median()
    days = counts.loc[(counts["n"] > CROWD) & (counts["n"] > BURST * usual), "day"]
    found = [pd.Timestamp(day).date() for day in days]
    if found:
        kpis = {"deals": ("pipeline_created",), "leads": ("leads_generated",)}.get(name, ())
        yield Mark("import_burst", dated, lambda t: t[dated].isin(found), kpis=kpis)


def _moves(data: Dataset, mapped: Mapped, rows: ir.Table) -> Iterator[Mark]:
    """Minutes in which more than twenty deals enter a stage; midnight stands for no hour at all."""
    if mapped.table.name != "stage_history":
        return
    minute = rows.entered_at.truncate("m")
    timed = rows.filter(minute != minute.truncate("D")).group_by(minute=minute)
    crowded = timed.agg(n=ibis._.deal_id.nunique()).filter(ibis._.n > CROWD)
    found = pd.to_datetime(frame_of(data.con, crowded.limit(MANY))["minute"]).tolist()
    if found:
        yield Mark(
            "bulk_move",
            "entered_at",
            lambda t: t.entered_at.truncate("m").isin(found),
            kpis=_STAGED,
        )


def _far_off(data: Dataset, mapped: Mapped) -> Iterator[Mark]:
    """Days far from all others, which must not say from when and up to when the data reach."""
    for (name, column), cover in data.ever.items():
        first, last = cover.first, cover.last
        if name != mapped.table.name or column not in mapped.columns or not (first and last):
            continue
        if cover.latest is not None and cover.latest > last:
            yield Mark("far_ahead", column, later_than(column, last))
        if cover.earliest is not None and cover.earliest < first:
            yield Mark("far_behind", column, _earlier_than(column, first))


def later_than(column: str, last: dt.date) -> Test:
    """The test for days after one; those that stand for an unknown day are none."""
    return lambda t: (t[column].cast("date") > last) & ~is_placeholder(t[column].cast("date"))


def _earlier_than(column: str, first: dt.date) -> Test:
    return lambda t: (t[column].cast("date") < first) & ~is_placeholder(t[column].cast("date"))


def _strange_stage(data: Dataset, mapped: Mapped) -> Iterator[Mark]:
    """Stages that the declared order does not have."""
    known = [*data.config.all_stages]
    if known and "stage" in mapped.columns and mapped.table.name in ("deals", "stage_history"):
        ends = [word for end in ("won", "lost") for word in STATUS_WORDS[end].split(", ")]

        def strange(table: ir.Table) -> ir.BooleanValue:
            plain = table.stage.lower().replace("é", "e")
            return table.stage.notin(known) & plain.notin(ends)

        yield Mark("stage_not_in_map", "stage", strange, kpis=_STAGED)


# Registers whose rows are about a KPI, and the column that names it.
_OF_KPIS = {"targets": "metric", "actions": "kpi_id", "kpi_log": "kpi_id"}


def _strange_kpi(data: Dataset, rows: ir.Table, name: str) -> Iterator[Mark]:
    """Names of KPIs that there are not; nobody can tell before the KPIs are declared."""
    column = _OF_KPIS.get(name)
    if column is None or not REGISTRY:
        return
    strange = _words(data, rows[column]) - {*REGISTRY}
    if strange:
        meant = [close for each in sorted(strange) for close in nearest(each, REGISTRY, 1)]
        hint = ", ".join(dict.fromkeys(meant)) or "revenue"
        yield Mark("unknown_kpi", column, lambda t: t[column].isin([*strange]), hint=hint)


def _strange_scope(data: Dataset, rows: ir.Table, name: str) -> Iterator[Mark]:
    """Kinds of scope that are neither the company nor what figures are broken down by."""
    if name != "targets":
        return
    known = ["company", *SCOPES]
    strange = _words(data, rows.scope_type) - {*known}
    if strange:
        others = {d for fact in data.base for d in data.dimensions(fact)}
        strange -= others - {*SCOPES.values()}
    if strange:
        yield Mark(
            "unknown_scope_type",
            "scope_type",
            lambda t: t.scope_type.isin([*strange]),
            hint=", ".join(known),
        )


def _words(data: Dataset, column: ir.Value) -> set[str]:
    """The different words of a column."""
    return {*frame_of(data.con, column.name("word").as_table().distinct())["word"].dropna()}
