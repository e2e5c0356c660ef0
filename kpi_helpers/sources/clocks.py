"""Times of a clock somewhere and the moments that they are, in the words of each engine."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.datatypes as types
import ibis.expr.types as ir


def moment_of(con: Any, zone: str, clock: ir.TimestampValue) -> ir.TimestampValue:
    """The moment at which a clock of the zone shows a time."""
    return _to_utc(clock, zone) if con.name == "pyspark" else _zoned(zone, clock)


def clock_of(con: Any, zone: str, moment: ir.TimestampValue) -> ir.TimestampValue:
    """What a clock of the zone shows at a moment."""
    return _from_utc(moment, zone) if con.name == "pyspark" else _zoned(zone, moment)


@ibis.udf.scalar.builtin(
    name="timezone", signature=((types.string, types.timestamp), types.timestamp)
)
def _zoned(zone: str, moment: Any) -> Any:
    """The engine's own ``timezone``: from a zone's local time to a moment, or back."""


_SPARK = ((types.timestamp, types.string), types.timestamp)


@ibis.udf.scalar.builtin(name="to_utc_timestamp", signature=_SPARK)
def _to_utc(clock: Any, zone: str) -> Any:
    """What ``timezone`` is on Spark, from a zone's local time."""


@ibis.udf.scalar.builtin(name="from_utc_timestamp", signature=_SPARK)
def _from_utc(moment: Any, zone: str) -> Any:
    """What ``timezone`` is on Spark, to a zone's local time."""
