"""Charts of tidy frames: a frame in, a matplotlib figure out; nothing is computed here.

The title is the finding and the figure's alt text; the subtitle says definition, number of cases,
period and date of the data. Text that comes from data is shown as it is, never interpreted. Each
chart draws into the caller's axes where it is given them, and changes no global setting.
"""

from kpi_helpers.charts.bars import bars
from kpi_helpers.charts.bottleneck import achievable_gains, lever_bars, lost_values
from kpi_helpers.charts.dumbbell import dumbbell
from kpi_helpers.charts.economics import acquisition_costs, purchases_expected, value_against_cost
from kpi_helpers.charts.effects import adapted_line, effect_line, priority_map
from kpi_helpers.charts.fan import fan
from kpi_helpers.charts.heat import cohort_map, moves_map
from kpi_helpers.charts.landing import landing, lever_ranges
from kpi_helpers.charts.market import growth_share, share_slope
from kpi_helpers.charts.outreach import missed_map, response_bars
from kpi_helpers.charts.over_time import control_charts, forecasts_due, line, small_multiples
from kpi_helpers.charts.picture import alt, image
from kpi_helpers.charts.reader import Options
from kpi_helpers.charts.reps import rep_estimates, rep_limits
from kpi_helpers.charts.scorecard import scorecard_rows
from kpi_helpers.charts.segments import segment_map
from kpi_helpers.charts.selling import loss_bars, rival_bars, score_pairs, source_bars
from kpi_helpers.charts.theme import PALETTE, theme
from kpi_helpers.charts.times import cycle_shares
from kpi_helpers.charts.trend import trend_lines, trend_parts
from kpi_helpers.charts.voice import sides
from kpi_helpers.charts.waterfall import waterfall

__all__ = [
    "PALETTE",
    "Options",
    "achievable_gains",
    "acquisition_costs",
    "adapted_line",
    "alt",
    "bars",
    "cohort_map",
    "control_charts",
    "cycle_shares",
    "dumbbell",
    "effect_line",
    "fan",
    "forecasts_due",
    "growth_share",
    "image",
    "landing",
    "lever_bars",
    "lever_ranges",
    "line",
    "loss_bars",
    "lost_values",
    "missed_map",
    "moves_map",
    "priority_map",
    "purchases_expected",
    "rep_estimates",
    "rep_limits",
    "response_bars",
    "rival_bars",
    "score_pairs",
    "scorecard_rows",
    "segment_map",
    "share_slope",
    "sides",
    "small_multiples",
    "source_bars",
    "theme",
    "trend_lines",
    "trend_parts",
    "value_against_cost",
    "waterfall",
]
