"""Checks the settings of a project, key by key: what is wrong is named with its file and place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from typing import Any

from kpi_helpers.errors import BadInput, KpiError
from kpi_helpers.language import LANGUAGES, Phrase, nouns
from kpi_helpers.periods import Calendar, as_day
from kpi_helpers.sources.brand import unfit
from kpi_helpers.sources.checker import Checker, is_number, is_whole
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


class _Checker(Checker):
    """Knows what each setting of the kit must be."""

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

    def as_of(self, key: str, value: Any) -> None:
        try:
            as_day(str(value))
        except BadInput as error:
            raise self.bad(key, value, error.values["expected"]) from error

    def rates(self, key: str, value: Any) -> None:
        self.known(f"{key}.", value, value)
        for name, rate in value.items():
            self.currency(f"{key}.{name}", name)
            if not is_number(rate) or rate <= 0:
                raise self.bad(f"{key}.{name}", rate, _NUMBER)

    def tax(self, key: str, value: Any) -> None:
        if not is_number(value) or not 0 < value < 1:
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
            if not is_whole(months) or not 0 <= months <= LONGEST_LAG:
                raise self.bad(f"{key}.{name}", months, f"0 … {LONGEST_LAG}")

    def target(self, place: str, target: Any, fiscal_start: int) -> None:
        self.known(place, target, {*TARGET_KEYS, "scope_type", "scope_value"})
        for key in TARGET_KEYS:
            if key not in target:
                raise self.bad(place + key, "", key)
        if not is_number(target["value"]):
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


def _is_window(value: Any) -> bool:
    return is_whole(value) and 0 < value <= LONGEST_WINDOW


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
