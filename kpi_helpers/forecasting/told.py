"""What was forecast, beside what came: how far off, on which side, and how often within range."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.errors import Unavailable
from kpi_helpers.language import Phrase
from kpi_helpers.measure import HIDDEN, measured
from kpi_helpers.measure.judge import INDICATIVE, OK
from kpi_helpers.periods import as_day
from kpi_helpers.periods.period import span
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.dataset import Where
from kpi_helpers.units import PERCENT, POINTS, SCORE

DAY, ISO = pd.Timedelta(days=1), "%Y-%m-%d"
# Mean days of a period, and its months, by its grain.
GRAINS = {"week": 7.0, "month": 30.4375, "quarter": 91.3125, "year": 365.25}
MONTHS = {"week": 1, "month": 1, "quarter": 3, "year": 12}
NAMES = {"kpi": "metric", "model": "method", "lo80": "low", "hi80": "high"}
COLUMNS = ["metric", "definition", "made_at", "period_start", "period_end", "horizon", "method"]
FIGURES = ["value", "low", "high"]
GROUP = ["kpi", "grain", "nearest", "farthest", "made_by"]


def logged(frame: pd.DataFrame, made_at: str | dt.date) -> pd.DataFrame:
    """Return forecasts as rows of the forecast log.

    Parameters
    ----------
    frame
        What `kpi_helpers.forecast` returns without dimensions, or the ``quarter`` of
        `kpi_helpers.landing`: ``kpi, start, end, value``, a range that holds eight of ten and what
        made it.
    made_at
        The last day that was known. What ended by then is no forecast, and is left out.

    Returns
    -------
    pandas.DataFrame
        ``metric, definition`` (its version), ``made_at, period_start, period_end`` (the last day),
        ``horizon`` (such as ``quarter+1``), ``method, value, low, high``; days as ISO text.

    Examples
    --------
    >>> days = pd.to_datetime(["2026-01-01", "2026-02-01"])
    >>> found = pd.DataFrame({"kpi": "revenue", "start": days[:1], "end": days[1:], "value": 9.0,
    ...                       "lo80": 8.0, "hi80": 9.5, "model": "four"})
    >>> print(*logged(found, "2025-12-31").loc[0, ["period_end", "horizon", "low"]])
    2026-01-31 month+1 8.0
    """
    day = pd.Timestamp(as_day(made_at))
    rows = frame.rename(columns=NAMES)
    rows = rows[rows["value"].notna() & (rows["end"] > day + DAY)]
    grain, ahead = _ahead(rows["start"], rows["end"], pd.Series(day, rows.index))
    told = rows.assign(
        definition=[_version(metric) for metric in rows["metric"]],
        made_at=day.strftime(ISO),
        period_start=rows["start"].dt.strftime(ISO),
        period_end=(rows["end"] - DAY).dt.strftime(ISO),
        horizon=grain + "+" + ahead.astype(int).astype(str),
    )
    return told[[*COLUMNS, *FIGURES]].reset_index(drop=True)


def due(data: Dataset, told: pd.DataFrame, where: Where = None) -> pd.DataFrame:
    """Put forecasts of periods that have ended beside what came.

    Of several that were told the same day of the same period by the same method the first counts:
    what is put right afterwards is no forecast.

    Parameters
    ----------
    data
        What came is measured on it.
    told
        Rows of the table ``forecasts``, such as `kpi_helpers.sources.forecast_log.forecasts` gives.
    where
        A filter; forecasts are kept of the whole only.

    Returns
    -------
    pandas.DataFrame
        The tidy row of what came, and ``reference, reference_low, reference_high`` (the forecast
        and its range), ``change`` (what came less that), ``made_at``, ``made_by`` (the method),
        ``grain`` and ``ahead`` (how many periods ahead; 0 for one under way); in the order of the
        forecasts.

    Raises
    ------
    Unavailable
        With a filter, and where no forecast has come due that can be read already.
    """
    what = Phrase("forecast_log.what")
    if where:
        raise Unavailable("no_forecast_log", what=what, reason=Phrase("forecast_log.whole"))
    known = told[told["metric"].isin(list(REGISTRY)) & told["value"].notna()]
    ended = known[known["made_at"] < known["period_end"]]
    ended = ended[ended["period_end"] <= pd.Timestamp(data.as_of)]
    ended = ended.drop_duplicates(["metric", "made_at", "period_start", "period_end", "method"])
    came = _came(data, ended)
    names = {"metric": "kpi", "period_start": "start", "method": "made_by", "value": "reference"}
    names |= {"low": "reference_low", "high": "reference_high"}
    said = ended.rename(columns=names).assign(end=ended["period_end"] + DAY)
    said["grain"], said["ahead"] = _ahead(said["start"], said["end"], said["made_at"])
    kept = [*names.values(), "end", "made_at", "grain", "ahead"]
    found = said[kept].merge(came, on=["kpi", "start", "end"]) if len(came) else came
    if found.empty:
        waits = known["made_at"].lt(pd.Timestamp(data.as_of)).any()
        reason = Phrase(f"forecast_log.{'none_due' if waits else 'starts'}")
        raise Unavailable("no_forecast_log", what=what, reason=reason)
    return found.assign(change=found["value"] - found["reference"])


def accuracy(found: pd.DataFrame) -> pd.DataFrame:
    """Sum up how good forecasts were, by KPI, by how far ahead and by method.

    Parameters
    ----------
    found
        What `due` returns.

    Returns
    -------
    pandas.DataFrame
        ``kpi, label, unit, grain, nearest, farthest`` (periods ahead: months by threes), ``made_by,
        n``; ``missed`` and ``bias`` (above 0: too high), of amounts and counts over what came, of
        rates and scores the mean in their own unit; ``within`` of ``ranged``: how many came within
        their range.
    """
    by_threes = (found["grain"] == "month") & (found["ahead"] > 0)
    near = found["ahead"].mask(by_threes, (found["ahead"] - 1) // 3 * 3 + 1)
    far = near.mask(by_threes, near + 2)
    error, size = -found["change"], found["value"].abs()
    level = found["unit"].isin([PERCENT, POINTS, SCORE])
    inside = found["value"].between(found["reference_low"], found["reference_high"])
    ranged = found["reference_low"].notna() & found["reference_high"].notna()
    rows = found.assign(
        nearest=near.astype(int),
        farthest=far.astype(int),
        error=error,
        away=error.abs(),
        size=size.where(~level, 1.0),
        within=inside & ranged,
        ranged=ranged,
        made_by=found["made_by"].fillna(""),
    )
    groups = rows.groupby(["label", "unit", *GROUP], sort=False, dropna=False)
    parts = ["error", "away", "size", "within", "ranged"]
    sums = groups[parts].agg("sum").assign(n=groups.size())
    over = sums["size"].where(sums["size"] > 0)
    sums = sums.assign(missed=sums["away"] / over, bias=sums["error"] / over).reset_index()
    columns = [*GROUP[:1], "label", "unit", *GROUP[1:], "n", "missed", "bias", "within", "ranged"]
    return sums[columns]


def _came(data: Dataset, ended: pd.DataFrame) -> pd.DataFrame:
    """What came of each KPI in the periods of the forecasts, where it can be read already."""
    frames = [pd.DataFrame()]
    spans = ended.assign(end=ended["period_end"] + DAY).sort_values(["period_start", "end"])
    grains, _ = _ahead(spans["period_start"], spans["end"], spans["made_at"])
    for grain, rows in spans.groupby(grains):
        ends = rows[["period_start", "end"]].drop_duplicates().to_numpy("datetime64[D]").tolist()
        asked = [data.config.calendar.at(start, str(grain)) for start, _ in ends]
        pairs = zip(asked, ends, strict=True)
        asked = [at if [at.start, at.end] == days else span(*days) for at, days in pairs]
        frame = measured(data, rows["metric"].unique().tolist(), asked)
        frames.append(frame[frame["status"].isin([OK, INDICATIVE]) & frame["covered"]])
    return pd.concat(frames, ignore_index=True).drop(columns=[*HIDDEN], errors="ignore")


def _ahead(
    start: pd.Series[pd.Timestamp], end: pd.Series[pd.Timestamp], made_at: pd.Series[pd.Timestamp]
) -> tuple[pd.Series[str], pd.Series[float]]:
    """The grain of periods, and how many of their length they lie ahead of a day."""
    days, first = (end - start) / DAY, made_at + DAY
    lengths = np.array([*GRAINS.values()])
    nearest = np.abs(np.log(days.to_numpy(float)[:, None] / lengths)).argmin(axis=1)
    grain = pd.Series(np.array([*GRAINS], dtype=object)[nearest], start.index)
    months = 12 * (start.dt.year - first.dt.year) + start.dt.month - first.dt.month
    steps = (months / grain.map(MONTHS)).where(grain != "week", (start - first) / DAY / 7)
    # A day after which a period of that length begins is the end of the one before.
    fresh = (steps % 1 == 0) & ((grain == "week") | (start.dt.day == first.dt.day))
    return grain, np.ceil(steps).add(fresh.astype(int)).where(start >= first, 0.0)


def _version(kpi: str) -> str:
    return REGISTRY[kpi].version if kpi in REGISTRY else ""
