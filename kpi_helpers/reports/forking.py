"""Kernels forked from a process that has imported the libraries and read the data once.

Importing, reading and checking cost more than most notebooks do. The server is started by a report,
does this once, and then forks a kernel whenever it is told to: each finds everything in its place.
It ends when the report does, in whatever way, since then their channel closes, and it ends its
kernels with it; a kernel whose server was ended sees so by itself, as every kernel does.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any, NoReturn

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from kpi_helpers.reports.kernel import ONE_CORE
from kpi_helpers.reports.opening import parted, read

# What the notebooks use. Nothing here starts a thread that a fork would leave behind.
IMPORTED = (
    *("ipykernel.kernelapp", "ipykernel.ipkernel", "kpi_helpers.reports", "kpi_helpers.charts"),
    *("kpi_helpers.sheets", "kpi_helpers.wording", "kpi_helpers.actions", "kpi_helpers.drivers"),
    *("matplotlib.pyplot", "seaborn", "great_tables", "statsmodels.api", "statsmodels.tsa.api"),
    *("scipy.stats", "scipy.optimize", "ibis.backends.duckdb"),
)
# Objects that may be made before garbage is looked for; a kernel lives too short for more often.
YOUNG = 100_000
START = "from kpi_helpers.reports.forking import serve; serve()"

Ask = Callable[..., Any]


def can_fork() -> bool:
    """Return whether a process may be copied as it stands: macOS's libraries do not survive it."""
    return hasattr(os, "fork") and sys.platform != "darwin"


@contextmanager
def server(asked: Sequence[str | bool]) -> Iterator[Ask]:
    """Give what asks a server of its own; the server and its kernels end with the ``with``.

    Parameters
    ----------
    asked : sequence
        The arguments of `kpi_helpers.reports.opened` with which notebooks open their data.
    """
    ours, theirs = Pipe()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-c", START],
            stdin=theirs.fileno(),
            env={
                "MPLBACKEND": "module://matplotlib_inline.backend_inline",
                **ONE_CORE,
                **os.environ,
            },
            start_new_session=True,  # what is typed at the terminal is not for it
        )
    lock = threading.Lock()

    def ask(**request: Any) -> Any:
        with lock:
            try:
                ours.send(request)
                return ours.recv()
            except (OSError, EOFError) as error:
                raise RuntimeError("the process that starts kernels has ended") from error

    try:
        with ours:
            ours.send(asked)
            yield ask
    finally:
        process.wait()


class Forked(LocalProvisioner):
    """A kernel that a server forks, for a `jupyter_client.KernelManager`."""

    ask: Ask
    process: Any = None

    async def launch_kernel(self, cmd: list[str], **more: Any) -> Any:
        """Have the kernel forked, on the words that follow the name of the program."""
        words = cmd[cmd.index("-f") :]
        self.cwd = Path(more.get("cwd") or Path.cwd())
        pid = self.ask(words=words, env=more["env"], folder=str(self.cwd))
        self.process = _Process(pid, self.ask)
        self.pid = self.pgid = pid
        return self.connection_info


class _Process:
    """A kernel as `subprocess.Popen` shows a process: it is not our child, so the server waits."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, ask: Ask) -> None:
        self.pid, self.ask = pid, ask
        self.code: int | None = None

    def poll(self) -> int | None:
        if self.code is None:
            try:
                self.code = self.ask(pid=self.pid)
            except RuntimeError:
                self.code = -signal.SIGKILL
        return self.code

    wait = poll

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def serve() -> None:
    """Import, read and check once, then fork kernels until the report closes the channel."""
    channel = Connection(os.dup(0))
    gc.set_threshold(YOUNG)
    for name in IMPORTED:
        import_module(name)
    kernels: set[int] = set()
    try:
        with suppress(EOFError, ConnectionError):  # the report has ended
            checks = read(*channel.recv())
            gc.freeze()  # memory that nobody writes into is shared, and collecting garbage writes
            while request := channel.recv():
                channel.send(_answer(request, channel, kernels, checks))
    finally:
        _end(kernels)


def _answer(
    request: dict[str, Any], channel: Connection, kernels: set[int], checks: Mapping[str, Any]
) -> Any:
    """Do what the report asks for: give the checks, end all kernels, look after one or fork one."""
    if "checks" in request:
        return checks
    if "end" in request:
        return _end(kernels)
    if "pid" in request:
        return _code(request["pid"], kernels)
    pid = os.fork() or _become(channel, **request)
    os.setpgid(pid, pid)
    kernels.add(pid)
    return pid


def _end(kernels: Iterable[int]) -> None:
    for pid in kernels:
        os.killpg(pid, signal.SIGKILL)


def _code(pid: int, kernels: set[int]) -> int | None:
    """Return the exit code of a kernel; None while it runs."""
    if pid not in kernels:
        return 0
    ended, status = os.waitpid(pid, os.WNOHANG)
    if not ended:
        return None
    kernels.remove(pid)
    return os.waitstatus_to_exitcode(status)


def _become(
    channel: Connection, words: Sequence[str], env: Mapping[str, str], folder: str
) -> NoReturn:
    """Be a kernel, and the leader of all that it starts, until it is told to end."""
    from ipykernel.kernelapp import IPKernelApp

    try:
        os.setpgid(0, 0)
        channel.close()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.clear()
        os.environ.update(env)
        os.chdir(folder)
        parted()
        # A kernel of its own would import the kit, which then tells IPython how to show it.
        own = ("--ext=kpi_helpers", f"--IPKernelApp.parent_handle={os.getppid()}")
        IPKernelApp.launch_instance([*words, *own])
    finally:
        os._exit(0)
