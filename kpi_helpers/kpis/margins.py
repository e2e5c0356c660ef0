"""What is left of revenue: margin, discount, and the cost of selling."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from kpi_helpers.catalogue import LOWER, Example, kpi
from kpi_helpers.kpis.parts import Parts, ratio
from kpi_helpers.kpis.settled import Settled, above_zero, quotient
from kpi_helpers.units import PERCENT


@kpi(
    names=("Taux de marge brute", "Gross margin rate"),
    definition_fr="CA moins coûts, rapporté au CA, sur les commandes dont le coût est connu.",
    unit=PERCENT,
    dated="order_date",
    tier="P2",
    category=("quality", "lagging"),
    tags=("mature", "e-commerce"),
    pitfalls=(
        "La moyenne des taux n’est pas le taux des sommes ; remises comptées ailleurs.",
        "The mean of the rates is not the rate of the sums; discounts booked elsewhere.",
    ),
    seeds="S2 L6/L12, S4 L3",
    cases="customers",
    example=Example(
        gives=0.4,
        orders={
            "amount_net": [100.0, 200.0, -50.0, 900.0],
            "cost": [50.0, 130.0, -30.0, None],
            "type": ["order", "order", "refund", "order"],
        },
    ),
)
def gross_margin_rate(orders: ir.Table) -> Parts:
    """Revenue less costs, over revenue, for the orders whose cost is known."""
    buyer = ibis.coalesce(orders.customer_id, orders.order_id)
    return ratio(orders.amount_net - orders.cost, over=orders.amount_net, cluster=buyer)


@kpi(
    names=("Taux de remise", "Discount rate"),
    definition_fr="Écart entre prix catalogue et montant des affaires gagnées, rapporté au prix "
    "catalogue.",
    unit=PERCENT,
    better=LOWER,
    dated="closed_at",
    tier="P3",
    category=("quality",),
    tags=("B2B",),
    pitfalls=(
        "Le prix catalogue ne manque pas au hasard : il est souvent saisi quand on remise.",
        "The list price is not missing at random: it is often logged when there is a discount.",
    ),
    seeds="extension",
    cases="won_deals",
    example=Example(
        gives=0.1,
        deals={
            "status": ["won", "won", "won", "lost"],
            "amount": [80.0, 280.0, 500.0, 10.0],
            "list_amount": [100.0, 300.0, 0.0, 100.0],
        },
    ),
)
def discount_rate(deals: ir.Table) -> Parts:
    """What is taken off the list price of the deals won, over that price."""
    listed = deals.list_amount
    return ratio(listed - deals.amount, over=listed, where=deals.is_won & (listed > 0))


@kpi(
    names=("Coûts commerciaux / CA", "Sales and marketing cost ratio"),
    definition_fr="Dépenses de marketing et de vente de la période, rapportées à son CA.",
    unit=PERCENT,
    better=LOWER,
    of={"spent": "acquisition_spend", "sold": "revenue"},
    tier="P3",
    category=("impact",),
    tags=("mature",),
    pitfalls=(
        "Une phase de croissance le gonfle : la dépense précède le CA.",
        "Growth inflates it: the spend comes before the revenue.",
    ),
    seeds="S4 L3",
    cases="orders",
    example=Example(
        gives=0.25,
        period="2026-01",
        config={"as_of": "2026-01-31"},
        spend={"amount": [20.0, 30.0], "channel": ["web", None], "cost_type": ["media", "tools"]},
        orders={"amount_net": [150.0, 50.0]},
    ),
)
def sales_marketing_ratio(spent: Settled, sold: Settled) -> Settled:
    """Marketing and sales spend of the period over its revenue."""
    return quotient(spent, above_zero(sold))
