"""How well the sales force keeps its records."""

from __future__ import annotations

import ibis.expr.types as ir

from kpi_helpers.catalogue import Example, kpi
from kpi_helpers.kpis.parts import Parts
from kpi_helpers.kpis.windows import snapshot
from kpi_helpers.sources.derived import as_number, days_between
from kpi_helpers.units import SCORE

FRESH_DAYS, RICH_WORDS = 14, 20
COMPLETE, FRESH, RICH = 50, 30, 20


@kpi(
    names=("Qualité des rapports de vente", "Sales-report quality"),
    definition_fr="Note moyenne sur 100 des affaires ouvertes ce jour : 50 pour les champs remplis "
    "(montant, clôture prévue, client, commercial), 30 pour une note de moins de 15 jours, 20 pour "
    "une note de 20 mots et une échéance à venir ; sans notes, les champs seuls.",
    unit=SCORE,
    dated="created_at",
    category=("qualitative", "leading"),
    tags=("B2B",),
    pitfalls=(
        "Mesure la forme et non la vérité ; le copier-coller fait de bonnes notes.",
        "It measures form, not truth; copying and pasting makes good marks.",
    ),
    seeds="S2 L42",
    cases="deals",
    example=Example(
        gives=75.0,
        config={"as_of": "2026-03-31"},
        deals={
            "status": ["open", "open", "won"],
            "amount": [100.0, 100.0, None],
            "expected_close": ["2026-05-01", "2026-05-01", None],
            "customer_id": ["A", "B", None],
            "owner": ["Ann", "Ann", None],
        },
        activities={
            "type": ["note", "note"],
            "started_at": ["2026-03-20 10:00", "2026-01-10 10:00"],
            "deal_id": ["1", "2"],
            "note_words": [30.0, 5.0],
        },
    ),
)
def crm_report_quality(deals: ir.Table) -> Parts:
    """Mean mark out of 100 of today's open deals: fields filled in, a fresh note, a rich one."""
    filled = as_number((deals.amount > 0).fill_null(False))
    for field in (deals.expected_close, deals.customer_id, deals.owner):
        filled = filled + as_number(field.notnull())
    since_note = deals.age_days - days_between(deals.created_at, deals.note_at)
    ahead = days_between(deals.created_at, deals.expected_close) >= deals.age_days
    fresh = as_number((since_note <= FRESH_DAYS).fill_null(False))
    rich = as_number(((deals.note_words >= RICH_WORDS) & ahead).fill_null(False))
    form = filled / 4.0
    mark = deals.has_notes.ifelse(COMPLETE * form + FRESH * fresh + RICH * rich, 100 * form)
    return snapshot(mark, there=deals.is_open, since=deals.created_at, age=deals.age_days)
