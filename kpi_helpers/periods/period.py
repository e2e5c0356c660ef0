"""A period as a value, and what follows from its dates alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """The days from `start` up to, not including, `end`.

    Parameters
    ----------
    name : str
        Its text, which `Calendar.parse` reads back (``all`` and ``ytd`` with the same dates).
    start, end : date
        First day, and the day after the last one.
    grain : str
        One of ``GRAINS``, or ``"span"`` for any other length.
    """

    name: str
    start: date
    end: date
    grain: str

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.end - self.start).days


def span(start: date, end: date) -> Period:
    """Return the span from `start` up to, not including, `end`, named by its days."""
    return Period(f"{start}:{end - DAY}", start, end, "span")


def joined(first: Period, last: Period) -> Period:
    """Return the span from one period to another, named by both."""
    return Period(f"{first.name}:{last.name}", first.start, last.end, "span")


def clipped(part: Period, whole: Period) -> Period:
    """Return what of a part lies inside a whole; a part that is cut becomes a span of days."""
    start, end = max(part.start, whole.start), min(part.end, whole.end)
    if (start, end) == (whole.start, whole.end):
        return whole
    return part if (start, end) == (part.start, part.end) else span(start, end)


def elapsed(period: Period, as_of: date) -> tuple[int, int]:
    """Return how many days of a period have passed at the end of the day `as_of`, and of how many.

    Examples
    --------
    >>> elapsed(span(date(2026, 7, 1), date(2026, 10, 1)), as_of=date(2026, 7, 10))
    (10, 92)
    """
    passed = (as_of + DAY - period.start).days
    return min(max(passed, 0), period.days), period.days


def grid(periods: Sequence[Period]) -> tuple[str, int | None]:
    """Say whether periods form a regular grid, so that a date's place in it is plain arithmetic.

    Returns
    -------
    unit : str
        ``"months"``, ``"days"``, or ``"span"`` when the periods are no such grid: of unequal
        length, with gaps, overlapping, out of order, or none at all.
    step : int or None
        Length of every period in that unit. A date inside the periods lies in the one with the
        index ``(months from the first start to the date's month) // step``, or the same with days.
        Months are offered when every period starts on the first of a month, and preferred.

    Examples
    --------
    >>> january, february = span(date(2026, 1, 1), date(2026, 2, 1)), span(
    ...     date(2026, 2, 1), date(2026, 3, 1)
    ... )
    >>> grid([january, february])
    ('months', 1)
    >>> grid([january])
    ('months', 1)
    >>> grid([february, january])
    ('span', None)
    """
    if not periods or any(a.end != b.start for a, b in pairwise(periods)):
        return "span", None
    bounds = [period.start for period in periods] + [periods[-1].end]
    if all(bound.day == 1 for bound in bounds):
        months = {month_number(end) - month_number(start) for start, end in pairwise(bounds)}
        if len(months) == 1:
            return "months", months.pop()
    days = {period.days for period in periods}
    return ("days", days.pop()) if len(days) == 1 else ("span", None)


def month_number(day: date) -> int:
    """Return the number of a day's month, counted from the year 0."""
    return 12 * day.year + day.month - 1


def first_of_month(number: int) -> date:
    """Return the first day of a month given by its number; the inverse of `month_number`."""
    return date(number // 12, number % 12 + 1, 1)


def months_before(day: date, months: int) -> date:
    """Return the first day of the months that end on the eve of a day.

    Of a day that the earlier month lacks it is the first of the next: the twelve months before
    29 February begin on 1 March.

    Examples
    --------
    >>> str(months_before(date(2026, 10, 1), 12)), str(months_before(date(2024, 2, 29), 12))
    ('2025-10-01', '2023-03-01')
    """
    number = month_number(day) - months
    first = first_of_month(number)
    return min(first + (day.day - 1) * DAY, first_of_month(number + 1))
