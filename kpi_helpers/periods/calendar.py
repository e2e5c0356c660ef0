"""The company's calendar: it reads the texts of periods and moves between them."""

from dataclasses import dataclass
from datetime import date
from functools import cache

from kpi_helpers.errors import BadConfig, BadPeriod, unknown
from kpi_helpers.periods import names
from kpi_helpers.periods.names import FORMS, GRAINS
from kpi_helpers.periods.period import (
    DAY,
    Period,
    clipped,
    first_of_month,
    joined,
    month_number,
    months_before,
    span,
)

_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Calendar:
    """The month the fiscal year starts in, and the public holidays.

    Parameters
    ----------
    fiscal_start : int
        First month of the fiscal year, 1 to 12. With 1, fiscal and calendar periods are the same
        and bear the calendar's names.
    country : str
        ISO code of the country whose public holidays are not worked.

    Examples
    --------
    >>> Calendar(fiscal_start=7).parse("FY2026Q1")
    Period(name='FY2026Q1', start=datetime.date(2025, 7, 1), end=datetime.date(2025, 10, 1),
    grain='quarter')
    """

    fiscal_start: int = 1
    country: str = "FR"

    def __post_init__(self) -> None:
        if self.fiscal_start not in range(1, 13):
            raise BadConfig("bad_fiscal_start", value=self.fiscal_start)

    def parse(self, text: str, as_of: date | None = None, first: date | None = None) -> Period:
        """Return the one period that a text names.

        Parameters
        ----------
        text : str
            One of ``FORMS``. A range, ``all`` and ``ytd`` give a span, ``last`` the last complete
            quarter.
        as_of : date, optional
            The last day known; ``all``, ``last`` and ``ytd`` need it.
        first : date, optional
            The first day known; ``all`` needs it.

        Raises
        ------
        BadPeriod
            If the text is not a period; the nearest accepted form is named.
        """
        word = _word(text)
        if word in names.RELATIVE:
            return self._relative(word, as_of, first)
        period = self._range(word) if ":" in word else self._named(word)
        if period is None:
            years = names.YEARS if names.is_far_off(word.upper()) else ()
            near = names.suggestions(word)
            raise BadPeriod(text=str(text), years=years, nearest=near, allowed=FORMS)
        return period

    def periods(
        self,
        text: str,
        grain: str | None = None,
        as_of: date | None = None,
        first: date | None = None,
    ) -> list[Period]:
        """Return the periods that a text names, in order.

        Without a grain, a range gives one period for each of its own kind (``2025Q1:2026Q3`` seven
        quarters), but a range of days one span, as do ``all`` and ``ytd``. With a grain they are
        split by it; ``all`` and ``ytd`` then end with a whole period, part of which may lie after
        `as_of` (see `elapsed`). For ``last`` the grain says which last period is meant.

        Raises
        ------
        BadPeriod
            If the text is not a period.
        UnknownName
            If the grain is none of ``GRAINS``.
        """
        word = _word(text)
        if word == "last":
            return [self._last(grain or "quarter", _given(word, "as_of", as_of))]
        period = self.parse(text, as_of, first)
        if grain is None:
            own = self._ends(period)[0].grain
            return [period] if own == "day" else self.split(period, own)
        if word in names.RELATIVE:
            end = self.at(period.end - DAY, grain).end
            start = self.at(period.start, grain).start if word == "all" else period.start
            return self.split(span(start, end), grain)
        return self.split(period, grain)

    def at(self, day: date, grain: str, fiscal: bool = True) -> Period:
        """Return the period of a grain that holds a day.

        `fiscal` chooses the company's quarters and years, or else those of the calendar.

        Examples
        --------
        >>> Calendar(fiscal_start=4).at(date(2026, 9, 14), "year").name
        'FY2027'
        """
        if grain not in GRAINS:
            raise unknown("grain", grain, GRAINS)
        if grain == "day":
            return Period(day.isoformat(), day, day + DAY, grain)
        if grain == "week":
            year, week, weekday = day.isocalendar()
            start = day - (weekday - 1) * DAY
            return Period(f"{year}W{week:02}", start, start + 7 * DAY, grain)
        origin, step = self.fiscal_start - 1 if fiscal else 0, _MONTHS[grain]
        first = month_number(day) - (month_number(day) - origin) % step
        name = names.written(first, grain, origin)
        return Period(name, first_of_month(first), first_of_month(first + step), grain)

    def split(self, period: Period, grain: str) -> list[Period]:
        """Return the parts of a period, in order and without gaps.

        A part that the period's ends cut becomes a span named by its days. Quarters and years are
        the company's, unless the period is named after a quarter or year of the calendar.

        Examples
        --------
        >>> calendar = Calendar()
        >>> [part.name for part in calendar.split(calendar.parse("2026Q3"), "month")]
        ['2026-07', '2026-08', '2026-09']
        """
        fiscal = not names.follows_calendar(period.name)
        parts, start = [], period.start
        while start < period.end:
            whole = self.at(start, grain, fiscal)
            parts.append(clipped(whole, period))
            start = whole.end
        return parts

    def shift(self, period: Period, by: int) -> Period:
        """Return the period that comes `by` periods of the same kind and length later.

        Examples
        --------
        >>> calendar = Calendar()
        >>> calendar.shift(calendar.parse("2026Q1:2026Q2"), 1).name
        '2026Q3:2026Q4'
        """
        if period.grain == "span":
            return self._shift_span(period, by)
        if period.grain in _MONTHS:
            start = first_of_month(month_number(period.start) + by * _MONTHS[period.grain])
        else:
            start = period.start + by * period.days * DAY
        return self.at(start, period.grain, _is_fiscal(period))

    def previous(self, period: Period) -> Period:
        """Return the period just before, of the same kind and length."""
        return self.shift(period, -1)

    def year_ago(self, period: Period) -> Period:
        """Return the same period one year earlier.

        A month, quarter or year keeps its name but for the year; a week its ISO number, or the
        last one of a year that has no week 53; 29 February becomes 28 February. The ends of a span
        move likewise, and a span that ends with February still does.
        """
        if period.grain in _MONTHS:
            return self.shift(period, -12 // _MONTHS[period.grain])
        if period.grain == "week":
            year, week, _ = period.start.isocalendar()
            last_week = date(year - 1, 12, 28).isocalendar().week
            return self.at(date.fromisocalendar(year - 1, min(week, last_week), 1), "week")
        if period.grain == "day":
            return self.at(_year_before(period.start), "day")
        first, last = self._ends(period)
        if first.grain != "day":
            return joined(self.year_ago(first), self.year_ago(last))
        # An end that opens a month moves as such, so that a leap February stays whole.
        last_day = 0 * DAY if period.end.day == 1 else DAY
        return span(_year_before(period.start), _year_before(period.end - last_day) + last_day)

    def year_to(self, period: Period) -> Period:
        """Return the year that ends with a period.

        Examples
        --------
        >>> calendar = Calendar()
        >>> calendar.year_to(calendar.parse("2026Q3")).name
        '2025-10-01:2026-09-30'
        """
        return span(months_before(period.end, 12), period.end)

    def working_days(self, start: date, end: date) -> int:
        """Return the number of days worked from `start` up to, not including, `end`.

        Mondays to Fridays that are not public holidays of the country (library ``holidays``).

        Examples
        --------
        >>> Calendar(country="FR").working_days(date(2026, 5, 1), date(2026, 6, 1))
        17
        """
        import numpy as np

        years = range(start.year, end.year + 1)
        off = [day for year in years for day in _holidays(self.country, year)]
        return int(np.busday_count(start, end, holidays=off))

    def _named(self, word: str) -> Period | None:
        found = names.read(word.upper(), self.fiscal_start)
        return found and self.at(*found)

    def _range(self, word: str) -> Period | None:
        ends = [self._named(side.strip()) for side in word.split(":")]
        if len(ends) != 2 or ends[0] is None or ends[1] is None:
            return None
        first, last = sorted((ends[0], ends[1]), key=lambda period: period.start)
        if _kind(first) != _kind(last):
            meant = span(first.start, max(first.end, last.end)).name
            raise BadPeriod("mixed_range", text=word.upper(), nearest=[meant])
        if ends[0] != first:
            meant = joined(first, last).name
            raise BadPeriod("reversed_range", text=word.upper(), nearest=[meant])
        return joined(first, last)

    def _relative(self, word: str, as_of: date | None, first: date | None) -> Period:
        last_day = _given(word, "as_of", as_of)
        if word == "last":
            return self._last("quarter", last_day)
        if word == "ytd":
            return Period(word, self.at(last_day, "year").start, last_day + DAY, "span")
        start = min(_given(word, "first", first), last_day)
        return Period(word, start, last_day + DAY, "span")

    def _last(self, grain: str, as_of: date) -> Period:
        current = self.at(as_of, grain)
        return current if current.end == as_of + DAY else self.previous(current)

    def _ends(self, period: Period) -> tuple[Period, Period]:
        """Return the first and last unit of a period: those its name gives, or else days."""
        if period.grain != "span":
            return period, period
        first, _, last = period.name.partition(":")
        if last:
            return self.parse(first), self.parse(last)
        return self.at(period.start, "day"), self.at(period.end - DAY, "day")

    def _shift_span(self, period: Period, by: int) -> Period:
        first, last = self._ends(period)
        if first.grain in _MONTHS:
            months = month_number(last.start) - month_number(first.start)
            by *= months // _MONTHS[first.grain] + 1
        else:
            by *= (last.start - first.start).days // first.days + 1
        return joined(self.shift(first, by), self.shift(last, by))


def _kind(period: Period) -> tuple[str, bool]:
    return period.grain, _is_fiscal(period)


def _is_fiscal(period: Period) -> bool:
    return period.name.startswith("FY")


def _word(text: object) -> str:
    return str(text).strip().lower()


def _given(word: str, name: str, day: date | None) -> date:
    if day is None:
        raise BadPeriod("period_needs_date", text=word, needs=name)
    return day


def _year_before(day: date) -> date:
    leap_day = (day.month, day.day) == (2, 29)
    return date(day.year - 1, day.month, 28 if leap_day else day.day)


@cache
def _holidays(country: str, year: int) -> tuple[date, ...]:
    import holidays

    supported = holidays.list_supported_countries()
    if country not in supported:
        raise unknown("country", country, supported)
    return tuple(holidays.country_holidays(country, years=year))
