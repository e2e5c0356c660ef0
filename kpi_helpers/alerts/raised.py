"""Alerts: a target is missed and something is unusual, or what runs ahead keeps falling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.alerts.past import HISTORY, aimed, figures, leading, months, periods, side, usual
from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.errors import Unavailable
from kpi_helpers.language import Phrase
from kpi_helpers.periods import Period
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.asked import one_dimension, period_of
from kpi_helpers.sources.dataset import Where
from kpi_helpers.sources.registers import SCOPES

MISSED, FALLING, CHANCE = RULES = "missed", "falling", "chance"
NEW, CONTINUING, ENDED = STATUSES = "new", "continuing", "ended"
# A signal stays news for a quarter; half is where a target is as likely missed as hit.
NEWS, QUARTER, A_YEAR, EVEN = 3, (85, 95), 12, 0.5
SURE = ("exact", "established")
FIGURES = (
    *("kpi", "label", "unit", "better", "period", "start", "end", "value", "numerator"),
    *(
        "denominator",
        "n",
        "low",
        "high",
        "method",
        "target",
        "reference_period",
        "reference",
        "change",
    ),
)
# The share of the months of a KPI that are in alert where nothing changes, the larger of two rows
# of ``python benchmarks/alerts.py --companies 25``: half of the targets missed (1.4 %, give or take
# a half; 0 %), and all of them (0.9 %; 0.1 %).
FALSE_ALARMS = {MISSED: 0.014, FALLING: 0.001}
COLUMNS = (
    *("id", "status", "rule", "unusual", "dimension", "scope", "owner", "first", "last", "months"),
    *FIGURES,
    *("chance", "money_at_stake"),
)


def raised(
    data: Dataset,
    period: str,
    kpis: Sequence[str] | None = None,
    by: str = "",
    where: Where = None,
    chances: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the alerts of a period, each with its owner, since when, and what is at stake.

    ``missed``: the target is missed for certain (a fact, or a range that excludes it) *and* the KPI
    has left its usual variation to the worse side in the last three months, or its change for the
    worse is established. ``falling``: a leading KPI is worse than a year before in two quarters in
    a row, and established to be in the second. ``chance``: a forecast gives the target less than an
    even chance.

    Nothing is remembered from one report to the next: the last 24 months are replayed, and months
    in alert that touch are one alert, which bears the day it began.

    Parameters
    ----------
    data, where
        As for `kpi_helpers.compare`. Targets hold for everything: of filtered rows only those that
        a KPI has by definition.
    period
        Any form of period. Quarters and years are judged when they are over, and so are the months
        of a quarter that is running, where they have targets.
    kpis
        Their ids; by default those of the settings, else the headline ones.
    by
        A dimension whose groups have targets of their own, such as ``team``; each is a scope.
    chances
        Columns ``kpi`` and ``chance`` (0 to 1, that the target of the period is hit) and what else
        is known of `COLUMNS`.

    Returns
    -------
    pandas.DataFrame
        The columns of `COLUMNS`: ``status`` (``new``; ``continuing``; ``ended``: no longer in
        alert, but in the period before), ``rule``, ``unusual`` (``signal``, ``change`` or both),
        ``owner`` (who answers for the KPI by ``[owners]`` of the settings, else the rep or team of
        the scope; may be empty), ``first`` and ``last`` (ISO days), ``months`` (how many), and the
        figures of the last period in alert. Those in alert come first, the most money before less.

    Raises
    ------
    BadPeriod, UnknownName
        For a period without data; for a KPI or dimension that does not exist.
    Unavailable
        Where no KPI has a target and none that leads is in alert: nothing can be said.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> found = raised(kh.load("data/sample"), "2026Q3")
    >>> found[["kpi", "rule", "status", "first"]].values.tolist()
    [['new_customers', 'missed', 'new', '2026-07-01']]
    """
    now = period_of(data, period)
    flags = pd.concat(_scopes(data, kpis, now, one_dimension(by), where), ignore_index=True)
    found = _alerts(data, now, flags)
    if chances is not None:
        found = pd.concat([found, _unlikely(data, now, chances)], ignore_index=True)
    if found.empty and not flags["rule"].eq(MISSED).any():
        there = "targets" in data.base and len(data["targets"]) > 0
        needs = Phrase("alerts.targets_unused" if there else "alerts.targets")
        raise Unavailable(what=Phrase("alerts.what"), needs=needs)
    found = found.assign(over=found["status"] == ENDED, less=-found["money_at_stake"].astype(float))
    found = found.sort_values(["over", "less", "kpi", "scope"], kind="stable")
    return found[list(COLUMNS)].reset_index(drop=True)


def replayed(
    data: Dataset, period: str, kpis: Sequence[str] | None = None, where: Where = None
) -> pd.DataFrame:
    """Return each month of the last 24 in which a KPI can be judged, and whether it was in alert.

    Parameters
    ----------
    data, period, kpis, where
        As for `raised`.

    Returns
    -------
    pandas.DataFrame
        Columns ``kpi, rule, month, on, unusual``, and the figures of the period that was judged.
    """
    return next(_scopes(data, kpis, period_of(data, period), "", where))


def _scopes(
    data: Dataset, kpis: Sequence[str] | None, now: Period, by: str, where: Where
) -> Iterator[pd.DataFrame]:
    """The months of the whole, and those of each group that has targets."""
    known = usual(data, kpis, now)
    wanted, ahead = aimed(data, known), leading(data, now)
    rows = figures(data, known, now, where).assign(dimension="", scope="")
    missed = _aimed(rows[rows["kpi"].isin(wanted)], months(data, wanted, now, where), now)
    yield pd.concat([missed, _falling(rows[rows["kpi"].isin(ahead)], now)], ignore_index=True)
    if not (by and wanted):
        return
    for scope, own in periods(data, wanted, now, (by,), where).groupby(by):
        own = own[own["kpi"].isin(wanted)].drop(columns=by).assign(dimension=by, scope=str(scope))
        kpis = list(own.loc[own["target"].notna(), "kpi"].unique())
        if kpis:
            yield _aimed(own, months(data, kpis, now, {by: scope}), now)


def _aimed(rows: pd.DataFrame, news: pd.DataFrame, now: Period) -> pd.DataFrame:
    """The months of periods that have a target, and whether they are missed amid the unusual."""
    rows = _by_month(rows[rows["target_verdict"].isin(["met", "missed"])], now)
    each = news.sort_values("start", kind="stable").set_index("start").groupby("kpi")["worse"]
    lately = (
        each.rolling(NEWS, min_periods=1).max().gt(0).rename("signal").rename_axis(["kpi", "month"])
    )
    rows = rows.merge(lately, left_on=["kpi", "month"], right_index=True, how="left")
    signal, worse = rows["signal"].eq(True), rows["worse"]
    sure = rows["target_verdict"].eq("missed") & rows["certainty"].isin(SURE)
    unusual = np.select([signal & worse, signal, worse], ["signal, change", "signal", "change"], "")
    return rows.assign(rule=MISSED, on=sure & (signal | worse), unusual=unusual)


def _falling(rows: pd.DataFrame, now: Period) -> pd.DataFrame:
    """The months of quarters of leading KPIs, and whether they are worse for the second time."""
    days = (rows["end"] - rows["start"]).dt.days
    rows = rows[days.between(*QUARTER) & rows["change"].notna()]
    fell = rows["change"] * side(rows) < 0
    again = fell.groupby(rows["kpi"]).shift(fill_value=False)
    again &= rows.groupby("kpi")["end"].shift().eq(rows["start"])
    return _by_month(rows.assign(rule=FALLING, on=rows["worse"] & again, unusual="change"), now)


def open_falls(rows: pd.DataFrame, ahead: Sequence[str], now: Period) -> pd.DataFrame:
    """Return the leading KPIs that are falling, of the figures of `past.figures`."""
    flags = _falling(rows[rows["kpi"].isin(ahead)].assign(dimension="", scope=""), now)
    runs = _runs(flags, now)
    going = runs[runs["status"] != ENDED]
    return going.assign(since=going["first"])


def _by_month(rows: pd.DataFrame, now: Period) -> pd.DataFrame:
    """A row for each month; of periods that hold it the shortest."""
    rows = rows.assign(length=rows["end"] - rows["start"])
    last = pd.Timestamp(now.end) - pd.Timedelta(days=1)
    known = pd.date_range(end=last, periods=HISTORY, freq="MS", normalize=True)
    both = rows.merge(pd.DataFrame({"month": known}), how="cross")
    both = both[(both["start"] <= both["month"]) & (both["month"] < both["end"])]
    both = both.sort_values(["kpi", "month", "length"], kind="stable")
    return both.drop_duplicates(["kpi", "month"]).reset_index(drop=True)


def _alerts(data: Dataset, now: Period, flags: pd.DataFrame) -> pd.DataFrame:
    """The runs of months in alert, each with its name and who answers for it."""
    return _owned(data, _runs(flags, now))


def _runs(flags: pd.DataFrame, now: Period) -> pd.DataFrame:
    """One row for each run of months in alert that reaches the period or the one before."""
    recent = max(1, min(round(now.days / 30), A_YEAR))
    groups = flags.groupby(["dimension", "scope", "kpi", "rule"], sort=False)
    runs = [found for _, rows in groups if (found := _last_run(rows, recent))]
    return pd.DataFrame(runs, columns=[*dict.fromkeys([*flags, "first", "last", "months"])])


def _last_run(rows: pd.DataFrame, recent: int) -> dict[Any, Any] | None:
    """The last months in alert that touch, if the latest ones are among them or have just ended."""
    on = rows["on"].to_numpy(bool)
    place = int(np.flatnonzero(on)[-1]) if on.any() else -len(on)
    if place < len(on) - 1 - recent:
        return None
    quiet = np.flatnonzero(~on[:place])
    first = int(quiet[-1]) + 1 if len(quiet) else 0
    going = NEW if first >= len(on) - recent else CONTINUING
    months = rows["month"].iloc[[first, place]]
    return rows.iloc[place].to_dict() | {
        "status": going if place == len(on) - 1 else ENDED,
        "first": f"{months.iloc[0]:%Y-%m-%d}",
        "last": f"{months.iloc[1] + pd.offsets.MonthEnd():%Y-%m-%d}",
        "months": place - first + 1,
    }


def _unlikely(data: Dataset, now: Period, chances: pd.DataFrame) -> pd.DataFrame:
    """Alerts of targets, up to that which follows, that a forecast gives less than an even chance.

    Such an alert is of the day of the forecast; it keeps its name as long as its target.
    """
    low = chances[chances["chance"] < EVEN]
    given: dict[str, Any] = {"period": now.name, "scope": "", "dimension": ""}
    given |= {"start": pd.Timestamp(now.start), "end": pd.Timestamp(now.end)}
    low = low.assign(**{name: value for name, value in given.items() if name not in low})
    low = low[low["start"] <= pd.Timestamp(now.end)]
    kpis = [REGISTRY[kpi] for kpi in low["kpi"]]
    told = {"label": [kpi.label(data.config.lang) for kpi in kpis]}
    told |= {"unit": [kpi.unit for kpi in kpis], "better": [kpi.better for kpi in kpis]}
    days = dict.fromkeys(("first", "last"), f"{data.as_of:%Y-%m-%d}")
    low = low.assign(**told, **days, rule=CHANCE, status=NEW, unusual="", months=np.nan)
    return _owned(data, low)


def _owned(data: Dataset, found: pd.DataFrame) -> pd.DataFrame:
    """Alerts with the name they keep, and who answers for them."""
    owners, people = data.config.owners, {*SCOPES.values()}
    rows = found.to_dict("records")
    scopes = [f"{row['dimension']}={row['scope']}" if row["dimension"] else "" for row in rows]
    names = [
        "/".join(filter(None, (row["kpi"], row["rule"], scope, _since(row))))
        for row, scope in zip(rows, scopes, strict=True)
    ]
    owner = [
        (row["scope"] if row["dimension"] in people else "")
        if scope
        else owners.get(row["kpi"], "")
        for row, scope in zip(rows, scopes, strict=True)
    ]
    return found.assign(id=names, owner=owner).reindex(columns=list(COLUMNS))


def _since(row: dict[Any, Any]) -> str:
    return str(row["period"] if row["rule"] == CHANCE else row["first"][:7])
