"""What part of a target is expected by today, against plain loops over the days of past years."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers.measure.pacing import share
from kpi_helpers.sources import Dataset

FIRST, LAST = pd.Timestamp("2026-04-01"), pd.Timestamp("2026-06-30")
DAYS = pd.date_range("2023-04-01", "2026-05-20")
AMOUNTS = pd.Series(np.random.default_rng(5).gamma(0.5, 100, len(DAYS)), DAYS)


@pytest.fixture(scope="module")
def data() -> Dataset:
    deals = {"deal_id": ["a"], "status": ["won"], "created_at": "2023-01-05", "amount": 1.0}
    return kh.load(pd.DataFrame({**deals, "closed_at": "2023-02-01"}), as_of="2026-05-20")


def worked(data: Dataset, first: pd.Timestamp, day: pd.Timestamp) -> int:
    return data.config.calendar.working_days(first.date(), day.date() + dt.timedelta(days=1))


def plain(data: Dataset, amounts: pd.Series, ago: int) -> float:
    """Day by day until as large a part of the days is worked as this year."""
    first, last = (day - pd.DateOffset(years=ago) for day in (FIRST, LAST))
    ours = worked(data, FIRST, pd.Timestamp(data.as_of)) / worked(data, FIRST, LAST)
    day = first
    while worked(data, first, day) < ours * worked(data, first, last) - 1e-9:
        day += pd.Timedelta(1, "D")
    return amounts[first:day].sum() / amounts[first:last].sum()


def test_it_is_what_had_come_of_each_of_three_past_years(data: Dataset) -> None:
    found = share(data, AMOUNTS, FIRST, LAST)
    past = sorted(plain(data, AMOUNTS, ago) for ago in (1, 2, 3))
    assert [found.least, found.usual, found.most] == pytest.approx(past)
    assert past[0] < past[1] < past[2]
    assert not found.linear


@pytest.mark.parametrize(("begins", "years"), [("2023-05-02", 3), ("2023-05-03", 2)])
def test_a_year_counts_where_its_first_month_is_known(
    data: Dataset, begins: str, years: int
) -> None:
    known = AMOUNTS[begins:]
    found = share(data, known, FIRST, LAST)
    past = [plain(data, known, ago) for ago in range(1, years + 1)]
    assert [found.least, found.usual, found.most] == pytest.approx(
        [min(past), np.median(past), max(past)]
    )


def test_without_past_years_it_is_the_days_worked(data: Dataset) -> None:
    part = worked(data, FIRST, pd.Timestamp(data.as_of)) / worked(data, FIRST, LAST)
    for known in (AMOUNTS[:0], AMOUNTS["2025-09-01":], 0 * AMOUNTS):
        assert share(data, known, FIRST, LAST) == pytest.approx((part, part, part, True))
    saturday = pd.Timestamp("2026-05-16")
    begun = share(data.at("2026-05-17"), AMOUNTS, saturday, pd.Timestamp("2026-06-30"))
    assert (begun.usual, begun.linear) == (0, True)
