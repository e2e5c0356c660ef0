"""The data set: canonical tables on one engine, as of one day."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from kpi_helpers.errors import BadInput, KpiError, Unavailable, first_line, unknown
from kpi_helpers.language import Phrase
from kpi_helpers.periods import as_day
from kpi_helpers.sources.config import Config
from kpi_helpers.sources.coverage import Coverage, coverage
from kpi_helpers.sources.derived import across_rows, as_of_table, offered, with_columns
from kpi_helpers.sources.engine import fetch, frame_of, named, number_of, one_query
from kpi_helpers.sources.facts import FACTS, MADE
from kpi_helpers.sources.filters import columns_of, condition, no_segment_column
from kpi_helpers.sources.linked import linked_dimensions
from kpi_helpers.sources.mapping import Mapped
from kpi_helpers.sources.registers import REGISTERS
from kpi_helpers.sources.schema import TIDY_COLUMNS
from kpi_helpers.sources.tables import DEALS, LEADS, TABLES

Where = str | Mapping[str, Any] | None


@dataclass(frozen=True)
class Dataset:
    """Checked tables on the engine that holds them, as of one day; made by `load`.

    ``data["deals"]`` is a frame, ``data.table("deals")`` an Ibis table, ``data.sql(…)`` asks,
    ``data.add(frame, on=…, to="deals")`` joins, ``data.at("2026-06-30")`` looks back.

    Parameters
    ----------
    con
        Ibis connection.
    config
        Settings of the project.
    as_of
        Last day that is known.
    base
        Canonical tables, without the rows that cannot be used.
    mapped
        The same tables with those rows and the text they were read from.
    ever
        (table, date column) → `Coverage` by all rows, those after ``as_of`` too.
    files
        Where each table comes from, for messages.
    joined
        Customers that are no id of the table of customers, and what was made of them
        (see ``sources.joining``).
    passed
        Files and sheets that were not read, by name, and why.
    paths
        The file in which people keep each register, there or to be made; none but of a folder.
    masked
        Dimensions of people by which a figure of few cases is not told; none but where names are
        replaced (see ``sources.pseudonyms``).
    """

    con: Any
    config: Config
    as_of: dt.date
    base: Mapping[str, ir.Table]
    mapped: Mapping[str, Mapped]
    ever: Mapping[tuple[str, str], Coverage]
    files: Mapping[str, str]
    joined: pd.DataFrame = field(repr=False, compare=False)
    passed: Mapping[str, Phrase | KpiError] = field(default_factory=dict, repr=False)
    paths: Mapping[str, Path] = field(default_factory=dict, repr=False, compare=False)
    masked: frozenset[str] = frozenset()
    memory: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def __repr__(self) -> str:
        return f"Dataset({self.name!r}, as of {self.as_of}: {', '.join(self.tables)})"

    @property
    def name(self) -> str:
        """Name of the project, as its settings give it."""
        return self.config.name

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the canonical tables that the source has."""
        return tuple(name for name in TABLES if name in self.base)

    @property
    def first(self) -> dt.date:
        """First day on which any table but the registers has a row."""
        covers = {key: cover for key, cover in self.covered.items() if key[0] not in REGISTERS}
        firsts = [cover.first for cover in covers.values() if cover.first is not None]
        return min(firsts, default=self.as_of)

    def remember(self, key: Any, make: Callable[[], Any]) -> Any:
        """The value under ``key``, made once for this data set."""
        if key not in self.memory:
            self.memory[key] = make()
        return self.memory[key]

    def table(self, name: str, columns: tuple[str, ...] = (), alone: bool = False) -> ir.Table:
        """A canonical table as of the data set's day, with its derived columns.

        Parameters
        ----------
        name
            Canonical name.
        columns
            Columns that are needed besides: those of its entities (the team of a deal's owner),
            and those that look at other rows.
        alone
            Whether the others are left out.

        Raises
        ------
        Unavailable
            When the source has no such table.
        UnknownName
            When a column exists neither in the table nor in its entities.
        """
        if lacking := self.lacks(name):
            raise Unavailable(what=name, needs=lacking, candidates=list(self.tables))
        known = self._known(name, columns if alone else None)
        existing = {*self._columns(name)} if columns else set()
        for column in columns:
            if column not in existing:
                raise unknown("dimension", column, self.dimensions(name))
        return with_columns(known, name, columns, alone, self.unique)

    def unique(self, name: str, key: str) -> bool:
        """Whether a key stands on one row each; of a database that is not known to stay so."""
        if self.con.name != "duckdb":
            return False
        repeated: float = self.remember(("repeated", name, key), lambda: self.repeated(name, key))
        return repeated == 0

    def repeated(self, name: str, key: str) -> float:
        """How many rows hold a key that another holds too, as of now."""
        rows = self.base[name]
        return number_of(self.con, rows[key].count() - rows[key].nunique())

    def lacks(self, name: str) -> str | None:
        """The first table that a figure of a table needs and the source has not got."""
        return next((each for each in MADE.get(name, (name,)) if each not in self.base), None)

    def _known(self, name: str, columns: tuple[str, ...] | None = None) -> dict[str, ir.Table]:
        """Every table as of the day, and one that is made of them, with these columns of deals."""
        from kpi_helpers.sources.made import made

        known = {each: self._as_of(each) for each in self.base}
        if name not in known:
            key = ("made", name, columns)
            known[name] = self.remember(key, lambda: made(self, name, {**known}, columns))
        return known

    def dimensions(self, name: str) -> list[str]:
        """Names by which the figures of a table may be broken down."""
        known = self._known(name)
        filled = {each: self.filled(each) for each in known}
        lent = offered(known, name)
        own = {c.name for c in FACTS[name] if c.dimension} & filled[name]
        others = filled[name] - {*FACTS[name].names}
        lent_filled = {
            c for c, (entity, _) in lent.items() if c in filled[entity] and _groups(entity, c)
        }
        named = own | others | lent_filled | linked_dimensions(name, filled)
        return sorted(named - {*TIDY_COLUMNS})

    def filled(self, name: str) -> set[str]:
        """Columns of a table that the source really has."""
        if name in MADE:
            lenders = [each for each in ("deals", "leads") if each in self.base]
            lent = {column for each in lenders for column in self.filled(each)}
            own = {column.name for column in {*FACTS[name]} - {*DEALS} - {*LEADS}}
            return own | (lent & {*self._known(name)[name].columns})
        mapped = self.mapped[name if name in self.mapped else "order_lines"]
        return {*mapped.columns, *mapped.dimensions} & {*self.base[name].columns}

    def filtered(
        self, name: str, where: Where, columns: tuple[str, ...] = (), alone: bool = False
    ) -> ir.Table:
        """`table`, kept to the rows that a filter or a named segment selects."""
        where = self._filter(name, where)
        table = self.table(name, tuple(dict.fromkeys((*columns, *columns_of(where)))), alone)
        test = condition(where, table)
        return table if test is None else table.filter(test)

    def _filter(self, name: str, where: Where) -> Where:
        """A filter, or what the segment of that name stands for; its columns exist."""
        segment = where if isinstance(where, str) and where in self.config.segments else ""
        where = self.config.segments[segment] if segment else where
        named = columns_of(where)
        known = self._columns(name) if named else []
        for column in named:
            if column not in known and segment:
                raise no_segment_column(segment, column, name, known)
            if column not in known and column == where and self.config.segments:
                raise unknown("segment", column, [*self.config.segments])
            if column not in known:
                raise unknown("column", column, known)
        return where

    def _columns(self, name: str) -> list[str]:
        """Names of all the columns that `table` can give."""
        if self.lacks(name):
            return []
        known = self._known(name)
        names = known[name].columns
        return list(dict.fromkeys([*names, *offered(known, name), *across_rows(name, self.base)]))

    def _as_of(self, name: str) -> ir.Table:
        result: ir.Table = self.remember(
            ("as_of", name),
            lambda: named(
                self.con, as_of_table(self.base[name], name, self.as_of, self._ahead(name))
            ),
        )
        return result

    def _ahead(self, name: str) -> set[str]:
        """Columns of a table with days after ``as_of``."""
        covers = {column: cover for (table, column), cover in self.ever.items() if table == name}
        return {
            column
            for column, cover in covers.items()
            if cover.latest is not None and cover.latest > self.as_of
        }

    @property
    def covered(self) -> Mapping[tuple[str, str], Coverage]:
        """(table, date column) → `Coverage` by the rows that are known on the day."""
        covered: Mapping[tuple[str, str], Coverage] = self.remember("covered", self._covered)
        return covered

    def _covered(self) -> dict[tuple[str, str], Coverage]:
        again = [name for name in self.base if self._ahead(name)]
        known = [coverage(self.con, self._as_of(name), name) for name in again]
        return dict(self.ever) | {key: cover for covers in known for key, cover in covers.items()}

    def __getitem__(self, name: str) -> pd.DataFrame:
        """A canonical table with its derived columns, as a frame of its own."""
        return frame_of(self.con, self.table(name))

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.tables)

    def sql(self, query: str) -> pd.DataFrame:
        """Ask the canonical tables in the SQL of the engine.

        Raises
        ------
        BadInput
            When the text is not one SQL query, or the engine refuses it.
        """
        tree = one_query(query, self.con.name)
        for name in self.tables:
            inner = str(self.con.compile(self.table(name)))
            tree = tree.with_(name, as_=inner, dialect=self.con.name, append=True)
        own = tree.args["with_"].expressions
        own.sort(key=lambda cte: cte.alias not in self.base)
        try:
            return fetch(self.con, tree.sql(dialect=self.con.name))
        except Unavailable:
            raise
        except Exception as error:  # every driver has errors of its own
            raise BadInput("bad_query", value=query, reason=first_line(error)) from error

    def add(self, frame: pd.DataFrame, on: str, to: str) -> Dataset:
        """Join the columns of a frame to a table, one row at most for each of its rows.

        Parameters
        ----------
        frame
            One row a value of ``on``; its other columns become dimensions.
        on
            Column that both share.
        to
            Canonical table that receives the columns.

        Returns
        -------
        Dataset
            A new data set; this one is unchanged.

        Raises
        ------
        BadInput
            When a value of ``on`` stands on several rows, which would count rows twice, or the
            table has a column of that name already.
        """
        from kpi_helpers.sources.adding import added

        return added(self, frame, on, to)

    def at(self, as_of: str | dt.date) -> Dataset:
        """The same data as they were known on an earlier day."""
        return dataclasses.replace(self, as_of=as_day(as_of), memory={})


def _groups(table: str, name: str) -> bool:
    """Whether a column sorts rows into groups: one of the source's own, or declared to."""
    column = FACTS[table].column(name)
    return column is None or column.dimension
