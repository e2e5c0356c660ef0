"""Where the quarter lands, what would move it, and how good such forecasts were, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kpi_helpers.language import Terms, nouns, text
from kpi_helpers.sheets.table import Row, absent, build, noted, records, within
from kpi_helpers.units import COUNT, MONEY, PERCENT, write
from kpi_helpers.wording.landing import scenario
from kpi_helpers.wording.lines import Look

if TYPE_CHECKING:
    from great_tables import GT

# Columns of each table, with their unit.
TABLES = {
    "landing": dict.fromkeys(("booked", "from_open", "from_new", "value"), MONEY)
    | {"weight": PERCENT, "chance": PERCENT}
    | {"deals_needed": COUNT, "pipeline_needed": MONEY},
    "scenarios": {"value": MONEY, "change": MONEY, "chance": PERCENT},
    "landing_scores": {"quarters": COUNT, "n": COUNT, "error": PERCENT, "bias": PERCENT},
    "reliability": {"quarters": COUNT, "n": COUNT}
    | dict.fromkeys(("said", "came", "brier", "base"), PERCENT),
}
PARTS = ("booked", "from_open", "from_new")


def landing(
    found: pd.DataFrame,
    table: str,
    lang: str,
    terms: Terms | None = None,
    currency: str = "EUR",
) -> GT:
    """Show one of the frames that `kpi_helpers.landing.landing` returns.

    Parameters
    ----------
    found : DataFrame
        One of them.
    table : str
        Which: ``landing`` (its ``quarter``), ``scenarios``, ``landing_scores`` (its ``scores``) or
        ``reliability``.
    lang, terms, currency
        As for `kpi_helpers.wording.sentence`.
    """
    look, units = Look(lang, terms, currency), TABLES[table]
    lines = [
        {"name": _name(row, look)} | {of: _cell(row, of, unit, look) for of, unit in units.items()}
        for row in records(found)
    ]
    headings = {of: _text(f"columns.{of}", look) for of in ("name", *units)}
    return noted(build(table, lines, lang, headings, [*units]), _text(f"notes.{table}", look))


def _name(row: Row, look: Look) -> str:
    if "scenario" in row:
        said = scenario(row, look)
        return said[:1].upper() + said[1:]
    if "method" in row:
        return _text(f"methods.{row['method']}", look)
    if absent(row["band"]):
        return _text("all", look)
    return _text("band", look, band=write(row["band"], PERCENT, look.lang, digits=0))


def _cell(row: Row, of: str, unit: str, look: Look) -> str:
    if of in PARTS and row["method"] != "deals":
        return ""
    ends = {f"{of}_{end}": row.get(end) if of == "value" else None for end in ("low", "high")}
    return within(row | ends, of, unit, look.lang, look.currency)


def _text(key: str, look: Look, **values: str) -> str:
    return text(f"landing.{key}", look.lang, **nouns(look.lang, look.terms), **values)
