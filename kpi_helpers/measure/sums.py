"""What the engine adds up in one cell for each kind of figure: parts → sums."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from kpi_helpers.kpis.parts import Parts

Sums = dict[str, ir.Scalar]


def _sum(value: ir.Value, where: ir.BooleanValue) -> ir.Scalar:
    if value.type().is_boolean():
        return (value & where).sum()
    return ibis.ifelse(where, value.cast("float64"), 0.0).sum()


def count_sums(parts: Parts) -> Sums:
    """How many rows."""
    return {"k": parts.terms["k"].sum()}


def total_sums(parts: Parts) -> Sums:
    """Σx, n and Σx², and how many rows have no amount."""
    x = parts.terms["x"]
    return {
        "x": _sum(x, parts.where),
        "n": parts.where.sum(),
        "xx": _sum(x * x, parts.where),
        "lacking": parts.terms["lacking"].sum(),
    }


def share_sums(parts: Parts) -> Sums:
    """How often each test holds."""
    return {name: term.sum() for name, term in parts.terms.items()}


def ratio_sums(parts: Parts) -> Sums:
    """How many rows, two sums, their squares and their product."""
    a, b = parts.terms["a"], parts.terms["b"]
    products = {"a": a, "b": b, "aa": a * a, "bb": b * b, "ab": a * b}
    return {"n": parts.where.sum(), **{n: _sum(p, parts.where) for n, p in products.items()}}


def mature_sums(parts: Parts) -> Sums:
    """Those of a ratio, beside how many rows there would be in all."""
    return {**ratio_sums(parts), "of": parts.terms["of"].sum()}


def value_share_sums(parts: Parts) -> Sums:
    """Those of a ratio whose upper part is all of a row or nothing of it."""
    sums = ratio_sums(parts)
    counts = {name: parts.terms[name].sum() for name in ("of", "outside", "outside_priced")}
    return {**sums, "aa": sums["ab"], **counts}  # a is either b or nothing


def exact_sums(parts: Parts) -> Sums:
    """How many rows, and the sum of each term."""
    sums = {name: _sum(term, parts.where) for name, term in parts.terms.items()}
    return {"n": parts.where.sum(), **sums}


def moment_sums(parts: Parts) -> Sums:
    """n, Σx, Σx² and Σx³."""
    x = parts.terms["x"]
    powers = {"x": x, "xx": x * x, "xxx": x * x * x}
    return {"n": parts.where.sum(), **{n: _sum(p, parts.where) for n, p in powers.items()}}


def distinct_sums(parts: Parts) -> Sums:
    """How many different ones."""
    return {"k": parts.terms["id"].nunique(where=parts.where).cast("float64")}


def no_sums(parts: Parts) -> Sums:
    """Nothing: another query than the shared one serves these."""
    return {}
