"""What was agreed in a meeting, written where the next report reads it: all of it or nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.errors import BadInput, KpiError, nearest
from kpi_helpers.language import Phrase
from kpi_helpers.reports.places import CONFIG, sample
from kpi_helpers.sources.action_file import NUMBER
from kpi_helpers.sources.checking import SCHEMA
from kpi_helpers.sources.registers import REGISTERS

if TYPE_CHECKING:
    import pandas as pd

    from kpi_helpers.sources import Dataset
    from kpi_helpers.sources.config import Config
    from kpi_helpers.sources.schema import Column

# Register → what tells its rows apart.
KEYS = {
    "actions": ("action_id",),
    "events": ("date", "label"),
    "kpi_log": ("date", "kpi_id", "new_definition"),
    "targets": ("metric", "period_start", "period_end", "scope_type", "scope_value"),
}
OF_KPIS = ("kpi_id", "metric")
SETTINGS, TARGETS = "settings", "targets"


def save(
    data: Dataset,
    settings: Mapping[str, Any] | None = None,
    rows: Mapping[str, pd.DataFrame] | None = None,
    seen: Mapping[str, pd.DataFrame] | None = None,
    dry: bool = False,
) -> str:
    """Write settings and rows of registers, all files or, after any error, none.

    Parameters
    ----------
    data
        A data set of a folder, as `load` or `opened` returns it. Its settings are those beside it.
    settings
        Setting of ``kpi.toml`` → value, as `kpi_helpers.sources.edited.edited` takes them: ``kpis,
        windows, lags, use, business, workshop``, ``targets`` and ``scenarios``. Targets go into
        the register of targets where the project has one.
    rows
        ``actions, events, kpi_log`` or ``targets`` → changed and new rows, whole, in the columns of
        the table; those that are left out stay as they are.
    seen
        Register → what `kept` returned before its rows were edited; by default all rows are new.
    dry
        Whether nothing is written, to see what would change.

    Returns
    -------
    str
        What changes, as a unified diff of all files; empty where nothing does.

    Raises
    ------
    BadInput
        For a row that cannot be used, and a cell that somebody else has changed meanwhile.
    BadConfig
        For a setting that cannot be used.
    KpiError
        When there is no folder to write to, or a file cannot be written.
    """
    from kpi_helpers.measure.settings import check_names
    from kpi_helpers.sources.action_file import recording
    from kpi_helpers.sources.config import read_config
    from kpi_helpers.sources.edited import setting
    from kpi_helpers.sources.saving import all_updated

    given, tables = dict(settings or {}), dict(rows or {})
    if given.get(TARGETS) and data.files.get(TARGETS, CONFIG) != CONFIG:
        tables[TARGETS] = _target_rows(data, given.pop(TARGETS))
    told: list[str] = []
    changes = {}
    for name, frame in tables.items():
        path, own, known = _file(data, name), _own(data, name), (seen or {}).get(name)
        _check(name, frame, known, path.name)
        known = None if known is None else known.rename(columns=own)
        keys = [own.get(key, key) for key in KEYS[name]]
        changes[path] = recording(path, frame.rename(columns=own), known, told, keys)
    if given:
        path = _file(data, SETTINGS)
        changes[path] = setting(path, given, told, lambda new: check_names(read_config(new)))
    if dry:
        for path, change in changes.items():
            change(path.read_bytes() if path.exists() else None)
    else:
        all_updated(changes)
    return "\n".join(told)


def kept(data: Dataset, table: str) -> pd.DataFrame:
    """Return a register as it lies on disk, as text, to be edited; without rows where none does.

    Raises
    ------
    KpiError
        As `kpi_helpers.sources.action_file.register`; when there is no folder it could lie in.
    """
    import pandas as pd

    from kpi_helpers.sources.action_file import register

    path = _file(data, table)
    if not path.exists():
        return pd.DataFrame(columns=[*KEYS[table]], dtype=object)
    own = _own(data, table)
    rows = register(path, [own.get(key, key) for key in KEYS[table]])
    return rows.rename(columns={source: name for name, source in own.items()})


def settled(data: Dataset) -> Config:
    """Return the settings as they lie on disk: with all names, whatever the data set hides."""
    from kpi_helpers.sources.config import read_config

    path = _settings(data)
    return read_config(path) if path and path.is_file() else read_config({"schema": SCHEMA})


def _file(data: Dataset, name: str) -> Path:
    """The file of a register, or that of the settings, in a folder of one's own."""
    path = data.paths.get(name) if name != SETTINGS else _settings(data)
    if path is None:
        raise KpiError("nowhere_to_save", what=name)
    if sample().resolve() in path.resolve().parents:
        raise KpiError("sample_not_saved")
    return path


def _own(data: Dataset, table: str) -> dict[str, str]:
    """Column of a table → what its register calls it."""
    return dict(data.mapped[table].columns) if table in data.mapped else {}


def _settings(data: Dataset) -> Path | None:
    """The settings that were read, else a file beside the data or their folder ``data``."""
    path = Path(data.config.file)
    if path.is_file() or not data.paths:
        return path if path.is_file() else None
    folder = data.paths[TARGETS].parent
    return (folder.parent if folder.name == "data" else folder) / CONFIG


def _target_rows(data: Dataset, targets: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Targets of the settings as rows of their register."""
    import pandas as pd

    rows = []
    for target in targets:
        period = data.config.calendar.parse(str(target["period"]))
        days = {"period_start": period.start, "period_end": period.end - dt.timedelta(days=1)}
        own = {name: value for name, value in target.items() if name != "period"}
        rows.append({"scope_type": "company", "scope_value": "", **own, **days})
    return pd.DataFrame(rows, dtype=object)


def _check(name: str, rows: pd.DataFrame, seen: pd.DataFrame | None, file: str) -> None:
    """Raise the first error of the rows that are new or changed."""
    from kpi_helpers.actions import problems

    known = [] if seen is None else seen.to_dict("records")
    new = rows[[row not in known for row in rows.to_dict("records")]]
    found = problems(new.fillna(""), file) if name == "actions" else _wrong(name, new, file)
    for error in found:
        raise error


def _wrong(name: str, rows: pd.DataFrame, file: str) -> Iterator[BadInput]:
    for row in rows.to_dict("records"):
        for column in REGISTERS[name]:
            value = row.get(column.name, "")
            said = "" if value is None or value != value else str(value).strip()
            place = {"file": file, "column": column.name, "value": said}
            if not said and column.required:
                yield BadInput("register_empty", **place, expected=_expected(column))
            elif said and column.name in OF_KPIS and said not in REGISTRY:
                close = nearest(said, REGISTRY)
                yield BadInput("register_wrong", **place, expected=_expected(column), nearest=close)
            elif said and not _fits(column, said):
                yield BadInput("register_wrong", **place, expected=_expected(column))


def _fits(column: Column, said: str) -> bool:
    from kpi_helpers.actions.keeping import day_of

    if column.type == "date":
        return day_of(said) is not None
    if column.type == "number":
        return NUMBER.fullmatch(said) is not None
    return not column.values or said in column.values


def _expected(column: Column) -> object:
    if column.name in OF_KPIS:
        return Phrase("register.kpi_id")
    kinds = {"date": "iso_day", "number": "number"}
    return ", ".join(column.values) or Phrase(f"expected.{kinds.get(column.type, 'text')}")
