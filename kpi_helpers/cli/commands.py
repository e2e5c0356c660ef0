"""The commands: what each takes, and what it prints."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpi_helpers.cli.parsing import Parser
from kpi_helpers.language import text

if TYPE_CHECKING:
    import pandas as pd

    from kpi_helpers.sources import Dataset

SHOWN = ("not_allowed", "unreadable")
EXAMPLES = 5


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
    parser.option("out", "DIR", "reports")


def _report(options: argparse.Namespace, lang: str) -> int:
    from kpi_helpers.reports import run

    parameters = {name: getattr(options, name) for name in ("period", "data", "config", "by")}
    parameters["lang"] = options.lang or ""
    folder = run(parameters, Path(options.out), _progress(lang))
    for page in sorted(folder.glob("*.html")):
        print(page)
    return 0


def _progress(lang: str) -> Callable[..., None]:
    """Return what shows the steps of a run on stderr.

    On a terminal one line follows every cell; in a log there is one line a step.
    """
    live = sys.stderr.isatty()
    start, end = ("\r\x1b[K", "") if live else ("", "\n")

    def show(step: str, **values: object) -> None:
        if live or values.get("n", 1) == 1:
            said = start + text(f"report.{step}", lang, **values)
            print(said, end="\n" if step == "done" else end, file=sys.stderr, flush=True)

    return show


def _describe_check(parser: Parser) -> None:
    parser.argument("source")
    parser.option("config", "FILE")
    parser.switch("json")


def _check(options: argparse.Namespace, lang: str) -> int:
    from kpi_helpers.measure.settings import check_segments
    from kpi_helpers.reports import opened
    from kpi_helpers.sources import left_out, quality
    from kpi_helpers.sources.engine import number_of

    data = opened(options.source, options.config, lang=options.lang or "")
    check_segments(data)
    found, listed = quality(data), left_out(data)
    rows = {name: int(number_of(data.con, data.table(name).count())) for name in data.tables}
    if options.json:
        said = {"name": data.name, "as_of": data.as_of.isoformat(), "tables": rows}
        _print_json({**said, "quality": _records(found), "left_out": _records(listed)})
    else:
        for line in _check_lines(data, rows, found, listed):
            print(line)
    return int("block" in set(found["severity"]))


def _check_lines(
    data: Dataset, rows: dict[str, int], found: pd.DataFrame, listed: pd.DataFrame
) -> Iterator[str]:
    from kpi_helpers.units import COUNT, write, write_date

    lang = data.config.lang
    yield text("cli.check.tables", lang, name=data.name, as_of=write_date(data.as_of, lang))
    for table, number in rows.items():
        yield "  " + text("cli.check.rows", lang, table=table, rows=write(number, COUNT, lang))
    yield text("cli.check.clean" if found.empty else "cli.check.found", lang)
    for row in found.to_dict("records"):
        yield "  " + _finding(row, lang)
        values = listed.loc[listed["reason"].eq(row["check"]) & listed["table"].eq(row["table"])]
        column = data.mapped[row["table"]].columns.get(row["column"], row["column"])
        examples = values.loc[values["column"].eq(column), "value"].dropna().unique()
        if row["check"] in SHOWN and len(examples):
            said = ", ".join(examples[:EXAMPLES]) + ("…" if len(examples) > EXAMPLES else "")
            yield "    " + text("cli.check.values", lang, values=said)
    yield text("cli.check.left_out", lang, rows=write(len(listed), COUNT, lang))


def _finding(row: Mapping[Any, Any], lang: str) -> str:
    from kpi_helpers.units import COUNT, write

    total = round(row["rows"] / row["share"]) if row["share"] > 0 else row["rows"]
    return text(
        "cli.check.finding",
        lang,
        severity=text(f"sheets.severities.{row['severity']}", lang),
        place=f"{row['table']}.{row['column']}",
        rows=write(row["rows"], COUNT, lang),
        total=write(total, COUNT, lang),
        consequence=row["consequence"],
    )


def _describe_catalogue(parser: Parser) -> None:
    parser.switch("json")


def _catalogue(options: argparse.Namespace, lang: str) -> int:
    from kpi_helpers.kpis import catalogue

    kpis = catalogue(lang)
    if options.json:
        _print_json(_records(kpis))
    else:
        for row in kpis.itertuples():
            needs = text("cli.catalogue.needs", lang, needs=row.needs)
            print(f"{row.id}\n    {row.name}\n    {row.definition}\n    {needs}")
    return 0


def _describe_lab(parser: Parser) -> None:
    parser.argument("dir")


def _lab(options: argparse.Namespace, lang: str) -> int:
    import shutil
    import subprocess

    from kpi_helpers.reports.places import notebooks

    folder = Path(options.dir or ".")
    ours = folder / "notebooks"
    if not ours.is_dir():
        shutil.copytree(notebooks(), ours, ignore=shutil.ignore_patterns(".*"))
        print(text("cli.lab.copied", lang, folder=ours), file=sys.stderr)
    # The folder itself is the root, so that a notebook sees the data and the kpi.toml beside it.
    lab = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.resolve()}"]
    return subprocess.call([*lab, "--LabApp.default_url=/lab/tree/notebooks"])


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = json.loads(frame.to_json(orient="records", date_format="iso"))
    return records


def _print_json(said: object) -> None:
    print(json.dumps(said, ensure_ascii=False, indent=2))


COMMANDS = {
    "report": Command(_describe_report, _report),
    "check": Command(_describe_check, _check),
    "catalogue": Command(_describe_catalogue, _catalogue),
    "lab": Command(_describe_lab, _lab),
}
