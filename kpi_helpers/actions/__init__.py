"""From findings to decisions: what is proposed, what was decided, what it brought."""

from kpi_helpers.actions.definitions import adapted
from kpi_helpers.actions.keeping import completion, problems, states, to_record
from kpi_helpers.actions.loop import decided, revised
from kpi_helpers.actions.measuring import effects, measured_on
from kpi_helpers.actions.priorities import checklist, page, priorities, ranked
from kpi_helpers.actions.proposing import COLUMNS, noted, proposals
from kpi_helpers.sources.action_file import recorded, register

__all__ = [
    "COLUMNS",
    "adapted",
    "checklist",
    "completion",
    "decided",
    "effects",
    "measured_on",
    "noted",
    "page",
    "priorities",
    "problems",
    "proposals",
    "ranked",
    "recorded",
    "register",
    "revised",
    "states",
    "to_record",
]
