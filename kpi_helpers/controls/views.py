"""What an explorer shows: the sentences, figures, chart and table of one view of the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import pandas as pd

from kpi_helpers import benchmarking, charts, drivers, funnel, sheets, wording
from kpi_helpers.catalogue import find
from kpi_helpers.compare import compare
from kpi_helpers.controls.shown import Shown
from kpi_helpers.errors import Unavailable
from kpi_helpers.forecasting import ahead
from kpi_helpers.language import text
from kpi_helpers.measure import measure, measure_ahead
from kpi_helpers.measure.judge import MISSING
from kpi_helpers.periods import Period
from kpi_helpers.reports.opening import PERIODS, chosen, folded, history
from kpi_helpers.sources import Dataset
from kpi_helpers.units import write_change
from kpi_helpers.wording.told import OWN, Told

HORIZON, SENTENCES, FIGURES = 6, 5, 8
# Periods to move through.
STOPS = 20


class Asked(NamedTuple):
    """What is explored; an empty text stands for everything, or for the usual."""

    kpi: str = ""
    period: str = "last"
    to: str = "previous"
    by: str = ""
    where: str = ""
    grain: str = ""


# What is shown but for its chart, and what draws that.
Answer = tuple[Shown, Callable[[], Any]]


def scorecard(data: Dataset, asked: Asked) -> Answer:
    """KPIs beside a reference and their targets; one alone through time; groups side by side."""
    kpis = [asked.kpi] if asked.kpi else chosen(data, (), asked.period)
    where, look, by = asked.where or None, look_of(data), asked.by
    if not by:
        measure_ahead(data, kpis, periods(data, asked.period, STOPS + PERIODS), where)
    frame = shown = compare(data, kpis, asked.period, asked.to, by or (), where)
    if by and not asked.kpi:
        shown = folded(data, frame, asked.period, by, where)
    said = tuple(wording.headline(shown, **look, limit=SENTENCES))
    beside = sheets.changes(shown, by=[by], **look) if by else None
    table = beside or sheets.scorecard(frame, frame.iloc[:0], **look)
    draw = partial(_chart(data, asked, kpis, shown), as_of=data.as_of, **look)
    return Shown(said, _figures(shown, look, by), table=table, frame=frame), draw


def conversion(data: Dataset, asked: Asked) -> Answer:
    """Who gets how far, of those who entered in a year; by groups, who passes each step."""
    where, look = asked.where or None, look_of(data)
    drawn = {"as_of": data.as_of, **look}
    if asked.by:
        found = funnel.by_group(data, asked.period, where, asked.by)
        rows = wording.passage_rows(found, **look)
        said = wording.segments_findings(rows, **look)["sentence"]
        table, draw = sheets.segments(rows, **look), partial(charts.segment_map, rows, **drawn)
        return Shown(tuple(said), table=table, frame=found), draw
    found = funnel.conversion(data, asked.period, where)
    said = wording.conversion_findings(found, **look)["sentence"]
    read, rows = wording.funnel_rows(found, **look), wording.passage_rows(found, **look)
    draw = partial(charts.bars, read, "step", title=said.iloc[0], **drawn)
    table = sheets.changes(rows, name="entered", **look)
    return Shown(tuple(said), _figures(rows, look), table=table, frame=found), draw


def moved(data: Dataset, asked: Asked) -> Answer:
    """Why revenue, bookings or a rate moved, step by step."""
    look = look_of(data)
    cut = CHAINS.get(asked.kpi, partial(drivers.rate_bridge, kpi=asked.kpi, by=asked.by))
    found = cut(data, asked.period, to=asked.to, where=asked.where or None)
    said = wording.drivers_findings(found, **look)["sentence"]
    figures = {
        wording.step_name(row, look["lang"], look["terms"]): write_change(
            row["amount"], row["unit"], look["lang"], look["currency"]
        )
        for row in found.to_dict("records")
        if row["kind"] == "change"
    }
    draw = partial(charts.waterfall, found, as_of=data.as_of, **look)
    return Shown(tuple(said), figures, table=sheets.steps(found, **look), frame=found), draw


def beside_peers(data: Dataset, asked: Asked) -> Answer:
    """KPIs among those of peers; by a dimension, our own units among each other."""
    look = look_of(data)
    drawn = {"as_of": data.as_of, **look}
    if asked.by:
        kpi = asked.kpi or chosen(data, (), asked.period)[0]
        units = benchmarking.peers(data, kpi, asked.period, asked.by, where=asked.where)
        said = wording.market_findings(units, "peers", **look)["sentence"]
        draw, table = (
            partial(charts.bars, units, "unit_name"),
            sheets.market(units, "peers", **look),
        )
        figures = _figures(units, look, "unit_name")
        return Shown(tuple(said), figures, table=table, frame=units), partial(draw, **drawn)
    gaps = benchmarking.gaps(data, asked.period, asked.where or None)
    gaps = gaps[gaps["kpi"].isin([asked.kpi or kpi for kpi in gaps["kpi"]])]
    if gaps.empty:
        needs = f"benchmarks: metric = {asked.kpi}"
        raise Unavailable(what=find(asked.kpi).label(look["lang"]), needs=needs)
    said = wording.market_findings(gaps, "gaps", **look)["sentence"]
    draw = partial(charts.dumbbell, gaps, title=" ".join(said[:1]), **drawn)
    table = sheets.market(gaps, "gaps", **look)
    return Shown(tuple(said), _figures(gaps, look), table=table, frame=gaps), draw


def forecast(data: Dataset, asked: Asked) -> Answer:
    """Where KPIs go in the half year to come, with the range of what may come."""
    look, grain = look_of(data), asked.grain or "month"
    found = ahead(data, HORIZON, asked.where or None, asked.kpi, grain)
    said = wording.forecast_findings(found.ahead, **look)["sentence"]
    last = ~found.ahead.duplicated("kpi", keep="last")
    rows = found.ahead[found.ahead["part"].eq("quarter") | last]
    table, figures = sheets.forecasts(found.ahead, **look), _figures(rows, look, how="dated")
    draw = partial(charts.fan, found, as_of=data.as_of, **look)
    return Shown(tuple(said), figures, table=table, frame=found.ahead), draw


def periods(data: Dataset, period: str, most: int) -> list[Period]:
    """Return the latest periods up to the data's day, of the kind of one."""
    calendar = data.config.calendar
    asked = calendar.parse(period, data.as_of, data.first)
    last = calendar.at(data.as_of, "quarter" if asked.grain == "span" else asked.grain)
    return [calendar.shift(last, -back) for back in reversed(range(most))]


def look_of(data: Dataset) -> dict[str, Any]:
    """How results are told of a data set."""
    config = data.config
    return {"lang": config.lang, "currency": config.currency, "terms": config.terms}


def _chart(data: Dataset, asked: Asked, kpis: list[str], shown: pd.DataFrame) -> Callable[..., Any]:
    """Return what draws a comparison: by groups, through time, or a row a KPI."""
    where, through_time = asked.where or None, bool(asked.kpi and asked.grain)
    if asked.by and not through_time:
        return partial(charts.bars, shown, asked.by)
    past = history(data, kpis, asked.period, where)
    if not asked.kpi:
        return partial(charts.scorecard_rows, shown, past)
    if through_time:
        days = f"{past['start'].min():%Y-%m-%d}:{past['end'].max() - pd.Timedelta(days=1):%Y-%m-%d}"
        past = measure(data, asked.kpi, days, asked.by or (), where, asked.grain)
    if asked.by:
        return partial(charts.small_multiples, past, asked.by)
    title = wording.title(shown.to_dict("records")[0], **look_of(data))
    return partial(charts.line, past, title=title)


def _figures(
    frame: pd.DataFrame, look: Mapping[str, Any], by: str = "", how: str = ""
) -> dict[str, str]:
    """Name the first figures of a frame; of a single one its reference and change too."""
    read = frame.loc[frame["status"] != MISSING, [of for of in frame if of in OWN or of == by]]
    rows = read.head(FIGURES).to_dict("records")
    told = [Told(row, look["lang"], look["terms"], look["currency"]) for row in rows]
    figures = {each.name(how): each.value() for each in told}
    if len(told) == 1 and told[0].knows("reference"):
        keys = ("charts.key.reference", "sheets.columns.change")
        beside, change = (text(key, look["lang"]) for key in keys)
        figures |= {beside: told[0].figure(told[0].number("reference")), change: told[0].change()}
    return figures


CHAINS: Mapping[str, Callable[..., pd.DataFrame]] = {
    "": drivers.revenue_chain,
    "revenue": drivers.revenue_chain,
    "bookings": drivers.bookings_chain,
}
VIEWS: Mapping[str, Callable[[Dataset, Asked], Answer]] = {
    "scorecard": scorecard,
    "funnel": conversion,
    "drivers": moved,
    "benchmark": beside_peers,
    "forecast": forecast,
}
# The arguments that each view reads.
READ: Mapping[str, set[str]] = {
    "scorecard": {*Asked._fields},
    "funnel": {"period", "by", "where"},
    "drivers": {"kpi", "period", "to", "by", "where"},
    "benchmark": {"kpi", "period", "by", "where"},
    "forecast": {"kpi", "where", "grain"},
}
