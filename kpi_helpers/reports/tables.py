"""The tables of a report as CSV, which a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpi_helpers.sources.saving import ENCODING, as_before, as_csv

if TYPE_CHECKING:
    import pandas as pd

TABLES = "tables"
FOLDER_VARIABLE = "KPI_TABLES"
# The tables that list rows one by one: a pack that is shared goes without them.
ROW_LEVEL = ("left_out", "behind", "stalled")
# What is no number though it could be read as one.
NAME = re.compile(r"[-+]?0\d|\+\d")


@dataclass(frozen=True)
class Finished:
    """What a notebook ends with: its tables, all written. A run without it is not finished."""

    tables: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<finished: {', '.join(self.tables)}>"


def finish(**tables: pd.DataFrame | None) -> Finished:
    """End a notebook: in a report its tables are written as CSV, elsewhere nothing is.

    Parameters
    ----------
    **tables : DataFrame or None
        File name (without suffix) → table; None for a table that this run does not have.

    Examples
    --------
    >>> import pandas as pd
    >>> finish(scorecard=pd.DataFrame({"value": [0.25]}))
    <finished: scorecard>
    """
    folder = os.environ.get(FOLDER_VARIABLE)
    kept = {name: table for name, table in sorted(tables.items()) if table is not None}
    for name, table in kept.items() if folder else ():
        write_csv(table, Path(str(folder)) / f"{name}.csv")
    return Finished(tuple(kept))


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table; text that a spreadsheet would run as a formula gets an apostrophe.

    Examples
    --------
    >>> import pandas as pd, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "t.csv"
    ...     write_csv(pd.DataFrame({"name": ["=1+1", "Zoë"], "value": [-1.5, 2.0]}), path)
    ...     print(path.read_text(ENCODING))
    "name","value"
    "'=1+1",-1.5
    "Zoë",2.0
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_csv(table))


def read_csv(path: Path) -> pd.DataFrame:
    """Read a table of `write_csv` as it was before; a name such as 007 or NA stays one."""
    import pandas as pd

    form: dict[str, Any] = {"encoding": ENCODING, "keep_default_na": False}
    said = pd.read_csv(path, dtype=str, **form)
    names = [name for name in said if said[name].str.match(NAME).any()]
    texts = dict.fromkeys(["rows", *names], str)
    frame = pd.read_csv(path, dtype=texts, na_values=[""], low_memory=False, **form)
    return frame.rename(columns=as_before).map(as_before)


def alerts_told(alerts: pd.DataFrame) -> dict[str, Any]:
    """Return alerts as JSON can hold them, with how often they are false; what is missing is None.

    Parameters
    ----------
    alerts : DataFrame
        What `kpi_helpers.alerts.raised` returns, or `read_csv` of the table of it.
    """
    from kpi_helpers.alerts import FALSE_ALARMS

    told = alerts.drop(columns=["start", "end"]).astype(object)
    rows = told.mask(told.isna() | (told == ""), None).to_dict("records")
    return {"false_alarms": dict(FALSE_ALARMS), "alerts": rows}


def gather(parts: Path, tables: Path, leave_out: Collection[str] = ()) -> dict[str, str]:
    """Move the tables of one notebook among those of the report.

    Parameters
    ----------
    parts : Path
        Folder of the notebook's tables, called as the notebook is.
    tables : Path
        Where they go. A table that another notebook has made differently gets this one's number,
        and stays behind where it has no rows.
    leave_out : collection of str
        Tables that stay behind.

    Returns
    -------
    dict
        Name → new name.
    """
    tables.mkdir(exist_ok=True)
    named = {}
    for part in sorted(parts.glob("*.csv")):
        place = tables / part.name
        if place.exists() and place.read_bytes() != part.read_bytes():
            if not number_of_rows(part):
                continue
            place = tables / f"{parts.name[:2]}_{part.name}"
        if part.stem not in leave_out:
            named[part.stem] = part.replace(place).stem
    return named


def reports_folder() -> Path | None:
    """Return where the reports lie of which a notebook makes one; None where it makes none."""
    tables = os.environ.get(FOLDER_VARIABLE)
    return Path(tables).parent.parent if tables else None


def number_of_rows(path: Path) -> int:
    """Return how many rows a table has, its head not counted."""
    with path.open(encoding=ENCODING, newline="") as lines:
        return sum(1 for _ in csv.reader(lines)) - 1


def column(path: Path, name: str) -> list[str]:
    r"""Return what stands in a column of a table; nothing where it has no such column.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "table.csv"
    >>> _ = path.write_text("kpi,value\nrevenue,1\n", ENCODING)
    >>> column(path, "kpi"), column(path, "n")
    (['revenue'], [])
    """
    with path.open(encoding=ENCODING, newline="") as lines:
        rows = csv.reader(lines)
        head = next(rows, [])
        return [row[head.index(name)] for row in rows] if name in head else []
