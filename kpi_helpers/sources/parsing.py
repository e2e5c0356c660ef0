"""Our reading rules for text, as Ibis expressions: dates, numbers, words.

Text is never guessed row by row. What decides how a column is read (day before month, decimal
comma) is counted over all of its rows; where no row decides and it matters, the column is refused
and the setting to make is named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import ibis
import ibis.expr.types as ir

CURRENCIES = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY"}
DOLLARS = ("USD", "CAD", "AUD", "NZD", "SGD", "HKD")
_CODES = "EUR|USD|GBP|CHF|JPY|CAD|AUD|SEK|NOK|DKK|PLN|CZK|MAD|TND|XOF|XAF|BRL|INR|CNY"
_MONEY = rf"(?:[{''.join(CURRENCIES)}]|{_CODES})"
_SPACES = ("\u00a0", "\u202f", "\u2009", "'", "\u2019")
_CLOCK = (
    r"(?:,? +|T)([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?(?:[.,][0-9]+)?"
    r"(?: ?([AaPp])\.?[Mm]\.?)?(?: ?(Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?$"
)
_YMD = rf"^([0-9]{{4}})[-/.]?([0-9]{{2}})[-/.]?([0-9]{{2}})(?:{_CLOCK}|$)"
_XYZ = rf"^([0-9]{{1,2}})[-/.]([0-9]{{1,2}})[-/.]([0-9]{{4}})(?:{_CLOCK}|$)"
# Days that the calendar has, so that the engine's own cast cannot fail.
_DAYS = (
    r"(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8])"
)
_FOURS = "0[48]|[2468][048]|[13579][26]"
_LEAP = f"(?:[0-9]{{2}}(?:{_FOURS})|(?:{_FOURS})00)-02-29"
_DAY = f"^(?:[0-9]{{4}}-(?:{_DAYS})|{_LEAP})$"
_MOMENT = rf"{_DAY[:-1]}(?: (?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?)?$"


# White space at the end of a text.
_EDGE = r"[ \t\n\r\v\f]"


def is_day(text: str) -> bool:
    """Whether a text is a day as every engine reads it, year first, perhaps with its hour.

    Examples
    --------
    >>> is_day("2026-09-30"), is_day("2026-09-30 10:00"), is_day("30/09/2026"), is_day("2026W05")
    (True, True, False, False)
    """
    return re.match(_MOMENT, text.strip().replace("T", " ")) is not None


def clean(value: ir.StringValue) -> ir.StringValue:
    """Text without spaces around it; empty text is missing."""
    stripped = value
    for space in ("\u00a0", "\u202f", "\ufeff"):
        stripped = stripped.replace(space, " ")
    return trimmed(stripped).nullif("")


def trimmed(value: ir.StringValue) -> ir.StringValue:
    """Text without white space around it.

    Not ``strip``: Spark reads its vertical tab and form feed as the letters v and f, and takes
    these off.
    """
    return value.re_replace(f"^{_EDGE}+|{_EDGE}+$", "")


def is_untidy(value: ir.StringValue) -> ir.BooleanValue:
    """Whether `clean` would change a text."""
    return value.re_search(f"^$|^{_EDGE}|{_EDGE}$|[\u00a0\u202f\ufeff]")


def as_number(value: ir.StringValue, decimal: str) -> ir.FloatingValue:
    """Read ``1 234,5``, ``(1,234.50)``, ``EUR 12``, ``12 k€``, ``1.5e3``; 12 % is 0.12.

    Thousands stand in threes, set apart by spaces, apostrophes or the sign that is not the decimal
    one; what is written otherwise is no number but missing.

    Parameters
    ----------
    value
        Text column.
    decimal
        ``","`` or ``"."``; the other one separates thousands.
    """
    plain = value.re_search(r"^[+-]?[0-9.,]+$")
    return ibis.ifelse(plain, _digits(value, decimal), _digits(_unadorned(value), decimal))


def _unadorned(value: ir.StringValue) -> ir.StringValue:
    """A number with its sign in front, no currency, and percent or thousands as an exponent."""
    text = value.replace("\u2212", "-")
    for space in _SPACES:
        text = text.replace(space, " ")
    text = text.re_replace(r"^\(([^-]*)\)$|^([^-]*)-$", r"-\1\2")
    text = text.re_replace(rf"^([+-]?) *{_MONEY}|{_MONEY}$", r"\1")
    for mark, exponent in (("%", "e-2"), ("[kK]", "e3"), ("M", "e6")):
        text = text.re_replace(rf"([0-9]) *{mark} *$", rf"\1{exponent}")
    return trimmed(text)


def _digits(text: ir.StringValue, decimal: str) -> ir.FloatingValue:
    point, mark = ("[.]", ",") if decimal == "." else (",", "[.]")
    grouped = "|".join(rf"[1-9][0-9]{{0,2}}(?:{gap}[0-9]{{3}}){{1,9}}" for gap in (" ", mark))
    whole = rf"(?:[0-9]{{1,30}}|{grouped})"
    written = rf"^[+-]? *(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)(?:e[+-]?[0-9]{{1,2}})?$"
    bare = text.replace(" ", "").replace("," if decimal == "." else ".", "").replace(",", ".")
    known = ibis.ifelse(text.re_search(f"(?i){written}"), bare, ibis.null("string"))
    return known.cast("float64")


def as_currency(value: ir.StringValue, reporting: str) -> ir.StringValue:
    """The code of the currency that an amount is written with, missing where there is none.

    A dollar is that of the reporting currency, where this is one.
    """
    edge = value.re_extract(rf"^[(+-]* *{_MONEY}|{_MONEY} *[)-]*$", 0)
    sign = edge.re_extract(_MONEY, 0).nullif("")
    return currency_code(sign, reporting)


def currency_code(sign: ir.StringValue, reporting: str) -> ir.StringValue:
    """The code of a sign such as €; a code in capitals."""
    codes = CURRENCIES | ({"$": reporting} if reporting in DOLLARS else {})
    return ibis.cases(*((sign == mark, code) for mark, code in codes.items()), else_=sign.upper())


def _groups(value: ir.StringValue, pattern: str, *numbers: int) -> list[ir.IntegerValue]:
    return [value.re_extract(pattern, number).nullif("").cast("int64") for number in numbers]


def as_date(value: ir.StringValue, order: str) -> ir.DateValue:
    """Read ISO dates and dates in the given order, with or without a clock time.

    Years have four digits: of ``01/02/26`` nobody can tell the order, let alone the century.

    Parameters
    ----------
    value
        Text column.
    order
        ``"dmy"`` or ``"mdy"`` for dates that end with their year, ``"ymd"`` for ISO dates only.
    """
    return _or_cast(value, _DAY, "date", _date(value, order))


def _date(value: ir.StringValue, order: str) -> ir.DateValue:
    day = value.re_replace(_YMD, r"\1-\2-\3")
    if order != "ymd":
        day = day.re_replace(_XYZ, r"\3-\1-\2" if order == "mdy" else r"\3-\2-\1")
        day = day.re_replace("-([0-9])-", r"-0\1-").re_replace("-([0-9])$", r"-0\1")
    exists = day.re_search(_DAY) & ~day.startswith("0000")
    return ibis.ifelse(exists, day, ibis.null("string")).cast("date")


def _or_cast(value: ir.StringValue, form: str, kind: str, otherwise: ir.Value) -> Any:
    """What a text in an engine's own form is cast to: a tenth of the work of taking it apart."""
    plain = value.re_search(form) & ~value.startswith("0000")
    return ibis.ifelse(plain, ibis.ifelse(plain, value, ibis.null("string")).cast(kind), otherwise)


def as_time(value: ir.StringValue, order: str) -> ir.TimestampValue:
    """Like `as_date`, with the clock time as written (midnight where there is none)."""
    hour, minute, second = (part.fill_null(0) for part in _groups(value, _CLOCK, 1, 2, 3))
    half = value.re_extract(_CLOCK, 4).lower()
    later = ibis.cases((half == "p", hour % 12 + 12), (half == "a", hour % 12), else_=hour)
    seconds = later * 3600 + minute * 60 + second
    moment = _date(value, order).cast("timestamp") + seconds.as_interval("s")
    return _or_cast(value, _MOMENT, "timestamp", moment)


def utc_offset(value: ir.StringValue) -> ir.IntegerValue:
    """Minutes by which a clock time is ahead of UTC, missing where the text does not say."""
    zone = value.re_extract(_CLOCK, 5).replace(":", "")
    signed = ibis.ifelse(zone.re_search("^[+-]"), zone, ibis.null("string"))
    minutes = signed.substr(1, 2).cast("int64") * 60 + signed.substr(3, 2).cast("int64")
    minutes = ibis.ifelse(zone.startswith("-"), -minutes, minutes)
    return ibis.cases((zone.isin(["Z", "UTC"]), 0), else_=minutes)


def as_flag(value: ir.StringValue) -> ir.BooleanValue:
    """Read yes and no in English and French."""
    word = value.lower()
    return ibis.cases(
        (word.isin(["1", "true", "yes", "y", "oui", "vrai", "o", "x", "ok"]), True),
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
    """How many rows of a text column decide how it is read, and one that shows the doubt."""

    rows: int
    first: int
    second: int
    either: int
    example: str


class Decision(NamedTuple):
    """How a text column is read, what decided it and on what evidence.

    ``order`` is that of the dates or the decimal sign; ``by`` is ``"settings"``, ``"rows"``,
    ``"habit"`` (of the vendor or the language), or ``"nothing"`` where both readings agree.
    """

    order: str
    by: str
    seen: Evidence | None = None


def date_evidence(value: ir.StringValue) -> list[ir.Scalar]:
    """What tells day first from month first: the fields of `Evidence`."""
    one, two, _ = _groups(value, _XYZ, 1, 2, 3)
    return _evidence(value, one > 12, two > 12, (one <= 12) & (two <= 12) & (one != two))


def number_evidence(value: ir.StringValue) -> list[ir.Scalar]:
    """What tells decimal comma from decimal point: the fields of `Evidence`."""
    comma, point = as_number(value, ","), as_number(value, ".")
    first, second = comma.notnull() & point.isnull(), point.notnull() & comma.isnull()
    return _evidence(value, first, second, comma != point)


def _evidence(value: ir.StringValue, *tests: ir.BooleanValue) -> list[ir.Scalar]:
    first, second, either = (test.fill_null(False) for test in tests)
    shown = ibis.ifelse(either | first, value, ibis.null("string"))
    return [value.count(), first.sum(), second.sum(), either.sum(), shown.min()]
