"""The KPIs chosen for a business, and those that were not, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kpi_helpers.language import Terms, text
from kpi_helpers.selection import CHOSEN, REJECTED
from kpi_helpers.sheets.table import OWN, Form, finding, listed
from kpi_helpers.units import COUNT
from kpi_helpers.wording.selection import needed

if TYPE_CHECKING:
    from great_tables import GT

NAME = ""
TABLES = {
    CHOSEN: {"label": NAME, "role": NAME, "target": OWN, "reason": NAME, "n": COUNT, "grain": NAME}
    | dict.fromkeys(("weakened", "theirs"), NAME),
    REJECTED: {"label": NAME, "reason": NAME, "needs": NAME, "n": COUNT, "more": COUNT},
}


def selection(
    found: pd.DataFrame, table: str, lang: str, terms: Terms | None = None, currency: str = "EUR"
) -> GT:
    """Show the KPIs chosen with role and reason, or those rejected and what they would need.

    Parameters
    ----------
    found : DataFrame
        What `kpi_helpers.selection` returns.
    table : str
        ``chosen`` or ``rejected``.
    lang, terms, currency
        As for `kpi_helpers.wording.sentence`.
    """
    own = found[found["verdict"] == table]
    needs = [needed(each, lang) for each in own["needs"]]
    weak = [_weak(each, lang) for each in own["weakened"]]
    elsewhere = own["theirs"].map({True: None, False: False})
    own = own.assign(needs=needs, weakened=weak, theirs=elsewhere)
    return listed(own, table, Form("selection", TABLES[table]), (lang, terms, currency))


def _weak(checks: str, lang: str) -> str:
    named = [text(f"quality.{check}", lang) for check in checks.split(", ") if check]
    return "\n".join(dict.fromkeys(finding(said) for said in named))
