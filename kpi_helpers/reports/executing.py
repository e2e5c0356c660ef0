"""A notebook executed by papermill: finished, and the same bytes for the same input."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from kpi_helpers.errors import ReportFailed
from kpi_helpers.language import Phrase
from kpi_helpers.reports.kernel import kernel
from kpi_helpers.reports.pack import reason
from kpi_helpers.reports.tables import FOLDER_VARIABLE

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from kpi_helpers.reports.forking import Ask

WORKERS = 2
START_SECONDS = 60
CELL_SECONDS = 900
INJECTED = "injected-parameters"
ADDRESS = re.compile(r" at 0x[0-9a-f]+")

Progress = Callable[..., None]
T = TypeVar("T")


def executed(
    notebook: Path,
    parameters: Mapping[str, Any],
    tables: Path,
    progress: Progress,
    ask: Ask | None = None,
) -> NotebookNode:
    """Execute a notebook in a kernel of its own.

    Parameters
    ----------
    notebook : Path
    parameters : mapping
        All parameters of the notebook, checked.
    tables : Path
        Folder that receives the tables of its last cell.
    progress : callable
        Called with ``n``, the number of cells begun, and their ``total``.
    ask : callable, optional
        What `kpi_helpers.reports.kernel.kernels` gives.

    Raises
    ------
    ReportFailed
        When a cell fails or takes more than a quarter of an hour, when the kernel dies, or when
        the notebook did not come to its end.
    """
    import nbformat
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    # papermill says on its log what it is told to do; here the report speaks.
    logging.getLogger("papermill").setLevel(logging.ERROR)
    source = nbformat.read(notebook, as_version=4)
    total = len(source.cells) + 1
    try:
        with kernel({FOLDER_VARIABLE: str(tables.resolve())}, ask) as manager:
            done = papermill.execute_notebook(
                source,
                None,
                parameters=dict(parameters),
                progress_bar=False,
                start_timeout=START_SECONDS,
                execution_timeout=CELL_SECONDS,
                record_timing=False,
                on_cell_start=lambda cell, cell_index: progress(n=cell_index + 1, total=total),
                km=manager,
            )
    except papermill.PapermillExecutionError as error:
        raise _failed(notebook, reason(error.evalue or error.ename)) from error
    except (CellTimeoutError, DeadKernelError, RuntimeError) as error:
        raise _failed(notebook, str(error).partition("\n")[0]) from error
    _check_finished(done, notebook)
    return _settled(done, parameters)


def together(jobs: Sequence[Callable[[], T]], ask: Ask | None) -> list[T]:
    """Do what executes notebooks, two at a time where kernels are forked, and give what each gives.

    When one fails, or we are told to end, the kernels of the others end at once.

    Parameters
    ----------
    jobs : sequence of callable
    ask : callable or None
        What `kpi_helpers.reports.kernel.kernels` gives.

    Raises
    ------
    ReportFailed
        Of the first job that failed, in their order.
    """
    if ask is None:
        return [job() for job in jobs]
    with ThreadPoolExecutor(WORKERS) as pool:
        begun = [pool.submit(_in_thread, job) for job in jobs]
        try:
            return [each.result() for each in begun]
        finally:
            for each in begun:
                each.cancel()
            while wait(begun, 0.2).not_done:
                with suppress(RuntimeError):
                    ask(end=True)


def _in_thread(job: Callable[[], T]) -> T:
    """Do a job, and close the event loop that clients of kernels make in every thread."""
    from jupyter_core.utils import ensure_event_loop

    with closing(ensure_event_loop()):
        return job()


def _failed(notebook: Path, reason: object) -> ReportFailed:
    return ReportFailed(report=notebook.stem, reason=reason)


def _check_finished(done: NotebookNode, notebook: Path) -> None:
    """Trust what was executed, not papermill's word: it calls cells completed that never ran."""
    cells = [cell for cell in done.cells if cell.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    every_cell = all(cell.execution_count for cell in cells)
    no_error = all(output.output_type != "error" for output in outputs)
    last = cells[-1].outputs[-1:] if cells else []
    at_its_end = any("<finished" in o.get("data", {}).get("text/plain", "") for o in last)
    if not (every_cell and no_error and at_its_end):
        raise _failed(notebook, Phrase("report.unfinished"))


def _settled(done: NotebookNode, parameters: Mapping[str, Any]) -> NotebookNode:
    """Leave out what differs from run to run: times, paths, random ids and places in memory."""
    done.metadata.papermill = {"parameters": json.loads(json.dumps(parameters))}
    for number, cell in enumerate(done.cells):
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if INJECTED in cell.metadata.get("tags", ()):
            cell.id = f"{INJECTED}-{number}"
        for output in cell.get("outputs", ()):
            _settle_output(output.get("data", {}))
    return done


def _settle_output(forms: dict[str, Any]) -> None:
    plain = forms.pop("text/plain", None)
    if plain is not None and "text/html" not in forms:
        forms["text/plain"] = ADDRESS.sub("", plain)
