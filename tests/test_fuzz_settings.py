"""Hostile settings, expressions and parameters: read, or refused by name in each language."""

import copy
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ibis
import pytest
from fuzz_files import TOKENS, damaged, edits
from fuzzing import NASTY, SECRET, family, judged
from hypothesis import example, given
from hypothesis import strategies as st
from test_config import FULL

from kpi_helpers.reports.parameters import accepted, checked, declared
from kpi_helpers.reports.places import notebooks
from kpi_helpers.sources.config import read_config
from kpi_helpers.sources.expressions import _FUNCTIONS, compile_expression

texts = st.sampled_from(NASTY) | st.text(max_size=12)
numbers = st.sampled_from([0, -1, 1, 13, 1 << 63, -(1 << 200), 1e308, float("nan"), float("inf")])
times = st.sampled_from([dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.time(23, 59), dt.datetime.max])
scalars = texts | numbers | times | st.booleans() | st.floats() | st.integers()
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
deep = st.integers(10, 3000).map(lambda n: json.loads("[" * min(n, 900) + "1" + "]" * min(n, 900)))


def places(settings: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every key of the settings, those of tables inside too."""
    keys = settings if isinstance(settings, dict) else range(len(settings))
    for key in keys:
        yield (*path, key)
        if isinstance(settings[key], dict | list):
            yield from places(settings[key], (*path, key))


PLACES = [*places(FULL)]
changes = st.tuples(st.sampled_from(PLACES), st.sampled_from(["set", "add", "drop"]), texts)


@family(0.35)
@given(st.lists(st.tuples(changes, values | deep), min_size=1, max_size=3))
def test_settings_of_any_shape_are_read_or_refused(asked: list[Any]) -> None:
    settings = copy.deepcopy(FULL)
    for (path, how, name), value in asked:
        changed(settings, path, how, name, value)
    with judged():
        read_config(settings)
    with judged(cases=0):
        read_config({**settings, "password_env": [SECRET]})


def changed(settings: Any, path: tuple[Any, ...], how: str, name: str, value: Any) -> None:
    """Set, add or drop one of the settings, where the way to it is still there."""
    *way, last = path
    for key in way:
        inside = isinstance(settings, dict) and key in settings
        if not inside and not (isinstance(settings, list) and isinstance(key, int)):
            return
        if isinstance(settings, list) and key >= len(settings):
            return
        settings = settings[key]
    if not isinstance(settings, dict):
        return
    if how == "drop":
        settings.pop(last, None)
    else:
        settings[name if how == "add" else last] = value


TOML = b"""schema = 1
name = "Acme" # own
language = 'fr'
as_of = 2026-09-30
stages = ["Lead", "Won"]
[rates]
EUR = 1.1
[tables.deals]
file = "a.csv"
columns = { deal_id = "Id" }
derived.closed_at = "day(created_at, 1)"
[[targets]]
metric = "revenue"
period = "2026"
value = 9.5e3
[brand]
colours = ["#17375e"]
"""
MORE = [b"[a" + b".a" * 900 + b"]", b"a = " + b"[" * 900, b"a = " + b"{a=" * 900, b"[[x]]\n" * 50]
MORE += [
    b"a = 1e400",
    b"a = 0x" + b"f" * 5000,
    b"a = " + b"9" * 5000,
    b"a=1979-02-30",
    b'a="\\U00110000"',
]


@family(0.1)
@example([], b"a = " + b"{a=" * 900, True)
@example([], b"a = 0x" + b"f" * 5000, True)
@given(edits, st.sampled_from([b"", *MORE, *TOKENS]), st.booleans())
def test_a_file_of_settings_of_any_bytes_is_read_or_refused(
    folder: Path, how: list[Any], more: bytes, first: bool
) -> None:
    content = damaged(TOML, how)
    (folder / "kpi.toml").write_bytes(more + b"\n" + content if first else content + more)
    with judged():
        read_config(folder / "kpi.toml")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("settings")


COLUMNS = {"amount": "1e308", "n": "1::BIGINT", "owner": "'x'", "day": "DATE '2026-01-05'"}
COLUMNS |= {"at": "TIMESTAMP '2026-01-05'", "ok": "true", "a b": "'y'", "none": "NULL"}
NAMES = [*COLUMNS, "missing_column", "__class__", "e\u0301", "True"]
SIGNS = ["+", "-", "*", "/", "==", "<", ">=", "and", "or", "in", "%", "**", "|"]
leaves = st.sampled_from(NAMES) | numbers.map(str) | texts.map(repr) | st.just("date('2026-02-30')")
expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(SIGNS), inner).map(" ".join),
        st.tuples(st.sampled_from([*_FUNCTIONS, "eval", "len"]), st.lists(inner, max_size=3)).map(
            lambda call: f"{call[0]}({', '.join(call[1])})"
        ),
        st.lists(inner, max_size=2).map(lambda items: f"[{', '.join(items)}]"),
        inner.map(lambda text: f"not {text}"),
        inner.map(lambda text: f"-{text}"),
        inner.map(lambda text: f"next({text}, by=owner)"),
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def rows() -> Any:
    con = ibis.duckdb.connect()
    columns = ", ".join(f'{value} AS "{name}"' for name, value in COLUMNS.items())
    con.con.execute(f"CREATE TABLE rows AS SELECT {columns}")
    return con.table("rows")


@family(0.08)
@example("'\\ud800'")
@given(expressions | texts)
def test_an_expression_is_computed_or_refused(rows: Any, text: str) -> None:
    with judged():
        compile_expression(text, rows)


DEFAULTS = {each.name: declared(each) for each in sorted(notebooks().glob("*.ipynb"))}


@family(0.1)
@given(st.sampled_from([*DEFAULTS]), st.data(), values | deep)
def test_a_parameter_is_of_its_type_or_refused(notebook: str, data: Any, value: Any) -> None:
    defaults = DEFAULTS[notebook]
    name = data.draw(st.sampled_from([*defaults]) | texts)
    with judged():
        read = checked({name: value}, defaults)
        assert {type(read[each]) for each in defaults} <= {bool, int, float, list, str}
    with judged(cases=0):
        own = "\n".join(f"{key} = {default!r}" for key, default in defaults.items())
        said = f"{next(iter(defaults))} = {value!r}"
        accepted({"In": ["", own, said, "..."]} | dict.fromkeys(defaults, value))
