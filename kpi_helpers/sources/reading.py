"""From the values of a source to those of a canonical column: text by our rules, types by cast."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir

from kpi_helpers.errors import BadInput
from kpi_helpers.language import Phrase
from kpi_helpers.sources import parsing
from kpi_helpers.sources.casts import DATES, as_text, can_hold, is_naive, typed
from kpi_helpers.sources.clocks import clock_of, moment_of
from kpi_helpers.sources.config import Config, TableConfig
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.parsing import Decision
from kpi_helpers.sources.schema import IBIS_TYPES, Column, Table

# In lower case, without accents.
STATUS_WORDS = {
    "won": "won, closed won, closedwon, gagne, gagnee, gagnes, gagnees, signe, signee, ok, "
    "ferme gagne, fermee gagnee, cloture gagne, cloturee gagnee",
    "lost": "lost, closed lost, closedlost, perdu, perdue, perdus, perdues, sans suite, "
    "abandonne, abandonnee, ferme perdu, fermee perdue, cloture perdu, cloturee perdue",
    "open": "open, en cours, ouvert, ouverte, in progress, nouveau, new",
}


@dataclass(frozen=True)
class Reader:
    """Reads the columns of one table of a source.

    Parameters
    ----------
    con
        Connection of the table, asked how its text is to be read.
    table
        The canonical table.
    config
        The project's settings; those of this table decide values and reading.
    file
        Where the table comes from, for messages.
    tidy
        Columns of the source with nothing to mend, as `tidy_columns` finds them.
    usual
        The order of the dates where no row decides: a habit of the vendor or the language.
    """

    con: Any
    table: Table
    config: Config
    file: str
    tidy: Collection[str] = ()
    usual: str | None = None

    @property
    def spec(self) -> TableConfig:
        """The settings of this table."""
        return self.config.table(self.table.name)

    def clean(self, text: ir.StringValue) -> ir.StringValue:
        """Text without spaces around it, which are only looked for where there are any."""
        return text if text.get_name() in self.tidy else parsing.clean(text)

    def comparable(self, value: ir.Value, column: Column, source: str) -> ir.Value:
        """The value, where its type can hold what the column holds; whole days become text.

        Raises
        ------
        BadInput
            Naming the column and its type, such as an amount where a date is needed.
        """
        kind = value.type()
        if column.type in DATES and kind.is_integer():
            return value.cast("string")
        if not can_hold(kind, column.type):
            expected = Phrase(f"expected.{column.type}")
            # What Ibis has no name for is called as the engine calls it.
            odd = re.search(r"Type\.(\w+)", str(kind))
            said = odd[1] if odd else str(kind)
            raise BadInput(file=self.file, column=source, value=said, expected=expected)
        return value

    def orders(
        self, raw: ir.Table, values: Mapping[str, ir.Value], sources: Mapping[str, str]
    ) -> dict[str, Decision]:
        """For every text column of dates or numbers: the order of its dates, its decimal sign.

        Raises
        ------
        BadInput
            When a column can be read in two ways and nothing decides.
        """
        declared: dict[str, Decision] = {}
        asked: dict[str, list[ir.Scalar]] = {}
        for name, value in values.items():
            kind = self._kind(name)
            if not value.type().is_string() or kind not in (*DATES, "number"):
                continue
            setting, evidence = (
                (self.spec.decimal, parsing.number_evidence)
                if kind == "number"
                else (self.spec.date_order, parsing.date_evidence)
            )
            if setting:
                declared[name] = Decision(setting, "settings")
            else:
                asked[name] = evidence(self.clean(value))
        return declared | self._decided(raw, asked, sources)

    def _decided(
        self, raw: ir.Table, asked: Mapping[str, list[ir.Scalar]], sources: Mapping[str, str]
    ) -> dict[str, Decision]:
        if not asked:
            return {}
        counts = {f"{n}__{i}": count for n, each in asked.items() for i, count in enumerate(each)}
        row = frame_of(self.con, raw.aggregate(**counts)).astype(object).fillna(0).iloc[0]
        seen = {}
        for name, each in asked.items():
            *counted, example = (row[f"{name}__{i}"] for i in range(len(each)))
            rows, first, second, either = map(int, counted)
            seen[name] = parsing.Evidence(rows, first, second, either, str(example))
        # One file is written in one way: a habit that its other dates contradict is none.
        dates = [evidence for name, evidence in seen.items() if self._kind(name) in DATES]
        against = {"dmy": sum(e.second for e in dates), "mdy": sum(e.first for e in dates)}
        usual = None if against.get(self.usual or "") else self.usual
        return {name: self._decide(seen[name], name, sources[name], usual) for name in seen}

    def _decide(
        self, seen: parsing.Evidence, name: str, source: str, usual: str | None
    ) -> Decision:
        dates = self._kind(name) in DATES
        choices = ("dmy", "mdy") if dates else (",", ".")
        silent = not seen.first and not seen.second
        if dates and usual and seen.either and silent:
            return Decision(usual, "habit", seen)
        if (seen.first and seen.second) or (seen.either and silent):
            raise BadInput(
                "ambiguous_column",
                file=self.file,
                column=source,
                value=seen.example,
                readings=self._readings(seen.example, parsing.as_date, choices)
                if dates
                else self._readings(seen.example, parsing.as_number, choices),
                rows=seen.rows,
                first=f'"{choices[0]}" ({seen.first})',
                second=f'"{choices[1]}" ({seen.second})',
                setting=f"[tables.{self.table.name}] {'date_order' if dates else 'decimal'}",
                table=self.table.name,
                asked="date_order" if dates else "decimal",
            )
        order = choices[0] if seen.first or (dates and not seen.second) else choices[1]
        return Decision(order, "nothing" if silent else "rows", seen)

    def _readings(self, example: str, read: Any, choices: tuple[str, str]) -> str:
        """What an example is when it is read in either way."""
        values = {each: read(ibis.literal(example), each) for each in choices}
        row = frame_of(self.con, ibis.literal(1).name("n").as_table().mutate(**values)).iloc[0]
        said = (str(row[each]) if row[each] == row[each] else "—" for each in choices)
        return " / ".join(each.removesuffix(" 00:00:00") for each in said)

    def _kind(self, name: str) -> str | None:
        column = self.table.column(name)
        return column.type if column else None

    def read(self, value: ir.Value, column: Column, read_as: Decision | None = None) -> ir.Value:
        """The value as the column holds it; text that cannot be read is missing."""
        order = read_as.order if read_as else ""
        if column.type == "text":
            return self._words(self._text(value), column.name)
        if not value.type().is_string():
            value = self._local(value) if value.type().is_timestamp() else value
            return typed(value, column.type, value.get_name() in self.tidy)
        text = self.clean(value)
        if column.type == "number":
            return parsing.as_number(text, order)
        if column.type == "flag":
            return parsing.as_flag(text)
        return self._moment(text, order).cast(IBIS_TYPES[column.type])

    def words(self, value: ir.Value, name: str) -> ir.Value:
        """A column of the source's own, its values replaced as the settings say."""
        if name not in self.spec.values:
            return self.clean(value) if value.type().is_string() else value
        return self._words(self._text(value), name)

    def _text(self, value: ir.Value) -> ir.StringValue:
        return self.clean(value) if value.type().is_string() else as_text(value)

    def _words(self, text: ir.StringValue, name: str) -> ir.StringValue:
        words = self.spec.values.get(name)
        if name == "status" and "*" not in (words or {}):
            return self._status(parsing.map_values(text, words or {}))
        if words is None and name == "currency":
            return parsing.currency_code(text, self.config.currency)
        return parsing.map_values(text, words or {})

    def _status(self, text: ir.StringValue) -> ir.StringValue:
        """Won, lost or open; a file is asked which words it has, a database may yet get others."""
        if self.con.name != "duckdb":
            word = text.lower().replace("é", "e")
            known = ((word.isin(words.split(", ")), name) for name, words in STATUS_WORDS.items())
            return ibis.cases(*known, else_=text)
        found = frame_of(self.con, text.name("word").as_table().distinct())["word"].dropna()
        meant = {word: _status_of(word) for word in found}
        return parsing.map_values(
            text, {word: name for word, name in meant.items() if name != word}
        )

    def _moment(self, text: ir.StringValue, order: str) -> ir.TimestampValue:
        """The project's clock time; a text that says how far it is from UTC is taken at its word.

        22:30 UTC on 30 September is past midnight in Paris, and counts in October.
        """
        clock, offset = parsing.as_time(text, order), parsing.utc_offset(text)
        if self.config.time_zone is None:
            return clock
        utc = moment_of(self.con, "UTC", clock - offset.as_interval("m"))
        stated = clock_of(self.con, self.config.time_zone, utc)
        # A day without a clock time is a day wherever one is.
        local = ibis.ifelse(text.contains(":"), self._local(clock), clock)
        return ibis.ifelse(offset.notnull(), stated, local)

    def instant(self, value: ir.Value, read_as: Decision | None = None) -> ir.TimestampValue:
        """What a clock of UTC shows at the moment: other clocks show an hour twice a year."""
        ours = str(self.config.time_zone)
        zone = self.spec.source_time_zone or self.config.source_time_zone or ours
        if value.type().is_string():
            text = self.clean(value)
            clock = parsing.as_time(text, read_as.order if read_as else "")
            offset, timed = parsing.utc_offset(text), text.contains(":")
            said = moment_of(self.con, "UTC", clock - offset.as_interval("m"))
            here = moment_of(self.con, zone, clock)
            here = here if zone == ours else timed.ifelse(here, moment_of(self.con, ours, clock))
            moment = ibis.ifelse(offset.notnull(), said, here)
        elif value.type().is_timestamp() and value.type().timezone:
            moment = value
        else:
            tidy = value.get_name() in self.tidy
            days = tidy or value.type().is_date()
            moment = moment_of(self.con, ours if days else zone, typed(value, "time", tidy))
        return clock_of(self.con, "UTC", moment)

    def _local(self, value: ir.TimestampValue) -> ir.TimestampValue:
        usual = self.spec.source_time_zone or self.config.source_time_zone
        zone = value.type().timezone or usual
        if zone is None or self.config.time_zone is None:
            return value
        if is_naive(value) and value.get_name() in self.tidy:
            return value
        known = value if value.type().timezone else moment_of(self.con, zone, value)
        return clock_of(self.con, self.config.time_zone, known)


def _status_of(word: str) -> str:
    plain = word.lower().replace("é", "e")
    return next((name for name, words in STATUS_WORDS.items() if plain in words.split(", ")), word)
