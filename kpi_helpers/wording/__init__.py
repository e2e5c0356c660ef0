"""A result as a sentence, in the reader's language and the company's words.

Every text is written from one row of a frame of `kpi_helpers.compare` (a tidy row will do), the row
that the chart and the table show too, and says no more than that row knows.
"""

from kpi_helpers.wording.alerts import alert_findings, signal_findings
from kpi_helpers.wording.associations import segments_findings, volumes_findings
from kpi_helpers.wording.ban import banned
from kpi_helpers.wording.bottleneck import (
    bottleneck_findings,
    leak_findings,
    levers_findings,
    moved_findings,
    what_if_findings,
)
from kpi_helpers.wording.control import control_findings, control_title
from kpi_helpers.wording.drivers import (
    bridge_method,
    bridged,
    drivers_findings,
    is_sure,
    step_certainty,
    step_name,
)
from kpi_helpers.wording.economics import economics_findings, outlook_findings, worth_findings
from kpi_helpers.wording.effects import (
    decided_findings,
    effects_findings,
    register_findings,
    revised_findings,
)
from kpi_helpers.wording.forecast_log import accuracy_findings
from kpi_helpers.wording.forecasts import forecast_findings
from kpi_helpers.wording.headlines import aims, findings, headline, moves
from kpi_helpers.wording.history import history_findings
from kpi_helpers.wording.landing import landing_findings, landing_scores_findings, scenario_findings
from kpi_helpers.wording.market import market_findings, with_sellers
from kpi_helpers.wording.outreach import calls_findings, missed_findings, responses_findings
from kpi_helpers.wording.passages import (
    conversion_findings,
    funnel_rows,
    passage_rows,
    passages_findings,
)
from kpi_helpers.wording.pipeline import (
    bands_findings,
    coverage_findings,
    movement_findings,
    stalled_findings,
    with_bands,
)
from kpi_helpers.wording.restated import Restated, opened_with, restatements
from kpi_helpers.wording.retention import (
    moved,
    moves_findings,
    recurring_findings,
    retention_findings,
    segment,
    stays,
)
from kpi_helpers.wording.selection import selection_findings
from kpi_helpers.wording.selling import selling_findings
from kpi_helpers.wording.sentences import alt_text, name, reading, sentence, title, verdict
from kpi_helpers.wording.synthesis import gathered, synthesis
from kpi_helpers.wording.teams import rep_targets_findings, teams_findings
from kpi_helpers.wording.times import cycle_findings
from kpi_helpers.wording.trend import a_year, trends_findings
from kpi_helpers.wording.voice import parts_findings, themes_findings, voice_findings
from kpi_helpers.wording.young import with_readable

__all__ = [
    "Restated",
    "a_year",
    "accuracy_findings",
    "aims",
    "alert_findings",
    "alt_text",
    "bands_findings",
    "banned",
    "bottleneck_findings",
    "bridge_method",
    "bridged",
    "calls_findings",
    "control_findings",
    "control_title",
    "conversion_findings",
    "coverage_findings",
    "cycle_findings",
    "decided_findings",
    "drivers_findings",
    "economics_findings",
    "effects_findings",
    "findings",
    "forecast_findings",
    "funnel_rows",
    "gathered",
    "headline",
    "history_findings",
    "is_sure",
    "landing_findings",
    "landing_scores_findings",
    "leak_findings",
    "levers_findings",
    "market_findings",
    "missed_findings",
    "moved",
    "moved_findings",
    "movement_findings",
    "moves",
    "moves_findings",
    "name",
    "opened_with",
    "outlook_findings",
    "parts_findings",
    "passage_rows",
    "passages_findings",
    "reading",
    "recurring_findings",
    "register_findings",
    "rep_targets_findings",
    "responses_findings",
    "restatements",
    "retention_findings",
    "revised_findings",
    "scenario_findings",
    "segment",
    "segments_findings",
    "selection_findings",
    "selling_findings",
    "sentence",
    "signal_findings",
    "stalled_findings",
    "stays",
    "step_certainty",
    "step_name",
    "synthesis",
    "teams_findings",
    "themes_findings",
    "title",
    "trends_findings",
    "verdict",
    "voice_findings",
    "volumes_findings",
    "what_if_findings",
    "with_bands",
    "with_readable",
    "with_sellers",
    "worth_findings",
]
