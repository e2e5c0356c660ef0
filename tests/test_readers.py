"""Every kind of file through the door: the same deals, whatever the CRM made of them."""

import codecs
import gzip
import json
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from exports import COLUMNS, HEADER, LOST, OPEN, PLAIN, WON, left, out, put, refused, text_of

import kpi_helpers as kh
from kpi_helpers.sources.files import readers
from kpi_helpers.sources.files.headers import find_header

TEXT = text_of(*PLAIN)
ROWS = [row.split(";") for row in PLAIN]
VALUES = [
    ["1", "2026-01-05", "won", "2026-02-01", 1200.5, "Ann"],
    ["2", "2026-01-13", "open", None, 300.5, "Bob"],
    ["3", "2026-01-20", "lost", "2026-03-01", 80, "Ann"],
]
EXPECTED = [("1", "won", 1200.5, "Ann"), ("2", "open", 300.5, "Bob"), ("3", "lost", 80.0, "Ann")]


def content(data: kh.sources.Dataset) -> list[tuple]:
    frame = data["deals"].sort_values("deal_id")
    return list(frame[["deal_id", "status", "amount", "owner"]].itertuples(index=False, name=None))


def page(path: Path) -> None:
    cells = "".join(f"<th>{name}</th>" for name in COLUMNS)
    rows = "".join(
        "<tr>" + "".join(f"<td>{cell}&nbsp;</td>" for cell in row) + "</tr>\n" for row in ROWS
    )
    style = "<style>td {color: red}</style>"
    path.write_text(f"<html>{style}<table>\n<tr>{cells}</tr>\n{rows}</table></html>", "utf-8")


def database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as con, con:
        con.execute(f"CREATE TABLE deals ({', '.join(COLUMNS)})")
        con.executemany("INSERT INTO deals VALUES (?, ?, ?, ?, ?, ?)", VALUES)


def objects() -> list[dict]:
    return [dict(zip(COLUMNS, row, strict=True)) for row in VALUES]


def archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as parts:
        parts.writestr("exports/deals.csv", TEXT)
        parts.writestr("__MACOSX/._deals.csv", "junk")


KINDS: dict[str, Callable[[Path], object]] = {
    "deals.html": page,
    "deals.xls": page,
    "deals.db": database,
    "deals.sqlite3": database,
    "deals.json": lambda path: path.write_text(json.dumps(objects()), "utf-8"),
    "answer.json": lambda path: path.write_text(
        json.dumps({"total": 3, "results": objects()}), "utf-8"
    ),
    "deals.jsonl": lambda path: path.write_text("\n".join(map(json.dumps, objects())), "utf-8"),
    "lines.json": lambda path: path.write_text("\n".join(map(json.dumps, objects())), "utf-8"),
    "array.jsonl": lambda path: path.write_text(json.dumps(objects(), indent=1), "utf-8"),
    "deals.zip": archive,
    "text.xls": lambda path: path.write_text(TEXT.replace(";", "\t"), "utf-8"),
    "deals.tsv.gz": lambda path: path.write_bytes(gzip.compress(TEXT.encode())),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_gives_the_same_deals(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    KINDS[name](path)
    before = path.read_bytes()
    assert content(kh.load(path, {})) == EXPECTED
    if name.startswith("deals"):
        data = kh.load(tmp_path, {})
        assert content(data) == EXPECTED
        assert left(data) == []
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [name]


DIALECTS = {
    "sep line": "sep=;\n" + TEXT,
    "quoted sep line": '"sep=,"\n' + TEXT.replace(",", ".").replace(";", ","),
    "a bar": TEXT.replace(";", "|"),
    "utf-16 little-endian": codecs.BOM_UTF16_LE + TEXT.replace(";", "\t").encode("utf-16-le"),
    "utf-16 big-endian": codecs.BOM_UTF16_BE + TEXT.replace(";", "\t").encode("utf-16-be"),
    "mac line ends and a mark": codecs.BOM_UTF8 + TEXT.replace("\n", "\r").encode(),
    "doubled quotes": text_of(*(row.replace("Ann", '"Ann"') for row in PLAIN)),
}


@pytest.mark.parametrize("kind", DIALECTS)
def test_dialects_of_text_give_the_same_deals(tmp_path: Path, kind: str) -> None:
    data = kh.load(put(tmp_path, DIALECTS[kind]), {})
    assert content(data) == EXPECTED
    assert left(data) == []


REPORT = "\n".join(
    [
        *("Opportunity Report", "As of;2026-03-31", "", HEADER, WON, OPEN),
        *("Subtotal;;;;1 501,00;", HEADER, LOST, "Grand Total;;;;1 581,00;", ""),
        *('"Confidential Information - Do Not Distribute"', "Copyright © 2026 salesforce.com"),
    ]
)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_a_report_in_text_is_read_like_one_in_a_workbook(tmp_path: Path, encoding: str) -> None:
    data = kh.load(put(tmp_path, REPORT.encode(encoding)), {})
    assert content(data) == EXPECTED
    assert out(data) == [
        (12, "…", "Confidential Information - Do Not Distribute", "footer_line"),
        (13, "…", "Copyright © 2026 salesforce.com", "footer_line"),
        (8, "…", "deal_id", "repeated_header"),
        (1, "…", "Opportunity Report", "title_line"),
        (2, "…", "As of", "title_line"),
        (7, "…", "Subtotal", "total_row"),
        (10, "…", "Grand Total", "total_row"),
    ]
    assert kh.left_out(data).query("reason == 'total_row'")["money"].tolist() == [1501.0, 1581.0]
    blocking = kh.quality(data).query("severity == 'block'")
    assert blocking.empty


@pytest.mark.parametrize(
    "row",
    [
        "Total;2026-01-05;won;2026-02-01;5,5;Ann",  # a customer or a deal of that name
        "9;2026-01-05;won;2026-02-01;5,5;Total",
        "Total Energies renewal;2026-01-05;open;;5,5;Ann",
    ],
)
def test_what_only_looks_like_a_total_is_a_row(tmp_path: Path, row: str) -> None:
    assert len(kh.load(put(tmp_path, text_of(*PLAIN, row)), {})["deals"]) == 4


def test_the_last_customer_may_be_a_name_alone(tmp_path: Path) -> None:
    put(tmp_path, TEXT)
    put(
        tmp_path, "customer_id;segment;city\nAcme;Large;Lyon\nZoé et fils SARL;;\n", "customers.csv"
    )
    data = kh.load(tmp_path, {"customers": "id"})
    assert out(data) == [(3, "…", "Zoé et fils SARL", "footer_line")] or len(data["customers"]) == 2


HEADERS = {
    "merged cells leave blanks": (
        [["Client", "", "Montant", ""], ["Nom", "Ville", "HT", "TTC"], ["Acme", "Lyon", "1", "2"]],
        ["Client Nom", "Client Ville", "Montant HT", "Montant TTC"],
    ),
    "names beside merged ones": (
        [["Client", "Montant", "Montant", "Date"], ["Client", "HT", "TTC", "Date"], ["A", "1"]],
        ["Client", "Montant HT", "Montant TTC", "Date"],
    ),
    "a title and its line": (
        [["Ventes"], ["Période", "2026"], [], ["id", "date", "montant"], ["1", "2", "3"]],
        ["id", "date", "montant"],
    ),
    "years are names": (
        [["Région", "2024", "2025"], ["Nord", "1", "2"]],
        ["Région", "2024", "2025"],
    ),
    "a name is missing": ([["id", "", "owner"], ["A", "b", "c"]], ["id", "column 2", "owner"]),
    "all is text": ([["owner", "team"], ["Ann", "A"], ["Bob", "B"]], ["owner", "team"]),
}


@pytest.mark.parametrize("kind", HEADERS)
def test_the_header_is_the_first_wide_line_of_words(kind: str) -> None:
    rows, names = HEADERS[kind]
    header = find_header(rows)
    assert header is not None
    assert header.names == names


def test_numbers_keep_each_digit_and_objects_inside_become_columns(tmp_path: Path) -> None:
    rows = [
        {
            **dict(zip(COLUMNS, VALUES[0], strict=True)),
            "deal_id": 12345678901234567,
            "amount": 1234.567,
            "account": {"name": "Acme", "size": None},
            "tags": ["a", "b"],
            "paid": True,
        }
    ]
    data = kh.load(put(tmp_path, json.dumps(rows), "deals.json"), {})
    row = data["deals"].iloc[0]
    assert row["deal_id"] == "12345678901234567"
    assert row["amount"] == 1234.567
    assert (row["account_name"], row["tags"], row["paid"]) == ("Acme", "a, b", "true")


def test_a_cell_of_a_page_that_spans_rows_stands_in_each(tmp_path: Path) -> None:
    rows = (
        "<tr><th>owner<th>team</tr><tr><td>Ann<td rowspan=2>North</tr><tr><td>Bob</tr>"
        "<tr><td>Zoe<td><table><tr><td>inner</tr></table>South</tr>"
    )
    put(tmp_path, f"<table>{rows}</table>", "reps.html")
    put(tmp_path, TEXT)
    reps = kh.load(tmp_path, {})["reps"].sort_values("owner")
    assert reps[["owner", "team"]].to_numpy().tolist() == [
        ["Ann", "North"],
        ["Bob", "North"],
        ["Zoe", "South"],
    ]


def test_an_archive_holds_any_of_these(tmp_path: Path) -> None:
    frame = pd.DataFrame({"owner": ["Ann", "Bob"], "team": ["A", "B"]})
    frame.to_parquet(tmp_path / "reps.parquet")
    database(tmp_path / "crm.db")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as parts:
        parts.write(tmp_path / "crm.db", "2026/crm.db")
        parts.write(tmp_path / "reps.parquet", "reps.parquet")
        parts.writestr("notes.pdf", "%PDF")
        parts.writestr("junk.csv", "%PDF")
    data = kh.load(tmp_path / "all.zip", {"language": "en"})
    assert data.files == {"deals": "all.zip/crm.db/deals", "reps": "all.zip/reps.parquet"}
    assert content(data) == EXPECTED
    assert kh.quality(data).query("check == 'not_read'")["table"].tolist() == ["all.zip/junk.csv"]


def test_two_tables_of_one_name_are_refused_by_their_places(tmp_path: Path) -> None:
    database(tmp_path / "crm.db")
    put(tmp_path, TEXT)
    assert str(refused(tmp_path)).startswith(
        "crm.db/deals and deals.csv could both be the table deals."
    )
    named = {"tables": {"deals": {"file": "crm.db/deals"}}}
    assert content(kh.load(tmp_path, named)) == EXPECTED


def test_a_text_file_is_read_with_as_much_memory_as_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "LARGE", 0)
    monkeypatch.setattr(readers, "OPENING", 1)
    rows = (f"{i},2026-01-05,open" for i in range(50_000))
    (tmp_path / "deals.csv").write_text("\n".join(["deal_id,created_at,status", *rows]))
    assert kh.measure(kh.load(tmp_path), "open_deals", "2026Q1")["value"].item() == 50_000
