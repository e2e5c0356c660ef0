"""Calls and answers to leads: what becomes of them, when they are missed, how soon they come."""

from kpi_helpers.outreach.calls import call_steps, call_times, missed
from kpi_helpers.outreach.leads import agreed, responses

__all__ = ["agreed", "call_steps", "call_times", "missed", "responses"]
