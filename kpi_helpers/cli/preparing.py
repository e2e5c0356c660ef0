"""``kpi workshop --check``: what is there and what is missing before the meeting, a line each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kpi_helpers.cli.answers import say
from kpi_helpers.errors import KpiError, ReportFailed
from kpi_helpers.language import text

if TYPE_CHECKING:
    from kpi_helpers.sources import Dataset

Asked = Callable[[], object]
Line = tuple[bool, str]


def prepared(folder: Path, needs: Mapping[str, Asked], lang: str) -> int:
    """Say what a workshop in a folder finds; 1 when it could not be held, or nothing be saved.

    What one of its screens lacks is said too, but stops no meeting.

    Parameters
    ----------
    folder : Path
    needs : mapping
        What it needs of the computer → what raises an error where that is missing.
    lang : str
    """
    with chdir(folder):
        lines = [_tried(f"cli.workshop.there.{key}", ask, lang) for key, ask in needs.items()]
        data = _read(lines, lang)
        _say(lines)
        if data:
            _say(_screens(data, lang))
    return int(not all(there for there, _ in lines))


def _read(lines: list[Line], lang: str) -> Dataset | None:
    """Read the data as the workshop will, and tell of them and of where decisions are saved."""
    from kpi_helpers.reports import opened
    from kpi_helpers.sources import quality, score
    from kpi_helpers.units import write_date

    try:
        data = opened(lang=lang)
    except KpiError as error:
        lines.append((False, error.render(lang)))
        return None
    known = {"name": data.name, "as_of": write_date(data.as_of, lang), "score": score(data)}
    usable = "block" not in set(quality(data)["severity"])
    said = text(f"cli.workshop.there.{'data' if usable else 'blocked'}", lang, **known)
    lines += [(usable, said), _tried("cli.workshop.there.saved", partial(_check_saved, data), lang)]
    return data


def _check_saved(data: Dataset) -> None:
    """Raise an error where nothing can be written."""
    from kpi_helpers.reports import kept
    from kpi_helpers.reports.places import CONFIG

    kept(data, "actions")
    settings = Path(data.config.file or CONFIG)
    file = settings if settings.exists() else settings.resolve().parent
    if not os.access(file, os.W_OK):
        raise ReportFailed("not_written", file=file, reason=os.strerror(13))


def _screens(data: Dataset, lang: str) -> Iterator[Line]:
    """Ask what each screen shows first, without the screen."""
    from kpi_helpers.controls import CONTROLS
    from kpi_helpers.controls.views import VIEWS

    explored, _ = CONTROLS["explorer"]
    views = {f"controls.explorer.views.{view}": partial(explored, data, view) for view in VIEWS}
    others = {
        f"controls.screens.{name}": partial(show, data)
        for name, (show, _) in CONTROLS.items()
        if name != "explorer"
    }
    for key, show in {**views, **others}.items():
        there, said = _tried("cli.workshop.there.shown", show, lang)
        yield there, f"{text(key, lang)} – {said}"


def _tried(key: str, ask: Asked, lang: str) -> Line:
    try:
        found = ask()
    except KpiError as error:
        return False, error.render(lang)
    return True, text(key, lang, found=found)


def _say(lines: Iterator[Line] | list[Line]) -> None:
    for there, said in lines:
        say(f"[{'x' if there else ' '}] {said}")
