"""Durations of cases that may still be open: survival curves from counts at each time.

Every function takes ``time`` (ascending, without repeats, shape ``(T,)``) and the counts of what
ended at each of these times (shape ``(T,)``, or ``(..., T)`` for many groups at once; a group may
have zeros). On ties events come before censorings: an open deal of 60 days was at risk on day 60.

Medians come with inverted tests, not with a bootstrap: for the time to win of 30 deals they hold
the truth in 92 to 94 % of samples (``benchmarks/coverage.py``), the percentile bootstrap of the
counts in 88 to 95. Tests also need neither draws nor a seed.
"""

from kpi_helpers.survival.curves import Curve, Incidence, aalen_johansen, kaplan_meier
from kpi_helpers.survival.medians import (
    conditional_median,
    conditional_median_interval,
    median,
    median_interval,
    quantile,
    restricted_mean,
    won_by,
)
from kpi_helpers.survival.testing import median_test

__all__ = [
    "Curve",
    "Incidence",
    "aalen_johansen",
    "conditional_median",
    "conditional_median_interval",
    "kaplan_meier",
    "median",
    "median_interval",
    "median_test",
    "quantile",
    "restricted_mean",
    "won_by",
]
