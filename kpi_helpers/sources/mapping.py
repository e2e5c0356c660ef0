"""From a raw table to a canonical one: columns found, their text read by our rules."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir

from kpi_helpers.errors import BadInput, MissingColumn, nearest, unknown
from kpi_helpers.sources import parsing
from kpi_helpers.sources.config import Config, TableConfig
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.expressions import compile_expression
from kpi_helpers.sources.readers import LINE
from kpi_helpers.sources.schema import IBIS_TYPES, TIDY_COLUMNS, Column, Table

TEXT_PREFIX = "_text_"

STATUS_WORDS = {
    "won": ("won", "closed won", "gagné", "gagnée", "gagnés", "signé", "signée", "ok"),
    "lost": ("lost", "closed lost", "perdu", "perdue", "perdus", "sans suite", "abandonné"),
    "open": ("open", "en cours", "ouvert", "ouverte", "in progress", "nouveau", "new"),
}


@dataclass(frozen=True)
class Mapped:
    """A raw table in canonical columns, and how it was understood.

    ``expr`` holds the canonical columns, the source's other columns as dimensions, the line where
    there is one, and for each column read from text that text under ``_text_<column>``.
    ``columns`` gives the source's name of each canonical column, ``read_as`` how text was read.
    """

    expr: ir.Table
    table: Table
    columns: Mapping[str, str]
    dimensions: tuple[str, ...]
    read_as: Mapping[str, str]

    @property
    def parsed(self) -> tuple[str, ...]:
        """Canonical columns that were read from text, so that some rows may be unreadable."""
        return tuple(c for c in self.columns if TEXT_PREFIX + c in self.expr.columns)


def fold(name: str) -> str:
    """A name as snake case, without accents.

    Examples
    --------
    >>> fold("Date de clôture *")
    'date_de_cloture'
    """
    plain = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or "column"


def map_table(con: Any, raw: ir.Table, table: Table, config: Config, file: str) -> Mapped:
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

    Raises
    ------
    MissingColumn
        When a required column has no counterpart, with the candidates.
    BadInput
        When a column of text can be read in two ways and nothing decides.
    """
    spec = config.table(table.name)
    found = _find_columns(raw, table, spec, file)
    read_as = _how_to_read(con, raw, table, found, spec, file)
    known = {c.name: c for c in table}
    columns: dict[str, Any] = {}
    for name, source in found.items():
        columns[name] = _read(raw[source], known[name], read_as.get(name, ""), spec, config)
    texts = {
        TEXT_PREFIX + name: parsing.clean(raw[source])
        for name, source in found.items()
        if known[name].type != "text" and raw[source].type().is_string()
    }
    others = _dimensions(raw, found)
    dimensions = {n: _dimension(raw[s], n, spec) for n, s in others.items() if n not in columns}
    line = {LINE: raw[LINE]} if LINE in raw.columns else {}
    expr = raw.select(**columns, **dimensions, **texts, **line)
    for name, text in spec.derived.items():
        value = compile_expression(text, expr)
        expr = expr.mutate(**{name: _typed(value, known[name]) if name in known else value})
    derived = {name: name for name in spec.derived if name in known}
    own = [name for name in spec.derived if name not in known]
    return Mapped(
        expr, table, {**found, **derived}, tuple(dict.fromkeys([*dimensions, *own])), read_as
    )


def _find_columns(raw: ir.Table, table: Table, spec: TableConfig, file: str) -> dict[str, str]:
    for name, source in spec.columns.items():
        if table.column(name) is None:
            raise unknown("column", name, table.names)
        if source not in raw.columns:
            raise unknown("column", source, [c for c in raw.columns if c != LINE])
    folded = {fold(source): source for source in reversed(raw.columns)}
    found = {name: folded[name] for name in table.names if name in folded}
    found |= dict(spec.columns)
    missing = [n for n in table.required if n not in found and n not in spec.derived]
    if missing == ["status"] and "stage" in found and table.name == "deals":
        found["status"] = found["stage"]
    elif missing:
        others = [c for c in raw.columns if c not in found.values() and c != LINE]
        near = nearest(missing[0], others) or others
        raise MissingColumn(table=f"{table.name} ({file})", column=missing[0], candidates=near)
    return found


def _dimensions(raw: ir.Table, found: Mapping[str, str]) -> dict[str, str]:
    taken = set(found.values()) | {LINE}
    named = {}
    for source in raw.columns:
        if source not in taken:
            name = fold(source)
            named[f"dim_{name}" if name in TIDY_COLUMNS else name] = source
    return named


def _dimension(value: ir.Column, name: str, spec: TableConfig) -> ir.Column:
    if not value.type().is_string():
        return value
    return parsing.map_values(parsing.clean(value), spec.values.get(name, {}))


def _how_to_read(
    con: Any, raw: ir.Table, table: Table, found: Mapping[str, str], spec: TableConfig, file: str
) -> dict[str, str]:
    """For every text column that holds dates or numbers: the order or the decimal sign."""
    read_as, undecided = {}, {}
    for name, source in found.items():
        column = table.column(name)
        if column is None or not raw[source].type().is_string():
            continue
        if column.type in ("date", "time"):
            read_as[name], setting = spec.date_order or "", parsing.date_evidence
        elif column.type == "number":
            read_as[name], setting = spec.decimal or "", parsing.number_evidence
        else:
            continue
        if not read_as[name]:
            undecided[name] = setting(parsing.clean(raw[source]))
    if undecided:
        counts = {f"{n}__{i}": c for n, cs in undecided.items() for i, c in enumerate(cs)}
        row = frame_of(con, raw.aggregate(**counts)).fillna(0).iloc[0]
        for name in undecided:
            seen = parsing.Evidence(*(int(row[f"{name}__{i}"]) for i in range(4)))
            column = table.column(name)
            dates = column is not None and column.type != "number"
            read_as[name] = _decide(seen, dates, file, found[name])
    return read_as


def _decide(seen: parsing.Evidence, dates: bool, file: str, column: str) -> str:
    choices = ("dmy", "mdy") if dates else (",", ".")
    setting = "date_order" if dates else "decimal"
    if (seen.first and seen.second) or (seen.either and not seen.first and not seen.second):
        raise BadInput(
            "ambiguous_column",
            file=file,
            column=column,
            rows=seen.rows,
            either=seen.either,
            first=f"{choices[0]} ({seen.first})",
            second=f"{choices[1]} ({seen.second})",
            setting=setting,
        )
    return choices[0] if seen.first or (dates and not seen.second) else choices[1]


def _read(
    value: ir.Column, column: Column, read_as: str, spec: TableConfig, config: Config
) -> ir.Value:
    if not value.type().is_string():
        local = _local(value, config) if value.type().is_timestamp() else value
        return _typed(local, column)
    text = parsing.clean(value)
    if column.type == "number":
        return parsing.as_number(text, read_as)
    if column.type == "date" and config.source_time_zone is None:
        return parsing.as_date(text, read_as)
    if column.type in ("date", "time"):
        return _typed(_local(parsing.as_time(text, read_as), config), column)
    if column.type == "flag":
        return parsing.as_flag(text)
    words = spec.values.get(column.name)
    if words is None and column.name == "status":
        return _status(text)
    return parsing.map_values(text, words or {})


def _status(text: ir.StringValue) -> ir.StringValue:
    word = text.lower()
    return ibis.cases(
        *((word.isin(words), name) for name, words in STATUS_WORDS.items()), else_=text
    )


@ibis.udf.scalar.builtin(name="timezone", signature=(("string", "timestamp"), "timestamp"))
def _zoned(zone: str, moment: Any) -> Any:
    """The engine's own ``timezone``: from a zone's local time to a moment, or back."""


def _local(value: Any, config: Config) -> Any:
    """The project's clock time, from the source's: 22:30 UTC is past midnight in Paris."""
    zone = getattr(value.type(), "timezone", None) or config.source_time_zone
    if zone is None or config.time_zone is None:
        return value
    if value.type().timezone is None:
        value = _zoned(zone, value)
    return _zoned(config.time_zone, value)


def _typed(value: Any, column: Column | None) -> Any:
    value = value if isinstance(value, ir.Value) else ibis.literal(value)
    if column is None:
        return value
    return value.cast(IBIS_TYPES[column.type])
