"""Revenue and attainment."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from kpi_helpers.catalogue import NEUTRAL, Ago, Example, kpi
from kpi_helpers.kpis.parts import (
    Parts,
    average,
    average_per,
    count,
    decided,
    exact_ratio,
    ratio,
    total,
)
from kpi_helpers.kpis.settled import Settled, growth
from kpi_helpers.units import COUNT, MONEY, PERCENT

ONE_BIG_DEAL = (
    "HT et TTC mêlés ; commandes et factures mêlées ; une grosse affaire fait le total ; "
    "jours ouvrés.",
    "Tax included or not; bookings against invoices; one big deal makes the total; working days.",
)


@kpi(
    names=("Chiffre d’affaires (CA)", "Revenue"),
    definition_fr="Montants HT facturés ou commandés, avoirs déduits à leur date.",
    unit=MONEY,
    dated="order_date",
    category=("volume", "quantitative", "lagging"),
    pitfalls=ONE_BIG_DEAL,
    seeds="S0 L7, S1 L11, S2 L32, S4 L13",
    example=Example(gives=250.0, orders={"amount_net": [100.0, 200.0, -50.0]}),
)
def revenue(orders: ir.Table) -> Parts:
    """Amounts invoiced or ordered, net of tax, credit notes deducted on their own date."""
    return total(orders.amount_net)


@kpi(
    names=("Commandes signées", "Bookings"),
    definition_fr="Montants des affaires gagnées, à la date réelle de signature.",
    unit=MONEY,
    dated="closed_at",
    category=("volume", "quantitative", "lagging"),
    pitfalls=ONE_BIG_DEAL,
    seeds="S0 L7, S1 L11, S2 L32, S4 L13",
    example=Example(
        gives=300.0,
        deals={"status": ["won", "won", "lost", "open"], "amount": [100.0, 200.0, 400.0, 800.0]},
    ),
)
def bookings(deals: ir.Table) -> Parts:
    """Amounts of the deals won, on the actual closing date."""
    return total(deals.amount, where=deals.is_won)


@kpi(
    names=("Taux d’atteinte de l’objectif", "Target attainment"),
    definition_fr="CA des périodes d’objectif, rapporté à ces objectifs.",
    unit=PERCENT,
    dated="midpoint",
    target=1.0,
    category=("quantitative", "lagging"),
    pitfalls=(
        "La somme des objectifs des commerciaux n’est pas celui de l’entreprise ; un "
        "objectif lié à une prime.",
        "The reps’ targets do not add up to the company’s; a target tied to a bonus.",
    ),
    seeds="S1 L23, S3 L11, S4 L52",
    example=Example(
        gives=1.25,
        orders={"amount_net": [600_000.0, 400_000.0]},
        targets={
            "metric": ["revenue"],
            "period_start": ["2026-01-01"],
            "period_end": ["2026-01-01"],
            "scope_type": ["company"],
            "scope_value": [None],
            "value": [800_000.0],
        },
    ),
)
def revenue_attainment(achievements: ir.Table) -> Parts:
    """Revenue of the target's own period and scope, divided by the target."""
    return exact_ratio(
        achievements.actual,
        over=achievements.value,
        where=achievements.metric == "revenue",
        squares=achievements.squares,
    )


@kpi(
    names=("Objectif de commandes", "Bookings target"),
    definition_fr="Objectif de commandes signées de la période.",
    unit=MONEY,
    better=NEUTRAL,
    dated="midpoint",
    category=("quantitative",),
    tier="P2",
    pitfalls=(
        "Un objectif négocié dit autant du négociateur que du marché.",
        "A negotiated target says as much of the negotiator as of the market.",
    ),
    seeds="S1 L23",
    example=Example(
        gives=100.0,
        period="2026Q1",
        deals={"status": ["won"], "amount": [40.0]},
        targets={
            "metric": ["bookings"],
            "period_start": ["2026-01-01"],
            "period_end": ["2026-03-31"],
            "scope_type": ["company"],
            "scope_value": [None],
            "value": [100.0],
        },
    ),
)
def bookings_target(achievements: ir.Table) -> Parts:
    """Target set for the bookings of the period."""
    return decided(achievements.value, where=achievements.metric == "bookings")


@kpi(
    names=("Croissance du CA sur un an", "Revenue growth, year on year"),
    definition_fr="CA de la période rapporté à celui de la même période un an plus tôt, moins 1.",
    unit=PERCENT,
    of={"now": "revenue", "before": Ago("revenue", 12)},
    category=("quantitative", "lagging"),
    pitfalls=(
        "Effet de base ; calendrier (Pâques, jours ouvrés) ; prix contre volume.",
        "Base effect; calendar (Easter, working days); price against volume.",
    ),
    seeds="S2 L14, L32; S4 L13",
    example=Example(
        gives=0.2,
        period="2026Q1",
        orders={"amount_net": [100.0, 120.0], "order_date": ["2025-01-01", "2026-03-31"]},
    ),
)
def revenue_growth(now: Settled, before: Settled) -> Settled:
    """Revenue against the same period one year earlier, minus 1."""
    return growth(now, before)


@kpi(
    names=("Affaires gagnées", "Deals won"),
    definition_fr="Nombre d’affaires gagnées, à la date réelle de signature.",
    unit=COUNT,
    dated="closed_at",
    category=("volume",),
    pitfalls=(
        "Affaires scindées ou fusionnées ; renouvellements comptés comme nouvelles ; doublons.",
        "Split or merged deals; renewals counted as new; duplicates.",
    ),
    seeds="S0 L7, S4 L5",
    worth="avg_deal_value",
    example=Example(gives=2, deals={"status": ["won", "won", "lost", "open"]}),
)
def deals_won_count(deals: ir.Table) -> Parts:
    """Deals won, on the actual closing date."""
    return count(deals.is_won)


@kpi(
    names=("Valeur moyenne des ventes", "Average deal value"),
    definition_fr="Montant moyen des affaires gagnées dont le montant est connu et positif.",
    unit=MONEY,
    dated="closed_at",
    category=("quantitative",),
    tags=("B2B",),
    pitfalls=(
        "Quelques grosses affaires font la moyenne : voir aussi la médiane ; contrats "
        "pluriannuels.",
        "A few large deals make the mean: see the median too; multi-year contracts.",
    ),
    seeds="S1 L15, S4 L57",
    cases="won_deals",
    example=Example(
        gives=150.0,
        deals={"status": ["won", "won", "won", "lost"], "amount": [100.0, 200.0, None, 900.0]},
    ),
)
def avg_deal_value(deals: ir.Table) -> Parts:
    """Mean amount of the deals won whose amount is known and above zero."""
    return average(deals.amount, where=deals.is_won & (deals.amount > 0))


@kpi(
    names=("CA par client", "Revenue per customer"),
    definition_fr="CA de la période par client ayant commandé ; ce n’est pas le panier moyen.",
    unit=MONEY,
    dated="order_date",
    category=("quality",),
    tags=("all", "retention"),
    pitfalls=(
        "Dépend de la longueur de la période ; à ne pas confondre avec le panier moyen.",
        "Depends on the length of the period; not the average order value.",
    ),
    seeds="S0 L45, S1 L15, S3 L12",
    cases="customers",
    example=Example(
        gives=200.0,
        orders={"amount_net": [150.0, 150.0, 100.0], "customer_id": ["A", "A", "B"]},
    ),
)
def revenue_per_customer(orders: ir.Table) -> Parts:
    """Revenue of the period for each customer with an order in it; not the order value."""
    return average_per(orders.customer_id, orders.amount_net, present=orders.is_sale)


@kpi(
    names=("Panier moyen", "Average order value"),
    definition_fr="CA net des avoirs, par commande.",
    unit=MONEY,
    dated="order_date",
    category=("quality",),
    tags=("e-commerce", "B2C"),
    pitfalls=(
        "N’est pas le CA par client ; TTC ou HT ; port compris ou non.",
        "Not revenue per customer; tax or not; shipping included or not.",
    ),
    seeds="S2 L34, S4 L37/L41",
    cases="customers",
    example=Example(
        gives=125.0,
        orders={"amount_net": [100.0, 200.0, -50.0], "type": ["order", "order", "refund"]},
    ),
)
def aov(orders: ir.Table) -> Parts:
    """Revenue net of credit notes, for each order."""
    buyer = ibis.coalesce(orders.customer_id, orders.order_id)
    # Orders of nothing are gifts and tests: they are no baskets.
    sold = (orders.is_sale & (orders.amount_net != 0)).ifelse(1.0, 0.0)
    return ratio(orders.amount_net, over=sold, cluster=buyer)
