"""Which figures left their usual variation, and which last points call for nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.catalogue import Ago, find
from kpi_helpers.compare.beside import READABLE
from kpi_helpers.control.limits import LEAST, ONE, limits
from kpi_helpers.errors import Unavailable, unknown
from kpi_helpers.kpis.tried import tried
from kpi_helpers.language import Phrase
from kpi_helpers.measure import HIDDEN, measured, names_in
from kpi_helpers.measure.answer import chosen, made_of
from kpi_helpers.measure.counted import time_to_win, window_of
from kpi_helpers.measure.judge import IMMATURE
from kpi_helpers.periods import Period
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.dataset import Where

__all__ = ["latest", "limits", "watched"]

YEARS = 4
# What remains from one month to the next does not vary around a level of its own.
STOCKS = ("standing", "largest")
# A signal of these months is news; signals as far apart as that belong together; three are sure.
NEWS, APART, SURE = 3, 6, 3
DAY = dt.timedelta(days=1)


def watched(
    data: Dataset,
    kpis: str | Sequence[str],
    period: str,
    where: Where = None,
    rules: str = ONE,
    rebase: Sequence[str] = (),
) -> pd.DataFrame:
    """Measure KPIs month by month up to a period, each with the limits of its usual variation.

    The months are the last four years at most, whole and wholly covered by the data; stocks, which
    carry over from month to month, are left out. Counts and totals are read by the day worked,
    sales cycles all up to the same age. A definition that `kpi_log` says has changed starts a new
    baseline; so does a day of `rebase`.

    Parameters
    ----------
    data, kpis, where
        As for `kpi_helpers.compare`.
    period
        The last month is the last whole one of it.
    rules
        As for `kpi_helpers.control.limits`.
    rebase
        Days (ISO) from which a baseline starts anew; each must be one of `events` or `kpi_log`.

    Returns
    -------
    pandas.DataFrame
        The columns of `limits`, and ``event``: what `events` say of that month.

    Raises
    ------
    Unavailable
        Where no KPI has the twelve months of a baseline.
    UnknownName
        For a day of `rebase` that no event documents.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> data = kh.load("data/sample")
    >>> found = watched(data, ["lead_qualification_rate"], "2025Q4")
    >>> found.loc[found["signal"], "period"].tolist()
    ['2025-07', '2025-08', '2025-09', '2025-10', '2025-11', '2025-12']
    """
    months = _months(data, period)
    flows = [name for name in names_in("kpis", kpis) if not _is_stock(data, name)]
    if not flows or not months:
        raise _none()
    frame = measured(data, flows, months, (), where)
    usable = frame["status"].isin(READABLE) & frame["covered"]
    frame = _matured(data, frame.assign(usable=usable))
    frame = frame[frame["start"] >= frame.loc[frame["usable"], "start"].min()]
    if frame.empty:
        raise _none()
    exposure, phase = _exposure(data, frame), _phases(data, frame, rebase)
    found = limits(frame.assign(exposure=exposure, phase=phase), rules)
    if found["centre"].isna().all():
        raise _none()
    found = found.drop(columns=[*HIDDEN, "exposure", "phase", "usable"])
    return found.assign(event=_events(data, found))


def latest(found: pd.DataFrame) -> pd.DataFrame:
    """Return one row a KPI: its last signal, if that is news, else its last month.

    Parameters
    ----------
    found
        What `watched` returns.

    Returns
    -------
    pandas.DataFrame
        The columns of `watched` of that month, and ``news`` (whether it is a signal of the last
        three months), ``since`` (the first signal that belongs to it), ``signals`` and ``months``
        (how many there were since, in how many months), ``sure`` (three signals or more) and
        ``event`` of the month ``since``. News come first, those of the most signals before others.
    """
    judged = found[found["centre"].notna()]
    rows = [_latest(each) for _, each in judged.groupby("kpi", sort=False)]
    rows.sort(key=lambda row: (row["news"], row["signals"], abs(row["far"])), reverse=True)
    return pd.DataFrame(rows)


def _latest(rows: pd.DataFrame) -> dict[Any, Any]:
    places = np.flatnonzero(rows["signal"])
    if not len(places) or places[-1] < len(rows) - NEWS:
        more = {"news": False, "since": "", "signals": 0, "months": 0, "sure": False, "event": ""}
        return rows.iloc[-1].to_dict() | more
    side = np.sign(rows["far"].to_numpy(float))[places]
    places = places[side == side[-1]]
    began = np.flatnonzero(np.diff(places, prepend=-len(rows)) > APART)[-1]
    places, first = places[began:], rows.iloc[places[began]]
    more = {"news": True, "since": first["period"], "signals": len(places)}
    more |= {"months": len(rows) - places[0], "sure": len(places) >= SURE, "event": first["event"]}
    return rows.iloc[places[-1]].to_dict() | more


def _months(data: Dataset, period: str) -> list[Period]:
    """The whole months of the last four years up to the end of a period."""
    calendar = data.config.calendar
    last = min(calendar.parse(period, data.as_of, data.first).end, data.as_of + DAY)
    first = max(data.first, last.replace(year=last.year - YEARS, day=1))
    months = calendar.periods(f"{first:%Y-%m}:{max(last - DAY, first):%Y-%m}", "month")
    return [month for month in months if month.end <= last]


def _exposure(data: Dataset, frame: pd.DataFrame) -> pd.Series[float]:
    """What each figure grows with: the days worked, where it does so."""
    months = frame[["start", "end"]].drop_duplicates()
    days = {
        start: max(data.config.calendar.working_days(start.date(), end.date()), 1)
        for start, end in zip(months["start"], months["end"], strict=True)
    }
    return frame["start"].map(days).astype(float) ** frame["pace"].fillna(0.0)


def _is_stock(data: Dataset, name: str) -> bool:
    bases = made_of(data, Ago(chosen(data, name).id, 0))
    return any(tried(find(base.kpi)).kind in STOCKS for base in bases)


def _matured(data: Dataset, frame: pd.DataFrame) -> pd.DataFrame:
    """Leave to later what is too young: part of a cohort, or cycles seen less far than the first.

    The first months say up to which age sales cycles are read, so that all are read alike.
    """
    frame = frame.copy()
    for name, rows in frame[frame["usable"]].groupby("kpi"):
        kpi = chosen(data, str(name))
        if rows["method"].iloc[0] == "aalen-johansen":
            horizons = np.array([float(time_to_win(ages)[3]) for ages in rows["ages"]])
            horizon = horizons[:LEAST].min()
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


def _phases(data: Dataset, frame: pd.DataFrame, rebase: Sequence[str]) -> pd.Series[int]:
    """How many definitions of its KPI, and days of `rebase`, each month comes after."""
    log, events = (_dated(data, table) for table in ("kpi_log", "events"))
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


def _events(data: Dataset, found: pd.DataFrame) -> pd.Series[str]:
    """What happened in each month; labels may name people, whom a shared report leaves out."""
    events = _dated(data, "events").iloc[: 0 if data.masked else None]
    months = events["date"].dt.strftime("%Y-%m")
    said = events["label"].astype(str).groupby(months).agg(" · ".join)
    return found["period"].map(lambda month: said.get(month, ""))


def _dated(data: Dataset, table: str) -> pd.DataFrame:
    if table in data.tables:
        return data[table].dropna(subset=["date"]).sort_values("date", kind="stable")
    return pd.DataFrame({"date": pd.to_datetime([]), "label": [], "kpi_id": []})


def _none() -> Unavailable:
    return Unavailable(what=Phrase("control.what"), needs=Phrase("control.needs"))
