"""A rate of the whole before and after: the groups' own rates, and how the groups weigh."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kpi_helpers.errors import MissingColumn
from kpi_helpers.kpis.settled import divided

NEEDED = ("group", "k", "n")


def rate_mix(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Cut a change of a rate into what the groups' own rates and what their weights brought.

    Weights and rates are those midway between before and after, so that nothing is left over
    (Marshall and Edgeworth's weights; Shapley's shares of two factors). A group that appears or
    vanishes has no rate on one side: it moves the whole by its weight alone. Of the weights, what
    counts is how far a group's rate lies from that of the whole.

    Parameters
    ----------
    before, after
        Columns ``group``, ``k`` (cases that did) and ``n`` (cases that could); the rows of one
        group are added up, and a blank group is one of its own.

    Returns
    -------
    pandas.DataFrame
        Columns ``group, k_before, n_before, k_after, n_after, rate_before, rate_after, rate, mix``,
        and ``standardised``, the rate after on the weights before (of a new group, none). The sum
        of ``rate`` and ``mix`` is the change of Σk / Σn.

    Raises
    ------
    MissingColumn
        When a frame lacks one of its columns.

    Examples
    --------
    >>> before = pd.DataFrame({"group": ["web", "fair"], "k": [20, 240], "n": [200, 800]})
    >>> after = pd.DataFrame({"group": ["web", "fair"], "k": [96, 66], "n": [800, 200]})
    >>> cut = rate_mix(before, after)
    >>> cut[["rate", "mix", "standardised"]].sum().round(3).tolist()
    [0.025, -0.123, 0.288]
    """
    counts = pd.concat([_counted(before, "before"), _counted(after, "after")], axis=1).fillna(0.0)
    k0, n0, k1, n1 = (counts[name].to_numpy(float) for name in counts)
    w0, w1 = divided(n0, n0.sum() + 0 * n0), divided(n1, n1.sum() + 0 * n1)
    r0, r1 = divided(k0, n0), divided(k1, n1)
    counted = n0 + n1 > 0
    old = np.where(counted, np.where(n0 > 0, r0, r1), 0.0)
    new = np.where(counted, np.where(n1 > 0, r1, r0), 0.0)
    centre = ((w0 * old).sum() + (w1 * new).sum()) / 2
    return pd.DataFrame(
        {
            "group": counts.index,
            **{name: counts[name].to_numpy(float) for name in counts},
            "rate_before": r0,
            "rate_after": r1,
            "rate": (w0 + w1) / 2 * (new - old),
            "mix": (w1 - w0) * ((old + new) / 2 - centre),
            "standardised": w0 * new,
        }
    )


def _counted(frame: pd.DataFrame, side: str) -> pd.DataFrame:
    for column in NEEDED:
        if column not in frame.columns:
            found = [str(name) for name in frame.columns]
            raise MissingColumn(table=side, column=column, candidates=found)
    counts = frame[["k", "n"]].astype(float).set_axis([f"k_{side}", f"n_{side}"], axis=1)
    return counts.groupby(frame["group"].to_numpy(object), dropna=False).sum()
