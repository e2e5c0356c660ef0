"""The commands: what each takes, and what it prints."""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from kpi_helpers.cli.acting import actions, describe_actions
from kpi_helpers.cli.alerting import alerts, describe_alerts
from kpi_helpers.cli.answers import print_json, records, say, seen, spoken
from kpi_helpers.cli.checking import check, describe_check
from kpi_helpers.cli.diffing import describe_diff, diff
from kpi_helpers.cli.parsing import Parser
from kpi_helpers.cli.project import describe_init, describe_snapshot, init, snapshot
from kpi_helpers.cli.selecting import describe_select, select
from kpi_helpers.cli.serving import describe_lab, describe_workshop, lab, workshop
from kpi_helpers.cli.telling import describe_protocol, protocol
from kpi_helpers.cli.tracing import describe_rows, rows
from kpi_helpers.errors import KpiError
from kpi_helpers.language import text

ANY_DAY = date(2000, 1, 1)
FORMS = ("pdf", "xlsx", "pptx")
FORETELLING = 0.1  # the share of a run that must be done before the time left is told


@dataclass(frozen=True)
class Command:
    """A command: ``describe`` adds its options to a parser, ``run`` returns its exit code."""

    describe: Callable[[Parser], None]
    run: Callable[[argparse.Namespace, str], int]


def _describe_report(parser: Parser) -> None:
    parser.option("period", "PERIOD", "last")
    parser.option("data", "SOURCE")
    parser.option("config", "FILE")
    parser.option("by", "DIM")
    parser.option("as-of", "DAY")
    parser.option("segment", "NAME")
    parser.option("us", "SELLER")
    parser.option("each", "DIM")
    parser.option("before", "DIR")
    parser.switch("share")
    for form in FORMS:
        parser.switch(form)
    parser.switch("plain")
    parser.option("out", "DIR", "reports")


def _report(options: argparse.Namespace, lang: str) -> int:
    _check_period(options.period)
    from kpi_helpers.reports import run

    asked = ("period", "data", "config", "by", "as_of", "segment", "us", "before", "share")
    parameters = {name: given for name in asked if (given := getattr(options, name))}
    parameters["lang"] = spoken(options, lang, options.data)
    forms = [form for form in FORMS if getattr(options, form)]
    if options.each:
        return _each(options, parameters, forms, lang)
    folder = run(parameters, Path(options.out), _progress(lang), (), forms, options.plain)
    for page in sorted([*folder.glob("*.html"), *folder.glob("report.*")]):
        print(page)
    return 0


def _each(
    options: argparse.Namespace, parameters: dict[str, str], forms: list[str], lang: str
) -> int:
    """Make the packs of a batch; the page over them is printed first, what failed is told last."""
    from kpi_helpers.reports import run_each

    out, shown = Path(options.out), _progress(lang)
    batch = run_each(options.each, parameters, out, shown, forms, options.plain)
    print(batch.overview)
    failed = {name: made for name, made in batch.packs.items() if isinstance(made, KpiError)}
    for made in batch.packs.values():
        if isinstance(made, Path):
            print(made / "index.html")
    for name, error in failed.items():
        say(f"kpi: {name}: {error.render(lang)}", sys.stderr)
    return max((error.exit_code for error in failed.values()), default=0)


def _check_period(said: str) -> None:
    """Refuse at once what names no period in any calendar, before anything is read."""
    from kpi_helpers.periods import Calendar

    for end in said.split(":"):
        Calendar().parse(end, as_of=ANY_DAY, first=ANY_DAY)


def _progress(lang: str) -> Callable[..., None]:
    """Return what shows the steps of a run, and the time left, on stderr.

    On a terminal one line follows every cell; in a log there is one line a step.
    """
    live = sys.stderr.isatty()
    start, end = ("\r\x1b[K", "") if live else ("", "\n")
    begun, shares = list[float](), dict[tuple[object, object], float]()

    def left(values: Mapping[str, Any]) -> str:
        """Take for granted that all notebooks of all packs take as long as those begun.

        The first cells only load the data, so that nothing is foretold from them.
        """
        begun.append(time.monotonic())
        shares[values.get("pack"), values["place"]] = (values["n"] - 1) / values["total"]
        share = sum(shares.values()) / values["notebooks"] / values.get("packs", 1)
        if share < FORETELLING:
            return ""
        return text("report.left", lang, n=math.ceil((begun[-1] - begun[0]) * (1 / share - 1) / 60))

    def show(step: str, **values: Any) -> None:
        if live or values.get("n", 1) == 1:
            said = text(f"report.{step}", lang, **values)
            parts = [values.get("scope"), said, left(values) if "n" in values else ""]
            said = start + seen(" · ".join(filter(None, parts)))
            last = "\n" if step in ("replaced", "done") else end
            print(said, end=last, file=sys.stderr, flush=True)
        elif "n" in values:
            left(values)

    return show


def _describe_catalogue(parser: Parser) -> None:
    parser.switch("json")
    parser.option("html", "FOLDER")


def _catalogue(options: argparse.Namespace, lang: str) -> int:
    from kpi_helpers.catalogue import declare_from
    from kpi_helpers.kpis import catalogue
    from kpi_helpers.reports.places import own_kpis

    if own := own_kpis():
        declare_from(own)
    kpis = catalogue(lang)
    if options.html:
        from kpi_helpers.reports.catalogue import write_catalogue

        print(*write_catalogue(Path(options.html), lang), sep="\n")
    elif options.json:
        print_json(records(kpis))
    else:
        for row in kpis.itertuples():
            needs = text("cli.catalogue.needs", lang, needs=row.needs)
            print(f"{row.id}\n    {row.name}\n    {row.definition}\n    {needs}")
    return 0


COMMANDS = {
    "report": Command(_describe_report, _report),
    "alerts": Command(describe_alerts, alerts),
    "diff": Command(describe_diff, diff),
    "rows": Command(describe_rows, rows),
    "init": Command(describe_init, init),
    "check": Command(describe_check, check),
    "select": Command(describe_select, select),
    "actions": Command(describe_actions, actions),
    "protocol": Command(describe_protocol, protocol),
    "snapshot": Command(describe_snapshot, snapshot),
    "catalogue": Command(_describe_catalogue, _catalogue),
    "lab": Command(describe_lab, lab),
    "workshop": Command(describe_workshop, workshop),
}
