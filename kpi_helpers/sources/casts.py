"""Values that carry a type of their own: what they can be read as, and where that needs no mend."""

from __future__ import annotations

import datetime as dt
from typing import Any

import ibis
import ibis.expr.types as ir

from kpi_helpers.sources import parsing
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.schema import IBIS_TYPES, Type

DATES = ("date", "time")
LARGEST = 1e150  # the squares of larger numbers are none to an engine


def tidy_columns(con: Any, raw: ir.Table) -> list[str]:
    """Columns of text without a value to clean, of finite numbers, of days that calendars have.

    Moments of no stated zone that are all midnights are days, and the same wherever one is.
    None is known to be where rows may still come in.
    """
    tests = {name: _untidy(raw[name]) for name in raw.columns if con.name == "duckdb"}
    asked = {name: test for name, test in tests.items() if test is not None}
    if not asked:
        return []
    counts = {f"untidy_{place}": test.sum() for place, test in enumerate(asked.values())}
    found = frame_of(con, raw.aggregate(**counts)).fillna(0).iloc[0]
    return [name for name, count in zip(asked, found, strict=True) if count == 0]


def _untidy(value: ir.Value) -> ir.BooleanValue | None:
    if value.type().is_string():
        return parsing.is_untidy(value)
    if value.type().is_date() or value.type().is_timestamp():
        day = value.cast("date")
        odd = ~day.between(dt.date.min, dt.date.max)
        return odd | (value != day.cast(value.type())) if is_naive(value) else odd
    return ~_is_finite(value) if value.type().is_floating() else None


def can_hold(kind: Any, wanted: Type) -> bool:
    """Whether values of a type of the engine can be read as those of a canonical column."""
    if kind.is_null() or (kind.is_string() and not kind.is_json()):
        return True
    if wanted in DATES:
        return bool(kind.is_date() or kind.is_timestamp())
    if wanted == "number":
        return bool(kind.is_numeric() or kind.is_boolean())
    return bool(kind.is_primitive() or kind.is_temporal() or kind.is_decimal() or kind.is_uuid())


def as_text(value: ir.Value) -> ir.StringValue:
    """Text as it is; a whole number without decimals, for gaps make 12 a 12.0 in many exports."""
    if value.type().is_string():
        return parsing.clean(value)
    if not value.type().is_floating():
        return value.cast("string")
    whole = (value == value.floor()) & (value.abs() < 2.0**53)
    return ibis.ifelse(whole, value.cast("int64").cast("string"), value.cast("string"))


def typed(value: ir.Value, kind: Type, tidy: bool) -> ir.Value:
    """The value as its column holds it: no number beyond `LARGEST`, no day that calendars lack.

    "Never" is the 31 December 9999 of others, and listed as such.
    """
    cast = value.cast(IBIS_TYPES[kind])
    if not tidy and kind in DATES:
        first, last = (ibis.literal(day).cast(cast.type()) for day in (dt.date.min, dt.date.max))
        return ibis.cases((cast < first, first), (cast > last, last), else_=cast)
    if tidy or not value.type().is_floating():
        return cast
    return ibis.ifelse(_is_finite(cast), cast, ibis.null(IBIS_TYPES[kind]))


def is_naive(value: ir.Value) -> bool:
    """Whether it is a moment that does not say of which zone."""
    return bool(value.type().is_timestamp() and value.type().timezone is None)


def _is_finite(number: ir.FloatingValue) -> ir.BooleanValue:
    """Whether it can be counted with: engines hold what is no number for larger than all others."""
    return number.abs() < LARGEST
