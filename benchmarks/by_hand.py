"""Ten KPIs of deals by quarter and team, as someone who knows pandas well writes them by hand.

What a rate or a mean needs is added up in one ``groupby`` a date column, stocks are running sums,
and places in the quarters are found by bisection. The intervals are the kit's own functions on
arrays: they are the same arithmetic on either side.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from kpi_helpers import intervals, survival

KPIS = (
    "deals_won_count",
    "bookings",
    "win_rate_count",
    "win_rate_value",
    "avg_deal_value",
    "new_customers_won",
    "deals_added",
    "value_added",
    "open_pipeline_value",
    "sales_cycle_duration",
)
CELL = ["period", "team"]
NAN = np.nan


def prepared(deals: pd.DataFrame, reps: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """What is done once after reading: the team, and the columns that every figure uses."""
    deals = deals.merge(reps[["owner", "team"]], on="owner", how="left")
    won = deals["status"] == "won"
    first_win = deals["closed_at"].where(won).groupby(deals["customer_id"]).transform("min")
    ended = deals["closed_at"].fillna(as_of)
    return deals.assign(
        team=deals["team"].astype("category"),
        won=won,
        decided=deals["status"] != "open",
        age=(ended - deals["created_at"]).dt.days,
        first=won & (deals["closed_at"] == first_win),
    )


def ten_kpis(deals: pd.DataFrame, first: str, last: str) -> pd.DataFrame:
    """The tidy frame of ``KPIS`` from one quarter to another, both included."""
    quarters = pd.period_range(first, last, freq="Q")
    edges = pd.DatetimeIndex([*quarters.start_time, quarters[-1].end_time.ceil("D")])
    cells = pd.MultiIndex.from_product([range(len(quarters)), deals["team"].cat.categories])
    figures = {
        **_closed(_placed(deals, "closed_at", edges), cells),
        **_created(_placed(deals, "created_at", edges), cells),
        "open_pipeline_value": _stock(deals, edges, cells),
    }
    blocks = [_block(name, *figures[name]) for name in KPIS]
    period, team = (np.tile(cells.get_level_values(level), len(KPIS)) for level in (0, 1))
    names = np.array([f"{q.year}Q{q.quarter}" for q in quarters], dtype=object)
    columns = {c: np.concatenate([block[c] for block in blocks]) for c in blocks[0]}
    return pd.DataFrame(
        {"kpi": np.repeat(KPIS, len(cells)), "period": names[period], "team": team, **columns}
    )


def _placed(deals: pd.DataFrame, column: str, edges: pd.DatetimeIndex) -> pd.DataFrame:
    """The deals dated inside the quarters, each with the index of its own."""
    rows = deals[(deals[column] >= edges[0]) & (deals[column] < edges[-1])]
    return rows.assign(period=edges.searchsorted(rows[column], side="right") - 1)


def _summed(rows: pd.DataFrame, cells: pd.MultiIndex) -> dict[str, np.ndarray]:
    sums = rows.groupby(CELL, observed=True).sum().reindex(cells, fill_value=0)
    return {name: column.to_numpy(float) for name, column in sums.items()}


def _closed(rows: pd.DataFrame, cells: pd.MultiIndex) -> dict[str, tuple[np.ndarray, ...]]:
    amount, won = rows["amount"], rows["won"]
    wins = amount.where(won, 0.0)
    paid = amount.where(won & (amount > 0), 0.0)
    terms = {
        "won": won,
        "decided": rows["decided"],
        "known": amount.notna() & (amount != 0),
        "a": wins,
        "b": amount,
        "aa": wins * wins,
        "bb": amount * amount,
        "ab": wins * amount,
        "priced": won & amount.notna(),
        "paid": won & (amount > 0),
        "x": paid,
        "xx": paid**2,
        "xxx": paid**3,
    }
    s = _summed(rows[CELL].assign(**terms), cells)
    new = rows[rows["first"]].groupby(CELL, observed=True)["customer_id"].nunique()
    new = new.reindex(cells, fill_value=0).to_numpy(float)
    six = [s[name] for name in ("known", "a", "b", "aa", "bb", "ab")]
    limits = zip(intervals.fieller(*six), intervals.ratio(*six), strict=True)
    bounds = [np.where(np.isnan(f), d, f) for f, d in limits]
    with np.errstate(invalid="ignore", divide="ignore"):
        alike = s["b"] ** 2 / s["bb"]  # equal amounts that would weigh as much (Kish)
        extreme = (s["a"] == 0) | (s["a"] == s["b"])
        others = intervals.wilson(s["a"] / s["b"] * alike, alike)
    bounds = [np.where(extreme, o, b) for o, b in zip(others, bounds, strict=True)]
    bounds = [np.clip(bound, 0, 1) for bound in bounds]
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "deals_won_count": (s["won"], s["won"], *intervals.garwood(s["won"])),
            "bookings": _amounts(s["a"], s["priced"], s["won"]),
            "win_rate_count": (
                s["won"] / s["decided"],
                s["decided"],
                *intervals.wilson(s["won"], s["decided"]),
            ),
            "win_rate_value": (s["a"] / s["b"], s["known"], *bounds),
            "avg_deal_value": (
                s["x"] / s["paid"],
                s["paid"],
                *intervals.hall(s["paid"], s["x"], s["xx"], s["xxx"]),
            ),
            "new_customers_won": (new, new, *intervals.garwood(new)),
        }


def _amounts(value: np.ndarray, priced: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, ...]:
    """A sum, not known where no amount is, and doubtful from a tenth without one on."""
    exact, lacking = np.full(len(n), NAN), n - priced
    known = np.where((lacking > 0) & (priced == 0), NAN, value)
    return known, priced, exact, exact, (lacking > 0) & (10 * lacking >= n)


def _created(rows: pd.DataFrame, cells: pd.MultiIndex) -> dict[str, tuple[np.ndarray, ...]]:
    aged = rows[rows["age"] >= 0]
    lost = aged["decided"] & ~aged["won"]
    counted = aged[[*CELL, "age"]].assign(won=aged["won"], lost=lost, open=~aged["decided"])
    sums = counted.groupby([*CELL, "age"], observed=True).sum()
    table = sums.unstack("age", fill_value=0).reindex(cells, fill_value=0)
    time = table["won"].columns.to_numpy(float)
    counts = [table[name].to_numpy(float) for name in ("won", "lost", "open")]
    median, horizon = survival.conditional_median(time, *counts)
    limits = survival.conditional_median_interval(time, *counts, horizon)
    terms = {"added": 1, "value": rows["amount"], "priced": rows["amount"].notna()}
    s = _summed(rows[CELL].assign(**terms), cells)
    return {
        "sales_cycle_duration": (median, counts[0].sum(axis=1), *limits),
        "deals_added": (s["added"], s["added"], *intervals.garwood(s["added"])),
        "value_added": _amounts(s["value"], s["priced"], s["added"]),
    }


def _stock(
    deals: pd.DataFrame, edges: pd.DatetimeIndex, cells: pd.MultiIndex
) -> tuple[np.ndarray, ...]:
    """What was opened less what was closed, added up from the first day on."""
    moves = [
        deals.loc[deals["created_at"] < edges[-1], ["created_at", "team", "amount"]],
        deals.loc[deals["decided"] & (deals["closed_at"] < edges[-1])],
    ]
    signed = pd.concat(
        {
            sign: moved[["team"]].assign(
                period=np.maximum(edges.searchsorted(moved[day], side="right") - 1, 0),
                x=sign * moved["amount"].fillna(0.0),
                u=sign * moved["amount"].fillna(0.0).eq(0),
                n=sign,
            )
            for sign, day, moved in ((1, "created_at", moves[0]), (-1, "closed_at", moves[1]))
        }
    )
    s = _summed(signed, cells)
    shape = (len(edges) - 1, -1)
    x, n, unpriced = (s[name].reshape(shape).cumsum(axis=0).reshape(-1) for name in ("x", "n", "u"))
    exact = np.full(len(cells), NAN)
    return x, n, exact, exact, (unpriced > 0) & (10 * unpriced >= n)


SAMPLED = ("win_rate_count", "win_rate_value", "avg_deal_value", "sales_cycle_duration")


def _block(
    name: str,
    value: np.ndarray,
    n: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    doubtful: np.ndarray | bool = False,
) -> dict[str, np.ndarray]:
    status = np.where(np.broadcast_to(doubtful, len(value)), "indicative", "ok").astype(object)
    if name in ("win_rate_value", "avg_deal_value"):
        low, high = (np.where(n < 5, NAN, limit) for limit in (low, high))
    if name in SAMPLED:
        status[n < 30] = "indicative"
        status[n < 5] = "insufficient"
    missing = np.isnan(value)
    status[missing] = "missing"
    n, low, high = (np.where(missing, NAN, each) for each in (n, low, high))
    return {"value": value, "n": n, "low": low, "high": high, "status": status}
