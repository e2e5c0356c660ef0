"""Small exports of every kind that the door reads, and ways to damage them."""

import gzip
import io
import json
import sqlite3
import tempfile
import zipfile
from pathlib import Path

import pandas as pd
import xlsxwriter
from exports import COLUMNS, PLAIN, text_of
from fuzzing import NASTY
from hypothesis import strategies as st

ROWS = [row.split(";") for row in PLAIN]
TEXT = text_of(*PLAIN)
TITLED = f"Export of deals\n\n{TEXT}Total;;;;1 581;\n"
QUOTED = text_of('7;2026-01-05;won;2026-02-01;"1 200,50";"Ann\n""Zoé"""', *PLAIN)
OFFICE = "urn:oasis:names:tc:opendocument:xmlns"
PACKED = (".xlsx", ".ods", ".zip")


def repacked(parts: dict[str, bytes]) -> bytes:
    """A zip file, always of the same bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def parts_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _workbook() -> bytes:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        for name in ("Deals", "Février"):
            sheet = book.add_worksheet(name)
            for number, cells in enumerate([COLUMNS, *ROWS]):
                sheet.write_row(number, 0, cells)
            sheet.write(9, 4, 1200.5)
            sheet.merge_range(5, 0, 6, 1, "merged")
    return stream.getvalue()


def _open_document() -> bytes:
    spaces = " ".join(f'xmlns:{each}="{OFFICE}:{each}:1.0"' for each in ("office", "table", "text"))
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    rows = "".join(
        f"<table:table-row>{''.join(map(cell.format, cells))}</table:table-row>"
        for cells in [COLUMNS, *ROWS]
    )
    body = f'<office:spreadsheet><table:table table:name="S">{rows}</table:table>'
    document = f"<office:document-content {spaces}><office:body>{body}</office:spreadsheet>"
    kind = b"application/vnd.oasis.opendocument.spreadsheet"
    whole = f"{document}</office:body></office:document-content>"
    return repacked({"mimetype": kind, "content.xml": whole.encode()})


def _in_file(write: object, name: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="kpi-") as folder:
        path = Path(folder) / name
        write(path)
        return path.read_bytes()


def _sqlite(path: Path) -> None:
    con = sqlite3.connect(path)
    con.execute(f"CREATE TABLE deals ({', '.join(COLUMNS)})")
    con.executemany(f"INSERT INTO deals VALUES ({', '.join('?' * len(COLUMNS))})", ROWS)
    con.execute('CREATE TABLE "a ""b"";--" (x TEXT, "y z" REAL)')
    con.commit()
    con.close()


def _page() -> bytes:
    lines = ("".join(f"<td>{cell}</td>" for cell in cells) for cells in [COLUMNS, *ROWS])
    rows = "".join(f"<tr>{line}</tr>\n" for line in lines)
    return f"<html><body><table>\n{rows}</table></body></html>".encode()


_RECORDS = [dict(zip(COLUMNS, cells, strict=True)) for cells in ROWS]
_FRAME = pd.DataFrame(ROWS, columns=list(COLUMNS))
BASES: dict[str, bytes] = {
    "deals.csv": TEXT.encode(),
    "titled.csv": TITLED.encode(),
    "quoted.csv": QUOTED.encode(),
    "windows.csv": TEXT.replace("Ann", "Zoé").encode("cp1252"),
    "wide.txt": TEXT.encode("utf-16"),
    "deals.tsv": TEXT.replace(";", "\t").replace("\n", "\r\n").encode(),
    "deals.csv.gz": gzip.compress(TEXT.encode(), mtime=0),
    "deals.json": json.dumps({"results": _RECORDS}).encode(),
    "deals.jsonl": "\n".join(map(json.dumps, _RECORDS)).encode(),
    "deals.html": _page(),
    "deals.xlsx": _workbook(),
    "deals.ods": _open_document(),
    "deals.sqlite": _in_file(_sqlite, "deals.sqlite"),
    "deals.parquet": _in_file(_FRAME.to_parquet, "deals.parquet"),
}
BASES["deals.zip"] = repacked({each: BASES[each] for each in ("deals.csv", "deals.xlsx")})

TOKENS = [
    *(each.encode("utf-8", "surrogatepass") for each in NASTY if len(each) < 400),
    *(b"\x00", b"\xff", b"\xed\xa0\x80", b"\xc3", b"\x81", b"\r", b"\n", b'"', b";", b",", b"\t"),
    *(
        b"<",
        b">",
        b"/>",
        b"]]>",
        b"<!DOCTYPE x [<!ENTITY a '&a;'>]>",
        b"&a;",
        b"&#0;",
        b"PK\x03\x04",
    ),
    *(
        b"XFD1048576",
        b"65535",
        b"4294967295",
        b"-1",
        b"{",
        b"}",
        b"[",
        b"]",
        b"\\u0000",
        b"\\ud800",
    ),
    *(b"\xff" * 8, b"\x00" * 64, b"\x80" * 16, b"\x7f\xff\xff\xff", b'=""', b' r="A0"', b' t="s"'),
]
HOW = ("replace", "insert", "delete", "twice", "cut", "flip", "swap")
edits = st.lists(
    st.tuples(st.sampled_from(HOW), st.floats(0, 1), st.integers(1, 48), st.sampled_from(TOKENS)),
    min_size=1,
    max_size=4,
)


def damaged(content: bytes, how: list[tuple[str, float, int, bytes]]) -> bytes:
    """The content after each edit at its place, a share of the way through."""
    for kind, share, length, token in how:
        at = int(share * len(content))
        before, piece, after = content[:at], content[at : at + length], content[at + length :]
        new = {
            "replace": before + token + content[at + len(token) :],
            "insert": before + token + piece + after,
            "delete": before + after,
            "twice": before + piece * 3 + after,
            "cut": before,
            "flip": before
            + bytes(each ^ (1 << length % 8) for each in piece[:1])
            + content[at + 1 :],
            "swap": before + after[:length] + piece + after[length:],
        }
        content = new[kind]
    return content


@st.composite
def files(draw: st.DrawFn) -> tuple[str, bytes]:
    """The name of a file and its damaged content; of a packed one a part is damaged as often."""
    name = draw(st.sampled_from([*BASES]))
    how, content = draw(edits), BASES[name]
    inside = draw(st.booleans())
    if name.endswith(".gz") and inside:
        return name, gzip.compress(damaged(TEXT.encode(), how), 1, mtime=0)
    if name.endswith(PACKED) and inside:
        parts = parts_of(content)
        part = draw(st.sampled_from([*parts]))
        return name, repacked(parts | {part: damaged(parts[part], how)})
    return name, damaged(content, how)
