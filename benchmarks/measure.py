"""How fast the kit answers: ``python benchmarks/measure.py [--rows N] [--deals N] [--times N]``.

- *small*: ten KPIs by quarter and team on 9,000 deals, four quarters that move with every call,
  against pandas by hand (`by_hand`); the kit is warm, its SQL compiled.
- *large*: each main KPI, and five at once, by quarter and team on parquet files of ten million
  rows, against SQL by hand on the same files (`by_sql`).
- *start*: what Python does before the first answer, against the two libraries beneath; the help of
  the command line is told in seconds beyond the bare interpreter.
- *gate*: loading and the checks of the data, against reading the files into pandas and counting
  copies and gaps there.

Times are of the processor and medians of calls in turns; ``clock`` is the ratio by the clock. Both
sides must give the same numbers, else the run fails.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import by_hand
import by_sql
import duckdb
import ibis.expr.types as ir
import made
import numpy as np
import pandas as pd
from timing import HEADER, Line, Taken, in_turns

import kpi_helpers as kh
from kpi_helpers.kpis.parts import Parts, count, total
from kpi_helpers.sources import Dataset
from kpi_helpers.units import COUNT, MONEY

SETTINGS = {"as_of": "2025-12-30", "language": "en"}
QUARTERS = [f"{year}Q{quarter}" for year in range(2022, 2026) for quarter in range(1, 5)][1:]
CELL = ["kpi", "period", "team"]
NUMBERS = ["value", "n", "low", "high"]


@kh.kpi(
    names=("Affaires créées", "Deals created"),
    definition_fr="Affaires créées.",
    unit=COUNT,
    dated="created_at",
)
def deals_added(deals: ir.Table) -> Parts:
    """Deals created in the period."""
    return count(deals.created_at.notnull())


@kh.kpi(
    names=("Valeur créée", "Value created"),
    definition_fr="Montants créés.",
    unit=MONEY,
    dated="created_at",
)
def value_added(deals: ir.Table) -> Parts:
    """Amounts of the deals created in the period."""
    return total(deals.amount)


def assert_same(kit: pd.DataFrame, reference: pd.DataFrame, columns: list[str]) -> None:
    """The same numbers and words, to a part in a thousand million; what SQL has no row for is 0."""
    both = reference.astype(dict.fromkeys(CELL, object)).merge(
        kit, on=CELL, how="outer", suffixes=("_hand", ""), indicator=True
    )
    assert (both["_merge"] != "left_only").all(), both[CELL]
    for column in columns:
        found, expected = both[column], both[f"{column}_hand"].where(both["_merge"] == "both", 0)
        if column in NUMBERS:
            np.testing.assert_allclose(found, expected, rtol=1e-9, err_msg=column)
        else:
            assert (found == expected).all(), both[found != expected]


def small(folder: Path, deals_: int, times: int) -> Line:
    made.write(folder, deals_)
    deals, reps = (pd.read_parquet(folder / f"{name}.parquet") for name in ("deals", "reps"))
    days = ("created_at", "closed_at", "expected_close")
    deals = deals.assign(**{day: pd.to_datetime(deals[day]) for day in days})
    data = kh.load({"deals": deals, "reps": reps}, SETTINGS)
    ready = by_hand.prepared(deals, reps, pd.Timestamp(SETTINGS["as_of"]))

    def span(turn: int) -> tuple[str, str]:
        start = turn % (len(QUARTERS) - 3)
        return QUARTERS[start], QUARTERS[start + 3]

    def kit(turn: int) -> pd.DataFrame:
        return kh.measure(data, by_hand.KPIS, ":".join(span(turn)), by="team")

    def hand(turn: int) -> pd.DataFrame:
        return by_hand.ten_kpis(ready, *span(turn))

    for turn in range(len(QUARTERS) - 3):
        assert_same(kit(turn), hand(turn), [*NUMBERS, "status"])
    return Line(f"ten KPIs, {deals_:,} deals", *in_turns(kit, hand, times), goal=1.1)


def large(folder: Path, rows: int, times: int) -> Iterator[Line]:
    made.write(folder, rows)
    data = kh.load(folder, SETTINGS)
    with duckdb.connect() as con:
        con.execute("SET enable_progress_bar = false")
        values = {"folder": folder.as_posix(), "as_of": SETTINGS["as_of"]}
        values |= {"first": "2024-01-01", "last": "2026-01-01"}
        for name in (*by_sql.QUERIES, "together"):
            yield _one(data, con, name, values, times)


def _one(
    data: Dataset,
    con: duckdb.DuckDBPyConnection,
    name: str,
    values: dict[str, str],
    times: int,
) -> Line:
    kpis = list(by_sql.SET) if name == "together" else [name]

    def kit(turn: int) -> pd.DataFrame:
        return kh.measure(data, kpis, "2024Q1:2025Q4", by="team")

    def sql(turn: int) -> pd.DataFrame:
        return by_sql.asked(con, name, **values)

    assert_same(kit(0), _long(sql(0), kpis), ["value"])
    return Line(name, *in_turns(kit, sql, times), goal=1.8)


def _long(found: pd.DataFrame, kpis: list[str]) -> pd.DataFrame:
    """A query's result in the form of a tidy frame."""
    first = pd.to_datetime(found["quarter"])
    found = found.assign(period=first.dt.strftime("%Y") + "Q" + first.dt.quarter.astype(str))
    each = found.rename(columns={"value": kpis[0]}) if "value" in found else found
    return each.melt(["period", "team"], kpis, var_name="kpi")


def cpu_of(command: list[str]) -> float:
    """Processor seconds of a process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *command], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


START = {
    "import kpi_helpers / pandas, ibis": (["-c", "import kpi_helpers"], 1.2),
    "  with load, measure, quality": (
        ["-c", "from kpi_helpers import load, measure, quality"],
        None,
    ),
    "kpi --help / pandas, ibis": (["-m", "kpi_helpers", "--help"], None),
}


def starts(times: int) -> Iterator[str]:
    commands = {what: command for what, (command, _) in START.items()}
    commands |= {"beneath": ["-c", "import pandas, ibis"], "bare": ["-c", "pass"]}
    taken: dict[str, list[float]] = {what: [] for what in commands}
    for _ in range(times + 1):
        for what, command in commands.items():
            taken[what].append(cpu_of(command))
    median = {what: Taken(*(2 * [statistics.median(each[1:])])) for what, each in taken.items()}
    for what, (_, goal) in START.items():
        yield str(Line(what, median[what], median["beneath"], goal))
    beyond = median["kpi --help / pandas, ibis"].cpu - median["bare"].cpu
    verdict = "holds" if beyond <= 0.3 else "MISSES"
    yield f"kpi --help beyond the interpreter: {beyond:.3f} s, goal 0.300 s  {verdict}"


def gate(folder: Path, rows: int, times: int) -> Iterator[Line]:
    def load(turn: int) -> Dataset:
        return kh.load(folder, SETTINGS)

    def read(turn: int) -> dict[str, pd.DataFrame]:
        return {path.stem: pd.read_parquet(path) for path in folder.glob("*.parquet")}

    def count_gaps(turn: int) -> list[object]:
        return [(f.isna().sum(), f.iloc[:, 0].duplicated().sum()) for f in frames.values()]

    frames = read(0)
    yield Line(f"load, {rows:,} rows / read", *in_turns(load, read, times))
    checked = [load(turn) for turn in range(times + 2)]
    both = in_turns(lambda turn: kh.quality(checked[turn]), count_gaps, times)
    yield Line(f"quality, {rows:,} rows / count gaps", *both)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how fast the kit answers.")
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows of the large files")
    parser.add_argument("--deals", type=int, default=9_000, help="deals of the small company")
    parser.add_argument("--times", type=int, default=40, help="turns of the small comparison")
    given = parser.parse_args()
    few_times = max(given.times // 8, 1)
    print(HEADER)
    with tempfile.TemporaryDirectory() as name:
        few, many = Path(name) / "few", Path(name) / "many"
        few.mkdir()
        many.mkdir()
        print(small(few, given.deals, given.times), flush=True)
        for line in gate(few, given.deals, few_times):
            print(line, flush=True)
        lines = []
        for line in large(many, given.rows, few_times):
            lines.append(line.ratio)
            print(line, flush=True)
        for line in gate(many, given.rows, 1):
            print(line, flush=True)
    print(
        f"{given.rows:,} rows: median ratio {statistics.median(lines):.2f}, goal 1.30; "
        f"largest {max(lines):.2f}, goal 1.80"
    )
    for said in starts(few_times):
        print(said, flush=True)


if __name__ == "__main__":
    main()
