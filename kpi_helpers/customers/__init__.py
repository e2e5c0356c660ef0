"""Customers: what one costs and leaves, how often they buy, who stays."""

from kpi_helpers.customers.economics import economics
from kpi_helpers.customers.levers import Worth, with_levers, worth
from kpi_helpers.customers.outlook import Outlook, outlook
from kpi_helpers.customers.retention import bridge, by_age, cohorts, recurring
from kpi_helpers.customers.rfm import moves, segments
from kpi_helpers.customers.running import survival

__all__ = [
    "Outlook",
    "Worth",
    "bridge",
    "by_age",
    "cohorts",
    "economics",
    "moves",
    "outlook",
    "recurring",
    "segments",
    "survival",
    "with_levers",
    "worth",
]
