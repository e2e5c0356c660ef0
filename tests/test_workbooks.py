"""Workbooks through the door: typed cells, title lines, totals, several sheets."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import xlsxwriter
from exports import COLUMNS, left, out, refused

import kpi_helpers as kh
from kpi_helpers.errors import BadInput

DAYS = [dt.date(2026, 1, 5), dt.date(2026, 1, 13), dt.date(2026, 1, 20)]
WON = ["0012", DAYS[0], "won", dt.date(2026, 2, 1), 1200.5, "Ann"]
OPEN = ["0013", DAYS[1], "open", None, 300.125, "Bob"]
LOST = ["0014", DAYS[2], "lost", dt.date(2026, 3, 1), 80, "Ann"]
ROWS = [WON, OPEN, LOST]


def workbook(path: Path, sheets: Mapping[str, list[list[Any]]], **options: Any) -> Path:
    """A workbook of sheets of rows, dates as dates."""
    with xlsxwriter.Workbook(path, {"default_date_format": "dd/mm/yyyy", **options}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                for place, value in enumerate(row):
                    if isinstance(value, dt.date):
                        sheet.write_datetime(number, place, dt.datetime.combine(value, dt.time.min))
                    else:
                        sheet.write(number, place, value)
    return path


def content(data: kh.sources.Dataset) -> list[tuple]:
    frame = data["deals"].sort_values("deal_id")
    return list(frame[["deal_id", "created_at", "amount"]].itertuples(index=False, name=None))


EXPECTED = [(row[0], pd.Timestamp(row[1]), float(row[4])) for row in ROWS]


@pytest.mark.parametrize("epoch", [1900, 1904])
def test_typed_cells_are_read_as_they_are(tmp_path: Path, epoch: int) -> None:
    path = workbook(
        tmp_path / "export.xlsx", {"Feuil1": [[*COLUMNS], *ROWS]}, date_1904=epoch == 1904
    )
    data = kh.load(path, {})
    assert content(data) == EXPECTED
    assert data.files == {"deals": "export.xlsx/Feuil1"}
    assert left(data) == []


def test_titles_totals_and_footers_are_left_out_and_listed(tmp_path: Path) -> None:
    rows = [
        ["Opportunity Report"],
        ["As of 2026-03-01"],
        [],
        [*COLUMNS],
        *ROWS,
        ["Sous-total", None, None, None, 1580.625],
        [*COLUMNS],
        ["Total", None, None, None, 1580.625],
        [],
        ["Confidential Information - Do Not Distribute"],
        ["Copyright © 2026 salesforce.com, inc."],
    ]
    data = kh.load(workbook(tmp_path / "export.xlsx", {"Report": rows}), {})
    assert content(data) == EXPECTED
    assert out(data) == [
        (12, "…", "Confidential Information - Do Not Distribute", "footer_line"),
        (13, "…", "Copyright © 2026 salesforce.com, inc.", "footer_line"),
        (9, "…", "deal_id", "repeated_header"),
        (1, "…", "Opportunity Report", "title_line"),
        (2, "…", "As of 2026-03-01", "title_line"),
        (8, "…", "Sous-total", "total_row"),
        (10, "…", "Total", "total_row"),
    ]
    listed = kh.left_out(data).query("reason == 'total_row'")
    assert listed["money"].tolist() == [1580.625, 1580.625]
    assert set(listed["file"]) == {"export.xlsx/Report"}
    assert set(kh.quality(data).query("check == 'total_row'")["severity"]) == {"info"}


def test_a_sheet_a_month_is_one_table(tmp_path: Path) -> None:
    bad = ["0015", DAYS[2], "maybe", None, 5, "Zoe"]
    sheets = {
        "Janvier": [[*COLUMNS], WON, OPEN, ["Total", None, None, None, 1500.625]],
        "Février": [["Ventes"], [*COLUMNS], LOST, bad],
    }
    data = kh.load(workbook(tmp_path / "ventes.xlsx", sheets), {})
    assert content(data) == EXPECTED
    assert data["deals"].sort_values("deal_id")["sheet"].tolist() == [
        "Janvier",
        "Janvier",
        "Février",
    ]
    listed = kh.left_out(data)[["file", "line", "reason"]]
    assert sorted(listed.itertuples(index=False, name=None)) == [
        ("ventes.xlsx/Février", 1, "title_line"),
        ("ventes.xlsx/Février", 4, "not_allowed"),
        ("ventes.xlsx/Janvier", 4, "total_row"),
    ]


def test_sheets_are_tables_by_their_names(tmp_path: Path) -> None:
    reps = [["owner", "team"], ["Ann", "A"], ["Bob", "B"]]
    notes = [[1, 2], [3, 4]]
    path = workbook(
        tmp_path / "crm.xlsx", {"Deals": [[*COLUMNS], *ROWS], "Reps": reps, "Notes": notes}
    )
    data = kh.load(path, {})
    assert data.tables == ("deals", "reps")
    assert content(data) == EXPECTED
    error = refused(path, {"tables": {"deals": {"file": "crm.xlsx"}}})
    assert str(error) == (
        "crm.xlsx holds several tables. Name one of them in kpi.toml. "
        "Candidates in the source: crm.xlsx/Deals, crm.xlsx/Reps."
    )
    named = kh.load(path, {"tables": {"deals": {"file": "crm.xlsx/Deals"}}})
    assert content(named) == EXPECTED


def test_a_number_beyond_fifteen_digits_is_refused(tmp_path: Path) -> None:
    row = [12345678901234567, *WON[1:]]
    error = refused(workbook(tmp_path / "deals.xlsx", {"S": [[*COLUMNS], WON, row]}))
    assert isinstance(error, BadInput)
    assert str(error).startswith("deals.xlsx/S, line 3: the number 123456789012345")
    text = ["12345678901234567", *WON[1:]]
    data = kh.load(workbook(tmp_path / "ids.xlsx", {"S": [[*COLUMNS], text]}), {})
    assert data["deals"]["deal_id"].tolist() == ["12345678901234567"]


def test_numbers_that_are_text_agree_with_those_that_are_not(tmp_path: Path) -> None:
    rows = [[*row] for row in ROWS]
    rows[0][4] = "1 200,5"
    data = kh.load(workbook(tmp_path / "deals.xlsx", {"S": [[*COLUMNS], *rows]}), {})
    assert content(data) == EXPECTED


def test_an_error_in_a_cell_is_no_blank(tmp_path: Path) -> None:
    rows = [[*row] for row in ROWS]
    path = tmp_path / "deals.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("S")
        for number, row in enumerate([COLUMNS, *rows]):
            sheet.write_row(number, 0, [str(v) if v is not None else "" for v in row])
        sheet.write_formula("E3", "=NA()", None, "#N/A")
    data = kh.load(path, {})
    assert (3, "amount", "#N/A", "unreadable", "flagged") in left(data)
