"""Makers of files that are meant to break what reads them."""

import os
import struct
import zipfile
from pathlib import Path

import xlsxwriter
from exports import PLAIN, text_of

TEXT = text_of(*PLAIN)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def compound(*streams: str) -> bytes:
    """A compound file, as old workbooks and encrypted ones are, with empty streams."""
    head = OLE + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
    head += struct.pack("<IIIIIIII", 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    head += struct.pack("<109I", 0, *[0xFFFFFFFF] * 108)
    table = struct.pack("<128I", 0xFFFFFFFD, 0xFFFFFFFE, *[0xFFFFFFFF] * 126)
    folder = b""
    for name, kind in [("Root Entry", 5), *((each, 2) for each in streams)]:
        text = name.encode("utf-16-le")
        child = 1 if kind == 5 else 0xFFFFFFFF
        folder += text.ljust(64, b"\x00") + struct.pack("<HBB", len(text) + 2, kind, 1)
        folder += struct.pack("<III", 0xFFFFFFFF, 0xFFFFFFFF, child) + bytes(36)
        folder += struct.pack("<IQ", 0xFFFFFFFE, 0)
    return head + table + folder.ljust(512, b"\x00")


def zipped(path: Path, **parts: str | bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def written_in(path: Path, encoding: str) -> Path:
    """A workbook whose parts say that they are in an encoding."""
    part = f'<?xml version="1.0" encoding="{encoding}"?><a/>'
    return zipped(path, **dict.fromkeys(("xl/workbook.xml", "xl/_rels/workbook.xml.rels"), part))


def stray(path: Path) -> Path:
    """A workbook of a few kilobytes with a cell in its first corner and one in its last."""
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Deals")
        sheet.write(0, 0, "deal_id")
        sheet.write(1_048_575, 16_383, 1)
    return path


def nameless(path: Path) -> Path:
    """The same with cells that do not say where they stand, so that a scan for places misses."""
    stray(path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    cells = b"<c><v>1</v></c>" * 16_384
    parts["xl/worksheets/sheet1.xml"] = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576">'
        + cells
        + b"</row></sheetData></worksheet>"
    )
    return zipped(path, **parts)


def beyond(path: Path) -> Path:
    """A workbook with a cell in a row that no sheet has."""
    stray(path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    part = "xl/worksheets/sheet1.xml"
    parts[part] = parts[part].replace(b"XFD1048576", b"E34294967295")
    return zipped(path, **parts)


def repeating(path: Path) -> Path:
    """A workbook of LibreOffice whose one cell is repeated a thousand million times."""
    cell = (
        '<table:table-cell table:number-columns-repeated="1000000000" office:value-type="string">'
        "<text:p>x</text:p></table:table-cell>"
    )
    names = "urn:oasis:names:tc:opendocument:xmlns"
    spaces = " ".join(f'xmlns:{each}="{names}:{each}:1.0"' for each in ("office", "table", "text"))
    rows = f'<table:table table:name="S"><table:table-row>{cell}</table:table-row></table:table>'
    body = f"<office:body><office:spreadsheet>{rows}</office:spreadsheet></office:body>"
    return zipped(
        path,
        **{
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": f"<office:document-content {spaces}>{body}</office:document-content>",
        },
    )


def charts(path: Path) -> Path:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Data")
        sheet.write(0, 0, "deal_id")
        chart = book.add_chart({"type": "bar"})
        chart.add_series({"values": "=Data!$A$1:$A$2"})
        front = book.add_chartsheet("Chart")
        front.set_chart(chart)
        front.activate()
        front.set_first_sheet()
        sheet.hide()
    return path


def encrypted_zip(path: Path) -> Path:
    raw = bytearray(zipped(path, **{"deals.csv": TEXT}).read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    return path


def nameless_inside(path: Path) -> Path:
    """A zip archive whose file has a name that begins with a zero byte."""
    raw = zipped(path, **{"?.csv": TEXT}).read_bytes()
    path.write_bytes(raw.replace(b"?.csv", b"\x00.csv"))
    return path


def cut(path: Path) -> Path:
    path.write_bytes(zipped(path, **{"deals.csv": os.urandom(9000)}).read_bytes()[:4000])
    return path


def flipped(path: Path) -> Path:
    raw = bytearray(zipped(path, **{"deals.csv": TEXT * 9}).read_bytes())
    raw[60] ^= 0xFF
    path.write_bytes(raw)
    return path


def claiming(path: Path, size: int) -> Path:
    """A zip archive that says its only file unpacks to so many bytes."""
    raw = bytearray(zipped(path, **{"deals.csv": TEXT * 99}).read_bytes())
    at = raw.index(b"PK\x01\x02") + 24
    raw[at : at + 4] = struct.pack("<I", size)
    path.write_bytes(raw)
    return path
