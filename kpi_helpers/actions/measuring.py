"""Whether actions worked: the effect of each on its KPI, beside the one announced.

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

from kpi_helpers.actions.series import BASE, Action, flaw, series, state_of, washout
from kpi_helpers.actions.stepped import (
    SURE,
    TRENDED,
    Flags,
    Step,
    chosen_late,
    drifts,
    step,
    visible,
)
from kpi_helpers.catalogue import LOWER, REGISTRY
from kpi_helpers.compare import detectable
from kpi_helpers.control import limits
from kpi_helpers.errors import KpiError, Unavailable
from kpi_helpers.kpis.settled import Array
from kpi_helpers.language import Phrase
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.units import PERCENT

GROUPS, SERIES, CHART = "two_groups", "series", "control_chart"
ESTABLISHED, OPPOSITE, OPEN, NONE = VERDICTS = (
    *("established", "opposite", "not_conclusive", "not_measurable"),
)
# Reasons for which not even the months can be read.
UNREADABLE = ("no_kpi", "stock", "no_dates")
RELATIVE, IN_POINTS, IN_UNIT = "relative", "points", "unit"
# Months that each way of measuring needs before the start and after it.
LEAST = {GROUPS: (4, 2), SERIES: (TRENDED, 4), CHART: (BASE, 1)}
# Dates of placebos, in months before the start; each is read for so many months.
PLACEBOS, PLACEBO = (4, 8, 12), 4
COLUMNS = (
    *("action_id", "action", "owner", "state", "kpi", "label", "unit", "better", "start", "until"),
    *("due_date", "cost"),
    *("method", "verdict", "reason", "note", "flag", "before", "after", "without"),
    *("control_before", "control_after", "effect", "low", "high", "p_value", "relative"),
    *("announced", "announced_relative", "agreed", "detectable", "washout", "n"),
    *("months_before", "months_after", "placebos", "placebos_found", "late_start", "beside"),
)


def effects(data: Dataset) -> pd.DataFrame:
    """Measure what every action of the register changed, as far as the data tell by now.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load` with a table ``actions``.

    Returns
    -------
    pandas.DataFrame
        A row an action. ``state`` is ``planned, open, late, done, done_late`` or ``dropped``;
        ``verdict`` is ``established``, ``opposite``, ``not_conclusive`` or
        ``not_measurable`` (``reason`` says why; ``note``, what is wrong with a group); ``effect,
        low, high`` are in the unit of the KPI (differences of rates), ``relative`` is the effect in
        parts of ``without``, what was to be expected without the action; ``announced`` is the
        expected effect in the same unit, ``agreed`` whether it is in the range (``yes``), beyond it
        (``less``, ``more``) or unknown; ``detectable`` the least effect that so many cases would
        show; ``placebos_found`` of ``placebos`` earlier dates show an effect too; ``beside`` names
        the actions on the same KPI at the same time; ``flag`` is ``no_unit`` where the expected
        effect has none.

    Raises
    ------
    Unavailable
        Without a register.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> found = effects(kh.load("data/sample")).set_index("action_id")
    >>> found["verdict"].tolist()
    ['established', 'not_conclusive', 'not_measurable']
    """
    if "actions" not in data.tables or data["actions"].empty:
        raise Unavailable(what=Phrase("effects.what"), needs="actions")
    register = data["actions"].sort_values(["start_date", "action_id"], kind="stable")
    rows = [_row(data, action) for action in register.to_dict("records")]
    found = pd.DataFrame(rows).reindex(columns=list(COLUMNS))
    return found.assign(beside=_beside(found))


def measured_on(found: pd.DataFrame, data: Dataset, action_id: str = "") -> pd.DataFrame | None:
    """Return the months that the effect of an action is read from.

    Parameters
    ----------
    found
        What `effects` returns.
    data
        The data set.
    action_id
        One that can be measured; by default the first of the surest.

    Returns
    -------
    pandas.DataFrame or None
        The columns of `kpi_helpers.actions.series.series`, ``action_id`` and ``without``: what the
        KPI was to be expected at after the start. None where no action can be measured.
    """
    measured = found[found["method"] != ""].sort_values(
        "verdict", key=lambda of: of.map(VERDICTS.index), kind="stable"
    )
    if measured.empty:
        return None
    name = action_id or measured["action_id"].iloc[0]
    row = found[found["action_id"] == name].to_dict("records")[0]
    register = data["actions"].set_index("action_id")
    points = _base(series(data, register.loc[name].to_dict(), int(row["washout"])))
    step_found = _told(points, row["method"])[0]
    after = points["after"].to_numpy(bool)
    without = np.full(len(points), np.nan)
    rest = points["value"].to_numpy(float) - points["y"].to_numpy(float)
    without[after] = rest[after] + step_found.without
    return points.assign(action_id=name, without=without)


def _row(data: Dataset, action: Action) -> dict[str, Any]:
    """What can be said of an action; a row of the register never stops the others."""
    reason = flaw(data, action)
    row = _named(data, action) | {"verdict": NONE, "method": "", "reason": reason, "note": ""}
    if reason in UNREADABLE:
        return row
    row["washout"] = washout(data, action["kpi_id"], action["start_date"].date())
    try:
        every = series(data, action, row["washout"])
    except KpiError as error:
        return row | {"reason": "no_group", "note": error.render(data.config.lang)}
    points = _base(every)
    row["detectable"] = _detectable(points, row["better"] == LOWER, action)
    method = _method(points)
    if reason or not method:
        return row | {"reason": reason or _missing(points, action)}
    return row | effect_of(every, method, row)


def _named(data: Dataset, action: Action) -> dict[str, Any]:
    """An action by its names, and what was announced of it."""
    declared = REGISTRY.get(action["kpi_id"])
    unit, said = (declared.unit if declared else ""), action["expected_effect"]
    kind = unit_of(action["expected_unit"])
    row = {of: action[of] for of in ("action_id", "action", "owner", "due_date", "cost")}
    row |= {"action": action["action_id"]} if data.masked else {}
    row |= {"state": state_of(action, data.as_of)}
    row |= {"kpi": action["kpi_id"], "start": action["start_date"], "unit": unit}
    row |= {"label": declared.label(data.config.lang) if declared else action["kpi_id"]}
    row |= {"better": declared.better if declared else "", "flag": "" if kind else "no_unit"}
    # Points are told from rates by their size: no rate is expected to rise by more than all of it.
    points = said / 100 if kind == IN_POINTS and unit == PERCENT and abs(said) > 1 else said
    row |= {"announced": points if kind in (IN_POINTS, IN_UNIT) else np.nan}
    return row | {"announced_relative": said if kind == RELATIVE else np.nan}


def unit_of(said: Any) -> str:
    """Return how an expected effect is meant: relative, in points, in the KPI's unit, or unknown.

    Examples
    --------
    >>> unit_of("relative"), unit_of("€"), unit_of(None)
    ('relative', 'unit', '')
    """
    word = str(said).strip().lower() if pd.notna(said) else ""
    if word in (RELATIVE, "%", "relatif"):
        return RELATIVE
    return IN_POINTS if word in (IN_POINTS, "pts", "pt") else IN_UNIT if word else ""


def _base(points: pd.DataFrame) -> pd.DataFrame:
    """The year before the start, and what comes after it."""
    before = int((~points["after"].astype(bool)).sum())
    return points.iloc[max(before - BASE, 0) :].reset_index(drop=True)


def _method(points: pd.DataFrame) -> str:
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


def _missing(points: pd.DataFrame, action: Action) -> str:
    after = int(points["after"].sum())
    if after < (LEAST[SERIES][1] if pd.isna(action["control_group"]) else 1):
        return "too_early"
    return "few_months"


def _stepped(points: pd.DataFrame, two: bool) -> tuple[Step, bool, bool]:
    """The step; whether the start follows the worst month; whether there was a trend before."""
    y, after, variance = _arrays(points)
    known = variance if not np.isnan(variance).any() else None
    trended = drifts(y[~after], None if known is None else known[~after])
    trend = trended and not two and (~after).sum() >= TRENDED
    found = step(y, after, known, trend)
    late = chosen_late(points["value"].to_numpy(float), after, found.effect)
    if late:
        keep = np.arange(len(y)) != (~after).sum() - 1
        found = step(y[keep], after[keep], None if known is None else known[keep], trend)
    return found, late, trended


def _told(points: pd.DataFrame, method: str) -> tuple[Step, bool, bool]:
    return _charted(points) if method == CHART else _stepped(points, method == GROUPS)


def _charted(points: pd.DataFrame) -> tuple[Step, bool, bool]:
    """The mean distance from the centre of the usual variation, beside that of its limits."""
    y, after, _ = _arrays(points)
    months = points.assign(value=y, numerator=points["k"], denominator=points["n"], kpi="")
    judged = limits(months.assign(period=months["start"].dt.strftime("%Y-%m"), method=""))
    late = judged[after]
    half = float((late["upper"] - late["centre"]).mean())
    effect = float((late["value"] - late["centre"]).mean())
    centre = late["centre"].to_numpy(float)
    return Step(effect, half / 3, effect - half, effect + half, np.nan, 0.0, centre), False, False


def _arrays(points: pd.DataFrame) -> tuple[Array, Flags, Array]:
    y, variance = (points[of].to_numpy(float) for of in ("y", "variance"))
    return y, points["after"].to_numpy(bool), variance


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
    points, two = _base(every), method == GROUPS
    found, late, trended = _told(points, method)
    tried, seen = _placebos(every, method)
    after = _mean(points[points["after"]])
    without = after - found.effect
    announced = row["announced"]
    if pd.notna(row["announced_relative"]):
        announced = row["announced_relative"] * without
    shown = found.low > 0 or found.high < 0
    wanted = announced if announced and pd.notna(announced) else float(row["better"] != LOWER) - 0.5
    doubt = "apart" if two and trended else "placebo" if seen and not two else ""
    direction = ESTABLISHED if found.effect * wanted > 0 else OPPOSITE
    said = {"method": method, "until": points["end"].max(), "late_start": late}
    said |= {"verdict": direction if shown and not doubt else OPEN, "reason": doubt * shown}
    said |= {"before": _mean(points[~points["after"]]), "after": after, "without": without}
    said |= {
        f"control_{side}": _mean(points[points["after"] == (side == "after")], "other_")
        for side in ("before", "after")
    }
    said |= {of: getattr(found, of) for of in ("effect", "low", "high", "p_value")}
    said |= {"relative": found.effect / abs(without) if without else np.nan}
    said |= {"announced": announced, "agreed": _agreed(found, announced)}
    said |= {"placebos": tried, "placebos_found": seen, "n": points["n"].sum()}
    late_months = int(points["after"].sum())
    return said | {"months_after": late_months, "months_before": len(points) - late_months}


def _placebos(every: pd.DataFrame, method: str) -> tuple[int, int]:
    """At how many earlier dates the same test can be made, and at how many it finds an effect."""
    before = every[~every["after"].astype(bool)]
    tried = seen = 0
    for shift in PLACEBOS:
        end = len(before) - shift + PLACEBO
        months = before.iloc[max(end - PLACEBO - BASE, 0) : end].assign(after=False)
        months.loc[months.index[-PLACEBO:], "after"] = True
        months = months.reset_index(drop=True)
        if _method(months) not in (GROUPS, SERIES):
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


def _detectable(points: pd.DataFrame, lower: bool, action: Action) -> float:
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


def _beside(found: pd.DataFrame) -> list[str]:
    """The other actions on the same KPI that began before the end of the reading."""
    rows = found.to_dict("records")
    return [
        ", ".join(
            other["action_id"]
            for other in rows
            if other["action_id"] != row["action_id"]
            and other["kpi"] == row["kpi"]
            and pd.notna(row["until"])
            and row["start"] - pd.DateOffset(months=BASE) < other["start"] < row["until"]
        )
        for row in rows
    ]
