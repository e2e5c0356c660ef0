"""What is only seen across rows and tables: names that do not join, gaps, sums that disagree."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from kpi_helpers.sources.checks.finding import finding, never
from kpi_helpers.sources.checks.marks import FLAGGED, INFO, WARN, Mark
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.engine import frame_of, number_of
from kpi_helpers.sources.registers import REGISTERS, SCOPES
from kpi_helpers.sources.tables import LOOKUPS, TABLES

STALE = dt.timedelta(days=31)
LARGEST_GAP = 0.1
NOT_READ = Mark("not_read", "", never, severity=INFO)
STEADY = 5
ENTITIES = {entity for entity, _ in LOOKUPS}
WIN_RATES = ("win_rate_count", "win_rate_value")
JOIN_MARKS = {
    "name": Mark("joined_by_name", "customer_id", never, severity=INFO),
    "ambiguous": Mark("ambiguous_customer", "customer_id", never),
}


def across_tables(data: Dataset) -> Iterator[dict[str, Any]]:
    """What every check of this room found, as rows of `kpi_helpers.quality`."""
    yield from _unmatched(data)
    yield from _joined(data)
    yield from _unknown_scopes(data)
    yield from _uncovered(data)
    yield from _empty_months(data)
    yield from _only_won(data)
    yield from _unbilled(data)
    yield from _refunds(data)
    yield from _as_stored(data)
    yield from _not_read(data)


def _unmatched(data: Dataset) -> Iterator[dict[str, Any]]:
    """Facts that name an owner, customer or product which its own table does not know."""
    for entity, key in LOOKUPS:
        for name in data.mapped:
            if entity not in data.mapped or name == entity or key not in data.filled(name):
                continue
            fact, known = data.base[name], data.base[entity].select(key).distinct()
            missing = fact.filter(fact[key].notnull()).anti_join(known, key)
            counts = [number_of(data.con, table.count()) for table in (missing, fact)]
            if counts[0]:
                yield finding(
                    data, name, Mark("not_in_entity", key, never), counts[0], (counts[1], 0.0)
                )


def _joined(data: Dataset) -> Iterator[dict[str, Any]]:
    """Customers that were joined by their name, or could not be because several bear it."""
    for (name, by), rows in data.joined.groupby(["table", "by"]):
        if by in JOIN_MARKS:
            total = number_of(data.con, data.base[str(name)].count())
            yield finding(data, str(name), JOIN_MARKS[str(by)], rows["rows"].sum(), (total, 0.0))


def _unknown_scopes(data: Dataset) -> Iterator[dict[str, Any]]:
    """Targets set for a rep or team that no row belongs to: nothing will ever be achieved."""
    if "targets" not in data.mapped:
        return
    targets = data.table("targets")
    for scope, column in SCOPES.items():
        own = targets.filter(targets.scope_type == scope)
        known = known_scopes(data, column)
        lost = own if known is None else own.anti_join(known, own.scope_value == known[column])
        rows, total = (number_of(data.con, table.count()) for table in (lost, targets))
        if rows:
            mark = Mark("unknown_scope", "scope_value", never, kpis=("revenue_attainment",))
            yield finding(
                data, "targets", mark, rows, (total, 0.0), number_of(data.con, lost.value.sum())
            )


def known_scopes(data: Dataset, column: str) -> ir.Table | None:
    """The owners, teams or products that any row belongs to, or that their own table lists."""
    names = [
        data.table(name, (column,)).select(column)
        for name in ("deals", "orders", "leads")
        if name in data.base and column in data.dimensions(name)
    ]
    names += [
        data.base[n].select(column)
        for n in ("reps", "products")
        if n in data.base and column in data.filled(n)
    ]
    names = [table.filter(table[column].notnull()).distinct() for table in names]
    return ibis.union(*names, distinct=True) if len(names) > 1 else names[0] if names else None


def _uncovered(data: Dataset) -> Iterator[dict[str, Any]]:
    """Tables whose rows stop well before the day that the data are said to be of."""
    for name in (name for name in data.mapped if name not in REGISTERS):
        dated = TABLES[name].dated
        cover = data.covered.get((name, str(dated)))
        if cover is not None and cover.last and data.as_of - cover.last > cover.tolerance + STALE:
            yield finding(data, name, Mark("stops_early", str(dated), never), 0)


def _empty_months(data: Dataset) -> Iterator[dict[str, Any]]:
    """Months without a row in a table that has five a month or more: by chance one in 150."""
    for name in data.mapped:
        dated, rows = str(TABLES[name].dated), data.base[name]
        cover = data.covered.get((name, dated))
        if name in (*REGISTERS, *ENTITIES) or cover is None or not (cover.first and cover.last):
            continue
        day = rows[dated].cast("date")
        known = rows.filter(day.between(cover.first, cover.last)).group_by(month=day.truncate("M"))
        counts = frame_of(data.con, known.agg(n=ibis._.count()))
        months = len(pd.period_range(cover.first, cover.last, freq="M"))
        if counts["n"].sum() >= STEADY * months > STEADY * len(counts):
            mark = Mark("empty_months", dated, never)
            yield finding(data, name, mark, months - len(counts), (months, 0.0))


def _only_won(data: Dataset) -> Iterator[dict[str, Any]]:
    if won := only_won(data):
        mark = Mark("only_won", "status", never, kpis=WIN_RATES)
        yield finding(data, "deals", mark, won)


def only_won(data: Dataset) -> float:
    """How many deals there are, where none is lost or open: an export of successes; else 0."""
    if "deals" not in data.base:
        return 0.0
    deals = data.base["deals"]
    count = deals.aggregate(rows=deals.count(), won=(deals.status == "won").sum().fill_null(0))
    found = data.remember("only_won", lambda: frame_of(data.con, count).iloc[0])
    return float(found["won"]) if found["rows"] == found["won"] >= STEADY else 0.0


def _as_stored(data: Dataset) -> Iterator[dict[str, Any]]:
    """Amounts in other currencies, which the settings declare to be comparable as they stand."""
    if data.config.mixed_currencies != "as_stored":
        return
    for name in data.mapped:
        if "currency" in data.filled(name):
            rows = data.base[name]
            other = rows.filter(rows.currency != data.config.currency)
            counts = [number_of(data.con, table.count()) for table in (other, rows)]
            if counts[0]:
                mark = Mark("as_stored", "currency", never, severity=INFO)
                yield finding(data, name, mark, counts[0], (counts[1], 0.0))


def _unbilled(data: Dataset) -> Iterator[dict[str, Any]]:
    """Won deals and invoices that differ by more than a tenth over their common dates."""
    covers = [data.covered.get(key) for key in (("deals", "closed_at"), ("orders", "order_date"))]
    if None in covers or "amount" not in data.filled("deals"):
        return
    firsts = [c.first for c in covers if c is not None and c.first is not None]
    if len(firsts) < len(covers):
        return
    first = max(firsts)
    deals, orders = data.table("deals"), data.table("orders")
    won = deals.filter(deals.is_won & (deals.closed_at >= first)).amount.sum()
    billed = orders.filter(orders.order_date >= first).amount_net.sum()
    signed, invoiced = (number_of(data.con, total) for total in (won, billed))
    if abs(signed - invoiced) > LARGEST_GAP * abs(invoiced):
        # Invoices without a deal are the rule where customers order again by themselves.
        weight = WARN if signed > invoiced else INFO
        mark = Mark("won_not_billed", "amount", never, FLAGGED, weight, ("revenue", "bookings"))
        yield finding(data, "deals", mark, 0, money=signed - invoiced)


def _refunds(data: Dataset) -> Iterator[dict[str, Any]]:
    """Refunds that cannot be those of the orders that they name."""
    if "orders" not in data.mapped or "original_order_id" not in data.filled("orders"):
        return
    orders = data.table("orders")
    sold = orders.filter(orders.is_sale).group_by(named=orders.order_id)
    sold = sold.agg(day=orders.order_date.min(), amount=orders.amount_net.sum())
    back = orders.filter(orders.is_refund)
    back = back.select("amount_net", "order_date", named=back.original_order_id)
    known = back.join(sold, "named")
    whole = known.group_by("named").agg(
        amount_net=known.amount_net.sum(), amount=known.amount.max(), rows=known.count()
    )
    over = whole.filter((-100 * whole.amount_net).round() > (100 * whole.amount).round())
    odd = {
        "refund_of_none": back.anti_join(sold, "named"),
        "refund_too_early": known.filter(known.order_date < known.day),
        "refund_too_large": over,
    }
    total = number_of(data.con, back.count())
    for reason, rows in odd.items():
        count = rows["rows"].sum() if "rows" in rows.columns else rows.count()
        found = [number_of(data.con, value) for value in (count, rows.amount_net.sum())]
        if found[0]:
            mark = Mark(reason, "original_order_id", never, kpis=("refund_rate",))
            yield finding(data, "orders", mark, found[0], (total, 0.0), found[1])


def _not_read(data: Dataset) -> Iterator[dict[str, Any]]:
    """Files and sheets that lie beside the tables and were passed over."""
    for name, why in data.passed.items():
        found = finding(data, name, NOT_READ, 0)
        said = f"{found['consequence']} {why.render(data.config.lang)}"
        yield found | {"consequence": said}
