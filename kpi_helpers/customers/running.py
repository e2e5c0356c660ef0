"""How long contracts run."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kpi_helpers import intervals
from kpi_helpers.errors import Unavailable
from kpi_helpers.kpis.settled import divided
from kpi_helpers.language import Phrase
from kpi_helpers.sources.asked import one_dimension
from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.survival import kaplan_meier


def survival(data: Dataset, by: str = "", where: Where = None) -> pd.DataFrame:
    """Share of contracts that still run so many months after they began (Kaplan and Meier).

    Contracts from before the first month of ``mrr``, where that is a year ago or more, are left
    out: of those only the ones that lasted are known.

    Parameters
    ----------
    data
        A data set whose ``customers`` have ``contract_start`` and, once it ended, ``contract_end``.
    by
        A dimension of customers; empty for none.
    where
        As for `kpi_helpers.measure`.

    Returns
    -------
    pandas.DataFrame
        Columns ``group`` (of ``by``; blank for none), ``months, n`` (contracts that ran so long),
        ``value, low, high``.

    Raises
    ------
    Unavailable
        Without these dates.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> customers = pd.DataFrame({"customer_id": ["A", "B"], "contract_end": ["2026-03-01", None],
    ...     "contract_start": ["2026-01-01", "2026-01-01"]})
    >>> survival(kh.load({"customers": customers}, as_of="2026-04-30"))["value"].tolist()
    [1.0, 1.0, 0.5, 0.5]
    """
    dates = ("contract_start", "contract_end")
    lacking = {*dates} - (data.filled("customers") if "customers" in data.base else set())
    if lacking:
        raise Unavailable(what=Phrase("wording.retention.what"), needs=f"customers.{min(lacking)}")
    columns = [*dates, *([one_dimension(by)] if by else [])]
    rows = frame_of(data.con, data.filtered("customers", where, tuple(columns)).select(*columns))
    rows = rows.dropna(subset="contract_start")
    cover = data.covered.get(("mrr", "month"))
    today = pd.Timestamp(data.as_of)
    if cover is not None and cover.first is not None:
        first = pd.Timestamp(cover.first)
        rows = rows[(rows["contract_start"] >= first) | (first + pd.DateOffset(years=1) > today)]
    rows["left"] = rows["contract_end"] <= today
    last = rows["contract_end"].where(rows["left"], today)
    rows["months"] = 12 * (last.dt.year - rows["contract_start"].dt.year)
    rows["months"] += last.dt.month - rows["contract_start"].dt.month
    if rows.empty:
        raise Unavailable("short_history", what=Phrase("wording.retention.what"))
    groups = rows.groupby(by, sort=True) if by else [("", rows)]
    return pd.concat([_curve(each, name) for name, each in groups], ignore_index=True)


def _curve(rows: pd.DataFrame, name: object) -> pd.DataFrame:
    counts = rows.groupby("months")["left"].agg(["sum", "size"])
    counts = counts.reindex(range(counts.index.max() + 1), fill_value=0)
    ended = counts["sum"].to_numpy(float)
    curve = kaplan_meier(counts.index, ended, counts["size"] - ended)
    # Wilson's limits on the number of contracts that would say as much.
    value, spread = curve.survival, curve.variance
    alike = np.where(spread > 0, divided(value * (1 - value), spread), curve.at_risk)
    low, high = intervals.wilson(value * alike, alike)
    found = {"group": name, "months": counts.index, "n": curve.at_risk, "value": value}
    return pd.DataFrame({**found, "low": low, "high": high})
