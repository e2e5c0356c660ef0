"""Customers: what one costs and leaves, how often they buy, who stays."""

from kpi_helpers.customers.economics import economics
from kpi_helpers.customers.outlook import Outlook, outlook

__all__ = ["Outlook", "economics", "outlook"]
