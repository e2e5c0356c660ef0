"""What so many cases can show: the least increase that would be found, and the period to read."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np

from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.errors import BadInput
from kpi_helpers.language import Phrase
from kpi_helpers.measure.facts import kind_of
from kpi_helpers.measure.judge import ENOUGH

HALVINGS = 60
DAYS = {"month": 365.25 / 12, "quarter": 365.25 / 4, "year": 365.25}
# February is a month too.
LONGER = 1.15
# What these count does not grow with the length of the period.
STANDING = ("retained", "standing", "period")


def detectable(base: Any, n: Any, beside: Any = None, power: float = 0.8) -> Any:
    """Return the smallest increase of a share that a comparison would establish.

    Of two groups, the smallest difference that a two-sided z-test at 5 % finds with this power
    (Fleiss, Levin and Paik 2003, Statistical Methods for Rates and Proportions, 4.3, without
    continuity correction). A decrease of a share is an increase of what is left of it.

    Parameters
    ----------
    base : float or array
        The share to start from, 0 to 1.
    n : float or array
        Cases of the group or period.
    beside : float or array, optional
        Cases of what it stands beside; by default as many.
    power : float
        How often an increase of this size has to be found.

    Returns
    -------
    float or numpy.ndarray
        A difference of shares (0.09 is nine points); missing where not even a rise to 100 % would
        be found.

    Raises
    ------
    BadInput
        For a base or power outside 0 to 1.

    Examples
    --------
    >>> [round(float(100 * detectable(0.25, n)), 1) for n in (50, 100, 1000)]
    [26.9, 18.7, 5.6]
    """
    base, n, other = np.broadcast_arrays(
        *(np.asarray(x, float) for x in (base, n, n if beside is None else beside))
    )
    for name, value in (("base", base), ("power", np.asarray(power))):
        if ((value < 0) | (value > 1)).any():
            raise BadInput(column=name, value=str(value), expected=Phrase("expected.share"))
    low, high = np.zeros_like(base), 1 - base
    reached = _is_found(base, high, n, other, power)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        found = _is_found(base, middle, n, other, power)
        low, high = np.where(found, low, middle), np.where(found, middle, high)
    return np.where(reached, high, np.nan)[()]


def _is_found(base: Any, rise: Any, n: Any, other: Any, power: float) -> Any:
    """Whether a rise exceeds what chance explains by enough to be found that often."""
    normal, after = NormalDist(), base + rise
    pooled = (base * other + after * n) / (n + other)
    by_chance = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / other))
    spread = np.sqrt(base * (1 - base) / other + after * (1 - after) / n)
    return rise >= normal.inv_cdf(0.975) * by_chance + normal.inv_cdf(power) * spread


def readable_grain(kpi: str, n: float, days: float) -> str:
    """Return the next of month, quarter and year in which a KPI has the 30 cases to be read.

    Parameters
    ----------
    kpi
        Its id.
    n, days
        Its cases in a period, and how many days that is: they are taken to come evenly.

    Returns
    -------
    str
        ``"month"``, ``"quarter"``, ``"year"``; ``"none"`` where a year has too few; empty for
        a KPI whose cases do not grow with the period (customers at its start).

    Examples
    --------
    >>> import kpi_helpers.kpis
    >>> readable_grain("win_rate_count", 17, 31), readable_grain("win_rate_count", 2, 31)
    ('quarter', 'none')
    """
    declared = REGISTRY.get(kpi)
    if declared is None or not (declared.derived or kind_of(declared).ask not in STANDING):
        return ""
    longer = {grain: of / days for grain, of in DAYS.items() if of > LONGER * days}
    return next((grain for grain, times in longer.items() if n * times >= ENOUGH), "none")
