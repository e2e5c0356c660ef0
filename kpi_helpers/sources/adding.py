"""Joins a frame of the analyst's own to a table, so that its columns become dimensions."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any

import ibis.expr.types as ir
import pandas as pd

from kpi_helpers.errors import BadInput, unknown
from kpi_helpers.language import Phrase
from kpi_helpers.sources.casts import as_text
from kpi_helpers.sources.engine import stored
from kpi_helpers.sources.files.frames import plain
from kpi_helpers.sources.reading import Reader
from kpi_helpers.sources.recognition.names import dimension_names
from kpi_helpers.sources.tables import TABLES

if TYPE_CHECKING:
    from kpi_helpers.sources.dataset import Dataset

KEY = "_kpi_key"
_NUMBERS = itertools.count()


def added(data: Dataset, frame: Any, on: str, to: str) -> Dataset:
    """A data set whose table has the columns of the frame besides; see `Dataset.add`."""
    taken = _one_a_value(frame, on)
    table = data.base[to] if to in data.base else data.table(to)
    if on not in table.columns:
        raise unknown("column", on, table.columns)
    right = stored(data.con, f"kpi_added_{next(_NUMBERS)}", taken)
    columns = _columns(data, right, on, to)
    held = [name for name in table.columns if name not in columns]
    right = right.select(**columns, **{KEY: as_text(right[on])})
    joined = table.left_join(right, as_text(table[on]) == right[KEY])
    rows = joined.select(*(table[name] for name in held), *(right[name] for name in columns))
    return _with(data, to, rows, [*columns])


def _one_a_value(frame: Any, on: str) -> pd.DataFrame:
    if not isinstance(frame, pd.DataFrame):
        raise BadInput(value=type(frame).__name__, expected=Phrase("expected.frame"))
    taken = plain(frame)
    if on not in taken.columns:
        raise unknown("column", on, list(taken.columns))
    taken = taken[taken[on].notna()]
    repeated = taken.loc[taken[on].duplicated(keep=False), on]
    if len(repeated):
        value = repeated.iloc[0]
        raise BadInput("fan_out", column=on, value=value, rows=int((repeated == value).sum()))
    return taken


def _columns(data: Dataset, right: ir.Table, on: str, to: str) -> dict[str, ir.Value]:
    """The columns of the frame under the names of the kit, read as those of a source are."""
    canonical = TABLES[to]
    known = {name: name for name in right.columns if canonical.column(name) and name != on}
    own = dimension_names(right.columns, canonical, {*known, on})
    for name in (*known, *own):
        if name in data.filled(to):
            raise BadInput("column_exists", column=name, table=to)
    reader = Reader(data.con, canonical, data.config, "data.add")
    fields = {name: field for name in known if (field := canonical.column(name)) is not None}
    values = {name: reader.comparable(right[name], field, name) for name, field in fields.items()}
    orders = reader.orders(right, values, known)
    read = {n: reader.read(v, fields[n], orders.get(n)) for n, v in values.items()}
    return {**read, **{name: reader.words(right[source], name) for name, source in own.items()}}


def _with(data: Dataset, to: str, rows: ir.Table, columns: list[str]) -> Dataset:
    origin = to if to in data.mapped else "order_lines"
    mapped = data.mapped[origin]
    known = {name: name for name in columns if mapped.table.column(name)}
    own = tuple(name for name in columns if name not in known)
    mapped = dataclasses.replace(
        mapped,
        columns={**mapped.columns, **known},
        dimensions=(*mapped.dimensions, *own),
    )
    base, all_mapped = {**data.base, to: rows}, {**data.mapped, origin: mapped}
    return dataclasses.replace(data, base=base, mapped=all_mapped, memory={})
