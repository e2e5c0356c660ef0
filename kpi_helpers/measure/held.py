"""Which targets hold for a period, and what has to be said of them: the rules, in one place.

A target counts for the period that holds its midpoint and is no longer than it; where targets of
several lengths cover the same days, the longest of them counts.
"""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_helpers.kpis.parts import Parts
from kpi_helpers.kpis.settled import Remark, Settled
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.derived import days_between
from kpi_helpers.sources.engine import END, START
from kpi_helpers.sources.registers import LONGEST_TARGET, SCOPES
from kpi_helpers.sources.tables import TABLES

COMPANY = "company"
LEVELS = (COMPANY, *SCOPES)


def timed(targets: ir.Table) -> ir.Table:
    """Targets with their length in ``days`` and their ``midpoint``; both ends are included."""
    between = days_between(targets.period_start, targets.period_end)
    half = (between // 2).cast("int64")
    middle = (targets.period_start + half.as_interval("D")).cast("date")
    return targets.mutate(midpoint=middle, days=between + 1)


def of_one_grain(own: ir.Table, every: ir.Table, period_days: ir.NumericValue) -> ir.Table:
    """Targets no longer than their period: a quarter's own where its months have theirs too.

    Parameters
    ----------
    own
        Targets to choose from, `timed`.
    every
        All targets that may stand in the stead of shorter ones, `timed`.
    period_days
        Length of the periods.
    """
    longest = period_days * LONGEST_TARGET
    own, longer = own.filter(own.days <= longest), every.filter(every.days <= longest)
    around = [
        own.metric == longer.metric,
        own.scope_type == longer.scope_type,
        own.scope_value.identical_to(longer.scope_value),
        own.days * LONGEST_TARGET < longer.days,
        own.midpoint >= longer.period_start,
        own.midpoint <= longer.period_end,
    ]
    return own.anti_join(longer, around)


def held(data: Dataset, targets: ir.Table, span: str, period_days: ir.NumericValue) -> ir.Table:
    """The targets that hold for the periods from `START` to `END`.

    A span that ends with the data is set against whole targets that have ended; ``all`` counts
    those too of which half has passed. A period of the calendar keeps its own targets, and says
    itself that it is running.

    Parameters
    ----------
    data
        The data set.
    targets
        Its targets, with what was achieved.
    span
        Name of a single period that no calendar names, else empty.
    period_days
        Length of the periods.

    Returns
    -------
    ibis.Table
        ``is_cut`` marks the targets left out as still running, ``is_running`` those that count
        although the period ends before them.
    """
    last, cutting = ibis.literal(data.as_of), ibis.literal(span not in ("", "all"))
    ended = ibis.literal(data.as_of + dt.timedelta(days=1)) >= END
    running = (targets.period_end > last) & ended
    begun, cut = targets.midpoint < END, ibis.literal(False)
    if span:
        cut = running & (~begun | cutting)
        begun = begun | (running & (targets.period_start < END))
    rows = targets.mutate(is_running=running, is_cut=cut).filter(targets.midpoint >= START, begun)
    every = timed(set_once(data))
    every = every.filter(~(cutting & ended & (every.period_end > last)))
    left_out = rows.filter(rows.is_cut)
    return of_one_grain(rows.filter(~rows.is_cut), every, period_days).union(left_out)


def set_once(data: Dataset) -> ir.Table:
    """The targets; one that is written down twice, with the same value, was set once."""
    targets, same = data.table("targets"), [*TABLES["targets"].keys, "value"]
    # Not ``distinct(on=…)``: PostgreSQL has no aggregate of a first value.
    again = ibis.row_number().over(ibis.window(group_by=same, order_by=same))
    return targets.filter(again == 0)


def counts(parts: Parts, rows: ir.Table) -> dict[str, ir.Scalar]:
    """How many targets count, and how many of them call for a remark."""
    flags = {"unknown": rows.is_unknown, "running": rows.is_running}
    marked = {name: (parts.where & flag).sum() for name, flag in flags.items()}
    return {"targets": parts.where.sum(), **marked}


def remarked(settled: Settled, sums: dict[str, np.ndarray], metric: str | None) -> Settled:
    """A figure on targets with what must be said of these; missing where none holds.

    Parameters
    ----------
    settled
        The figure.
    sums
        Its parts, with `counts` and ``cut``, the targets left out because they still run.
    metric
        What the targets are of.
    """
    if "cut" not in sums:
        return settled
    n, unknown, running, cut = (sums[name] for name in ("targets", "unknown", "running", "cut"))
    none, lost = n == 0, (n > 0) & (unknown == n)
    remarks = [
        Remark("notes.targets_cut", cut > 0, {"n": cut}),
        Remark("notes.scope_without_rows", lost, {}),
        Remark("notes.scopes_without_rows", (unknown > 0) & ~lost, {"k": unknown, "n": n}),
        Remark("notes.targets_running", running > 0, {"k": running, "n": n}),
    ]
    if metric is not None:
        remarks.insert(0, Remark("notes.no_target", none, {"metric": metric}))
    # What was set stays known; only what it is set against is not.
    blank = none | (lost & ~np.isnan(settled.denominator))
    return settled._replace(
        value=np.where(blank, np.nan, settled.value), remarks=(*settled.remarks, *remarks)
    )
