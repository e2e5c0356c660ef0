"""What a check found, as a row of `kpi_helpers.quality`."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from kpi_helpers.language import text
from kpi_helpers.sources.checks.marks import Mark
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.tables import TABLES

COLUMNS = (
    *("check", "table", "column", "rows", "share", "money", "money_share", "severity", "kpis"),
    *("consequence", "fix"),
)

# What a fault of a whole table weakens, where its mark names nothing of its own.
_HEADLINES = {
    "deals": ("bookings", "win_rate_count", "sales_cycle_duration"),
    "stage_history": ("time_in_stage", "stage_conversion"),
    "leads": ("leads_generated", "lead_to_customer_rate"),
    "orders": ("revenue", "aov"),
    "order_lines": ("revenue", "aov"),
    "customers": ("new_customers", "customer_retention_rate"),
    "spend": ("cac", "acquisition_spend"),
    "targets": ("revenue_attainment",),
    "activities": ("calls_made",),
    "surveys": ("nps", "csat"),
}


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
    lang = data.config.lang
    columns = ", ".join(f'"{name}"' for name in (mark.column, *mark.needs))
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
        "kpis": ", ".join(mark.kpis or _HEADLINES.get(table, ())),
        "consequence": text(f"quality.{mark.reason}", lang),
        "fix": text(
            f"fix.{mark.reason}",
            lang,
            table=table,
            column=mark.column,
            columns=columns,
            hint=mark.hint,
        ),
    }


def never(table: ir.Table) -> ir.BooleanValue:
    """The test of a mark that is about no row in particular."""
    return ibis.literal(False)
