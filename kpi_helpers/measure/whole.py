"""Figures whose rows look at their period as a whole, and are asked once for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_helpers import intervals
from kpi_helpers.kpis.parts import LARGEST, Parts
from kpi_helpers.kpis.settled import Array, Remark, Settled, divided
from kpi_helpers.measure.opinions import unless_few
from kpi_helpers.sources.derived import as_number, days_between
from kpi_helpers.sources.engine import END, START

Sums = dict[str, ir.Scalar]

# Customers are ranked in fifths, few of them in thirds.
GROUPS, FEWER_GROUPS, FEW_TO_RANK = 5, 3, 50


def of_cluster(term: ir.Value) -> ir.Scalar:
    """The sum of an amount, or one where a test holds on any row of the cluster."""
    if term.type().is_boolean():
        return term.ifelse(1.0, 0.0).max()
    return as_number(term).sum()


def by_entity(rows: ir.Table, parts: Parts, entity: ir.Value, by: Sequence[str]) -> ir.Table:
    """The rows that count, added up by entity in each cell."""
    counted = rows.filter(parts.where).mutate(**parts.terms, _entity=entity)
    terms = {name: of_cluster(counted[name]) for name in parts.terms if name != "id"}
    return counted.group_by([*by, "_entity"]).agg(**terms)


def squares(a: ir.NumericValue, b: ir.NumericValue) -> Sums:
    """The sums of two amounts, of their squares and of their product."""
    products = {"a": a, "b": b, "aa": a * a, "bb": b * b, "ab": a * b}
    return {name: value.sum().fill_null(0.0) for name, value in products.items()}


def _present(rows: ir.Table, parts: Parts, by: Sequence[str]) -> tuple[ir.Table, Sums]:
    """Weights, each for the part of the period in which it was there."""
    there = rows.filter(parts.where).mutate(**parts.terms)
    first = ibis.greatest(there.since, START)
    last = ibis.least(there.until, END - ibis.interval(days=1))
    part = (days_between(first, last) + 1).cast("float64") / days_between(START, END)
    return there, {"x": (there.x * part).sum().fill_null(0.0), "n": there.count()}


def _of_newcomers(rows: ir.Table, parts: Parts, by: Sequence[str]) -> tuple[ir.Table, Sums]:
    each = by_entity(rows, parts, parts.cluster, by)
    return each, {"n": each.count(), **squares(each.a, each.b)}


def _largest(rows: ir.Table, parts: Parts, by: Sequence[str]) -> tuple[ir.Table, Sums]:
    each = by_entity(rows, parts, parts.terms["id"], by)
    ranked = each.x.collect().sort()
    tops = {f"top_{most}": ranked[-most:].sums().fill_null(0.0) for most in LARGEST}
    return each, {"n": each.count(), "b": each.x.sum().fill_null(0.0), **tops}


def _share(rows: ir.Table, parts: Parts, by: Sequence[str]) -> tuple[ir.Table, Sums]:
    """Few rows count in a period: to leave out the others is cheaper than to add up zeros."""
    counted = rows.filter(parts.where).mutate(_k=parts.terms["k"])
    return counted, {"k": counted._k.sum().fill_null(0), "n": counted.count()}


def _varied(rows: ir.Table, parts: Parts, by: Sequence[str]) -> tuple[ir.Table, Sums]:
    counted = rows.filter(parts.where).mutate(**parts.terms)
    each = counted.group_by([*by, "id"]).agg(kinds=counted.of.nunique())
    return each, {"k": (each.kinds > 1).sum().fill_null(0), "n": each.count()}


def _at_risk(rows: ir.Table, parts: Parts, by: Sequence[str]) -> tuple[ir.Table, Sums]:
    """Ranks from the least; equal ones share the lowest, so that no order of rows decides."""
    counted = rows.filter(parts.where).mutate(**parts.terms)
    visits = {"last": counted.day.max(where=counted.kept), "often": counted.kept.sum()}
    cents = (100 * counted.x.sum()).round()
    each = counted.group_by([*by, "id"]).agg(**visits, much=cents)
    each = each.filter(each.often > 0)
    n = each.count().over(ibis.window(group_by=list(by)))
    groups = ibis.ifelse(n < FEW_TO_RANK, FEWER_GROUPS, GROUPS)
    below = {
        name: ibis.rank().over(ibis.window(group_by=list(by), order_by=each[name]))
        for name in ("last", "often", "much")
    }
    each = each.mutate(groups=groups, n=n, **{f"_{name}": rank for name, rank in below.items()})
    last, often, much = (each.groups * each[f"_{name}"] // each.n for name in below)
    risk = (last < each.groups // 2) & (often + much >= each.groups - 1)
    each = each.mutate(risk=risk)
    n = each.count()
    return each, {"a": each.risk.sum().fill_null(0), "b": n, "n": n}


def _active(rows: ir.Table, parts: Parts, by: Sequence[str]) -> tuple[ir.Table, Sums]:
    there = rows.filter(parts.where).mutate(**parts.terms)
    return there, {"k": there.id.nunique().cast("float64")}


def _snapshot(rows: ir.Table, parts: Parts, by: Sequence[str]) -> tuple[ir.Table, Sums]:
    """Moments of what is there today, beside how many rows are there on whatever day."""
    every = rows.mutate(**parts.terms, _counted=parts.where).filter(parts.terms["there"])
    x = every._counted.ifelse(every.x.cast("float64"), 0.0)
    powers = {"x": x, "xx": x * x, "xxx": x * x * x}
    sums = {name: power.sum().fill_null(0.0) for name, power in powers.items()}
    counted = every._counted.sum().fill_null(0)
    return every, {"n": counted, "ever": every.count(), **sums}


_SUMMED: dict[str, Callable[[ir.Table, Parts, Sequence[str]], tuple[ir.Table, Sums]]] = {
    "present": _present,
    "newcomers": _of_newcomers,
    "largest": _largest,
    "share_then": _share,
    "varied": _varied,
    "at_risk": _at_risk,
    "active": _active,
    "snapshot": _snapshot,
}


def of_period(rows: ir.Table, parts: Parts, name: str, by: Sequence[str]) -> ir.Table:
    """The sums of a KPI in one period, from `START` to `END`.

    Parameters
    ----------
    rows
        The rows of its table.
    parts
        What its body makes of them.
    name
        Its id, with which the sums' names begin.
    by
        Dimensions.
    """
    each, sums = _SUMMED[parts.kind](rows, parts, by)
    named = {f"{name}__{part}": value for part, value in sums.items()}
    return (each.group_by(list(by)) if by else each).aggregate(**named)


def settle_largest(sums: Mapping[str, Array]) -> Settled:
    """Share of the largest; of few entities only the first three say anything."""
    most, fewer = LARGEST
    few = sums["n"] < most
    a, b = np.where(few, sums[f"top_{fewer}"], sums[f"top_{most}"]), sums["b"]
    blank = np.full_like(b, np.nan)
    remark = Remark(
        "notes.few_entities",
        few & (sums["n"] > 0),
        {"k": np.full_like(b, fewer), "most": np.full_like(b, most)},
    )
    value = divided(a, np.maximum(b, 0))
    return Settled(value, a, b, sums["n"], blank, blank, "exact", (remark,))


def settle_snapshot(sums: Mapping[str, Array]) -> Settled:
    """A mean with Hall's interval; for another day than today it is not known."""
    n, x = sums["n"], sums["x"]
    low, high = unless_few(n, *intervals.hall(n, x, sums["xx"], sums["xxx"]))
    past = Remark("notes.only_today", (n == 0) & (sums["ever"] > 0), {})
    return Settled(divided(x, n), x, n, n, low, high, "hall", (past,))


def settle_paced(sums: Mapping[str, Array]) -> Settled:
    """What is done over what is expected; the range is that of the years before."""
    a, b, linear = sums["a"], sums["b"], sums["linear"] > 0
    low, high = divided(a, sums["most"]), divided(a, sums["least"])
    alone = (sums["least"] >= sums["most"]) | linear
    low, high = (np.where(alone | (b == 0), np.nan, limit) for limit in (low, high))
    share = 100 * divided(b, sums["whole"])
    running = (sums["n"] > 0) & (b < sums["whole"]) & (b > 0)
    remarks = (
        Remark("notes.paced_linear", running & linear, {"share": share}),
        Remark("notes.paced_seasonal", running & ~linear, {"share": share}),
    )
    return Settled(divided(a, b), a, b, sums["n"], low, high, "past years", remarks)


def settle_exact(sums: Mapping[str, Array]) -> Settled:
    """A ratio of facts, with the spread of what stands above where it is known."""
    a, b, blank = sums["a"], sums["b"], np.full_like(sums["a"], np.nan)
    settled = Settled(divided(a, b), a, b, sums["n"], blank, blank, "exact")
    if "squares" not in sums:
        return settled
    return settled._replace(spread=divided(np.sqrt(sums["squares"]), b), pace=1.0)
