"""Which figures left their usual variation, and which last points call for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.control.limits import ONE, limits
from kpi_helpers.errors import Unavailable
from kpi_helpers.language import Phrase
from kpi_helpers.measure import HIDDEN
from kpi_helpers.measure.monthly import by_period, is_stock, periods_to
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.asked import names_in
from kpi_helpers.sources.dataset import Where

__all__ = ["latest", "limits", "watched"]

YEARS = 4
# A signal of these months is news; signals as far apart as that belong together; three are sure.
NEWS, APART, SURE = 3, 6, 3


def watched(
    data: Dataset,
    kpis: str | Sequence[str],
    period: str,
    where: Where = None,
    rules: str = ONE,
    rebase: Sequence[str] = (),
) -> pd.DataFrame:
    """Measure KPIs month by month up to a period, each with the limits of its usual variation.

    The months are the last four years at most, whole and wholly covered by the data; stocks, which
    carry over from month to month, are left out. Counts and totals are read by the day worked,
    sales cycles all up to the same age. A definition that `kpi_log` says has changed starts a new
    baseline; so does a day of `rebase`.

    Parameters
    ----------
    data, kpis, where
        As for `kpi_helpers.compare`.
    period
        The last month is the last whole one of it.
    rules
        As for `kpi_helpers.control.limits`.
    rebase
        Days (ISO) from which a baseline starts anew; each must be one of `events` or `kpi_log`.

    Returns
    -------
    pandas.DataFrame
        The columns of `limits`, and ``event``: what `events` say of that month.

    Raises
    ------
    Unavailable
        Where no KPI has the twelve months of a baseline.
    UnknownName
        For a day of `rebase` that no event documents.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> data = kh.load("data/sample")
    >>> found = watched(data, ["lead_qualification_rate"], "2025Q4")
    >>> found.loc[found["signal"], "period"].tolist()
    ['2025-07', '2025-08', '2025-09', '2025-10', '2025-11', '2025-12']
    """
    months = periods_to(data, period, YEARS)
    flows = [name for name in names_in("kpis", kpis) if not is_stock(data, name)]
    frame = by_period(data, flows, months, where, rebase) if flows and months else pd.DataFrame()
    found = limits(frame, rules) if len(frame) else frame
    if found.empty or found["centre"].isna().all():
        raise Unavailable(what=Phrase("control.what"), needs=Phrase("control.needs"))
    return found.drop(columns=[*HIDDEN, "exposure", "phase", "usable"])


def latest(found: pd.DataFrame) -> pd.DataFrame:
    """Return one row a KPI: its last signal, if that is news, else its last month.

    Parameters
    ----------
    found
        What `watched` returns.

    Returns
    -------
    pandas.DataFrame
        The columns of `watched` of that month, and ``news`` (whether it is a signal of the last
        three months), ``since`` (the first signal that belongs to it), ``signals`` and ``months``
        (how many there were since, in how many months), ``sure`` (three signals or more) and
        ``event`` of the month ``since``. News come first, those of the most signals before others.
    """
    judged = found[found["centre"].notna()]
    rows = [_latest(each) for _, each in judged.groupby("kpi", sort=False)]
    rows.sort(key=lambda row: (row["news"], row["signals"], abs(row["far"])), reverse=True)
    return pd.DataFrame(rows)


def _latest(rows: pd.DataFrame) -> dict[Any, Any]:
    places = np.flatnonzero(rows["signal"])
    if not len(places) or places[-1] < len(rows) - NEWS:
        more = {"news": False, "since": "", "signals": 0, "months": 0, "sure": False, "event": ""}
        return rows.iloc[-1].to_dict() | more
    side = np.sign(rows["far"].to_numpy(float))[places]
    places = places[side == side[-1]]
    began = np.flatnonzero(np.diff(places, prepend=-len(rows)) > APART)[-1]
    places, first = places[began:], rows.iloc[places[began]]
    more = {"news": True, "since": first["period"], "signals": len(places)}
    more |= {"months": len(rows) - places[0], "sure": len(places) >= SURE, "event": first["event"]}
    return rows.iloc[places[-1]].to_dict() | more
