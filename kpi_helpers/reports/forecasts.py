"""The forecasts that reports tell, handed from one report to the next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kpi_helpers.reports.tables import TABLES, number_of_rows, reports_folder
from kpi_helpers.sources.saving import read_table

if TYPE_CHECKING:
    import pandas as pd

    from kpi_helpers.sources import Dataset
    from kpi_helpers.sources.dataset import Where

TOLD = "forecast_log"


def due(data: Dataset, where: Where = None) -> pd.DataFrame:
    """Judge the forecasts that the source holds, and those that reports beside this one told.

    Parameters
    ----------
    data, where
        As for `kpi_helpers.forecasting.due`, whose frame is returned.

    Raises
    ------
    Unavailable
        As `kpi_helpers.forecasting.due`.
    BadInput, MissingColumn
        For a log that cannot be read.
    """
    from kpi_helpers import forecasting
    from kpi_helpers.sources.forecast_log import FILE, forecasts

    folder = reports_folder()
    return forecasting.due(data, forecasts(data, folder / FILE if folder else None), where)


def for_log(data: Dataset, *frames: pd.DataFrame | None) -> pd.DataFrame | None:
    """Return the forecasts of a report for its log; None where it made none.

    Parameters
    ----------
    data : Dataset
    *frames : DataFrame or None
        As for `kpi_helpers.forecasting.logged`.
    """
    import pandas as pd

    from kpi_helpers.forecasting import logged

    rows = [logged(frame, data.as_of) for frame in frames if frame is not None]
    return pd.concat(rows, ignore_index=True) if rows else None


def forecasts_beside(pack: Path) -> int:
    """Return how many forecasts of earlier reports a report finds in the log beside it."""
    from kpi_helpers.sources.forecast_log import FILE

    return number_of_rows(pack.parent / FILE) if (pack.parent / FILE).exists() else 0


def keep(data: Dataset, pack: Path) -> None:
    """Add the forecasts of a report that is written to the log beside it."""
    from kpi_helpers.sources.forecast_log import FIGURES, FILE, KEYS, add

    table = pack / TABLES / f"{TOLD}.csv"
    if table.exists():
        add(pack.parent / FILE, read_table(table, KEYS[2:], FIGURES), data)
