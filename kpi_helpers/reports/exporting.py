"""What a pack is handed over as besides its pages, and what each form needs to be made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kpi_helpers.errors import KpiError
from kpi_helpers.reports.pdf import browser, write_pdf

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from kpi_helpers.sources import Dataset

# Form → the packages that make it, which stand in the extra of the form's name.
PACKAGES = {"pdf": ("playwright", "pypdf"), "xlsx": ("xlsxwriter",), "pptx": ("pptx",)}


class Made(NamedTuple):
    """A pack whose pages and tables lie in its folder, free of secrets.

    ``facts`` is what stands at the top of a page, ``notebooks`` stem → executed notebook,
    ``tables`` table → stem of its page, empty for that of the findings, ``kpis`` the ids shown.
    """

    folder: Path
    data: Dataset
    facts: Mapping[str, str]
    notebooks: Mapping[str, NotebookNode]
    tables: Mapping[Path, str]
    kpis: Sequence[str]


def check_forms(forms: Iterable[str]) -> None:
    """Raise for a form that cannot be made here, before anything is computed.

    Raises
    ------
    KpiError
        Naming the extra to install; for a PDF, when there is no browser to print it.

    Examples
    --------
    >>> check_forms(["xlsx"])
    """
    for form in forms:
        if not all(map(find_spec, PACKAGES[form])):
            raise KpiError("no_form", form=form, needs=f'pip install "kpi-helpers[{form}]"')
        if form == "pdf":
            browser()


def export(made: Made, forms: Iterable[str]) -> None:
    """Write a pack in further forms into its folder: ``report.pdf``, ``.xlsx``, ``.pptx``."""
    for form in forms:
        if form == "pdf":
            write_pdf(made.folder)
        if form == "xlsx":
            from kpi_helpers.reports.workbook import write_workbook

            write_workbook(made)
        if form == "pptx":
            from kpi_helpers.reports.slides import write_slides

            write_slides(made)
