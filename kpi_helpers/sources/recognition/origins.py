"""Where each canonical table comes from: as the settings say, or a file of its name."""

from __future__ import annotations

from dataclasses import dataclass

import ibis.expr.types as ir

from kpi_helpers.errors import BadInput
from kpi_helpers.sources.config import Config
from kpi_helpers.sources.files.readers import Source
from kpi_helpers.sources.recognition.names import fold
from kpi_helpers.sources.tables import TABLES


@dataclass(frozen=True)
class Origin:
    """Where a canonical table comes from: a raw table or a query on these."""

    raw: str
    query: str | None
    label: str

    def read(self, source: Source) -> ir.Table:
        """The raw table."""
        return source.table(self.raw) if self.query is None else source.query(self.query)


def origins(source: Source, config: Config) -> dict[str, Origin]:
    """The origin of each table that the settings or the name of a file say.

    Raises
    ------
    BadInput
        When two files bear the name of a table.
    """
    found: dict[str, Origin] = {}
    stems: dict[str, list[str]] = {}
    for each in source.names:
        stems.setdefault(fold(source.stem(each)), []).append(each)
    for name in TABLES:
        spec = config.table(name)
        named = spec.table or (source.named(spec.file) if spec.file else None)
        alike = stems.get(name, [])
        if len(alike) > 1 and named is None and spec.query is None:
            raise two_files(source, alike, name)
        raw = named or next(iter(alike), None)
        if spec.query is not None:
            found[name] = Origin("", spec.query, f"[tables.{name}] query")
        elif raw is not None:
            found[name] = Origin(raw, None, source.label(raw))
    return found


def two_files(source: Source, alike: list[str], table: str) -> BadInput:
    """The error for raw tables that could both be one canonical table."""
    first, second = (source.label(each) for each in alike[:2])
    return BadInput("two_files", first=first, second=second, table=table)
