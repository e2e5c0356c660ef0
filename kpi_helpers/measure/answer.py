"""One value for each KPI and cell: the queries' sums settled, derived KPIs made of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.catalogue import Ago, Kpi, find
from kpi_helpers.errors import KpiError, Unavailable, UnknownName, unknown
from kpi_helpers.kpis.settled import Settled
from kpi_helpers.measure.ask import ask
from kpi_helpers.measure.cells import LEFT, PLACE, Cells, Spread
from kpi_helpers.measure.chances import settle_chances
from kpi_helpers.measure.counted import (
    settle_age,
    settle_cohort,
    settle_cohort_total,
    settle_duration,
    settle_waiting,
    window_of,
)
from kpi_helpers.measure.facts import fact, kind_of, metric_of, require
from kpi_helpers.measure.held import remarked
from kpi_helpers.measure.judge import is_over
from kpi_helpers.measure.kinds import KINDS
from kpi_helpers.measure.others import of_others
from kpi_helpers.measure.outside import columns_told, of_actions, of_best, of_market, sourced
from kpi_helpers.measure.question import questions
from kpi_helpers.measure.repeated import joined
from kpi_helpers.measure.trailing import over_months
from kpi_helpers.periods import Period
from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.engine import Columns, frame_of
from kpi_helpers.sources.registers import ACHIEVEMENTS

MONTHS_A_YEAR = 12

_COUNTED: Mapping[str, Callable[[Spread, Kpi], Settled]] = {
    "duration": settle_duration,
    "waiting": settle_waiting,
    "age_then": settle_age,
    "chances": settle_chances,
}
_WITHIN = {"cohort": settle_cohort, "cohort_total": settle_cohort_total}

Seen = np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass
class Answer:
    """What was found: the cells, a value for each KPI in each, and why some KPIs have none.

    ``seen`` says which combinations of dimension values a KPI's own rows hold.
    """

    cells: Cells
    settled: dict[Ago, Settled] = field(default_factory=dict)
    seen: dict[Ago, Seen] = field(default_factory=dict)
    failed: dict[str, KpiError] = field(default_factory=dict)


def answer(
    data: Dataset,
    kpis: Sequence[Kpi],
    periods: Sequence[Period],
    by: tuple[str, ...],
    where: Where,
    others: Mapping[Any, str] | None = None,
) -> Answer:
    """Ask for everything that the KPIs are made of, and settle it.

    With ``others``, a filter of all the others for each group of the one dimension, the cell of a
    group is of those.

    Raises
    ------
    UnknownName
        When a dimension exists in no table that the KPIs are counted on.
    """
    found = Answer(Cells(periods, by, {(group,): n for n, group in enumerate(others or {})}))
    needed = list(dict.fromkeys(each for kpi in kpis for each in made_of(data, Ago(kpi.id, 0))))
    usable = [each for each in needed if _has_what_it_reads(data, found, each, by, where)]
    _refuse_unknown_names(found, needed)
    groups = _groups(data, usable)
    asked = [partial(_asked, data, group, periods) for group in groups]
    if others:
        firsts = [find(group[0].kpi) for group in groups]
        spreads = of_others(firsts, asked, found.cells, where, others)
    else:
        spreads = found.cells.laid([ask(by, where) for ask in asked])
    for group, spread in zip(groups, spreads, strict=True):
        # The whole, and all others, are there even when no row is: they count zero.
        seen = np.full(len(found.cells.combos), not by or bool(others))
        seen[spread.cell % len(seen)] = True
        for each in group:
            found.settled[each] = _settle(data, spread, found.cells, find(each.kpi))
            found.seen[each] = seen
    for kpi in kpis:
        _value(data, found, Ago(kpi.id, 0))
    return found


def chosen(data: Dataset, name: str) -> Kpi:
    """The KPI of that id, or the one that the settings use in its stead."""
    if not isinstance(name, str):
        raise unknown("kpi", name, [])
    return find(data.config.use.get(name, name))


def carries(data: Dataset, name: str, period: Period) -> bool:
    """Tell whether the source has what a KPI is made of, and a period is not over for it."""
    return not lacking(data, name) and not any(
        is_over(data, base, period) for base in _bases(data, name)
    )


def lacking(data: Dataset, name: str) -> str:
    """Say what the source lacks for a KPI: a table, or a column of one; empty where nothing."""
    try:
        for base in _bases(data, name):
            require(data, base, (), None)
    except Unavailable as error:
        return str(error.values.get("needs", "targets"))
    return ""


def _bases(data: Dataset, name: str) -> list[Kpi]:
    return [find(base.kpi) for base in made_of(data, Ago(chosen(data, name).id, 0))]


def made_of(data: Dataset, wanted: Ago) -> list[Ago]:
    """The base KPIs behind one, each with how many months earlier it is read."""
    kpi = find(wanted.kpi)
    if not kpi.derived:
        return [wanted]
    return [
        base for other in kpi.of.values() for base in made_of(data, _earlier(data, other, wanted))
    ]


def _earlier(data: Dataset, other: Ago, wanted: Ago) -> Ago:
    """The KPI that stands for ``other``, its lag read in the settings and added up."""
    lag = data.config.lags.get(other.months, 0) if isinstance(other.months, str) else other.months
    return Ago(chosen(data, other.kpi).id, lag + int(wanted.months), other.over or wanted.over)


def _has_what_it_reads(
    data: Dataset, found: Answer, each: Ago, by: tuple[str, ...], where: Where
) -> bool:
    try:
        require(data, find(each.kpi), by, where)
    except (Unavailable, UnknownName) as error:
        found.failed[each.kpi] = error
        return False
    return True


def _refuse_unknown_names(found: Answer, needed: Sequence[Ago]) -> None:
    """A name that no table knows is a mistake; one that only some know is a limit."""
    errors = [found.failed.get(each.kpi) for each in needed]
    unknown_names = [error for error in errors if isinstance(error, UnknownName)]
    known_somewhere = any(error is None for error in errors)
    if unknown_names and not known_somewhere:
        raise unknown_names[0]


def _groups(data: Dataset, needed: Sequence[Ago]) -> list[tuple[Ago, ...]]:
    """KPIs that one query serves: same table, date, kind of query and months earlier."""
    groups: dict[tuple[object, ...], list[Ago]] = {}
    for each in needed:
        kpi = find(each.kpi)
        how = kind_of(kpi).ask
        read = (each.months, each.over)
        alone = "" if how in ("flow", "distinct", "stood") else kpi.id
        groups.setdefault((kpi.table, kpi.dated, how, read, alone), []).append(each)
    return [tuple(group) for group in groups.values()]


def _asked(
    data: Dataset,
    group: tuple[Ago, ...],
    periods: Sequence[Period],
    by: tuple[str, ...],
    where: Where,
) -> Columns:
    """The sums of one group; a period that is still running is read as far in its past too."""
    begun = [earlier_period(data, period, group[0]) for period in periods]
    kpis = [find(each.kpi) for each in group]
    if kind_of(kpis[0]).ask == "told":
        return _told(data, kpis[0], begun, by, where)
    if group[0].over:
        return over_months(data, kpis, begun, by, where)
    until = known_until(data, periods, begun)
    results, offset = [], 0
    for question in questions(begun, by, where):
        result = ask(data, kpis, question, until)
        moved = {name: result[name] + offset for name in (PLACE, LEFT) if name in result}
        results.append(result | moved)
        offset += len(question.periods)
    return joined(results)


def _told(
    data: Dataset, kpi: Kpi, periods: Sequence[Period], by: tuple[str, ...], where: Where
) -> Columns:
    """What stands in a register, or is asked of it."""
    rows = fact(data, [kpi], by, where, whole=True)
    frame = frame_of(data.con, rows.filter(kpi.body(rows).where))
    figure = partial(_figure, data)
    if kind_of(kpi) is KINDS["outside"]:
        found = of_market(data, frame, kpi.unit, periods, by)
    elif kind_of(kpi) is KINDS["gap"]:
        found = of_best(data, frame, periods, figure)
    else:
        found = of_actions(data, frame, periods, figure)
    return columns_told(found, kpi.id, by)


def _figure(data: Dataset, name: str, period: Period, where: Where) -> Settled:
    """One KPI in one period; nothing where it cannot be measured, or stands in a register."""
    try:
        kpi = chosen(data, name)
        if not kpi.derived and kind_of(kpi).ask == "told":
            return nothing(1)
        return answer(data, [kpi], [period], (), where).settled[Ago(kpi.id, 0)]
    except KpiError:
        return nothing(1)


def known_until(data: Dataset, periods: Sequence[Period], begun: Sequence[Period]) -> dt.date:
    """First day not to be read: a period that is running has as many days in its past."""
    tomorrow = data.as_of + dt.timedelta(days=1)
    for period, earlier in zip(periods, begun, strict=True):
        if period.start < tomorrow < period.end:
            return earlier.start + (tomorrow - period.start)
    return max(tomorrow, begun[-1].end) if begun[-1].start < periods[-1].start else tomorrow


def earlier_period(data: Dataset, period: Period, read: Ago) -> Period:
    """The dates on which a KPI is read: those of the period, or as many months earlier.

    A year earlier it is what the calendar says. Over some months it is those to the last day known.
    """
    if read.over:
        end = max(min(period.end, data.as_of + dt.timedelta(days=1)), data.first)
        return Period(f"{period.name} ({read.over})", _before(end, read.over), end, "span")
    months = read.months
    if months == 0:
        return period
    if months == MONTHS_A_YEAR and period.name != "all":
        return data.config.calendar.year_ago(period)
    start, end = (_before(day, int(months)) for day in (period.start, period.end))
    return Period(f"{period.name} −{months}", start, end, "span")


def _before(day: dt.date, months: int) -> dt.date:
    return (pd.Timestamp(day) - pd.DateOffset(months=months)).date() if months else day


def _settle(data: Dataset, spread: Spread, cells: Cells, kpi: Kpi) -> Settled:
    kind = kind_of(kpi)
    if LEFT in spread.found:
        spread = spread.until_left(len(cells.combos))
    for name, settle in _COUNTED.items():
        if kind is KINDS[name]:
            return settle(spread, kpi)
    for name, settle_within in _WITHIN.items():
        if kind is KINDS[name]:
            return settle_within(spread, kpi, window_of(data, kpi))
    sums = spread.totals(f"{kpi.id}__")
    settled = kind.settle(sums)
    if kind is KINDS["outside"]:
        return sourced(data, settled, metric_of(kpi))
    on_targets = kpi.table == ACHIEVEMENTS.name
    return remarked(settled, sums, metric_of(kpi)) if on_targets else settled


def _value(data: Dataset, found: Answer, wanted: Ago) -> Settled:
    if wanted not in found.settled:
        kpi = find(wanted.kpi)
        if wanted.kpi in found.failed or not kpi.derived:
            found.settled[wanted] = nothing(len(found.cells))
        else:
            found.settled[wanted] = _derived(data, found, kpi, wanted)
    return found.settled[wanted]


def _derived(data: Dataset, found: Answer, kpi: Kpi, wanted: Ago) -> Settled:
    parts = {}
    seen = np.zeros(len(found.cells.combos), dtype=bool)
    for argument, other in kpi.of.items():
        each = _earlier(data, other, wanted)
        parts[argument] = _value(data, found, each)
        seen |= found.seen.get(each, seen)
        if each.kpi in found.failed:
            error = found.failed[each.kpi]
            named = {"what": kpi.id} if error.values.get("what") == each.kpi else {}
            found.failed.setdefault(kpi.id, type(error)(error.key, **{**error.values, **named}))
    found.seen[wanted] = seen
    result: Settled = kpi.body(**parts)
    remarks = [remark for part in parts.values() for remark in part.remarks]
    return result._replace(remarks=(*remarks, *result.remarks))


def nothing(size: int) -> Settled:
    """Cells of which nothing is known."""
    blank = np.full(size, np.nan)
    return Settled(blank, blank, blank, np.zeros(size), blank, blank, "")
