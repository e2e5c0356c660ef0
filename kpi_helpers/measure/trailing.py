"""Spans of months that overlap: each month is asked for once, and counts in all that hold it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise, takewhile

import numpy as np

from kpi_helpers.catalogue import Kpi
from kpi_helpers.measure.ask import ask
from kpi_helpers.measure.cells import LEFT, PLACE
from kpi_helpers.measure.facts import kind_of
from kpi_helpers.measure.question import Question
from kpi_helpers.measure.repeated import joined
from kpi_helpers.periods import Period
from kpi_helpers.periods.period import month_number
from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.engine import Columns
from kpi_helpers.sources.registers import ACHIEVEMENTS

# Queries whose sums over several months are those of the months, added up.
ADDED = ("flow", "counted")


def over_months(
    data: Dataset, kpis: Sequence[Kpi], spans: Sequence[Period], by: tuple[str, ...], where: Where
) -> Columns:
    """What `ask` says of each span of days; spans of whole months take one query together.

    A row stands under the place of the first span in which it counts, and under ``_left`` that of
    the first in which it counts no longer.
    """
    tomorrow, results = data.as_of + dt.timedelta(days=1), []
    whole = _whole(spans) if _adds_up(kpis[0]) else 0
    if whole:
        reach = Period("", spans[0].start, spans[whole - 1].end, "span")
        months = ask(data, kpis, Question((reach,), by, where, "months", 1), tomorrow)
        results.append(_lasting(months, spans[:whole]))
    for place, span in enumerate(spans[whole:], whole):
        found = ask(data, kpis, Question((span,), by, where, "span", 1), tomorrow)
        left = found.get(LEFT, np.ones(len(found[PLACE])))
        results.append(found | {PLACE: found[PLACE] + place, LEFT: left + place})
    return joined(results)


def _adds_up(kpi: Kpi) -> bool:
    return kind_of(kpi).ask in ADDED and kpi.table != ACHIEVEMENTS.name


def _whole(spans: Sequence[Period]) -> int:
    """How many of the first spans are of whole months; none where they are not in order."""
    months = [*takewhile(lambda span: span.start.day == span.end.day == 1, spans)]
    ordered = all(a.start <= b.start and a.end <= b.end for a, b in pairwise(months))
    return len(months) if ordered and len(months) > 1 else 0


def _lasting(months: Columns, spans: Sequence[Period]) -> Columns:
    """Rows of months, from the first span that holds each to the first that does no longer."""
    first = month_number(spans[0].start)
    starts = [month_number(span.start) - first for span in spans]
    ends = [month_number(span.end) - first for span in spans]
    came, left = (np.searchsorted(bounds, months[PLACE], "right") for bounds in (ends, starts))
    return months | {PLACE: came.astype(float), LEFT: left.astype(float)}
