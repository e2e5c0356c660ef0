"""How long it takes to win a deal and how long deals stay in a stage, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from kpi_helpers.language import Terms, nouns, text
from kpi_helpers.measure.judge import ENOUGH
from kpi_helpers.units import COUNT, DAYS, PERCENT, write, write_range
from kpi_helpers.wording.lines import NO_MONEY, Line, as_findings
from kpi_helpers.wording.told import plain

SURE, CHANCE, MOST = 0, 1, 2


def cycle_findings(
    found: pd.DataFrame,
    lang: str,
    terms: Terms | None = None,
    currency: str = "EUR",
    table: str = "cycle",
) -> pd.DataFrame:
    """Return what a frame of the time to win or of stays says, in at most two findings.

    Parameters
    ----------
    found : DataFrame
        What `kpi_helpers.funnel.cycle`, `cycle_chances`, `cycle_segments` or `stays` returns.
    lang, terms, currency
        As for `kpi_helpers.wording.sentence`.
    table : str
        Name under which the frame is handed on.

    Returns
    -------
    pandas.DataFrame
        The columns of `kpi_helpers.wording.findings`.
    """
    rows = found.reset_index(drop=True)
    told = next(tell for column, tell in _TOLD.items() if column in rows)
    lines: list[Line] = []
    for key, sure, values, places in told(rows, lang):
        said = text(f"times.{key}", lang, **values, **nouns(lang, terms))
        lines.append((said, sure, places, NO_MONEY))
    return as_findings(lines[:MOST], table)


def clock(rows: pd.DataFrame, lang: str) -> str:
    """Return from where the days of a cycle are counted."""
    return text(f"times.clocks.{rows['clock'].iloc[0]}", lang)


def _cycle(rows: pd.DataFrame, lang: str) -> list[Any]:
    half, most = (rows[rows["measure"] == name].iloc[0] for name in ("half", "most"))
    values = _days(half, ("value", "horizon"), lang) | {"most": write(most["value"], DAYS, lang)}
    return [("half", CHANCE, values | {"clock": clock(rows, lang)}, [0, 1])]


def _chances(rows: pd.DataFrame, lang: str) -> list[Any]:
    past = rows.index[rows["past"]]
    place = past[0] if len(past) else rows.index[(rows["n"] >= ENOUGH) | (rows.index == 0)][-1]
    row, values = rows.loc[place], {"clock": clock(rows, lang)}
    values |= {"age": write(row["age"], DAYS, lang), "n": write(row["n"], COUNT, lang)}
    values |= {name: write(row[name], PERCENT, lang) for name in ("chance", "least")}
    values["range"] = write_range(row["chance_low"], row["chance_high"], PERCENT, lang)
    values["first"] = write(rows["chance"].iloc[0], PERCENT, lang)
    key, sure = ("past", SURE) if len(past) else ("none_past", CHANCE)
    return [(key, sure, values, sorted({0, int(place)}))]


def _segments(rows: pd.DataFrame, lang: str) -> list[Any]:
    slow = rows[rows["apart"] == "longer"].sort_values("p_adjusted", kind="stable")
    lines = []
    for place, row in slow.iterrows():
        values = {"group": plain(row["group"]), **_days(row, ("value", "reference"), lang)}
        lines.append(("longer", SURE, values, [place]))
    return lines or [("none_longer", CHANCE, {}, range(len(rows)))]


def _stays(rows: pd.DataFrame, lang: str) -> list[Any]:
    lines = []
    for key, sure, column in (("crowd", SURE, "now_very_late"), ("stay", CHANCE, "value")):
        if rows[column].max() > 0:
            place = int(rows[column].to_numpy(float, na_value=0).argmax())
            row = rows.iloc[place]
            values = {"stage": plain(row["stage"]), **_days(row, ("value", "very_late"), lang)}
            values |= {name: write(row[name], COUNT, lang) for name in ("now", "now_very_late")}
            lines.append((key, sure, values, [place]))
    return lines


def _days(
    row: Mapping[Any, Any] | pd.Series[Any], names: tuple[str, ...], lang: str
) -> dict[str, str]:
    said = {name: write(row[name], DAYS, lang) for name in names}
    said["range"] = write_range(row["low"], row["high"], DAYS, lang)
    return said | {"n": write(row["n"], COUNT, lang)}


# A column that only one of the frames has, and what is said of it.
_TOLD = {"measure": _cycle, "chance": _chances, "apart": _segments, "now_late": _stays}
