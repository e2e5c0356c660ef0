"""The names that a call asks for: one or several, or an error that says what was given instead."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kpi_helpers.errors import BadInput
from kpi_helpers.language import Phrase


def names_in(key: str, given: Any) -> tuple[str, ...]:
    """A name or several, each once.

    Parameters
    ----------
    key
        The parameter that they were given for: ``kpis`` or ``by``.
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
