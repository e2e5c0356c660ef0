"""The action board: what is decided, by whom, until when and with which effect; events; KPI log."""

from __future__ import annotations

import datetime as dt
from typing import Any

import ipywidgets as widgets
import pandas as pd

from kpi_helpers.actions import problems, states
from kpi_helpers.actions.keeping import NEEDED, day_of
from kpi_helpers.actions.words import PROPOSED, STATUSES, units_of
from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.controls.control import Control, Values
from kpi_helpers.controls.fields import choice, day, words
from kpi_helpers.controls.rows import (
    FORMS,
    NEW,
    filled,
    held,
    names,
    options,
    text_of,
    titles,
    written,
)
from kpi_helpers.controls.shown import Shown
from kpi_helpers.errors import KpiError
from kpi_helpers.language import text
from kpi_helpers.reports import save
from kpi_helpers.reports.agreed import KEYS, kept
from kpi_helpers.reports.decisions import effect_of
from kpi_helpers.sheets.table import build, records
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.registers import REGISTERS
from kpi_helpers.sources.schema import Column
from kpi_helpers.units import write_date

# What a new row has before anything is filled in.
BEGUN = ("status", "date")
LISTED = {"actions": ("said", "kpi_id", "owner", "due_date", "expected_effect", "state")}


def board(
    data: Dataset,
    register: str = "actions",
    row: str = NEW,
    proposed: pd.DataFrame | None = None,
    **cells: Any,
) -> Shown:
    """Show a register with a row as somebody fills it in; nothing is written.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load`.
    register
        ``actions``, ``events`` or ``kpi_log``.
    row
        What tells the row from others (see `names`), or the id of a proposal; empty for a new one.
    proposed
        Rows of `kpi_helpers.actions.proposals` or ``noted``; by default those of the last period.
    **cells
        Column → text or day.

    Returns
    -------
    Shown
        What is wrong with the row; ``frame`` is the register as it would be.

    Raises
    ------
    KpiError
        For a register or row that there is not, or one that cannot be read.
    """
    lang, rows = data.config.lang, held(data, register)
    new = filled(data, register, row, cells, proposed)
    given = row != NEW or any(cells[name] for name in cells if name not in BEGUN)
    before = rows[names(rows, register) == row] if row else rows[:0]
    after = pd.concat([rows.drop(before.index), new] if given else [rows], ignore_index=True)
    told = [text(f"controls.acting.count_{register}", lang, n=len(after))]
    if register == "actions" and given:
        told += [each.render(lang) for each in problems(new)] or _lacking(new, lang)
        told += _late(before, new, data)
    after = written(after)
    return Shown(tuple(told), table=_table(data, register, after), frame=after)


def _lacking(new: pd.DataFrame, lang: str) -> list[str]:
    """What a proposal needs before it can be decided; until then a report lists it as left out."""
    empty = [name for name in NEEDED if not new.iloc[0].get(name)]
    columns = ", ".join(text(f"controls.acting.columns.{name}", lang) for name in empty)
    return [text("controls.acting.lacking", lang, columns=columns)] if empty else []


def _late(before: pd.DataFrame, new: pd.DataFrame, data: Dataset) -> list[str]:
    """What is to be said of an effect that is announced once the action has begun."""
    row = new.iloc[0]
    same = before.get("expected_effect", pd.Series([""])).tolist() == [row.get("expected_effect")]
    begun = day_of(row.get("start_date"))
    late = not same and row.get("expected_effect") and begun and begun <= data.as_of
    return [text("controls.acting.late", data.config.lang)] if late else []


def recorded(
    data: Dataset,
    register: str,
    row: str,
    seen: pd.DataFrame | None = None,
    proposed: pd.DataFrame | None = None,
    **cells: Any,
) -> list[str]:
    """Write a row into its register, whole or not at all.

    Parameters
    ----------
    seen
        The register as its author saw it; by default as it is now.
    data, register, row, proposed, **cells
        As for `board`.

    Returns
    -------
    list of str
        What was done, then what changed as lines of a unified diff.

    Raises
    ------
    KpiError
        For a row that cannot be used, and a cell that somebody else has changed meanwhile.
    """
    new = filled(data, register, row, cells, proposed)
    seen = kept(data, register) if seen is None else seen
    told = save(data, rows={register: new}, seen={register: seen})
    name = names(new, register).iloc[0]
    return [text("controls.acting.saved", data.config.lang, row=name), *told.splitlines()]


def acting(
    data: Dataset, register: str = "actions", proposed: pd.DataFrame | None = None
) -> Control:
    """Return the form of a register; ``save`` writes the row, ``reread`` reads the register anew.

    Parameters
    ----------
    data, register, proposed
        As for `board`.
    """
    return _Board(data, register, proposed)


class _Board(Control):
    """A form over the rows of a register; what it has seen of it goes along when it writes."""

    def __init__(self, data: Dataset, register: str, proposed: pd.DataFrame | None) -> None:
        self.data, self.register, self.proposed = data, register, proposed
        lang, self.form = data.config.lang, FORMS[register]
        fields = {name: _field(REGISTERS[register].column(name), data) for name in self.form}
        self.blank = {name: field.value for name, field in fields.items()}
        self.start, self.seen = dict(self.blank), held(data, register)
        row = choice(text("controls.acting.row", lang), self._rows(), NEW)
        super().__init__(self._show, {"row": row, **fields}, lang, f"acting_{register}")
        self.tools.layout.display = "none"
        row.observe(self._fill, "value")
        self.offer("acting.save", self._write)
        self.offer("acting.reread", lambda _: self._reread())

    def _rows(self) -> dict[str, str]:
        return options(self.data, self.register, self.seen, self.proposed)

    def _show(self, row: str, **cells: Any) -> Shown:
        changed = self._changed(row, cells)
        return board(self.data, self.register, row, self.proposed, **changed)

    def _changed(self, row: str, cells: Values) -> Values:
        """What a person filled in: a cell that no field can show stays as it is."""
        if row == NEW:
            return cells if cells != self.blank else {}
        return {name: value for name, value in cells.items() if value != self.start[name]}

    def _fill(self, _: Any = None) -> None:
        """Let the fields show the row that is chosen; what names a row stays."""
        row = self.fields["row"].value
        for name in {*KEYS[self.register]} & {*self.form}:
            self.fields[name].disabled = bool(row)
        self.start = dict(self.blank)
        if row:
            cells = filled(self.data, self.register, row, {}, self.proposed).iloc[0]
            self.start = {of: _value(self.fields[of], cells.get(of, "")) for of in self.form}
        self.set(**self.start)
        self.refresh()

    def _reread(self) -> list[str]:
        row, self.seen = self.fields["row"].value, held(self.data, self.register)
        options = self._rows()
        with self._holding():
            self.fields["row"].options = [*options.items()]
            self.fields["row"].value = row if row in options.values() else NEW
        self._fill()
        return [text("controls.acting.reread_done", self.lang, n=len(self.seen))]

    def _write(self, values: Values) -> list[str]:
        row = values.pop("row")
        cells = self._changed(row, values)
        if not cells and row in {"", *names(self.seen, self.register)}:
            raise KpiError("nothing_filled")
        given = (self.data, self.register, row, self.seen, self.proposed)
        said = recorded(*given, **cells)
        self.fields["row"].value = NEW
        self._reread()
        return said


def _field(column: Column | None, data: Dataset) -> Any:
    """The field of a column, empty at first."""
    assert column is not None
    lang, name = data.config.lang, column.name
    label, nothing = text(f"controls.acting.columns.{name}", lang), {"–": ""}
    if name == "kpi_id":
        return choice(label, nothing | {k.label(lang): k.id for k in REGISTRY.values()}, "")
    if name == "expected_unit":
        return choice(label, nothing | {each: each for each in ("%", *units_of())}, "")
    if name == "status":
        said = {text(f"controls.acting.statuses.{each}", lang): each for each in STATUSES}
        return choice(label, said, PROPOSED)
    if column.values:
        said = {text(f"controls.acting.types.{each}", lang): each for each in column.values}
        return choice(label, nothing | said, "")
    if column.type == "date":
        # A new row begins on the day of the data: nothing here reads a clock.
        return day(label, data.as_of.isoformat() if name == "date" else "")
    return words(label)


def _value(field: Any, said: Any) -> Any:
    """A cell as its field takes it; what a field cannot take is left for the person to say."""
    said = text_of(said)
    if isinstance(field, widgets.DatePicker):
        try:
            return dt.date.fromisoformat(said[:10])
        except ValueError:
            return None
    if isinstance(field, widgets.Dropdown) and said not in [value for _, value in field.options]:
        field.options = [*field.options, (said, said)]
    return said


def _table(data: Dataset, register: str, rows: pd.DataFrame) -> Any:
    lang = data.config.lang
    if register == "actions":
        rows = rows.assign(said=[*titles(rows, register)])
        stand = [text(f"effects.outcome.{each}", lang) for each in states(rows, data.as_of)]
        effects = [effect_of(row, data) for row in records(rows)]
        rows = rows.assign(state=stand, expected_effect=effects)
    for name in {"kpi_id", "due_date", "date"} & {*rows}:
        rows = rows.assign(**{name: [_read(each, lang) for each in rows[name]]})
    shown = [name for name in LISTED.get(register, FORMS[register]) if name in rows]
    lines = records(rows[shown].astype(str))
    headings = {name: text(f"controls.acting.columns.{name}", lang) for name in shown}
    return build(register, lines, lang, headings)


def _read(cell: str, lang: str) -> str:
    """A KPI by its label, a day as it is written; any other text as it is."""
    if cell in REGISTRY:
        return REGISTRY[cell].label(lang)
    day_said = day_of(cell)
    return write_date(day_said, lang) if day_said else str(cell)
