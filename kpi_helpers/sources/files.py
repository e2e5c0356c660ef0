"""Which raw tables a file holds; what it is, its content tells and not its name."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kpi_helpers.errors import BadInput, KpiError
from kpi_helpers.language import Phrase
from kpi_helpers.sources.grids import split_head, stack, store
from kpi_helpers.sources.workbooks import Sheet, open_workbook

TEXT = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods")
PARQUET = ".parquet"
ENDINGS = (*TEXT, *WORKBOOKS, PARQUET)

_START = 4096
_WORKBOOK = (b"xl/workbook", b"application/vnd.oasis.opendocument.spreadsheet")
_MAGIC = {
    b"%PDF": "pdf",
    b"\x89PNG": "picture",
    b"\xff\xd8\xff": "picture",
    b"GIF8": "picture",
    b"PAR1": "parquet",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\xd0\xcf\x11\xe0": "workbook",
}


@dataclass(frozen=True)
class Raw:
    """A raw table of a file.

    ``label`` is what a person calls it (``crm.xlsx/Deals``), ``stem`` the name that it is known
    by, ``file`` the name of its file, ``path`` that file where it is read when it is asked for.
    """

    label: str
    stem: str
    file: str
    path: Path | None = None


@dataclass(frozen=True)
class Found:
    """The raw tables of a file, and why what else it holds was passed over, by its name."""

    tables: list[Raw]
    passed: Mapping[str, Phrase | KpiError] = field(default_factory=dict)


def raw_tables(con: Any, path: Path) -> Found:
    """What a file holds: text and parquet are read when asked for, anything else at once.

    Raises
    ------
    BadInput
        When it is of no kind that can be read, or damaged.
    """
    kind = _kind(path)
    if kind in ("text", "parquet"):
        return Found([Raw(path.name, stem_of(path), path.name, path)])
    if kind == "workbook":
        return _workbook(con, path)
    raise BadInput("other_kind", file=path.name, kind=Phrase(f"files.{kind}"))


def stem_of(path: Path) -> str:
    """The name of a file without its ending."""
    name = path.name.lower()
    ending = next((each for each in ENDINGS if name.endswith(each)), path.suffix)
    return path.name[: len(path.name) - len(ending)]


def is_parquet(path: Path) -> bool:
    """Whether a file is a parquet file."""
    return _kind(path) == "parquet"


def _kind(path: Path) -> str:
    if not path.is_file():
        raise BadInput("no_file", file=path.name)
    if path.name.lower().endswith(PARQUET):
        return "parquet"
    with open(path, "rb") as stream:
        start = stream.read(_START)
    kind = next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), "text")
    return _kind_of_zip(path) if kind == "zip" else kind


def _kind_of_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as parts:
            names = parts.namelist()
            if "Index/Document.iwa" in names or "Index.zip" in names:
                return "numbers"
            said = parts.read("mimetype") if "mimetype" in names else " ".join(names).encode()
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError) as error:
        raise BadInput("damaged", file=path.name, reason=str(error)) from error
    return "workbook" if any(mark in said for mark in _WORKBOOK) else "zip"


def _workbook(con: Any, path: Path) -> Found:
    with open_workbook(path) as (sheets, hidden):
        if not sheets:
            raise BadInput("no_sheet", file=path.name)
        passed: dict[str, Phrase | KpiError] = {
            f"{path.name}/{name}": Phrase("files.hidden") for name in hidden
        }
        alike: dict[tuple[str, ...], list[Sheet]] = {}
        for sheet in sheets:
            try:
                header, rows = split_head(sheet.rows(), sheet.label)
            except BadInput as error:
                if len(sheets) == 1:
                    raise
                passed[sheet.label] = error
                continue
            store(con, sheet.label, header, rows)
            alike.setdefault(tuple(map(str.casefold, header.names)), []).append(sheet)
    single = len(sheets) == 1
    return Found([_table(con, path, group, single) for group in alike.values()], passed)


def _table(con: Any, path: Path, sheets: list[Sheet], single: bool) -> Raw:
    """The table of a sheet, or of several with the same columns, such as one a month."""
    if len(sheets) == 1:
        return Raw(sheets[0].label, stem_of(path) if single else sheets[0].name, path.name)
    stack(con, path.name, {sheet.label: sheet.name for sheet in sheets})
    return Raw(path.name, stem_of(path), path.name)
