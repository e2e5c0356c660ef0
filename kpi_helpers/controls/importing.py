"""The import panel: a file is dropped, what is understood of it seen, then its data are used."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from kpi_helpers import sheets
from kpi_helpers.controls.control import Control, Values
from kpi_helpers.controls.fields import choice, words
from kpi_helpers.controls.shown import Shown
from kpi_helpers.errors import KpiError
from kpi_helpers.language import text
from kpi_helpers.reports.opening import opened
from kpi_helpers.reports.places import CONFIG, home
from kpi_helpers.sources import Dataset, accounting, left_out, score
from kpi_helpers.sources.dropped import BESIDE, DATA, PLACES, QUESTIONS, file_name, taken, tried
from kpi_helpers.sources.files.kinds import ENDINGS
from kpi_helpers.sources.saving import saved
from kpi_helpers.sources.written import unknown_words


def offered(
    data: Dataset,
    file: str = "",
    place: str = BESIDE,
    folder: str = "",
    share: bool = False,
    **answers: str,
) -> Shown:
    """Show what a file would make of the project; nothing is written.

    Parameters
    ----------
    data
        The data set that is open; its language is spoken.
    file
        The file that is dropped.
    place
        ``beside`` the files that are there, ``instead`` of those of the same tables, or ``alone``.
    folder
        The project; by default that of the current folder.
    share
        Whether rows that are left out are counted only, for they hold names.
    **answers
        ``date_order`` (``dmy`` or ``mdy``) and ``decimal`` (``,`` or ``.``), for the tables in
        which no row decides.

    Returns
    -------
    Shown
        What became of each row and of its money, the rows left out, and which column of the file
        is which of ours; ``frame`` is that of `kpi_helpers.accounting`.

    Raises
    ------
    KpiError
        As `kpi_helpers.sources.dropped.tried`.
    """
    lang = data.config.lang
    if not file:
        return Shown((text("controls.importing.drop", lang),))
    with tried(home(folder), Path(file), place, lang, answers) as (new, _):
        new = _speaking(new, lang)
        currency, found = new.config.currency, accounting(new)
        out = [] if share else [sheets.rows_left_out(left_out(new), lang, currency=currency)]
        tables = (sheets.accounts(found, score(new), lang, currency), *out, sheets.mapping(new))
        return Shown(tuple(_told(new)), table=tables, frame=found)


def imported(
    data: Dataset,
    file: str,
    place: str = BESIDE,
    folder: str = "",
    share: bool = False,
    **answers: str,
) -> tuple[Dataset, list[str]]:
    """Write a file and its settings into the project, both or neither; open it anew.

    Parameters
    ----------
    data, file, place, folder, share, **answers
        As for `offered`; ``share`` replaces names in the new data set.

    Returns
    -------
    tuple
        The new data set, and what changed in the settings as lines of a unified diff.
    """
    project, lang = home(folder), data.config.lang
    told = taken(project, Path(file), place, lang, answers)
    return opened(str(project / DATA), str(project / CONFIG), lang=lang, share=share), told


def importing(
    data: Dataset,
    folder: str = "",
    share: bool = False,
    on_data: Callable[[Dataset], object] | None = None,
) -> Control:
    """Return the import panel; ``on_data`` is told the new data set once it is used.

    Parameters
    ----------
    data, folder, share
        As for `offered`.
    """
    lang = data.config.lang
    fields = {"file": words("file")} | {
        of: choice(text(f"controls.importing.{of}", lang), _options(of, values, lang), values[0])
        for of, values in {
            "place": PLACES,
            **{q: ("", *own) for q, own in QUESTIONS.items()},
        }.items()
    }
    fields["file"].layout.display = "none"
    control = Control(partial(offered, data, folder=folder, share=share), fields, lang, "importing")
    control.tools.layout.display = "none"
    upload = widgets.FileUpload(
        accept=",".join(ENDINGS), description=text("controls.importing.file", lang)
    )
    stage = tempfile.TemporaryDirectory(prefix="kpi-")
    upload.observe(lambda change: _dropped(control, change["new"], stage), "value")
    control.left.children = (upload, *control.left.children)

    def use(values: Values) -> list[str]:
        if not values["file"]:
            raise KpiError("nothing_dropped")
        new, told = imported(data, folder=folder, share=share, **values)
        control.set(file="")
        if on_data is not None:
            on_data(new)
        name = Path(values["file"]).name
        return [text("controls.importing.used", lang, file=f"{DATA}/{name}"), *told]

    control.offer("importing.use", use)
    return control


def _options(of: str, values: tuple[str, ...], lang: str) -> dict[str, str]:
    names = {",": "comma", ".": "point", "": "rows"}
    return {text(f"controls.importing.{of}_{names.get(v, v)}", lang): v for v in values}


def _dropped(control: Control, files: Any, stage: tempfile.TemporaryDirectory[str]) -> None:
    """Keep what a browser sent, under a safe name, in a folder of its own."""
    try:
        for each in files:
            folder = Path(tempfile.mkdtemp(dir=stage.name))
            saved(folder / file_name(each["name"]), bytes(each["content"]))
            control.set(file=str(folder / file_name(each["name"])))
    except KpiError as error:
        control.set(file="")
        control.tell(error.render(control.lang))


def _speaking(data: Dataset, lang: str) -> Dataset:
    config = dataclasses.replace(data.config, language=lang)
    return dataclasses.replace(data, config=config, memory={})


def _told(data: Dataset) -> Iterator[str]:
    """How good the data are, which words nobody knows, and which files are not read."""
    lang = data.config.lang
    yield text("score.said", lang, score=score(data))
    for table in data.mapped:
        for column, unknown in unknown_words(data, table).items():
            place = {"table": text(f"sheets.tables.{table}", lang), "column": column}
            yield text("controls.importing.unknown", lang, words=", ".join(unknown[:12]), **place)
    for name, why in data.passed.items():
        said = why.render(lang)
        yield text("controls.importing.passed", lang, name=name, why=said)
