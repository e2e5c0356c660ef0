"""Channels and their budget, lost deals and competitors, and BANT scores, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kpi_helpers.language import Terms
from kpi_helpers.sheets.table import Form, listed
from kpi_helpers.units import COUNT, MONEY, PERCENT, SCORE, TIMES

if TYPE_CHECKING:
    from great_tables import GT

# Columns of each table, with their unit; without one a name, whose texts stand under its column.
COUNTS, NAME = {"k": COUNT, "n": COUNT, "value": PERCENT}, ""
TABLES = {
    "channels": {"channel": NAME, "leads": COUNT, "qualified_rate": PERCENT, "won_rate": PERCENT}
    | dict.fromkeys(("spend", "net", "returned"), MONEY)
    | {"chance": PERCENT, "verdict": NAME},
    "budget": {"channel": NAME}
    | dict.fromkeys(("spend", "spend_after", "margin", "margin_after", "change"), MONEY),
    "concordance": {"n": COUNT, "agreed": PERCENT, "kappa": SCORE}
    | {"tracked": NAME, "named": NAME, "swapped": COUNT},
    "losses": {"reason": NAME, **COUNTS, "money": MONEY, "money_share": PERCENT}
    | {"adds_up": PERCENT, "before": PERCENT, "changed": NAME},
    "rivals": {"competitor": NAME, **COUNTS, "rest": PERCENT, "cost": MONEY, "apart": NAME},
    "bant_scores": {"points": NAME, "numerator": COUNT, **COUNTS, "reference": PERCENT},
    "bant_items": {"item": NAME, "answer": NAME, **COUNTS, "odds": TIMES},
    "bant_open": {"case": NAME, "deal_name": NAME, "owner": NAME, "stage": NAME}
    | {"answered": COUNT, "likely": PERCENT, "amount": MONEY, "worth": MONEY},
    "bant_quality": {"won": COUNT, "expected": COUNT, "oe": TIMES, "skill": PERCENT}
    | dict.fromkeys(("auc", "known_won", "known_lost"), PERCENT)
    | {"scored": COUNT, "late": COUNT},
}
# Figures whose limits stand under another name.
LIMITS = {
    "qualified_rate": "qualified_",
    "won_rate": "won_",
    "value": "",
    "kappa": "",
    "likely": "",
}


def selling(
    found: pd.DataFrame,
    table: str,
    lang: str,
    terms: Terms | None = None,
    currency: str = "EUR",
) -> GT:
    """Show what channels bring, why deals are lost, to whom, or what BANT is worth.

    Parameters
    ----------
    found : DataFrame
        What `kpi_helpers.funnel` says of it.
    table : str
        Which of the tables: ``channels``, ``budget``, ``concordance``, ``losses``, ``rivals``, and
        ``bant_scores``, ``bant_items`` or ``bant_quality`` of `kpi_helpers.funnel.bant`, or
        ``bant_open``, the rows of `kpi_helpers.funnel.open_cases`.
    lang, terms, currency
        As for `kpi_helpers.wording.sentence`.
    """
    blank = "all" if "spend_after" in found else "" if table == "bant_open" else "not_noted"
    form = Form("selling", TABLES[table], LIMITS, blank)
    return listed(found, table, form, (lang, terms, currency))
