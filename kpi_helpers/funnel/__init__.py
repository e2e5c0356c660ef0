"""How deals go through their stages: what passes, how long it takes, what is stuck or lost."""

from kpi_helpers.funnel.beside import with_earlier, with_others
from kpi_helpers.funnel.channels import channels, concordance, duels, moved_budget
from kpi_helpers.funnel.history import journeys
from kpi_helpers.funnel.losses import losses, rivals
from kpi_helpers.funnel.passages import counted
from kpi_helpers.funnel.scoring import bant, calibration, score
from kpi_helpers.funnel.stays import stays
from kpi_helpers.funnel.times import CLOCKS, cycle, cycle_chances, cycle_segments
from kpi_helpers.sources.attempts import Asked, Way, attempts
from kpi_helpers.sources.journeys import way

__all__ = [
    "CLOCKS",
    "Asked",
    "Way",
    "attempts",
    "bant",
    "calibration",
    "channels",
    "concordance",
    "counted",
    "cycle",
    "cycle_chances",
    "cycle_segments",
    "duels",
    "journeys",
    "losses",
    "moved_budget",
    "rivals",
    "score",
    "stays",
    "way",
    "with_earlier",
    "with_others",
]
