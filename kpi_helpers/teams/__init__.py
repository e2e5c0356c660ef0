"""Reps beside each other without their luck, beside their own past, and their targets added up."""

from __future__ import annotations

from kpi_helpers.teams.goals import targets
from kpi_helpers.teams.past import card, trends
from kpi_helpers.teams.reps import compared

__all__ = ["card", "compared", "targets", "trends"]
