"""A report from its parameters to its folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpi_helpers.errors import BadPeriod, ReportFailed, unknown
from kpi_helpers.measure.settings import check_segments
from kpi_helpers.reports import pack
from kpi_helpers.reports.executing import executed
from kpi_helpers.reports.facts import facts
from kpi_helpers.reports.naming import folder_name
from kpi_helpers.reports.opening import chosen, opened
from kpi_helpers.reports.page import page
from kpi_helpers.reports.parameters import checked, declared
from kpi_helpers.reports.places import notebooks
from kpi_helpers.reports.record import record, scrub, secrets

if TYPE_CHECKING:
    from kpi_helpers.periods import Period
    from kpi_helpers.sources import Dataset

NOTEBOOK = "01_kpi_evaluation"


def run(
    parameters: Mapping[str, Any] | None = None,
    out: Path | str = "reports",
    progress: Callable[..., None] = lambda step, **values: None,
    notebook: Path | None = None,
) -> Path:
    """Make the report of a period: whole, or not at all.

    Parameters
    ----------
    parameters : mapping, optional
        Name → JSON value, among those of the notebook's parameters cell; defaults for the others.
    out : Path
        The folder that receives the report's own folder, named after the period.
    progress : callable
        Called with the step (``reading``, ``executing``, ``writing``, ``done``) and its values.
    notebook : Path, optional
        The notebook to execute; by default the shipped evaluation.

    Returns
    -------
    Path
        The folder: the page, the executed notebook, ``tables/`` and ``run.json``.

    Raises
    ------
    KpiError
        Before a kernel starts, for parameters, data, periods, KPIs or dimensions that do not
        exist.
    ReportFailed
        When the notebook fails, another run is writing the same report, or the disk is full.
    """
    source = notebook or notebooks() / f"{NOTEBOOK}.ipynb"
    values = checked(parameters or {}, declared(source))
    progress("reading")
    data = opened(values["data"], values["config"], values["as_of"], values["lang"])
    period = data.config.calendar.parse(values["period"], data.as_of, data.first)
    kpis = chosen(data, values["kpis"])
    check(data, period, values["by"], values["segment"])
    target = Path(out) / folder_name(period.name, values["segment"])
    with _said(source.stem), pack.writing(target) as folder:
        step = partial(progress, "executing", name=source.stem)
        done = executed(source, values, folder / "tables", step)
        progress("writing")
        said = facts(data, period, values["segment"])
        made = {
            f"{source.stem}.ipynb": _json(done),
            f"{source.stem}.html": page(done, said, data.config.lang),
            pack.MARK: _json(record(data, period, values, kpis)),
        }
        for name, content in made.items():
            (folder / name).write_text(content, "utf-8")
        address = values["data"] or data.config.source or ""
        scrub(folder, secrets(address, data.config.password_env))
    progress("done")
    return target


@contextmanager
def _said(report: str) -> Iterator[None]:
    """Say what the system refused: a full disk, a folder that may not be written."""
    try:
        yield
    except OSError as error:
        raise ReportFailed(report=report, reason=error.strerror or str(error)) from error


def check(data: Dataset, period: Period, by: str = "", segment: str = "") -> None:
    """Raise for a period outside the data, a dimension that no table has, a segment that is none.

    Raises
    ------
    BadPeriod
        With the days that the data cover.
    UnknownName
        With the nearest dimensions or segments.
    BadConfig
        For a segment that filters by what no table has.
    """
    if period.start > data.as_of or period.end <= data.first:
        raise BadPeriod("no_data", period=period.name, first=data.first, last=data.as_of)
    dimensions = sorted({each for table in data.tables for each in data.dimensions(table)})
    if by and by not in dimensions:
        raise unknown("dimension", by, dimensions)
    if segment and segment not in data.config.segments:
        raise unknown("segment", segment, data.config.segments)
    check_segments(data, [segment] if segment else [])


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"
