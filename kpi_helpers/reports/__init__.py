"""Reports: notebooks executed without a person, and the pages and tables that come out.

`run` makes a report. Its notebooks open their data with `opened`, measure with `side_by_side`, and
end with `finish`.
"""

from kpi_helpers.reports.opening import chosen, opened, side_by_side
from kpi_helpers.reports.running import run
from kpi_helpers.reports.tables import finish

__all__ = ["chosen", "finish", "opened", "run", "side_by_side"]
