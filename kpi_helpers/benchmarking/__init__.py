"""How we stand beside others: what their figures are worth, the market, our peers, the verdict."""

from kpi_helpers.benchmarking.market import concentration, gains, sellers
from kpi_helpers.benchmarking.peers import gaps, peers
from kpi_helpers.benchmarking.perception import perception
from kpi_helpers.benchmarking.register import alike, aside, context, register
from kpi_helpers.benchmarking.verdicts import verdicts

__all__ = [
    "alike",
    "aside",
    "concentration",
    "context",
    "gains",
    "gaps",
    "peers",
    "perception",
    "register",
    "sellers",
    "verdicts",
]
