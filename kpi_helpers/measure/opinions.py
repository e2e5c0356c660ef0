"""Figures made of what people answer: shares of clusters, marks in stars, promoter scores."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kpi_helpers import intervals
from kpi_helpers.kpis.settled import Array, Remark, Settled, divided

Sums = Mapping[str, Array]
FEWEST = 5


def unless_few(n: Array, low: Array, high: Array) -> tuple[Array, Array]:
    """Limits, missing where there are too few cases to know a spread."""
    return np.where(n < FEWEST, np.nan, low), np.where(n < FEWEST, np.nan, high)


def settle_clustered_share(sums: Sums) -> Settled:
    """Wilson's interval on as many independent cases as would say as much (Kish 1965).

    The design effect is the variance between clusters over that of independent cases, taken as 1
    where it is less or not known. More cases than there can be are no share.
    """
    k, n, clusters = sums["a"], sums["b"], sums["n"]
    share = np.where((k < 0) | (k > n), np.nan, divided(k, n))
    between = np.maximum(sums["aa"] - 2 * share * sums["ab"] + share**2 * sums["bb"], 0)
    effect = divided(between * clusters * (n - 1), (clusters - 1) * n**2 * share * (1 - share))
    alike = np.maximum(n / np.fmax(effect, 1), 1)
    low, high = intervals.wilson(share * alike, alike)
    strange = (k < 0) | (k > n)
    remarks = (Remark("notes.more_than_all", strange, {"k": k, "n": n}),)
    return Settled(share, k, n, n, low, high, "clustered wilson", remarks)


def settle_stars(sums: Sums) -> Settled:
    """Marks that are all alike have no spread of their own: there the interval is Wilson's."""
    n, x = sums["n"], sums["x"]
    same = n * sums["xx"] - x**2 <= 1e-9 * n**2
    hall = intervals.hall(n, x, sums["xx"], sums["xxx"])
    wilson = (1 + 4 * share for share in intervals.wilson((x - n) / 4, n))
    low, high = (np.where(same, w, h) for w, h in zip(wilson, hall, strict=True))
    low, high = unless_few(n, np.maximum(low, 1), np.minimum(high, 5))
    return Settled(divided(x, n), x, n, n, low, high, "hall")


def settle_promoters(sums: Sums) -> Settled:
    """The spread is the standard error by the variance of a multinomial."""
    k, n, extreme = sums["k"], sums["n"], sums["extreme"]
    low, high = intervals.nps((extreme + k) / 2, n - extreme, (extreme - k) / 2)
    value = 100 * divided(k, n)
    spread = np.sqrt(divided(1e4 * divided(extreme, n) - value**2, n))
    remark = Remark("notes.off_scale", sums["strange"] > 0, {"k": sums["strange"]})
    return Settled(value, k, n, n, low, high, "adjusted wald", (remark,), spread=spread)
