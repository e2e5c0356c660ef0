"""What bodies return that look at a window of time: after a lead, up to the end, or up to today."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from kpi_helpers.kpis.parts import Parts
from kpi_helpers.sources.derived import days_between
from kpi_helpers.sources.engine import END, START

# How long after its lead an order is still put down to the lead's campaign.
ATTRIBUTION_DAYS = 180


def months_before(day: ir.DateScalar, months: int) -> ir.DateScalar:
    """The first day of the months that end on the eve of a day.

    Of a day that the earlier month lacks engines take its last: the twelve months before
    29 February begin on 1 March, a year after those that end on 28 February.
    """
    span, one = ibis.interval(months=months), ibis.interval(days=1)
    return ibis.greatest(day - span, day - one - span + one)


def attributed(
    amount: ir.NumericValue,
    cluster: ir.Value,
    days: ir.IntegerValue,
    age: ir.IntegerValue | None = None,
    setting: str = "",
) -> Parts:
    """A sum of amounts that came within the window of what brought them; the others are counted.

    Parameters
    ----------
    amount
        What came.
    cluster
        What rows belong to together; the interval is that of as many clusters.
    days
        From what brought it, missing where nothing is known to have.
    age
        From what brought it to today, where only those old enough are to count.
    setting
        The KPI under whose id the settings hold the window.
    """
    terms = {"x": amount, "days": days} | ({} if age is None else {"age": age})
    return Parts("attributed", terms, amount.notnull(), cluster, ATTRIBUTION_DAYS, setting)


def spent(
    amount: ir.NumericValue, age: ir.IntegerValue, where: ir.BooleanValue, setting: str
) -> Parts:
    """A sum that somebody decided, of the days since which the window of ``setting`` has passed."""
    terms, counted = {"x": amount, "age": age}, amount.notnull() & where
    return Parts("spent", terms, counted, window=ATTRIBUTION_DAYS, setting=setting)


def paced(
    amount: ir.NumericValue, target: ir.NumericValue, targets: ir.Table, where: ir.BooleanValue
) -> Parts:
    """A ratio to the part of a target that is expected by today, with the range of past years."""
    shares = {"b": targets.expected, "least": targets.expected_least, "most": targets.expected_most}
    parts = {name: target * share for name, share in shares.items()}
    terms = {"a": amount, **parts, "whole": target, "linear": targets.is_linear.ifelse(1.0, 0.0)}
    return Parts("paced", terms, amount.notnull() & target.notnull() & where)


def active(identity: ir.Value, where: ir.BooleanValue) -> Parts:
    """How many different ones are active at the end; ``where`` uses `END` of the period."""
    return Parts("active", {"id": identity}, identity.notnull() & where)


def snapshot(
    amount: ir.NumericValue, there: ir.BooleanValue, since: ir.DateValue, age: ir.IntegerValue
) -> Parts:
    """A mean over the rows that are ``there`` today, for a period that holds today.

    What they were like before is not known: a period of the past has none. ``since`` and ``age``
    are the first day of a row and its age today.
    """
    today = (age < days_between(since, END)) & (age >= days_between(since, START))
    terms = {"x": amount, "there": there}
    return Parts("snapshot", terms, there & amount.notnull() & today.fill_null(False))
