"""What is said of segments that do worse on several KPIs, and of volumes without effect."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.language import Terms, nouns, text
from kpi_helpers.units import COUNT, write
from kpi_helpers.wording.lines import NO_MONEY, Line, Look, finds
from kpi_helpers.wording.told import TIDY, Said, Told, subject

SURE, CHANCE = 0, 1
ENOUGH, NAMED = 2, 3


@finds("segments")
def segments_findings(segments: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return the segments that do worse than the others for certain on two KPIs or more.

    Parameters
    ----------
    segments : DataFrame
        What `kpi_helpers.associations.crossed` returns.
    """
    lang, terms, currency = look
    adverse = segments[segments["adverse"]].sort_values("strength", kind="stable")
    lines = []
    order = adverse.drop_duplicates(["dimension", "group"])
    for _, row in order.sort_values("signals", ascending=False, kind="stable").iterrows():
        own = adverse[(adverse["group"] == row["group"]) & (adverse["signals"] == row["signals"])]
        said = [_beside(Told(each, lang, terms, currency)) for each in own.to_dict("records")]
        several = "worse" if row["kpi"] in REGISTRY else "worse_steps"
        key = several if row["signals"] >= ENOUGH else "worse_once"
        sentence = text(
            f"associations.{key}",
            lang,
            group=subject(row["group"], lang),
            n=int(row["signals"]),
            figures=text("associations.join", lang).join(said[:NAMED]),
        )
        lines.append((sentence, SURE, list(own.index[:NAMED]), NO_MONEY))
    none = (text("associations.none_worse", lang), CHANCE, list(range(len(segments))), NO_MONEY)
    return lines[:3] or [none]


@finds("volumes")
def volumes_findings(volumes: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return which volumes go with what they should bring, and which show no link.

    Parameters
    ----------
    volumes : DataFrame
        What `kpi_helpers.associations.lagged` returns.
    """
    lang, terms, _ = look
    own = nouns(lang, terms)
    lines = []
    for place, row in enumerate(volumes.to_dict("records")):
        if row["linked"]:
            values = {
                "what": _name(row["kpi"], lang, terms),
                "outcome": Said(_name(row["outcome"], lang, terms)),
                "correlation": write(row["correlation"], COUNT, lang, digits=2),
                "n": int(row["lag"]),
            }
            later = "linked" if row["lag"] else "linked_now"
            key = later if row["correlation"] > 0 else "linked_against"
            said = text(f"associations.{key}", lang, **own, **values)
            lines.append((said, CHANCE, [place], NO_MONEY))
    alone = volumes[~volumes["linked"].groupby(volumes["kpi"]).transform("any")]
    if len(alone):
        names = [_name(kpi, lang, terms) for kpi in dict.fromkeys(alone["kpi"])]
        outcomes = [_name(kpi, lang, terms) for kpi in dict.fromkeys(alone["outcome"])]
        said = text(
            "associations.unlinked",
            lang,
            n=len(names),
            names=_listed(names),
            outcomes=_listed(outcomes),
            months=write(alone["months"].max(), COUNT, lang),
        )
        lines.append((said, CHANCE, list(alone.index), NO_MONEY))
    return lines[:3]


def _beside(told: Told) -> str:
    """Name a KPI of a segment, its figure, and that of the others."""
    figure, other = (told.figure(told.number(column)) for column in ("value", "reference"))
    what = told.kpi_name()
    return text("associations.figure", told.lang, what=what, value=figure, reference=other)


def _listed(names: Sequence[str]) -> Said:
    first, *rest = names
    return Said(", ".join([first, *(f"{Said(name):low}" for name in rest)]))


def _name(kpi: str, lang: str, terms: Terms | None) -> str:
    row = {**dict.fromkeys(TIDY), "kpi": kpi, "label": REGISTRY[kpi].label(lang)}
    return Told(row, lang, terms).kpi_name()
