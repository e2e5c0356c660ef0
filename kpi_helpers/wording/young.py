"""What is too early to be read, beside the last period that can be."""

from __future__ import annotations

import pandas as pd

from kpi_helpers.measure.judge import IMMATURE
from kpi_helpers.wording.told import OWN, Told

FRACTIONS = {
    "none": 0.0,
    "tenth": 0.1,
    "fifth": 0.2,
    "quarter": 0.25,
    "third": 1 / 3,
    "half": 0.5,
    "two_thirds": 2 / 3,
    "three_quarters": 0.75,
    "nearly_all": 1.0,
}


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


def visible(told: Told) -> str:
    """Say what part of the expected conversions is there, for what is too early to be read."""
    expected = told.number("readable") * told.number("denominator")
    if told.certainty != IMMATURE or not expected > 0:
        return ""
    part = told.number("numerator") / expected
    nearest = min(FRACTIONS, key=lambda fraction: abs(FRACTIONS[fraction] - part))
    return told.text(f"visible.{nearest}")
