"""What alerts and weak signals are read from: the months of KPIs, and their periods that are over.

Both are measured once for a data set, whoever asks first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers import control
from kpi_helpers.catalogue import HIGHER, LOWER, NEUTRAL, REGISTRY, find
from kpi_helpers.compare import through
from kpi_helpers.compare.beside import PREVIOUS, YEAR_AGO
from kpi_helpers.compare.stake import money_at_stake
from kpi_helpers.control.limits import RECENT
from kpi_helpers.errors import Unavailable
from kpi_helpers.kpis.headline import MOST, headline
from kpi_helpers.language import Phrase
from kpi_helpers.measure import carries
from kpi_helpers.measure.monthly import is_stock, phases
from kpi_helpers.periods import Period
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.asked import names_in
from kpi_helpers.sources.dataset import Where
from kpi_helpers.sources.registers import ACHIEVEMENTS

# Months that are looked back upon.
HISTORY = 24
VANITY, LEADING = "vanity", "leading"
# What is asked or rated comes in waves: no quarter stands beside its year before.
ASKED = {"quality", "qualitative"}
NO_MONTHS = {"kpi": "str", "start": "datetime64[us]", "centre": "float64", "worse": "bool"}
DAY = dt.timedelta(days=1)


def usual(data: Dataset, kpis: Sequence[str] | None, now: Period) -> list[str]:
    """Return the KPIs asked for, else of the settings, else the headline ones.

    Without vanity metrics, and without what says how far a target is reached: an alert on the KPI
    itself says so.

    Raises
    ------
    UnknownName
        For a KPI that does not exist, with the nearest.
    """
    named = list(names_in("kpis", kpis or data.config.kpis))
    every = named or [kpi for kpi in headline() if carries(data, kpi, now)][:MOST]
    told = [find(kpi) for kpi in every]
    return [k.id for k in told if VANITY not in k.category and k.table != ACHIEVEMENTS.name]


def leading(data: Dataset, now: Period) -> list[str]:
    """Return the KPIs that the catalogue calls leading, of which a change can be established.

    Stocks have no test, what is made of other KPIs follows them.
    """
    ahead = [kpi for kpi in REGISTRY.values() if LEADING in kpi.category and not kpi.derived]
    ahead = [kpi for kpi in ahead if kpi.table != ACHIEVEMENTS.name and not ASKED & {*kpi.category}]
    known = [kpi.id for kpi in ahead if kpi.better != NEUTRAL]
    return [kpi for kpi in known if carries(data, kpi, now) and not is_stock(data, kpi)]


def aimed(data: Dataset, kpis: Sequence[str]) -> list[str]:
    """Return those of some KPIs for which a target is set, for whatever period, or holds always."""
    own = {*data["targets"]["metric"]} if "targets" in data.tables else set()
    return [kpi for kpi in kpis if kpi in own or find(kpi).target is not None]


def figures(data: Dataset, kpis: Sequence[str], now: Period, where: Where = None) -> pd.DataFrame:
    """Return `periods` of the KPIs that have a target and of those that lead, else of all."""
    return periods(data, [*aimed(data, kpis), *leading(data, now)] or kpis, now, (), where)


def months(data: Dataset, kpis: Sequence[str], now: Period, where: Where = None) -> pd.DataFrame:
    """Return the months of `control.watched`, judged by the latest of them taken together.

    ``worse`` tells the signals to the worse side. Without a KPI that has a baseline, no rows.
    """
    day = min(now.end - DAY, data.as_of)

    def make() -> pd.DataFrame:
        try:
            found = control.watched(data, kpis, f"{day:%Y-%m}", where, RECENT)
        except Unavailable:
            return pd.DataFrame(columns=list(NO_MONTHS)).astype(NO_MONTHS)
        return found.assign(worse=found["signal"] & (found["far"] * side(found) < 0))

    return data.remember(("alerts", tuple(kpis), day, repr(where)), make)


def periods(
    data: Dataset, kpis: Sequence[str], now: Period, by: Sequence[str] = (), where: Where = None
) -> pd.DataFrame:
    """Return KPIs in the years, quarters and, of the quarter that is running, months that are over.

    Each stands beside its year before, where the data reach so far, else beside the period before;
    ``worse`` tells the established changes for the worse, ``money_at_stake`` what the gap or change
    is worth. A change from before a new definition is none.
    """
    every, to = _over(data, now)
    if not every:
        raise Unavailable(what=Phrase("alerts.what"), needs=Phrase("alerts.period"))
    worths = [worth for kpi in kpis if (worth := REGISTRY[kpi].worth)]
    wanted = list(dict.fromkeys([*kpis, *worths]))
    key = ("alerts", tuple(wanted), now, tuple(by), repr(where))
    frame = data.remember(key, lambda: through(data, wanted, every, to, by, where))
    then = frame.assign(start=frame["reference_start"])
    redefined = frame["reference"].notna() & phases(data, frame).ne(phases(data, then))
    frame = frame.assign(change=frame["change"].mask(redefined))
    worse = frame["change_verdict"].eq("worse") & frame["p_value"].notna() & ~redefined
    stakes = [pd.Series(money_at_stake(f, by), f.index) for _, f in frame.groupby("period")]
    return frame.assign(worse=worse, money_at_stake=pd.concat(stakes))


def _over(data: Dataset, now: Period) -> tuple[list[Period], str]:
    calendar, end = data.config.calendar, min(now.end, data.as_of + DAY)
    this = calendar.at(end, "quarter")
    quarters = [calendar.shift(this, -back) for back in range(HISTORY // 3, 0, -1)]
    years = [calendar.at(quarters[0].start, "year"), calendar.at(quarters[4].start, "year")]
    running = [month for month in calendar.split(this, "month") if month.end <= end]
    every = [each for each in [*years, *quarters, *running] if data.first < each.end <= end]
    reaches = data.first <= calendar.year_ago(every[-1]).start if every else False
    return every, YEAR_AGO if reaches else PREVIOUS


def side(frame: pd.DataFrame) -> Any:
    """Return 1 where more is better, −1 where less is, else 0."""
    return np.select([frame["better"] == HIGHER, frame["better"] == LOWER], [1.0, -1.0], 0.0)
