"""The small expression language: each word against plain Python, and everything else refused."""

import contextlib
import datetime as dt
import math
import operator
from collections.abc import Callable
from typing import Any

import ibis
import pandas as pd
import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_helpers.errors import BadInput, KpiError, UnknownName
from kpi_helpers.sources.expressions import compile_expression
from kpi_helpers.sources.filters import columns_of, condition

Row = dict[str, Any]
Twin = Callable[[Row], Any]

ROWS: list[Row] = [
    {"a": 1.5, "n": 3, "b": "x", "c": "x", "d": dt.date(2024, 2, 29), "g": True},
    {"a": -2.0, "n": 0, "b": " Y é ", "c": "z", "d": dt.date(2025, 1, 31), "g": False},
    {"a": 0.0, "n": -7, "b": "xyz'\"", "c": "x", "d": dt.date(2025, 1, 1), "g": None},
    {"a": None, "n": 120, "b": None, "c": "z", "d": None, "g": True},
]
KINDS = {"a": "double", "n": "tinyint", "b": "varchar", "c": "varchar"}
SCHEMA = {"id": "tinyint", **KINDS, "d": "date", "g": "boolean"}
CON = ibis.duckdb.connect()
CON.con.execute("SET enable_progress_bar = false; SET threads = 1")
CON.con.execute(f"CREATE TABLE rows ({', '.join(map(' '.join, SCHEMA.items()))})")
CON.con.executemany(
    "INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?)", [[i, *r.values()] for i, r in enumerate(ROWS)]
)
TABLE = CON.table("rows")


def evaluated(text: str) -> list[Any]:
    value = compile_expression(text, TABLE)
    sql = str(CON.compile(TABLE.select("id", value=value)))
    return [row[1] for row in sorted(CON.con.execute(sql).fetchall(), key=lambda row: row[0])]


def same(found: Any, expected: Any) -> bool:
    if isinstance(found, float) and isinstance(expected, int | float):
        return math.isclose(found, expected, rel_tol=1e-12, abs_tol=1e-12)
    return bool(found == expected) and (found is None) == (expected is None)


def known(*names: str) -> Callable[[Callable[..., Any]], Twin]:
    """A twin that is missing where one of its columns is."""

    def twin(compute: Callable[..., Any]) -> Twin:
        def of_row(row: Row) -> Any:
            values = [row[name] for name in names]
            return None if None in values else compute(*values)

        return of_row

    return twin


def later(months: int) -> Callable[[dt.date], dt.date]:
    return lambda day: day + relativedelta(months=months)


def following(row: Row) -> Any:
    days = [r["d"] for r in ROWS if r["c"] == row["c"] and r["d"] is not None]
    return min((day for day in days if row["d"] and day > row["d"]), default=None)


WORDS: list[tuple[str, Twin]] = [
    ("n + 100", known("n")(lambda n: n + 100)),
    ("n * n", known("n")(lambda n: n * n)),
    ("a - n", known("a", "n")(operator.sub)),
    ("a / n", known("a", "n")(lambda a, n: a / n if n else None)),
    ("n / a", known("n", "a")(lambda n, a: n / a if a else None)),
    ("1 / 0", lambda row: None),
    ("100 * 2", lambda row: 200),
    ("-a", known("a")(operator.neg)),
    ("a == 1.5", known("a")(lambda a: a == 1.5)),
    ("a != 1.5", known("a")(lambda a: a != 1.5)),
    ("n < 0", known("n")(lambda n: n < 0)),
    ("n <= a", known("n", "a")(operator.le)),
    ("n > a", known("n", "a")(operator.gt)),
    ("n >= 3", known("n")(lambda n: n >= 3)),
    ("b == c", known("b", "c")(operator.eq)),
    ("d >= '2025-01-01'", known("d")(lambda d: d >= dt.date(2025, 1, 1))),
    ("n in [3, -7]", known("n")(lambda n: n in (3, -7))),
    ("b not in ['x', \"xyz'\\\"\"]", known("b")(lambda b: b not in ("x", "xyz'\""))),
    ("n in []", lambda row: False),
    ("not g", known("g")(operator.not_)),
    ("coalesce(a, n)", lambda row: row["n"] if row["a"] is None else row["a"]),
    ("coalesce(d, d, date('2026-01-01'))", lambda row: row["d"] or dt.date(2026, 1, 1)),
    ("if_else(g, 'yes', 'no')", lambda row: "yes" if row["g"] else "no"),
    ("missing(b)", lambda row: row["b"] is None),
    ("lower(b)", known("b")(str.lower)),
    ("trim(b)", known("b")(str.strip)),
    ("b + c", known("b", "c")(operator.add)),
    ("starts_with(b, 'x')", known("b")(lambda b: b.startswith("x"))),
    ("starts_with(b, c)", known("b", "c")(str.startswith)),
    ("year(d)", known("d")(lambda d: d.year)),
    ("month(d)", known("d")(lambda d: d.month)),
    ("day(d, 1)", known("d")(lambda d: d + dt.timedelta(days=1))),
    ("day(d, -400)", known("d")(lambda d: d - dt.timedelta(days=400))),
    ("months(d, 1)", known("d")(later(1))),
    ("months(d, -12)", known("d")(later(-12))),
    ("next(d, by=c)", following),
    ("next(d, c)", following),
    (
        "day(coalesce(next(d, by=c), months(d, 3)), -1)",
        lambda row: (
            None
            if row["d"] is None
            else (following(row) or later(3)(row["d"])) - dt.timedelta(days=1)
        ),
    ),
]


@pytest.mark.parametrize(("text", "twin"), WORDS, ids=[text for text, _ in WORDS])
def test_a_word_means_what_it_means_in_python(text: str, twin: Twin) -> None:
    found = evaluated(text)
    assert all(same(value, twin(row)) for value, row in zip(found, ROWS, strict=True)), found


Pair = tuple[str, Twin]


def strict(symbol: str, left: Pair, right: Pair, compute: Callable[[Any, Any], Any]) -> Pair:
    def twin(row: Row) -> Any:
        one, two = left[1](row), right[1](row)
        return None if one is None or two is None else compute(one, two)

    return f"({left[0]} {symbol} {right[0]})", twin


def logical(symbol: str, left: Pair, right: Pair) -> Pair:
    """Three values: what is decided by one side does not need the other."""
    decided = symbol == "or"

    def twin(row: Row) -> Any:
        sides = [left[1](row), right[1](row)]
        return decided if decided in sides else None if None in sides else not decided

    return f"({left[0]} {symbol} {right[0]})", twin


def constant(value: Any) -> Pair:
    return repr(value), lambda row: value


def column(name: str) -> Pair:
    return name, lambda row: row[name]


ARITHMETIC = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda one, two: one / two if two else None,
}
COMPARED = {
    **{"==": operator.eq, "!=": operator.ne, "<": operator.lt},
    **{"<=": operator.le, ">": operator.gt, ">=": operator.ge},
}


def choice(pairs: tuple[Pair, Pair, Pair]) -> Pair:
    test, yes, no = pairs
    return f"if_else({test[0]}, {yes[0]}, {no[0]})", lambda row: (yes if test[1](row) else no)[1](
        row
    )


def first_of(pairs: tuple[Pair, Pair]) -> Pair:
    one, two = pairs
    return f"coalesce({one[0]}, {two[0]})", lambda row: next(
        (value for value in (one[1](row), two[1](row)) if value is not None), None
    )


def logic_of(numbers: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    simple = st.builds(
        lambda symbol, one, two: strict(symbol, one, two, COMPARED[symbol]),
        *(st.sampled_from([*COMPARED]), numbers, numbers),
    )
    return st.recursive(
        st.just(column("g")) | simple,
        lambda inner: (
            st.builds(logical, st.sampled_from(["and", "or"]), inner, inner)
            | inner.map(
                lambda pair: (
                    f"(not {pair[0]})",
                    lambda row: None if pair[1](row) is None else not pair[1](row),
                )
            )
        ),
        max_leaves=4,
    )


leaves = st.sampled_from(["a", "n"]).map(column) | st.integers(-9, 9).map(constant)
numbers = st.recursive(
    leaves,
    lambda inner: (
        st.builds(
            lambda symbol, one, two: strict(symbol, one, two, ARITHMETIC[symbol]),
            *(st.sampled_from([*ARITHMETIC]), inner, inner),
        )
        | st.tuples(inner, inner).map(first_of)
        | st.tuples(logic_of(leaves), inner, inner).map(choice)
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(st.one_of(numbers, logic_of(numbers)))
def test_any_expression_is_what_python_computes(pair: Pair) -> None:
    text, twin = pair
    expected = [twin(row) for row in ROWS]
    found = evaluated(text)
    close = [
        same(f, e) or (isinstance(e, float) and math.isclose(f, e, rel_tol=1e-6))
        for f, e in zip(found, expected, strict=True)
    ]
    assert all(close), (text, found, expected)


REFUSED = [
    *(" or ".join(["a > 1"] * 501), " and ".join(["g"] * 3000)),
    *("", "  ", "a +", "a b", "a; b", "a\nb", "a = 1", "x: 1", "a\x00", "#", "a == 'x\\x00'"),
    *("a.real", "a.__class__", "b.lower()", "(1).real", "b.c.d", "[].append"),
    *("lambda: 1", "[x for x in [1]]", "{x for x in [1]}", "(x for x in [1])", "{1: 2}", "{1}"),
    *("a[0]", "b[1:2]", "(a, n)", "[1, 2]", "f'{a}'", "b'x'", "1j", "...", "None", "a == None"),
    *("a if g else n", "(a := 1)", "yield", "await a", "*a", "a is None", "1 < n < 3"),
    *("a ** 2", "2 ** 10000", "10 ** 10 ** 10", "a % 2", "a // 2", "~n", "+a", "n & 1", "n | 1"),
    *("n << 60", "n @ n", "1e999", "9" * 5000, "a * " + "9" * 400, "'x' * 10"),
    *("(" * 300 + "a" + ")" * 300, "-" * 5000 + "a", "+".join(["a"] * 3000), "not " * 2000 + "g"),
    *("lower(" * 500 + "b" + ")" * 500, "[" * 1000, "a" + " and g" * 5000),
]
WRONG_ARGUMENTS = [
    *("coalesce()", "coalesce(a)", "if_else(g, 1)", "if_else(g, 1, 2, 3)", "missing()", "lower()"),
    *("lower(b, b)", "day(d)", "day(d, 1, 2)", "next(d)", "next()", "next(d, by=c, to=b)"),
    *("lower(value=b)", "coalesce(a, x=1)", "lower(**b)", "coalesce(*a)", "next(value=d, by=c)"),
]
WRONG_TYPES = [
    *("a + b", "b - b", "b * 2", "d + 1", "d - d", "g + g", "-b", "-d", "not a", "not 1", "not b"),
    *("a and g", "g and 1", "'x' or g", "a == 'x'", "b == 1", "a == True", "d == 20240101"),
    *("d >= lower('x')", "a < g", "n in 'x'", "b in b", "a in [b]", "a in [1, 'x']", "b in [1]"),
    *("a in g", "n in (1, 2)", "coalesce(a, 'x')", "if_else(a, 1, 2)", "if_else(g, 1, 'x')"),
    *("lower(a)", "trim(d)", "starts_with(a, 'x')", "starts_with(b, 1)", "year(a)", "year(b)"),
    *(
        "month('2024-01-01')",
        "day(a, 1)",
        "day(d, n)",
        "day(d, 1.5)",
        "day(d, '1')",
        "day(d, True)",
    ),
    *(
        "day(d, True)",
        "day(d, 10 ** 9)",
        "day(d, 99999999999)",
        "months(d, 1000000)",
        "next(1, by=c)",
    ),
    *("next(d, by='c')", "next(next(d, by=c), by=c)", "next(d, by=next(d, by=c))"),
]


@pytest.mark.parametrize("text", [*REFUSED, *WRONG_ARGUMENTS, *WRONG_TYPES], ids=lambda t: t[:40])
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        compile_expression(text, TABLE, "tables.deals.derived.x")
    said = str(refused.value)
    assert said.startswith("column tables.deals.derived.x: '")
    assert "is not an expression such as" in said
    assert "starts_with" in said
    assert "n’est pas une expression" in refused.value.render("fr")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("amout > 1", "Unknown column: 'amout'."),
        ("aa + 1", "Unknown column: 'aa'."),
        ("__builtins__", "Unknown column: '__builtins__'."),
        ("lower(lower)", "Unknown column: 'lower'."),
        ("lowr(b)", "Unknown function: 'lowr'. Did you mean lower?"),
        ("eval('1')", "Unknown function: 'eval'."),
        ("__import__('os')", "Unknown function: '__import__'."),
        ("float('nan')", "Unknown function: 'float'."),
    ],
)
def test_a_name_that_does_not_exist_is_said(text: str, said: str) -> None:
    with pytest.raises(UnknownName) as unknown:
        compile_expression(text, TABLE)
    assert str(unknown.value).startswith(said)
    assert "inconnu" in unknown.value.render("fr")


pieces = st.sampled_from(
    [
        *"anbcdgxy019.,()[]'\"+-*/<>=! ",
        "next(",
        "by=",
        "day(",
        " and ",
        " in ",
        "coalesce(",
        "==",
        "\\",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(pieces, max_size=12).map("".join) | st.text(max_size=20))
def test_any_text_is_compiled_or_refused(text: str) -> None:
    with contextlib.suppress(KpiError):
        evaluated(text)


HOSTILE = ["x'; DROP TABLE rows; --", '"', "\\", "{start}", "😀", "\u202ex", "%s", "$1", "x" * 500]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:20])
def test_a_text_of_the_data_never_becomes_sql(text: str) -> None:
    assert evaluated(f"b == {text!r}") == [False, False, False, None]
    CON.con.register("odd", pd.DataFrame({text: [1, 2], "n": [5, 6]}))
    odd = ibis.table({text: "int64", "n": "int64"}, name="odd")
    assert chosen(odd, condition({text: 2}, odd)) == [6]
    assert chosen(TABLE, condition({"b": text}, TABLE)) == []


def chosen(table: Any, test: Any) -> list[int]:
    rows = table if test is None else table.filter(test)
    return [row[0] for row in CON.con.execute(str(CON.compile(rows.select("n")))).fetchall()]


def selected(where: Any) -> list[int]:
    return chosen(TABLE, condition(where, TABLE))


def test_a_filter_selects_rows() -> None:
    assert selected(None) == selected({}) == [3, 0, -7, 120]
    assert selected("a > 0 or missing(a)") == [3, 120]
    assert selected({"c": "x"}) == [3, -7]
    assert selected({"c": ["x", "z"], "g": True}) == [3, 120]
    assert selected({"a": None}) == [120]
    assert selected({"a": [None, 0.0]}) == selected({"a": [float("nan"), 0]}) == [-7, 120]
    assert selected({"d": "2025-01-01"}) == [-7]
    assert selected({"c": []}) == []


@pytest.mark.parametrize("where", ["a + 1", "b", "'x'", "1"])
def test_a_filter_is_a_test(where: str) -> None:
    with pytest.raises(BadInput, match="is not an expression such as"):
        condition(where, TABLE)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("a", "12", "a number"),
        ("a", 1j, "a number"),
        ("g", 1, "true or false"),
        ("d", 20250101, "a day such as 2026-09-30"),
        ("d", "soon", "a day such as 2026-09-30"),
        ("c", 3, "a text"),
        ("c", ["x", "y\x00"], "a text"),
    ],
)
def test_a_filter_compares_like_with_like(name: str, value: object, expected: str) -> None:
    with pytest.raises(BadInput, match=f"column {name}: .* is not {expected}"):
        condition({name: value}, TABLE)


def test_a_filter_on_an_unknown_column_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Unknown column: 'teams'"):
        condition({"teams": "A"}, TABLE)


def test_the_columns_of_a_filter() -> None:
    assert columns_of("starts_with(b, 'a') and (n > 1 or not g)") == ("b", "n", "g")
    assert columns_of({"b": 1, "n": 2}) == ("b", "n")
    assert columns_of(None) == columns_of("") == ()
    with pytest.raises(BadInput):
        columns_of("a >")


@pytest.mark.parametrize("word", ["and", "or"])
def test_many_terms_are_no_depth(word: str) -> None:
    few, many = (f" {word} ".join(f"n > {n % 3}" for n in range(most)) for most in (3, 500))
    assert evaluated(many) == evaluated(few)
