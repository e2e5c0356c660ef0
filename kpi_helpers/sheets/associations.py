"""Segments beside the others, and volumes beside what they should bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.language import Terms, text
from kpi_helpers.sheets.figures import changes
from kpi_helpers.sheets.table import build, records
from kpi_helpers.units import COUNT, write

if TYPE_CHECKING:
    from great_tables import GT

COLUMNS = ("kpi", "outcome", "lag", "correlation", "months", "linked")


def segments(
    crossed: pd.DataFrame, lang: str, terms: Terms | None = None, currency: str = "EUR"
) -> GT:
    """Show each KPI of each segment, that of the others, and whether the difference is confirmed.

    Parameters
    ----------
    crossed : DataFrame
        What `kpi_helpers.associations.crossed` returns.
    lang, terms, currency
        As for `kpi_helpers.wording.sentence`.
    """
    own = ["dimension", "strength", "adverse", "signals"]
    shown = crossed.drop(columns=own)
    return changes(shown, lang, currency, terms, by=["group"], name="segments")


def volumes(
    lagged: pd.DataFrame, lang: str, terms: Terms | None = None, currency: str = "EUR"
) -> GT:
    """Show the strongest link of each volume with each outcome, and after how many months.

    Parameters
    ----------
    lagged : DataFrame
        What `kpi_helpers.associations.lagged` returns.
    lang, terms, currency
        As for `kpi_helpers.wording.sentence`.
    """
    headings = {name: text(f"associations.columns.{name}", lang) for name in COLUMNS}
    lines = [
        {
            "kpi": REGISTRY[row["kpi"]].label(lang),
            "outcome": REGISTRY[row["outcome"]].label(lang),
            "lag": text(f"associations.{'after' if row['lag'] else 'now'}", lang, n=row["lag"]),
            "correlation": write(row["correlation"], COUNT, lang, digits=2),
            "months": write(row["months"], COUNT, lang),
            "linked": text(f"associations.{'yes' if row['linked'] else 'no'}", lang),
        }
        for row in records(lagged)
    ]
    return build("volumes", lines, lang, headings, ["correlation", "months"])
