"""Which KPIs fit a business, in sentences: the choice, what it rests on, what is lacking."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.language import text, texts
from kpi_helpers.selection import CHOSEN, ROLES
from kpi_helpers.units import COUNT, write
from kpi_helpers.wording.lines import NO_MONEY, Line, Look, finds
from kpi_helpers.wording.told import Said

FACTS = ("model", "maturity", "objective", "decides")
KNOWN, FEW = 1, 2
MOST = 2


@finds("selection")
def selection_findings(found: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return the KPIs chosen, the roles that none has, and the cases that some lack.

    Parameters
    ----------
    found : DataFrame
        What `kpi_helpers.selection` returns.
    """
    lang = look.lang
    chosen = found[found["verdict"] == CHOSEN]
    names = ", ".join(f"{Said(label):low}" for label in chosen["label"])
    key = "selection.fits" if len(chosen) else "selection.nothing_fits"
    said = text(key, lang, kpis=names, business=business_said(found, lang))
    lines = [(said, KNOWN, [*chosen.index])]
    for role in (role for role in ROLES if role not in set(chosen["role"])):
        rows = found[(found["role"] == role) & (found["reason"] == "no_data")].head(1)
        lacks = "".join(needed(each, lang) for each in rows["needs"]) or text(
            "selection.more", lang
        )
        what = text(f"selection.role.{role}", lang)
        said = text("selection.lacks", lang, role=f"{Said(what):low}", needs=lacks)
        lines.append((said, FEW, [*rows.index]))
    for place, row in found[found["more"] > 0].head(MOST).iterrows():
        counts = {of: write(row[of], COUNT, lang) for of in ("n", "more")}
        grain = text(f"selection.grain.{row['grain']}", lang)
        said = text("selection.few", lang, label=row["label"], grain=grain, **counts)
        lines.append((said, FEW, [place]))
    return [(said, sure, [int(str(each)) for each in rows], NO_MONEY) for said, sure, rows in lines]


def business_said(found: pd.DataFrame, lang: str) -> str:
    """Say what the choice rests on, and that the model was read off the tables where it was."""
    row = found.iloc[0]
    facts = [text(f"selection.{of}.{row[of]}", lang) for of in FACTS if row[of]]
    inferred = "guessed" if row["model"] else "unknown"
    also = [text(f"selection.{inferred}", lang)] if row["inferred"] else []
    return ", ".join([*facts, *also])


def needed(needs: str, lang: str) -> str:
    """Name what is lacking: a table, a column of one, or the KPI that tells the same.

    Examples
    --------
    >>> needed("deals.lost_reason", "en"), needed("surveys", "en")
    ('Deals (lost_reason)', 'Surveys')
    """
    if needs in REGISTRY:
        return REGISTRY[needs].label(lang)
    table, _, column = needs.partition(".")
    named = str(texts(lang).get(f"sheets.tables.{table}", table))
    return f"{named} ({column})" if column else named
