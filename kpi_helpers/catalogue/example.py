"""The worked example of a KPI: a test of it, and an entry of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd


class Example:
    """A worked example: a few rows, and the value that they give.

    Parameters
    ----------
    gives
        Expected value.
    period
        Period asked for.
    config
        Settings for this example.
    **tables
        Table → {column: values}. Required columns that are not named are filled in.

    Examples
    --------
    >>> Example(gives=0.5, deals={"status": ["won", "lost"]}).frames()["deals"]["deal_id"].tolist()
    ['1', '2']
    """

    def __init__(
        self,
        gives: float,
        period: str = "all",
        config: Mapping[str, Any] | None = None,
        **tables: Mapping[str, list[Any]],
    ) -> None:
        self.gives = gives
        self.period = period
        self.config = dict(config or {})
        self.tables = tables

    def frames(self) -> dict[str, pd.DataFrame]:
        """The example's tables, as `kpi_helpers.load` takes them."""
        return {name: _filled(name, dict(columns)) for name, columns in self.tables.items()}


def _filled(table: str, columns: dict[str, list[Any]]) -> pd.DataFrame:
    rows = len(next(iter(columns.values())))
    keys = {"deals": "deal_id", "leads": "lead_id", "orders": "order_id"}
    keys |= {"activities": "activity_id", "surveys": "response_id"}
    days = {"deals": "created_at", "leads": "created_at", "orders": "order_date", "spend": "date"}
    days |= {"activities": "started_at", "surveys": "responded_at", "web_funnel": "date"}
    days |= {"campaign_stats": "date", "forecasts": "made_at"}
    filled: dict[str, list[Any]] = {}
    if table in keys:
        filled[keys[table]] = [str(row + 1) for row in range(rows)]
    if table in days:
        filled[days[table]] = ["2026-01-01"] * rows
    if table == "deals":
        closed = [None if s == "open" else "2026-02-01" for s in columns["status"]]
        filled["closed_at"] = closed
    return pd.DataFrame({**filled, **columns})
