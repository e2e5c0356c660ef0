"""Where the quarter will land: its deals and its months together, and the chance of its target."""

from kpi_helpers.landing.quarter import Landed, landing
from kpi_helpers.landing.replay import Past, past, reliability, replay, scores

__all__ = ["Landed", "Past", "landing", "past", "reliability", "replay", "scores"]
