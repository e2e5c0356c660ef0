"""The same figures on every engine: frames, CSV, parquet, a DuckDB file and a real PostgreSQL."""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest
from stores import ENGINES, FILES, NO_SERVER, URL, Tables, as_parquet, awkward, moments, on_server

import kpi_helpers as kh
from kpi_helpers import funnel
from kpi_helpers.errors import KpiError
from kpi_helpers.kpis import catalogue
from kpi_helpers.samples import company
from kpi_helpers.sources import Dataset, parsing
from kpi_helpers.sources.engine import frame_of

COMPANIES: dict[str, Callable[[], Tables]] = {
    "sample": lambda: company(leads_a_month=40),
    "awkward": awkward,
}
CALLS: dict[str, tuple[dict[str, Any], ...]] = {
    "sample": (
        {"period": "2026Q1:2026Q2"},
        {"period": "2025Q1:2026Q2", "by": "team", "where": "amount >= 15000"},
    ),
    "awkward": (
        {"period": "all"},
        {"period": "2025Q1:2026Q2", "by": "team"},
        {"period": "2026Q1", "where": "owner != 'Éric' and not missing(owner)", "by": "owner"},
        {"period": "2025W50:2026W06", "where": {"dim_label": "a"}, "by": ("groe_x", "status")},
    ),
}
Result = pd.DataFrame | type[KpiError]
Opened = Callable[[str, str], Dataset]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A company on an engine, loaded once."""
    with ExitStack() as servers:

        @cache
        def open_(which: str, engine: str) -> Dataset:
            tables = COMPANIES[which]()
            if engine == "frames":
                return kh.load(tables)
            if engine in FILES:
                return kh.load(FILES[engine](tables, tmp_path_factory.mktemp(engine)))
            if not URL:
                pytest.skip(NO_SERVER)
            return kh.load(servers.enter_context(on_server(tables)))

        yield open_


@pytest.fixture(scope="module")
def measured(opened: Opened) -> Callable[[str, int], pd.DataFrame]:
    """What the frames of a company say to one of its calls, asked once."""
    kpis = catalogue()["id"].tolist()
    return cache(
        lambda which, call: kh.measure(opened(which, "frames"), kpis, **CALLS[which][call])
    )


def tried(ask: Callable[..., pd.DataFrame], *arguments: Any, **named: Any) -> Result:
    """What was asked for, or the kind of our own error."""
    try:
        return ask(*arguments, **named)
    except KpiError as error:
        return type(error)


def assert_same(found: Result, expected: Result) -> None:
    if isinstance(expected, type):
        assert found is expected
    else:
        assert isinstance(found, pd.DataFrame), found
        pd.testing.assert_frame_equal(found, expected, rtol=1e-9, atol=1e-12, check_exact=False)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("which", COMPANIES)
def test_every_kpi_is_the_same_on_every_engine(
    opened: Opened, measured: Callable[[str, int], pd.DataFrame], which: str, engine: str
) -> None:
    other, kpis = opened(which, engine), catalogue()["id"].tolist()
    for call, asked in enumerate(CALLS[which]):
        expected = measured(which, call)
        assert expected["value"].notna().sum() > len(kpis) / 3
        assert_same(kh.measure(other, kpis, **asked), expected)
    assert set(expected["kpi"]) == set(kpis)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("which", COMPANIES)
def test_the_gate_is_the_same_on_every_engine(opened: Opened, which: str, engine: str) -> None:
    base, other = opened(which, "frames"), opened(which, engine)
    gate, expected_gate = kh.quality(other), kh.quality(base)
    if engine == "postgres":  # addresses and numbers of persons are not fetched from a server
        expected_gate = expected_gate[expected_gate["check"] != "duplicate_lead"]
    assert_same(gate.reset_index(drop=True), expected_gate.reset_index(drop=True))
    kinds = ["table", "column", "reason", "action"]
    found, expected = (
        _listed(data).groupby(kinds)["money"].agg(["size", "sum"]) for data in (other, base)
    )
    assert len(expected) > (10 if which == "awkward" else 0)
    assert_same(found, expected)


def ways(data: Dataset) -> pd.DataFrame:
    """The way of each case, with the kinds of columns that frames have."""
    rows = frame_of(data.con, funnel.journeys(data)).sort_values(["case_id", "place"])
    days = ["entered_at", "advanced_at", "lost_at", "ended_at"]
    rows = rows.astype({**dict.fromkeys(days, "datetime64[us]"), "place": int, "age_days": int})
    return rows[["case_id", "step", "place", *days, "age_days", "amount"]].reset_index(drop=True)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_ways_of_cases_are_the_same_on_every_engine(opened: Opened, engine: str) -> None:
    base, other = opened("sample", "frames"), opened("sample", engine)
    assert len(ways(base)) > len(base["leads"])
    assert_same(ways(other), ways(base))
    assert_same(funnel.integrity(other), funnel.integrity(base))


def _listed(data: Dataset) -> pd.DataFrame:
    listed = kh.left_out(data)
    return listed[listed["reason"] != "duplicate_lead"]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_rows_behind_are_the_same_on_every_engine(opened: Opened, engine: str) -> None:
    base, other = opened("awkward", "frames"), opened("awkward", engine)
    for kpi in catalogue()["id"]:
        found, expected = (_totals(tried(kh.rows, data, kpi, "2026Q1")) for data in (other, base))
        assert_same(found, expected)


def _totals(rows: Result) -> Result:
    """How many rows, and what the parts add up to."""
    if isinstance(rows, type):
        return rows
    parts = rows.filter(regex="^part_").select_dtypes(["number", "bool"]).astype(float)
    return pd.DataFrame({**parts.sum(), "rows": len(rows)}, index=[0])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("table", ["deals", "targets"])
def test_a_table_is_the_same_frame_on_every_engine(opened: Opened, engine: str, table: str) -> None:
    key = {"deals": ["deal_id", "created_at", "amount"], "targets": ["metric", "period_start"]}
    base, other = (opened("awkward", each)[table] for each in ("frames", engine))
    found, expected = (
        frame.sort_values([*key[table], *frame.columns], ignore_index=True)
        for frame in (other, base)
    )
    pd.testing.assert_frame_equal(found, expected, check_like=True)


@pytest.mark.parametrize("kind", ["aware", "naive", "text"])
@pytest.mark.parametrize("engine", ["frames", *ENGINES])
def test_a_moment_falls_on_the_day_of_the_projects_clock(
    tmp_path: Path, engine: str, kind: str
) -> None:
    tables = moments(kind)
    with ExitStack() as servers:
        source: Any = tables
        if engine in FILES:
            source = FILES[engine](tables, tmp_path)
        elif engine == "postgres":
            if not URL:
                pytest.skip(NO_SERVER)
            types = {"closed_at": "timestamp"} if kind == "naive" else {}
            source = servers.enter_context(on_server(tables, types))
        assert _wins(source, {}) == [3, 0]
        assert _wins(source, {"time_zone": "Europe/Paris", "source_time_zone": "UTC"}) == [2, 1]


def _wins(source: Any, settings: dict[str, str]) -> list[float]:
    data = kh.load(source, settings, as_of="2026-06-30")
    return kh.measure(data, "deals_won_count", "2026Q1:2026Q2")["value"].tolist()


def test_the_day_of_a_moment_does_not_depend_on_the_machine(tmp_path: Path) -> None:
    """Kiritimati is 14 hours ahead: its own clock would move a moment into April."""
    as_parquet(moments("aware"), tmp_path)
    read = "import sys, kpi_helpers as kh; data = kh.load(sys.argv[1], as_of='2026-06-30')"
    show = "print(kh.measure(data, 'deals_won_count', '2026Q1')['value'][0])"
    command = [sys.executable, "-c", f"{read}; {show}", str(tmp_path)]
    there = {**os.environ, "TZ": "Pacific/Kiritimati"}
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=there)
    assert ran.stdout == "3.0\n"


def test_text_is_called_untidy_exactly_where_cleaning_changes_it() -> None:
    pieces = ["", "a", " ", "\t", "\n", "\r", "\v", "\f", "\u00a0", "\u202f", "\ufeff", "é", "x y"]
    texts = ["".join(some) for n in (1, 2, 3) for some in itertools.product(pieces, repeat=n)]
    con = ibis.duckdb.connect()
    con.con.execute("CREATE TABLE texts AS SELECT unnest($1) AS text", [texts])
    text = con.table("texts").text
    frame = con.table("texts").mutate(clean=parsing.clean(text), untidy=parsing.is_untidy(text))
    frame = con.con.execute(con.compile(frame)).df()
    changed = (frame["clean"] != frame["text"]) | frame["clean"].isna()
    assert frame["untidy"].astype(bool).tolist() == changed.tolist()
