"""``kpi alerts``: what a scheduler should wake somebody for."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from kpi_helpers.cli.answers import print_json, say, spoken
from kpi_helpers.cli.parsing import Parser
from kpi_helpers.errors import KpiError
from kpi_helpers.language import text

if TYPE_CHECKING:
    import pandas as pd

    from kpi_helpers.sources import Dataset

# An exit code of its own: 1 and 2 are faults.
RAISED = 3


def describe_alerts(parser: Parser) -> None:
    """Add the options of ``kpi alerts`` to its parser."""
    parser.option("period", "PERIOD", "last")
    parser.option("data", "SOURCE")
    parser.option("config", "FILE")
    parser.option("as-of", "DAY")
    parser.option("by", "DIM")
    parser.option("segment", "NAME")
    parser.switch("json")


def alerts(options: argparse.Namespace, lang: str) -> int:
    """Say the alerts of a period; 3 when there are any that are not over, else 0."""
    from kpi_helpers.alerts import ENDED, raised
    from kpi_helpers.reports import chosen, opened
    from kpi_helpers.reports.running import check
    from kpi_helpers.reports.tables import alerts_told
    from kpi_helpers.wording.alerts import alert_line, rate_said
    from kpi_helpers.wording.lines import Look

    lang = spoken(options, lang, options.data)
    data = opened(options.data, options.config, options.as_of, lang)
    period = data.config.calendar.parse(options.period, data.as_of, data.first)
    check(data, period, options.by, options.segment)
    kpis = chosen(data, (), options.period)
    where = options.segment or None
    found = raised(data, options.period, kpis, options.by, where, _chances(data, where))
    if options.json:
        print_json(alerts_told(found))
    else:
        look = Look(data.config.lang, data.config.terms, data.config.currency)
        for row in found.to_dict("records"):
            say(alert_line(row, look))
        say(rate_said(look.lang) if len(found) else text("wording.alerts.none", look.lang))
    return RAISED if (found["status"] != ENDED).any() else 0


def _chances(data: Dataset, where: str | None) -> pd.DataFrame | None:
    """What a forecast gives the target of the quarter, where the data carry one."""
    from kpi_helpers.landing import landing

    try:
        return landing(data, where).quarter.head(1)
    except KpiError:
        return None
