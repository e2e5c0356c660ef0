"""Purchases expected of the customers there are, held against those that were seen."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from kpi_helpers.customers import buying
from kpi_helpers.customers.newcomers import purchases
from kpi_helpers.errors import Unavailable
from kpi_helpers.kpis.lifetime import DISCOUNT_A_YEAR
from kpi_helpers.sources import Dataset

YEAR, HALF = 52, 26
POINTS = 40


class Outlook(NamedTuple):
    """``track`` through time and ``parts`` in all: see `outlook`."""

    track: pd.DataFrame
    parts: pd.DataFrame


def outlook(data: Dataset) -> Outlook:
    """How often customers are expected to buy within a year, and how well that would have held.

    Where the history is a year long, the model is fitted on its first half as well, and what it
    expects of the second stands beside what was seen.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load` with orders and their customers.

    Returns
    -------
    Outlook
        ``track``: ``day, seen, expected`` (purchases after the first, so far) and ``part``,
        ``"fitted"`` or ``"held_out"``, of the customers known when the fit ends. ``parts``: rows
        ``held_out`` (where there is one) and ``ahead`` with ``start, end, customers, alive`` (how
        many have not left), ``seen, expected`` purchases, and the ``value`` of those expected,
        discounted, in margin or revenue (``valued``).

    Raises
    ------
    Unavailable
        When too few customers came back to say anything.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> print(outlook(kh.load("data/sample")).parts["part"].tolist())
    ['held_out', 'ahead']
    """
    rows = purchases(data)
    valued = "margin" if rows["margin"].notna().any() else "revenue"
    rows["amount_net"] = rows["margin" if valued == "margin" else "amount_net"]
    last = pd.Timestamp(data.as_of)
    ahead, fit = _part(rows, last, last + pd.Timedelta(YEAR * 7, "D"))
    parts, cut = [{"part": "ahead", **ahead, "seen": np.nan}], last
    weeks = (last - rows["order_date"].min()).days // 7
    if weeks >= 2 * HALF:
        try:
            held, fit = _part(rows, last - pd.Timedelta(weeks // 2 * 7, "D"), last)
            parts, cut = [{"part": "held_out", **held}, *parts], held["start"]
        except Unavailable:
            cut = last  # half of it holds too few customers who came back
    frame = pd.DataFrame(parts).assign(valued=valued)
    frame["gap"] = frame["seen"] / frame["expected"] - 1
    return Outlook(_track(rows, fit, cut, last), frame)


def _part(
    rows: pd.DataFrame, known: pd.Timestamp, until: pd.Timestamp
) -> tuple[dict[str, Any], buying.Pace]:
    """What the customers known on a day are expected to buy until another, and did."""
    customers = buying.histories(rows, known)
    fit, money = buying.pace(customers), buying.worth(customers)
    weeks = (until - known).days / buying.WEEK
    weekly = (1 + DISCOUNT_A_YEAR) ** (buying.WEEK / 365.25) - 1
    later = buying.histories(rows, until).loc[customers.index, "frequency"]
    return {
        "start": known,
        "end": until,
        "customers": len(customers),
        "alive": buying.alive(fit, customers).sum(),
        "seen": (later - customers["frequency"]).sum(),
        "expected": buying.purchases(fit, customers, weeks).sum(),
        "value": np.nansum(buying.residual_value(fit, money, customers, weeks, weekly)),
    }, fit


def _track(
    rows: pd.DataFrame, fit: buying.Pace, cut: pd.Timestamp, last: pd.Timestamp
) -> pd.DataFrame:
    """Purchases after the first, day by day: seen, and expected from what was known at the cut."""
    customers = buying.histories(rows, cut)
    sold = rows[rows["is_sale"] & rows["customer_id"].isin(customers.index)]
    sold = sold.drop_duplicates(["customer_id", "order_date"]).sort_values("order_date")
    again = sold.loc[sold["customer_id"].duplicated(), "order_date"].to_numpy()
    first = sold["order_date"].min()
    days = pd.date_range(first, last, periods=POINTS).floor("D").union(pd.DatetimeIndex([cut]))
    seen = np.searchsorted(again, days.to_numpy(), side="right").astype(float)
    born, many = np.unique(customers["T"], return_counts=True)
    expected = []
    for weeks in (days - cut).days / buying.WEEK:
        if weeks <= 0:
            expected.append(many @ buying.purchases_of_new(fit, np.maximum(born + weeks, 0)))
        else:
            known = customers["frequency"].sum()
            expected.append(known + buying.purchases(fit, customers, weeks).sum())
    part = np.where(days <= cut, "fitted", "held_out")
    return pd.DataFrame({"day": days, "seen": seen, "expected": expected, "part": part})
