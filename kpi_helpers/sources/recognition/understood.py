"""What was understood of a source, in words: vendors, columns, words, dates and numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kpi_helpers.language import text
from kpi_helpers.sources.config import TableConfig
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.mapping import Mapped
from kpi_helpers.sources.parsing import Decision
from kpi_helpers.sources.stages import stage_order
from kpi_helpers.units import COUNT, write

LISTED = 12  # words and dimensions; a column of free text has thousands


def understood(data: Dataset) -> list[dict[str, Any]]:
    """What was understood of each table.

    Returns
    -------
    list of dict
        ``table, file, vendor, language, known, total, ties, columns, values, read, dimensions``:
        ``columns`` gives the source's name of each canonical one, ``values`` the words that were
        replaced, ``read`` how text was read, what decided it and on how many of how many rows.
    """
    return [_of_table(data, name) for name in data.mapped]


def _of_table(data: Dataset, name: str) -> dict[str, Any]:
    mapped, match = data.mapped[name], data.mapped[name].match
    read = {
        column: {"as": how.order, "by": how.by, "rows": _deciding(how), "of": _rows(how)}
        for column, how in mapped.read_as.items()
    }
    return {
        "table": name,
        "file": data.files[name],
        "vendor": match.profile.vendor if match else None,
        "language": match.language if match else None,
        "known": match.known if match else None,
        "total": match.total if match else None,
        "ties": list(match.ties) if match else [],
        "columns": dict(mapped.columns),
        "values": {column: dict(words) for column, words in data.config.table(name).values.items()},
        "read": read,
        "dimensions": list(mapped.dimensions),
    }


def _rows(how: Decision) -> int:
    return how.seen.rows if how.seen else 0


def _deciding(how: Decision) -> int:
    return max(how.seen.first, how.seen.second) if how.seen else 0


def vendor_line(mapped: Mapped, file: str, lang: str) -> str:
    """Whose export a table is, and on how many columns that rests."""
    match = mapped.match
    if match is None:
        return text("understood.kit", lang, table=mapped.table.name, file=file)
    counts = {name: write(getattr(match, name), COUNT, lang) for name in ("known", "total")}
    said = text(
        "understood.vendor", lang, file=file, **{**match.said, **counts, "table": mapped.table.name}
    )
    ties = text("understood.ties", lang, vendors=", ".join(match.ties)) if match.ties else ""
    return f"{said} {ties}".strip()


def understood_lines(data: Dataset) -> Iterator[str]:
    """What was understood of each table, a line a column that bears another name."""
    lang = data.config.lang
    for name, mapped in data.mapped.items():
        yield vendor_line(mapped, data.files[name], lang)
        spec = data.config.table(name)
        said = {
            column: list(_column_lines(mapped, spec, column, lang)) for column in mapped.columns
        }
        same = [column for column, lines in said.items() if lines == [f"  {column} ← {column}"]]
        yield from (line for column, lines in said.items() if column not in same for line in lines)
        if same:
            yield "  " + text("understood.same", lang, names=", ".join(same))
        yield from (f"  {stage} ← {column}" for stage, column in spec.entered.items())
        if name == "deals" and (stages := stage_order(data)).names:
            order = " → ".join(stages.names)
            yield "  " + text(f"understood.stages.{stages.by}", lang, stages=order)
        if mapped.dimensions:
            yield "  " + text("understood.dimensions", lang, names=_some(mapped.dimensions))
    yield text("understood.currency", lang, currency=data.config.currency)


def _column_lines(mapped: Mapped, spec: TableConfig, column: str, lang: str) -> Iterator[str]:
    """Where a column comes from, how it was read, and its words that were replaced."""
    source, made = mapped.columns[column], spec.derived.get(column)
    known = [] if made and source == column else [source]
    line = f"{column} ← {' = '.join([*known, made] if made else known)}"
    how = evidence(mapped, column, lang)
    yield f"  {line} ({how})" if how else f"  {line}"
    yield from (f"    {words}" for words in meanings(spec.values.get(column, {}), lang))


def meanings(values: Mapping[str, str], lang: str) -> Iterator[str]:
    """The words of a column that were replaced, a line a meaning."""
    for meaning in dict.fromkeys(values.values()):
        words = [word for word, each in values.items() if each == meaning]
        yield text("understood.words", lang, words=_some(words), meaning=meaning)


def _some(names: Any) -> str:
    listed = list(names)
    return ", ".join(listed[:LISTED]) + ("…" if len(listed) > LISTED else "")


def evidence(mapped: Mapped, column: str, lang: str) -> str:
    """How a column's text was read, and what decided it."""
    how = mapped.read_as.get(column)
    if how is None or how.by == "nothing":
        return ""
    reading = text(f"understood.reading.{_name(how.order)}", lang)
    rows, of = (write(number, COUNT, lang) for number in (_deciding(how), _rows(how)))
    return text(f"understood.by.{how.by}", lang, reading=reading, rows=rows, total=of)


def _name(order: str) -> str:
    return {",": "comma", ".": "point"}.get(order, order)
