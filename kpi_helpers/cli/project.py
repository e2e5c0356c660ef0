"""``kpi init`` and ``kpi snapshot``: a project of one's own, and what it remembers."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kpi_helpers.cli.answers import say, spoken
from kpi_helpers.cli.parsing import Parser
from kpi_helpers.errors import KpiError, ReportFailed, first_line, unknown
from kpi_helpers.language import Phrase, text

if TYPE_CHECKING:
    import pandas as pd

    from kpi_helpers.sources import Dataset

OWN = '''"""{about}"""

from kpi_helpers import kpi
from kpi_helpers.kpis.parts import share
from kpi_helpers.units import PERCENT

# @kpi(
#     names=("Part des grosses affaires", "Share of large deals"),
#     definition_fr="Affaires de 50 000 ou plus, en part des affaires créées.",
#     unit=PERCENT,
#     dated="created_at",
# )
# def large_deal_share(deals):
#     """Deals of 50,000 and more, as a share of all deals created."""
#     return share(deals.amount >= 50_000, of=deals.amount.notnull())
'''


def describe_init(parser: Parser) -> None:
    """Add the options of ``kpi init`` to its parser."""
    parser.argument("dir")
    parser.option("from", "EXPORT")


def init(options: argparse.Namespace, lang: str) -> int:
    """Make the folder of a project, whole or not at all, and say what comes next."""
    folder, export = Path(options.dir or "."), vars(options)["from"]
    if not options.dir or (os.path.exists(folder) and not _is_empty(folder)):
        raise KpiError("folder_not_new", folder=folder)
    if export and not os.path.exists(export):
        raise unknown("file", export, [])
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".kpi-") as draft:
            _fill(Path(draft) / folder.name, Path(export) if export else None, lang)
            os.replace(Path(draft) / folder.name, folder)
    except (OSError, ValueError) as error:  # ValueError: a name that no system takes
        raise ReportFailed("not_written", file=folder, reason=first_line(error)) from error
    print(text("cli.init.next" if export else "cli.init.next_empty", lang, folder=folder))
    return 0


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def _fill(folder: Path, export: Path | None, lang: str) -> None:
    from kpi_helpers.reports.places import CONFIG, NOTEBOOKS, OWN_KPIS, notebooks

    for name in ("data", "reports"):
        (folder / name).mkdir(parents=True)
    shutil.copytree(notebooks(), folder / NOTEBOOKS, ignore=shutil.ignore_patterns(".*"))
    (folder / OWN_KPIS).write_text(OWN.format(about=text("project.kpis", lang)), "utf-8")
    if export is None:
        name = json.dumps(folder.name, ensure_ascii=False)
        (folder / CONFIG).write_text(text("project.settings", lang, name=name), "utf-8")
        return
    if export.is_dir():
        shutil.copytree(export, folder / "data", dirs_exist_ok=True)
    else:
        shutil.copy2(export, folder / "data")
    _write_understood(folder, folder / CONFIG, lang)


def _write_understood(folder: Path, path: Path, lang: str) -> None:
    """Write what is understood of the data as the settings of the project."""
    from kpi_helpers.sources import load
    from kpi_helpers.sources.written import write_settings

    try:
        data = load(folder / "data", {"name": folder.name, "language": lang})
    except KpiError as error:
        error.values["fix"] = Phrase("errors.fixes.without_from", {"folder": folder.name})
        raise
    write_settings(data, path)


def describe_snapshot(parser: Parser) -> None:
    """Add the options of ``kpi snapshot`` to its parser."""
    parser.argument("source")
    parser.option("data", "SOURCE")
    parser.option("config", "FILE")
    parser.option("dir", "DIR")


def snapshot(options: argparse.Namespace, lang: str) -> int:
    """Keep a dated copy of the deals, and say what has changed since the one before."""
    from kpi_helpers.reports import opened
    from kpi_helpers.sources import snapshots

    source = options.source or options.data
    lang = spoken(options, lang, source)
    data = opened(source, options.config, lang=lang)
    folder = Path(options.dir) if options.dir else _kept_in(data)
    first = not folder.is_dir() or not any(folder.glob("*.parquet"))
    path = snapshots.take(data, folder)
    changes = snapshots.changes(folder)
    today = changes[changes["seen_at"].dt.date == data.as_of]
    for line in _snapshot_lines(data, path, today, first):
        say(line)
    return 0


def _kept_in(data: Dataset) -> Path:
    """The folder that the settings name, else one beside them."""
    from kpi_helpers.sources.snapshots import FOLDER

    return Path(data.config.file).parent / (data.config.snapshots or FOLDER)


def _snapshot_lines(data: Dataset, path: Path, changes: pd.DataFrame, first: bool) -> Iterator[str]:
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
    if first:
        yield "  " + text("cli.snapshot.first", lang)
    elif changes.empty:
        yield "  " + text("cli.snapshot.unchanged", lang)
    if data.config.snapshots is None:
        yield text("cli.snapshot.setting", lang, folder=path.parent.name)
