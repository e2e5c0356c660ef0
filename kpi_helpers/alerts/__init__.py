"""What should be looked at before anybody asks: alerts on targets, and signals that are weak yet.

`raised` returns the alerts of a period; `signals` what has left its usual variation, in which
segments a change comes about, and what runs ahead and falls.
"""

from kpi_helpers.alerts.raised import ENDED, FALSE_ALARMS, raised, replayed
from kpi_helpers.alerts.weak import behind, signals

__all__ = ["ENDED", "FALSE_ALARMS", "behind", "raised", "replayed", "signals"]
