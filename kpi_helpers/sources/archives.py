"""Zip files: checked before anything in them is unpacked."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from kpi_helpers.errors import BadInput


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
        if size > most:
            raise BadInput("too_large_zip", file=path.name, size=size >> 20, most=most >> 20)
        broken = parts.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        raise BadInput("damaged", file=path.name, reason=str(error)) from error
    if broken is not None:
        raise BadInput("damaged", file=path.name, reason=broken)
    return parts
