"""Figures whose rows look at their period as a whole, and are asked once for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_helpers.kpis.parts import LARGEST, Parts
from kpi_helpers.kpis.settled import Array, Remark, Settled, divided
from kpi_helpers.sources.derived import as_number, days_between
from kpi_helpers.sources.engine import END, START

Sums = dict[str, ir.Scalar]


def of_cluster(term: ir.Value) -> ir.Scalar:
    """The sum of an amount, or one where a test holds on any row of the cluster."""
    if term.type().is_boolean():
        return term.ifelse(1.0, 0.0).max()
    return as_number(term).sum()


def by_entity(rows: ir.Table, parts: Parts, entity: ir.Value, by: Sequence[str]) -> ir.Table:
    """The rows that count, added up by entity in each cell."""
    counted = rows.mutate(**parts.terms, _entity=entity).filter(parts.where)
    terms = {name: of_cluster(counted[name]) for name in parts.terms if name != "id"}
    return counted.group_by([*by, "_entity"]).agg(**terms)


def _present(rows: ir.Table, parts: Parts, by: Sequence[str]) -> tuple[ir.Table, Sums]:
    """Weights, each for the part of the period in which it was there."""
    there = rows.mutate(**parts.terms).filter(parts.where)
    first = ibis.greatest(there.since, START)
    last = ibis.least(there.until, END - ibis.interval(days=1))
    part = (days_between(first, last) + 1).cast("float64") / days_between(START, END)
    return there, {"x": (there.x * part).sum().fill_null(0.0), "n": there.count()}


def _of_newcomers(rows: ir.Table, parts: Parts, by: Sequence[str]) -> tuple[ir.Table, Sums]:
    each = by_entity(rows, parts, parts.cluster, by)
    products = {
        **{"a": each.a, "b": each.b},
        **{"aa": each.a * each.a, "bb": each.b * each.b, "ab": each.a * each.b},
    }
    sums = {name: value.sum().fill_null(0.0) for name, value in products.items()}
    return each, {"n": each.count(), **sums}


def _largest(rows: ir.Table, parts: Parts, by: Sequence[str]) -> tuple[ir.Table, Sums]:
    each = by_entity(rows, parts, parts.terms["id"], by)
    rank = ibis.row_number().over(ibis.window(group_by=list(by), order_by=ibis.desc("x")))
    ranked = each.mutate(_rank=rank)
    tops = {
        f"top_{most}": ibis.ifelse(ranked._rank < most, ranked.x, 0.0).sum().fill_null(0.0)
        for most in LARGEST
    }
    return ranked, {"n": ranked.count(), "b": ranked.x.sum().fill_null(0.0), **tops}


_SUMMED: dict[str, Callable[[ir.Table, Parts, Sequence[str]], tuple[ir.Table, Sums]]] = {
    "present": _present,
    "newcomers": _of_newcomers,
    "largest": _largest,
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
