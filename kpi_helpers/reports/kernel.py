"""The process that executes a notebook: forked or started, ended with everything it started."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from kpi_helpers.ending import ended_as_interrupted

if TYPE_CHECKING:
    from jupyter_client.client import KernelClient
    from jupyter_client.manager import KernelManager

    from kpi_helpers.reports.forking import Ask

# Notebooks run side by side, each on one core; and sums that several threads share out come out
# another way, in their last digit, where there are more of them.
ONE_CORE = {"OPENBLAS_NUM_THREADS": "1"}


@contextmanager
def kernels(asked: Sequence[str | bool], plain: bool = False) -> Iterator[Ask | None]:
    """Give what `kernel` needs to fork kernels; None where each is started from nothing.

    Parameters
    ----------
    asked : sequence
        The arguments of `kpi_helpers.reports.opened` with which notebooks open their data.
    plain : bool
        Whether nothing is forked; where a system cannot, nothing ever is.
    """
    from kpi_helpers.reports.forking import can_fork, server

    forks = can_fork() and not plain
    with ended_as_interrupted(), server(asked) if forks else nullcontext() as ask:
        yield ask


@contextmanager
def kernel(variables: Mapping[str, str], ask: Ask | None = None) -> Iterator[KernelManager]:
    """Give a running kernel, and kill its process group whatever happens.

    Parameters
    ----------
    variables : mapping
        Environment variables of the kernel besides ours.
    ask : callable, optional
        What `kernels` gives.
    """
    manager, clients = _manager()
    if ask:
        from kpi_helpers.reports.forking import Forked

        manager.provisioner = Forked(parent=manager, kernel_spec=manager.kernel_spec)
        manager.provisioner.ask = ask
    try:
        manager.start_kernel(
            env={**ONE_CORE, **os.environ, **variables},
            extra_arguments=["--HistoryManager.hist_file=:memory:"],
        )
        yield manager
    except KeyboardInterrupt:
        # The event loop would complain, at length, of the work that is cut short.
        logging.getLogger("asyncio").disabled = True
        raise
    finally:
        for client in clients:
            client.stop_channels()
        if manager.has_kernel:
            manager.shutdown_kernel(now=True)


def _manager() -> tuple[KernelManager, list[KernelClient]]:
    """Return what starts a kernel, and the list of the clients that it will have."""
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
    return manager, clients
