"""Whether an action worked, from the months around its start.

==============================  ====================================================
there is                        the effect is
==============================  ====================================================
a group that was not treated    the step of the difference of the two groups
8 months before and 4 after     the step of the series; where it had a trend, off it
12 months before and 1 after    the mean distance from the limits of usual variation
neither                         not measurable
==============================  ====================================================

A start that follows the worst month of all does not stand beside that month. Without a group that
was not treated, an effect that the same test also finds at earlier dates, when nothing was done, is
not taken as established; with one, neither is one of groups that drifted apart before.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.actions.series import BASE, Action
from kpi_helpers.actions.stepped import SURE, TRENDED, Step, chosen_late, drifts, step, visible
from kpi_helpers.catalogue import LOWER
from kpi_helpers.compare import detectable
from kpi_helpers.control import limits

GROUPS, SERIES, CHART = "two_groups", "series", "control_chart"
ESTABLISHED, OPPOSITE, OPEN, NONE = VERDICTS = (
    *("established", "opposite", "not_conclusive", "not_measurable"),
)
# Months that each way of measuring needs before the start and after it.
LEAST = {GROUPS: (4, 2), SERIES: (TRENDED, 4), CHART: (BASE, 1)}
# Dates of placebos, in months before the start; each is read for so many months.
PLACEBOS, PLACEBO = (4, 8, 12), 4


def effect_of(every: pd.DataFrame, method: str, row: Action) -> dict[str, Any]:
    """Return what the months say of an action: the columns of `effects` from ``method`` on.

    Parameters
    ----------
    every
        What `kpi_helpers.actions.series.series` returns.
    method
        ``two_groups``, ``series`` or ``control_chart``.
    row
        The ``announced`` effect, absolute or ``announced_relative``, and what is ``better``.
    """
    points, two = base(every), method == GROUPS
    found, late, trended = told(points, method)
    tried, seen = _placebos(every, method)
    before, after = (points[points["after"] == side] for side in (False, True))
    without = _mean(after) - found.effect
    relative, announced = row["announced_relative"], row["announced"]
    announced = announced if pd.isna(relative) else relative * without
    shown = found.low > 0 or found.high < 0
    doubt = "apart" if two and trended else "placebo" if seen and not two else ""
    usual = -1.0 if row["better"] == LOWER else 1.0
    wanted: float = announced if announced and pd.notna(announced) else usual
    direction = ESTABLISHED if found.effect * wanted > 0 else OPPOSITE
    return {
        **{of: getattr(found, of) for of in ("effect", "low", "high", "p_value")},
        **{"method": method, "until": points["end"].max(), "n": points["n"].sum()},
        **{"verdict": direction if shown and not doubt else OPEN, "reason": doubt * shown},
        **{"before": _mean(before), "after": _mean(after), "without": without},
        **{"control_before": _mean(before, "other_"), "control_after": _mean(after, "other_")},
        "relative": found.effect / abs(without) if without else np.nan,
        **{"announced": announced, "agreed": _agreed(found, announced)},
        **{"placebos": tried, "placebos_found": seen, "late_start": late},
        **{"months_before": len(before), "months_after": len(after)},
    }


def base(points: pd.DataFrame) -> pd.DataFrame:
    """The year before the start, and what comes after it."""
    before = int((~points["after"].astype(bool)).sum())
    return points.iloc[max(before - BASE, 0) :].reset_index(drop=True)


def method_of(points: pd.DataFrame) -> str:
    """The first way of measuring that has the months it needs; shares of two groups need fewer."""
    after = int(points["after"].sum())
    before = len(points) - after
    for method, (least, late) in LEAST.items():
        if method == GROUPS and (points.empty or points["other"].isna().any()):
            continue
        if method == GROUPS and points["variance"].notna().all():
            least, late = 1, 1
        if before >= least and after >= late:
            return method
    return ""


def told(points: pd.DataFrame, method: str) -> tuple[Step, bool, bool]:
    """Return the step, whether the start follows the worst month, and a trend came before it."""
    return _charted(points) if method == CHART else _stepped(points, method == GROUPS)


def _stepped(points: pd.DataFrame, two: bool) -> tuple[Step, bool, bool]:
    """The step; whether the start follows the worst month; whether there was a trend before."""
    y, after = points["y"].to_numpy(float), points["after"].to_numpy(bool)
    variance = points["variance"].to_numpy(float)
    known = variance if not np.isnan(variance).any() else None
    trended = drifts(y[~after], None if known is None else known[~after])
    trend = trended and not two and (~after).sum() >= TRENDED
    found = step(y, after, known, trend)
    late = chosen_late(points["value"].to_numpy(float), after, found.effect)
    if late:
        keep = np.arange(len(y)) != (~after).sum() - 1
        found = step(y[keep], after[keep], None if known is None else known[keep], trend)
    return found, late, trended


def _charted(points: pd.DataFrame) -> tuple[Step, bool, bool]:
    """The mean distance from the centre of the usual variation, beside that of its limits."""
    after = points["after"].to_numpy(bool)
    months = points.assign(
        value=points["y"], numerator=points["k"], denominator=points["n"], kpi=""
    )
    judged = limits(months.assign(period=months["start"].dt.strftime("%Y-%m"), method=""))
    late = judged[after]
    half = float((late["upper"] - late["centre"]).mean())
    effect = float((late["value"] - late["centre"]).mean())
    centre = late["centre"].to_numpy(float)
    return Step(effect, half / 3, effect - half, effect + half, np.nan, 0.0, centre), False, False


def _placebos(every: pd.DataFrame, method: str) -> tuple[int, int]:
    """At how many earlier dates the same test can be made, and at how many it finds an effect."""
    before = every[~every["after"].astype(bool)]
    tried = seen = 0
    for shift in PLACEBOS:
        end = len(before) - shift + PLACEBO
        months = before.iloc[max(end - PLACEBO - BASE, 0) : end].assign(after=False)
        months.loc[months.index[-PLACEBO:], "after"] = True
        months = months.reset_index(drop=True)
        if method_of(months) not in (GROUPS, SERIES):
            continue
        tried += 1
        seen += _stepped(months, method == GROUPS)[0].p_value < SURE / len(PLACEBOS)
    return tried, seen


def _agreed(found: Step, announced: float) -> str:
    if pd.isna(announced):
        return ""
    less, more = (found.high < announced, found.low > announced)
    return "yes" if not (less or more) else "less" if less == (announced > 0) else "more"


def _mean(points: pd.DataFrame, of: str = "") -> float:
    """The figure of several months: of shares that of their cases, else the mean."""
    k, n = points[f"{of}k"], points[f"{of}n"]
    if points["variance"].notna().all() and n.sum() > 0:
        return float(k.sum() / n.sum())
    return float(points["other" if of else "value"].mean())


def least_visible(points: pd.DataFrame, lower: bool, action: Action) -> float:
    """The least effect that the months read would show, or those until it is expected."""
    before, after = (points[points["after"] == side] for side in (False, True))
    due, start = action["expected_by"], action["start_date"]
    months = len(after) or (max((due - start).days // 30, 1) if pd.notna(due) else BASE)
    if before.empty:
        return np.nan
    if points["variance"].isna().any():
        spread = float(before["y"].std()) if len(before) > 2 else np.nan
        return visible(spread * (1 / len(before) + 1 / months) ** 0.5)
    # Of two groups the cases count as many as would make a comparison of two as uncertain.
    each = [before[of].mean() for of in ("n", "other_n") if before[of].notna().any()]
    cases = 1 / sum(1 / n for n in each)
    base = _mean(before)
    return float(detectable(1 - base if lower else base, cases * months, cases * len(before)))
