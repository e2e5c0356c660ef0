"""What bodies return that look at what stood at the end of the period, or was to come in it."""

from __future__ import annotations

import ibis.expr.types as ir

from kpi_helpers.kpis.parts import Parts, value_share, waiting


def share_then(part: ir.BooleanValue, of: ir.BooleanValue) -> Parts:
    """A share of what stood at the end of the period, or was to come; see `share`.

    The tests may use `START` and `END` of the period.
    """
    return Parts("share_then", {"k": part & of, "n": of}, of)


def value_share_then(amount: ir.NumericValue, part: ir.BooleanValue, of: ir.BooleanValue) -> Parts:
    """Share of an amount that stood at the end of the period; see `value_share`."""
    found = value_share(amount, part, of)
    return Parts("value_share_then", found.terms, found.where)


def chances(amount: ir.NumericValue, chance: ir.NumericValue, where: ir.BooleanValue) -> Parts:
    """What amounts that come or do not, each by its own chance, will add up to."""
    return Parts("chances", {"amount": amount, "chance": chance}, where)


def age_then(days: ir.IntegerValue) -> Parts:
    """The middle age of what stood at the end of the period."""
    found = waiting(days, days >= 0)
    return Parts("age_then", found.terms, found.where)
