"""The time to win and the time in a stage as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kpi_helpers.language import Terms, nouns, text
from kpi_helpers.sheets.table import build, plain, records
from kpi_helpers.units import COUNT, DAYS, PERCENT, write, write_range

if TYPE_CHECKING:
    from great_tables import GT

# Columns in their order: words of the data, words of the texts, figures with their unit.
NAMES, WORDS = ("segment", "stage"), ("measure", "apart")
UNITS = {
    **dict.fromkeys(("age", "value", "mean", "reference", "late", "very_late"), DAYS),
    **dict.fromkeys(("won", "lost", "open", "soon", "chance"), PERCENT),
    **dict.fromkeys(("n", "now", "now_late", "now_very_late"), COUNT),
    "horizon": DAYS,
}
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
    rows = rows.rename(columns={"group": "segment"})
    own = nouns(lang, terms)
    shown = [column for column in (*NAMES, "measure", *UNITS, "apart") if column in rows]
    headings = {column: text(f"times.columns.{column}", lang) for column in shown}
    lines = []
    for row in records(rows):
        line = {column: plain(row[column]) for column in NAMES if column in row}
        words = {c: text(f"times.words.{row[c]}", lang, **own) for c in WORDS if c in row}
        for column, unit in UNITS.items():
            if column in row and row[column] == row[column]:
                prefix = "" if column == "value" else f"{column}_"
                line[column] = write(row[column], unit, lang)
                low, high = (row.get(f"{prefix}{end}") for end in ("low", "high"))
                if low == low and low is not None:
                    line[column] += "\n" + write_range(low, high, unit, lang)
        lines.append({column: {**words, **line}.get(column, "") for column in shown})
    return build(name, lines, lang, headings, [c for c in shown if c in UNITS])
