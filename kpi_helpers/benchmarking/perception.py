"""How customers mark us beside a competitor whom they marked as well."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kpi_helpers.compare.difference import adjusted
from kpi_helpers.compare.verdicts import FALSE_FINDINGS
from kpi_helpers.errors import Unavailable
from kpi_helpers.kpis.settled import divided
from kpi_helpers.language import Phrase
from kpi_helpers.sources.asked import year_of
from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.derived import IMPORTANCE
from kpi_helpers.sources.engine import frame_of


def perception(data: Dataset, period: str = "last", where: Where = None) -> pd.DataFrame:
    """Compare our mark with each competitor's on each attribute, by those who gave both.

    Parameters
    ----------
    data
        A data set with ``surveys`` of the type ``perception``; those whose subject is
        ``importance`` say how much an attribute matters.
    period, where
        As for `kpi_helpers.measure`; answers of the twelve months that end with the period count.

    Returns
    -------
    pandas.DataFrame
        A row a ``subject`` and ``attribute``, the worst first: ``n`` (pairs), ``value, reference``
        (our mean mark, and theirs), ``change, change_low, change_high`` (mean difference, Student's
        t), ``p_value, p_adjusted, change_verdict`` (10 % of false findings), ``importance``,
        ``weighed`` (importance × gap, by which the rows stand where it is known).

    Raises
    ------
    Unavailable
        Unless three answers mark both us and a competitor on an attribute.
    """
    needs = Unavailable(what=Phrase("market.perception"), needs="surveys: type = perception")
    if "surveys" not in data.tables or not {"subject", "attribute"} <= data.filled("surveys"):
        raise needs
    year = year_of(data, period)
    rows = data.filtered("surveys", where, ("our_score", "attribute", "subject"))
    rows = rows.filter(rows.responded_at >= year.start, rows.responded_at < year.end)
    rows = rows.filter(rows.type == "perception", ~rows.is_own, rows.attribute.notnull())
    matters = rows.filter(rows.subject.lower().isin(IMPORTANCE))
    both = rows.filter(rows.subject.lower().notin(IMPORTANCE), rows.our_score.notnull())
    gap = both.our_score - both.score
    sums = {"n": both.count(), "value": both.our_score.mean(), "reference": both.score.mean()}
    asked = both.group_by("subject", "attribute").agg(**sums, x=gap.sum(), xx=(gap * gap).sum())
    found = frame_of(data.con, asked)
    found = found[found["n"] >= 3].reset_index(drop=True)
    if found.empty:
        raise needs
    marks = frame_of(
        data.con, matters.group_by("attribute").agg(importance=matters.score.mean())
    ).astype({"importance": float})
    return _tested(found.merge(marks, "left", on="attribute"))


def _tested(found: pd.DataFrame) -> pd.DataFrame:
    from scipy.special import stdtr, stdtrit

    n, x, xx = (found[name].to_numpy(float) for name in ("n", "x", "xx"))
    mean = x / n
    error = np.sqrt(np.maximum(xx - n * mean**2, 0.0) / (n - 1) / n)
    half = stdtrit(n - 1, 0.975) * error
    # Where everybody sees the same gap it is no chance, and no gap is none.
    p_value = np.where(error > 0, 2 * stdtr(n - 1, -np.abs(divided(mean, error))), mean == 0)
    p_adjusted = adjusted(p_value)
    sure = (p_adjusted <= FALSE_FINDINGS) & ((mean - half) * (mean + half) > 0)
    found = found.drop(columns=["x", "xx"]).assign(
        change=mean,
        change_low=mean - half,
        change_high=mean + half,
        p_value=p_value,
        p_adjusted=p_adjusted,
        change_verdict=np.where(sure, np.where(mean > 0, "better", "worse"), "none_shown"),
        weighed=found["importance"] * mean,
    )
    order = found.assign(order=found["weighed"].fillna(found["change"]))
    return order.sort_values(["order", "subject", "attribute"], ignore_index=True).drop(
        columns="order"
    )
