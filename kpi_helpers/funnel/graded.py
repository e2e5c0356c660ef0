"""The chance of open cases, and of answers that a person gives, by what BANT has been worth."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

from kpi_helpers.funnel.scoring import COLUMNS, ITEMS, Bant, home_of, score
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.dataset import Where
from kpi_helpers.sources.engine import frame_of

READ = ("deal_name", "owner", "stage", "source", "amount")


def graded(found: Bant, answers: pd.DataFrame) -> pd.DataFrame:
    """Return the chance of cases with such answers to be won, with its 95 % interval.

    Parameters
    ----------
    found
        What `bant` returns.
    answers
        ``budget, authority, need, timeline``, a row a case; blank where not known.

    Returns
    -------
    pandas.DataFrame
        ``points`` (missing where an answer is), ``chance, low, high``. By the weights of the items;
        an answer that is not known, where all of the past are, may be a yes or a no: the chance is
        their mean as often as each came, the interval spans both. Where too few cases came to weigh
        the items, it is the rate of those with as many points.
    """
    items = answers.reindex(columns=[*ITEMS]).astype(float)
    points = items.sum(axis=1, skipna=False)
    if found.weights is None:
        rates = found.scores[found.scores["points"].notna()]
        rates = rates.set_index(pd.to_numeric(rates["points"]))[["value", "low", "high"]]
        rates = rates.reindex(points).set_axis(items.index).rename(columns={"value": "chance"})
        return pd.concat([points.rename("points"), rates], axis=1)
    never = [item for item in ITEMS if f"{item} missing" not in found.weights.names]
    unsure = [item for item in never if items[item].isna().any()]
    counts = found.items.pivot_table("n", "item", "answer", "sum", 0.0).reindex(
        columns=["yes", "no"]
    )
    share = (counts["yes"] / counts.fillna(0.0).sum(axis=1)).to_dict()
    chance, low, high = np.zeros(len(items)), np.ones(len(items)), np.zeros(len(items))
    for levels in product((0.0, 1.0), repeat=len(unsure)):
        weight, tried = np.ones(len(items)), items.copy()
        for item, level in zip(unsure, levels, strict=True):
            blank = items[item].isna().to_numpy()
            weight *= np.where(blank, share[item] if level else 1 - share[item], 0.5)
            tried.loc[blank, item] = level
        one = score(found.weights, tried)
        chance += weight * one["chance"].to_numpy()
        low, high = np.minimum(low, one["low"]), np.maximum(high, one["high"])
    return pd.DataFrame({"points": points, "chance": chance, "low": low, "high": high}, items.index)


def open_cases(data: Dataset, found: Bant, where: Where = None) -> pd.DataFrame:
    """Return the open cases with at least one answer, the most likely to be won first.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load`; its deals, else its leads, as for `bant`.
    found
        What `bant` returns of it.
    where
        As for `kpi_helpers.measure`.

    Returns
    -------
    pandas.DataFrame
        ``case`` (its id), what is known of ``deal_name, owner, stage, source, amount``, the answers
        by item, the columns of `graded`, and ``expected`` (amount × chance).
    """
    table, *_ = home_of(data)
    rows = data.filtered(table, where)
    key = f"{table[:-1]}_id"
    is_open = (
        rows.is_open if table == "deals" else ~rows.is_converted & rows.rejected_reason.isnull()
    )
    known = [name for name in READ if name in data.filled(table)]
    frame = frame_of(data.con, rows.filter(is_open).select(key, *known, *COLUMNS))
    frame = frame.rename(columns={key: "case", **dict(zip(COLUMNS, ITEMS, strict=True))})
    frame = frame[frame[[*ITEMS]].notna().any(axis=1)].reset_index(drop=True)
    frame = frame.join(graded(found, frame))
    amount = frame["amount"].astype(float) if "amount" in frame else pd.Series(np.nan, frame.index)
    frame = frame.assign(amount=amount, expected=amount * frame["chance"])
    order = ["chance", "expected", "case"]
    return frame.sort_values(order, ascending=[False, False, True], ignore_index=True)
