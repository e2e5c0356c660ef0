"""Files that are not what they seem: each is refused with one message, and nothing is written."""

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from exports import HEADER, OPEN, PLAIN, WON, put, refused, text_of
from hostile import (
    OLE,
    charts,
    claiming,
    compound,
    cut,
    encrypted_zip,
    flipped,
    nameless,
    nameless_inside,
    repeating,
    stray,
    written_in,
    zipped,
)

import kpi_helpers as kh
from kpi_helpers.errors import KpiError
from kpi_helpers.sources.files import kinds

TEXT = text_of(*PLAIN)
AGAIN = "Export or copy it again."
NO_TABLE = "no table can be read from it. Export the table as CSV or xlsx."
ZEROS = (
    "holds zero bytes, which no text does: it is damaged, or UTF-16 without its mark. "
    "Save it again as CSV UTF-8."
)
PAGE = b"<!DOCTYPE html><html><head><title>502 Bad\nGateway</title></head><body>Sorry</body></html>"

BYTES: dict[str, tuple[str, bytes, str]] = {
    "a PDF": ("deals.csv", b"%PDF-1.4\n%\xe2\xe3", f"deals.csv is a PDF document: {NO_TABLE}"),
    "a picture": ("deals.csv", b"\x89PNG\r\n\x1a\n\x00", f"deals.csv is a picture: {NO_TABLE}"),
    "an XML file": (
        *("deals.xls", b'<?xml version="1.0"?><Workbook/>'),
        f"deals.xls is an XML file: {NO_TABLE}",
    ),
    "a broken zip": (
        *("deals.csv", b"PK\x03\x04\x14\x00" + bytes(range(256))),
        f"deals.csv is damaged or incomplete (File is not a zip file). {AGAIN}",
    ),
    "a broken old workbook": (
        *("deals.xls", OLE),
        "deals.xls is damaged or incomplete (Cfb error: Invalid OLE (8 bytes is too small)). "
        f"{AGAIN}",
    ),
    "zeros": ("deals.csv", bytes(100), f"deals.csv, line 1 {ZEROS}"),
    "utf-16 without a mark": (
        *("deals.csv", TEXT.encode("utf-16-le")),
        f"deals.csv, line 1 {ZEROS}",
    ),
    "a zero far down": (
        *("deals.csv", TEXT.replace("Bob", "B\x00b").encode()),
        f"deals.csv, line 3 {ZEROS}",
    ),
    "an error page": (
        *("deals.csv", PAGE),
        "deals.csv is a web page without a table (“502 Bad Gateway”), perhaps an error or login "
        "page. Export the table again.",
    ),
    "an empty file": (
        *("deals.csv", b""),
        "deals.csv is empty: it should begin with a line of column names.",
    ),
    "a header alone": (
        *("deals.csv", HEADER.encode()),
        "deals.csv: there is no row with a date, so the day of the data is unknown. "
        "Give it with as_of.",
    ),
    "one column": (
        *("deals.csv", b"deal_id\n1\n2\n"),
        "Table deals (deals.csv) needs the column 'created_at', which was not found. Missing too: "
        "status. Where they bear other names, say so in [tables.deals.columns] of kpi.toml, as in "
        'created_at = "…".',
    ),
    "ten thousand columns": (
        *("deals.csv", (",".join(f"c{n}" for n in range(10_000)) + "\n").encode()),
        "deals.csv has 10000 columns; at most 2000 are read. Export the columns that are needed.",
    ),
    "numbers alone": (
        *("deals.csv", b"1;2;3\n4;5;6\n"),
        "deals.csv: none of its first lines holds column names. "
        "Put a line of names above the rows.",
    ),
    "a quote left open": (
        *("deals.csv", text_of(WON, '2;2026-01-13;open;;5,5;"Ann').encode()),
        "deals.csv, line 3: a text in quotes that begins here is not closed, "
        "or holds a quote that is not doubled.",
    ),
    "a cell without end": (
        *("deals.csv", text_of(WON, f"2;2026-01-13;open;;5,5;{'A' * 3_000_000}").encode()),
        "deals.csv, line 3: a cell has more than 131072 characters, the most that are read. "
        "Shorten it, or leave its column out of the export.",
    ),
    "a quoted cell without end": (
        *("deals.csv", text_of(WON, f'2;2026-01-13;open;;5,5;"{"A" * 20_000_000}"').encode()),
        "deals.csv, line 3: a cell has more than 131072 characters, the most that are read. "
        "Shorten it, or leave its column out of the export.",
    ),
    "a quote left open over many lines": (
        *("deals.csv", text_of(WON, '2;2026-01-13;open;;5,5;"Ann', *[WON] * 9000).encode()),
        "deals.csv, line 3: a text in quotes that begins here is not closed, "
        "or holds a quote that is not doubled.",
    ),
    "a name twice": (
        *("deals.csv", text_of("1;2026-01-05;won;;5,5;Ann;lost", header=HEADER + ";Status")),
        "deals.csv, column status: several columns bear this name. Say which one is meant in "
        "[tables.….columns] of kpi.toml, or rename one. "
        "Candidates in the source: status, Status (2).",
    ),
    "two encodings": (
        *(
            "deals.csv",
            TEXT.encode()
            + "4;2026-02-01;open;;5;Zoé\n".encode("cp1252")
            + "5;2026-02-01;open;;5;Zoé\n".encode(),
        ),
        "deals.csv, line 6 is written in UTF-8, other lines in Windows-1252: letters would be "
        "lost. Export it again as CSV UTF-8, or save each of the joined files so.",
    ),
    "a byte of no encoding": (
        *("deals.csv", TEXT.encode() + b"4;2026-02-01;open;;5;Zo\x81\n"),
        "deals.csv, line 5: the byte 81 is a character neither in UTF-8 nor in Windows-1252. "
        "Save the file again as CSV UTF-8.",
    ),
    "broken JSON": (
        *("deals.jsonl", b'{"deal_id": 1}\n{"deal_id": \n'),
        "deals.jsonl, line 2: this is no JSON (Expecting value).",
    ),
    "JSON of numbers": (
        *("deals.json", b"[1, 2]"),
        "deals.json, line 1: '\"1\"' is not an object with names.",
    ),
    "JSON without an end": (
        *("deals.json", b"[" * 100_000),
        "deals.json, line 1: this is no JSON (lists or objects inside one another without end).",
    ),
    "JSON of another encoding": (
        *("deals.json", '[{"owner": "Zoé"}]'.encode("cp1252")),
        "deals.json cannot be read: 'utf-8' codec can't decode byte 0xe9 in position 14: invalid "
        "continuation byte",
    ),
    "a broken database": (
        *("deals.db", b"SQLite format 3\x00" + bytes(4096)),
        f"deals.db is damaged or incomplete (file is not a database). {AGAIN}",
    ),
}


@pytest.mark.parametrize("kind", BYTES)
def test_what_is_no_table_says_what_it_is(tmp_path: Path, kind: str) -> None:
    name, content, said = BYTES[kind]
    assert str(refused(put(tmp_path, content, name))) == said
    assert [each.name for each in tmp_path.iterdir()] == [name]


SAVE = "Save it without one."
STRAY = (
    "deals.xlsx/Deals reaches over 1048576 rows and 16384 columns; at most 20000000 cells are "
    "read. Delete the stray cells at its end, or export it as CSV."
)
MADE: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "a workbook with a password": (
        *("deals.xlsx", lambda p: p.write_bytes(compound("EncryptedPackage", "EncryptionInfo"))),
        f"deals.xlsx is protected by a password. {SAVE}",
    ),
    "a stray cell": ("deals.xlsx", stray, STRAY),
    "stray cells without a place": ("deals.xlsx", nameless, STRAY),
    "a cell repeated without end": (
        *("deals.ods", repeating),
        "deals.ods reaches over 1 rows and 1000000000 columns; at most 20000000 cells are read. "
        "Delete the stray cells at its end, or export it as CSV.",
    ),
    "a workbook without its parts": (
        *("deals.xlsx", lambda p: zipped(p, **{"xl/workbook.xml": "<a/>"})),
        'deals.xlsx is damaged or incomplete ("There is no item named '
        f"'xl/_rels/workbook.xml.rels' in the archive\"). {AGAIN}",
    ),
    **{
        f"a workbook in {encoding}": (
            *("deals.xlsx", partial(written_in, encoding=encoding)),
            f"deals.xlsx is damaged or incomplete ({why}). {AGAIN}",
        )
        for encoding, why in {
            "UTX-8": "unknown encoding: UTX-8",
            "gb2312": "multi-byte encodings are not supported",
        }.items()
    },
    "charts and hidden sheets": (
        *("deals.xlsx", charts),
        "deals.xlsx has no visible sheet with cells. Unhide the sheet that holds the table, or "
        "export it as CSV.",
    ),
    "a Numbers document": (
        *("deals.numbers", lambda p: zipped(p, **{"Index/Document.iwa": "x"})),
        "deals.numbers: 'deals.numbers' is not a frame, a mapping of frames, a CSV, workbook, "
        "JSON, SQLite, HTML, zip or parquet file, a folder of them, a DuckDB file or the URL of "
        "a database.",
    ),
    "a Numbers document by another name": (
        *("deals.xlsx", lambda p: zipped(p, **{"Index/Document.iwa": "x"})),
        f"deals.xlsx is a Numbers document: {NO_TABLE}",
    ),
    "a zip with a password": (
        *("deals.zip", encrypted_zip),
        f"deals.zip is protected by a password. {SAVE}",
    ),
    "a zip cut short": (
        *("deals.zip", cut),
        f"deals.zip is damaged or incomplete (File is not a zip file). {AGAIN}",
    ),
    "a zip with a flipped byte": (
        *("deals.zip", flipped),
        "deals.zip is damaged or incomplete (Error -3 while decompressing data: invalid "
        f"literal/lengths set). {AGAIN}",
    ),
    "a zip bomb": (
        *("deals.zip", lambda p: claiming(p, 3 << 30)),
        "deals.zip takes 3072 MB unpacked; at most 128 MB are read. Export it as CSV.",
    ),
    "a zip that unpacks to more than it says": (
        *("deals.zip", lambda p: claiming(p, 99)),
        f"deals.zip is damaged or incomplete (deals.csv). {AGAIN}",
    ),
    "a zip that climbs": (
        *("deals.zip", lambda p: zipped(p, **{"deals.csv": TEXT, "../../leads.csv": TEXT})),
        "deals.zip holds '../../leads.csv', a name that leads out of it. Nothing of it was read.",
    ),
    "a zip that climbs on Windows": (
        *("deals.zip", lambda p: zipped(p, **{"C:/deals.csv": TEXT})),
        "deals.zip holds 'C:/deals.csv', a name that leads out of it. Nothing of it was read.",
    ),
    "a zip with a file without a name": (
        *("deals.zip", nameless_inside),
        "deals.zip holds '', a name that leads out of it. Nothing of it was read.",
    ),
    "a zip in a zip": (
        *("deals.zip", lambda p: zipped(p, **{"a.zip": zipped(p, **{"b.csv": "x"}).read_bytes()})),
        f"deals.zip/a.zip is a zip archive: {NO_TABLE}",
    ),
    "a zip of nothing": (
        *("deals.zip", lambda p: zipped(p, **{"readme.md": "x"})),
        "deals.zip holds no file that can be read.",
    ),
    "a pipe": (
        *("deals.csv", os.mkfifo),
        "deals.csv is not a file but a folder, a pipe or a device.",
    ),
    "a loop of links": (
        *("deals.csv", lambda p: p.symlink_to(p)),
        "deals.csv is a link that leads nowhere.",
    ),
    "a folder of that name": (
        *("deals.csv", lambda p: p.mkdir()),
        "deals.csv holds no file that the kit reads. Put an export into it: CSV, workbook, JSON, "
        "SQLite, HTML, zip or parquet.",
    ),
}


@pytest.mark.parametrize("kind", MADE)
def test_what_cannot_be_opened_says_why(tmp_path: Path, kind: str) -> None:
    name, make, said = MADE[kind]
    make(tmp_path / name)
    assert str(refused(tmp_path / name)) == said
    assert [each.name for each in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("kind", [k for k, (name, _, _) in MADE.items() if name != "deals.numbers"])
def test_beside_good_files_it_is_passed_over_and_told(tmp_path: Path, kind: str) -> None:
    name, make, said = MADE[kind]
    make(tmp_path / name)
    put(tmp_path, TEXT, "Deals.tsv")
    data = kh.load(tmp_path, {"language": "en", "tables": {"deals": {"file": "Deals.tsv"}}})
    assert len(data["deals"]) == 3
    told = kh.quality(data).query("check == 'not_read'")
    assert told["table"].tolist() == [name]
    assert set(told["severity"]) == {"info"}
    if "link" not in kind and "folder" not in kind:
        assert told["consequence"].tolist() == [f"Not read. {said}"]
    named = refused(tmp_path, {"tables": {"deals": {"file": name}}})
    assert isinstance(named, KpiError)


def test_more_files_than_exports_come_in_are_refused(tmp_path: Path) -> None:
    many = {f"{number}.csv": "a;b\n1;2\n" for number in range(251)}
    for name, text in many.items():
        put(tmp_path, text, name)
    said = "holds 251 files; at most 250 are read"
    assert said in str(refused(tmp_path))
    assert said in str(refused(zipped(tmp_path / "exports.zip", **many)))


def test_files_of_one_name_in_folders_of_an_archive_are_all_read(tmp_path: Path) -> None:
    text = {"2025/deals.csv": TEXT, "2026/deals.csv": text_of(WON), "notes.csv": "a;b\n1;2\n"}
    config = {"tables": {"deals": {"file": "deals.zip/2026/deals.csv"}}}
    data = kh.load(zipped(tmp_path / "deals.zip", **text), config)
    assert len(data["deals"]) == 1
    assert {*data.passed} == {"deals.zip/2025/deals.csv", "deals.zip/notes.csv"}


def test_names_that_differ_by_case_are_different_files(tmp_path: Path) -> None:
    put(tmp_path, TEXT)
    put(tmp_path, HEADER.replace("deal_id", "lead_id") + "\n" + WON, "DEALS.csv")
    tables = {"deals": {"file": "deals.csv"}, "leads": {"file": "DEALS.csv"}}
    data = kh.load(tmp_path, {"tables": tables})
    assert [len(data[name]) for name in ("deals", "leads")] == [3, 1]


@pytest.mark.parametrize("change", ["grows", "shrinks", "is replaced"])
def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path, TEXT)
    other = put(tmp_path, TEXT, "other")
    read = kh.sources.files.readers.read_delimited

    def reads_and_changes(*args: object) -> None:
        read(*args)
        if change == "is replaced":
            other.replace(path)
        else:
            path.write_text(TEXT * 2 if change == "grows" else HEADER, "utf-8")

    monkeypatch.setattr("kpi_helpers.sources.files.readers.read_delimited", reads_and_changes)
    assert str(refused(path)) == (
        "deals.csv changed while it was read. Close what is writing it and try again, "
        "or read a copy."
    )


def test_a_file_without_permission_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path, TEXT)
    path.chmod(0)
    if os.access(path, os.R_OK):  # nothing is forbidden to root

        def forbidden(*args: object, **options: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("kpi_helpers.sources.files.kinds.open", forbidden, raising=False)
    assert str(refused(path)) == "deals.csv cannot be read: Permission denied"
    put(tmp_path, json.dumps([]), "leads.json")
    failed = refused(tmp_path)
    assert str(failed) == "deals.csv cannot be read: Permission denied"


@pytest.mark.parametrize("name", ["../deals.csv", "/etc/deals.csv", "a/../../b.csv", "C:\\d.csv"])
def test_a_setting_names_no_file_outside_of_the_folder(tmp_path: Path, name: str) -> None:
    inner = tmp_path / "exports"
    inner.mkdir()
    put(tmp_path, TEXT)
    put(inner, text_of(OPEN), "leads.csv")
    assert str(refused(inner, {"tables": {"deals": {"file": name}}})) == (
        f"kpi.toml: tables.deals.file = '{name}' is not accepted; expected the name of a file in "
        "the folder of the data."
    )


def test_what_is_held_whole_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "MOST_HELD", 1 << 20)
    error = refused(put(tmp_path, b"[" + b" " * (2 << 20) + b"]", "deals.json"))
    assert str(error) == (
        "deals.json takes 2 MB unpacked; at most 1 MB are read. Export it as CSV."
    )
