"""Durations of two sides, read up to the same age.

Young deals have shown their quick wins only: beside deals that were followed for a year their
median would always look better.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers import survival
from kpi_helpers.language import text
from kpi_helpers.measure.counted import Ages, time_to_win
from kpi_helpers.measure.judge import FEW
from kpi_helpers.units import COUNT, write

OWN, OTHER = ("value", "low", "high"), ("reference", "reference_low", "reference_high")
BLANK = (np.nan,) * 3


def same_horizon(frame: pd.DataFrame, lang: str) -> pd.DataFrame:
    """Read the medians of both sides up to the shorter of their horizons.

    The reference is blank where either side has too few wins until then. Where it is the figure
    itself that has to be read earlier, its note names the new horizon.
    """
    compared = frame["ages"].notna() & frame["reference"].notna()
    compared &= frame["method"].eq("aalen-johansen")  # a wait that every case ends has no horizon
    if not compared.any():
        return frame
    columns = {name: frame[name].to_numpy(copy=True) for name in (*OWN, *OTHER, "note")}
    own, other = (frame[name].to_numpy(object) for name in ("ages", "reference_ages"))
    for row in np.flatnonzero(compared).tolist():
        horizons = [time_to_win(ages)[3] for ages in (own[row], other[row])]
        horizon = np.minimum(*horizons)
        enough = min(_wins(own[row], horizon), _wins(other[row], horizon)) >= FEW
        _write(columns, OTHER, row, time_to_win(other[row], horizon) if enough else BLANK)
        if enough and horizon < horizons[0]:
            _write(columns, OWN, row, time_to_win(own[row], horizon))
            before, after = (_note(days, lang) for days in (horizons[0], horizon))
            columns["note"][row] = columns["note"][row].replace(before, after)
    return frame.assign(**columns)


def same_time(own: Ages, other: Ages) -> float:
    """The p-value of both sides taking the same time to win, at the shorter of their horizons."""
    time = np.union1d(own[0], other[0])
    one, two = (_open_too(ages, time) for ages in (own, other))
    horizon = np.minimum(time_to_win(own)[3], time_to_win(other)[3])
    return float(survival.median_test(time, one, two, horizon))


def _open_too(ages: Ages, time: Any) -> list[Any]:
    """Won, lost and open at each of these times."""
    won, lost, everyone = (np.zeros(len(time)) for _ in range(3))
    place = np.searchsorted(time, ages[0])
    for whole, part in zip((won, lost, everyone), ages[1:], strict=True):
        whole[place] = part
    return [won, lost, everyone - won - lost]


def _write(columns: dict[str, Any], names: tuple[str, ...], row: int, found: Any) -> None:
    for name, number in zip(names, found, strict=False):
        columns[name][row] = float(number)


def _note(days: Any, lang: str) -> str:
    return text("notes.horizon", lang, days=write(float(days), COUNT, lang))


def _wins(ages: Ages, horizon: Any) -> float:
    time, won, _, _ = ages
    return float(won[time <= horizon].sum())
