"""The action register on disk: edited by several people, in CSV and xlsx, and from reports."""

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
import xlsxwriter

import kpi_helpers as kh
from kpi_helpers import actions
from kpi_helpers.actions import completion, problems, recorded, register, states, to_record
from kpi_helpers.cli import main
from kpi_helpers.errors import BadInput, KpiError, MissingColumn
from kpi_helpers.reports.tables import write_csv

HAND = (
    "action_id;owner;Commentaire;start_date;due_date\r\n"
    "A1;Anaïs;appelé l’équipe;01/02/2026;28/02/2026\r\n"
    ";;une note;;\r\n"
    'A2;Farid;"deux\nlignes";;\r\n'
)


@pytest.fixture
def hand(tmp_path: Path) -> Path:
    file = tmp_path / "actions.csv"
    file.write_bytes(HAND.encode("cp1252"))
    return file


def workbook(path: Path, rows: list[list[object]], formula: bool = False) -> Path:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Registre")
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        for place, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if isinstance(cell, dt.date):
                    sheet.write_datetime(place, column, cell, day)
                else:
                    sheet.write(place, column, cell)
        if formula:
            sheet.write_formula(1, 5, "=1+1")
    return path


def test_an_edit_touches_its_cells_and_no_others(hand: Path) -> None:
    seen = register(hand)
    assert seen.index.tolist() == [2, 3, 4]
    after = recorded(hand, seen.replace({"Farid": "Gaëlle"}), seen)
    assert hand.read_bytes() == HAND.replace("Farid", "Gaëlle").encode("cp1252")
    assert list(after.columns) == HAND.splitlines()[0].split(";")
    once = hand.read_bytes()
    recorded(hand, after, after)
    assert hand.read_bytes() == once


def test_two_people_edit_and_nothing_is_lost(hand: Path) -> None:
    one, other = register(hand), register(hand)
    recorded(hand, one.assign(owner=one["owner"].replace("Anaïs", "Zoé")), one)
    mine = other.assign(due_date=other["due_date"].replace("28/02/2026", "31/03/2026"))
    first = recorded(hand, mine, other).iloc[0]
    assert (first["owner"], first["due_date"]) == ("Zoé", "31/03/2026")
    held = hand.read_bytes()
    with pytest.raises(BadInput, match=r"line 2, column owner.*'Zoé'.*'Noé'") as error:
        recorded(hand, other.assign(owner=other["owner"].replace("Anaïs", "Noé")), other)
    assert "nothing was written" in str(error.value)
    assert hand.read_bytes() == held


def test_rows_added_at_once_are_all_there(tmp_path: Path) -> None:
    file = tmp_path / "actions.csv"

    def add(number: int) -> None:
        recorded(file, pd.DataFrame({"action_id": [f"A{number}"], "owner": ["Ann"]}))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(24)))
    assert sorted(register(file)["action_id"]) == sorted(f"A{number}" for number in range(24))
    assert {path.name for path in tmp_path.iterdir()} == {"actions.csv", ".actions.csv.lock"}


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_text_never_becomes_a_formula_and_comes_back_as_it_was(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"actions.{suffix}"
    texts = ["=HYPERLINK(1)", "@SUM(1)", "+33 6", "'quoted", "-2", "plain", '=cmd|"x"!A1', "a\nb"]
    rows = pd.DataFrame({"action_id": [f"A{n}" for n in range(len(texts))], "finding": texts})
    assert recorded(file, rows)["finding"].tolist() == texts
    again = file.read_bytes()
    file.unlink()
    recorded(file, rows)
    assert file.read_bytes() == again
    if suffix == "csv":
        for line in again.decode("utf-8-sig").splitlines():
            assert not line.partition(",")[2].lstrip('"').startswith(("=", "@"))
    else:
        assert pd.read_excel(file, engine="calamine")["finding"].iloc[0] == texts[0]


def test_a_workbook_keeps_its_numbers_days_and_sheet(tmp_path: Path) -> None:
    day = dt.datetime(2026, 2, 1)
    rows = [["action_id", "owner", "start_date", "cost", "Note"], ["A1", "Ann", day, 12.5, "x"]]
    file = workbook(tmp_path / "actions.xlsx", rows)
    seen = register(file)
    assert seen.loc[2].tolist() == ["A1", "Ann", "2026-02-01", "12.5", "x"]
    recorded(file, seen.assign(owner="Zoé"), seen)
    read = pd.read_excel(file, sheet_name="Registre", engine="calamine")
    assert read.loc[0].tolist() == ["A1", "Zoé", pd.Timestamp(day), 12.5, "x"]


def test_a_workbook_of_which_something_would_be_lost_is_not_written(tmp_path: Path) -> None:
    file = workbook(tmp_path / "actions.xlsx", [["action_id"], ["A1"]], formula=True)
    held = file.read_bytes()
    with pytest.raises(BadInput, match=r"actions\.xlsx holds formulas"):
        recorded(file, pd.DataFrame({"action_id": ["A2"]}))
    assert file.read_bytes() == held


@pytest.mark.parametrize(
    ("edited", "said"),
    [
        ({"action_id": ["A9"], "owner": ["x"]}, "no longer there"),
        ({"action_id": [""], "owner": ["x"]}, "without an id"),
    ],
)
def test_rows_that_cannot_be_placed_are_refused(
    hand: Path, edited: dict[str, list[str]], said: str
) -> None:
    seen = pd.DataFrame(edited)
    with pytest.raises(BadInput, match=said):
        recorded(hand, seen.assign(owner="y"), seen)


def test_an_id_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="'A1' stands on several rows"):
        recorded(tmp_path / "a.csv", pd.DataFrame({"action_id": ["A1", "A1"], "owner": ["x", "y"]}))
    assert not (tmp_path / "a.csv").exists()


def test_files_that_are_no_register_are_named(tmp_path: Path, hand: Path) -> None:
    hand.write_text("id;owner\nA1;Ann\n")
    with pytest.raises(MissingColumn, match=r"actions\.csv.*action_id"):
        register(hand)
    hand.write_text("action_id,owner\nA1,Ann,x,y\n")
    with pytest.raises(BadInput, match=r"line 2.*4 cells"):
        register(hand)
    hand.write_text("action_id,owner,owner\nA1,Ann,Bob\n")
    with pytest.raises(BadInput, match="column owner: several columns bear this name"):
        register(hand)
    with pytest.raises(BadInput, match="CSV file or a workbook"):
        register(tmp_path / "actions.parquet")
    with pytest.raises(KpiError, match="could not be written"):
        recorded(hand / "below" / "actions.csv", pd.DataFrame({"action_id": ["A"]}))


DECIDED = {
    **{"action_id": "A1", "kpi_id": "revenue", "root_cause": "?", "action": "call"},
    **{"owner": "Ann", "start_date": "2026-01-02", "due_date": "31/01/2026"},
    **{"expected_effect": "5,5 %", "expected_unit": "relative", "status": ""},
}


@pytest.mark.parametrize(
    ("change", "column", "said"),
    [
        ({"expected_unit": ""}, "expected_unit", "the unit of the effect"),
        ({"due_date": "2025-12-31"}, "due_date", "a day after the start"),
        ({"kpi_id": "revenu"}, "kpi_id", "Did you mean revenue"),
        ({"owner": ""}, "owner", "who answers for it"),
        ({"expected_effect": "a lot"}, "expected_effect", "as a number"),
        ({"expected_effect": "inf"}, "expected_effect", "as a number"),
        ({"start_date": "soon"}, "start_date", "a day such as"),
        ({"expected_unit": "furlongs"}, "expected_unit", "for this KPI: relative, €"),
        ({"expected_unit": "points"}, "expected_unit", "for this KPI: relative, €"),
        ({"status": "someday"}, "status", "a status: proposed, planned, open, done, dropped"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_fix(
    change: dict[str, str], column: str, said: str
) -> None:
    assert problems(pd.DataFrame([DECIDED], index=[2])) == []
    (found,) = problems(pd.DataFrame([DECIDED | change], index=[7]), "actions.csv")
    value = f": '{change[column]}' is not" if change[column] else " is empty:"
    assert str(found).startswith(f"actions.csv, line 7, column {column}{value}")
    assert said in str(found)
    assert column in found.render("fr")


def test_an_id_twice_is_flagged_and_a_proposal_may_be_blank() -> None:
    rows = pd.DataFrame([DECIDED, DECIDED, {"action_id": "P", "status": "proposed"}]).fillna("")
    (found,) = problems(rows.set_axis([2, 3, 4]), "f.csv")
    assert "f.csv, line 3, column action_id" in str(found)


def test_a_register_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["actions", "--register", "nowhere.csv", "--lang", "en"]) == 2
    assert "File not found: 'nowhere.csv'" in capsys.readouterr().err


BAD = {
    "start_date": "2026-03-01", "due_date": "2026-02-01", "expected_unit": "", "status": "someday",
    "kpi_id": "revenu",
}  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", ["revenue", "a day after the start", "the unit of the effect", "a status:"]),
        ("fr", ["revenue", "un jour après le début", "l’unité de l’effet", "un statut"]),
    ],
)
def test_bad_rows_are_flagged_by_the_command(
    lang: str, said: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "actions.csv"
    recorded(file, pd.DataFrame([DECIDED, DECIDED | {"action_id": "A2"} | BAD]))
    words = ["actions", "--register", str(file), "--lang", lang, "--as-of", "2026-09-30"]
    assert main(words) == 3
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 3 + len(said)
    for line, column in zip(
        out[3:], ("kpi_id", "due_date", "status", "expected_unit"), strict=True
    ):
        assert "3" in line.split(",")[1]
        assert column in line
    for words_said in said:
        assert sum(words_said in line for line in out[3:]) == 1
    assert main([*words, "--json"]) == 3
    rows = json.loads(capsys.readouterr().out)
    assert [len(row["problems"]) for row in rows] == [0, 4]
    recorded(file, pd.DataFrame([DECIDED | {"action_id": "A2"}]), register(file).iloc[1:])
    assert main(words) == 0


@pytest.mark.parametrize("word", ["Faite", "terminée", "DONE"])
def test_a_status_may_be_written_in_either_language(word: str) -> None:
    rows = pd.DataFrame([DECIDED | {"status": word}, DECIDED | {"status": "abandonnée"}])
    assert states(rows, dt.date(2026, 3, 1)).tolist() == ["done", "dropped"]


def test_states_and_completion_agree_with_the_kpi(sample: kh.sources.Dataset) -> None:
    rows = sample["actions"]
    assert states(rows, sample.as_of).tolist() == ["done", "done", "planned"]
    rate = kh.measure(sample, "action_completion_rate", "all").iloc[0]
    assert completion(rows, sample.as_of) == (rate["numerator"], rate["denominator"])


def test_proposals_of_a_report_are_added_once_and_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack, file = tmp_path / "2026Q3", tmp_path / "actions.csv"
    proposed = pd.DataFrame(
        {
            **{"action_id": ["2026Q3-leak-1", "2026Q3-revenue-1"], "quarter": "2026Q3"},
            **{"kpi": ["", "revenue"], "label": ["", "Revenue"], "money_at_stake": [9.0, 1e6]},
            **{"finding": ["=Offers rest.", "target_missed"], "status": "proposed"},
        }
    ).reindex(columns=actions.COLUMNS)
    write_csv(proposed, pack / "tables" / "decisions.csv")
    known = {"period": {}, "parameters": {}, "data": {}, "settings": {}, "kpis": {}}
    record = {**known, "form": 1, "as_of": "2026-09-30", "python": "", "packages": {}}
    (pack / "run.json").write_text(json.dumps(record))
    words = ["actions", "add", "--from", str(pack), "--register", str(file), "--lang", "en"]
    assert main([*words, "--id", "2026Q3-leak-1"]) == 0
    assert "1 action added" in capsys.readouterr().out
    seen = register(file)
    assert seen["finding"].tolist() == ["=Offers rest."]
    recorded(file, seen.assign(owner="Ann", status="", due_date="2026-02-01"), seen)
    assert main(words) == 0
    assert "1 is there already" in capsys.readouterr().out
    assert register(file)["owner"].tolist() == ["Ann", ""]
    assert register(file)["finding"].iloc[1] == "Find out why the target is missed: Revenue"
    listing = ["actions", "--register", str(file), "--lang", "en", "--as-of", "2026-09-30"]
    assert main(listing) == 3  # who decides has more to fill in
    out = capsys.readouterr().out
    assert "2026Q3-leak-1  Late  Ann  2026-02-01" in out
    assert "0 of 1 action due was done on time" in out
    assert "actions.csv, line 2, column root_cause" in out
    assert main([*words, "--id", "2026Q3-leek-1"]) == 2
    assert "Did you mean 2026Q3-leak-1" in capsys.readouterr().err


def test_a_register_of_the_project_is_a_table_of_its_data(tmp_path: Path) -> None:
    deals = {"deal_id": ["1"], "created_at": ["2026-01-05"], "status": ["open"]}
    pd.DataFrame(deals).to_csv(tmp_path / "deals.csv", index=False)
    row = DECIDED | {"expected_effect": "0.055", "due_date": "2026-01-31"}
    recorded(tmp_path / "actions.csv", pd.DataFrame([row | {"created_at": "2026-01-01"}]))
    more = pd.DataFrame([{"action_id": "P1", "finding": "x"}])
    recorded(tmp_path / "actions.csv", to_record(more, "2026-01-04"))
    data = kh.load(tmp_path, as_of="2026-03-31")
    assert data["actions"]["action_id"].tolist() == ["A1", "P1"]
    assert "actions" not in kh.quality(data)["table"].tolist()
    assert actions.effects(data)["action_id"].tolist() == ["A1"]
    rate = kh.measure(data, "action_completion_rate", "2026Q1").iloc[0]
    assert (rate["numerator"], rate["denominator"]) == (0, 1), rate["note"]
