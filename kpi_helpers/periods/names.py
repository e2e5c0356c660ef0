"""Names of periods: the forms that are accepted, those perhaps meant, and labels for readers."""

import re
from datetime import date

from kpi_helpers.errors import nearest
from kpi_helpers.language import text
from kpi_helpers.periods.period import DAY, Period, first_of_month

GRAINS = ("day", "week", "month", "quarter", "year")
RELATIVE = ("all", "last", "ytd")
FORMS = [
    *("2026", "2026Q3", "2026-09", "2026-09-14", "2026W31", "FY2026", "FY2026Q1"),
    *("2025Q1:2026Q3", *RELATIVE),
]

YEARS = "1900-2199"
_PART = r"(Q(?P<quarter>[1-4])|W(?P<week>\d\d)|-(?P<month>\d\d)(-(?P<day>\d\d))?)?"
_FORM = re.compile(rf"(?P<fiscal>FY)?(?P<year>(19|20|21)\d\d){_PART}", re.ASCII)
_ANY_YEAR = re.compile(rf"(?P<fiscal>FY)?(?P<year>\d{{4,}}){_PART}", re.ASCII)


def read(name: str, fiscal_start: int) -> tuple[date, str, bool] | None:
    """Return the first day, the grain, and whether a name is fiscal; None if it is no name.

    Examples
    --------
    >>> read("FY2026Q2", fiscal_start=4)
    (datetime.date(2025, 7, 1), 'quarter', True)
    """
    form = _FORM.fullmatch(name)
    if form is None or (form["fiscal"] and (form["week"] or form["month"])):
        return None
    year, fiscal = int(form["year"]), bool(form["fiscal"])
    try:
        if form["week"]:
            return date.fromisocalendar(year, int(form["week"]), 1), "week", fiscal
        if form["month"]:
            day = date(year, int(form["month"]), int(form["day"] or 1))
            return day, "day" if form["day"] else "month", fiscal
    except ValueError:
        return None
    origin = fiscal_start - 1 if fiscal else 0
    month = 12 * (year - (origin > 0)) + origin + 3 * (int(form["quarter"] or 1) - 1)
    return first_of_month(month), "quarter" if form["quarter"] else "year", fiscal


def is_far_off(name: str) -> bool:
    """Tell whether a name, or an end of a range, would be one, were it not for its year."""
    sides = [side.strip() for side in name.split(":")]
    return any(_ANY_YEAR.fullmatch(side) and not _FORM.fullmatch(side) for side in sides)


def written(month: int, grain: str, origin: int) -> str:
    """Return the name of the month, quarter or year that starts with the month of that number.

    `origin` is the number of months from January to the start of the fiscal year.
    """
    if grain == "month":
        return f"{first_of_month(month):%Y-%m}"
    opening = month - (month - origin) % 12
    name = f"{'FY' if origin else ''}{(opening + 11) // 12}"
    return name if grain == "year" else f"{name}Q{(month - opening) // 3 + 1}"


def follows_calendar(name: str) -> bool:
    """Tell whether a name, or the range it opens, is in quarters or years of the calendar."""
    form = _FORM.match(name)
    return form is not None and not (form["fiscal"] or form["month"] or form["week"])


def suggestions(name: str) -> list[str]:
    """Return the accepted forms that a text was perhaps meant to be.

    Examples
    --------
    >>> suggestions("T3 2026")
    ['2026Q3']
    >>> suggestions("03/04/2026")
    ['2026-03-04', '2026-04-03']
    >>> suggestions("2025T1:2026T3")
    ['2025Q1:2026Q3']
    """
    sides = [side.strip() for side in name.upper().split(":")]
    if len(sides) > 1:
        ends = sides[0], sides[-1]
        likely = [[form for form in (side, *suggestions(side)) if read(form, 1)] for side in ends]
        return [f"{likely[0][0]}:{likely[1][0]}"] if all(likely) else []
    found = [form for form in _likely_forms(sides[0]) if read(form, 1)]
    return found or nearest(name, RELATIVE)


def _likely_forms(name: str) -> list[str]:
    """Return forms made of the year, the numbers and the letters found in a text."""
    words = re.findall(r"[0-9]+|[A-Z]+", name)
    years = [word for word in words if word.isdigit() and len(word) == 4]
    numbers = [int(word) for word in words if word.isdigit() and len(word) < 3]
    if not years:
        return []
    year, letters = years[0], {word[0] for word in words if not word.isdigit()}
    if not numbers:
        return [f"FY{year}" if letters & {"F", "E"} else year]
    if letters & {"Q", "T"}:
        prefix = "FY" if letters & {"F", "E"} else ""
        return [f"{prefix}{year}Q{min(max(numbers[0], 1), 4)}"]
    if letters & {"W", "S"}:
        last = date(int(year), 12, 28).isocalendar().week if read(year, 1) else 52
        return [f"{year}W{min(max(numbers[0], 1), last):02}"]
    if len(numbers) == 2:
        first, second = numbers
        return [f"{year}-{first:02}-{second:02}", f"{year}-{second:02}-{first:02}"]
    return [f"{year}-{min(max(numbers[0], 1), 12):02}"]


def label(period: Period, lang: str) -> str:
    """Return a period as a reader is told it.

    Examples
    --------
    >>> label(Period("2026Q3", date(2026, 7, 1), date(2026, 10, 1), "quarter"), "fr")
    'T3 2026'
    >>> label(Period("ytd", date(2026, 1, 1), date(2026, 9, 15), "span"), "en")
    '1 Jan 2026 – 14 Sep 2026'
    """
    if period.grain != "span":
        return _label(period.name, lang)
    first, _, last = period.name.partition(":")
    if not last:
        first, last = str(period.start), str(period.end - DAY)
    return text("periods.range", lang, start=_label(first, lang), end=_label(last, lang))


def _label(name: str, lang: str) -> str:
    form = _ANY_YEAR.fullmatch(name)
    if form is None:
        raise ValueError(f"Not the name of a period: {name!r}")
    if form["month"]:
        from babel.dates import format_date

        day = date(int(form["year"]), int(form["month"]), int(form["day"] or 1))
        key = "periods.day" if form["day"] else "periods.month"
        return text(key, lang, n=day.day, month=format_date(day, "MMM", lang), year=day.year)
    kind = "quarter" if form["quarter"] else "week" if form["week"] else "year"
    key = f"periods.fiscal_{kind}" if form["fiscal"] else f"periods.{kind}"
    return text(key, lang, **form.groupdict())
