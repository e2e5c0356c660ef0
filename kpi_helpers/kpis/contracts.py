"""What customers under contract keep paying: who left, what is kept of their fees, who pays more.

The start of a period is the last month before it, the end its last month.
"""

from __future__ import annotations

from typing import Any

import ibis.expr.types as ir

from kpi_helpers.catalogue import LOWER, Example, kpi
from kpi_helpers.kpis.parts import Parts, carried
from kpi_helpers.kpis.windows import months_before
from kpi_helpers.sources.engine import END, START
from kpi_helpers.units import PERCENT

# Of five who pay in December one leaves, one pays more and one less in March; F is new.
FEES: dict[str, list[Any]] = {
    "customer_id": [*"ABCDE", *"ABCEF"],
    "month": ["2025-12-01"] * 5 + ["2026-03-01"] * 5,
    "mrr": [1000.0, 800.0, 500.0, 300.0, 400.0, 1200.0, 800.0, 350.0, 400.0, 600.0],
}
MARCH = {"as_of": "2026-03-31"}


@kpi(
    names=("Taux d’attrition", "Logo churn"),
    definition_fr="Clients sous contrat à la veille de la période qui n’en paient plus le dernier "
    "mois, en part de ces clients.",
    unit=PERCENT,
    better=LOWER,
    dated="month",
    category=("quality",),
    tags=("subscription", "retention"),
    pitfalls=(
        "Une attrition annuelle n’est pas douze fois la mensuelle : 1 − (1 − m)¹².",
        "A yearly churn is not twelve times the monthly one: 1 − (1 − m)¹².",
    ),
    seeds="S2 L46",
    worth="arpa",
    cases="customers",
    example=Example(gives=0.2, period="2026Q1", config=MARCH, mrr=FEES),
)
def logo_churn_rate(mrr: ir.Table) -> Parts:
    """Customers under contract on the eve of the period who do not pay for its last month."""
    return _followed(mrr, "churned")


@kpi(
    names=("Rétention brute du CA (GRR)", "Gross revenue retention (GRR)"),
    definition_fr="Ce que les clients de la veille de la période paient encore le dernier mois, "
    "hausses non comprises, en part de ce qu’ils payaient.",
    unit=PERCENT,
    dated="month",
    category=("quality",),
    tags=("subscription", "retention"),
    pitfalls=(
        "Jamais plus de 100 % : une hausse chez l’un ne couvre pas le départ d’un autre.",
        "Never over 100%: more from one does not make up for the loss of another.",
    ),
    seeds="extension of S1 L19",
    cases="customers",
    example=Example(gives=0.85, period="2026Q1", config=MARCH, mrr=FEES),
)
def gross_revenue_retention(mrr: ir.Table) -> Parts:
    """What customers of the eve of the period still pay in its last month, rises left out."""
    return _followed(mrr, "kept_gross")


@kpi(
    names=("Rétention nette du CA (NRR)", "Net revenue retention (NRR)"),
    definition_fr="Ce que les clients de la veille de la période paient le dernier mois, hausses "
    "comprises, en part de ce qu’ils payaient.",
    unit=PERCENT,
    dated="month",
    category=("quality", "impact"),
    tags=("subscription", "mature", "retention"),
    pitfalls=(
        "Sans les nouveaux clients ; une indexation des prix y passe pour une hausse.",
        "Without new customers; an indexation of prices looks like growth.",
    ),
    seeds="S0 L22",
    cases="customers",
    example=Example(gives=2750 / 3000, period="2026Q1", config=MARCH, mrr=FEES),
)
def net_revenue_retention(mrr: ir.Table) -> Parts:
    """What customers of the eve of the period pay in its last month, rises included."""
    return _followed(mrr, "kept_net")


@kpi(
    names=("Taux d’upsell", "Upsell rate"),
    definition_fr="Clients de la veille de la période qui paient davantage le dernier mois, en "
    "part de ces clients.",
    unit=PERCENT,
    dated="month",
    category=("quality",),
    tags=("mature", "subscription"),
    pitfalls=(
        "Une indexation des prix compte comme une vente additionnelle.",
        "An indexation of prices counts as an upsell.",
    ),
    seeds="S0 L10/L22, S1 L15",
    cases="customers",
    example=Example(gives=0.2, period="2026Q1", config=MARCH, mrr=FEES),
)
def upsell_rate(mrr: ir.Table) -> Parts:
    """Customers of the eve of the period who pay more in its last month, as a share of them."""
    return _followed(mrr, "upsold")


def _followed(mrr: ir.Table, kind: str) -> Parts:
    base = mrr.is_paid & (mrr.month >= months_before(START, 1)) & (mrr.month < START)
    kept = mrr.is_paid & (mrr.month >= months_before(END, 1)) & (mrr.month < END)
    return carried(kind, mrr.customer_id, mrr.mrr, base, kept)
