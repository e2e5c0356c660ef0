"""From findings to decisions: what is proposed, what was decided, what it brought."""

from kpi_helpers.actions.loop import adapted, decided, revised
from kpi_helpers.actions.measuring import effects, measured_on
from kpi_helpers.actions.priorities import CAUSES, page, priorities, ranked
from kpi_helpers.actions.proposing import COLUMNS, noted, proposals

__all__ = ["CAUSES", "COLUMNS", "adapted", "decided", "effects", "measured_on", "noted", "page"]
__all__ += ["priorities", "proposals", "ranked", "revised"]
