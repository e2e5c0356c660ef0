"""What a check found, as a row of `kpi_helpers.quality`."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from kpi_helpers.language import text
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.marks import Mark
from kpi_helpers.sources.tables import TABLES

COLUMNS = (
    *("check", "table", "column", "rows", "share", "money", "money_share", "severity", "kpis"),
    "consequence",
)


def finding(
    data: Dataset,
    table: str,
    mark: Mark,
    rows: float,
    totals: tuple[float, float] = (0.0, 0.0),
    money: float | None = None,
) -> dict[str, Any]:
    """What a mark found on some rows of a table, and the money they carry.

    ``totals`` are the table's rows and the sum of its amounts without their signs; zeros where
    a share says nothing.
    """
    priced = money is not None and TABLES[table].money is not None
    amount = float(money) if priced and money is not None else float("nan")
    return {
        "check": mark.reason,
        "table": table,
        "column": mark.column,
        "rows": int(rows),
        "share": float(rows) / totals[0] if totals[0] else float("nan"),
        "money": amount,
        "money_share": abs(amount) / totals[1] if totals[1] else float("nan"),
        "severity": mark.severity,
        "kpis": ", ".join(mark.kpis),
        "consequence": text(f"quality.{mark.reason}", data.config.lang),
    }


def never(table: ir.Table) -> ir.BooleanValue:
    """The test of a mark that is about no row in particular."""
    return ibis.literal(False)
