"""The KPIs of the kit, one file a family; importing this room registers them all."""

from __future__ import annotations

import pandas as pd

from kpi_helpers.catalogue import REGISTRY, Kpi
from kpi_helpers.kpis import (
    acquisition,
    actions,
    activity,
    buyers,
    campaigns,
    care,
    contracts,
    customers,
    habits,
    leads,
    lifetime,
    margins,
    market,
    outlook,
    pipeline,
    reps,
    revenue,
    rivals,
    shop,
    stages,
    standing,
    voice,
)
from kpi_helpers.kpis.tried import tried

__all__ = [
    "acquisition",
    "actions",
    "activity",
    "buyers",
    "campaigns",
    "care",
    "catalogue",
    "contracts",
    "customers",
    "habits",
    "leads",
    "lifetime",
    "margins",
    "market",
    "outlook",
    "pipeline",
    "reps",
    "revenue",
    "rivals",
    "shop",
    "stages",
    "standing",
    "voice",
]


def catalogue(lang: str = "en") -> pd.DataFrame:
    """Every KPI that is declared, a row each.

    Parameters
    ----------
    lang
        Language of ``name``, ``definition`` and ``pitfall``; the other names stand beside.

    Returns
    -------
    pandas.DataFrame
        Columns ``id, name, name_en, name_fr, definition, definition_en, definition_fr, unit,
        better, table, dated, needs, kind, tier, category, tags, pitfall, seeds, version``.

    Examples
    --------
    >>> frame = catalogue("fr").set_index("id")
    >>> frame.loc["win_rate_count", "name"]
    'Taux de gain (nombre)'
    """
    return pd.DataFrame([_row(kpi, lang) for kpi in REGISTRY.values()])


def _row(kpi: Kpi, lang: str) -> dict[str, str]:
    needs = [other.kpi for other in kpi.of.values()] or [kpi.table]
    return {
        "id": kpi.id,
        "name": kpi.label(lang),
        "name_en": kpi.names["en"],
        "name_fr": kpi.names["fr"],
        "definition": kpi.definition(lang),
        "definition_en": kpi.definitions["en"],
        "definition_fr": kpi.definitions["fr"],
        "unit": kpi.unit,
        "better": kpi.better,
        "table": kpi.table,
        "dated": kpi.dated or "",
        "needs": ", ".join(dict.fromkeys(needs)),
        "kind": "derived" if kpi.derived else tried(kpi).kind,
        "tier": kpi.tier,
        "category": ", ".join(kpi.category),
        "tags": ", ".join(kpi.tags),
        "pitfall": kpi.pitfall(lang),
        "seeds": kpi.seeds,
        "version": kpi.version,
    }
