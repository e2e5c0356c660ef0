"""The same figures on every engine: frames, CSV, parquet, a DuckDB file and a real PostgreSQL."""

import itertools
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pandas as pd
import pytest
from analyses import (
    ANALYSES,
    REFUSED,
    assert_same,
    gate,
    journeys,
    left_out,
    rows_behind,
    same_frame,
    tried,
)
from stores import (
    ENGINES,
    FILES,
    NO_SERVER,
    URL,
    Tables,
    as_parquet,
    awkward,
    kept,
    moments,
    needs_server,
    on_server,
)

import kpi_helpers as kh
from kpi_helpers import funnel
from kpi_helpers.errors import KpiError, Unavailable, UnknownName
from kpi_helpers.kpis import catalogue
from kpi_helpers.samples import company
from kpi_helpers.sources import Dataset, parsing
from kpi_helpers.sources.engine import compiled, frame_of

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
        {"period": "2025W50:2026W06", "where": {"dim_label": "a"}, "by": ("groe_x", "owner")},
    ),
}
Opened = Callable[[str, str], Dataset]


@pytest.fixture(scope="module")
def opened() -> Iterator[Opened]:
    """A company on an engine, loaded once."""
    with ExitStack() as servers, pytest.MonkeyPatch.context() as environment:
        # Without a key of their own, names are hidden by one that is made of the files.
        environment.setenv("KPI_KEY", "one")

        @cache
        def open_(which: str, engine: str) -> Dataset:
            return kh.load(servers.enter_context(kept(COMPANIES[which](), engine)))

        yield open_


@pytest.fixture(scope="module")
def measured(opened: Opened) -> Callable[[str, int], pd.DataFrame]:
    """What the frames of a company say to one of its calls, asked once."""
    kpis = catalogue()["id"].tolist()
    return cache(
        lambda which, call: kh.measure(opened(which, "frames"), kpis, **CALLS[which][call])
    )


@pytest.mark.thorough
@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
@pytest.mark.parametrize("which", COMPANIES)
def test_every_kpi_is_the_same_on_every_engine(
    opened: Opened, measured: Callable[[str, int], pd.DataFrame], which: str, engine: str
) -> None:
    other, kpis = opened(which, engine), catalogue()["id"].tolist()
    # Frames and a database file are asked by the same engine, so one call tells of both.
    calls = CALLS[which] if engine == "postgres" else CALLS[which][:1]
    for call, asked in enumerate(calls):
        expected = measured(which, call)
        assert expected["value"].notna().sum() > len(kpis) / 3
        same_frame(kh.measure(other, kpis, **asked), expected)
    assert set(expected["kpi"]) == set(kpis)


@pytest.mark.thorough
@pytest.mark.parametrize("engine", FILES)
@pytest.mark.parametrize("which", COMPANIES)
def test_files_end_as_the_same_tables_as_frames(opened: Opened, which: str, engine: str) -> None:
    assert_the_same_tables(opened(which, engine), opened(which, "frames"))


def assert_the_same_tables(found: Dataset, expected: Dataset) -> None:
    """Every canonical table holds the same rows in the same order, under the same types."""
    assert found.tables == expected.tables
    for name in found.tables:
        frames = [frame_of(each.con, each.base[name]) for each in (found, expected)]
        pd.testing.assert_frame_equal(*frames, check_like=True)


@pytest.mark.thorough
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("which", COMPANIES)
def test_the_gate_is_the_same_on_every_engine(opened: Opened, which: str, engine: str) -> None:
    base, other = opened(which, "frames"), opened(which, engine)
    if engine != "postgres":  # addresses and numbers of persons are not fetched from a server
        same_frame(kh.quality(other), kh.quality(base))
    same_frame(gate(other), gate(base))
    found, expected = left_out(other), left_out(base)
    assert len(expected) > (10 if which == "awkward" else 0)
    same_frame(found, expected)


@pytest.mark.thorough
@pytest.mark.parametrize("engine", ENGINES)
def test_the_ways_of_cases_are_the_same_on_every_engine(opened: Opened, engine: str) -> None:
    base, other = opened("sample", "frames"), opened("sample", engine)
    assert len(journeys(base)) > len(base["leads"])
    same_frame(journeys(other), journeys(base))
    same_frame(funnel.integrity(other), funnel.integrity(base))


@needs_server
@pytest.mark.parametrize("name", ANALYSES)
def test_every_analysis_is_the_same_on_a_server(opened: Opened, name: str) -> None:
    """On files and on frames it is the same engine: ``benchmarks/engines.py`` asks them all."""
    expected = tried(ANALYSES[name], opened("sample", "frames"))
    found = tried(ANALYSES[name], opened("sample", "postgres"))
    if name in REFUSED:
        assert isinstance(found, KpiError)
        assert not isinstance(expected, KpiError)
    else:
        assert_same(found, expected)


@pytest.mark.thorough
@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
def test_the_rows_behind_are_the_same_on_every_engine(opened: Opened, engine: str) -> None:
    base, other = opened("awkward", "frames"), opened("awkward", engine)
    for kpi in catalogue()["id"]:
        found, expected = (tried(rows_behind, data, kpi) for data in (other, base))
        assert_same(found, expected)


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


@pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")
def test_an_engine_that_cannot_do_what_is_asked_is_refused_by_name() -> None:
    """SQLite in memory, whose SQL lacks some of what the kit asks: a sentence, and no figures."""
    own = ibis.sqlite.connect()
    with closing(own.con):
        moments("text")["deals"].assign(amount=9.0).to_sql("deals", own.con, index=False)
        with pytest.raises(Unavailable, match=r"^sqlite (cannot do|refuses)"):
            kh.measure(kh.load(own), "bookings", "2026Q1")
        with pytest.raises(Unavailable, match="sqlite cannot do what is asked of it") as refused:
            compiled(own, own.table("deals").mutate(several=ibis.array([1, 2])))
        assert "parquet" in refused.value.render("fr")


def test_a_sqlite_file_is_the_same_by_its_name_its_url_and_a_connection(tmp_path: Path) -> None:
    path = tmp_path / "company.sqlite"
    with closing(sqlite3.connect(path)) as con:
        moments("text")["deals"].assign(amount=9.0).to_sql("deals", con, index=False)
    own = ibis.sqlite.connect(path)
    with closing(own.con):
        loaded = [kh.load(source)["deals"] for source in (path, f"sqlite://{path}", own)]
    assert all(len(each) and each.equals(loaded[0]) for each in loaded)


@pytest.mark.parametrize(
    ("scheme", "backend", "driver", "extra"),
    [
        ("postgresql", "postgres", "psycopg", "kpi-helpers[postgres]"),
        ("pyspark", "pyspark", "pyspark", "kpi-helpers[spark]"),
        ("mysql", "mysql", "MySQLdb", "ibis-framework[mysql]"),
    ],
)
def test_a_driver_that_is_not_there_is_named_with_what_brings_it(
    scheme: str, backend: str, driver: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, driver, None)
    for module in [each for each in sys.modules if each.startswith(f"ibis.backends.{backend}")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.delitem(vars(ibis), backend, raising=False)
    with pytest.raises(Unavailable, match=re.escape(f'pip install "{extra}"')):
        kh.load(f"{scheme}://ada@db.example/sales")


@pytest.mark.parametrize("scheme", ["duckdb", "sqlite"])
def test_the_file_of_a_url_is_never_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownName, match=r"File not found: 'sales\.db'"):
        kh.load(f"{scheme}://sales.db")
    assert not [*tmp_path.iterdir()]


def test_the_duckdb_file_of_a_url_is_read_as_it_is(tmp_path: Path) -> None:
    path, deals = tmp_path / "sales.db", moments("aware")["deals"]
    with closing(duckdb.connect(path)) as con:
        con.execute("CREATE TABLE deals AS FROM deals")
    before = path.read_bytes()
    assert len(kh.load(f"duckdb://{path}", as_of="2026-06-30")["deals"]) == len(deals)
    assert (path.read_bytes(), [*tmp_path.iterdir()]) == (before, [path])


@pytest.mark.parametrize("address", ["{}", "duckdb:///{}"])
def test_a_view_of_a_duckdb_file_reads_no_other_file(address: str, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("hunter2")
    with duckdb.connect(str(tmp_path / "crm.duckdb")) as con:
        con.execute("CREATE TABLE kept AS SELECT '1' AS deal_id, DATE '2026-01-05' AS created_at, "
                    "DATE '2026-02-06' AS closed_at, 'won' AS status, 5.0 AS amount")  # fmt: skip
        con.execute(f"CREATE VIEW deals AS SELECT *, (SELECT content FROM "
                    f"read_text('{tmp_path}/secret.txt')) AS owner FROM kept")  # fmt: skip
    with pytest.raises(Unavailable, match="Cannot access file") as refused:
        kh.load(address.format(tmp_path / "crm.duckdb"))
    assert "hunter2" not in str(refused.value)


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
