"""From which day on the data carry a figure: the last day that does, the first that does not."""

import datetime as dt
from typing import Any

import numpy as np
import pytest

from kpi_helpers.kpis.settled import Settled
from kpi_helpers.measure import judge
from kpi_helpers.periods.period import span
from kpi_helpers.sources.coverage import Coverage

DAY = dt.timedelta(days=1)
Q3 = span(dt.date(2026, 7, 1), dt.date(2026, 10, 1))
# Rows on 101 days of 201: a gap of two days, so that 13 without rows are within chance.
FIRST, LAST = dt.date(2026, 1, 1), dt.date(2026, 7, 20)
COVER = Coverage(FIRST, LAST, 101)


def found(what: Any) -> list[tuple[str, str | None]]:
    return [(each.key, each.weight) for each in what]


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        ((2025, 12, 1), (2026, 1, 1), [("no_data", "missing")]),
        ((2025, 12, 1), (2026, 1, 2), [("begins", "indicative")]),
        ((2025, 12, 18), (2026, 3, 1), [("begins", "indicative")]),
        ((2025, 12, 19), (2026, 3, 1), []),
        ((2026, 5, 1), (2026, 8, 3), []),
        ((2026, 5, 1), (2026, 8, 4), [("ends", "indicative")]),
        ((2026, 8, 2), (2026, 8, 3), []),
        ((2026, 8, 3), (2026, 9, 1), [("no_data", "missing")]),
    ],
)
def test_a_period_is_covered_up_to_the_days_without_rows_that_chance_explains(
    start: tuple[int, int, int], end: tuple[int, int, int], says: list
) -> None:
    assert COVER.tolerance == dt.timedelta(days=13)
    asked = span(dt.date(*start), dt.date(*end))
    assert found(judge._covered(COVER, asked, dt.date(2026, 12, 31), stock=False)) == says
    # A stock stands on after the last movement, but not before the first.
    nothing = says if asked.end <= FIRST else []
    assert found(judge._covered(COVER, asked, dt.date(2026, 12, 31), stock=True)) == nothing


def test_days_to_come_are_not_lacking() -> None:
    year = span(dt.date(2026, 1, 1), dt.date(2027, 1, 1))
    assert found(judge._covered(COVER, year, LAST + 13 * DAY, stock=False)) == []
    assert found(judge._covered(COVER, year, LAST + 14 * DAY, stock=False)) == [
        ("ends", "indicative")
    ]
    nothing = Coverage(None, None, 0)
    assert found(judge._covered(nothing, year, LAST, stock=True)) == [("nothing", "missing")]


def test_what_looks_back_needs_its_year_to_the_day() -> None:
    def covered_from(first: dt.date) -> Coverage:
        return Coverage(first, first + 400 * DAY, 401)  # a row a day: five days, or a week-end

    def history(first: dt.date) -> list[tuple[str, str | None]]:
        return found(judge._history(covered_from(first), Q3, dt.date(2026, 12, 31)))

    def before(first: dt.date) -> list[tuple[str, str | None]]:
        return found(judge._year_before(covered_from(first), Q3))

    def presumed(first: dt.date) -> list[tuple[str, str | None]]:
        return found(judge._presumed(covered_from(first), Q3))

    slack, year = covered_from(FIRST).tolerance, dt.timedelta(days=365)
    short, care = ("history_short", "missing"), ("history_short", "indicative")
    assert [history(Q3.end - year + day) for day in (0 * DAY, -DAY)] == [[short], [care]]
    assert [history(Q3.start - year + slack + day) for day in (DAY, 0 * DAY)] == [[care], []]
    begins = [("begins", "indicative")]
    assert [before(Q3.end - year + slack + day) for day in (DAY, 0 * DAY)] == [begins, []]
    new = [("presumed_new", "indicative")]
    assert [presumed(Q3.start - year + day) for day in (DAY, 0 * DAY)] == [new, []]
    assert [presumed(Q3.end - day) for day in (DAY, 0 * DAY)] == [new, []]


def test_ends_that_were_recorded_late_cut_what_had_begun() -> None:
    starts, ends = (Coverage(day, day + 20 * DAY, 11) for day in (FIRST, FIRST + 44 * DAY))
    assert ends.tolerance == 13 * DAY
    assert not judge._cut_at_start(starts, ends)  # a month, and the days that chance explains
    assert judge._cut_at_start(Coverage(FIRST - DAY, LAST, 101), ends)
    assert not judge._cut_at_start(None, ends)
    for day, says in (
        (Q3.start + 13 * DAY, []),
        (Q3.start + 14 * DAY, [("x_begin", "indicative")]),
    ):
        late = Coverage(day, day + 20 * DAY, 11)
        assert found(judge._recorded(late, Q3, "x")) == says


def test_the_status_of_a_cell_is_the_heaviest_that_holds() -> None:
    n = np.array([0.0, 4, 5, 29, 30, 30, 30, 30, 3])
    value = np.where(n > 0, 0.5, np.nan)
    blank = np.full(9, np.nan)
    doubtful, young = np.arange(9) == 5, np.isin(np.arange(9), [6, 7])
    cells = Settled(value, blank, blank, n, blank, blank, "wilson", young=young, doubtful=doubtful)
    imposed = [None, None, None, None, None, None, None, "missing", "indicative"]
    few = ["missing", "insufficient", "indicative", "indicative", "ok"]
    heavy = ["indicative", "immature", "missing", "insufficient"]
    assert judge.statuses(cells, imposed, sampled=True).tolist() == few + heavy
    total = judge.statuses(cells, imposed, sampled=False).tolist()
    assert total == ["missing", *["ok"] * 4, "indicative", "immature", "missing", "indicative"]
