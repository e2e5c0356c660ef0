"""A report from its parameters to its folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from kpi_helpers.benchmarking import sellers
from kpi_helpers.ending import ended_as_interrupted
from kpi_helpers.errors import KpiError, ReportFailed, Unavailable, unknown
from kpi_helpers.language import Phrase
from kpi_helpers.measure.settings import check_segments
from kpi_helpers.reports import pack, places
from kpi_helpers.reports.catalogue import methods_page
from kpi_helpers.reports.difference import recorded
from kpi_helpers.reports.executing import Progress, executed, together
from kpi_helpers.reports.exporting import Made, check_forms, export
from kpi_helpers.reports.facts import facts
from kpi_helpers.reports.forecasts import forecasts_beside, keep
from kpi_helpers.reports.index import FINDINGS, METHODS, index, merged
from kpi_helpers.reports.kernel import kernels
from kpi_helpers.reports.known import remember
from kpi_helpers.reports.naming import folder_name
from kpi_helpers.reports.opening import chosen, opened
from kpi_helpers.reports.page import page
from kpi_helpers.reports.parameters import of_each
from kpi_helpers.reports.record import record, scrub, scrubbed, secrets
from kpi_helpers.reports.sections import VIEWS, has
from kpi_helpers.reports.tables import ROW_LEVEL, TABLES, alerts_told, gather, read_csv
from kpi_helpers.selection import business
from kpi_helpers.sources.asked import covered
from kpi_helpers.sources.brand import brand

if TYPE_CHECKING:
    import pandas as pd
    from nbformat import NotebookNode

    from kpi_helpers.periods import Period
    from kpi_helpers.reports.forking import Ask
    from kpi_helpers.sources import Dataset

# What a notebook need not declare.
USUAL: dict[str, Any] = {
    **dict.fromkeys(("data", "config", "by", "as_of", "segment", "before", "lang"), ""),
    **{"period": "last", "kpis": [], "share": False},
}
OPENED = ("data", "config", "as_of", "lang", "share")
# Where things lie: what stays in the house when a report is shared.
PLACES = ("data", "config", "before")


Start = Callable[[], AbstractContextManager["Ask | None"]]


class Asked(NamedTuple):
    """What a report is about: the parameters of each notebook and of all, and what they name."""

    each: Mapping[Path, Mapping[str, Any]]
    values: dict[str, Any]
    data: Dataset
    period: Period
    kpis: Sequence[str]
    brand: dict[str, str]

    @property
    def opening(self) -> list[Any]:
        """The arguments with which notebooks open their data."""
        return [self.values[name] for name in OPENED]

    @property
    def address(self) -> str:
        """Where the data are."""
        return self.values["data"] or self.data.config.source or ""

    @property
    def hidden(self) -> list[str]:
        """What must not be written."""
        return secrets(self.address, self.data.config.password_env)


def run(
    parameters: Mapping[str, Any] | None = None,
    out: Path | str = "reports",
    progress: Progress = lambda step, **values: None,
    sources: Sequence[Path] = (),
    forms: Sequence[str] = (),
    plain: bool = False,
) -> Path:
    """Make the report of a period: whole, or not at all.

    Parameters
    ----------
    parameters : mapping, optional
        Name → JSON value, among those of the notebooks' parameters cells; defaults for the others.
    out : Path
        The folder that receives the report's own folder, named after the period.
    progress : callable
        Called with the step (``reading``, ``executing``, ``writing``, ``done``) and its values.
    sources : sequence of Path
        The notebooks to execute; by default all that are shipped for reports.
    forms : sequence of str
        What else to write into the folder: ``pdf``, ``xlsx``, ``pptx``.
    plain : bool
        Whether each notebook gets a Python of its own, rather than a fork of one that has read the
        data; where a system cannot fork, it does.

    Returns
    -------
    Path
        The folder: the index and the pages, the executed notebooks, ``tables/`` and ``run.json``.

    Raises
    ------
    KpiError
        Before a kernel starts, for parameters, data, periods, KPIs, dimensions or segments that do
        not exist, and for a form whose package is not installed.
    ReportFailed
        When a notebook fails, another run is writing the same report, or the disk is full.
    """
    check_forms(forms)
    asked = understood(parameters or {}, sources, progress)
    check(asked.data, asked.period, asked.values["by"], asked.values["segment"])
    return written(asked, Path(out), progress, forms, partial(kernels, asked.opening, plain))


def understood(parameters: Mapping[str, Any], sources: Sequence[Path], progress: Progress) -> Asked:
    """Read the data that parameters name, and check what they say of them but for a filter."""
    each = of_each(parameters, sources or places.of_reports())
    values = dict(USUAL)
    for own in reversed(each.values()):
        values |= own
    progress("reading")
    data = opened(*(values[name] for name in OPENED))
    period = data.config.calendar.parse(values["period"], data.as_of, data.first)
    kpis = chosen(data, values["kpis"], values["period"])
    if values["before"]:
        recorded(Path(values["before"]))
    if us := values.get("us"):
        with suppress(Unavailable):  # of a market without figures the page says so
            sellers(data, values["period"], us)
    return Asked(each, values, data, period, kpis, brand(data.config))


def written(
    asked: Asked, out: Path, progress: Progress, forms: Sequence[str], start: Start
) -> Path:
    """Write the pack of what is asked, whole or not at all, and return its folder."""
    values, data = asked.values, asked.data
    target = out / folder_name(asked.period.name, values["segment"], values["share"])
    replaced = _asked_of(target)
    hidden = asked.hidden
    with saying(target.name, hidden), ended_as_interrupted(), pack.writing(target) as folder:
        with start() as ask:
            done, findings, tables = _executed(asked.each, folder, progress, ask)
            data.memory.update(ask(checks=True) if ask else {})
        progress("writing")
        said = facts(data, asked.period, values["segment"])
        made = _pages(asked, said, done, tables, findings)
        if not values["share"]:
            remember(data, folder)
        told = values | (dict.fromkeys(PLACES, "") if values["share"] else {})
        handed = {"exports": sorted(forms), "forecasts_read": forecasts_beside(target)}
        made[pack.MARK] = _json(record(data, asked.period, told, asked.kpis) | handed)
        if (alerts := folder / TABLES / "alerts.csv").exists():
            made["alerts.json"] = _json(alerts_told(read_csv(alerts)))
        for name, content in made.items():
            (folder / name).write_text(content, "utf-8")
        paths = places.named_in(asked.address, values["config"], values["before"], data.config.file)
        scrub(folder, [*(paths if values["share"] else []), *hidden])
        # From what has been scrubbed: in a compressed file no secret would be found.
        export(Made(folder, data, said, done, tables, asked.kpis), forms)
    # Of the whole, and under the name that the next report knows: else none could be judged.
    if not (values["segment"] or values["share"]):
        keep(data, target)
    _end(progress, replaced)
    return target


def _end(progress: Progress, replaced: dict[str, str]) -> None:
    """Say what report this one has taken the place of, and that it is done."""
    if replaced:
        progress("replaced", **replaced)
    progress("done")


def _asked_of(target: Path) -> dict[str, str]:
    """Return by what and in which language the report was made that a folder holds, if any."""
    try:
        asked = recorded(target)["parameters"]
    except KpiError:
        return {}
    by, language = (asked.get(name) or "–" for name in ("by", "lang"))
    return {"report": target.name, "by": by, "language": language}


def _pages(
    asked: Asked,
    said: Mapping[str, str],
    done: Mapping[str, NotebookNode],
    tables: Mapping[Path, str],
    findings: pd.DataFrame,
) -> dict[str, str]:
    """Return the pages, and the executed notebooks of a pack, by their file."""
    data, share = asked.data, asked.values["share"]
    made = {"index.html": index(data, said, done, tables, findings)}
    made[METHODS] = methods_page(data, said, tables)
    for stem, notebook in done.items():
        drawn = partial(page, notebook, said, data.config.lang, brand=asked.brand)
        made[f"{stem}.html"] = drawn()
        for view in filter(partial(has, notebook), VIEWS):
            made[f"{stem}.{view}.html"] = drawn(view)
        if not share:
            made[f"{stem}.ipynb"] = _json(notebook)
    return made


def _executed(
    each: Mapping[Path, Mapping[str, Any]], folder: Path, progress: Progress, ask: Ask | None
) -> tuple[dict[str, NotebookNode], pd.DataFrame, dict[Path, str]]:
    """Execute the notebooks, and put their tables together in the order of the notebooks.

    Returns
    -------
    dict, DataFrame, dict
        Stem → executed notebook, the findings of all, and table → its notebook,
        empty for that of the findings.
    """
    jobs = []
    for place, (source, values) in enumerate(each.items(), 1):
        counted = {"name": source.stem, "place": place, "notebooks": len(each)}
        step = partial(progress, "executing", **counted)
        jobs.append(partial(executed, source, values, folder / source.stem, step, ask))
    done = {source.stem: made for source, made in zip(each, together(jobs, ask), strict=True)}
    findings = {}
    tables: dict[Path, str] = {}
    for source, values in each.items():
        parts = folder / source.stem
        own = parts / f"{FINDINGS}.csv"
        found = read_csv(own) if own.exists() else None
        left = ROW_LEVEL if values.get("share") else ()
        named = gather(parts, folder / TABLES, [FINDINGS, *left])
        for name in named.values():
            tables.setdefault(folder / TABLES / f"{name}.csv", source.stem)
        if found is not None:
            findings[source.stem] = found.assign(table=found["table"].replace(named))
        shutil.rmtree(parts, ignore_errors=True)
    if findings:
        tables[folder / TABLES / f"{FINDINGS}.csv"] = ""
    return done, merged(folder / TABLES, findings), tables


@contextmanager
def saying(report: str, hidden: Sequence[str]) -> Iterator[None]:
    """Say what the system or a notebook refused, without a secret that its words may hold."""
    try:
        yield
    except OSError as error:
        raise ReportFailed(report=report, reason=pack.refusal(error)) from error
    except ReportFailed as error:
        reason = error.values.get("reason")
        if isinstance(reason, str):
            reason = scrubbed(reason.encode(), hidden).decode()
        raise ReportFailed(error.key, **{**error.values, "reason": reason}) from None


def check(data: Dataset, period: Period, by: str = "", segment: str = "") -> None:
    """Raise for a period outside the data, a dimension that no table has, a segment that is none.

    Raises
    ------
    BadPeriod
        With the days that the data cover.
    UnknownName
        With the nearest dimensions or segments, or the allowed names of a business.
    BadConfig
        For a segment that filters by what no table has.
    """
    covered(data, period)
    business(data)
    dimensions = sorted({each for table in data.tables for each in data.dimensions(table)})
    for kind, name, allowed in (
        ("dimension", by, dimensions),
        ("segment", segment, data.config.segments),
    ):
        if name and name not in allowed:
            error = unknown(kind, name, allowed)
            fixes = {"shared": data.masked, "segment": kind == "segment"}
            fix = next((fix for fix, holds in fixes.items() if holds), None)
            error.values["fix"] = Phrase(f"errors.fixes.{fix}", {"name": name}) if fix else None
            raise error
    check_segments(data, [segment] if segment else [])


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"
