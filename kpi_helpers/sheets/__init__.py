"""Tables for a reader: a frame in, a great_tables table out, its numbers written in a language.

Nothing is computed here. Text that comes from data reaches the table as plain text, which
great_tables escapes; every table has a fixed id, so that the same frame gives the same page.
"""

from kpi_helpers.sheets.actions import actions
from kpi_helpers.sheets.alerts import alerts, signals
from kpi_helpers.sheets.associations import segments, volumes
from kpi_helpers.sheets.bottleneck import bottlenecks, leak, levers
from kpi_helpers.sheets.checks import accounts, heat, mapping, quality_table, rows_left_out
from kpi_helpers.sheets.contents import links
from kpi_helpers.sheets.control import control
from kpi_helpers.sheets.drivers import products, steps
from kpi_helpers.sheets.economics import economics, outlook
from kpi_helpers.sheets.figures import changes, measured, scorecard
from kpi_helpers.sheets.findings import Findings, decisions, findings
from kpi_helpers.sheets.forecast_log import accuracy
from kpi_helpers.sheets.forecasts import backtest, forecasts
from kpi_helpers.sheets.landing import landing
from kpi_helpers.sheets.market import market, shares
from kpi_helpers.sheets.outreach import agreed, call_times, calls, missed, responses
from kpi_helpers.sheets.pipeline import stalled
from kpi_helpers.sheets.restated import restated
from kpi_helpers.sheets.retention import survival
from kpi_helpers.sheets.selection import selection
from kpi_helpers.sheets.selling import selling
from kpi_helpers.sheets.teams import teams, teams_context
from kpi_helpers.sheets.times import times
from kpi_helpers.sheets.trend import trends
from kpi_helpers.sheets.voice import reviews, rounds, themes

__all__ = [
    "Findings",
    "accounts",
    "accuracy",
    "actions",
    "agreed",
    "alerts",
    "backtest",
    "bottlenecks",
    "call_times",
    "calls",
    "changes",
    "control",
    "decisions",
    "economics",
    "findings",
    "forecasts",
    "heat",
    "landing",
    "leak",
    "levers",
    "links",
    "mapping",
    "market",
    "measured",
    "missed",
    "outlook",
    "products",
    "quality_table",
    "responses",
    "restated",
    "reviews",
    "rounds",
    "rows_left_out",
    "scorecard",
    "segments",
    "selection",
    "selling",
    "shares",
    "signals",
    "stalled",
    "steps",
    "survival",
    "teams",
    "teams_context",
    "themes",
    "times",
    "trends",
    "volumes",
]
