"""Whether customers stay: cohorts from when they came, and what is kept of recurring revenue."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from kpi_helpers import intervals
from kpi_helpers.compare import compare
from kpi_helpers.errors import Unavailable
from kpi_helpers.language import Phrase
from kpi_helpers.measure.judge import IMMATURE, OK
from kpi_helpers.periods import Period, months_before
from kpi_helpers.periods.period import first_of_month, month_number
from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.units import MONEY

CONTRACTS, ORDERS = "contracts", "orders"
# Months in a step of a cohort, for a history of at most so many months.
STEPS = ((1, 18), (3, 72), (12, 10_000))
GRAINS = {1: "month", 3: "quarter", 12: "year"}
KEPT = ("logo_churn_rate", "gross_revenue_retention", "net_revenue_retention", "upsell_rate")
YEAR = 12


def cohorts(data: Dataset, where: Where = None) -> pd.DataFrame:
    """Customers by when they came, and which share of them is there at each later age.

    Under contract (a table ``mrr``) being there is paying, otherwise it is ordering. A cohort holds
    the customers who came within a month, a quarter or a year, by the length of the history. A step
    that the data do not cover to its end is too early to be read. The first cohort of a history may
    hold customers who had come long before.

    Parameters
    ----------
    data
        A data set with ``mrr`` or ``orders``.
    where
        As for `kpi_helpers.measure`.

    Returns
    -------
    pandas.DataFrame
        A row a cohort and age: ``kind`` (``contracts`` or ``orders``), ``cohort`` (its period, with
        ``start, end``), ``grain``, ``age`` (in grains), ``n`` (customers who came), ``active``,
        ``value`` (active ÷ n), ``low, high`` (Wilson), ``remaining`` (the share that is there at
        this age or later), ``status`` (``ok`` or ``immature``), ``truncated``.

    Raises
    ------
    Unavailable
        Without both tables, or when the history is shorter than two steps.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> orders = pd.DataFrame({"order_id": list("abc"), "customer_id": ["A", "A", "B"],
    ...     "order_date": ["2026-01-05", "2026-02-03", "2026-02-28"], "amount_net": 10.0})
    >>> cohorts(kh.load({"orders": orders}))[["cohort", "age", "active", "n"]].values.tolist()
    [['2026-01', 0, 1, 1], ['2026-01', 1, 1, 1], ['2026-02', 0, 1, 1]]
    """
    kind = CONTRACTS if "mrr" in data.base else ORDERS
    table, column = ("mrr", "month") if kind == CONTRACTS else ("orders", "order_date")
    if table not in data.base:
        raise Unavailable(what=Phrase("wording.retention.what"), needs="mrr, orders")
    cover = data.covered[table, column]
    first, last = cover.first or data.as_of, cover.last or data.as_of
    months = month_number(last) - month_number(first) + 1
    step = next(step for step, most in STEPS if months <= most)
    came, active = _counted(data, table, column, where, step)
    end = data.as_of if data.as_of <= last + cover.tolerance else last
    whole = month_number(end + dt.timedelta(days=1)) // step
    if came.empty or whole <= came.index[0] + 1:
        raise Unavailable("short_history", what=Phrase("wording.retention.what"))
    grid = _grid(came, active)
    k, n = grid["active"].to_numpy(float), grid["n"].to_numpy(float)
    low, high = intervals.wilson(k, n)
    young = (grid["unit"] + grid["age"] >= whole).to_numpy()
    seen = {"value": k / n, "low": low, "high": high, "remaining": grid["stay"] / n}
    return pd.DataFrame(
        {
            "kind": kind,
            "cohort": [_name(unit, step) for unit in grid["unit"]],
            "start": pd.to_datetime([first_of_month(unit * step) for unit in grid["unit"]]),
            "end": pd.to_datetime([first_of_month((unit + 1) * step) for unit in grid["unit"]]),
            "grain": GRAINS[step],
            **{name: grid[name] for name in ("age", "n", "active")},
            **{name: np.where(young, np.nan, values) for name, values in seen.items()},
            "status": np.where(young, IMMATURE, OK),
            "truncated": grid["unit"] == month_number(first) // step,
        }
    )


def by_age(triangle: pd.DataFrame) -> pd.DataFrame:
    """Which share of customers is there at each age, and how many the step to it has cost.

    Cohorts are added up as far as each has been seen; those that may hold older customers are not,
    so that nothing may be left.

    Parameters
    ----------
    triangle
        What `cohorts` returns.

    Returns
    -------
    pandas.DataFrame
        A row an age: ``kind, grain, age, n, active, value, low, high``, and ``lost``, how many
        fewer they are than at the age before within the same cohorts.
    """
    seen = triangle[(triangle["status"] == OK) & ~triangle["truncated"]]
    before = seen.assign(age=seen["age"] + 1)[["cohort", "age", "active"]]
    pairs = seen.merge(before, on=["cohort", "age"], suffixes=("", "_before"))
    sums = pairs.groupby("age")[["n", "active", "active_before"]].sum().reset_index()
    low, high = intervals.wilson(sums["active"], sums["n"])
    lost = sums.pop("active_before") - sums["active"]
    sums = sums.assign(kind=triangle["kind"].iloc[0], grain=triangle["grain"].iloc[0])
    return sums.assign(value=sums["active"] / sums["n"], low=low, high=high, lost=lost)


def recurring(data: Dataset, period: str, where: Where = None) -> pd.DataFrame:
    """What is kept of contracts and of their revenue in a year, beside the year before.

    Parameters
    ----------
    data
        A data set with ``mrr``.
    period
        As for `kpi_helpers.compare`; the twelve months up to its end are read, or the period alone
        where the history is shorter than that.
    where
        As for `kpi_helpers.measure`.

    Returns
    -------
    pandas.DataFrame
        What `kpi_helpers.compare` returns of churn, gross and net retention and upsell.
    """
    return compare(data, [*KEPT], _year_of(data, period).name, to="previous", where=where)


def bridge(data: Dataset, period: str, where: Where = None) -> pd.DataFrame:
    """Monthly recurring revenue from the eve of a year to its last month, in steps.

    Parameters
    ----------
    data, period, where
        As for `recurring`.

    Returns
    -------
    pandas.DataFrame
        The form of `kpi_helpers.charts.waterfall`, with ``customers`` of each step: the revenue
        before, what left, fell, rose and came, and the revenue after; a residual of 0.

    Raises
    ------
    Unavailable
        Without ``mrr``, or without its rows of the last month.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> fees = pd.DataFrame({"customer_id": ["A", "B", "A"], "mrr": [100.0, 50.0, 120.0],
    ...     "month": ["2026-01-01", "2026-01-01", "2026-02-01"]})
    >>> bridge(kh.load({"mrr": fees}), "2026-02")[["step", "amount"]].values.tolist()
    [['before', 150.0], ['ended', -50.0], ['raised', 20.0], ['after', 120.0]]
    """
    asked = _year_of(data, period)
    end = min(asked.end, data.as_of + dt.timedelta(days=1))
    months = [month_number(day - dt.timedelta(days=1)) for day in (asked.start, end)]
    _known(data, months[1])
    ends = [_fees(data, day, where) for day in (asked.start, end)]
    fees = pd.concat(ends, axis=1, keys=["before", "after"]).fillna(0.0)
    before, after = fees["before"].to_numpy(), fees["after"].to_numpy()
    moves = {
        "ended": (after == 0) & (before > 0),
        "lowered": (after > 0) & (after < before),
        "raised": (before > 0) & (after > before),
        "signed": (before == 0) & (after > 0),
    }
    change = after - before
    steps = [("before", "before", before.sum(), (before > 0).sum())]
    steps += [
        (name, "change", change[hit].sum(), hit.sum()) for name, hit in moves.items() if hit.any()
    ]
    steps += [("after", "after", after.sum(), (after > 0).sum())]
    frame = pd.DataFrame(steps, columns=["step", "kind", "amount", "customers"])
    at = [months[0], *[months[1]] * (len(steps) - 1)]
    named = {"bridge": "mrr", "name": "", "unit": MONEY, "certainty": ""}
    days = {"start": [first_of_month(m) for m in at], "end": [first_of_month(m + 1) for m in at]}
    return frame.assign(**named, period=[_name(month, 1) for month in at], **days)


def _counted(
    data: Dataset, table: str, column: str, where: Where, step: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Customers by cohort and by the last unit they were seen in; those active in each unit."""
    rows = data.filtered(table, where, ("customer_id", column))
    there = rows.is_paid if table == "mrr" else rows.is_sale
    rows = rows.filter(there & rows.customer_id.notnull() & rows[column].notnull())
    month = rows[column].year() * 12 + rows[column].month() - 1
    seen = rows.select("customer_id", unit=(month // step).cast("int64")).distinct()
    ends = seen.group_by("customer_id").agg(cohort=seen.unit.min(), last=seen.unit.max())
    both = seen.join(ends.rename(_who="customer_id"), seen.customer_id == ends.customer_id)
    cells = frame_of(data.con, both.group_by("cohort", "unit", "last").agg(active=both.count()))
    came = cells[cells["unit"] == cells["cohort"]]  # each customer once
    came = came.pivot_table("active", "cohort", "last", "sum", fill_value=0)
    return came, cells.groupby(["cohort", "unit"])[["active"]].sum().reset_index()


def _grid(came: pd.DataFrame, active: pd.DataFrame) -> pd.DataFrame:
    """Every cohort at every age that the history could show."""
    first, last = int(came.index[0]), int(came.columns[-1])
    pairs = [(unit, unit + age) for unit in came.index for age in range(last - unit + 1)]
    grid = pd.DataFrame(pairs, columns=["cohort", "unit"])
    grid = grid.merge(active, how="left", on=["cohort", "unit"])
    grid["active"] = grid["active"].fillna(0).astype("int64")
    every = came.reindex(columns=range(first, last + 1), fill_value=0)
    stay = every.iloc[:, ::-1].cumsum(axis=1)
    grid["stay"] = stay.stack().reindex(pd.MultiIndex.from_frame(grid[["cohort", "unit"]])).array
    grid["n"] = grid["cohort"].map(came.sum(axis=1))
    grid["age"] = grid["unit"] - grid["cohort"]
    return grid.drop(columns="unit").rename(columns={"cohort": "unit"})


def _year_of(data: Dataset, period: str) -> Period:
    """The twelve months up to the end of a period, or the period where less is known."""
    if "mrr" not in data.base:
        raise Unavailable(what=Phrase("wording.retention.what"), needs="mrr")
    calendar = data.config.calendar
    asked = calendar.parse(period, data.as_of, data.first)
    last = month_number(min(asked.end - dt.timedelta(days=1), data.as_of))
    start = first_of_month(last - YEAR + 1)
    cover = data.covered["mrr", "month"]
    if cover.first is None or start <= cover.first:
        return asked
    ends = [first_of_month(last - YEAR + 1), first_of_month(last)]
    return calendar.parse(":".join(f"{day:%Y-%m}" for day in ends))


def _known(data: Dataset, month: int) -> None:
    """Refuse a month of which no fee is known: not every customer has left."""
    cover = data.covered["mrr", "month"]
    known = [month_number(day) for day in (cover.first, cover.last) if day is not None]
    if not known or not known[0] <= month <= known[-1]:
        needs = f"mrr ({_name(month, 1)})"
        raise Unavailable(what=Phrase("wording.retention.what"), needs=needs)


def _fees(data: Dataset, day: dt.date, where: Where) -> pd.Series[float]:
    """What each customer paid in the last month before a day."""
    rows = data.filtered("mrr", where, ("customer_id", "month", "mrr"))
    since = months_before(day, 1)
    rows = rows.filter(rows.is_paid, rows.month >= since, rows.month < day)
    paid = rows.group_by("customer_id").agg(mrr=rows.mrr.sum()).order_by("customer_id")
    return frame_of(data.con, paid).set_index("customer_id")["mrr"]


def _name(unit: int, step: int) -> str:
    day = first_of_month(unit * step)
    return {1: f"{day:%Y-%m}", 3: f"{day.year}Q{(day.month + 2) // 3}", 12: f"{day.year}"}[step]
