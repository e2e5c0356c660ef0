"""What an earlier report wrote and is no longer so, and the rows behind figures that show it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from kpi_helpers.errors import KpiError, Unavailable
from kpi_helpers.reports.difference import (
    WHEN,
    Pack,
    differs,
    moved,
    read,
    recorded,
    unlike_settings,
)
from kpi_helpers.reports.pack import MARK
from kpi_helpers.reports.record import involved, record
from kpi_helpers.reports.tables import FOLDER_VARIABLE

if TYPE_CHECKING:
    from kpi_helpers.periods import Period
    from kpi_helpers.sources import Dataset

MOST = 10_000
BEHIND = ["kpi", "period", "key", "counts", "of"]


def behind(data: Dataset, figures: pd.DataFrame) -> pd.DataFrame:
    """List the rows behind figures by their ids, for a later report to compare.

    Parameters
    ----------
    data : Dataset
    figures : DataFrame
        Tidy, without dimensions.

    Returns
    -------
    DataFrame
        ``kpi, period`` and what `kpi_helpers.measure.keyed` returns. A figure of more than 10,000
        rows has one line without a key that ``counts`` them; a derived one has none.
    """
    found = [pd.DataFrame(columns=BEHIND)]
    for figure in figures.dropna(subset="value").to_dict("records"):
        rows = _rows(data, figure)
        if len(rows) > MOST:
            rows = pd.DataFrame({"key": [""], "counts": [float(len(rows))]})
        found.append(rows.assign(kpi=figure["kpi"], period=figure["period"]))
    return pd.concat([f for f in found if len(f)] or found, ignore_index=True).reindex(columns=BEHIND)
