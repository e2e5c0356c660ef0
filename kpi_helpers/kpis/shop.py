"""The shop: from visits to carts to orders, and what comes back."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from kpi_helpers.catalogue import LOWER, NEUTRAL, Example, kpi
from kpi_helpers.kpis.parts import Parts, clustered_share, count, mature_ratio, total
from kpi_helpers.sources.across_rows import REFUND_DAYS
from kpi_helpers.units import COUNT, PERCENT


@kpi(
    names=("Taux d’abandon de panier", "Cart abandonment"),
    definition_fr="Paniers créés dans la période qui ne sont pas devenus des commandes, en part "
    "de tous.",
    unit=PERCENT,
    better=LOWER,
    dated="date",
    category=("quality",),
    tags=("e-commerce",),
    pitfalls=(
        "Un panier par visite n’est pas un panier par visiteur ; on remplit aussi des paniers "
        "pour comparer ; sans consentement, la mesure en perd.",
        "A cart of a visit is not one of a visitor; people fill carts to compare; without "
        "consent some go uncounted.",
    ),
    seeds="S3 L17",
    cases="carts",
    example=Example(gives=0.7, web_funnel={"carts": [600, 400, 0], "orders": [200, 100, 0]}),
)
def cart_abandonment_rate(web_funnel: ir.Table) -> Parts:
    """Carts created in the period that did not become orders, as a share of all."""
    left = web_funnel.carts - web_funnel.orders
    return clustered_share(left, of=web_funnel.carts, cluster=web_funnel.date)


@kpi(
    names=("Taux de conversion du site", "Site conversion rate"),
    definition_fr="Commandes de la période, en part des visites.",
    unit=PERCENT,
    dated="date",
    category=("quality",),
    tags=("e-commerce",),
    pitfalls=(
        "Par visite n’est pas par visiteur ; les robots et les visites sans consentement "
        "faussent le total.",
        "For each visit is not for each visitor; bots and visits without consent distort it.",
    ),
    seeds="S4 L15/L39",
    cases="visits",
    example=Example(gives=0.02, web_funnel={"sessions": [900, 600], "orders": [20, 10]}),
)
def site_conversion_rate(web_funnel: ir.Table) -> Parts:
    """Orders of the period, as a share of visits."""
    return clustered_share(web_funnel.orders, of=web_funnel.sessions, cluster=web_funnel.date)


@kpi(
    names=("Visites du site", "Site visits"),
    definition_fr="Visites de la période : un indicateur de vanité, suivi pour être reconnu comme "
    "tel.",
    unit=COUNT,
    better=NEUTRAL,
    dated="date",
    tier="P3",
    category=("vanity",),
    tags=("e-commerce",),
    pitfalls=(
        "Robots et campagnes les font monter sans une vente de plus.",
        "Bots and campaigns raise them without one more sale.",
    ),
    seeds="S4 L57",
    example=Example(gives=1500, web_funnel={"sessions": [900, 600, None]}),
)
def site_visits(web_funnel: ir.Table) -> Parts:
    """Visits of the period: a vanity metric, followed so that it is known as one."""
    return total(web_funnel.sessions)


@kpi(
    names=("Commandes", "Orders"),
    definition_fr="Commandes de la période, hors avoirs.",
    unit=COUNT,
    dated="order_date",
    tier="P2",
    category=("volume",),
    tags=("e-commerce", "B2C"),
    pitfalls=(
        "Une livraison en plusieurs fois n’est qu’une commande, si l’outil le sait.",
        "A delivery in several parts is one order, if the tool knows it.",
    ),
    seeds="S3 L32",
    example=Example(gives=2, orders={"amount_net": [10.0, 20.0, -5.0]}),
)
def orders_placed(orders: ir.Table) -> Parts:
    """Orders of the period, credit notes aside."""
    return count(orders.is_sale)


@kpi(
    names=("Taux de remboursement", "Refund rate"),
    definition_fr="Montants remboursés dans les 60 jours de la commande, en part des commandes de "
    "la période qui ont eu ces 60 jours.",
    unit=PERCENT,
    better=LOWER,
    dated="order_date",
    tier="P2",
    category=("quality",),
    tags=("e-commerce",),
    pitfalls=(
        "Seuls comptent les avoirs qui nomment leur commande ; les commandes récentes n’ont pas "
        "encore eu le temps.",
        "Only credit notes that name their order count; recent orders have not had the time yet.",
    ),
    seeds="extension",
    example=Example(
        gives=0.25,
        config={"as_of": "2026-04-30"},
        orders={
            "order_id": ["1", "2", "3", "4", "5"],
            "order_date": ["2026-01-05", "2026-01-06", "2026-02-01", "2026-03-31", "2026-04-20"],
            "amount_net": [100.0, 100.0, -50.0, -10.0, 900.0],
            "type": ["order", "order", "refund", "refund", "order"],
            "original_order_id": [None, None, "1", "2", None],
        },
    ),
)
def refund_rate(orders: ir.Table) -> Parts:
    """Amounts paid back within 60 days of the order, as a share of orders that had this time."""
    back = ibis.coalesce(orders.refunded, 0.0)
    # An order that replaces another is no new sale.
    sold = orders.is_sale & (orders.amount_net > 0) & orders.original_order_id.isnull()
    return mature_ratio(back, orders.amount_net, old=orders.age_days >= REFUND_DAYS, where=sold)
