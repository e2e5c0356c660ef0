"""From findings to decisions: what is proposed, what was decided, what it brought."""

from kpi_helpers.actions.measuring import effects, measured_on
from kpi_helpers.actions.proposing import COLUMNS, noted, proposals

__all__ = ["COLUMNS", "effects", "measured_on", "noted", "proposals"]
