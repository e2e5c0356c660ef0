"""What customers say: satisfaction, recommendation, effort, reviews; and how soon they hear."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from kpi_helpers.catalogue import LOWER, Example, kpi
from kpi_helpers.kpis.parts import (
    Parts,
    clustered_share,
    count,
    promoters,
    ratio,
    stars,
    waiting,
)
from kpi_helpers.kpis.settled import Settled, per
from kpi_helpers.sources.derived import IMPORTANCE
from kpi_helpers.units import COUNT, HOURS, PERCENT, POINTS, SCORE

# On a scale of 1 to 5 these are 4 and 5; on one of 1 to 7, 5 to 7. Other scales are read alike.
SATISFIED, EASY = 0.75, 2 / 3


def _at_least(place: float, surveys: ir.Table, kind: str) -> Parts:
    """Answers at this place of their scale (0 to 1) or above, among those on their scale."""
    score, least, most = surveys.score, surveys.scale_min, surveys.scale_max
    answered = (surveys.type == kind) & (score >= least) & (score <= most) & (least < most)
    high = score >= least + place * (most - least) - 1e-9
    who = ibis.coalesce(surveys.customer_id, surveys.response_id)
    return clustered_share((high & answered).fill_null(False), answered.fill_null(False), who)


@kpi(
    names=("Taux de satisfaction (CSAT)", "Customer satisfaction (CSAT)"),
    definition_fr="Réponses aux trois quarts de leur échelle ou au-dessus (4 et 5 sur 5), en part "
    "des réponses de la période.",
    unit=PERCENT,
    dated="responded_at",
    category=("qualitative", "leading"),
    tags=("all", "retention"),
    pitfalls=(
        "Seuil et échelle varient d’un outil à l’autre ; les mécontents et les pressés ne "
        "répondent pas ; un envoi aux seuls contents flatte.",
        "Threshold and scale differ between tools; the displeased and the busy do not answer; "
        "asking only the pleased flatters.",
    ),
    seeds="S2 L44, S3 L12/L63, S4 L8",
    example=Example(
        gives=0.6,
        surveys={
            "type": ["csat"] * 5 + ["nps"],
            "score": [5, 4, 3, 1, 8, 0],
            "scale_min": [1, 1, 1, 1, 0, 0],
            "scale_max": [5, 5, 5, 5, 10, 10],
        },
    ),
)
def csat(surveys: ir.Table) -> Parts:
    """Answers at three quarters of their scale or above (4 and 5 of 5), as a share of answers."""
    return _at_least(SATISFIED, surveys, "csat")


@kpi(
    names=("Net Promoter Score", "Net promoter score (NPS)"),
    definition_fr="Part des réponses de 9 et 10 moins part de celles de 0 à 6, en points de "
    "−100 à 100.",
    unit=POINTS,
    dated="responded_at",
    category=("qualitative", "leading"),
    pitfalls=(
        "Ce n’est pas un pourcentage ; ±10 points avec 200 réponses ; ne pas mêler canaux, "
        "pays, ni enquête de relation et enquête à chaud.",
        "It is no percentage; ±10 points with 200 answers; do not mix channels, countries, nor "
        "surveys of the relation with those after an event.",
    ),
    seeds="S2 L48",
    example=Example(
        gives=20.0,
        surveys={
            "type": ["nps"] * 6,
            "score": [10, 9, 7, 8, 6, 8.5],
            "scale_min": [0] * 6,
            "scale_max": [10] * 6,
        },
    ),
)
def nps(surveys: ir.Table) -> Parts:
    """Share of answers of 9 and 10 less that of 0 to 6, in points from −100 to 100."""
    return promoters(surveys.score, where=surveys.type == "nps")


@kpi(
    names=("Effort client (CES)", "Customer effort score (CES)"),
    definition_fr="Réponses qui jugent la démarche facile (5 à 7 sur 7), en part des réponses de "
    "la période.",
    unit=PERCENT,
    dated="responded_at",
    tier="P3",
    category=("qualitative",),
    tags=("service",),
    pitfalls=(
        "Dans certains outils une note haute dit un grand effort : la retourner avant.",
        "In some tools a high mark says much effort: turn it round first.",
    ),
    seeds="extension",
    example=Example(
        gives=0.5,
        surveys={"type": ["ces"] * 2, "score": [5, 4], "scale_min": [1, 1], "scale_max": [7, 7]},
    ),
)
def ces(surveys: ir.Table) -> Parts:
    """Answers that call it easy (5 to 7 of 7), as a share of answers of the period."""
    return _at_least(EASY, surveys, "ces")


@kpi(
    names=("Note des avis", "Review score"),
    definition_fr="Note moyenne des avis publiés dans la période, ramenée à une échelle de 1 à 5.",
    unit=SCORE,
    dated="responded_at",
    category=("qualitative",),
    tags=("B2C", "e-commerce"),
    pitfalls=(
        "Avis sollicités et spontanés ne se mêlent pas ; des avis sont supprimés.",
        "Reviews asked for and spontaneous ones do not mix; some are deleted.",
    ),
    seeds="S2 L48",
    example=Example(
        gives=4.0,
        surveys={
            "type": ["review"] * 3,
            "score": [5, 3, 7.5],
            "scale_min": [1, 1, 0],
            "scale_max": [5, 5, 10],
        },
    ),
)
def review_score(surveys: ir.Table) -> Parts:
    """Mean mark of the reviews published in the period, read on a scale of 1 to 5."""
    return stars(
        surveys.score, surveys.scale_min, surveys.scale_max, where=surveys.type == "review"
    )


@kpi(
    names=("Volume d’avis", "Review count"),
    definition_fr="Avis publiés dans la période.",
    unit=COUNT,
    dated="responded_at",
    tier="P3",
    category=("qualitative",),
    tags=("B2C",),
    pitfalls=(
        "Les campagnes de sollicitation font des pics.",
        "Campaigns that ask for reviews make spikes.",
    ),
    seeds="S2 L48",
    example=Example(
        gives=1,
        surveys={
            "type": ["review", "nps"],
            "score": [5, 3],
            "scale_min": [1, 0],
            "scale_max": [5, 10],
        },
    ),
)
def review_count(surveys: ir.Table) -> Parts:
    """Reviews published in the period."""
    return count(surveys.type == "review")


@kpi(
    names=("Temps de réponse du service client", "Service response time"),
    definition_fr="Délai médian, en heures d’horloge, de la demande reçue dans la période à sa "
    "première réponse ; les demandes sans réponse comptent comme inachevées.",
    unit=HOURS,
    better=LOWER,
    dated="started_at",
    category=("quality",),
    tags=("service",),
    pitfalls=(
        "La moyenne oublie les demandes sans réponse ; les accusés automatiques la font "
        "fondre ; nuits et week-ends comptent ; une réponse n’est pas une solution.",
        "The mean forgets what has no reply; automatic replies make it vanish; nights and "
        "week-ends count; a reply is no solution.",
    ),
    seeds="S3 L62",
    cases="tickets",
    example=Example(
        gives=5.0,
        config={"as_of": "2026-01-31"},
        activities={
            "type": ["ticket"] * 6,
            "started_at": ["2026-01-05 08:00"] * 6,
            "first_reply_at": [
                *("2026-01-05 09:00", "2026-01-05 10:00", "2026-01-05 13:00"),
                *("2026-01-06 08:00", None, "2026-02-03 08:00"),
            ],
        },
    ),
)
def service_response_time(activities: ir.Table) -> Parts:
    """Median clock hours to the first reply of tickets of the period; the unanswered wait still."""
    asked = activities.type == "ticket"
    hours = asked.ifelse(activities.hours_to_reply, ibis.null("float64"))
    return waiting(hours, ended=activities.first_reply_at.notnull())


@kpi(
    names=("Réclamations", "Complaints"),
    definition_fr="Réclamations reçues dans la période.",
    unit=COUNT,
    better=LOWER,
    dated="started_at",
    tier="P2",
    category=("qualitative",),
    tags=("service",),
    pitfalls=(
        "Plus de canaux ouverts, plus de réclamations.",
        "The more channels are open, the more complaints.",
    ),
    seeds="S3 L32",
    cases="complaints",
    example=Example(gives=1, activities={"type": ["complaint", "ticket"]}),
)
def complaints(activities: ir.Table) -> Parts:
    """Complaints received in the period."""
    return count(activities.type == "complaint")


@kpi(
    names=("Taux de réclamation", "Complaint rate"),
    definition_fr="Réclamations reçues dans la période, rapportées aux commandes de la période.",
    unit=PERCENT,
    better=LOWER,
    of={"received": "complaints", "orders": "orders_placed"},
    tier="P2",
    category=("qualitative",),
    tags=("service",),
    pitfalls=(
        "Plus de canaux ouverts, plus de réclamations ; elles suivent la commande de quelques "
        "semaines.",
        "The more channels are open, the more complaints; they come weeks after the order.",
    ),
    seeds="S3 L32",
    cases="orders",
    example=Example(
        gives=0.25,
        period="2026-01",
        config={"as_of": "2026-01-31"},
        activities={"type": ["complaint", "ticket"]},
        orders={"amount_net": [10.0] * 4},
    ),
)
def complaint_rate(received: Settled, orders: Settled) -> Settled:
    """Complaints received in the period, over the orders of the period."""
    return per(received, orders)


@kpi(
    names=("Écart de perception", "Perception gap"),
    definition_fr="Notre note moins celle du concurrent, en moyenne des répondants qui ont noté "
    "les deux sur le même critère.",
    unit=POINTS,
    dated="responded_at",
    tier="P2",
    category=("qualitative",),
    tags=("benchmark",),
    pitfalls=(
        "Nos propres clients nous flattent ; des notes d’échelles différentes ne se comparent pas.",
        "Our own customers flatter us; marks of different scales cannot be compared.",
    ),
    seeds="S3 L27",
    example=Example(
        gives=1.5,
        surveys={
            "response_id": ["1", "1", "2", "2", "3"],
            "attribute": ["Prix"] * 5,
            "subject": ["us", "Rival", "us", "Rival", "us"],
            "type": ["perception"] * 5,
            "score": [8, 6, 5, 4, 10],
            "scale_min": [0] * 5,
            "scale_max": [10] * 5,
        },
    ),
)
def perception_gap(surveys: ir.Table) -> Parts:
    """Our mark less the competitor's, on average of who marked both on the same attribute."""
    theirs = (surveys.type == "perception") & ~surveys.is_own & surveys.attribute.notnull()
    gap = surveys.our_score - surveys.score
    pairs = gap.notnull().ifelse(1.0, 0.0)
    rival = surveys.subject.lower().notin(IMPORTANCE)
    return ratio(gap, pairs, where=theirs & rival, cluster=surveys.response_id)
