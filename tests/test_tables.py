"""Every canonical table loads from its columns alone, is replayed, and keeps persons out."""

import datetime as dt
from typing import Any

import pandas as pd
import pytest

from kpi_helpers.sources import load
from kpi_helpers.sources.checks.quality import quality
from kpi_helpers.sources.registers import REGISTERS
from kpi_helpers.sources.schema import Column
from kpi_helpers.sources.tables import TABLES

PERSONAL = {"email", "phone"}
DEALS = pd.DataFrame(
    {"deal_id": ["d1"], "created_at": ["2026-01-05"], "status": ["open"], "closed_at": [None]}
)


def cell(column: Column, day: str) -> Any:
    """What a file may hold in a column."""
    if column.values:
        return column.values[0]
    if column.name == "currency":
        return "EUR"
    return {"number": "12.5", "date": day, "time": f"{day} 09:30:00"}.get(column.type, column.name)


def row(name: str, day: str) -> dict[str, Any]:
    return {column.name: cell(column, day) for column in TABLES[name]}


@pytest.mark.thorough
@pytest.mark.parametrize("name", TABLES)
def test_a_row_with_every_column_is_read_whole(name: str) -> None:
    frame = pd.DataFrame([row(name, "2026-03-02")])
    data = load({"deals": DEALS} | {name: frame}, as_of="2026-03-31")
    (read,) = data[name].to_dict("records")
    for column in TABLES[name]:
        value = read[column.name]
        expected = {"number": 12.5, "date": pd.Timestamp("2026-03-02")}.get(
            column.type, pd.Timestamp("2026-03-02 09:30") if column.type == "time" else None
        )
        assert value == (cell(column, "") if expected is None else expected), column.name
    assert not {"unreadable", "not_allowed", "blank"} & {*quality(data)["check"]}


@pytest.mark.thorough
@pytest.mark.parametrize("name", [n for n, t in TABLES.items() if t.dated])
def test_a_replay_does_not_know_later_rows(name: str) -> None:
    table = TABLES[name]
    dated = table.column(str(table.dated))
    rows = [
        row(name, day) | dict.fromkeys(table.keys[:1], day) for day in ("2026-01-09", "2026-03-02")
    ]
    data = load({"deals": DEALS} | {name: pd.DataFrame(rows)}, as_of="2026-03-31")
    assert dated is not None
    assert len(data[name]) == 2
    assert len(data.at("2026-01-31")[name]) == 2 - (not dated.plan)


@pytest.mark.thorough
@pytest.mark.parametrize("name", TABLES)
def test_no_figure_is_broken_down_by_person(name: str) -> None:
    data = load({"deals": DEALS} | {name: pd.DataFrame([row(name, "2026-03-02")])})
    assert not PERSONAL & {*data.dimensions(name)}


@pytest.mark.thorough
@pytest.mark.parametrize("name", REGISTERS)
def test_registers_do_not_say_how_far_the_data_reach(name: str) -> None:
    frame = pd.DataFrame([row(name, "2021-05-04"), row(name, "2027-05-04")])
    data = load({"deals": DEALS} | {name: frame})
    assert (data.first, data.as_of) == (dt.date(2026, 1, 5), dt.date(2026, 1, 5))
    assert "stops_early" not in {*quality(load({"deals": DEALS} | {name: frame[:1]}))["check"]}
