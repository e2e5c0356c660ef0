"""Numbers as they are written: exact strings in French and English, with their special spaces."""

import math
import re
import subprocess
import sys
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st

from kpi_helpers.errors import UnknownName
from kpi_helpers.language import LANGUAGES
from kpi_helpers.units import (
    COUNT,
    DAYS,
    HOURS,
    MONEY,
    MONTHS,
    PERCENT,
    POINTS,
    SCORE,
    TIMES,
    UNITS,
    decimals,
    write,
    write_change,
    write_change_range,
    write_compact,
    write_date,
    write_number,
    write_range,
    write_relative,
)

# Escapes in what is expected: \u00a0 no-break space, \u202f narrow one, \u2212 minus, \u2013 dash.
DASH = "\u2013"
FIGURES = re.compile("[0-9]+(?:[\u202f,.][0-9]+)*")


@pytest.mark.parametrize(
    ("value", "unit", "french", "english"),
    [
        (0.23514, PERCENT, "23,5\u00a0%", "23.5%"),
        (0.5, PERCENT, "50,0\u00a0%", "50.0%"),
        (0, PERCENT, "0,0\u00a0%", "0.0%"),
        (-0.032, PERCENT, "\u22123,2\u00a0%", "\u22123.2%"),
        (12.345, PERCENT, "1\u202f234,5\u00a0%", "1,234.5%"),
        (45.2, POINTS, "45,2 points", "45.2 points"),
        (1, POINTS, "1,0 point", "1.0 points"),
        (2372.52, MONEY, "2\u202f373\u00a0€", "€2,373"),
        (3800, MONEY, "3\u202f800\u00a0€", "€3,800"),
        (12.5, MONEY, "12,50\u00a0€", "€12.50"),
        (12, MONEY, "12\u00a0€", "€12"),
        (0, MONEY, "0\u00a0€", "€0"),
        (-130_000, MONEY, "\u2212130\u202f000\u00a0€", "\u2212€130,000"),
        (2047, COUNT, "2\u202f047", "2,047"),
        (2.5, COUNT, "2,5", "2.5"),
        (-3, COUNT, "\u22123", "\u22123"),
        (113, DAYS, "113 jours", "113 days"),
        (1, DAYS, "1 jour", "1 day"),
        (0, DAYS, "0 jour", "0 days"),
        (1.5, DAYS, "1,5 jour", "1.5 days"),
        (4.6, MONTHS, "4,6 mois", "4.6 months"),
        (2, HOURS, "2 heures", "2 hours"),
        (3.2, TIMES, "3,20\u00a0×", "3.20×"),
        (42.04, SCORE, "42,0", "42.0"),
    ],
)
def test_write(value, unit, french, english):
    assert write(value, unit, "fr") == french
    assert write(value, unit, "en") == english


@pytest.mark.parametrize(
    ("currency", "french", "english"),
    [
        ("EUR", "1\u202f234,50\u00a0€", "€1,234.50"),
        ("GBP", "1\u202f234,50\u00a0£", "£1,234.50"),
        ("USD", "1\u202f234,50\u00a0$", "$1,234.50"),
        ("CHF", "1\u202f234,50\u00a0CHF", "CHF\u00a01,234.50"),
    ],
)
def test_money_of_a_currency(currency, french, english):
    assert write(1234.5, MONEY, "fr", currency, digits=2) == french
    assert write(1234.5, MONEY, "en", currency, digits=2) == english


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [(0.38, 0, "38%"), (0.38, 2, "38.00%"), (0.614069, 2, "61.41%"), (0.614069, 4, "61.4069%")],
)
def test_digits_asked_for(value, digits, expected):
    assert write(value, PERCENT, "en", digits=digits) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.2345, "23.5%"),  # a float times 100 is 23.450000000000003, half to even would be 23.4
        (0.2335, "23.4%"),
        (0.9996, "100.0%"),
        (-0.0004, "0.0%"),  # never minus zero
        (1.005, "100.5%"),
    ],
)
def test_percents_are_rounded_to_one_decimal(value, expected):
    assert write(value, PERCENT, "en") == expected


@pytest.mark.parametrize("value", [None, math.nan, np.nan, pd.NA, pd.NaT, math.inf, -math.inf])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_missing_is_a_dash_everywhere(value, lang):
    assert {write(value, unit, lang) for unit in UNITS} == {DASH}
    assert {write_change(value, unit, lang) for unit in UNITS} == {DASH}
    assert {write_range(value, value, unit, lang) for unit in UNITS} == {DASH}
    assert {write_change_range(value, value, unit, lang) for unit in UNITS} == {DASH}
    assert {write_compact(value, lang), write_relative(value, lang)} == {DASH}
    assert write_date(None, lang) == DASH


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("value", [1e300, -1e300, 10**40, Decimal("1e-300"), 123456789012345.67])
def test_huge_and_tiny_numbers_are_written(value, unit):
    for lang in LANGUAGES:
        assert FIGURES.search(write(value, unit, lang))
        assert FIGURES.search(write_change(value, unit, lang))
        assert FIGURES.search(write_compact(value, lang))


@pytest.mark.parametrize("number", [np.float64(0.5), np.float32(0.5), Decimal("0.5"), 0.5])
def test_numbers_of_any_library(number):
    assert write(number, PERCENT, "en") == "50.0%"


def test_whole_numbers_of_any_library():
    assert {write(n, COUNT, "en") for n in (1234, np.int64(1234), 1234.0, Decimal(1234))} == {
        "1,234"
    }


# --- Changes: points for rates, percent only for relative changes


@pytest.mark.parametrize(
    ("value", "unit", "french", "english"),
    [
        (0.023, PERCENT, "+2,3 points", "+2.3 points"),
        (-0.137, PERCENT, "\u221213,7 points", "\u221213.7 points"),
        (0.015, PERCENT, "+1,5 point", "+1.5 points"),
        (0, PERCENT, "0,0 point", "0.0 points"),
        (0.0001, PERCENT, "0,0 point", "0.0 points"),
        (7.7, POINTS, "+7,7 points", "+7.7 points"),
        (130_000, MONEY, "+130\u202f000\u00a0€", "+€130,000"),
        (-12, COUNT, "\u221212", "\u221212"),
        (14, DAYS, "+14 jours", "+14 days"),
    ],
)
def test_changes(value, unit, french, english):
    assert write_change(value, unit, "fr") == french
    assert write_change(value, unit, "en") == english


@pytest.mark.parametrize(
    ("value", "french", "english"),
    [
        (0.31, "+31,0\u00a0%", "+31.0%"),
        (-0.031, "\u22123,1\u00a0%", "\u22123.1%"),
        (0, "0,0\u00a0%", "0.0%"),
    ],
)
def test_relative_changes(value, french, english):
    assert write_relative(value, "fr") == french
    assert write_relative(value, "en") == english


@given(st.floats(-2, 2), st.sampled_from(LANGUAGES))
def test_percent_and_points_are_never_confused(value, lang):
    assert "%" in write(value, PERCENT, lang)
    assert "%" not in write_change(value, PERCENT, lang)
    assert "%" not in write_change_range(value, value, PERCENT, lang)
    assert "%" in write_relative(value, lang)
    assert all("%" not in write(value, unit, lang) for unit in UNITS if unit != PERCENT)


# --- Ranges


@pytest.mark.parametrize(
    ("low", "high", "unit", "french", "english"),
    [
        (0.195, 0.281, PERCENT, "19,5 à 28,1\u00a0%", "19.5\u201328.1%"),
        (-0.05, 0.02, PERCENT, "\u22125,0 à 2,0\u00a0%", "\u22125.0 to 2.0%"),
        (2800, 5330, MONEY, "2\u202f800 à 5\u202f330\u00a0€", "€2,800\u20135,330"),
        (-650, 940, MONEY, "\u2212650\u00a0€ à 940\u00a0€", "\u2212€650 to €940"),
        (80.5, 120, MONEY, "80,50 à 120,00\u00a0€", "€80.50\u2013120.00"),
        (19, 28, DAYS, "19 à 28 jours", "19\u201328 days"),
        (0, 1, DAYS, "0 à 1 jour", "0\u20131 day"),
        (2.5, 12, DAYS, "2,5 à 12,0 jours", "2.5\u201312.0 days"),
        (12, None, DAYS, "au moins 12 jours", "at least 12 days"),
        (2.1, math.inf, TIMES, "au moins 2,10\u00a0×", "at least 2.10×"),
        (math.nan, 0.2, PERCENT, "au plus 20,0\u00a0%", "at most 20.0%"),
    ],
)
def test_ranges(low, high, unit, french, english):
    assert write_range(low, high, unit, "fr") == french
    assert write_range(low, high, unit, "en") == english


@pytest.mark.parametrize(
    ("low", "high", "unit", "french", "english"),
    [
        (-0.079, 0.045, PERCENT, "\u22127,9 à +4,5 points", "\u22127.9 to +4.5 points"),
        (
            -0.171,
            -0.102,
            PERCENT,
            "\u221217,1 à \u221210,2 points",
            "\u221217.1 to \u221210.2 points",
        ),
        (3.1, 12.3, POINTS, "+3,1 à +12,3 points", "+3.1 to +12.3 points"),
        (650, 940, MONEY, "+650\u00a0€ à +940\u00a0€", "+€650 to +€940"),
        (0.01, None, PERCENT, "au moins +1,0 point", "at least +1.0 points"),
    ],
)
def test_ranges_of_changes(low, high, unit, french, english):
    assert write_change_range(low, high, unit, "fr") == french
    assert write_change_range(low, high, unit, "en") == english


# --- Compact money


@pytest.mark.parametrize(
    ("value", "french", "english"),
    [
        (3_472_345, "3,47\u00a0M€", "€3.47m"),
        (130_000, "130\u00a0k€", "€130k"),
        (96_449, "96,4\u00a0k€", "€96.4k"),
        (13_000, "13,0\u00a0k€", "€13.0k"),
        (999_999, "1,00\u00a0M€", "€1.00m"),
        (9_996, "10,0\u00a0k€", "€10.0k"),
        (3_800, "3\u202f800\u00a0€", "€3,800"),
        (780, "780\u00a0€", "€780"),
        (0, "0\u00a0€", "€0"),
        (-130_000, "\u2212130\u00a0k€", "\u2212€130k"),
        (1_234_000_000, "1,23\u00a0Md€", "€1.23bn"),
        (1.2345e12, "1\u202f230\u00a0Md€", "€1,230bn"),
    ],
)
def test_compact_money(value, french, english):
    assert write_compact(value, "fr") == french
    assert write_compact(value, "en") == english


def test_compact_money_of_other_currencies():
    assert [write_compact(3_472_345, "en", code) for code in ("GBP", "USD", "CHF")] == [
        "£3.47m",
        "$3.47m",
        "CHF\u00a03.47m",
    ]
    assert [write_compact(3_472_345, "fr", code) for code in ("GBP", "USD", "CHF")] == [
        "3,47\u00a0M£",
        "3,47\u00a0M$",
        "3,47\u00a0M\u00a0CHF",
    ]


# --- Dates


@pytest.mark.parametrize(
    ("day", "french", "english"),
    [
        (date(2026, 9, 14), "14 septembre 2026", "14 September 2026"),
        (date(2026, 8, 1), "1er août 2026", "1 August 2026"),
        (date(2024, 2, 29), "29 février 2024", "29 February 2024"),
    ],
)
def test_dates(day, french, english):
    assert write_date(day, "fr") == french
    assert write_date(day, "en") == english


# --- Properties


def read_back(written, lang):
    """Return the number in a written text, by plain replacement."""
    figures = written.replace({"en": ",", "es": ".", "fr": "\u202f"}[lang], "")
    figures = figures.replace("\u2212", "-").replace(",", ".")
    return Decimal(re.search(r"-?[€$]?[0-9.]+", figures)[0].replace("€", ""))


@given(
    st.decimals(-(10**12), 10**12, places=4),
    st.sampled_from([PERCENT, MONEY, COUNT, DAYS, TIMES]),
    st.sampled_from(LANGUAGES),
)
def test_what_is_written_reads_back(value, unit, lang):
    scale = 100 if unit == PERCENT else 1
    assert read_back(write(value, unit, lang, digits=4), lang) == value * scale


@given(st.integers(0, 10**15), st.sampled_from(LANGUAGES))
def test_figures_are_those_of_babel(value, lang):
    assert write(value, COUNT, lang) == format_decimal(value, locale=lang)


@given(st.floats(-1e9, 1e9), st.sampled_from(UNITS), st.sampled_from(LANGUAGES))
def test_only_no_break_spaces_inside_figures_and_before_signs(value, unit, lang):
    for written in (write(value, unit, lang), write_change(value, unit, lang)):
        assert not re.search(r"\d \d| [%€×]", written)
        assert "-" not in written


# --- What is refused


@pytest.mark.parametrize(
    ("code", "hint"), [("eur", "Did you mean EUR?"), ("€", "code such as EUR.")]
)
@pytest.mark.parametrize(
    "writer",
    [lambda code: write(1, MONEY, "en", code), lambda code: write_compact(1e6, "en", code)],
)
def test_unknown_currency(writer, code, hint):
    with pytest.raises(UnknownName, match=re.escape(f"'{code}' is not a currency")) as caught:
        writer(code)
    assert hint in str(caught.value)


def test_unknown_unit():
    with pytest.raises(UnknownName, match="Unknown unit: 'percents'. Did you mean percent?"):
        write(1, "percents", "en")


def test_importing_units_does_not_import_babel():
    code = "import sys, kpi_helpers.units; sys.exit('babel' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_number_alone_is_that_of_the_whole(lang):
    for value, unit in [(0.2351, PERCENT), (-12.5, DAYS), (2372.5, MONEY), (None, COUNT)]:
        whole = write(value, unit, lang)
        assert write_number(value, unit, lang) in whole
        signed = write_number(value, unit, lang, plus=True)
        assert signed[1:] in write_change(value, unit, lang)[1:]
        assert signed[0] == write_change(value, unit, lang)[0]


def test_a_compact_difference_has_its_sign():
    signed = [write_compact(value, "fr", plus=True) for value in (130_000, -130_000, 5330, 0)]
    assert signed == ["+130\u00a0k€", "\u2212130\u00a0k€", "+5\u202f330\u00a0€", "0\u00a0€"]


def test_the_unit_of_a_range_agrees_with_its_larger_end():
    assert write_change_range(-0.093, 0.015, PERCENT, "fr").endswith("+1,5 points")
    assert write_range(0.4, 1.5, DAYS, "fr") == "0,4 à 1,5 jour"


@pytest.mark.parametrize(
    ("values", "unit", "digits"),
    [
        ([8, 12.5], DAYS, 0),
        ([8.5, 12.5, np.nan, None], DAYS, 1),
        ([2, 4_000.5], COUNT, 0),
        ([12.5, 999], MONEY, 2),
        ([12.5, -1_000], MONEY, 0),
        ([0.5, 1], PERCENT, 1),
        ([], DAYS, 0),
    ],
)
def test_a_column_has_the_decimals_of_its_finest_number(values, unit, digits):
    assert decimals(values, unit) == digits
