"""What ends a process from outside: a system that stops it, and a terminal that closes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = ("SIGTERM", "SIGHUP")  # Windows has no SIGHUP
INTERRUPTED = 130


class Ended(KeyboardInterrupt):
    """The process was asked to end: as from the keyboard, for engines then drop their queries."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = 128 + number


@contextmanager
def ended_as_interrupted() -> Iterator[None]:
    """Let signals that would kill the process at once unwind the stack, as Ctrl-C does.

    A signal that is ignored (``nohup``), or that somebody else handles, is left alone.

    Examples
    --------
    >>> try:
    ...     with ended_as_interrupted():
    ...         signal.raise_signal(signal.SIGTERM)
    ... except KeyboardInterrupt as error:
    ...     code_of(error)
    143
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
    ours = [each for each in numbers if signal.getsignal(each) is signal.SIG_DFL]
    for each in ours:
        signal.signal(each, _end)
    try:
        yield
    finally:
        for each in ours:
            signal.signal(each, signal.SIG_DFL)


def code_of(error: BaseException | None) -> int | None:
    """Return the exit code of what ended a command, if something did.

    Engines, and we, make other errors of the one of Python.

    Examples
    --------
    >>> code_of(KeyboardInterrupt()), code_of(ValueError())
    (130, None)
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return None if error is None else getattr(error, "code", INTERRUPTED)


def _end(number: int, frame: FrameType | None) -> None:
    raise Ended(number)
