"""How soon leads are answered and what comes of them, and what marketing and sales agreed on."""

from __future__ import annotations

from typing import Any

import pandas as pd

from kpi_helpers.compare import compare
from kpi_helpers.compare.apart import with_others
from kpi_helpers.errors import Unavailable
from kpi_helpers.language import Phrase
from kpi_helpers.measure import HIDDEN, measured
from kpi_helpers.sources.asked import year_of
from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.derived import days_between
from kpi_helpers.sources.engine import frame_of

# By hours, and by days where the hour of arrival is not known; in the order of time.
HOURS = {"hour": 1, "day": 24, "three_days": 72}
DAYS = {"same_day": 0, "next_day": 1, "third_day": 3}
LATER, NEVER = "later", "none"
ORDER = (*(band for pair in zip(HOURS, DAYS, strict=True) for band in pair), LATER, NEVER)
CONVERSIONS = ("lead_qualification_rate", "lead_to_customer_rate")
MARKETING = ("leads_generated", "marketing_qualified_leads", "qualified_leads", "cost_per_lead")
SALES = (
    *("lead_acceptance_rate", "lead_handover_sla", "lead_response_time"),
    *("new_customers", "win_rate_count", "bookings", "revenue"),
)
# What is shown without a target too: the agreement itself.
ALWAYS = SALES[:3]


def responses(data: Dataset, period: str, where: Where = None) -> pd.DataFrame:
    """What becomes of leads by how soon they had an answer. Observed: no proof of a cause.

    Parameters
    ----------
    data
        A data set with ``leads`` and their ``first_response_at``.
    period
        As for `kpi_helpers.compare`; the leads are those of the year that ends with it, as far as
        they have had the time to convert.
    where
        As for `kpi_helpers.measure`.

    Returns
    -------
    pandas.DataFrame
        The tidy columns, a row a KPI and ``band``: ``hour`` (an hour at most), ``day``,
        ``three_days``, ``later``, ``none``; where the source knows days only, ``same_day``,
        ``next_day`` and ``third_day`` instead of the first three. With ``rest, p_value, p_adjusted,
        apart`` of `kpi_helpers.compare.apart.with_others`, among the leads that had an answer:
        one that had none could hardly convert.

    Raises
    ------
    Unavailable
        Without the time of the first answer, or leads old enough.
    """
    if "leads" not in data.tables or "first_response_at" not in data.filled("leads"):
        needs = "first_response_at"
        raise Unavailable(what=Phrase("outreach.responses"), needs=needs)
    year = year_of(data, period)
    banded = data.add(_banded(data), on="lead_id", to="leads")
    tidy = measured(banded, list(CONVERSIONS), [year], ("band",), where)
    tidy = tidy[tidy["n"].gt(0) & tidy["band"].notna()].drop(columns=list(HIDDEN))
    if tidy.empty:
        raise Unavailable(what=Phrase("outreach.responses"), needs=Phrase("outreach.old_leads"))
    tidy = tidy.assign(k=tidy["numerator"], order=tidy["band"].map(ORDER.index))
    tidy = tidy.sort_values(["kpi", "order"], kind="stable").drop(columns="order")
    return pd.concat([_beside(rows) for _, rows in tidy.groupby("kpi")], ignore_index=True)


def _beside(rows: pd.DataFrame) -> pd.DataFrame:
    never = rows["band"] == NEVER
    return pd.concat([with_others(rows[~never]), rows[never].assign(apart="")]).drop(columns="k")


def _banded(data: Dataset) -> pd.DataFrame:
    """Each lead with its band."""
    leads = data.table("leads", ("lead_id", "created_at", "first_response_at"))
    hours, days = leads.hours_to_response, days_between(leads.created_at, leads.first_response_at)
    soon = hours.isnull().ifelse(_band(days, DAYS), _band(hours, HOURS))
    band = leads.first_response_at.isnull().ifelse(NEVER, soon)
    return frame_of(data.con, leads.select("lead_id", band=band).order_by("lead_id"))


def _band(time: Any, limits: dict[str, int]) -> Any:
    band: Any = LATER
    for name, most in reversed(limits.items()):
        band = (time <= most).ifelse(name, band)
    return band


def agreed(data: Dataset, period: str, where: Where = None) -> pd.DataFrame:
    """The figures of marketing and of sales beside their targets, and how leads are handed over.

    Parameters
    ----------
    data, period, where
        As for `kpi_helpers.compare`.

    Returns
    -------
    pandas.DataFrame
        The columns of `kpi_helpers.compare` and ``side`` (``marketing`` or ``sales``): what has a
        target, and acceptance, hand-over and response time of leads in any case.

    Raises
    ------
    Unavailable
        When there is nothing of the kind.
    """
    frame = compare(data, [*MARKETING, *SALES], period, "target", where=where)
    shown = frame["target"].notna() | frame["kpi"].isin(ALWAYS)
    frame = frame[shown & frame["value"].notna()].reset_index(drop=True)
    if frame.empty:
        raise Unavailable(what=Phrase("outreach.agreed"), needs=Phrase("outreach.targets"))
    side = frame["kpi"].isin(MARKETING).map({True: "marketing", False: "sales"})
    return frame.assign(side=side)
