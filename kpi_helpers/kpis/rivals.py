"""How we stand beside the others: the best of them, and those met in a deal."""

from __future__ import annotations

import ibis.expr.types as ir

from kpi_helpers.catalogue import LOWER, Example, kpi
from kpi_helpers.kpis.market import benchmark_rows
from kpi_helpers.kpis.parts import Parts, behind_best, share
from kpi_helpers.units import PERCENT, POINTS


@kpi(
    names=("Écart au meilleur", "Gap to the best"),
    definition_fr="Retard de notre chiffre sur le meilleur chiffre comparable, dans l’unité du KPI "
    "(en points pour un taux) ; négatif, nous sommes devant.",
    unit=POINTS,
    better=LOWER,
    dated="period",
    category=("benchmark",),
    tags=("benchmark",),
    pitfalls=(
        "Définitions différentes, source ancienne, échantillon d’un éditeur.",
        "Definitions that differ, an old source, the sample of a vendor.",
    ),
    seeds="S3 L26",
    example=Example(
        gives=10.0,
        period="2026Q1",
        config={"as_of": "2026-03-31"},
        deals={"status": ["won"] * 2 + ["lost"] * 3},
        benchmarks=benchmark_rows(
            **{"metric": ["win_rate_count"] * 3, "entity": ["Alpha", "Beta", "Gamma"]},
            **{"value": [0.45, 0.5, 0.9], "confidence": ["A", "B", "D"]},
        ),
    ),
)
def best_in_class_gap(benchmarks: ir.Table) -> Parts:
    """How far our figure is behind the best comparable one, in its unit; negative: ahead."""
    comparable = benchmarks.is_sourced & (benchmarks.definition_match == "yes")
    return behind_best(benchmarks, where=comparable & benchmarks.is_rival)


@kpi(
    names=("Taux de gain face à un concurrent", "Head-to-head win rate"),
    definition_fr="Affaires gagnées, en part de celles décidées dans la période où un concurrent "
    "est nommé.",
    unit=PERCENT,
    dated="closed_at",
    tier="P2",
    category=("quality",),
    tags=("B2B",),
    pitfalls=(
        "Le concurrent est noté surtout quand l’affaire est perdue.",
        "The competitor is written down mostly when the deal is lost.",
    ),
    seeds="S3 L26-L29",
    worth="avg_deal_value",
    example=Example(
        gives=0.25,
        deals={
            "status": ["won", "lost", "lost", "lost", "won", "open"],
            "competitor": ["Alpha", "Alpha", "Beta", "Beta", None, "Beta"],
        },
    ),
)
def competitive_win_rate(deals: ir.Table) -> Parts:
    """Deals won, as a share of those decided in the period for which a competitor is named."""
    return share(deals.is_won, of=deals.is_decided & deals.competitor.notnull())
