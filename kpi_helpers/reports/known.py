"""What a pack remembers of the data, for ``kpi check --against``; a shared one has nothing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpi_helpers.reports.difference import recorded
from kpi_helpers.reports.tables import write_csv
from kpi_helpers.sources.saving import read_table

if TYPE_CHECKING:
    from kpi_helpers.sources import Dataset

FOLDER = "known"


def remember(data: Dataset, pack: Path) -> None:
    """Write down what a later check compares: no id and no name of a customer."""
    from kpi_helpers.sources.known import known_deals, known_names

    write_csv(known_deals(data), pack / FOLDER / "deals.csv")
    write_csv(known_names(data), pack / FOLDER / "names.csv")


def against(data: Dataset, pack: Path) -> list[dict[str, Any]]:
    """Return what has changed in the data since a pack, as `kpi_helpers.sources.known.changes`.

    Raises
    ------
    KpiError
        When the folder is no pack.
    BadInput
        When the pack remembers nothing, as one that is shared.
    """
    from kpi_helpers.sources.known import DEALS, NAMES, changes

    since = dt.date.fromisoformat(recorded(pack)["as_of"])
    deals = read_table(pack / FOLDER / "deals.csv", DEALS, ["amount"])
    names = read_table(pack / FOLDER / "names.csv", NAMES, [])
    return changes(data, deals, names, since)
