"""The period that is asked of a data set."""

from __future__ import annotations

from kpi_helpers.errors import BadPeriod
from kpi_helpers.periods import Period
from kpi_helpers.sources.dataset import Dataset


def covered(data: Dataset, period: Period) -> Period:
    """Return a period of which the data know a day.

    Raises
    ------
    BadPeriod
        For any other, with the days that the data cover.
    """
    if period.start > data.as_of or period.end <= data.first:
        raise BadPeriod("no_data", period=period.name, first=data.first, last=data.as_of)
    return period


def period_of(data: Dataset, text: str) -> Period:
    """Return the period that a text names, of which the data know a day.

    Raises
    ------
    BadPeriod
        As `covered`, and for a text that is not a period.
    """
    return covered(data, data.config.calendar.parse(text, data.as_of, data.first))
