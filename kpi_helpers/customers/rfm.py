"""Customers by how lately, how often and for how much they buy, and how they moved."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from kpi_helpers.errors import Unavailable
from kpi_helpers.measure.whole import FEW_TO_RANK, FEWER_GROUPS, GROUPS
from kpi_helpers.periods import months_before
from kpi_helpers.periods.days import as_day
from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.engine import frame_of

SEGMENTS = ("best", "loyal", "recent", "at_risk", "asleep")
ABSENT = "absent"
FEWEST, MONTHS = 10, 12


def segments(data: Dataset, day: dt.date, where: Where = None) -> pd.DataFrame:
    """Customers of the twelve months before a day, each in one of five segments.

    They are ranked against one another in fifths (in thirds when fewer than 50) by their last
    purchase, how many they made, and for how much, refunds off. A purchase paid back in full is
    none: by the refund that names it, or by one of the same amount after it.

    Parameters
    ----------
    data
        A data set with ``orders``.
    day
        The first day that does not count.
    where
        As for `kpi_helpers.measure`.

    Returns
    -------
    pandas.DataFrame
        By ``customer_id``: ``last, often, much`` and ``segment``: ``best`` (lately, often, for
        much), ``loyal``, ``recent`` (lately, but little), ``at_risk`` (often and for much, but not
        lately) and ``asleep``.

    References
    ----------
    Hughes (1994), Strategic Database Marketing.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> orders = pd.DataFrame({"order_id": list("abcd"), "customer_id": ["A", "A", "B", "C"],
    ...     "order_date": ["2026-01-05", "2026-01-09", "2026-03-02", "2026-03-28"],
    ...     "amount_net": [500.0, 500.0, 10.0, 20.0]})
    >>> segments(kh.load({"orders": orders}), dt.date(2026, 4, 1))["segment"].tolist()
    ['at_risk', 'recent', 'recent']
    """
    day = as_day(day, "day")
    since = months_before(day, MONTHS)
    named = ("customer_id", "order_date", "amount_net", "undone")
    rows = data.filtered("orders", where, named)
    rows = rows.filter(rows.customer_id.notnull(), rows.amount_net.notnull())
    rows = rows.filter(rows.order_date >= since, rows.order_date < day)
    kept = rows.is_sale & rows.undone.isnull()
    last, often = rows.order_date.max(where=kept), kept.ifelse(1.0, 0.0).sum()
    each = rows.group_by("customer_id").agg(last=last, often=often, much=rows.amount_net.sum())
    found = frame_of(data.con, each.filter(each.often > 0).order_by("customer_id"))
    groups = GROUPS if len(found) >= FEW_TO_RANK else FEWER_GROUPS
    ranked = pd.DataFrame({**found[["last", "often"]], "much": found["much"].round(2)})
    fifths = (groups * (ranked.rank(method="min") - 1) // max(len(found), 1)).to_numpy()
    lately, value, top = fifths[:, 0], fifths[:, 1] + fifths[:, 2], groups - 1 - groups // 4
    is_late, is_much = lately >= groups // 2, value >= groups - 1
    chosen = [(lately >= top) & (value >= 2 * top), is_late & is_much, is_late, is_much]
    return found.assign(segment=np.select(chosen, SEGMENTS[:-1], SEGMENTS[-1]))


def moves(data: Dataset, period: str, where: Where = None) -> pd.DataFrame:
    """How many customers moved from which segment to which, from the eve of a period to its end.

    Parameters
    ----------
    data
        A data set with ``orders``.
    period
        As for `kpi_helpers.measure`; one period.
    where
        As for `kpi_helpers.measure`.

    Returns
    -------
    pandas.DataFrame
        A row a pair: ``before, after`` (a segment, or ``absent``: no purchase in twelve months),
        ``customers``, ``amount`` (what they bought in the twelve months before the period),
        ``share`` of those that were in ``before``, and ``period, start, end``.

    Raises
    ------
    Unavailable
        Without ``orders``, or when fewer than 10 customers bought in the twelve months before the
        period.
    """
    asked = data.config.calendar.parse(period, data.as_of, data.first)
    end = min(asked.end, data.as_of + dt.timedelta(days=1))
    was, is_ = (segments(data, day, where) for day in (asked.start, end))
    if len(was) < FEWEST:
        raise Unavailable("few_customers", n=len(was), least=FEWEST)
    both = was.merge(is_, "outer", "customer_id", suffixes=("_before", ""))
    ends = both[["segment_before", "segment"]].fillna(ABSENT).set_axis(["before", "after"], axis=1)
    ends = ends.assign(customers=1, amount=both["much_before"].fillna(0.0))
    names = [*SEGMENTS, ABSENT]
    pairs = pd.MultiIndex.from_product([names, names], names=["before", "after"])
    found = ends.groupby(["before", "after"]).sum().reindex(pairs, fill_value=0).reset_index()
    all_of = found.groupby("before")["customers"].transform("sum")
    found["share"] = (found["customers"] / all_of).where(found["before"] != ABSENT)
    return found.assign(period=asked.name, start=asked.start, end=asked.end)
