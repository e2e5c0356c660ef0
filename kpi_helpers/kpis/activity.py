"""Calls, meetings and leads handed over: how much is done, how soon, and what comes of it."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from kpi_helpers.catalogue import LOWER, NEUTRAL, Example, kpi
from kpi_helpers.kpis.parts import Parts, average_per, cohort, count, share
from kpi_helpers.sources.derived import days_between
from kpi_helpers.units import COUNT, PERCENT

SPOKEN = ("answered", "booked")
LOST = ("missed", "voicemail")
OF_REPS = ("call", "email", "meeting", "note")
SLA_DAYS = 1


def _calls(activities: ir.Table, direction: str) -> ir.BooleanValue:
    return (activities.type == "call") & (activities.direction == direction)


@kpi(
    names=("Appels émis", "Calls made"),
    definition_fr="Appels sortants de la période, sauf ceux de zéro seconde.",
    unit=COUNT,
    better=NEUTRAL,
    dated="started_at",
    tier="P2",
    category=("quantitative", "leading"),
    tags=("phone teams",),
    pitfalls=(
        "L’activité n’est pas le résultat ; appels saisis deux fois.",
        "Activity is not result; calls logged twice.",
    ),
    seeds="S2 L28",
    cases="calls",
    example=Example(
        gives=2,
        activities={
            "type": ["call", "call", "call", "call", "email"],
            "direction": ["out", "out", "out", "in", "out"],
            "duration_s": [60.0, None, 0.0, 60.0, None],
        },
    ),
)
def calls_made(activities: ir.Table) -> Parts:
    """Outbound calls of the period, without those of zero seconds."""
    return count(_calls(activities, "out") & ~activities.is_empty)


@kpi(
    names=("Appels reçus", "Calls received"),
    definition_fr="Appels entrants de la période.",
    unit=COUNT,
    better=NEUTRAL,
    dated="started_at",
    tier="P2",
    category=("volume",),
    tags=("phone teams",),
    pitfalls=(
        "Les appels abandonnés dans le menu n’y sont pas toujours.",
        "Calls given up in the menu are not always among them.",
    ),
    seeds="S2 L28",
    cases="calls",
    example=Example(gives=1, activities={"type": ["call", "call"], "direction": ["in", "out"]}),
)
def calls_received(activities: ir.Table) -> Parts:
    """Inbound calls of the period."""
    return count(_calls(activities, "in"))


@kpi(
    names=("Appels traités", "Calls handled"),
    definition_fr="Appels de la période, entrants ou sortants, où l’on s’est parlé ; un message "
    "vocal n’en est pas un.",
    unit=COUNT,
    dated="started_at",
    category=("quantitative",),
    tags=("phone teams",),
    pitfalls=(
        "« Traité » change de sens d’un outil à l’autre : ici, quelqu’un a répondu.",
        "What “handled” means differs between tools: here, somebody answered.",
    ),
    seeds="S2 L28",
    cases="calls",
    example=Example(
        gives=2,
        activities={
            "type": ["call"] * 4 + ["meeting"],
            "direction": ["in", "out", "out", "in", None],
            "outcome": ["answered", "booked", "voicemail", "missed", "held"],
        },
    ),
)
def calls_handled(activities: ir.Table) -> Parts:
    """Calls of the period, in or out, in which people spoke; a voice mail is none."""
    return count((activities.type == "call") & activities.outcome.isin(SPOKEN))


@kpi(
    names=("Taux d’appels manqués", "Missed-call rate"),
    definition_fr="Appels entrants auxquels personne n’a répondu, en part de ceux dont l’issue est "
    "connue.",
    unit=PERCENT,
    better=LOWER,
    dated="started_at",
    category=("quality",),
    tags=("phone teams",),
    pitfalls=(
        "Qui rappelle plusieurs fois compte autant de fois ; les appels hors des heures "
        "d’ouverture en sont.",
        "Who calls again counts again; calls outside opening hours are among them.",
    ),
    seeds="S2 L28",
    cases="calls",
    example=Example(
        gives=0.5,
        activities={
            "type": ["call"] * 6,
            "direction": ["in", "in", "in", "in", "in", "out"],
            "outcome": ["answered", "booked", "missed", "voicemail", None, "missed"],
        },
    ),
)
def missed_call_rate(activities: ir.Table) -> Parts:
    """Inbound calls that nobody answered, as a share of those of known outcome."""
    known = _calls(activities, "in") & activities.outcome.isin(SPOKEN + LOST)
    return share(activities.outcome.isin(LOST), of=known)


@kpi(
    names=("Taux de décroché", "Answer rate"),
    definition_fr="Appels entrants auxquels quelqu’un a répondu, en part de ceux dont l’issue est "
    "connue.",
    unit=PERCENT,
    dated="started_at",
    tier="P2",
    category=("quality",),
    tags=("phone teams",),
    pitfalls=(
        "Ici sans limite de temps : non comparable à un taux « en moins de 20 secondes ».",
        "Without a time limit here: not comparable with a rate “within 20 seconds”.",
    ),
    seeds="S2 L28",
    cases="calls",
    example=Example(
        gives=0.75,
        activities={
            "type": ["call"] * 5,
            "direction": ["in"] * 5,
            "outcome": ["answered", "answered", "booked", "missed", None],
        },
    ),
)
def answer_rate(activities: ir.Table) -> Parts:
    """Inbound calls that somebody answered, as a share of those of known outcome."""
    known = _calls(activities, "in") & activities.outcome.isin(SPOKEN + LOST)
    return share(activities.outcome.isin(SPOKEN), of=known)


@kpi(
    names=("Appels → rendez-vous", "Call-to-meeting rate"),
    definition_fr="Rendez-vous obtenus, en part des appels sortants où l’on s’est parlé.",
    unit=PERCENT,
    dated="started_at",
    category=("quality", "leading"),
    tags=("prospection",),
    pitfalls=(
        "Par conversation, non par numéro composé : le second taux est bien plus bas.",
        "For each conversation, not for each number dialled: that rate is far lower.",
    ),
    seeds="S2 L28",
    cases="calls",
    example=Example(
        gives=0.25,
        activities={
            "type": ["call"] * 6,
            "direction": ["out"] * 5 + ["in"],
            "outcome": ["booked", "answered", "answered", "answered", "missed", "booked"],
        },
    ),
)
def call_to_meeting_rate(activities: ir.Table) -> Parts:
    """Meetings booked, as a share of the outbound calls in which people spoke."""
    spoken = _calls(activities, "out") & activities.outcome.isin(SPOKEN)
    return share(activities.outcome == "booked", of=spoken)


@kpi(
    names=("Rendez-vous obtenus", "Meetings booked"),
    definition_fr="Rendez-vous de la période, tenus ou non, au jour du rendez-vous.",
    unit=COUNT,
    dated="started_at",
    tier="P2",
    category=("leading",),
    tags=("prospection",),
    pitfalls=(
        "Les rendez-vous manqués en sont : lire à côté la part de ceux qui ont eu lieu.",
        "Those nobody came to are among them: read beside it the share that took place.",
    ),
    seeds="S2 L28",
    cases="meetings",
    example=Example(
        gives=2,
        activities={"type": ["meeting", "meeting", "call"], "outcome": ["held", "no_show", None]},
    ),
)
def meetings_booked(activities: ir.Table) -> Parts:
    """Meetings of the period, held or not, by the day of the meeting."""
    return count(activities.type == "meeting")


@kpi(
    names=("Activités par commercial", "Activities per rep"),
    definition_fr="Appels, e-mails, rendez-vous et notes, par jour où un commercial a été actif.",
    unit=COUNT,
    better=NEUTRAL,
    dated="started_at",
    tier="P3",
    category=("quantitative",),
    tags=("teams",),
    pitfalls=(
        "Ce qui se compte se gonfle ; suivre des personnes demande d’en informer les salariés et "
        "leurs élus.",
        "What is counted gets inflated; to follow people asks for informing them and their "
        "representatives.",
    ),
    seeds="S2 L24/L60",
    cases="days",
    example=Example(
        gives=2.0,
        activities={
            "type": ["call", "email", "note", "call", "ticket"],
            "owner": ["Ann", "Ann", "Ann", "Bob", "Bob"],
        },
    ),
)
def activities_per_rep(activities: ir.Table) -> Parts:
    """Calls, e-mails, meetings and notes, for each day on which a rep was active."""
    done = activities.type.isin(OF_REPS)
    rep_day = activities.owner.concat("|", activities.started_at.cast("date").cast("string"))
    one = done.ifelse(1.0, ibis.null("float64"))
    return average_per(rep_day, one, present=done)


@kpi(
    names=("Respect du SLA SMarketing", "SMarketing SLA compliance"),
    definition_fr="Leads transmis dans la période et contactés dans le délai convenu (1 jour, sauf "
    "réglage), en part de ceux qui ont eu ce délai.",
    unit=PERCENT,
    dated="handed_over_at",
    tier="P2",
    category=("SMarketing",),
    tags=("B2B",),
    pitfalls=(
        "Des jours d’horloge : un lead transmis le vendredi soir attend jusqu’au lundi.",
        "Days of the calendar: a lead handed over on Friday evening waits until Monday.",
    ),
    seeds="S2 L52-L58",
    example=Example(
        gives=0.5,
        config={"as_of": "2026-01-31"},
        leads={
            "handed_over_at": ["2026-01-05", "2026-01-06", "2026-01-07", "2026-01-08", None],
            "first_response_at": [
                *("2026-01-05 09:00", "2026-01-06 23:00", "2026-01-10 09:00", None),
                "2026-01-06 09:00",
            ],
        },
    ),
)
def lead_handover_sla(leads: ir.Table) -> Parts:
    """Leads handed over in the period and contacted within the agreed time (1 day unless set)."""
    handed = leads.handed_over_at
    # Who was contacted before the handover did not wait.
    waited = days_between(handed, leads.first_response_at).clip(lower=0)
    age = leads.age_days - days_between(leads.created_at, handed)
    return cohort(waited, age=age, window=SLA_DAYS)
