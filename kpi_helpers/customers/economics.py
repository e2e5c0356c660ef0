"""What a customer costs, what one leaves, and which channels are worth their money.

A channel is judged on media alone, because salaries and tools are nobody's in particular; all
channels together on everything that was spent. To cut is what costs more than it brings beyond
chance, to scale what brings more than it costs.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers import intervals
from kpi_helpers.customers import buying
from kpi_helpers.customers.newcomers import ON_LEADS, newcomers, purchases, usual_breakdown
from kpi_helpers.errors import Unavailable
from kpi_helpers.kpis.lifetime import DISCOUNT_A_YEAR, HORIZON
from kpi_helpers.lifetime import payback_months
from kpi_helpers.measure import measure
from kpi_helpers.periods import months_before
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.asked import one_dimension

# Without a contract, what lies further ahead than two years is guesswork.
MONTHS = 24
DAYS_A_MONTH, WEEKS_A_YEAR = 365.25 / 12, 365.25 / 7
FEW = 5
CONTRACT = ("ltv_discounted", "arpa", "gross_margin_rate", "monthly_churn", "revenue")
ENDS = ("", "_low", "_high")


def economics(
    data: Dataset, period: str = "last", by: str = "", months: int = MONTHS
) -> pd.DataFrame:
    """Cost and value of a customer, in all and by channel, over twelve months.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load` with spend, and with orders or leads.
    period
        Customers won in the twelve months that end with it count; a longer one is taken whole. The
        spend is that of as many months earlier as ``lags.cac`` says, else as a lead usually takes.
    by
        A dimension of the spend: see `newcomers`. By default the channel, else the campaign.
    months
        Bound of the value of a customer without a contract.

    Returns
    -------
    pandas.DataFrame
        First a row for all (``basis`` ``"loaded"``: everything spent), then one a ``channel``
        (``"media"``), each with ``spend, leads, lead_share, conversion, customers, cac`` (missing
        where nobody was won or nothing spent), ``value`` (what a customer leaves, discounted; in
        margin, or in revenue where no cost is known: ``valued``), ``of`` (customers behind it),
        ``ratio`` of both, ``payback`` and ``payback_seen`` (months, the second with those who
        leave),
        ``verdict`` (``cut`` or ``scale``, of all ``loss`` or ``earns``, blank where it may be
        chance); figures with an interval have ``_low, _high``. Alike in all rows: ``model``
        (``contract`` or ``orders``), ``months``, ``through``, ``lag, start, end``.

    Raises
    ------
    Unavailable
        When the source has no spend, or nobody became a customer.

    References
    ----------
    Garwood (1936) for customers, Hall (1992) for their mean value, Donner and Zou (2012) for the
    quotient.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> who = {"order_id": range(12), "customer_id": range(12), "channel": "web"}
    >>> orders = pd.DataFrame({**who, "order_date": "2026-06-10", "amount_net": 100.0})
    >>> media = {"date": ["2026-06-01"], "amount": [30_000.0], "cost_type": ["media"]}
    >>> data = kh.load({"orders": orders, "spend": pd.DataFrame({**media, "channel": "web"})})
    >>> economics(data, "2026Q2").loc[1, ["cac", "cac_low", "cac_high"]].astype(int).tolist()
    [2500, 1431, 4838]
    """
    if "spend" not in data.tables:
        raise Unavailable(what="cac", needs="spend")
    by = one_dimension(by) or usual_breakdown(data)
    came = newcomers(data, by)
    start, end = _year(data, period)
    won = came[(came["won_at"] >= pd.Timestamp(start)) & (came["won_at"] < pd.Timestamp(end))]
    if won.empty:
        raise Unavailable(what="cac", needs="new_customers")
    usual = came["days"].median() / DAYS_A_MONTH
    lag = data.config.lags.get("cac", 0 if np.isnan(usual) else max(round(usual), 0))
    rows = _with_costs(data, won, _named(start, end, lag), by)
    rows = rows.merge(_leads(data, _named(start, end), by), "left", "channel")
    rows["lead_share"] = rows["leads"] / rows["leads"].where(rows["leads"] > 0).iloc[0]
    rows = _with_value(data, rows, came, _named(start, end), months)
    facts = {"through": came["through"].iloc[0], "lag": lag, "start": start, "end": end}
    return judged(rows).assign(**facts)


def _year(data: Dataset, period: str) -> tuple[dt.date, dt.date]:
    asked = data.config.calendar.parse(period, data.as_of, data.first)
    end = min(asked.end, data.as_of + dt.timedelta(days=1))
    return min(asked.start, months_before(end, 12)), end


def _named(start: dt.date, end: dt.date, lag: int = 0) -> str:
    """Days some months earlier, as `measure` reads them."""
    first, last = (pd.Timestamp(day) - pd.DateOffset(months=lag) for day in (start, end))
    return f"{first.date()}:{(last - pd.Timedelta(1, 'D')).date()}"


def _with_costs(data: Dataset, won: pd.DataFrame, paid: str, by: str) -> pd.DataFrame:
    """Spend, customers, and the cost of one with its exact interval."""
    media = measure(data, "media_spend", paid, by=by).rename(columns={by: "channel"})
    counted = won.groupby("channel").size().rename("customers").reset_index()
    rows = media[["channel", "value"]].dropna().merge(counted, "outer")
    whole = measure(data, "acquisition_spend", paid)[["value"]]
    whole = whole.assign(customers=len(won), basis="loaded")
    rows = pd.concat([whole, rows.sort_values("channel").assign(basis="media")], ignore_index=True)
    rows = rows.rename(columns={"value": "spend"}).fillna({"customers": 0})
    spend, n = rows["spend"].where(rows["spend"] > 0).to_numpy(), rows["customers"].to_numpy(float)
    low, high = intervals.quotient(spend, spend, spend, n, *intervals.garwood(n))
    return rows.assign(cac=spend / np.where(n > 0, n, np.nan), cac_low=low, cac_high=high)


def _leads(data: Dataset, period: str, by: str) -> pd.DataFrame:
    """Leads of each channel, and how many of them become customers."""
    found = pd.DataFrame(columns=["channel", "leads", *(f"conversion{end}" for end in ENDS)])
    name = ON_LEADS.get(by, by)
    if "leads" not in data.tables or name not in data.dimensions("leads"):
        return found
    kpis = ["leads_generated", "lead_to_customer_rate"]
    named = measure(data, kpis, period, by=name).dropna(subset=name)
    rows = pd.concat([measure(data, kpis, period), named]).rename(columns={name: "channel"})
    count, rate = (rows[rows["kpi"] == kpi].reset_index(drop=True) for kpi in kpis)
    figures = (count["channel"], count["value"], rate["value"], rate["low"], rate["high"])
    return pd.DataFrame(dict(zip(found, figures, strict=True)))


def _with_value(
    data: Dataset, rows: pd.DataFrame, came: pd.DataFrame, period: str, months: int
) -> pd.DataFrame:
    """What a customer leaves: of contracts where they make most of the revenue, else of orders."""
    kpis = {row["kpi"]: row for row in measure(data, CONTRACT, period).to_dict("records")}
    recurring, sold = kpis["arpa"]["numerator"], kpis["revenue"]["value"]
    if recurring > np.nan_to_num(sold) / 2:
        return _of_contracts(rows, kpis)
    if "orders" not in data.tables:
        blank = dict.fromkeys(["value", "value_low", "value_high", "of", "payback"], np.nan)
        return rows.assign(**blank, payback_seen=np.nan, valued="", model="", months=months)
    return _of_orders(rows, bought_by(data, came), data.as_of, months)


def _of_contracts(rows: pd.DataFrame, kpis: dict[Any, Any]) -> pd.DataFrame:
    """One value for all channels: contracts do not say which channel brought them."""
    arpa, margin, churn = (kpis[name]["value"] for name in CONTRACT[1:4])
    cac, worth = rows["cac"].to_numpy(float), kpis[CONTRACT[0]]
    even, seen = (payback_months(cac, arpa, margin, lost, HORIZON) for lost in (0.0, churn))
    money = {"value": worth["value"], "value_low": worth["low"], "value_high": worth["high"]}
    rows = rows.assign(**money, of=worth["n"], payback=even, payback_seen=seen)
    return rows.assign(valued="margin", model="contract", months=HORIZON)


def bought_by(data: Dataset, came: pd.DataFrame) -> pd.DataFrame:
    """What newcomers bought, in margin where it is known, and the months since they came."""
    rows = purchases(data).merge(came, on="customer_id")
    valued = "margin" if rows["margin"].notna().any() else "revenue"
    rows["amount_net"] = rows["margin" if valued == "margin" else "amount_net"]
    month = ((rows["order_date"] - rows["won_at"]).dt.days / DAYS_A_MONTH).astype(int)
    lived = ((pd.Timestamp(data.as_of) - rows["won_at"]).dt.days / DAYS_A_MONTH).astype(int)
    return rows.assign(valued=valued, month=month, lived=lived)


def _of_orders(
    rows: pd.DataFrame, bought: pd.DataFrame, until: dt.date, months: int
) -> pd.DataFrame:
    """What newcomers have left so far, and what those who came lately are expected to."""
    each = customer_values(bought, until, months)
    found = []
    for row in rows.to_dict("records"):
        ours = bought if row["basis"] == "loaded" else bought[bought["channel"] == row["channel"]]
        mean = _mean(each.reindex(ours["customer_id"].unique()).dropna().to_numpy())
        found.append({**mean, "payback_seen": months_until(earned(ours, months), row["cac"])})
    rows = pd.concat([rows, pd.DataFrame(found)], axis=1)
    even = rows["cac"] / (rows["value"] / months)
    rows["payback"] = even.where((even >= 0) & (even <= months))
    return rows.assign(valued=bought["valued"].iloc[0], model="orders", months=months)


def customer_values(bought: pd.DataFrame, until: dt.date, months: int) -> pd.Series:
    """Discounted money that each customer leaves within so many months of the first purchase.

    What was seen, and what `buying` expects of those who came too lately; where it cannot say, they
    are missing.
    """
    seen = bought[bought["month"] < months]
    today = (1 + DISCOUNT_A_YEAR) ** -(seen["month"] / 12)
    money = (seen["amount_net"] * today).groupby(seen["customer_id"]).sum()
    history = buying.histories(bought, until)
    money = money.reindex(history.index, fill_value=0.0)
    rest = (months * WEEKS_A_YEAR / 12 - history["T"]).clip(lower=0.0)
    try:
        pace, worth = buying.pace(history), buying.worth(history)
    except Unavailable:
        return money.where(rest == 0)
    ahead = (1 + DISCOUNT_A_YEAR) ** -((history["T"] + rest / 2) / WEEKS_A_YEAR)
    expected = buying.purchases(pace, history, rest) * buying.average_purchase(worth, history)
    return money + expected * ahead


def _mean(x: np.ndarray[Any, Any]) -> dict[str, float]:
    """Mean value of a customer, with the interval that allows for a few very large ones."""
    n, value, low, high = float(x.size), np.nan, np.nan, np.nan
    if n >= FEW:
        bounds = intervals.hall(n, x.sum(), (x**2).sum(), (x**3).sum())
        value, low, high = float(x.mean()), float(bounds[0]), float(bounds[1])
    return {"value": value, "value_low": low, "value_high": high, "of": n}


def earned(bought: pd.DataFrame, months: int) -> np.ndarray[Any, Any]:
    """Return what customers, those who left among them, have left after each whole month."""
    lived = bought.drop_duplicates("customer_id")["lived"].to_numpy()
    there = (lived[:, None] > np.arange(months)).sum(axis=0)
    ripe = bought[bought["month"] < bought["lived"]]
    money = ripe.groupby("month")["amount_net"].sum().reindex(range(months), fill_value=0.0)
    return np.cumsum(money.to_numpy() / np.where(there >= FEW, there, np.nan))


def months_until(earned: np.ndarray[Any, Any], cost: float) -> float:
    """Return the whole months until so much is earned; missing where it never is."""
    return float(np.argmax(earned >= cost) + 1) if (earned >= cost).any() else np.nan


def judged(rows: pd.DataFrame) -> pd.DataFrame:
    """The value over the cost, and what follows where chance does not explain it."""
    value, cac = ([rows[f"{of}{end}"].to_numpy(float) for end in ENDS] for of in ("value", "cac"))
    low, high = intervals.quotient(*value, *cac)
    told = ((rows["valued"] == "margin") & (rows["customers"] >= FEW)).to_numpy(bool)
    below, above = (("loss", "earns"), ("cut", "scale"))
    loses, earns = np.where(rows["basis"] == "loaded", np.array([below]).T, np.array([above]).T)
    verdict = np.where(told & (high < 1), loses, np.where(told & (low > 1), earns, ""))
    ratio = value[0] / np.where(cac[0] > 0, cac[0], np.nan)
    return rows.assign(ratio=ratio, ratio_low=low, ratio_high=high, verdict=verdict)
