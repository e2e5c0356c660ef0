"""From a raw table to a canonical one: columns found, their text read by our rules."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir

from kpi_helpers.errors import BadConfig, BadInput, MissingColumn, unknown
from kpi_helpers.language import Phrase
from kpi_helpers.sources import parsing
from kpi_helpers.sources.casts import as_text, tidy_columns
from kpi_helpers.sources.config import Config, TableConfig
from kpi_helpers.sources.derived import unbound
from kpi_helpers.sources.engine import number_of
from kpi_helpers.sources.expressions import compile_expression
from kpi_helpers.sources.files.headers import LINE, ROW_FACTS
from kpi_helpers.sources.parsing import Decision
from kpi_helpers.sources.reading import Reader
from kpi_helpers.sources.recognition.matching import Match, candidates
from kpi_helpers.sources.recognition.names import dimension_names, fold
from kpi_helpers.sources.schema import WAITED, Column, Table
from kpi_helpers.sources.tables import STAND_INS, WAITS

TEXT_PREFIX = "_text_"
TAXED = ("amount", "amount_net", "list_amount", "unit_price")
SAME = "_kpi_same"


@dataclass(frozen=True)
class Mapped:
    """A raw table in canonical columns, and how it was understood.

    ``expr`` holds the canonical columns, the source's other columns as dimensions, the line where
    there is one, and for each column read from text that text under ``_text_<column>``.
    ``columns`` gives the source's name of each canonical column, ``read_as`` how text was read and
    what decided it, ``match`` what the headers were recognised as.
    """

    expr: ir.Table
    table: Table
    columns: Mapping[str, str]
    dimensions: tuple[str, ...]
    read_as: Mapping[str, Decision]
    match: Match | None = None

    @property
    def parsed(self) -> tuple[str, ...]:
        """Canonical columns that were read from text, so that some rows may be unreadable."""
        return tuple(c for c in self.columns if TEXT_PREFIX + c in self.expr.columns)


def map_table(
    con: Any,
    raw: ir.Table,
    table: Table,
    config: Config,
    file: str,
    match: Match | None = None,
) -> Mapped:
    """Map a raw table onto a canonical one.

    Parameters
    ----------
    con
        Connection of the table, asked how its text is to be read.
    raw
        The table as it comes, text or typed.
    table
        The canonical table.
    config
        The project's settings; those of this table decide names, values and reading.
    file
        Where the table comes from, for messages.
    match
        What its headers were recognised as, where they bear no canonical names.

    Raises
    ------
    MissingColumn
        When a required column has no counterpart, with the candidates.
    BadInput
        When a column of text can be read in two ways and nothing decides.
    """
    spec = config.table(table.name)
    if spec.entered:
        raw, spec = _entries(raw, spec)
    usual = match.profile.habits.get(match.language, {}).get("date_order") if match else None
    reader = Reader(con, table, config, file, tidy_columns(con, raw), usual)
    sources = _find_columns(raw, table, spec, _place(file, match))
    known = {c.name: c for c in table}
    values = {n: reader.comparable(raw[s], known[n], s) for n, s in sources.items()}
    orders = reader.orders(raw, values, sources)
    columns = {n: reader.read(v, known[n], orders.get(n)) for n, v in values.items()}
    if reader.spec.tax_included:
        taxed = [name for name in TAXED if name in columns]
        columns |= {name: columns[name] / (1 + reader.spec.tax_included) for name in taxed}
    texts = {
        TEXT_PREFIX + name: reader.clean(value)
        for name, value in values.items()
        if (known[name].type != "text" or known[name].values) and value.type().is_string()
    }
    own = dimension_names(raw.columns, table, {*sources.values(), *ROW_FACTS})
    dimensions = {name: reader.words(raw[source], name) for name, source in own.items()}
    written = _written_currency(reader, raw, sources)
    kept = {name: raw[name] for name in ROW_FACTS if name in raw.columns}
    waits = WAITS.get(table.name, ())
    if config.time_zone and waits and {*waits} <= {*values}:
        since, until = (reader.instant(values[n], orders.get(n)) for n in waits)
        kept[WAITED] = until.epoch_seconds() - since.epoch_seconds()
    expr = raw.select(**columns, **written, **dimensions, **texts, **kept)
    expr, more = _with_derived(reader, expr, spec)
    named = {**sources, **dict.fromkeys(written, sources.get(str(table.money), ""))}
    named |= {name: name for name in spec.derived if name in known and name not in named}
    named |= dict(config.table(table.name).columns)
    other = [*dimensions, *(name for name in spec.derived if name not in known)]
    _check_values(spec, named, known, other)
    return Mapped(expr, table, named, tuple(dict.fromkeys(other)), orders | more, match)


def _with_derived(
    reader: Reader, expr: ir.Table, spec: TableConfig
) -> tuple[ir.Table, dict[str, Decision]]:
    """The table with every column of an expression, and rows without a change marked."""
    read: dict[str, Decision] = {}
    for name, text in spec.derived.items():
        _check_name(reader, expr, name, text)
        expr, decided = _derived(reader, expr, name, text)
        read |= decided
    if spec.changes_of:
        expr = expr.mutate(**{SAME: _is_unchanged(expr, reader.table, spec.changes_of)})
    return expr, read


def _entries(raw: ir.Table, spec: TableConfig) -> tuple[ir.Table, TableConfig]:
    """A row for each deal and stage that it entered, from a column for each stage."""
    kept = {name: raw[name] for name in ROW_FACTS if name in raw.columns}
    for source in (*spec.columns.values(), *spec.entered.values()):
        if source not in raw.columns:
            raise unknown("column", source, [c for c in raw.columns if c not in ROW_FACTS])
    kept |= {name: raw[source] for name, source in spec.columns.items()}
    rows = [
        raw.select(**kept, stage=ibis.literal(stage), entered_at=raw[column])
        for stage, column in spec.entered.items()
    ]
    long = ibis.union(*rows) if len(rows) > 1 else rows[0]
    entered = as_text(long["entered_at"]).notnull()
    return long.filter(entered), dataclasses.replace(spec, columns={}, entered={})


def _is_unchanged(rows: ir.Table, table: Table, column: str) -> ir.BooleanValue:
    """Whether a column holds what it held on the row before of the same thing."""
    keys = [rows[key] for key in table.keys if key not in (column, table.dated)]
    order = [rows[name] for name in (str(table.dated), LINE) if name in rows.columns]
    before = rows[column].lag().over(ibis.window(group_by=keys, order_by=order))
    return (rows[column] == before).fill_null(False)


def _derived(
    reader: Reader, expr: ir.Table, name: str, text: str
) -> tuple[ir.Table, dict[str, Decision]]:
    """The table with a column of an expression, read like one of the source where it is text."""
    place = f"tables.{reader.table.name}.derived.{name}"
    value, column = compile_expression(text, expr, place), reader.table.column(name)
    if column is None:
        return expr.mutate(**{name: value}), {}
    value = reader.comparable(value, column, place)
    if column.type == "text" or not value.type().is_string():
        read = reader.read(value, column)
        return expr.mutate(**{name: read}, **_text_left(expr, name, read)), {}
    expr = expr.mutate(**{TEXT_PREFIX + name: parsing.clean(value)})
    written = expr[TEXT_PREFIX + name]
    order = reader.orders(expr, {name: written}, {name: name})
    return expr.mutate(**{name: reader.read(written, column, order[name])}), order


def _check_name(reader: Reader, expr: ir.Table, name: str, text: str) -> None:
    """Names with a line before them are ours, and engines do not tell names by their capitals."""
    table = reader.table.name
    known = {*expr.columns, *unbound(table).columns} - {name}
    if not name[:1].isalnum() or name.casefold() in map(str.casefold, known):
        file, key = Path(reader.config.file).name, f"tables.{table}.derived.{name}"
        raise BadConfig(file=file, key=key, value=text, expected=Phrase("expected.column_name"))


def _text_left(expr: ir.Table, name: str, value: ir.Value) -> dict[str, ir.Value]:
    """The text of a column that an expression replaces: none where it was read, then dropped."""
    text = TEXT_PREFIX + name
    if text not in expr.columns:
        return {}
    kept = expr[name].isnull() | value.notnull()
    return {text: ibis.ifelse(kept, expr[text], ibis.null("string"))}


def found_columns(
    columns: Iterable[str], table: Table, spec: TableConfig, file: str | None = None
) -> dict[str, str]:
    """The column of the source behind each canonical one: as set, else of its name.

    Raises
    ------
    BadInput
        When two columns bear a canonical name, and nothing says which is meant.
    """
    folded: dict[str, list[str]] = {}
    for source in columns:
        folded.setdefault(fold(re.sub(r" \(\d+\)$", "", source)), []).append(source)
    found = dict(spec.columns)
    for name in table.names:
        if name in folded and name not in found:
            found[name], *others = folded[name]
            if others:
                raise BadInput("two_columns", file=file, column=name, candidates=folded[name])
    return _stood_in(found, table, spec)


def _place(file: str, match: Match | None) -> str:
    """The file and, where a vendor is near, which and how near, for what is missing."""
    if match is None or match.is_kit or not match.fits:
        return file
    return f"{file}: {match.said['vendor']} {match.known}/{match.total}"


def _find_columns(raw: ir.Table, table: Table, spec: TableConfig, file: str) -> dict[str, str]:
    for name, source in spec.columns.items():
        if table.column(name) is None:
            raise unknown("column", name, table.names)
        if source not in raw.columns:
            raise unknown("column", source, [c for c in raw.columns if c not in ROW_FACTS])
    found = found_columns(raw.columns, table, spec, file)
    missing = [n for n in table.required if n not in found and n not in spec.derived]
    if missing:
        others = [c for c in raw.columns if c not in (*found.values(), *ROW_FACTS)]
        near, column = candidates(table, missing[0], others) or others, missing[0]
        told = {"table": table.name, "column": column, "others": ", ".join(missing[1:])}
        fix = Phrase(f"errors.fixes.{'columns' if missing[1:] else 'column'}", told)
        raise MissingColumn(table=f"{table.name} ({file})", column=column, candidates=near, fix=fix)
    return found


def _stood_in(found: dict[str, str], table: Table, spec: TableConfig) -> dict[str, str]:
    stand_ins = STAND_INS.get(table.name, {}).items()
    held = {n: found[other] for n, other in stand_ins if other in found and n not in spec.derived}
    return {**held, **found}


def _written_currency(
    reader: Reader, raw: ir.Table, sources: Mapping[str, str]
) -> dict[str, ir.Value]:
    """The currency that the amounts are written with, where no column names it."""
    source = sources.get(str(reader.table.money))
    said = {*sources, *reader.spec.derived}
    if reader.table.column("currency") is None or "currency" in said or source is None:
        return {}
    if not raw[source].type().is_string():
        return {}
    currency = parsing.as_currency(reader.clean(raw[source]), reader.config.currency)
    return {"currency": currency} if number_of(reader.con, currency.count()) else {}


def _check_values(
    spec: TableConfig, named: Mapping[str, str], known: Mapping[str, Column], other: list[str]
) -> None:
    """Only text can be replaced by text; a misspelt column would be passed over in silence."""
    replaceable = [name for name in named if known[name].type == "text"]
    for name in spec.values:
        if name not in (*replaceable, *other):
            raise unknown("column", name, [*replaceable, *other])
