"""Text as people and their programs write it, read on DuckDB and by a plain Python reader."""

import datetime as dt
import math
from collections.abc import Callable, Sequence
from typing import Any

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_helpers.sources import parsing

CON = ibis.duckdb.connect()
CON.con.execute("SET enable_progress_bar = false; SET threads = 1")

NBSP, NARROW, THIN, MINUS = "\u00a0", "\u202f", "\u2009", "\u2212"
FEW = settings(max_examples=25, deadline=None)


def asked(texts: Sequence[str | None], **expressions: Callable[[Any], Any]) -> pd.DataFrame:
    frame = pd.DataFrame({"place": range(len(texts)), "text": pd.Series(texts, dtype="str")})
    CON.con.register("texts", frame)
    table = ibis.table({"place": "int64", "text": "string"}, name="texts")
    columns = {name: read(table.text) for name, read in expressions.items()}
    return CON.con.execute(str(CON.compile(table.order_by("place").select(**columns)))).df()


def numbers(texts: Sequence[str | None], decimal: str) -> list[float | None]:
    read = asked(texts, number=lambda text: parsing.as_number(parsing.clean(text), decimal))
    return [None if math.isnan(value) else value for value in read["number"]]


def days(texts: Sequence[str | None], order: str) -> list[dt.date | None]:
    read = asked(texts, day=lambda text: parsing.as_date(parsing.clean(text), order))
    return [None if pd.isna(value) else value.date() for value in read["day"]]


def times(texts: Sequence[str | None], order: str) -> list[dt.datetime | None]:
    read = asked(texts, time=lambda text: parsing.as_time(parsing.clean(text), order))
    return [None if pd.isna(value) else value.to_pydatetime() for value in read["time"]]


BOTH = [
    ("1234", 1234.0),
    ("-5", -5.0),
    ("+5", 5.0),
    ("- 5", -5.0),
    (MINUS + "5", -5.0),
    ("0012", 12.0),
    ("12 €", 12.0),
    ("€12", 12.0),
    ("EUR 12", 12.0),
    ("12 USD", 12.0),
    ("CHF12", 12.0),
    ("-£12", -12.0),
    ("€-12", -12.0),
    ("12 %", 0.12),
    ("7%", 0.07),
    (f"7{NARROW}%", 0.07),
    ("(12)", -12.0),
    ("(€12)", -12.0),
    ("(12 %)", -0.12),
    ("12-", -12.0),
    ("12 €-", -12.0),
    ("12k", 12_000.0),
    ("12 k€", 12_000.0),
    ("3 M€", 3_000_000.0),
    ("12e3", 12_000.0),
    ("12E-2", 0.12),
    (f"1{NARROW}234{NARROW}567", 1_234_567.0),
    (f"1{NBSP}234", 1234.0),
    (f"1{THIN}234", 1234.0),
    ("1'234", 1234.0),
    ("1’234", 1234.0),
    (f"{NBSP}12\t", 12.0),
    *((wrong, None) for wrong in ("abc", "12 abc", "12 34", "1 23", "--5", "-5-", "(-5)", "(5")),
    *((wrong, None) for wrong in ("-", "%", "€", "()", "12 %%", "1e400", "1e", "e5", "0x10")),
    *((wrong, None) for wrong in ("NaN", "inf", "null", "1_000", "١٢٣", "12 EUR 5", "9" * 400)),
    *((wrong, None) for wrong in ("12€5", "€€12", "XYZ 12", "1.2.3", "1,2,3", "=1+1", "1;2")),
]
COMMA = [
    ("1234,5", 1234.5),
    ("1 234,50 €", 1234.5),
    ("1.234.567,5", 1_234_567.5),
    ("12.345", 12_345.0),
    ("0,500", 0.5),
    (",5", 0.5),
    ("12,", 12.0),
    ("12,5 %", 0.125),
    ("3,47 M€", 3_470_000.0),
    ("1,5e3", 1500.0),
    ("1.234,5-", -1234.5),
    *(
        (wrong, None)
        for wrong in ("12.5", "1,234.50", "1.5e3", "12.34,5", "0.500", "1..234", "1,,2")
    ),
]
POINT = [
    ("1234.5", 1234.5),
    ("$1,234.50", 1234.5),
    ("CHF 1'234.50", 1234.5),
    ("12,345", 12_345.0),
    ("0.500", 0.5),
    (".5", 0.5),
    ("1.5e3", 1500.0),
    ("(1,234.50)", -1234.5),
    *((wrong, None) for wrong in ("12,5", "1.234,50", "1 234,5", "12,34.5", "0,500", "1,,234")),
]


@pytest.mark.parametrize("decimal", [",", "."])
def test_numbers_of_every_dialect(decimal: str) -> None:
    table = [*BOTH, *(COMMA if decimal == "," else POINT)]
    found = numbers([text for text, _ in table], decimal)
    wrong = {
        text: value
        for (text, expected), value in zip(table, found, strict=True)
        if value != (None if expected is None else pytest.approx(expected, rel=1e-15))
    }
    assert wrong == {}


def test_nothing_is_read_from_nothing() -> None:
    assert numbers(["", "  ", NBSP, None], ".") == [None] * 4
    assert days(["", "  ", NBSP, None], "dmy") == [None] * 4


amounts = st.decimals(-(10**9), 10**9, places=2)
SPACED = (" ", NBSP, NARROW, "'", "’")


@st.composite
def written(draw: Any, decimal: str) -> tuple[str, float]:
    """An amount and a text that some program would write for it."""
    value = draw(amounts)
    gap = draw(st.sampled_from(["", "." if decimal == "," else ",", *SPACED]))
    digits = f"{abs(value):,.2f}".translate({ord(","): gap, ord("."): decimal})
    money = draw(st.sampled_from(["", "€", " €", f"{NBSP}EUR", "$"]))
    if value >= 0:
        return digits + money, float(value)
    signs = ("-{}", "- {}", "({})", "{}-", MINUS + "{}")
    return draw(st.sampled_from(signs)).format(digits + money), float(value)


@FEW
@given(st.lists(written(","), min_size=1, max_size=30), st.lists(written("."), max_size=30))
def test_an_amount_written_is_the_amount_read(
    comma: list[tuple[str, float]], point: list[tuple[str, float]]
) -> None:
    for table, decimal in ((comma, ","), (point, ".")):
        assert numbers([text for text, _ in table], decimal) == [value for _, value in table]


def plain_number(text: str, decimal: str) -> float | None:
    """A reader that knows digits, one sign and threes, and looks at one character at a time."""
    thousands = "," if decimal == "." else "."
    sign = -1.0 if text.startswith("-") else 1.0
    whole, _, rest = text.removeprefix("-").removeprefix("+" if sign > 0 else "").partition(decimal)
    groups = whole.split(thousands)
    if len(groups) > 1:
        if not 1 <= len(groups[0]) <= 3 or groups[0].startswith("0"):
            return None
        if any(len(group) != 3 for group in groups[1:]):
            return None
    digits = "".join(groups)
    if not (digits or rest) or not (digits + rest).isascii() or (thousands in rest):
        return None
    if not (digits + "0" + rest).isdigit():
        return None
    return sign * float(f"{digits or '0'}.{rest or '0'}")


@FEW
@given(st.lists(st.text("0123456789.,+-", max_size=8), min_size=1, max_size=60))
def test_any_mix_of_digits_and_signs_is_read_like_a_plain_reader(texts: list[str]) -> None:
    texts = [text for text in texts if not text.endswith("-")]  # a minus behind stands elsewhere
    for decimal in (",", "."):
        assert numbers(texts, decimal) == [plain_number(text, decimal) for text in texts]


@FEW
@given(st.lists(st.text(max_size=12), min_size=1, max_size=60))
def test_any_text_is_read_or_missing_and_never_an_error(texts: list[str]) -> None:
    texts = [text.replace("\x00", "") for text in texts]
    for value in numbers(texts, ",") + numbers(texts, "."):
        assert value is None or math.isfinite(value)
    assert len(days(texts, "dmy")) == len(times(texts, "mdy")) == len(texts)


@FEW
@given(st.lists(st.text(" \t\u00a0\u202f\ufeffaé", max_size=6), min_size=1, max_size=60))
def test_only_an_untidy_text_is_changed_by_cleaning(texts: list[str]) -> None:
    read = asked(texts, clean=parsing.clean, untidy=parsing.is_untidy)
    changed = [clean != text for clean, text in zip(read["clean"], texts, strict=True)]
    assert read["untidy"].tolist() == changed


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *(("12 €", "EUR"), ("€-12", "EUR"), ("(12 €)", "EUR"), ("12 €-", "EUR"), ("£5", "GBP")),
        *(("EUR 5", "EUR"), ("-CHF 5", "CHF"), ("12 kEUR", "EUR"), ("12", None), ("¥9", "JPY")),
        *(("5 CHFF", None), ("ACHF 5", None), ("", None), ("eur", None)),
    ],
)
def test_the_currency_an_amount_is_written_with(text: str, code: str | None) -> None:
    (found,) = asked([text], code=lambda t: parsing.as_currency(t, "EUR"))["code"]
    assert (None if pd.isna(found) else found) == code


def test_a_dollar_is_that_of_the_reporting_currency() -> None:
    for reporting, code in (("EUR", "USD"), ("USD", "USD"), ("CAD", "CAD")):
        read = asked(["$5"], code=lambda t, reporting=reporting: parsing.as_currency(t, reporting))
        assert read["code"].tolist() == [code]


SEPTEMBER = dt.date(2026, 9, 30)
DATES = [
    *("2026-09-30", "2026/09/30", "2026.09.30", "20260930", "2026-09-30 14:05"),
    *("2026-09-30T14:05:06Z", "2026-09-30T14:05:06.123456+02:00", "2026-09-30 14:05:06,5"),
    *("2026-09-30 2:05 PM", "2026-09-30  14:05", "2026-09-30 14:05:06 UTC", " 2026-09-30 "),
]
ENDING = ["30/09/2026", "30-09-2026", "30.09.2026", "30/9/2026", "30/09/2026 14:05"]
STARTING = ["09/30/2026", "9/30/2026", "9/30/2026, 2:05 PM", "09-30-2026 14:05:06"]
NO_DATES = [
    *("31/02/2026", "29/02/2026", "29/02/1900", "31/04/2026", "00/01/2026", "13/13/2026"),
    *("2026-02-30", "2026-13-01", "0000-01-01", "99999999", "2026", "2026-09", "45930"),
    *("30/09/26", "01/02/3", "30 sept. 2026", "Sep 30, 2026", "hier", "2026-09-30 25:00"),
    *("2026-09-30 14:61", "2026-09-30T14", "2026-09-30x", "x2026-09-30", "30/09/20266"),
]


def test_dates_of_every_dialect() -> None:
    for order, texts in (("dmy", DATES + ENDING), ("mdy", DATES + STARTING), ("ymd", DATES)):
        assert days(texts, order) == [SEPTEMBER] * len(texts)
    for order, texts in (("dmy", NO_DATES + STARTING[:2]), ("mdy", NO_DATES + ENDING[:3])):
        assert days(texts, order) == [None] * len(texts)
    assert days(ENDING + STARTING, "ymd") == [None] * len(ENDING + STARTING)


def test_leap_days() -> None:
    assert days(["29/02/2024", "29/02/2000", "2028-02-29"], "dmy") == [
        *(dt.date(2024, 2, 29), dt.date(2000, 2, 29), dt.date(2028, 2, 29))
    ]


def test_a_year_of_two_digits_is_refused() -> None:
    """Of 01/02/03 nobody can tell the order, let alone the century."""
    for order in ("dmy", "mdy", "ymd"):
        assert days(["01/02/03", "31/12/99", "12-31-26"], order) == [None] * 3


def plain_day(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


parts = st.tuples(st.integers(0, 9999), st.integers(0, 14), st.integers(0, 33))


@FEW
@given(st.lists(parts, min_size=1, max_size=60), st.sampled_from("-/."))
def test_any_year_month_and_day_is_the_calendars(
    table: list[tuple[int, int, int]], mark: str
) -> None:
    expected = [plain_day(*each) for each in table]
    iso = [f"{y:04}{mark}{m:02}{mark}{d:02}" for y, m, d in table]
    assert days(iso, "dmy") == days(iso, "ymd") == expected
    assert days([f"{d}{mark}{m}{mark}{y:04}" for y, m, d in table], "dmy") == expected
    assert days([f"{m:02}{mark}{d:02}{mark}{y:04}" for y, m, d in table], "mdy") == expected


@FEW
@given(st.lists(st.datetimes(dt.datetime(1900, 1, 1)), min_size=1, max_size=40))
def test_a_moment_written_is_the_moment_read(moments: list[dt.datetime]) -> None:
    expected = [moment.replace(microsecond=0) for moment in moments]
    assert (
        times([f"{moment:%d/%m/}{moment.year:04} {moment:%H:%M:%S}" for moment in moments], "dmy")
        == expected
    )
    assert times([moment.isoformat() for moment in moments], "mdy") == expected
    half = [f"{m.month}/{m.day}/{m.year:04}, {m:%I:%M:%S %p}" for m in moments]
    assert times(half, "mdy") == expected
    midnight = [dt.datetime(m.year, m.month, m.day) for m in moments]
    assert times([moment.date().isoformat() for moment in moments], "dmy") == midnight


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        *(
            ("2026-09-30T14:05:06Z", 0),
            ("2026-09-30 14:05 UTC", 0),
            ("30/09/2026 14:05+02:00", 120),
        ),
        *(("2026-09-30 14:05:06 -0330", -210), ("2026-09-30 14:05", None), ("2026-09-30", None)),
        *(("nothing", None), ("2026-09-30T14:05:06.5+0000", 0)),
    ],
)
def test_how_far_a_clock_is_from_utc(text: str, minutes: int | None) -> None:
    (found,) = asked([text], ahead=parsing.utc_offset)["ahead"]
    assert (None if pd.isna(found) else found) == minutes


def test_yes_and_no_in_both_languages() -> None:
    words = ["Oui", "YES", "vrai", "1", "o", "Non", "FALSE", "faux", "0", "n", "peut-être", None]
    read = asked(words, flag=parsing.as_flag)["flag"]
    assert [None if pd.isna(f) else bool(f) for f in read] == [True] * 5 + [False] * 5 + [None] * 2


words = st.text("ab'\";{}\\é*", max_size=3)


@FEW
@given(st.lists(words, min_size=1, max_size=30), st.dictionaries(words, words, max_size=4))
def test_words_are_replaced_as_a_dictionary_would(texts: list[str], table: dict[str, str]) -> None:
    read = asked(texts, word=lambda text: parsing.map_values(text, table))["word"]
    named = {old: new for old, new in table.items() if old != "*"}
    other = {text: table.get("*", text) for text in texts}
    assert read.tolist() == [named.get(text, other[text]) for text in texts]


def test_the_star_does_not_stand_for_nothing() -> None:
    read = asked(["won", "maybe", None], word=lambda t: parsing.map_values(t, {"*": "open"}))
    assert [None if pd.isna(word) else word for word in read["word"]] == ["open", "open", None]


def evidence(texts: list[str], which: Callable[[Any], list[Any]]) -> parsing.Evidence:
    read = asked(texts, **{f"e{i}": lambda t, i=i: which(t)[i] for i in range(5)})
    rows, first, second, either, example = read.iloc[0]
    example = "" if pd.isna(example) else example
    return parsing.Evidence(int(rows), int(first), int(second), int(either), example)


@FEW
@given(st.lists(st.tuples(st.integers(1, 31), st.integers(1, 31)), min_size=1, max_size=40))
def test_the_evidence_of_dates_is_a_count_of_rows(table: list[tuple[int, int]]) -> None:
    seen = evidence([f"{one:02}/{two:02}/2026" for one, two in table], parsing.date_evidence)
    assert seen.rows == len(table)
    assert seen.first == sum(one > 12 for one, _ in table)
    assert seen.second == sum(two > 12 for _, two in table)
    either = [(one, two) for one, two in table if one <= 12 and two <= 12 and one != two]
    assert seen.either == len(either)


@FEW
@given(st.lists(st.text("0123456789.,", max_size=7), min_size=1, max_size=40))
def test_the_evidence_of_numbers_is_a_count_of_readings(texts: list[str]) -> None:
    seen = evidence(texts, parsing.number_evidence)
    readings = [(plain_number(text, ","), plain_number(text, ".")) for text in texts]
    assert seen.first == sum(c is not None and p is None for c, p in readings)
    assert seen.second == sum(p is not None and c is None for c, p in readings)
    assert seen.either == sum(None not in (c, p) and c != p for c, p in readings)


def test_the_evidence_shows_a_row_in_doubt() -> None:
    assert evidence(["2026-01-05", "03/04/2026"], parsing.date_evidence).example == "03/04/2026"
    assert evidence(["12", "1,234"], parsing.number_evidence).example == "1,234"
    assert evidence(["2026-01-05"], parsing.date_evidence) == (1, 0, 0, 0, "")
