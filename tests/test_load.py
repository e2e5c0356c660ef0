"""Files through the door: how they are written, what cannot be opened, and the line of each row."""

import codecs
import datetime as dt
import gzip
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from exports import (
    COLUMNS,
    HEADER,
    LOST,
    OPEN,
    PLAIN,
    WON,
    left,
    loaded,
    out,
    put,
    refused,
    text_of,
)

import kpi_helpers as kh
from kpi_helpers.errors import BadInput, MissingColumn, Unavailable, UnknownName
from kpi_helpers.sources import Dataset, server
from kpi_helpers.sources.files import readers

TEXT = text_of(*PLAIN)


def content(data: Dataset) -> list[tuple]:
    frame = data["deals"].sort_values("deal_id")
    return list(frame[["deal_id", "status", "amount", "owner"]].itertuples(index=False, name=None))


EXPECTED = [("1", "won", 1200.5, "Ann"), ("2", "open", 300.5, "Bob"), ("3", "lost", 80.0, "Ann")]

ENCODED = {
    "utf-8": TEXT.encode(),
    "utf-8 with a mark": codecs.BOM_UTF8 + TEXT.encode(),
    "windows-1252": TEXT.encode("cp1252"),
    "utf-16": TEXT.encode("utf-16"),
    "utf-16 big-endian": codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
    "windows line ends": TEXT.replace("\n", "\r\n").encode(),
    "old mac line ends": TEXT.replace("\n", "\r").encode(),
    "no line end at the end": TEXT.rstrip("\n").encode(),
    "quoted": text_of(*('"' + row.replace(";", '";"') + '"' for row in PLAIN)).encode(),
    "blank lines": TEXT.replace("\n", "\n\n").encode(),
    "blank lines above": ("\n\n" + TEXT).encode(),
    "spaces around": TEXT.replace(";", " ; ").encode(),
    "no-break thousands": TEXT.replace("1 200", "1\u202f200").encode(),
}


@pytest.mark.parametrize("kind", ENCODED)
def test_however_a_file_is_encoded_its_rows_are_the_same(tmp_path: Path, kind: str) -> None:
    data = kh.load(put(tmp_path, ENCODED[kind]), {})
    assert content(data) == EXPECTED
    assert left(data) == []
    assert data.files == {"deals": "deals.csv"}


@pytest.mark.parametrize("mark", [";", ",", "\t", "|"])
def test_the_separator_is_the_one_of_the_header(tmp_path: Path, mark: str) -> None:
    rows = TEXT.replace(",", ".").replace(";", mark)
    assert content(kh.load(put(tmp_path, rows), {})) == EXPECTED


def test_accents_survive_windows(tmp_path: Path) -> None:
    data = kh.load(put(tmp_path, TEXT.replace("Ann", "Chloé € œ").encode("cp1252")), {})
    assert set(data["deals"]["owner"]) == {"Chloé € œ", "Bob"}


@pytest.mark.parametrize("name", ["deals.csv.gz", "Deals.CSV", "deals.tsv", "deals.txt"])
def test_a_file_may_be_compressed_or_have_another_ending(tmp_path: Path, name: str) -> None:
    raw = TEXT.encode()
    put(tmp_path, gzip.compress(raw, mtime=0) if name.endswith("gz") else raw, name)
    assert content(kh.load(tmp_path, {})) == EXPECTED


def test_one_file_of_any_name_is_the_deals(tmp_path: Path) -> None:
    assert content(kh.load(put(tmp_path, TEXT, "export (1) [final]*.csv"), {})) == EXPECTED


@pytest.mark.parametrize("name", ["deals*.csv", "deals[1].csv", "deals?.csv", "a'b;--.csv"])
def test_the_name_of_a_file_never_opens_others(tmp_path: Path, name: str) -> None:
    for other in ("deals1.csv", "dealsX.csv"):
        put(tmp_path, text_of(*PLAIN, *PLAIN), other)
    assert content(kh.load(put(tmp_path, TEXT, name), {})) == EXPECTED
    frame = pd.read_csv(tmp_path / "deals1.csv", sep=";").iloc[:3].drop(columns="amount")
    path = tmp_path / name.replace("csv", "parquet")
    frame.astype({"created_at": "datetime64[s]", "closed_at": "datetime64[s]"}).to_parquet(path)
    assert len(kh.load(path, {})["deals"]) == 3


BAD = "9;2026-01-05;maybe;;5,5;Zoe"
QUOTED = '1;2026-01-05;won;2026-02-01;5,5;"Ann\nand\r\n""Bob"""'


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ((BAD, LOST), 2),
        ((*PLAIN, BAD), 5),
        ((QUOTED, BAD), 5),
        ((WON, "", "", OPEN, BAD), 6),
        ((BAD, QUOTED), 2),
        ((QUOTED, "", QUOTED, BAD), 9),
    ],
)
def test_a_row_is_listed_at_its_line_of_the_file(
    tmp_path: Path, rows: tuple[str, ...], line: int
) -> None:
    assert out(loaded(tmp_path, *rows)) == [(line, "status", "maybe", "not_allowed")]
    path = put(tmp_path, gzip.compress(text_of(*rows).encode("cp1252")), "deals.csv.gz")
    assert out(kh.load(path, {})) == [(line, "status", "maybe", "not_allowed")]


def test_a_header_may_have_line_breaks(tmp_path: Path) -> None:
    header = HEADER.replace("owner", '"owner\n(full name)"')
    data = loaded(tmp_path, WON, BAD, header=header, columns={"owner": "owner\n(full name)"})
    assert out(data) == [(4, "status", "maybe", "not_allowed")]
    assert data["deals"]["owner"].tolist() == ["Ann"]


def test_a_row_with_fewer_cells_is_read_and_one_with_more_is_listed(tmp_path: Path) -> None:
    data = loaded(tmp_path, "1;2026-01-05;open", "2;2026-01-06;open;;5,5;Ann;or;Bob;", LOST)
    assert sorted(data["deals"]["deal_id"]) == ["1", "3"]
    assert out(data) == [(3, "…", "or;Bob", "surplus_cells")]
    assert kh.left_out(data).query("reason == 'surplus_cells'")["money"].tolist() == [5.5]


def test_empty_cells_beyond_the_header_are_no_surplus(tmp_path: Path) -> None:
    assert len(loaded(tmp_path, WON + ";;", OPEN + "; ;", LOST)["deals"]) == 3


def test_a_quote_that_stays_open_is_refused_where_it_begins(tmp_path: Path) -> None:
    error = refused(put(tmp_path, text_of(WON, '2;2026-01-13;open;;5,5;"Ann', LOST)))
    assert str(error).startswith("deals.csv, line 3: a text in quotes that begins here")
    error = refused(put(tmp_path, text_of('1;2026-01-13;open;;5,5;"The "big" one"', LOST)))
    assert str(error).startswith("deals.csv, line 2: ")


@pytest.mark.parametrize("empty", ["", "\n", "\n\n  \n", "   ", "\ufeff"])
def test_an_empty_file_is_refused(tmp_path: Path, empty: str) -> None:
    error = refused(put(tmp_path, empty))
    assert str(error).startswith("deals.csv is empty")
    assert error.render("fr").startswith("deals.csv est vide")


def test_a_header_alone_has_no_day(tmp_path: Path) -> None:
    for text in (HEADER, HEADER + "\n"):
        error = refused(put(tmp_path, text))
        assert str(error).startswith("deals.csv: there is no row with a date")
        data = kh.load(put(tmp_path, text), {}, as_of="2026-09-30")
        assert len(data["deals"]) == 0
        assert kh.quality(data).empty
        assert kh.left_out(data).empty


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("deals.csv.gz", b"not gzip"),
        ("deals.csv.gz", gzip.compress(TEXT.encode() * 99, mtime=0)[:90]),
        ("deals.csv", codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le")[:-1]),
        ("deals.duckdb", b"junk" * 999),
    ],
)
def test_a_file_that_is_damaged_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    error = refused(put(tmp_path, content, name))
    assert isinstance(error, BadInput)
    assert str(error).startswith(f"{name} cannot be read: ")


@pytest.mark.parametrize("codec", ["snappy", "none"])
@pytest.mark.parametrize("column", ["status", "amount", "created_at", "owner", ""])
def test_a_parquet_file_with_damaged_pages_is_named(
    tmp_path: Path, codec: str, column: str
) -> None:
    import pyarrow.parquet as pq

    path = tmp_path / "sales's [1].parquet"
    deal = {"created_at": "2026-01-05", "status": "won", "closed_at": "2026-02-01"}
    rows = [{**deal, "deal_id": n, "amount": n, "owner": f"Ann {n}"} for n in range(300)]
    pd.DataFrame(rows).to_parquet(path, compression=codec)
    content = bytearray(path.read_bytes())
    group = pq.ParquetFile(path).metadata.row_group(0)
    for place in map(group.column, range(group.num_columns)):
        if place.path_in_schema == column:
            first = place.dictionary_page_offset or place.data_page_offset
            content[first : first + place.total_compressed_size] = b"\xff" * (
                place.total_compressed_size
            )
    path.write_bytes(content if column else b"junk" * 99)
    with pytest.raises(BadInput) as error:
        kh.measure(kh.load(path, {}), ["bookings", "win_rate_count"], "all", by="owner")
    assert str(error.value).startswith("sales's [1].parquet is damaged or incomplete (")
    assert error.value.render("fr").startswith("sales's [1].parquet est abîmé ou incomplet (")


def test_a_folder_is_read_by_the_names_of_its_files(tmp_path: Path) -> None:
    put(tmp_path, TEXT, "Deals.csv")
    put(tmp_path, "owner,team\nAnn,A\nBob,B\n", "reps.csv")
    for name, other in (
        *(("notes.txt", b"hello\nworld\n"), ("logo.png", b"\x89PNG"), ("._deals.csv", b"\x00")),
        *(("readme.md", b"x"), ("junk.csv", b"%PDF"), ("old deals.csv", b"a;b\n1;2\n")),
    ):
        put(tmp_path, other, name)
    (tmp_path / "leads.csv").mkdir()
    data = kh.load(tmp_path, {})
    assert data.tables == ("deals", "reps")
    assert set(data.table("deals", ("team",)).columns) > {"team"}


def test_two_files_of_one_table_are_refused_unless_one_is_named(tmp_path: Path) -> None:
    put(tmp_path, TEXT, "deals.csv")
    put(tmp_path, text_of(WON), "deals.tsv")
    error = refused(tmp_path)
    assert str(error).startswith("deals.csv and deals.tsv could both be the table deals.")
    data = kh.load(tmp_path, {"tables": {"deals": {"file": "deals.tsv"}}})
    assert len(data["deals"]) == 1


def test_what_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    put(tmp_path, TEXT)
    put(tmp_path, "", ".deal.csv.lock")
    error = refused(tmp_path / "deal.csv")
    assert isinstance(error, UnknownName)
    assert ".lock" not in str(refused(tmp_path / "nope"))
    assert str(error).startswith("File not found: 'deal.csv'. Did you mean deals.csv?")
    assert str(tmp_path / "nowhere") in str(refused(tmp_path / "nowhere" / "deals.csv"))
    assert "Did you mean deals?" in str(refused(tmp_path, {"tables": {"deals": {"file": "dels"}}}))
    assert isinstance(refused("x" * 5000), UnknownName)
    assert isinstance(refused("a\x00b"), UnknownName)


def test_a_folder_without_a_table_of_the_kit_says_what_it_has(tmp_path: Path) -> None:
    for name in ("alpha.csv", "beta.csv"):
        put(tmp_path, "x;y\n1;2\n", name)
    error = refused(tmp_path)
    assert isinstance(error, Unavailable)
    assert "Candidates in the source: alpha.csv, beta.csv." in str(error)


@pytest.mark.parametrize("name", ["deals.doc", "deals.png", "deals"])
def test_a_file_of_an_unknown_kind_is_refused(tmp_path: Path, name: str) -> None:
    error = refused(put(tmp_path, b"x", name))
    assert str(error).startswith(f"{name}: '{name}' is not a frame, a mapping of frames, a CSV")


@pytest.mark.parametrize("source", [3, [1], b"deals.csv", object()])
def test_a_source_of_an_unknown_kind_is_refused(source: object) -> None:
    assert "is not a frame, a mapping of frames, a CSV" in str(refused(source))


@pytest.mark.parametrize(
    ("header", "column", "candidates"),
    [
        ("deal_id;created;status;amount", "created_at", "created"),
        ("Deal Ref;created_at;status", "deal_id", "Deal Ref"),
        ("deal_id;created_at;statut", "status", "statut"),
        ("deal_id", "created_at", None),
    ],
)
def test_a_missing_column_names_its_candidates(
    tmp_path: Path, header: str, column: str, candidates: str | None
) -> None:
    error = refused(put(tmp_path, header + "\n1;2026-01-05;won\n"))
    assert isinstance(error, MissingColumn)
    said = f"Table deals (deals.csv) needs the column '{column}', which was not found."
    said += f" Candidates in the source: {candidates}." if candidates else ""
    assert str(error).startswith(said)
    assert "[tables.deals.columns]" in str(error)


def test_labels_of_lists_kept_by_hand_are_known_alone(tmp_path: Path) -> None:
    header = "Numéro;Date de création;Statut;Date de clôture;Montant;Propriétaire"
    data = kh.load(put(tmp_path, text_of(*PLAIN, header=header)))["deals"]
    assert (data["deal_id"].tolist(), data["owner"].tolist()) == ([*"123"], ["Ann", "Bob", "Ann"])


def test_names_are_matched_without_case_accents_and_marks(tmp_path: Path) -> None:
    header = "Deal ID *;Créated  at;STATUS;closed-at;Amount;Öwner"
    assert set(COLUMNS) <= loaded(tmp_path, *PLAIN, header=header).filled("deals")


@pytest.mark.parametrize("twice", ["amount", "Amount", "AMOUNT ", "Ämount"])
def test_two_columns_of_one_name_are_refused_unless_one_is_meant(
    tmp_path: Path, twice: str
) -> None:
    path = put(tmp_path, text_of(WON, header=HEADER.replace("owner", twice)))
    error = refused(path)
    assert str(error).startswith("deals.csv, column amount: several columns bear this name.")
    data = kh.load(path, {"tables": {"deals": {"columns": {"amount": "amount"}}}})
    assert data["deals"]["amount"].tolist() == [1200.5]


def test_no_column_of_the_source_is_lost(tmp_path: Path) -> None:
    header = HEADER + ";note;Nôte;NOTE;;value;Value;is_won;_kpi_line;…;😀;Région+"
    cells = ";".join(f"v{place}" for place in range(11))
    data = loaded(tmp_path, *(f"{row};{cells}" for row in PLAIN), header=header)
    row = data["deals"].sort_values("deal_id").iloc[0]
    assert {row[name] for name in data.mapped["deals"].dimensions} == {
        f"v{place}" for place in range(10)
    }
    assert (row["dim_note"], row["dim_note_2"], row["dim_value"]) == ("v0", "v1", "v4")
    assert (row["region"], row["dim_is_won"], bool(row["is_won"])) == ("v10", "v6", True)


def test_a_database_file_is_opened_to_read(tmp_path: Path) -> None:
    path = tmp_path / "crm.duckdb"
    with duckdb.connect(str(path)) as con:
        frame = pd.DataFrame({"deal_id": ["1", "2"], "created_at": ["2026-01-05", "2026-01-06"]})
        con.register("frame", frame)
        con.execute("CREATE TABLE deals AS SELECT *, 'open' AS status FROM frame")
    before = path.read_bytes()
    data = kh.load(path, {})
    assert len(data["deals"]) == 2
    assert left(data) == []
    with pytest.raises(duckdb.Error):
        data.con.con.execute("DROP TABLE deals")
    data.con.disconnect()
    assert path.read_bytes() == before
    assert "Did you mean deals?" in str(refused(path, {"tables": {"deals": {"table": "deal"}}}))


def test_a_day_before_all_data_is_refused() -> None:
    row = {"deal_id": "1", "created_at": "2026-01-05", "status": "open"}
    assert len(kh.load(pd.DataFrame([row]), as_of="2026-01-05")["deals"]) == 1
    with pytest.raises(BadInput, match="On 2026-01-04.*the data begin on 2026-01-05"):
        kh.load(pd.DataFrame([row]), as_of="2026-01-04")


@pytest.mark.parametrize("as_of", ["2200-01-01", "9999-12-31", "1899-12-31", dt.date(2200, 1, 1)])
def test_a_day_of_a_year_without_periods_is_refused_with_those_that_have_some(
    as_of: str | dt.date,
) -> None:
    row = {"deal_id": "1", "created_at": "2026-01-05", "status": "open"}
    data = kh.load(pd.DataFrame([row]), as_of="2199-12-31")
    assert kh.measure(data, "open_pipeline_value", "last")["period"].tolist() == ["2199Q4"]
    for ask in (lambda: kh.load(pd.DataFrame([row]), as_of=as_of), lambda: data.at(as_of)):
        with pytest.raises(BadInput, match="a day from 1900-01-01 to 2199-12-31"):
            ask()


def test_files_that_were_not_understood_are_named_with_the_way_on(tmp_path: Path) -> None:
    (tmp_path / "products.csv").write_text("product,price\nA,1\nB,2\n", "utf-8")
    (tmp_path / "pipeline.csv").write_text("opportunity,agent\n1,Ann\n2,Bob\n", "utf-8")
    with pytest.raises(BadInput, match=r"Not read: pipeline\.csv; kpi check FILE"):
        kh.load(tmp_path)


def test_a_database_that_lost_rows_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "sales.duckdb"
    rows = "i::VARCHAR AS deal_id, DATE '2026-01-05' AS created_at, 'open' AS status, i AS amount"
    with duckdb.connect(str(path)) as con:
        con.execute(f"CREATE TABLE deals AS SELECT {rows} FROM range(100000) t(i)")
    path.write_bytes(path.read_bytes()[:-300_000])
    with pytest.raises(BadInput, match=r"^sales.duckdb is damaged or incomplete \(") as caught:
        kh.load(path)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(("most", "limited"), [(0, True), (readers.LARGE, False)])
def test_the_engine_of_large_files_writes_to_disk_what_takes_much_memory(
    most: int, limited: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "LARGE", most)
    (tmp_path / "deals.csv").write_text("deal_id,created_at,status\n1,2026-01-05,open\n")
    con = kh.load(tmp_path / "deals.csv").con.con
    (said,) = con.execute("SELECT current_setting('memory_limit')").fetchone()
    assert (said == "267.0 MiB") is limited


def test_what_needs_more_memory_is_asked_again_with_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "deals.parquet"
    duckdb.sql(f"COPY (SELECT i AS deal_id, DATE '2026-01-05' AS created_at, 'open' AS status, "
               f"md5(i::VARCHAR) AS owner FROM range(100000) AS t(i)) TO '{path}'")  # fmt: skip
    data = kh.load(path)
    data.con.con.execute("SET memory_limit = '1MB'")
    assert len(kh.measure(data, "open_deals", "2026Q1", by="owner")) == 100_000
    data.con.con.execute("SET memory_limit = '1MB'")
    monkeypatch.setattr(server, "_given_more", lambda _: False)
    with pytest.raises(Unavailable, match=r"memory does not hold .*Export the columns"):
        kh.measure(data, "open_deals", "2026Q2", by="owner")
