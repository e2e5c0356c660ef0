"""The process that executes a notebook: started in our Python, ended with everything it started."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_client.client import KernelClient
    from jupyter_client.manager import KernelManager


@contextmanager
def kernel(variables: Mapping[str, str]) -> Iterator[KernelManager]:
    """Give a running kernel, and kill its process group whatever happens.

    Parameters
    ----------
    variables : mapping
        Environment variables of the kernel besides ours.
    """
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import KernelManager

    class Remembering(KernelManager):
        def client(self, **options: Any) -> Any:
            clients.append(super().client(**options))
            return clients[-1]

    clients: list[KernelClient] = []
    manager = Remembering(
        kernel_name="python3",
        # Without folders to look in, "python3" is the Python we run in, not a user's own kernel.
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
        client_class="jupyter_client.asynchronous.AsyncKernelClient",
        transport_encryption="auto",
    )
    with _terminated_as_interrupted():
        try:
            manager.start_kernel(
                env={**os.environ, **variables},
                extra_arguments=["--HistoryManager.hist_file=:memory:"],
            )
            yield manager
        except (KeyboardInterrupt, Terminated):
            # The event loop would complain, at length, of the work that is cut short.
            logging.getLogger("asyncio").disabled = True
            raise
        finally:
            for client in clients:
                client.stop_channels()
            if manager.has_kernel:
                manager.shutdown_kernel(now=True)


class Terminated(SystemExit):
    """The process was asked to end; raised where it stands, so that it ends in good order."""


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM unwind the stack, as SIGINT does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated(128 + number)
