"""What the histories of the deals tell: the way of each case from the lead to the order."""

from __future__ import annotations

from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.engine import Rows
from kpi_helpers.sources.facts import JOURNEYS


def journeys(dataset: Dataset, where: Where = None) -> Rows:
    """A row a case and step that it reached, from the lead to the order, skipped steps too.

    Parameters
    ----------
    dataset
        The data set, as of its day.
    where
        Filter or named segment: over the columns below, and those that the reps, customers and
        products lend (``team``).

    Returns
    -------
    ibis table
        ``case_id, step, place, entered_at, advanced_at, lost_at, age_days, outcome, ended_at,
        amount, lead_id, deal_id, reached`` and the dimensions, in the data's own engine. A case is
        a lead with the deal that it became, or a deal without one, which has no rows for what leads
        pass. ``place`` counts the steps of `way` from 0. ``entered_at`` is when this step or a
        later one was first reached, ``advanced_at`` when a later one was, ``lost_at`` when a case
        that got no further was lost (missing for a lead refused: nobody notes when); ``reached``
        holds the days of all its steps, by place. A dimension that leads have is the lead's: what
        only deals say would make every group of leads win.

    Raises
    ------
    Unavailable
        When the source has neither deals, leads nor a history of stages.

    Examples
    --------
    >>> import pandas as pd
    >>> from kpi_helpers.sources import load
    >>> deals = pd.DataFrame({"deal_id": ["1"], "created_at": ["2026-01-05"], "status": ["won"],
    ...                       "closed_at": ["2026-02-01"]})
    >>> journeys(load(deals)).columns[:3]
    ('case_id', 'step', 'place')
    """
    return dataset.filtered(JOURNEYS.name, where)
