"""What has changed in the data since a report."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers.cli import main
from kpi_helpers.reports.known import remember
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.known import changes, known_deals, known_names

SINCE = dt.date(2026, 3, 31)
COLUMNS = ["deal_id", "created_at", "status", "closed_at", "amount", "stage", "owner"]
BEFORE = [
    ["1", "2026-01-05", "won", "2026-02-01", 100.0, "Offer", "Ann"],
    ["2", "2026-01-06", "lost", "2026-02-02", 200.0, "Offer", "Bob"],
    ["3", "2026-01-07", "open", None, 300.0, "Contact", "Ann"],
    ["4", "2026-01-08", "won", "2026-03-31", 400.0, "Contact", "Bob"],
]


def opened(rows: list[list[Any]], columns: list[str] = COLUMNS) -> Dataset:
    return kh.load(pd.DataFrame(rows, columns=columns), {"language": "en"})


def changed(*rows: list[Any], columns: list[str] = COLUMNS) -> dict[str, tuple[Any, ...]]:
    old = opened(BEFORE)
    found = changes(opened([*rows], columns), known_deals(old), known_names(old), SINCE)
    return {each["what"]: (each["n"], each["money"], each["names"]) for each in found}


def but(place: int, column: str, value: Any) -> list[list[Any]]:
    rows = [list(row) for row in BEFORE]
    rows[place][COLUMNS.index(column)] = value
    return rows


def test_the_same_data_have_not_changed() -> None:
    assert changed(*BEFORE) == {}
    assert changed(*reversed(BEFORE)) == {}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (BEFORE[1:], {"vanished": (1, 100.0, [])}),
        (but(0, "amount", 150.0), {"rewritten": (1, 50.0, ["1"])}),
        (but(0, "status", "lost"), {"rewritten": (1, 0.0, ["1"])}),
        (but(1, "closed_at", "2026-02-20"), {"rewritten": (1, 0.0, ["2"])}),
        (but(2, "amount", 350.0), {}),
        (but(2, "stage", "Offre"), {"new_stage": (1, None, ["Offre"])}),
        (but(1, "owner", "Cyd"), {"new_owner": (1, None, ["Cyd"])}),
        ([*BEFORE, ["5", "2026-02-01", "open", None, 9.0, "Offer", "Ann"]], {}),
        (
            [*BEFORE, ["5", "2026-02-01", "won", "2026-03-01", 9.0, "Offer", "Ann"]],
            {"backdated": (1, 9.0, ["5"])},
        ),
    ],
)
def test_a_change_is_said_alone(rows: list[list[Any]], expected: dict[str, Any]) -> None:
    assert changed(*rows) == expected


def test_owners_and_columns_that_went_and_came() -> None:
    all_ann = [[*row[:-1], "Ann"] for row in BEFORE]
    assert changed(*all_ann) == {"gone_owner": (1, None, ["Bob"])}
    renamed = changed(*BEFORE, columns=[*COLUMNS[:5], "etat", "owner"])
    assert renamed == {
        "new_column": (1, None, ["deals.etat"]),
        "gone_column": (1, None, ["deals.stage"]),
    }


def test_nothing_personal_is_remembered() -> None:
    known = known_deals(opened(BEFORE))
    assert known.columns.tolist() == ["key", "status", "closed_at", "amount"]
    assert not set(known["key"]) & {row[0] for row in BEFORE}


@pytest.mark.thorough
def test_check_against_a_pack(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack = tmp_path / "2026Q1"
    remember(opened(BEFORE), pack)
    keys = ("period", "parameters", "data", "settings", "kpis", "python", "packages")
    record = {"form": 1, "as_of": "2026-03-31", **{key: {} for key in keys}}
    (pack / "run.json").write_text(json.dumps(record), "utf-8")
    pd.DataFrame(but(0, "amount", 150.0), columns=COLUMNS).to_csv(tmp_path / "deals.csv")
    words = ["check", str(tmp_path / "deals.csv"), "--against", str(pack)]
    assert main([*words, "--json"]) == 0
    against = json.loads(capsys.readouterr().out)["against"]
    assert {each["what"] for each in against} == {"new_column", "rewritten"}
    assert main([*words, "--lang", "fr"]) == 0
    said = capsys.readouterr().out
    assert "le montant a été réécrit\u00a0: 1 · 50\u00a0€ · 1" in said
    (pack / "known" / "deals.csv").unlink()
    assert main(words) == 2
