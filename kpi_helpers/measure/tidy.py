"""The tidy frame: a row a KPI, combination and period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.catalogue import Ago, Kpi, find
from kpi_helpers.errors import BadInput
from kpi_helpers.kpis.settled import RANGE, Array, Remark, Settled
from kpi_helpers.language import Phrase, text
from kpi_helpers.measure.ahead import keep, taken
from kpi_helpers.measure.answer import (
    Answer,
    Seen,
    answer,
    carries,
    chosen,
    earlier_period,
    made_of,
    nothing,
)
from kpi_helpers.measure.cells import Cells
from kpi_helpers.measure.facts import kind_of
from kpi_helpers.measure.judge import (
    FEW,
    MISSING,
    Finding,
    heaviest,
    notes,
    of_period,
    statuses,
)
from kpi_helpers.periods import Period
from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.filters import columns_of
from kpi_helpers.sources.schema import TIDY_COLUMNS

SPREAD, COVERED, AGES, PACE = HIDDEN = "spread", "covered", "ages", "pace"
FACTS = ("exact", "garwood", RANGE)
NUMBERS = ("value", "numerator", "denominator", "n", "low", "high", SPREAD)


def measured(
    data: Dataset,
    kpis: Sequence[str],
    periods: Sequence[Period],
    by: tuple[str, ...] = (),
    where: Where = None,
    others: Mapping[Any, str] | None = None,
) -> pd.DataFrame:
    """The frame of `measure` for periods that are known already, with the spread of totals.

    With ``others``, a filter of all the others for each group of the one dimension, the row of a
    group is of those.

    Returns
    -------
    pandas.DataFrame
        As `measure`, and for comparisons ``spread`` (the standard error that a total would have
        if its rows had come by chance), ``covered`` (whether the data cover the period), ``ages``
        (the counts behind a duration) and ``pace`` (how a figure moves with the days worked).
    """
    if not kpis:
        raise BadInput(column="kpis", value="[]", expected=Phrase("expected.names"))
    for name in by:
        if name in (*TIDY_COLUMNS, *HIDDEN):
            raise BadInput("reserved_name", value=name)
    if not by and (kept := taken(data, kpis, periods, where)) is not None:
        return kept
    found = answer(data, [chosen(data, name) for name in kpis], periods, by, where, others)
    private = names_people(data, by, where)
    blocks = [_block(data, found, name, private) for name in kpis]
    return pd.DataFrame({n: np.concatenate([block[n] for block in blocks]) for n in blocks[0]})


def measure_ahead(
    data: Dataset, kpis: Sequence[str], periods: Sequence[Period], where: Where = None
) -> None:
    """Measure KPIs in many periods in one go, for `measured` to take from.

    It is for whoever moves from period to period: then nothing is asked of the engine. What is
    kept is exactly what `measured` returns of one of them; KPIs that look ahead have no past.
    """
    known = [kpi for kpi in kpis if carries(data, kpi, periods[0])]
    new = [kpi for kpi in known if taken(data, [kpi], periods, where) is None]
    if new:
        keep(data, new, periods, where, measured(data, new, periods, (), where))


def names_people(data: Dataset, by: tuple[str, ...], where: Where) -> bool:
    """Whether figures are of single people whose few cases are not told."""
    where = data.config.segments.get(where, where) if isinstance(where, str) else where
    return bool(data.masked & {*by, *columns_of(where)})


def _block(data: Dataset, found: Answer, name: str, private: bool) -> dict[str, Any]:
    """The tidy columns of one KPI: a row a combination and period, periods running fastest.

    Where it is ``private``, a figure of few cases is not told.
    """
    kpi, lang = chosen(data, name), data.config.lang
    cells, settled = _shown(found, kpi)
    settled = _bounded(settled)
    findings = [_findings(data, kpi, period) for period in cells.periods]
    weights = [heaviest(each) for each in findings for _ in cells.combos]
    sampled = settled.method not in FACTS if kpi.derived else _sampled(found, kpi)
    status = statuses(settled, weights, sampled)
    said = notes(cells, settled, findings, lang)
    if kpi.id in found.failed:
        said = [found.failed[kpi.id].render(lang)] * len(cells)
    if kpi.id != name:
        said = [
            f"{text('notes.stands_in', lang, name=find(name).label(lang))} {s}".strip()
            for s in said
        ]
    few = (settled.n < FEW) & (status != MISSING) & private
    status[few] = MISSING
    said = [
        text("notes.masked", lang) if hidden else s for s, hidden in zip(said, few, strict=True)
    ]
    known = status != MISSING
    numbers = {column: np.where(known, _numbers(settled, column), np.nan) for column in NUMBERS}
    per_cell = {**numbers, "method": np.full(len(status), settled.method, object), "status": status}
    per_cell[COVERED] = np.array([weight is None for weight in weights], dtype=bool)
    if settled.units is not None:
        per_cell["unit"] = np.array([unit or kpi.unit for unit in settled.units], dtype=object)
    per_cell |= {AGES: _ages(settled), PACE: np.full(len(status), settled.pace)}
    per_cell["note"] = np.array(said, dtype=object)
    constant = {"kpi": name, "label": kpi.label(lang), "unit": kpi.unit, "better": kpi.better}
    return _rows_of(cells, found.seen.get(Ago(kpi.id, 0)), constant, per_cell)


def _shown(found: Answer, kpi: Kpi) -> tuple[Cells, Settled]:
    """The cells and values of a KPI; one blank combination where a breakdown found no row."""
    seen = found.seen.get(Ago(kpi.id, 0))
    if found.cells.combos and (seen is None or seen.any()):
        return found.cells, found.settled[Ago(kpi.id, 0)]
    blank = Cells(found.cells.periods, found.cells.by, {(None,) * len(found.cells.by): 0})
    return blank, nothing(len(blank))


def _bounded(settled: Settled) -> Settled:
    """No limits where one of them is infinite, and a word on why."""
    beyond = np.isinf(settled.low) | np.isinf(settled.high)
    low, high = (np.where(beyond, np.nan, limit) for limit in (settled.low, settled.high))
    remark = Remark("notes.unbounded", beyond & np.isfinite(settled.value), {})
    return settled._replace(low=low, high=high, remarks=(*settled.remarks, remark))


def _numbers(settled: Settled, column: str) -> Array:
    numbers = getattr(settled, column)
    return np.full(len(settled.value), np.nan) if numbers is None else numbers


def _ages(settled: Settled) -> Any:
    """What is behind a duration, cell by cell."""
    each = np.full(len(settled.value), None, object)
    if settled.ages is not None:
        time, *counts = settled.ages
        for place, cell in enumerate(zip(*counts, strict=True)):
            each[place] = (time, *cell)
    return each


def _rows_of(
    cells: Cells, seen: Seen | None, constant: dict[str, str], per_cell: dict[str, Any]
) -> dict[str, Any]:
    shown = [(c, i) for c, i in cells.order() if seen is None or not seen.any() or seen[i]]
    starts = np.arange(len(cells.periods)) * len(cells.combos)
    index = np.concatenate([starts + place for _, place in shown])
    columns: dict[str, Any] = {k: np.full(len(index), v, object) for k, v in constant.items()}
    columns["period"] = np.array([p.name for p in cells.periods] * len(shown), dtype=object)
    for bound in ("start", "end"):
        days = np.array([getattr(p, bound) for p in cells.periods], dtype="datetime64[s]")
        columns[bound] = np.tile(days, len(shown))
    for position, dimension in enumerate(cells.by):
        values = np.empty(len(shown), dtype=object)
        values[:] = [combo[position] for combo, _ in shown]
        columns[dimension] = np.repeat(values, len(cells.periods))
    return columns | {column: values[index] for column, values in per_cell.items()}


def _sampled(found: Answer, kpi: Kpi) -> bool:
    return kpi.id not in found.failed and kind_of(kpi).sampled


def _findings(data: Dataset, kpi: Kpi, period: Period) -> list[Finding]:
    """What coverage says of a period, for a KPI and for all that it is made of.

    An earlier period that is not wholly covered is no base to compare with; what looks ahead is
    read in a period that has not ended, whatever has happened in it so far.
    """
    findings = []
    parts = made_of(data, Ago(kpi.id, 0))
    ahead = [each for each in parts if find(each.kpi).dated == "expected_close"]
    for each in ahead or parts:
        read = earlier_period(data, period, each)
        found = of_period(data, find(each.kpi), read)
        whole = read == period or each.over
        findings += found if whole else [f.of_base(read) for f in found if f.weight]
    return findings
