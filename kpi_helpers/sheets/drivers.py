"""Why a figure moved, as tables: the steps of a bridge, and the products behind the sales."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kpi_helpers import wording
from kpi_helpers.language import Terms, text
from kpi_helpers.sheets.table import Row, absent, build, noted, plain, records
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
    ranked = cut.loc[size.sort_values(ascending=False, kind="stable").index]
    ranked = ranked.assign(product=[_product(name, lang) for name in ranked["product"]])
    rest, numbers = ranked.iloc[PRODUCTS:], ["before", "after", *CUT]
    sums = (
        {text("sheets.drivers.rest", lang, n=len(rest)): rest[numbers].sum()} if len(rest) else {}
    )
    sums[text("sheets.drivers.whole", lang)] = cut[numbers].sum()
    rows = [*records(ranked[:PRODUCTS]), *({"product": k} | dict(v) for k, v in sums.items())]
    lines = [{"product": row["product"]} | _money(row, lang, currency) for row in rows]
    return build("products", lines, lang, right=numbers)


def _step(row: Row, lang: str, currency: str, terms: Terms | None) -> dict[str, str]:
    unit, driver = row["unit"], row.get("driver_unit")
    written = write_change if row["kind"] == "change" else write
    line = {"step": wording.step_name(row, lang, terms)}
    for side in ("before", "after"):
        value = row.get(f"driver_{side}")
        digits = 2 if driver == COUNT and not float(value or 0).is_integer() else None
        line[side] = "" if absent(value) else write(value, str(driver), lang, currency, digits)
    line["brought"] = written(row["amount"], unit, lang, currency)
    for column, of in (("other_method", "other_method"), ("of_mix", "mix")):
        value = row.get(of)
        line[column] = "" if absent(value) else write_change(value, unit, lang, currency)
    weights = [row.get(f"weight_{side}") for side in ("before", "after")]
    line["weight"] = " → ".join(write(each, PERCENT, lang) for each in weights if not absent(each))
    line["n"] = "" if absent(row["n"]) else write(row["n"], COUNT, lang)
    return line | {"verdict": wording.step_certainty(row, lang)}


def _product(name: object, lang: str) -> str:
    return plain(name) or text("sheets.blank", lang)


def _money(row: Row, lang: str, currency: str) -> dict[str, str]:
    levels = {side: write(row[side], MONEY, lang, currency) for side in ("before", "after")}
    return levels | {
        part: write_change(row[part], MONEY, lang, currency) if row[part] else "" for part in CUT
    }
