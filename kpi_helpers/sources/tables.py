"""The tables of what happened, and of whom and what it happened to.

A source is mapped onto these tables once; everything above speaks only of them. Columns of the
source that are not listed here are kept as dimensions.
"""

from kpi_helpers.sources.registers import REGISTERS
from kpi_helpers.sources.schema import (
    Column,
    Table,
    dates,
    dims,
    key,
    must,
    numbers,
    plan,
    texts,
    times,
)

_BANT = tuple(
    Column(f"bant_{item}", "number") for item in ("budget", "authority", "need", "timeline")
)

_OUTCOMES = ("answered", "missed", "voicemail", "booked", "held", "no_show")
_OWNER = Column("owner", required=True, key=True, dimension=True)
_RATED = ("question_id", "subject", "attribute")

DEALS = Table(
    "deals",
    (
        key("deal_id"),
        must("created_at", "date"),
        must("status", values=("open", "won", "lost")),
        Column("closed_at", "date"),
        *numbers("amount", "list_amount", "probability_crm"),
        plan("expected_close"),
        *dates("first_contact_at"),
        *texts("customer_id", "customer_name", "lead_id", "deal_name"),
        *dims("owner", "stage", "source", "campaign", "sales_channel", "segment", "sector"),
        *dims("region", "product", "deal_type", "lost_reason", "competitor", "currency"),
        *_BANT,
    ),
    dated="created_at",
    money="amount",
)

STAGE_HISTORY = Table(
    "stage_history",
    (
        key("deal_id"),
        Column("stage", required=True, key=True, dimension=True),
        Column("entered_at", "time", required=True, key=True),
        *numbers("amount_at_entry"),
        *texts("changed_by"),
    ),
    dated="entered_at",
    money="amount_at_entry",
)

CLOSE_DATE_HISTORY = Table(
    "close_date_history",
    (
        key("deal_id"),
        Column("changed_at", "time", required=True, key=True),
        plan("expected_close", required=True),
    ),
    dated="changed_at",
)

LEADS = Table(
    "leads",
    (
        key("lead_id"),
        must("created_at", "date"),
        *dims("source", "campaign", "self_reported_source", "owner", "segment", "region"),
        *dims("utm_source", "utm_medium", "utm_campaign"),
        *dates("mql_at", "handed_over_at", "accepted_at", "sql_at", "converted_at"),
        *times("received_at", "first_response_at"),
        *texts("rejected_reason", "customer_id", "customer_name", "email", "phone"),
        *_BANT,
    ),
    dated="created_at",
)

CUSTOMERS = Table(
    "customers",
    (
        key("customer_id"),
        *dates("first_seen", "contract_start"),
        plan("contract_end"),
        *numbers("mrr"),
        *dims("segment", "region", "sector"),
        *texts("customer_name", "parent_id", "email", "phone"),
    ),
    dated="first_seen",
    money="mrr",
)

MRR = Table(
    "mrr",
    (
        key("customer_id"),
        Column("month", "date", required=True, key=True),
        must("mrr", "number"),
    ),
    dated="month",
    money="mrr",
)

ORDERS = Table(
    "orders",
    (
        key("order_id"),
        must("order_date", "date"),
        must("amount_net", "number"),
        Column("type", values=("order", "refund"), dimension=True),
        *texts("customer_id", "customer_name", "original_order_id"),
        *numbers("cost", "margin"),
        *dates("invoice_date"),
        *dims("product_family", "channel", "device", "owner", "region", "currency"),
    ),
    dated="order_date",
    money="amount_net",
)

ORDER_LINES = Table(
    "order_lines",
    (
        Column("order_id", required=True),
        Column("line_no"),
        must("order_date", "date"),
        must("amount_net", "number"),
        *numbers("quantity", "unit_price", "cost"),
        Column("type", values=("order", "refund"), dimension=True),
        *texts("customer_id", "original_order_id"),
        *dims("product", "product_family", "channel", "device", "owner", "region", "currency"),
    ),
    dated="order_date",
    money="amount_net",
)

SPEND = Table(
    "spend",
    (
        must("date", "date"),
        must("amount", "number"),
        Column("channel", required=True, dimension=True),
        must("cost_type", values=("media", "tools", "salaries", "indirect")),
        *dims("campaign", "currency"),
    ),
    dated="date",
    money="amount",
)

ACTIVITIES = Table(
    "activities",
    (
        key("activity_id"),
        must("type", values=("call", "email", "meeting", "note", "ticket", "complaint")),
        must("started_at", "time"),
        Column("direction", values=("in", "out"), dimension=True),
        Column("outcome", values=_OUTCOMES, dimension=True),
        *numbers("wait_s", "duration_s", "note_words"),
        *dims("owner"),
        *texts("lead_id", "deal_id", "customer_id", "note"),
        *times("first_reply_at"),
    ),
    dated="started_at",
)

# An answer sheet has a row for each question, or for each attribute and company rated.
SURVEYS = Table(
    "surveys",
    (
        key("response_id"),
        *(Column(part, key=True, dimension=True) for part in _RATED),
        must("type", values=("csat", "nps", "ces", "review", "perception")),
        must("responded_at", "date"),
        *(must(name, "number") for name in ("score", "scale_min", "scale_max")),
        *numbers("invited_n"),
        *dims("wave", "touchpoint", "channel", "owner"),
        *texts("customer_id", "comment"),
    ),
    dated="responded_at",
)

WEB_FUNNEL = Table(
    "web_funnel",
    (
        Column("date", "date", required=True, key=True),
        *(Column(part, key=True, dimension=True) for part in ("source", "device")),
        *numbers("sessions", "product_views", "carts", "checkouts", "orders"),
    ),
    dated="date",
)

CAMPAIGN_STATS = Table(
    "campaign_stats",
    (
        Column("date", "date", required=True, key=True),
        Column("campaign", required=True, key=True, dimension=True),
        *dims("channel"),
        *numbers("sent", "delivered", "opens", "clicks"),
    ),
    dated="date",
)

REPS = Table(
    "reps",
    (_OWNER, *dims("team", "role"), plan("start"), plan("end"), *numbers("fte")),
)

PRODUCTS = Table(
    "products",
    (key("product"), *dims("product_family"), *numbers("list_price", "unit_cost")),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        DEALS,
        STAGE_HISTORY,
        CLOSE_DATE_HISTORY,
        LEADS,
        CUSTOMERS,
        MRR,
        ORDERS,
        ORDER_LINES,
        SPEND,
        ACTIVITIES,
        SURVEYS,
        WEB_FUNNEL,
        CAMPAIGN_STATS,
        REPS,
        PRODUCTS,
        *REGISTERS.values(),
    )
}

# Made of histories (see `sources.course`): each row has the columns of its deal too.
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
    *numbers("usual_days", "chance"),
    Column("is_late", "flag"),
)

# A row a case and step that it reached (see `sources.journeys`).
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

# A fact takes the columns of these tables as dimensions: (table of the entity, the shared key).
LOOKUPS: tuple[tuple[str, str], ...] = (
    ("reps", "owner"),
    ("customers", "customer_id"),
    ("products", "product"),
)

# A column that may stand for another which the source has not got.
STAND_INS = {
    "deals": {"status": "stage", "customer_id": "customer_name"},
    "leads": {"received_at": "created_at"},
    "orders": {"customer_id": "customer_name"},
}
