"""The settings of a project: ``kpi.toml`` read, checked and frozen."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kpi_helpers.errors import BadConfig, nearest
from kpi_helpers.language import LANGUAGES, Terms, nouns
from kpi_helpers.periods import Calendar
from kpi_helpers.sources.schema import TABLES

SCHEMA = 1
FILE_NAME = "kpi.toml"
DATE_ORDERS = ("dmy", "mdy", "ymd")
DECIMALS = (",", ".")
TARGET_KEYS = ("metric", "period", "value")
NOUN_FORMS = ("one", "other")
TERM = 'fr = { one = "demande", other = "demandes", gender = "f" }'


@dataclass(frozen=True)
class TableConfig:
    """How one canonical table is read.

    Parameters
    ----------
    file, table, query
        Where it comes from: a file of the folder, a table of the database, or an SQL query on
        these (files are named by their stem). At most one of the three.
    columns
        Canonical name → name in the source.
    values
        Canonical column → {value in the source: value used}; ``"*"`` stands for any other value.
    derived
        Column → expression (see ``sources.expressions``), computed after the mapping.
    date_order, decimal
        How ambiguous text is read: ``"dmy"``, ``"mdy"`` or ``"ymd"``; ``","`` or ``"."``.
    deduplicate
        Columns that identify a row; later rows with the same values are left out and listed.
    """

    file: str | None = None
    table: str | None = None
    query: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    derived: Mapping[str, str] = field(default_factory=dict)
    date_order: str | None = None
    decimal: str | None = None
    deduplicate: tuple[str, ...] = ()


@dataclass(frozen=True)
class Config:
    """Everything that a project decides; see README for the file's form.

    ``windows`` are days (``None`` for no window), ``lags`` are months, ``stages`` is the order of
    the stages, ``segments`` are named filters, ``use`` names a KPI that stands in for another
    (``revenue = "bookings"``), ``terms`` are the company's own words for the nouns of the texts
    (lead, deal), by language. ``targets`` hold ``metric, period, value`` and, for a team or rep,
    ``scope_type`` and ``scope_value``.
    """

    schema: int = SCHEMA
    name: str = ""
    language: str = "fr"
    country: str = "FR"
    fiscal_start: int = 1
    time_zone: str | None = None
    source_time_zone: str | None = None
    as_of: str | None = None
    source: str | None = field(default=None, repr=False)
    password_env: str | None = None
    currency: str = "EUR"
    mixed_currencies: str = "refuse"
    rates: Mapping[str, float] = field(default_factory=dict)
    stages: tuple[str, ...] = ()
    windows: Mapping[str, int | None] = field(default_factory=dict)
    lags: Mapping[str, int] = field(default_factory=dict)
    segments: Mapping[str, str] = field(default_factory=dict)
    targets: tuple[Mapping[str, Any], ...] = ()
    kpis: tuple[str, ...] = ()
    use: Mapping[str, str] = field(default_factory=dict)
    terms: Terms = field(default_factory=dict)
    tables: Mapping[str, TableConfig] = field(default_factory=dict)
    file: str = FILE_NAME

    @property
    def lang(self) -> str:
        """Language of notes and labels."""
        return self.language

    @property
    def calendar(self) -> Calendar:
        """The fiscal calendar of the project."""
        return Calendar(fiscal_start=self.fiscal_start, country=self.country)

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change with any setting."""
        settings = dataclasses.asdict(self)
        settings.pop("file")
        text = json.dumps(settings, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def table(self, name: str) -> TableConfig:
        """Settings of one table, empty ones when the file says nothing of it."""
        return self.tables.get(name, TableConfig())


def read_config(config: Any = None, folder: Path | None = None) -> Config:
    """Read the settings from a file, a mapping, or the ``kpi.toml`` beside the data.

    Parameters
    ----------
    config
        Path of a TOML file, a mapping with the same keys, a `Config`, or None.
    folder
        Where to look for ``kpi.toml`` (there, then one level up) when ``config`` is None.

    Raises
    ------
    BadConfig
        Naming the file, the key, the value and what was expected.

    Examples
    --------
    >>> read_config({"schema": 1, "currency": "GBP"}).currency
    'GBP'
    """
    if isinstance(config, Config):
        return config
    if isinstance(config, Mapping):
        return _checked(dict(config), FILE_NAME)
    path = Path(config) if config is not None else _beside(folder)
    if path is None:
        return Config()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise BadConfig(file=path.name, key="", value="", expected=path.name) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfig(file=path.name, key="", value=str(error), expected="TOML") from error
    return _checked(content, str(path))


def _beside(folder: Path | None) -> Path | None:
    if folder is None:
        return None
    places = (folder / FILE_NAME, folder.parent / FILE_NAME)
    return next((place for place in places if place.is_file()), None)


def _checked(content: dict[str, Any], file: str) -> Config:
    check = _Checker(Path(file).name)
    check.keys("", content, {f.name for f in dataclasses.fields(Config)} - {"file"})
    if content.get("schema", SCHEMA) != SCHEMA:
        raise check.bad("schema", content["schema"], str(SCHEMA))
    for key, kind in _KINDS.items():
        if key in content and not isinstance(content[key], kind):
            raise check.bad(key, content[key], kind.__name__)
    for key, allowed in _CHOICES.items():
        if key in content and content[key] not in allowed:
            raise check.bad(key, content[key], ", ".join(map(str, allowed)))
    content["windows"] = {
        name: check.window(name, value) for name, value in content.get("windows", {}).items()
    }
    for name, value in content.get("lags", {}).items():
        check.months(name, value)
    content["tables"] = {
        name: check.table(name, table) for name, table in content.get("tables", {}).items()
    }
    for place, target in enumerate(content.get("targets", ())):
        check.target(f"targets[{place}].", target)
    for name, words in content.get("terms", {}).items():
        check.term(name, words)
    for key in ("stages", "kpis", "targets"):
        content[key] = tuple(content.get(key, ()))
    return Config(**content, file=file)


_KINDS: dict[str, type] = {
    "name": str,
    "as_of": str,
    "source": str,
    "currency": str,
    "time_zone": str,
    "source_time_zone": str,
    "country": str,
    "rates": dict,
    "windows": dict,
    "lags": dict,
    "segments": dict,
    "tables": dict,
    "use": dict,
    "terms": dict,
    "stages": list,
    "targets": list,
    "kpis": list,
}
_CHOICES: dict[str, tuple[Any, ...]] = {
    "language": LANGUAGES,
    "fiscal_start": tuple(range(1, 13)),
    "mixed_currencies": ("refuse", "as_stored"),
}


class _Checker:
    """Raises errors that name the file they are about."""

    def __init__(self, file: str) -> None:
        self.file = file

    def bad(self, key: str, value: Any, expected: str) -> BadConfig:
        return BadConfig(file=self.file, key=key, value=value, expected=expected)

    def keys(self, place: str, content: Mapping[str, Any], allowed: set[str]) -> None:
        for key in content:
            if key not in allowed:
                hint = nearest(key, sorted(allowed)) or sorted(allowed)
                raise self.bad(f"{place}{key}", content[key], ", ".join(hint))

    def window(self, name: str, value: Any) -> int | None:
        if value == "none":
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
            raise self.bad(f"windows.{name}", value, '"none", 30, 90, 180')
        return value

    def months(self, name: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 60:
            raise self.bad(f"lags.{name}", value, "0 … 60")

    def target(self, place: str, target: Any) -> None:
        if not isinstance(target, Mapping):
            raise self.bad(place, target, ", ".join(TARGET_KEYS))
        self.keys(place, target, {*TARGET_KEYS, "scope_type", "scope_value"})
        for key in TARGET_KEYS:
            if key not in target:
                raise self.bad(place + key, "", key)
        if isinstance(target["value"], bool) or not isinstance(target["value"], int | float):
            raise self.bad(f"{place}value", target["value"], "1500000")

    def term(self, name: str, words: Any) -> None:
        self.keys("terms.", {name: words}, set(nouns("en")))
        if not isinstance(words, Mapping):
            raise self.bad(f"terms.{name}", words, TERM)
        self.keys(f"terms.{name}.", words, set(LANGUAGES))
        for lang, forms in words.items():
            place = f"terms.{name}.{lang}"
            if not isinstance(forms, Mapping):
                raise self.bad(place, forms, TERM)
            self.keys(f"{place}.", forms, {*NOUN_FORMS, "gender"})
            named = [forms[form] for form in NOUN_FORMS if form in forms]
            written = len(named) == 2 and all(isinstance(f, str) and f.strip() for f in named)
            genders = "mfn" if nouns(lang)[name].gender == "n" else "mf"
            if not written or forms.get("gender", "n") not in [*genders]:
                raise self.bad(place, dict(forms), TERM)

    def table(self, name: str, content: Any) -> TableConfig:
        self.keys("tables.", {name: content}, set(TABLES))
        place = f"tables.{name}."
        self.keys(place, content, {f.name for f in dataclasses.fields(TableConfig)})
        origins = [key for key in ("file", "table", "query") if key in content]
        if len(origins) > 1:
            raise self.bad(place + origins[1], content[origins[1]], origins[0])
        for key, allowed in (("date_order", DATE_ORDERS), ("decimal", DECIMALS)):
            if key in content and content[key] not in allowed:
                raise self.bad(place + key, content[key], ", ".join(allowed))
        deduplicate = tuple(content.get("deduplicate", ()))
        return TableConfig(**{**content, "deduplicate": deduplicate})
