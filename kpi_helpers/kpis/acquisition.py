"""Leads, their conversion, and what customers cost."""

from __future__ import annotations

import ibis.expr.types as ir

from kpi_helpers.catalogue import LOWER, Ago, Example, kpi
from kpi_helpers.kpis.parts import Parts, cohort, count, decided, distinct
from kpi_helpers.kpis.settled import Settled, quotient
from kpi_helpers.sources.derived import days_between
from kpi_helpers.units import COUNT, MONEY, PERCENT


@kpi(
    names=("Leads générés", "Leads generated"),
    definition_fr="Leads créés dans la période.",
    unit=COUNT,
    dated="created_at",
    category=("volume", "leading"),
    tags=("conquest", "B2C"),
    pitfalls=(
        "Doublons, robots et imports de fichiers font des pics.",
        "Duplicates, bots and list imports make spikes.",
    ),
    seeds="S0 L11, S2 L6",
    example=Example(gives=3, leads={"source": ["web", "web", None]}),
)
def leads_generated(leads: ir.Table) -> Parts:
    """Leads created in the period."""
    return count(leads.lead_id.notnull())


@kpi(
    names=("Taux de conversion leads → clients", "Lead-to-customer conversion"),
    definition_fr="Leads de la période convertis dans le délai, en part de ceux qui ont "
    "eu ce délai.",
    unit=PERCENT,
    dated="created_at",
    category=("quality",),
    pitfalls=(
        "Les leads récents n’ont pas eu le temps ; la composition des sources change le total.",
        "Recent leads have not had the time; the mix of sources moves the total.",
    ),
    seeds="S0 L6/L18, S1 L13, S2 L30, S3 L12/L35, S4 L5/L15",
    worth="revenue_per_customer",
    example=Example(
        gives=0.5,
        config={"windows": {"lead_to_customer_rate": 60}, "as_of": "2026-04-30"},
        leads={
            "created_at": ["2026-01-01", "2026-02-01", "2026-04-01"],
            "converted_at": ["2026-02-01", None, "2026-04-15"],
        },
    ),
)
def lead_to_customer_rate(leads: ir.Table) -> Parts:
    """Leads of the period converted within the window, among those that have had this time."""
    return cohort(days_between(leads.created_at, leads.converted_at), age=leads.age_days)


@kpi(
    names=("Nouveaux clients", "New customers"),
    definition_fr="Clients dont la première commande tombe dans la période.",
    unit=COUNT,
    dated="order_date",
    category=("volume", "lagging"),
    tags=("conquest",),
    pitfalls=(
        "Un historique tronqué fait paraître nouveaux des clients anciens.",
        "A truncated history makes old customers look new.",
    ),
    seeds="S2 L30, S4 L8",
    worth="revenue_per_customer",
    cases="customers",
    example=Example(
        gives=1,
        period="2026Q1",
        orders={
            "customer_id": ["A", "A", "B"],
            "order_date": ["2025-06-01", "2026-01-10", "2026-02-01"],
            "amount_net": [10.0, 10.0, 10.0],
        },
    ),
)
def new_customers(orders: ir.Table) -> Parts:
    """Customers whose first order falls in the period."""
    return distinct(orders.customer_id, where=orders.order_date == orders.first_order_at)


@kpi(
    names=("Nouveaux clients (affaires)", "New customers (deals)"),
    definition_fr="Clients dont la première affaire gagnée tombe dans la période.",
    unit=COUNT,
    dated="closed_at",
    tier="P2",
    category=("volume", "lagging"),
    tags=("conquest", "B2B"),
    pitfalls=(
        "Un historique tronqué fait paraître nouveaux des clients anciens.",
        "A truncated history makes old customers look new.",
    ),
    seeds="S2 L30",
    cases="customers",
    example=Example(
        gives=1,
        deals={"status": ["won", "won", "lost"], "customer_id": ["A", "A", "B"]},
    ),
)
def new_customers_won(deals: ir.Table) -> Parts:
    """Customers whose first won deal falls in the period."""
    return distinct(deals.customer_id, where=deals.is_won & (deals.closed_at == deals.first_win_at))


@kpi(
    names=("Leads → clients (lecture de période)", "Lead-to-customer (period reading)"),
    definition_fr="Nouveaux clients de la période, rapportés aux leads créés dans la même période.",
    unit=PERCENT,
    of={"customers": "new_customers", "leads": "leads_generated"},
    tier="P2",
    category=("quality",),
    pitfalls=(
        "En retard d’un cycle, et peut dépasser 100 % : la lecture par cohorte fait foi.",
        "Lags by one cycle and can exceed 100%: the cohort reading is the one to trust.",
    ),
    seeds="S4 L5",
    cases="leads",
    example=Example(
        gives=0.5,
        period="2026-01",
        config={"as_of": "2026-01-31"},
        leads={"source": ["web", "web"]},
        orders={"customer_id": ["A"], "order_date": ["2026-01-20"], "amount_net": [10.0]},
    ),
)
def lead_to_customer_rate_period(customers: Settled, leads: Settled) -> Settled:
    """New customers of the period over the leads created in the same period."""
    return quotient(customers, leads)


@kpi(
    names=("Dépenses d’acquisition", "Acquisition spend"),
    definition_fr="Dépenses de marketing et de vente, toutes natures.",
    unit=MONEY,
    better=LOWER,
    dated="date",
    tier="P2",
    category=("quantitative",),
    pitfalls=(
        "Les salaires oubliés le font paraître bas ; une facture annuelle tombe en un mois.",
        "Forgotten salaries make it look low; a yearly invoice falls into one month.",
    ),
    seeds="S4 L17",
    example=Example(
        gives=300.0,
        spend={"amount": [100.0, 200.0], "channel": ["web", None], "cost_type": ["media", "tools"]},
    ),
)
def acquisition_spend(spend: ir.Table) -> Parts:
    """Marketing and sales spend of every kind."""
    return decided(spend.amount)


@kpi(
    names=("Dépenses média", "Media spend"),
    definition_fr="Dépenses d’achat média.",
    unit=MONEY,
    better=LOWER,
    dated="date",
    tier="P2",
    category=("quantitative",),
    pitfalls=(
        "Facturé n’est pas diffusé : la date de la facture n’est pas celle de la campagne.",
        "Invoiced is not shown: the date of the invoice is not that of the campaign.",
    ),
    seeds="S4 L59",
    example=Example(
        gives=100.0,
        spend={"amount": [100.0, 200.0], "channel": ["web", None], "cost_type": ["media", "tools"]},
    ),
)
def media_spend(spend: ir.Table) -> Parts:
    """Spend on media."""
    return decided(spend.amount, where=spend.cost_type == "media")


@kpi(
    names=("Coût d’acquisition client (CAC)", "Customer acquisition cost"),
    definition_fr="Dépenses d’acquisition, décalées du délai de conversion, par nouveau client.",
    unit=MONEY,
    better=LOWER,
    of={"spent": Ago("acquisition_spend", "cac"), "customers": "new_customers"},
    category=("quality", "impact"),
    pitfalls=(
        "Sans décalage, le CAC est faux quand la dépense monte et que le cycle est long.",
        "Without the lag, CAC is wrong while spend ramps up and the cycle is long.",
    ),
    seeds="S0 L9/L19/L38, S4 L17/L39/L59",
    cases="customers",
    example=Example(
        gives=1000.0,
        period="2026-03",
        config={"lags": {"cac": 2}},
        spend={
            "date": ["2026-01-01", "2026-03-01"],
            "amount": [2000.0, 9000.0],
            "channel": ["web", "web"],
            "cost_type": ["media", "media"],
        },
        orders={
            "customer_id": ["A", "B"],
            "order_date": ["2026-03-02", "2026-03-31"],
            "amount_net": [10.0, 10.0],
        },
    ),
)
def cac(spent: Settled, customers: Settled) -> Settled:
    """Acquisition spend, shifted by the time to convert, for each new customer."""
    return quotient(spent, customers)


@kpi(
    names=("Coût par lead", "Cost per lead"),
    definition_fr="Dépenses média de la période, par lead créé.",
    unit=MONEY,
    better=LOWER,
    of={"spent": "media_spend", "leads": "leads_generated"},
    category=("quality",),
    tags=("conquest",),
    pitfalls=(
        "Des leads bon marché qui ne se convertissent pas : lire à côté de la conversion.",
        "Cheap leads that never convert: read it beside the conversion.",
    ),
    seeds="S0 L50",
    cases="leads",
    example=Example(
        gives=50.0,
        period="2026-01",
        config={"as_of": "2026-01-31"},
        spend={"amount": [100.0, 900.0], "channel": ["web", None], "cost_type": ["media", "tools"]},
        leads={"source": ["web", "web"]},
    ),
)
def cost_per_lead(spent: Settled, leads: Settled) -> Settled:
    """Media spend of the period, for each lead created."""
    return quotient(spent, leads)
