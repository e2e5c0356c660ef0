"""How deals go through their stages: what passes, how long it takes, what is stuck or lost."""

from __future__ import annotations

from kpi_helpers.funnel.beside import with_earlier, with_others
from kpi_helpers.funnel.history import journeys
from kpi_helpers.funnel.passages import counted
from kpi_helpers.funnel.stays import stays
from kpi_helpers.funnel.times import CLOCKS, cycle, cycle_chances, cycle_segments
from kpi_helpers.sources.attempts import Asked, Way, attempts
from kpi_helpers.sources.journeys import way

__all__ = [
    "CLOCKS",
    "Asked",
    "Way",
    "attempts",
    "counted",
    "cycle",
    "cycle_chances",
    "cycle_segments",
    "journeys",
    "stays",
    "way",
    "with_earlier",
    "with_others",
]
