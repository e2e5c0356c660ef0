"""A PDF read back: its words, and what in it would run or lead out."""

from pathlib import Path
from typing import Any

from pypdf import PdfReader

ACTIVE = {"/JavaScript", "/JS", "/Launch", "/SubmitForm", "/URI", "/EmbeddedFile", "/OpenAction"}


def words(path: Path) -> str:
    """Return all that is read on the sheets."""
    return "\n".join(page.extract_text() for page in PdfReader(path).pages)


def objects(path: Path) -> list[dict[str, Any]]:
    """Return the dictionaries of a PDF."""
    reader = PdfReader(path)
    found = (reader.get_object(n) for n in range(1, int(str(reader.trailer["/Size"]))))
    return [each for each in found if isinstance(each, dict)]


def active(path: Path) -> list[dict[str, Any]]:
    """Return what a reader of PDF would run or open by itself."""
    return [each for each in objects(path) if {*each} & ACTIVE or each.get("/S") in ACTIVE]
