"""A figure beside another: what changed, is it established, is the target met."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.compare.beside import (
    NUMBERS,
    PREVIOUS,
    READABLE,
    REFERENCE,
    To,
    beside,
    earlier_period,
    joined,
)
from kpi_helpers.compare.difference import Figures, adjusted, difference
from kpi_helpers.compare.durations import same_horizon
from kpi_helpers.compare.enough import detectable
from kpi_helpers.compare.others import everything_but
from kpi_helpers.compare.verdicts import or_year_ago, verdicts
from kpi_helpers.kpis.settled import divided
from kpi_helpers.measure import HIDDEN, measured, spoken
from kpi_helpers.measure.targets import target_values
from kpi_helpers.periods import Period
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.asked import names_in
from kpi_helpers.sources.dataset import Where

__all__ = ["compare", "detectable", "everything_but", "judged", "last_readable", "through"]
__all__ += ["or_year_ago"]

LOOKED_BACK = 12
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
    to: To = PREVIOUS,
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
        ``"previous"`` (the period before), ``"year_ago"``, ``"target"`` (no other reference),
        ``"others"`` (each group of one dimension beside all the others together; sums and counts
        have nothing to stand beside), or a filter or segment: the same period on the rows that it
        selects. A period that is still running stands beside the same number of days.

    Returns
    -------
    pandas.DataFrame
        The tidy columns, and ``reference_period, reference, reference_low, reference_high,
        reference_n, change, change_relative, change_low, change_high, p_value, p_adjusted,
        more_needed, target, target_verdict, change_verdict, certainty``. A change of a rate is a
        difference of rates (0.02 is two points). ``p_adjusted`` is Benjamini–Hochberg's over the
        frame, Holm's where it has five tests at most: a change is established when it holds at 10 %
        of false findings and its range excludes none. ``more_needed`` is how many further cases
        would set the range apart from the target, or from no change if both sides grew alike.
        ``certainty`` speaks of the target where there is one, else of the change.

    Raises
    ------
    UnknownName, BadPeriod, BadInput
        As `kpi_helpers.measure`, and for a reference that is none.

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
    wanted, dimensions = list(names_in("kpis", kpis)), names_in("by", by)
    now = data.config.calendar.parse(period, data.as_of, data.first)
    frame = beside(data, wanted, now, to, dimensions, where)
    tidy = [column for column in frame if column not in (*REFERENCE, *HIDDEN)]
    over = now.end <= data.as_of + dt.timedelta(days=1)
    target = target_values(data, frame, now, dimensions, where)
    frame = judged(data, frame.assign(target=target, complete=frame["covered"] & over))
    return spoken(frame[[*tidy, *ADDED]], data)


def through(
    data: Dataset,
    kpis: Sequence[str],
    periods: Sequence[Period],
    to: str = PREVIOUS,
    by: Sequence[str] = (),
    where: Where = None,
) -> pd.DataFrame:
    """Compare KPIs in several periods that are over, all of them measured at once.

    Parameters
    ----------
    data, kpis, by, where
        As for `compare`.
    periods
        The periods, each beside its own reference.
    to
        ``"previous"`` or ``"year_ago"``.

    Returns
    -------
    pandas.DataFrame
        The frames of `compare` one below the other, each with its own ``p_adjusted``, and
        ``reference_start``.
    """
    earlier = [then for now in periods if (then := earlier_period(data, now, to))]
    every = list(dict.fromkeys([*earlier, *periods]))
    measures, dimensions, frames = (
        measured(data, list(kpis), every, tuple(by), where),
        tuple(by),
        [],
    )
    for now in periods:
        then = earlier_period(data, now, to)
        rows = measures[measures["period"] == now.name]
        before = measures[measures["period"] == (then.name if then else "")]
        frame = same_horizon(joined(rows, before, dimensions), data.config.lang)
        target = target_values(data, frame, now, dimensions, where)
        frames.append(judged(data, frame.assign(target=target, complete=frame["covered"])))
    tidy = [column for column in measures if column not in HIDDEN]
    return pd.concat(frames, ignore_index=True)[[*tidy, *ADDED, "reference_start"]]


def judged(data: Dataset, frame: pd.DataFrame) -> pd.DataFrame:
    """Figures that stand beside a reference (`compare.beside`), with what may be said of them."""
    frame = frame.assign(**_changes(data, frame))
    return frame.assign(**verdicts(frame))


def last_readable(
    data: Dataset,
    kpis: str | Sequence[str],
    period: str,
    by: str | Sequence[str] = (),
    where: Where = None,
) -> pd.DataFrame:
    """The latest earlier period in which each KPI that is too young now can be read.

    Parameters
    ----------
    data, kpis, period, by, where
        As for `compare`.

    Returns
    -------
    pandas.DataFrame
        Tidy rows, one a KPI and combination; none where nothing can be read.
    """
    wanted, dimensions = list(names_in("kpis", kpis)), names_in("by", by)
    calendar = data.config.calendar
    now = calendar.parse(period, data.as_of, data.first)
    keys = ["kpi", *dimensions]
    frame = measured(data, wanted, [now], dimensions, where).drop(columns=list(HIDDEN))
    young = frame.loc[frame["status"] == "immature", keys]
    if young.empty or now.grain == "span":
        return frame.iloc[:0]
    earlier = [calendar.shift(now, -steps) for steps in range(LOOKED_BACK, 0, -1)]
    frame = measured(data, list(young["kpi"].unique()), earlier, dimensions, where)
    readable = frame[frame["status"].isin(READABLE)].drop(columns=list(HIDDEN))
    last = readable.sort_values("start", kind="stable").groupby(keys, dropna=False).tail(1)
    return young.merge(last, on=keys)[list(readable)]


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
    value = frame["reference" if prefix else "value"].to_numpy(float)
    columns = {name: frame[prefix + name].to_numpy(float) for name in NUMBERS}
    bounds = zip(frame[f"{prefix}start"], frame[f"{prefix}end"], strict=True)
    days = np.array([_working_days(data, start, end) for start, end in bounds])
    ages = frame[f"{prefix}ages"].to_numpy(object)
    return Figures(value=value, days=days, ages=ages, **columns)


def _working_days(data: Dataset, start: Any, end: Any) -> float:
    """Days worked in a period so far: what counts are exposed to."""
    if pd.isna(start):
        return np.nan
    last = min(end.date(), data.as_of + dt.timedelta(days=1))
    return float(data.config.calendar.working_days(start.date(), max(last, start.date())))
