"""Do all engines say the same: ``python benchmarks/engines.py [--postgres URL] [--spark]``.

Each KPI (plain, by a dimension, filtered, by month, compared, and the rows behind it) and each
analysis of ``tests/analyses.py`` is asked of frames, then of CSV, parquet, a DuckDB file,
PostgreSQL and Spark (of the servers only with ``--no-files``). ``same``: to a part in a thousand
million, words and order of rows included; ``none``: no engine has a figure for it here;
``refused``: an error of ours, whose text is given below the table; ``DIFFERS``: anything else, and
the exit code is 1. ``--rows "funnel.*" customers`` asks for some only.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pandas as pd

import kpi_helpers as kh
from kpi_helpers.errors import KpiError
from kpi_helpers.kpis import catalogue
from kpi_helpers.samples import company
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.engine import frame_of

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import analyses
import stores

Answers = dict[str, dict[str, analyses.Answer | KpiError]]  # row of the table → way → answer
KPIS = catalogue()["id"].tolist()
ROWS = [*KPIS, *analyses.ANALYSES]


def tables_of(folder: str) -> stores.Tables:
    """The canonical tables of a project, as frames; of the sample company where none is named."""
    if not folder:
        return company()
    data = kh.load(folder)
    frames = {name: frame_of(data.con, data.base[name]) for name in data.tables}
    return {name: frame.dropna(axis="columns", how="all") for name, frame in frames.items()}


def asked(data: Dataset, patterns: list[str]) -> Answers:
    """Every answer of a data set, or of the rows of the table that were asked for."""
    wanted = {name for each in patterns for name in fnmatch.filter(ROWS, each)}
    kpis = [kpi for kpi in KPIS if kpi in wanted]
    by_way = {way: analyses.each_kpi(data, kpis, way) for way in analyses.WAYS} if kpis else {}
    by_way["rows"] = {kpi: analyses.tried(analyses.rows_behind, data, kpi) for kpi in kpis}
    found = {kpi: {way: answers[kpi] for way, answers in by_way.items()} for kpi in kpis}
    others = {name: ask for name, ask in analyses.ANALYSES.items() if name in wanted}
    return found | {name: {"": _answer(ask, data)} for name, ask in others.items()}


def _answer(ask: Callable[..., object], data: Dataset) -> analyses.Answer | KpiError:
    """An answer; what is no error of ours is told as a difference, for others are still to come."""
    try:
        return analyses.tried(ask, data)
    except Exception as error:
        traceback.print_exc()
        return {"": f"{type(error).__name__}: {error}"}


def cell(found: dict[str, analyses.Answer | KpiError], row: str, expected: Answers) -> list[str]:
    """What the table says of a row on an engine, and the notes that explain it."""
    notes = []
    for way, wanted in expected[row].items():
        got, label = found[way], f"{row} {way}".strip()
        differs = analyses.difference(got, wanted)
        if isinstance(got, KpiError) and (differs or isinstance(wanted, KpiError)):
            notes.append(f"refused: {way or 'asked'}: {got}")
        elif differs:
            notes.append(f"DIFFERS: {label}: {differs[:400]}")
    return notes


def shown(notes: list[str], answers: dict[str, analyses.Answer | KpiError]) -> str:
    """One word for a cell."""
    if any(note.startswith("DIFFERS") for note in notes):
        return "DIFFERS"
    if len(notes) == len(answers):
        return "refused"
    return "same" if any(map(_has_figures, answers.values())) else "none"


def _has_figures(answer: analyses.Answer | KpiError) -> bool:
    if isinstance(answer, KpiError):
        return False
    values = answer.get("")
    if isinstance(values, pd.DataFrame) and "value" in values:
        return bool(values["value"].notna().any())
    return True


def told(
    engines: list[str], tables: stores.Tables, url: str, patterns: list[str]
) -> Iterator[tuple[str, Answers]]:
    """Each engine with its answers."""
    for engine in engines:
        with ExitStack() as stack:
            source = stack.enter_context(stores.kept(tables, engine, url))
            print(f"asking {engine}", file=sys.stderr, flush=True)
            yield engine, asked(kh.load(source), patterns)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--postgres", default=os.environ.get("KPI_TEST_POSTGRES", ""))
    parser.add_argument("--spark", action="store_true")
    parser.add_argument("--no-files", action="store_true", help="frames and servers only")
    parser.add_argument("--data", default="", help="folder of a project instead of the sample")
    parser.add_argument("--rows", nargs="+", default=["*"], help="names or patterns of them")
    options = parser.parse_args()
    engines = ["frames", *([] if options.no_files else stores.FILES)]
    engines += ["postgres"] * bool(options.postgres)
    engines += ["spark"] * options.spark
    table, footnotes, expected = {}, [], {}
    tables = tables_of(options.data)
    for engine, answers in told(engines, tables, options.postgres, options.rows):
        expected = expected or answers
        column = []
        for row, found in answers.items():
            notes = cell(found, row, expected)
            differing = [note for note in notes if note.startswith("DIFFERS")]
            print(*differing, sep="\n", end="\n" * bool(differing), file=sys.stderr, flush=True)
            column.append(_marked(shown(notes, found), notes, footnotes))
        table[engine] = pd.Series(column, index=[*answers])
        print(f"{engine}: {_counted(table[engine])}", file=sys.stderr, flush=True)
    frame = pd.DataFrame(table)
    print(frame.to_string())
    for number, note in enumerate(footnotes, 1):
        print(f"[{number}] {note}")
    for row, why in analyses.NOT_ASKED.items():
        print(f"{row}: {why}")
    print(_counted(frame.stack()))
    return int(frame.stack().str.startswith("DIFFERS").any())


def _counted(cells: pd.Series) -> str:
    words = cells.str.partition(" ")[0].value_counts()
    return "; ".join(f"{word} {n}" for word, n in words.items())


def _marked(word: str, notes: list[str], footnotes: list[str]) -> str:
    """A cell with the numbers of its footnotes, which are added where they are new."""
    footnotes.extend(dict.fromkeys(note for note in notes if note not in footnotes))
    numbers = sorted({footnotes.index(note) + 1 for note in notes})
    return " ".join([word, *(f"[{number}]" for number in numbers)])


if __name__ == "__main__":
    sys.exit(main())
