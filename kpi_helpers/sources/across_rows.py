"""Columns that look at the other rows of their own table: the first order of a customer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import ibis.expr.types as ir

REFUND_DAYS = 60


def _first_order(orders: ir.Table) -> ir.Table:
    """Day of each customer's first sale; refunds do not make a customer."""
    sales = orders.filter(orders.is_sale)
    return sales.group_by("customer_id").agg(first_order_at=sales.order_date.min())


def _first_win(deals: ir.Table) -> ir.Table:
    """Day of each customer's first won deal."""
    won = deals.filter(deals.is_won)
    return won.group_by("customer_id").agg(first_win_at=won.closed_at.min())


def _refunded(orders: ir.Table) -> ir.Table:
    """What of each order was paid back within `REFUND_DAYS`."""
    back = orders.filter(orders.is_refund)
    back = back.select("amount_net", returned=back.order_date, order_id=back.original_order_id)
    # Few orders are paid back: what is not is left out before it is grouped.
    sales = orders.filter(orders.is_sale).semi_join(back, "order_id")
    sold = sales.group_by("order_id").agg(sold=sales.order_date.min())
    back = back.join(sold, "order_id")
    back = back.filter(back.returned.delta(back.sold, unit="day").between(0, REFUND_DAYS))
    return back.group_by("order_id").agg(refunded=(-back.amount_net).sum())


def _undone(orders: ir.Table) -> ir.Table:
    """Sales paid back in full: by refunds that name them, or by one of the same sum after them.

    A refund that names no order undoes the customer's last one of its amount.
    """
    cents = (100 * orders.amount_net).round()
    sales = orders.mutate(cents=cents).filter(orders.is_sale)
    refunds = orders.mutate(cents=-cents).filter(orders.is_refund)
    named = refunds.group_by(order_id=refunds.original_order_id).agg(back=refunds.cents.sum())
    paid = sales.join(named, "order_id")
    whole = paid.filter(paid.back >= paid.cents).select("order_id")
    blind = refunds.filter(refunds.original_order_id.isnull())
    blind = blind.select("customer_id", "cents", returned=blind.order_date)
    pairs = sales.join(blind, ["customer_id", "cents"])
    pairs = pairs.filter(pairs.order_date <= pairs.returned)
    last = pairs.group_by("customer_id", "cents", "returned").agg(order_date=pairs.order_date.max())
    same = sales.semi_join(last, ["customer_id", "cents", "order_date"]).select("order_id")
    return whole.union(same).distinct().mutate(undone=True)


def _our_score(surveys: ir.Table) -> ir.Table:
    """How each sheet marks ourselves on each attribute."""
    own = surveys.filter(surveys.is_own & (surveys.type == "perception"))
    return own.group_by("response_id", "attribute").agg(our_score=own.score.mean())


def _last_paid(mrr: ir.Table) -> ir.Table:
    """Last month that each customer paid for."""
    paid = mrr.filter(mrr.is_paid)
    return paid.group_by("customer_id").agg(last_paid_at=paid.month.max())


def _known_until(mrr: ir.Table) -> ir.Table:
    """Last month that anybody paid for, beside each customer: nobody has left in it yet."""
    last = mrr.filter(mrr.is_paid).month.max().as_scalar()
    return mrr.select("customer_id").distinct().mutate(known_until=last)


# Column → a table of its keys and this column. To look at other rows is dear, so these are added
# only where a KPI names them.
ACROSS_ROWS: Mapping[str, Mapping[str, Callable[[ir.Table], ir.Table]]] = {
    "orders": {"first_order_at": _first_order, "refunded": _refunded, "undone": _undone},
    "deals": {"first_win_at": _first_win},
    "surveys": {"our_score": _our_score},
    "mrr": {"last_paid_at": _last_paid, "known_until": _known_until},
}
FIRST_TIMES = ("first_order_at", "first_win_at")
