"""How deals go through their stages: what passes, how long it takes, what is stuck or lost."""

from kpi_helpers.funnel.beside import with_earlier, with_others
from kpi_helpers.funnel.bottleneck import bottlenecks
from kpi_helpers.funnel.channels import channels, concordance, duels, moved_budget
from kpi_helpers.funnel.graded import graded, open_cases
from kpi_helpers.funnel.habits import Cases, Prepared, cases, outlook, prepared
from kpi_helpers.funnel.history import journeys
from kpi_helpers.funnel.leak import leak
from kpi_helpers.funnel.losses import losses, rivals
from kpi_helpers.funnel.movement import movement
from kpi_helpers.funnel.passages import counted
from kpi_helpers.funnel.promises import coverage, put_off, slipped
from kpi_helpers.funnel.readings import around, by_group, conversion, trend
from kpi_helpers.funnel.scoring import Bant, bant, calibration, score
from kpi_helpers.funnel.shop import checkout
from kpi_helpers.funnel.stalled import next_steps, stalled
from kpi_helpers.funnel.stays import stays
from kpi_helpers.funnel.times import CLOCKS, cycle, cycle_chances, cycle_segments
from kpi_helpers.funnel.whatif import (
    agreed,
    beside_base,
    chance_of,
    levers,
    losing_steps,
    what_if,
    won_by,
)
from kpi_helpers.sources.attempts import Asked, Way, attempts
from kpi_helpers.sources.checks.moves import integrity, odd_rows
from kpi_helpers.sources.journeys import way

__all__ = [
    "CLOCKS",
    "Asked",
    "Bant",
    "Cases",
    "Prepared",
    "Way",
    "agreed",
    "around",
    "attempts",
    "bant",
    "beside_base",
    "bottlenecks",
    "by_group",
    "calibration",
    "cases",
    "chance_of",
    "channels",
    "checkout",
    "concordance",
    "conversion",
    "counted",
    "coverage",
    "cycle",
    "cycle_chances",
    "cycle_segments",
    "duels",
    "graded",
    "integrity",
    "journeys",
    "leak",
    "levers",
    "losing_steps",
    "losses",
    "moved_budget",
    "movement",
    "next_steps",
    "odd_rows",
    "open_cases",
    "outlook",
    "prepared",
    "put_off",
    "rivals",
    "score",
    "slipped",
    "stalled",
    "stays",
    "trend",
    "way",
    "what_if",
    "with_earlier",
    "with_others",
    "won_by",
]
