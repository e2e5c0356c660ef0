"""Where the period is heading, and how good what was said of it before turned out to be."""

from __future__ import annotations

from typing import Any

import ibis.expr.types as ir

from kpi_helpers.catalogue import NEUTRAL, Example, kpi
from kpi_helpers.kpis.parts import Parts, ratio
from kpi_helpers.kpis.windows import paced
from kpi_helpers.units import PERCENT

FORECASTS: dict[str, list[Any]] = {
    "metric": ["revenue"] * 4,
    "period_start": ["2025-01-01", "2025-04-01", "2025-07-01", "2025-10-01"],
    "period_end": ["2025-03-31", "2025-06-30", "2025-09-30", "2025-12-31"],
    "made_at": ["2025-01-01", "2025-04-01", "2025-07-01", "2025-10-01"],
    "value": [110.0, 125.0, 95.0, 105.0],
}
ACTUAL: dict[str, list[Any]] = {
    "order_date": ["2025-02-01", "2025-05-01", "2025-08-01", "2025-11-01"],
    "amount_net": [100.0, 120.0, 90.0, 110.0],
}


@kpi(
    names=("Avance ou retard sur l’objectif", "Target pacing"),
    definition_fr="CA à ce jour, rapporté à la part de l’objectif attendue à ce jour : celle des "
    "trois dernières années au même jour ouvré (médiane), sinon au prorata des jours ouvrés.",
    unit=PERCENT,
    dated="midpoint",
    target=1.0,
    category=("leading",),
    pitfalls=(
        "Au prorata des jours, une période qui se joue à la fin paraît en retard au début.",
        "By days alone, a period that is made at its end looks late at its beginning.",
    ),
    seeds="S3 L11",
    example=Example(
        gives=0.5,
        period="2026-01",
        config={"as_of": "2026-01-15"},
        orders={"amount_net": [50.0, 150.0], "order_date": ["2026-01-02", "2026-01-15"]},
        targets={
            "metric": ["revenue"],
            "period_start": ["2026-01-01"],
            "period_end": ["2026-01-31"],
            "scope_type": ["company"],
            "scope_value": [None],
            "value": [840.0],
        },
    ),
)
def target_pacing(achievements: ir.Table) -> Parts:
    """Revenue to date over the part of the target that is expected by today."""
    of_revenue = achievements.metric == "revenue"
    return paced(achievements.actual, achievements.value, achievements, where=of_revenue)


def _judged(forecasts: ir.Table) -> ir.BooleanValue:
    """A forecast made once its period is over is none."""
    return forecasts.actual.notnull() & (forecasts.made_at < forecasts.period_end)


def _period(forecasts: ir.Table) -> ir.StringValue:
    """Forecasts of one period are wrong together."""
    span = forecasts.period_start.cast("string").concat("|", forecasts.period_end.cast("string"))
    return forecasts.metric.concat("|", span)


@kpi(
    names=("Précision des prévisions", "Forecast accuracy"),
    definition_fr="1 moins la somme des écarts absolus entre réalisé et prévision, rapportée au "
    "réalisé, pour les prévisions des périodes terminées dans la période.",
    unit=PERCENT,
    dated="period_end",
    tier="P2",
    category=("quality",),
    tags=("B2B",),
    pitfalls=(
        "Prévoir la veille est facile : comparer à horizon égal ; une prévision corrigée après "
        "coup n’en est pas une.",
        "To forecast on the eve is easy: compare at the same horizon; one corrected afterwards is "
        "no forecast.",
    ),
    seeds="S4 L3",
    cases="periods",
    example=Example(
        gives=1 - 25 / 420, config={"as_of": "2026-01-31"}, forecasts=FORECASTS, orders=ACTUAL
    ),
)
def forecast_accuracy(forecasts: ir.Table) -> Parts:
    """1 less the absolute errors of the forecasts of periods ended, over what came (WAPE)."""
    missed = (forecasts.actual - forecasts.value).abs()
    size = forecasts.actual.abs()
    where, period = _judged(forecasts), _period(forecasts)
    return ratio(size - missed, over=size, where=where, cluster=period)


@kpi(
    names=("Biais de prévision", "Forecast bias"),
    definition_fr="Prévisions moins réalisé, rapportées au réalisé, pour les périodes terminées "
    "dans la période ; positif quand on a prévu trop.",
    unit=PERCENT,
    better=NEUTRAL,
    dated="period_end",
    tier="P2",
    category=("quality",),
    tags=("B2B",),
    pitfalls=(
        "La prudence se cache derrière un bon résultat : des erreurs contraires s’annulent.",
        "Caution hides behind a good result: opposite errors cancel out.",
    ),
    seeds="S4 L3",
    cases="periods",
    example=Example(
        gives=15 / 420, config={"as_of": "2026-01-31"}, forecasts=FORECASTS, orders=ACTUAL
    ),
)
def forecast_bias(forecasts: ir.Table) -> Parts:
    """Forecasts less what came, over what came, for the periods ended; above 0 is too high."""
    error, where = forecasts.value - forecasts.actual, _judged(forecasts)
    return ratio(error, over=forecasts.actual, where=where, cluster=_period(forecasts))
