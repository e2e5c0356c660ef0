"""The tables that are made of others, such as the stays of deals in stages, and all there are."""

from __future__ import annotations

from kpi_helpers.sources.schema import Column, Table, dates, key, numbers, plan, texts, times
from kpi_helpers.sources.tables import DEALS, LEADS, TABLES

# Made of histories (see `course`): each row has the columns of its deal too.
_OF_DEALS = (
    *DEALS,
    *(Column(f"is_{name}", "flag") for name in ("won", "lost", "open", "decided")),
    *dates("opened_at", "left_at"),
)


def _made(name: str, dated: str, *own: Column) -> Table:
    own = (key("deal_id"), Column("stage", required=True, dimension=True), *own)
    names = {column.name for column in own}
    lent = (column for column in _OF_DEALS if column.name not in names)
    return Table(name, (*own, *lent), dated=dated, money="amount")


STAGE_STEPS = _made(
    "stage_steps",
    "entered_at",
    *dates("entered_at", "advanced_at", "lost_at"),
    *numbers("age_days"),
)
STAGE_VISITS = _made(
    "stage_visits",
    "entered_on",
    *times("entered_at"),
    *dates("entered_on", "gone_at"),
    *numbers("days_there"),
    Column("is_back", "flag"),
)
CLOSING_DATES = _made(
    "closing_dates",
    "changed_at",
    *dates("changed_at", "until_at"),
    plan("expected_close", required=True),
)
STANDING_DEALS = _made(
    "standing_deals",
    "opened_at",
    *dates("since"),
    *numbers("usual_days", "win_chance"),
    Column("is_late", "flag"),
)

# A row a case and step that it reached (see `journeys`).
_CASE = (
    key("case_id"),
    Column("step", required=True, key=True, dimension=True),
    Column("place", "number", required=True),
    *dates("entered_at", "advanced_at", "lost_at", "ended_at"),
    *numbers("age_days", "amount"),
    Column("outcome", dimension=True),
    *texts("lead_id", "deal_id", "customer_id"),
)
JOURNEYS = Table(
    "journeys",
    (*_CASE, *dict.fromkeys(c for c in (*DEALS, *LEADS) if c.dimension)),
    dated="entered_at",
    money="amount",
)

# Tables that are made of others, and those that they cannot do without.
MADE: dict[str, tuple[str, ...]] = {
    "stage_steps": ("stage_history",),
    "stage_visits": ("stage_history",),
    "closing_dates": ("close_date_history", "deals"),
    "standing_deals": ("deals",),
    "journeys": (),  # of deals, leads or a history of stages, whichever there are
}
FACTS = TABLES | {
    table.name: table
    for table in (STAGE_STEPS, STAGE_VISITS, CLOSING_DATES, STANDING_DEALS, JOURNEYS)
}
