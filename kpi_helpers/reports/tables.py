"""The tables of a report as CSV, which a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

FOLDER_VARIABLE = "KPI_TABLES"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


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
    ...     print(path.read_text("utf-8-sig"))
    "name","value"
    "'=1+1",-1.5
    "Zoë",2.0
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    safe = table.apply(lambda column: column.map(_inert)).rename(columns=_inert)
    # The mark at the start of the file is what makes Excel read accents.
    form = {"encoding": "utf-8-sig", "lineterminator": "\n", "quoting": csv.QUOTE_NONNUMERIC}
    safe.to_csv(path, index=False, **form)


def _inert(value: object) -> object:
    risky = isinstance(value, str) and value.startswith(FORMULA_STARTS)
    return f"'{value}" if risky else value
