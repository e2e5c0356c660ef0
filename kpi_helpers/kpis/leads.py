"""Leads once they are there: qualified, accepted by the sales force, and at what cost."""

from __future__ import annotations

import ibis.expr.types as ir

from kpi_helpers.catalogue import LOWER, Ago, Example, kpi
from kpi_helpers.kpis.parts import Parts, cohort, count
from kpi_helpers.kpis.settled import Settled, growth, quotient
from kpi_helpers.sources.derived import days_between
from kpi_helpers.units import COUNT, MONEY, PERCENT


@kpi(
    names=("Leads qualifiés (SQL)", "Qualified leads (SQL)"),
    definition_fr="Leads qualifiés par les commerciaux, à la date de leur qualification.",
    unit=COUNT,
    dated="sql_at",
    category=("volume", "leading"),
    tags=("B2B", "conquest"),
    pitfalls=(
        "Une nouvelle définition du lead qualifié fait une marche qui n’est pas du marché.",
        "A new definition of what is qualified makes a step that is not the market’s.",
    ),
    seeds="S0 L11, S3 L20",
    example=Example(gives=2, leads={"sql_at": ["2026-01-05", "2026-02-01", None]}),
)
def qualified_leads(leads: ir.Table) -> Parts:
    """Leads qualified by sales, on the day of their qualification."""
    return count(leads.sql_at.notnull())


@kpi(
    names=("Leads qualifiés par le marketing (MQL)", "Marketing-qualified leads (MQL)"),
    definition_fr="Leads qualifiés par le marketing, à la date de leur qualification.",
    unit=COUNT,
    dated="mql_at",
    tier="P2",
    category=("volume", "leading"),
    tags=("B2B", "conquest"),
    seeds="S0 L11, S3 L20",
    example=Example(gives=1, leads={"mql_at": ["2026-01-05", None]}),
)
def marketing_qualified_leads(leads: ir.Table) -> Parts:
    """Leads qualified by marketing, on the day of their qualification."""
    return count(leads.mql_at.notnull())


@kpi(
    names=("Taux de qualification", "Lead qualification rate"),
    definition_fr="Leads de la période qualifiés par les commerciaux dans le délai, en part de "
    "ceux qui ont eu ce délai.",
    unit=PERCENT,
    dated="created_at",
    category=("quality",),
    tags=("B2B",),
    pitfalls=(
        "Les leads récents n’ont pas eu le temps ; la composition des sources change le total.",
        "Recent leads have not had the time; the mix of sources moves the total.",
    ),
    seeds="S0 L11, S2 L56, S4 L50",
    example=Example(
        gives=0.5,
        config={"windows": {"lead_qualification_rate": 30}, "as_of": "2026-04-30"},
        leads={
            "created_at": ["2026-01-01", "2026-02-01", "2026-04-15"],
            "sql_at": ["2026-01-20", "2026-03-15", "2026-04-16"],
        },
    ),
)
def lead_qualification_rate(leads: ir.Table) -> Parts:
    """Leads of the period qualified within the window, among those that have had this time."""
    return cohort(days_between(leads.created_at, leads.sql_at), age=leads.age_days)


@kpi(
    names=("Taux d’acceptation des leads (SAL)", "Lead acceptance rate"),
    definition_fr="Leads transmis dans la période et acceptés par les commerciaux dans le délai, "
    "en part de ceux qui ont eu ce délai ; sans décision, un lead n’est pas accepté.",
    unit=PERCENT,
    dated="handed_over_at",
    tier="P2",
    category=("quality", "SMarketing"),
    tags=("B2B",),
    pitfalls=(
        "Une transmission saisie seulement à l’acceptation donne 100 %.",
        "A handover logged only when it is accepted makes 100%.",
    ),
    seeds="S2 L52-58",
    example=Example(
        gives=0.5,
        config={"windows": {"lead_acceptance_rate": 2}, "as_of": "2026-01-31"},
        leads={
            "handed_over_at": ["2026-01-05", "2026-01-05", "2026-01-30", None],
            "accepted_at": ["2026-01-07", "2026-01-08", None, "2026-01-09"],
        },
    ),
)
def lead_acceptance_rate(leads: ir.Table) -> Parts:
    """Leads handed over in the period and accepted within the window, undecided ones not."""
    handed = leads.handed_over_at
    age = leads.age_days - days_between(leads.created_at, handed)
    return cohort(days_between(handed, leads.accepted_at), age=age)


@kpi(
    names=("Croissance des leads qualifiés", "Lead velocity rate"),
    definition_fr="Leads qualifiés de la période rapportés à ceux des mêmes dates un mois plus "
    "tôt, moins 1 ; sur un trimestre, la croissance mensuelle lissée sur trois mois.",
    unit=PERCENT,
    of={"now": "qualified_leads", "before": Ago("qualified_leads", 1)},
    tier="P3",
    category=("leading",),
    tags=("conquest",),
    pitfalls=(
        "Sous 30 leads qualifiés, surtout du bruit.",
        "Under 30 qualified leads, mostly noise.",
    ),
    seeds="extension",
    cases="leads",
    example=Example(
        gives=0.5,
        period="2026-02",
        config={"as_of": "2026-02-28"},
        leads={"sql_at": ["2026-01-01", "2026-01-31", "2026-02-01", "2026-02-02", "2026-02-28"]},
    ),
)
def lead_velocity_rate(now: Settled, before: Settled) -> Settled:
    """Qualified leads against the same dates a month earlier, minus 1; by quarter, smoothed."""
    return growth(now, before)


@kpi(
    names=("Coût par lead qualifié", "Cost per qualified lead"),
    definition_fr="Dépenses média de la période, par lead créé dans la période et qualifié dans "
    "le délai, au taux des leads qui ont eu ce délai.",
    unit=MONEY,
    better=LOWER,
    of={
        "spent": "media_spend",
        "leads": "leads_generated",
        "rate": "lead_qualification_rate",
    },
    tier="P2",
    category=("quality",),
    tags=("B2B",),
    pitfalls=(
        "La qualification vient après la dépense : les derniers leads n’y sont pas encore.",
        "Qualification comes after the spend: the latest leads are not there yet.",
    ),
    seeds="S3 L20, S2 L56",
    cases="leads",
    example=Example(
        gives=200.0,
        period="2026-01",
        config={"windows": {"lead_qualification_rate": 30}, "as_of": "2026-03-31"},
        spend={"amount": [400.0], "channel": ["web"], "cost_type": ["media"]},
        leads={
            "created_at": ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-31"],
            "sql_at": ["2026-01-20", "2026-01-20", None, None],
        },
    ),
)
def cost_per_qualified_lead(spent: Settled, leads: Settled, rate: Settled) -> Settled:
    """Media spend for each lead created in the period that is qualified within the window."""
    value, low, high = (each * leads.value for each in (rate.value, rate.low, rate.high))
    qualified = rate._replace(value=value, low=low, high=high, n=rate.numerator)
    return quotient(spent, qualified)._replace(young=rate.young)
