"""What a setting may be, whatever it is for: a text, a day, one of some words, a table of them."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections.abc import Collection, Mapping
from typing import Any

from kpi_helpers.errors import BadConfig, nearest, shown
from kpi_helpers.language import Phrase

LARGEST = 1e300  # of numbers that an engine can still count with
SECRET, HIDDEN = re.compile("pass|pwd|secret|token", re.IGNORECASE), "***"

_TEXT, _TEXTS, _TABLE = (Phrase(f"expected.{kind}") for kind in ("text", "names", "table"))
_WHOLE_TEXT = Phrase("expected.whole_text")


class Checker:
    """Raises errors that name the file they are about, the setting, and what is expected."""

    def __init__(self, file: str) -> None:
        self.file = file

    def bad(self, key: str, value: Any, expected: object) -> BadConfig:
        """The error of a setting; what one of a secret says is hidden."""
        said = HIDDEN if SECRET.search(key) else shown(value)
        return BadConfig(file=self.file, key=key, value=said, expected=expected)

    def known(self, place: str, content: Any, allowed: Collection[str]) -> None:
        """A table of the file whose keys are all among those allowed."""
        if not isinstance(content, Mapping):
            raise self.bad(place.rstrip("."), content, _TABLE)
        for key in content:
            self.whole(f"{place}{key}", key)
            if key not in allowed:
                names = sorted(allowed)
                expected = ", ".join(nearest(str(key), names) or names)
                raise self.bad(f"{place}{key}", content[key], expected)

    def text(self, key: str, value: Any) -> None:
        """A text."""
        if not isinstance(value, str):
            raise self.bad(key, value, _TEXT)
        self.whole(key, value)

    def whole(self, key: str, value: Any) -> None:
        """Engines end a text at a zero."""
        if "\x00" in str(value):
            raise self.bad(key, value, _WHOLE_TEXT)

    def inside(self, key: str, value: Any) -> None:
        """A file of the folder, or a sheet of one; nothing outside of it."""
        self.text(key, value)
        parts = value.replace("\\", "/").split("/")
        if ".." in parts or parts[0] == "" or ":" in parts[0]:
            raise self.bad(key, value, Phrase("expected.inside"))

    def texts(self, key: str, value: Any) -> None:
        """A list of texts."""
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            raise self.bad(key, value, _TEXTS)
        for text in value:
            self.whole(key, text)

    def once(self, key: str, value: Any) -> None:
        """Names in an order, which would be none if it came back to one."""
        self.texts(key, value)
        for again in (name for name in value if list(value).count(name) > 1):
            raise self.bad(key, again, Phrase("expected.each_once"))

    def pairs(self, key: str, value: Any) -> None:
        """A table of texts, by any names."""
        self.known(f"{key}.", value, value)
        for name, text in value.items():
            self.text(f"{key}.{name}", text)

    def one_of(self, key: str, value: Any, allowed: Collection[Any]) -> None:
        """One of some values; 1 is neither true nor 1.0."""
        if isinstance(value, bool | float) or value not in allowed:
            raise self.bad(key, value, ", ".join(map(str, allowed)))

    def time_zone(self, key: str, value: Any) -> None:
        """A time zone, as zones are named everywhere."""
        self.text(key, value)
        try:
            zoneinfo.ZoneInfo(value)
        except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError) as error:
            near = nearest(value, zoneinfo.available_timezones())
            raise self.bad(key, value, ", ".join(near) or "Europe/Paris") from error

    def day(self, key: str, value: Any) -> None:
        """A day, year first."""
        try:
            dt.date.fromisoformat(str(value))
        except ValueError as error:
            raise self.bad(key, value, Phrase("expected.day")) from error


def is_whole(value: Any) -> bool:
    """Whether it is a whole number, which true and false are to Python."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether it is a number that an engine can count with."""
    return (is_whole(value) or isinstance(value, float)) and abs(value) < LARGEST
