"""Files that are written whole or not at all, by one at a time, and cells that run nothing."""

from __future__ import annotations

import csv
import difflib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import pandas as pd

from kpi_helpers.errors import BadInput, KpiError, MissingColumn, first_line

# A spreadsheet may run text that begins so. Text with an apostrophe gets another, so that taking
# the first one away always gives what was there.
FORMULA_STARTS = (*"=+-@＝＋－＠\t\r\n", "'")
Change = Callable[[bytes | None], bytes]
# The mark at the start of the file is what makes Excel read accents.
ENCODING = "utf-8-sig"


def as_csv(table: pd.DataFrame) -> bytes:
    """Return a table as a CSV file; text that a spreadsheet would run gets an apostrophe.

    Examples
    --------
    >>> print(as_csv(pd.DataFrame({"name": ["=1+1"], "value": [-1.5]})).decode(ENCODING))
    "name","value"
    "'=1+1",-1.5
    <BLANKLINE>
    """
    safe = table.apply(lambda column: column.map(inert)).rename(columns=inert)
    said = safe.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    return str(said).encode(ENCODING)


def read_table(path: Path, texts: Sequence[str], numbers: Sequence[str]) -> pd.DataFrame:
    """Read a table of `as_csv` that must have some columns; the others stay text.

    Parameters
    ----------
    path : Path
    texts, numbers : sequence of str
        Columns that it must have.

    Raises
    ------
    BadInput
        Naming the file, when it cannot be read.
    MissingColumn
        When it is not the table that it should be.
    """
    try:
        read = pd.read_csv(path, dtype=str, keep_default_na=False, encoding=ENCODING)
        known = {name: pd.to_numeric(read[name]) for name in numbers if name in read}
    except (OSError, ValueError) as error:
        raise BadInput(
            "unreadable_source", file=path, reason=str(error).partition("\n")[0]
        ) from error
    for name in (*texts, *numbers):
        if name not in read:
            raise MissingColumn(table=path.name, column=name)
    return read.rename(columns=as_before).map(as_before).assign(**known)


def inert(value: object) -> object:
    """Return a value that a spreadsheet does not run."""
    risky = isinstance(value, str) and value.startswith(FORMULA_STARTS)
    return f"'{value}" if risky else value


def as_before(value: object) -> object:
    """Return a value as it was before `inert`."""
    marked = isinstance(value, str) and value.startswith(tuple(f"'{c}" for c in FORMULA_STARTS))
    return str(value)[1:] if marked else value


def updated(path: Path, change: Change) -> None:
    """Read a file, change it and write it, while nobody else who does so can.

    Parameters
    ----------
    path
        The file; of a link it is the one that it leads to.
    change
        What the file holds, None where there is none yet → what it shall hold. An error leaves
        the file as it is.

    Raises
    ------
    KpiError
        When the file cannot be read or written.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "register.csv"
    >>> for line in (b"a", b"b"):
    ...     updated(file, lambda old: (old or b"") + line)
    >>> file.read_bytes()
    b'ab'
    """
    all_updated({path: change})


def all_updated(changes: Mapping[Path, Change]) -> None:
    """Change several files as `updated` does one: all of them or, after any error, none.

    All is made, and written beside the files, before the first of them is replaced; what was there
    is kept until the last one is. A process that is killed between two renames leaves those before
    it done: give the file by which the others are read last.
    """
    with ExitStack() as held:
        # In one order, so that two who save never wait for each other.
        real = {path: path.resolve() for path in changes}
        before = {path: held.enter_context(_opened(path)) for path in sorted(real.values())}
        after = {real[path]: change(before[real[path]]) for path, change in changes.items()}
        drafts: dict[Path, tuple[Path, Path]] = {}
        for path in [path for path, new in after.items() if new != before[path]]:
            with naming(path):
                new, old = (_draft(path, after[path], "new"), _draft(path, before[path], "old"))
                drafts[path] = held.enter_context(new), held.enter_context(old)
        with ExitStack() as undo:
            for path, (draft, kept) in drafts.items():
                undo.callback(_put_back, path, kept)
                with naming(path):
                    os.replace(draft, path)
                    to_disk(path.parent)
            undo.pop_all()


def saved(path: Path, content: bytes) -> None:
    """Put a whole content in the place of a file; who may read it stays as it was."""
    with _draft(path, content, "new") as draft:
        os.replace(draft, path)
        to_disk(path.parent)


@contextmanager
def _opened(path: Path) -> Iterator[bytes | None]:
    """Hold a file of which nobody else who saves can have the lock, and give what it holds."""
    with ExitStack() as held:
        with naming(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(locked(path, wait=True))
            content = path.read_bytes() if path.exists() else None
        yield content


@contextmanager
def _draft(path: Path, content: bytes | None, kind: str) -> Iterator[Path]:
    """Give a file beside another with what that shall hold, if anything."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{kind}")
    try:
        if content is not None:
            draft.write_bytes(content)
            if path.exists():
                shutil.copymode(path, draft)
            to_disk(draft)
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _put_back(path: Path, kept: Path) -> None:
    """Let a file be again what is kept of it, or gone where it was not there."""
    if kept.exists():
        os.replace(kept, path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Say of which file an error of the system is, or that no file can have such a name."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a name that no system takes
        file = path.name if os.path.isdir(path.parent) else path
        raise KpiError("not_written", file=file, reason=first_line(error)) from error


def difference(file: str, before: str, after: str) -> list[str]:
    r"""The lines of a unified diff between two texts of a file.

    Examples
    --------
    >>> difference("a.csv", "x", "x\ny")
    ['--- a.csv', '+++ a.csv', '@@ -1 +1,2 @@', ' x', '+y']
    """
    texts = (before.splitlines(), after.splitlines())
    return [*difflib.unified_diff(*texts, file, file, lineterm="")]


def to_disk(path: Path) -> None:
    """Have the system write down what it holds of a file or folder."""
    if path.is_dir() and sys.platform == "win32":
        return  # Windows does not open folders
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(path: Path, wait: bool = False) -> Iterator[None]:
    """Hold the lock of a file or folder, which lies beside it.

    The system drops it when the process ends, however it ends.

    Raises
    ------
    BlockingIOError
        When another process holds it, unless one waits.
    """
    with path.with_name(f".{path.name}.lock").open("a") as file:
        try:
            _lock(file, wait)
        except OSError as error:  # systems have several for it
            raise BlockingIOError(*error.args) from error
        yield


def _lock(file: IO[str], wait: bool) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
