"""No address, telephone number or free text comes past the door, and what they measure does."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers.cli import main
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.engine import frame_of

PLANTED = ("ann@acme.fr", "ANN@acme.fr", "bob.b@bolt.com", "06 11 22 33 44", "+33 6 11 22 33 44")
LEADS: dict[str, list[Any]] = {
    "lead_id": ["1", "2", "3", "4"],
    "created_at": ["2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26"],
    "source": ["web", "web", "fair", "fair"],
    "email": ["ann@acme.fr", " ANN@acme.fr", "bob.b@bolt.com", None],
    "Mobile": ["06 11 22 33 44", "+33 6 11 22 33 44", "0611223344", None],
    "comments": ["call ann@acme.fr before noon", "asked for a price", "no", None],
    "theme": ["price", "price", "delay", None],
    "note": ["8", "9", "7", "7"],
}


def loaded(leads: dict[str, list[Any]] | None = None, **settings: Any) -> Dataset:
    frames = {"leads": pd.DataFrame(leads or LEADS, dtype="str")}
    return kh.load(frames, {"language": "en", **settings})


def column(data: Dataset, name: str) -> list[Any]:
    frame = data["leads"].sort_values("lead_id")
    return [None if pd.isna(value) else value for value in frame[name]]


def test_addresses_and_numbers_are_the_same_however_they_are_written() -> None:
    data = loaded()
    one, again, other, none = column(data, "email")
    assert re.fullmatch("#[0-9a-f]{16}", one)
    assert one == again != other
    assert none is None
    assert len(set(column(data, "mobile")[:3])) == 1


def test_texts_are_hidden_and_their_words_counted() -> None:
    data = loaded()
    assert [str(value)[0] for value in column(data, "comments")] == ["#", "#", "#", "N"]
    assert column(data, "comments_words") == [4.0, 4.0, 1.0, None]
    assert column(data, "theme") == LEADS["theme"]
    assert column(data, "dim_note") == LEADS["note"]


def test_they_stay_where_the_settings_say_so() -> None:
    data = loaded(personal="keep")
    assert column(data, "email")[2] == "bob.b@bolt.com"
    assert column(data, "comments")[1] == "asked for a price"
    assert kh.quality(data).query("check == 'duplicate_lead'")["column"].tolist() == ["email"]


def test_joins_and_copies_hold_on_what_is_hidden() -> None:
    customers = pd.DataFrame({"customer_id": ["ann@acme.fr"], "parent_id": ["p"]})
    deals = pd.DataFrame(
        {
            "deal_id": ["1", "2"],
            "created_at": ["2026-01-05", "2026-01-06"],
            "status": ["open", "open"],
            "customer_id": ["Ann@acme.fr", "c2"],
        }
    )
    data = kh.load({"deals": deals, "customers": customers}, {"customers": "id"})
    joined = frame_of(data.con, data.table("deals", ("parent_id",))).set_index("deal_id")
    assert joined["parent_id"].fillna("none").to_dict() == {"1": "p", "2": "none"}


def test_a_key_of_ones_own_keeps_the_digits_from_load_to_load(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fewer = {name: values[:2] for name, values in LEADS.items()}
    assert column(loaded(), "email")[0] == column(loaded(), "email")[0]
    assert column(loaded(), "email")[0] != column(loaded(fewer), "email")[0]
    monkeypatch.setenv("KPI_KEY", "one")
    first = column(loaded(), "email")[0]
    assert first == column(loaded(fewer), "email")[0]
    monkeypatch.setenv("KPI_KEY", "two")
    assert first != column(loaded(), "email")[0]


@pytest.mark.parametrize(
    "value",
    ["Total of ann@acme.fr", "06.11.22.33.44", "Ann <ann@acme.fr>", "tel. +44 20 7946 0958 ask"],
)
def test_a_single_one_in_any_column_is_hidden(value: str) -> None:
    data = loaded(LEADS | {"source": ["web", value, "fair", "fair"]})
    assert column(data, "source")[0] == "web"
    assert re.fullmatch("#[0-9a-f]{16}", column(data, "source")[1])


@pytest.mark.parametrize(
    "value",
    ["0012345678", "2026-01-05 10:30", "1 234 567,50", "AB-12-34-56", "@home", "732 829 320"],
)
def test_what_is_no_address_and_no_number_stays(value: str) -> None:
    data = loaded(LEADS | {"theme": ["price", value, "delay", None]})
    assert column(data, "theme")[1] == value


@pytest.mark.thorough
def test_no_byte_of_a_report_holds_one(tmp_path: Path) -> None:
    rows = [
        f"{n};2026-0{1 + n % 3}-05;{'won' if n % 2 else 'lost'};2026-03-{10 + n};{n * 100},5;"
        f"{PLANTED[n % 5]};{PLANTED[(n + 1) % 5]};call {PLANTED[(n + 2) % 5]} please now"
        for n in range(1, 10)
    ]
    rows += ["ann@acme.fr;ann@acme.fr;won;06 11 22 33 44;bob.b@bolt.com;x;y;z"]
    head = "deal_id;created_at;status;closed_at;amount;customer_id;owner;Commentaires"
    (tmp_path / "deals.csv").write_text("\n".join([head, *rows]), "utf-8")
    out = str(tmp_path / "out")
    words = ["report", "--data", str(tmp_path / "deals.csv"), "--out", out, "--by", "owner"]
    assert main([*words, "--period", "2026Q1", "--lang", "en"]) == 0
    files = [path for path in Path(out).rglob("*") if path.is_file()]
    assert len(files) > 5
    for path in files:
        content = path.read_bytes().decode("utf-8", "replace").lower()
        assert not [each for each in PLANTED if each.lower() in content], path.name
