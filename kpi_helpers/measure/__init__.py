"""Runs any KPIs on any data set and returns one tidy frame."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kpi_helpers.measure.answer import carries, lacking
from kpi_helpers.measure.behind import keyed, rows
from kpi_helpers.measure.settings import check_names
from kpi_helpers.measure.tidy import HIDDEN, measure_ahead, measured
from kpi_helpers.measure.traced import traced
from kpi_helpers.sources.asked import names_in
from kpi_helpers.sources.dataset import Dataset, Where

__all__ = [
    "HIDDEN",
    "carries",
    "keyed",
    "lacking",
    "measure",
    "measure_ahead",
    "measured",
    "rows",
    "spoken",
    "traced",
]


def measure(
    data: Dataset,
    kpis: str | Sequence[str],
    period: str,
    by: str | Sequence[str] = (),
    where: Where = None,
    grain: str | None = None,
) -> pd.DataFrame:
    """Measure KPIs in a period, with n and interval, broken down and filtered as asked.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load`.
    kpis
        An id or a list of ids of the catalogue.
    period
        ``"2026Q3"``, ``"2026-09"``, ``"2025Q1:2026Q3"``, ``"all"``, ``"last"``, ``"ytd"`` …
    by
        Dimensions; each combination that occurs gets a row a period.
    where
        A filter: ``{"team": "A"}``, ``"amount >= 15000"``, or the name of a segment.
    grain
        ``"day"``, ``"week"``, ``"month"``, ``"quarter"`` or ``"year"``: cut the period into these.

    Returns
    -------
    pandas.DataFrame
        Columns ``kpi, label, unit, better, period, start, end, <dimensions>, value, numerator,
        denominator, n, low, high, method, status, note``. Rates are 0 to 1; ``end`` is the first
        day after the period; ``status`` is one of ``ok``, ``indicative`` (5 to 29 cases, or a
        period not wholly covered), ``insufficient`` (under 5), ``immature`` (too early) and
        ``missing`` (the note says why).

    Raises
    ------
    UnknownName
        For a KPI, dimension or column that does not exist, with the nearest names.
    BadPeriod
        For a text that is no period.
    BadInput
        For a filter that cannot be read, or no KPI at all.
    BadConfig
        For a setting that names a KPI that does not exist.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> deals = pd.DataFrame({"deal_id": list("abc"), "status": ["won", "lost", "won"],
    ...     "created_at": ["2026-01-05"] * 3, "closed_at": ["2026-02-01"] * 3})
    >>> kh.measure(kh.load(deals), "win_rate_count", "2026Q1")[["value", "n", "status"]]
          value    n        status
    0  0.666667  3.0  insufficient
    """
    wanted, dimensions = names_in("kpis", kpis), names_in("by", by)
    check_names(data.config)
    calendar = data.config.calendar
    periods = calendar.periods(period, grain, as_of=data.as_of, first=data.first)
    frame = measured(data, wanted, periods, dimensions, where).drop(columns=list(HIDDEN))
    return spoken(frame, data)


def spoken(frame: pd.DataFrame, data: Dataset) -> pd.DataFrame:
    """Let a result remember, in its ``attrs``, the language, currency and words it is told in."""
    look = data.config
    frame.attrs |= {"lang": look.lang, "currency": look.currency, "terms": dict(look.terms)}
    return frame
