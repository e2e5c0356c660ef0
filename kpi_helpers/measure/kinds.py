"""The kinds of figures: what the engine adds up for each, and how it becomes a value.

=================  ==================================  =============================  ===========
kind               parts                               interval                       adds over
=================  ==================================  =============================  ===========
count              count                               Garwood                        both
total              Σ, Σx²                              none: exact for the past       both
decided            Σ                                   none                           both
share              k, n                                Wilson                         both
ratio              Σa, Σb, squares, product            Fieller                        both
value_share        as ratio                            Fieller                        both
mature_ratio       as ratio, counts                    Fieller                        both
exact_ratio        Σa, Σb                              none                           both
clustered_ratio    the same over clusters              Fieller on clusters            nothing
clustered_share    the same over clusters              Wilson, design effect          nothing
stars              n, Σx, Σx², Σx³                     Hall, within 1 to 5            both
promoters          promoters − detractors, both, n     adjusted Wald                  both
average            n, Σx, Σx², Σx³                     Hall                           both
distinct           count of different ids              Garwood                        nothing
duration           counts by age and outcome           inverted test                  both
waiting            counts by age and outcome           inverted test                  both
cohort             counts by age × days to convert     Wilson                         both
standing           opened less left, running           none                           dimensions
retained           k, n over entities                  Wilson                         nothing
churned, upsold    k, n over entities                  Wilson                         nothing
kept_gross         Σa, Σb, squares over entities       Fieller, within 0 to 1         nothing
kept_net           Σa, Σb, squares over entities       Fieller                        nothing
varied             k, n over entities                  Wilson                         nothing
at_risk            Σa, Σb over entities                none                           nothing
present            Σ by the part of the period there   none                           dimensions
newcomers          as clustered_ratio                  Fieller on clusters            nothing
largest            Σ of the largest entities, of all   none                           nothing
outside            what a source says                  the source's own range         nothing
gap                the best less our own figure        that of our own                nothing
effect             differences of two groups           MOVER                          nothing
share_then         as share, at the end of a period    Wilson                         dimensions
value_share_then   as value_share, at the end          Fieller                        dimensions
chances            counts by amount × chance           2.5 to 97.5 % of the sums      dimensions
age_then           counts by age                       none                           dimensions
cohort_total       Σ by age × days to the event        none                           both
attributed         Σ, Σx² over clusters                gamma                          nothing
spent              Σ                                   none                           both
paced              Σa, Σb, Σb at the least and most    range of past years            both
active             count of different ids              Garwood                        nothing
snapshot           as average                          Hall                           dimensions
=================  ==================================  =============================  ===========

The parts add; values never do. ``both`` means over periods and dimensions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import ibis.expr.types as ir
import numpy as np

from kpi_helpers import intervals
from kpi_helpers.kpis.parts import Parts
from kpi_helpers.kpis.settled import Array, Remark, Settled, divided
from kpi_helpers.measure.attribution import attributed_sums, settle_attributed, settle_spent
from kpi_helpers.measure.kept import kept_sums, unless_still, within_one
from kpi_helpers.measure.opinions import (
    Sums,
    settle_clustered_share,
    settle_promoters,
    settle_stars,
    unless_few,
)
from kpi_helpers.measure.outside import settle_told
from kpi_helpers.measure.sums import (
    count_sums,
    distinct_sums,
    exact_sums,
    mature_sums,
    moment_sums,
    no_sums,
    ratio_sums,
    share_sums,
    total_sums,
    value_share_sums,
)
from kpi_helpers.measure.whole import settle_exact, settle_largest, settle_paced, settle_snapshot

PERIODS, DIMENSIONS = "periods", "dimensions"
BOTH = (PERIODS, DIMENSIONS)


@dataclass(frozen=True)
class Kind:
    """How one kind of figure is asked and settled.

    Parameters
    ----------
    ask
        Which query serves it: ``flow`` (one pass, with all others of its table and date),
        ``clustered``, ``counted``, ``standing``, ``retained``, ``period``, ``stood`` or
        ``stood_counted``; ``told`` stands in a register.
    sums
        Parts → aggregates of one cell.
    settle
        Summed parts → values.
    adds_over
        What its parts may be added over.
    sampled
        Whether n says how far the figure can be trusted.
    """

    ask: str
    sums: Callable[[Parts], dict[str, ir.Scalar]]
    settle: Callable[[Sums], Settled]
    adds_over: tuple[str, ...] = BOTH
    sampled: bool = True


def _blank(like: Array) -> Array:
    return np.full(like.shape, np.nan)


def _settle_count(sums: Sums) -> Settled:
    k = sums["k"]
    low, high = intervals.garwood(k)
    return Settled(k, k, _blank(k), k, low, high, "garwood", pace=1.0)


def _settle_total(sums: Sums) -> Settled:
    """Exact; the root of Σx² is its standard error as a compound Poisson sum."""
    x, blank = sums["x"], _blank(sums["x"])
    if "xx" not in sums:
        return Settled(x, x, blank, sums["n"], blank, blank, "exact")
    spread = np.sqrt(sums["xx"])
    return Settled(x, x, blank, sums["n"], blank, blank, "exact", spread=spread, pace=1.0)


def _settle_decided(sums: Sums) -> Settled:
    """Spend and targets that nobody wrote down are not known; they are not zero."""
    settled = _settle_total(sums)
    value = np.where(sums["n"] > 0, settled.value, np.nan)
    return settled._replace(value=value, numerator=value)


def _settle_share(sums: Sums) -> Settled:
    k, n = sums["k"], sums["n"]
    low, high = intervals.wilson(k, n)
    return Settled(divided(k, n), k, n, n, low, high, "wilson")


def _settle_ratio(sums: Sums) -> Settled:
    """Fieller's interval; the delta method's where so few cases leave Fieller's unbounded.

    Under five cases there is none: their spread says next to nothing of the spread of all.
    """
    six = [sums[name] for name in ("n", "a", "b", "aa", "bb", "ab")]
    fieller, delta = intervals.fieller(*six), intervals.ratio(*six)
    low, high = (np.where(np.isnan(f), d, f) for f, d in zip(fieller, delta, strict=True))
    a, b = sums["a"], sums["b"]
    low, high = unless_few(np.where(b > 0, sums["n"], 0), low, high)
    value = divided(a, np.maximum(b, 0))
    return Settled(value, a, b, sums["n"], low, high, "fieller")


def _settle_mature(sums: Sums) -> Settled:
    settled, n, of = _settle_ratio(sums), sums["n"], sums["of"]
    remark = Remark("notes.partly_young", n < of, {"n": n, "everyone": of})
    return settled._replace(remarks=(remark,), young=(n == 0) & (of > 0))


def _settle_clustered(sums: Sums) -> Settled:
    return _settle_ratio(sums)._replace(method="clustered fieller")


def _settle_value_share(sums: Sums) -> Settled:
    """Missing where some rows lie outside the part and none of them carries an amount."""
    settled = within_one(_settle_ratio(sums), sums)
    blind = (sums["outside"] > 0) & (sums["outside_priced"] == 0)
    value, low, high = (
        np.where(blind, np.nan, x) for x in (settled.value, settled.low, settled.high)
    )
    unknown = sums["of"] - sums["n"]
    remarks = (
        Remark("notes.outside_unknown", blind, {}),
        Remark(
            "notes.unknown_amounts", ~blind & (unknown > 0), {"unknown": unknown, "n": sums["of"]}
        ),
    )
    return settled._replace(value=value, low=low, high=high, remarks=remarks)


def _settle_kept_gross(sums: Sums) -> Settled:
    return within_one(_settle_clustered(sums), sums)


def _settle_kept_net(sums: Sums) -> Settled:
    return unless_still(_settle_clustered(sums), sums)


def _settle_average(sums: Sums) -> Settled:
    n, x = sums["n"], sums["x"]
    low, high = unless_few(n, *intervals.hall(n, x, sums["xx"], sums["xxx"]))
    return Settled(divided(x, n), x, n, n, low, high, "hall")


def _settle_standing(sums: Sums) -> Settled:
    return _unless_unknown(_settle_total(sums), sums["unknown"], sums["n"], "amounts")


def _settle_flow(sums: Sums) -> Settled:
    settled, lacking = _settle_total(sums), sums["lacking"]
    return _unless_unknown(settled, lacking, settled.n + lacking, "figures", most=1.0)


def _unless_unknown(
    settled: Settled, unknown: Array, n: Array, what: str, most: float = 0.5
) -> Settled:
    """A sum has no value where so many of its rows carry no amount; the note counts them.

    From a tenth on it is to be read with care.
    """
    value = np.where((unknown > 0) & (unknown >= most * n), np.nan, settled.value)
    remark = Remark(f"notes.unknown_{what}", unknown > 0, {"unknown": unknown, "n": n})
    doubtful = (unknown > 0) & (10 * unknown >= n)
    return settled._replace(value=value, numerator=value, remarks=(remark,), doubtful=doubtful)


KINDS: dict[str, Kind] = {
    "count": Kind("flow", count_sums, _settle_count, sampled=False),
    "total": Kind("flow", total_sums, _settle_flow, sampled=False),
    "decided": Kind("flow", exact_sums, _settle_decided, sampled=False),
    "share": Kind("flow", share_sums, _settle_share),
    "ratio": Kind("flow", ratio_sums, _settle_ratio),
    "mature_ratio": Kind("flow", mature_sums, _settle_mature),
    "value_share": Kind("flow", value_share_sums, _settle_value_share),
    "exact_ratio": Kind("flow", exact_sums, settle_exact, sampled=False),
    "promoters": Kind("flow", share_sums, settle_promoters),
    "stars": Kind("flow", moment_sums, settle_stars),
    "average": Kind("flow", moment_sums, _settle_average),
    "distinct": Kind("distinct", distinct_sums, _settle_count, (), sampled=False),
    "clustered_ratio": Kind("clustered", ratio_sums, _settle_clustered, ()),
    "clustered_share": Kind("clustered", ratio_sums, settle_clustered_share, ()),
    "duration": Kind("counted", no_sums, _settle_total),
    "waiting": Kind("counted", no_sums, _settle_total),
    "cohort": Kind("counted", no_sums, _settle_total),
    "standing": Kind("standing", no_sums, _settle_standing, (DIMENSIONS,), sampled=False),
    **{
        kind: Kind("retained", kept_sums(kind), _settle_share, ())
        for kind in ("retained", "churned", "upsold")
    },
    "kept_gross": Kind("retained", kept_sums("kept_gross"), _settle_kept_gross, ()),
    "kept_net": Kind("retained", kept_sums("kept_net"), _settle_kept_net, ()),
    "varied": Kind("period", no_sums, _settle_share, ()),
    "at_risk": Kind("period", no_sums, settle_exact, (), sampled=False),
    "present": Kind("period", no_sums, _settle_total, (DIMENSIONS,), sampled=False),
    "newcomers": Kind("period", no_sums, _settle_clustered, ()),
    "largest": Kind("period", no_sums, settle_largest, (), sampled=False),
    "outside": Kind("told", no_sums, partial(settle_told, "outside"), (), sampled=False),
    "gap": Kind("told", no_sums, partial(settle_told, "gap"), ()),
    "effect": Kind("told", no_sums, partial(settle_told, "effect"), ()),
    "share_then": Kind("period", no_sums, _settle_share, (DIMENSIONS,)),
    "value_share_then": Kind("stood", value_share_sums, _settle_value_share, (DIMENSIONS,)),
    "chances": Kind("stood_counted", no_sums, _settle_total, (DIMENSIONS,), sampled=False),
    "age_then": Kind("stood_counted", no_sums, _settle_total, (DIMENSIONS,), sampled=False),
    "cohort_total": Kind("counted", no_sums, _settle_total, sampled=False),
    "attributed": Kind("clustered", attributed_sums, settle_attributed, (), sampled=False),
    "spent": Kind("flow", attributed_sums, settle_spent, sampled=False),
    "paced": Kind("flow", exact_sums, settle_paced, sampled=False),
    "active": Kind("period", no_sums, _settle_count, (), sampled=False),
    "snapshot": Kind("period", no_sums, settle_snapshot, (DIMENSIONS,)),
}
