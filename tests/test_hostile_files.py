"""Files that are not what they seem: each is refused with one message, and nothing is written."""

from pathlib import Path

import pytest
from exports import PLAIN, put, refused, text_of

from kpi_helpers.errors import BadInput

TEXT = text_of(*PLAIN)
ZERO = (
    "deals.csv, line {line} holds zero bytes, which no text does: it is damaged, or UTF-16 "
    "without its mark. Save it again as CSV UTF-8."
)
BYTES = {
    "a PDF": (
        b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj",
        "deals.csv is a PDF document: no table can be read from it. "
        "Export the table as CSV or xlsx.",
    ),
    "a picture": (
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        "deals.csv is a picture: no table can be read from it. Export the table as CSV or xlsx.",
    ),
    "a broken zip": (
        b"PK\x03\x04\x14\x00\x06\x00\x08\x00" + bytes(range(256)),
        "deals.csv is damaged or incomplete (File is not a zip file). Export or copy it again.",
    ),
    "an old workbook": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "deals.csv is damaged or incomplete (Cannot detect file format). Export or copy it again.",
    ),
    "zeros": (bytes(100), ZERO.format(line=1)),
    "utf-16 without a mark": (TEXT.encode("utf-16-le"), ZERO.format(line=1)),
    "a zero far down": (TEXT.replace("Bob", "B\x00b").encode(), ZERO.format(line=3)),
}


@pytest.mark.parametrize("kind", BYTES)
def test_what_is_no_table_says_what_it_is(tmp_path: Path, kind: str) -> None:
    content, said = BYTES[kind]
    error = refused(put(tmp_path, content))
    assert isinstance(error, BadInput)
    assert str(error) == said
    assert [each.name for each in tmp_path.iterdir()] == ["deals.csv"]
