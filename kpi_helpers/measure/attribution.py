"""Amounts put down to what brought them within a window, and what was spent to bring them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_helpers import intervals
from kpi_helpers.kpis.parts import Parts
from kpi_helpers.kpis.settled import Array, Remark, Settled
from kpi_helpers.measure.opinions import unless_few

WINDOWED = ("attributed", "spent")


def windowed(parts: Parts, window: int | None) -> Parts:
    """What came within the window, of those that have had it; the others are counted."""
    inside = old = ibis.literal(True)
    days, age = parts.terms.get("days"), parts.terms.get("age")
    if days is not None:
        inside = (days >= 0).fill_null(False)
    if days is not None and window is not None:
        inside = inside & (days <= window)
    if age is not None and window is not None:
        old = (age >= window).fill_null(False)
    terms = {"x": (inside & old).ifelse(parts.terms["x"], 0.0), "k": inside & old}
    counts = {"young": inside & ~old, "lost": ~inside, "of": ibis.literal(True)}
    numbers = {name: test.ifelse(1.0, 0.0) for name, test in counts.items()}
    return dataclasses.replace(parts, terms=terms | numbers)


def attributed_sums(parts: Parts) -> dict[str, ir.Scalar]:
    """Sums over rows, or over clusters of them."""
    counted = {name: parts.where.ifelse(term, 0.0) for name, term in _numbers(parts).items()}
    squares = counted["x"] * counted["x"]
    return {"xx": squares.sum(), **{name: term.sum() for name, term in counted.items()}}


def _numbers(parts: Parts) -> dict[str, ir.Value]:
    return {
        name: term.ifelse(1.0, 0.0) if term.type().is_boolean() else term.cast("float64")
        for name, term in parts.terms.items()
    }


def settle_attributed(sums: Mapping[str, Array]) -> Settled:
    """A sum with the interval of a compound Poisson one; what bears no campaign is counted."""
    x, n, blank = sums["x"], sums["k"], np.full_like(sums["x"], np.nan)
    low, high = unless_few(n, *intervals.compound(x, sums["xx"]))
    lost, every = sums["lost"], sums["of"]
    remarks = (
        Remark("notes.unattributed", lost > 0, {"n": lost, "everyone": every}),
        *_young(sums),
    )
    young = (n == 0) & (sums["young"] > 0)
    return Settled(x, x, blank, n, low, high, "gamma", remarks, young, pace=1.0)


def settle_spent(sums: Mapping[str, Array]) -> Settled:
    """A sum that is not known where nobody wrote one down, and too young where none has aged."""
    n, blank = sums["k"], np.full_like(sums["x"], np.nan)
    value, young = np.where(n > 0, sums["x"], np.nan), (n == 0) & (sums["young"] > 0)
    return Settled(value, value, blank, n, blank, blank, "exact", _young(sums), young, pace=1.0)


def _young(sums: Mapping[str, Array]) -> tuple[Remark, ...]:
    young = sums["young"]
    return (Remark("notes.window_open", young > 0, {"n": young}),)
