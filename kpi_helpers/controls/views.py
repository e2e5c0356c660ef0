"""What an explorer shows: the sentences, figures, chart and table of one view of the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


def scorecard(data: Dataset, asked: Asked) -> Shown:
    """KPIs beside a reference and their targets; one alone through time; groups side by side."""
    kpis = [asked.kpi] if asked.kpi else chosen(data, (), asked.period)
    look, by = look_of(data), [asked.by] if asked.by else []
    frame, shown, past = once(data, _compared, kpis, asked)
    said = tuple(wording.headline(shown, **look, limit=SENTENCES))
    beside = sheets.changes(shown, by=by, **look) if by else None
    table = beside or sheets.scorecard(frame, frame.iloc[:0], **look)
    figure = _drawn(data, asked, shown, past)
    return Shown(said, _figures(shown, look, asked.by), figure, table, frame)


def conversion(data: Dataset, asked: Asked) -> Shown:
    """Who gets how far, of those who entered in a year; by groups, who passes each step."""
    where, look = asked.where or None, look_of(data)
    drawn = {"as_of": data.as_of, **look}
    if asked.by:
        found = once(data, funnel.by_group, asked.period, where, asked.by)
        rows = wording.passage_rows(found, **look)
        said = wording.segments_findings(rows, **look)["sentence"]
        figure, table = charts.segment_map(rows, **drawn), sheets.segments(rows, **look)
        return Shown(tuple(said), {}, figure, table, found)
    found = once(data, funnel.conversion, asked.period, where)
    said = wording.conversion_findings(found, **look)["sentence"]
    read, rows = wording.funnel_rows(found, **look), wording.passage_rows(found, **look)
    figure = charts.bars(read, "step", title=said.iloc[0], **drawn)
    table = sheets.changes(rows, name="entered", **look)
    return Shown(tuple(said), _figures(rows, look), figure, table, found)


def moved(data: Dataset, asked: Asked) -> Shown:
    """Why revenue, bookings or a rate moved, step by step."""
    look, more = look_of(data), {"to": asked.to, "where": asked.where or None}
    chain = CHAINS.get(asked.kpi)
    more |= {} if chain else {"kpi": asked.kpi, "by": asked.by}
    found = once(data, chain or drivers.rate_bridge, asked.period, **more)
    said = wording.drivers_findings(found, **look)["sentence"]
    figures = {
        wording.step_name(row, look["lang"], look["terms"]): write_change(
            row["amount"], row["unit"], look["lang"], look["currency"]
        )
        for row in found.to_dict("records")
        if row["kind"] == "change"
    }
    figure = charts.waterfall(found, as_of=data.as_of, **look)
    return Shown(tuple(said), figures, figure, sheets.steps(found, **look), found)


def beside_peers(data: Dataset, asked: Asked) -> Shown:
    """KPIs among those of peers; by a dimension, our own units among each other."""
    look = look_of(data)
    drawn = {"as_of": data.as_of, **look}
    if asked.by:
        kpi = asked.kpi or chosen(data, (), asked.period)[0]
        units = once(data, benchmarking.peers, kpi, asked.period, asked.by, where=asked.where)
        said = wording.market_findings(units, "peers", **look)["sentence"]
        figure, table = (
            charts.bars(units, "unit_name", **drawn),
            sheets.market(units, "peers", **look),
        )
        return Shown(tuple(said), _figures(units, look, "unit_name"), figure, table, units)
    gaps = once(data, benchmarking.gaps, asked.period, asked.where or None)
    gaps = gaps[gaps["kpi"].isin([asked.kpi or kpi for kpi in gaps["kpi"]])]
    if gaps.empty:
        needs = f"benchmarks: metric = {asked.kpi}"
        raise Unavailable(what=find(asked.kpi).label(look["lang"]), needs=needs)
    said = wording.market_findings(gaps, "gaps", **look)["sentence"]
    figure = charts.dumbbell(gaps, title=" ".join(said[:1]), **drawn)
    table = sheets.market(gaps, "gaps", **look)
    return Shown(tuple(said), _figures(gaps, look), figure, table, gaps)


def forecast(data: Dataset, asked: Asked) -> Shown:
    """Where KPIs go in the half year to come, with the range of what may come."""
    look, grain = look_of(data), asked.grain or "month"
    found = once(data, ahead, HORIZON, asked.where or None, asked.kpi, grain)
    said = wording.forecast_findings(found.ahead, **look)["sentence"]
    figure = charts.fan(found, as_of=data.as_of, **look)
    last = ~found.ahead.duplicated("kpi", keep="last")
    rows = found.ahead[found.ahead["part"].eq("quarter") | last]
    table = sheets.forecasts(found.ahead, **look)
    return Shown(tuple(said), _figures(rows, look, how="dated"), figure, table, found.ahead)


def once(data: Dataset, analysis: Callable[..., Any], *args: Any, **more: Any) -> Any:
    """Return what an analysis finds, kept for whoever comes back to the same question."""
    key = ("explored", analysis, repr(args), repr(more))
    return data.remember(key, lambda: analysis(data, *args, **more))


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


def _compared(
    data: Dataset, kpis: list[str], asked: Asked
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Compare KPIs: in full, as far as a chart can show it, and their periods before."""
    where = asked.where or None
    if not asked.by:
        measure_ahead(data, kpis, periods(data, asked.period, STOPS + PERIODS), where)
    frame = shown = compare(data, kpis, asked.period, asked.to, asked.by or (), where)
    if asked.by and not asked.kpi:
        shown = folded(data, frame, asked.period, asked.by, where)
    past = history(data, kpis, asked.period, where) if not asked.by or asked.grain else shown
    if asked.kpi and asked.grain:
        days = f"{past['start'].min():%Y-%m-%d}:{past['end'].max() - pd.Timedelta(days=1):%Y-%m-%d}"
        past = measure(data, asked.kpi, days, asked.by or (), where, asked.grain)
    return frame, shown, past


def _drawn(data: Dataset, asked: Asked, shown: pd.DataFrame, past: pd.DataFrame) -> Any:
    """Draw what is compared: by groups, through time, or a row a KPI."""
    drawn = {"as_of": data.as_of, **look_of(data)}
    if asked.by and asked.kpi and asked.grain:
        return charts.small_multiples(past, asked.by, **drawn)
    if asked.by:
        return charts.bars(shown, asked.by, **drawn)
    if not asked.kpi:
        return charts.scorecard_rows(shown, past, **drawn)
    title = wording.title(shown.to_dict("records")[0], **look_of(data))
    return charts.line(past, title=title, **drawn)


def _figures(
    frame: pd.DataFrame, look: Mapping[str, Any], by: str = "", how: str = ""
) -> dict[str, str]:
    """Name the first figures of a frame; of a single one what it was, and the change, too."""
    read = frame.loc[frame["status"] != MISSING, [of for of in frame if of in OWN or of == by]]
    rows = read.head(FIGURES).to_dict("records")
    told = [Told(row, look["lang"], look["terms"], look["currency"]) for row in rows]
    figures = {each.name(how): each.value() for each in told}
    if len(told) == 1 and told[0].knows("reference"):
        before, change = (text(f"sheets.columns.{of}", look["lang"]) for of in ("before", "change"))
        figures |= {before: told[0].figure(told[0].number("reference")), change: told[0].change()}
    return figures


CHAINS: Mapping[str, Callable[..., pd.DataFrame]] = {
    "": drivers.revenue_chain,
    "revenue": drivers.revenue_chain,
    "bookings": drivers.bookings_chain,
}
VIEWS: Mapping[str, Callable[[Dataset, Asked], Shown]] = {
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
