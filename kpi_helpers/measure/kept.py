"""What became of those who were there at the start of a period, and of what they were worth."""

from __future__ import annotations

from collections.abc import Callable

import ibis
import ibis.expr.types as ir
import numpy as np

from kpi_helpers import intervals
from kpi_helpers.kpis.parts import Parts
from kpi_helpers.kpis.settled import Settled, divided
from kpi_helpers.measure.opinions import FEWEST, Sums
from kpi_helpers.measure.whole import squares

CENT = 0.01


def kept_sums(kind: str) -> Callable[[Parts], dict[str, ir.Scalar]]:
    """The sums of a kind over entities, of which ``base`` and ``kept`` say what each was and is."""

    def sums(parts: Parts) -> dict[str, ir.Scalar]:
        base, kept = parts.terms["base"], parts.terms["kept"]
        n = base.count()
        if kind in ("kept_gross", "kept_net"):
            a = ibis.least(base, kept) if kind == "kept_gross" else kept
            return {"n": n, **squares(a, base)}
        # A fee that is the same may differ in its last digit.
        tests = {"retained": kept > 0, "churned": kept <= 0, "upsold": kept - base > CENT / 2}
        return {"k": tests[kind].sum().fill_null(0), "n": n}

    return sums


def within_one(settled: Settled, sums: Sums) -> Settled:
    """Part of an amount, from 0 to 1.

    All or nothing of the amount has no spread of its own: there the interval is Wilson's on the
    number of equal amounts that would weigh as much (Kish 1965).
    """
    extreme = (sums["a"] == 0) | (sums["a"] == sums["b"])
    alike = divided(sums["b"] ** 2, sums["bb"])
    limits = intervals.wilson(settled.value * alike, alike)
    low, high = (
        np.where(extreme & (sums["n"] >= FEWEST), other, own)
        for other, own in zip(limits, (settled.low, settled.high), strict=True)
    )
    return settled._replace(low=np.maximum(low, 0), high=np.minimum(high, 1))


def unless_still(settled: Settled, sums: Sums) -> Settled:
    """No interval where nothing at all moved: that says nothing of how much may move."""
    still = (sums["aa"] == sums["bb"]) & (sums["ab"] == sums["bb"])
    low, high = (np.where(still, np.nan, bound) for bound in (settled.low, settled.high))
    return settled._replace(low=low, high=high)
