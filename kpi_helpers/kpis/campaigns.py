"""What campaigns cost and what came of them, through the leads that they brought."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from kpi_helpers.catalogue import LOWER, NEUTRAL, Example, kpi
from kpi_helpers.kpis.parts import Parts, clustered_share, decided
from kpi_helpers.kpis.settled import Settled, quotient
from kpi_helpers.kpis.windows import attributed, spent
from kpi_helpers.sources.derived import days_between
from kpi_helpers.units import MONEY, PERCENT, TIMES

NOT_CAUSE = (
    "Vient d’une campagne n’est pas dû à elle : certains auraient acheté sans ; un lead n’a "
    "qu’une campagne.",
    "To come from a campaign is not to be due to it: some would have bought without; a lead has "
    "but one campaign.",
)
LEADS: dict[str, list[Any]] = {
    "created_at": ["2026-01-01", "2026-01-02", "2026-01-03"],
    "converted_at": ["2026-01-10", "2026-01-12", None],
    "customer_id": ["A", "B", "C"],
    "campaign": ["salon", "salon", "salon"],
}
ORDERS: dict[str, list[Any]] = {
    "customer_id": ["A", "B", "D", "A"],
    "order_date": ["2026-01-10", "2026-01-31", "2026-01-15", "2026-12-01"],
    "amount_net": [15_000.0, 5_000.0, 900.0, 700.0],
    "cost": [9_000.0, 3_000.0, 1.0, 1.0],
}
SPEND: dict[str, list[Any]] = {
    "date": ["2026-01-01", "2026-01-02"],
    "amount": [5_000.0, 900.0],
    "channel": ["fair", "fair"],
    "cost_type": ["media", "salaries"],
    "campaign": ["salon", None],
}
YEAR_END = {"as_of": "2026-12-31"}


def _buyer(orders: ir.Table) -> ir.Value:
    return ibis.coalesce(orders.customer_id, orders.order_id)


def _bought(spend: ir.Table) -> ir.BooleanValue:
    return (spend.cost_type == "media") & spend.campaign.notnull()


@kpi(
    names=("CA des campagnes", "Campaign revenue"),
    definition_fr="CA de la période, avoirs déduits, des clients venus d’une campagne par leur "
    "premier lead converti, dans les 180 jours (sauf réglage) de ce lead.",
    unit=MONEY,
    dated="order_date",
    tier="P2",
    category=("impact",),
    tags=("e-commerce",),
    pitfalls=NOT_CAUSE,
    seeds="S4 L8",
    cases="customers",
    example=Example(gives=20_000.0, config=YEAR_END, leads=LEADS, orders=ORDERS),
)
def campaign_revenue(orders: ir.Table) -> Parts:
    """Revenue of customers whose first converted lead a campaign brought, within its window."""
    days = days_between(orders.lead_at, orders.order_date)
    of_campaign = orders.campaign.notnull().ifelse(days, ibis.null("int64"))
    return attributed(orders.amount_net, _buyer(orders), days=of_campaign, setting="roas")


@kpi(
    names=("Marge des campagnes", "Campaign margin"),
    definition_fr="Marge (CA moins coûts) des clients venus d’une campagne par un lead créé dans "
    "la période, dans les 180 jours (sauf réglage) de ce lead, une fois ce délai écoulé.",
    unit=MONEY,
    dated="lead_at",
    tier="P2",
    category=("impact", "lagging"),
    tags=("conquest", "e-commerce"),
    pitfalls=NOT_CAUSE,
    seeds="S2 L6, S3 L12",
    cases="customers",
    example=Example(gives=8_000.0, period="2026Q1", config=YEAR_END, leads=LEADS, orders=ORDERS),
)
def campaign_margin(orders: ir.Table) -> Parts:
    """Margin of the leads of the period that a campaign brought, each within its window."""
    days = days_between(orders.lead_at, orders.order_date)
    margin = orders.campaign.notnull().ifelse(orders.amount_net - orders.cost, ibis.null("float64"))
    age = orders.age_days + days
    return attributed(margin, _buyer(orders), days=days, age=age, setting="campaign_romi")


@kpi(
    names=("Dépenses des campagnes", "Campaign spend"),
    definition_fr="Dépenses média de la période qui nomment leur campagne.",
    unit=MONEY,
    better=LOWER,
    dated="date",
    tier="P2",
    category=("quantitative",),
    pitfalls=(
        "Sans les salaires ni les outils : ce n’est pas le coût complet.",
        "Without salaries and tools: it is not the full cost.",
    ),
    seeds="S4 L8",
    example=Example(gives=5_000.0, spend=SPEND),
)
def campaign_spend(spend: ir.Table) -> Parts:
    """Media spend of the period that names its campaign."""
    return decided(spend.amount, where=_bought(spend))


@kpi(
    names=("Dépenses des campagnes arrivées à terme", "Spend of campaigns run their time"),
    definition_fr="Dépenses média de la période qui nomment leur campagne et dont le délai "
    "d’attribution (180 jours, sauf réglage) est écoulé.",
    unit=MONEY,
    better=LOWER,
    dated="date",
    tier="P2",
    category=("quantitative",),
    pitfalls=(
        "Sans les salaires ni les outils : ce n’est pas le coût complet.",
        "Without salaries and tools: it is not the full cost.",
    ),
    seeds="S2 L6",
    example=Example(gives=5_000.0, period="2026Q1", config=YEAR_END, spend=SPEND, orders=ORDERS),
)
def campaign_spend_matured(spend: ir.Table) -> Parts:
    """Media spend of the period that names its campaign, once its window has passed."""
    return spent(spend.amount, spend.age_days, where=_bought(spend), setting="campaign_romi")


@kpi(
    names=("ROAS", "Return on ad spend (ROAS)"),
    definition_fr="CA de la période attribué aux campagnes, rapporté à leurs dépenses média.",
    unit=TIMES,
    of={"brought": "campaign_revenue", "spent": "campaign_spend"},
    tier="P2",
    category=("impact",),
    tags=("e-commerce",),
    pitfalls=(
        "Au-dessus de 1 on peut perdre de l’argent : c’est la marge qui paie ; un client compté "
        "par plusieurs régies.",
        "Above 1 it can lose money: it is the margin that pays; several platforms claim the same "
        "customer.",
    ),
    seeds="S4 L8",
    cases="customers",
    example=Example(
        gives=4.0, period="2026-01", config=YEAR_END, leads=LEADS, orders=ORDERS, spend=SPEND
    ),
)
def roas(brought: Settled, spent: Settled) -> Settled:
    """Revenue of the period that campaigns brought, over their media spend."""
    return quotient(brought, spent)._replace(n=brought.n, method="gamma")


@kpi(
    names=("ROI des campagnes (ROMI)", "Campaign return on investment (ROMI)"),
    definition_fr="Marge apportée par les leads de la période, moins les dépenses de leurs "
    "campagnes, rapportée à ces dépenses.",
    unit=PERCENT,
    of={"earned": "campaign_margin", "spent": "campaign_spend_matured"},
    category=("impact", "lagging"),
    tags=("conquest", "e-commerce"),
    pitfalls=(
        "Le CA à la place de la marge le flatte ; venir d’une campagne n’est pas être dû à elle.",
        "Revenue in the place of margin flatters it; to come from a campaign is not to be due "
        "to it.",
    ),
    seeds="S2 L6, S3 L12, S4 L5/L8",
    cases="customers",
    example=Example(
        gives=0.6, period="2026Q1", config=YEAR_END, leads=LEADS, orders=ORDERS, spend=SPEND
    ),
)
def campaign_romi(earned: Settled, spent: Settled) -> Settled:
    """Margin that the leads of the period brought, less their campaigns' spend, over that spend."""
    made = quotient(earned, spent)
    value, low, high = made.value - 1, made.low - 1, made.high - 1
    shown = made._replace(value=value, low=low, high=high, n=earned.n)
    return shown._replace(method="gamma", young=spent.young)


@kpi(
    names=("Taux d’ouverture d’e-mails", "E-mail open rate"),
    definition_fr="Ouvertures uniques, en part des e-mails délivrés de la période.",
    unit=PERCENT,
    better=NEUTRAL,
    dated="date",
    tier="P3",
    category=("vanity",),
    tags=("marketing",),
    pitfalls=(
        "Les messageries ouvrent d’elles-mêmes : le taux gonfle sans qu’un client ait lu ; il ne "
        "dit rien des ventes.",
        "Mail programs open by themselves: the rate swells without a reader; it says nothing of "
        "sales.",
    ),
    seeds="S4 L57",
    cases="campaigns",
    example=Example(
        gives=0.3,
        campaign_stats={
            "campaign": ["a", "b"],
            "delivered": [800.0, 200.0],
            "opens": [200.0, 100.0],
        },
    ),
)
def email_open_rate(campaign_stats: ir.Table) -> Parts:
    """Unique opens, as a share of the e-mails delivered in the period; a vanity metric."""
    opens, delivered = campaign_stats.opens, campaign_stats.delivered
    return clustered_share(opens, of=delivered, cluster=campaign_stats.campaign)
