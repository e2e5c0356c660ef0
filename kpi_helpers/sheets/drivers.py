"""Why a figure moved, as tables: the steps of a bridge, and the products behind the sales."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kpi_helpers import wording
from kpi_helpers.language import Terms, text
from kpi_helpers.sheets.table import NOTHING, Row, absent, build, noted, plain, records
from kpi_helpers.units import COUNT, MONEY, PERCENT, write, write_change

if TYPE_CHECKING:
    from great_tables import GT

RIGHT = ("before", "after", "brought", "other_method", "weight", "of_mix", "n")
CUT, PRODUCTS = ("volume", "mix", "price", "other"), 10


def steps(
    bridge: pd.DataFrame,
    lang: str,
    currency: str = "EUR",
    terms: Terms | None = None,
    name: str = "steps",
) -> GT:
    """Show the steps of a bridge: each driver before and now, what it brought, how sure it is.

    Parameters
    ----------
    bridge : DataFrame
        Steps as those of `kpi_helpers.drivers.revenue_chain`.
    lang, currency, terms
        As for `kpi_helpers.sheets.scorecard`.
    name : str
        Id of the table on its page.
    """
    lines = [_step(row, lang, currency, terms) for row in records(bridge)]
    table = build(name, lines, lang, right=RIGHT)
    return noted(table, wording.bridge_method(bridge, lang, terms))


def products(cut: pd.DataFrame, lang: str, currency: str = "EUR", terms: Terms | None = None) -> GT:
    """Show what volume, mix and price brought, for the products that moved the sales most.

    Parameters
    ----------
    cut : DataFrame
        What `kpi_helpers.drivers.product_mix` returns.
    lang, currency, terms
        As for `kpi_helpers.sheets.scorecard`.
    """
    size = (cut["after"] - cut["before"]).abs()
    cut = cut.loc[size.sort_values(ascending=False, kind="stable").index]
    numbers = ["before", "after", *CUT]
    rest, whole = cut.iloc[PRODUCTS:][numbers].sum(), cut[numbers].sum()
    rows = [({"kpi": _product(row["product"], lang)}, row) for row in records(cut[:PRODUCTS])]
    if len(cut) > PRODUCTS:
        rows.append(({"kpi": text("sheets.drivers.rest", lang, n=len(cut) - PRODUCTS)}, dict(rest)))
    rows.append(({"kpi": text("sheets.drivers.whole", lang)}, dict(whole)))
    lines = [said | _money(row, lang, currency) for said, row in rows]
    return build("products", lines, lang, right=("before", "after", *CUT))


def _step(row: Row, lang: str, currency: str, terms: Terms | None) -> dict[str, str]:
    is_change = row["kind"] == "change"
    unit = row["unit"]
    line = {"kpi": wording.step_name(row, lang, terms)}
    for side in ("before", "after"):
        value, known = row.get(f"driver_{side}"), row.get("driver_unit") or COUNT
        line[side] = "" if absent(value) else write(value, known, lang, currency)
    level = "" if is_change else write(row["amount"], unit, lang, currency)
    line["brought"] = write_change(row["amount"], unit, lang, currency) if is_change else level
    other = row.get("other_method")
    line["other_method"] = "" if absent(other) else write_change(other, unit, lang, currency)
    weights = [row.get(f"weight_{side}") for side in ("before", "after")]
    known_weights = [write(w, PERCENT, lang) for w in weights if not absent(w)]
    line["weight"] = " → ".join(known_weights)
    line["of_mix"] = "" if absent(row.get("mix")) else write_change(row["mix"], unit, lang)
    line["n"] = "" if absent(row["n"]) else write(row["n"], COUNT, lang)
    return line | {"verdict": wording.step_certainty(row, lang)}


def _product(name: object, lang: str) -> str:
    return plain(name) or text("sheets.blank", lang)


def _money(row: Row, lang: str, currency: str) -> dict[str, str]:
    levels = {side: write(row[side], MONEY, lang, currency) for side in ("before", "after")}
    changes = {
        part: write_change(row[part], MONEY, lang, currency) if row[part] else NOTHING
        for part in CUT
    }
    return levels | changes
