"""What each customer bought in two periods: who came, who left, who bought more or less."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.compare.beside import YEAR_AGO
from kpi_helpers.drivers.steps import Between, between, steps
from kpi_helpers.errors import Unavailable
from kpi_helpers.language import Phrase
from kpi_helpers.periods import Period
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.dataset import Where
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.linked import one_value

# An account is named when it moved the figure by this share of it, the largest ones alone.
NAMED, WEIGHTY = 3, 0.02
ORDER = ("lost", "contraction", "refunds", "expansion", "returned", "new", "unnamed")


def customer_bridge(
    data: Dataset, period: str = "last", to: str = YEAR_AGO, where: Where = None
) -> pd.DataFrame:
    """Cut the change of revenue by customer: lost, less, more, back, new, and refunds.

    *New* customers bought for the first time after the earlier period, those who *returned* had
    bought before it. Who bought then and not now is *lost*, for this time: without a contract
    nobody can be said to have left. Refunds of known customers are a step of their own, and so is
    what names no customer. Without a table of orders, the deals won are taken.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load`.
    period, where
        As for `kpi_helpers.compare`.
    to
        ``"year_ago"`` or ``"previous"``; where the data do not reach back a year, the latter.

    Returns
    -------
    pandas.DataFrame
        The steps of `kpi_helpers.charts.waterfall`; the changes add up to the difference of the
        levels. The customers of the largest changes have a row each, with their ``name`` (their id
        where they have none, or where names are replaced); ``n`` counts customers.

    Raises
    ------
    Unavailable
        When there is no sale with a customer, or no earlier period.
    """
    table, beside = _sold_in(data, period, to)
    bought = by_customer(data, table, beside, where)
    if bought["customer_id"].isna().all():
        raise Unavailable(what=Phrase("drivers.what"), needs=f"{table}.customer_id")
    moves = pd.concat([_moves(bought, beside), _apart(bought)], ignore_index=True)
    levels = bought["net_before"].sum(), bought["net_after"].sum()
    shown = _named(moves, WEIGHTY * abs(levels[0]))
    shown = shown.assign(name=_names(data, table, shown["customer_id"]))
    bridge = "customers" if table == "orders" else "customers_won"
    return steps(shown.drop(columns="customer_id"), bridge, levels, beside)


def by_customer(data: Dataset, table: str, beside: Between, where: Where) -> pd.DataFrame:
    """Return what each customer bought and gave back, a row a customer and one for none.

    Returns
    -------
    pandas.DataFrame
        ``customer_id, first``, and before and after: ``sold`` and ``net`` (of refunds) in money,
        ``orders`` as a number.
    """
    first = "first_order_at" if table == "orders" else "first_win_at"
    rows = data.filtered(table, where, (first,))
    if table == "deals":
        rows = rows.filter(rows.is_won)
        rows = rows.mutate(order_date=rows.closed_at, amount_net=rows.amount, is_sale=rows.is_won)
    sides = {"before": _within(rows, beside.then), "after": _within(rows, beside.now)}
    amount = rows.amount_net.cast("float64").fill_null(0.0)
    sums = {
        f"{what}_{side}": (inside & kept).ifelse(counted, 0.0).sum()
        for side, inside in sides.items()
        for what, kept, counted in (
            ("sold", rows.is_sale, amount),
            ("net", True, amount),
            ("orders", rows.is_sale, 1.0),
        )
    }
    rows = rows.filter(sides["before"] | sides["after"])
    found = frame_of(data.con, rows.group_by("customer_id").agg(first=rows[first].min(), **sums))
    return found.sort_values("customer_id", kind="stable", ignore_index=True)


def _sold_in(data: Dataset, period: str, to: str) -> tuple[str, Between]:
    """Return the table of the sales, and the periods that it knows."""
    if not {"orders", "deals"} & {*data.tables}:
        raise Unavailable(what=Phrase("drivers.what"), needs="orders, deals")
    table = "orders" if "orders" in data.tables else "deals"
    return table, between(data, period, to, table)


def _within(rows: Any, period: Period) -> Any:
    return (rows.order_date >= period.start) & (rows.order_date < period.end)


def _moves(bought: pd.DataFrame, beside: Between) -> pd.DataFrame:
    """Return how the sales to each known customer moved, and what that is called."""
    known = bought[bought["customer_id"].notna()]
    was, is_there = known["orders_before"] > 0, known["orders_after"] > 0
    newcomer = pd.to_datetime(known["first"]) >= pd.Timestamp(beside.then.end)
    amount = known["sold_after"] - known["sold_before"]
    kinds = [was & ~is_there, was & (amount < 0), was, newcomer]
    step = np.select(kinds, ["lost", "contraction", "expansion", "new"], "returned")
    moves = known[["customer_id"]].assign(step=step, amount=amount, n=1)
    return moves[was | is_there]


def _apart(bought: pd.DataFrame) -> pd.DataFrame:
    """Return the refunds of the known customers, and what no customer is named for."""
    known = bought["customer_id"].notna()
    back = (bought["net_after"] - bought["sold_after"]) - (
        bought["net_before"] - bought["sold_before"]
    )
    net = bought["net_after"] - bought["net_before"]
    amounts = {"refunds": back[known].sum(), "unnamed": net[~known].sum()}
    rows = [{"step": step, "amount": amount} for step, amount in amounts.items() if amount]
    return pd.DataFrame(rows, columns=["step", "amount"])


def _named(moves: pd.DataFrame, least: float) -> pd.DataFrame:
    """Return a row for each of the largest moves, and one for all others of a kind."""
    size = moves.loc[moves["customer_id"].notna(), "amount"].astype(float).abs()
    top = size[size >= least].nlargest(NAMED).index
    rest = moves.drop(top).groupby("step", as_index=False)[["amount", "n"]].sum(min_count=1)
    named = moves.loc[top]
    has_named = rest["step"].isin(named["step"])
    shown = pd.concat([named, rest.assign(others=has_named)], ignore_index=True)
    shown = shown.sort_values("step", key=lambda s: s.map(ORDER.index), kind="stable")
    step = shown["step"].where(shown["others"].ne(True), shown["step"] + "_others")
    return shown.assign(step=step).drop(columns="others")


def _names(data: Dataset, table: str, ids: pd.Series[Any]) -> pd.Series[Any]:
    """Return what customers are called, their id where they have no name or it is replaced."""
    wanted = [str(each) for each in ids.dropna()]
    called: dict[str, str] = {}
    for source in (table, "customers"):
        if wanted and source in data.tables:
            rows = data.table(source)
            rows = rows.filter(rows.customer_id.isin(wanted))
            names = rows.group_by("customer_id").agg(name=one_value(rows.customer_name))
            called |= dict(frame_of(data.con, names).dropna().itertuples(index=False))
    return ids.astype(object).map(lambda each: called.get(each, each), na_action="ignore")
