"""Reports: notebooks executed without a person, and the pages and tables that come out.

`run` makes a report, `run_each` one for each value of a dimension. Its notebooks take the
parameters that a scheduler gave as `accepted`, open their data with `opened`, measure what is
`chosen`, its `history` and what an earlier report may be compared with (`side_by_side`), show
groups as far as a page can (`folded`), `attempt` the analyses that need more than the data may
hold, show what is `given`, and end with `finish`. `difference` compares two reports; `restated`
says what an earlier one wrote and is no longer so; `due` judges what earlier ones forecast, and
what this one does is kept by `for_log`. What was agreed on a live data set is written by `save`;
`kept` reads a register to be edited, `write_protocol` says what was `decided`.
"""

from kpi_helpers.reports.agreed import kept, save
from kpi_helpers.reports.attempting import attempt, given
from kpi_helpers.reports.batch import run_each
from kpi_helpers.reports.decisions import decided
from kpi_helpers.reports.difference import difference
from kpi_helpers.reports.forecasts import due, for_log
from kpi_helpers.reports.minutes import protocol, write_protocol
from kpi_helpers.reports.opening import chosen, folded, history, opened, side_by_side
from kpi_helpers.reports.parameters import accepted
from kpi_helpers.reports.restating import behind, restated
from kpi_helpers.reports.running import run
from kpi_helpers.reports.tables import finish

__all__ = [
    "accepted",
    "attempt",
    "behind",
    "chosen",
    "decided",
    "difference",
    "due",
    "finish",
    "folded",
    "for_log",
    "given",
    "history",
    "kept",
    "opened",
    "protocol",
    "restated",
    "run",
    "run_each",
    "save",
    "side_by_side",
    "write_protocol",
]
