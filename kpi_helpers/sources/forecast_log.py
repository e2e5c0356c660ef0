"""The forecasts that reports have told, kept beside them: once written, no row changes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.errors import BadInput
from kpi_helpers.language import Phrase
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.registers import FORECASTS
from kpi_helpers.sources.saving import as_csv, read_table, updated

FILE = "forecasts.csv"
DAYS = ("made_at", "period_start", "period_end")
FIGURES = ["value", "low", "high"]
# A forecast is known by these; one of another value is another one.
KEYS = ["company", "currency", "metric", "definition", *DAYS, "horizon", "method"]


def add(path: Path, told: pd.DataFrame, data: Dataset) -> None:
    """Add forecasts to the log of a folder of reports.

    What stands there already is not repeated. One that was told the same day of the same period by
    the same method with another value is added below: what was said first stays the first.

    Parameters
    ----------
    path
        The log; made where it is missing.
    told
        What `kpi_helpers.forecasting.logged` returns.
    data
        Whose forecasts they are, by its name and currency.

    Raises
    ------
    BadInput, MissingColumn
        For a log that cannot be read, which stays as it is.
    KpiError
        For one that cannot be written.
    """
    own = told.assign(company=data.name, currency=data.config.currency)

    def joined(old: bytes | None) -> bytes:
        log = own.iloc[:0] if old is None else _read(path)
        every = pd.concat([log.astype(object), own.astype(object)], ignore_index=True)
        # Sums taken in another order differ in their last digits.
        figures = every[FIGURES].map("{:.9g}".format)
        fresh = ~every[KEYS].astype(str).join(figures).duplicated()
        fresh[: len(log)] = True
        if old is not None and fresh.sum() == len(log):
            return old
        more = [name for name in every if name not in (*KEYS, *FIGURES)]
        return as_csv(every.loc[fresh, [*KEYS, *FIGURES, *more]])

    updated(path, joined)


def forecasts(data: Dataset, path: Path | None = None) -> pd.DataFrame:
    """Return the forecasts of a data set's own table and those of a log, as known on its day.

    Of the log those of another company, currency or definition are no forecasts of its figures.

    Returns
    -------
    DataFrame
        The columns of the table ``forecasts``, in the order in which they were written.
    """
    names = [*FORECASTS.names]
    frames = [data["forecasts"][names]] if "forecasts" in data.tables else []
    if path is not None and path.is_file():
        log = _read(path)
        mine = log["company"].eq(data.name) & log["currency"].eq(data.config.currency)
        now = {kpi: declared.version for kpi, declared in REGISTRY.items()}
        mine &= log["definition"].eq(log["metric"].map(now))
        mine &= log["made_at"].le(str(data.as_of))
        frames.append(log.loc[mine, names])
    days = dict.fromkeys(DAYS, "datetime64[us]")
    none = pd.DataFrame({name: [] for name in names})
    found = pd.concat([each.astype(days) for each in frames or [none]])
    return found.reset_index(drop=True)


def _read(path: Path) -> pd.DataFrame:
    log = read_table(path, KEYS, FIGURES)
    for name in DAYS:
        bad = pd.to_datetime(log[name], format="%Y-%m-%d", errors="coerce").isna().to_numpy()
        if bad.any():
            row = int(bad.argmax())
            place = {"file": path.name, "line": row + 2, "column": name}
            value, expected = log[name].iloc[row], Phrase("expected.iso_day")
            raise BadInput(**place, value=value, expected=expected)
    return log
