"""What a comparison allows one to say: three independent fields, never more than is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.catalogue import HIGHER, LOWER
from kpi_helpers.kpis.settled import Array, divided

FALSE_FINDINGS = 0.10
UNREADABLE = ("missing", "immature", "insufficient")
# Facts of the past: they meet a target or miss it, whatever chance had to do with it.
FACTS = ("exact", "garwood")
MOST_NEEDED = 1e6

Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]


def verdicts(frame: pd.DataFrame) -> dict[str, Any]:
    """The fields ``target_verdict, change_verdict, certainty, more_needed`` of a compared frame.

    ``certainty`` speaks of the target where there is one, else of the change.
    """
    sign = np.select([frame["better"] == HIGHER, frame["better"] == LOWER], [1.0, -1.0], 0.0)
    value, target = frame["value"].to_numpy(float), frame["target"].to_numpy(float)
    readable = ~frame["status"].isin(UNREADABLE).to_numpy()
    fact = frame["method"].isin(FACTS).to_numpy()
    aimed = readable & ~np.isnan(target) & (sign != 0)
    met = sign * (value - target) >= 0
    outside = (frame["low"] > target) | (frame["high"] < target)
    changed = _changed(frame, readable)
    sure = np.where(aimed, fact | outside, changed | (fact & frame["p_value"].isna()))
    certain = np.where(
        aimed & fact | fact & ~aimed & frame["p_value"].isna(), "exact", "established"
    )
    certainty = np.where(sure, certain, "not_established")
    return {
        "target_verdict": np.select([~aimed, met], ["none", "met"], "missed"),
        "change_verdict": _direction(frame, readable, changed, sign),
        "certainty": np.where(readable, certainty, frame["status"]),
        "more_needed": np.where(readable, _more_needed(frame, aimed), np.nan),
    }


def _changed(frame: pd.DataFrame, readable: Flags) -> Flags:
    """Established changes: by the test, or a fact where there is nothing to test."""
    tested = (frame["p_adjusted"] <= FALSE_FINDINGS).to_numpy()
    untested = frame["method"].isin(FACTS) & frame["p_value"].isna() & (frame["change"] != 0)
    known: Flags = readable & frame["change"].notna().to_numpy()
    return known & (tested | untested.to_numpy())


def _direction(frame: pd.DataFrame, readable: Flags, changed: Flags, sign: Array) -> Any:
    gain = sign * frame["change"].to_numpy(float)
    compared = readable & frame["change"].notna().to_numpy()
    return np.select(
        [~compared, ~changed, sign == 0, gain > 0],
        ["no_reference", "none_shown", "changed", "better"],
        "worse",
    )


def _more_needed(frame: pd.DataFrame, aimed: Flags) -> Array:
    """Further cases until the range would exclude the target, else no change, if the value stayed.

    The width of a range falls with the root of n.
    """
    value, low, high = (frame[c].to_numpy(float) for c in ("value", "low", "high"))
    gap = np.where(aimed, value - frame["target"], frame["change"])
    to_low = np.where(aimed, value - low, frame["change"] - frame["change_low"])
    to_high = np.where(aimed, high - value, frame["change_high"] - frame["change"])
    width = np.where(gap > 0, to_low, to_high)
    factor = divided(width, np.abs(gap)) ** 2
    more = np.ceil(frame["n"].to_numpy(float) * (factor - 1))
    return np.where((more > 0) & (more < MOST_NEEDED), more, np.nan)
