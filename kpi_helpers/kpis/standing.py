"""What is open: how much of it is sound, what it will bring, and what slips."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_helpers.catalogue import LOWER, Example, kpi
from kpi_helpers.kpis.parts import Parts, total
from kpi_helpers.kpis.settled import Settled, chance_of
from kpi_helpers.kpis.stood import age_then, chances, share_then, value_share_then
from kpi_helpers.sources.derived import days_between
from kpi_helpers.sources.engine import END, START
from kpi_helpers.units import DAYS, MONEY, PERCENT

# Of four conditions (budget, authority, need, time), as many make a deal qualified.
QUALIFIED = 3

# Two deals to win or lose in the quarter; of those that were as old, one in two was won.
TO_COME: dict[str, list[Any]] = {
    "status": ["won"] * 5 + ["lost"] * 5 + ["open"] * 2,
    "created_at": ["2026-01-05"] * 10 + ["2026-02-20"] * 2,
    "closed_at": ["2026-02-20"] * 10 + [None] * 2,
    "amount": [120.0] * 10 + [100.0, 300.0],
    "expected_close": [None] * 10 + ["2026-03-10", "2026-03-31"],
    "probability_crm": [1.0] * 5 + [0.0] * 5 + [0.25, 0.75],
}
TARGET: dict[str, list[Any]] = {
    "metric": ["bookings"],
    "period_start": ["2026-01-01"],
    "period_end": ["2026-03-31"],
    "scope_type": ["company"],
    "scope_value": [None],
    "value": [800.0],
}


@kpi(
    names=("Taux de glissement", "Slippage rate"),
    definition_fr="Affaires dont la clôture était prévue dans la période, la veille de son début, "
    "et qui n’y ont pas été closes, en part de toutes celles qui y étaient prévues.",
    unit=PERCENT,
    better=LOWER,
    dated="changed_at",
    tier="P2",
    category=("quality", "leading"),
    tags=("B2B",),
    pitfalls=(
        "Il faut l’historique des dates de clôture : la date actuelle a été réécrite.",
        "It needs the history of closing dates: the present date has been written over.",
    ),
    seeds="S3 L11",
    cases="deals",
    example=Example(
        gives=0.5,
        period="2026Q1",
        config={"as_of": "2026-03-31"},
        deals={
            "status": ["won", "open", "open"],
            "created_at": ["2025-11-01"] * 3,
            "closed_at": ["2026-03-31", None, None],
        },
        close_date_history={
            "deal_id": ["1", "2", "2", "3"],
            "changed_at": ["2025-12-01", "2025-12-01", "2026-01-15", "2026-01-01"],
            "expected_close": ["2026-02-01", "2026-03-01", "2026-04-10", "2026-03-01"],
        },
    ),
)
def slippage_rate(closing_dates: ir.Table) -> Parts:
    """Deals not closed in the period, of those expected in it on the day before its start."""
    said, changed, left = (closing_dates[n] for n in ("changed_at", "until_at", "left_at"))
    due = closing_dates.expected_close
    held = (said < START) & (changed.isnull() | (changed >= START))
    expected = held & (due >= START) & (due < END) & (left.isnull() | (left >= START))
    return share_then((left.isnull() | (left >= END)), of=expected)


@kpi(
    names=("Affaires dormantes", "Stalled deals"),
    definition_fr="Affaires ouvertes depuis plus longtemps à leur étape que les trois quarts des "
    "affaires gagnées, ou dont la clôture prévue est passée, en part des affaires ouvertes.",
    unit=PERCENT,
    better=LOWER,
    dated="opened_at",
    category=("leading", "quality"),
    tags=("B2B",),
    pitfalls=(
        "Le délai usuel est celui de toutes les affaires : un segment lent paraît dormant.",
        "The usual time is that of all deals: a slow segment looks stalled.",
    ),
    seeds="S4 L48",
    cases="deals",
    example=Example(
        gives=2 / 3,
        config={"as_of": "2026-03-31"},
        deals={
            "status": ["won"] * 10 + ["open"] * 3,
            "created_at": ["2026-01-01"] * 11 + ["2026-03-20"] * 2,
            "expected_close": [None] * 11 + ["2026-03-30", "2026-03-31"],
        },
    ),
)
def stalled_share(standing_deals: ir.Table) -> Parts:
    """Open deals in their stage for longer than usual, or whose closing date has passed."""
    deals = standing_deals
    slow = days_between(deals.since, END) - 1 > deals.usual_days
    open_then = deals.opened_at.notnull()
    return share_then(slow.fill_null(False) | deals.is_late, of=open_then)


@kpi(
    names=("Part de portefeuille qualifié", "Qualified pipeline share"),
    definition_fr="Montants des affaires ouvertes qui remplissent au moins trois des quatre "
    "conditions BANT, en part des montants ouverts dont les quatre sont connues.",
    unit=PERCENT,
    dated="opened_at",
    tier="P2",
    category=("quality", "leading"),
    tags=("B2B",),
    pitfalls=(
        "Un BANT déclaré par le vendeur est optimiste : le caler sur les gains.",
        "BANT declared by the seller is optimistic: check it against the wins.",
    ),
    seeds="S4 L32, S3 L38",
    cases="deals",
    example=Example(
        gives=0.75,
        deals={
            "status": ["open", "open", "open", "won"],
            "amount": [300.0, 100.0, 500.0, 900.0],
            "bant_budget": [1.0, 1.0, None, 1.0],
            "bant_authority": [1.0, 0.0, 1.0, 1.0],
            "bant_need": [1.0, 1.0, 1.0, 1.0],
            "bant_timeline": [0.0, 0.0, 1.0, 1.0],
        },
    ),
)
def qualified_pipeline_share(standing_deals: ir.Table) -> Parts:
    """Open amounts with three of the four BANT conditions, of those of which all are known."""
    deals = standing_deals
    score = deals.bant_budget + deals.bant_authority + deals.bant_need + deals.bant_timeline
    return value_share_then(deals.amount, part=score >= QUALIFIED, of=score.notnull())


@kpi(
    names=("Portefeuille pondéré", "Weighted pipeline"),
    definition_fr="Montants des affaires ouvertes à la fin de la période, chacun multiplié par la "
    "part de celles restées aussi longtemps à son étape qui finissent gagnées, autant qu’on les a "
    "suivies ; les affaires encore ouvertes comptent.",
    unit=MONEY,
    dated="opened_at",
    category=("leading",),
    tags=("B2B",),
    pitfalls=(
        "Une somme attendue de quelques grosses affaires ne se réalise jamais telle quelle ; d’une "
        "affaire plus vieille que celles que l’on a suivies, rien n’est attendu.",
        "The sum expected of a few large deals never comes true as such; of a deal older than those"
        " that were followed nothing is expected.",
    ),
    seeds="S4 L29-L32",
    cases="deals",
    example=Example(gives=200.0, deals=TO_COME),
)
def weighted_pipeline(standing_deals: ir.Table) -> Parts:
    """Open amounts, each times the share won in the end of those as long in its stage."""
    deals = standing_deals
    return chances(deals.amount, deals.win_chance, where=deals.opened_at.notnull())


@kpi(
    names=("Gains attendus à échéance", "Wins expected in the period"),
    definition_fr="Portefeuille pondéré des affaires ouvertes dont la clôture est prévue dans la "
    "période.",
    unit=MONEY,
    dated="expected_close",
    tier="P2",
    category=("leading",),
    tags=("B2B",),
    pitfalls=(
        "Une affaire sans date prévue n’y est pas, une date repoussée l’en sort ; ce que l’on "
        "créera et gagnera d’ici la fin n’y est pas non plus.",
        "A deal without an expected date is not in it, one put off leaves it; nor is what will "
        "be created and won by the end.",
    ),
    seeds="S4 L29-L32",
    cases="deals",
    example=Example(
        gives=50.0, period="2026-03-01:2026-03-30", config={"as_of": "2026-03-01"}, deals=TO_COME
    ),
)
def expected_wins(standing_deals: ir.Table) -> Parts:
    """Weighted pipeline of the open deals expected to close in the period."""
    deals = standing_deals
    due = (deals.expected_close >= START) & (deals.expected_close < END)
    return chances(deals.amount, deals.win_chance, where=due)


@kpi(
    names=("Gains attendus selon le CRM", "Wins expected by the CRM"),
    definition_fr="Montants des affaires ouvertes dont la clôture est prévue dans la période, "
    "chacun multiplié par la probabilité saisie dans le CRM.",
    unit=MONEY,
    dated="expected_close",
    tier="P2",
    category=("leading",),
    tags=("B2B",),
    pitfalls=(
        "Souvent la probabilité par défaut de l’étape, que personne n’a vérifiée.",
        "Often the default of the stage, which nobody has checked.",
    ),
    seeds="S4 L29-L32",
    example=Example(gives=250.0, period="2026Q1", config={"as_of": "2026-03-01"}, deals=TO_COME),
)
def expected_wins_crm(deals: ir.Table) -> Parts:
    """Amounts of the open deals expected in the period, each times the CRM's own probability."""
    chance = deals.probability_crm
    chance = ibis.ifelse(chance.between(0, 1), chance, ibis.null("float64"))
    return total(deals.amount * chance, where=deals.is_open)


@kpi(
    names=("Probabilité d’atteindre l’objectif", "Probability of the target"),
    definition_fr="Probabilité que les affaires gagnées et celles à clore dans la période, "
    "chacune avec la chance de son étape, atteignent l’objectif.",
    unit=PERCENT,
    of={"expected": "expected_wins", "target": "bookings_target", "done": "bookings"},
    category=("leading",),
    tags=("all",),
    pitfalls=(
        "Sans les affaires encore à créer (trop bas) ; les affaires sont tenues pour indépendantes "
        "et à l’heure (trop sûr, trop haut).",
        "Without the deals still to be created (too low); deals are taken for independent and on "
        "time (too sure, too high).",
    ),
    seeds="S3 L11",
    cases="deals",
    example=Example(
        gives=0.5,
        period="2026Q1",
        config={"as_of": "2026-03-01"},
        deals=TO_COME,
        targets=TARGET,
    ),
)
def prob_hit_target(expected: Settled, target: Settled, done: Settled) -> Settled:
    """Probability that deals won and deals due in the period, each by its chance, make it."""
    needed = target.value - done.value
    value, blank = chance_of(needed, expected), np.full_like(needed, np.nan)
    return Settled(value, expected.value, needed, expected.n, blank, blank, "exact")


@kpi(
    names=("Âge du portefeuille", "Pipeline age"),
    definition_fr="Âge médian des affaires ouvertes à la fin de la période, depuis leur création.",
    unit=DAYS,
    better=LOWER,
    dated="opened_at",
    tier="P2",
    category=("leading",),
    tags=("B2B",),
    pitfalls=(
        "Les affaires lentes y sont plus présentes : ne pas le comparer au cycle des gagnées.",
        "Slow deals are in it for longer: do not compare it with the cycle of those won.",
    ),
    seeds="S4 L48",
    cases="deals",
    example=Example(
        gives=20.0,
        config={"as_of": "2026-01-31"},
        deals={
            "status": ["open"] * 3,
            "created_at": ["2026-01-01", "2026-01-11", "2026-01-21"],
        },
    ),
)
def pipeline_age(standing_deals: ir.Table) -> Parts:
    """Median age of the deals open at the end of the period, since their creation."""
    return age_then(days_between(standing_deals.created_at, END) - 1)
