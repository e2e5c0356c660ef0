"""A report for each value of a dimension, or for each named filter, and one page over them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from kpi_helpers.errors import KpiError, unknown
from kpi_helpers.language import text
from kpi_helpers.reports.exporting import check_forms
from kpi_helpers.reports.facts import facts
from kpi_helpers.reports.kernel import kernels
from kpi_helpers.reports.naming import folder_name, overview_name
from kpi_helpers.reports.pack import alone
from kpi_helpers.reports.page import page
from kpi_helpers.reports.running import Asked, check, saying, understood, written
from kpi_helpers.reports.tables import TABLES, read_csv
from kpi_helpers.sources.saving import saved

if TYPE_CHECKING:
    import pandas as pd

    from kpi_helpers.reports.executing import Progress
    from kpi_helpers.sources import Dataset

# Instead of a dimension: the filters that kpi.toml names.
SEGMENTS = "segments"
HEADLINE = 6
COMPARED = "compared.csv"


class Batch(NamedTuple):
    """The page over the packs of a batch; the folder of each, or why there is none."""

    overview: Path
    packs: Mapping[str, Path | KpiError]


def run_each(
    dimension: str,
    parameters: Mapping[str, Any] | None = None,
    out: Path | str = "reports",
    progress: Progress = lambda step, **values: None,
    forms: Sequence[str] = (),
    plain: bool = False,
) -> Batch:
    """Make a report for each value of a dimension; one that fails does not stop the others.

    Parameters
    ----------
    dimension : str
        Of any table, such as ``team``; ``segments`` for the filters that ``kpi.toml`` names.
    parameters, out, progress, forms, plain
        As for `kpi_helpers.reports.run`. A ``segment`` among the parameters holds for all.

    Raises
    ------
    UnknownName
        For a dimension that no table has, or by which a shared report hides figures.
    KpiError
        As `kpi_helpers.reports.run`, before a kernel starts.
    """
    check_forms(forms)
    asked = understood(parameters or {}, (), progress)
    check(asked.data, asked.period, asked.values["by"], asked.values["segment"])
    filters = filters_of(asked.data, dimension, asked.values["segment"])
    named = folder_name(asked.period.name, asked.values["segment"], asked.values["share"])
    overview = Path(out) / overview_name(named, dimension)
    packs: dict[str, Path | KpiError] = {}
    with saying(overview.name, asked.hidden):
        overview.parent.mkdir(parents=True, exist_ok=True)
        with alone(overview), kernels(asked.opening, plain) as ask:
            for pack, (name, where) in enumerate(filters.items()):
                step = partial(progress, pack=pack, packs=len(filters), scope=name)
                try:
                    one = _only(asked, where)
                    packs[name] = written(one, Path(out), step, forms, partial(nullcontext, ask))
                except KpiError as error:
                    packs[name] = error
            saved(overview, _overview(asked, dimension, packs).encode())
    return Batch(overview, packs)


def filters_of(data: Dataset, dimension: str, within: str = "") -> dict[str, str]:
    """Return the filter of each value of a dimension; rows without a value belong to none.

    Parameters
    ----------
    data : Dataset
    dimension : str
    within : str
        A named filter that holds for all.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> [*filters_of(kh.load("data/sample"), "team").items()][0]
    ('Équipe A', "team == 'Équipe A'")
    """
    if dimension == SEGMENTS:
        filters = {name: name for name in data.config.segments}
    else:
        values = sorted({value for each in data.tables for value in _values(data, each, dimension)})
        filters = {str(value): f"{dimension} == {value!r}" for value in values}
    if not filters or dimension in data.masked:
        every = {each for table in data.tables for each in data.dimensions(table)}
        named = {SEGMENTS} if data.config.segments else set()
        raise unknown("dimension", dimension, sorted((named | every) - data.masked - {dimension}))
    if not within:
        return filters
    own = data.config.segments
    also = f"({own[within]}) and"
    return {name: f"{also} ({own.get(where, where)})" for name, where in filters.items()}


def _values(data: Dataset, table: str, dimension: str) -> list[Any]:
    from kpi_helpers.sources.engine import frame_of

    if dimension not in data.dimensions(table):
        return []
    rows = data.table(table, (dimension,)).select(dimension).distinct()
    return frame_of(data.con, rows)[dimension].dropna().tolist()


def _only(asked: Asked, where: str) -> Asked:
    """Return what is asked of the rows that a filter selects."""
    each = {notebook: {**own, "segment": where} for notebook, own in asked.each.items()}
    return asked._replace(each=each, values={**asked.values, "segment": where})


def _overview(asked: Asked, dimension: str, packs: Mapping[str, Path | KpiError]) -> str:
    """Return the page: what failed, where each pack is, and its headline KPIs side by side."""
    from nbformat.v4 import new_markdown_cell, new_notebook

    from kpi_helpers import sheets
    from kpi_helpers.reports.index import section
    from kpi_helpers.sheets.table import group_name

    config = asked.data.config
    look = (config.lang, config.currency, config.terms)
    said = facts(asked.data, asked.period, asked.values["segment"])
    of = group_name(dimension, config.lang)
    heading = text("report.each.title", config.lang, dimension=of)
    cells = [new_markdown_cell(f"# {heading}")]
    links = sheets.links(_link(name, made, config.lang) for name, made in packs.items())
    cells += section("packs", links, config.lang)
    figures = _figures(asked, packs)
    if figures is not None:
        # What would settle each stands in its own report; here the page would be too narrow.
        figures = figures.assign(more_needed=0)
        shown = sheets.changes(figures, *look, by=["pack"], name="packs")
        cells += section("headline", shown, config.lang)
    return page(new_notebook(cells=cells), said, config.lang, brand=asked.brand)


def _link(name: str, made: Path | KpiError, lang: str) -> tuple[str, str, str]:
    if isinstance(made, KpiError):
        return "", name, made.render(lang)
    return f"{made.name}/index.html", name, ""


def _figures(asked: Asked, packs: Mapping[str, Path | KpiError]) -> pd.DataFrame | None:
    """Return the headline KPIs of the packs that were made, out of their own tables."""
    import pandas as pd

    tables = {n: made / TABLES / COMPARED for n, made in packs.items() if isinstance(made, Path)}
    frames = [read_csv(path).assign(pack=n) for n, path in tables.items() if path.exists()]
    if not frames:
        return None
    every = pd.concat(frames, ignore_index=True)
    first = [kpi for kpi in asked.kpis if kpi in {*every["kpi"]}][:HEADLINE]
    shown = every[every["kpi"].isin(first) & every["value"].notna()]
    return shown.sort_values("kpi", key=lambda of: of.map(first.index), kind="stable")
