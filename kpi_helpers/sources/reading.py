"""From the values of a source to those of a canonical column: text by our rules, types by cast."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.datatypes as types
import ibis.expr.types as ir

from kpi_helpers.errors import BadInput
from kpi_helpers.language import Phrase
from kpi_helpers.sources import parsing
from kpi_helpers.sources.config import Config, TableConfig
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.parsing import Decision
from kpi_helpers.sources.schema import IBIS_TYPES, Column, Table, Type

# In lower case, without accents.
STATUS_WORDS = {
    "won": "won, closed won, closedwon, gagne, gagnee, gagnes, gagnees, signe, signee, ok, "
    "ferme gagne, fermee gagnee, cloture gagne, cloturee gagnee",
    "lost": "lost, closed lost, closedlost, perdu, perdue, perdus, perdues, sans suite, "
    "abandonne, abandonnee, ferme perdu, fermee perdue, cloture perdu, cloturee perdue",
    "open": "open, en cours, ouvert, ouverte, in progress, nouveau, new",
}
_DATES = ("date", "time")
LARGEST = 1e150  # the squares of larger numbers are none to an engine


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
        if column.type in _DATES and kind.is_integer():
            return value.cast("string")
        if not _can_hold(kind, column.type):
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
            if not value.type().is_string() or kind not in (*_DATES, "number"):
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
        dates = [evidence for name, evidence in seen.items() if self._kind(name) in _DATES]
        against = {"dmy": sum(e.second for e in dates), "mdy": sum(e.first for e in dates)}
        usual = None if against.get(self.usual or "") else self.usual
        return {name: self._decide(seen[name], name, sources[name], usual) for name in seen}

    def _decide(
        self, seen: parsing.Evidence, name: str, source: str, usual: str | None
    ) -> Decision:
        dates = self._kind(name) in _DATES
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
            return _typed(value, column.type, value.get_name() in self.tidy)
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
        utc = self._moment_of("UTC", clock - offset.as_interval("m"))
        stated = self._clock_of(self.config.time_zone, utc)
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
            said = self._moment_of("UTC", clock - offset.as_interval("m"))
            here = self._moment_of(zone, clock)
            here = here if zone == ours else timed.ifelse(here, self._moment_of(ours, clock))
            moment = ibis.ifelse(offset.notnull(), said, here)
        elif value.type().is_timestamp() and value.type().timezone:
            moment = value
        else:
            tidy = value.get_name() in self.tidy
            days = tidy or value.type().is_date()
            moment = self._moment_of(ours if days else zone, _typed(value, "time", tidy))
        return self._clock_of("UTC", moment)

    def _local(self, value: ir.TimestampValue) -> ir.TimestampValue:
        usual = self.spec.source_time_zone or self.config.source_time_zone
        zone = value.type().timezone or usual
        if zone is None or self.config.time_zone is None:
            return value
        if _is_naive(value) and value.get_name() in self.tidy:
            return value
        known = value if value.type().timezone else self._moment_of(zone, value)
        return self._clock_of(self.config.time_zone, known)

    def _moment_of(self, zone: str, clock: ir.TimestampValue) -> ir.TimestampValue:
        """The moment at which a clock of the zone shows a time."""
        return _to_utc(clock, zone) if self.con.name == "pyspark" else _zoned(zone, clock)

    def _clock_of(self, zone: str, moment: ir.TimestampValue) -> ir.TimestampValue:
        """What a clock of the zone shows at a moment."""
        return _from_utc(moment, zone) if self.con.name == "pyspark" else _zoned(zone, moment)


def tidy_columns(con: Any, raw: ir.Table) -> list[str]:
    """Columns of text without a value to clean, of finite numbers, of days that calendars have.

    Moments of no stated zone that are all midnights are days, and the same wherever one is.
    None is known to be where rows may still come in.
    """
    tests = {name: _untidy(raw[name]) for name in raw.columns if con.name == "duckdb"}
    asked = {name: test for name, test in tests.items() if test is not None}
    if not asked:
        return []
    counts = {f"untidy_{place}": test.sum() for place, test in enumerate(asked.values())}
    found = frame_of(con, raw.aggregate(**counts)).fillna(0).iloc[0]
    return [name for name, count in zip(asked, found, strict=True) if count == 0]


def _untidy(value: ir.Value) -> ir.BooleanValue | None:
    if value.type().is_string():
        return parsing.is_untidy(value)
    if value.type().is_date() or value.type().is_timestamp():
        day = value.cast("date")
        odd = ~day.between(dt.date.min, dt.date.max)
        return odd | (value != day.cast(value.type())) if _is_naive(value) else odd
    return ~_is_finite(value) if value.type().is_floating() else None


@ibis.udf.scalar.builtin(
    name="timezone", signature=((types.string, types.timestamp), types.timestamp)
)
def _zoned(zone: str, moment: Any) -> Any:
    """The engine's own ``timezone``: from a zone's local time to a moment, or back."""


_SPARK = ((types.timestamp, types.string), types.timestamp)


@ibis.udf.scalar.builtin(name="to_utc_timestamp", signature=_SPARK)
def _to_utc(clock: Any, zone: str) -> Any:
    """What ``timezone`` is on Spark, from a zone's local time."""


@ibis.udf.scalar.builtin(name="from_utc_timestamp", signature=_SPARK)
def _from_utc(moment: Any, zone: str) -> Any:
    """What ``timezone`` is on Spark, to a zone's local time."""


def _is_naive(value: ir.Value) -> bool:
    return bool(value.type().is_timestamp() and value.type().timezone is None)


def _can_hold(kind: Any, wanted: Type) -> bool:
    if kind.is_null() or (kind.is_string() and not kind.is_json()):
        return True
    if wanted in _DATES:
        return bool(kind.is_date() or kind.is_timestamp())
    if wanted == "number":
        return bool(kind.is_numeric() or kind.is_boolean())
    return bool(kind.is_primitive() or kind.is_temporal() or kind.is_decimal() or kind.is_uuid())


def as_text(value: ir.Value) -> ir.StringValue:
    """Text as it is; a whole number without decimals, for gaps make 12 a 12.0 in many exports."""
    if value.type().is_string():
        return parsing.clean(value)
    if not value.type().is_floating():
        return value.cast("string")
    whole = (value == value.floor()) & (value.abs() < 2.0**53)
    return ibis.ifelse(whole, value.cast("int64").cast("string"), value.cast("string"))


def _typed(value: ir.Value, kind: Type, tidy: bool) -> ir.Value:
    """The value as its column holds it: no number beyond `LARGEST`, no day that calendars lack.

    "Never" is the 31 December 9999 of others, and listed as such.
    """
    cast = value.cast(IBIS_TYPES[kind])
    if not tidy and kind in _DATES:
        first, last = (ibis.literal(day).cast(cast.type()) for day in (dt.date.min, dt.date.max))
        return ibis.cases((cast < first, first), (cast > last, last), else_=cast)
    if tidy or not value.type().is_floating():
        return cast
    return ibis.ifelse(_is_finite(cast), cast, ibis.null(IBIS_TYPES[kind]))


def _is_finite(number: ir.FloatingValue) -> ir.BooleanValue:
    """Whether it can be counted with: engines hold what is no number for larger than all others."""
    return number.abs() < LARGEST


def _status_of(word: str) -> str:
    plain = word.lower().replace("é", "e")
    return next((name for name, words in STATUS_WORDS.items() if plain in words.split(", ")), word)
