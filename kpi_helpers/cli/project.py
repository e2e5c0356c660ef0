"""``kpi snapshot``: what keeps a project from quarter to quarter."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kpi_helpers.cli.parsing import Parser
from kpi_helpers.language import text

if TYPE_CHECKING:
    import pandas as pd

    from kpi_helpers.sources import Dataset


def describe_snapshot(parser: Parser) -> None:
    """Add the options of ``kpi snapshot`` to its parser."""
    parser.argument("source")
    parser.option("config", "FILE")
    parser.option("dir", "DIR")


def snapshot(options: argparse.Namespace, lang: str) -> int:
    """Keep a dated copy of the deals, and say what has changed since the one before."""
    from kpi_helpers.reports import opened
    from kpi_helpers.sources import snapshots

    data = opened(options.source, options.config, lang=options.lang or "")
    folder = Path(options.dir) if options.dir else _kept_in(data)
    path = snapshots.take(data, folder)
    changes = snapshots.changes(folder)
    today = changes[changes["seen_at"].dt.date == data.as_of]
    for line in _snapshot_lines(data, path, today):
        print(line)
    return 0


def _kept_in(data: Dataset) -> Path:
    """The folder that the settings name, else one beside them."""
    from kpi_helpers.sources.snapshots import FOLDER

    return Path(data.config.file).parent / (data.config.snapshots or FOLDER)


def _snapshot_lines(data: Dataset, path: Path, changes: pd.DataFrame) -> Iterator[str]:
    from kpi_helpers.units import COUNT, write, write_date

    lang = data.config.lang
    yield text("cli.snapshot.taken", lang, day=write_date(data.as_of, lang), path=path)
    for column, rows in changes.groupby("column"):
        deals = write(len(rows), COUNT, lang)
        if column != "deal":
            yield "  " + text("cli.snapshot.changed", lang, n=len(rows), deals=deals, column=column)
        else:
            gone = int(rows["after"].isna().sum())
            for key, n in (("new", len(rows) - gone), ("gone", gone)):
                yield "  " + text(f"cli.snapshot.{key}", lang, n=n, deals=write(n, COUNT, lang))
    if changes.empty:
        yield "  " + text("cli.snapshot.unchanged", lang)
    if data.config.snapshots is None:
        yield text("cli.snapshot.setting", lang, folder=path.parent.name)
