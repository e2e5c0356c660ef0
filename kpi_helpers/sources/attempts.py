"""When each case reached each step of a funnel, of any table of events: a row an event of a case.

All of it is found out by the engine that holds the events.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import NamedTuple

import ibis
import ibis.expr.types as ir

from kpi_helpers.errors import BadInput, unknown
from kpi_helpers.language import Phrase
from kpi_helpers.periods import Period
from kpi_helpers.sources.derived import days_between

ORDERS = REACHED, ORDERED, STRICT, ANY = ("reached", "ordered", "strict", "any")
ENTRIES = FIRST, LAST, EACH = ("first", "last", "each")
UNITS = NUMBER, AMOUNT, CUSTOMER = ("number", "amount", "customer")
COLUMNS = {AMOUNT: "amount", CUSTOMER: "customer_id"}


class Way(NamedTuple):
    """How events are read as a funnel: ``steps`` in their order, and these options.

    Parameters
    ----------
    order
        ``"reached"``: a step is reached by it or by any later one, so that one that was skipped
        counts. ``"ordered"``: one after the other, whatever happens in between. ``"strict"``: each
        is the very next event. ``"any"``: the n-th place is reached with the n-th different step.
    entry
        Which entry into the first step counts: ``"first"``, ``"last"``, or ``"each"``, an attempt
        of its own that lasts until the next one. In any order there is only the first.
    window
        Days within which a step counts, from the entry; None for all the time there was.
    without
        Events that put a case out: between its entry and the last step, or the end of the window.
    """

    steps: tuple[str | int, ...]
    order: str = REACHED
    entry: str = FIRST
    window: int | None = None
    without: tuple[str, ...] = ()


class Asked(NamedTuple):
    """What is counted of attempts that began in ``spans``, none of which overlaps another.

    ``as_of`` is the last day that is known, ``by`` are columns that make groups, ``unit`` is
    ``"number"`` of attempts, ``"amount"`` (sum of the column ``amount``) or ``"customer"``
    (different values of ``customer_id``).
    """

    spans: Sequence[Period]
    as_of: dt.date
    by: tuple[str, ...] = ()
    unit: str = NUMBER


def attempts(events: ir.Table, way: Way) -> ir.Table:
    """When each attempt reached each step.

    Parameters
    ----------
    events
        Columns ``case_id``, ``step`` (text) and ``entered_at`` (day or time); events of one moment
        happened in the order of the steps.
    way
        How they are read.

    Returns
    -------
    ibis Table
        ``case_id``, where a case may have several also ``attempt``, and ``at_0, at_1…``: when the
        first step was entered, and each further one, missing where it was not within the window.

    Raises
    ------
    UnknownName, BadInput
        For an order or entry that is none, or fewer than two different steps.

    Examples
    --------
    >>> import pandas as pd
    >>> from kpi_helpers.sources.engine import frame_of, stored
    >>> days = pd.to_datetime(["2026-01-05", "2026-01-07", "2026-01-06"])
    >>> rows = {"case_id": ["A", "A", "B"], "step": ["visit", "cart", "visit"], "entered_at": days}
    >>> con = ibis.duckdb.connect()
    >>> found = attempts(stored(con, "events", pd.DataFrame(rows)), Way(("visit", "cart")))
    >>> frame_of(con, found.order_by("case_id"))["at_1"].notna().tolist()
    [True, False]
    """
    _check(way)
    moves, keys = _placed(events, way), ["case_id"]
    if way.entry != FIRST or way.order == STRICT:
        moves, keys = _numbered(moves, way), ["case_id", "attempt"]
    found = _FOUND[way.order](moves, len(way.steps), keys)
    found = within(found.filter(found.at_0.notnull()), way.window)
    return _kept(found, moves, way, keys) if way.without else found


def _check(way: Way) -> None:
    entries = ENTRIES if way.order != ANY else ENTRIES[:1]
    for name, allowed in ((way.order, ORDERS), (way.entry, entries)):
        if name not in allowed:
            raise unknown("option", name, allowed)
    if len(set(way.steps)) != len(way.steps) or len(way.steps) < 2:
        expected = Phrase("passages.two_steps")
        raise BadInput(column="steps", value=list(way.steps), expected=expected)


def _placed(events: ir.Table, way: Way) -> ir.Table:
    """Events with the place of their step, missing for what is no step."""
    places = [(events.step == name, place) for place, name in enumerate(way.steps)]
    place = ibis.cases(*places, else_=ibis.null("int64")).cast("int64")
    is_out = {"is_out": events.step.isin(way.without)} if way.without else {}
    return events.select("case_id", at=events.entered_at, place=place, **is_out)


def _numbered(moves: ir.Table, way: Way) -> ir.Table:
    """Events with the number of the attempt that they belong to, only of those that count."""
    order = ["at", moves.place.fill_null(len(way.steps))]
    begins = (moves.place == 0).fill_null(False).ifelse(1, 0)
    before = ibis.cumulative_window(group_by="case_id", order_by=order)
    moves = moves.mutate(attempt=begins.sum().over(before))
    if way.entry == EACH:
        return moves
    if way.entry == FIRST:
        return moves.filter(moves.attempt == 1)
    moves = moves.mutate(_last=moves.attempt.max().over(ibis.window(group_by="case_id")))
    return moves.filter(moves.attempt == moves._last).drop("_last")


def _reached(moves: ir.Table, size: int, keys: list[str]) -> ir.Table:
    first = {f"at_{place}": moves.at.min(where=moves.place >= place) for place in range(size)}
    return moves.group_by(keys).agg(**first)


def _ordered(moves: ir.Table, size: int, keys: list[str]) -> ir.Table:
    """Each step at its first event after the step before: no later choice would reach further."""
    entered = moves.filter(moves.place == 0)
    found = entered.group_by(keys).agg(at_0=entered.at.min())
    for place in range(1, size):
        before = found.select(*keys, before=found[f"at_{place - 1}"])
        there = moves.filter(moves.place == place).join(before, keys)
        there = there.filter(there.at >= there.before)
        there = there.group_by(keys).agg(**{f"at_{place}": there.at.min()})
        found = found.left_join(there, keys).drop(*(f"{key}_right" for key in keys))
    return found


def _strict(moves: ir.Table, size: int, keys: list[str]) -> ir.Table:
    order = ibis.window(group_by=keys, order_by=["at", moves.place.fill_null(size)])
    follows, columns = moves.place == 0, {"at_0": moves.at}
    for place in range(1, size):
        next_at, next_place = (moves[name].lead(place).over(order) for name in ("at", "place"))
        follows = follows & (next_place == place).fill_null(False)
        columns[f"at_{place}"] = ibis.ifelse(follows, next_at, ibis.null(moves.at.type()))
    rows = moves.select(*keys, "place", **columns)
    return rows.filter(rows.place == 0).drop("place")


def _any(moves: ir.Table, size: int, keys: list[str]) -> ir.Table:
    steps = moves.filter(moves.place.notnull())
    steps = steps.group_by(*keys, "place").agg(at=steps.at.min())
    nth = ibis.row_number().over(ibis.window(group_by=keys, order_by=["at", "place"]))
    steps = steps.mutate(nth=nth)
    first = {f"at_{place}": steps.at.min(where=steps.nth == place) for place in range(size)}
    return steps.group_by(keys).agg(**first)


_FOUND: dict[str, Callable[[ir.Table, int, list[str]], ir.Table]] = {
    REACHED: _reached,
    ORDERED: _ordered,
    STRICT: _strict,
    ANY: _any,
}


def within(found: ir.Table, window: int | ir.IntegerValue | None) -> ir.Table:
    """Attempts without what they reached later than so many days after their entry.

    The column ``window`` tells those days, missing for all the time there was.
    """
    days = ibis.null("int64") if window is None else window
    found = found.mutate(window=days)
    later = [name for name in found.columns if name.startswith("at_") and name != "at_0"]
    never = ibis.null(found.at_0.type())
    late = {n: days_between(found.at_0, found[n]) > found.window for n in later}
    return found.mutate(**{n: ibis.ifelse(test, never, found[n]) for n, test in late.items()})


def _kept(found: ir.Table, moves: ir.Table, way: Way, keys: list[str]) -> ir.Table:
    """Attempts but those that are out."""
    out = moves.filter(moves.is_out).select(*keys, out_at=moves.at)
    met, last = found.join(out, keys), f"at_{len(way.steps) - 1}"
    in_time = met.window.isnull() | (days_between(met.at_0, met.out_at) <= met.window)
    before = met[last].isnull() | (met.out_at < met[last])
    met = met.filter(met.out_at >= met.at_0, before, in_time)
    return found.anti_join(met.select(*keys).distinct(), keys)


def sums_of(tried: ir.Table, way: Way, asked: Asked) -> ir.Table:
    """A row a span (its place in ``asked``) and group: how many, or how much, reached each step.

    Columns ``old_n_<place>`` (number) and ``old_x_<place>`` (what is counted; with its squares
    ``old_xx_<place>`` for amounts) of the attempts whose window has passed, ``young_…`` of the
    others; ``everyone``, and ``blank``, of whom the amount or customer is not known. Where a column
    ``standing`` tells the place at which an attempt is now, ``standing_<place>`` are all those.

    Raises
    ------
    UnknownName
        For a unit that is none.
    """
    if asked.unit not in UNITS:
        raise unknown("unit", asked.unit, UNITS)
    began = tried.at_0.cast("date")
    spans = [((began >= s.start) & (began < s.end), place) for place, s in enumerate(asked.spans)]
    age = days_between(began, ibis.literal(asked.as_of))
    is_old = tried.window.isnull() | (age >= tried.window)
    rows = tried.mutate(span=ibis.cases(*spans, else_=ibis.null("int64")), is_old=is_old)
    rows = rows.filter(rows.span.notnull())
    column = COLUMNS.get(asked.unit)
    blank = (rows[column].isnull() if column else ibis.literal(False)) & rows.is_old
    sums = {"everyone": rows.is_old.sum(), "blank": blank.sum()}
    for place in range(len(way.steps)):
        there = rows[f"at_{place}"].notnull()
        for name, test in (("old", there & rows.is_old), ("young", there & ~rows.is_old)):
            parts = _parts(rows, asked.unit, test)
            sums |= {f"{name}_{part}_{place}": each for part, each in parts.items()}
        if "standing" in rows.columns:
            sums[f"standing_{place}"] = (rows.standing == place).sum()
    return rows.group_by("span", *asked.by).agg(**sums)


def _parts(rows: ir.Table, unit: str, test: ir.BooleanValue) -> dict[str, ir.Scalar]:
    """How many rows pass a test, and what they add up to."""
    if unit == NUMBER:
        n = test.sum()
        return {"n": n, "x": n}
    if unit == CUSTOMER:
        n = rows.customer_id.nunique(where=test)
        return {"n": n, "x": n}
    amount = rows.amount.cast("float64")
    known = test & amount.notnull()
    return {
        "n": known.sum(),
        "x": amount.sum(where=known),
        "xx": (amount * amount).sum(where=known),
    }
