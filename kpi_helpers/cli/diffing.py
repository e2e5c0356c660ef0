"""``kpi diff``: what differs between two reports."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from kpi_helpers.cli.answers import print_json, say
from kpi_helpers.cli.parsing import Parser
from kpi_helpers.language import text

EXAMPLES, LONGEST = 5, 200
Found = Mapping[str, Any]


def describe_diff(parser: Parser) -> None:
    """Add the options of ``kpi diff`` to its parser."""
    parser.argument("a")
    parser.argument("b")
    parser.switch("json")


def diff(options: argparse.Namespace, lang: str) -> int:
    """Say what differs between two packs; 1 when something does."""
    from kpi_helpers.reports import difference

    found = difference(options.a, options.b)
    if options.json:
        print_json(found)
    else:
        for line in _lines(found, lang):
            say(line)
    return int(not found["same"])


def _lines(found: Found, lang: str) -> Iterator[str]:
    before, after = found["periods"]
    if not found["common"]:
        yield text("cli.diff.nothing_common", lang)
    elif before != after:
        yield text("cli.diff.between", lang, before=before, after=after)
    if found["same"]:
        yield text("cli.diff.same", lang)
        return
    blocks = {
        "figures": [_figure(row, found["currencies"], lang) for row in found["figures"]],
        "definitions": [_definition(row, lang) for row in found["definitions"]],
        "data": [*_tables(found["tables"], lang), *_rows(found, lang)],
        "settings": [_arrow(lang, *row.values()) for row in found["settings"]],
        "packages": [_arrow(lang, *row.values()) for row in found["packages"]],
    }
    for topic, lines in blocks.items():
        yield text(f"cli.diff.{topic}", lang)
        yield from (f"  {line}" for line in lines or [text("cli.diff.unchanged", lang)])


def _figure(row: Found, currencies: tuple[str, str], lang: str) -> str:
    from kpi_helpers.wording.restated import apart

    before, after, change = apart(row["before"], row["after"], row["unit"], lang, currencies)
    return f"{_arrow(lang, _what(row, lang), before, after)} ({change})"


def _definition(row: Found, lang: str) -> str:
    before, after = row["before"], row["after"]
    known = [end["definition"] for end in (before, after)]
    ends = [said.get(lang, said.get("en", "")) for said in known]
    if ends[0] == ends[1]:
        ends = [before["version"], after["version"]]
    return _arrow(lang, row["key"], *ends)


def _tables(tables: list[Found], lang: str) -> Iterator[str]:
    from kpi_helpers.units import COUNT, write

    for row in tables:
        numbers = [(row[end] or {}).get("rows") for end in ("before", "after")]
        said = [write(number, COUNT, lang) for number in numbers]
        key = "cli.diff.edited" if said[0] == said[1] else "cli.diff.rows"
        before, after = said
        yield text(key, lang, table=_plain(row["key"]), before=before, after=after)


def _rows(found: Found, lang: str) -> Iterator[str]:
    from kpi_helpers.units import COUNT, write
    from kpi_helpers.wording.restated import counted

    for what, group in groupby(found["rows"], key=lambda row: _what(row, lang)):
        rows = list(group)
        number = write(len(rows), COUNT, lang)
        yield text("cli.diff.moved", lang, what=what, n=len(rows), number=number)
        for row in rows[:EXAMPLES]:
            ends = [
                counted(row[f"counts_{end}"], row[f"of_{end}"], row["unit"], lang, currency)
                for end, currency in zip(("before", "after"), found["currencies"], strict=True)
            ]
            yield f"  {_arrow(lang, row['key'], *ends)}"
        if len(rows) > EXAMPLES:
            yield "  …"
    if found["unlisted"]:
        yield text("cli.diff.unlisted", lang, n=len(found["unlisted"]))


def _what(row: Found, lang: str) -> str:
    from kpi_helpers.wording.restated import dated

    groups = "".join(f" ({_plain(group)})" for group in row.get("dims", {}).values())
    return dated(row, lang) + groups


def _arrow(lang: str, what: object, before: object, after: object) -> str:
    said = {"what": _plain(what), "before": _plain(before), "after": _plain(after)}
    return text("cli.diff.changed", lang, **said)


def _plain(value: object) -> str:
    from kpi_helpers.wording.told import plain

    return plain(value, LONGEST) or "–"
