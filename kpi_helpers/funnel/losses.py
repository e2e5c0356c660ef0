"""Why deals are lost, what that is worth, and against whom we win less often."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kpi_helpers import intervals
from kpi_helpers.compare.apart import with_others
from kpi_helpers.compare.beside import PREVIOUS, earlier_period
from kpi_helpers.compare.difference import adjusted
from kpi_helpers.errors import Unavailable
from kpi_helpers.kpis.settled import divided
from kpi_helpers.language import Phrase
from kpi_helpers.measure import HIDDEN, measure, measured
from kpi_helpers.periods import Period
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.asked import one_dimension, period_of, year_of
from kpi_helpers.sources.dataset import Where
from kpi_helpers.sources.engine import frame_of

FALSE_FINDINGS = 0.10
WIN_RATE = "win_rate_count"


def losses(
    data: Dataset, period: str = "last", where: Where = None, by: str = "lost_reason"
) -> pd.DataFrame:
    """Count the deals lost in a period by a dimension, their reason, beside the period before.

    Returns
    -------
    pandas.DataFrame
        A row a ``reason`` (missing: none was noted), the most money first: ``k`` deals of ``n``,
        ``value, low, high`` (their share, Wilson), ``money`` and ``money_share, _low, _high``
        (Fieller; missing without amounts), ``adds_up`` (share of the money, else of the deals, with
        the rows above), and of the period before ``before_k, before_n, before``, ``change_low,
        change_high`` (Newcombe) and ``changed``: ``up``, ``down``, ``none_shown`` (Fisher's test,
        10 % of false findings over the reasons) or blank without that period. ``start, end``.

    Raises
    ------
    Unavailable
        Without deals that know the dimension, or without a deal lost in the period.
    """
    needs = Unavailable(what=Phrase("losses.what"), needs=f"deals.{one_dimension(by)}")
    if "deals" not in data.tables or by not in data.filled("deals") | {*data.dimensions("deals")}:
        raise needs
    now = period_of(data, period)
    rows, then = _lost(data, now, where, by), earlier_period(data, now, PREVIOUS)
    if rows.empty:
        raise needs
    before = rows.iloc[:0] if then is None else _lost(data, then, where, by)
    rows = rows.merge(before[["reason", "k"]].rename(columns={"k": "before_k"}), "outer", "reason")
    rows = rows.fillna(dict.fromkeys(["k", "x", "xx", "before_k"], 0.0))
    rows = _with_shares(_with_change(rows)).sort_values(
        ["money", "k", "reason"], ascending=[False, False, True], ignore_index=True
    )
    rows["adds_up"] = rows["money_share"].fillna(rows["value"]).cumsum()
    return rows.assign(start=now.start, end=now.end)


def _lost(data: Dataset, period: Period, where: Where, by: str) -> pd.DataFrame:
    """Deals lost in a period by reason: how many, their amounts, and these squared."""
    deals = data.filtered("deals", where, (by,))
    there = (deals.closed_at >= period.start) & (deals.closed_at < period.end)
    lost = deals.filter(deals.is_lost & there).select(reason=by, amount="amount")
    sums = {"k": lost.count(), "x": lost.amount.sum(), "xx": (lost.amount**2).sum()}
    return frame_of(data.con, lost.group_by("reason").agg(**sums)).astype({"k": float})


def _with_shares(rows: pd.DataFrame) -> pd.DataFrame:
    k, x, xx = (rows[name].to_numpy(float) for name in ("k", "x", "xx"))
    n, total = k.sum(), x.sum() if x.sum() > 0 else np.nan
    low, high = intervals.wilson(k, n)
    least, most = np.clip(intervals.fieller(n, x, total, xx, xx.sum(), xx), 0, 1)
    money = {"money": x + 0 * total, "money_share": x / total}
    money |= {"money_share_low": least, "money_share_high": most}
    return rows.drop(columns=["x", "xx"]).assign(n=n, value=k / n, low=low, high=high, **money)


def _with_change(rows: pd.DataFrame) -> pd.DataFrame:
    """Each reason's share beside that of the period before."""
    from scipy.stats import fisher_exact

    k, then = rows["k"].to_numpy(), rows["before_k"].to_numpy()
    n, before = np.full_like(k, k.sum()), np.full_like(k, then.sum())
    low, high = intervals.newcombe(k, n, then, before)
    tables = np.array([[k, n - k], [then, before - then]]).transpose(2, 0, 1)
    sure = adjusted(np.array([fisher_exact(table).pvalue for table in tables])) <= FALSE_FINDINGS
    share = divided(then, before)
    changed = np.where(sure, np.where(k / n > share, "up", "down"), "none_shown")
    rows = rows.assign(before_n=before, before=share, change_low=low, change_high=high)
    return rows.assign(changed=np.where(before > 0, changed, ""))


def rivals(data: Dataset, period: str = "last", where: Where = None) -> pd.DataFrame:
    """How often we win against each competitor, over the twelve months that end with a period.

    Each stands beside all the others. One that differs is then set aside and the rest compared
    again, so that nobody looks strong only because one of the others is weak.

    Returns
    -------
    pandas.DataFrame
        The tidy columns, a row a ``competitor``, the lowest rate first, with ``k`` and those of
        `kpi_helpers.compare.apart.with_others`; ``cost``, what the deals in the gap to the others
        would have brought, where the rate is below for certain; alike in all rows ``unnamed``
        (share of decided deals without a competitor), ``unnamed_won, unnamed_lost`` (of a kind).

    Raises
    ------
    Unavailable
        Without deals that name a competitor in the year.
    """
    needs = Unavailable(what=Phrase("losses.rivals"), needs="deals.competitor")
    if "deals" not in data.tables or "competitor" not in data.filled("deals"):
        raise needs
    year = year_of(data, period)
    tidy = measured(data, [WIN_RATE], [year], ("competitor",), where).drop(columns=list(HIDDEN))
    tidy = tidy.assign(k=tidy["numerator"])[tidy["n"] > 0]
    blank, named = (tidy[of] for of in (tidy["competitor"].isna(), tidy["competitor"].notna()))
    if named.empty:
        raise needs
    rows = _set_aside(named.sort_values("competitor", ignore_index=True))
    amount = measure(data, "avg_deal_value", year.name, where=where)["value"].item()
    cost = (rows["rest"] - rows["value"]) * rows["n"] * amount
    rows["cost"] = cost.where(rows["apart"] == "below")
    for kind, of in (("", tidy["n"]), ("_won", tidy["k"]), ("_lost", tidy["n"] - tidy["k"])):
        rows[f"unnamed{kind}"] = of[blank.index].sum() / (of.sum() or np.nan)
    return rows.sort_values(["value", "competitor"], ignore_index=True)


def _set_aside(rows: pd.DataFrame) -> pd.DataFrame:
    """Compare each with the others, without those that were found to differ before."""
    found = with_others(rows)
    apart = found["apart"] != "none_shown"
    if not apart.any() or len(rows) < 3:
        return found
    first = found["p_adjusted"].where(apart).idxmin()
    return pd.concat([found.loc[[first]], _set_aside(rows.drop(index=first))])
