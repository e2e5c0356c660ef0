"""Frames that a person already has, made into what the engine can take."""

from __future__ import annotations

from typing import Any

import pandas as pd

from kpi_helpers.errors import BadInput
from kpi_helpers.sources.files.headers import distinct_names


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns that DuckDB can take: names as text, categories and periods as what they hold."""
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise BadInput("two_columns", column=str(repeated[0]))
    taken = frame.reset_index(drop=True)
    names = distinct_names([str(name) for name in taken.columns])
    columns = (column for _, column in taken.items())
    converted = [_converted(c) if _needs_conversion(c) else c for c in columns]
    return pd.DataFrame(dict(zip(names, converted, strict=True)), index=taken.index)


def _needs_conversion(column: pd.Series[Any]) -> bool:
    return isinstance(column.dtype, pd.CategoricalDtype | pd.PeriodDtype) or (
        column.dtype == object
    )


def _converted(column: pd.Series[Any]) -> pd.Series[Any]:
    if isinstance(column.dtype, pd.PeriodDtype):
        return column.dt.start_time
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype(object).astype("string")
    inferred = column.infer_objects()
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if inferred.dtype != object or kind in ("date", "datetime", "boolean", "decimal"):
        return inferred if kind != "decimal" else column.astype(float)
    return column.astype("string")
