"""Reps beside their own past."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pandas as pd

from kpi_helpers.errors import unknown
from kpi_helpers.language import text
from kpi_helpers.measure import HIDDEN, measured
from kpi_helpers.measure.judge import MISSING
from kpi_helpers.measure.tidy import NUMBERS
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.dataset import Where

OWNER, PERIODS = "owner", 12
OWN_KPIS = ("leads_generated", "win_rate_count", "bookings")


def card(data: Dataset, owner: str, period: str, kpis: Sequence[str] = OWN_KPIS) -> pd.DataFrame:
    """Measure a rep's own KPIs in the twelve periods that end with a period.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load`.
    owner
        The rep, as the deals name him; where names are replaced, by his number.
    period
        As for `kpi_helpers.compare`; its kind is that of the periods (months for a range of days).
    kpis
        Ids of the KPIs, by default leads, win rate and bookings.

    Returns
    -------
    pandas.DataFrame
        What `kpi_helpers.measure` returns by ``owner``, the one rep alone. Where names are
        replaced, a KPI of which any period has few cases is not told at all: his total less the
        other periods would give it away.

    Raises
    ------
    UnknownName
        For a rep without any deal, with the nearest names.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> deals = pd.DataFrame({"deal_id": ["1", "2"], "status": ["won", "lost"], "owner": "Ann",
    ...     "created_at": ["2026-01-05"] * 2, "closed_at": ["2026-02-01", "2026-05-01"]})
    >>> own = card(kh.load(deals), "Ann", "2026Q2", ["win_rate_count"])
    >>> own[["period", "value"]].tail(2).values.tolist()
    [['2026Q1', 1.0], ['2026Q2', 0.0]]
    """
    names = sorted(data["deals"].get(OWNER, pd.Series(dtype=object)).dropna().unique())
    if owner not in names:
        raise unknown("value", owner, names)
    return _past(data, list(kpis), period, {OWNER: owner})


def trends(data: Dataset, period: str, kpi: str = "win_rate_count") -> pd.DataFrame:
    """Measure a KPI for every rep in the twelve periods that end with a period.

    Parameters
    ----------
    data, period
        As for `card`.
    kpi
        Id of the KPI.

    Returns
    -------
    pandas.DataFrame
        As `card`, every rep and no other KPI; what nobody owns is left out.
    """
    frame = _past(data, [kpi], period)
    return frame[frame[OWNER].notna()].reset_index(drop=True)


def _past(data: Dataset, kpis: list[str], period: str, where: Where = None) -> pd.DataFrame:
    calendar = data.config.calendar
    now = calendar.parse(period, data.as_of, data.first)
    if now.grain == "span":
        now = calendar.at(min(now.end - dt.timedelta(days=1), data.as_of), "month")
    periods = [calendar.shift(now, -steps) for steps in range(PERIODS - 1, -1, -1)]
    frame = measured(data, kpis, periods, (OWNER,), where)
    if OWNER in data.masked:
        frame = _untold(frame, text("notes.masked", data.config.lang))
    return frame.drop(columns=list(HIDDEN))


def _untold(frame: pd.DataFrame, note: str) -> pd.DataFrame:
    """The frame without the KPIs of reps of which any period is not told."""
    masked = (frame["note"] == note) & (frame["status"] == MISSING)
    every = masked.groupby([frame["kpi"], frame[OWNER]], dropna=False).transform("any")
    blank = {name: frame[name].mask(every) for name in NUMBERS}
    said = {
        name: frame[name].mask(every, new) for name, new in (("status", MISSING), ("note", note))
    }
    return frame.assign(**blank, **said)
