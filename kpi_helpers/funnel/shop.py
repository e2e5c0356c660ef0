"""Where a web shop loses its visitors, from the counts of each day."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kpi_helpers.errors import Unavailable
from kpi_helpers.funnel.beside import with_earlier, with_others
from kpi_helpers.funnel.passages import tidied
from kpi_helpers.funnel.readings import named
from kpi_helpers.language import Phrase
from kpi_helpers.sources.asked import one_dimension, year_of
from kpi_helpers.sources.attempts import Asked, Way
from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.engine import frame_of

SHOP = ("sessions", "product_views", "carts", "checkouts", "orders")


def checkout(data: Dataset, period: str, where: Where = None, by: str = "") -> pd.DataFrame:
    """How many visits of the web shop came to each step in a year.

    Parameters
    ----------
    data, period, where
        As for `conversion`; the data have ``web_funnel``.
    by
        One of its dimensions, such as ``device``.

    Returns
    -------
    pandas.DataFrame
        As `trend`, of the year, beside the year before; with groups as `by_group`. Where more is
        counted than at the step before, as pages are for visits, there is no value.

    Raises
    ------
    Unavailable
        Without two steps that are counted, or two groups.
    """
    groups, year = (one_dimension(by),) if by else (), year_of(data, period)
    if "web_funnel" not in data.base:
        raise Unavailable(what=Phrase("passages.shop"), needs="web_funnel")
    visits = data.filtered("web_funnel", where, groups)
    steps = tuple(name for name in SHOP if name in data.filled("web_funnel"))
    if len(steps) < 2:
        raise Unavailable(what=Phrase("passages.shop"), needs=", ".join(SHOP))
    asked = Asked([data.config.calendar.year_ago(year), year], data.as_of, groups)
    sums = {f"old_x_{place}": visits[name].sum() for place, name in enumerate(steps)}
    daily = frame_of(data.con, visits.group_by("date", *groups).agg(**sums))
    day = pd.to_datetime(daily.pop("date"))
    spans = [(day >= pd.Timestamp(s.start)) & (day < pd.Timestamp(s.end)) for s in asked.spans]
    daily["span"] = np.select(spans, range(len(spans)), np.nan)
    totals = daily.groupby(["span", *groups], dropna=False, as_index=False).sum()
    counts = {name.replace("x", "n"): totals[name] for name in sums}
    young = {f"young_{part}_{place}": 0.0 for part in "nx" for place in range(len(steps))}
    found = named(tidied(totals.assign(**counts, **young), Way(steps), asked), steps)
    now = found["start"] == pd.Timestamp(year.start)
    if by and found.loc[now, by].nunique() < 2:
        raise Unavailable("no_segments", by=by)
    if by:
        return with_others(data, found[now], by)
    found = with_earlier(data, found)
    return found[found["start"] == pd.Timestamp(year.start)].reset_index(drop=True)
