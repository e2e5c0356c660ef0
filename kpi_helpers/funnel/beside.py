"""Passages beside those of an earlier period, or of all the other groups."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kpi_helpers.compare import ADDED, judged
from kpi_helpers.compare.beside import joined
from kpi_helpers.compare.difference import Z
from kpi_helpers.errors import NotAddable, Unavailable
from kpi_helpers.funnel.passages import PASSAGE
from kpi_helpers.intervals import wilson
from kpi_helpers.kpis.settled import divided
from kpi_helpers.measure import HIDDEN
from kpi_helpers.sources import Dataset

SUMS = ["numerator", "denominator"]


def with_earlier(
    data: Dataset, frame: pd.DataFrame, by: tuple[str, ...] = (), back: int = 1
) -> pd.DataFrame:
    """Set each period beside the one ``back`` periods before.

    Parameters
    ----------
    data
        The data set that it is of.
    frame
        What `kpi_helpers.funnel.counted` returns.
    by
        The columns that make its groups.
    back
        How many periods: of quarters, 4 is the year before.

    Returns
    -------
    pandas.DataFrame
        With the columns that `kpi_helpers.compare` adds.
    """
    return _judged(data, frame, frame, by, back)


def with_others(data: Dataset, frame: pd.DataFrame, by: str) -> pd.DataFrame:
    """Set each group of each period beside all the others together, as `with_earlier` does.

    Returns
    -------
    pandas.DataFrame
        With ``dimension, group, strength`` (the change in units of its standard error), ``adverse``
        (worse for certain) and ``signals`` (of how many steps that is true), as in
        `kpi_helpers.associations.crossed`. Those not assigned are among the others only.

    Raises
    ------
    NotAddable
        For amounts and for customers, who may be in two groups: only numbers are taken apart.
    Unavailable
        Where no group has enough cases of a step.
    """
    if not frame["adds"].all():
        raise NotAddable(kpi=PASSAGE, over=by)
    others = frame.groupby(["start", "place"])[SUMS].transform("sum") - frame[SUMS]
    k, n = others.to_numpy(float).T
    low, high = wilson(k, n)
    then = frame.assign(value=divided(k, n), low=low, high=high, numerator=k, denominator=n, n=n)
    then["status"] = np.where(n > 0, "ok", "missing")
    found = _judged(data, frame, then, (by,), 0).rename(columns={by: "group"})
    found = found[found["group"].notna() & found["reference"].notna()].reset_index(drop=True)
    if found.empty:
        raise Unavailable("no_segments", by=by)
    error, adverse = found["change_high"] - found["change_low"], found["change_verdict"] == "worse"
    return found.assign(
        dimension=by,
        strength=2 * Z * found["change"] / error.where(error > 0),
        adverse=adverse,
        signals=adverse.groupby(found["group"]).transform("sum"),
    )


def _judged(
    data: Dataset, now: pd.DataFrame, then: pd.DataFrame, by: tuple[str, ...], back: int
) -> pd.DataFrame:
    """Each passage beside its reference; the first step passes nothing.

    Steps are told apart by their place: a stage may be called as another step is.
    """
    turn = now["start"].rank(method="dense")
    now, then = now.assign(turn=turn), then.assign(turn=turn + back)
    frame = joined(now[now["place"] > 0], then, ("turn", "place", *by))
    frame = judged(data, frame.assign(target=np.nan, complete=True))
    inner = [name for name in frame.filter(like="reference_") if name not in ADDED]
    return frame.drop(columns=[*HIDDEN, "adds", "turn", "complete", *inner])
