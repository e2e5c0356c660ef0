"""What was promised and what came: is the pipeline enough, do dates slip, are they put off."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from kpi_helpers.compare import compare
from kpi_helpers.errors import MissingColumn, Unavailable
from kpi_helpers.language import Phrase
from kpi_helpers.measure import measured
from kpi_helpers.periods.period import span
from kpi_helpers.sources.asked import period_of
from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.standing import ONE, days_of, times_put_off

# Deals are large above the amount that three in four do not reach.
LARGE, DIGITS = 0.75, 2
BAND, PUSHES, MOST = "amount_band", "times_put_off", 3
SHOWN = ("win_rate_count", "open_deals", "open_pipeline_value")


def coverage(data: Dataset, period: str = "last", where: Where = None) -> pd.DataFrame:
    """Set the pipeline due in a period beside what one's own win rate requires of it.

    A period that has ended gives way to the one after it. What is required is 1 ÷ the win rate by
    value over the year before.

    Returns
    -------
    pandas.DataFrame
        One row: ``period, start, end, due`` (amounts of ``n`` deals), ``missing`` to the target,
        ``coverage`` (due ÷ missing), ``required`` with ``low, high``, ``win_rate`` of ``decided``
        deals, ``chance`` (of the target, see ``prob_hit_target``), ``verdict``: ``enough``,
        ``short``, or ``open`` within the range.

    Raises
    ------
    Unavailable
        Without deals due, or a target still to be reached.
    """
    ahead, end = days_of(data, period)
    calendar = data.config.calendar
    if ahead.end <= end and ahead.grain != "span":
        ahead = calendar.shift(ahead, 1)
    found = measured(data, ["pipeline_coverage", "prob_hit_target"], [ahead], (), where)
    now, chance = found.iloc[0], found.iloc[1]["value"]
    if pd.isna(now["value"]):
        raise Unavailable(what=Phrase("pipeline.coverage"), needs=f"targets ({ahead.name})")
    year = calendar.year_to(span(end - ONE, end))
    rate = measured(data, ["win_rate_value"], [year], (), where).iloc[0]
    required, low, high = (1 / rate[n] if rate[n] > 0 else np.nan for n in ("value", "high", "low"))
    row = {name: now[name] for name in ("period", "start", "end", "n")}
    row |= {"due": now["numerator"], "missing": now["denominator"], "coverage": now["value"]}
    row |= {"required": required, "low": low, "high": high, "win_rate": rate["value"]}
    verdict = "enough" if now["value"] > high else "short" if now["value"] < low else "open"
    return pd.DataFrame([{**row, "decided": rate["n"], "chance": chance, "verdict": verdict}])


def slipped(data: Dataset, period: str = "last", where: Where = None) -> pd.DataFrame:
    """Compare how many deals slip with a year ago, large deals apart from the others.

    Returns
    -------
    pandas.DataFrame
        What `kpi_helpers.compare` returns of ``slippage_rate`` by ``amount_band`` (``large`` above
        ``cut``, the amount that three in four deals do not reach, in two digits; or ``small``), and
        ``worth``, what a decided deal of the band brought on average, those lost included.
        Where nothing is known of a year ago, the period before is the reference.

    Raises
    ------
    Unavailable, MissingColumn
        Without expected closing dates and their history, or without amounts.
    """
    _check(data)
    period_of(data, period)  # compare says nothing of one outside the data
    read = data.table("deals", ("deal_id", "amount", "is_won", "is_decided"), alone=True)
    deals = frame_of(data.con, read).dropna()
    if deals["amount"].nunique() < 2:
        raise MissingColumn(table="deals", column="amount")
    upper = float(deals["amount"].quantile(LARGE))
    cut = round(upper, DIGITS - 1 - math.floor(math.log10(upper))) if upper > 0 else upper
    deals[BAND] = np.where(deals["amount"] > cut, "large", "small")
    banded = _with(data, deals[["deal_id", BAND]])
    bands = deals[deals["is_decided"]].groupby(BAND)
    worth = bands.apply(lambda each: (each["amount"] * each["is_won"]).mean())
    found = compare(banded, "slippage_rate", period, "year_ago", BAND, where)
    if found["reference"].isna().all():
        found = compare(banded, "slippage_rate", period, "previous", BAND, where)
    return found.assign(cut=cut, worth=found[BAND].map(worth))


def put_off(data: Dataset, period: str = "last", where: Where = None) -> pd.DataFrame:
    """Compare deals by how often their closing date was moved to a later day while they were open.

    Returns
    -------
    pandas.DataFrame
        What `kpi_helpers.compare` returns by ``times_put_off`` (``0, 1, 2, 3+``) over the year up
        to the end of the period: the win rate of those decided beside all the others, the number
        and amount of those open. What lives longer is put off more often and won less: no cause.
    """
    _check(data)
    asked, end = days_of(data, period)
    times = times_put_off(data, end)
    bands = times.astype(str).where(times < MOST, f"{MOST}+")
    counted = _with(data, bands.rename(PUSHES).reset_index())
    year = data.config.calendar.year_to(asked)
    found = compare(counted, SHOWN, year.name, "others", PUSHES, where)
    return found[found[PUSHES].notna()].reset_index(drop=True)


def _check(data: Dataset) -> None:
    """Refuse data that do not say which closing dates were expected when."""
    if lacking := data.lacks("closing_dates"):
        raise Unavailable(what=Phrase("pipeline.slipped"), needs=lacking)


def _with(data: Dataset, deals: pd.DataFrame) -> Dataset:
    """Return the data with a column of the deals more, by which figures can be broken down."""
    return data.add(deals.drop_duplicates("deal_id"), on="deal_id", to="deals")
