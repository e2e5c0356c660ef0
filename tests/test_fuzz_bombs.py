"""Small files that unpack to more than memory holds: refused in a process that has little of it."""

import gzip
import resource
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from fuzzing import MOST_SECONDS
from hostile import TEXT, beyond, nameless, repeating, stray

MEMORY = 2 << 30
ROW = b"4;2026-02-01;open;;1;Ann\n" * 40_000
OPENED = """
import sys
from kpi_helpers.errors import KpiError
from kpi_helpers.sources.config import Config
from kpi_helpers.sources.files.readers import open_source
try:
    source = open_source(sys.argv[1], Config())
    print(*(source.table(name).count() and "read" for name in source.names))
except KpiError as error:
    print(error)
"""


def packed_text(path: Path) -> None:
    with gzip.open(path, "wb", 1) as stream:
        stream.write(TEXT.encode())
        for _ in range(200):
            stream.write(ROW)


def packed_files(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as parts:
        parts.writestr("deals.csv", TEXT.encode() + ROW * 200)


def computed(path: Path) -> None:
    con = sqlite3.connect(path)
    con.execute("CREATE TABLE deals (deal_id, created_at, x AS (hex(zeroblob(400000000))))")
    con.execute("INSERT INTO deals (deal_id, created_at) VALUES (1, '2026-01-05')")
    con.commit()
    con.close()


def entities(path: Path) -> None:
    """A sheet whose one text names itself ten times, and so on."""
    stray(path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    each = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    head = f'<!DOCTYPE x [<!ENTITY e0 "ha">{each}]>'.encode()
    parts["xl/workbook.xml"] = head + parts["xl/workbook.xml"].split(b"?>")[1].replace(
        b"Deals", b"&e11;"
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


BOMBS = {
    "deals.csv.gz": (packed_text, "at most 128 MB are read"),
    "deals.zip": (packed_files, "at most 128 MB are read"),
    "deals.sqlite": (computed, "is damaged or incomplete (string or blob too big)"),
    "entities.xlsx": (entities, "is damaged or incomplete (limit on input amplification"),
    "beyond.xlsx": (beyond, "at most 20000000 cells are read"),
    "nameless.xlsx": (nameless, "at most 20000000 cells are read"),
    "deals.ods": (repeating, "at most 20000000 cells are read"),
}


def little_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (2 * MOST_SECONDS, 2 * MOST_SECONDS))


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_in_little_memory(tmp_path: Path, name: str) -> None:
    make, said = BOMBS[name]
    make(tmp_path / name)
    words = [sys.executable, "-W", "error::ResourceWarning", "-c", OPENED, str(tmp_path / name)]
    done = subprocess.run(
        words, capture_output=True, text=True, preexec_fn=little_memory, timeout=300
    )
    assert said in done.stdout, done.stderr
    assert [each.name for each in tmp_path.iterdir()] == [name]
