"""How long deals stay in a stage, and how long those there now have been in it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kpi_helpers import survival
from kpi_helpers.errors import Unavailable
from kpi_helpers.language import Phrase
from kpi_helpers.measure import HIDDEN, measured
from kpi_helpers.measure.judge import FEW
from kpi_helpers.sources.asked import year_of
from kpi_helpers.sources.course import ladder
from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.engine import frame_of

KPI = "time_in_stage"
LATE, VERY_LATE = 0.75, 0.9


def stays(data: Dataset, period: str, where: Where = None) -> pd.DataFrame:
    """Time in each stage (Kaplan and Meier 1958), and how many deals are in it for long.

    Parameters
    ----------
    data, where
        As for `kpi_helpers.measure`; the data set has a ``stage_history``.
    period
        As for `kpi_helpers.compare`; the stays are those begun in the year that ends with it. One
        that still lasts counts as unfinished.

    Returns
    -------
    pandas.DataFrame
        The tidy columns of ``time_in_stage``, a row a ``stage`` with five stays, in their order,
        and ``mean``, where the median is not reached the mean days up to ``horizon`` (the last day
        with five stays at risk); ``late`` and ``very_late``, by when three in four and nine in ten
        stays have ended; ``now``, the deals that are there on the last day of the data, and
        ``now_late, now_very_late``, those of them that have been for longer.

    Raises
    ------
    Unavailable
        Without such stays.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> stays(kh.load("data/sample"), "2026Q3").set_index("stage")["value"].to_dict()
    {'Qualification': 17.0, 'Rendez-vous': 19.0, 'Proposition': 20.0, 'Négociation': 12.0}
    """
    year = year_of(data, period)
    found = measured(data, [KPI], [year], ("stage",), where)
    found = found[found["ages"].notna() & found["n"].ge(FEW)].set_index("stage", drop=False)
    if found.empty:
        needs = data.lacks("stage_visits") or Phrase("times.stays_needed", {"n": FEW})
        raise Unavailable(what=Phrase("times.stays"), needs=needs)
    found = found.loc[[name for name in ladder(data).steps if name in found.index]]
    time = found["ages"].iloc[0][0]
    ended, _, everyone = np.moveaxis(np.array([each[1:] for each in found["ages"]]), 1, 0)
    curve = survival.kaplan_meier(time, ended, everyone - ended)
    horizon = np.where(curve.at_risk >= FEW, time, 0.0).max(axis=-1)
    mean = survival.restricted_mean(curve, horizon)
    found = found.assign(mean=np.where(found["value"].isna(), mean, np.nan), horizon=horizon)
    found["late"] = survival.quantile(curve, LATE)
    found["very_late"] = survival.quantile(curve, VERY_LATE)
    visits = data.filtered("stage_visits", where, ("stage", "gone_at", "days_there"), alone=True)
    there = visits.filter(visits.gone_at.isnull(), visits.days_there >= 0)
    counts = frame_of(data.con, there.group_by("stage", "days_there").agg(n=there.count()))
    counts = counts.join(found[["late", "very_late"]], on="stage")
    counts["now"] = counts["n"]
    for name in ("late", "very_late"):
        counts[f"now_{name}"] = counts["n"] * (counts["days_there"] > counts[name])
    sums = counts.groupby("stage")[["now", "now_late", "now_very_late"]].sum()
    found = found.join(sums.reindex(found.index).fillna(0))
    return found.drop(columns=list(HIDDEN)).reset_index(drop=True)
