"""Amounts in the reporting currency and with one sign, or an error that says what is lacking."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir

from kpi_helpers.errors import KpiError, MixedCurrencies
from kpi_helpers.sources.config import Config
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.mapping import Mapped
from kpi_helpers.sources.schema import Table
from kpi_helpers.units import symbol_of

MONEY = ("amount", "amount_net", "list_amount", "cost", "margin", "unit_price")
RATE = "_kpi_rate"
REPORTED = "_kpi_money"


def one_currency(
    con: Any, rows: ir.Table, table: Table, config: Config, rates: ir.Table | None = None
) -> ir.Table:
    """The rows with their amounts in the reporting currency; a blank currency means that one.

    Parameters
    ----------
    con
        Connection of the rows.
    rows
        A canonical table.
    table
        Which one.
    config
        Says the reporting currency and its constant rates, which come before those of ``rates``.
    rates
        The canonical table of rates by day: a row takes the latest rate of the day it was closed,
        else of its own.

    Raises
    ------
    MixedCurrencies
        When there are amounts in another currency, without its rate or a declaration that they
        are comparable as they stand.
    """
    priced = table.money is not None and table.column("currency") is not None
    if not priced or config.mixed_currencies == "as_stored":
        return rows
    found = sorted(frame_of(con, rows.select("currency").distinct())["currency"].dropna())
    foreign = [currency for currency in found if currency != config.currency]
    if not foreign:
        return rows
    constant = [(rows.currency == c, config.rates[c]) for c in foreign if c in config.rates]
    rate = ibis.cases(*constant, else_=1.0) if constant else ibis.literal(1.0)
    if len(constant) < len(foreign):
        if rates is None:
            raise _mixed(found, table, config)
        rows = _rated(rows, table, rates)
        dated = rows.currency.isin([c for c in foreign if c not in config.rates])
        rate = ibis.ifelse(dated, rows[RATE], rate)
        _all_rated(con, rows.filter(dated), table, config)
    amounts = {name: rows[name] * rate for name in MONEY if name in table.names}
    return rows.mutate(**amounts).drop(*({RATE} & {*rows.columns}))


def taken_over(con: Any, mapped: Mapping[str, Mapped], config: Config) -> Config:
    """The settings in the one currency of all amounts: of a report whose own nobody has said."""
    priced = [
        each.expr.filter(each.expr[each.table.money].notnull()).select("currency")
        for each in mapped.values()
        if each.table.money in each.expr.columns and "currency" in each.expr.columns
    ]
    rated = config.rates or "rates" in mapped or config.mixed_currencies == "as_stored"
    if rated or not priced:
        return config
    rows = ibis.union(*priced) if len(priced) > 1 else priced[0]
    found = frame_of(con, rows.distinct())["currency"]
    if len(found) != 1 or found.isna().any() or not _is_currency(found.iloc[0]):
        return config
    return dataclasses.replace(config, currency=found.iloc[0])


def _is_currency(code: str) -> bool:
    try:
        symbol_of(code)
    except KpiError:
        return False
    return True


def money_of(
    rows: ir.Table, table: Table, config: Config, rates: ir.Table | None = None
) -> ir.Table:
    """The rows with `REPORTED`: what they carry in the reporting currency.

    Of rows that may not be usable: missing where there is no amount, or no rate for it.
    """
    money = rows[table.money] if table.money in rows.columns else ibis.null("float64")
    rows = rows.mutate(**{REPORTED: money.cast("float64")})
    if "currency" not in rows.columns or config.mixed_currencies == "as_stored":
        return rows
    unknown = rows.mutate(**{RATE: ibis.null("float64")})
    rows = unknown if rates is None else _rated(rows, table, rates)
    home = rows.currency.isnull() | (rows.currency == config.currency)
    constant = [(rows.currency == c, float(rate)) for c, rate in config.rates.items()]
    rate = ibis.cases((home, 1.0), *constant, else_=rows[RATE])
    return rows.mutate(**{REPORTED: rows[REPORTED] * rate}).drop(RATE)


def _mixed(found: list[str], table: Table, config: Config) -> MixedCurrencies:
    key = "mixed_currencies" if len(found) > 1 else "other_currency"
    return MixedCurrencies(key, table=table.name, currencies=found, reporting=config.currency)


def _rated(rows: ir.Table, table: Table, rates: ir.Table) -> ir.Table:
    """The rows with the rate of their day, missing before the first one."""
    window = ibis.window(group_by="currency", order_by="date")
    spans = rates.select(
        rate_of="currency", since="date", until=rates["date"].lead().over(window), **{RATE: "rate"}
    )
    day = _day(rows, table)
    lasts = spans["until"].isnull() | (day < spans["until"])
    matches = [rows.currency == spans["rate_of"], day >= spans["since"], lasts]
    return rows.left_join(spans, matches).select(*(rows[c] for c in rows.columns), spans[RATE])


def _day(rows: ir.Table, table: Table) -> ir.DateValue:
    own = rows[str(table.dated)].cast("date")
    return ibis.coalesce(rows["closed_at"], own) if "closed_at" in rows.columns else own


def _all_rated(con: Any, rows: ir.Table, table: Table, config: Config) -> None:
    lacking = rows.filter(rows[RATE].isnull()).group_by("currency")
    day = _day(rows, table)
    found = frame_of(con, lacking.agg(rows=ibis._.count(), first=day.min(), last=day.max()))
    if len(found):
        first = found.sort_values("currency").iloc[0]
        raise MixedCurrencies(
            "no_rate",
            table=table.name,
            reporting=config.currency,
            **{name: first[name] for name in ("currency", "rows")},
            first=first["first"].date(),
            last=first["last"].date(),
        )


def one_sign(rows: ir.Table, table: Table) -> ir.Table:
    """The rows with refunds below zero: some accounts write a credit note as a positive amount.

    What the returned goods had cost stands with the amount, and turns with it.
    """
    if not {"type", "amount_net"} <= {*table.names}:
        return rows
    wrong = ((rows.type == "refund") & (rows.amount_net > 0)).fill_null(False)
    signed = [name for name in ("amount_net", "cost", "margin") if name in rows.columns]
    return rows.mutate(**{name: ibis.ifelse(wrong, -rows[name], rows[name]) for name in signed})
