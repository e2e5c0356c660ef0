"""The tables that are made of others, as known on the day of a data set."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import ibis
import ibis.expr.types as ir

from kpi_helpers.sources.course import (
    Known,
    Ladder,
    closing_dates,
    ladder,
    standing_deals,
    steps,
    visits,
)
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.facts import JOURNEYS
from kpi_helpers.sources.journeys import journeys
from kpi_helpers.sources.tables import LOOKUPS

_ORDER = ("created_at", "closed_at", "amount")
# What the tables are made with, and the keys by which a deal has its team or region.
_NEEDED = {
    *(
        "deal_id",
        "lead_id",
        *_ORDER,
        "stage",
        "expected_close",
        "opened_at",
        "left_at",
        "is_won",
        "is_lost",
    ),
    *(key for _, key in LOOKUPS),
}
_MAKERS: Mapping[str, Callable[[Known], ir.Table]] = {
    "stage_steps": steps,
    "stage_visits": visits,
    "closing_dates": closing_dates,
    "standing_deals": standing_deals,
}


def made(
    data: Dataset,
    name: str,
    tables: Mapping[str, ir.Table],
    columns: tuple[str, ...] | None = None,
) -> ir.Table:
    """A table that is made of others, as known on the day of the data set.

    Parameters
    ----------
    data
        The data set.
    name
        One of `kpi_helpers.sources.tables.MADE`.
    tables
        The canonical tables as of that day.
    columns
        The columns that are asked for, all by default.
    """
    if "deals" in tables:
        deals = tables["deals"]
        deals = deals.select(
            [c for c in deals.columns if columns is None or c in _NEEDED or c in columns]
        )
        tables = {**tables, "deals": deals if data.unique("deals", "deal_id") else _once(deals)}
    if name == JOURNEYS.name:
        return journeys(data, tables)
    stages = ladder(data) if "stage_history" in tables else Ladder(())
    return _MAKERS[name](Known(tables, stages, ibis.literal(data.as_of), columns))


def _once(deals: ir.Table) -> ir.Table:
    """Each deal once: a history says nothing of two rows with one id."""
    first = ibis.window(group_by="deal_id", order_by=list(_ORDER))
    copies = deals.mutate(_copy=ibis.row_number().over(first))
    return copies.filter(copies._copy == 0).drop("_copy")
