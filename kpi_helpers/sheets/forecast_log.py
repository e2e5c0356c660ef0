"""How good past forecasts were, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kpi_helpers.language import text
from kpi_helpers.sheets.table import build, records
from kpi_helpers.wording.forecast_log import accuracy_said

if TYPE_CHECKING:
    from great_tables import GT

NUMBERS = ("n", "missed", "bias", "held")


def accuracy(found: pd.DataFrame, lang: str) -> GT:
    """Show by KPI, how far ahead and by what method how far off forecasts were.

    Parameters
    ----------
    found : DataFrame
        What `kpi_helpers.forecasting.accuracy` returns.
    lang : str
    """
    columns = ("made_by", *NUMBERS)
    lines = []
    for row in records(found):
        said = accuracy_said(row, lang)
        said["held"] = text("forecast_log.held", lang, **said) if row["ranged"] else ""
        lines.append({"group": said["name"], "kpi": said["which"], **{c: said[c] for c in columns}})
    headings = {column: text(f"forecast_log.columns.{column}", lang) for column in lines[0]}
    return build("forecast_accuracy", lines, lang, headings, NUMBERS)
