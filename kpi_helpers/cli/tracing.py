"""``kpi rows``: the rows of the source behind a figure of a report."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpi_helpers.cli.answers import say
from kpi_helpers.cli.parsing import Parser
from kpi_helpers.language import text

if TYPE_CHECKING:
    import pandas as pd

SHOWN, WIDEST = 10, 8


def describe_rows(parser: Parser) -> None:
    """Add the options of ``kpi rows`` to its parser."""
    parser.argument("pack")
    parser.argument("figure")
    parser.option("data", "SOURCE")
    parser.option("config", "FILE")
    parser.option("csv", "FILE")
    parser.switch("anyway")


def rows(options: argparse.Namespace, lang: str) -> int:
    """List the figures of a report, or print the rows behind one."""
    from kpi_helpers.reports.difference import recorded
    from kpi_helpers.reports.tables import write_csv
    from kpi_helpers.reports.tracing import figures, trace

    currency = recorded(Path(options.pack))["settings"]["values"]["currency"]
    if not options.figure:
        known = figures(options.pack)
        for row in known[known["counted"]].to_dict("records"):
            say(_figure(row, lang, currency))
        say(text("cli.rows.others", lang), sys.stderr)
        return 0
    places = (options.data, options.config, options.anyway)
    found = trace(options.pack, options.figure, *places)
    for change in found.changes:
        say(text("cli.rows.changed", lang, change=change.render(lang)), sys.stderr)
    for row in found.figures.to_dict("records"):
        said = _counted(row, found.rows, lang, currency) if row["counted"] else _computed(row, lang)
        for line in (_figure(row, lang, currency), *said):
            say(line)
    if options.csv:
        write_csv(found.rows, Path(options.csv))
        print(options.csv)
    return 0


def _figure(row: dict[Any, Any], lang: str, currency: str) -> str:
    from kpi_helpers.units import write

    if not row["counted"]:
        return str(row["figure"])
    value = write(row["value"], row["unit"], lang, currency)
    values = {"figure": row["figure"], "label": row["label"], "period": row["period"]}
    return text("cli.rows.said", lang, value=value, **values)


def _computed(row: dict[Any, Any], lang: str) -> Iterator[str]:
    place = {"table": row["table"], "line": row["line"]}
    yield "  " + text("cli.rows.computed", lang, **place)


def _counted(row: dict[Any, Any], every: pd.DataFrame, lang: str, currency: str) -> Iterator[str]:
    """Give what the rows add up to, KPI by KPI, and the first of them."""
    from kpi_helpers.reports.tracing import adds_up
    from kpi_helpers.units import COUNT, write

    own = every[every["figure"] == row["figure"]]
    for (kpi, period), rows in own.groupby(["kpi", "period"], sort=False):
        sums = [_sum(rows[name], lang) for name in ("above", "below")]
        n = write(len(rows), COUNT, lang)
        values = {"kpi": kpi, "period": period, "above": sums[0], "below": sums[1]}
        yield "  " + text("cli.rows.sums", lang, n=len(rows), rows=n, **values)
        filled = rows.dropna(axis=1, how="all").drop(columns=["figure", "kpi", "period", "table"])
        said = filled.iloc[:SHOWN, :WIDEST].to_string(index=False, na_rep="–")
        yield from (f"    {line}" for line in said.split("\n"))
        if len(rows) > SHOWN:
            yield "    …"
    if own["kpi"].nunique() == 1 and adds_up(row, own):
        yield "  " + text("cli.rows.adds_up", lang)


def _sum(parts: pd.Series[float], lang: str) -> str:
    from kpi_helpers.units import COUNT, write_number

    total = parts.sum(min_count=1)
    return "–" if total != total else write_number(total, COUNT, lang)
