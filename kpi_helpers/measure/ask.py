"""What is asked of the engine: one query a table and date, its SQL kept without the period."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_helpers.catalogue import Kpi
from kpi_helpers.kpis.parts import Parts
from kpi_helpers.kpis.tried import tried
from kpi_helpers.measure.cells import LEFT, PLACE
from kpi_helpers.measure.counted import parts_of
from kpi_helpers.measure.facts import fact, kind_of
from kpi_helpers.measure.held import counts, held
from kpi_helpers.measure.judge import is_over
from kpi_helpers.measure.kinds import KINDS
from kpi_helpers.measure.question import Question
from kpi_helpers.measure.repeated import each_period, repeated
from kpi_helpers.measure.whole import by_entity, of_period
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.engine import END, START, Columns, columns_of_result, filled, template
from kpi_helpers.sources.registers import ACHIEVEMENTS

# Dates that lie ahead by nature: they are not cut at the last day known.
PLANNED = ("expected_close", "midpoint")
# Kinds of queries that look at a period as a whole.
EACH_PERIOD = ("retained", "period", "stood", "stood_counted")


def ask(data: Dataset, kpis: Sequence[Kpi], question: Question, until: dt.date) -> Columns:
    """The summed parts of KPIs that share a table, a date and a kind of query.

    Parameters
    ----------
    data
        The data set.
    kpis
        They share ``table``, ``dated`` and the ``ask`` of their kind.
    question
        Periods, breakdown and filter.
    until
        First day that is not known.

    Returns
    -------
    dict
        Columns with a row a cell (for counted kinds: a cell, age and outcome): the index of the
        period under ``_period``, the dimensions, the parts as ``<kpi>__<part>``.
    """
    how = kind_of(kpis[0]).ask
    # The declarations themselves, not their ids: one declared anew is asked anew.
    grid_of = (question.unit, question.step, question.span)
    key = ("sql", tuple(kpis), question.by, repr(question.where), *grid_of)
    latest = dt.date.max if kpis[0].dated in PLANNED else until
    if how in EACH_PERIOD:
        return _each_period(data, kpis, question, latest, key)
    sql = data.remember(key, lambda: template(data.con, _QUERIES[how](data, kpis, question)))
    end = min(question.end, latest)
    sql = filled(sql, question.start, max(end, question.start))
    found = columns_of_result(data.con, sql, question.by)
    found[PLACE] = question.places(found[PLACE])
    if how == "standing":
        stays = np.isnan(found[LEFT])
        found[LEFT] = np.where(stays, len(question.periods), question.places(found[LEFT]))
    return found


def _each_period(
    data: Dataset, kpis: Sequence[Kpi], question: Question, until: dt.date, key: tuple[Any, ...]
) -> Columns:
    """The same query for each period; not of those in which nothing is to come any more."""
    places = enumerate(question.periods)
    ahead = {place: each for place, each in places if not is_over(data, kpis[0], each)}
    ahead = ahead or {0: question.periods[0]}
    spans = {place: (each.start, min(each.end, until)) for place, each in ahead.items()}
    made = _QUERIES[kind_of(kpis[0]).ask]
    many = min(len(spans), 2)
    query = data.remember(
        (*key, many), lambda: repeated(data.con, made(data, kpis, question), many)
    )
    return each_period(data.con, query, spans, question.by)


def _placed(
    data: Dataset, kpis: Sequence[Kpi], question: Question, number: Callable[..., Any]
) -> ir.Table:
    """Rows dated within the question, each with the number of its unit or period."""
    table = fact(data, kpis, question.by, question.where)
    if kpis[0].table == ACHIEVEMENTS.name:
        rows = held(data, table, question.span, question.days())
        rows = rows.filter(~rows.is_cut)
    else:
        day = table[str(kpis[0].dated)]
        rows = table.filter(day >= START, day < END)
    return rows.mutate(**{PLACE: number(rows[str(kpis[0].dated)])})


def _flow(data: Dataset, kpis: Sequence[Kpi], question: Question) -> ir.Table:
    if kpis[0].table == ACHIEVEMENTS.name:
        return _on_targets(data, kpis, question)
    return _added(data, kpis, question, _placed(data, kpis, question, question.number))


def _on_targets(data: Dataset, kpis: Sequence[Kpi], question: Question) -> ir.Table:
    """Sums over the targets that hold, beside the number of those left out as still running."""
    table = fact(data, kpis, question.by, question.where)
    rows = held(data, table, question.span, question.days())
    rows = rows.mutate(**{PLACE: question.number(rows.midpoint)})
    sums: dict[str, ir.Value] = {}
    for kpi in kpis:
        parts: Parts = kpi.body(rows)
        named = {**KINDS[parts.kind].sums(parts), **counts(parts, rows)}
        sums |= {f"{kpi.id}__{part}": value for part, value in named.items()}
    found = rows.group_by([PLACE, *question.by, "is_cut"]).agg(**sums)
    whole = {name: ibis.ifelse(found.is_cut, 0, found[name]) for name in sums}
    for kpi in kpis:
        whole[f"{kpi.id}__cut"] = ibis.ifelse(found.is_cut, found[f"{kpi.id}__targets"], 0)
    return found.mutate(**whole).drop("is_cut")


def _distinct(data: Dataset, kpis: Sequence[Kpi], question: Question) -> ir.Table:
    return _added(data, kpis, question, _placed(data, kpis, question, question.first_number))


def _added(data: Dataset, kpis: Sequence[Kpi], question: Question, rows: ir.Table) -> ir.Table:
    return rows.group_by([PLACE, *question.by]).agg(**_sums(data, kpis, rows))


def _sums(data: Dataset, kpis: Sequence[Kpi], rows: ir.Table) -> dict[str, ir.Value]:
    sums: dict[str, ir.Value] = {}
    for kpi in kpis:
        parts = parts_of(data, kpi, rows)
        named = KINDS[parts.kind].sums(parts)
        sums |= {f"{kpi.id}__{part}": value for part, value in named.items()}
    return sums


def _clustered(data: Dataset, kpis: Sequence[Kpi], question: Question) -> ir.Table:
    (kpi,) = kpis
    rows = _placed(data, kpis, question, question.first_number)
    parts = parts_of(data, kpi, rows)
    cells = [PLACE, *question.by]
    clusters = by_entity(rows, parts, parts.cluster, cells)
    each = {name: clusters[name] for name in parts.terms}
    summed = Parts(parts.kind, each, clusters._entity.notnull())
    sums = KINDS[parts.kind].sums(summed)
    return clusters.group_by(cells).agg(**{f"{kpi.id}__{n}": v for n, v in sums.items()})


def _counted(data: Dataset, kpis: Sequence[Kpi], question: Question) -> ir.Table:
    """Rows by age and outcome; those that cannot count are cheaper to leave out afterwards."""
    rows = _placed(data, kpis, question, question.first_number)
    return _by_terms(kpis[0], rows, (PLACE, *question.by))


def _by_terms(kpi: Kpi, rows: ir.Table, cells: Sequence[str]) -> ir.Table:
    """How many rows have the same numbers, on how many of them each test holds, and their sum."""
    parts: Parts = kpi.body(rows)
    named = {f"{kpi.id}__{name}": term for name, term in parts.terms.items()}
    flags = {name for name, term in named.items() if term.type().is_boolean()}
    added = flags | {f"{kpi.id}__x"} & {*named}
    rows = rows.select(*cells, **named)
    sums = {name: rows[name].sum() for name in sorted(added)} | {f"{kpi.id}__n": rows.count()}
    ages = [name for name in named if name not in added]
    return rows.group_by([*cells, *ages]).agg(**sums)


def _standing(data: Dataset, kpis: Sequence[Kpi], question: Question) -> ir.Table:
    """Stock by when it came and left, so that it can be followed through all periods."""
    (kpi,) = kpis
    rows = fact(data, kpis, question.by, question.where)
    parts: Parts = kpi.body(rows)
    rows = rows.filter(parts.where, parts.terms["opened"] < END)
    terms = kpi.body(rows).terms
    came = ibis.greatest(terms["opened"], START)
    left = ibis.ifelse(terms["left"] < END, ibis.greatest(terms["left"], START), ibis.null("date"))
    # A deal without a price is not a deal worth nothing: both are counted as unknown.
    unknown = (terms["x"].fill_null(0.0) == 0).ifelse(1, 0)
    places = {PLACE: question.number(came), LEFT: question.number(left)}
    moved = rows.select(*question.by, **places, x=terms["x"], unknown=unknown)
    sums = {"x": moved.x.sum(), "n": moved.count(), "unknown": moved.unknown.sum()}
    cells = moved.group_by([PLACE, LEFT, *question.by])
    return cells.agg(**{f"{kpi.id}__{name}": value for name, value in sums.items()})


def _retained(data: Dataset, kpis: Sequence[Kpi], question: Question) -> ir.Table:
    """Who was there at the start, by group, and what of them is still there in any group.

    A customer who is handed over to another group has not left.
    """
    (kpi,) = kpis
    before = _there(kpi, fact(data, kpis, question.by, question.where), "base", question.by)
    after = _there(kpi, fact(data, kpis, (), None), "kept").rename(_same="_entity")
    both = before.left_join(after, before["_entity"] == after["_same"])
    each = both.select(*question.by, "base", kept=both["kept"].fill_null(0.0))
    ends = {name: each[name] for name in ("base", "kept")}
    kind = kind_of(kpi).sums(Parts(tried(kpi).kind, ends, each["base"].notnull()))
    cells = each.group_by(list(question.by)) if question.by else each
    return cells.aggregate(**{f"{kpi.id}__{name}": value for name, value in kind.items()})


def _there(kpi: Kpi, rows: ir.Table, end: str, by: Sequence[str] = ()) -> ir.Table:
    """Who is there at one end of the period, and what each is worth: 1 where nothing says."""
    parts: Parts = kpi.body(rows)
    terms = {"_entity": parts.terms["id"], end: parts.terms.get("worth", ibis.literal(1.0))}
    there = rows.mutate(**terms).filter(parts.where, parts.terms[end])
    return there.group_by([*by, "_entity"]).agg(**{end: there[end].sum()})


def _per_period(data: Dataset, kpis: Sequence[Kpi], question: Question) -> ir.Table:
    (kpi,) = kpis
    rows = fact(data, kpis, question.by, question.where)
    return of_period(rows, kpi.body(rows), kpi.id, question.by)


def _stood(data: Dataset, kpis: Sequence[Kpi], question: Question) -> ir.Table:
    """Sums over what stood at the end of one period."""
    rows = fact(data, kpis, question.by, question.where)
    cells = rows.group_by(list(question.by)) if question.by else rows
    return cells.aggregate(**_sums(data, kpis, rows))


def _stood_counted(data: Dataset, kpis: Sequence[Kpi], question: Question) -> ir.Table:
    (kpi,) = kpis
    rows = fact(data, kpis, question.by, question.where)
    parts: Parts = kpi.body(rows)
    return _by_terms(kpi, rows.filter(parts.where), question.by)


_QUERIES: dict[str, Callable[[Dataset, Sequence[Kpi], Question], ir.Table]] = {
    "flow": _flow,
    "distinct": _distinct,
    "clustered": _clustered,
    "counted": _counted,
    "standing": _standing,
    "retained": _retained,
    "period": _per_period,
    "stood": _stood,
    "stood_counted": _stood_counted,
}
