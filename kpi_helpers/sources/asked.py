"""What a call asks for: names, a dimension, a period; or an error that says what was given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kpi_helpers.errors import BadInput, BadPeriod
from kpi_helpers.language import Phrase
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


def year_of(data: Dataset, text: str) -> Period:
    """Return the year that ends with a period, which is named as for `period_of`."""
    return data.config.calendar.year_to(period_of(data, text))


def names_in(key: str, given: Any) -> tuple[str, ...]:
    """A name or several, each once.

    Parameters
    ----------
    key
        The parameter that they were given for, such as ``kpis`` or ``by``.
    given
        A text or an iterable of texts.

    Raises
    ------
    BadInput
        When it is neither.

    Examples
    --------
    >>> names_in("by", "team"), names_in("by", ["team", "owner", "team"])
    (('team',), ('team', 'owner'))
    """
    names = [given] if isinstance(given, str) else given
    if isinstance(names, Iterable):
        names = list(names)
        if all(isinstance(name, str) for name in names):
            return tuple(dict.fromkeys(names))
    raise BadInput(column=key, value=given, expected=Phrase("expected.names"))


def one_dimension(by: Any) -> str:
    """Return the name of a dimension, where only one can be asked for.

    Raises
    ------
    BadInput
        For a list of names, or what is no name.

    Examples
    --------
    >>> one_dimension(["team", "owner"])
    Traceback (most recent call last):
    ...
    kpi_helpers.errors.BadInput: column by: 'team, owner' is not one dimension.
    """
    if not isinstance(by, str):
        raise BadInput(column="by", value=by, expected=Phrase("expected.one_dimension"))
    return by
