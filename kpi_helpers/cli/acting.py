"""``kpi actions``: what was decided and how it stands, and what a report proposes taken over."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kpi_helpers.cli.answers import print_json, records, say
from kpi_helpers.cli.parsing import Parser
from kpi_helpers.errors import KpiError, unknown
from kpi_helpers.language import text

if TYPE_CHECKING:
    import pandas as pd

    from kpi_helpers.sources import Dataset

# An exit code of its own: 1 and 2 are faults.
FLAGGED = 3
FILES = ("actions.xlsx", "actions.csv")
ADD, SHOWN = "add", ("action_id", "state", "owner", "due_date", "said")


def describe_actions(parser: Parser) -> None:
    """Add the options of ``kpi actions`` to its parser."""
    parser.argument("do")
    parser.option("from", "DIR")
    parser.option("id", "IDS")
    parser.option("register", "FILE")
    parser.option("data", "SOURCE")
    parser.option("config", "FILE")
    parser.option("as-of", "DAY")
    parser.switch("json")


def actions(options: argparse.Namespace, lang: str) -> int:
    """List the register with how each action stands, or add what a report proposes.

    A listing returns 3 where something is wrong with a row, else 0.
    """
    if options.do not in ("", ADD):
        raise unknown("command", options.do, [ADD])
    path = _register(options)
    if options.do == ADD:
        for line in _added(options, path, lang):
            say(line)
        return 0
    from kpi_helpers.actions import problems
    from kpi_helpers.reports import opened

    if options.register and not path.exists():
        raise unknown("file", path.name, [])
    data = opened(options.data, options.config, options.as_of, lang)
    rows = _listed(data, path)
    found = problems(rows, path.name) if path.exists() else []
    if options.json:
        said = [(each.values["line"], each.render(lang)) for each in found]
        told = records(rows)
        for line, row in zip(rows.index, told, strict=True):
            row["problems"] = [words for at, words in said if at == line]
        print_json(told)
    else:
        for line in _lines(data, rows, path, lang):
            say(line)
        for each in found:
            say(each.render(lang))
    return FLAGGED if found else 0


def _register(options: argparse.Namespace) -> Path:
    """The file that is named, else the one among the data of the project."""
    from kpi_helpers.reports.places import project, sample

    if options.register:
        return Path(options.register)
    source = Path(options.data) if options.data else project()[0] or Path()
    folder = source if source.is_dir() and source != sample() else Path()
    return next((folder / name for name in FILES if (folder / name).exists()), folder / FILES[1])


def _added(options: argparse.Namespace, path: Path, lang: str) -> Iterator[str]:
    """Add the proposals of a pack that the register does not have yet."""
    import pandas as pd

    from kpi_helpers.actions import to_record
    from kpi_helpers.reports.difference import recorded as record_of
    from kpi_helpers.reports.tables import TABLES, read_csv
    from kpi_helpers.sources.action_file import ID, recorded, register
    from kpi_helpers.wording.effects import proposed_said

    pack = Path(vars(options)["from"])
    if not vars(options)["from"]:
        raise KpiError("bad_option", option="--from", command="kpi actions")
    day = str(record_of(pack)["as_of"])
    frames = [read_csv(each) for each in sorted((pack / TABLES).glob("*decisions.csv"))]
    proposed = pd.concat([pd.DataFrame(columns=[ID, "finding"]), *frames], ignore_index=True)
    rows = to_record(
        proposed.assign(finding=[proposed_said(row, lang) for row in records(proposed)]), day
    )
    wanted = [name.strip() for name in options.id.split(",") if name.strip()] or list(rows[ID])
    for name in wanted:
        if name not in set(rows[ID]):
            raise unknown("action", name, rows[ID])
    known = set(register(path)[ID]) if path.exists() else set()
    new = rows[rows[ID].isin(wanted) & ~rows[ID].isin(known)]
    if len(new):
        recorded(path, new)
    yield text("cli.actions.added", lang, n=len(new), path=path)
    yield from (f"  {name}" for name in new[ID])
    if known & set(wanted):
        yield text("cli.actions.known", lang, n=len(known & set(wanted)))


def _listed(data: Dataset, path: Path) -> pd.DataFrame:
    """The rows of the register, or of the table of the source, with how they stand."""
    import pandas as pd

    from kpi_helpers.actions import states
    from kpi_helpers.sources.action_file import ID, register

    rows = register(path) if path.exists() else pd.DataFrame(columns=[ID])
    if not path.exists() and "actions" in data.tables:
        rows = data["actions"]
    rows = rows[rows[ID].fillna("").ne("")]
    columns = [name for name in ("action", "finding") if name in rows]
    said = rows[columns].replace("", None).bfill(axis=1).iloc[:, 0] if columns else ""
    return rows.assign(state=states(rows, data.as_of), said=said).fillna("")


def _lines(data: Dataset, rows: pd.DataFrame, path: Path, lang: str) -> Iterator[str]:
    from kpi_helpers.actions import completion
    from kpi_helpers.units import write_date

    if rows.empty:
        yield text("cli.actions.none", lang, path=path)
        return
    for row in records(rows.reindex(columns=list(SHOWN)).astype(str)):
        row["due_date"] = str(row["due_date"]).removesuffix(" 00:00:00")
        row["state"] = text(f"effects.outcome.{row['state']}", lang)
        yield "  ".join(filter(None, map(str, row.values())))
    done, due = completion(rows, data.as_of)
    yield text("cli.actions.completion", lang, n=due, done=done, day=write_date(data.as_of, lang))
