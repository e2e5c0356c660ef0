"""KPIs period by period, fit to be read one beside another.

The months (weeks, quarters) are whole; each figure knows how many days were worked in its period,
which definition it comes under, and what was noted then.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd

from kpi_helpers.catalogue import Ago, find
from kpi_helpers.errors import unknown
from kpi_helpers.kpis.tried import tried
from kpi_helpers.measure.answer import chosen, made_of
from kpi_helpers.measure.counted import time_to_win, window_of
from kpi_helpers.measure.judge import IMMATURE, INDICATIVE, OK
from kpi_helpers.measure.tidy import measured
from kpi_helpers.periods import Period
from kpi_helpers.periods.period import span
from kpi_helpers.sources.dataset import Dataset, Where

# What remains from one month to the next does not vary around a level of its own.
STOCKS = ("standing", "largest")
# Months whose sales cycles say up to which age all are read.
FIRST = 12
DAY = dt.timedelta(days=1)


def periods_to(data: Dataset, period: str, years: int, grain: str = "month") -> list[Period]:
    """Return the whole periods of a grain, known by now, in so many years up to a period's end."""
    calendar = data.config.calendar
    last = min(calendar.parse(period, data.as_of, data.first).end, data.as_of + DAY)
    first = max(data.first, last.replace(year=last.year - years, day=1))
    start = calendar.at(first, grain).start
    parts = calendar.split(span(start, max(last, first + DAY)), grain)
    return [part for part in parts if part.grain == grain and part.end <= last]


def by_period(
    data: Dataset,
    kpis: Sequence[str],
    periods: Sequence[Period],
    where: Where = None,
    rebase: Sequence[str] = (),
) -> pd.DataFrame:
    """Measure KPIs period by period, from the first one that can be read, alike all along.

    Parameters
    ----------
    data, kpis, where
        As for `kpi_helpers.measure`.
    periods
        Whole periods of one grain, such as `periods_to` gives.
    rebase
        Days (ISO) from which a baseline starts anew; each must be one of `events` or `kpi_log`.

    Returns
    -------
    pandas.DataFrame
        The columns of `measured`; ``usable`` (read, covered, old enough; sales cycles all up to the
        same age), ``exposure`` (the days worked, for what grows with them), ``phase`` (a number
        that changes with the definition) and ``event`` (what was noted in the period).

    Raises
    ------
    UnknownName
        For a day of `rebase` that no event documents.
    """
    frame = measured(data, kpis, periods, (), where)
    usable = frame["status"].isin((OK, INDICATIVE)) & frame["covered"]
    frame = _matured(data, frame.assign(usable=usable))
    frame = frame[frame["start"] >= frame.loc[frame["usable"], "start"].min()]
    more = {"exposure": _exposure(data, frame), "phase": phases(data, frame, rebase)}
    return frame.assign(**more, event=_events(data, frame))


def is_stock(data: Dataset, name: str) -> bool:
    """Whether a KPI carries over from one period to the next."""
    bases = made_of(data, Ago(chosen(data, name).id, 0))
    return any(tried(find(base.kpi)).kind in STOCKS for base in bases)


def _exposure(data: Dataset, frame: pd.DataFrame) -> pd.Series[float]:
    """What each figure grows with: the days worked, where it does so."""
    months = frame[["start", "end"]].drop_duplicates()
    days = {
        start: max(data.config.calendar.working_days(start.date(), end.date()), 1)
        for start, end in zip(months["start"], months["end"], strict=True)
    }
    return frame["start"].map(days).astype(float) ** frame["pace"].fillna(0.0)


def _matured(data: Dataset, frame: pd.DataFrame) -> pd.DataFrame:
    """Leave to later what is too young: part of a cohort, or cycles seen less far than the first.

    The first months say up to which age sales cycles are read, so that all are read alike.
    """
    frame = frame.copy()
    for name, rows in frame[frame["usable"]].groupby("kpi"):
        kpi = chosen(data, str(name))
        if rows["method"].iloc[0] == "aalen-johansen":
            horizons = np.array([float(time_to_win(ages)[3]) for ages in rows["ages"]])
            horizon = horizons[:FIRST].min()
            young = rows.index[horizons < horizon]
            again = [time_to_win(ages, horizon)[:3] for ages in rows["ages"]]
            frame.loc[rows.index, ["value", "low", "high"]] = np.array(again, dtype=float)
        elif not kpi.derived and tried(kpi).kind == "cohort":
            window = pd.Timedelta(days=window_of(data, kpi) or 0)
            young = rows.index[rows["end"] + window > pd.Timestamp(data.as_of + DAY)]
        else:
            continue
        frame.loc[young, "usable"] = False
        frame.loc[young, "status"] = IMMATURE
    return frame


def phases(data: Dataset, frame: pd.DataFrame, rebase: Sequence[str] = ()) -> pd.Series[int]:
    """Return how many definitions of its KPI, and days of `rebase`, each row starts after.

    Parameters
    ----------
    data, rebase
        As for `kpi_helpers.control.watched`.
    frame
        Columns ``kpi`` and ``start``.
    """
    log, events = (dated(data, table) for table in ("kpi_log", "events"))
    documented = {f"{day:%Y-%m-%d}" for day in [*log["date"], *events["date"]]}
    for day in rebase:
        if day not in documented:
            raise unknown("event", day, documented)
    phase = pd.Series(0, index=frame.index)
    for name in frame["kpi"].unique():
        rows = frame["kpi"] == name
        own = log.loc[log["kpi_id"].isin({name, *(ago.kpi for ago in find(name).of.values())})]
        for day in [*own["date"], *pd.to_datetime(list(rebase))]:
            phase[rows] += (frame.loc[rows, "start"] >= day).astype(int)
    return phase


def _events(data: Dataset, frame: pd.DataFrame) -> pd.Series[str]:
    """What happened in each period; labels may name people, whom a shared report leaves out."""
    events = dated(data, "events").iloc[: 0 if data.masked else None]
    periods = frame[["start", "end"]].drop_duplicates()
    said = {
        start: " · ".join(events.loc[events["date"].between(start, end, "left"), "label"].map(str))
        for start, end in periods.itertuples(index=False)
    }
    return frame["start"].map(said).astype(object)


def dated(data: Dataset, table: str) -> pd.DataFrame:
    """Return the rows of `events` or `kpi_log` in the order of their days; none without them."""
    if table in data.tables:
        return data[table].dropna(subset=["date"]).sort_values("date", kind="stable")
    return pd.DataFrame({"date": pd.to_datetime([]), "label": [], "kpi_id": []})
