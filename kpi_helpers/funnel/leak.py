"""What a case is worth at each step of the funnel, and what was lost there."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.catalogue import find
from kpi_helpers.errors import Unavailable
from kpi_helpers.funnel.history import journeys
from kpi_helpers.kpis.settled import divided
from kpi_helpers.language import Phrase
from kpi_helpers.measure.counted import window_of
from kpi_helpers.periods import Period
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.asked import period_of
from kpi_helpers.sources.dataset import Where
from kpi_helpers.sources.derived import as_number
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.journeys import DEAL, WON, way
from kpi_helpers.units import MONEY

Z, FEWEST, USUAL_DAYS = 1.96, 5, 90
SUMS = ("entered", "decided", "passed", "won", "n", "known", "x", "xx", "priced", "y", "yy")


def leak(data: Dataset, period: str = "last", where: Where = None) -> pd.DataFrame:
    """Return what a case is worth at each step, what was lost there in a period, and why.

    A deal is lost where it stood last; a lead when the time is over in which leads are qualified.
    Deals without an amount (``unpriced``) count at the mean of those won.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load` with deals.
    period, where
        As for `kpi_helpers.measure`.

    Returns
    -------
    pandas.DataFrame
        A row a step at which cases are lost, in their order (``reason`` missing), then one a step
        and reason (blank: none noted). Of the cases decided in the year that ends with the period:
        ``rate``, the share that passes the step, ``chance`` to be won at entry, ``amount`` of a
        deal won, and their standard errors. Of the period: ``entered``; ``n`` lost, ``lost`` what
        these were worth in full; ``value`` what they were expected to bring at entry (times the
        chance of then) with ``low, high``, as of a sum of cases that come by chance (compound
        Poisson); ``flow`` what those that entered will bring, of which a rate better by a tenth
        brings a tenth more at any step, and ``point`` what one point more of the rate brings.

    Raises
    ------
    Unavailable
        Without deals, or without an amount of a deal won in the year.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> found = leak(kh.load("data/sample"), "2025Q4")
    >>> found.loc[found["reason"].isna(), "step"].tolist()[:2]
    ['lead', 'Qualification']
    """
    if "deals" not in data.tables:
        raise Unavailable(what=Phrase("funnel.what"), needs="deals")
    calendar = data.config.calendar
    now = period_of(data, period)
    sums = _sums(data, now, calendar.year_to(now), where)
    steps = sums.groupby(["place", "step"], as_index=False)[list(SUMS)].sum()
    if not steps["priced"].max() > 0:
        raise unpaid(data)
    leads = steps_of_leads(data)
    sums = sums[(sums["n"] > 0) & (sums["place"] >= leads)]
    lost = pd.concat([steps.assign(reason=None), sums], ignore_index=True)
    lost = lost[["place", "reason", "n", "known", "x", "xx"]]
    frame = lost.merge(_worth(steps, leads), on="place")
    if frame.empty:
        raise Unavailable(what=Phrase("funnel.what"), needs=Phrase("funnel.lost"))
    by_reason = frame["reason"].notna()
    keys = [frame["reason"].fillna(""), -frame["n"].where(by_reason, 0), frame["place"], by_reason]
    frame = frame.iloc[np.lexsort(keys)].reset_index(drop=True)
    return _valued(frame, leads).assign(**tidy("expected_leak", now))


def _valued(frame: pd.DataFrame, leads: int) -> pd.DataFrame:
    """What was lost in full, and as expected with its range."""
    unpriced = frame["n"] - frame["known"]
    whole = frame["x"] + unpriced * frame["amount"]
    squares = frame["xx"] + unpriced * frame["amount"] ** 2
    value, of_mean = whole * frame["chance"], unpriced * frame["chance"] * frame["amount_se"]
    error = np.hypot(frame["chance"] * np.sqrt(squares), whole * frame["chance_se"])
    half, enough = Z * np.hypot(error, of_mean), frame["n"] >= FEWEST
    return frame.drop(columns=["known", "x", "xx"]).assign(
        unpriced=unpriced,
        lost=whole.where(frame["place"] >= leads),
        value=value,
        low=(value - half).clip(lower=0).where(enough),
        high=(value + half).where(enough),
        status=np.where(enough, "ok", "insufficient"),
    )


def tidy(kpi: str, now: Period) -> dict[str, Any]:
    """The columns of a tidy frame that are the same in every row of an analysis in money."""
    days = {"start": pd.Timestamp(now.start), "end": pd.Timestamp(now.end)}
    fixed = {"unit": MONEY, "better": "higher", "method": "delta", "note": ""}
    return {"kpi": kpi, "label": kpi, "period": now.name} | days | fixed


def _sums(data: Dataset, now: Period, year: Period, where: Where) -> pd.DataFrame:
    """What happened at each step in the period and the year before its end, by reason."""
    rows, days = journeys(data, where), window(data, "lead_qualification_rate")
    is_lead, gone_on = rows.place < steps_of_leads(data), rows.advanced_at.notnull()
    over = rows.age_days >= days
    done = is_lead.ifelse(within(rows.entered_at, year, days) & over, within(rows.ended_at, year))
    lost = within(rows.entered_at, now, days) & over & ~gone_on
    lost = is_lead.ifelse(lost, within(rows.lost_at, now))
    paid = done & (rows.outcome == WON) & ~is_lead & (rows.amount > 0)
    known = lost & (rows.amount > 0)
    out, paid_for = (test.ifelse(rows.amount, 0.0) for test in (known, paid))
    sums = {"entered": within(rows.entered_at, now), "decided": done, "n": lost, "known": known}
    sums |= {"passed": done & is_lead.ifelse(gone_on, rows.lost_at.isnull())}
    sums |= {"won": done & (rows.outcome == WON), "x": out, "xx": out**2}
    sums |= {"priced": paid, "y": paid_for, "yy": paid_for**2}
    reason = rows.lost_reason if "lost_reason" in rows.columns else rows.step.nullif(rows.step)
    rows = rows.mutate(reason=lost.ifelse(reason.fill_null(""), None), **sums)
    found = rows.filter(rows.place < len(way(data)) - 1).group_by("place", "step", "reason")
    totals = {name: as_number(rows[name]).sum() for name in sums}
    frame = frame_of(data.con, found.agg(**totals))
    return frame.astype({"reason": object, "place": "int8"}).fillna(dict.fromkeys(SUMS, 0.0))


def _worth(steps: pd.DataFrame, leads: int) -> pd.DataFrame:
    """What a case is worth at each step at which any is lost."""
    n, paid = steps["decided"].to_numpy(float), steps["priced"].max()
    mean, square = (steps[name].max() / paid for name in ("y", "yy"))
    chance, rate = (divided(steps[name].to_numpy(float), n) for name in ("won", "passed"))
    of_chance, of_rate = (divided(1 - each, each * n) for each in (chance, rate))
    for lead in np.flatnonzero(steps["place"] < leads)[::-1]:
        chance[lead] = rate[lead] * chance[lead + 1]
        of_chance[lead] = of_rate[lead] + of_chance[lead + 1]
    frame = steps[["place", "step", "entered"]].assign(
        rate=rate,
        chance=chance,
        chance_se=chance * np.sqrt(of_chance),
        amount=mean,
        amount_se=np.sqrt(max(square - mean**2, 0.0) / paid),
        flow=steps["entered"] * chance * mean,
    )
    frame = frame.assign(point=0.01 * frame["flow"] / frame["rate"])
    passing = (frame["rate"] == 1) & (frame["place"] <= leads)
    return frame[~passing].reset_index(drop=True)


def unpaid(data: Dataset) -> Unavailable:
    """What is missing where no deal was won with an amount: the column, or such a deal."""
    needs = Phrase("funnel.paid") if "amount" in data.filled("deals") else "deals.amount"
    return Unavailable(what=Phrase("funnel.what"), needs=needs)


def steps_of_leads(data: Dataset) -> int:
    """How many steps there are before a deal; by its name a stage might be taken for one."""
    return way(data).index(DEAL)


def window(data: Dataset, kpi: str) -> int:
    """Days that cases have to pass; young ones cannot be compared without such a limit."""
    declared = find(kpi)
    lacking = data.lacks(str(declared.table))
    return (data.config.windows.get(kpi) if lacking else window_of(data, declared)) or USUAL_DAYS


def within(day: Any, period: Period, later: int = 0) -> Any:
    """Whether a day, or one so many days later, lies in a period; a missing one does not."""
    start, end = (each - dt.timedelta(days=later) for each in (period.start, period.end))
    return ((day >= start) & (day < end)).fill_null(False)
