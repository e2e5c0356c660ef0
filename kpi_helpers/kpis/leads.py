"""Leads once they are there: qualified, accepted by the sales force, and at what cost."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from kpi_helpers.catalogue import LOWER, Ago, Example, kpi
from kpi_helpers.kpis.parts import Parts, average, cohort, count, waiting
from kpi_helpers.kpis.settled import Settled, growth, quotient
from kpi_helpers.kpis.windows import active
from kpi_helpers.sources.derived import days_between
from kpi_helpers.sources.engine import END
from kpi_helpers.units import COUNT, HOURS, MONEY, PERCENT, SCORE

CONTACTS = ("call", "email", "meeting", "note")
ACTIVE_DAYS = 90


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
    pitfalls=(
        "Un objectif de MQL se remplit en baissant le seuil : lire à côté le taux d’acceptation.",
        "A goal of MQLs is met by lowering the bar: read beside it what sales accept.",
    ),
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


@kpi(
    names=("Délai de première réponse au lead", "Lead response time"),
    definition_fr="Délai médian, en heures d’horloge, de l’arrivée des leads de la période à la "
    "première réponse ; ceux qui n’en ont pas attendent encore.",
    unit=HOURS,
    better=LOWER,
    dated="created_at",
    category=("leading", "quality"),
    tags=("B2B", "B2C"),
    pitfalls=(
        "La moyenne est faussée par les week-ends ; un accusé automatique n’est pas une réponse.",
        "Week-ends distort the mean; an automatic reply is no answer.",
    ),
    seeds="S2 L28",
    example=Example(
        gives=2.0,
        config={"as_of": "2026-01-31"},
        leads={
            "received_at": ["2026-01-05 08:00"] * 3 + ["2026-01-05"],
            "first_response_at": ["2026-01-05 09:00", "2026-01-05 10:00", None, "2026-01-05 08:00"],
        },
    ),
)
def lead_response_time(leads: ir.Table) -> Parts:
    """Median clock hours from arrival to first answer; leads without one are still waiting."""
    hours = leads.hours_to_response
    return waiting(hours, ended=leads.first_response_at.notnull(), unknown=hours.isnull())


@kpi(
    names=("Score BANT", "BANT score"),
    definition_fr="Moyenne des points de budget, d’autorité, de besoin et de calendrier des leads "
    "qualifiés dans la période, quand les quatre sont notés.",
    unit=SCORE,
    dated="sql_at",
    category=("quality", "leading"),
    tags=("B2B",),
    pitfalls=(
        "Noté après coup, il prédit ce qu’on sait déjà ; un point non noté n’est pas un non.",
        "Scored after the fact it predicts what is known; an item not noted is not a no.",
    ),
    seeds="S3 L38",
    example=Example(
        gives=2.0,
        leads={
            "sql_at": ["2026-01-05", "2026-01-06", "2026-01-07", None],
            "bant_budget": [1, 0, 1, 1],
            "bant_authority": [1, 0, None, 1],
            "bant_need": [1, 1, 1, 1],
            "bant_timeline": [0, 0, 1, 1],
        },
    ),
)
def bant_score(leads: ir.Table) -> Parts:
    """Mean points for budget, authority, need and timeline of leads qualified, all four known."""
    points = leads.bant_budget + leads.bant_authority + leads.bant_need + leads.bant_timeline
    return average(points)


@kpi(
    names=("Prospects actifs", "Active prospects"),
    definition_fr="Leads non convertis avec au moins un appel, e-mail, rendez-vous ou note, "
    "directement ou sur leur affaire, dans les 90 jours qui finissent avec la période.",
    unit=COUNT,
    dated="started_at",
    tier="P2",
    category=("volume", "leading"),
    tags=("conquest",),
    pitfalls=(
        "Ce que l’on n’a pas saisi n’existe pas ; un lead perdu que l’on rappelle en est un.",
        "What nobody logged does not exist; a lost lead that is called again is one.",
    ),
    seeds="S0 L14",
    cases="leads",
    example=Example(
        gives=2,
        period="2026Q1",
        config={"as_of": "2026-03-31"},
        leads={"converted_at": [None, "2026-03-01", None, None]},
        deals={"status": ["open", "open"], "lead_id": ["3", "2"]},
        activities={
            "type": ["call", "call", "note", "email"],
            "started_at": ["2026-03-01 10:00"] * 3 + ["2025-12-01 10:00"],
            "lead_id": ["1", "2", None, "4"],
            "deal_id": ["2", None, "1", None],
        },
    ),
)
def active_prospects(activities: ir.Table) -> Parts:
    """Leads not converted, with some activity in the 90 days up to the end of the period."""
    day = activities.started_at.cast("date")
    recent = (day >= END - ibis.interval(days=ACTIVE_DAYS)) & (day < END)
    direct = activities.lead_id.notnull()
    won = direct.ifelse(activities.lead_won_at, activities.deal_lead_won_at)
    is_ours = activities.type.isin(CONTACTS) & (won.isnull() | (won >= END))
    return active(ibis.coalesce(activities.lead_id, activities.deal_lead), where=recent & is_ours)
