"""Alerts and weak signals, a row each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kpi_helpers.language import Terms, text
from kpi_helpers.sheets.table import LOUD, Row, absent, build, coloured, noted, plain, records
from kpi_helpers.units import MONEY, write
from kpi_helpers.wording.alerts import month_of, rate_said, told_of
from kpi_helpers.wording.lines import Look

if TYPE_CHECKING:
    from great_tables import GT

NUMBERS = ("value", "target", "reference", "part", "stake")
ENDED = "ended"


def alerts(found: pd.DataFrame, lang: str, currency: str = "EUR", terms: Terms | None = None) -> GT:
    """Show one row an alert: rule, figure, target, since when, who answers for it, money at stake.

    Parameters
    ----------
    found : DataFrame
        What `kpi_helpers.alerts.raised` returns.
    lang : str
    currency : str
        ISO code of the amounts.
    terms : mapping, optional
        The company's own words.
    """
    rows, look = records(found), Look(lang, terms, currency)
    lines = [
        {
            "kpi": told_of(row, look).name("dated"),
            "status": text(f"sheets.alerts.{row['status']}", lang),
            "rule": text(f"wording.alerts.rules.{row['rule']}", lang),
            "value": told_of(row, look).value(),
            "target": _figure(row["target"], row["unit"], look),
            "since": month_of(row["first"], lang),
            "owner": plain(row["owner"]) or text("sheets.alerts.unowned", lang),
            "stake": _figure(row["money_at_stake"], MONEY, look),
        }
        for row in rows
    ]
    table = build("alerts", lines, lang, _headings(lines, lang), NUMBERS)
    going = [place for place, row in enumerate(rows) if row["status"] != ENDED]
    return noted(coloured(table, going, ["status"], LOUD), rate_said(lang))


def signals(
    found: pd.DataFrame, lang: str, currency: str = "EUR", terms: Terms | None = None
) -> GT:
    """Show one row a weak signal: what kind, the figure, what it was before, since when.

    Parameters
    ----------
    found : DataFrame
        What `kpi_helpers.alerts.signals` returns.
    lang, currency, terms
        As for `alerts`.
    """
    rows, look = records(found), Look(lang, terms, currency)
    lines = [
        {
            "kpi": told_of(row, look).name("dated"),
            "kind": text(f"wording.signals.kinds.{row['kind']}", lang),
            "value": told_of(row, look).value(),
            "reference": _figure(row["reference"], row["unit"], look),
            "since": month_of(row["since"], lang),
            "part": _part(row, look),
            "stake": _figure(row["money_at_stake"], MONEY, look),
        }
        for row in rows
    ]
    table = build("signals", lines, lang, _headings(lines, lang), NUMBERS)
    worse = [place for place, row in enumerate(rows) if row["verdict"] == "worse"]
    return coloured(table, worse, ["value"], LOUD)


def _headings(lines: list[dict[str, str]], lang: str) -> dict[str, str]:
    named = [column for column in (lines[0] if lines else {}) if column != "kpi"]
    return {column: text(f"sheets.alerts.{column}", lang) for column in named}


def _figure(value: float, unit: str, look: Look) -> str:
    return "" if absent(value) else write(value, unit, look.lang, look.currency)


def _part(row: Row, look: Look) -> str:
    """What a segment adds to the change of the whole."""
    part = row["contribution"]
    return "" if absent(part) else told_of(row, look).difference(part)
