"""Every row is accounted for: rows in are rows used and rows listed, whatever befell the file."""

import contextlib
import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from exports import COLUMNS, put
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import kpi_helpers as kh
from kpi_helpers.errors import KpiError
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.files.delimited import LINE, read_delimited

QUICK = settings(
    max_examples=30,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

pieces = st.sampled_from([*"ab\"'\n;, \\é{\ufeff\u2028\x0b", "\r\n"])
fields = st.lists(pieces, max_size=4).map("".join)


def written(field: str, always: bool) -> str:
    if always or any(mark in field for mark in '";\r\n'):
        return '"' + field.replace('"', '""') + '"'
    return field


@settings(parent=QUICK, max_examples=80)
@given(
    st.lists(st.tuples(fields, fields, fields), max_size=6),
    st.booleans(),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_every_cell_of_a_file_is_read_as_it_stands(
    tmp_path: Path, table: list[tuple[str, ...]], always: bool, end: str, encoding: str
) -> None:
    lines = [";".join(written(field, always) for field in row) for row in [("x", "y", "z"), *table]]
    path = put(tmp_path, "".join(line + end for line in lines).encode(encoding))
    con = duckdb.connect()
    read_delimited(con, "read", path)
    found = con.execute(f'SELECT x, y, z, "{LINE}" FROM read ORDER BY "{LINE}"').fetchall()
    assert [tuple(cell or "" for cell in row[:3]) for row in found] == table
    breaks = ["".join(row).count("\n") for row in table]
    assert [row[3] for row in found] == [
        place + 2 + sum(breaks[:place]) for place in range(len(table))
    ]


GOOD = [
    f"{place};2026-0{1 + place % 8}-05;{('won', 'lost', 'open')[place % 3]};;{place}.5;Ann"
    for place in range(8)
]


def cut(line: str, place: int) -> str:
    return line[: place % (len(line) + 1)]


def swapped(line: str, place: int) -> str:
    cells = line.split(";")
    first, second = place % len(cells), (place // 7) % len(cells)
    cells[first], cells[second] = cells[second], cells[first]
    return ";".join(cells)


def blanked(line: str, place: int) -> str:
    cells = line.split(";")
    cells[place % len(cells)] = ""
    return ";".join(cells)


def spoilt(line: str, place: int) -> str:
    cells = line.split(";")
    cells[place % len(cells)] = ("?", "31/02/2026", "maybe", "1,2,3", "0", "{x}", "1900-01-01")[
        place % 7
    ]
    return ";".join(cells)


DAMAGE: tuple[Any, ...] = (
    *(cut, swapped, blanked, spoilt),
    lambda line, place: line + ";more" * (1 + place % 3),
    lambda line, place: "",
    lambda line, place: ";" * (place % 9),
    lambda line, place: f"{line}\n{line}",
    lambda line, place: "Total;;;;99;",
)
harms = st.tuples(st.integers(0, len(GOOD) - 1), st.sampled_from(DAMAGE), st.integers(0, 60))


def rows_in(text: str) -> int:
    """Rows below the header: lines that are not blank."""
    return sum(bool(line.strip()) for line in text.split("\n")[1:])


def money_of(text: str) -> float:
    """What a plain reader finds in the column of amounts."""
    total = 0.0
    for line in text.split("\n")[1:]:
        cells = line.split(";")
        with contextlib.suppress(IndexError, ValueError):
            total += float(cells[4])
    return total


def money_in(data: Dataset) -> float:
    """The amounts of the rows that are used, and of those that are left out."""
    excluded = kh.left_out(data).query("action == 'excluded'").drop_duplicates("line")
    return float(data["deals"]["amount"].sum() + excluded["money"].sum())


def accounted(data: Dataset) -> tuple[int, int, int]:
    """Rows used, rows left out, and rows dated after the day of the data."""
    listed = kh.left_out(data)
    excluded = listed.loc[listed["action"] == "excluded", "line"].nunique()
    found = kh.quality(data).query("check == 'after_as_of'")["rows"]
    return len(data["deals"]), excluded, int(found.sum())


@pytest.mark.thorough
@QUICK
@given(st.lists(harms, max_size=6), st.booleans(), st.sampled_from([None, "2026-04-05"]))
def test_rows_in_are_rows_used_and_rows_listed(
    tmp_path: Path, damage: list[tuple[int, Any, int]], deduplicate: bool, as_of: str | None
) -> None:
    lines = [*GOOD]
    for row, harm, place in damage:
        lines[row] = "\n".join(harm(line, place) for line in lines[row].split("\n"))
    text = "\n".join([";".join(COLUMNS), *lines]) + "\n"
    settings_ = {"deduplicate": ["deal_id"]} if deduplicate else {}
    config = {"tables": {"deals": {"decimal": ".", "date_order": "dmy", **settings_}}}
    try:
        data = kh.load(put(tmp_path, text), config, as_of=as_of)
    except KpiError:
        return
    assert sum(accounted(data)) == rows_in(text), text
    listed = kh.left_out(data)
    assert listed["line"].between(2, text.count("\n")).all()
    if as_of is None:
        assert money_in(data) == pytest.approx(money_of(text)), text
    lines_of = text.split("\n")
    for row in listed.dropna(subset=["value"]).itertuples():
        assert str(row.value) in lines_of[int(row.line) - 1], (row, text)


def test_a_day_that_is_not_yet_known_is_counted() -> None:
    frame = pd.DataFrame([dict(zip(COLUMNS, row.split(";"), strict=True)) for row in GOOD])
    data = kh.load(frame, {"tables": {"deals": {"decimal": "."}}}, as_of=dt.date(2026, 4, 30))
    assert accounted(data) == (4, 0, 4)
