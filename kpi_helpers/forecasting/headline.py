"""Where the headline KPIs of a data set go, and how good such forecasts of them were before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from kpi_helpers.compare.beside import READABLE
from kpi_helpers.errors import Unavailable, unknown
from kpi_helpers.forecasting.frames import SEASONS, SPAN, Series, forecast, series_of
from kpi_helpers.forecasting.models import BASELINES, MODELS, OWN, Forecast
from kpi_helpers.forecasting.scores import judged, replayed
from kpi_helpers.forecasting.totals import totals
from kpi_helpers.language import Phrase
from kpi_helpers.measure import HIDDEN
from kpi_helpers.measure.achieved import achievable
from kpi_helpers.measure.judge import MISSING
from kpi_helpers.measure.monthly import by_period, periods_to
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.asked import names_in
from kpi_helpers.sources.dataset import Where

# What is asked where nobody has chosen; bookings only stand in for revenue.
SALES = ("revenue", "bookings")
HEADLINE = (*SALES, "leads_generated", "lead_to_customer_rate", "customer_retention_rate", "nps")
YEARS, WEEKS_OF = 10, 5
GRAINS = ("week", "month", "quarter", "year")
QUARTER = 3
SEEN = {"usable", "exposure", "phase", "event"}


class Ahead(NamedTuple):
    """``past``, ``ahead``, ``tried`` and ``tested``: see `ahead`."""

    past: pd.DataFrame
    ahead: pd.DataFrame
    tried: pd.DataFrame
    tested: pd.DataFrame


def ahead(
    data: Dataset,
    horizon: int = 6,
    where: Where = None,
    kpis: str | Sequence[str] = (),
    grain: str = "month",
) -> Ahead:
    """Forecast KPIs from all their whole months, and replay such forecasts from earlier months.

    A KPI with too few months for a forecast is read by quarters. Cohorts that are too young are
    left out: their forecast begins earlier.

    Parameters
    ----------
    data, where
        As for `kpi_helpers.measure`.
    horizon
        How many months (weeks, quarters, years) to forecast.
    kpis
        By default revenue (else bookings), leads, the conversion of leads, retention and NPS.
    grain
        ``"week"``, ``"month"``, ``"quarter"`` or ``"year"``.

    Returns
    -------
    Ahead
        ``past``: the figures seen, as of `kpi_helpers.measure`.

        ``ahead``: the columns of `kpi_helpers.forecast`, with ``label, unit, better``, a row a
        month (``part`` is ``step``) and, of what adds up, a row a quarter (``quarter``);
        ``year_ago`` (the figure of the year before); ``missed`` (the mean absolute error of such
        forecasts of the past) and ``missed_share`` (over the figures that came, where they add up).

        ``tried``: those forecasts, as of `replayed`, of the model that is shipped, with
        ``kpi, label, unit, better, period, start, end``. ``tested``: ``kpi, label, model`` and the
        columns of `backtest`, with ``shipped``.

    Raises
    ------
    Unavailable
        Where no KPI has a figure that can be read.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> found = ahead(kh.load("data/sample"), 6, kpis="revenue")
    >>> found.ahead["period"].tolist()[-3:]
    ['2027-03', '2026Q4', '2027Q1']
    """
    if grain not in GRAINS:
        raise unknown("grain", grain, GRAINS)
    names = list(names_in("kpis", kpis)) if kpis else list(HEADLINE)
    parts = _parts(data, horizon, where, names, grain)
    if not kpis and "revenue" in parts:
        parts.pop("bookings", None)
    poor = [name for name in parts if (parts[name].ahead["status"] == MISSING).all()]
    if grain == "month" and poor:
        again = _parts(data, -(-horizon // QUARTER), where, poor, "quarter")
        parts |= {n: p for n, p in again.items() if (p.ahead["status"] != MISSING).all()}
    if not parts:
        raise Unavailable(what=Phrase("forecasting.what"), needs=Phrase("forecasting.readable"))
    whole = zip(*parts.values(), strict=True)
    return Ahead(*(pd.concat(each, ignore_index=True) for each in whole))


def _parts(
    data: Dataset, horizon: int, where: Where, names: list[str], grain: str
) -> dict[str, Ahead]:
    years, now = WEEKS_OF if grain == "week" else YEARS, f"{data.as_of:%Y-%m}"
    periods = periods_to(data, now, years, grain)
    if not periods:
        return {}
    past = by_period(data, names, periods, where)
    past = past.drop(columns=[*SEEN, *(name for name in HIDDEN if name != "covered")])
    groups = {str(name): rows for name, rows in past.groupby("kpi", sort=False)}
    return {
        name: _of_one(data, groups[name].reset_index(drop=True), horizon, grain)
        for name in names
        if name in groups and groups[name]["value"].notna().any()
    }


def _of_one(data: Dataset, past: pd.DataFrame, horizon: int, grain: str) -> Ahead:
    read, sums = series_of(past), achievable(data, str(past["kpi"].iloc[0]))
    found = forecast(past, horizon, lang=data.config.lang)
    tried = _tried(read, str(found["model"].iloc[0]), horizon, SEASONS[grain])
    rows = found.assign(part="step")
    if sums and grain == "month" and found["value"].notna().all():
        quarters = totals(read, found).assign(part="quarter")
        rows = pd.concat([rows, quarters], ignore_index=True)
    told = {column: past[column].iloc[0] for column in ("kpi", "label", "unit", "better")}
    tested, tried = judged(tried), tried[tried["model"] == found["model"].iloc[0]]
    tested = tested.assign(
        kpi=told["kpi"], label=told["label"], shipped=tested["model"].isin(tried["model"])
    )
    errors = [_missed(row, found, tried, sums) for row in rows.itertuples()]
    before = [_year_before(row, past) for row in rows.itertuples()]
    rows = rows.assign(**told, **pd.DataFrame(errors, index=rows.index), year_ago=before)
    return Ahead(past.drop(columns="covered"), rows, tried.assign(**told), tested)


def _tried(read: Series, model: str, horizon: int, season: int) -> pd.DataFrame:
    """Forecasts of the past by the model that is shipped, the kit's own and the baselines."""
    models = dict.fromkeys((model, OWN, *BASELINES)) if model in MODELS else ()
    columns = ["model", "origin", "h", "actual", *Forecast._fields, "unit"]
    frame = pd.DataFrame(columns=columns, dtype=float).astype({"model": str})
    for far in (horizon, 1):  # of a short series, one step ahead
        try:
            frame = replayed(read.values, far, season, list(models), read.scale)
            break
        except Unavailable:
            continue
    places = (frame["origin"] + frame["h"] - 1).astype(int)
    frame[["actual", *Forecast._fields]] *= read.wide
    frame[["actual", *Forecast._fields]] += read.low
    spans = {name: [getattr(read.periods[at], of) for at in places] for name, of in SPAN.items()}
    kinds = {"start": "datetime64[us]", "end": "datetime64[us]"}
    return frame.assign(**spans, unit=frame["unit"] * read.wide).astype(kinds)


def _missed(row: Any, found: pd.DataFrame, tried: pd.DataFrame, sums: bool) -> dict[str, float]:
    """By how much forecasts of the past were off, made as long before; of a quarter, its sum."""
    at = found["start"].between(row.start, row.end, inclusive="left").to_numpy()
    made = tried[tried["h"].isin(np.flatnonzero(at) + 1)].groupby("origin")[["actual", "mean"]]
    part = made.sum(min_count=int(at.sum())).dropna()
    off, size = (part["mean"] - part["actual"]).abs(), part["actual"].abs().sum()
    share = off.sum() / size if sums and size > 0 else np.nan
    return {"missed": off.mean(), "missed_share": share}


def _year_before(row: Any, past: pd.DataFrame) -> float:
    """The figure of the same period a year before, where it is known; of a quarter, its sum."""
    start, end = (day - pd.DateOffset(years=1) for day in (row.start, row.end))
    same = past[past["start"].ge(start) & past["end"].le(end) & past["status"].isin(READABLE)]
    whole = len(same) and same["start"].min() == start and same["end"].max() == end
    return float(same["value"].sum(skipna=False)) if whole else np.nan
