"""Checks the settings of a project, key by key: what is wrong is named with its file and place."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections.abc import Callable, Collection, Mapping
from typing import Any

from kpi_helpers.errors import BadConfig, BadInput, KpiError, nearest, shown
from kpi_helpers.language import LANGUAGES, Phrase, nouns
from kpi_helpers.periods import Calendar, as_day
from kpi_helpers.sources.brand import unfit
from kpi_helpers.sources.expressions import names_in
from kpi_helpers.sources.registers import SCOPES
from kpi_helpers.sources.scenarios import faults
from kpi_helpers.sources.tables import TABLES
from kpi_helpers.units import MONEY, write

SCHEMA = 1
DATE_ORDERS = ("dmy", "mdy", "ymd")
DECIMALS = (",", ".")
ORIGINS = ("file", "table", "query")
TARGET_KEYS = ("metric", "period", "value")
NOUN_FORMS = ("one", "other")
TERM = 'fr = { one = "demande", other = "demandes", gender = "f" }'
LONGEST_LAG = 60
LONGEST_WINDOW = 36_500  # days: a century
LARGEST = 1e300  # of numbers that an engine can still count with
SECRET, HIDDEN = re.compile("pass|pwd|secret|token", re.IGNORECASE), "***"

_TEXT, _TEXTS, _TABLE = (Phrase(f"expected.{kind}") for kind in ("text", "names", "table"))
_WHOLE_TEXT = Phrase("expected.whole_text")
_NUMBER = Phrase("expected.positive_number")
_EXPRESSION = Phrase("expected.expression")


def check_settings(file: str, content: Mapping[str, Any], allowed: Collection[str]) -> None:
    """Check every setting of a file but those inside its tables.

    Parameters
    ----------
    file
        Name of the file, for messages.
    content
        What the file holds.
    allowed
        Names of the settings that there are.

    Raises
    ------
    BadConfig
        For the first that is unknown or cannot be used, with what is expected instead.

    Examples
    --------
    >>> check_settings("kpi.toml", {"curency": "EUR"}, ["currency", "country"])
    Traceback (most recent call last):
    ...
    kpi_helpers.errors.BadConfig: kpi.toml: curency = 'EUR' is not accepted; expected currency.
    """
    _Checker(file).settings(content, allowed)


def check_table(file: str, name: str, content: Any, allowed: Collection[str]) -> None:
    """Check the settings of one table, as `check_settings` does those of the file."""
    _Checker(file).table(name, content, allowed)


class _Checker:
    """Raises errors that name the file they are about."""

    def __init__(self, file: str) -> None:
        self.file = file

    def bad(self, key: str, value: Any, expected: object) -> BadConfig:
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

    def settings(self, content: Mapping[str, Any], allowed: Collection[str]) -> None:
        self.known("", content, allowed)
        for key, check in _CHECKS.items():
            if key in content:
                check(self, key, content[key])
        if "source_time_zone" in content and "time_zone" not in content:
            raise self.bad("time_zone", "", "Europe/Paris")
        own = content.get("currency", "")
        if content.get("rates", {}).get(own, 1) != 1:
            raise self.bad(f"rates.{own}", content["rates"][own], "1")
        for place, target in enumerate(content.get("targets", ())):
            self.target(f"targets[{place}].", target, content.get("fiscal_start", 1))

    def text(self, key: str, value: Any) -> None:
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
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            raise self.bad(key, value, _TEXTS)
        for text in value:
            self.whole(key, text)

    def once(self, key: str, value: Any) -> None:
        """Names in an order, which would be none if it came back to one."""
        self.texts(key, value)
        for again in (name for name in value if list(value).count(name) > 1):
            raise self.bad(key, again, Phrase("expected.each_once"))

    def dated_names(self, key: str, value: Any) -> None:
        self.known(f"{key}.", value, value)
        for day, names in value.items():
            self.day(f"{key}.{day}", day)
            self.once(f"{key}.{day}", names)

    def rows(self, key: str, value: Any) -> None:
        if not isinstance(value, list | tuple):
            raise self.bad(key, value, "[[targets]]")

    def scenarios(self, key: str, value: Any) -> None:
        if not isinstance(value, list | tuple):
            raise self.bad(key, value, "[[scenarios]]")
        for fault in faults(value):
            raise self.bad(*fault)

    def states(self, key: str, value: Any) -> None:
        self.known(f"{key}.", value, value)
        for name, state in value.items():
            self.known(f"{key}.{name}.", state, state)

    def pairs(self, key: str, value: Any) -> None:
        self.known(f"{key}.", value, value)
        for name, text in value.items():
            self.text(f"{key}.{name}", text)

    def expressions(self, key: str, value: Any) -> None:
        self.pairs(key, value)
        for name, text in value.items():
            try:
                names_in(text)
            except KpiError as error:
                raise self.bad(f"{key}.{name}", text, _EXPRESSION) from error

    def pay(self, key: str, value: Any) -> None:
        self.known(f"{key}.", value, ("kpis",))
        for name, kpis in value.items():
            self.texts(f"{key}.{name}", kpis)

    def brand(self, key: str, value: Any) -> None:
        self.known(f"{key}.", value, ("logo", "colours"))
        if "logo" in value:
            self.inside(f"{key}.logo", value["logo"])
        colours = value.get("colours", ())
        self.texts(f"{key}.colours", colours)
        if (expected := unfit(colours)) is not None:
            raise self.bad(f"{key}.colours", colours, expected)

    def one_of(self, key: str, value: Any, allowed: Collection[Any]) -> None:
        if isinstance(value, bool | float) or value not in allowed:
            raise self.bad(key, value, ", ".join(map(str, allowed)))

    def time_zone(self, key: str, value: Any) -> None:
        self.text(key, value)
        try:
            zoneinfo.ZoneInfo(value)
        except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError) as error:
            near = nearest(value, zoneinfo.available_timezones())
            raise self.bad(key, value, ", ".join(near) or "Europe/Paris") from error

    def currency(self, key: str, value: Any) -> None:
        self.text(key, value)
        try:
            write(0, MONEY, "en", value)
        except KpiError as error:
            raise self.bad(key, value, Phrase("expected.currency")) from error

    def country(self, key: str, value: Any) -> None:
        self.text(key, value)
        try:
            Calendar(country=value).working_days(dt.date(2026, 1, 1), dt.date(2026, 1, 2))
        except KpiError as error:
            raise self.bad(key, value, Phrase("expected.country")) from error

    def day(self, key: str, value: Any) -> None:
        try:
            dt.date.fromisoformat(str(value))
        except ValueError as error:
            raise self.bad(key, value, Phrase("expected.day")) from error

    def as_of(self, key: str, value: Any) -> None:
        try:
            as_day(str(value))
        except BadInput as error:
            raise self.bad(key, value, error.values["expected"]) from error

    def rates(self, key: str, value: Any) -> None:
        self.known(f"{key}.", value, value)
        for name, rate in value.items():
            self.currency(f"{key}.{name}", name)
            if not _is_number(rate) or rate <= 0:
                raise self.bad(f"{key}.{name}", rate, _NUMBER)

    def tax(self, key: str, value: Any) -> None:
        if not _is_number(value) or not 0 < value < 1:
            raise self.bad(key, value, "0.2")

    def windows(self, key: str, value: Any) -> None:
        self.known(f"{key}.", value, value)
        for name, days in value.items():
            if days is not None and days != "none" and not _is_window(days):
                expected = f'"none", 30, 90, 180 … {LONGEST_WINDOW}'
                raise self.bad(f"{key}.{name}", days, expected)

    def lags(self, key: str, value: Any) -> None:
        self.known(f"{key}.", value, value)
        for name, months in value.items():
            if not _is_whole(months) or not 0 <= months <= LONGEST_LAG:
                raise self.bad(f"{key}.{name}", months, f"0 … {LONGEST_LAG}")

    def target(self, place: str, target: Any, fiscal_start: int) -> None:
        self.known(place, target, {*TARGET_KEYS, "scope_type", "scope_value"})
        for key in TARGET_KEYS:
            if key not in target:
                raise self.bad(place + key, "", key)
        if not _is_number(target["value"]):
            raise self.bad(f"{place}value", target["value"], Phrase("expected.number"))
        if "scope_type" in target:
            self.one_of(f"{place}scope_type", target["scope_type"], ("company", *SCOPES))
        for key in {"metric", "scope_value"} & {*target}:
            self.text(place + key, target[key])
        try:
            Calendar(fiscal_start).parse(str(target["period"]))
        except KpiError as error:
            raise self.bad(f"{place}period", target["period"], "2026Q3, 2026-09, 2026") from error

    def terms(self, key: str, value: Any) -> None:
        self.known(f"{key}.", value, nouns("en"))
        for name, words in value.items():
            self.known(f"{key}.{name}.", words, LANGUAGES)
            for lang, forms in words.items():
                self._term(f"{key}.{name}.{lang}", forms, nouns(lang)[name].gender)

    def _term(self, place: str, forms: Any, gender: str) -> None:
        if not isinstance(forms, Mapping):
            raise self.bad(place, forms, TERM)
        self.known(f"{place}.", forms, {*NOUN_FORMS, "gender"})
        named = [forms[form] for form in NOUN_FORMS if form in forms]
        written = len(named) == 2 and all(isinstance(f, str) and f.strip() for f in named)
        genders = "mfn" if gender == "n" else "mf"
        if not written or forms.get("gender", "n") not in [*genders]:
            raise self.bad(place, dict(forms), TERM)

    def tables(self, key: str, value: Any) -> None:
        self.known(f"{key}.", value, TABLES)

    def table(self, name: str, content: Any, allowed: Collection[str]) -> None:
        place = f"tables.{name}."
        self.known(place, content, allowed)
        origins = [key for key in ORIGINS if key in content]
        if len(origins) > 1:
            raise self.bad(place + origins[1], content[origins[1]], Phrase("expected.one_origin"))
        for key, check in _TABLE_CHECKS.items():
            if key in content:
                check(self, place + key, content[key])

    def values(self, key: str, value: Any) -> None:
        self.known(f"{key}.", value, value)
        for column, words in value.items():
            self.pairs(f"{key}.{column}", words)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return (_is_whole(value) or isinstance(value, float)) and abs(value) < LARGEST


def _is_window(value: Any) -> bool:
    return _is_whole(value) and 0 < value <= LONGEST_WINDOW


def _among(*allowed: Any) -> Callable[[_Checker, str, Any], None]:
    return lambda check, key, value: check.one_of(key, value, allowed)


_CHECKS: dict[str, Callable[[_Checker, str, Any], None]] = {
    "schema": _among(SCHEMA),
    "language": _among(*LANGUAGES),
    "fiscal_start": _among(*range(1, 13)),
    "customers": _among("name", "id"),
    "mixed_currencies": _among("refuse", "as_stored"),
    "personal": _among("hash", "keep"),
    **dict.fromkeys(
        ("name", "owner", "audience", "source", "password_env", "snapshots"), _Checker.text
    ),
    **dict.fromkeys(("time_zone", "source_time_zone"), _Checker.time_zone),
    "stages": _Checker.once,
    **dict.fromkeys(("kpis", "participants"), _Checker.texts),
    "stages_from": _Checker.dated_names,
    "pay": _Checker.pay,
    "country": _Checker.country,
    "currency": _Checker.currency,
    "as_of": _Checker.as_of,
    "rates": _Checker.rates,
    "windows": _Checker.windows,
    "lags": _Checker.lags,
    "segments": _Checker.expressions,
    **dict.fromkeys(("use", "owners", "business"), _Checker.pairs),
    "terms": _Checker.terms,
    "brand": _Checker.brand,
    "tables": _Checker.tables,
    "targets": _Checker.rows,
    "scenarios": _Checker.scenarios,
    "workshop": _Checker.states,
}
_TABLE_CHECKS: dict[str, Callable[[_Checker, str, Any], None]] = {
    **dict.fromkeys((*ORIGINS, "changes_of"), _Checker.text),
    **dict.fromkeys(("columns", "entered"), _Checker.pairs),
    "file": _Checker.inside,
    "values": _Checker.values,
    "derived": _Checker.expressions,
    "date_order": _among(*DATE_ORDERS),
    "decimal": _among(*DECIMALS),
    "source_time_zone": _Checker.time_zone,
    "deduplicate": _Checker.texts,
    "tax_included": _Checker.tax,
}
