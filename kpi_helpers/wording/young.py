"""What is too early to be read, beside the last period that can be."""

from __future__ import annotations

import pandas as pd

from kpi_helpers.wording.told import OWN


def with_readable(compared: pd.DataFrame, readable: pd.DataFrame) -> pd.DataFrame:
    """Return a comparison with the columns ``readable_period`` and ``readable`` of `sentence`.

    Parameters
    ----------
    compared : DataFrame
        What `kpi_helpers.compare` returns.
    readable : DataFrame
        What `kpi_helpers.compare.last_readable` returns for the same KPIs and dimensions.
    """
    keys = ["kpi", *(column for column in compared if column not in OWN)]
    last = readable[[*keys, "period", "value"]]
    named = last.rename(columns={"period": "readable_period", "value": "readable"})
    return compared.merge(named, on=keys, how="left")
