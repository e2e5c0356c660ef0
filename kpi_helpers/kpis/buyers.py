"""Whose revenue it is: of new customers or old ones, of a few or of many."""

from __future__ import annotations

import ibis.expr.types as ir

from kpi_helpers.catalogue import NEUTRAL, Example, kpi
from kpi_helpers.kpis.parts import Parts, largest, of_newcomers
from kpi_helpers.kpis.windows import months_before
from kpi_helpers.sources.engine import END
from kpi_helpers.units import PERCENT


@kpi(
    names=("CA des nouveaux clients", "Revenue of new customers"),
    definition_fr="CA des clients dont la première commande tombe dans la période, en part du CA "
    "des clients connus.",
    unit=PERCENT,
    better=NEUTRAL,
    dated="order_date",
    tier="P2",
    category=("quality",),
    tags=("conquest", "mature"),
    pitfalls=(
        "Un historique tronqué fait paraître nouveaux des clients anciens.",
        "A truncated history makes old customers look new.",
    ),
    seeds="S2 L12, S4 L8",
    cases="customers",
    example=Example(
        gives=0.25,
        period="2026Q1",
        config={"as_of": "2026-03-31"},
        orders={
            "customer_id": ["A", "A", "B", "B", None],
            "order_date": ["2024-06-01", "2026-01-10", "2026-02-01", "2026-03-01", "2026-03-01"],
            "amount_net": [10.0, 300.0, 150.0, -50.0, 900.0],
            "type": ["order", "order", "order", "refund", "order"],
        },
    ),
)
def new_vs_existing_revenue(orders: ir.Table) -> Parts:
    """Revenue of customers whose first order falls in the period, over that of known customers."""
    return of_newcomers(
        orders.amount_net, orders.customer_id, first=orders.first_order_at, day=orders.order_date
    )


@kpi(
    names=("Concentration du CA", "Revenue concentration"),
    definition_fr="Part des dix premiers clients dans le CA des douze mois qui finissent avec la "
    "période ; des trois premiers quand il y en a moins de dix.",
    unit=PERCENT,
    better=NEUTRAL,
    dated="order_date",
    tier="P2",
    category=("risk",),
    tags=("mature", "B2B"),
    pitfalls=(
        "Les filiales d’un même groupe comptent comme des clients différents.",
        "Subsidiaries of one group count as different customers.",
    ),
    seeds="extension",
    cases="customers",
    example=Example(
        gives=0.9,
        period="2026Q1",
        config={"as_of": "2026-03-31"},
        orders={
            "customer_id": ["A", "A", "B", "C", "D", "E"],
            "order_date": ["2025-03-01", "2025-04-01", *["2026-01-10"] * 4],
            "amount_net": [900.0, 500.0, 300.0, 100.0, 60.0, 40.0],
        },
    ),
)
def revenue_concentration(orders: ir.Table) -> Parts:
    """Share of the ten largest customers in the revenue of the twelve months up to the end."""
    day = orders.order_date
    year = (day >= months_before(END, 12)) & (day < END)
    return largest(orders.customer_id, orders.amount_net, where=year)
