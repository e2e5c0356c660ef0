"""What was decided in a meeting, as a page, a PDF and slides to hand round."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from kpi_helpers import funnel
from kpi_helpers.actions import states
from kpi_helpers.actions.keeping import day_of
from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.errors import KpiError
from kpi_helpers.language import text, texts
from kpi_helpers.periods import Period, label
from kpi_helpers.reports.agreed import kept
from kpi_helpers.reports.exporting import check_forms
from kpi_helpers.reports.page import page
from kpi_helpers.reports.record import described, fingerprint
from kpi_helpers.sheets.table import build, plain
from kpi_helpers.sources.brand import brand
from kpi_helpers.sources.saving import all_updated
from kpi_helpers.units import DAYS, MONTHS, write, write_date, write_relative
from kpi_helpers.wording import what_if_findings
from kpi_helpers.wording.bottleneck import step_name

if TYPE_CHECKING:
    from kpi_helpers.sources import Dataset

ENDED = ("done", "done_late", "dropped")
GRAINS = ("month", "quarter", "year")
ON_A_SLIDE = 5
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


def protocol(data: Dataset) -> str:
    """Return the page of what was decided: no code, no network, as those of a report.

    Parameters
    ----------
    data : Dataset
        What `kpi_helpers.reports.opened` returns, of a project.
    """
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

    lang = data.config.lang
    cells = [new_markdown_cell(f"# {_text('title', lang)}\n\n{_text('about', lang)}")]
    for part in decided(data) or [Part("nothing", [])]:
        said = "\n\n".join([f"## {_text(part.name, lang)}", _text(f"{part.name}_about", lang)])
        table = build(f"protocol-{part.name}", part.lines, lang, _headings(part, lang))
        output = new_output("display_data", {"text/html": table._repr_html_()})
        cells += [new_markdown_cell(said), *([new_code_cell(outputs=[output])] * bool(part.lines))]
    return page(new_notebook(cells=cells), _facts(data), lang, brand=brand(data.config))


def write_protocol(data: Dataset, folder: Path | str, forms: Sequence[str] = ()) -> list[Path]:
    """Write what was decided as a page and, where asked, a PDF and slides: all of them or none.

    Parameters
    ----------
    data : Dataset
        As for `protocol`.
    folder : Path
        Files are named ``protocol-<last day of the data>``; those of before are replaced.
    forms : sequence of str
        ``pdf``, ``pptx``.

    Raises
    ------
    KpiError
        For a form that cannot be made here, and a file that cannot be written.
    """
    check_forms(forms)
    made = {"html": protocol(data).encode()}
    if "pdf" in forms:
        from kpi_helpers.reports.pdf import print_page

        made["pdf"] = print_page(made["html"].decode(), str(data.as_of))
    if "pptx" in forms:
        made["pptx"] = _slides(data)
    files = {Path(folder) / f"protocol-{data.as_of}.{form}": own for form, own in made.items()}
    all_updated({path: partial(_instead, own) for path, own in files.items()})
    return list(files)


def _instead(new: bytes, old: bytes | None) -> bytes:
    return new


def _slides(data: Dataset) -> bytes:
    from kpi_helpers.reports import deck

    lang, facts, content = data.config.lang, _facts(data), BytesIO()
    slides, colon = deck.begun(), text("export.colon", lang)
    title = " · ".join([data.name, _text("title", lang)])
    deck.told(slides, title, [f"{name}{colon}{said}" for name, said in facts.items()])
    for part in decided(data):
        for first in range(0, len(part.lines), ON_A_SLIDE):
            lines = part.lines[first : first + ON_A_SLIDE]
            columns = [of for of in lines[0] if any(line[of] for line in lines)]
            cells = [[plain(line[of]) or "–" for of in columns] for line in lines]
            head = [_headings(part, lang)[of] for of in columns]
            slide = deck.begin(slides, _text(part.name, lang))
            deck.table_of(slide, [head, *cells], deck.BODY)
            deck.note(slide, [_text(f"{part.name}_about", lang)])
    deck.save(slides, content, [title])
    return content.getvalue()


def _facts(data: Dataset) -> dict[str, str]:
    """What stands at the top: whose decisions, who was there, on which data."""
    lang, config = data.config.lang, data.config
    said = {
        "company": data.name,
        "as_of": write_date(data.as_of, lang),
        "owner": config.owner,
        "audience": config.audience,
        "participants": ", ".join(config.participants),
        "fingerprint": fingerprint(described(data)),
    }
    return {text(f"report.facts.{name}", lang): value for name, value in said.items() if value}


def _kpis(data: Dataset) -> Lines:
    lang, config = data.config.lang, data.config
    targets = _targets(data)
    return [
        {
            "kpi": REGISTRY[kpi].label(lang),
            "definition": "\n".join([REGISTRY[kpi].definition(lang), *_settings(data, kpi)]),
            "target": "\n".join(targets.get(kpi, ())),
            "owner": config.owners.get(kpi, ""),
        }
        for kpi in config.kpis
    ]


def _settings(data: Dataset, kpi: str) -> Iterator[str]:
    """What the settings add to the definition of a KPI."""
    lang, config = data.config.lang, data.config
    if kpi in config.windows:
        days = config.windows[kpi]
        shown = write(days, DAYS, lang) if days else _text("no_window", lang)
        yield _text("window", lang, days=shown)
    if kpi in config.lags:
        yield _text("lag", lang, months=write(config.lags[kpi], MONTHS, lang))
    if kpi in config.use:
        yield _text("use", lang, kpi=REGISTRY[config.use[kpi]].label(lang))


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
    columns = ("old_definition", "new_definition", "reason", "decided_by")
    return [
        {"date": _day(row["date"], data), "kpi": _kpi(row["kpi_id"], data)}
        | {of: row.get(of, "") for of in columns}
        for row in _recent(data, "kpi_log")
    ]


def _actions(data: Dataset) -> Lines:
    rows = _rows(data, "actions")
    rows = rows.assign(state=states(rows, data.as_of)) if len(rows) else rows
    return [
        {
            "action": row.get("action") or row.get("finding", ""),
            "kpi": _kpi(row.get("kpi_id", ""), data),
            "owner": row.get("owner", ""),
            "start_date": _day(row.get("start_date", ""), data),
            "due_date": _day(row.get("due_date", ""), data),
            "effect": f"{row.get('expected_effect', '')} {row.get('expected_unit', '')}".strip(),
            "state": text(f"effects.outcome.{row['state']}", data.config.lang),
        }
        for row in rows.to_dict("records")
        if row["state"] not in ENDED
    ]


def _events(data: Dataset) -> Lines:
    kinds = texts(data.config.lang)
    return [
        {
            "date": _day(row["date"], data),
            "label": row["label"],
            "type": kinds.get(f"protocol.kinds.{row.get('type')}", row.get("type", "")),
        }
        for row in _recent(data, "events")
    ]


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


def _kpi(said: str, data: Dataset) -> str:
    return REGISTRY[said].label(data.config.lang) if said in REGISTRY else said


def _day(said: str, data: Dataset) -> str:
    day = day_of(said)
    return write_date(day, data.config.lang) if day else said


def _headings(part: Part, lang: str) -> dict[str, str]:
    columns = part.lines[0] if part.lines else {}
    return {of: _text(f"columns.{of}", lang) for of in columns}


def _text(key: str, lang: str, **values: str) -> str:
    return text(f"protocol.{key}", lang, **values)
