"""Whether what was agreed is done, and whether it worked."""

from __future__ import annotations

import ibis.expr.types as ir

from kpi_helpers.catalogue import NEUTRAL, Example, kpi
from kpi_helpers.kpis.parts import Parts, beside_control, share
from kpi_helpers.units import PERCENT, POINTS


@kpi(
    names=("Actions réalisées dans les délais", "Actions completed on time"),
    definition_fr="Actions faites au plus tard à leur échéance, en part de celles échues dans la "
    "période.",
    unit=PERCENT,
    dated="due_date",
    tier="P2",
    category=("process",),
    pitfalls=(
        "Compte les actions, pas leur effet.",
        "Counts actions, not their effect.",
    ),
    seeds="S3 L54-L55",
    example=Example(
        gives=0.5,
        period="2026Q1",
        config={"as_of": "2026-02-28"},
        leads={"source": ["web"]},
        actions={
            **{"action_id": list("ABC"), "kpi_id": ["revenue"] * 3, "root_cause": ["?"] * 3},
            **{"action": ["call"] * 3, "owner": ["Ann"] * 3, "expected_effect": [0.1] * 3},
            **{"created_at": ["2026-01-01"] * 3, "start_date": ["2026-01-02"] * 3},
            "due_date": ["2026-01-31", "2026-02-28", "2026-03-31"],
            "done_date": ["2026-01-31", None, "2026-02-15"],
        },
    ),
)
def action_completion_rate(actions: ir.Table) -> Parts:
    """Actions done by their due date, as a share of those that fell due in the period."""
    due = actions.due_date
    return share((actions.done_date <= due).fill_null(False), of=due.notnull())


@kpi(
    names=("Effet mesuré d’une action", "Measured effect of an action"),
    definition_fr="Évolution du KPI visé depuis le début de l’action, moins celle du groupe "
    "témoin, dans l’unité du KPI (en points pour un taux).",
    unit=POINTS,
    better=NEUTRAL,
    dated="start_date",
    category=("impact",),
    pitfalls=(
        "Une action commence souvent au plus bas, et le chiffre remonte sans elle ; actions "
        "simultanées ; ce qui était déjà en cours au début n’a pas changé.",
        "An action often starts at the lowest point, and the figure recovers without it; actions "
        "at the same time; what was under way at the start has not changed.",
    ),
    seeds="S3 L32-L35, S4 L50",
    example=Example(
        gives=50.0,
        period="2026Q1",
        config={"as_of": "2026-03-01"},
        deals={
            "status": ["won", "lost"] * 3 + ["won"] * 2,
            "closed_at": ["2026-01-15"] * 4 + ["2026-02-15"] * 4,
            "owner": [*["Ann"] * 2, *["Bob"] * 4, *["Ann"] * 2],
        },
        actions={
            **{"action_id": ["A"], "kpi_id": ["win_rate_count"], "root_cause": ["?"]},
            **{"action": ["call"], "owner": ["Ann"], "expected_effect": [10.0]},
            **{"created_at": ["2026-01-20"], "start_date": ["2026-01-31"]},
            **{"due_date": ["2026-02-28"], "population": ["owner == 'Ann'"]},
            "control_group": ["owner == 'Bob'"],
        },
    ),
)
def action_effect(actions: ir.Table) -> Parts:
    """Change of its KPI since an action began, less that of the control group, in its unit."""
    # A figure like any other, of equal spans and the limits of its parts. Whether it is an effect
    # (washout, months beside each other, placebo dates) is told by `kpi_helpers.actions.effects`,
    # which measures KPIs by the month and so cannot be one.
    return beside_control(actions)
