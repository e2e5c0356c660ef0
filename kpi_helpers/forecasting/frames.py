"""Forecasts of the KPIs of a tidy frame: many series at once, each within its own range."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from kpi_helpers.compare.beside import READABLE
from kpi_helpers.errors import BadInput, Unavailable
from kpi_helpers.forecasting.bands import steadied
from kpi_helpers.forecasting.cleaning import LARGEST, Clean, cleaned
from kpi_helpers.forecasting.models import OWN, SHORT, Forecast, checked, made
from kpi_helpers.forecasting.scale import Array
from kpi_helpers.forecasting.scores import replayed, shown
from kpi_helpers.language import Phrase
from kpi_helpers.measure.judge import INDICATIVE, INSUFFICIENT, MISSING, OK
from kpi_helpers.periods import Calendar, Period, as_day
from kpi_helpers.periods.period import span

BEST = "best"
SEASONS = {"month": 12, "quarter": 4, "week": 52, "year": 1, "day": 7}
# What a figure cannot leave, by how it is measured; anything else by its own sign.
RANGES = {"wilson": (0.0, 1.0), "clustered wilson": (0.0, 1.0), "adjusted wald": (-100.0, 100.0)}
FIGURES = ("value", "lo80", "hi80", "lo95", "hi95")
MEASURED = {"kpi", "label", "unit", "better", "period", "start", "end", "value", "numerator", "n"}
MEASURED |= {"denominator", "low", "high", "method", "status", "note", "spread", "covered", "ages"}
MEASURED |= {"pace"}
NEEDED = {"kpi", "period", "start", "end", "value", "method", "status"}
SPAN = {"period": "name", "start": "start", "end": "end"}
# Origins that a back-test needs to decide, and points that a model needs to be relied on.
ORIGINS, RELIED = 6, 24


def forecast(
    tidy: pd.DataFrame, horizon: int, model: str = BEST, as_of: object = None, lang: str = "en"
) -> pd.DataFrame:
    """Forecast every KPI and combination of dimensions of a tidy frame.

    Rates stay between 0 and 1, what was never negative stays so. Values that are missing, too few
    or too early are gaps; a series is forecast from its last readable period on.

    Parameters
    ----------
    tidy
        What `kpi_helpers.measure` returns with a grain: a row a period.
    horizon
        How many periods to forecast.
    model
        One of `kpi_helpers.forecasting.MODELS`, or ``"best"``: the kit's own where it beats the
        naive forecast (seasonal from two seasons on) on the series' own past, else that one.
    as_of
        The last day known (ISO text or date): a period that ends later, which would be read as a
        whole one, is left out.
    lang
        Language of the notes.

    Returns
    -------
    pandas.DataFrame
        ``kpi, period, start, end, <dimensions>, value, lo80, hi80, lo95, hi95, model, status,
        note``. ``status``: ``ok``; ``indicative`` below 24 points or where a baseline is shipped;
        ``insufficient`` below 8 (the mean goes on); ``missing`` where there is no forecast.

    Raises
    ------
    BadInput
        For anything but such a frame, for periods that are there twice or of different lengths, and
        for values that are infinite or of more than 150 digits.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> data = kh.load("data/sample")
    >>> found = forecast(kh.measure(data, "revenue", "2023-01:2026-09", grain="month"), 3)
    >>> found["period"].tolist(), found["model"].unique().tolist()
    (['2026-10', '2026-11', '2026-12'], ['four'])
    """
    if not {*getattr(tidy, "columns", ())} >= NEEDED:
        given = tidy if isinstance(tidy, str) else type(tidy).__name__
        raise BadInput(value=given, expected=Phrase("forecasting.tidy"))
    checked(horizon)
    by = [str(name) for name in tidy.columns if name not in MEASURED]
    tidy = tidy.assign(**{name: _days(tidy[name]) for name in ("start", "end")})
    if as_of is not None:
        tidy = tidy[tidy["end"] <= pd.Timestamp(as_day(as_of)) + pd.Timedelta(days=1)]
    series = tidy.groupby(["kpi", *by], sort=False, dropna=False)
    parts = [_of_one(rows.sort_values("start"), horizon, model, lang) for _, rows in shown(series)]
    columns = ["kpi", *SPAN, *by, *FIGURES, "model", "status", "note"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


class Series(NamedTuple):
    """One series: its periods, its values (of what has a range, as a part of it) and their scale.

    A figure is ``low`` plus ``wide`` times a value.
    """

    periods: list[Period]
    values: Array
    calendar: Calendar
    grain: str
    scale: str
    low: float
    wide: float


def series_of(rows: pd.DataFrame) -> Series:
    """Return the series of tidy rows in order, from the first readable period to the last.

    Errors are those of `forecast`.
    """
    calendar, grain = _calendar(rows)
    method = str(rows["method"].iloc[0])
    low, high = RANGES.get(method, (0.0, 1.0))
    _check_range(rows, low, high)
    periods, y = _values(rows, calendar, grain)
    scale = "logit" if method in RANGES else ""
    return Series(periods, (y - low) / (high - low), calendar, grain, scale, low, high - low)


def _of_one(rows: pd.DataFrame, horizon: int, model: str, lang: str) -> pd.DataFrame:
    read = series_of(rows)
    past, season, scale = read.periods, SEASONS[read.grain], read.scale
    said: list[Phrase | Unavailable] = []
    try:
        series = cleaned(read.values, season, scale)
        n = len(series.values)
        if model == BEST:
            model, *said = _best(read.values, horizon, season, scale) if n >= SHORT else (OWN,)
        found = made(model, series, horizon, season)
        if str(rows["method"].iloc[0]) == "wilson" and "denominator" in rows:
            cases = rows.loc[rows["status"].isin(READABLE), "denominator"].tail(season).median()
            found = Forecast(*steadied(np.array(found), float(cases)))
        model = model if n >= SHORT else "run_rate"
        status = INSUFFICIENT if n < SHORT else INDICATIVE if said or n < RELIED else OK
        said = [*said, *_notes(series, [each.name for each in past[-n:]], horizon)]
    except Unavailable as error:
        found, model, status, said = Forecast(*np.full((5, horizon), np.nan)), "", MISSING, [error]
    figures = {n: read.low + read.wide * v for n, v in zip(FIGURES, found, strict=True)}
    ahead = [read.calendar.at(past[-1].end, read.grain)]
    while len(ahead) < horizon:
        ahead.append(read.calendar.at(ahead[-1].end, read.grain))
    spans = {name: [getattr(each, of) for each in ahead] for name, of in SPAN.items()}
    frame = rows.iloc[[0] * horizon].assign(**spans, **figures, model=model, status=status)
    kinds = {name: rows[name].dtype for name in SPAN}
    return frame.astype(kinds).assign(note=" ".join(each.render(lang) for each in said))


def _days(said: pd.Series[Any]) -> pd.Series[pd.Timestamp]:
    """Days as such, also of a frame that was read from a file."""
    texts = said.astype(object).where(~said.map(pd.api.types.is_number))
    days = pd.to_datetime(texts, errors="coerce", format="ISO8601")
    if days.isna().any():
        odd = said[days.isna()].iloc[0]
        raise BadInput(column=said.name, value=odd, expected=Phrase("expected.iso_day"))
    return days


def _calendar(rows: pd.DataFrame) -> tuple[Calendar, str]:
    """The calendar and grain whose periods all rows are, each once."""
    names = rows["period"].tolist()
    twice = rows.loc[rows["start"].duplicated(), "period"].tolist()
    if twice:
        raise BadInput(column="period", value=twice[0], expected=Phrase("forecasting.once"))
    ends = zip(rows["start"].dt.date, rows["end"].dt.date, strict=True)
    spans = [(name, *days) for name, days in zip(names, ends, strict=True)]
    for calendar, grain in itertools.product(map(Calendar, range(1, 13)), SEASONS):
        if all(calendar.at(each[1], grain) == Period(*each, grain) for each in spans):
            return calendar, grain
    raise BadInput(column="period", value=names[-1], expected=Phrase("forecasting.one_grain"))


def _values(rows: pd.DataFrame, calendar: Calendar, grain: str) -> tuple[list[Period], Array]:
    """Every period from the first to the last readable one, and its value; gaps are NaN."""
    usable = rows[rows["status"].isin(READABLE) & rows["value"].notna() & rows.get("covered", True)]
    ends = usable if len(usable) else rows
    whole = span(ends["start"].iloc[0].date(), ends["end"].iloc[-1].date())
    past = calendar.split(whole, grain)
    index = pd.DatetimeIndex([each.start for each in past])
    return past, usable.set_index("start")["value"].reindex(index).to_numpy(float)


def _check_range(rows: pd.DataFrame, low: float, high: float) -> None:
    """Refuse a figure that is no finite number, or that what has a range cannot be."""
    numbers = pd.to_numeric(rows["value"], errors="coerce")
    odd = rows["value"].notna() & ~(numbers.abs() <= LARGEST)
    if rows["method"].iloc[0] in RANGES:
        odd |= (numbers < low) | (numbers > high)
    if odd.any():
        place = f"{rows['kpi'].iloc[0]} {rows.loc[odd, 'period'].iloc[0]}"
        said = {"low": f"{low:g}", "high": f"{high:g}"}
        what = "range" if rows["method"].iloc[0] in RANGES else "finite"
        raise BadInput(
            column=f"value ({place})",
            value=rows.loc[odd, "value"].iloc[0],
            expected=Phrase(f"forecasting.{what}", said),
        )


def _best(y: Array, horizon: int, season: int, scale: str) -> tuple[str, *tuple[Phrase, ...]]:
    """The kit's own model where it beats the baseline on the series' own past; else why not."""
    baseline = "seasonal_naive" if len(y) >= 2 * season > 2 else "naive"
    try:
        far = max(min(horizon, len(y) - SHORT - ORIGINS + 1), 1)
        tried = replayed(y, far, season, (OWN, baseline), scale)
    except Unavailable:
        return OWN, Phrase("forecasting.untested")
    if tried["origin"].nunique() < ORIGINS:
        return OWN, Phrase("forecasting.untested")
    off = (tried["actual"] - tried["mean"]).abs() / tried["unit"]
    mase = off.groupby(tried["model"]).mean()
    beaten = mase[baseline] < mase[OWN]
    return (baseline, Phrase(f"forecasting.{baseline}")) if beaten else (OWN,)


def _notes(series: Clean, past: list[str], horizon: int) -> list[Phrase]:
    """What was done to a series, and what its forecast cannot say."""
    n = len(series.values)
    gaps, spikes = (", ".join(np.array(past)[where]) for where in (series.gaps, series.spikes))
    facts = {"gaps": gaps, "spikes": spikes, "short": n < SHORT}
    facts |= {"flat": np.ptp(series.values) == 0, "far": horizon > n}
    return [
        Phrase(f"forecasting.{name}", {"n": n, "periods": true})
        for name, true in facts.items()
        if true
    ]
