"""Hostile questions to the public functions, and registers of any cells: a result or a refusal."""

import contextlib
import csv
import datetime as dt
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from exports import COLUMNS
from fuzzing import NASTY, SECRET, family, judged
from hypothesis import example, given
from hypothesis import strategies as st
from test_fuzz_settings import expressions

import kpi_helpers as kh
from kpi_helpers import funnel
from kpi_helpers.actions import completion, problems, states
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.action_file import recorded, register
from kpi_helpers.sources.config import Config
from kpi_helpers.sources.files import readers
from kpi_helpers.sources.registers import REGISTERS

HOSTILE = ["Ann", 'say "hi"; --', "Bob's", "line\nbreak", "{start}", "é" * 40, "=1+1", "con"]
KPIS = [
    "bookings",
    "win_rate_count",
    "sales_cycle_duration",
    "open_pipeline_value",
    "leads_generated",
]
DIMENSIONS = ["owner", 'a "b"; --', "{start}", "month", "line\nbreak"]
LOADED = ["owner", "a_b", "dim_start", "month", "line_break"]
PERIODS = ["2026Q1", "2026-02", "all", "last", "ytd", "2026Q1:2026Q2", "2025", "2026W05", "9999"]


@pytest.fixture(scope="module")
def data() -> Dataset:
    """Deals whose names of columns and people are attacks."""
    rows = []
    for n in range(40):
        status = ("won", "lost", "open")[n % 3]
        closed = {"won": "2026-02-01", "lost": "2026-03-01"}.get(status)
        names = [HOSTILE[(n + m) % len(HOSTILE)] for m in range(len(DIMENSIONS))]
        rows.append([str(n), "2026-01-05", status, closed, 10.0 * n, *names])
    deals = pd.DataFrame(rows, columns=[*COLUMNS[:-1], *DIMENSIONS])
    leads = deals[["created_at", *DIMENSIONS]].assign(lead_id=deals["deal_id"], sql_at="2026-01-20")
    config = {"language": "en", "segments": {"'; DROP TABLE x": "amount > 100"}, "personal": "keep"}
    return kh.load({"deals": deals, "leads": leads}, config, "2026-06-30")


odd = st.sampled_from(NASTY) | st.none() | st.integers(-3, 3000) | st.just(float("nan"))


def seldom(other: st.SearchStrategy[Any], usual: st.SearchStrategy[Any]) -> Any:
    """The other one time in twenty; ``|`` would weigh each of its parts like the usual."""
    return st.integers(0, 19).flatmap(lambda n: usual if n else other)


def mostly(usual: list[str]) -> Any:
    """One that exists, or several, and now and then anything at all."""
    one = st.sampled_from(usual)
    return seldom(odd | st.lists(one | odd, max_size=2), one | st.lists(one, min_size=1))


kpis, by = mostly(KPIS), seldom(st.sampled_from(NASTY), mostly(LOADED) | st.just([]))
days = st.dates(dt.date(2024, 1, 1), dt.date(2027, 1, 1))
periods = seldom(odd | st.lists(days, max_size=2), st.sampled_from(PERIODS) | days)
cells = st.sampled_from(HOSTILE) | odd | st.dates()
filters = st.dictionaries(
    seldom(odd, st.sampled_from([*LOADED, "amount", "created_at"])),
    cells | st.lists(cells),
    max_size=2,
)
TESTS = [
    "'; DROP TABLE x",
    "amount * amount > 1e300",
    "amount / 0 > 1",
    "owner == 'Ann' or not (1 > 2)",
]
TESTS += ["starts_with(owner, 'A')", "owner in ['Ann', '']", "next(amount, by=owner) > 3"]
usually = st.one_of(st.none(), st.none(), st.sampled_from(TESTS), filters)
where = seldom(expressions | odd, usually)
grains = seldom(odd, st.sampled_from([None, "day", "week", "month", "quarter", "year"]))


@family(0.05)
@given(st.tuples(kpis, periods, by, where, grains))
def test_measures(data: Dataset, asked: tuple[Any, ...]) -> None:
    with judged():
        assert isinstance(kh.measure(data, *asked), pd.DataFrame)


sides = st.sampled_from(["previous", "year_ago", "target", "others"]) | where


@family(0.012)
@given(st.tuples(kpis, periods, sides, by, where))
def test_comparisons(data: Dataset, asked: tuple[Any, ...]) -> None:
    with judged():
        assert isinstance(kh.compare(data, *asked), pd.DataFrame)


@family(0.012)
@given(st.tuples(mostly(KPIS), periods, where))
def test_rows_behind_a_figure(data: Dataset, asked: tuple[Any, ...]) -> None:
    with judged():
        assert isinstance(kh.rows(data, *asked), pd.DataFrame)


SQL = [
    "SELECT * FROM deals",
    "COPY deals TO 'x.csv'",
    "ATTACH 'x.db'",
    "DROP TABLE deals",
    "SELECT",
]
SQL += ["WITH deals AS (SELECT 1) SELECT * FROM deals", "SELECT 1; SELECT 2", "INSTALL httpfs"]
SQL += ["SELECT * FROM query('DROP TABLE deals')", "EXPORT DATABASE 'x'", "SET threads = 2"]


@family(0.01)
@given(st.sampled_from(SQL) | st.sampled_from(NASTY), st.just("") | st.sampled_from(NASTY))
def test_questions_in_sql(data: Dataset, sql: str, more: str) -> None:
    with judged():
        data.sql(f"{sql} {more}")
    with judged(cases=0):
        assert len(data["deals"]) == 40


@family(0.006)
@given(periods, where, st.sampled_from([*LOADED, *NASTY]))
def test_readings_of_the_funnel(data: Dataset, period: Any, where: Any, by: Any) -> None:
    with judged():
        funnel.conversion(data, period, where)
    with judged():
        funnel.by_group(data, period, where, by)


frames = st.fixed_dictionaries(
    {
        "value": st.lists(st.integers(0, 99) | st.floats() | st.none(), min_size=9, max_size=9),
        "start": st.none() | st.none() | st.lists(odd | st.dates(), min_size=9, max_size=9),
        "status": st.lists(st.sampled_from(["ok", "ok", "", None, 3.0]), min_size=9, max_size=9),
    }
)


@family(0.01)
@given(
    frames,
    seldom(odd, st.integers(1, 5)),
    mostly(["best", "four", "naive"]),
    seldom(odd, st.none()),
)
def test_forecasts(frame: dict[str, Any], horizon: Any, model: Any, as_of: Any) -> None:
    starts = pd.date_range("2025-01-01", periods=9, freq="MS")
    # Of no type that pandas finds: it holds no half of a character as text.
    given = starts if frame["start"] is None else pd.Series(frame["start"], dtype=object)
    tidy = pd.DataFrame(
        {
            "kpi": "bookings",
            "period": starts.strftime("%Y-%m"),
            "start": given,
            "end": starts + pd.offsets.MonthBegin(),
            **{"value": np.array(frame["value"], float), "status": frame["status"]},
            **{"unit": "count", "method": "garwood"},
        }
    )
    with judged():
        kh.forecast(tidy, horizon, model, as_of)


@st.composite
def registers(draw: st.DrawFn) -> tuple[str, bytes]:
    """A register whose cells, and now and then whose header, are anything."""
    name = draw(st.sampled_from([*REGISTERS]))
    header = [*REGISTERS[name].names]
    usual = [*header, "2026-01-05", "2026Q1", "12,5", "A", "yes", "company", "EUR", "bookings"]
    any_cell = st.sampled_from(usual) | st.sampled_from(NASTY)
    rows = draw(st.lists(st.lists(any_cell, min_size=1, max_size=len(header) + 1), max_size=6))
    if draw(st.booleans()):
        header[draw(st.integers(0, len(header) - 1))] = draw(any_cell)
    text = io.StringIO()
    csv.writer(text, delimiter=draw(st.sampled_from(";,\t"))).writerows([header, *rows])
    return name, text.getvalue().encode("utf-8", "replace")


frames_of = st.lists(st.sampled_from([*NASTY, None, b"x", [1], {2: 3}, 1j]), min_size=2, max_size=2)


@family(0.01)
@given(frames_of, st.sampled_from(NASTY))
def test_frames_of_anything(cells: list[Any], name: str) -> None:
    columns = pd.Index(["deal_id", "created_at", "status", name], dtype=object)
    rows = [[str(n), "2026-01-05", "open", cell] for n, cell in enumerate(cells)]
    with judged():
        opened = readers.open_source(pd.DataFrame(rows, columns=columns, dtype=object), Config())
        assert opened.con.con.table(opened.table("deals").get_name()).shape[0] == len(rows)


URLS = ["postgresql://ada:{0}@[::bad/x", "sqlite://ada:{0}@x/../y", "x://ada:{0}@y"]
URLS += ["sqlite://y", "duckdb://y", "duckdb://ada:{0}@y"]


@family(0.004)
@given(st.sampled_from(URLS), st.sampled_from(NASTY))
@example(URLS[1], "file:///x")
@example(URLS[1], "a" * 5000)
def test_urls_of_no_database_are_refused_without_their_password(
    tmp_path_factory: pytest.TempPathFactory, url: str, more: str
) -> None:
    here = tmp_path_factory.mktemp("here")
    with contextlib.chdir(here), judged():
        kh.load(url.format(SECRET) + more, {})
    assert not [*here.iterdir()]  # engines open files behind the back of Python


@family(0.06)
@given(registers())
def test_registers_of_any_cells(folder: Path, made: tuple[str, bytes]) -> None:
    name, content = made
    path = folder / f"{name}.csv"
    path.write_bytes(content)
    keys = [column.name for column in REGISTERS[name] if column.key][:1] or ["date"]
    with judged(folder=folder):
        rows = register(path, keys)
        if name == "actions":
            problems(rows, path.name)
            states(rows, dt.date(2026, 6, 30))
            completion(rows, dt.date(2026, 6, 30))
            recorded(path, rows.head(1).assign(owner="Zoé"), rows)
    assert {each.name for each in folder.iterdir()} <= {path.name, f".{path.name}.lock"}
    for each in folder.iterdir():
        each.unlink()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("registers")
