"""What may be wrong with a row by itself: each reason once."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable

import ibis
import ibis.expr.types as ir

from kpi_helpers.sources.checks.marks import (
    BLOCK,
    EXCLUDED,
    FLAGGED,
    INFO,
    Mark,
    Test,
    is_placeholder,
    is_test,
)
from kpi_helpers.sources.files.grids import REASONS
from kpi_helpers.sources.files.headers import ASIDE, SURPLUS
from kpi_helpers.sources.mapping import SAME, TEXT_PREFIX, Mapped
from kpi_helpers.sources.registers import PROPOSED_WORDS
from kpi_helpers.sources.schema import WAITED, Column
from kpi_helpers.sources.tables import WAITS

# Rows may lack these although the table must have the column: what needs them says so.
MAY_BE_BLANK = {("deals", "created_at"), ("spend", "channel")}
NOBODY = r"^(unknown|unassigned|none|n/?a|inconnue?|aucune?|non attribuée?|non assignée?|[-?.]+)$"


def marks_of(mapped: Mapped, as_of: dt.date) -> list[Mark]:
    """Every mark that applies to a mapped table, those that leave rows out first."""
    known = {*mapped.columns} & {*mapped.expr.columns}
    own = [mark for c in mapped.table if c.name in known for mark in _of_column(c, mapped)]
    if SURPLUS in mapped.expr.columns:
        own.append(Mark("surplus_cells", SURPLUS, lambda t: t[SURPLUS].notnull(), EXCLUDED, BLOCK))
    if SAME in mapped.expr.columns:
        own.append(Mark("unchanged", str(mapped.table.dated), lambda t: t[SAME], EXCLUDED, INFO))
    special = [
        mark
        for mark in _SPECIAL.get(mapped.table.name, _no_more)(as_of)
        if {mark.column, *mark.needs} <= known
    ]
    marks = [*own, *special]
    if ASIDE in mapped.expr.columns:
        marks = [*map(_set_aside, REASONS), *map(_of_rows, marks)]
    return sorted(marks, key=lambda mark: mark.action)


def _set_aside(reason: str) -> Mark:
    """The mark of lines that are no rows, such as totals."""
    return Mark(reason, SURPLUS, lambda t: t[ASIDE] == reason, EXCLUDED, INFO)


def _of_rows(mark: Mark) -> Mark:
    """The same mark, on rows alone."""
    return dataclasses.replace(mark, test=lambda t: t[ASIDE].isnull() & mark.test(t))


def unusable(mapped: Mapped) -> ir.BooleanValue:
    """Test for the rows of a mapped table that cannot be used."""
    tests = [m.test(mapped.expr) for m in marks_of(mapped, dt.date.max) if m.action == EXCLUDED]
    return ibis.or_(*tests).fill_null(False)


def _of_column(column: Column, mapped: Mapped) -> list[Mark]:
    name, text = column.name, TEXT_PREFIX + column.name
    must = column.required and (mapped.table.name, name) not in MAY_BE_BLANK
    action = EXCLUDED if must else FLAGGED
    read = name in mapped.parsed and column.type != "text"
    marks = []
    if read:
        marks.append(
            Mark("unreadable", name, lambda t: t[text].notnull() & t[name].isnull(), action, BLOCK)
        )
    if must:
        blank = text if read else name
        waits = _may_wait(column, mapped)
        marks.append(Mark("blank", name, lambda t: t[blank].isnull() & ~waits(t), action, BLOCK))
    if column.values:
        marks.append(
            Mark("not_allowed", name, lambda t: t[name].notin(column.values), action, BLOCK)
        )
    if column.type in ("date", "time"):
        marks.append(Mark("placeholder_date", name, lambda t: is_placeholder(t[name].cast("date"))))
    return marks


def _may_wait(column: Column, mapped: Mapped) -> Test:
    """Whether a cell may still be empty: of an action that is only proposed, all but its id."""
    if mapped.table.name != "actions" or column.key or "status" not in mapped.columns:
        return lambda t: ibis.literal(False)
    return lambda t: t.status.lower().isin(PROPOSED_WORDS).fill_null(False)


def _tests(*columns: str, kpis: tuple[str, ...] = ()) -> list[Mark]:
    """Records made to try something out, by each of the columns that may say so."""
    return [Mark("test_record", column, _tried(column), kpis=kpis) for column in columns]


def _tried(column: str) -> Test:
    return lambda t: is_test(t[column])


def _no_more(as_of: dt.date) -> list[Mark]:
    return []


_RATES = ("win_rate_count", "win_rate_value", "deals_won_count", "bookings")
_STOCKS = ("open_pipeline_value", "pipeline_coverage")


def _deals(as_of: dt.date) -> list[Mark]:
    return [*_deal_dates(as_of), *_deal_figures(), *_deal_names()]


def _deal_dates(as_of: dt.date) -> list[Mark]:
    cycle = ("sales_cycle_duration",)
    return [
        Mark(
            "closed_before_created", "closed_at", lambda t: t.closed_at < t.created_at, kpis=cycle
        ),
        Mark(
            "decided_without_date",
            "closed_at",
            lambda t: t.status.isin(["won", "lost"]) & t.closed_at.isnull(),
            kpis=_RATES,
            severity=BLOCK,
        ),
        Mark("decided_without_date", "status", _never_dated, kpis=_RATES, severity=BLOCK),
        Mark("open_but_closed", "closed_at", _is_contradicted(as_of), kpis=_RATES),
        Mark(
            "no_first_day",
            "created_at",
            lambda t: t.created_at.isnull(),
            kpis=cycle + _STOCKS,
            severity=INFO,
        ),
        Mark(
            "open_and_overdue",
            "expected_close",
            lambda t: (t.status == "open") & (t.expected_close < as_of),
            kpis=_STOCKS,
        ),
    ]


def _never_dated(table: ir.Table) -> ir.BooleanValue:
    """Decided, in a source that has no column for the day of it."""
    return table.status.isin(["won", "lost"]) & ("closed_at" not in table.columns)


def _is_contradicted(as_of: dt.date) -> Test:
    """Open, although the day of closing has come."""
    return lambda t: (t.status == "open") & (t.closed_at <= as_of)


def _deal_figures() -> list[Mark]:
    return [
        Mark(
            "won_without_amount",
            "amount",
            lambda t: (t.status == "won") & (t.amount.isnull() | (t.amount == 0)),
            kpis=("bookings", "avg_deal_value"),
        ),
        Mark(
            "lost_without_amount",
            "amount",
            lambda t: (t.status == "lost") & (t.amount.isnull() | (t.amount == 0)),
            kpis=("win_rate_value",),
            severity=INFO,
        ),
        Mark(
            "open_without_amount",
            "amount",
            lambda t: (t.status == "open") & t.amount.isnull(),
            kpis=_STOCKS,
            severity=INFO,
        ),
        Mark(
            "negative_amount",
            "amount",
            lambda t: t.amount < 0,
            kpis=("bookings", "avg_deal_value", "win_rate_value"),
        ),
        Mark(
            "no_probability",
            "probability_crm",
            lambda t: ~t.probability_crm.between(0, 1),
            severity=BLOCK,
            kpis=("expected_wins_crm",),
        ),
    ]


def _deal_names() -> list[Mark]:
    return [
        Mark(
            "lost_without_reason",
            "lost_reason",
            lambda t: (t.status == "lost") & t.lost_reason.isnull(),
            severity=INFO,
        ),
        Mark(
            "no_customer",
            "customer_id",
            lambda t: t.customer_id.isnull(),
            kpis=("new_customers",),
            severity=INFO,
        ),
        Mark("no_owner", "owner", _nobody, kpis=("revenue_per_rep",), severity=INFO),
        *_tests("deal_id", "deal_name", "customer_id", "customer_name", kpis=_RATES),
    ]


def _answered_before(table: str, kpi: str) -> Mark:
    """A wait that ended before it began."""
    since, until = WAITS[table]

    def test(t: ir.Table) -> ir.BooleanValue:
        return t[WAITED] < 0 if WAITED in t.columns else t[until] < t[since]

    return Mark("answered_before", until, test, kpis=(kpi,), needs=(since,))


def _activities(as_of: dt.date) -> list[Mark]:
    return [_answered_before("activities", "service_response_time")]


def _leads(as_of: dt.date) -> list[Mark]:
    return [
        Mark(
            "converted_before_created",
            "converted_at",
            lambda t: t.converted_at < t.created_at,
            kpis=("lead_to_customer_rate",),
        ),
        _answered_before("leads", "lead_response_time"),
        Mark("no_source", "source", lambda t: t.source.isnull(), severity=INFO),
        Mark("no_owner", "owner", _nobody, severity=INFO),
        *_tests("lead_id", "customer_name", kpis=("leads_generated",)),
    ]


def _orders(as_of: dt.date) -> list[Mark]:
    return [
        Mark(
            "refund_not_typed",
            "amount_net",
            lambda t: (t.amount_net < 0) & (t.type.isnull() if "type" in t.columns else True),
            kpis=("aov",),
            severity=INFO,
        ),
        Mark(
            "no_customer",
            "customer_id",
            lambda t: t.customer_id.isnull(),
            kpis=(
                "revenue_per_customer",
                "repurchase_rate",
                "customer_retention_rate",
                "new_customers",
            ),
            severity=INFO,
        ),
        *_tests("customer_id", "customer_name", kpis=("revenue",)),
    ]


def _customers(as_of: dt.date) -> list[Mark]:
    return _tests("customer_id", "customer_name", kpis=("new_customers",))


def _nobody(table: ir.Table) -> ir.BooleanValue:
    """No owner, or a word for nobody."""
    return table.owner.isnull() | table.owner.lower().re_search(NOBODY)


def _surveys(as_of: dt.date) -> list[Mark]:
    return [
        Mark(
            "off_scale",
            "score",
            lambda t: ~t.score.between(t.scale_min, t.scale_max),
            EXCLUDED,
            BLOCK,
            needs=("scale_min", "scale_max"),
        ),
        Mark(
            "no_nps_scale",
            "scale_max",
            lambda t: (t.type == "nps") & (t.scale_min.notin([0, 1]) | (t.scale_max != 10)),
            EXCLUDED,
            BLOCK,
            kpis=("nps",),
            needs=("type", "scale_min"),
        ),
    ]


def _targets(as_of: dt.date) -> list[Mark]:
    return [
        Mark(
            "ends_before_start",
            "period_end",
            lambda t: t.period_end < t.period_start,
            EXCLUDED,
            BLOCK,
            ("revenue_attainment",),
        ),
        Mark(
            "target_below_0",
            "value",
            lambda t: t.value < 0,
            EXCLUDED,
            BLOCK,
            ("revenue_attainment",),
        ),
    ]


def _rates(as_of: dt.date) -> list[Mark]:
    """A rate of 0 or below, which would turn what was sold into nothing or into a loss."""
    kpis = ("bookings", "revenue")
    return [Mark("rate_not_positive", "rate", lambda t: t.rate <= 0, EXCLUDED, BLOCK, kpis)]


_SPECIAL: dict[str, Callable[[dt.date], list[Mark]]] = {
    "activities": _activities,
    "customers": _customers,
    "deals": _deals,
    "leads": _leads,
    "orders": _orders,
    "order_lines": _orders,
    "rates": _rates,
    "surveys": _surveys,
    "targets": _targets,
}
