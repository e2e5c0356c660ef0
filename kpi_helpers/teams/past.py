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
from kpi_helpers.sources.asked import names_in
from kpi_helpers.teams.reps import OWNER, WIN_RATE

PERIODS = 12
OWN_KPIS = ("leads_generated", WIN_RATE, "bookings")


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
        Ids of the KPIs.

    Returns
    -------
    pandas.DataFrame
        As `kpi_helpers.measure` by ``owner``. Where names are replaced, a KPI of which any period
        has few cases is not told: his total less the other periods would give it away.

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
    frame = trends(data, period, kpis)
    return frame[frame[OWNER] == owner].reset_index(drop=True)


def trends(data: Dataset, period: str, kpis: Sequence[str] = (WIN_RATE,)) -> pd.DataFrame:
    """Measure KPIs for every rep as `card` does for one; what nobody owns is left out."""
    calendar = data.config.calendar
    now = calendar.parse(period, data.as_of, data.first)
    if now.grain == "span":
        now = calendar.at(min(now.end - dt.timedelta(days=1), data.as_of), "month")
    periods = [calendar.shift(now, -steps) for steps in range(PERIODS - 1, -1, -1)]
    frame = measured(data, [*names_in("kpis", kpis)], periods, (OWNER,)).drop(columns=list(HIDDEN))
    frame = frame[frame[OWNER].notna()].reset_index(drop=True)
    note = text("notes.masked", data.config.lang)
    untold = (frame["note"] == note).groupby([frame["kpi"], frame[OWNER]]).transform("any")
    blank = [name for name in NUMBERS if name in frame]
    frame[blank] = frame[blank].mask(untold)
    frame.loc[untold, ["status", "note"]] = [MISSING, note]
    return frame
