"""Our reading rules for text, as Ibis expressions: dates, numbers, words.

Text is never guessed row by row. What decides how a column is read (day before month, decimal
comma) is counted over all of its rows; where no row decides and it matters, the column is refused
and the setting to make is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import ibis
import ibis.expr.types as ir

SPACES = " \u00a0\u202f\u2009'\u2019"
SIGNS = "€$£"
_NUMBER = r"^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?$"
_CLOCK = r"([ T]([0-9]{1,2}):([0-9]{2})(:([0-9]{2}))?([.,][0-9]+)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?$"
_YMD = r"^([0-9]{4})[-/.]?([0-9]{2})[-/.]?([0-9]{2})" + _CLOCK
_XYZ = r"^([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4})" + _CLOCK


def clean(value: ir.StringValue) -> ir.StringValue:
    """Text without spaces around it; empty text is missing."""
    stripped = value
    for space in ("\u00a0", "\u202f", "\ufeff"):
        stripped = stripped.replace(space, " ")
    return stripped.strip().nullif("")


def _bare(value: ir.StringValue) -> ir.StringValue:
    """A number's digits, sign and separators, without spaces, currency signs or percent."""
    text = value
    for sign in SPACES + SIGNS + "%":
        text = text.replace(sign, "")
    text = text.replace("\u2212", "-")
    negative = text.re_search(r"^\(.*\)$") | text.re_search(r"[0-9]-$")
    digits = text.replace("(", "").replace(")", "").re_replace(r"-$", "")
    return ibis.ifelse(negative, ibis.literal("-").concat(digits), digits)


def as_number(value: ir.StringValue, decimal: str) -> ir.FloatingValue:
    """Read ``1 234,5``, ``(1,234.50)``, ``12 %``, ``1.5e3``; what is no number is missing.

    Parameters
    ----------
    value
        Text column.
    decimal
        ``","`` or ``"."``; the other one separates thousands.
    """
    bare = _bare(value)
    plain = bare.replace(".", "").replace(",", ".") if decimal == "," else bare.replace(",", "")
    number = ibis.ifelse(plain.re_search(_NUMBER), plain, ibis.null("string")).cast("float64")
    percent = value.re_search(r"%\s*\)?$")
    return ibis.ifelse(percent, number / 100.0, number)


def _groups(value: ir.StringValue, pattern: str, *numbers: int) -> list[ir.IntegerValue]:
    matched = ibis.ifelse(value.re_search(pattern), value, ibis.null("string"))
    return [matched.re_extract(pattern, number).nullif("").cast("int64") for number in numbers]


def _day(year: ir.IntegerValue, month: ir.IntegerValue, day: ir.IntegerValue) -> ir.DateValue:
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    last = ibis.cases(
        (month == 2, ibis.ifelse(leap, 29, 28)), (month.isin([4, 6, 9, 11]), 30), else_=31
    )
    valid = month.between(1, 12) & (day >= 1) & (day <= last) & (year >= 1)
    known = [ibis.ifelse(valid, part, ibis.null("int64")) for part in (year, month, day)]
    return ibis.date(known[0], known[1], known[2])


def as_date(value: ir.StringValue, order: str) -> ir.DateValue:
    """Read ISO dates and dates in the given order, with or without a clock time.

    Parameters
    ----------
    value
        Text column.
    order
        ``"dmy"`` or ``"mdy"`` for dates that end with their year; ISO dates need none.
    """
    year, month, day = _groups(value, _YMD, 1, 2, 3)
    first, second, last = _groups(value, _XYZ, 1, 2, 3)
    if order == "mdy":
        first, second = second, first
    return ibis.coalesce(_day(year, month, day), _day(last, second, first))


def as_time(value: ir.StringValue, order: str) -> ir.TimestampValue:
    """Like `as_date`, with the clock time (midnight where there is none)."""
    clocks = [_groups(value, pattern, 5, 6, 8) for pattern in (_YMD, _XYZ)]
    hour, minute, second = (
        ibis.coalesce(iso, other, 0) for iso, other in zip(*clocks, strict=True)
    )
    day = as_date(value, order).cast("timestamp")
    seconds = hour * 3600 + minute * 60 + second
    return day + seconds.as_interval("s")


def as_flag(value: ir.StringValue) -> ir.BooleanValue:
    """Read yes and no in English and French."""
    word = value.lower()
    return ibis.cases(
        (word.isin(["1", "true", "yes", "y", "oui", "vrai", "o"]), True),
        (word.isin(["0", "false", "no", "n", "non", "faux"]), False),
        else_=ibis.null("boolean"),
    )


def map_values(value: ir.StringValue, words: Mapping[str, str]) -> ir.StringValue:
    """Replace the values that ``words`` names; ``"*"`` stands for every other value."""
    pairs = [(value == old, new) for old, new in words.items() if old != "*"]
    rest: ir.StringValue = value
    if "*" in words:
        rest = ibis.ifelse(value.notnull(), words["*"], ibis.null("string"))
    return ibis.cases(*pairs, else_=rest) if pairs else rest


class Evidence(NamedTuple):
    """How many rows of a text column decide how it is read."""

    rows: int
    first: int
    second: int
    either: int


def date_evidence(value: ir.StringValue) -> list[ir.IntegerScalar]:
    """Counts: rows filled, rows that say day first, month first, and rows that could be both."""
    one, two, _ = _groups(value, _XYZ, 1, 2, 3)
    return [
        value.count(),
        (one > 12).sum(),
        (two > 12).sum(),
        ((one <= 12) & (two <= 12) & (one != two)).sum(),
    ]


def number_evidence(value: ir.StringValue) -> list[ir.IntegerScalar]:
    """Counts: rows filled, rows that say decimal comma, decimal point, rows that could be both."""
    bare = _bare(value)
    comma = (
        bare.re_search(r"^[+-]?[0-9.]*,([0-9]{1,2}|[0-9]{4,})$")
        | bare.re_search(r"^[+-]?0,[0-9]+$")
        | bare.re_search(r"\..*,")
        | bare.re_search(r"\..*\.")
    )
    point = (
        bare.re_search(r"^[+-]?[0-9,]*\.([0-9]{1,2}|[0-9]{4,})$")
        | bare.re_search(r"^[+-]?0\.[0-9]+$")
        | bare.re_search(r",.*\.")
        | bare.re_search(r",.*,")
    )
    both = bare.re_search(r"^[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}$")
    return [value.count(), comma.sum(), point.sum(), both.sum()]
