"""The periods, breakdown and filter of a call, and how a day finds its period."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_helpers.kpis.settled import Array
from kpi_helpers.periods import Period, grid
from kpi_helpers.sources.dataset import Where
from kpi_helpers.sources.derived import days_between
from kpi_helpers.sources.engine import END, START

DAYS_A_MONTH = 365.25 / 12


@dataclass(frozen=True)
class Question:
    """Periods, breakdown and filter of a call.

    Every period has ``step`` units, ``"months"`` or ``"days"``; ``"span"`` is a single one.
    """

    periods: tuple[Period, ...]
    by: tuple[str, ...]
    where: Where
    unit: str
    step: int

    @property
    def start(self) -> dt.date:
        """First day asked for."""
        return self.periods[0].start

    @property
    def end(self) -> dt.date:
        """First day no longer asked for."""
        return self.periods[-1].end

    def number(self, day: ir.DateValue) -> ir.IntegerValue:
        """Number of the unit that holds a day; cheaper to group by than periods of several."""
        if self.unit == "span":
            return ibis.ifelse(day.notnull(), 0, ibis.null("int64"))
        return days_between(START, day) if self.unit == "days" else _month(day)

    def first_number(self, day: ir.DateValue) -> ir.IntegerValue:
        """Number of the first unit of the period that holds a day, for what does not add up."""
        if self.step == 1:
            return self.number(day)
        passed = self.number(day) - self.number(START)
        return self.number(day) - passed % self.step

    def places(self, numbers: Array) -> Array:
        """Index of the period that holds each unit; what lies before counts for the first."""
        first = 12 * self.start.year + self.start.month if self.unit == "months" else 0
        return np.maximum(numbers - first, 0) // self.step

    def days(self) -> ir.NumericValue:
        """Length of a period."""
        if self.unit == "span":
            return days_between(START, END)
        return ibis.literal(self.step * (DAYS_A_MONTH if self.unit == "months" else 1))

    @property
    def span(self) -> str:
        """Name of a single period that no calendar names (``all``, ``ytd``), else empty."""
        only = self.periods[0]
        return only.name if self.unit == "span" and only.grain == "span" else ""


def _month(day: ir.DateValue) -> ir.IntegerValue:
    return day.year() * 12 + day.month()


def questions(periods: Sequence[Period], by: tuple[str, ...], where: Where) -> list[Question]:
    """One question where the periods are a regular grid, else one a period.

    Whole weeks or months are one between what is cut off at either end.
    """
    unit, step = grid(periods) if len(periods) > 1 else ("span", None)
    if unit != "span" and step is not None:
        return [Question(tuple(periods), by, where, unit, step)]
    runs = [tuple(run) for _, run in itertools.groupby(periods, lambda period: period.grain)]
    if len(runs) > 1 and all(one.end == other.start for one, other in itertools.pairwise(periods)):
        return [question for run in runs for question in questions(run, by, where)]
    return [Question((period,), by, where, "span", 1) for period in periods]
