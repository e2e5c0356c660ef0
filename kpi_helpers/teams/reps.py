"""Who is reliably above or below the others, on twelve months, with what explains a part of it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.catalogue import find
from kpi_helpers.errors import BadInput, Unavailable
from kpi_helpers.language import Phrase, text
from kpi_helpers.measure import HIDDEN, measured
from kpi_helpers.measure.judge import FEW, IMMATURE, MISSING
from kpi_helpers.periods import Period
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.asked import year_of
from kpi_helpers.sources.dataset import Where
from kpi_helpers.teams.rates import judged, limits

OWNER, MIX, TERRITORY = "owner", "source", "region"
WIN_RATE, LEADS = "win_rate_count", "leads_generated"
TOO_FEW, NOBODY, MASKED = "too_few", "nobody", "masked"
# What a reader outside the house is not told of a person with few cases.
KEPT = ("kpi", "label", "unit", "better", "period", "start", "end", OWNER, "method", "paid")


def compared(data: Dataset, period: str, kpi: str = WIN_RATE, where: Where = None) -> pd.DataFrame:
    """Compare a share KPI between reps on the twelve months that end with a period.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load`.
    period
        As for `kpi_helpers.compare`; what is judged are the twelve months to its end.
    kpi
        Id of a KPI that is k of n, such as ``win_rate_count``.
    where
        As for `kpi_helpers.measure`.

    Returns
    -------
    pandas.DataFrame
        The tidy columns, a row a rep and one of what nobody owns (``owner`` missing); those of
        `kpi_helpers.teams.rates.judged`; ``low_95, high_95, low_998, high_998`` (between which
        chance leaves a rate of so many cases); ``expected`` (the rate that all reach on the rep's
        mix of sources) and ``standardised`` (the rep's rate on the sources of all, directly
        standardised; a source without cases counts with the rate of all); ``team, arrived, left``
        (the first day of one who came, and the last of one who left, in the twelve months),
        ``months`` (since the start), ``leads`` received, ``territory`` (the most frequent region)
        and ``paid`` (KPIs on which pay hangs, as the settings say). ``verdict`` is ``above``,
        ``below``, ``none_shown``, ``too_few`` (under 5 cases), ``nobody`` or ``masked``.

        Where names are replaced, a rep of few cases has no figures and counts in none, together
        with so many others that the total does not give him away.

    Raises
    ------
    BadInput
        For a KPI that is not k of n.
    Unavailable, UnknownName
        When there are not two reps with five cases, or the KPI knows no owner.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> deals = pd.DataFrame({"deal_id": range(200), "created_at": ["2026-01-05"] * 200,
    ...     "owner": ["Ann"] * 100 + ["Bob"] * 100, "closed_at": ["2026-02-01"] * 200,
    ...     "status": ["won"] * 50 + ["lost"] * 130 + ["won"] * 20})
    >>> compared(kh.load(deals), "2026Q1")[["owner", "value", "verdict"]].values.tolist()
    [['Ann', 0.5, 'above'], ['Bob', 0.2, 'below']]
    """
    year = year_of(data, period)
    asked = _by(_open(data), kpi, year, where)
    rows = asked[~asked["status"].isin([MISSING, IMMATURE])].reset_index(drop=True)
    if not rows["method"].eq("wilson").all():
        raise BadInput(column="kpi", value=kpi, expected=Phrase("expected.share_kpi"))
    hidden = _hidden(rows["n"]) if OWNER in data.masked else np.zeros(len(rows), dtype=bool)
    rows["verdict"] = np.select(
        [hidden, rows[OWNER].isna(), rows["n"] < FEW], [MASKED, NOBODY, TOO_FEW], ""
    )
    rows["paid"] = ", ".join(data.config.pay.get("kpis", ()))
    told = rows[rows["verdict"] == ""]
    if len(told) < 2:
        why = "" if len(rows) else str(asked["note"].iloc[0])
        raise Unavailable("few_reps", least=FEW, fix=why)
    mixed = _mixed(_by(_open(data), kpi, year, where, MIX), told[OWNER])
    rows = rows.join(_found(told, mixed)).join(_around(data, kpi, year, where, rows))
    rows["verdict"] = rows["verdict"].where(rows["verdict"] != "", rows.pop("found"))
    return _masked(rows, data.config.lang)


def _open(data: Dataset) -> Dataset:
    """The data with every figure, for what is told of several people only."""
    return dataclasses.replace(data, masked=frozenset())


def _by(
    data: Dataset, kpi: str, year: Period, where: Where, name: str | None = None
) -> pd.DataFrame:
    """A KPI by rep, and by one dimension more; no rows where its table does not know that one."""
    if name is not None and name not in data.dimensions(str(find(kpi).table)):
        return pd.DataFrame(columns=[OWNER, name, "numerator", "denominator", "n"])
    by = (OWNER,) if name is None else (OWNER, name)
    return measured(data, [kpi], [year], by, where).drop(columns=list(HIDDEN))


def _hidden(n: pd.Series[float]) -> Any:
    """Who is not told: those of few cases, and so many more that no total tells of one of them."""
    order = n.argsort(kind="stable").to_numpy()
    few = int((n < FEW).sum())
    enough = (np.arange(len(n)) >= 1) & (n.to_numpy()[order].cumsum() >= FEW)
    last = max(few, int(enough.argmax()) + 1 if enough.any() else len(n))
    hidden = np.zeros(len(n), dtype=bool)
    hidden[order[: last if few else 0]] = True
    return hidden


def _mixed(cells: pd.DataFrame, owners: pd.Series[str]) -> pd.DataFrame:
    """Each rep's expected and standardised rate by the mix; missing without one."""
    cells = cells[cells[OWNER].isin(owners) & (cells["n"] > 0)]
    if cells.empty:
        return pd.DataFrame(np.nan, owners.index, ["expected", "standardised"])
    mix = cells[MIX].astype(object).fillna("").rename(MIX)
    k, n = (
        cells.pivot_table(c, OWNER, mix, "sum", fill_value=0.0).loc[list(owners)].to_numpy(float)
        for c in ("numerator", "denominator")
    )
    rate, weight = k.sum(axis=0) / n.sum(axis=0), n.sum(axis=0) / n.sum()
    own = np.where(n > 0, k / np.where(n > 0, n, 1), rate)
    return pd.DataFrame(
        {"expected": n @ rate / n.sum(axis=1), "standardised": own @ weight}, index=owners.index
    )


def _found(told: pd.DataFrame, mixed: pd.DataFrame) -> pd.DataFrame:
    """What is judged of the reps that are told, and what chance would leave of each."""
    k, n = (told[name].to_numpy(float) for name in ("numerator", "denominator"))
    rate = k.sum() / n.sum()
    found = judged(k, n, mixed["expected"].fillna(rate).to_numpy())
    found = found.rename(columns={"verdict": "found"}).set_index(told.index)
    for name, level in (("95", 0.95), ("998", 0.998)):
        found[f"low_{name}"], found[f"high_{name}"] = limits(rate, n, level)
    return found.join(mixed)


def _around(
    data: Dataset, kpi: str, year: Period, where: Where, rows: pd.DataFrame
) -> pd.DataFrame:
    """What stands beside the rates of the reps: team, time there, leads, territory."""
    around = rows[[OWNER]].merge(_people(data, year), on=OWNER, how="left")
    around["leads"] = rows[OWNER].map(_leads(data, year)).astype(float)
    regions = _by(_open(data), kpi, year, where, TERRITORY).dropna(subset=[OWNER, TERRITORY])
    most = regions.sort_values(["n", TERRITORY], ascending=[False, True], kind="stable")
    first = most.drop_duplicates(OWNER)
    territory = dict(zip(first[OWNER], first[TERRITORY], strict=True))
    around["territory"] = rows[OWNER].map(territory).astype(object)
    return around.drop(columns=OWNER)


def _people(data: Dataset, year: Period) -> pd.DataFrame:
    people = data["reps"] if "reps" in data.tables else pd.DataFrame()
    people = people.reindex(columns=[OWNER, "team", "start", "end"]).drop_duplicates(OWNER)
    start, end = pd.to_datetime(people["start"]), pd.to_datetime(people["end"])
    last = min(year.end - dt.timedelta(days=1), data.as_of)
    if OWNER in data.masked:  # the time that one has been there tells who it is
        start, end = start.mask(start.notna()), end.mask(end.notna())
    months = (pd.Timestamp(last) - start).dt.days / 365.25 * 12
    return pd.DataFrame(
        {
            OWNER: people[OWNER].astype(object),
            "team": people["team"].astype(object),
            "months": months.where(months >= 0),
            "arrived": start.where(start.between(pd.Timestamp(year.start), pd.Timestamp(last))),
            "left": end.where(end <= pd.Timestamp(last)),
        }
    )


def _leads(data: Dataset, year: Period) -> dict[str, float]:
    if "leads" not in data.tables or OWNER not in data.dimensions("leads"):
        return {}
    rows = measured(data, [LEADS], [year], (OWNER,))
    if OWNER in data.masked and rows["value"].isna().any():
        return {}
    return dict(zip(rows[OWNER], rows["value"], strict=True))


def _masked(rows: pd.DataFrame, lang: str) -> pd.DataFrame:
    """The rows without what is told of nobody outside the house."""
    hidden = rows["verdict"] == MASKED
    blank = rows.columns.difference([*KEPT, "verdict", "status", "note"], sort=False)
    rows[blank] = rows[blank].mask(hidden)
    rows.loc[hidden, "status"] = MISSING
    rows.loc[hidden, "note"] = text("teams.masked", lang)
    return rows
