"""A figure and its reference in one row: which period or filter it is, and where there is none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.catalogue import Ago, find
from kpi_helpers.compare.durations import same_horizon
from kpi_helpers.compare.others import others
from kpi_helpers.errors import unknown
from kpi_helpers.measure import measured
from kpi_helpers.measure.answer import chosen, made_of
from kpi_helpers.periods import Period
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.dataset import Where
from kpi_helpers.sources.registers import ACHIEVEMENTS

To = str | Mapping[str, Any]

PERIODS = PREVIOUS, YEAR_AGO = "previous", "year_ago"
TARGET, OTHERS = "target", "others"
READABLE = ("ok", "indicative")
NUMBERS = ("numerator", "denominator", "low", "high", "spread", "pace")
CARRIED = ("period", "start", "end", "ages", "n", *NUMBERS)
REFERENCE = ("reference", *(f"reference_{column}" for column in CARRIED))


def beside(
    data: Dataset, kpis: Sequence[str], now: Period, to: To, by: tuple[str, ...], where: Where
) -> pd.DataFrame:
    """The tidy frame of a period with ``reference`` and ``reference_…``, blank where there is none.

    Beside another period each combination that either of them knows gets a row: what has vanished
    or is new has changed too.
    """
    _check(data, to)
    then = earlier_period(data, now, to)
    if then is not None:
        both = measured(data, kpis, [then, now], by, where)
        is_now = both["start"] == pd.Timestamp(now.start)
        earlier = both[~is_now]
        if then.days < now.days and then.grain == "span":
            # The target of a whole period is no measure of its first days.
            whole = [kpi for kpi in kpis if _holds_targets(data, kpi)]
            earlier = earlier[~earlier["kpi"].isin(whole)]
        return same_horizon(joined(both[is_now], earlier, by), data.config.lang)
    frame = measured(data, kpis, [now], by, where)
    if to == OTHERS:
        return same_horizon(
            joined(frame, others(data, frame, now, by, where), by), data.config.lang
        )
    if to in PERIODS or to == TARGET:
        return joined(frame, frame.assign(status="missing"), by)
    return same_horizon(joined(frame, measured(data, kpis, [now], by, to), by), data.config.lang)


def _check(data: Dataset, to: To) -> None:
    """Refuse a single word that is no reference; any other text is a filter."""
    known = [*PERIODS, TARGET, OTHERS, *data.config.segments]
    if isinstance(to, str) and to.isidentifier() and to not in known:
        raise unknown("value", to, known)


def earlier_period(data: Dataset, now: Period, to: To) -> Period | None:
    """The period to stand beside; the same number of days where this one is still running."""
    if now.name == "all" or to not in PERIODS:
        return None
    calendar = data.config.calendar
    then = calendar.previous(now) if to == PREVIOUS else calendar.year_ago(now)
    days = data.as_of + dt.timedelta(days=1) - now.start
    if dt.timedelta(0) < days < now.end - now.start:
        return Period(then.name, then.start, min(then.end, then.start + days), "span")
    return then


def _holds_targets(data: Dataset, name: str) -> bool:
    parts = made_of(data, Ago(chosen(data, name).id, 0))
    return any(find(part.kpi).table == ACHIEVEMENTS.name for part in parts)


def joined(frame: pd.DataFrame, then: pd.DataFrame, by: tuple[str, ...]) -> pd.DataFrame:
    """Each KPI and group of a frame with that of another as ``reference``, blank if unreadable."""
    keys = ["kpi", *by]
    usable = then["status"].isin(READABLE) & then["covered"]
    kept = then.loc[usable, [*keys, "value", *CARRIED]]
    kept.columns = pd.Index([*keys, *REFERENCE])
    both = frame.merge(kept, on=keys, how="left")
    blank = ~both["covered"] | ~both["status"].isin(READABLE)
    both.loc[blank, ["reference", *(f"reference_{c}" for c in ("n", *NUMBERS))]] = np.nan
    return both
