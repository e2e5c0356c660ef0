"""From findings to decisions: what is proposed, what was decided, what it brought."""

from kpi_helpers.actions.proposing import COLUMNS, noted, proposals

__all__ = ["COLUMNS", "noted", "proposals"]
