"""Whom a chart speaks to, and the words around it: figures, names, title and subtitle."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import pandas as pd

from kpi_helpers import wording
from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.compare.verdicts import UNREADABLE
from kpi_helpers.errors import BadInput
from kpi_helpers.language import Terms, text, texts
from kpi_helpers.measure.judge import OK
from kpi_helpers.units import COUNT, write, write_date
from kpi_helpers.wording.told import TIDY, Told
from kpi_helpers.wording.when import label_of

Row = Mapping[Any, Any]

RANGES = (("low", "high"), ("reference_low", "reference_high"))


class Options(TypedDict, total=False):
    """What every chart accepts besides its frames.

    ``lang`` is the reader's language (``"en"``), ``currency`` the ISO code of the amounts
    (``"EUR"``), ``title`` the finding (without one, what `kpi_helpers.wording` finds in the row, or
    a plain statement of the figures), ``as_of`` the last day that the data know, ``terms`` the
    company's own words.
    """

    lang: str
    currency: str
    title: str
    as_of: dt.date | None
    terms: Terms | None


@dataclass(frozen=True)
class Reader:
    """The options of a chart, and how they write."""

    lang: str = "en"
    currency: str = "EUR"
    title: str = ""
    as_of: dt.date | None = None
    terms: Terms | None = None

    def text(self, key: str, **values: object) -> str:
        """Return a text of the charts."""
        return text(f"charts.{key}", self.lang, **values)

    def told(self, row: Row) -> Told:
        """Return a row as it is told; its dimensions are named apart."""
        return Told(row, self.lang, self.terms, self.currency)

    def name(self, row: Row) -> str:
        """Return the name of a row's KPI."""
        return self.told(_tidy(row)).name()

    def figure(self, row: Row, of: str = "value") -> str:
        """Return a figure of a row; large amounts of money have three digits."""
        return self.told(row).figure(number(row[of]))

    def finding(self, row: Row) -> str:
        """Return what a row says as a title."""
        return wording.title(row, self.lang, self.terms, self.currency)

    def weight(self, row: Row) -> str:
        """Return the number of cases, or that they are few, or why there is no figure."""
        told = self.told(_tidy(row))
        if row["status"] in UNREADABLE or told.has_few_cases:
            return wording.verdict(told.row, self.lang, self.terms, self.currency)
        return told.cases(number(row["n"])) if known(row["n"]) else ""

    def change(self, row: Row) -> str:
        """Return the change of a compared row, with its plausible range."""
        told = self.told(row)
        within = told.change_range()
        return f"{told.change()} ({within})" if within else told.change()

    def reference(self, rows: Sequence[Row]) -> str:
        """Name what compared rows stand beside: an earlier period, or other rows of the same."""
        named = {row["reference_period"]: row for row in rows if known(row["reference"])}
        others = {name: row for name, row in named.items() if name != row["period"]}
        if len(others) != 1:
            return self.text("key.reference")
        ((name, row),) = others.items()
        return label_of(name, row, self.lang)

    def group(self, row: Row, by: Sequence[str]) -> str:
        """Return the value of a row's dimensions; a blank one is said to be not assigned."""
        blank = self.text("not_assigned")
        return " · ".join(blank if absent(row[name]) else str(row[name]) for name in by)


def rows_of(frame: pd.DataFrame) -> list[Row]:
    """Return the rows of a frame, each by column; a range with only one end is infinite.

    Examples
    --------
    >>> frame = pd.DataFrame({"value": [12.0], "low": [9.0], "high": [float("nan")]})
    >>> rows_of(frame)
    [{'value': 12.0, 'low': 9.0, 'high': inf}]
    """
    rows: list[Row] = []
    for record in frame.to_dict("records"):
        row = dict(record)
        for low, high in RANGES:
            if known(row.get(low)) != known(row.get(high)):
                row[low] = row[low] if known(row[low]) else -math.inf
                row[high] = row[high] if known(row[high]) else math.inf
        rows.append(row)
    return rows


def one_kpi(rows: Sequence[Row]) -> Sequence[Row]:
    """Return rows, of which a chart can show only one KPI.

    Raises
    ------
    BadInput
        If they hold several KPIs.
    """
    kpis = sorted({str(row["kpi"]) for row in rows})
    if len(kpis) > 1:
        raise BadInput("several_series", value=", ".join(kpis))
    return rows


def number(value: Any) -> float:
    """Return a cell as a number, nan where it is blank."""
    return math.nan if absent(value) else float(value)


def known(value: object) -> bool:
    """Tell whether a cell holds a finite number."""
    return math.isfinite(number(value))


def absent(value: object) -> bool:
    """Tell whether a cell is blank."""
    return value is None or value is pd.NA or value != value or str(value).strip() == ""


def about(rows: Sequence[Row], reader: Reader) -> list[str]:
    """Return the paragraphs of a subtitle: the definition; then n, period and as-of."""
    if not rows:
        return []
    alone = len({row["kpi"] for row in rows}) == 1
    facts = [_cases(rows, reader) if alone else "", _span(rows, reader)]
    if reader.as_of is not None:
        facts.append(reader.text("as_of", day=write_date(reader.as_of, reader.lang)))
    definition = _definition(rows[0]["kpi"], reader.lang) if alone else ""
    return [part for part in (definition, " · ".join(filter(None, facts))) if part]


def stated(rows: Sequence[Row], reader: Reader) -> str:
    """Return the title of a chart of one series: the one given, or the finding of its last row."""
    read = [row for row in rows if known(row["value"])]
    if reader.title or not rows:
        return reader.title or reader.text("nothing")
    return reader.finding((read or rows)[-1])


def spread(rows: Sequence[Row], by: Sequence[str], reader: Reader) -> str:
    """Return the title of a chart of groups: the one given, or the lowest and highest of them.

    A group of few cases is often the highest or the lowest by chance alone: it is not named.
    """
    if reader.title or len(rows) < 2:
        return stated(rows, reader)
    read = [row for row in rows if known(row["value"]) and row["status"] == OK]
    if len(read) < 2:
        return reader.text("groups", name=reader.name(rows[0]), period=_span(rows, reader))
    low, high = (pick(read, key=lambda row: number(row["value"])) for pick in (min, max))
    ends = {"low": reader.figure(low), "high": reader.figure(high)}
    names = {"lowest": reader.group(low, by), "highest": reader.group(high, by)}
    return reader.text("spread", name=reader.name(low), **ends, **names)


def _tidy(row: Row) -> Row:
    return {name: row[name] for name in TIDY if name in row}


def _definition(kpi: str, lang: str) -> str:
    declared = REGISTRY.get(kpi)
    if declared is None:
        return str(texts(lang).get(f"charts.definitions.{kpi}", ""))
    return declared.definition(lang)


def _cases(rows: Sequence[Row], reader: Reader) -> str:
    counted = [row for row in rows if known(row["n"]) and known(row["value"])]
    if not counted:
        return ""
    low, high = (pick(number(row["n"]) for row in counted) for pick in (min, max))
    most = reader.told(_tidy(counted[0])).cases(high)
    if low == high:
        return most
    return text("units.range", reader.lang, low=write(low, COUNT, reader.lang), high=most)


def _span(rows: Sequence[Row], reader: Reader) -> str:
    first = min(rows, key=lambda row: pd.Timestamp(row["start"]))
    last = max(rows, key=lambda row: pd.Timestamp(row["end"]))
    start, end = (reader.told(row).period() for row in (first, last))
    return start if start == end else text("periods.range", reader.lang, start=start, end=end)
