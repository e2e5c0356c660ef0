"""What a pack is handed over as besides its pages, and what each form needs to be made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kpi_helpers.errors import KpiError

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from kpi_helpers.sources import Dataset

# Form → the package that makes it, which stands in the extra of the form's name.
PACKAGES = {"xlsx": "xlsxwriter", "pptx": "pptx"}


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
        Naming the extra to install.

    Examples
    --------
    >>> check_forms(["xlsx"])
    """
    for form in forms:
        if find_spec(PACKAGES[form]) is None:
            raise KpiError("no_form", form=form, needs=f'pip install "kpi-helpers[{form}]"')


def export(made: Made, forms: Iterable[str]) -> None:
    """Write a pack in further forms into its folder: ``report.xlsx``, ``report.pptx``."""
    for form in forms:
        if form == "xlsx":
            from kpi_helpers.reports.workbook import write_workbook

            write_workbook(made)
        if form == "pptx":
            from kpi_helpers.reports.slides import write_slides

            write_slides(made)
