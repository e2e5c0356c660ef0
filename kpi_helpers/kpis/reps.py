"""What the sales force sells, for each person in it."""

from __future__ import annotations

import ibis.expr.types as ir

from kpi_helpers.catalogue import NEUTRAL, Example, kpi
from kpi_helpers.kpis.parts import Parts, present
from kpi_helpers.kpis.settled import Settled, divided, quotient
from kpi_helpers.units import COUNT, MONEY


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
