"""A file dropped onto a project: seen first, then its data used, or nothing written at all."""

import datetime as dt
import zipfile
from pathlib import Path

import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers.controls import Control
from kpi_helpers.controls.importing import imported, importing, offered
from kpi_helpers.errors import BadInput, KpiError
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.dropped import file_name, taken

HEADER = "Numéro;deal_id;created_at;status;closed_at;amount;owner\n"
HOSTILE = "<img src=x onerror=alert(1)>"
ROWS = f"""1;1;03/04/2026;won;05/06/2026;1 200,50;{HOSTILE}
2;2;03/05/2026;lost;05/06/2026;800,00;Bob
3;3;03/06/2026;{HOSTILE};;700,00;Bob
"""


@pytest.fixture(scope="module")
def data() -> Dataset:
    deals = {"deal_id": ["1"], "created_at": ["2026-01-05"], "status": ["open"]}
    return kh.load(pd.DataFrame(deals), {"language": "fr"})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "acme"
    folder.mkdir()
    return folder


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "export.csv"
    path.write_text(HEADER + ROWS, "utf-8")
    return path


def drop(control: Control, name: str, content: str) -> None:
    """Let the browser's upload hold a file."""
    sent = memoryview(content.encode())
    facts = {"type": "text/csv", "size": len(sent), "last_modified": dt.datetime(2026, 1, 1)}
    control.left.children[0].value = ({"name": name, "content": sent, **facts},)


def files(home: Path) -> list[str]:
    return sorted(p.name for p in home.rglob("*") if p.is_file() and not p.name.startswith("."))


def test_the_panel_asks_about_dates_then_uses_the_data(data: Dataset, home: Path) -> None:
    heard: list[Dataset] = []
    control = importing(data, str(home), on_data=heard.append)
    assert "rien n’est écrit" in control.shown.sentences[0]
    drop(control, "../../évil/Affaires 2026.csv", HEADER + ROWS)
    assert "« 03/04/2026 » est 2026-04-03 / 2026-03-04" in control._fault.value.replace("\xa0", " ")
    control.offers["importing.use"].click()
    assert heard == [] == files(home)

    control.set(date_order="dmy")
    assert control._fault.value == ""
    assert control.shown.frame is not None
    row = control.shown.frame.iloc[0]
    assert tuple(row[["rows", "used", "excluded"]]) == (3, 2, 1)
    assert row["money"] == row["money_used"] + row["money_excluded"] == 2700.5
    shown = control._said.value + control._table.value
    assert "700" in shown
    assert "&lt;img src=x" in shown
    assert "<img src=x" not in shown

    control.offers["importing.use"].click()
    assert files(home) == ["Affaires 2026.csv", "kpi.toml"]
    assert "Affaires 2026.csv" in control._side.value
    (new,) = heard
    assert new["deals"]["created_at"].dt.month.tolist() == [4, 5]
    # What is written reads the same data again, without a question.
    again = kh.load(home / "data")
    pd.testing.assert_frame_equal(again["deals"], new["deals"])


def test_the_other_answer_is_the_other_day(data: Dataset, home: Path, export: Path) -> None:
    new, _ = imported(data, str(export), folder=str(home), date_order="mdy")
    assert new["deals"]["created_at"].dt.day.tolist() == [4, 5]


def test_the_panel_shows_what_the_plain_function_does(
    data: Dataset, home: Path, export: Path
) -> None:
    control = importing(data, str(home))
    drop(control, "export.csv", HEADER + ROWS)
    control.set(date_order="dmy")
    plain = offered(data, str(export), folder=str(home), date_order="dmy")
    assert control.shown.frame is not None
    assert plain.frame is not None
    assert control.shown.frame.equals(plain.frame)
    assert control.shown.sentences == plain.sentences


def test_rows_that_hold_names_are_not_shown_where_names_are_replaced(
    data: Dataset, home: Path, export: Path
) -> None:
    tables = [
        offered(data, str(export), folder=str(home), share=share, date_order="dmy").table
        for share in (False, True)
    ]
    assert [*map(len, tables)] == [3, 2]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("deals.csv", "", "vide"),
        ("deals.xlsx", "%PDF-1.4", "PDF"),
        ("run.exe", "MZ", "n’est pas un fichier"),
        ("kpi.toml", "schema = 1", "n’est pas un fichier"),
        ("deals.csv", "a;b\n1;2\n", "deal_id"),
    ],
)
def test_what_cannot_be_read_is_said_and_nothing_written(
    data: Dataset, home: Path, name: str, content: str, said: str
) -> None:
    control = importing(data, str(home))
    drop(control, name, content)
    assert said in control._fault.value
    control.offers["importing.use"].click()
    assert "kpi-fault" in control._fault.value
    assert files(home) == []


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("../../../etc/cron.d/deals.csv", "deals.csv"),
        ("..\\..\\deals.csv", "deals.csv"),
        (".hidden.csv", "hidden.csv"),
        ("a\x00b\n.csv", "a_b_.csv"),
        ("x" * 300 + ".csv", "x" * 120 + ".csv"),
        (HOSTILE + ".csv", "_img src=x onerror=alert(1)_.csv"),
    ],
)
def test_a_name_leads_nowhere(said: str, kept: str) -> None:
    assert file_name(said) == kept


@pytest.mark.parametrize("said", ["", "..", ".csv", "kpi.toml", "deals.csv/..", "kpis.py"])
def test_a_name_of_nothing_to_read_is_refused(said: str) -> None:
    with pytest.raises(BadInput):
        file_name(said)


def test_what_is_there_is_replaced_only_when_that_is_said(home: Path, export: Path) -> None:
    answers = {"date_order": "dmy"}
    taken(home, export, answers=answers)
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    for name in ("export.csv", "newer.csv"):
        other = export.with_name(name)
        other.write_text(HEADER + ROWS.replace("800", "900"), "utf-8")
        with pytest.raises(KpiError):
            taken(home, other, answers=answers)
    assert {path: path.read_bytes() for path in before} == before

    told = taken(home, export.with_name("newer.csv"), "instead", answers=answers)
    assert '+file = "newer.csv"' in told
    # What the settings say of how the table is read stays as it was.
    assert 'date_order = "dmy"' in (home / "kpi.toml").read_text("utf-8")
    assert kh.load(home / "data")["deals"]["amount"].tolist() == [1200.5, 900.0]


def test_another_table_comes_beside_and_a_file_can_stand_alone(home: Path, export: Path) -> None:
    taken(home, export, answers={"date_order": "dmy"})
    leads = export.with_name("leads.csv")
    leads.write_text("lead_id;created_at;source\nL1;2026-05-01;web\n", "utf-8")
    taken(home, leads)
    assert kh.load(home / "data").tables == ("deals", "leads")
    taken(home, leads, "alone")
    assert kh.load(home / "data").tables == ("leads",)
    assert files(home) == ["export.csv", "kpi.toml", "leads.csv"]


def test_a_zip_brings_several_tables(home: Path, export: Path) -> None:
    packed = export.with_name("all.zip")
    with zipfile.ZipFile(packed, "w") as parts:
        parts.writestr("deals.csv", HEADER + ROWS)
        parts.writestr("leads.csv", "lead_id;created_at;source\nL1;2026-05-01;web\n")
    taken(home, packed, answers={"date_order": "dmy"})
    assert kh.load(home / "data").tables == ("deals", "leads")


def test_settings_that_name_another_source_are_left_alone(home: Path, export: Path) -> None:
    (home / "kpi.toml").write_text('schema = 1\nsource = "../elsewhere"\n', "utf-8")
    with pytest.raises(KpiError, match="source"):
        taken(home, export, answers={"date_order": "dmy"})
    assert files(home) == ["kpi.toml"]
