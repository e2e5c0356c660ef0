"""How often customers without a contract will buy again, and for how much.

The BG/NBD model of Fader, Hardie and Lee (2005, Marketing Science 24, 275-284) says how often: each
customer buys at a pace of their own, and after any purchase may leave for good, unseen. The
Gamma-Gamma model of Fader and Hardie (2013, note 025 of brucehardie.com) says for how much. Both
are fitted by maximum likelihood to four numbers a customer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kpi_helpers.errors import BadInput, MissingColumn, Unavailable

Floats = NDArray[np.float64]

COUNTED = ("frequency", "recency", "T")
WEEK = 7.0
# Under so many customers who came back the parameters say more about chance than about customers.
LEAST = 30
# Logarithms of the parameters at which customers are alike to all intents, or nobody leaves.
FLAT = 12.0
PIECES = 20


class Pace(NamedTuple):
    """Parameters of the BG/NBD model, per unit of time, and the logarithm of their likelihood.

    The pace of purchases is gamma distributed (shape ``r``, rate ``alpha``), the chance to leave
    after one beta distributed (``a``, ``b``).
    """

    r: float
    alpha: float
    a: float
    b: float
    likelihood: float


class Worth(NamedTuple):
    """Parameters of the Gamma-Gamma model: purchases of shape ``p``, customers of ``q, gamma``."""

    p: float
    q: float
    gamma: float


def histories(orders: pd.DataFrame, until: dt.date, unit_days: float = WEEK) -> pd.DataFrame:
    """What the models need to know of each customer: four numbers, as of a day.

    Parameters
    ----------
    orders
        Columns ``customer_id, order_date, amount_net, is_sale``. Sales of one day are one purchase;
        a refund is none, and lowers what the purchases brought.
    until
        Last day that counts.
    unit_days
        Days in the unit of time.

    Returns
    -------
    pandas.DataFrame
        By ``customer_id``: ``frequency`` (purchases after the first), ``recency`` (time from the
        first to the last), ``T`` (time from the first to ``until``), both in units, and ``value``
        (money of an average purchase after the first; missing where there is none). Customers
        without any sale are left out.

    Raises
    ------
    MissingColumn
        When ``orders`` lacks a column.

    Examples
    --------
    >>> orders = pd.DataFrame({"customer_id": ["A", "A", "A"], "amount_net": [10.0, 20.0, 40.0],
    ...     "order_date": pd.to_datetime(["2026-01-01", "2026-01-08", "2026-01-15"]),
    ...     "is_sale": True})
    >>> histories(orders, dt.date(2026, 1, 29)).round(2).to_dict("list")
    {'frequency': [2.0], 'recency': [2.0], 'T': [4.0], 'value': [30.0]}
    """
    _require(orders, ("customer_id", "order_date", "amount_net", "is_sale"), "orders")
    last = pd.Timestamp(until)
    known = orders[orders["customer_id"].notna() & (orders["order_date"] <= last)]
    days = known[known["is_sale"]].drop_duplicates(["customer_id", "order_date"])
    sold = days.groupby("customer_id")["order_date"].agg(["min", "max", "size"])
    known = known.join(sold, on="customer_id")
    later = known[known["order_date"] > known["min"]]
    money = later.groupby("customer_id")["amount_net"].sum().reindex(sold.index, fill_value=0.0)
    again = (sold["size"] - 1).astype(float)
    return pd.DataFrame(
        {
            "frequency": again,
            "recency": (sold["max"] - sold["min"]).dt.days / unit_days,
            "T": (last - sold["min"]).dt.days / unit_days,
            "value": money / again.where(again > 0),
        }
    )


def pace(customers: pd.DataFrame) -> Pace:
    """Fit the BG/NBD model.

    Parameters
    ----------
    customers
        What `histories` returns.

    Raises
    ------
    Unavailable
        When fewer than `LEAST` customers bought again, or no single best fit exists.
    BadInput
        For a count or time that cannot be: negative, or a purchase after the end.
    """
    from scipy.special import betaln, gammaln

    x, last, age = _counted(customers)
    _enough(int((x > 0).sum()))
    seen, weight = np.unique(np.column_stack([x, last, age]), axis=0, return_counts=True)
    x, last, age = seen.T

    def unlikely(logs: Floats) -> float:
        r, alpha, a, b = np.exp(logs)
        bought = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b)
        stayed = -(r + x) * np.log(alpha + age)
        with np.errstate(divide="ignore"):
            left = np.log(a * (x > 0)) - np.log(b + x - 1 + (x == 0))
        left = left - (r + x) * np.log(alpha + last)
        return -float(weight @ (bought + np.logaddexp(stayed, left)))

    logs, lowest = _lowest(unlikely, np.log([0.5, np.median(age) / 2 + 0.1, 0.8, 2.5]))
    r, alpha, a, b = (float(each) for each in np.exp(logs))
    return Pace(r, alpha, a, b, -lowest)


def alive(fit: Pace, customers: pd.DataFrame) -> Floats:
    """Chance that each customer has not left for good; 1 for those who never came back.

    The model lets a customer leave only after a purchase that is not the first.
    """
    from scipy.special import expit

    x, last, age = _counted(customers)
    with np.errstate(divide="ignore"):
        gone = np.log(fit.a * (x > 0)) - np.log(fit.b + x - (x > 0))
    shrunk = (fit.r + x) * (np.log(fit.alpha + age) - np.log(fit.alpha + last))
    return np.asarray(expit(-gone - shrunk))


def purchases(fit: Pace, customers: pd.DataFrame, horizon: ArrayLike) -> Floats:
    """Purchases expected of each customer within ``horizon`` units from now.

    Parameters
    ----------
    fit
        What `pace` returns.
    customers
        What `histories` returns.
    horizon
        One time, or one a customer, in the unit of the fit.
    """
    x, _, age = _counted(customers)
    return alive(fit, customers) * _bought(fit, x, age, np.asarray(horizon, dtype=float))


def purchases_of_new(fit: Pace, horizon: ArrayLike) -> Floats:
    """Purchases expected of a new customer within ``horizon`` units of the first one.

    Examples
    --------
    >>> cdnow = Pace(0.2426, 4.414, 0.793, 2.426, -9582.43)
    >>> purchases_of_new(cdnow, [39, 78]).round(2).tolist()
    [1.19, 1.86]
    """
    return _bought(fit, np.zeros(()), np.zeros(()), np.asarray(horizon, dtype=float))


def _bought(fit: Pace, x: Floats, age: Floats, horizon: Floats) -> Floats:
    """Purchases within a time of who is still there.

    Euler's transformation of the published form: its parameters do not grow with ``x``, so that a
    customer of a thousand purchases does not overflow.
    """
    from scipy.special import hyp2f1

    r, alpha, a, b, _ = fit
    a = a + 1e-6 * (abs(a - 1) < 1e-6)  # the limit at 1 exists, the formula does not
    whole = a + b + x - 1
    passed = horizon / (alpha + age + horizon)
    still = (1 - passed) ** (a - 1) * hyp2f1(a + b - 1 - r, a - 1, whole, passed)
    return np.asarray(whole / (a - 1) * (1 - still))


def worth(customers: pd.DataFrame) -> Worth:
    """Fit the Gamma-Gamma model to the average purchases of those who came back.

    Parameters
    ----------
    customers
        What `histories` returns. Averages of 0 or less do not enter the fit.

    Raises
    ------
    MissingColumn
        Without a column ``value``.
    Unavailable
        When fewer than `LEAST` customers bought again, or no single best fit exists.
    """
    from scipy.special import gammaln

    _require(customers, (*COUNTED, "value"), "customers")
    again = customers[(customers["frequency"] > 0) & (customers["value"] > 0)]
    _enough(len(again))
    x, m = again["frequency"].to_numpy(float), again["value"].to_numpy(float)
    scale = float(np.median(m))
    m = m / scale

    def unlikely(logs: Floats) -> float:
        p, q, gamma = np.exp(logs)
        shape = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(gamma)
        tail = (p * x - 1) * np.log(m) + p * x * np.log(x) - (p * x + q) * np.log(gamma + m * x)
        return -float((shape + tail).sum())

    (p, q, gamma), _ = _lowest(unlikely, np.log([5.0, 3.0, 0.5]))
    return Worth(float(np.exp(p)), float(np.exp(q)), float(np.exp(gamma)) * scale)


def average_purchase(fit: Worth, customers: pd.DataFrame) -> Floats:
    """Money expected of an average purchase of each customer: their own, drawn to everybody's.

    Missing for those who never came back where customers differ without bound (q ≤ 1).
    """
    x = customers["frequency"].to_numpy(float)
    m = np.where(x > 0, customers["value"].to_numpy(float), 0.0)
    below = fit.p * x + fit.q - 1
    return np.asarray(fit.p * (fit.gamma + m * x) / np.where(below > 0, below, np.nan))


def residual_value(
    fit: Pace, money: Worth, customers: pd.DataFrame, horizon: float, discount: float = 0.0
) -> Floats:
    """Money expected of each customer within ``horizon`` units from now, in today's money.

    Parameters
    ----------
    fit, money
        What `pace` and `worth` return.
    customers
        What `histories` returns.
    horizon
        In the unit of the fit: the value is bounded by it.
    discount
        Rate per unit of time.
    """
    ends = np.linspace(0, horizon, PIECES + 1)
    bought = np.stack([purchases(fit, customers, end) for end in ends])
    today = (1 + discount) ** -((ends[1:] + ends[:-1]) / 2)
    return np.asarray((today @ np.diff(bought, axis=0)) * average_purchase(money, customers))


def _lowest(function: Callable[[Floats], float], start: Floats) -> tuple[Floats, float]:
    """The logarithms of the parameters at which a function is lowest."""
    from scipy.optimize import minimize

    bounds = [(-FLAT, FLAT)] * len(start)
    found = minimize(function, start, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500})
    if not (found.success and np.isfinite(found.fun)):
        raise Unavailable("no_best_fit")
    # Where it is nearly flat, the place to the fourth digit would be that of the processor.
    nearer = minimize(function, found.x, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-13})
    best = min(found, nearer, key=lambda each: float(each.fun))
    return best.x, float(best.fun)


def _counted(customers: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
    _require(customers, COUNTED, "customers")
    x, last, age = (customers[name].to_numpy(float) for name in COUNTED)
    wrong = ~((x >= 0) & (last >= 0) & (last <= age + 1e-9) & ((x > 0) | (last == 0)))
    if wrong.any():
        place = int(wrong.argmax())
        said = f"frequency {x[place]:g}, recency {last[place]:g}, T {age[place]:g}"
        expected = "frequency ≥ 0, 0 ≤ recency ≤ T"
        raise BadInput(file="customers", line=place + 1, value=said, expected=expected)
    return x, last, age


def _enough(again: int) -> None:
    if again < LEAST:
        raise Unavailable("few_came_back", n=again, least=LEAST)


def _require(frame: pd.DataFrame, columns: tuple[str, ...], name: str) -> None:
    for column in columns:
        if column not in frame.columns:
            candidates = [str(each) for each in frame.columns]
            raise MissingColumn(table=name, column=column, candidates=candidates)
