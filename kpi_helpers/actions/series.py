"""What an action is read from: its KPI month by month, where it acts and where it does not."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.actions.stepped import Flags, variance_of
from kpi_helpers.actions.words import DONE, DROPPED, status_of
from kpi_helpers.catalogue import REGISTRY, Ago
from kpi_helpers.control.limits import seasons
from kpi_helpers.kpis.settled import Array
from kpi_helpers.kpis.tried import tried
from kpi_helpers.measure import measured
from kpi_helpers.measure.answer import chosen, made_of
from kpi_helpers.measure.counted import median_days
from kpi_helpers.measure.monthly import by_period, is_stock, periods_to
from kpi_helpers.periods.period import span
from kpi_helpers.sources.dataset import Dataset

# Months that a start stands beside, those read before them for placebo dates, those read after.
BASE, EARLIER, LATER = 12, 12, 12
YEARS, YEAR = 5, dt.timedelta(days=365)

Action = dict[Any, Any]


def state_of(action: Action, as_of: dt.date) -> str:
    """Return where an action stands: ``dropped, planned, done, done_late, late`` or ``open``.

    What was done later is not known on an earlier day, whatever its status says by now.

    Examples
    --------
    >>> days = {of: pd.Timestamp(f"2026-{of}") for of in ("01-01", "01-31", "02-10")}
    >>> said = {"start_date": days["01-01"], "due_date": days["01-31"], "status": "done"}
    >>> action = said | {"done_date": days["02-10"]}
    >>> [state_of(action, dt.date(2026, month, 5)) for month in (1, 2, 3)]
    ['open', 'late', 'done_late']
    """
    due, done, today = action["due_date"], action["done_date"], pd.Timestamp(as_of)
    said = status_of(action["status"])
    known: bool = done <= today if pd.notna(done) else said == DONE
    cases = {
        "dropped": said == DROPPED,
        "planned": pd.notna(action["start_date"]) and action["start_date"] > today,
        "done_late": known and pd.notna(done) and pd.notna(due) and done > due,
        "done": known,
        "late": pd.notna(due) and due < today,
    }
    return next((state for state, holds in cases.items() if holds), "open")


def flaw(data: Dataset, action: Action) -> str:
    """Return why an action cannot be measured whatever the data say; empty where it can.

    Returns
    -------
    str
        ``no_kpi`` (its KPI does not exist), ``stock`` (it carries over from month to month),
        ``ends_first`` (it ends before it starts), ``dropped`` or ``not_started``.
    """
    name, start = action["kpi_id"], action["start_date"]
    ends = [action[of] for of in ("due_date", "done_date") if pd.notna(action[of])]
    cases = {
        "no_kpi": lambda: name not in REGISTRY,
        "stock": lambda: is_stock(data, name),
        "ends_first": lambda: any(end < start for end in ends),
        "dropped": lambda: state_of(action, data.as_of) == "dropped",
        "not_started": lambda: start > pd.Timestamp(data.as_of),
    }
    return next((reason for reason, holds in cases.items() if holds()), "")


def washout(data: Dataset, kpi: str, start: dt.date) -> int:
    """Return the days before an action can show: the median time that its KPI's cases take.

    Of a cohort, until it converts; of what is decided or won, the sales cycle of the year before;
    else none.
    """
    days = [0.0]
    for each in {base.kpi for base in made_of(data, Ago(chosen(data, kpi).id, 0))}:
        if tried(REGISTRY[each]).kind == "cohort":
            days.append(float(median_days(data, REGISTRY[each])))
        elif REGISTRY[each].dated == "closed_at":
            year = [span(start - YEAR, start)]
            days.append(float(measured(data, ["sales_cycle_duration"], year)["value"].iloc[0]))
    return int(np.nanmax(days))


def series(data: Dataset, action: Action, days: int = 0) -> pd.DataFrame:
    """Return the months around the start of an action that can be read.

    Parameters
    ----------
    data
        The data set; its last day is that of the reading.
    action
        A row of the register.
    days
        The washout: months that begin sooner after the start do not count.

    Returns
    -------
    pandas.DataFrame
        A row a month: ``start, end, after`` (whether it comes after the start and the washout),
        ``value, low, high, n`` of the group treated, ``other, other_low, other_high, other_n`` of
        the one that is not (missing without one), ``k, other_k`` of shares, and what is measured:
        ``y`` (the value, less the other one, or over its ``season``), ``variance`` (missing where
        cases do not tell it), ``method`` and ``unit``. Months that straddle the start or come
        within the washout, and those under another definition, are left out.

    Raises
    ------
    KpiError
        For a group that does not exist or cannot be read.
    """
    start = action["start_date"].date()
    counted = start + dt.timedelta(days=days)
    first, last = _moved(start, -(BASE + EARLIER)), _moved(counted, LATER)
    months = [
        month
        for month in periods_to(data, f"{data.as_of:%Y-%m}", YEARS)
        if (first <= month.start and month.end <= start)
        or (counted <= month.start and month.start < last)
    ]
    found = _of_group(data, action, "population", months)
    found["after"] = found["start"] >= pd.Timestamp(counted)
    if pd.notna(action["control_group"]):
        other = _of_group(data, action, "control_group", months).set_index("start")
        for of in ("value", "low", "high", "n", "k"):
            found[f"other{'' if of == 'value' else f'_{of}'}"] = found["start"].map(other[of])
        found = found[found["other"].notna()]
    phase = found.loc[~found["after"], "phase"].max()
    return to_measure(found[found["phase"] == phase].reset_index(drop=True))


def _of_group(data: Dataset, action: Action, group: str, months: Any) -> pd.DataFrame:
    where: str | None = action[group] if pd.notna(action[group]) else None
    found = by_period(data, [action["kpi_id"]], months, where) if months else pd.DataFrame()
    if found.empty:
        columns = ["start", "end", "value", "low", "high", "n", "k", "phase", "method", "unit"]
        return pd.DataFrame(columns=columns)
    found = found[found["usable"]]
    # What grows with the days worked is read by the day, written by the usual month.
    usual = found["exposure"] / found["exposure"].mean()
    found = found.assign(**{of: found[of] / usual for of in ("value", "low", "high")})
    return found.rename(columns={"numerator": "k"})


def to_measure(found: pd.DataFrame) -> pd.DataFrame:
    """Add what is measured: of two groups the difference, of one the figure without its season.

    Parameters
    ----------
    found
        The columns of `series` up to ``other_k`` (the others only with a second group).
    """
    after, shares = found["after"].to_numpy(bool), _are_shares(found)
    two = "other" in found and bool(len(found))
    y = found["value"] - (found["other"] if two else 0.0)
    found = found.assign(y=y, variance=np.nan, season=1.0)
    if shares:
        sides = [("k", "n"), ("other_k", "other_n")] if two else [("k", "n")]
        counts = [(found[k].to_numpy(float), found[n].to_numpy(float)) for k, n in sides]
        found["variance"] = sum(variance_of(k, n, after) for k, n in counts)
    if not two:
        season = _season(found, after)
        found = found.assign(season=season, y=y / season, variance=found["variance"] / season**2)
        found = found.assign(**{f"other{of}": np.nan for of in ("", "_low", "_high", "_n", "_k")})
    return found


def _are_shares(found: pd.DataFrame) -> bool:
    return bool(len(found)) and bool((found["method"] == "wilson").all())


def _season(found: pd.DataFrame, after: Flags) -> Array:
    """What each month is of its year's mean, where two years before the start establish it."""
    before = found[~after].assign(exposure=1.0)
    factor, known = seasons(before) if len(before) else (pd.Series(dtype=float), "unknown")
    if known != "adjusted":
        return np.ones(len(found))
    of_month = factor.groupby(before["start"].dt.month).first()
    return found["start"].dt.month.map(of_month).fillna(1.0).to_numpy(float)


def _moved(day: dt.date, months: int) -> dt.date:
    return (pd.Timestamp(day) + pd.DateOffset(months=months)).date()
