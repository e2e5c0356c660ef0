"""From what a person has to a checked data set."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pandas as pd

from kpi_helpers.errors import BadConfig, BadInput, Unavailable, first_line, unknown
from kpi_helpers.language import Phrase
from kpi_helpers.periods import LAST_DAY, as_day
from kpi_helpers.sources.checks.marks import COPY, EXCLUDED, copy_number
from kpi_helpers.sources.checks.quality import left_out
from kpi_helpers.sources.checks.rules import unusable
from kpi_helpers.sources.config import Config, read_config, said
from kpi_helpers.sources.coverage import Coverage, coverage
from kpi_helpers.sources.currencies import one_currency, one_sign, taken_over
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.engine import named, number_of, stored
from kpi_helpers.sources.files.headers import LINE
from kpi_helpers.sources.files.readers import ASKING, Source, open_source
from kpi_helpers.sources.joining import JOINED, join_customers
from kpi_helpers.sources.linked import one_value
from kpi_helpers.sources.mapping import Mapped, map_table
from kpi_helpers.sources.personal import sealed
from kpi_helpers.sources.recognition.recognising import recognised, says_origin
from kpi_helpers.sources.registers import REGISTERS
from kpi_helpers.sources.schema import IBIS_TYPES, WAITED
from kpi_helpers.sources.server import embedded
from kpi_helpers.sources.snapshots import rebuilt
from kpi_helpers.sources.tables import ORDER_LINES, ORDERS, TABLES

ROW_GROUP = 122_880  # DuckDB gives a thread no fewer rows than that


def load(source: Any = None, config: Any = None, as_of: Any = None) -> Dataset:
    """Open a source, map it onto the canonical tables and check it.

    Parameters
    ----------
    source
        A frame (deals), a mapping of frames, a CSV or parquet file, a folder of them, a DuckDB
        file, the URL of a database (``postgresql://…``, ``pyspark://``) or a connection of Ibis;
        by default what the settings name.
    config
        Path of a ``kpi.toml``, a mapping of the same form, or None for the one beside the data.
    as_of
        Last day that is known, a date or ISO text; by default the newest day in the data.

    Returns
    -------
    Dataset

    Raises
    ------
    MissingColumn, BadInput, BadConfig, MixedCurrencies, UnknownName
        Each names the file, column and value, what was expected and the setting to make.

    Examples
    --------
    >>> import pandas as pd
    >>> deals = pd.DataFrame({"deal_id": ["1", "2"], "created_at": ["2026-01-05", "2026-01-09"],
    ...                       "status": ["won", "open"], "closed_at": ["2026-02-01", None],
    ...                       "amount": [900.0, 400.0]})
    >>> load(deals).as_of
    datetime.date(2026, 2, 1)
    """
    settings = read_config(config, folder_of(source))
    priced = said("currency", config, folder_of(source)) is not None
    if source is None:
        if settings.source is None:
            raise BadInput(value="None", expected=Phrase("expected.source"))
        source = _relative(settings.source, settings.file)
    opened = open_source(source, settings)
    settings, found = recognised(opened, settings)
    mapped = {
        name: map_table(
            opened.con, origin.read(opened), TABLES[name], settings, origin.label, match
        )
        for name, (origin, match) in found.items()
    }
    files = {name: origin.label for name, (origin, _) in found.items()}
    if settings.personal != "keep":
        mapped = sealed(mapped, opened.con)
    for name, (origin, _) in found.items():
        if not (opened.remote or (origin.query is None and opened.typed(origin.raw))):
            derived = f"tables.{name}.derived" if settings.table(name).derived else None
            mapped[name] = _kept(opened.con, mapped[name], origin.label, derived)
    named = any(map(says_origin, settings.tables.values()))
    reason = Phrase("files.unnamed" if named else "files.unasked")
    opened.passed.update(dict.fromkeys(opened.unasked, reason))
    if settings.targets:
        mapped["targets"] = _declared_targets(opened.con, settings, "targets" in mapped)
        files["targets"] = Path(settings.file).name
    if settings.snapshots:
        _remembered(opened.con, settings, mapped, files)
    if not mapped:
        setting = "table" if opened.remote else "file"
        near = list(map(opened.label, opened.names))
        raise Unavailable("no_table", tables=list(TABLES), setting=setting, candidates=near)
    settings = settings if priced else taken_over(opened.con, mapped, settings)
    checked = _checked(opened, settings, mapped, files, as_of)
    opened.hold(ASKING)
    return dataclasses.replace(checked, paths=_registers(source, files))


def _registers(source: Any, files: Mapping[str, str]) -> dict[str, Path]:
    """The file of a folder in which each register is kept, or would be."""
    if folder_of(source) != Path(str(source)):
        return {}
    return {name: Path(source) / files.get(name, f"{name}.csv") for name in REGISTERS}


def folder_of(source: Any) -> Path | None:
    """The folder of a source on disk, beside which its settings are looked for."""
    if isinstance(source, str | Path) and "://" not in str(source):
        path = Path(source)
        return path if os.path.isdir(path) else path.parent
    return None


def _relative(source: str, file: str) -> str | Path:
    return source if "://" in source else Path(file).parent / source


def _declared_targets(con: Any, config: Config, also_read: bool) -> Mapped:
    """The targets that stand in the settings, as a table."""
    if also_read:
        raise BadConfig(
            file=config.file, key="targets", value="[[targets]]", expected="[tables.targets]"
        )
    rows = []
    for target in config.targets:
        period = config.calendar.parse(str(target["period"]))
        last = period.end - dt.timedelta(days=1)
        scope = {"scope_type": "company", "scope_value": None} | dict(target)
        rows.append({**scope, "period_start": period.start, "period_end": last})
    frame = pd.DataFrame(rows)[
        ["metric", "period_start", "period_end", "scope_type", "scope_value", "value"]
    ]
    typed = frame.astype({"value": float, "scope_value": "string"})
    table = stored(con, "kpi_targets", typed)
    return map_table(con, table, TABLES["targets"], Config(), Path(config.file).name)


def _remembered(con: Any, config: Config, mapped: dict[str, Mapped], files: dict[str, str]) -> None:
    """Add the histories that snapshots tell, where the source has none of its own."""
    folder = _relative(str(config.snapshots), config.file)
    if not Path(folder).is_dir():
        raise unknown("file", folder, [])
    for name, frame in rebuilt(folder).items():
        if name not in mapped and len(frame):
            table = stored(con, f"kpi_{name}", frame)
            mapped[name] = map_table(con, table, TABLES[name], Config(), str(config.snapshots))
            files[name] = str(config.snapshots)


def _kept(con: Any, mapped: Mapped, label: str, derived: str | None) -> Mapped:
    """The mapped table written to the embedded engine, so that its text is parsed once."""
    name = f"kpi_{mapped.table.name}"
    expr = mapped.expr
    if LINE not in expr.columns:
        expr = expr.mutate(**{LINE: ibis.row_number() + 1})
    try:
        return dataclasses.replace(mapped, expr=_written(con, name, expr))
    except duckdb.Error as error:  # such as an expression that leaves the calendar
        reason = first_line(error)
        raise BadInput("unreadable_source", file=label, column=derived, reason=reason) from error


def _written(con: Any, name: str, expr: ir.Table) -> ir.Table:
    made = f'CREATE OR REPLACE TABLE "{name}" AS {con.compile(expr)}'
    embedded(con, partial(con.con.execute, made))
    table: ir.Table = con.table(name)
    return table


def _checked(
    source: Source,
    config: Config,
    mapped: Mapping[str, Mapped],
    files: Mapping[str, str],
    as_of: Any,
) -> Dataset:
    con = source.con
    rates = _canonical(source, mapped["rates"], config) if "rates" in mapped else None
    base = {name: _canonical(source, each, config, rates) for name, each in mapped.items()}
    if "orders" not in base and "order_lines" in base:
        lines = mapped["order_lines"]
        orders = _summed(base["order_lines"], {*lines.columns, *lines.dimensions})
        base["orders"] = orders if source.remote else _written(con, "kpi_orders", orders)
    joined = pd.DataFrame(columns=list(JOINED))
    if config.customers == "name":
        filled = {name: mapped[name if name in mapped else "order_lines"].columns for name in base}
        base, joined = join_customers(con, base, filled)
    base = {name: named(con, rows) for name, rows in base.items()}
    ever: dict[tuple[str, str], Coverage] = {}
    for name, rows in base.items():
        ever |= coverage(con, rows, name, live=source.live)
    if con.name == "duckdb":
        _share_out(con, [each.expr for each in mapped.values()])
    lasts = [
        cover.last for (name, _), cover in ever.items() if cover.last and name not in REGISTERS
    ]
    newest = max(lasts, default=None)
    told = as_of if as_of is not None else config.as_of
    day = newest if told is None else as_day(told)
    firsts = [cover.first for (n, _), cover in ever.items() if cover.first and n not in REGISTERS]
    if day is not None and firsts and day < min(firsts):
        raise BadInput("as_of_before", value=day, first=min(firsts))
    if day is None:
        none = Dataset(con, config, LAST_DAY, base, mapped, ever, files, joined, source.passed)
        raise _nothing_usable(none)
    return Dataset(con, config, day, base, mapped, ever, files, joined, source.passed)


def _share_out(con: Any, tables: Sequence[ir.Table]) -> None:
    """Leave small tables to one thread: to share their work out costs more than it saves."""
    if all(number_of(con, table.count()) < ROW_GROUP for table in tables):
        con.con.execute("SET threads = 1")


def _nothing_usable(data: Dataset) -> BadInput:
    """No row has a date: because there are no rows, or for what is wrong with all of them."""
    listed = left_out(data)
    wrong = listed[(listed["action"] == EXCLUDED) | (listed["reason"] == "unreadable")]
    if wrong.empty:
        unread = Phrase("errors.fixes.unread", {"files": ", ".join(data.passed)})
        key, fix = ("no_dated_row", unread) if data.passed else ("no_rows", None)
        return BadInput(key, file=", ".join(data.files.values()), fix=fix)
    first = wrong.iloc[0]
    place = {name: first[name] for name in ("file", "line", "column") if pd.notna(first[name])}
    value = "" if pd.isna(first["value"]) else first["value"]
    reason = Phrase(f"quality.{first['reason']}")
    mend = Phrase("fix.unreadable", {"table": first["table"]})
    fix = mend if first["reason"] == "unreadable" else None
    return BadInput("no_usable_row", **place, value=value, reason=reason, fix=fix)


def _canonical(
    source: Source, mapped: Mapped, config: Config, rates: ir.Table | None = None
) -> ir.Table:
    """Usable rows, every optional column present, one currency, declared duplicates dropped."""
    table, rows = mapped.table, mapped.expr
    useless = unusable(mapped)
    if source.live or number_of(source.con, useless.sum()) > 0:
        rows = rows.filter(~useless)
    absent = {c.name: ibis.null(IBIS_TYPES[c.type]) for c in table if c.name not in rows.columns}
    columns = [*table.names, *(d for d in mapped.dimensions if d not in table.names)]
    rows = _unrepeated(rows, mapped, config.table(table.name).deduplicate)
    columns += [WAITED] if WAITED in rows.columns else []
    rows = one_sign(rows.mutate(**absent).select(*columns), table)
    return one_currency(source.con, rows, table, config, rates)


def _unrepeated(rows: ir.Table, mapped: Mapped, keys: tuple[str, ...]) -> ir.Table:
    names = [*mapped.columns, *mapped.dimensions]
    for key in keys:
        if key not in names:
            raise unknown("column", key, names)
    if not keys:
        return rows
    ranked = rows.mutate(**{COPY: copy_number(rows, keys, mapped.table)})
    return ranked.filter(ranked[COPY] == 0).drop(COPY)


def _summed(lines: ir.Table, filled: Collection[str]) -> ir.Table:
    """Orders from their lines: amounts added up, the rest where all of its lines agree."""
    names = [*ORDERS.names, *(c for c in lines.columns if ORDER_LINES.column(c) is None)]
    sums = {c: lines[c].sum() for c in ("amount_net", "cost") if c in filled}
    known = {"order_id", "order_date", *sums}
    rest = {c: one_value(lines[c]) for c in names if c in filled and c not in known}
    day = lines.order_date.min()
    orders = lines.group_by("order_id").agg(order_date=day, **sums, **rest)
    absent = {c.name: ibis.null(IBIS_TYPES[c.type]) for c in ORDERS if c.name not in orders.columns}
    return orders.mutate(**absent).select(*names)
