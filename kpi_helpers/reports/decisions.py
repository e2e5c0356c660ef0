"""What was decided, part by part, as the settings and registers of a project have it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from kpi_helpers import funnel
from kpi_helpers.actions import states
from kpi_helpers.actions.definitions import as_settings
from kpi_helpers.actions.keeping import day_of
from kpi_helpers.actions.measuring import as_announced
from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.errors import KpiError
from kpi_helpers.language import text, texts
from kpi_helpers.periods import Period, label
from kpi_helpers.reports.agreed import kept
from kpi_helpers.sources.config import Config, read_config
from kpi_helpers.units import DAYS, MONTHS, write, write_date, write_relative
from kpi_helpers.wording import what_if_findings
from kpi_helpers.wording.bottleneck import step_name
from kpi_helpers.wording.effects import announced
from kpi_helpers.wording.lines import Look

if TYPE_CHECKING:
    from kpi_helpers.sources import Dataset

ENDED = ("done", "done_late", "dropped")
GRAINS = ("month", "quarter", "year")
Lines = list[dict[str, str]]


class Part(NamedTuple):
    """Decisions of a kind: its name, and a line of column → text for each."""

    name: str
    lines: Lines


def decided(data: Dataset) -> list[Part]:
    """Return what was decided, as the settings and registers of a project have it.

    The KPIs that were chosen, with definition and targets; the scenarios, with what they would
    bring; definitions that changed and events, since the start of the quarter in which the data
    end; and the actions that are neither done nor dropped. Parts without a line are left out.
    """
    makers: dict[str, Callable[[Dataset], Lines]] = {
        "kpis": _kpis,
        "scenarios": _scenarios,
        "definitions": _definitions,
        "actions": _actions,
        "events": _events,
    }
    parts = [Part(name, make(data)) for name, make in makers.items()]
    return [part for part in parts if part.lines]


def _kpis(data: Dataset) -> Lines:
    lang, config = data.config.lang, data.config
    targets = _targets(data)

    def definition(kpi: str) -> str:
        return REGISTRY[kpi].definition(lang)

    return [
        {
            "kpi": REGISTRY[kpi].label(lang),
            "definition": "\n".join(
                [REGISTRY[kpi].definition(lang), *_settings(config, kpi, lang)]
            ),
            "target": "\n".join(targets.get(kpi, ())),
            "owner": config.owners.get(kpi, ""),
        }
        for kpi in config.kpis
    ]


def _settings(config: Config, kpi: str, lang: str) -> Iterator[str]:
    """What settings add to the definition of a KPI."""
    if kpi in config.windows:
        days = config.windows[kpi]
        shown = write(days, DAYS, lang) if days else _text("no_window", lang)
        yield _text("window", lang, days=shown)
    if kpi in config.lags:
        yield _text("lag", lang, months=write(config.lags[kpi], MONTHS, lang))
    if kpi in config.use:
        yield _text("use", lang, kpi=_kpi(config.use[kpi], lang))


def _targets(data: Dataset) -> dict[str, list[str]]:
    """The company's targets for periods that are not over: KPI → each as it is told."""
    found: dict[str, list[str]] = {}
    rows = data["targets"] if "targets" in data.tables else pd.DataFrame()
    for row in rows.to_dict("records"):
        first, last = (pd.Timestamp(row[f"period_{end}"]).date() for end in ("start", "end"))
        of_all = row["scope_type"] == "company" and row["metric"] in REGISTRY
        if of_all and last > data.as_of:
            period = label(_period(data, first, last), data.config.lang)
            unit = REGISTRY[row["metric"]].unit
            value = write(row["value"], unit, data.config.lang, data.config.currency)
            said = _text("target", data.config.lang, period=period, value=value)
            found.setdefault(row["metric"], []).append(said)
    return found


def _period(data: Dataset, first: dt.date, last: dt.date) -> Period:
    end, calendar = last + dt.timedelta(days=1), data.config.calendar
    named = (calendar.at(first, grain) for grain in GRAINS)
    spans = (each for each in named if (each.start, each.end) == (first, end))
    return next(spans, Period(f"{first}:{last}", first, end, "span"))


def _scenarios(data: Dataset) -> Lines:
    """Each scenario: its levers, and what it would bring, or why that is not known."""
    config, lang = data.config, data.config.lang
    if not config.scenarios:
        return []
    look: dict[str, Any] = {"lang": lang, "terms": config.terms, "currency": config.currency}
    try:
        found = funnel.agreed(data, funnel.outlook(data))
        told = list(what_if_findings(found, **look)["sentence"])
    except KpiError as error:
        told = [error.render(lang)] * len(config.scenarios)
    return [
        {"scenario": each["name"], "levers": _levers(data, each), "brings": said}
        for each, said in zip(config.scenarios, told, strict=True)
    ]


def _levers(data: Dataset, scenario: Mapping[str, Any]) -> str:
    lang, terms = data.config.lang, data.config.terms
    factors = {of: scenario[of] for of in ("volume", "cycle", "amount") if of in scenario}
    moved = {of: by for of, by in (factors | scenario.get("rates", {})).items() if by != 1}
    return "\n".join(
        f"{step_name(of, lang, terms)} {write_relative(by - 1, lang, 0)}"
        for of, by in moved.items()
    )


def _definitions(data: Dataset) -> Lines:
    lang = data.config.lang
    return [
        {"date": _day(row["date"], lang), "kpi": _kpi(row["kpi_id"], lang)}
        | {of: _meaning(row.get(of, ""), lang) for of in ("old_definition", "new_definition")}
        | {of: row.get(of, "") for of in ("reason", "decided_by")}
        for row in _recent(data, "kpi_log")
    ]


def _meaning(said: str, lang: str) -> str:
    """A definition as it was logged; one that is written as in a kpi.toml in words."""
    given = as_settings(said)
    if not given or "where" in given:
        return said
    config = read_config(given)
    kpis = dict.fromkeys(kpi for table in given.values() for kpi in table)
    return "\n".join(line for kpi in kpis for line in _settings(config, kpi, lang)) or said


def _actions(data: Dataset) -> Lines:
    lang, rows = data.config.lang, _rows(data, "actions")
    rows = rows.assign(state=states(rows, data.as_of)) if len(rows) else rows
    return [
        {
            "action": row.get("action") or row.get("finding", ""),
            "kpi": _kpi(row.get("kpi_id", ""), lang),
            "owner": row.get("owner", ""),
            "start_date": _day(row.get("start_date", ""), lang),
            "due_date": _day(row.get("due_date", ""), lang),
            "effect": effect_of(row, data),
            "state": text(f"effects.outcome.{row['state']}", lang),
        }
        for row in rows.to_dict("records")
        if row["state"] not in ENDED
    ]


def effect_of(row: Mapping[Any, str], data: Dataset) -> str:
    """Return the announced effect as reports tell it; as it was written where it has no unit."""
    said, kpi = row.get("expected_effect", ""), REGISTRY.get(row.get("kpi_id", ""))
    effect, unit = pd.to_numeric(said, errors="coerce"), kpi.unit if kpi else ""
    meant = as_announced(effect, row.get("expected_unit", ""), unit)
    look = Look(data.config.lang, data.config.terms, data.config.currency)
    return announced({**meant, "unit": unit}, look) or said


def _events(data: Dataset) -> Lines:
    lang = data.config.lang
    lines = []
    for row in _recent(data, "events"):
        kind, key = row.get("type", ""), f"protocol.kinds.{row.get('type')}"
        said = text(key, lang) if key in texts(lang) else kind
        lines.append({"date": _day(row["date"], lang), "label": row["label"], "type": said})
    return lines


def _recent(data: Dataset, name: str) -> list[dict[str, str]]:
    """The rows of a register since the quarter of the data began, those of today too."""
    since = data.config.calendar.at(data.as_of, "quarter").start
    rows = [{str(k): v for k, v in row.items()} for row in _rows(data, name).to_dict("records")]
    return [row for row in rows if (day_of(row["date"]) or dt.date.min) >= since]


def _rows(data: Dataset, name: str) -> pd.DataFrame:
    """A register as text: as it lies on disk, what was written after the data end included."""
    path = data.paths.get(name)
    on_disk = path is not None and path.suffix.lower() in (".csv", ".xlsx") and path.exists()
    if on_disk and not data.masked:
        return kept(data, name)
    if name not in data.tables:
        return pd.DataFrame()
    rows = data[name].astype(object)
    return rows.where(rows.notna(), "").map(str)


def _kpi(said: str, lang: str) -> str:
    return REGISTRY[said].label(lang) if said in REGISTRY else said


def _day(said: str, lang: str) -> str:
    day = day_of(said)
    return write_date(day, lang) if day else said


def _text(key: str, lang: str, **values: str) -> str:
    return text(f"protocol.{key}", lang, **values)
