"""KPIs as series: gaps explicit, a running period paced or left out, spikes damped and said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.errors import BadInput, Unavailable
from kpi_helpers.forecasting.cleaning import cleaned
from kpi_helpers.forecasting.frames import RANGES, SEASONS
from kpi_helpers.language import Phrase, text
from kpi_helpers.measure import HIDDEN, measured
from kpi_helpers.measure.achieved import achievable, by_day
from kpi_helpers.measure.judge import IMMATURE, MISSING
from kpi_helpers.measure.monthly import by_period, is_stock, periods_to
from kpi_helpers.measure.pacing import share
from kpi_helpers.sources.asked import names_in
from kpi_helpers.sources.dataset import Dataset, Where

# As far back as a series is read.
YEARS = 5
# Months differ by no more in their days.
UNLIKE = 1.15
DAY = dt.timedelta(days=1)


def paced(done: float, *shares: float) -> list[float]:
    """Return what a whole period comes to, of what is done and the share that this usually is.

    Examples
    --------
    >>> [round(each, 1) for each in paced(380, 45 / 92, 0.38)]
    [776.9, 1000.0]
    """
    return [done / each if each > 0 else np.nan for each in shares]


def series(
    data: Dataset,
    kpis: str | Sequence[str],
    period: str = "last",
    where: Where = None,
    grain: str = "month",
) -> pd.DataFrame:
    """Measure KPIs month by month up to a period's end, fit to be decomposed and forecast.

    Five years at most; stocks, which carry over from month to month, are left out. A period that
    still runs is paced where its amounts add up day by day: what is done, over the share that past
    years had at as much of their working days, or over that of these days where no past year is
    known. Else it has no value.

    Parameters
    ----------
    data, kpis, where
        As for `kpi_helpers.measure`.
    period
        The last month is the one that ends with it, or with the data.
    grain
        ``"month"``, ``"week"``, ``"quarter"``, ``"day"`` or ``"year"``.

    Returns
    -------
    pandas.DataFrame
        The columns of `kpi_helpers.measure`, and those of `with_adjusted`; ``per_day`` (the figure
        a day worked, where it grows with them), ``phase`` (a number that changes with the
        definition) and ``event`` (what was noted in the period). A paced figure has the status
        ``immature`` and the range of past years; a gap is ``missing``, with a note.

    Raises
    ------
    Unavailable
        Where no KPI but stocks has a value in a whole period.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> found = series(kh.load("data/sample"), "revenue", "2026Q3")
    >>> len(found), found["period"].iloc[-1], found["spike"].any().item()
    (42, '2026-09', False)
    """
    names = [name for name in names_in("kpis", kpis) if not is_stock(data, name)]
    periods = periods_to(data, period, YEARS, grain)
    frame = by_period(data, names, periods, where) if periods and names else pd.DataFrame()
    if frame.empty:
        raise _none()
    frame = pd.concat([frame, _running(data, names, period, where, grain)], ignore_index=True)
    grows = frame["pace"].fillna(0.0) != 0
    frame["per_day"] = (frame["value"] / frame["exposure"]).where(grows & frame["usable"])
    found = with_adjusted(frame, SEASONS[grain], data.config.lang)
    return found.drop(columns=[*HIDDEN, "exposure"])


def with_adjusted(frame: pd.DataFrame, season: int, lang: str = "en") -> pd.DataFrame:
    """Say what to read of each figure of tidy series: as if all periods had as many working days.

    Parameters
    ----------
    frame
        Tidy rows, a row a KPI and period, in any order. May hold ``usable`` (whether a row is read;
        by default, whether it has a value) and ``exposure`` (what the figure grows with).
    season
        Periods in a year.
    lang
        Language of the notes.

    Returns
    -------
    pandas.DataFrame
        The rows in order of time, with ``usable, adjusted`` (gaps filled and spikes damped as in
        `kpi_helpers.forecasting.forecast`; missing where a KPI has too few values, or too many
        gaps, as the note then says), ``gap``, ``spike`` and ``season``.

    Raises
    ------
    BadInput
        For a period that is there twice or not at all, periods of unlike length, infinite values.
    Unavailable
        For no row at all.
    """
    given: dict[str, Any] = {"usable": frame["value"].notna(), "exposure": 1.0}
    given |= {"note": "", "phase": 0, "event": ""}
    frame = frame.assign(**{name: given[name] for name in given if name not in frame})
    if frame.empty:
        raise _none()
    parts = [_of_one(rows, season, lang) for rows in _each(frame)]
    return pd.concat(parts, ignore_index=True).assign(season=season)


def _each(frame: pd.DataFrame) -> list[pd.DataFrame]:
    """The rows of each KPI in order of time, one a period of like length."""
    days = (frame["end"] - frame["start"]).dt.days
    found = [rows.sort_values("start") for _, rows in frame.groupby("kpi", sort=False)]
    for rows in found:
        before = rows["end"].shift(fill_value=rows["start"].iloc[0])
        wrong = {
            "forecasting.once": rows["start"].duplicated(),
            "forecasting.one_grain": days[rows.index] > UNLIKE * days[rows.index].min(),
            "trend.rows": rows["start"] != before,
        }
        for key, where in wrong.items():
            if where.any():
                odd = rows.loc[where, "period"].iloc[0]
                raise BadInput(column="period", value=odd, expected=Phrase(key))
    return found


def _of_one(rows: pd.DataFrame, season: int, lang: str) -> pd.DataFrame:
    """One KPI, from its first figure that can be read."""
    read = rows["usable"].to_numpy(bool)
    exposure = rows["exposure"].to_numpy(float)
    value = np.where(read, rows["value"].to_numpy(float) / exposure, np.nan)
    low, high = RANGES.get(str(rows["method"].iloc[0]), (0.0, 1.0))
    last = len(rows) - int(np.argmax(read[::-1])) if read.any() else 0
    blank = np.full(len(rows), np.nan)
    more: dict[str, Any] = {"adjusted": blank, "gap": blank > 0, "spike": blank > 0}
    try:
        scale = "logit" if rows["method"].iloc[0] in RANGES else ""
        clean = cleaned((value[:last] - low) / (high - low), season, scale)
    except Unavailable as error:
        note = rows["note"].where(rows["note"] != "", error.render(lang))
        return rows.assign(**more, note=note)
    inside = slice(last - len(clean.values), last)
    usual = float(np.mean(exposure[read]))
    more["adjusted"][inside] = (low + (high - low) * clean.values) * usual
    more["gap"][inside], more["spike"][inside] = clean.gaps, clean.spikes
    return rows.assign(**more).iloc[inside.start :]


def _running(
    data: Dataset, names: Sequence[str], period: str, where: Where, grain: str
) -> pd.DataFrame:
    """The period that the data end in, where it is asked for: paced, or without a value."""
    calendar, end = data.config.calendar, data.as_of + DAY
    now = calendar.at(data.as_of, grain)
    asked = calendar.parse(period, data.as_of, data.first).end
    if asked <= end or now.end <= end:
        return pd.DataFrame()
    frame = measured(data, list(names), [now], (), where)
    rows = [_paced(data, dict(row), where) for row in frame.to_dict("records")]
    return pd.DataFrame(rows).assign(usable=False, exposure=1.0, phase=0, event="")


def _paced(data: Dataset, row: dict[Any, Any], where: Where) -> dict[Any, Any]:
    name, lang, done = str(row["kpi"]), data.config.lang, float(str(row["value"]))
    blank: dict[Any, Any] = {"value": np.nan, "low": np.nan, "high": np.nan}
    if not achievable(data, name) or np.isnan(done):
        return row | blank | {"status": MISSING, "note": text("trend.runs", lang)}
    amounts = by_day(data, name) if where is None else pd.Series(dtype=float)
    last = pd.Timestamp(str(row["end"])) - pd.Timedelta(DAY)
    part = share(data, amounts, row["start"], last)
    value, low, high = paced(done, part.usual, part.most, part.least)
    known = {"value": value} | ({} if part.linear else {"low": low, "high": high})
    said = text(f"trend.{'by_days' if part.linear else 'by_years'}", lang)
    status = IMMATURE if np.isfinite(value) else MISSING
    return row | blank | known | {"status": status, "note": said}


def _none() -> Unavailable:
    return Unavailable(what=Phrase("trend.what"), needs=Phrase("trend.needs"))
