"""The KPIs of each segment beside those of all the others."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kpi_helpers.compare import compare
from kpi_helpers.errors import Unavailable
from kpi_helpers.language import Phrase
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.asked import one_dimension, year_of
from kpi_helpers.sources.dataset import Where

# What tells segments apart: conversion, time, cost, worth, growth, staying.
KPIS = (
    *("lead_qualification_rate", "lead_to_customer_rate", "win_rate_count"),
    *("sales_cycle_duration", "cost_per_lead", "avg_deal_value"),
    *("upsell_rate", "customer_retention_rate", "refund_rate"),
)
# The dimensions that are crossed where none is asked for: the first of these that the data have.
DIMENSIONS = ("source", "sector", "segment", "region", "product", "channel")
MOST, NORMAL = 2, 1.96
# A dimension that is filled in late compares those who got far with those who did not.
BLANK = 0.2


def crossed(data: Dataset, period: str, by: str = "", where: Where = None) -> pd.DataFrame:
    """Compare the KPIs of each segment with those of all the others, over a year.

    Parameters
    ----------
    data
        Data set.
    period
        As for `kpi_helpers.compare`; what is compared are the twelve months that end with it.
    by
        A dimension; by default the first two of `DIMENSIONS` that the deals have.
    where
        As for `kpi_helpers.measure`.

    Returns
    -------
    pandas.DataFrame
        The columns of `kpi_helpers.compare`, with the segment as ``group`` and its ``dimension``;
        ``strength``, the change in units of its standard error, above 0 where the segment does
        better; ``adverse``, whether it does worse for certain; ``signals``, of how many of its KPIs
        that is true. A KPI is there only where it can be compared, and where no more than a fifth
        of its cases lack the dimension.

    Raises
    ------
    Unavailable
        Where no dimension tells two segments apart, or none is filled in well enough.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> found = crossed(kh.load("data/sample"), "2026Q3", "source")
    >>> sorted(found.loc[found["adverse"], "group"].unique())
    ['Réseaux sociaux']
    """
    known = data.dimensions("deals") if "deals" in data.tables else []
    names = [by] if one_dimension(by) else [name for name in DIMENSIONS if name in known][:MOST]
    year = year_of(data, period)
    frames = [
        _beside(compare(data, KPIS, year.name, "others", name, where), name) for name in names
    ]
    frames = [frame for frame in frames if frame["group"].nunique() > 1]
    if not names:
        needs = ", ".join(DIMENSIONS) if "deals" in data.tables else "deals"
        raise Unavailable(what=Phrase("associations.crossed"), needs=needs)
    if not frames:
        raise Unavailable("no_segments", by=", ".join(names))
    return pd.concat(frames, ignore_index=True)


def _beside(compared: pd.DataFrame, by: str) -> pd.DataFrame:
    frame = compared.rename(columns={by: "group"}).assign(dimension=by)
    cases = frame.groupby("kpi")["n"].transform("sum")
    blank = frame["n"].where(frame["group"].isna(), 0.0).groupby(frame["kpi"]).transform("sum")
    told = frame["group"].notna() & frame["reference"].notna() & (blank <= BLANK * cases)
    frame = frame[told].reset_index(drop=True)
    error = (frame["change_high"] - frame["change_low"]) / (2 * NORMAL)
    sign = np.where(frame["better"] == "lower", -1.0, 1.0)
    adverse = frame["change_verdict"] == "worse"
    return frame.assign(
        strength=sign * frame["change"] / error.where(error > 0),
        adverse=adverse,
        signals=adverse.groupby(frame["group"]).transform("sum"),
    )
