"""Reps side by side: what is shown of each, and what stands beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kpi_helpers.language import Terms, nouns, text
from kpi_helpers.sheets.table import COLOURS, Row, absent, build, coloured, plain, records
from kpi_helpers.teams.rates import ABOVE, BELOW
from kpi_helpers.units import COUNT, PERCENT, write, write_date, write_range

if TYPE_CHECKING:
    from great_tables import GT

SHOWN = ("owner", "part", "value", "standardised", "estimate", "p_top", "p_bottom", "verdict")
AROUND = ("owner", "team", "months", "moved", "leads", "territory", "expected")
# Of each number its unit and its decimals, by default those of the unit.
NUMBERS = {
    **dict.fromkeys(("value", "standardised", "expected"), (PERCENT, None)),
    **dict.fromkeys(("p_top", "p_bottom"), (PERCENT, 0)),
    **dict.fromkeys(("months", "leads"), (COUNT, 0)),
}


def teams(team: pd.DataFrame, lang: str, terms: Terms | None = None, currency: str = "EUR") -> GT:
    """Show the rate of each rep, as observed and as estimated, and what can be said of him.

    Parameters
    ----------
    team : DataFrame
        What `kpi_helpers.teams.compared` returns.
    lang, terms, currency
        As for `kpi_helpers.wording.sentence`.
    """
    rows = records(team)
    apart = [place for place, row in enumerate(rows) if row["verdict"] in (ABOVE, BELOW)]
    table = _table("teams", SHOWN, rows, lang, terms)
    return coloured(table, apart, ["verdict"], COLOURS["changed"])


def teams_context(
    team: pd.DataFrame, lang: str, terms: Terms | None = None, currency: str = "EUR"
) -> GT:
    """Show what stands beside the rates: team, time there, leads, territory, sources.

    Parameters
    ----------
    team, lang, terms, currency
        As for `teams`.
    """
    rows = [row for row in records(team) if not absent(row["owner"])]
    return _table("teams_context", AROUND, rows, lang, terms)


def _table(
    name: str, columns: tuple[str, ...], rows: list[Row], lang: str, terms: Terms | None
) -> GT:
    own = nouns(lang, terms)
    headings = {column: text(f"teams.columns.{column}", lang, **own) for column in columns}
    lines = [{column: _cell(row, column, lang) for column in columns} for row in rows]
    return build(name, lines, lang, headings, ["part", *NUMBERS])


def _cell(row: Row, column: str, lang: str) -> str:
    """Return one cell as text; nothing where nothing is known."""
    if column == "owner":
        return plain(row["owner"]) or text("sheets.blank", lang)
    if column == "verdict":
        return text(f"teams.verdicts.{row['verdict']}", lang)
    if column == "moved":
        days = {side: row[side].date() for side in ("arrived", "left") if not absent(row[side])}
        said = {side: write_date(day, lang) for side, day in days.items()}
        return ", ".join(text(f"teams.{side}", lang, day=day) for side, day in said.items())
    if absent(row["n" if column == "part" else column]):
        return ""
    if column == "part":
        k, n = (write(row[part], COUNT, lang) for part in ("numerator", "denominator"))
        return text("wording.part", lang, k=k, n=n)
    if column == "estimate":
        within = write_range(row["estimate_low"], row["estimate_high"], PERCENT, lang)
        value = write(row["estimate"], PERCENT, lang)
        return text("wording.detailed", lang, value=value, detail=within)
    if column not in NUMBERS:
        return plain(row[column])
    unit, digits = NUMBERS[column]
    return write(row[column], unit, lang, digits=digits)
