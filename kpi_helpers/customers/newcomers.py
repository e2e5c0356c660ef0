"""Who became a customer, when, through what channel, and what each has bought."""

from __future__ import annotations

import pandas as pd

from kpi_helpers.errors import Unavailable
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.engine import frame_of

# What spend calls a channel is a source to leads.
ON_LEADS = {"channel": "source", "campaign": "campaign"}
KEPT = ["customer_id", "won_at", "channel", "days"]


def newcomers(data: Dataset, by: str = "channel") -> pd.DataFrame:
    """Each customer with the day of the first order and the channel that brought them.

    The channel is that of the first of a customer's leads that was converted (``leads.source``);
    without such leads, that of the first order itself (``orders.channel``). A source without orders
    takes a converted lead for a customer. Whom the table of customers knows from before the first
    order of all is no newcomer.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load`.
    by
        ``"channel"``, or another dimension of the spend that leads or orders have too.

    Returns
    -------
    pandas.DataFrame
        A row a customer: ``customer_id, won_at, channel`` (blank where it is not known), ``days``
        from the lead to its conversion, and ``through`` (``"leads"`` or ``"orders"``).

    Raises
    ------
    Unavailable
        When neither leads nor orders say who became a customer.
    """
    leads, orders = _converted(data, by), _first_orders(data, by)
    if orders is None:
        if leads is None:
            raise Unavailable(what=by, needs="orders.customer_id, leads.converted_at")
        return leads.assign(through="leads")
    orders = orders[~orders["customer_id"].isin(_known_before(data))]
    if leads is None:
        return orders.assign(through="orders")
    brought = leads[["customer_id", "channel", "days"]]
    return orders[KEPT[:2]].merge(brought, "left", "customer_id").assign(through="leads")


def usual_breakdown(data: Dataset) -> str:
    """What customers can be told apart by: the channel, else the campaign."""
    known = (
        name
        for name, source in ON_LEADS.items()
        if _has(data, "leads", source, "converted_at") or _has(data, "orders", name)
    )
    return next(known, "channel")


def purchases(data: Dataset) -> pd.DataFrame:
    """What each newcomer bought and gave back: the rows that `buying.histories` reads.

    Returns
    -------
    pandas.DataFrame
        ``customer_id, order_date, is_sale, amount_net, margin``. A margin that is not known is the
        usual share of the amount; missing where none is known.

    Raises
    ------
    Unavailable
        When the source has no orders with customers.
    """
    if not _has(data, "orders", "customer_id"):
        raise Unavailable(what="customers", needs="orders.customer_id")
    orders = data.table("orders")
    orders = orders.mutate(margin=orders.margin.fill_null(orders.amount_net - orders.cost))
    wanted = ["customer_id", "order_date", "is_sale", "amount_net", "margin"]
    rows = frame_of(data.con, orders.select(*wanted)).dropna(subset=wanted[:2])
    rows = rows[~rows["customer_id"].isin(_known_before(data))]
    rows = rows.sort_values(wanted, ignore_index=True)
    known = rows.dropna(subset="margin")
    bought = known["amount_net"].sum()
    usual = known["margin"].sum() / bought if bought > 0 else float("nan")
    return rows.assign(margin=rows["margin"].fillna(usual * rows["amount_net"]))


def _converted(data: Dataset, by: str) -> pd.DataFrame | None:
    """The first lead of each customer that was converted."""
    name = ON_LEADS.get(by, by)
    if not _has(data, "leads", name, "converted_at"):
        return None
    leads = data.table("leads", (name,))
    who = leads.customer_id.fill_null(leads.lead_id)
    wanted = {"customer_id": who, "won_at": "converted_at", "channel": name}
    rows = leads.filter(leads.converted_at.notnull()).select("lead_id", "created_at", **wanted)
    rows = frame_of(data.con, rows).sort_values(["created_at", "lead_id"], ignore_index=True)
    days = (rows["won_at"] - rows["created_at"]).dt.days
    return rows.assign(days=days).drop_duplicates("customer_id")[KEPT]


def _first_orders(data: Dataset, by: str) -> pd.DataFrame | None:
    """The first sale of each customer, with its own channel where orders have one."""
    if not _has(data, "orders", "customer_id"):
        return None
    own = [by] if _has(data, "orders", by) else []
    orders = data.table("orders", tuple(own))
    sales = orders.filter(orders.is_sale, orders.customer_id.notnull())
    rows = frame_of(data.con, sales.select("customer_id", "order_id", "order_date", *own))
    rows = rows.sort_values(["order_date", "order_id"], ignore_index=True)
    rows = rows.drop_duplicates("customer_id").rename(columns={"order_date": "won_at"})
    return rows.assign(channel=rows[by] if own else None, days=float("nan"))[KEPT]


def _known_before(data: Dataset) -> list[str]:
    """Customers from before the orders begin."""
    begins = data.covered[("orders", "order_date")].first
    if begins is None or not _has(data, "customers", "first_seen"):
        return []
    customers = data.table("customers")
    old = customers.filter(customers.first_seen < begins).select("customer_id")
    return list(frame_of(data.con, old)["customer_id"])


def _has(data: Dataset, table: str, *columns: str) -> bool:
    return table in data.tables and {*columns} <= {*data.filled(table), *data.dimensions(table)}
