"""The registers: goals, outside figures, decisions and what changed around the figures.

They say nothing about how far the data reach, nor from when.
"""

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
)

TARGETS = Table(
    "targets",
    (
        key("metric"),
        plan("period_start", required=True, key=True),
        plan("period_end", required=True, key=True),
        Column("scope_type", required=True, key=True),
        Column("scope_value", key=True),
        must("value", "number"),
        *texts("note"),
    ),
    dated="period_start",
    money="value",
)

# What was expected of a period, each time as it was said on that day.
FORECASTS = Table(
    "forecasts",
    (
        Column("metric", required=True, key=True, dimension=True),
        Column("made_at", "date", required=True, key=True),
        plan("period_start", required=True, key=True),
        plan("period_end", required=True, key=True),
        must("value", "number"),
        *numbers("low", "high"),
        *dims("method", "horizon"),
    ),
    dated="made_at",
    money="value",
)

BENCHMARKS = Table(
    "benchmarks",
    (
        Column("metric", required=True, key=True, dimension=True),
        *(key(name) for name in ("entity", "period", "source")),
        *numbers("value_low", "value", "value_high"),
        *texts("unit", "perimeter", "definition", "source_url"),
        must("definition_match", values=("yes", "partial", "no")),
        must("source_date", "date"),
        must("confidence", values=("A", "B", "C", "D")),
    ),
    dated="source_date",
)

ACTIONS = Table(
    "actions",
    (
        Column("action_id", required=True, key=True, dimension=True),
        *(must(name) for name in ("kpi_id", "root_cause", "action")),
        Column("owner", required=True, dimension=True),
        *(plan(name, required=True) for name in ("start_date", "due_date")),
        must("expected_effect", "number"),
        *texts("expected_unit", "quarter", "population", "finding", "status", "stakeholders"),
        plan("expected_by"),
        *dates("created_at", "done_date"),
        *dims("type"),
        *numbers("cost", "measured_effect", "ci_low", "ci_high"),
        *texts("control_group", "method", "verdict"),
    ),
    dated="created_at",
    money="cost",
)

# The words for an action that is only proposed: people fill in the rest when they decide.
PROPOSED_WORDS = ("proposed", "proposé", "proposée")

KPI_LOG = Table(
    "kpi_log",
    (
        must("date", "date"),
        must("kpi_id"),
        *texts("reason", "example", "old_definition", "new_definition", "decided_by", "feedback"),
    ),
    dated="date",
)

_EVENTS = ("campaign", "algorithm", "bug", "competitor", "price", "process", "holiday")

EVENTS = Table(
    "events",
    (
        must("date", "date"),
        must("label"),
        Column("type", values=_EVENTS, dimension=True),
    ),
    dated="date",
)

RATES = Table(
    "rates",
    (key("currency"), Column("date", "date", required=True, key=True), must("rate", "number")),
    dated="date",
)

# Not read from a source: targets with what was achieved in their own period and scope.
ACHIEVEMENTS = Table(
    "achievements",
    (
        *texts("metric", "scope_type", "scope_value"),
        *dates("period_start", "period_end", "midpoint"),
        *numbers("value", "actual", "squares", "days"),
        *numbers("expected", "expected_least", "expected_most"),
        Column("is_linear", "flag"),
        Column("is_met", "flag"),
        Column("is_unknown", "flag"),
        Column("is_running", "flag"),
        *dims("owner", "team", "product"),
    ),
    dated="midpoint",
    money="value",
)

REGISTERS: dict[str, Table] = {
    table.name: table for table in (TARGETS, FORECASTS, BENCHMARKS, ACTIONS, KPI_LOG, EVENTS, RATES)
}

# Of targets that cover the same days the longest counts, where it is longer by more than this:
# quotas of thirteen weeks, or from the 30th to the 29th, are a little longer than their period.
LONGEST_TARGET = 1.15

# What a target may be set for besides the company, and the column that says so on a fact.
SCOPES: dict[str, str] = {"rep": "owner", "team": "team", "product": "product"}
