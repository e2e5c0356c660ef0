"""Amounts in the reporting currency, or an error that says which currencies stand in the way."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from kpi_helpers.errors import MixedCurrencies
from kpi_helpers.sources.config import Config
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.schema import Table

MONEY = ("amount", "amount_net", "list_amount", "cost", "margin", "unit_price")


def one_currency(con: Any, rows: ir.Table, table: Table, config: Config) -> ir.Table:
    """The rows with their amounts in the reporting currency; a blank currency means that one.

    Raises
    ------
    MixedCurrencies
        When there are amounts in another currency, without its rate or a declaration that they
        are comparable as they stand.
    """
    if table.column("currency") is None or config.mixed_currencies == "as_stored":
        return rows
    found = sorted(frame_of(con, rows.select("currency").distinct())["currency"].dropna())
    foreign = [currency for currency in found if currency != config.currency]
    unpriced = [currency for currency in foreign if currency not in config.rates]
    if unpriced:
        key = "mixed_currencies" if len(found) > 1 else "other_currency"
        reporting = config.currency
        raise MixedCurrencies(key, table=table.name, currencies=found, reporting=reporting)
    if not foreign:
        return rows
    pairs = [(rows.currency == currency, float(config.rates[currency])) for currency in foreign]
    rate = ibis.cases(*pairs, else_=1.0)
    return rows.mutate(**{name: rows[name] * rate for name in MONEY if name in table.names})
