"""How far a value can be trusted: is the period covered, is n large enough, is it too early."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from kpi_helpers.catalogue import REGISTRY, Kpi, find
from kpi_helpers.kpis.settled import Array, Settled
from kpi_helpers.language import text
from kpi_helpers.measure.cells import Cells
from kpi_helpers.measure.facts import fields_of, kind_of, looks_across
from kpi_helpers.measure.kinds import KINDS
from kpi_helpers.periods import Period, elapsed
from kpi_helpers.sources.checks.across import WIN_RATES, only_won
from kpi_helpers.sources.coverage import Coverage
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.facts import MADE, STANDING_DEALS
from kpi_helpers.units import COUNT, write, write_date

OK, INDICATIVE, INSUFFICIENT, IMMATURE, MISSING = STATUSES = (
    "ok",
    "indicative",
    "insufficient",
    "immature",
    "missing",
)
FEW, ENOUGH = 5, 30
# Kinds whose figures look at the twelve months up to the end of the period.
YEARLY = ("largest", "varied", "at_risk")
DAY, YEAR = dt.timedelta(days=1), dt.timedelta(days=365)

# Dates that a row gets from the calendar of others: coverage is that of the date behind them.
_BEHIND = {"opened_at": "created_at", "midpoint": None, "expected_close": None}
_BEHIND |= {"entered_on": "entered_at"}
# How long the first deals of a history may take before one of them closes.
LEAD = dt.timedelta(days=31)


class Finding(NamedTuple):
    """Something to say of a period; ``weight`` is the status that it imposes, if any."""

    key: str
    weight: str | None
    values: dict[str, Any]
    read: Period | None = None

    def of_base(self, read: Period) -> Finding:
        """The same of an earlier period that a figure rests on: without it there is none."""
        return self._replace(weight=MISSING, read=read)


def is_over(data: Dataset, kpi: Kpi, period: Period) -> bool:
    """Whether a base KPI looks ahead, and the period has ended: nothing is to come in it."""
    return kpi.dated == "expected_close" and period.end <= data.as_of + DAY


def of_period(data: Dataset, kpi: Kpi, period: Period) -> list[Finding]:
    """What the coverage of the data says of a base KPI in a period.

    Parameters
    ----------
    data
        The data set.
    kpi
        A KPI that is counted on a table.
    period
        The period in which it is read.
    """
    if kpi.dated == "expected_close":
        over = is_over(data, kpi, period)
        return [Finding("over", MISSING, {"day": data.as_of})] if over else []
    if kpi.id in WIN_RATES and only_won(data):
        return [Finding("only_won", MISSING, {})]
    if period.start > data.as_of:
        return [Finding("future", MISSING, {"day": data.as_of})]
    findings = [] if period.end <= data.as_of + DAY else [_running(data, period)]
    column = _BEHIND.get(str(kpi.dated), kpi.dated)
    (behind, *_) = MADE.get(kpi.table, (kpi.table,))
    cover = data.covered.get((behind, str(column)))
    if cover is not None:
        stock = kind_of(kpi) is KINDS["standing"] or kpi.table == STANDING_DEALS.name
        findings += _covered(cover, period, data.as_of, stock)
        findings += _before(kpi, cover, period, data.as_of)
    if kind_of(kpi) is KINDS["cohort"]:
        for end in fields_of(kpi, "days") - {kpi.dated}:
            findings += _recorded(data.covered.get((kpi.table, end)), period, "conversions")
    ends = data.covered.get((kpi.table, "closed_at"))
    if kind_of(kpi) is KINDS["duration"] and _cut_at_start(cover, ends):
        findings += _recorded(ends, period, "closings")
    return findings


def _running(data: Dataset, period: Period) -> Finding:
    past, days = elapsed(period, data.as_of)
    return Finding("part_period", None, {"elapsed": past, "days": days})


def _covered(cover: Coverage, period: Period, as_of: dt.date, stock: bool) -> Iterator[Finding]:
    first, last = cover.first, cover.last
    end = min(period.end, as_of + DAY)
    whole = period.name == "all"
    if first is None or last is None:
        yield Finding("nothing", MISSING, {})
    elif end <= first:
        yield Finding("no_data", MISSING, {"first": first, "last": last})
    elif stock or whole:
        return
    elif last + cover.tolerance < period.start:
        yield Finding("no_data", MISSING, {"first": first, "last": last})
    elif period.start + cover.tolerance < first:
        yield Finding("begins", INDICATIVE, {"day": first})
    elif last + cover.tolerance < end - DAY:
        yield Finding("ends", INDICATIVE, {"day": last})


def _before(kpi: Kpi, cover: Coverage, period: Period, as_of: dt.date) -> Iterator[Finding]:
    """What a figure that looks back beyond its period needs of the time before."""
    if kind_of(kpi) is KINDS["retained"]:
        yield from _history(cover, period, as_of)
    if any(kind_of(kpi) is KINDS[kind] for kind in YEARLY):
        yield from _year_before(cover, period)
    if looks_across(kpi):
        yield from _presumed(cover, period)


def _history(cover: Coverage, period: Period, as_of: dt.date) -> Iterator[Finding]:
    """Retention looks back a year from both ends of the period."""
    if cover.first is None:
        return
    end = min(period.end, as_of + DAY)
    if end - YEAR <= cover.first:
        yield Finding("history_short", MISSING, {"day": cover.first})
    elif period.start - YEAR + cover.tolerance < cover.first:
        yield Finding("history_short", INDICATIVE, {"day": cover.first})


def _year_before(cover: Coverage, period: Period) -> Iterator[Finding]:
    """The twelve months to the end of the period have to be covered, not the period alone."""
    if cover.first is not None and period.end - YEAR + cover.tolerance < cover.first:
        yield Finding("begins", INDICATIVE, {"day": cover.first})


def _presumed(cover: Coverage, period: Period) -> Iterator[Finding]:
    """In the first year of a history a first order may only be the first that is known."""
    if cover.first is not None and cover.first < period.end and period.start < cover.first + YEAR:
        yield Finding("presumed_new", INDICATIVE, {"day": cover.first})


def _cut_at_start(starts: Coverage | None, ends: Coverage | None) -> bool:
    """Tell whether ends were recorded only long after the first of what they end had begun."""
    if starts is None or ends is None or starts.first is None or ends.first is None:
        return False
    return starts.first + LEAD + ends.tolerance < ends.first


def _recorded(cover: Coverage | None, period: Period, what: str) -> Iterator[Finding]:
    """Cohorts from before their ends were recorded cannot be compared with later ones.

    Of those only what ended late is known: fewer conversions, and long durations.
    """
    if cover is None or cover.first is None:
        return
    if period.start + cover.tolerance < cover.first:
        yield Finding(f"{what}_begin", INDICATIVE, {"day": cover.first})


def statuses(
    settled: Settled, weights: Sequence[str | None], sampled: bool
) -> np.ndarray[Any, Any]:
    """Status of each cell.

    Parameters
    ----------
    settled
        The values.
    weights
        For each cell, the status that its period imposes, or None.
    sampled
        Whether small n makes the figure uncertain (a rate) or not (a total).
    """
    status = np.full(len(settled.value), OK, dtype=object)
    if sampled:
        status[settled.n < ENOUGH] = INDICATIVE
    if settled.doubtful is not None:
        status[settled.doubtful] = INDICATIVE
    imposed = np.array(weights, dtype=object)
    status[imposed == INDICATIVE] = INDICATIVE
    if sampled:
        status[settled.n < FEW] = INSUFFICIENT
    status[np.isnan(settled.value) | (imposed == MISSING)] = MISSING
    if settled.young is not None:
        status[settled.young & (imposed != MISSING)] = IMMATURE
    return status


def heaviest(findings: Sequence[Finding]) -> str | None:
    """The status that the findings of a period impose together."""
    weights = {finding.weight for finding in findings}
    return MISSING if MISSING in weights else INDICATIVE if INDICATIVE in weights else None


def notes(
    cells: Cells, settled: Settled, findings: Sequence[Sequence[Finding]], lang: str
) -> list[str]:
    """What a reader must know of each cell, as sentences."""
    written: list[list[str]] = [[] for _ in range(len(cells))]
    width = len(cells.combos)
    explained = np.repeat([heaviest(found) == MISSING for found in findings], width)
    for place, found in enumerate(findings):
        sentences = list(dict.fromkeys(_said(each, lang) for each in found))
        for each in written[place * width : (place + 1) * width]:
            each.extend(sentences)
    for remark in dict.fromkeys(remark.key for remark in settled.remarks):
        for made in (r for r in settled.remarks if r.key == remark):
            for cell in np.flatnonzero(made.where).tolist():
                values = {n: _of_cell(each, cell, lang) for n, each in made.values.items()}
                written[cell].append(text(made.key, lang, **values))
                explained[cell] = True
    something = (settled.n > 0) | (np.nan_to_num(settled.numerator) != 0)
    for cell in np.flatnonzero(np.isnan(settled.value) & ~explained).tolist():
        written[cell].append(text(f"notes.{'no_base' if something[cell] else 'nothing'}", lang))
    return [" ".join(dict.fromkeys(sentences)) for sentences in written]


def _of_cell(value: Array | str, cell: int, lang: str) -> str:
    """A number of the cell, or the label of a KPI."""
    if isinstance(value, str):
        return find(value).label(lang) if value in REGISTRY else value
    return write(value[cell], COUNT, lang)


def _said(finding: Finding, lang: str) -> str:
    values = {
        name: write_date(value, lang) if isinstance(value, dt.date) else value
        for name, value in finding.values.items()
    }
    said = text(f"notes.{finding.key}", lang, **values)
    if finding.read is None:
        return said
    return text("notes.of_base", lang, period=_dates(finding.read, lang), note=said)


def _dates(period: Period, lang: str) -> str:
    return " – ".join(write_date(day, lang) for day in (period.start, period.end - DAY))
