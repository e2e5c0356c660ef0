"""How long it takes to win a deal and how long deals stay in a stage, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pandas as pd

from kpi_helpers.language import nouns, text
from kpi_helpers.measure.judge import ENOUGH
from kpi_helpers.units import COUNT, DAYS, PERCENT, write, write_range
from kpi_helpers.wording.lines import NO_MONEY, Line, Look, finds
from kpi_helpers.wording.told import plain, subject
from kpi_helpers.wording.when import SPAN, label_of

SURE, CHANCE, MOST = 0, 1, 2
UNITS = {
    **dict.fromkeys(("age", "value", "mean", "reference", "late", "very_late"), DAYS),
    **dict.fromkeys(("won", "lost", "open", "soon", "chance", "least"), PERCENT),
    **dict.fromkeys(("n", "deals", "now", "now_late", "now_very_late"), COUNT),
    "horizon": DAYS,
}
LIMITS = {
    of: tuple(f"{of}_{end}".removeprefix("value_") for end in ("low", "high")) for of in UNITS
}


@finds("cycle")
def cycle_findings(found: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return what a frame of the time to win or of stays says, in at most two findings.

    Parameters
    ----------
    found : DataFrame
        What `kpi_helpers.funnel.cycle`, `cycle_chances`, `cycle_segments` or `stays` returns.
    """
    lang, terms, _ = look
    rows = found.reset_index(drop=True)
    chosen = [("half", CHANCE, [0, 1])] if "measure" in rows else []
    for column, choose in _CHOSEN.items():
        chosen += choose(rows) if column in rows else []
    each = [written(row, lang) for row in rows.to_dict("records")]
    lines, blank = [], {"value_range": text("times.no_range", lang)}
    for key, sure, (first, *rest) in chosen[:MOST]:
        other = {f"other_{name}": said for place in rest for name, said in each[place].items()}
        said = text(f"times.{key}", lang, **nouns(lang, terms), **(blank | each[first]), **other)
        lines.append((said, sure, [first, *rest], NO_MONEY))
    return lines


def written(
    row: Mapping[Any, Any], lang: str, digits: Mapping[str, int] = MappingProxyType({})
) -> dict[str, str]:
    """Return the figures of a row with their units, their ranges, and its names.

    ``digits`` are the decimals that some share with a column; by default each has its own.
    """
    said = {name: plain(row[name]) for name in ("group", "stage") if name in row}
    said |= {"segment": subject(row["group"], lang)} if "group" in row else {}
    for name, unit in UNITS.items():
        if name in row and row[name] == row[name]:
            said[name] = write(row[name], unit, lang, digits=digits.get(name))
            low, high = (row.get(end) for end in LIMITS[name])
            if low is not None and low == low:
                fine = digits.get(f"{name}_range")
                said[f"{name}_range"] = write_range(low, high, unit, lang, digits=fine)
    said |= {"days": label_of(SPAN, row, lang)} if "start" in row else {}
    return said | ({"clock": text(f"times.clocks.{row['clock']}", lang)} if "clock" in row else {})


def _of_chances(rows: pd.DataFrame) -> list[Any]:
    """The age at which the chance is small, else the last one that many deals were seen at."""
    past, enough = rows.index[rows["past"]], rows.index[rows["n"] >= ENOUGH]
    if rows["n"].iloc[0] == 0:
        return []
    if len(past):
        return [("past", SURE, [int(past[0]), 0])]
    return [("none_past", CHANCE, [int(max(enough, default=0)), 0])]


def _of_segments(rows: pd.DataFrame) -> list[Any]:
    slow = rows[rows["apart"] == "longer"].sort_values("p_adjusted", kind="stable")
    none = [("none_longer", CHANCE, list(rows.index))]
    return [("longer", SURE, [place]) for place in slow.index] or none


def _of_stays(rows: pd.DataFrame) -> list[Any]:
    keys = (("crowd", SURE, "now_very_late"), ("stay", CHANCE, "value"))
    known = [each for each in keys if rows[each[2]].max() > 0]
    return [(key, sure, [int(rows[column].argmax())]) for key, sure, column in known]


# A column that only one of the frames has, and what is said of it.
_CHOSEN = {"chance": _of_chances, "apart": _of_segments, "now_late": _of_stays}
