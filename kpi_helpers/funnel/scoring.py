"""Does BANT say who will buy: the score against what happened, and the chance of a new lead."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from kpi_helpers import intervals
from kpi_helpers.compare import compare
from kpi_helpers.compare.difference import Z
from kpi_helpers.errors import Unavailable
from kpi_helpers.funnel.channels import ripe_year
from kpi_helpers.kpis.settled import Array
from kpi_helpers.language import Phrase
from kpi_helpers.measure import measured
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.asked import year_of
from kpi_helpers.sources.dataset import Where
from kpi_helpers.sources.engine import frame_of

ITEMS = ("budget", "authority", "need", "timeline")
COLUMNS = tuple(f"bant_{item}" for item in ITEMS)
ANSWERS = ("yes", "no", "missing")
HOMES = (
    ("deals", "win_rate_count", "closed_at"),
    ("leads", "lead_to_customer_rate", "converted_at"),
)
# Days on which a case was scored: a column of the source, else the day of its qualification.
SCORED = ("bant_scored_at", "sql_at")
# Wins and losses that each weight needs, and what draws it to 0 (a normal prior of sd 2).
EVENTS, RIDGE, STEPS = 10, 0.25, 30


class Weights(NamedTuple):
    """A logistic model: ``mean, cov`` of the intercept and of ``names`` (item, item missing)."""

    names: tuple[str, ...]
    mean: Array
    cov: Any


class Bant(NamedTuple):
    """What `bant` finds.

    ``scores``: the frame of `kpi_helpers.compare` by ``points`` (missing where an item is), whose
    reference, the rate of the twelve months before, is what the score promised, and ``trend_p``.
    ``items``: a row an ``item`` and ``answer`` with ``k, n, value, low, high`` and, of a yes,
    ``odds, odds_low, odds_high`` (how many times better the odds are than after a no, all else
    equal; missing where cases are too few). ``quality``: the one row of `calibration`, and
    ``known_won, known_lost`` (share of such cases with all items), ``gap_low, gap_high`` (of their
    difference), ``scored`` and ``late`` (cases with a day of scoring, those after their outcome).
    """

    scores: pd.DataFrame
    items: pd.DataFrame
    quality: pd.DataFrame
    weights: Weights | None


def bant(data: Dataset, period: str = "last", where: Where = None) -> Bant:
    """Hold BANT scores against what became of the cases.

    The cases are the deals decided in the twelve months that end with the period; where deals have
    no BANT, the leads of `kpi_helpers.funnel.ripe_year`. An item that is not noted is no "no".

    Raises
    ------
    Unavailable
        Without the four items, or a case of the year with any of them.
    """
    needs, (table, kpi, done) = _needs(), home_of(data)
    year = year_of(data, period)
    year = ripe_year(data, period) if table == "leads" else year
    scored = data.add(_noted(data, table), on=f"{table[:-1]}_id", to=table)
    grid = measured(scored, [kpi], [year], ("answers",), where)
    grid = grid.loc[grid["n"] > 0, ["answers", "numerator", "n"]].rename(columns={"numerator": "k"})
    if grid.empty:
        raise needs
    grid[[*ITEMS]] = grid["answers"].str.split("|", expand=True).apply(pd.to_numeric)
    if grid[[*ITEMS]].isna().all(axis=None):
        raise needs
    scores = compare(scored, kpi, year.name, "previous", "points", where)
    scores = scores[scores["n"] > 0].sort_values("points", key=pd.to_numeric, ignore_index=True)
    weights = fitted(grid)
    quality = pd.DataFrame([_calibrated(scores) | _noted_of(grid) | _late(data, table, done)])
    scores = scores.assign(trend_p=quality["trend_p"].iloc[0])
    return Bant(scores, _items(grid, weights), quality, weights)


def _needs() -> Unavailable:
    return Unavailable(what=Phrase("bant.what"), needs=", ".join(COLUMNS))


def home_of(data: Dataset) -> tuple[str, str, str]:
    """Return the table that is scored, the KPI that says what became of it, and the day of that.

    Raises
    ------
    Unavailable
        Where no table has the four items.
    """
    for home in HOMES:
        if home[0] in data.tables and {*COLUMNS} <= data.filled(home[0]):
            return home
    raise _needs()


def _noted(data: Dataset, table: str) -> pd.DataFrame:
    """Each case with its answers as one text, and their sum where none is missing."""
    rows = frame_of(data.con, data.table(table).select(f"{table[:-1]}_id", *COLUMNS))
    items = rows[[*COLUMNS]].astype(float)
    said = items.map(lambda level: "" if np.isnan(level) else f"{level:g}")
    points = items.sum(axis=1, skipna=False).map("{:g}".format, na_action="ignore")
    return rows.iloc[:, :1].assign(answers=said.agg("|".join, axis=1), points=points)


def _calibrated(scores: pd.DataFrame) -> dict[str, float]:
    read = scores[scores["points"].notna() & scores["reference"].notna()]
    columns = ("numerator", "n", "reference", "points", "reference_n")
    return calibration(*(read[name].to_numpy(float) for name in columns))


def _noted_of(grid: pd.DataFrame) -> dict[str, float]:
    """How many of the won and of the other cases have all items."""
    won, n = grid["k"], grid["n"]
    whole = grid[[*ITEMS]].notna().all(axis=1)
    counts = [float(each.sum()) for each in (won[whole], won, (n - won)[whole], n - won)]
    low, high = (float(end) for end in intervals.newcombe(*counts))
    a, b, c, d = counts
    known = {"known_won": a / b if b else np.nan, "known_lost": c / d if d else np.nan}
    return known | {"gap_low": low, "gap_high": high}


def _late(data: Dataset, table: str, done: str) -> dict[str, float]:
    noted = next((name for name in SCORED if name in data.filled(table)), None)
    if noted is None or done not in data.filled(table):
        return {"scored": 0.0, "late": np.nan}
    days = frame_of(data.con, data.table(table).select(noted, done).drop_null())
    days = days.apply(pd.to_datetime, errors="coerce")
    return {"scored": float(len(days)), "late": float((days[noted] > days[done]).sum())}


def calibration(
    k: Array, n: Array, predicted: Array, score: Array, behind: Array | None = None
) -> dict[str, float]:
    """How well predicted chances and scores go with what happened, from counts by score.

    Parameters
    ----------
    k, n, predicted, score : array, shape (scores,)
        Cases won and all cases, the chance that was predicted, and the points.
    behind : array, shape (scores,), optional
        Cases from which each chance was estimated; by default it is taken as known.

    Returns
    -------
    dict
        ``won, expected, oe, oe_low, oe_high`` (won over expected, from Garwood's limits by
        MOVER-R), ``brier, brier_base`` (that of one rate for all), ``skill``, ``auc`` (ties count
        half), ``trend_z`` and ``trend_p`` (Cochran 1954, Armitage 1955); missing where there is
        nothing to tell apart.

    Examples
    --------
    >>> found = calibration(*(np.array(x) for x in ([1.0, 8], [10.0, 10], [0.2, 0.6], [0.0, 1])))
    >>> {name: round(found[name], 2) for name in ("oe", "brier", "skill", "auc", "trend_z")}
    {'oe': 1.12, 'brier': 0.15, 'skill': 0.39, 'auc': 0.85, 'trend_z': 3.15}
    """
    from scipy.special import ndtr

    behind = np.full(len(k), np.inf) if behind is None else behind
    sides = (k, n, predicted, score, behind)
    k, n, predicted, score, behind = (each[np.argsort(score)] for each in sides)
    lost, won, cases, expected = n - k, k.sum(), n.sum(), (n * predicted).sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        base = won / cases * (1 - won / cases)
        brier = (k * (1 - predicted) ** 2 + lost * predicted**2).sum() / cases
        auc = (k * (np.cumsum(lost) - lost / 2)).sum() / (won * lost.sum())
        spread = base * ((n * score**2).sum() - (n * score).sum() ** 2 / cases)
        z = (score * (k - n * won / cases)).sum() / np.sqrt(spread)
        reach = Z * np.sqrt((n**2 * predicted * (1 - predicted) / behind).sum())
        limits = (expected, expected - reach, expected + reach)
        oe = [won / expected, *intervals.quotient(won, *intervals.garwood(won), *limits)]
        found = [won, expected, *oe, brier, base, 1 - brier / base, auc, z, 2 * ndtr(-abs(z))]
    names = ("won", "expected", "oe", "oe_low", "oe_high", "brier", "brier_base", "skill", "auc")
    values = (float(x) if np.isfinite(x) else np.nan for x in found)
    return dict(zip((*names, "trend_z", "trend_p"), values, strict=True))


def fitted(grid: pd.DataFrame) -> Weights | None:
    """Weigh the items by a logistic model with a ridge, by Newton's steps.

    Parameters
    ----------
    grid
        ``budget, authority, need, timeline`` (numbers, blank where not noted), ``k`` won of ``n``.

    Returns
    -------
    Weights or None
        None with less than ten wins or ten losses for each weight.

    References
    ----------
    le Cessie and van Houwelingen (1992), Applied Statistics 41, 191-201.
    """
    names = tuple(item for item in ITEMS if grid[item].nunique() > 1)
    names += tuple(f"{item} missing" for item in ITEMS if grid[item].isna().any())
    k, n = grid["k"].to_numpy(float), grid["n"].to_numpy(float)
    if not names or min(k.sum(), (n - k).sum()) < EVENTS * len(names):
        return None
    x, ridge = _terms(grid, names), np.diag([0.0] + [RIDGE] * len(names))
    mean = np.zeros(len(names) + 1)
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-x @ mean))
        curve = (x.T * (n * p * (1 - p))) @ x + ridge
        mean = mean + np.linalg.solve(curve, x.T @ (k - n * p) - ridge @ mean)
    return Weights(names, mean, np.linalg.inv(curve))


def _terms(items: pd.DataFrame, names: tuple[str, ...]) -> Array:
    items = items[[*ITEMS]].reset_index(drop=True)
    blank = items.isna().astype(float).add_suffix(" missing")
    terms = items.fillna(0.0).join(blank)[[*names]].to_numpy(float)
    return np.column_stack([np.ones(len(terms)), terms])


def score(weights: Weights, leads: pd.DataFrame) -> pd.DataFrame:
    """The chance of new leads to be won, with its 95 % interval.

    Parameters
    ----------
    weights
        Those of `bant` or `fitted`.
    leads
        ``budget, authority, need, timeline``, a row a lead; blank or absent: not noted.

    Returns
    -------
    pandas.DataFrame
        ``chance, low, high``, a row a lead.
    """
    x = _terms(leads.reindex(columns=[*ITEMS]).astype(float), weights.names)
    middle, reach = x @ weights.mean, Z * np.sqrt(((x @ weights.cov) * x).sum(axis=1))
    odds = np.exp(np.column_stack([middle, middle - reach, middle + reach]))
    return pd.DataFrame(odds / (1 + odds), leads.index, ["chance", "low", "high"])


def _items(grid: pd.DataFrame, weights: Weights | None) -> pd.DataFrame:
    """What came of each answer to each item, and how much a yes weighs."""
    long = grid.melt(["k", "n"], [*ITEMS], "item", "level")
    answer = np.select([long["level"].isna(), long["level"] > 0], ["missing", "yes"], "no")
    counts = long.assign(answer=answer).groupby(["item", "answer"])[["k", "n"]].sum()
    order = pd.MultiIndex.from_product([ITEMS, ANSWERS], names=["item", "answer"])
    rows = counts.reindex(order).dropna().reset_index()
    rows["low"], rows["high"] = intervals.wilson(rows["k"], rows["n"])
    rows = rows.assign(value=rows["k"] / rows["n"], odds=np.nan, odds_low=np.nan, odds_high=np.nan)
    if weights is None:
        return rows
    for name, mean, spread in zip(
        weights.names, weights.mean[1:], np.diag(weights.cov)[1:], strict=True
    ):
        of, reach = (rows["item"] == name) & (rows["answer"] == "yes"), Z * np.sqrt(spread)
        rows.loc[of, ["odds", "odds_low", "odds_high"]] = np.exp([mean, mean - reach, mean + reach])
    return rows
