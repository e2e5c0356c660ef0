"""``kpi check``: what was understood of a source, what was not, and how to mend it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpi_helpers.cli.answers import print_json, records
from kpi_helpers.cli.parsing import Parser
from kpi_helpers.language import text

if TYPE_CHECKING:
    import pandas as pd

    from kpi_helpers.sources import Dataset

SHOWN = ("not_allowed", "unreadable")
EXAMPLES = 5


def describe_check(parser: Parser) -> None:
    """Add the options of ``kpi check`` to its parser."""
    parser.argument("source")
    parser.option("config", "FILE")
    parser.option("write", "FILE")
    parser.switch("force")
    parser.switch("json")


def check(options: argparse.Namespace, lang: str) -> int:
    """Say what was understood of a source; 1 when a check blocks."""
    from kpi_helpers.measure.settings import check_segments
    from kpi_helpers.reports import opened
    from kpi_helpers.sources import left_out, quality
    from kpi_helpers.sources.engine import number_of
    from kpi_helpers.sources.understood import understood
    from kpi_helpers.sources.written import write_settings

    data = opened(options.source, options.config, lang=options.lang or "")
    check_segments(data)
    if options.write:
        write_settings(data, Path(options.write), force=options.force)
        print(text("cli.check.written", data.config.lang, file=options.write), file=sys.stderr)
    found, listed = quality(data), left_out(data)
    rows = {name: int(number_of(data.con, data.table(name).count())) for name in data.tables}
    if options.json:
        said = {"name": data.name, "as_of": data.as_of.isoformat(), "tables": rows}
        print_json(
            {
                **said,
                "understood": understood(data),
                "quality": records(found),
                "left_out": records(listed),
            }
        )
    else:
        for line in _check_lines(data, rows, found, listed):
            print(line)
    return int("block" in set(found["severity"]))


def _check_lines(
    data: Dataset, rows: dict[str, int], found: pd.DataFrame, listed: pd.DataFrame
) -> Iterator[str]:
    from kpi_helpers.sources.understood import understood_lines
    from kpi_helpers.units import COUNT, write, write_date

    lang = data.config.lang
    yield text("understood.head", lang)
    yield from (f"  {line}" for line in understood_lines(data))
    yield text("cli.check.tables", lang, name=data.name, as_of=write_date(data.as_of, lang))
    for table, number in rows.items():
        yield "  " + text("cli.check.rows", lang, table=table, rows=write(number, COUNT, lang))
    yield text("cli.check.clean" if found.empty else "cli.check.found", lang)
    for row in found.to_dict("records"):
        yield "  " + _finding(row, lang)
        values = listed.loc[listed["reason"].eq(row["check"]) & listed["table"].eq(row["table"])]
        named = data.mapped[row["table"]].columns if row["table"] in data.mapped else {}
        column = named.get(row["column"], row["column"])
        examples = values.loc[values["column"].eq(column), "value"].dropna().unique()
        if row["check"] in SHOWN and len(examples):
            said = ", ".join(examples[:EXAMPLES]) + ("…" if len(examples) > EXAMPLES else "")
            yield "    " + text("cli.check.values", lang, values=said)
    yield text("cli.check.left_out", lang, rows=write(len(listed), COUNT, lang))


def _finding(row: Mapping[Any, Any], lang: str) -> str:
    from kpi_helpers.units import COUNT, write

    total = round(row["rows"] / row["share"]) if row["share"] > 0 else row["rows"]
    return text(
        "cli.check.finding" if row["rows"] else "cli.check.noted",
        lang,
        severity=text(f"sheets.severities.{row['severity']}", lang),
        place=f"{row['table']}.{row['column']}".rstrip("."),
        rows=write(row["rows"], COUNT, lang),
        total=write(total, COUNT, lang),
        consequence=row["consequence"],
    )
