"""A chart that is on screen, as a file to take along."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

from kpi_helpers.charts.picture import alt, image
from kpi_helpers.controls.shown import Shown
from kpi_helpers.errors import KpiError
from kpi_helpers.reports.exporting import check_forms
from kpi_helpers.sources.saving import updated


def exported(shown: Shown, name: str, kind: str, folder: Path) -> Path:
    """Write the chart of an answer as a picture, or as a slide with its sentences.

    Files are numbered: none is written over.

    Raises
    ------
    KpiError
        Where there is no chart, what slides need is not installed, or nothing can be written.
    """
    if shown.figure is None:
        raise KpiError("no_chart")
    content = image(shown.figure) if kind == "png" else _slide(shown)
    numbers = [re.search(r"-(\d+)\.", each.name) for each in folder.glob(f"{name}-*.{kind}")]
    number = max((int(found[1]) for found in numbers if found), default=0) + 1
    path = folder / f"{name}-{number}.{kind}"
    updated(path, lambda _: content)
    return path


def _slide(shown: Shown) -> bytes:
    from kpi_helpers.reports import deck

    check_forms(["pptx"])
    assert shown.figure is not None
    title, *rest = shown.sentences or (alt(shown.figure),)
    slides, content = deck.begun(), BytesIO()
    slide = deck.begin(slides, title)
    deck.picture(slide, image(shown.figure), alt(shown.figure))
    figures = [[label, value] for label, value in shown.figures.items()]
    if figures:
        deck.table_of(slide, figures, deck.BESIDE)
    deck.note(slide, rest)
    deck.save(slides, content, [title])
    return content.getvalue()
