"""Zip files: checked before anything in them is unpacked."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from kpi_helpers.errors import BadInput

MOST_UNPACKED = 2 << 30  # bytes of a folder of exports; the largest seen is a tenth of it
MOST_FILES = 250  # of which each is looked at for some hundredths of a second
# No export is packed to less than a hundredth, but a small one may be.
MOST_TIMES, SMALL = 100, 128 << 20
# zipfile says NotImplementedError of a compression that it does not know.
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError)


def check_unpacked(path: Path, size: int, most: int = MOST_UNPACKED) -> None:
    """Refuse a packed file that unpacks to more bytes than are read, or than a file of its size."""
    most = min(most, max(SMALL, MOST_TIMES * path.stat().st_size))
    if size > most:
        raise BadInput("too_large", file=path.name, size=size >> 20, most=most >> 20)


def check_number(path: Path, files: int) -> None:
    """Refuse a folder or an archive of more files than exports come in."""
    if files > MOST_FILES:
        raise BadInput("too_many_files", file=path.name, files=files, most=MOST_FILES)


def checked_zip(path: Path, most: int) -> zipfile.ZipFile:
    """An open zip file whose parts unpack to what they say, which is no more than ``most`` bytes.

    Raises
    ------
    BadInput
        When it is damaged, has a password, or unpacks to more.
    """
    try:
        parts = zipfile.ZipFile(path)
        inside = parts.infolist()
        if any(part.flag_bits & 1 for part in inside):
            raise BadInput("password", file=path.name)
        size = sum(part.file_size for part in inside)
        check_unpacked(path, size, most)
        broken = parts.testzip()
    except DAMAGED as error:
        raise BadInput("damaged", file=path.name, reason=str(error)) from error
    if broken is not None:
        raise BadInput("damaged", file=path.name, reason=broken)
    return parts


def unpacked(path: Path, endings: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    """Each file in a zip archive that has one of these endings, unpacked while it is looked at.

    With it comes its name, with its folders in the archive where another file bears it too.

    Raises
    ------
    BadInput
        When a name climbs out of the archive, there are too many files, or as `checked_zip`.
    """
    with checked_zip(path, MOST_UNPACKED) as parts:
        # A name that begins with a zero byte is read as none, and zipfile's is_dir fails on it.
        inside = [part for part in parts.infolist() if not part.filename.endswith("/")]
        check_number(path, len(inside))
        for part in inside:
            if _climbs(part.filename):
                raise BadInput("climbs", file=path.name, value=part.filename)
        names = [PurePosixPath(part.filename).name for part in inside]
        folded = [name.casefold() for name in names]
        for part, name in zip(inside, names, strict=True):
            if name.lower().endswith(endings) and not name.startswith((".", "~$")):
                with tempfile.TemporaryDirectory(prefix="kpi-") as folder:
                    copy = Path(folder) / name
                    with parts.open(part) as packed, open(copy, "wb") as stream:
                        shutil.copyfileobj(packed, stream)
                    yield copy, name if folded.count(name.casefold()) == 1 else part.filename


def _climbs(name: str) -> bool:
    """Whether a name leads out of the folder that it is unpacked into, on any system."""
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or parts[0] == "" or ":" in parts[0]
