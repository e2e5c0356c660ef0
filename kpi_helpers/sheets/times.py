"""The time to win and the time in a stage as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kpi_helpers.language import Terms, nouns, text
from kpi_helpers.sheets.table import alike, build, records
from kpi_helpers.wording.times import LIMITS, UNITS, written

if TYPE_CHECKING:
    from great_tables import GT

WORDS, NOT = ("measure", "apart"), ("least", "deals")
AGES = (0, 7, 14, 30, 60, 90, 120, 180, 270, 360, 540, 720)


def times(found: pd.DataFrame, lang: str, terms: Terms | None = None, name: str = "times") -> GT:
    """Show a frame of the time to win or of stays, its figures with their plausible ranges.

    Parameters
    ----------
    found : DataFrame
        What `kpi_helpers.funnel.cycle`, `cycle_chances` (at some ages), `cycle_segments` or `stays`
        returns.
    lang, terms
        As for `kpi_helpers.wording.sentence`.
    name : str
        Id of the table on its page.
    """
    rows = found[found["age"].isin(AGES)] if "age" in found else found
    shown = [
        c for c in ("group", "stage", "measure", *UNITS, "apart") if c in rows and c not in NOT
    ]
    numbers = {c: (UNITS[c], c) for c in shown if c in UNITS}
    ranges = {f"{c}_range": (unit, *LIMITS[c]) for c, (unit, _) in numbers.items()}
    lines = []
    for row in alike(records(rows), {**numbers, **ranges}):
        said = written(row, lang, row["digits"])
        said |= {
            c: text(f"times.words.{row[c]}", lang, **nouns(lang, terms)) for c in WORDS if c in row
        }
        each = {c: "\n".join(said[k] for k in (c, f"{c}_range") if k in said) for c in shown}
        lines.append({c.replace("group", "segment"): each[c] for c in shown})
    names = [c.replace("group", "segment") for c in shown]
    headings = {c: text(f"times.columns.{c}", lang) for c in names}
    return build(name, lines, lang, headings, [c for c in names if c in UNITS])
