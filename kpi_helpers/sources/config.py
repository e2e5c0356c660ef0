"""The settings of a project: ``kpi.toml`` read, checked and frozen."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import hashlib
import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kpi_helpers.errors import BadConfig, BadInput, first_line, unknown
from kpi_helpers.language import Phrase, Terms
from kpi_helpers.periods import Calendar
from kpi_helpers.sources.checking import SCHEMA, check_settings, check_table

FILE_NAME = "kpi.toml"
DEEPEST_KEY = 50
_PART = r"""(?:(?<![\w-])[\w-]+|"[^"\n]*"|'[^'\n]*')"""
DEEP_KEY = re.compile(rf"(?:{_PART}[ \t]*\.[ \t]*){{{DEEPEST_KEY}}}")  # slow for the reader of TOML


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
    source_time_zone
        Zone of this table's clock times, where it is not that of the settings.
    entered
        Stage → column of the source that holds the day of entering it: each is a row.
    changes_of
        Rows on which this column is what it was on the row before of the same key are left out
        and listed.
    deduplicate
        Columns that identify a row; later rows with the same values are left out and listed.
    tax_included
        The rate of tax that the amounts include, such as ``0.2``; it is taken out.
    """

    file: str | None = None
    table: str | None = None
    query: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    derived: Mapping[str, str] = field(default_factory=dict)
    date_order: str | None = None
    decimal: str | None = None
    source_time_zone: str | None = None
    entered: Mapping[str, str] = field(default_factory=dict)
    changes_of: str | None = None
    deduplicate: tuple[str, ...] = ()
    tax_included: float | None = None


@dataclass(frozen=True)
class Config:
    """Everything that a project decides; see README for the file's form.

    ``owner`` answers for the report and ``audience`` reads it: both stand at the top of its pages;
    ``participants`` are those who decide, named in the protocol of what was decided.
    ``windows`` are days (``None`` for no window), ``lags`` are months, ``stages`` is the order of
    the stages, ``stages_from`` that from a day on (ISO text), ``segments`` are named filters,
    ``use`` names a KPI that stands in for another (``revenue = "bookings"``), ``terms`` are the
    company's own words for the nouns of the texts (lead, deal), by language. ``targets`` hold
    ``metric, period, value`` and, for a team or rep, ``scope_type`` and ``scope_value``.
    ``personal`` says whether addresses, telephone numbers and free text are hidden at the door
    (``hash``) or kept. ``customers`` says whether those without an id in common are joined by
    ``name`` or by ``id`` alone; ``snapshots`` is a folder of dated copies of the deals; ``pay``
    names under ``kpis`` those on which anybody's pay hangs; ``owners`` are who answers for a KPI.
    ``brand`` holds the file of a ``logo`` and one or two ``colours`` of the pages.
    ``business`` says by ``model, maturity, objective`` and ``decides`` which KPIs fit.
    ``scenarios`` are what-ifs that were agreed, each a ``name`` and factors (see
    ``funnel.what_if``); ``workshop`` holds the values of each control's fields, by its name.
    """

    schema: int = SCHEMA
    name: str = ""
    owner: str = ""
    audience: str = ""
    participants: tuple[str, ...] = ()
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
    personal: str = "hash"
    pay: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    stages: tuple[str, ...] = ()
    stages_from: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    windows: Mapping[str, int | None] = field(default_factory=dict)
    lags: Mapping[str, int] = field(default_factory=dict)
    segments: Mapping[str, str] = field(default_factory=dict)
    targets: tuple[Mapping[str, Any], ...] = ()
    kpis: tuple[str, ...] = ()
    use: Mapping[str, str] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    business: Mapping[str, str] = field(default_factory=dict)
    scenarios: tuple[Mapping[str, Any], ...] = ()
    workshop: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    terms: Terms = field(default_factory=dict)
    brand: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, TableConfig] = field(default_factory=dict)
    customers: str = "name"
    snapshots: str | None = None
    file: str = FILE_NAME

    @property
    def lang(self) -> str:
        """Language of notes and labels."""
        return self.language

    @property
    def calendar(self) -> Calendar:
        """The fiscal calendar of the project."""
        return Calendar(fiscal_start=self.fiscal_start, country=self.country)

    def stages_on(self, day: dt.date) -> tuple[str, ...]:
        """The order of the stages on a day.

        Examples
        --------
        >>> config = Config(stages=("A", "B"), stages_from={"2026-07-01": ("A", "C")})
        >>> config.stages_on(dt.date(2026, 6, 30)), config.stages_on(dt.date(2026, 7, 1))
        (('A', 'B'), ('A', 'C'))
        """
        begun = [each for each in self.stages_from if dt.date.fromisoformat(each) <= day]
        return self.stages_from[max(begun)] if begun else self.stages

    @property
    def all_stages(self) -> tuple[str, ...]:
        """Every stage that the settings name, on whatever day."""
        return tuple(dict.fromkeys([*self.stages, *sum(self.stages_from.values(), ())]))

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
        Naming the file, the key, the value and what was expected; the line where it is no TOML.
    UnknownName
        When there is no such file.

    Examples
    --------
    >>> read_config({"schema": 1, "currency": "GBP"}).currency
    'GBP'
    """
    if isinstance(config, Config):
        return config
    if isinstance(config, Mapping):
        return _checked(copy.deepcopy(dict(config)), FILE_NAME)
    if config is not None and not isinstance(config, str | os.PathLike):
        raise BadInput(value=type(config).__name__, expected=Phrase("expected.config"))
    path = Path(config) if config is not None else _beside(folder)
    return Config() if path is None else _checked(_content(path), str(path))


def said(key: str, config: Any = None, folder: Path | None = None) -> Any:
    """Return what settings, found as by `read_config`, say themselves of a key; else None."""
    if isinstance(config, Config):
        return getattr(config, key)
    if isinstance(config, Mapping):
        return config.get(key)
    path = Path(config) if config is not None else _beside(folder)
    return None if path is None else _content(path).get(key)


def _content(path: Path) -> dict[str, Any]:
    try:
        written = path.read_text(encoding="utf-8-sig")
        if odd := DEEP_KEY.search(written):
            line = written.count("\n", 0, odd.start()) + 1
            raise BadInput("deep_key", file=path.name, line=line, most=DEEPEST_KEY)
        return tomllib.loads(written)
    except FileNotFoundError as error:
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        shown = [name for name in beside if not name.startswith(".")]
        raise unknown("file", path.name, shown) from error
    except (OSError, RecursionError, ValueError) as error:  # ValueError: no TOML, no UTF-8
        raise BadConfig("bad_toml", file=path.name, reason=first_line(error)) from error


def _beside(folder: Path | None) -> Path | None:
    if folder is None:
        return None
    places = (folder / FILE_NAME, folder.parent / FILE_NAME)
    return next((place for place in places if os.path.isfile(place)), None)


def _checked(content: dict[str, Any], file: str) -> Config:
    name = Path(file).name
    check_settings(name, content, {f.name for f in dataclasses.fields(Config)} - {"file"})
    windows = content.get("windows", {})
    content["windows"] = {kpi: None if d == "none" else d for kpi, d in windows.items()}
    content["tables"] = {
        table: _table(name, table, own) for table, own in content.get("tables", {}).items()
    }
    for key in ("stages", "kpis", "participants", "targets", "scenarios"):
        content[key] = tuple(content.get(key, ()))
    content["pay"] = {key: tuple(kpis) for key, kpis in content.get("pay", {}).items()}
    dated = content.get("stages_from", {})
    content["stages_from"] = {str(day): tuple(names) for day, names in dated.items()}
    if "as_of" in content:
        content["as_of"] = str(content["as_of"])
    return Config(**content, file=file)


def _table(file: str, name: str, content: Any) -> TableConfig:
    check_table(file, name, content, {f.name for f in dataclasses.fields(TableConfig)})
    return TableConfig(**{**content, "deduplicate": tuple(content.get("deduplicate", ()))})
