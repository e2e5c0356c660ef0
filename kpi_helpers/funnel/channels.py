"""What each channel brings for its money, from the lead to the margin, and what if money moved.

Read on cohorts: the leads of twelve months that all had the time to become customers, what was
spent in these months, and what the deals of these leads left. A margin is a sum of amounts that are
chance in number and size: its range, and the chance that one channel beats another, are those of
one gamma law (Fay and Feuer 1997, Statistics in Medicine 16, 791-801).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pandas as pd

from kpi_helpers import intervals
from kpi_helpers.catalogue import find
from kpi_helpers.compare.apart import with_others
from kpi_helpers.compare.difference import holm
from kpi_helpers.errors import Unavailable
from kpi_helpers.kpis.settled import Array
from kpi_helpers.language import Phrase
from kpi_helpers.measure import measure, measured
from kpi_helpers.measure.counted import window_of
from kpi_helpers.periods import Period, months_before
from kpi_helpers.periods.period import span
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.asked import period_of, year_of
from kpi_helpers.sources.derived import days_between
from kpi_helpers.sources.engine import frame_of

STEPS = {"qualified": "lead_qualification_rate", "won": "lead_to_customer_rate"}
DRAWS, SEED = 20_000, 73
# Of channels that are all alike, one in ten times any is called better or worse.
FALSE_FINDINGS, SURE = 0.10, 0.90
ELASTICITY, MOVED = 0.7, 0.2


def channels(data: Dataset, period: str = "last", by: str = "source") -> pd.DataFrame:
    """Follow the leads of each channel to the margin they left, beside what was spent on it.

    Parameters
    ----------
    data
        A data set with ``leads``; money needs ``deals`` by ``lead_id``, cost needs ``spend``.
    period
        Its end bounds the leads: see `ripe_year`.
    by
        A dimension of the leads; ``source`` is the ``channel`` of the spend.

    Returns
    -------
    pandas.DataFrame
        A row a ``channel`` (missing: not known), by name: ``leads``; ``qualified`` and ``won`` with
        ``_rate, _low, _high`` (Wilson), ``_rest`` (the rate of all the others) and ``_apart`` (see
        `kpi_helpers.compare.apart.with_others`); ``margin`` of the won deals (``valued`` says
        ``revenue`` where no cost is known) and ``size``, what one brings; ``spend`` (media),
        ``cac``, ``net`` (margin less spend) and ``returned`` (margin for each unit spent) with
        ``_low, _high``; ``chance`` (to return more than all the others together); ``verdict``:
        ``better`` or ``worse`` where it is not chance (Holm over the channels, 10 %), else blank;
        ``start, end`` of the months.

    Raises
    ------
    Unavailable
        Without leads that know the dimension, or leads old enough.
    """
    what = Phrase("channels.what")
    if "leads" not in data.tables or by not in data.dimensions("leads"):
        raise Unavailable(what=what, needs=f"leads.{by}")
    year = ripe_year(data, period)
    rows = _steps(data, year, by)
    if rows.empty:
        known = "converted_at" in data.filled("leads")
        needs = Phrase("outreach.old_leads") if known else "leads.converted_at"
        raise Unavailable(what=what, needs=needs)
    for more in (_earned(data, year, by), _spent(data, year, by)):
        rows = rows.merge(more, "outer", "channel")
    counts = ["leads", *STEPS]
    rows = rows.fillna(dict.fromkeys(counts, 0.0)).sort_values("channel", ignore_index=True)
    return judged(_returns(rows)).assign(start=year.start, end=year.end)


def ripe_year(data: Dataset, period: str) -> Period:
    """The last twelve whole months, up to a period's end, of leads old enough to be customers."""
    asked = period_of(data, period)
    window = window_of(data, find(STEPS["won"])) or 0
    last = data.as_of + dt.timedelta(days=1 - window)
    end = asked.end if asked.end <= last else last.replace(day=1)
    return span(months_before(end, 12), end)


def _steps(data: Dataset, year: Period, by: str) -> pd.DataFrame:
    """How many leads of each channel go how far, beside those of all the others."""
    tidy = measured(data, [*STEPS.values()], [year], (by,))
    tidy = tidy[tidy["n"] > 0].rename(columns={by: "channel", "numerator": "k"})
    rows = tidy.loc[tidy["kpi"] == STEPS["won"], ["channel", "n"]].rename(columns={"n": "leads"})
    for step, kpi in STEPS.items():
        beside = with_others(tidy.loc[tidy["kpi"] == kpi, ["channel", "k", "n"]])
        named = {"k": step, "value": f"{step}_rate"}
        named |= {end: f"{step}_{end}" for end in ("low", "high", "rest", "apart")}
        rows = rows.merge(beside[["channel", *named]].rename(columns=named), "left", "channel")
    return rows


def _earned(data: Dataset, year: Period, by: str) -> pd.DataFrame:
    """Margin of the deals won from the leads of each channel, in the time a lead has."""
    filled = data.filled("deals") if "deals" in data.tables else set()
    if not {"lead_id", "amount"} <= filled:
        return pd.DataFrame(columns=["channel", "margin", "squares", "valued"])
    leads, deals = data.table("leads", (by,)), data.table("deals")
    came = leads.filter(leads.created_at >= year.start, leads.created_at < year.end)
    came = came.select("lead_id", channel=by, came="created_at")
    won = came.join(deals.filter(deals.is_won).select("lead_id", "amount", "closed_at"), "lead_id")
    if (window := window_of(data, find(STEPS["won"]))) is not None:
        won = won.filter(days_between(won.came, won.closed_at) <= window)
    sums = won.group_by("channel").agg(x=won.amount.sum(), xx=(won.amount**2).sum())
    rows = frame_of(data.con, sums)
    rate = float(measure(data, "gross_margin_rate", year.name)["value"].item())
    valued, rate = ("margin", rate) if rate > 0 else ("revenue", 1.0)
    rows = rows.assign(margin=rate * rows["x"], squares=rate**2 * rows["xx"], valued=valued)
    return rows[rows["margin"] > 0].drop(columns=["x", "xx"])


def _spent(data: Dataset, year: Period, by: str) -> pd.DataFrame:
    """Media spend of the same months by channel."""
    name = "channel" if by == "source" else by
    if "spend" not in data.tables or name not in data.dimensions("spend"):
        return pd.DataFrame(columns=["channel", "spend"])
    media = measure(data, "media_spend", year.name, name)
    media = media.loc[media["value"] > 0, [name, "value"]].dropna()
    return media.set_axis(["channel", "spend"], axis=1)


def _returns(rows: pd.DataFrame) -> pd.DataFrame:
    """What a customer costs and what a unit of money brings."""
    if rows["margin"].sum() > 0:
        valued = rows["valued"].dropna().max()
        rows = rows.fillna({"margin": 0.0, "squares": 0.0, "valued": valued})
    rows = rows.astype(dict.fromkeys(("margin", "squares", "spend"), float))
    spend, won, margin = rows["spend"], rows["won"], rows["margin"]
    size = usual_size(margin, rows.pop("squares"))
    least, most = intervals.quotient(spend, spend, spend, won, *intervals.garwood(won))
    rows = rows.assign(size=size, cac=spend / won.where(won > 0), cac_low=least, cac_high=most)
    low, high = intervals.garwood(margin / size)
    for name, money in (("", margin), ("_low", low * size), ("_high", high * size)):
        rows[f"returned{name}"], rows[f"net{name}"] = money / spend, money - spend
    return rows


def usual_size(margin: pd.Series[float], squares: pd.Series[float]) -> pd.Series[float]:
    """What one amount of each channel weighs: its own Σx²/Σx, or that of all where it is larger.

    A few amounts say too little of how far a large one may carry: judged by its own alone, one of
    six channels that are alike is called different in 14 to 28 cases of 100 (``benchmarks/``).
    """
    whole = squares.sum() / margin.sum() if margin.sum() > 0 else np.nan
    return (squares / margin.where(margin > 0)).fillna(whole).clip(lower=whole)


def judged(rows: pd.DataFrame) -> pd.DataFrame:
    """The chance of each channel to return more than all the others together."""
    spent = rows["returned"].notna().to_numpy()
    rows["chance"], rows["verdict"] = np.nan, ""
    if spent.sum() > 1:
        drawn, spend = _drawn(rows[spent]), rows.loc[spent, "spend"].to_numpy()
        rest = (drawn.sum(axis=1, keepdims=True) - drawn) / (spend.sum() - spend)
        chance = (drawn / spend > rest).mean(axis=0)
        sure = holm(2 * np.minimum(chance, 1 - chance)) <= FALSE_FINDINGS
        rows.loc[spent, "chance"] = chance
        side = np.where(chance > 0.5, "better", "worse")
        rows.loc[spent, "verdict"] = np.where(sure, side, "")
    return rows


def _drawn(rows: pd.DataFrame) -> Array:
    """Draw what the margins of channels may truly be; shape (draws, channels)."""
    size = rows["size"].to_numpy()
    counted = rows["margin"].to_numpy() / size
    return np.random.default_rng(SEED).gamma(counted + 0.5, size, (DRAWS, len(rows)))


def duels(rows: pd.DataFrame) -> pd.DataFrame:
    """The chance that each of `channels` returns more for its money than another, in a square."""
    rows = rows[rows["returned"].notna()]
    drawn = (_drawn(rows) / rows["spend"].to_numpy()).T
    chance = [[(own > other).mean() for other in drawn] for own in drawn]
    return pd.DataFrame(chance, rows["channel"].tolist(), rows["channel"].tolist())


def moved_budget(
    rows: pd.DataFrame, spend: Mapping[str, float] | None = None, elasticity: float = ELASTICITY
) -> pd.DataFrame:
    """What another budget would bring, if returns diminish: margin grows as spend ** elasticity.

    Parameters
    ----------
    rows
        What `channels` returns.
    spend
        Channel → new spend; others keep theirs. By default a fifth of what the worst channel gets
        goes to those better than the rest, and than it in 90 of 100 draws, in proportion to what
        they get; where none is, nothing moves.
    elasticity
        An assumption, not an estimate: .7 makes 10 % more money bring 6.9 % more margin.

    Returns
    -------
    pandas.DataFrame
        First a row of all (``channel`` missing), then one a channel with spend: ``spend,
        spend_after, margin, margin_after, change`` and ``change_low, change_high`` (95 %), and the
        ``elasticity``.

    Raises
    ------
    Unavailable
        Where no channel has both spend and margin.
    """
    rows = rows[rows["returned"].notna()].reset_index(drop=True)
    if rows.empty:
        raise Unavailable(what=Phrase("channels.budget"), needs="spend, deals.amount")
    before = rows.set_index("channel")["spend"]
    after = _proposed(rows, before) if spend is None else before.copy()
    after.update(pd.Series(spend or {}, dtype=float))
    grown, margin = (after / before).to_numpy() ** elasticity, rows["margin"].to_numpy()
    drawn = _drawn(rows) * (grown - 1)
    low, high = np.quantile(np.column_stack([drawn.sum(axis=1), drawn]), [0.025, 0.975], axis=0)
    money = {"spend": before.to_numpy(), "spend_after": after.to_numpy(), "margin": margin}
    money |= {"margin_after": margin * grown, "change": margin * (grown - 1)}
    found = {name: [each.sum(), *each] for name, each in money.items()}
    ends = {"change_low": low, "change_high": high, "elasticity": elasticity}
    return pd.DataFrame({"channel": [None, *rows["channel"]], **found, **ends})


def _proposed(rows: pd.DataFrame, before: pd.Series[float]) -> pd.Series[float]:
    after, told = before.copy(), rows.set_index("channel")
    worse = told.loc[told["verdict"] == "worse", "returned"]
    if worse.empty:
        return after
    worst = after.index == worse.idxmin()
    ahead = duels(rows).to_numpy()[:, worst].ravel() >= SURE
    to = (told["verdict"] == "better").to_numpy() & ahead
    freed = MOVED * after[worst].sum()
    if to.any():
        after = after.mask(to, after * (1 + freed / after[to].sum())).mask(worst, after - freed)
    return after


def concordance(
    data: Dataset, period: str = "last", by: str = "source", said: str = "self_reported_source"
) -> pd.DataFrame:
    """Set the channel that was tracked beside the one that leads name, over twelve months.

    Returns
    -------
    pandas.DataFrame
        One row: ``n`` leads with both, ``agreed`` (share), ``kappa, low, high`` (Cohen's, with the
        interval of Fleiss, Cohen and Everitt 1969), and the most frequent disagreement: ``tracked,
        named, swapped`` (leads). Case and blanks around a name do not count.

    Raises
    ------
    Unavailable
        Without both columns, or leads of two channels that have both.
    """
    from statsmodels.stats.inter_rater import cohens_kappa

    known = data.dimensions("leads") if "leads" in data.tables else []
    if lacking := [f"leads.{name}" for name in (by, said) if name not in known]:
        raise Unavailable(what=Phrase("channels.concordance"), needs=lacking)
    year = year_of(data, period)
    leads = data.table("leads", (by, said))
    leads = leads.filter(leads.created_at >= year.start, leads.created_at < year.end)
    pairs = frame_of(data.con, leads.select(tracked=by, named=said).drop_null())
    pairs = pairs.apply(lambda names: names.str.strip().str.casefold())
    names = sorted({*pairs["tracked"], *pairs["named"]})
    if len(names) < 2:
        needs = f"leads.{by}, leads.{said}"
        raise Unavailable(what=Phrase("channels.concordance"), needs=needs)
    table = pd.crosstab(pairs["tracked"], pairs["named"]).reindex(names, axis=0, fill_value=0)
    found = cohens_kappa(table.reindex(names, axis=1, fill_value=0).to_numpy(float))
    kappa = {"kappa": found.kappa, "low": found.kappa_low, "high": found.kappa_upp}
    apart = pairs[pairs["tracked"] != pairs["named"]].value_counts().sort_index(kind="stable")
    (tracked, named), swapped = (apart.idxmax(), apart.max()) if len(apart) else (("", ""), 0)
    most = {"tracked": tracked, "named": named, "swapped": float(swapped)}
    facts = {"n": float(len(pairs)), "agreed": 1 - apart.sum() / len(pairs)}
    return pd.DataFrame([facts | kappa | most])
