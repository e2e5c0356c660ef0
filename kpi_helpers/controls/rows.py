"""The rows of a register as a form shows them: held, filled in, or proposed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pandas as pd

from kpi_helpers.actions import proposals, to_record
from kpi_helpers.compare import compare
from kpi_helpers.errors import KpiError, unknown
from kpi_helpers.language import text
from kpi_helpers.reports import chosen
from kpi_helpers.reports.agreed import KEYS, kept
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.registers import REGISTERS
from kpi_helpers.wording.effects import proposed_said

# Register → the columns that a person fills in, in their order.
FORMS = {
    "actions": (
        *("finding", "kpi_id", "root_cause", "action", "owner", "status", "start_date"),
        *("due_date", "expected_effect", "expected_unit", "expected_by", "done_date"),
    ),
    "events": ("date", "label", "type"),
    "kpi_log": ("date", "kpi_id", "reason", "old_definition", "new_definition", "decided_by"),
}
# Why a register is not one that can be written: it is shown all the same.
ELSEWHERE = ("nowhere_to_save", "sample_not_saved", "register_kind")
ID, NEW = "action_id", ""


def names(rows: pd.DataFrame, register: str) -> pd.Series[str]:
    """Return what tells each row of a register from the others.

    Examples
    --------
    >>> names(pd.DataFrame({"date": ["2026-01-05"], "label": ["Fair"]}), "events").tolist()
    ['2026-01-05 · Fair']
    """
    keys = [key for key in KEYS[register] if key in rows]
    return rows[keys].astype(str).agg(" · ".join, axis=1) if len(rows) else pd.Series([], dtype=str)


def held(data: Dataset, register: str) -> pd.DataFrame:
    """The register on disk as text; where it is none of its own, the table of the source."""
    if register not in FORMS:
        raise unknown("table", register, FORMS)
    try:
        return kept(data, register)
    except KpiError as error:
        if error.key not in ELSEWHERE:
            raise
    if register not in data.tables:
        return pd.DataFrame(columns=list(KEYS[register]), dtype=object)
    own = [name for name in REGISTERS[register].names if name in data.filled(register)]
    return data[register][own].astype(object).map(text_of)


def filled(
    data: Dataset, register: str, row: str, cells: dict[str, Any], proposed: pd.DataFrame | None
) -> pd.DataFrame:
    """A row, of the register, of the proposals or new, with the cells that are given."""
    rows = held(data, register)
    pool = written(pd.concat([rows, proposed_rows(data, register, proposed)]))
    found = pool[names(pool, register) == row].head(1)
    if row and found.empty:
        raise unknown("action", row, names(pool, register))
    own = found.iloc[0].to_dict() if row else {}
    if register == "actions" and not row:
        now = data.config.calendar.at(data.as_of, "quarter").name
        taken = {*rows.get(ID, [])}
        own[ID] = next(n for k in range(1, 9999) if (n := f"{now}-agreed-{k}") not in taken)
        own |= {"created_at": data.as_of.isoformat(), "quarter": now}
    keys = KEYS[register] if row else ()
    own |= {name: text_of(value) for name, value in cells.items() if name not in keys}
    return written(pd.DataFrame([own]).reindex(columns=[*dict.fromkeys([*rows, *own])]))


def proposed_rows(data: Dataset, register: str, given: pd.DataFrame | None) -> pd.DataFrame:
    """What reports propose, in the form of the register of actions."""
    if register != "actions":
        return pd.DataFrame()
    found: pd.DataFrame = (
        data.remember("proposals", lambda: _of_findings(data)) if given is None else given
    )
    said = [proposed_said(row, data.config.lang) for row in found.to_dict("records")]
    return to_record(found.assign(finding=said), data.as_of.isoformat()).map(text_of)


def _of_findings(data: Dataset) -> pd.DataFrame:
    return proposals(compare(data, chosen(data), "last", to="previous"))


def options(
    data: Dataset, register: str, rows: pd.DataFrame, given: pd.DataFrame | None
) -> dict[str, str]:
    """Shown text → row: a new one, those that are there, those that are proposed."""
    lang = data.config.lang
    known = dict(zip(names(rows, register), titles(rows, register), strict=True))
    new = proposed_rows(data, register, given)
    asked = dict(zip(names(new, register), titles(new, register), strict=True)) if len(new) else {}
    lines = {text("controls.acting.new", lang): NEW} | {said: name for name, said in known.items()}
    said = {
        text("controls.acting.proposed", lang, said=s): n
        for n, s in asked.items()
        if n not in known
    }
    return lines | said


def titles(rows: pd.DataFrame, register: str) -> Iterator[str]:
    """Yield what a person reads of each row."""
    for name, row in zip(names(rows, register), rows.to_dict("records"), strict=True):
        what = str(row.get("action") or row.get("finding") or "")[:60]
        yield f"{name} · {what}" if what else name


def written(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows in which a missing cell is an empty one, as in a file."""
    return rows.astype(object).where(rows.notna(), "")


def text_of(cell: Any) -> str:
    """A cell as a register holds it."""
    if isinstance(cell, dt.date):
        return "" if pd.isna(cell) else cell.isoformat()[:10]
    return (
        ""
        if cell is None or cell != cell
        else f"{cell:g}"
        if isinstance(cell, float)
        else str(cell)
    )
