"""A figure beside another: what changed, is it established, is the target met."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.compare.difference import Figures, adjusted, difference
from kpi_helpers.compare.verdicts import verdicts
from kpi_helpers.kpis.settled import divided
from kpi_helpers.measure import HIDDEN, measured
from kpi_helpers.measure.targets import target_values
from kpi_helpers.periods import Period
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.dataset import Where

__all__ = ["compare", "last_readable"]

PREVIOUS, YEAR_AGO, TARGET = "previous", "year_ago", "target"
LOOKED_BACK = 12
READABLE = ("ok", "indicative")
NUMBERS = ("numerator", "denominator", "n", "low", "high", "spread")
ADDED = (
    "reference_period",
    "reference",
    "reference_low",
    "reference_high",
    "reference_n",
    "change",
    "change_relative",
    "change_low",
    "change_high",
    "p_value",
    "p_adjusted",
    "more_needed",
    "target",
    "target_verdict",
    "change_verdict",
    "certainty",
)


def compare(
    data: Dataset,
    kpis: str | Sequence[str],
    period: str,
    to: str | Mapping[str, Any] = PREVIOUS,
    by: str | Sequence[str] = (),
    where: Where = None,
) -> pd.DataFrame:
    """Measure KPIs in a period and set them beside a reference and their targets.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load`.
    kpis, period, by, where
        As for `kpi_helpers.measure`; the period is read as one.
    to
        ``"previous"`` (the period before), ``"year_ago"``, ``"target"`` (no other reference), or a
        filter: the same period on the rows that it selects. A period that is still running stands
        beside the same number of days.

    Returns
    -------
    pandas.DataFrame
        The tidy columns, and ``reference_period, reference, reference_low, reference_high,
        reference_n, change, change_relative, change_low, change_high, p_value, p_adjusted,
        more_needed, target, target_verdict, change_verdict, certainty``. A change of a rate is a
        difference of rates (0.02 is two points). ``p_adjusted`` is Benjamini–Hochberg's over the
        frame; a change is established at 10 % of false findings. ``certainty`` speaks of the
        target where there is one, else of the change.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> deals = pd.DataFrame({"deal_id": range(80), "created_at": ["2026-01-05"] * 80,
    ...     "status": ["won", "lost"] * 20 + ["won"] * 40,
    ...     "closed_at": ["2026-01-09"] * 40 + ["2026-05-01"] * 40})
    >>> row = compare(kh.load(deals), "win_rate_count", "2026Q2").iloc[0]
    >>> float(row["change"]), row["change_verdict"], row["certainty"]
    (0.5, 'better', 'established')
    """
    wanted = [kpis] if isinstance(kpis, str) else list(dict.fromkeys(kpis))
    dimensions = (by,) if isinstance(by, str) else tuple(by)
    now = data.config.calendar.parse(period, data.as_of, data.first)
    frame = measured(data, wanted, [now], dimensions, where)
    tidy = [column for column in frame if column not in HIDDEN]
    frame = _beside(frame, _reference(data, wanted, now, to, dimensions, where), dimensions)
    target = target_values(data, frame, now, dimensions)
    frame["target"] = np.nan if where else target
    frame = frame.assign(**_changes(data, frame))
    return frame.assign(**verdicts(frame))[[*tidy, *ADDED]]


def last_readable(
    data: Dataset, kpis: str | Sequence[str], period: str, by: str | Sequence[str] = ()
) -> pd.DataFrame:
    """The latest earlier period in which each KPI that is too young now can be read.

    Parameters
    ----------
    data, kpis, period, by
        As for `compare`.

    Returns
    -------
    pandas.DataFrame
        Tidy rows, one a KPI and combination; none where nothing can be read.
    """
    wanted = [kpis] if isinstance(kpis, str) else list(dict.fromkeys(kpis))
    dimensions = (by,) if isinstance(by, str) else tuple(by)
    calendar = data.config.calendar
    now = calendar.parse(period, data.as_of, data.first)
    if now.grain == "span":
        return measured(data, wanted, [now], dimensions).iloc[:0].drop(columns=list(HIDDEN))
    earlier = [calendar.shift(now, -steps) for steps in range(LOOKED_BACK, 0, -1)]
    frame = measured(data, wanted, earlier, dimensions).drop(columns=list(HIDDEN))
    readable = frame[frame["status"].isin(READABLE)].sort_values("start", kind="stable")
    return readable.groupby(["kpi", *dimensions], dropna=False, sort=False).tail(1)


def _reference(
    data: Dataset,
    kpis: list[str],
    now: Period,
    to: str | Mapping[str, Any],
    by: tuple[str, ...],
    where: Where,
) -> pd.DataFrame | None:
    """The figures to stand beside, or None where there are none."""
    if to == TARGET or (now.name == "all" and to in (PREVIOUS, YEAR_AGO)):
        return None
    if to not in (PREVIOUS, YEAR_AGO):
        return measured(data, kpis, [now], by, to)
    calendar = data.config.calendar
    then = calendar.previous(now) if to == PREVIOUS else calendar.year_ago(now)
    running = data.as_of + dt.timedelta(days=1) - now.start
    if now.start + running < now.end:
        end = min(then.end, then.start + running)
        then = Period(then.name, then.start, end, "span")
    return measured(data, kpis, [then], by, where)


def _beside(frame: pd.DataFrame, then: pd.DataFrame | None, by: tuple[str, ...]) -> pd.DataFrame:
    """The frame with the reference's columns, blank where it cannot be compared with."""
    keys = ["kpi", *by]
    if then is None:
        then = frame.assign(status="missing")
    usable = then["status"].isin(READABLE) & then["covered"]
    kept = then[usable].drop(columns=["label", "unit", "better", "note", "method"])
    names = {c: f"reference_{c}" for c in kept if c not in keys} | {"value": "reference"}
    joined = frame.merge(kept.rename(columns=names), on=keys, how="left")
    blank = ~joined["covered"] | ~joined["status"].isin(READABLE)
    numbers = ["reference", *(f"reference_{c}" for c in NUMBERS)]
    joined.loc[blank, numbers] = np.nan
    return joined


def _changes(data: Dataset, frame: pd.DataFrame) -> dict[str, Any]:
    now, then = _side(data, frame, ""), _side(data, frame, "reference_")
    found = difference(now, then, frame["method"])
    return {
        "change": found.change,
        "change_relative": divided(found.change, np.abs(then.value)),
        "change_low": found.low,
        "change_high": found.high,
        "p_value": found.p_value,
        "p_adjusted": adjusted(found.p_value),
    }


def _side(data: Dataset, frame: pd.DataFrame, prefix: str) -> Figures:
    names = [name for name in NUMBERS if name != "n"]
    value = frame["reference" if prefix else "value"].to_numpy(float)
    columns = {name: frame[prefix + name].to_numpy(float) for name in names}
    bounds = zip(frame[f"{prefix}start"], frame[f"{prefix}end"], strict=True)
    exposure = np.array([_working_days(data, start, end) for start, end in bounds])
    return Figures(value=value, exposure=exposure, **columns)


def _working_days(data: Dataset, start: Any, end: Any) -> float:
    """Days worked in a period so far: what counts are exposed to."""
    if pd.isna(start):
        return np.nan
    last = min(end.date(), data.as_of + dt.timedelta(days=1))
    return float(data.config.calendar.working_days(start.date(), max(last, start.date())))
