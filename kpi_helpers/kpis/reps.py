"""What the sales force sells, for each person in it."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from kpi_helpers.catalogue import LOWER, NEUTRAL, Example, kpi
from kpi_helpers.kpis.parts import Parts, present, waiting
from kpi_helpers.kpis.settled import Settled, divided, quotient
from kpi_helpers.units import COUNT, MONEY, MONTHS


@kpi(
    names=("Commerciaux présents (ETP)", "Active reps (FTE)"),
    definition_fr="Équivalents temps plein des commerciaux, au prorata de leur présence dans la "
    "période.",
    unit=COUNT,
    better=NEUTRAL,
    dated="start",
    tier="P2",
    category=("quantitative",),
    tags=("teams",),
    pitfalls=(
        "Sans dates d’arrivée et de départ, chacun compte comme présent depuis toujours.",
        "Without dates of arrival and departure, everyone counts as always there.",
    ),
    seeds="S4 L59",
    example=Example(
        gives=1.75,
        period="2026-04",
        config={"as_of": "2026-06-30"},
        deals={"status": ["won", "won"], "created_at": ["2026-01-01", "2026-06-30"]},
        reps={
            "owner": ["Ann", "Bob", "Cyd", "Dan"],
            "start": [None, "2026-04-16", "2026-05-01", "2025-01-01"],
            "end": [None, None, None, "2026-04-15"],
            "fte": [None, 0.5, 1.0, 1.0],
        },
    ),
)
def active_reps(reps: ir.Table) -> Parts:
    """Full-time equivalents of the reps, each for the part of the period that they were there."""
    return present(reps.weight, since=reps.since, until=reps.until)


@kpi(
    names=("CA par commercial", "Revenue per rep"),
    definition_fr="Montants des affaires gagnées, par équivalent temps plein présent dans la "
    "période.",
    unit=MONEY,
    of={"won": "bookings", "present": "active_reps"},
    category=("quantitative",),
    tags=("teams",),
    pitfalls=(
        "Territoires et flux de leads inégaux ; affaires changées de main ; comptes maison.",
        "Territories and flows of leads differ; deals change hands; house accounts.",
    ),
    seeds="S4 L59, S0 L32",
    cases="deals",
    example=Example(
        gives=200.0,
        period="2026-04",
        config={"as_of": "2026-04-30"},
        deals={
            "status": ["won", "won", "lost"],
            "amount": [100.0, 200.0, 900.0],
            "closed_at": ["2026-04-02", "2026-04-30", "2026-04-10"],
        },
        reps={"owner": ["Ann", "Bob"], "start": ["2025-01-01", "2026-04-16"], "end": [None, None]},
    ),
)
def revenue_per_rep(won: Settled, present: Settled) -> Settled:
    """Amounts of the deals won, for each full-time equivalent there in the period."""
    spread = None if won.spread is None else divided(won.spread, present.value)
    return quotient(won, present)._replace(n=won.n, spread=spread)


@kpi(
    names=("Temps de montée en compétence", "Ramp time"),
    definition_fr="Délai médian, en mois, de l’arrivée des commerciaux de la période à la fin du "
    "premier trimestre où ils signent 80 % de ce que signe le commercial médian de plus d’un an ; "
    "sans ceux arrivés avant les premières affaires connues.",
    unit=MONTHS,
    better=LOWER,
    dated="start",
    tier="P3",
    category=("quality",),
    tags=("teams",),
    pitfalls=(
        "Très peu d’arrivées ; un grand compte hérité fait une montée éclair.",
        "Very few arrivals; a large account taken over makes a quick ramp.",
    ),
    seeds="S3 L15",
    cases="reps",
    example=Example(
        gives=6.0,
        period="2026",
        config={"as_of": "2026-12-31"},
        deals={
            "status": ["won"] * 6,
            "owner": ["Ann", "Ann", "Ann", "Bob", "Bob", "Bob"],
            "closed_at": ["2026-03-01", "2026-06-01", "2026-09-01"] * 2,
            "amount": [100.0, 100.0, 100.0, 10.0, 80.0, 90.0],
        },
        reps={"owner": ["Ann", "Bob"], "start": ["2020-01-01", "2026-01-05"]},
    ),
)
def ramp_time(reps: ir.Table) -> Parts:
    """Median months from hire to the first quarter at 80% of the median rep of over a year."""
    so_far = reps.last_month - reps.came
    months = ibis.coalesce(reps.ramp_months, so_far).cast("float64")
    return waiting(months, ended=reps.ramp_months.notnull())
