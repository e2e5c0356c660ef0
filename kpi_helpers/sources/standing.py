"""The deals that stood open on a day, and what their histories say of each, as frames."""

from __future__ import annotations

import datetime as dt

import ibis
import pandas as pd

from kpi_helpers.errors import Unavailable
from kpi_helpers.language import Phrase
from kpi_helpers.periods import Period
from kpi_helpers.sources.asked import period_of
from kpi_helpers.sources.course import ladder
from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.derived import days_between
from kpi_helpers.sources.engine import fetch, filled, frame_of, template

ONE = dt.timedelta(days=1)


def days_of(data: Dataset, period: str) -> tuple[Period, dt.date]:
    """Return a period and the day after the last of it that is known."""
    asked = period_of(data, period)
    end = min(asked.end, data.as_of + ONE)
    if "deals" not in data.tables:
        raise Unavailable(what=Phrase("pipeline.what"), needs=f"deals ({asked.name})")
    return asked, end


def standing(
    data: Dataset, day: dt.date, columns: tuple[str, ...], where: Where = None
) -> pd.DataFrame:
    """Return the deals open on the eve of a day by their id, chosen as they are today."""
    sql = data.remember(("standing", columns, str(where)), lambda: _asked(data, columns, where))
    found = fetch(data.con, filled(sql, day, day))
    return found.set_index("deal_id")[list(columns)].sort_index()


def _asked(data: Dataset, columns: tuple[str, ...], where: Where) -> str:
    table = data.table("standing_deals", ("deal_id", *columns), alone=True)
    if where:
        table = table.semi_join(data.filtered("deals", where, ("deal_id",), alone=True), "deal_id")
    return template(data.con, table)


def came_back(data: Dataset) -> pd.DataFrame:
    """Return the deals that had been lost and came back: ``deal_id, lost, back``, the two days."""
    if "stage_history" not in data.base:
        return pd.DataFrame({"deal_id": [], "lost": [], "back": []})
    lost = [*ladder(data).lost]
    moves = data.table("stage_history", ("deal_id", "stage", "entered_at"), alone=True)
    order = ibis.window(group_by="deal_id", order_by=["entered_at", "stage"])
    stage, back = (moves[name].lead().over(order) for name in ("stage", "entered_at"))
    moves = moves.mutate(later=stage, back=back.cast("date"), lost=moves.entered_at.cast("date"))
    found = moves.filter(moves.stage.isin(lost), moves.later.notnull(), moves.later.notin(lost))
    return frame_of(data.con, found.select("deal_id", "lost", "back"))


def activities(data: Dataset, end: dt.date) -> tuple[pd.Series, pd.Series]:
    """Return the last activity of each deal before a day, and the longest silence of each win.

    The silences of a deal won are those between its activities, and from the last to its win.
    """
    rows = data.table("activities", ("deal_id", "started_at"), alone=True)
    rows = rows.mutate(day=rows.started_at.cast("date"))
    rows = rows.filter(rows.deal_id.notnull(), rows.day < end)
    deals = data.table("deals", ("deal_id", "left_at", "is_won"), alone=True)
    won = rows.join(deals.filter(deals.is_won, deals.left_at < end), "deal_id")
    won = won.filter(won.day <= won.left_at)
    later = won.day.lead().over(ibis.window(group_by="deal_id", order_by="day"))
    won = won.mutate(days=days_between(won.day, later.coalesce(won.left_at)))
    last = frame_of(data.con, rows.group_by("deal_id").agg(day=rows.day.max()))
    longest = frame_of(data.con, won.group_by("deal_id").agg(days=won.days.max()))
    return last.set_index("deal_id")["day"], longest["days"]


def times_put_off(data: Dataset, end: dt.date) -> pd.Series:
    """Return how often the closing date of each deal went to a later day while it was open."""
    columns = ("deal_id", "changed_at", "expected_close", "left_at")
    dates = data.table("closing_dates", columns, alone=True)
    order = ibis.window(group_by="deal_id", order_by=["changed_at", "expected_close"])
    later = dates.expected_close > dates.expected_close.lag().over(order)
    is_open = (dates.changed_at < end) & (
        dates.left_at.isnull() | (dates.changed_at < dates.left_at)
    )
    dates = dates.mutate(pushed=(later & is_open).fill_null(False).ifelse(1, 0))
    times = frame_of(data.con, dates.group_by("deal_id").agg(n=dates.pushed.sum()))
    return times.set_index("deal_id")["n"].astype(int)
