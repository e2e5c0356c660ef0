"""One number for how far the data can be trusted, and how fresh they are."""

from __future__ import annotations

import math

from kpi_helpers.sources.checks.across import ENTITIES, NOT_READ
from kpi_helpers.sources.checks.marks import BLOCK, INFO, WARN
from kpi_helpers.sources.checks.quality import quality
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.files.grids import REASONS
from kpi_helpers.sources.registers import REGISTERS

WEIGHTS = {BLOCK: 1.0, WARN: 0.5, INFO: 0.1}
UNCOUNTED = 0.2
HIGHEST_BLOCKED = 60


def score(data: Dataset) -> int:
    """How far the data can be trusted, from 0 to 100; 100 when no check found anything.

    A table has 100 points. Each check keeps it from a part of those it still has: the larger of
    its share of the rows and its share of the money, a fifth where neither is known (rows that
    stop early), in full for what blocks, by half for a warning, by a tenth for information; titles
    and totals set aside and files not read cost nothing. The score is that of the worst table of
    facts, rounded down, and at most 60 while a check blocks, be it in a register.

    Parameters
    ----------
    data
        A data set of `load`.

    Returns
    -------
    int
        The same data always have the same score. ``text("score.rule")`` says the rule to a reader.

    Examples
    --------
    >>> import pandas as pd
    >>> from kpi_helpers.sources import load
    >>> deals = pd.DataFrame({"deal_id": ["1", "2"], "status": ["won", "open"],
    ...     "created_at": ["2026-01-05", "2026-01-09"], "closed_at": ["2026-01-01", None]})
    >>> score(load(deals))  # one of two deals is closed before it is created, a warning
    75
    """
    found = quality(data)
    found = found[~found["check"].isin([*REASONS, NOT_READ.reason])]
    touched = found[["share", "money_share"]].max(axis=1).fillna(UNCOUNTED).clip(0, 1)
    kept = 1 - touched * found["severity"].map(WEIGHTS).astype("float64")
    facts = ~found["table"].isin(REGISTERS)
    worst = kept[facts].groupby(found["table"]).prod().min() if facts.any() else 1.0
    points = math.floor(100 * round(worst, 9))
    blocked = found["severity"].eq(BLOCK).any()
    return min(points, HIGHEST_BLOCKED if blocked else 99 if len(found) else 100)


def freshness(data: Dataset) -> int | None:
    """Days between the newest day of the facts and the day that the data are of.

    The days of salespeople, customers and products do not count, nor do plans (targets, expected
    dates) and placeholders; None where no fact has a day.

    Parameters
    ----------
    data
        A data set of `load`.
    """
    last = [
        cover.last
        for (table, _), cover in data.covered.items()
        if table not in ENTITIES and table not in REGISTERS and cover.last is not None
    ]
    return (data.as_of - max(last)).days if last else None
