"""The open pipeline from one date to another: what came, what went, what is worth more or less."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.errors import Unavailable
from kpi_helpers.language import Phrase
from kpi_helpers.periods import Period
from kpi_helpers.sources import snapshots
from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.standing import ONE, came_back, days_of, standing
from kpi_helpers.units import COUNT, MONEY

READ = ("amount", "expected_close", "created_at", "opened_at", "left_at", "is_won")


def movement(
    data: Dataset, period: str = "last", where: Where = None, due: str = ""
) -> pd.DataFrame:
    """Cut the change of the open pipeline between two dates: one bucket a deal, no residual.

    What was created and decided in between is in neither level, thus in no bucket; a deal leaves
    with the amount that it came in with. Amounts are those said at the time where snapshots or the
    history of stages tell them, else those of today.

    Parameters
    ----------
    data, period
        As for `kpi_helpers.measure`: from the eve of the period to its last day, or the last known.
    where
        As for `kpi_helpers.measure`, of deals as they are today.
    due
        A period: only what was then expected to close in it; dates moved into it or out of it are
        buckets of their own.

    Returns
    -------
    pandas.DataFrame
        The steps of `kpi_helpers.charts.waterfall` in money, with ``n`` deals, ``unpriced`` of them
        without an amount. Where only deals won have one, deals are counted instead.

    Raises
    ------
    Unavailable
        Without deals, when the period lies ahead, or with ``due`` when no date is expected.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> deals = pd.DataFrame({"deal_id": list("abc"), "status": ["won", "open", "open"],
    ...     "created_at": ["2026-01-05", "2026-01-09", "2026-02-03"], "amount": [9.0, 5.0, 7.0],
    ...     "closed_at": ["2026-02-10", None, None]})
    >>> movement(kh.load(deals, as_of="2026-02-28"), "2026-02")[["step", "amount"]].values.tolist()
    [['before', 14.0], ['created', 7.0], ['deals_won', -9.0], ['after', 12.0]]
    """
    asked, end = days_of(data, period)
    window = data.config.calendar.parse(due, data.as_of, data.first) if due else None
    if due and data.lacks("closing_dates") and "expected_close" not in data.filled("deals"):
        raise Unavailable(what=Phrase("pipeline.what"), needs="deals.expected_close")
    back = data.remember("deals that came back", lambda: came_back(data))
    before, after = (_stock(data, day, where, window, back) for day in (asked.start, end))
    counted = not _is_priced(pd.concat([before, after]))
    if counted:
        before, after = before.assign(amount=1.0), after.assign(amount=1.0)
    changes = _changes(before, after, asked.start, end, back)
    levels = [_level("before", before), _level("after", after)]
    steps = pd.concat([levels[0], changes.assign(kind="change"), levels[1]], ignore_index=True)
    days = [asked.start - ONE] + [end - ONE] * (len(steps) - 1)
    dates = {"start": pd.to_datetime(days), "end": pd.to_datetime(days) + ONE}
    bridge = "open_deals" if counted else "pipeline_due" if due else "open_pipeline_value"
    said = {"bridge": bridge, "unit": COUNT if counted else MONEY, "name": "", "certainty": ""}
    return steps.assign(period=[str(day) for day in days], **dates, **said)


def _is_priced(deals: pd.DataFrame) -> bool:
    """Tell whether amounts are known of other deals than those that were won in the end."""
    others = deals[~deals["is_won"].astype(bool)]
    return bool((others if len(others) else deals)["amount"].notna().any())


def _stock(
    data: Dataset, day: dt.date, where: Where, due: Period | None, back: pd.DataFrame
) -> pd.DataFrame:
    """Return the deals open on the eve of a day, with the amounts said by then; none is unknown."""
    stock = standing(data, day, READ, where)
    stock = stock[~stock.index.isin(_lost_then(back, day))]
    if due is not None:
        close = stock["expected_close"]
        stock = stock[(close >= pd.Timestamp(due.start)) & (close < pd.Timestamp(due.end))]
    said = _said(data, day)
    amounts = said.reindex(stock.index).where(stock.index.isin(said.index), stock["amount"])
    return stock.assign(amount=amounts.astype(float).replace(0.0, np.nan))


def _changes(
    before: pd.DataFrame, after: pd.DataFrame, start: dt.date, end: dt.date, back: pd.DataFrame
) -> pd.DataFrame:
    """Return what each bucket brought; a deal is in the first one of which the test holds."""
    facts = after.combine_first(before)
    then, now = (side["amount"].reindex(facts.index) for side in (before, after))
    is_new, is_gone = (~facts.index.isin(side.index) for side in (before, after))
    left = facts["left_at"] < pd.Timestamp(end)
    tests: dict[str, Any] = {
        "undated": is_new & facts["created_at"].isna(),
        "created": is_new & (facts["opened_at"] >= pd.Timestamp(start)),
        "reopened": is_new & facts.index.isin(_lost_then(back, start)),
        "pulled_in": is_new,
        "deals_won": is_gone & left & facts["is_won"].eq(True),
        "deals_lost": is_gone & (left | facts.index.isin(_lost_then(back, end))),
        "pushed_out": is_gone,
        "priced": then.isna() != now.isna(),
        "amounts_raised": now > then,
        "amounts_lowered": now < then,
    }
    bucket = np.select([*tests.values()], [*tests], "same")
    change = now.fillna(0.0) - then.fillna(0.0)
    moved = pd.DataFrame({"amount": change, "n": 1, "unpriced": then.isna() & now.isna()})
    return moved.groupby(bucket).sum().reindex([*tests]).dropna().reset_index(names="step")


def _level(step: str, stock: pd.DataFrame) -> pd.DataFrame:
    amounts = stock["amount"]
    sums = {"amount": amounts.sum(), "n": len(stock), "unpriced": amounts.isna().sum()}
    return pd.DataFrame([{"step": step, "kind": step, **sums}])


def _said(data: Dataset, day: dt.date) -> pd.Series:
    """Return what deals were said to be worth by the eve of a day, or first, where that was kept.

    After the last day that is known the amounts of the deals themselves hold.
    """
    columns = ["deal_id", "day", "amount"]
    said = [pd.DataFrame({name: pd.Series(dtype=object) for name in columns})]
    if day <= data.as_of and "stage_history" in data.base:
        rows = data.table("stage_history", ("deal_id", "entered_at", "amount_at_entry"), alone=True)
        rows = rows.filter(rows.amount_at_entry.notnull())
        said.append(frame_of(data.con, rows).set_axis(columns, axis=1))
    if day <= data.as_of and data.config.snapshots:
        said.append(snapshots.amounts(Path(data.config.file).parent / data.config.snapshots))
    levels = pd.concat(said).astype({"day": "datetime64[us]", "amount": float})
    levels = levels.sort_values("day", kind="stable").set_index("deal_id")
    known = levels.loc[levels["day"] < pd.Timestamp(day), "amount"].groupby(level=0).tail(1)
    first = levels["amount"].groupby(level=0).head(1)
    return pd.concat([known, first[~first.index.isin(known.index)]])


def _lost_then(back: pd.DataFrame, day: dt.date) -> pd.Series:
    """Return the deals that had been lost on the eve of a day and came back on it or later."""
    eve = pd.Timestamp(day)
    lost, came = pd.to_datetime(back["lost"]), pd.to_datetime(back["back"])
    return back.loc[(lost < eve) & (came >= eve), "deal_id"]
