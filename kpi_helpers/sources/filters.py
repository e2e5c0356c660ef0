"""Filters: an expression, or the values that columns may have, as a test on rows."""

from __future__ import annotations

import datetime as dt
import numbers
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from pandas.api.types import is_scalar

from kpi_helpers.errors import BadInput, UnknownName, nearest, unknown
from kpi_helpers.language import Phrase
from kpi_helpers.sources.expressions import compile_expression, names_in, unreadable
from kpi_helpers.sources.parsing import is_day


def condition(where: str | Mapping[str, Any] | None, table: ir.Table) -> ir.BooleanValue | None:
    """Turn a filter into a boolean column, or None for no filter.

    Parameters
    ----------
    where
        ``None``, an expression as text, or a mapping of a column to a value or a list of values
        (``None``, or what pandas has for it, selects what is missing).
    table
        Ibis table with these columns.

    Examples
    --------
    >>> import ibis
    >>> deals = ibis.table({"team": "string"}, name="deals")
    >>> condition({"team": ["A", "B"]}, deals).type()
    Boolean(nullable=True)
    """
    if where is None or where == {}:
        return None
    if isinstance(where, str):
        result = compile_expression(where, table)
        if not isinstance(result, ir.BooleanValue):
            raise unreadable(where)
        return result
    tests = [_equals(table, name, wanted) for name, wanted in where.items()]
    result = tests[0]
    for test in tests[1:]:
        result = result & test
    return result


def _equals(table: ir.Table, name: str, wanted: Any) -> ir.BooleanValue:
    if name not in table.columns:
        raise unknown("column", name, table.columns)
    column = table[name]
    values = list(wanted) if isinstance(wanted, list | tuple | set) else [wanted]
    known = [value for value in values if not (is_scalar(value) and pd.isna(value))]
    for value in known:
        _check_value(column, name, value)
    test = column.isin(known)
    return test | column.isnull() if len(known) < len(values) else test


def _check_value(column: ir.Column, name: str, value: Any) -> None:
    """Refuse what the values of a column cannot be compared with."""
    kind = column.type()
    if kind.is_numeric():
        fits, expected = isinstance(value, numbers.Real | Decimal) and _is_held(value), "number"
    elif kind.is_boolean():
        fits, expected = isinstance(value, bool | np.bool_), "yes_or_no"
    elif kind.is_temporal():
        fits, expected = _is_day(value), "iso_day"
    else:  # engines end a text at a zero
        fits, expected = isinstance(value, str) and "\x00" not in value, "text"
    if not fits:
        raise BadInput(column=name, value=value, expected=Phrase(f"expected.{expected}"))


def _is_day(value: Any) -> bool:
    return is_day(value) if isinstance(value, str) else isinstance(value, dt.date | np.datetime64)


def _is_held(value: Any) -> bool:
    """Whether engines have a type for a number: whole ones have 64 bits at most."""
    return not isinstance(value, int) or -(1 << 63) <= value < 1 << 63


def columns_of(where: str | Mapping[str, Any] | None) -> tuple[str, ...]:
    """Names of the columns that a filter reads.

    Examples
    --------
    >>> columns_of("amount >= 100 and team == 'A'")
    ('amount', 'team')
    """
    if where is None or where == "":
        return ()
    if isinstance(where, Mapping):
        return tuple(where)
    if not isinstance(where, str):
        raise BadInput(column="where", value=where, expected=Phrase("expected.filter"))
    return names_in(where)


def no_segment_column(segment: str, column: str, table: str, known: Sequence[str]) -> UnknownName:
    """The error for a segment that filters by a column which a table does not have."""
    near = nearest(column, known)
    return UnknownName(
        "no_segment_column", segment=segment, column=column, table=table, nearest=near
    )
