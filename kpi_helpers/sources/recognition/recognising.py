"""Which vendor wrote each raw table, which canonical table it is, and the settings that follow.

What is recognised becomes settings like those of ``kpi.toml``, which win over it; everything
after this reads settings only. A table that canonical names already supply is read by these alone,
and one that settings supply too, unless its headers are a vendor's for certain.
"""

from __future__ import annotations

import dataclasses

import ibis.expr.types as ir

from kpi_helpers.errors import BadInput
from kpi_helpers.language import Phrase
from kpi_helpers.periods import zone_of
from kpi_helpers.sources.config import Config, TableConfig
from kpi_helpers.sources.files.headers import ROW_FACTS
from kpi_helpers.sources.files.readers import Source
from kpi_helpers.sources.mapping import found_columns
from kpi_helpers.sources.recognition.inferring import in_units, inferred
from kpi_helpers.sources.recognition.matching import Match, best
from kpi_helpers.sources.recognition.names import header_key
from kpi_helpers.sources.recognition.origins import Origin, origins, two_files
from kpi_helpers.sources.recognition.profiles import stages_in
from kpi_helpers.sources.tables import TABLES

Found = dict[str, tuple[Origin, Match | None]]


def recognised(source: Source, config: Config) -> tuple[Config, Found]:
    """The origin of every canonical table, and the settings with what its headers say added.

    Parameters
    ----------
    source
        The open source.
    config
        The project's settings. Where they say the origin of any table, files that they do not
        name are left alone.

    Returns
    -------
    tuple
        The settings; canonical table → its origin and, where its columns bear no canonical names,
        what they were recognised as.

    Raises
    ------
    BadInput
        When two files are recognised as one table.
    """
    named = origins(source, config)
    found: Found = {
        name: (origin, _match(source, origin, name, config)) for name, origin in named.items()
    }
    if source.files and not any(map(says_origin, config.tables.values())):
        found |= _by_headers(source, found)
    tables = dict(config.tables)
    for name, (origin, match) in found.items():
        if match is not None and match.fits and not match.is_kit:
            raw = origin.read(source)
            _check_alike(_headers(raw), match, config.table(name), origin.label)
            tables[name] = inferred(source.con, raw, match, config)
    found |= _entries(source, found, config, tables)
    zone = config.time_zone or (zone_of(config.country) if tables != config.tables else None)
    tables |= {
        name: in_units(source.con, origin.read(source), TABLES[name], tables[name], origin.label)
        for name, (origin, _) in found.items()
        if name in tables
    }
    ordered = {name: found[name] for name in TABLES if name in found}
    return dataclasses.replace(config, tables=tables, time_zone=zone), ordered


def says_origin(spec: TableConfig) -> bool:
    """Whether the settings say where a table comes from."""
    return bool(spec.file or spec.table or spec.query)


def _match(source: Source, origin: Origin, name: str, config: Config) -> Match | None:
    """What the columns of a table whose name is known were recognised as, where they need it."""
    raw, table = origin.read(source), TABLES[name]
    spec = config.table(name)
    supplied = {*found_columns(raw.columns, table, spec, origin.label), *spec.derived}
    enough = {*table.required} <= supplied
    if spec.entered or (enough and not spec.columns):
        return None
    match = best(_headers(raw), table)
    return match if match.is_sure or not enough else None


def _headers(raw: ir.Table) -> list[str]:
    return [name for name in raw.columns if name not in ROW_FACTS]


def _check_alike(headers: list[str], match: Match, spec: TableConfig, file: str) -> None:
    """Refuse a label that stands over two columns, unless the settings say which is meant."""
    for name, source in match.found.items():
        alike = [each for each in headers if header_key(each) == header_key(source)]
        if len(alike) > 1 and name not in spec.columns and match.profile.table.column(name):
            raise BadInput("two_columns", file=file, column=name, candidates=alike)


def _by_headers(source: Source, found: Found) -> Found:
    """The other raw tables, by their headers; a single one is what they are nearest to."""
    used = {origin.raw for origin, _ in found.values()}
    more: dict[str, list[tuple[str, Match]]] = {}
    for raw in source.names:
        match = None if raw in used else _guessed(source, raw)
        if match is not None and match.profile.table.name not in found:
            more.setdefault(match.profile.table.name, []).append((raw, match))
    for name, alike in more.items():
        if len(alike) > 1:
            raise two_files(source, [raw for raw, _ in alike], name)
    if not more and not found and len(source.names) == 1:
        (raw,) = source.names
        source.passed.pop(source.label(raw), None)
        match = _nearest(_headers(source.table(raw)))
        more[match.profile.table.name] = [(raw, match)]
    return {
        name: (Origin(raw, None, source.label(raw)), None if match.is_kit else match)
        for name, ((raw, match),) in more.items()
    }


def _nearest(headers: list[str]) -> Match:
    """What a single table is taken for, to say what it lacks: deals, where they are as near."""
    tried = (best(headers, table) for table in TABLES.values())
    return max(tried, key=lambda match: (match.fits, match.known))


def _guessed(source: Source, raw: str) -> Match | None:
    """What a raw table is by its headers; a file that nobody named may be anything."""
    label = source.label(raw)
    try:
        match = best(_headers(source.table(raw)))
    except BadInput as error:
        source.passed[label] = error
        return None
    if not match.is_sure:
        nothing = Phrase("files.unasked")
        source.passed[label] = Phrase("files.unlike", match.said) if match.known else nothing
    return match if match.is_sure else None


def _entries(source: Source, found: Found, config: Config, tables: dict[str, TableConfig]) -> Found:
    """The stage history that stands in the deals' own columns, one for each stage."""
    origin, match = found.get("deals", (None, None))
    if origin is None or "stage_history" in found or (match is not None and match.missing):
        return {}
    deals = tables.get("deals", TableConfig())
    own, raw = config.table("stage_history"), origin.read(source)
    entered = own.entered or (stages_in(_headers(raw)) if match is None else match.entered)
    if not entered:
        return {}
    named = {header_key(name): name for name in config.all_stages}
    key = found_columns(raw.columns, TABLES["deals"], deals, origin.label)["deal_id"]
    tables["stage_history"] = dataclasses.replace(
        own,
        columns={"deal_id": key, **own.columns},
        entered={named.get(header_key(stage), stage): name for stage, name in entered.items()},
        source_time_zone=own.source_time_zone or deals.source_time_zone,
    )
    return {"stage_history": (origin, match)}
