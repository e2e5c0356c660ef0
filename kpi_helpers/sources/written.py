"""What was understood of a source, written as a ``kpi.toml`` that is ready to edit."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kpi_helpers.errors import KpiError, public
from kpi_helpers.language import text
from kpi_helpers.sources.checks.quality import left_out
from kpi_helpers.sources.config import Config, TableConfig
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.mapping import Mapped
from kpi_helpers.sources.recognition.understood import vendor_line
from kpi_helpers.sources.saving import naming, saved
from kpi_helpers.sources.stages import stage_order

ALWAYS = ("schema", "name", "language", "country", "currency", "time_zone")
BARE = re.compile("[A-Za-z0-9_-]+")
Place = tuple[str, ...]


def write_settings(data: Dataset, path: Path, *, force: bool = False, source: str = "") -> None:
    """Write the settings of a data set, what was inferred included, whole or not at all.

    Parameters
    ----------
    data
        A data set of `load`.
    path
        The file to write, such as ``kpi.toml`` beside the data.
    force
        Whether a file that is there may be replaced.
    source
        Where the data lie; written down where the settings would not find them beside themselves.

    Raises
    ------
    KpiError
        When the file is there, or cannot be written.
    """
    if os.path.exists(path) and not force:  # which a name that no file can have does not stop
        raise KpiError("file_exists", file=path)
    content = settings_text(data, _from(path, source), source).encode()
    with naming(path):
        saved(path, content)


def settings_text(data: Dataset, source: str = "", address: str = "") -> str:
    """The settings of a data set as commented TOML, in its language.

    Loading with it gives the tables that the data set has, cell by cell. What the URL of a database
    holds of a user and passwords is not written: a comment says where it goes.

    Examples
    --------
    >>> import pandas as pd
    >>> from kpi_helpers.sources import load
    >>> deals = pd.DataFrame({"deal_id": ["1"], "created_at": ["2026-01-05"], "status": ["open"]})
    >>> print(settings_text(load(deals, {"language": "en"})))
    # The settings of the project, as “kpi check” understood them: edit what is not right.
    schema = 1
    name = ""
    ...
    # deals: the kit's own names, or those of kpi.toml (deals)
    [tables.deals]
    table = "deals"
    <BLANKLINE>
    """
    lang = data.config.lang
    elsewhere = (Path(data.config.file).name, data.config.snapshots)
    told = {name for name, file in data.files.items() if file in elsewhere}
    content = {
        name: value
        for name, value in _changed(data.config).items()
        if name not in ("file", "source", "tables")
    }
    if source:
        content["source"] = source
    if data.config.windows:
        content["windows"] = {n: days or "none" for n, days in data.config.windows.items()}
    content["tables"] = {name: _table(data, name) for name in data.mapped if name not in told}
    notes = _notes(data)
    if "://" in address:
        place = [
            f"source = {_quoted(public(address).replace('***@', ''))}",
            'password_env = "CRM_PASSWORD"',
        ]
        notes[("",)] = [text("written.database", lang), *place, *notes.get(("",), [])]
    lines = [f"# {text('written.head', lang)}", *_said(notes, ("",)), *_lines(content, notes, ())]
    return "\n".join(lines) + "\n"


def _from(path: Path, source: str) -> str:
    """The way from the settings to data that lie neither beside them nor in ``data`` there."""
    if not source or "://" in source:
        return ""
    place = Path(source).resolve()
    folder, home = (place if place.is_dir() else place.parent), path.resolve().parent
    found = folder in (home, home / "data")
    return "" if found else Path(os.path.relpath(place, home)).as_posix()


def _changed(config: Config | TableConfig) -> dict[str, Any]:
    """The settings that are not what they are without a file, and those to begin with."""
    usual = type(config)()
    values = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    return {
        name: value
        for name, value in values.items()
        if value != getattr(usual, name) or (name in ALWAYS and value is not None)
    }


def _table(data: Dataset, name: str) -> dict[str, Any]:
    mapped, spec, label = data.mapped[name], data.config.table(name), data.files[name]
    changed = _changed(spec)
    if not spec.query:
        changed = {"file" if "." in label else "table": label} | changed
    for setting, kinds in (("date_order", ("date", "time")), ("decimal", ("number",))):
        orders = {
            read.order
            for column, read in mapped.read_as.items()
            if read.by != "nothing" and _type(mapped, column) in kinds
        }
        if len(orders) == 1:
            changed[setting] = orders.pop()
    unknown: dict[str, dict[str, str]] = {column: {} for column in unknown_words(data, name)}
    if unknown or spec.values:
        changed["values"] = unknown | dict(spec.values)
    return changed


def unknown_words(data: Dataset, name: str) -> dict[str, list[str]]:
    """Canonical column → words of the source that are none of the values it may have."""
    listed = left_out(data).query("table == @name and reason == 'not_allowed'")
    columns = data.mapped[name].columns
    found = {
        column: sorted(
            listed.loc[listed["column"] == columns.get(column, column), "value"].dropna().unique()
        )
        for column in (each.name for each in data.mapped[name].table if each.values)
    }
    return {column: words for column, words in found.items() if words}


def _type(mapped: Mapped, column: str) -> str | None:
    known = mapped.table.column(column)
    return known.type if known else None


def _notes(data: Dataset) -> dict[Place, list[str]]:
    """What is said above a section, by its place, and (under ``*place, ""``) at its beginning."""
    lang = data.config.lang
    notes: dict[Place, list[str]] = {}
    stages = stage_order(data)
    if stages.by == "history":
        said = text("understood.stages.history", lang, stages="")
        notes[("",)] = [said.strip(), f"stages = {_value(stages.names)}"]
    for name, mapped in data.mapped.items():
        place = ("tables", name)
        notes[place] = [vendor_line(mapped, data.files[name], lang)]
        for part in ("columns", "derived", "entered"):
            notes[(*place, part)] = [text(f"written.{part}", lang)]
        for column in data.config.table(name).values:
            notes[(*place, "values", column)] = [text("written.values", lang)]
        for column, words in unknown_words(data, name).items():
            allowed = mapped.table.column(column)
            meant = ", ".join(allowed.values) if allowed else ""
            here = (*place, "values", column)
            notes[here] = [text("written.unknown", lang, values=meant)]
            notes[(*here, "")] = [f'{_quoted(word)} = ""' for word in words]
    return notes


def _lines(
    content: Mapping[str, Any], notes: Mapping[Place, list[str]], place: Place
) -> Iterator[str]:
    """TOML: the plain settings of a section, then the sections in it."""
    for key, value in content.items():
        if not isinstance(value, Mapping) and not _is_rows(value):
            yield f"{_key(key)} = {_value(value)}"
    for key, value in content.items():
        here = (*place, key)
        rows = value if _is_rows(value) else [value] if isinstance(value, Mapping) else []
        head = "[[{}]]" if _is_rows(value) else "[{}]"
        for row in rows:
            if not row or any(not isinstance(each, Mapping) for each in row.values()):
                yield from ("", *_said(notes, here), head.format(".".join(map(_key, here))))
            yield from _said(notes, (*here, ""))
            yield from _lines(row, notes, here)


def _said(notes: Mapping[Place, list[str]], place: Place) -> list[str]:
    return [f"# {note}" for note in notes.get(place, [])]


def _is_rows(value: Any) -> bool:
    return isinstance(value, list | tuple) and any(isinstance(each, Mapping) for each in value)


def _key(name: str) -> str:
    return name if BARE.fullmatch(name) else _quoted(name)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, int | float) else _quoted(str(value))


def _quoted(words: str) -> str:
    """A text of TOML, in which nothing that it holds can end it."""
    return json.dumps(words, ensure_ascii=False).replace("\x7f", "\\u007f")
