"""How fast a whole catalogue is: ``python benchmarks/catalogue.py [--deals N] [--times N]``.

A made company of N deals (by default 1 million), twice as many leads, five times as many orders and
the histories of its deals stands in parquet files. Every KPI that they carry is measured by month
and team over 36 months; the ten heaviest are set against raw SQL on the same files (`by_month`),
with the engine's own number of threads on both sides, in turns. Both must give the same numbers,
else the run fails; a heavy KPI that nobody has written in SQL is named. Times are of the processor.
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import by_month
import duckdb
import made
import numpy as np
import pandas as pd
from timing import HEADER, Line, in_turns

from kpi_helpers import load, measure
from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.errors import KpiError
from kpi_helpers.sources import Dataset

HEAVIEST = 10
MEDIAN_GOAL, GOAL, MEMORY_GOAL = 1.3, 1.8, 4.0
PERIOD, AS_OF, WINDOW = "2023-01:2025-12", "2025-12-30", 30
WINDOWS = dict.fromkeys(("stage_leak_value", "stage_conversion"), WINDOW)
SETTINGS = {"as_of": AS_OF, "language": "en", "windows": WINDOWS}
MONTHS = pd.date_range("2023-01-01", periods=36, freq="MS")
DATES = {"first": "2023-01-01", "last": "2026-01-01", "as_of": AS_OF, "tomorrow": "2025-12-31"}
CELL = ["period", "team"]


def measured(data: Dataset, name: str) -> pd.DataFrame:
    """One KPI by month and team."""
    return measure(data, name, PERIOD, by="team", grain="month")


def taken(folder: Path) -> pd.Series:
    """Processor seconds of each KPI that the files carry, the heaviest first."""
    data = load(folder, SETTINGS)
    seconds = {}
    for name in REGISTRY:
        with contextlib.suppress(KpiError):  # no table that it needs knows the team
            start = time.process_time()
            if measured(data, name)["value"].notna().any():
                seconds[name] = time.process_time() - start
    return pd.Series(seconds, name="seconds").sort_values(ascending=False)


def assert_same(kit: pd.DataFrame, hand: pd.DataFrame) -> None:
    """The same values to a part in a thousand million; where SQL has no row, nothing is or zero."""
    hand = hand.assign(period=hand["month"].dt.strftime("%Y-%m"))[[*CELL, "value"]]
    both = kit.merge(hand, on=CELL, how="outer", suffixes=("", "_hand"), indicator=True)
    assert (both["_merge"] != "right_only").all(), both[CELL]
    there = both["_merge"] == "both"
    found, expected = (both[name].astype("float64") for name in ("value", "value_hand"))
    np.testing.assert_allclose(found[there], expected[there], rtol=1e-9)
    assert (found[~there].fillna(0) == 0).all(), both[~there]


def compared(
    data: Dataset, con: duckdb.DuckDBPyConnection, name: str, folder: Path, times: int
) -> Line:
    """One KPI and its SQL, once their numbers are the same."""
    values = {"folder": folder.as_posix(), "window": WINDOW, **DATES}

    def kit(turn: int) -> pd.DataFrame:
        return measured(data, name)

    def sql(turn: int) -> pd.DataFrame:
        return by_month.asked(con, name, MONTHS, **values)

    assert_same(kit(0), sql(0))
    return Line(name, *in_turns(kit, sql, times, warm=0), goal=GOAL)


def everything(folder: Path) -> pd.Series:
    """`taken` in a process of its own, whose memory is told."""
    command = [sys.executable, __file__, "--folder", str(folder)]
    subprocess.run(command, check=True)
    return pd.read_csv(folder / "seconds.txt", index_col=0)["seconds"]


def table(folder: Path, times: int) -> None:
    """Print the comparison, KPI by KPI, and what it comes to."""
    seconds = everything(folder)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    known = [name for name in seconds.index if name in {*by_month.AT_ONCE, *by_month.EACH_MONTH}]
    heaviest = known[:HEAVIEST]
    unknown = [n for n in seconds.index[: seconds.index.get_loc(heaviest[-1])] if n not in known]
    print(HEADER)
    data, lines = load(folder, SETTINGS), []
    with duckdb.connect() as con:
        con.execute("SET enable_progress_bar = false")
        for name in heaviest:
            lines.append(compared(data, con, name, folder, times))
            print(lines[-1], flush=True)
    ratios = [line.ratio for line in lines]
    for name in unknown:
        print(f"{name:42}{1000 * seconds[name]:10.1f}  as heavy, without SQL by hand")
    print(
        f"{len(seconds)} KPIs: {seconds.sum():.1f} s of the processor, {memory:.1f} GB at most, "
        f"goal {MEMORY_GOAL:.1f}\n{len(lines)} heaviest: median ratio "
        f"{statistics.median(ratios):.2f}, goal {MEDIAN_GOAL:.2f}; largest {max(ratios):.2f}, "
        f"goal {GOAL:.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how fast a whole catalogue is.")
    parser.add_argument("--deals", type=int, default=1_000_000, help="deals of the company")
    parser.add_argument("--times", type=int, default=3, help="turns of each comparison")
    parser.add_argument("--folder", type=Path, help="files to go through once, told in seconds.txt")
    given = parser.parse_args()
    if given.folder:
        taken(given.folder).to_csv(given.folder / "seconds.txt")
        return
    with tempfile.TemporaryDirectory() as name:
        table(made.company(Path(name), given.deals), given.times)


if __name__ == "__main__":
    main()
