"""What-if of a customer: less churn, a larger basket, a better margin or a lower cost."""

from __future__ import annotations

import datetime as dt
import math
import numbers
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from kpi_helpers.compare.difference import Z
from kpi_helpers.customers.economics import (
    CONTRACT,
    ENDS,
    bought_by,
    earned,
    economics,
    judged,
    months_until,
)
from kpi_helpers.customers.newcomers import newcomers, usual_breakdown
from kpi_helpers.errors import BadInput, Unavailable, unknown
from kpi_helpers.kpis.lifetime import DISCOUNT_A_MONTH, HORIZON, lived
from kpi_helpers.kpis.settled import Settled
from kpi_helpers.language import Phrase
from kpi_helpers.lifetime import payback_months
from kpi_helpers.measure import measure
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.asked import one_dimension

# Without a contract the months to count over: each is asked once.
HORIZONS = (12, 24, 36)
NORMAL = NormalDist()


class Worth(NamedTuple):
    """What `with_levers` starts from.

    ``rows`` are those of `economics`, for each of the ``months`` without a contract; ``earned`` is
    what a customer of each channel (of all: ``""``) has left after each month, ``contract`` has
    ``arpa, margin, churn`` of contracts, and ``levers`` names what can be moved.
    """

    rows: pd.DataFrame
    earned: Mapping[str, np.ndarray[Any, Any]]
    contract: Mapping[str, Settled]
    levers: tuple[str, ...]


def worth(data: Dataset, period: str = "last", by: str = "") -> Worth:
    """Ask once for what a customer costs and leaves; ``period`` and ``by`` as for `economics`.

    Raises
    ------
    Unavailable
        As `economics`, and where nobody knows what a customer leaves.
    """
    rows = economics(data, period, by)
    one = rows.iloc[0]
    if not one["model"]:
        raise Unavailable(what="ltv", needs="orders")
    if one["model"] == "contract":
        days = f"{one['start']}:{one['end'] - dt.timedelta(days=1)}"
        kpis = measure(data, CONTRACT[1:4], days).to_dict("records")
        figures = dict(zip(("arpa", "margin", "churn"), map(_settled, kpis), strict=True))
        return Worth(rows, {}, figures, ("churn", "basket", "margin", "cac"))
    by = one_dimension(by) or usual_breakdown(data)
    rows = pd.concat([economics(data, period, by, months) for months in HORIZONS])
    bought = bought_by(data, newcomers(data, by))
    groups = {"": bought, **dict(iter(bought.groupby("channel")))}
    left = {str(name): earned(own, max(HORIZONS)) for name, own in groups.items()}
    margin = ("margin",) if one["valued"] == "margin" else ()
    return Worth(rows.reset_index(drop=True), left, {}, ("repeat", "basket", *margin, "cac"))


def with_levers(
    start: Worth,
    channel: str = "",
    factors: Mapping[str, float] | None = None,
    months: int = 0,
) -> pd.DataFrame:
    """Return what a customer costs and leaves as things are, and with levers.

    What is not known for certain is so in proportion: the interval of a figure moves with it.

    Parameters
    ----------
    start
        What `worth` returns.
    channel
        One of its channels; by default all together.
    factors
        Factors on ``cac`` (the cost of winning a customer), ``basket`` (what they pay at a time),
        ``margin`` (the share of it that remains, at most all) and, with a contract, ``churn``, else
        ``repeat`` (what they buy after their first month).
    months
        How many count: up to 60 with a contract, else 12, 24 or 36; by default 60 and 24.

    Returns
    -------
    pandas.DataFrame
        A row as those of `economics` for each ``lever``, ``base`` and ``together``, with
        ``above_1`` and ``above_3``: how likely a customer leaves more than the cost, and three
        times as much (of a log-normal quotient; missing in revenue).

    Raises
    ------
    UnknownName, BadInput
        For a channel, lever or number of months that does not exist, or a factor below 0.
    """
    months, asked = months or (HORIZON if start.contract else HORIZONS[1]), dict(factors or {})
    own = start.rows[start.rows["basis"] == ("media" if channel else "loaded")]
    if channel:
        own = own[own["channel"] == channel]
    if own.empty:
        raise unknown("value", channel, start.rows["channel"].dropna().unique())
    if not (1 <= months <= HORIZON if start.contract else months in HORIZONS):
        most = f"1 … {HORIZON}" if start.contract else ", ".join(map(str, HORIZONS))
        raise BadInput(column="months", value=months, expected=most)
    for name, by in asked.items():
        if name not in start.levers:
            raise unknown("value", name, start.levers)
        if not (isinstance(by, numbers.Real) and math.isfinite(by) and by >= 0):
            raise BadInput(column=name, value=by, expected=Phrase("expected.factor"))
    row = own.iloc[0] if start.contract else own[own["months"] == months].iloc[0]
    every = {"base": dict.fromkeys(start.levers, 1.0)}
    every |= {"together": every["base"] | asked}
    rows = pd.DataFrame(
        [{**row, **_costs(start, row, by, months), "lever": lever} for lever, by in every.items()]
    )
    found = judged(rows.assign(months=months))
    margin = (found["valued"] == "margin").to_numpy()
    above = {f"above_{times}": np.where(margin, _above(found, times), np.nan) for times in (1, 3)}
    return found.assign(**above)


def _settled(row: Mapping[Any, Any], by: float = 1.0, most: float = np.inf) -> Settled:
    """A figure and its interval, moved in proportion."""
    value, low, high, n = (
        np.array(row[of], float, ndmin=1) for of in ("value", "low", "high", "n")
    )
    value, low, high = (np.minimum(each * by, most) for each in (value, low, high))
    return Settled(value, value, value, n, low, high, "propagated")


def _costs(start: Worth, row: pd.Series, by: Mapping[str, float], months: int) -> dict[str, Any]:
    """What a customer costs and leaves, and the months to earn the cost back."""
    cac = {f"cac{end}": row[f"cac{end}"] * by["cac"] for end in ENDS}
    if start.contract:
        return cac | _of_contract(start, cac["cac"], by, months)
    curve = start.earned[row["channel"] if row["basis"] == "media" else ""][:months]
    money = by["basket"] * by.get("margin", 1.0)
    first = min(curve[0], row["value"])
    value = money * (first + by["repeat"] * (row["value"] - first))
    even = cac["cac"] / (value / months) if value > 0 else np.nan
    then = money * (curve[0] + by["repeat"] * (curve - curve[0]))
    scale = value / row["value"] if value * row["value"] > 0 else np.nan
    ends = {f"value{end}": row[f"value{end}"] * scale for end in ENDS[1:]}
    even = even if even <= months else np.nan
    back = {"payback": even, "payback_seen": months_until(then, cac["cac"])}
    return cac | {"value": value} | ends | back


def _of_contract(start: Worth, cac: float, by: Mapping[str, float], months: int) -> dict[str, Any]:
    caps = {"arpa": ("basket", np.inf), "margin": ("margin", 1.0), "churn": ("churn", 1.0)}
    moved = {
        name: _settled(start.contract[name]._asdict(), by[lever], most)
        for name, (lever, most) in caps.items()
    }
    value = lived(**moved, discount=DISCOUNT_A_MONTH, months=months)
    arpa, margin, churn = (moved[name].value for name in ("arpa", "margin", "churn"))
    even, seen = (payback_months(cac, arpa, margin, lost, months) for lost in (0.0, churn))
    ends = {"value": value.value, "value_low": value.low, "value_high": value.high}
    found = {**ends, "payback": even, "payback_seen": seen}
    return {name: each.item() for name, each in found.items()}


def _above(found: pd.DataFrame, times: int) -> np.ndarray[Any, Any]:
    """How likely the value is so many times the cost."""
    low, ratio, high = (
        found[name].to_numpy(float) for name in ("ratio_low", "ratio", "ratio_high")
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        away = np.log(ratio / times) * 2 * Z / np.log(high / low)
    return np.array([NORMAL.cdf(each) if np.isfinite(each) else np.nan for each in away])
