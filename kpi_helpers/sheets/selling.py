"""Channels and their budget, lost deals and competitors, and BANT scores, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kpi_helpers.language import Terms, nouns, text, texts
from kpi_helpers.sheets.table import Row, absent, build, noted, plain, records, within
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
    "bant_quality": {"won": COUNT, "expected": COUNT, "oe": TIMES, "skill": PERCENT}
    | dict.fromkeys(("auc", "known_won", "known_lost"), PERCENT)
    | {"scored": COUNT, "late": COUNT},
}
# Figures whose limits stand under another name.
LIMITS = {"qualified_rate": "qualified_", "won_rate": "won_", "value": "", "kappa": ""}
Look = tuple[str, Terms | None, str]


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
        ``bant_scores``, ``bant_items`` or ``bant_quality`` of `kpi_helpers.funnel.bant`.
    lang, terms, currency
        As for `kpi_helpers.wording.sentence`.
    """
    look = (lang, terms, currency)
    columns = {of: unit for of, unit in TABLES[table].items() if of in found}
    rows = records(found)
    lines = [{of: _cell(row, of, unit, look) for of, unit in columns.items()} for row in rows]
    headings = {of: _text(f"columns.{of}", look) for of in columns}
    right = [of for of, unit in columns.items() if unit]
    return noted(build(table, lines, lang, headings, right), _text(f"notes.{table}", look))


def _cell(row: Row, of: str, unit: str, look: Look) -> str:
    value = row[of]
    if not unit and absent(value):
        return _text("all" if "spend_after" in row else "not_noted", look)
    if not unit:
        key = f"selling.{of}.{value}"
        return text(key, look[0]) if key in texts(look[0]) else plain(value)
    base = LIMITS.get(of, f"{of}_")
    ends = {f"{of}_{end}": row.get(base + end) for end in ("low", "high")}
    return within(row | ends, of, unit, look[0], look[2])


def _text(key: str, look: Look) -> str:
    return text(f"selling.{key}", look[0], **nouns(look[0], look[1]))
