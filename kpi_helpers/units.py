"""The only place that writes numbers: values, changes, ranges and dates in the reader's language.

Rates are 0 to 1 and written in percent; a difference between two rates is written in points, never
in percent. A minus is U+2212. What is missing, or infinite, is a dash. Halves round away from zero.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache
from types import MappingProxyType

from kpi_helpers.errors import UnknownName, nearest, unknown
from kpi_helpers.language import text

PERCENT = "percent"
POINTS = "points"
MONEY = "money"
COUNT = "count"
DAYS = "days"
MONTHS = "months"
HOURS = "hours"
TIMES = "times"
SCORE = "score"

# Decimals, and for numbers under a limit a number of decimals of their own (none if whole).
_DIGITS: Mapping[str, tuple[int, int, int]] = MappingProxyType(
    {
        PERCENT: (1, 0, 0),
        POINTS: (1, 0, 0),
        MONEY: (0, 100, 2),
        COUNT: (0, 10, 1),
        DAYS: (0, 10, 1),
        MONTHS: (0, 10, 1),
        HOURS: (0, 10, 1),
        TIMES: (2, 0, 0),
        SCORE: (1, 0, 0),
    }
)
UNITS = tuple(_DIGITS)

_SCALES = (("billion", 9), ("million", 6), ("thousand", 3))
_COMPACT_FROM = 10_000
_NO_CENTS_FROM = 1_000
_MINUS, _NBSP = "\u2212", "\u00a0"
_EXACT = Context(prec=999, rounding=ROUND_HALF_UP)
_THREE_FIGURES = Context(prec=3, rounding=ROUND_HALF_UP)


def write(
    value: object, unit: str, lang: str, currency: str = "EUR", digits: int | None = None
) -> str:
    """Return a value with its unit.

    Parameters
    ----------
    value : number or None
        Rates from 0 to 1; points, money, days and the rest as they are.
    unit : str
        One of ``UNITS``.
    lang : str
        Language of the reader.
    currency : str
        ISO code, for money.
    digits : int, optional
        Decimals; by default those customary for the unit and the size of the number.

    Raises
    ------
    UnknownName
        If the unit or the currency does not exist.

    Examples
    --------
    >>> write(0.23514, PERCENT, "en"), write(2372.52, MONEY, "en", "USD")
    ('23.5%', '$2,373')
    """
    return _written(_rounded(value, unit, digits), unit, lang, currency)


def decimals(values: Iterable[object], unit: str) -> int:
    """Return the decimals that the numbers of one column share: those of the finest.

    Beside an amount of a thousand and more no other has cents.

    Examples
    --------
    >>> decimals([12.5, 8, None], DAYS), decimals([8.5, 12.5], DAYS), decimals([86.49, 4647], MONEY)
    (0, 1, 0)
    """
    numbers = [number for value in values if (number := _scaled(value, unit)) is not None]
    if unit == MONEY and any(abs(number) >= _NO_CENTS_FROM for number in numbers):
        return 0
    return max((_customary(number, unit) for number in numbers), default=0)


def write_change(
    value: object, unit: str, lang: str, currency: str = "EUR", digits: int | None = None
) -> str:
    """Return a difference with its sign and unit; that of two rates (0 to 1) in points.

    Examples
    --------
    >>> write_change(0.023, PERCENT, "en"), write_change(-12, COUNT, "en")
    ('+2.3 points', '−12')
    """
    number = _rounded(value, unit, digits)
    return _written(number, _unit_of_change(unit), lang, currency, plus=True)


def write_relative(value: object, lang: str, digits: int = 1) -> str:
    """Return a relative change (0.31 for 31 % more) with its sign, in percent.

    Examples
    --------
    >>> write_relative(0.31, "en", digits=0)
    '+31%'
    """
    return _written(_rounded(value, PERCENT, digits), PERCENT, lang, plus=True)


def write_range(
    low: object,
    high: object,
    unit: str,
    lang: str,
    currency: str = "EUR",
    digits: int | None = None,
) -> str:
    """Return a range with its unit once; one bound missing or infinite leaves the other.

    Examples
    --------
    >>> write_range(0.195, 0.281, PERCENT, "en"), write_range(12, None, DAYS, "en")
    ('19.5–28.1%', 'at least 12 days')
    """
    return _range(_rounded_alike(low, high, unit, digits), unit, lang, currency)


def write_change_range(
    low: object,
    high: object,
    unit: str,
    lang: str,
    currency: str = "EUR",
    digits: int | None = None,
) -> str:
    """Return a range of differences with their signs; those of rates (0 to 1) in points.

    Examples
    --------
    >>> write_change_range(-0.079, 0.045, PERCENT, "en")
    '−7.9 to +4.5 points'
    """
    ends = _rounded_alike(low, high, unit, digits)
    return _range(ends, _unit_of_change(unit), lang, currency, plus=True)


def write_compact(
    value: object, lang: str, currency: str = "EUR", plus: bool = False, plain: bool = False
) -> str:
    """Return an amount of money in three figures, from 10,000 on in thousands, millions, billions.

    A round number, as on an axis, is written without the zeros at its end.

    Examples
    --------
    >>> write_compact(3_472_345, "en"), write_compact(130_000, "en", "GBP", plus=True)
    ('€3.47m', '+£130k')
    """
    amount = _decimal(value)
    if amount is None:
        return text("units.missing", lang)
    amount = _THREE_FIGURES.plus(amount)
    for scale, power in _SCALES:
        if abs(amount) >= 10**power and abs(amount) >= _COMPACT_FROM:
            scaled = abs(amount).scaleb(-power)
            even = scaled.normalize() if plain else _quantized(scaled, 2 - scaled.adjusted())
            figures = _figures(even, lang)
            return _sign(amount, plus) + _with_symbol(scale, figures, lang, currency)
    return (write_change if plus else write)(value, MONEY, lang, currency)


def write_number(value: object, unit: str, lang: str, plus: bool = False) -> str:
    """Return the figures of a value, or of a difference, whose unit stands elsewhere.

    Examples
    --------
    >>> write_number(0.23514, PERCENT, "en"), write_number(-0.171, PERCENT, "en", plus=True)
    ('23.5', '−17.1')
    """
    number = _rounded(value, unit)
    missing = text("units.missing", lang)
    return missing if number is None else _sign(number, plus) + _figures(abs(number), lang)


def write_date(day: date | None, lang: str) -> str:
    """Return a date with its month in words.

    Examples
    --------
    >>> write_date(date(2026, 9, 1), "fr")
    '1er septembre 2026'
    """
    if day is None:
        return text("units.missing", lang)
    from babel.dates import format_date

    month = format_date(day, "MMMM", lang)
    return text("units.date", lang, n=day.day, month=month, year=day.year)


def _decimal(value: object) -> Decimal | None:
    """Return the number exactly as it prints, or None if it is missing or not finite."""
    if value is None or str(value) in ("<NA>", "NaT"):
        return None
    number = Decimal(str(value))
    return number if number.is_finite() else None


def _rounded(value: object, unit: str, digits: int | None = None) -> Decimal | None:
    """Return what will be written: rates in percent, rounded."""
    number = _scaled(value, unit)
    if number is None:
        return None
    return _quantized(number, _customary(number, unit) if digits is None else digits)


def _rounded_alike(
    low: object, high: object, unit: str, digits: int | None
) -> list[Decimal | None]:
    digits = decimals((low, high), unit) if digits is None else digits
    return [_rounded(end, unit, digits) for end in (low, high)]


def _scaled(value: object, unit: str) -> Decimal | None:
    if unit not in UNITS:
        raise unknown("unit", unit, UNITS)
    number = _decimal(value)
    return number.scaleb(2, _EXACT) if number is not None and unit == PERCENT else number


def _customary(number: Decimal, unit: str) -> int:
    usual, limit, below = _DIGITS[unit]
    fine = abs(number) < limit and number != number.to_integral_value(context=_EXACT)
    return below if fine else usual


def _quantized(number: Decimal, digits: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-digits), context=_EXACT)


def _unit_of_change(unit: str) -> str:
    return POINTS if unit == PERCENT else unit


def _written(
    number: Decimal | None, unit: str, lang: str, currency: str = "EUR", plus: bool = False
) -> str:
    if number is None:
        return text("units.missing", lang)
    figures = _figures(abs(number), lang)
    return _sign(number, plus) + _with_unit(figures, number, unit, lang, currency)


def _range(
    ends: Sequence[Decimal | None], unit: str, lang: str, currency: str, plus: bool = False
) -> str:
    low, high = ends
    written = [_written(end, unit, lang, currency, plus) for end in ends]
    if low is None or high is None:
        if low is None and high is None:
            return written[0]
        key, value = ("at_most", written[1]) if low is None else ("at_least", written[0])
        return text(f"units.{key}", lang, value=value)
    if unit == MONEY and (plus or low < 0):
        return text("units.range_signed", lang, low=written[0], high=written[1])
    first, last = (_sign(end, plus) + _figures(abs(end), lang) for end in (low, high))
    figures = text("units.range" + "_signed" * (plus or low < 0), lang, low=first, high=last)
    return _with_unit(figures, max(low, high, key=abs), unit, lang, currency)


def _sign(number: Decimal, plus: bool = False) -> str:
    return _MINUS if number < 0 else "+" if plus and number > 0 else ""


def _figures(number: Decimal, lang: str) -> str:
    return f"{number:,f}".translate(_separators(lang))


def _with_unit(figures: str, number: Decimal, unit: str, lang: str, currency: str) -> str:
    if unit == MONEY:
        return _with_symbol(unit, figures, lang, currency)
    return text(f"units.{unit}", lang, number=figures, n=number)


def _with_symbol(key: str, figures: str, lang: str, currency: str) -> str:
    """Set the symbol beside the figures; one made of letters stands apart from them."""
    symbol = symbol_of(currency)
    if symbol[-1].isalpha():
        symbol = f"{_NBSP}{symbol}{_NBSP}"
    written = text(f"units.{key}", lang, number=figures, symbol=symbol)
    return written.replace(2 * _NBSP, _NBSP).strip(_NBSP)


@cache
def symbol_of(currency: str) -> str:
    """Return the sign of a currency by its ISO code; `UnknownName` where there is none.

    >>> symbol_of("EUR")
    '€'
    """
    from babel.numbers import get_currency_symbol, list_currencies

    codes = list_currencies("en")
    if currency not in codes:
        raise UnknownName("unknown_currency", name=currency, nearest=nearest(currency, codes))
    # A report has one currency: the short symbol is clear, and the French one of $ is "$US".
    return get_currency_symbol(currency, "en")


@cache
def _separators(lang: str) -> dict[int, str]:
    from babel.numbers import get_decimal_symbol, get_group_symbol

    return {ord(","): get_group_symbol(lang), ord("."): get_decimal_symbol(lang)}
