"""``kpi select``: which few KPIs fit the business, written into its settings where asked."""

from __future__ import annotations

import argparse
from pathlib import Path

from kpi_helpers.cli.answers import print_json, records, say, spoken
from kpi_helpers.cli.parsing import Parser
from kpi_helpers.language import text

ASKED = ("model", "maturity", "objective", "decides")


def describe_select(parser: Parser) -> None:
    """Add the options of ``kpi select`` to its parser."""
    for name in ASKED:
        parser.option(name, "NAME")
    parser.option("period", "PERIOD", "last")
    parser.option("data", "SOURCE")
    parser.option("config", "FILE")
    parser.option("as-of", "DAY")
    parser.option("write", "FILE")
    parser.switch("json")


def select(options: argparse.Namespace, lang: str) -> int:
    """Print the KPIs chosen and rejected, and with ``--write`` set the first ones in a kpi.toml."""
    from kpi_helpers.reports import opened
    from kpi_helpers.selection import CHOSEN, selection
    from kpi_helpers.sources.edited import edited
    from kpi_helpers.wording.selection import needed, selection_findings

    lang = spoken(options, lang, options.data)
    data = opened(options.data, options.config, options.as_of, lang)
    given = {name: getattr(options, name) for name in ASKED}
    found = selection(data, **given, period=options.period)
    if options.json:
        print_json(records(found))
    else:
        for sentence in selection_findings(found, lang)["sentence"]:
            say(sentence)
        for row in found.to_dict("records"):
            shown = (row["verdict"], f"role.{row['role']}", f"reason.{row['reason']}")
            told = [text(f"selection.{key}", lang) for key in shown]
            say("  ".join([row["kpi"], *told, needed(row["needs"], lang)]).rstrip())
    chosen = found.loc[found["verdict"] == CHOSEN, "kpi"].tolist()
    if options.write and chosen:
        diff = edited(Path(options.write), {"kpis": chosen})
        for line in diff.splitlines() if not options.json else ():
            say(line)
    return 0
