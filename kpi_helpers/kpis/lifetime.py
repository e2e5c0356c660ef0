"""What a customer under contract is worth, against what winning one costs."""

from __future__ import annotations

from typing import Any

import ibis.expr.types as ir
import numpy as np

from kpi_helpers import intervals
from kpi_helpers.catalogue import LOWER, Example, kpi
from kpi_helpers.kpis.parts import Parts, ratio, share
from kpi_helpers.kpis.settled import Remark, Settled, bounds, quotient
from kpi_helpers.lifetime import lifetime_value, payback_months
from kpi_helpers.units import MONEY, MONTHS, PERCENT, TIMES

HORIZON = 60
DISCOUNT_A_YEAR = 0.10
DISCOUNT_A_MONTH = (1 + DISCOUNT_A_YEAR) ** (1 / 12) - 1

# Four customers pay 100 a month, one of them leaves after January; 30 % of revenue is margin.
CONTRACTS: dict[str, list[Any]] = {
    "customer_id": ["A", "B", "C", "D", "A", "B", "C"],
    "month": ["2026-01-01"] * 4 + ["2026-02-01"] * 3,
    "mrr": [100.0] * 7,
}
SOLD: dict[str, list[Any]] = {
    "amount_net": [100.0, 100.0],
    "cost": [80.0, 60.0],
    "customer_id": ["A", "B"],
    "order_date": ["2026-01-05", "2026-01-05"],
}
SPENT: dict[str, list[Any]] = {
    "amount": [120.0],
    "channel": ["web"],
    "cost_type": ["media"],
    "date": ["2026-01-05"],
}


@kpi(
    names=("Revenu mensuel par abonné (ARPA)", "Monthly revenue per account (ARPA)"),
    definition_fr="Revenus récurrents, par client et par mois payé.",
    unit=MONEY,
    dated="month",
    tier="P2",
    category=("quality",),
    tags=("retention",),
    pitfalls=(
        "Quelques grands comptes font la moyenne ; un changement de tarif la fait sauter.",
        "A few large accounts make the mean; a change of prices makes it jump.",
    ),
    seeds="S4 L19",
    cases="customers",
    example=Example(
        gives=150.0,
        mrr={
            "customer_id": ["A", "A", "B"],
            "month": ["2026-01-01", "2026-02-01", "2026-01-01"],
            "mrr": [100.0, 200.0, 0.0],
        },
    ),
)
def arpa(mrr: ir.Table) -> Parts:
    """Recurring revenue, for each customer and month paid."""
    one = mrr.is_paid.ifelse(1.0, 0.0)
    return ratio(mrr.mrr, over=one, where=mrr.is_paid, cluster=mrr.customer_id)


@kpi(
    names=("Attrition mensuelle des abonnés", "Monthly churn of subscribers"),
    definition_fr="Clients qui ne paient plus jamais après un mois de la période, en part de ceux "
    "qui le payaient.",
    unit=PERCENT,
    better=LOWER,
    dated="month",
    tier="P2",
    category=("quality", "lagging"),
    tags=("retention",),
    pitfalls=(
        "Un contrat annuel ne s’arrête qu’à son échéance : lire une année entière.",
        "A yearly contract ends only when it is due: read a whole year.",
    ),
    seeds="S4 L19",
    example=Example(
        gives=0.25,
        period="2026-01",
        config={"as_of": "2026-02-28"},
        mrr=CONTRACTS,
    ),
)
def monthly_churn(mrr: ir.Table) -> Parts:
    """Customers who never pay again after a month of the period, of those who paid for it."""
    followed = mrr.is_paid & (mrr.month < mrr.known_until)
    return share(mrr.month == mrr.last_paid_at, of=followed)


def lived(
    arpa: Settled,
    margin: Settled,
    churn: Settled,
    discount: float = 0.0,
    months: int = HORIZON,
) -> Settled:
    """Margin of a customer over some months; a higher churn makes the lower limit."""
    count, fewest, most = (
        lifetime_value(1.0, 1.0, lost, months, discount)
        for lost in (churn.value, churn.high, churn.low)
    )
    monthly = arpa.value * margin.value
    limits = intervals.product(arpa.value, *bounds(arpa), margin.value, *bounds(margin))
    low, high = intervals.product(monthly, *limits, count, fewest, most)
    value, blank = monthly * count, np.full_like(monthly, np.nan)
    return Settled(value, value, blank, arpa.n, low, high, "propagated")


@kpi(
    names=("Valeur vie client (LTV)", "Customer lifetime value (LTV)"),
    definition_fr="Marge attendue d’un client sous contrat en 60 mois : revenu mensuel × taux de "
    "marge, diminué chaque mois de l’attrition.",
    unit=MONEY,
    of={"arpa": "arpa", "margin": "gross_margin_rate", "churn": "monthly_churn"},
    category=("impact", "leading"),
    tags=("all", "retention"),
    pitfalls=(
        "Sans attrition observée, la valeur n’est bornée que par l’horizon ; la marge est celle "
        "de toutes les ventes.",
        "Without any churn seen, only the horizon bounds the value; the margin is that of all "
        "sales.",
    ),
    seeds="S4 L8/L19/L23",
    cases="customers",
    example=Example(
        gives=30 * (1 - 0.75**60) / 0.25,
        period="2026-01",
        config={"as_of": "2026-02-28"},
        mrr=CONTRACTS,
        orders=SOLD,
    ),
)
def ltv(arpa: Settled, margin: Settled, churn: Settled) -> Settled:
    """Margin expected of a customer under contract within 60 months, less the churn each month."""
    return lived(arpa, margin, churn)


@kpi(
    names=("LTV actualisée", "Discounted LTV"),
    definition_fr="Valeur vie client, chaque mois actualisé au taux de 10 % par an.",
    unit=MONEY,
    of={"arpa": "arpa", "margin": "gross_margin_rate", "churn": "monthly_churn"},
    tier="P2",
    category=("impact",),
    tags=("mature",),
    pitfalls=(
        "Un taux annuel n’est pas douze fois un taux mensuel.",
        "A yearly rate is not twelve times a monthly one.",
    ),
    seeds="extension of S4 L19",
    cases="customers",
    example=Example(
        gives=30 * (1 - (0.75 / 1.1 ** (1 / 12)) ** 60) / (1 - 0.75 / 1.1 ** (1 / 12)),
        period="2026-01",
        config={"as_of": "2026-02-28"},
        mrr=CONTRACTS,
        orders=SOLD,
    ),
)
def ltv_discounted(arpa: Settled, margin: Settled, churn: Settled) -> Settled:
    """Customer lifetime value, each month discounted at 10% a year."""
    return lived(arpa, margin, churn, DISCOUNT_A_MONTH)


@kpi(
    names=("Ratio LTV/CAC", "LTV/CAC"),
    definition_fr="Valeur vie client en marge, rapportée au coût d’acquisition complet.",
    unit=TIMES,
    of={"worth": "ltv", "cost": "cac"},
    category=("impact",),
    pitfalls=(
        "Un CAC média seul face à une LTV totale le gonfle ; il cache le délai de récupération.",
        "A CAC of media alone against the whole LTV inflates it; it hides the payback.",
    ),
    seeds="S4 L21-L27",
    cases="customers",
    example=Example(
        gives=30 * (1 - 0.75**60) / 0.25 / 60,
        period="2026-01",
        config={"as_of": "2026-02-28"},
        mrr=CONTRACTS,
        orders=SOLD,
        spend=SPENT,
    ),
)
def ltv_cac_ratio(worth: Settled, cost: Settled) -> Settled:
    """Lifetime value in margin over the fully loaded acquisition cost."""
    return quotient(worth, cost)


@kpi(
    names=("Délai de récupération du CAC", "CAC payback"),
    definition_fr="Mois de marge d’un client sous contrat pour couvrir son coût d’acquisition.",
    unit=MONTHS,
    better=LOWER,
    of={"cost": "cac", "arpa": "arpa", "margin": "gross_margin_rate"},
    tier="P2",
    category=("impact",),
    tags=("B2B subscription",),
    pitfalls=(
        "Ne compte pas l’attrition : ceux qui partent ne remboursent jamais.",
        "Takes no account of churn: those who leave never pay back.",
    ),
    seeds="extension of S4 L23",
    cases="customers",
    example=Example(
        gives=2.0,
        period="2026-01",
        config={"as_of": "2026-02-28"},
        mrr=CONTRACTS,
        orders=SOLD,
        spend=SPENT,
    ),
)
def cac_payback_months(cost: Settled, arpa: Settled, margin: Settled) -> Settled:
    """Months of a contract customer's margin that pay for what winning them cost."""
    monthly = arpa.value * margin.value
    value, low, high = (
        payback_months(each, monthly, 1.0, months=HORIZON)
        for each in (cost.value, cost.low, cost.high)
    )
    known = ~np.isnan(cost.value * monthly)
    never = known & np.isnan(value)
    remark = Remark("notes.never_paid_back", never, {"months": np.full_like(monthly, HORIZON)})
    high = np.where(known & np.isnan(high) & ~np.isnan(cost.high), np.inf, high)
    return Settled(value, cost.value, monthly, cost.n, low, high, "propagated", (remark,))
