"""Figures that stand in registers, or are asked of them: the market's, the best one's, an effect.

They are few, so that their rows are fetched, and what they are of is measured once more for each.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.catalogue import LOWER, REGISTRY
from kpi_helpers.errors import BadPeriod
from kpi_helpers.kpis.settled import RANGE, Array, Remark, Settled
from kpi_helpers.measure.cells import PLACE
from kpi_helpers.measure.opinions import Sums
from kpi_helpers.periods import LAST_DAY, Period
from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.engine import Columns, frame_of
from kpi_helpers.units import MONEY, PERCENT, POINTS, UNITS, symbol_of

DAY = dt.timedelta(days=1)
Z = 1.959964
# Name of a KPI, period and filter → its figure.
Figure = Callable[[str, Period, Where], Settled]
SURENESS = ["confidence", "source_date", "source"]
NOTHING = (np.nan, np.nan, np.nan, 0.0, 0.0)


def of_market(
    data: Dataset, rows: pd.DataFrame, unit: str, periods: Sequence[Period], by: tuple[str, ...]
) -> pd.DataFrame:
    """What the surest source says of each period, of its largest entity.

    Parameters
    ----------
    data
        The data set.
    rows
        Rows of ``benchmarks`` that count.
    unit
        What the figure is in; money in another currency, or in thousands, is not read.
    periods
        A figure counts for the very period that it names, to the day.
    by
        Dimensions.

    Returns
    -------
    pandas.DataFrame
        A row a period and combination: its place, ``x, low, high, n``, and ``unit`` as its place
        in `kpi_helpers.units.UNITS`.
    """
    rows = in_currency(data, rows) if unit == MONEY else rows
    places = {(period.start, period.end): float(place) for place, period in enumerate(periods)}
    at = pd.Series([places.get(span(data, name), np.nan) for name in rows["period"]], rows.index)
    found = surest(rows.assign(**{PLACE: at}).dropna(subset=[PLACE]), [PLACE, *by, "entity"])
    found = found.sort_values(["middle", "entity"], ascending=[False, True], kind="stable")
    found = found.drop_duplicates([PLACE, *by])
    named = {"x": found["middle"], "low": found["least"], "high": found["most"]}
    return found.assign(**named, n=1.0, unit=float(UNITS.index(unit)))


def in_currency(data: Dataset, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows in the project's currency, by its code or sign, or in none that is named."""
    accepted = data.config.currency, symbol_of(data.config.currency)
    return rows[rows["unit"].isna() | rows["unit"].str.upper().isin(accepted)]


def span(data: Dataset, name: str) -> tuple[dt.date, dt.date]:
    """First day of the period that a source names, and first day after it; that of no period."""
    try:
        period = data.config.calendar.parse(name, as_of=data.as_of, first=data.first)
    except BadPeriod:
        return LAST_DAY, LAST_DAY
    return period.start, period.end


def sourced(data: Dataset, figure: Settled, metric: str | None) -> Settled:
    """A source's figure, missing with what would be needed and what there is."""
    table = data.table("benchmarks")
    named = frame_of(data.con, table.filter(table.metric == metric).select("period").distinct())
    known = sorted(name for name in named["period"] if span(data, name)[0] < LAST_DAY)
    covered = f"{known[0]} – {known[-1]}" if known[1:] else "".join(known) or "–"
    values: dict[str, Array | str] = {"metric": f"metric = {metric}", "covered": covered}
    return figure._replace(remarks=(Remark("notes.outside_none", np.isnan(figure.value), values),))


def surest(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Keep one row of each key: the surest, then the newest source, of one the larger figure."""
    order = [True, False, True, False]
    rows = rows.sort_values([*SURENESS, "middle"], ascending=order, kind="stable")
    return rows.drop_duplicates(keys)


def of_best(
    data: Dataset, rows: pd.DataFrame, periods: Sequence[Period], figure: Figure
) -> pd.DataFrame:
    """How far each KPI that sources speak of is behind the best, in each period.

    Parameters
    ----------
    data
        The data set.
    rows
        Rows of ``benchmarks`` that may be compared.
    periods
        Of every entity the latest figure counts that is of no later time.
    figure
        Measures a KPI.

    Returns
    -------
    pandas.DataFrame
        As `of_market`, a row a period and metric.
    """
    rows, found = of_kpis(data, rows), []
    for place, period in enumerate(periods):
        for metric, others in latest(rows, period).groupby("metric"):
            lower = REGISTRY[str(metric)].better == LOWER
            best = others.sort_values(["middle", "entity"], ascending=[lower, True]).iloc[0]
            ours = _numbers(figure(str(metric), period, None))
            behind = _behind(ours, best["middle"], -1.0 if lower else 1.0, str(metric))
            found.append({**best, PLACE: place, **behind})
    return pd.DataFrame(found, columns=list(dict.fromkeys([*rows.columns, PLACE, *_NUMBERS])))


def of_kpis(data: Dataset, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows about KPIs that are ours too, with the day on which their period has ``begun``."""
    ours_too = [name for name, kpi in REGISTRY.items() if kpi.dated != "period"]
    rows = rows[rows["metric"].isin(ours_too)]
    return rows.assign(begun=pd.Series([span(data, n)[0] for n in rows["period"]], rows.index))


def latest(rows: pd.DataFrame, period: Period) -> pd.DataFrame:
    """Of each metric and entity the latest figure that is of no later time, the surest of it."""
    known = rows[rows["begun"] < period.end].sort_values("begun", ascending=False)
    newest = known["begun"] == known.groupby(["metric", "entity"])["begun"].transform("max")
    return surest(known[newest], ["metric", "entity"])


_NUMBERS = ("x", "low", "high", "n", "unit")


def _behind(ours: tuple[float, ...], best: float, sign: float, metric: str) -> dict[str, float]:
    value, low, high, n = ours
    unit, scale = _unit_of_difference(metric)
    ends = sorted(scale * sign * (best - end) for end in (low, high))
    return dict(zip(_NUMBERS, (scale * sign * (best - value), *ends, n, unit), strict=True))


def _unit_of_difference(metric: str) -> tuple[int, float]:
    """Place of the unit, and what to multiply by: rates differ in points."""
    unit = REGISTRY[metric].unit
    return (UNITS.index(POINTS), 100.0) if unit == PERCENT else (UNITS.index(unit), 1.0)


def of_actions(
    data: Dataset, rows: pd.DataFrame, periods: Sequence[Period], figure: Figure
) -> pd.DataFrame:
    """What each action changed: the difference of two differences.

    Parameters
    ----------
    data
        The data set.
    rows
        Rows of ``actions``.
    periods
        An action belongs to that in which it starts.
    figure
        Measures a KPI.

    Returns
    -------
    pandas.DataFrame
        As `of_market`, a row an action.
    """
    days = ("start_date", "expected_by")  # not every engine gives them as such
    rows = rows.assign(**{name: pd.to_datetime(rows[name]) for name in days})
    place = pd.Series(np.nan, rows.index)
    for number, period in enumerate(periods):
        place[rows["start_date"].dt.date.between(period.start, period.end - DAY)] = number
    rows = rows.assign(**{PLACE: place}).dropna(subset=[PLACE])
    numbers = [_effect(data, row, figure) for row in rows.to_dict("records")]
    return rows.assign(**pd.DataFrame(numbers, columns=list(_NUMBERS), index=rows.index))


def _effect(data: Dataset, action: dict[Any, Any], figure: Figure) -> tuple[float, ...]:
    """After less before, among those treated less among those who were not.

    As many days are read before the start as have passed since, or until the effect was expected.
    """
    name, groups = action["kpi_id"], (action["population"], action["control_group"])
    start, due = action["start_date"].date(), action["expected_by"]
    end = (data.as_of if pd.isna(due) else min(data.as_of, due.date())) + DAY
    before = Period("span", start - (end - start), start, "span")
    after = Period("span", start, end, "span")
    told = name in REGISTRY and not any(pd.isna(group) for group in groups)
    if not told or end <= start or before.start < data.first:
        return NOTHING
    unit, scale = _unit_of_difference(name)
    now, then, others_now, others_then = (
        _numbers(figure(name, period, group)) for group in groups for period in (after, before)
    )
    up, down = np.array([now, others_then]), np.array([then, others_now])
    value = up[:, 0].sum() - down[:, 0].sum()
    low = value - _norm(up[:, 0] - up[:, 1], down[:, 2] - down[:, 0])
    high = value + _norm(up[:, 2] - up[:, 0], down[:, 0] - down[:, 1])
    if np.isnan(low):  # without its range it says nothing
        return NOTHING
    return scale * value, scale * low, scale * high, min(*up[:, 3], *down[:, 3]), float(unit)


def _norm(*parts: Array) -> float:
    """MOVER: the ways to one limit of each figure, put together."""
    return float(np.sqrt(sum((part**2).sum() for part in parts)))


def _numbers(figure: Settled) -> tuple[float, ...]:
    """Value, limits and n; the limits of a total are those that chance would give it."""
    value, low, high, n = (float(x[0]) for x in (figure.value, figure.low, figure.high, figure.n))
    if np.isnan(low) and figure.spread is not None:
        low, high = (value + side * Z * float(figure.spread[0]) for side in (-1, 1))
    return value, low, high, n


def columns_told(found: pd.DataFrame, kpi: str, by: tuple[str, ...]) -> Columns:
    """What `of_market` and its like return, as the result of a query."""
    known = found["x"].notna()
    ranged = (found["high"] > found["low"]).astype(float)
    parts = found[list(_NUMBERS)].assign(cases=1.0, known=known.astype(float), ranged=ranged)
    columns: Columns = {f"{kpi}__{name}": parts[name].to_numpy(float) for name in parts}
    columns[PLACE] = found[PLACE].to_numpy(float)
    return columns | {d: found[d].astype(object).where(found[d].notna(), None).tolist() for d in by}


def settle_told(kind: str, sums: Sums) -> Settled:
    """One figure a cell: several are of different things, and do not add up."""
    cases, blank = sums["cases"], np.full_like(sums["cases"], np.nan)
    known = (cases == 1) & (sums["known"] == 1)
    value = np.where(known, sums["x"], blank)
    low, high = (np.where(known & (sums["ranged"] == 1), sums[x], blank) for x in ("low", "high"))
    units = [UNITS[int(u)] if k else "" for u, k in zip(sums["unit"], known, strict=True)]
    remarks = (
        Remark(f"notes.{kind}_none", cases == 0, {}),
        Remark(f"notes.{kind}_several", cases > 1, {"n": cases}),
        Remark(f"notes.{kind}_unknown", (cases == 1) & ~known, {}),
    )
    fact = RANGE if np.any(sums["ranged"]) else "exact"
    method = fact if kind == "outside" else "propagated"
    n = np.where(known, sums["n"], 0.0)
    return Settled(value, value, blank, n, low, high, method, remarks, units=units)
