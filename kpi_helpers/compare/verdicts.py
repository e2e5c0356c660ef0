"""What a comparison allows one to say: three independent fields, never more than is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.catalogue import HIGHER, LOWER
from kpi_helpers.compare.difference import Z
from kpi_helpers.kpis.settled import Array, divided

FALSE_FINDINGS = 0.10
UNREADABLE = ("missing", "immature", "insufficient")
# Facts of the past: they meet a target or miss it, whatever chance had to do with it.
FACTS = ("exact", "garwood")
MOST_NEEDED = 1e6

Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]


def verdicts(frame: pd.DataFrame) -> dict[str, Any]:
    """The fields ``target_verdict, change_verdict, certainty, more_needed`` of a compared frame.

    ``certainty`` speaks of the target where there is one, else of the change. A fact that is not
    complete (``complete``: its period is over and wholly covered) is held against its target only
    once it has reached it: that can no longer be undone.
    """
    sign = np.select([frame["better"] == HIGHER, frame["better"] == LOWER], [1.0, -1.0], 0.0)
    value, target = frame["value"].to_numpy(float), frame["target"].to_numpy(float)
    readable = ~frame["status"].isin(UNREADABLE).to_numpy()
    fact = frame["method"].isin(FACTS).to_numpy()
    decided = ~fact | frame["complete"].to_numpy(bool) | (value >= target)
    aimed = readable & ~np.isnan(target) & (sign != 0) & decided
    met = sign * (value - target) >= 0
    outside = ((frame["low"] > target) | (frame["high"] < target)).to_numpy()
    changed = _changed(frame, readable)
    untested = fact & frame["p_value"].isna().to_numpy()
    exact = np.where(aimed, fact, untested)
    sure = np.where(aimed, outside, changed)
    certainty = np.select([exact, sure], ["exact", "established"], "not_established")
    return {
        "target_verdict": np.select([~aimed, met], ["none", "met"], "missed"),
        "change_verdict": _direction(frame, readable, changed, sign),
        "certainty": np.where(readable, certainty, frame["status"]),
        "more_needed": np.where(readable & ~exact, _more_needed(frame, aimed), np.nan),
    }


def among_many(row: Any) -> bool:
    """Tell whether a change lies beyond its own range, but not beyond chance among so many."""
    if row.get("change_verdict") != "none_shown":
        return False
    return bool(row["change_low"] > 0 or row["change_high"] < 0)


def or_year_ago(compared: pd.DataFrame, year_ago: pd.DataFrame) -> pd.DataFrame:
    """Put the confirmed change from the year before where none from the period before is shown.

    Parameters
    ----------
    compared, year_ago
        Frames of `kpi_helpers.compare` of the same KPIs and period, without dimensions.

    Returns
    -------
    pandas.DataFrame
        The rows of ``compared``, some with the reference, the change and what is said of it of
        ``year_ago``.
    """
    earlier = year_ago.set_index("kpi").reindex(compared["kpi"]).set_axis(compared.index)
    silent = compared["change_verdict"].isin(["none_shown", "no_reference"])
    shown = earlier["change_verdict"].isin(["better", "worse", "changed"])
    moved = silent & shown & earlier["p_value"].notna()
    own = list(compared.filter(regex="^(reference|change|p_)"))
    free = moved & (compared["target_verdict"] == "none")
    found = compared.copy()
    found.loc[moved, own] = earlier.loc[moved, own]
    found.loc[free, ["certainty", "more_needed"]] = earlier.loc[free, ["certainty", "more_needed"]]
    return found


def _changed(frame: pd.DataFrame, readable: Flags) -> Flags:
    """Established changes, of which the plausible range too excludes none; and changes of facts."""
    excluded = (frame["change_low"] > 0) | (frame["change_high"] < 0)
    tested = (frame["p_adjusted"] <= FALSE_FINDINGS) & excluded
    untested = frame["method"].isin(FACTS) & frame["p_value"].isna() & (frame["change"] != 0)
    known: Flags = readable & frame["change"].notna().to_numpy()
    return known & (tested | untested).to_numpy()


def _direction(frame: pd.DataFrame, readable: Flags, changed: Flags, sign: Array) -> Any:
    gain = sign * frame["change"].to_numpy(float)
    compared = readable & frame["change"].notna().to_numpy()
    return np.select(
        [~compared, ~changed, sign == 0, gain > 0],
        ["no_reference", "none_shown", "changed", "better"],
        "worse",
    )


def _more_needed(frame: pd.DataFrame, aimed: Flags) -> Array:
    """Further cases until the range would exclude the target, else no change, if values stayed.

    Wilson's range of a share excludes t from z²·t(1 − t)/(share − t)² cases on. Any other width
    falls with the root of n, that of a change if both of its sides grow alike.
    """
    names = ("value", "low", "high", "n", "target", "change", "change_low", "change_high")
    value, low, high, n, target, change, least, most = (frame[c].to_numpy(float) for c in names)
    gap = np.where(aimed, value - target, change)
    above = np.where(aimed, value - low, change - least)
    below = np.where(aimed, high - value, most - change)
    times = divided(np.where(gap > 0, above, below), np.abs(gap)) ** 2
    shares = aimed & (frame["method"] == "wilson").to_numpy()
    needed = np.where(shares, divided(Z**2 * target * (1 - target), gap**2), n * times)
    more = np.ceil(needed - n)
    return np.where((more > 0) & (more < MOST_NEEDED), more, np.nan)
