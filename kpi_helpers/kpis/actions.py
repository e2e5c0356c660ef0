"""Whether what was agreed is done."""

from __future__ import annotations

import ibis.expr.types as ir

from kpi_helpers.catalogue import Example, kpi
from kpi_helpers.kpis.parts import Parts, share
from kpi_helpers.units import PERCENT


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
