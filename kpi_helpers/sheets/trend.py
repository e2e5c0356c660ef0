"""The trend of each KPI, and where its level moved, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kpi_helpers.language import Terms, text
from kpi_helpers.sheets.table import COLOURS, Row, build, coloured, records
from kpi_helpers.units import COUNT, write
from kpi_helpers.wording.lines import Look
from kpi_helpers.wording.told import Told, plain
from kpi_helpers.wording.trend import QUIET, UNKNOWN, a_year, told_of
from kpi_helpers.wording.when import label_of

if TYPE_CHECKING:
    from great_tables import GT

HEADED = ("a_year", "range", "season", "break", "event", "n")
RIGHT = ("a_year", "range", "n")


def trends(found: pd.DataFrame, lang: str, currency: str = "EUR", terms: Terms | None = None) -> GT:
    """Show one row a KPI: what it changes a year, its season, the largest change of its level.

    Parameters
    ----------
    found : DataFrame
        What `kpi_helpers.forecasting.trends` returns.
    lang : str
    currency : str
        ISO code of the amounts.
    terms : mapping, optional
        The company's own words.
    """
    rows = records(found)
    lines = [_line(row, told_of(row, Look(lang, terms, currency))) for row in rows]
    headings = {column: text(f"sheets.trends.{column}", lang) for column in HEADED}
    table = build("trends", lines, lang, headings, RIGHT)
    for verdict, colour in COLOURS.items():
        sure = [row["verdict"] == verdict and row["turns"] != UNKNOWN for row in rows]
        places = [i for i, shown in enumerate(sure) if shown]
        table = coloured(table, places, ["verdict"], colour)
    return table


def _line(row: Row, told: Told) -> dict[str, str]:
    lang, counts = told.lang, [write(row[of], COUNT, told.lang) for of in ("n", "left_out")]
    change, within = a_year(row, lang, told.currency)
    early = row["turns"] == UNKNOWN and row["verdict"] != QUIET
    moved = ""
    if row["break_period"]:
        levels = {of: told.figure(row[of]) for of in ("before", "after")}
        sure = text(f"sheets.changes.{'changed' if row['broke'] else 'none_shown'}", lang)
        month = label_of(row["break_period"], row, lang)
        moved = text("sheets.trends.moved", lang, month=month, sure=sure, **levels)
    return {
        "kpi": told.name(),
        "a_year": change,
        "range": within,
        "verdict": text(
            "sheets.trends.early" if early else f"sheets.changes.{row['verdict']}", lang
        ),
        "season": text(f"sheets.trends.{row['turns']}", lang),
        "break": moved,
        "event": plain(row["event"]) if row["broke"] else "",
        "n": f"{counts[0]} ({counts[1]})",
    }
