"""From findings to decisions: what is proposed, what was decided, what it brought."""

from kpi_helpers.actions.proposing import COLUMNS, money_at_stake, noted, proposals

__all__ = ["COLUMNS", "money_at_stake", "noted", "proposals"]
