"""A day as it is given, and the first and last that can be."""

import datetime as dt
from typing import Any

from kpi_helpers.errors import BadInput
from kpi_helpers.language import Phrase

FIRST_DAY, LAST_DAY = dt.date(1900, 1, 1), dt.date(2199, 12, 31)


def as_day(value: Any, name: str = "as_of") -> dt.date:
    """A day given as a date or as ISO text, for the parameter of this name.

    Raises
    ------
    BadInput
        When it is neither, or of a year that no period is read of.

    Examples
    --------
    >>> as_day("2026-09-30")
    datetime.date(2026, 9, 30)
    """
    try:
        day = dt.date.fromisoformat(value) if isinstance(value, str) else value
        day = day.date() if isinstance(day, dt.datetime) else day
        known = FIRST_DAY <= day <= LAST_DAY
    except (TypeError, ValueError) as error:
        raise BadInput(column=name, value=value, expected=Phrase("expected.day")) from error
    if not known:
        within = Phrase("expected.day_within", {"first": FIRST_DAY, "last": LAST_DAY})
        raise BadInput(column=name, value=value, expected=within)
    return day
