"""What people decided: rows of the action register, what is wrong with them, how they stand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from kpi_helpers.actions.series import state_of
from kpi_helpers.actions.words import PROPOSED, STATUSES, status_of, unit_of, units_of
from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.errors import BadInput, nearest
from kpi_helpers.language import Phrase
from kpi_helpers.sources.action_file import ID

NEEDED = ("kpi_id", "root_cause", "action", "owner", "start_date", "due_date", "expected_effect")
DAYS = ("created_at", "start_date", "due_date", "done_date", "expected_by")
FORMS = ("%Y-%m-%d", "%d/%m/%Y")
# Columns of a report's proposals, and those of the register.
NAMES = {"kpi": "kpi_id", "scope": "population"}
FROM_REPORT = ("quarter", "kpi_id", "population", "finding", "money_at_stake", "status")
FOR_PEOPLE = ("root_cause", "action", "owner", "stakeholders", "start_date", "due_date")
EFFECT = ("expected_effect", "expected_unit", "expected_by", "done_date")

Row = Mapping[str, str]


def to_record(proposed: pd.DataFrame, day: str) -> pd.DataFrame:
    """Return what reports proposed as rows for the register; people fill in the rest.

    Parameters
    ----------
    proposed
        What `proposals` or `noted` return.
    day
        The day (ISO text) of the report.

    Examples
    --------
    >>> row = {"action_id": "2026Q3-leak-1", "quarter": "2026Q3", "finding": "Offers rest."}
    >>> to_record(pd.DataFrame([row]), "2026-09-30").loc[0, ["created_at", "owner"]].tolist()
    ['2026-09-30', '']
    """
    rows = proposed.rename(columns=NAMES).assign(created_at=day, status=PROPOSED)
    names = [ID, "created_at", *FROM_REPORT, *FOR_PEOPLE, *EFFECT]
    rows = rows.drop(columns=["expected_effect"], errors="ignore").reindex(columns=names)
    return rows.astype(object).where(rows.notna(), "").drop_duplicates(ID, ignore_index=True)


def problems(rows: pd.DataFrame, file: str = "") -> list[BadInput]:
    """Return what is wrong with the rows of a register, each with its line, column and fix.

    Of what is only proposed nothing is asked yet; rows without an id are notes of people.

    Parameters
    ----------
    rows
        What `kpi_helpers.sources.action_file.register` returns.
    file
        Its name, for the messages.

    Examples
    --------
    >>> row = dict.fromkeys(NEEDED, "x") | {"action_id": "A1", "kpi_id": "revenue", "owner": "",
    ...     "start_date": "2026-02-01", "due_date": "2026-01-01", "expected_effect": "5 %"}
    >>> [found.values["column"] for found in problems(pd.DataFrame([row], index=[2]))]
    ['owner', 'due_date', 'expected_unit']
    """
    named = rows[rows[ID] != ""]
    found = [
        BadInput("register_many", file=file, line=line, column=ID, value=said)
        for line, said in named.loc[named[ID].duplicated(), ID].items()
    ]
    statuses = named.get("status", pd.Series("", named.index)).map(status_of)
    decided = named[statuses != PROPOSED]
    for line, row in decided.iterrows():
        said = {str(name): str(value) for name, value in row.items()}
        for column, expected, fix in _wrong(said):
            value = said.get(column, "")
            place = {"file": file or None, "line": line, "column": column}
            key = "register_wrong" if value else "register_empty"
            found.append(BadInput(key, **place, value=value, expected=expected, fix=fix))
    return found


def _wrong(row: Row) -> Iterator[tuple[str, Phrase, object]]:
    """Each column of a decided action that cannot be used, what it should hold, what to do."""
    days = {name: day_of(row.get(name, "")) for name in DAYS}
    for column in NEEDED:
        if not row.get(column):
            yield column, Phrase(f"register.{column}"), Phrase("register.fill")
    kpi = row.get("kpi_id", "")
    if kpi and kpi not in REGISTRY:
        yield "kpi_id", Phrase("register.kpi_id"), _like(kpi)
    for column in DAYS:
        if row.get(column) and days[column] is None:
            yield column, Phrase("expected.iso_day"), None
    start = days["start_date"]
    for column in ("due_date", "done_date", "expected_by"):
        end = days[column]
        if start and end and end < start:
            yield column, Phrase("register.after", {"day": start}), None
    if not status_of(row.get("status")):
        yield "status", Phrase("register.status", {"words": ", ".join(STATUSES)}), None
    yield from _wrong_effect(row, REGISTRY[kpi].unit if kpi in REGISTRY else "")


def _wrong_effect(row: Row, unit: str) -> Iterator[tuple[str, Phrase, object]]:
    effect = row.get("expected_effect", "")
    if effect and not np.isfinite(number_of(effect)):
        yield "expected_effect", Phrase("register.expected_effect"), None
    if effect and not unit_of(row.get("expected_unit") or None, unit):
        words = units_of(unit)[0] if unit else "points, €"
        expected = Phrase("register.expected_unit", {"words": words})
        yield "expected_unit", expected, Phrase("register.fill")


def _like(kpi: str) -> Phrase | None:
    close = nearest(kpi, REGISTRY)
    return Phrase("register.nearest", {"kpis": ", ".join(close)}) if close else None


def states(actions: pd.DataFrame, as_of: dt.date) -> pd.Series[str]:
    """Return how each action stands on a day.

    Parameters
    ----------
    actions
        Rows of the table ``actions``, or of a register.
    as_of
        The day.

    Returns
    -------
    pandas.Series
        ``proposed``, ``planned``, ``open``, ``late`` (due and not done), ``done``, ``done_late`` or
        ``dropped``.

    Examples
    --------
    >>> rows = pd.DataFrame({"status": ["", "dropped", ""], "start_date": "2026-01-01",
    ...                      "due_date": "2026-02-01", "done_date": ["2026-02-03", "", ""]})
    >>> states(rows, dt.date(2026, 3, 1)).tolist()
    ['done_late', 'dropped', 'late']
    """
    said = actions.get("status", pd.Series("", actions.index)).map(status_of)
    days = {name: _days(actions, name) for name in ("start_date", "due_date", "done_date")}
    rows = pd.DataFrame(days).assign(status=said).to_dict("records")
    held = [PROPOSED if row["status"] == PROPOSED else state_of(row, as_of) for row in rows]
    return pd.Series(held, actions.index, dtype=object)


def completion(actions: pd.DataFrame, as_of: dt.date) -> tuple[int, int]:
    """Return how many actions were done by their due date, and how many were due.

    Examples
    --------
    >>> due, done = ["2026-02-01", "2026-03-01"], ["2026-01-31", ""]
    >>> rows = pd.DataFrame({"due_date": due, "done_date": done})
    >>> completion(rows, dt.date(2026, 3, 1))
    (1, 2)
    """
    agreed = actions[~states(actions, as_of).isin([PROPOSED, "dropped"])]
    due, done = (_days(agreed, name) for name in ("due_date", "done_date"))
    is_due = due <= pd.Timestamp(as_of)
    return int((is_due & (done <= due)).sum()), int(is_due.sum())


def _days(actions: pd.DataFrame, name: str) -> pd.Series[pd.Timestamp]:
    said = actions.get(name, pd.Series("", actions.index))
    return pd.to_datetime(said.map(day_of)).astype("datetime64[s]")


def day_of(said: object) -> dt.date | None:
    """Return the day that people wrote, None where it is none."""
    if isinstance(said, dt.date):
        return None if pd.isna(said) else pd.Timestamp(said).date()
    for form in FORMS:
        try:
            return dt.datetime.strptime(str(said)[:10], form).date()
        except ValueError:
            continue
    return None


def number_of(said: str) -> float:
    """Return the number that a person wrote, missing where it is none.

    Examples
    --------
    >>> number_of("1\u202f234,5 €"), number_of("about 3")
    (1234.5, nan)
    """
    plain = said.replace("\u202f", "").replace("\u00a0", "").replace(" ", "")
    plain = plain.rstrip("%€").replace("\u2212", "-").replace(",", ".")
    try:
        return float(plain)
    except ValueError:
        return np.nan
