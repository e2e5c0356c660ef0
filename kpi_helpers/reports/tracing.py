"""Every figure of a pack by an id, and the rows of the source behind it."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from kpi_helpers.errors import KpiError, unknown
from kpi_helpers.language import Phrase
from kpi_helpers.reports.difference import recorded, unlike
from kpi_helpers.reports.index import FINDINGS
from kpi_helpers.reports.record import described, settings
from kpi_helpers.reports.tables import TABLES
from kpi_helpers.sources.facts import FACTS
from kpi_helpers.sources.saving import read_table

if TYPE_CHECKING:
    from kpi_helpers.periods import Period
    from kpi_helpers.sources import Dataset

Row = dict[Any, Any]

COUNTED = {"kpi", "label", "unit", "period", "start", "end", "value", "numerator", "denominator"}
NUMBERS = ["value", "numerator", "denominator"]
TOLERANCE = 1e-9


class Trace(NamedTuple):
    """Figures of a pack, the rows behind them, and what has changed in the data since."""

    figures: pd.DataFrame
    rows: pd.DataFrame
    changes: list[Phrase]


def figures(pack: Path | str) -> pd.DataFrame:
    """List what stands in the tables of a pack, each line by an id.

    Parameters
    ----------
    pack : Path or str
        Folder of a report.

    Returns
    -------
    DataFrame
        ``figure``: table/KPI, with its group and, where it is not that of the report, its period;
        table/line for what is computed and not counted. ``table, line``, where it stands;
        ``counted``, whether rows can be counted for it; then what `COUNTED` names, and ``group``,
        column → value.

    Raises
    ------
    KpiError
        When the folder is no pack.
    """
    record = recorded(Path(pack))
    own, by = record["period"]["name"], record["parameters"].get("by", "")
    dimensions = {c.name for table in FACTS.values() for c in table if c.dimension} | {by}
    paths = sorted((Path(pack) / TABLES).glob("*.csv"))
    return pd.DataFrame([row for path in paths for row in _listed(path, own, dimensions)])


def _listed(path: Path, own: str, dimensions: set[str]) -> list[Row]:
    table = read_table(path, [], [])
    names = [*table]
    groups = None
    if {*names} >= COUNTED:
        between = names[names.index("end") + 1 : names.index("value")]
        groups = between if dimensions >= {*between} else None
    lines = enumerate(table.to_dict("records"), 1)
    rows = [_line(path.stem, str(line), row, own, groups) for line, row in lines]
    times = Counter(row["figure"] for row in rows)
    for row in rows:
        row["figure"] += f"/{row['line']}" * (times[row["figure"]] > 1)
    return rows


def _line(table: str, line: str, row: Row, own: str, groups: list[str] | None) -> Row:
    """Return one line of a table by its id; what has no number was not counted."""
    told = {name: row.get(name, "") for name in sorted(COUNTED)} | {"table": table, "line": line}
    numbers = {name: pd.to_numeric(told[name]) for name in NUMBERS} if groups is not None else {}
    counted = any(number == number for number in numbers.values())
    group = {name: row[name] for name in groups or ()}
    if counted and row.get("dimension"):  # a table about groups of several dimensions
        group = {row["dimension"]: row["scope"]}
    when = told["period"] if told["period"] != own else ""
    parts = [told["kpi"], *group.values(), when] if counted else [line]
    named = {"figure": "/".join([table, *filter(None, parts)]), "counted": counted, "group": group}
    return told | numbers | named


def trace(
    pack: Path | str, figure: str, data: str = "", config: str = "", anyway: bool = False
) -> Trace:
    """Return the rows of the source behind a figure of a pack.

    Parameters
    ----------
    pack : Path or str
        Folder of a report.
    figure : str
        An id of `figures`, any table/line, or findings/line, which stands for the lines of the
        tables that the sentence was written from.
    data, config : str
        Where the source lies now; by default where it was.
    anyway : bool
        Whether to go on where the data are no longer those of the report.

    Returns
    -------
    Trace
        Its ``rows`` are those of `kpi_helpers.measure.traced` with the ``figure`` before them; none
        for a figure that is computed and not counted.

    Raises
    ------
    UnknownName
        With the nearest ids.
    KpiError
        When the pack is a shared one and no data are named, or the data have changed.
    """
    from kpi_helpers.measure import traced
    from kpi_helpers.reports.opening import opened

    record, known = recorded(Path(pack)), figures(pack)
    wanted = _wanted(Path(pack), known, figure)
    asked = record["parameters"]
    if asked.get("share") and not data:
        raise KpiError("shared_pack", folder=pack)
    places = (data or asked["data"], config or asked["config"], record["as_of"], asked["lang"])
    source = opened(*places)
    compared = opened(*places, share=True) if asked.get("share") else source
    changes = changed(compared, record)
    if changes and not anyway:
        raise KpiError("other_data", folder=pack, changes=changes)
    frames = []
    for row in wanted[wanted["counted"]].to_dict("records"):
        where = _where(source, row["group"], asked.get("segment", ""))
        found = traced(source, row["kpi"], _period(source, row), where)
        frames.append(found.assign(figure=row["figure"]))
    rows = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame({"figure": []})
    return Trace(wanted, rows[["figure", *rows.columns.drop("figure")]], changes)


def _wanted(pack: Path, known: pd.DataFrame, figure: str) -> pd.DataFrame:
    """Return the line of that id, or those that a finding was written from."""
    lines = known["table"] + "/" + known["line"]
    wanted = known[(known["figure"] == figure) | (lines == figure)]
    if wanted.empty:
        raise unknown("figure", figure, [*known["figure"]])
    if wanted["table"].iloc[0] != FINDINGS:
        return wanted
    said = read_table(pack / TABLES / f"{FINDINGS}.csv", ["table", "rows"], [])
    finding = said.iloc[int(wanted["line"].iloc[0]) - 1]
    rows = finding["rows"].split(", ")
    return known[(known["table"] == finding["table"]) & known["line"].isin(rows)]


def changed(data: Dataset, record: Row) -> list[Phrase]:
    """Say in what the data and definitions are no longer those of a run record."""
    from kpi_helpers.catalogue import REGISTRY

    found = []
    for each in unlike(record["data"]["tables"], described(data)):
        rows = [(each[end] or {}).get("rows", 0) for end in ("before", "after")]
        key = "edited" if rows[0] == rows[1] else "rows"
        values = {"table": each["key"], "before": f"{rows[0]}", "after": f"{rows[1]}"}
        found.append(Phrase(f"cli.diff.{key}", values))
    for each in unlike(record["settings"]["values"], settings(data.config)):
        values = {"what": each["key"], "before": each["before"], "after": each["after"]}
        found.append(Phrase("cli.diff.changed", values))
    for kpi, was in record["kpis"].items():
        now = REGISTRY[kpi].version if kpi in REGISTRY else "–"
        if was["version"] != now:
            values = {"what": kpi, "before": was["version"], "after": now}
            found.append(Phrase("cli.diff.changed", values))
    return found


def _period(data: Dataset, row: Row) -> Period:
    """Return the period of a row; one of moving days by these."""
    from kpi_helpers.periods import Period

    start, end = (date.fromisoformat(row[name][:10]) for name in ("start", "end"))
    named = data.config.calendar.parse(row["period"], data.as_of, data.first)
    same = (named.start, named.end) == (start, end)
    return named if same else Period(row["period"], start, end, "span")


def _where(data: Dataset, group: dict[str, str], segment: str) -> str | None:
    """Return the filter of a group within a segment."""
    tests = [f"({data.config.segments[segment]})"] if segment else []
    for name, value in group.items():
        columns = (table.column(name) for table in FACTS.values())
        number = any(column is not None and column.type == "number" for column in columns)
        wanted = float(value) if number and value else value
        tests.append(f"{name} == {wanted!r}" if value else f"missing({name})")
    return " and ".join(tests) or None


def adds_up(figure: Row, rows: pd.DataFrame) -> bool:
    """Whether the rows behind a figure add up to its parts as the pack gives them."""
    ends = {"numerator": "above", "denominator": "below"}
    known = [
        (figure[a], rows[b].sum(min_count=1)) for a, b in ends.items() if figure[a] == figure[a]
    ]
    return all(np.isclose(a, b, rtol=TOLERANCE, atol=TOLERANCE) for a, b in known) and bool(known)
