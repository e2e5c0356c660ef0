"""Pipeline, win rates and the sales cycle."""

from __future__ import annotations

import ibis.expr.types as ir

from kpi_helpers.catalogue import LOWER, Ago, Example, kpi
from kpi_helpers.kpis.parts import Parts, duration, share, standing, total, value_share
from kpi_helpers.kpis.settled import Settled, above_zero, product, quotient, remaining
from kpi_helpers.units import COUNT, DAYS, MONEY, PERCENT, TIMES

# How a reason for losing says, in lower case, that the customer bought from nobody.
NO_DECISION = (
    *("sans décision", "pas de décision", "non-décision", "sans suite", "abandon"),
    *("no decision", "no-decision", "non-decision", "sans decision", "pas de decision"),
)


@kpi(
    names=("Taux de gain (nombre)", "Win rate (count)"),
    definition_fr="Affaires gagnées, en part des affaires décidées dans la période.",
    unit=PERCENT,
    dated="closed_at",
    category=("quality",),
    tags=("B2B",),
    pitfalls=(
        "Les pertes se déclarent tard : le taux monte quand le portefeuille grossit ; "
        "pertes jamais saisies.",
        "Losses are logged late: the rate rises while the pipeline grows; losses never logged.",
    ),
    seeds="S0 L14, S4 L32",
    worth="avg_deal_value",
    example=Example(gives=0.4, deals={"status": ["won", "won", "lost", "lost", "lost", "open"]}),
)
def win_rate_count(deals: ir.Table) -> Parts:
    """Deals won, as a share of the deals decided in the period."""
    return share(deals.is_won, of=deals.is_decided)


@kpi(
    names=("Taux de gain (valeur)", "Win rate (value)"),
    definition_fr="Montants gagnés, en part des montants décidés dans la période.",
    unit=PERCENT,
    dated="closed_at",
    category=("quality",),
    tags=("B2B",),
    pitfalls=(
        "Montant revu à la baisse au gain, ou effacé à la perte : le taux est alors trop haut.",
        "An amount revised at the win, or blanked at the loss, makes the rate too high.",
    ),
    seeds="S4 L5",
    example=Example(
        gives=0.25,
        deals={"status": ["won", "lost", "open"], "amount": [100.0, 300.0, 500.0]},
    ),
)
def win_rate_value(deals: ir.Table) -> Parts:
    """Amounts won, as a share of the amounts decided in the period."""
    return value_share(deals.amount, part=deals.is_won, of=deals.is_decided)


@kpi(
    names=("Durée du cycle de vente", "Sales cycle length"),
    definition_fr="Délai médian de la création au gain, parmi les affaires créées dans la période "
    "qui finissent gagnées ; les affaires ouvertes comptent comme inachevées.",
    unit=DAYS,
    better=LOWER,
    dated="created_at",
    category=("quality",),
    tags=("B2B long",),
    pitfalls=(
        "La moyenne des affaires gagnées oublie les longues encore ouvertes ; comparer "
        "au même horizon.",
        "The mean of won deals forgets the long ones still open; compare at the same horizon.",
    ),
    seeds="S0 L8/L20/L37, S1 L17, S4 L5/L34/L48",
    cases="begun_deals",
    example=Example(
        gives=20.0,
        deals={
            "status": ["won"] * 9,
            "closed_at": [f"2026-01-{day}" for day in (11, 16, 21, 26, 31)] + ["2026-03-01"] * 4,
        },
    ),
)
def sales_cycle_duration(deals: ir.Table) -> Parts:
    """Median days from creation to win, among the deals created in the period that end up won."""
    return duration(deals.age_days, won=deals.is_won, lost=deals.is_lost)


@kpi(
    names=("Valeur du portefeuille ouvert", "Open pipeline value"),
    definition_fr="Montants des affaires ouvertes à la fin de la période.",
    unit=MONEY,
    dated="opened_at",
    category=("volume", "leading"),
    tags=("B2B",),
    pitfalls=(
        "Les affaires dormantes le gonflent ; dates de clôture prévues dépassées.",
        "Stale deals inflate it; expected closing dates that have passed.",
    ),
    seeds="S4 L29",
    example=Example(
        gives=500.0,
        deals={"status": ["won", "open", "open"], "amount": [100.0, 200.0, 300.0]},
    ),
)
def open_pipeline_value(deals: ir.Table) -> Parts:
    """Amounts of the deals open at the end of the period."""
    return standing(deals.amount, opened=deals.opened_at, left=deals.left_at)


@kpi(
    names=("Portefeuille à échéance", "Pipeline due"),
    definition_fr="Montants des affaires ouvertes dont la clôture est prévue dans la période.",
    unit=MONEY,
    dated="expected_close",
    tier="P2",
    category=("volume", "leading"),
    tags=("B2B",),
    pitfalls=(
        "Les dates prévues sont optimistes, et souvent celle de la fin du trimestre.",
        "Expected dates are hopeful, and often the last day of the quarter.",
    ),
    seeds="S4 L29",
    example=Example(
        gives=200.0,
        period="2026Q1",
        config={"as_of": "2026-02-15"},
        deals={
            "status": ["open", "open"],
            "amount": [200.0, 300.0],
            "expected_close": ["2026-03-31", "2026-04-01"],
        },
    ),
)
def pipeline_due(deals: ir.Table) -> Parts:
    """Amounts of the open deals expected to close in the period."""
    return total(deals.amount, where=deals.is_open)


@kpi(
    names=("Taux de couverture", "Pipeline coverage"),
    definition_fr="Portefeuille à clore dans la période, rapporté à ce qui manque à l’objectif.",
    unit=TIMES,
    of={"due": "pipeline_due", "target": "bookings_target", "done": "bookings"},
    category=("leading",),
    tags=("B2B",),
    pitfalls=(
        "« Trois fois » ne vaut qu’à un taux de gain de 33 % : il faut 1 ÷ le taux de "
        "gain en valeur.",
        "“Three times” holds only at a win rate of 33%: what is needed is 1 ÷ the value win rate.",
    ),
    seeds="S4 L29",
    cases="deals",
    example=Example(
        gives=2.0,
        period="2026Q1",
        config={"as_of": "2026-02-15"},
        deals={
            "status": ["won", "open", "open"],
            "amount": [40.0, 80.0, 40.0],
            "expected_close": [None, "2026-03-01", "2026-03-31"],
        },
        targets={
            "metric": ["bookings"],
            "period_start": ["2026-01-01"],
            "period_end": ["2026-03-31"],
            "scope_type": ["company"],
            "scope_value": [None],
            "value": [100.0],
        },
    ),
)
def pipeline_coverage(due: Settled, target: Settled, done: Settled) -> Settled:
    """Open pipeline that closes in the period, over what is missing to the target."""
    return quotient(due, remaining(target, done))._replace(n=due.n)


@kpi(
    names=("Portefeuille créé", "Pipeline created"),
    definition_fr="Montants des affaires créées dans la période, tels qu’ils sont connus.",
    unit=MONEY,
    dated="created_at",
    tier="P2",
    category=("leading",),
    tags=("B2B",),
    pitfalls=(
        "Un montant saisi à la création est une estimation ; créations en masse en fin de "
        "trimestre.",
        "An amount entered at creation is a guess; many are created as a quarter ends.",
    ),
    seeds="S4 L32, S0 L14",
    example=Example(
        gives=300.0,
        period="2026-01",
        config={"as_of": "2026-02-28"},
        deals={
            "status": ["open", "open", "open"],
            "amount": [100.0, 200.0, 400.0],
            "created_at": ["2026-01-01", "2026-01-31", "2026-02-01"],
        },
    ),
)
def pipeline_created(deals: ir.Table) -> Parts:
    """Amounts of the deals created in the period, as they are known."""
    return total(deals.amount)


@kpi(
    names=("Taux de non-décision", "No-decision rate"),
    definition_fr="Affaires perdues sans décision du client ou par abandon, en part des affaires "
    "décidées dans la période.",
    unit=PERCENT,
    better=LOWER,
    dated="closed_at",
    tier="P2",
    category=("quality",),
    tags=("B2B long",),
    pitfalls=(
        "Une perte sans motif n’en est pas une : lire aussi la part des motifs vides.",
        "A loss without a reason is not one: read the share of empty reasons too.",
    ),
    seeds="S4 L48",
    worth="avg_deal_value",
    example=Example(
        gives=0.5,
        deals={
            "status": ["won", "lost", "lost", "lost", "open"],
            "lost_reason": [None, "Sans décision", "Project abandoned", "Prix", None],
        },
    ),
)
def no_decision_rate(deals: ir.Table) -> Parts:
    """Deals lost without a decision or abandoned, as a share of those decided in the period."""
    reason = deals.lost_reason.lower().fill_null("")
    undecided = reason.contains(NO_DECISION[0])
    for words in NO_DECISION[1:]:
        undecided = undecided | reason.contains(words)
    return share(deals.is_lost & undecided, of=deals.is_decided)


@kpi(
    names=("Affaires ouvertes", "Open deals"),
    definition_fr="Nombre d’affaires ouvertes à la fin de la période.",
    unit=COUNT,
    dated="opened_at",
    tier="P2",
    category=("volume", "leading"),
    tags=("B2B",),
    pitfalls=(
        "Les affaires oubliées y restent : le nombre monte sans qu’on vende.",
        "Forgotten deals stay in it: the number rises without a sale.",
    ),
    seeds="S4 L29",
    example=Example(gives=2, deals={"status": ["won", "open", "open"]}),
)
def open_deals(deals: ir.Table) -> Parts:
    """How many deals are open at the end of the period."""
    return standing(deals.opened_at.notnull().ifelse(1.0, 0.0), deals.opened_at, deals.left_at)


@kpi(
    names=("Vélocité commerciale (par jour)", "Sales velocity (a day)"),
    definition_fr="Affaires ouvertes à la fin de la période × taux de gain × montant moyen gagné ÷ "
    "durée du cycle, ces trois sur les douze mois qui finissent avec elle.",
    unit=MONEY,
    of={
        "stock": "open_deals",
        "rate": Ago("win_rate_count", over=12),
        "amount": Ago("avg_deal_value", over=12),
        "cycle": Ago("sales_cycle_duration", over=12),
    },
    tier="P2",
    category=("leading",),
    tags=("B2B",),
    pitfalls=(
        "Un produit de moyennes n’est pas la moyenne des produits : comparer, ne pas prévoir.",
        "A product of averages is not the average of products: compare with it, do not forecast.",
    ),
    seeds="extension",
    cases="deals",
    example=Example(
        gives=10.0,
        config={"as_of": "2026-03-31"},
        deals={
            "status": ["won"] * 5 + ["lost"] * 5 + ["open"] * 4,
            "amount": [100.0] * 14,
            "created_at": ["2026-01-01"] * 14,
            "closed_at": ["2026-01-21"] * 10 + [None] * 4,
        },
    ),
)
def sales_velocity(stock: Settled, rate: Settled, amount: Settled, cycle: Settled) -> Settled:
    """Open deals × win rate × average deal ÷ cycle, the last three over twelve months."""
    return quotient(product(stock, product(rate, amount)), above_zero(cycle))._replace(n=rate.n)
