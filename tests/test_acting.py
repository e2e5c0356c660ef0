"""The action board: a row is filled in, judged and written, and nobody's change is written over."""

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers.controls import Control
from kpi_helpers.controls.acting import acting, board, recorded
from kpi_helpers.errors import KpiError
from kpi_helpers.reports.agreed import kept
from kpi_helpers.sources import Dataset

HOSTILE = "<img src=x onerror=alert(1)>"
FORM = {
    "kpi_id": "bookings",
    "root_cause": "too few calls",
    "action": HOSTILE,
    "owner": "=cmd|' /c calc'!A1",
    "status": "planned",
    "start_date": dt.date(2026, 4, 2),
    "due_date": dt.date(2026, 5, 1),
    "expected_effect": "5",
    "expected_unit": "%",
}


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    days = pd.date_range("2025-04-01", "2026-03-31", periods=60).strftime("%Y-%m-%d")
    deals = {"deal_id": range(60), "created_at": days, "closed_at": days, "amount": 900.0}
    (tmp_path / "data").mkdir()
    frame = pd.DataFrame(deals | {"status": ["won", "lost", "lost"] * 20})
    frame.to_csv(tmp_path / "data" / "deals.csv", index=False)
    target = '[[targets]]\nmetric = "bookings"\nperiod = "2026Q1"\nvalue = 1000000\n'
    (tmp_path / "kpi.toml").write_text(f'schema = 1\nlanguage = "en"\n{target}', "utf-8")
    return kh.load(tmp_path / "data")


def again(data: Dataset) -> Dataset:
    return kh.load(Path(data.config.file).parent / "data")


def shown(control: Control) -> str:
    parts = (control._fault, control._said, control._side, control._table)
    return "".join(part.value for part in parts)


def test_an_action_is_written_down_and_read_by_the_next_report(data: Dataset) -> None:
    control = acting(data)
    control.offers["acting.save"].click()
    assert "Nothing has been filled in" in control._fault.value
    control.set(**FORM)
    assert "&lt;img src=x" in shown(control)
    assert "<img" not in shown(control)
    control.offers["acting.save"].click()
    assert control._fault.value == ""
    (row,) = again(data)["actions"].to_dict("records")
    assert (row["due_date"], row["expected_effect"]) == (pd.Timestamp("2026-05-01"), 5)
    (cells,) = kept(data, "actions").to_dict("records")
    assert cells["action_id"] == "2026Q1-agreed-1"
    assert cells["owner"] == FORM["owner"]
    assert control.values["action"] == ""
    assert [name for _, name in control.fields["row"].options][1] == "2026Q1-agreed-1"


def test_a_row_that_lacks_something_is_judged_and_not_written(data: Dataset) -> None:
    control = acting(data)
    control.set(**FORM | {"owner": "", "due_date": dt.date(2026, 4, 1), "expected_unit": "days"})
    said = " ".join(control.shown.sentences)
    assert all(column in said for column in ("owner", "due_date", "expected_unit"))
    control.offers["acting.save"].click()
    assert "owner" in control._fault.value
    assert not (Path(data.config.file).parent / "data" / "actions.csv").exists()
    control.set(**FORM | {"status": "proposed", "owner": ""})
    control.offers["acting.save"].click()
    assert kept(data, "actions")["status"].tolist() == ["proposed"]


def test_what_a_report_proposes_is_taken_up_once(data: Dataset) -> None:
    control = acting(data)
    proposed = [name for _, name in control.fields["row"].options if name]
    assert proposed == ["2026Q1-bookings-1"]
    control.set(row=proposed[0])
    assert control.values["kpi_id"] == "bookings"
    assert "Find out why the target is missed" in control.values["finding"]
    control.offers["acting.save"].click()
    assert kept(data, "actions")["action_id"].tolist() == proposed
    assert [name for _, name in control.fields["row"].options if name] == proposed


def test_an_effect_is_announced_before_the_action_begins(data: Dataset) -> None:
    control = acting(data)
    control.set(**FORM)
    assert not any("has begun" in said for said in control.shown.sentences)
    control.set(start_date=data.as_of)
    assert any("has begun" in said for said in control.shown.sentences)


def test_a_register_changed_meanwhile_is_not_written_over(data: Dataset) -> None:
    first = acting(data)
    first.set(**FORM | {"owner": "Ann"})
    first.offers["acting.save"].click()
    file = Path(data.config.file).parent / "data" / "actions.csv"
    control = acting(data)
    control.set(row="2026Q1-agreed-1")
    file.write_text(file.read_text("utf-8-sig").replace("Ann", "Zoë"), "utf-8-sig")
    before = file.read_bytes()
    control.set(owner="Bob")
    control.offers["acting.save"].click()
    assert "'Zoë'" in control._fault.value.replace("&#x27;", "'")
    assert file.read_bytes() == before
    control.offers["acting.reread"].click()
    assert control.values["owner"] == "Zoë"
    control.set(owner="Bob")
    control.offers["acting.save"].click()
    assert "Bob" in file.read_text("utf-8-sig")


def test_cells_that_no_field_can_show_stay_as_they_are(data: Dataset) -> None:
    file = Path(data.config.file).parent / "data" / "actions.csv"
    row = "A1;bookings;x;call;Ann;soon;2026-05-01;5;Terminée;a note"
    head = "action_id;kpi_id;root_cause;action;owner;start_date;due_date;expected_effect;status"
    file.write_text(f"{head};own\n{row}\n", "utf-8")
    control = acting(data)
    control.set(row="A1")
    assert control.values["status"] == "Terminée"
    with pytest.raises(KpiError, match="start_date"):
        recorded(data, "actions", "A1", expected_unit="%")
    file.write_text(file.read_text().replace("soon", "02/04/2026"))
    control.offers["acting.reread"].click()
    control.set(expected_unit="%", owner="Bob")
    control.offers["acting.save"].click()
    assert control._fault.value == ""
    assert "Terminée;a note;%" in file.read_text("utf-8")
    assert "02/04/2026" in file.read_text("utf-8")


@pytest.mark.parametrize(
    ("register", "cells"),
    [
        ("events", {"label": HOSTILE, "type": "price"}),
        ("kpi_log", {"kpi_id": "bookings", "reason": HOSTILE, "new_definition": "lags.cac = 2"}),
    ],
)
def test_the_other_registers_have_the_same_form(
    data: Dataset, register: str, cells: dict[str, str]
) -> None:
    control = acting(data, register)
    assert control.values["date"] == data.as_of
    control.set(**cells)
    assert "<img" not in shown(control)
    control.offers["acting.save"].click()
    assert control._fault.value == ""
    (row,) = again(data)[register].to_dict("records")
    assert row["date"] == pd.Timestamp(data.as_of)
    assert {of: row[of] for of in cells} == cells


def test_the_board_shows_what_its_plain_function_does(data: Dataset) -> None:
    control = acting(data)
    for given in ({}, FORM):
        control.set(**given)
        plain = board(data, **control.values)
        assert plain.sentences == control.shown.sentences
        assert plain.frame is not None
        assert control.shown.frame is not None
        assert plain.frame.equals(control.shown.frame)
