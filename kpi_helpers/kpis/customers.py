"""Retention and repeat purchase."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from kpi_helpers.catalogue import Example, kpi
from kpi_helpers.kpis.parts import Parts, retained
from kpi_helpers.kpis.windows import months_before
from kpi_helpers.sources.engine import END, START
from kpi_helpers.units import PERCENT

ACTIVE_MONTHS = 12


@kpi(
    names=("Taux de rétention", "Customer retention rate"),
    definition_fr="Clients actifs au début (commande dans les 12 mois) et encore à la fin, en part "
    "des clients actifs au début.",
    unit=PERCENT,
    dated="order_date",
    category=("quality",),
    tags=("mature", "retention"),
    pitfalls=(
        "Les nouveaux clients n’entrent pas dans le compte ; la fenêtre de 12 mois est "
        "une convention. Un client passé à un autre groupe n’est pas parti.",
        "New customers do not count; the 12-month window is a convention. A customer handed over "
        "to another group has not left.",
    ),
    seeds="S0 L10/L21, S1 L19, S3 L12, S4 L8",
    worth="revenue_per_customer",
    cases="customers",
    example=Example(
        gives=0.5,
        period="2026Q1",
        config={"as_of": "2026-03-31"},
        orders={
            "customer_id": ["A", "A", "B", "C"],
            "order_date": ["2025-02-01", "2026-01-15", "2025-01-15", "2026-02-01"],
            "amount_net": [10.0, 10.0, 10.0, 10.0],
        },
    ),
)
def customer_retention_rate(orders: ir.Table) -> Parts:
    """Customers active at the start (an order within 12 months) and still at the end."""
    day = orders.order_date
    before = orders.is_sale & (day >= months_before(START, ACTIVE_MONTHS)) & (day < START)
    still = orders.is_sale & (day >= months_before(END, ACTIVE_MONTHS)) & (day < END)
    return retained(orders.customer_id, base=before, kept=still)


@kpi(
    names=("Taux de rachat", "Repurchase rate"),
    definition_fr="Clients ayant acheté dans la même période un an plus tôt et de nouveau dans "
    "celle-ci, en part des premiers.",
    unit=PERCENT,
    dated="order_date",
    category=("quality",),
    tags=("e-commerce", "B2C"),
    pitfalls=(
        "La part des clients ayant déjà deux commandes croît avec la longueur de l’historique.",
        "The share of customers who ever ordered twice grows with the length of the history.",
    ),
    seeds="S2 L46, S4 L37/L43",
    worth="revenue_per_customer",
    cases="customers",
    example=Example(
        gives=0.5,
        period="2026",
        config={"as_of": "2026-12-31"},
        orders={
            "customer_id": ["A", "B", "B"],
            "order_date": ["2025-03-01", "2025-05-01", "2026-12-31"],
            "amount_net": [10.0, 10.0, 10.0],
        },
    ),
)
def repurchase_rate(orders: ir.Table) -> Parts:
    """Customers who bought in the same period a year earlier and again in this one, as a share."""
    day = orders.order_date
    # A period longer than a year would count the same order before and again.
    since, until = START - ibis.interval(years=1), ibis.least(months_before(END, 12), START)
    before = orders.is_sale & (day >= since) & (day < until)
    again = orders.is_sale & (day >= START) & (day < END)
    return retained(orders.customer_id, base=before, kept=again)
