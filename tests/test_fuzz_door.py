"""Hostile files: each is read whole or refused, and no row is lost on the way."""

import csv
import io
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from exports import COLUMNS
from fuzz_files import files, repacked
from fuzzing import NASTY, family, judged
from hypothesis import given
from hypothesis import strategies as st

import kpi_helpers as kh
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.config import Config
from kpi_helpers.sources.engine import frame_of, number_of
from kpi_helpers.sources.files import readers
from kpi_helpers.sources.files.delimited import _SEP, open_text, shape_of
from kpi_helpers.sources.files.grids import quoted_name
from kpi_helpers.sources.files.kinds import _kind


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder; what is opened there shares one engine, which costs most of a small file."""
    con = readers._embedded()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readers, "_embedded", lambda: con)
        yield tmp_path_factory.mktemp("hostile")


def forgotten(con: object) -> None:
    """Drop all that a file has left in the engine."""
    every = "SELECT table_name, table_type FROM information_schema.tables ORDER BY 2 DESC"
    for name, kind in con.con.execute(every).fetchall():
        what = "VIEW" if kind == "VIEW" else "TABLE"
        con.con.execute(f"DROP {what} IF EXISTS {quoted_name(name)}")


def counted(source: readers.Source, name: str) -> int:
    source.table(name)
    (rows,) = source.con.con.execute(f"SELECT count(*) FROM {quoted_name(name)}").fetchone()
    return rows


def rows_by_hand(path: Path) -> tuple[int, ...]:
    """The rows of a text file, counted by Python's own readers; blank ones may count or not."""
    if path.suffix == ".jsonl":
        return (sum(bool(line.strip()) for line in path.read_text("utf-8-sig").split("\n")),)
    if _kind(path) != "text":
        return ()
    shape = shape_of(path)
    with open_text(path, shape.encoding) as stream:
        records = list(csv.reader(stream, delimiter=shape.delimiter, strict=True))
    blank = [not "".join(cells).strip() and len(cells) < 2 for cells in records]
    marked = _SEP.fullmatch(shape.delimiter.join(next(iter(records), []))) is not None
    head = shape.header.below - shape.header.first
    rows = len(records) - head - marked
    return rows, rows - sum(blank)


@family(0.25)
@given(files())
def test_a_damaged_file_is_read_whole_or_refused(place: Path, file: tuple[str, bytes]) -> None:
    name, content = file
    path = place / name
    path.write_bytes(content)
    try:
        with judged():
            source = readers.open_source(path, Config())
            rows = [counted(source, each) for each in source.names]
            assert not (by_hand := rows_by_hand(path)) or rows[0] in by_hand
    finally:
        forgotten(readers._embedded())
        path.unlink()
    assert not [*place.iterdir()]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A DuckDB file whose rows fill more than one block."""
    path = tmp_path_factory.mktemp("database") / "deals.duckdb"
    rows = "SELECT i::VARCHAR AS deal_id, DATE '2026-01-05' AS created_at, md5(i::VARCHAR) AS stage"
    with duckdb.connect(str(path)) as con:
        con.execute(f"CREATE TABLE deals AS {rows} FROM range({ROWS}) t(i)")
        con.execute("CREATE VIEW open AS SELECT * FROM deals WHERE deal_id < '5'")
    return path.read_bytes()


ROWS = 20_000
HEADERS = 3 * 4096  # of a DuckDB file: one that tells what it is, two that tell where the rest is
wounds = st.tuples(st.integers(0, HEADERS - 1) | st.integers(0, 1 << 20), st.integers(0, 255))


@family(0.01)
@given(st.lists(wounds, max_size=5), st.none() | st.integers(0, 1 << 20))
def test_a_damaged_database_is_read_whole_or_refused(
    place: Path, database: bytes, wounded: list[tuple[int, int]], cut: int | None
) -> None:
    content = bytearray(database)
    for at, byte in wounded:
        content[at % len(content)] = byte
    path = place / "damaged.duckdb"
    path.write_bytes(content[:cut])
    try:
        with judged():
            source = readers.open_source(path, Config())
            for each in source.names:
                found = frame_of(source.con, source.table(each))
                assert each != "deals" or len(found) == ROWS
    finally:
        path.unlink()
    assert not [*place.iterdir()]


# What may lie in a folder under a name, made at its path.
SPECIAL: dict[str, Callable[[Path], object]] = {
    "loop": lambda path: path.symlink_to(path),
    "nowhere": lambda path: path.symlink_to(path.with_name("gone")),
    "up": lambda path: path.symlink_to(path.parent),
    "device": lambda path: path.symlink_to("/dev/zero"),
    "pipe": os.mkfifo,
    "folder": lambda path: path.mkdir(),
    "empty": lambda path: path.touch(),
}
ENDINGS = [*readers.ENDINGS, "", ".exe", ".toml", ".CSV", ".duckdb"]
stems = st.sampled_from([each.replace("/", "∕").replace("\x00", "") for each in NASTY])
names = st.tuples(
    stems.map(lambda s: s.encode("utf-8", "replace").decode()[:60]), st.sampled_from(ENDINGS)
)


@family(0.02)
@given(st.lists(st.tuples(names, st.sampled_from([*SPECIAL]) | files()), min_size=1, max_size=6))
def test_a_folder_of_anything_is_opened_file_by_file(place: Path, inside: list[Any]) -> None:
    folder = place / "folder"
    folder.mkdir()
    for (stem, ending), kind in inside:
        path = folder / (stem + ending)
        if not os.path.lexists(path) and (stem + ending) not in ("", ".", ".."):
            SPECIAL[kind](path) if isinstance(kind, str) else path.write_bytes(kind[1])
    before = sorted(os.listdir(folder))
    try:
        with judged(cases=len(inside)):
            source = readers.open_source(folder, Config())
            for each in source.names:
                counted(source, each)
    finally:
        forgotten(readers._embedded())
        assert sorted(os.listdir(folder)) == before
        shutil.rmtree(folder)


members = st.sampled_from([*NASTY, "/x/deals.csv", "../deals.csv", "a\\..\\deals.csv", "C:/d.csv"])


@family(0.02)
@given(st.lists(st.tuples(members, st.sampled_from(ENDINGS), files()), min_size=1, max_size=4))
def test_an_archive_writes_nothing_beside_itself(place: Path, inside: list[Any]) -> None:
    path = place / "deals.zip"
    # An archive ends a name at a zero byte, and wants each only once.
    told = [((stem + end).partition("\x00")[0], made) for stem, end, (_, made) in inside]
    parts = {name.encode("utf-8", "replace").decode(): made for name, made in told}
    path.write_bytes(repacked(parts))
    try:
        with judged():
            source = readers.open_source(path, Config())
            for each in source.names:
                counted(source, each)
    finally:
        forgotten(readers._embedded())
        path.unlink()
    assert not [*place.iterdir()]


CELLS = st.sampled_from([*NASTY, "2026-01-05", "won", "open", "12,5", "Ann", "1", "1", "2"])
TABLES = {
    "deals": [*COLUMNS],
    "leads": ["lead_id", "created_at", "source"],
    "orders": ["order_id", "order_date", "amount_net", "type"],
    "spend": ["date", "channel", "amount"],
    "activities": ["activity_id", "started_at", "type"],
}
headed = st.text("a;'\"\n{}%\\[]*é\x00 ", max_size=8) | st.sampled_from(NASTY)


@st.composite
def exports(draw: st.DrawFn) -> dict[str, bytes]:
    """Tables of hostile cells, one of their columns bearing a hostile name."""
    made = {}
    for name in draw(st.lists(st.sampled_from([*TABLES]), min_size=1, max_size=2, unique=True)):
        header = [*TABLES[name], draw(headed)]
        row = st.lists(CELLS, min_size=len(header) - 1, max_size=len(header) + 1)
        rows = draw(st.lists(row, min_size=1, max_size=6))
        good = ["0", "2026-01-05", "won", "2026-02-01", "10", "x", "y"][: len(header)]
        text = io.StringIO()
        csv.writer(text, delimiter=";").writerows([header, good, *rows])
        made[name] = text.getvalue().replace("\x00", "").encode("utf-8", "replace")
    return made


@family(0.004)
@given(exports(), st.sampled_from(["dmy", "mdy", "ymd", None]), st.sampled_from([",", ".", None]))
def test_rows_read_are_rows_used_and_rows_listed_with_their_money(
    place: Path, made: dict[str, bytes], order: str | None, decimal: str | None
) -> None:
    told = {"date_order": order, "decimal": decimal}
    own = {key: value for key, value in told.items() if value}
    for name, content in made.items():
        (place / f"{name}.csv").write_bytes(content)
    con = readers._embedded()
    try:
        with judged(cases=len(made)):
            read = readers.open_source(place, Config())
            rows = {read.files[name].label: counted(read, name) for name in read.names}
            forgotten(con)
            data = kh.load(place, {"tables": dict.fromkeys(made, own)})
            accounted(data, rows)
    finally:
        forgotten(con)
        for name in made:
            (place / f"{name}.csv").unlink()


def accounted(data: Dataset, rows: dict[str, int]) -> None:
    """Every row of a file is used or listed, and so is its money."""
    listed = kh.left_out(data)
    out = listed[listed["action"] == "excluded"].drop_duplicates(["file", "line"])
    for _, told in kh.accounting(data).iterrows():
        used, gone = data.base[told["table"]], out[out["file"] == told["file"]]
        assert told["rows"] == rows[told["file"]] == told["used"] + told["excluded"]
        assert told["excluded"] == len(gone)
        assert told["used"] == number_of(data.con, used.count())
        money = np.nansum([told["money_used"], told["money_excluded"]])
        assert money == pytest.approx(np.nansum([told["money"]]))
        assert np.nansum(gone["money"]) == pytest.approx(np.nansum([told["money_excluded"]]))
