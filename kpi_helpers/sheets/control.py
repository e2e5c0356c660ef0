"""Each KPI beside its usual variation, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kpi_helpers.language import Terms, text
from kpi_helpers.sheets.table import LOUD, build, coloured, noted, plain, records
from kpi_helpers.units import write, write_range
from kpi_helpers.wording.control import lasted
from kpi_helpers.wording.sentences import name
from kpi_helpers.wording.told import TIDY
from kpi_helpers.wording.when import label_of

if TYPE_CHECKING:
    from great_tables import GT

HEADED = ("month", "value", "usual", "lasted", "event")
UNKNOWN = "unknown"


def control(
    latest: pd.DataFrame, lang: str, currency: str = "EUR", terms: Terms | None = None
) -> GT:
    """Show one row a KPI: its month, what it usually lies within, since when it has been outside.

    Parameters
    ----------
    latest : DataFrame
        What `kpi_helpers.control.latest` returns.
    lang : str
    currency : str
        ISO code of the amounts.
    terms : mapping, optional
        The company's own words.
    """
    rows = records(latest)
    lines = [
        {
            "kpi": name({column: row[column] for column in TIDY}, lang, terms),
            "month": label_of(row["period"], row, lang),
            "value": write(row["value"], row["unit"], lang, currency),
            "usual": write_range(row["lower"], row["upper"], row["unit"], lang, currency),
            "lasted": lasted(row, lang),
            "event": plain(row["event"]),
            "reading": text(f"sheets.control.{'outside' if row['news'] else 'within'}", lang),
        }
        for row in rows
    ]
    headings = {column: text(f"sheets.control.{column}", lang) for column in HEADED}
    table = build("control", lines, lang, headings, ("value", "usual"))
    table = coloured(table, [i for i, row in enumerate(rows) if row["news"]], ["reading"], LOUD)
    young = [line["kpi"] for line, row in zip(lines, rows, strict=True) if row["season"] == UNKNOWN]
    said = text("sheets.control.season", lang, kpis=", ".join(young))
    return noted(table, *([said] if young else []))
