"""The market year by year: who sells how much of it, who gains, at whose expense."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.benchmarking.register import SHOWN, outside_rows
from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.errors import BadInput, Unavailable, unknown
from kpi_helpers.kpis.settled import divided
from kpi_helpers.language import Phrase
from kpi_helpers.measure import measured
from kpi_helpers.periods import Period
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.derived import OURSELVES, UNNAMED
from kpi_helpers.units import COUNT, MONEY

SALES, REVENUE = "market_sales", "revenue"
US, RIVAL, OTHERS, WHOLE = "us", "rival", "others", "market"
KEYS, NUMBERS = ["metric", "period", "start", "end"], ["sales", "low", "high"]
# By how much rounded figures may exceed their total; how wrong a market may be said; and from
# which part of the longest on periods are of one kind, as months are.
ROUNDED, WRONG, ALIKE = 0.005, 0.10, 0.85


def sellers(data: Dataset, period: str = "last", us: str = "") -> pd.DataFrame:
    """Sales and share of everybody whom sources name, year by year, in value and in volume.

    Of each cell the surest and newest source counts, and of a year that is told whole and in parts
    the longest figures. Where no source gives the whole, the market is the sum of its sellers.

    Parameters
    ----------
    data
        A data set with ``benchmarks`` of ``market_sales``, or of any metric that is no KPI.
    period
        What begins after its end is not read.
    us
        The seller that is us; by default the one that a source calls so, else our own revenue.

    Returns
    -------
    pandas.DataFrame
        A row a metric (value first), year and seller: ``unit, entity, kind`` (``us``, ``rival``,
        ``others``), ``sales, low, high`` (the source's range), ``market, market_low, market_high``,
        ``value, share_low, share_high`` (share, 0 to 1; limits where there is a range), ``part``
        (the year is not complete), ``match`` (of definitions: ``yes``, ``partial``).

    Raises
    ------
    Unavailable
        Without sales of a market that can be read.
    UnknownName
        When no source names this seller.
    BadInput
        When those named sell more than the whole market, or figures are in several units.
    """
    calendar = data.config.calendar
    # The data of a market may reach beyond ours.
    rows = _sold(data, calendar.parse(period, data.as_of, data.first).end, us)
    years = {day: calendar.at(day, "year") for day in rows["start"].dt.date.unique()}
    year = [years[day] for day in rows["start"].dt.date]
    rows = rows.assign(
        days=(rows["end"] - rows["start"]).dt.days,
        period=[each.name for each in year],
        start=pd.to_datetime([each.start for each in year]),
        end=pd.to_datetime([each.end for each in year]),
    )
    longest = rows.groupby(["metric", "period", "entity"])["days"].transform("max")
    sums = dict(zip([*NUMBERS, "days"], ("middle", "least", "most", "days"), strict=True))
    told = {name: (of, "sum") for name, of in sums.items()}
    told |= {name: (name, "max") for name in ("unit", "match")}
    rows = rows[rows["days"] > ALIKE * longest]
    found = rows.groupby([*KEYS, "entity", "kind"], as_index=False).agg(**told)
    return _shared(_with_revenue(data, found, list(dict.fromkeys(years.values()))))


def _sold(data: Dataset, until: dt.date, us: str) -> pd.DataFrame:
    """The figures of markets that begin before a day, with whom they are of."""
    rows = outside_rows(data)
    about = rows["metric"].eq(SALES) | ~rows["metric"].isin([*REGISTRY])
    rows = rows[about & rows["reason"].isin(["", *SHOWN]) & rows["middle"].ge(0)]
    rows = rows[rows["start"] < pd.Timestamp(until)]
    if rows.empty:
        raise Unavailable(what=Phrase("market.share"), needs=f"benchmarks: metric = {SALES}")
    volumes = rows[rows["metric"] != SALES].groupby("metric")["unit"].unique()
    for metric, units in volumes[volumes.map(len) > 1].items():
        said = ", ".join(sorted(map(str, units)))
        raise BadInput(column=f"{metric}: unit", value=said, expected=Phrase("market.one_unit"))
    who, us = rows["entity"].str.lower(), str(us)
    if us and us.lower() not in set(who):
        raise unknown("seller", us, sorted(rows.loc[rows["is_rival"], "entity"].unique()))
    ours = who.eq(us.lower()) if us else who.isin(OURSELVES)
    kinds = [ours, rows["is_market"], who.isin(UNNAMED)]
    return rows.assign(
        kind=np.select(kinds, [US, WHOLE, OTHERS], RIVAL),
        unit=np.where(rows["metric"] == SALES, MONEY, COUNT),
        match=rows["reason"].replace("", "yes"),
    )


def _with_revenue(data: Dataset, found: pd.DataFrame, years: list[Period]) -> pd.DataFrame:
    """Our own revenue beside the sales of a market in which no source names us."""
    sold = found[found["metric"] == SALES]
    whole = sold[sold["kind"] == WHOLE].set_index("period")
    if whole.empty or sold["kind"].eq(US).any():
        return found
    asked = sorted((y for y in years if y.name in whole.index), key=lambda y: y.start)
    ours = measured(data, [REVENUE], asked, (), None)
    ours = ours[ours["covered"] & ours["value"].notna()]
    own = whole.loc[ours["period"]].assign(kind=US, entity=OURSELVES[0]).reset_index()
    own = own.assign(**dict.fromkeys(NUMBERS, ours["value"].to_numpy()))
    return pd.concat([found, own], ignore_index=True)


def _shared(found: pd.DataFrame) -> pd.DataFrame:
    """Every seller with the market of its year, of which what nobody names is a row too."""
    days = (found["end"] - found["start"]).dt.days
    found = found.assign(part=found.groupby(KEYS)["days"].transform("max") < days)
    whole = found["kind"] == WHOLE
    named, summed = found[~whole], found[~whole].groupby(KEYS)[NUMBERS].sum()
    market = found[whole].set_index(KEYS)[NUMBERS].combine_first(summed)
    rest = (market["sales"] - summed["sales"].reindex(market.index, fill_value=0)).rename("sales")
    for metric, name, *_ in rest.index[rest < -ROUNDED * market["sales"]]:
        raise BadInput("market_too_small", metric=metric, period=name)
    facts = found.drop_duplicates(KEYS).set_index(KEYS)[["unit", "match", "part"]]
    unnamed = facts.join(rest[rest > ROUNDED * market["sales"]], how="inner").reset_index()
    unnamed = unnamed.assign(entity="", kind=OTHERS, low=unnamed["sales"], high=unnamed["sales"])
    market.columns = pd.Index(["market", "market_low", "market_high"])
    rows = pd.concat([named.drop(columns="days"), unnamed], ignore_index=True).join(market, KEYS)
    ranged = (rows["market_high"] > rows["market_low"]) | (rows["high"] > rows["low"])
    value, *ends = (
        divided(rows[of].to_numpy(float), rows[over].to_numpy(float))
        for of, over in (("sales", "market"), ("low", "market_high"), ("high", "market_low"))
    )
    low, high = (np.where(ranged, np.minimum(end, 1.0), np.nan) for end in ends)
    rows = rows.assign(value=value, share_low=low, share_high=high, volume=rows["metric"] != SALES)
    order = ["volume", "metric", "start", "sales", "entity"]
    rows = rows.sort_values(order, ascending=[True, True, True, False, True], ignore_index=True)
    return rows.drop(columns="volume")


def concentration(sold: pd.DataFrame) -> pd.DataFrame:
    """How concentrated each year's market is, and how large we are beside the largest other.

    Parameters
    ----------
    sold
        What `sellers` returns.

    Returns
    -------
    pandas.DataFrame
        A row a metric and year: ``market, named`` (sellers), ``hhi_low, hhi_high`` (sum of squared
        shares in percent, to 10,000: those whom nobody names taken as many small ones, or as one),
        ``leader, leader_share`` (the largest but us), ``share`` (ours), ``relative`` (ours over the
        leader's), ``part``, and ``came, went``: sellers that were not named the year before, or no
        longer are, the largest first; blank where one of both years is not complete.
    """
    square, named = (100 * sold["value"]) ** 2, sold["kind"] != OTHERS
    found = sold.assign(hhi_low=square.where(named, 0.0), hhi_high=square, named=named)
    sums = {name: (name, "sum") for name in ("named", "hhi_low", "hhi_high")}
    facts = {name: (name, "first") for name in ("unit", "market", "part")}
    found = found.groupby(KEYS, sort=False).agg(**sums, **facts)
    rivals, ours = (sold[sold["kind"] == kind].set_index(KEYS) for kind in (RIVAL, US))
    leader = rivals[~rivals.index.duplicated()][["entity", "value"]]
    found = found.join(leader.set_axis(["leader", "leader_share"], axis=1))
    found = found.join(ours["value"].rename("share"))
    found = found.assign(relative=found["share"] / found["leader_share"]).reset_index()
    names = sold[sold["kind"] != OTHERS].groupby(KEYS, sort=False)["entity"].agg(list)
    now = found.join(names, KEYS)["entity"]
    years = found.assign(now=now).groupby("metric", sort=False)
    then = years["now"].shift()
    follows = (
        found["start"].eq(years["end"].shift())
        & ~found["part"]
        & ~years["part"].shift(fill_value=True)
    )
    return found.assign(came=_without(now, then, follows), went=_without(then, now, follows))


def _without(names: pd.Series[Any], others: pd.Series[Any], asked: pd.Series[bool]) -> list[str]:
    """Join the names of each row that are not among the others, where it is asked."""
    rows = zip(names, others, asked, strict=True)
    return [", ".join(n for n in own if n not in known) if ok else "" for own, known, ok in rows]


def gains(data: Dataset, period: str = "last", us: str = "") -> pd.DataFrame:
    """Who gained share in the last full year, in points and in money, and what it rests on.

    Parameters
    ----------
    data, period, us
        As for `sellers`, of whose years those that are not complete are not compared.

    Returns
    -------
    pandas.DataFrame
        A row a metric and seller, the largest gain first: ``sales, before_sales, after, before``
        (shares), ``gain, gain_low, gain_high`` (points; by the source's ranges), ``market_effect``
        (Δ sales, had its share stayed), ``share_effect`` (the rest), ``growth, market_growth,
        share_of_growth`` (missing unless the market surely grows), ``index`` (growth against the
        market's, 100: same share), ``seen`` (``kept``, ``new``, ``gone``; ``mixed``: unnamed ones
        in a year when sellers came or went, perhaps among them), ``holds`` (the sign of the gain
        survives a market smaller or larger than said by as much as ``wrong``), ``match``.

    Raises
    ------
    Unavailable
        Without two full years in a row; and as `sellers`.
    """
    sold = sellers(data, period, us)
    full = sold[~sold["part"]].groupby("metric", sort=False)
    known = [frame for _, rows in full if (frame := _gained(rows)) is not None]
    if not known:
        raise Unavailable(what=Phrase("market.gains"), needs=Phrase("market.two_years"))
    return pd.concat(known, ignore_index=True)


def _gained(rows: pd.DataFrame) -> pd.DataFrame | None:
    now, then = (rows[rows[at] == rows["start"].max()] for at in ("start", "end"))
    if then.empty:
        return None
    last, first = now.iloc[0], then.iloc[0]
    columns = ["entity", "kind", "sales", "value", "share_low", "share_high"]
    both = now[columns].rename(columns={"value": "after"})
    old = then[columns].rename(columns={"value": "before", "sales": "before_sales"})
    both = both.merge(old, "outer", ["entity", "kind"], suffixes=("", "_before"))
    new, gone = both["before"].isna(), both["after"].isna()
    unnamed = both["kind"] == OTHERS
    mixed = unnamed & (~unnamed & (new | gone)).any()
    seen = np.select([mixed, new, gone], ["mixed", "new", "gone"], "kept")
    both = both.fillna(dict.fromkeys(["sales", "before_sales", "after", "before"], 0.0))
    grown, delta = last["market"] / first["market"], both["sales"] - both["before_sales"]
    effect = both["before_sales"] * (grown - 1)
    off = [both["after"] / (1 + side) - both["before"] for side in (-WRONG, WRONG)]
    sure = last["market_low"] > first["market_high"]
    before = both["before_sales"].to_numpy(float)
    found = both.assign(
        gain=100 * (both["after"] - both["before"]),
        gain_low=100 * (both["share_low"] - both["share_high_before"]),
        gain_high=100 * (both["share_high"] - both["share_low_before"]),
        market_effect=effect,
        share_effect=delta - effect,
        growth=divided(delta.to_numpy(float), before),
        market_growth=grown - 1,
        share_of_growth=delta / (last["market"] - first["market"]) if sure else np.nan,
        index=100 * divided(both["sales"].to_numpy(float) / grown, before),
        holds=off[0] * off[1] > 0,
        wrong=WRONG,
        seen=seen,
        period_before=first["period"],
        **{name: last[name] for name in (*KEYS, "unit", "match", "market")},
    )
    found = found.drop(columns=["share_low_before", "share_high_before"])
    return found.sort_values(["gain", "entity"], ascending=[False, True])
