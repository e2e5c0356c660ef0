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

# A fact takes the columns of these tables as dimensions: (table of the entity, the shared key).
LOOKUPS: tuple[tuple[str, str], ...] = (
    ("reps", "owner"),
    ("customers", "customer_id"),
    ("products", "product"),
)

# From which moment to which somebody waits.
WAITS = {
    "leads": ("received_at", "first_response_at"),
    "activities": ("started_at", "first_reply_at"),
}

# A column that may stand for another which the source has not got.
STAND_INS = {
    "deals": {"status": "stage", "customer_id": "customer_name"},
    "leads": {"received_at": "created_at"},
    "orders": {"customer_id": "customer_name"},
}
