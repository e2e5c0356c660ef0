"""Intervals: how far a figure may be from the truth, computed from its parts.

Every function takes numbers or arrays that broadcast against each other and returns
``(low, high)``. Missing in, missing out; without cases the limits are missing. How often each
interval holds the truth is measured by ``benchmarks/coverage.py``.
"""

from kpi_helpers.intervals.combined import compound, newcombe, product, quotient
from kpi_helpers.intervals.estimates import fieller, garwood, hall, nps, ratio, wilson

__all__ = [
    "compound",
    "fieller",
    "garwood",
    "hall",
    "newcombe",
    "nps",
    "product",
    "quotient",
    "ratio",
    "wilson",
]
