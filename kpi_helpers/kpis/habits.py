"""How customers buy: how often, across how many families, on whose word, and whether still."""

from __future__ import annotations

import functools
import operator

import ibis.expr.types as ir

from kpi_helpers.catalogue import NEUTRAL, Example, kpi
from kpi_helpers.kpis.parts import Parts, at_risk, average_per, share, varied
from kpi_helpers.kpis.windows import months_before
from kpi_helpers.sources.engine import END
from kpi_helpers.units import PERCENT, TIMES

# Parts of the names that sources give to word of mouth.
REFERRALS = ("referral", "recommand", "recommend", "parrain", "bouche", "word of mouth")


@kpi(
    names=("Taux de vente croisée", "Cross-sell rate"),
    definition_fr="Clients ayant acheté deux familles de produits ou plus dans les douze mois qui "
    "finissent avec la période, en part de ceux qui en ont acheté une.",
    unit=PERCENT,
    dated="order_date",
    tier="P2",
    category=("quality",),
    tags=("mature",),
    pitfalls=(
        "Redécouper le catalogue change le taux sans que personne n’achète autrement.",
        "A new division of the catalogue moves the rate though nobody buys otherwise.",
    ),
    seeds="S1 L15, S4 L19",
    cases="customers",
    example=Example(
        gives=0.5,
        period="2026Q1",
        config={"as_of": "2026-03-31"},
        orders={
            "customer_id": ["A", "A", "B", "B", "B"],
            "order_date": ["2025-06-01", "2026-01-10", "2025-03-01", "2026-01-10", "2026-02-01"],
            "amount_net": [10.0] * 5,
            "product_family": ["parts", "service", "service", "parts", "parts"],
        },
    ),
)
def cross_sell_rate(orders: ir.Table) -> Parts:
    """Customers of two product families or more in the twelve months up to the period's end."""
    return varied(orders.customer_id, orders.product_family, where=_year(orders) & orders.is_sale)


@kpi(
    names=("Fréquence d’achat", "Purchase frequency"),
    definition_fr="Commandes de la période par client ayant commandé.",
    unit=TIMES,
    dated="order_date",
    tier="P2",
    category=("quality",),
    tags=("e-commerce",),
    pitfalls=(
        "Dépend de la longueur de la période ; une promotion avance des achats.",
        "Depends on the length of the period; a promotion brings purchases forward.",
    ),
    seeds="S2 L46",
    cases="customers",
    example=Example(
        gives=1.5,
        orders={
            "customer_id": ["A", "A", "A", "B"],
            "amount_net": [10.0, 10.0, -10.0, 10.0],
            "type": ["order", "order", "refund", "order"],
        },
    ),
)
def purchase_frequency(orders: ir.Table) -> Parts:
    """Orders of the period for each customer with one."""
    one = orders.is_sale.ifelse(1.0, 0.0)
    return average_per(orders.customer_id, one, present=orders.is_sale)


@kpi(
    names=("Clients à risque (RFM)", "Customers at risk (RFM)"),
    definition_fr="Clients des douze mois qui finissent avec la période qui achètent souvent et "
    "beaucoup, mais plus récemment, en part de ces clients.",
    unit=PERCENT,
    better=NEUTRAL,
    dated="order_date",
    tier="P2",
    category=("quality",),
    tags=("e-commerce", "B2C"),
    pitfalls=(
        "Les clients sont classés les uns face aux autres : la part bouge peu, les noms changent.",
        "Customers are ranked against one another: the share moves little, the names change.",
    ),
    seeds="S2 L46",
    cases="customers",
    example=Example(
        gives=1 / 3,
        period="2026Q1",
        config={"as_of": "2026-03-31"},
        orders={
            "customer_id": ["A", "A", "B", "C", "C"],
            "order_date": ["2025-05-01", "2025-06-01", "2026-01-10", "2026-03-01", "2026-03-02"],
            "amount_net": [500.0, 500.0, 10.0, 10.0, 50.0],
        },
    ),
)
def rfm_segment_share(orders: ir.Table) -> Parts:
    """Customers of the last twelve months who buy often and much, but not of late."""
    kept = orders.is_sale & orders.undone.isnull()
    who, day = orders.customer_id, orders.order_date
    return at_risk(who, day, orders.amount_net, kept, where=_year(orders))


@kpi(
    names=("Taux de recommandation", "Referral rate"),
    definition_fr="Leads convertis dans la période et venus par recommandation, en part de ceux "
    "dont la source est connue.",
    unit=PERCENT,
    dated="converted_at",
    tier="P3",
    category=("qualitative",),
    pitfalls=(
        "Le bouche-à-oreille est souvent saisi sous une autre source.",
        "Word of mouth is often recorded under another source.",
    ),
    seeds="S2 L48",
    cases="customers",
    example=Example(
        gives=0.5,
        leads={
            "converted_at": ["2026-01-05", "2026-01-05", "2026-01-09", None],
            "source": ["Parrainage", "Web", None, "Parrainage"],
        },
    ),
)
def referral_rate(leads: ir.Table) -> Parts:
    """Leads converted in the period that came by referral, of those whose source is known."""
    named = [leads.source.lower().contains(word) for word in REFERRALS]
    won = leads.is_converted & leads.source.notnull()
    return share(functools.reduce(operator.or_, named), of=won)


def _year(orders: ir.Table) -> ir.BooleanValue:
    return (orders.order_date >= months_before(END, 12)) & (orders.order_date < END)
