"""Open deals that no longer move: what they are still worth, and what to do with each."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from kpi_helpers.errors import Unavailable
from kpi_helpers.language import Phrase
from kpi_helpers.sources.chances import FEWEST
from kpi_helpers.sources.course import USUAL
from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.engine import number_of
from kpi_helpers.sources.standing import ONE, activities, days_of, standing

READ = ("deal_name", "owner", "stage", "amount", "win_chance")
DAYS_OF = ("since", "usual_days", "expected_close")
WHY = {"over": "days_over", "late": "days_late", "quiet": "days_quiet"}
MOVING, REVIVE, REQUALIFY, CLOSE = "moving", "revive", "requalify", "close"
# A deal is given up below this share of the usual chance, after so many times the usual days.
HOPELESS, OLD = 0.5, 2


def stalled(data: Dataset, period: str = "", where: Where = None) -> pd.DataFrame:
    """Judge each open deal: does it still move, and what comes next.

    It is stalled after longer in its stage than three in four of the deals won took, past its
    expected closing date, or without an activity for longer than three in four deals won ever were.

    Parameters
    ----------
    data
        As for `kpi_helpers.measure`; histories and ``activities`` are read where there are any.
    period
        As for `kpi_helpers.measure`: deals open at its end; by default on the last day known.
    where
        As for `kpi_helpers.measure`, of deals as they are today.

    Returns
    -------
    pandas.DataFrame
        A row a deal, the most expected first: ``deal_id, deal_name, owner, stage, amount, chance``
        (that of a win after as long in that stage; not known where fewer than ten deals were
        followed for longer), ``expected`` (amount × chance), ``days``
        (in the stage), ``usual_days, expected_close, last_activity``, the reasons ``days_over,
        days_late, days_quiet`` where they hold, ``win_rate`` (of all decided by then) and ``next``:
        ``moving``; of a stalled deal ``revive`` (a chance not below the win rate), ``close`` (below
        half of it, or not known, after twice the usual days) or ``requalify``.

    Raises
    ------
    Unavailable
        When no deal is open on that day.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> deals = pd.DataFrame({"deal_id": list("abc"), "status": "open", "created_at": "2026-01-05",
    ...     "expected_close": ["2026-02-01", "2026-02-27", "2026-04-01"], "amount": 100.0})
    >>> found = stalled(kh.load(deals, as_of="2026-02-28"), "2026-02")
    >>> found[["deal_id", "days_late", "next"]].values.tolist()
    [['a', 27.0, 'requalify'], ['b', 1.0, 'requalify'], ['c', nan, 'moving']]
    """
    asked, end = days_of(data, period or f"{data.as_of:%Y-%m}")
    found = standing(data, end, (*READ, *DAYS_OF), where).rename(columns={"win_chance": "chance"})
    if found.empty:
        needs = Phrase("pipeline.no_open", {"period": asked.name})
        raise Unavailable(what=Phrase("pipeline.what"), needs=needs)
    numbers = ("amount", "chance", "usual_days")
    found = found.astype(dict.fromkeys(numbers, float)).replace({"amount": {0.0: np.nan}})
    last, quiet = _activities(data, end)
    found["last_activity"] = pd.to_datetime(last.reindex(found.index))
    found["days"], late, silent = (
        (pd.Timestamp(end - ONE) - pd.to_datetime(found[name])).dt.days.astype(float)
        for name in ("since", "expected_close", "last_activity")
    )
    over = found["days"] - found["usual_days"]
    reasons = {"days_over": over[over > 0], "days_late": late[late > 0]}
    found = found.assign(**reasons, days_quiet=silent[silent > quiet])
    deals = data.table("deals")
    decided = deals.filter(deals.left_at < end)
    # Not the mean, which Spark rounds.
    won = decided.is_won.ifelse(1.0, 0.0).sum() / decided.count()
    found = found.assign(
        expected=found["amount"] * found["chance"], win_rate=number_of(data.con, won)
    )
    found = found.assign(next=_next(found)).reset_index().drop(columns="since")
    order = {"expected": False, "amount": False, "deal_id": True}
    return found.sort_values([*order], ascending=[*order.values()], ignore_index=True)


def next_steps(judged: pd.DataFrame) -> pd.DataFrame:
    """Add up what `stalled` returns: all open deals, those stalled, and these by what comes next.

    Returns
    -------
    pandas.DataFrame
        A row each for ``open, stalled, revive, requalify, close``: ``next, n, share`` (of those
        open), ``amount, expected, unpriced`` (how many have no amount), ``over, late, quiet`` (of
        how many each reason holds), ``win_rate``.
    """
    groups = {"open": judged, "stalled": judged[judged["next"] != MOVING]}
    groups |= {step: judged[judged["next"] == step] for step in (REVIVE, REQUALIFY, CLOSE)}
    rows = [
        {"next": name, "n": len(deals), "share": len(deals) / len(judged)}
        | {of: deals[of].sum(min_count=1) for of in ("amount", "expected")}
        | {"unpriced": deals["amount"].isna().sum()}
        | {why: deals[days].notna().sum() for why, days in WHY.items()}
        for name, deals in groups.items()
    ]
    return pd.DataFrame(rows).assign(win_rate=judged["win_rate"].iloc[0])


def _next(found: pd.DataFrame) -> np.ndarray:
    chance, rate = found["chance"], found["win_rate"]
    tests = {
        MOVING: _is_moving(found),
        CLOSE: ~(chance >= HOPELESS * rate) & (found["days"] > OLD * found["usual_days"]),
        REVIVE: chance >= rate,
    }
    return np.select([*tests.values()], [*tests], REQUALIFY)


def _is_moving(found: pd.DataFrame) -> pd.Series:
    return found[[*WHY.values()]].isna().all(axis=1)


def _activities(data: Dataset, end: dt.date) -> tuple[pd.Series, float]:
    """Return the last activity of each deal, and the silence that three in four wins never kept."""
    if "activities" not in data.base:
        return pd.Series(dtype="datetime64[us]"), np.nan
    last, longest = activities(data, end)
    enough = len(longest) >= FEWEST
    return last, np.quantile(longest, USUAL, method="inverted_cdf") if enough else np.nan
