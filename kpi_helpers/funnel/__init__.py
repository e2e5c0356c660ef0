"""How deals go through their stages: what passes, how long it takes, what is stuck or lost."""

from __future__ import annotations

from kpi_helpers.funnel.history import journeys
from kpi_helpers.sources.journeys import way

__all__ = ["journeys", "way"]
