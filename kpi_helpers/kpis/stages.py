"""How deals go through the stages: how many pass, how long it takes, what is lost, what comes back.

All are read by stage (``by="stage"``); the whole is the figure of all stages together.
"""

from __future__ import annotations

from typing import Any

import ibis.expr.types as ir

from kpi_helpers.catalogue import LOWER, Example, kpi
from kpi_helpers.kpis.parts import Parts, cohort, cohort_total, share_of_entities, waiting
from kpi_helpers.sources.derived import days_between
from kpi_helpers.units import DAYS, MONEY, PERCENT

# Five deals: two won, one lost, one that went back, one that has only come in.
DEALS: dict[str, list[Any]] = {
    "deal_id": ["D1", "D2", "D3", "D4", "D5"],
    "status": ["won", "lost", "won", "open", "open"],
    "created_at": ["2026-01-05", "2026-01-07", "2026-01-10", "2026-01-12", "2026-02-01"],
    "closed_at": ["2026-02-21", "2026-02-10", "2026-02-14", None, None],
    "amount": [100.0, 200.0, 300.0, 400.0, 500.0],
}
HISTORY: dict[str, list[Any]] = {
    "deal_id": ["D1"] * 4 + ["D2"] * 3 + ["D3"] * 3 + ["D4"] * 5 + ["D5"],
    "stage": [
        *("Qualif", "RDV", "Propo", "Gagné", "Qualif", "RDV", "Perdu", "Qualif", "Propo", "Gagné"),
        *("Qualif", "RDV", "Propo", "RDV", "Propo", "Qualif"),
    ],
    "entered_at": [
        *("2026-01-05", "2026-01-15", "2026-02-01", "2026-02-21", "2026-01-07", "2026-01-20"),
        *("2026-02-10", "2026-01-10", "2026-01-30", "2026-02-14", "2026-01-12", "2026-01-22"),
        *("2026-02-05", "2026-02-12", "2026-03-01", "2026-02-01"),
    ],
}
STAGES = {"stages": ["Qualif", "RDV", "Propo", "Gagné"], "as_of": "2026-03-31"}


@kpi(
    names=("Taux de passage entre étapes", "Stage conversion"),
    definition_fr="Affaires entrées dans une étape dans la période qui ont atteint une étape "
    "suivante dans le délai, en part de celles qui ont eu ce délai ; sauter une étape, c’est "
    "l’atteindre. Sans détail par étape : toutes les étapes ensemble.",
    unit=PERCENT,
    dated="entered_at",
    category=("quality",),
    tags=("B2B", "e-commerce"),
    pitfalls=(
        "Le rapport des affaires présentes dans deux étapes n’est pas un taux de passage ; "
        "l’ensemble dépend du nombre d’étapes.",
        "Deals in one stage over deals in the one before is no conversion; the whole depends on "
        "how many stages there are.",
    ),
    seeds="S4 L5/L32/L50, S3 L17",
    cases="stages",
    example=Example(
        gives=0.75,
        config={**STAGES, "windows": {"stage_conversion": "none"}},
        deals=DEALS,
        stage_history=HISTORY,
    ),
)
def stage_conversion(stage_steps: ir.Table) -> Parts:
    """Deals that entered a stage in the period and got beyond it within the window; all stages."""
    entered = stage_steps.entered_at
    return cohort(days_between(entered, stage_steps.advanced_at), age=stage_steps.age_days)


@kpi(
    names=("Temps par étape", "Time in stage"),
    definition_fr="Durée médiane des passages dans une étape commencés dans la période ; un "
    "passage en cours compte comme inachevé. Sans détail par étape : toutes les étapes ensemble.",
    unit=DAYS,
    better=LOWER,
    dated="entered_on",
    category=("quality",),
    tags=("B2B",),
    pitfalls=(
        "Des étapes saisies en bloc font des passages de zéro jour ; à lire par étape.",
        "Stages entered all at once make stays of no days; read it by stage.",
    ),
    seeds="S1 L17, S4 L32",
    cases="stages",
    example=Example(gives=17.0, config=STAGES, deals=DEALS, stage_history=HISTORY),
)
def time_in_stage(stage_visits: ir.Table) -> Parts:
    """Median length of the stays in a stage begun in the period, those still lasting included."""
    return waiting(stage_visits.days_there, ended=stage_visits.gone_at.notnull())


@kpi(
    names=("Valeur perdue par étape", "Leak value per stage"),
    definition_fr="Montants des affaires entrées dans une étape dans la période et perdues à cette "
    "étape dans le délai, parmi celles qui ont eu ce délai.",
    unit=MONEY,
    better=LOWER,
    dated="entered_at",
    category=("impact",),
    tags=("all",),
    pitfalls=(
        "Désigne toujours la première étape : les affaires y sont les plus nombreuses ; le montant "
        "est celui de l’affaire, non celui de l’époque.",
        "Always points to the first stage, where most deals are; the amount is that of the deal, "
        "not the one said at the time.",
    ),
    seeds="S3 L17, S4 L32",
    cases="stages",
    example=Example(
        gives=200.0,
        config={**STAGES, "windows": {"stage_leak_value": "none"}},
        deals=DEALS,
        stage_history=HISTORY,
    ),
)
def stage_leak_value(stage_steps: ir.Table) -> Parts:
    """Amounts of deals that entered a stage in the period and were lost there within the window."""
    lost = days_between(stage_steps.entered_at, stage_steps.lost_at)
    return cohort_total(stage_steps.amount, lost, age=stage_steps.age_days)


@kpi(
    names=("Retours en arrière", "Stage regression rate"),
    definition_fr="Affaires revenues à une étape précédente ou rouvertes dans la période, en part "
    "de celles entrées dans une étape ; un retour en moins de 24 heures corrige une saisie.",
    unit=PERCENT,
    better=LOWER,
    dated="entered_on",
    tier="P3",
    category=("quality",),
    tags=("B2B",),
    pitfalls=(
        "Une erreur de saisie corrigée après 24 heures compte ; qui ne recule jamais une affaire "
        "a un bon taux.",
        "A slip put right after 24 hours counts; who never moves a deal back has a good rate.",
    ),
    seeds="S4 L5",
    cases="deals",
    example=Example(gives=0.2, config=STAGES, deals=DEALS, stage_history=HISTORY),
)
def stage_regression_rate(stage_visits: ir.Table) -> Parts:
    """Deals that came back to an earlier stage, of those that entered one in the period."""
    back, there = stage_visits.is_back, stage_visits.entered_on.notnull()
    return share_of_entities(back, of=there, entity=stage_visits.deal_id)
