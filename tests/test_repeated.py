"""What is made once for all periods: no more than they need, and what each of them says alone."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pytest

from kpi_helpers.measure.repeated import each_period, repeated
from kpi_helpers.sources.engine import END, START, compiled, filled, stored

DAYS = 100
FIRST = dt.date(2026, 1, 1)
SPANS = {
    place: (FIRST + dt.timedelta(days=20 + 10 * place), FIRST + dt.timedelta(days=30 + 10 * place))
    for place in range(3)  # days 20 to 50
}


@pytest.fixture(scope="module")
def days() -> tuple[Any, ir.Table]:
    """A hundred days in a row; what came on an even one was gone after ten days, or never."""
    con = ibis.duckdb.connect()
    came = pd.date_range(FIRST, periods=DAYS)
    gone = (came + pd.Timedelta(days=10)).where(np.arange(DAYS) % 2 == 0)
    frame = pd.DataFrame({"day": came, "gone": gone, "x": range(DAYS)})
    table = stored(con, "days", frame)
    return con, table.mutate(day=table.day.cast("date"), gone=table.gone.cast("date"))


def within(rows: ir.Table) -> ir.Table:
    return rows.filter(rows.day >= START, rows.day < END, rows.x % 2 == 0)


def of_ten_days(rows: ir.Table) -> ir.Table:
    return rows.filter(
        rows.day >= ibis.greatest(START, END - ibis.interval(days=5)), rows.day < END
    )


def still_there(rows: ir.Table) -> ir.Table:
    return rows.filter(rows.day < END, rows.gone.isnull() | (rows.gone >= END))


def by_age(rows: ir.Table) -> ir.Table:
    return rows.filter(END.epoch_seconds() - rows.day.epoch_seconds() <= 5 * 86400)


def latest(rows: ir.Table) -> ir.Table:
    """Whether a row is the last one depends on all that are there."""
    return rows.filter(rows.day < END, rows.x.rank() >= 10)


def twice(rows: ir.Table) -> ir.Table:
    return rows.filter(rows.day >= START).union(rows.filter(rows.day < END))


@pytest.mark.parametrize(
    ("kept", "needed", "columns"),
    [
        (within, 15, "day x"),
        (of_ten_days, 25, "day x"),
        (still_there, 40, "day gone x"),
        (by_age, 100, "day x"),
        (latest, 100, "day x"),
        (twice, 100, "day gone x"),
    ],
)
def test_periods_together_say_what_each_says(
    days: tuple[Any, ir.Table], kept: Callable[[ir.Table], ir.Table], needed: int, columns: str
) -> None:
    con, table = days
    rows = kept(table)
    asked = rows.aggregate(x=rows.x.sum(), n=rows.count())
    query = repeated(con, asked, len(SPANS))
    found = each_period(con, query, SPANS, ())
    alone = [
        each_period(con, repeated(con, asked, 1), {place: span}, ())
        for place, span in SPANS.items()
    ]
    for name in ("x", "n"):
        assert found[name].tolist() == [each[name][0] for each in alone]
    assert len({*found["x"]}) > 1
    (name, (since, until)) = next(iter(query.made.items()))
    made = f"WITH {name} AS ({filled(since, *SPANS[0])}) {filled(until, *SPANS[2])}"
    rows = con.con.execute(made).df()
    assert (len(rows), [*rows]) == (needed, columns.split())


def test_what_is_dear_is_made_once_and_read_again(days: tuple[Any, ir.Table]) -> None:
    con, table = days
    known = table.group_by("day", "gone").agg(x=table.x.max())
    habits = known.group_by("gone").agg(most=known.x.max())
    there = known.filter(known.day < END).left_join(habits, "gone")
    asked = there.aggregate(x=there.x.sum(), most=there.most.sum())
    query = repeated(con, asked, 3)
    first, second = query.made.items()
    assert first[0] in second[1][0]
    assert "days" not in second[1][0].replace(first[0], "")
    found = each_period(con, query, SPANS, ())
    assert found["x"].tolist() == [sum(range(day)) for day in (30, 40, 50)]


def test_bare_rows_are_not_written_aside(days: tuple[Any, ir.Table]) -> None:
    con, table = days
    for rows, aside in ((table, "AS NOT MATERIALIZED ("), (table.distinct(), "AS (")):
        again = rows.join(rows.group_by("gone").agg(n=rows.count()), "gone")
        assert f'" {aside}' in compiled(con, again)
