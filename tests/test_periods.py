"""Periods: names, fiscal years, ISO weeks, leap days, ranges, parts, neighbours, grids."""

import calendar as months
from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kpi_helpers.errors import BadPeriod, UnknownName
from kpi_helpers.periods import GRAINS, Calendar, Period, elapsed, grid, months_before

DAY = timedelta(days=1)
AS_OF, FIRST = date(2026, 9, 14), date(2024, 3, 9)
CALENDAR = Calendar()

starts = st.integers(1, 12)
dates = st.dates(date(1950, 1, 1), date(2150, 1, 1))
grains = st.sampled_from(GRAINS)


def days_of(period):
    return [period.start + i * DAY for i in range(period.days)]


def names(periods):
    return [period.name for period in periods]


# --- What a name covers


@pytest.mark.parametrize(
    ("text", "start", "end", "grain"),
    [
        ("2026Q3", "2026-07-01", "2026-10-01", "quarter"),
        ("2026-09", "2026-09-01", "2026-10-01", "month"),
        ("2026-09-14", "2026-09-14", "2026-09-15", "day"),
        ("2026", "2026-01-01", "2027-01-01", "year"),
        ("2026W31", "2026-07-27", "2026-08-03", "week"),
        ("2025Q1:2026Q3", "2025-01-01", "2026-10-01", "span"),
        ("2026-07-10:2026-09-05", "2026-07-10", "2026-09-06", "span"),
        (" 2026q3 ", "2026-07-01", "2026-10-01", "quarter"),
    ],
)
def test_calendar_names(text, start, end, grain):
    expected = Period(
        text.strip().upper(), date.fromisoformat(start), date.fromisoformat(end), grain
    )
    assert CALENDAR.parse(text) == expected


@pytest.mark.parametrize(
    ("fiscal_start", "text", "start", "end"),
    [
        (7, "FY2026", "2025-07-01", "2026-07-01"),
        (7, "FY2026Q1", "2025-07-01", "2025-10-01"),
        (4, "FY2026Q4", "2026-01-01", "2026-04-01"),
        (2, "FY2026Q4", "2025-11-01", "2026-02-01"),
        (12, "FY2026", "2025-12-01", "2026-12-01"),
        (1, "FY2026Q1", "2026-01-01", "2026-04-01"),
        (7, "2026Q1", "2026-01-01", "2026-04-01"),
    ],
)
def test_fiscal_names(fiscal_start, text, start, end):
    period = Calendar(fiscal_start).parse(text)
    assert (str(period.start), str(period.end)) == (start, end)


@given(st.integers(1950, 2150), st.integers(1, 4))
def test_fiscal_names_equal_the_calendar_s_when_the_year_starts_in_january(year, quarter):
    assert CALENDAR.parse(f"FY{year}") == CALENDAR.parse(f"{year}")
    assert CALENDAR.parse(f"FY{year}Q{quarter}") == CALENDAR.parse(f"{year}Q{quarter}")


@given(starts, dates, grains, st.booleans())
def test_a_name_reads_back_as_its_period(fiscal_start, day, grain, fiscal):
    calendar = Calendar(fiscal_start)
    period = calendar.at(day, grain, fiscal)
    assert period.start <= day < period.end
    assert calendar.parse(period.name) == period


@pytest.mark.parametrize("fiscal_start", range(1, 13))
@given(year=st.integers(1950, 2150))
def test_fiscal_quarters_tile_their_year_and_years_follow_each_other(fiscal_start, year):
    calendar = Calendar(fiscal_start)
    whole, after = calendar.parse(f"FY{year}"), calendar.parse(f"FY{year + 1}")
    quarters = [calendar.parse(f"FY{year}Q{quarter}") for quarter in range(1, 5)]
    assert whole.end == after.start
    assert (whole.end - DAY).year == year
    assert [day for part in quarters for day in days_of(part)] == days_of(whole)
    assert calendar.split(whole, "quarter") == quarters


# --- ISO weeks and leap years


@pytest.mark.parametrize(
    ("day", "week"),
    [
        ("2021-01-01", "2020W53"),  # a Friday: still the week of the old year
        ("2024-12-31", "2025W01"),  # a Tuesday: already the week of the new year
        ("2027-01-01", "2026W53"),
        ("2023-01-01", "2022W52"),
        ("2018-01-01", "2018W01"),
    ],
)
def test_the_week_of_new_year_s_day_and_eve(day, week):
    assert CALENDAR.at(date.fromisoformat(day), "week").name == week


def test_first_of_january_and_last_of_december_of_a_year_never_share_a_week():
    """The calendar year glued to the ISO week puts 1 January and 31 December 2024 in one week."""
    first, last = date(2024, 1, 1), date(2024, 12, 31)
    glued = [f"{day.year}W{day.isocalendar().week:02}" for day in (first, last)]
    ours = [CALENDAR.at(day, "week").name for day in (first, last)]
    assert glued == ["2024W01", "2024W01"]
    assert ours == ["2024W01", "2025W01"]


@given(dates)
def test_weeks_agree_with_the_standard_library(day):
    assert CALENDAR.at(day, "week").name == day.strftime("%GW%V")


@given(st.integers(1950, 2150), st.integers(1, 12))
def test_months_have_their_days(year, month):
    assert CALENDAR.parse(f"{year}-{month:02}").days == months.monthrange(year, month)[1]


# --- Neighbours


@given(starts, dates, grains, st.booleans(), st.integers(-30, 30))
def test_shift_is_undone_by_its_inverse(fiscal_start, day, grain, fiscal, by):
    calendar = Calendar(fiscal_start)
    period = calendar.at(day, grain, fiscal)
    assert calendar.shift(calendar.shift(period, by), -by) == period
    assert calendar.previous(period).end == period.start


@given(starts, dates, grains, st.integers(0, 9), st.booleans())
def test_a_range_is_preceded_by_as_many_of_its_kind(fiscal_start, day, grain, more, fiscal):
    calendar = Calendar(fiscal_start)
    first = calendar.at(day, grain, fiscal)
    period = calendar.parse(f"{first.name}:{calendar.shift(first, more).name}")
    before = calendar.previous(period)
    assert before.end == period.start
    assert before.name.startswith(calendar.shift(first, -more - 1).name)
    assert calendar.shift(before, 1) == period


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026Q3", "2025Q3"),
        ("2026-02", "2025-02"),
        ("2026", "2025"),
        ("2024-02-29", "2023-02-28"),
        ("2025-02-28", "2024-02-28"),
        ("2026W31", "2025W31"),
        ("2026W53", "2025W52"),
        ("2027W52", "2026W52"),
        ("2025Q1:2026Q3", "2024Q1:2025Q3"),
        ("2024-02:2024-03", "2023-02:2023-03"),
        ("2026W53:2027W02", "2025W52:2026W02"),
        ("2026-07-01:2026-09-14", "2025-07-01:2025-09-14"),
        ("2024-02-01:2024-02-29", "2023-02-01:2023-02-28"),
        ("2025-02-01:2025-02-28", "2024-02-01:2024-02-29"),
        ("2024-02-01:2024-02-28", "2023-02-01:2023-02-28"),
        ("ytd", "2025-01-01:2025-09-14"),
        ("all", "2023-03-09:2025-09-14"),
    ],
)
def test_year_ago(text, expected):
    period = CALENDAR.parse(text, AS_OF, FIRST)
    assert CALENDAR.year_ago(period) == CALENDAR.parse(expected)


def test_year_ago_of_a_fiscal_quarter_stays_fiscal():
    calendar = Calendar(7)
    assert calendar.year_ago(calendar.parse("FY2026Q1")) == calendar.parse("FY2025Q1")


# --- Relative texts


@pytest.mark.parametrize(
    ("as_of", "grain", "expected"),
    [
        ("2026-09-29", None, "2026Q2"),
        ("2026-09-30", None, "2026Q3"),  # the last day is over: the quarter is complete
        ("2026-10-01", None, "2026Q3"),
        ("2026-12-31", "year", "2026"),
        ("2026-12-30", "year", "2025"),
        ("2026-09-13", "week", "2026W37"),  # a Sunday
        ("2026-09-12", "week", "2026W36"),
        ("2024-02-29", "month", "2024-02"),
        ("2024-02-28", "month", "2024-01"),
        ("2026-09-14", "day", "2026-09-14"),
    ],
)
def test_last_is_the_last_complete_period(as_of, grain, expected):
    periods = CALENDAR.periods("last", grain, as_of=date.fromisoformat(as_of))
    assert names(periods) == [expected]


def test_relative_texts_follow_the_fiscal_year():
    calendar = Calendar(2)
    assert calendar.parse("last", AS_OF).name == "FY2027Q2"
    assert calendar.parse("ytd", AS_OF) == Period(
        "ytd", date(2026, 2, 1), date(2026, 9, 15), "span"
    )


def test_all_is_one_span_of_every_day_known():
    expected = Period("all", FIRST, date(2026, 9, 15), "span")
    assert CALENDAR.periods("all", as_of=AS_OF, first=FIRST) == [expected]


def test_all_is_never_empty():
    assert CALENDAR.parse("all", as_of=AS_OF, first=date(2030, 1, 1)).days == 1


def test_all_and_ytd_split_into_whole_periods():
    by_year = CALENDAR.periods("all", "year", AS_OF, FIRST)
    by_month = CALENDAR.periods("ytd", "month", AS_OF)
    assert names(by_year) == ["2024", "2025", "2026"]
    assert names(by_month) == [f"2026-{month:02}" for month in range(1, 10)]
    assert elapsed(by_month[-1], AS_OF) == (14, 30)


def test_the_year_to_date_never_reaches_before_the_year():
    weeks = CALENDAR.periods("ytd", "week", AS_OF)
    assert weeks[0].start == date(2026, 1, 1)
    assert weeks[-1].name == "2026W38"


@given(dates, st.integers(1, 36))
@example(date(2024, 2, 29), 12)
def test_months_before_a_day_end_on_its_eve(day, count):
    span, eve = pd.DateOffset(months=count), pd.Timestamp(day) - DAY
    known = max(pd.Timestamp(day) - span, eve - span + DAY)  # pandas takes the last day of a month
    assert months_before(day, count) == known.date()


def test_a_year_to_28_february_of_a_leap_year_begins_with_march():
    year = CALENDAR.year_to(CALENDAR.parse("2024-02-28"))
    assert year.name == "2023-03-01:2024-02-28"


@pytest.mark.parametrize("text", ["all", "last", "ytd"])
def test_relative_texts_need_their_dates(text):
    with pytest.raises(BadPeriod, match="needs a date here: as_of"):
        CALENDAR.periods(text)


def test_all_needs_the_first_day():
    with pytest.raises(BadPeriod, match="needs a date here: first"):
        CALENDAR.parse("all", AS_OF)


# --- Ranges and parts


def test_a_range_gives_one_period_of_its_kind_each():
    quarters = CALENDAR.periods("2025Q1:2026Q3")
    assert names(quarters) == ["2025Q1", "2025Q2", "2025Q3", "2025Q4", "2026Q1", "2026Q2", "2026Q3"]
    assert names(CALENDAR.periods("2026W52:2027W01")) == ["2026W52", "2026W53", "2027W01"]
    assert names(CALENDAR.periods("2026-08-30:2026-09-02")) == ["2026-08-30:2026-09-02"]
    assert len(CALENDAR.periods("2026-08-30:2026-09-02", "day")) == 4


def test_ranges_keep_the_kind_of_quarter_they_name():
    calendar = Calendar(7)
    assert names(calendar.periods("2025Q4:2026Q1")) == ["2025Q4", "2026Q1"]
    assert names(calendar.periods("FY2026Q2:FY2026Q3")) == ["FY2026Q2", "FY2026Q3"]
    assert names(calendar.periods("2026", "quarter"))[0] == "2026Q1"
    assert names(calendar.periods("2026-01:2026-03", "quarter")) == ["2026-01:2026-03"]
    assert names(calendar.periods("2026-01:2026-06", "quarter")) == ["FY2026Q3", "FY2026Q4"]


@given(starts, dates, st.integers(1, 900), grains)
def test_parts_tile_their_whole(fiscal_start, day, length, grain):
    calendar = Calendar(fiscal_start)
    whole = calendar.parse(f"{day}:{day + (length - 1) * DAY}")
    parts = calendar.split(whole, grain)
    assert [one for part in parts for one in days_of(part)] == days_of(whole)
    assert all(calendar.parse(part.name) == part for part in parts)
    assert all(part.grain == grain for part in parts[1:-1])


def test_a_part_that_is_cut_is_named_by_its_days():
    weeks = CALENDAR.periods("2026Q3", "week")
    assert names(weeks)[:2] == ["2026-07-01:2026-07-05", "2026W28"]
    assert names(weeks)[-1] == "2026-09-28:2026-09-30"


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        ("2026-05-31", 0),
        ("2026-06-30", 0),
        ("2026-07-01", 1),
        ("2026-08-15", 46),
        ("2026-09-30", 92),
        ("2027", 92),
    ],
)
def test_elapsed(as_of, expected):
    day = date(2027, 1, 1) if as_of == "2027" else date.fromisoformat(as_of)
    assert elapsed(CALENDAR.parse("2026Q3"), day) == (expected, 92)


# --- Grids


@pytest.mark.parametrize(
    ("text", "grain", "expected"),
    [
        ("2025Q1:2026Q3", None, ("months", 3)),
        ("2026", "month", ("months", 1)),
        ("2025:2026", None, ("months", 12)),
        ("2026-02", None, ("months", 1)),
        ("2025Q1:2026Q3", "year", ("span", None)),  # the second year is cut
        ("2026W01:2026W30", None, ("days", 7)),
        ("2026Q3", "day", ("days", 1)),
        ("2026Q3", "week", ("span", None)),
        ("2026-07-10:2026-09-05", None, ("days", 58)),
    ],
)
def test_grid(text, grain, expected):
    assert grid(CALENDAR.periods(text, grain)) == expected


def test_no_grid_in_gaps_disorder_repetition_or_nothing():
    first, second, third = CALENDAR.periods("2026-01:2026-03")
    for periods in ([first, third], [second, first], [first, first], []):
        assert grid(periods) == ("span", None)


@given(starts, dates, st.integers(0, 8), grains)
def test_a_grid_places_every_day_by_arithmetic(fiscal_start, day, more, grain):
    calendar = Calendar(fiscal_start)
    first = calendar.at(day, grain)
    periods = calendar.periods(f"{first.name}:{calendar.shift(first, more).name}", grain)
    unit, step = grid(periods)
    for place, period in enumerate(periods):
        for one in (period.start, period.end - DAY):
            in_days = (one - first.start).days
            in_months = 12 * (one.year - first.start.year) + one.month - first.start.month
            assert (in_months if unit == "months" else in_days) // step == place


# --- Working days


def test_working_days_leave_out_weekends_and_french_holidays():
    may = CALENDAR.parse("2026-05")  # 1, 8, 14 (Ascension) and 25 May (Whit Monday) are not worked
    assert CALENDAR.working_days(may.start, may.end) == 21 - 4
    assert CALENDAR.working_days(date(2026, 7, 14), date(2026, 7, 15)) == 0


def test_working_days_over_a_year_s_end():
    assert CALENDAR.working_days(date(2025, 12, 31), date(2026, 1, 3)) == 2


def test_working_days_follow_the_country():
    july = CALENDAR.parse("2026-07")
    assert Calendar(country="US").working_days(july.start, july.end) == 23 - 1  # 3 July, observed
    assert CALENDAR.working_days(july.start, july.end) == 23 - 1  # 14 July


@given(dates, st.integers(0, 400), st.integers(0, 400))
def test_working_days_add_up(day, one, other):
    middle, end = day + one * DAY, day + (one + other) * DAY
    parts = CALENDAR.working_days(day, middle) + CALENDAR.working_days(middle, end)
    assert CALENDAR.working_days(day, end) == parts


def test_unknown_country():
    with pytest.raises(UnknownName, match="Unknown country: 'XX'"):
        Calendar(country="XX").working_days(FIRST, AS_OF)
