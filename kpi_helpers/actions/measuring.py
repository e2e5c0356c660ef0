"""Whether actions worked: the effect of each on its KPI, beside the one announced."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.actions.judging import (
    LEAST,
    NONE,
    SERIES,
    VERDICTS,
    base,
    effect_of,
    least_visible,
    method_of,
    told,
)
from kpi_helpers.actions.series import BASE, Action, flaw, series, state_of, washout
from kpi_helpers.actions.words import (
    IN_POINTS,
    IN_UNIT,
    PROPOSED,
    RELATIVE,
    is_percent,
    status_of,
    unit_of,
)
from kpi_helpers.catalogue import LOWER, REGISTRY
from kpi_helpers.errors import KpiError, Unavailable
from kpi_helpers.language import Phrase
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.units import PERCENT

# Reasons for which not even the months can be read.
UNREADABLE = ("no_kpi", "stock")
CARRIED = ("action_id", "action", "owner", "due_date", "cost", "finding", "root_cause")
COLUMNS = (
    *(*CARRIED, "state", "kpi", "label", "unit", "better", "start", "until"),
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
        A row an action, unless it is proposed for no day. ``state`` is ``planned, open, late,
        done, done_late`` or ``dropped``; ``verdict`` is ``established``, ``opposite``,
        ``not_conclusive`` or ``not_measurable`` (``reason`` says why; ``note``, what is wrong with
        a group); ``effect, low, high`` are in the unit of the KPI (differences of rates),
        ``relative`` is the effect in
        parts of ``without``, what was to be expected without the action; ``announced`` is the
        expected effect in the same unit, ``agreed`` whether it is in the range (``yes``), beyond it
        (``less``, ``more``) or unknown; ``detectable`` the least effect that so many cases would
        show; ``placebos_found`` of ``placebos`` earlier dates show an effect too; ``beside`` names
        the actions on the same KPI at the same time; ``flag`` is ``no_unit`` where the expected
        effect has none that its KPI can have.

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
    lacking = Unavailable(what=Phrase("effects.what"), needs="actions")
    if "actions" not in data.tables:
        raise lacking
    register = data["actions"]
    undated = (register["status"].map(status_of) == PROPOSED) & register["start_date"].isna()
    register = register[~undated]
    if register.empty:
        raise lacking
    register = register.sort_values(["start_date", "action_id"], kind="stable")
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
    points = base(series(data, register.loc[name].to_dict(), int(row["washout"])))
    late = points[points["after"]]
    without = told(points, row["method"])[0].without * late["season"] + late["other"].fillna(0.0)
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
        # A filter may name people, whom a shared report leaves out.
        note = "" if data.masked else error.render(data.config.lang)
        return row | {"reason": "no_group", "note": note}
    if every.empty:
        return row | {"reason": reason or "no_figure"}
    points = base(every)
    row["detectable"] = least_visible(points, row["better"] == LOWER, action)
    method = method_of(points)
    if reason or not method:
        return row | {"reason": reason or _missing(points, action)}
    return row | effect_of(every, method, row)


def _named(data: Dataset, action: Action) -> dict[str, Any]:
    """An action by its names, and what was announced of it."""
    declared = REGISTRY.get(action["kpi_id"])
    unit, said = (declared.unit if declared else ""), action["expected_effect"]
    kind = unit_of(action["expected_unit"], unit)
    row = {of: action[of] for of in CARRIED}
    # What was written may name people, whom a shared report leaves out.
    hidden = {"action": action["action_id"], "finding": "", "root_cause": ""}
    row |= hidden if data.masked else {}
    row |= {"state": state_of(action, data.as_of)}
    row |= {"kpi": action["kpi_id"], "start": action["start_date"], "unit": unit}
    row |= {"label": declared.label(data.config.lang) if declared else action["kpi_id"]}
    row |= {"better": declared.better if declared else "", "flag": "" if kind else "no_unit"}
    return row | as_announced(said, action["expected_unit"], unit)


def as_announced(effect: float, written: Any, unit: str) -> dict[str, float]:
    """Return an expected effect as it was meant: ``announced``, or ``announced_relative``.

    Parameters
    ----------
    effect, written
        Its number and unit in the register.
    unit
        That of the KPI.

    Examples
    --------
    >>> as_announced(3.0, "points", "percent")["announced"]
    0.03
    """
    kind = unit_of(written, unit)
    # Points are told from rates by their size: no rate is expected to rise by more than all of it.
    percent = is_percent(written) or (kind == IN_POINTS and unit == PERCENT)
    said = effect / 100 if percent and abs(effect) > 1 else effect
    absolute, relative = kind in (IN_POINTS, IN_UNIT), kind == RELATIVE
    return {
        "announced": said if absolute else np.nan,
        "announced_relative": said if relative else np.nan,
    }


def _missing(points: pd.DataFrame, action: Action) -> str:
    after = int(points["after"].sum())
    if after < (LEAST[SERIES][1] if pd.isna(action["control_group"]) else 1):
        return "too_early"
    return "few_months"


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
