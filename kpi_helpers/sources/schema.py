"""The canonical tables: which columns each one has, what they hold, and how they join.

A source is mapped onto these tables once; everything above speaks only of them. Columns of the
source that are not listed here are kept as dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Type = Literal["text", "number", "date", "time", "flag"]


@dataclass(frozen=True)
class Column:
    """A column of a canonical table.

    Parameters
    ----------
    name, type
        Canonical name; ``date`` is a calendar day, ``time`` a day with its hour.
    required
        A source that cannot supply it does not load.
    key
        Part of what identifies a row; duplicates are reported.
    plan
        The date may lie after ``as_of`` (an expected close), so a replay keeps it.
    values
        Closed list of the values allowed, empty for any.
    dimension
        Figures may be broken down by it.
    """

    name: str
    type: Type = "text"
    required: bool = False
    key: bool = False
    plan: bool = False
    values: tuple[str, ...] = ()
    dimension: bool = False


@dataclass(frozen=True)
class Table:
    """A canonical table: its columns, the date a row belongs to and the money it carries."""

    name: str
    columns: tuple[Column, ...]
    dated: str | None = None
    money: str | None = None

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def column(self, name: str) -> Column | None:
        """The column of that name, or None for a dimension of the source's own."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the canonical columns, in their declared order."""
        return tuple(column.name for column in self.columns)

    @property
    def keys(self) -> tuple[str, ...]:
        """Names of the columns that identify a row."""
        return tuple(column.name for column in self.columns if column.key)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns without which the table cannot be used."""
        return tuple(column.name for column in self.columns if column.required)


def _key(name: str) -> Column:
    return Column(name, required=True, key=True)


def _dims(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, dimension=True) for name in names)


def _texts(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name) for name in names)


def _numbers(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, "number") for name in names)


def _dates(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, "date") for name in names)


def _must(name: str, type_: Type = "text", values: tuple[str, ...] = ()) -> Column:
    return Column(name, type_, required=True, values=values, dimension=bool(values))


def _plan(name: str, required: bool = False) -> Column:
    return Column(name, "date", required=required, plan=True)


_BANT = tuple(
    Column(f"bant_{item}", "number") for item in ("budget", "authority", "need", "timeline")
)

DEALS = Table(
    "deals",
    (
        _key("deal_id"),
        _must("created_at", "date"),
        _must("status", values=("open", "won", "lost")),
        Column("closed_at", "date"),
        *_numbers("amount", "list_amount", "probability_crm"),
        _plan("expected_close"),
        *_dates("first_contact_at"),
        *_texts("customer_id", "lead_id"),
        *_dims("owner", "stage", "source", "campaign", "sales_channel", "segment", "sector"),
        *_dims("region", "product", "deal_type", "lost_reason", "competitor", "currency"),
        *_BANT,
    ),
    dated="created_at",
    money="amount",
)

STAGE_HISTORY = Table(
    "stage_history",
    (
        _key("deal_id"),
        Column("stage", required=True, key=True, dimension=True),
        Column("entered_at", "time", required=True, key=True),
        *_numbers("amount_at_entry"),
        *_texts("changed_by"),
    ),
    dated="entered_at",
    money="amount_at_entry",
)

LEADS = Table(
    "leads",
    (
        _key("lead_id"),
        _must("created_at", "date"),
        *_dims("source", "campaign", "self_reported_source", "owner", "segment", "region"),
        *_dates("mql_at", "handed_over_at", "accepted_at", "sql_at", "converted_at"),
        Column("first_response_at", "time"),
        *_texts("rejected_reason", "customer_id"),
        *_BANT,
    ),
    dated="created_at",
)

CUSTOMERS = Table(
    "customers",
    (
        _key("customer_id"),
        *_dates("first_seen", "contract_start"),
        _plan("contract_end"),
        *_numbers("mrr"),
        *_dims("segment", "region", "sector"),
        *_texts("parent_id"),
    ),
    dated="first_seen",
    money="mrr",
)

ORDERS = Table(
    "orders",
    (
        _key("order_id"),
        _must("order_date", "date"),
        _must("amount_net", "number"),
        Column("type", values=("order", "refund"), dimension=True),
        *_texts("customer_id", "original_order_id"),
        *_numbers("cost", "margin"),
        *_dates("invoice_date"),
        *_dims("product_family", "channel", "device", "owner", "region", "currency"),
    ),
    dated="order_date",
    money="amount_net",
)

ORDER_LINES = Table(
    "order_lines",
    (
        Column("order_id", required=True),
        Column("line_no"),
        _must("order_date", "date"),
        _must("amount_net", "number"),
        *_numbers("quantity", "unit_price", "cost"),
        Column("type", values=("order", "refund"), dimension=True),
        *_texts("customer_id", "original_order_id"),
        *_dims("product", "product_family", "channel", "device", "owner", "region", "currency"),
    ),
    dated="order_date",
    money="amount_net",
)

SPEND = Table(
    "spend",
    (
        _must("date", "date"),
        _must("amount", "number"),
        Column("channel", required=True, dimension=True),
        _must("cost_type", values=("media", "tools", "salaries", "indirect")),
        *_dims("campaign", "currency"),
    ),
    dated="date",
    money="amount",
)

TARGETS = Table(
    "targets",
    (
        _key("metric"),
        Column("period_start", "date", required=True, key=True, plan=True),
        Column("period_end", "date", required=True, key=True, plan=True),
        Column("scope_type", required=True, key=True),
        Column("scope_value", key=True),
        _must("value", "number"),
        *_texts("note"),
    ),
    dated="period_start",
    money="value",
)

REPS = Table(
    "reps",
    (_key("owner"), *_dims("team", "role"), *_dates("start"), _plan("end"), *_numbers("fte")),
)

PRODUCTS = Table(
    "products",
    (_key("product"), *_dims("product_family"), *_numbers("list_price", "unit_cost")),
)

# Not read from a source: targets with what was achieved in their own period and scope.
ACHIEVEMENTS = Table(
    "achievements",
    (
        *_texts("metric", "scope_type", "scope_value"),
        *_dates("period_start", "period_end", "midpoint"),
        *_numbers("value", "actual", "squares", "days"),
        Column("is_met", "flag"),
        Column("is_unknown", "flag"),
        Column("is_running", "flag"),
        *_dims("owner", "team", "product"),
    ),
    dated="midpoint",
    money="value",
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        DEALS,
        STAGE_HISTORY,
        LEADS,
        CUSTOMERS,
        ORDERS,
        ORDER_LINES,
        SPEND,
        TARGETS,
        REPS,
        PRODUCTS,
    )
}

IBIS_TYPES: dict[str, str] = {
    "text": "string",
    "number": "float64",
    "date": "date",
    "time": "timestamp",
    "flag": "boolean",
}

# A fact takes the columns of these tables as dimensions: (table of the entity, the shared key).
LOOKUPS: tuple[tuple[str, str], ...] = (
    ("reps", "owner"),
    ("customers", "customer_id"),
    ("products", "product"),
)

# What a target may be set for besides the company, and the column that says so on a fact.
SCOPES: dict[str, str] = {"rep": "owner", "team": "team", "product": "product"}

# Names that the tidy frame uses itself: a source column of that name gets the prefix ``dim_``.
TIDY_COLUMNS: tuple[str, ...] = (
    "kpi",
    "label",
    "unit",
    "better",
    "period",
    "start",
    "end",
    "value",
    "numerator",
    "denominator",
    "n",
    "low",
    "high",
    "method",
    "status",
    "note",
)
