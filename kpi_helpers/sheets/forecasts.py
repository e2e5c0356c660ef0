"""Forecasts as tables: what is to come with its ranges, and how good each method was before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kpi_helpers import wording
from kpi_helpers.language import Terms, text
from kpi_helpers.measure.judge import MISSING
from kpi_helpers.sheets.table import absent, build, noted, plain, records
from kpi_helpers.units import COUNT, PERCENT, SCORE, write, write_range
from kpi_helpers.wording.forecasts import missed, told

if TYPE_CHECKING:
    from great_tables import GT

HEADED = ("value", "in_80", "in_95", "year_ago", "missed")
TESTED = ("error", "pinball", "in_80", "in_95", "origins", "shipped")


def forecasts(
    ahead: pd.DataFrame, lang: str, terms: Terms | None = None, currency: str = "EUR"
) -> GT:
    """Show each month and quarter to come: its forecast, ranges, last year, usual error.

    Parameters
    ----------
    ahead : DataFrame
        That of `kpi_helpers.forecasting.ahead`.
    lang, terms, currency
        As for `kpi_helpers.sheets.scorecard`.
    """
    rows = records(ahead)
    names = {row["kpi"]: told(row, lang, terms).name() for row in rows}
    lines = [
        {
            "group": names[row["kpi"]],
            "kpi": told(row, lang, terms).period(),
            "value": write(row["value"], row["unit"], lang, currency),
            "in_80": write_range(row["lo80"], row["hi80"], row["unit"], lang, currency),
            "in_95": write_range(row["lo95"], row["hi95"], row["unit"], lang, currency),
            "year_ago": ""
            if absent(row["year_ago"])
            else write(row["year_ago"], row["unit"], lang, currency),
            "missed": missed(row, lang, currency),
        }
        for row in rows
        if row["status"] != MISSING
    ]
    headings = {name: text(f"sheets.forecasts.{name}", lang) for name in HEADED}
    said = dict.fromkeys((names[row["kpi"]], plain(row["note"])) for row in rows if row["note"])
    notes = [text("sheets.forecasts.note", lang, kpi=kpi, note=note) for kpi, note in said]
    headings["kpi"] = text("sheets.forecasts.period", lang)
    return noted(build("forecasts", lines, lang, headings, HEADED), *notes)


def backtest(tested: pd.DataFrame, lang: str, terms: Terms | None = None) -> GT:
    """Show each method on the past of each KPI, all horizons together, the one that is shown first.

    Parameters
    ----------
    tested : DataFrame
        That of `kpi_helpers.forecasting.ahead`.
    lang, terms
        As for `forecasts`.
    """
    figures = ["mase", "pinball", "cover80", "cover95", "origins", "shipped"]
    mean = tested.groupby(["kpi", "label", "model"], sort=False)[figures].mean().reset_index()
    lines = [
        {
            "group": wording.name({name: row[name] for name in ("kpi", "label")}, lang, terms),
            "kpi": text(f"sheets.forecasts.models.{row['model']}", lang),
            "error": write(row["mase"], SCORE, lang, digits=2),
            "pinball": write(row["pinball"], SCORE, lang, digits=2),
            "in_80": write(row["cover80"], PERCENT, lang, digits=0),
            "in_95": write(row["cover95"], PERCENT, lang, digits=0),
            "origins": write(row["origins"], COUNT, lang),
            "shipped": text("sheets.forecasts.yes", lang) if row["shipped"] else "",
        }
        for row in records(mean)
    ]
    headings = {name: text(f"sheets.forecasts.{name}", lang) for name in TESTED}
    headings["kpi"] = text("sheets.forecasts.model", lang)
    table = build("backtest", lines, lang, headings, TESTED[:-1])
    return noted(table, text("sheets.forecasts.scale", lang))
