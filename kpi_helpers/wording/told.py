"""One row as a reader is told it: each figure, period and name written, nothing decided."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kpi_helpers import language
from kpi_helpers.catalogue import LOWER, REGISTRY, Kpi
from kpi_helpers.compare import ADDED
from kpi_helpers.compare.verdicts import FACTS, UNREADABLE
from kpi_helpers.language import Terms, nouns, texts
from kpi_helpers.measure.judge import ENOUGH, INDICATIVE
from kpi_helpers.units import (
    COUNT,
    DAYS,
    HOURS,
    MONEY,
    MONTHS,
    write,
    write_change,
    write_change_range,
    write_compact,
    write_number,
    write_range,
)
from kpi_helpers.wording.when import kind_of, label_of, short_label

Row = Mapping[Any, Any]

TIDY = (
    *("kpi", "label", "unit", "better", "period", "start", "end", "value", "numerator"),
    *("denominator", "n", "low", "high", "method", "status", "note"),
)
READABLE = ("readable_period", "readable")
OWN = frozenset((*TIDY, *ADDED, *READABLE))
WHOLE = (COUNT, DAYS, HOURS, MONTHS)
LONGEST, LARGE = 80, 10_000
_BREAKS = dict.fromkeys(map(ord, "\t\n\v\f\r\u0085\u2028\u2029"), " ")


class Said(str):
    """A text that begins as its place asks: ``{name:low}`` inside a sentence, or ``{name:cap}``."""

    __slots__ = ()

    def __format__(self, form: str) -> str:
        if form == "cap":
            return self[:1].upper() + self[1:]
        # The capitals of CA, of FY2026 or of Net Promoter Score do not come from their place.
        second = self.partition(" ")[2]
        is_proper = not self[1:2].islower() or (second[:1].isupper() and second[1:2].islower())
        keeps = form != "low" or is_proper
        return str(self) if keeps else self[:1].lower() + self[1:]


class Kept(Said):
    """A name out of the data, which has the letters it has wherever it stands."""

    __slots__ = ()

    def __format__(self, form: str) -> str:
        return str(self)


@dataclass(frozen=True)
class Told:
    """A row of a compared or tidy frame, for a reader.

    Parameters
    ----------
    row
        By column; those of a comparison may be absent.
    lang, terms, currency
        As for `kpi_helpers.wording.sentence`.
    """

    row: Row
    lang: str
    terms: Terms | None = None
    currency: str = "EUR"

    def text(self, key: str, **values: object) -> str:
        """Return a text of this room, in the company's words."""
        said = {name: _said(value) for name, value in values.items()}
        return language.text(f"wording.{key}", self.lang, **nouns(self.lang, self.terms), **said)

    def has_text(self, key: str) -> bool:
        """Tell whether this room has a text."""
        return f"wording.{key}" in texts(self.lang)

    def knows(self, *columns: str) -> bool:
        """Tell whether the row has finite numbers in these columns."""
        return all(math.isfinite(self.number(column)) for column in columns)

    def number(self, column: str) -> float:
        """Return a number of the row, NaN where it has none."""
        value = self.row.get(column)
        return math.nan if _is_absent(value) else float(str(value))

    @property
    def kpi(self) -> Kpi | None:
        """The KPI whose figure it is; one that stands in for another is known by its label."""
        said = self.row["label"]
        return next((kpi for kpi in REGISTRY.values() if said in kpi.names.values()), None)

    @property
    def certainty(self) -> str:
        """How sure the finding is; a tidy row has none, and is a fact or not."""
        if self.row["status"] in UNREADABLE:
            return str(self.row["status"])
        return str(self.row.get("certainty", "exact" if self.is_fact else "not_established"))

    @property
    def aimed(self) -> str:
        """``met``, ``missed`` or ``none``."""
        return str(self.row.get("target_verdict", "none"))

    @property
    def changed(self) -> str:
        """``better``, ``worse``, ``changed``, ``none_shown`` or ``no_reference``."""
        return str(self.row.get("change_verdict", "no_reference"))

    @property
    def is_fact(self) -> bool:
        """Whether chance has no part in the figure: a total, a count."""
        return self.row["method"] in FACTS

    @property
    def is_share(self) -> bool:
        """Whether the figure is k of n cases."""
        return "wilson" in self.row["method"]

    @property
    def is_lower_better(self) -> bool:
        """Whether less is better."""
        return self.row["better"] == LOWER

    @property
    def has_few_cases(self) -> bool:
        """Whether the figure is to be read with care."""
        few = self.row["status"] == INDICATIVE and self.number("n") < ENOUGH
        return few and not self.is_fact

    def name(self, how: str = "") -> str:
        """Return the name of the KPI and of its group; ``dated`` or ``early``, with its period."""
        said: str = self.kpi_name()
        if how:
            period = self.when("of") if how == "early" else self.period()
            said = self.text(how, name=said, period=period)
        for group in self.groups():
            said = self.text("grouped", what=said, group=group)
        return said

    def kpi_name(self) -> Said:
        """Return the name of the KPI alone; that of a stage is the company's own."""
        kpi = self.kpi
        if kpi is None:
            return Kept(plain(self.row["label"]))
        key = f"names.{kpi.id}"
        return Said(self.text(key) if self.has_text(key) else kpi.label(self.lang))

    def groups(self) -> list[str]:
        """Return the names of the row's groups, one a dimension."""
        blank = language.text("sheets.blank", self.lang)
        return [plain(self.row[column]) or blank for column in self.row if column not in OWN]

    def period(self) -> str:
        """Return the period of the row."""
        return label_of(self.row["period"], self.row, self.lang)

    def when(self, how: str = "in") -> str:
        """Return when the figure was: ``in`` or ``of`` its period, short."""
        name = str(self.row["period"])
        said = short_label(name, self.row, self.lang)
        return self.text(f"{how}.{kind_of(name)}", period=said)

    def reference_when(self, how: str = "in") -> str:
        """Return when the reference was, or ``beside`` it, or that it is another group."""
        name = str(self.row["reference_period"])
        if name == self.row["period"]:
            return self.text("other_group")
        return self.text(f"{how}.{kind_of(name)}", period=short_label(name, self.row, self.lang))

    def cases(self, n: float) -> str:
        """Return a number of cases with what they are."""
        key = f"cases.{(self.kpi.cases or self.kpi.table) if self.kpi else ''}"
        whole = round(n) if math.isfinite(n) else 0
        key = key if self.has_text(key) else "cases.cases"
        return self.text(key, n=whole, number=write(n, COUNT, self.lang))

    def figure(self, value: float) -> str:
        """Return a value in the unit of the row, large amounts of money in three figures."""
        if self.row["unit"] == MONEY:
            return write_compact(value, self.lang, self.currency)
        return write(value, self.row["unit"], self.lang)

    def difference(self, value: float) -> str:
        """Return a difference in the unit of the row, with its sign."""
        if self.row["unit"] == MONEY:
            return write_compact(value, self.lang, self.currency, plus=True)
        return write_change(value, self.row["unit"], self.lang)

    def value(self) -> str:
        """Return the value, with what is always said with it."""
        said = self.figure(self.number("value"))
        key = f"values.{self.kpi.id}" if self.kpi else ""
        return self.text(key, value=said) if self.has_text(key) else said

    def range(self) -> str:
        """Return the plausible range of the value; nothing where it has none."""
        low, high = self.number("low"), self.number("high")
        if self.is_fact or not (self.knows("low") or self.knows("high")):
            return ""
        if self._is_large(low, high) and self.knows("low", "high"):
            return self._span(*self._ends(low, high), signed=low < 0)
        return write_range(low, high, self.row["unit"], self.lang, self.currency)

    def short_range(self, prefix: str = "") -> str:
        """Return the plausible range of the value or reference beside it, which bears the unit."""
        low, high = self.number(f"{prefix}low"), self.number(f"{prefix}high")
        if self.is_fact or not self.knows(f"{prefix}low", f"{prefix}high"):
            return ""
        return self._span(*self._ends(low, high), signed=low < 0)

    def change(self) -> str:
        """Return the change, with its sign."""
        return self.difference(self.number("change"))

    def change_range(self) -> str:
        """Return the plausible difference; nothing where an end of it is not known."""
        low, high = self.number("change_low"), self.number("change_high")
        if not self.knows("change_low", "change_high"):
            return ""
        if self._is_large(low, high):
            return self._span(*self.change_ends(), signed=True)
        unit = self.row["unit"]
        # 206 fewer to 2 more: no decimals that only the smaller end would have by itself.
        digits = (
            0 if unit in WHOLE and max(-low, high) >= 10 and min(abs(low), abs(high)) >= 1 else None
        )
        return write_change_range(low, high, unit, self.lang, self.currency, digits)

    def change_ends(self) -> tuple[str, str]:
        """Return the ends of the plausible difference beside the change, which bears the unit."""
        return self._ends(self.number("change_low"), self.number("change_high"), plus=True)

    def _ends(self, low: float, high: float, plus: bool = False) -> tuple[str, str]:
        if self._is_large(low, high):
            write_end = self.difference if plus else self.figure
            return write_end(low), write_end(high)
        unit = self.row["unit"]
        return write_number(low, unit, self.lang, plus), write_number(high, unit, self.lang, plus)

    def _is_large(self, low: float, high: float) -> bool:
        return self.row["unit"] == MONEY and max(abs(low), abs(high)) >= LARGE

    def _span(self, low: str, high: str, signed: bool) -> str:
        key = "units.range_signed" if signed else "units.range"
        return language.text(key, self.lang, low=low, high=high)


def plain(value: object, longest: int | None = LONGEST) -> str:
    """Return a text of the data as one line that cannot reorder or swallow a sentence.

    Examples
    --------
    >>> plain("Martin" + chr(10) + chr(0x202E) + "& fils")
    'Martin & fils'
    """
    if _is_absent(value):
        return ""
    seen = "".join(c for c in str(value).translate(_BREAKS) if _is_seen(c))
    line = " ".join(word for word in seen.split(" ") if word)
    if longest is not None and len(line) > longest:
        line = line[: longest - 1].rstrip() + "…"
    # Kept by itself, what runs from right to left leaves the figures beside it in their order.
    from_right = any(unicodedata.bidirectional(c) in ("R", "AL") for c in line)
    return f"\u2068{line}\u2069" if from_right else line


def subject(value: object, lang: str, kind: str = "segment") -> str:
    """Return a value of the data that begins a sentence; a common word with what it is.

    Examples
    --------
    >>> subject("Industrie", "en"), subject("mobile", "en")
    ('Industrie', 'Segment “mobile”')
    """
    name = plain(value)
    return (
        name if name[:1].isupper() else language.text(f"wording.subjects.{kind}", lang, name=name)
    )


def _said(value: object) -> object:
    return Said(value) if isinstance(value, str) and not isinstance(value, Said) else value


def _is_seen(character: str) -> bool:
    joins = character in "\u200c\u200d"
    letter = ord(character) & 0xFFFE != 0xFFFE  # the last two of each plane are none
    return joins or (letter and unicodedata.category(character) not in ("Cc", "Cf", "Co", "Cs"))


def _is_absent(value: object) -> bool:
    return value is None or value != value or str(value) in ("<NA>", "")
