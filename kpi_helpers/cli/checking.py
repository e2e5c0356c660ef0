"""``kpi check``: what was understood of a source, what was not, and how to mend it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpi_helpers.cli.answers import print_json, records, say, spoken
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
    parser.option("against", "PACK")
    parser.option("write", "FILE")
    parser.switch("force")
    parser.switch("json")


def check(options: argparse.Namespace, lang: str) -> int:
    """Say what was understood of a source; 1 when a check blocks."""
    from kpi_helpers.measure.settings import check_segments
    from kpi_helpers.reports import opened
    from kpi_helpers.reports.known import against
    from kpi_helpers.selection.business import business
    from kpi_helpers.sources import quality
    from kpi_helpers.sources.brand import brand
    from kpi_helpers.sources.written import write_settings

    lang = spoken(options, lang, options.source)
    data = opened(options.source, options.config, lang=lang)
    check_segments(data)
    business(data)
    brand(data.config)
    if options.write:
        write_settings(data, Path(options.write), force=options.force, source=options.source)
        print(text("cli.check.written", lang, file=options.write), file=sys.stderr)
    since = against(data, Path(options.against)) if options.against else None
    if options.json:
        print_json(_answer(data) | ({} if since is None else {"against": since}))
    else:
        for line in [*_lines(data), *_outside(data), *_changes(data, options.against, since)]:
            say(line)
    return int("block" in set(quality(data)["severity"]))


def _answer(data: Dataset) -> dict[str, Any]:
    """What is said in JSON; its keys stay."""
    from kpi_helpers.sources import accounting, freshness, left_out, quality, score
    from kpi_helpers.sources.engine import number_of
    from kpi_helpers.sources.recognition.understood import understood

    return {
        "name": data.name,
        "as_of": data.as_of.isoformat(),
        "score": score(data),
        "freshness": freshness(data),
        "tables": {n: int(number_of(data.con, data.table(n).count())) for n in data.tables},
        "understood": understood(data),
        "accounting": records(accounting(data)),
        "quality": records(quality(data)),
        "left_out": records(left_out(data)),
    }


def _lines(data: Dataset) -> Iterator[str]:
    from kpi_helpers.sources import accounting, freshness, left_out, quality, score
    from kpi_helpers.sources.recognition.understood import understood_lines
    from kpi_helpers.units import COUNT, write, write_date

    lang, age, found, listed = data.config.lang, freshness(data), quality(data), left_out(data)
    yield text("score.said", lang, score=score(data)) + " " + text("score.rule", lang)
    if age:
        yield text("score.freshness", lang, n=age)
    yield text("understood.head", lang)
    yield from (f"  {line}" for line in understood_lines(data))
    yield text("cli.check.tables", lang, name=data.name, as_of=write_date(data.as_of, lang))
    for row in accounting(data).to_dict("records"):
        yield "  " + _account(data, row)
    yield text("cli.check.clean" if found.empty else "cli.check.found", lang)
    for row in found.to_dict("records"):
        yield "  " + _finding(row, lang)
        yield "    " + _weight(data, row)
        yield from _examples(data, row, listed)
        yield "    " + text("cli.check.fix", lang, fix=row["fix"])
    yield text("cli.check.left_out", lang, rows=write(len(listed), COUNT, lang))


def _outside(data: Dataset) -> Iterator[str]:
    """The figures of others that are not compared, each with why, and a market that is none."""
    from kpi_helpers.benchmarking import aside, sellers
    from kpi_helpers.errors import BadInput, Unavailable
    from kpi_helpers.units import COUNT, write

    lang, found = data.config.lang, aside(data)
    if len(found):
        yield text("cli.check.outside", lang, rows=write(len(found), COUNT, lang))
    for row in found.head(EXAMPLES).to_dict("records"):
        why = text(f"market.reason.{row['reason']}", lang)
        named = {of: row[of] for of in ("metric", "entity", "period", "source")}
        yield "  " + text("cli.check.outside_row", lang, **named, why=why)
    try:
        sellers(data, "all")
    except BadInput as error:
        yield error.render(lang)
    except Unavailable:
        return


def _account(data: Dataset, row: Mapping[Any, Any]) -> str:
    """One table: rows read, used, left out and flagged, and its money."""
    from kpi_helpers.units import COUNT, MONEY, write

    lang, currency = data.config.lang, data.config.currency
    counts = {k: write(row[k], COUNT, lang) for k in ("rows", "used", "excluded", "flagged")}
    said = text("cli.check.rows", lang, table=row["table"], file=row["file"], **counts)
    if row["money"] != row["money"]:
        return said
    amounts = {k: write(row[k], MONEY, lang, currency) for k in ("money", "money_used")}
    lost = row["money_excluded"] if row["money_excluded"] == row["money_excluded"] else 0.0
    lost = write(lost, MONEY, lang, currency)
    return said + " " + text("cli.check.money", lang, **amounts, money_excluded=lost)


def _weight(data: Dataset, row: Mapping[Any, Any]) -> str:
    """The share and the money that a finding touches, and the KPIs that it weakens."""
    from kpi_helpers.units import MONEY, PERCENT, write

    lang, said = data.config.lang, []
    if row["share"] == row["share"]:
        said.append(write(row["share"], PERCENT, lang))
    if row["money"] == row["money"]:
        said.append(write(row["money"], MONEY, lang, data.config.currency))
    kpis = row["kpis"] or text("cli.check.none", lang)
    return " · ".join([*said, text("cli.check.weakens", lang, kpis=kpis)])


def _examples(data: Dataset, row: Mapping[Any, Any], listed: pd.DataFrame) -> Iterator[str]:
    values = listed.loc[listed["reason"].eq(row["check"]) & listed["table"].eq(row["table"])]
    named = data.mapped[row["table"]].columns if row["table"] in data.mapped else {}
    column = named.get(row["column"], row["column"])
    examples = values.loc[values["column"].eq(column), "value"].dropna().unique()
    if row["check"] in SHOWN and len(examples):
        said = ", ".join(examples[:EXAMPLES]) + ("…" if len(examples) > EXAMPLES else "")
        yield "    " + text("cli.check.values", data.config.lang, values=said)


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


def _changes(data: Dataset, pack: str, since: list[dict[str, Any]] | None) -> Iterator[str]:
    """What has changed since a pack, a line each."""
    from kpi_helpers.units import COUNT, MONEY, write

    if since is None:
        return
    lang, currency = data.config.lang, data.config.currency
    yield text("cli.check.since" if since else "cli.check.unchanged", lang, pack=pack)
    for each in since:
        shown = ", ".join(each["names"][:EXAMPLES]) + ("…" if len(each["names"]) > EXAMPLES else "")
        money = "" if each["money"] is None else write(each["money"], MONEY, lang, currency)
        said = text(f"cli.check.{each['what']}", lang, rows=write(each["n"], COUNT, lang))
        yield "  " + " · ".join(part for part in (said, money, shown) if part)
