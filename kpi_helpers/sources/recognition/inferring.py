"""From a recognised table to its settings, as a person would write them in ``kpi.toml``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir

from kpi_helpers.errors import BadInput
from kpi_helpers.sources import parsing
from kpi_helpers.sources.casts import as_text
from kpi_helpers.sources.config import Config, TableConfig
from kpi_helpers.sources.engine import frame_of, number_of
from kpi_helpers.sources.expressions import names_in
from kpi_helpers.sources.files.headers import ASIDE, ROW_FACTS
from kpi_helpers.sources.mapping import found_columns
from kpi_helpers.sources.reading import STATUS_WORDS
from kpi_helpers.sources.recognition.matching import Match
from kpi_helpers.sources.recognition.names import dimension_names, header_key, unit_of
from kpi_helpers.sources.schema import Table
from kpi_helpers.sources.tables import STAND_INS


def inferred(con: Any, raw: ir.Table, match: Match, config: Config) -> TableConfig:
    """The settings of a table with what is recognised added; what they say already stays.

    Parameters
    ----------
    con
        Connection of the table, asked which words its columns hold.
    raw
        The table as it comes.
    match
        What its headers were recognised as.
    config
        The project's settings.
    """
    table = match.profile.table
    own = config.table(table.name)
    decided = {*own.columns, *_replaced(match, own)}
    found = {
        name: source
        for name, source in match.found.items()
        if name in table.names and name not in decided and source not in own.columns.values()
    }
    for name, other in STAND_INS.get(table.name, {}).items():
        if other in found and name not in {*found, *match.derived, *decided}:
            found[name] = found[other]
    columns = {**found, **own.columns}
    spec = dataclasses.replace(own, columns=columns)
    named = _named(raw, match, spec)
    derived = {n: text.format_map(named) for n, text in match.derived.items() if n not in decided}
    share = found.get("probability_crm")
    if share is not None and _largest(con, raw[share]) > 1:
        derived = {"probability_crm": "probability_crm / 100", **derived}
    derived = {**derived, **own.derived}
    values = _values(con, raw, match, columns, config)
    return dataclasses.replace(
        spec,
        derived=derived,
        values={**values, **own.values},
        source_time_zone=own.source_time_zone or _habit(match, "source_time_zone"),
        changes_of=own.changes_of or match.profile.changes_of,
    )


def _replaced(match: Match, own: TableConfig) -> set[str]:
    """The columns of an expression, but those that only go on from what the source holds."""
    told = {name for name, source in match.found.items() if unit_of(source) == 1} - {*match.derived}
    return {n for n, text in own.derived.items() if n not in told or n not in names_in(text)}


def _habit(match: Match, name: str) -> str | None:
    return match.profile.habits.get(match.language, {}).get(name)


def _named(raw: ir.Table, match: Match, spec: TableConfig) -> dict[str, str]:
    """What each part is called once the table is mapped."""
    table = match.profile.table
    sources = found_columns(raw.columns, table, spec)
    own = dimension_names(raw.columns, table, {*sources.values(), *ROW_FACTS})
    known = {source: name for name, source in [*own.items(), *sources.items()]}
    return {part: known[source] for part, source in match.found.items() if source in known}


def in_units(
    con: Any, raw: ir.Table, table: Table, spec: TableConfig, file: str | None = None
) -> TableConfig:
    """The settings of a table with amounts under a header in thousands as expressions.

    Parameters
    ----------
    con, raw
        The table as it comes, and its connection.
    table
        The canonical table.
    spec
        Its settings, whoever named the columns; an expression that they hold is left as it is.
    file
        Where the table comes from, for messages.

    Raises
    ------
    BadInput
        When some amounts say that they are thousands, under a header that says it too.
    """
    scaled = {
        name: f"{name} * {unit_of(source)}"
        for name, source in spec.columns.items()
        if unit_of(source) > 1 and _kind(table.column(name)) == "number"
        if name not in spec.derived and source in raw.columns
        if not _says_unit(con, raw, source, file)
    }
    return dataclasses.replace(spec, derived={**scaled, **spec.derived}) if scaled else spec


def _kind(column: Any) -> str | None:
    return column.type if column else None


def _says_unit(con: Any, raw: ir.Table, source: str, file: str | None) -> bool:
    """Whether the cells themselves say that they are thousands or millions, as ``12 k€`` does."""
    if not raw[source].type().is_string():
        return False
    rows = raw.filter(raw[ASIDE].isnull()) if ASIDE in raw.columns else raw
    said, filled = (rows[source].re_search(form).sum() for form in ("[0-9] *[kKM]", "[0-9]"))
    counts = frame_of(con, rows.aggregate(said=said, filled=filled)).fillna(0).iloc[0]
    if 0 < counts["said"] < counts["filled"]:
        counted = {"said": int(counts["said"]), "rows": int(counts["filled"])}
        raise BadInput("mixed_units", file=file, column=source, **counted)
    return bool(counts["said"])


def _largest(con: Any, value: ir.Value) -> float:
    if value.type().is_string():
        text = parsing.clean(value)
        value = ibis.coalesce(parsing.as_number(text, "."), parsing.as_number(text, ","))
    return number_of(con, value.max()) if value.type().is_numeric() else 0.0


def _values(
    con: Any, raw: ir.Table, match: Match, columns: Mapping[str, str], config: Config
) -> dict[str, dict[str, str]]:
    """The words of the source, column by column, that stand for those of the kit."""
    known = {name: dict(words) for name, words in match.profile.values.items()}
    if "status" in match.profile.table.names:
        known["status"] = _status_words(config) | known.get("status", {})
    meant: dict[str, dict[str, str]] = {}
    for name, words in known.items():
        sources = {columns.get(each, match.found.get(each)) for each in match.reads(name)}
        found = _words(con, raw, [source for source in sources if source])
        pairs = {word: words[header_key(word)] for word in found if header_key(word) in words}
        changed = {word: meaning for word, meaning in pairs.items() if word != meaning}
        meant |= {name: changed} if changed else {}
    return meant


def _status_words(config: Config) -> dict[str, str]:
    """Won and lost by their usual names; the other stages of the settings are open."""
    usual = {header_key(word): name for name, ws in STATUS_WORDS.items() for word in ws.split(", ")}
    return {**dict.fromkeys(map(header_key, config.all_stages), "open"), **usual}


def _words(con: Any, raw: ir.Table, sources: list[str]) -> list[str]:
    """Every word that some columns hold, in order."""
    found: set[str] = set()
    for source in sources:
        distinct = as_text(raw[source]).name("word").as_table().distinct()
        found |= {*frame_of(con, distinct)["word"].dropna()}
    return sorted(found)
