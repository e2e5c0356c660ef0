"""A folder that is written whole or not at all, by one run at a time."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from kpi_helpers.errors import KpiError, ReportFailed
from kpi_helpers.language import Phrase
from kpi_helpers.sources.saving import locked, to_disk

MARK = "run.json"
# What systems say when a file has no room left: on the disk, in a quota, under a limit.
NO_ROOM = tuple(os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
NOT_HERE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR}
NOT_HERE |= {errno.ENOENT, errno.ENAMETOOLONG}


@contextmanager
def writing(target: Path) -> Iterator[Path]:
    """Give an empty folder beside the target, and put it in the target's place at the end.

    Whatever goes wrong before that leaves the target as it was.

    Parameters
    ----------
    target : Path
        The folder of the pack. One that exists is replaced only if it holds a pack; of a link it is
        the folder that it leads to.

    Raises
    ------
    KpiError
        When the target holds something else, or lies in a pack, which the next run would replace.
    ReportFailed
        When another run is writing there.

    Examples
    --------
    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp())
    >>> with writing(place / "2026Q3") as folder:
    ...     _ = (folder / MARK).write_text("{}")
    >>> [path.name for path in (place / "2026Q3").iterdir()]
    ['run.json']
    """
    target = target.resolve()
    for folder in target.parents:
        if (folder / MARK).is_file():
            raise KpiError("inside_a_pack", folder=folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft, old = (target.with_name(f".{target.name}.{end}") for end in ("new", "old"))
    with alone(target):
        _recover(target, old)
        if target.exists() and not (target / MARK).is_file():
            raise KpiError("not_a_pack", folder=target)
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        try:
            yield draft
            _put(draft, target, old)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _put(draft: Path, target: Path, old: Path) -> None:
    for path in [*draft.rglob("*"), draft]:
        to_disk(path)
    if target.exists():
        os.replace(target, old)
    try:
        os.replace(draft, target)
    except BaseException:
        _recover(target, old)
        raise
    to_disk(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def _recover(target: Path, old: Path) -> None:
    """Undo a replacement that was cut between its two steps."""
    if old.exists() and not target.exists():
        os.replace(old, target)
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def alone(target: Path) -> Iterator[None]:
    """Keep other runs from writing in a place; where one does, say so.

    Raises
    ------
    ReportFailed
    """
    try:
        lock = ExitStack()
        lock.enter_context(locked(target))
    except BlockingIOError as error:
        raise ReportFailed(report=target.name, reason=Phrase("report.locked")) from error
    with lock:
        yield


def reason(said: str) -> str | Phrase:
    """Return why something could not be written, in the reader's language for a full disk.

    Examples
    --------
    >>> reason(os.strerror(errno.ENOSPC)), reason("Permission denied")
    (Phrase(key='report.disk_full', values={}), 'Permission denied')
    """
    return Phrase("report.disk_full") if any(full in said for full in NO_ROOM) else said


def refusal(error: OSError) -> str | Phrase:
    """Return why the system did not write a pack, with the place where that is its fault."""
    said = error.strerror or str(error)
    if error.errno in NOT_HERE and error.filename:
        return Phrase("report.not_here", {"place": str(error.filename), "reason": said})
    return reason(said)
