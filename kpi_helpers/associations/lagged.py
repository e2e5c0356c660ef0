"""Whether months with more of one KPI are followed by months with more of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.compare.difference import adjusted
from kpi_helpers.errors import Unavailable
from kpi_helpers.language import Phrase
from kpi_helpers.measure import measure
from kpi_helpers.periods.period import joined
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.asked import names_in
from kpi_helpers.sources.dataset import Where

Array = npt.NDArray[np.float64]

VANITY, OTHER_VOLUMES = "vanity", ("leads_generated", "calls_made")
OUTCOMES = ("revenue", "new_customers", "bookings")
MONTHS, LEAST, LAGS, YEAR, ORDERS = 48, 24, 4, 12, 3
FALSE_FINDINGS = 0.05
COLUMNS = ("kpi", "outcome", "lag", "months", "correlation", "p_value")
READABLE = ("ok", "indicative")


def volumes() -> list[str]:
    """The KPIs that count noise or effort: vanity metrics, raw leads, calls."""
    vain = [kpi for kpi, declared in REGISTRY.items() if VANITY in declared.category]
    return [*vain, *(kpi for kpi in OTHER_VOLUMES if kpi not in vain)]


def lagged(
    data: Dataset,
    drivers: Sequence[str],
    outcomes: Sequence[str],
    period: str,
    where: Where = None,
) -> pd.DataFrame:
    """Try whether KPIs move together month by month, at once or up to three months later.

    The season is taken out of both series (the mean of each calendar month), then the level (the
    difference to the month before): two series that grow, or that both rest in August, are not
    linked by that. What remains is compared by ranks (Spearman 1904); how far chance would go takes
    into account that changes of a month undo those of the month before (Bartlett 1935). Not a
    cause: both may follow a third.

    Parameters
    ----------
    data, where
        As for `kpi_helpers.measure`.
    drivers, outcomes
        Ids of KPIs; each of the one is tried with each of the other.
    period
        The months are the last four years at most, up to its end, whole and covered.

    Returns
    -------
    pandas.DataFrame
        ``kpi, outcome, lag`` (months, of the strongest link), ``months`` (n), ``correlation``
        (−1 to 1), ``p_value`` (for the best of the lags), ``p_adjusted`` (over the frame),
        ``linked``.

    Raises
    ------
    Unavailable
        Where no pair of KPIs has two years of months.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> found = lagged(kh.load("data/sample"), ["site_visits"], ["revenue"], "2026Q3")
    >>> bool(found["linked"].any())
    False
    """
    drivers, outcomes = names_in("drivers", drivers), names_in("outcomes", outcomes)
    series = _series(data, [*drivers, *outcomes], period, where)
    pairs = [(a, b) for a in drivers for b in outcomes if a in series and b in series and a != b]
    rows = [(a, b, *_strongest(series[a], series[b])) for a, b in pairs]
    frame = pd.DataFrame(
        rows, columns=["kpi", "outcome", "lag", "months", "correlation", "p_value"]
    )
    frame = frame[frame["p_value"].notna()].reset_index(drop=True)
    if frame.empty:
        needs = Phrase("associations.months", {"n": LEAST})
        raise Unavailable(what=Phrase("associations.lagged"), needs=needs)
    frame["p_adjusted"] = adjusted(frame["p_value"].to_numpy(float))
    return frame.assign(linked=frame["p_adjusted"] < FALSE_FINDINGS)


def _series(data: Dataset, kpis: Sequence[str], period: str, where: Where) -> pd.DataFrame:
    """A column of monthly values for each KPI, as far as all its months are covered."""
    calendar = data.config.calendar
    end = calendar.parse(period, data.as_of, data.first).end
    last = calendar.previous(calendar.at(end, "month", fiscal=False))
    first = calendar.shift(last, 1 - MONTHS)
    known = list(dict.fromkeys(kpis))
    tidy = measure(data, known, joined(first, last).name, where=where, grain="month")
    values = tidy["value"].where(tidy["status"].isin(READABLE))
    wide = tidy.assign(value=values).pivot(index="start", columns="kpi", values="value")
    return wide.loc[:, wide.notna().sum() >= LEAST]


def _strongest(driver: pd.Series, outcome: pd.Series) -> tuple[Any, ...]:
    """The lag of the strongest link, its months, correlation and p-value (Šidák for the lags)."""
    found = [_link(driver.shift(lag), outcome) for lag in range(LAGS)]
    known = [(p, lag, n, r) for lag, (r, p, n) in enumerate(found) if p == p]
    if not known:
        return np.nan, 0, np.nan, np.nan
    p, lag, n, r = min(known)
    return lag, n, r, 1 - (1 - p) ** len(known)


def _link(driver: pd.Series, outcome: pd.Series) -> tuple[float, float, int]:
    """Rank correlation of two series of changes, its p-value, and the months behind it."""
    from scipy import stats

    both = pd.concat([driver, outcome], axis=1).dropna()
    if len(both) < LEAST:
        return np.nan, np.nan, len(both)
    x, y = (_ranks(_changes(both.iloc[:, side])) for side in (0, 1))
    if x.std() == 0 or y.std() == 0:
        return np.nan, np.nan, len(both)
    r = float(np.corrcoef(x, y)[0, 1])
    freedom = _independent(x, y) - YEAR - 1
    if freedom < 1:
        return r, np.nan, len(both)
    t = r * np.sqrt(freedom / max(1 - r * r, 1e-12))
    return r, float(2 * stats.t.sf(abs(t), freedom)), len(both)


def _changes(values: pd.Series) -> Array:
    """Changes from month to month of what the season leaves."""
    season = values.groupby(pd.DatetimeIndex(values.index).month).transform("mean")
    return np.diff((values - season).to_numpy(float))


def _ranks(values: Array) -> Array:
    from scipy import stats

    return np.asarray(stats.rankdata(values), dtype=float)


def _independent(x: Array, y: Array) -> float:
    """As how many independent months two series count, by their own echoes."""
    echo = 1.0
    for order in range(1, ORDERS + 1):
        own, other = (np.corrcoef(z[order:], z[:-order])[0, 1] for z in (x, y))
        echo += 2 * own * other
    return len(x) / max(echo, 1.0)
