"""A day as it is given, and the last one that can be."""

import datetime as dt
from typing import Any

from kpi_helpers.errors import BadInput
from kpi_helpers.language import Phrase

LAST_DAY = dt.date(9000, 12, 31)


def as_day(value: Any, name: str = "as_of") -> dt.date:
    """A day given as a date or as ISO text, for the parameter of this name.

    Raises
    ------
    BadInput
        When it is neither.

    Examples
    --------
    >>> as_day("2026-09-30")
    datetime.date(2026, 9, 30)
    """
    try:
        day = dt.date.fromisoformat(value) if isinstance(value, str) else value
        day = day.date() if isinstance(day, dt.datetime) else day
        if isinstance(day, dt.date) and day <= LAST_DAY:
            return day
    except (TypeError, ValueError) as error:
        raise BadInput(column=name, value=value, expected=Phrase("expected.day")) from error
    raise BadInput(column=name, value=value, expected=Phrase("expected.day"))
