"""How fast the door is: ``python benchmarks/reading.py [FOLDER] [--times N]``.

The transactions of Complete Journey (1.47 million lines, in ``$KPI_REAL_DATA/completejourney``) as
parquet and written as CSV, read through the door and checked, against a bare read by DuckDB into a
table of the same file plus the checks' own queries: all that the door asks of its tables. Each turn
is a process of its own, so that memory is told too; times are of the processor, medians of turns,
once a table of one row has imported what either side needs.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import pandas as pd
from timing import HEADER, Line, Taken

import kpi_helpers as kh
from kpi_helpers.sources import engine

GOAL = 1.5
COLUMNS = {
    "order_id": "basket_id",
    "order_date": "transaction_timestamp",
    "amount_net": "sales_value",
    "customer_id": "household_id",
    "product": "product_id",
    "quantity": "quantity",
}


def through_the_door(path: Path) -> list[Taken]:
    """What loading and checking took, and the queries among them."""
    asked: list[Taken] = []
    fetch = engine.fetch

    def timed(con: object, sql: str) -> pd.DataFrame:
        start = _now()
        frame = fetch(con, sql)
        asked.append(_since(start, _now()))
        return frame

    one = pd.DataFrame({"deal_id": ["1"], "created_at": ["2026-01-05"], "status": ["open"]})
    kh.quality(kh.load(one, {"language": "en"}))
    engine.fetch = timed
    start = _now()
    table = {"file": path.name, "columns": COLUMNS, "decimal": "."}
    kh.quality(kh.load(path, {"language": "en", "tables": {"order_lines": table}}))
    return [_since(start, _now()), Taken(*map(sum, zip(*asked, strict=True)))]


def by_the_engine(path: Path) -> list[Taken]:
    """What a bare read into a table took."""
    start = _now()
    with duckdb.connect() as con:
        con.execute(f"CREATE TABLE bare AS FROM '{path}'")
        return [_since(start, _now())]


SIDES = {"door": through_the_door, "engine": by_the_engine}


def _now() -> Taken:
    return Taken(time.perf_counter(), time.process_time())


def _since(start: Taken, end: Taken) -> Taken:
    return Taken(end.clock - start.clock, end.cpu - start.cpu)


def turns(side: str, path: Path, times: int) -> tuple[list[Taken], float]:
    """Medians of what a side took in processes of their own, and the most memory of any, in MB."""
    command = [sys.executable, __file__, str(path), "--side", side]
    told = [json.loads(subprocess.check_output(command)) for _ in range(times)]
    steps = zip(*(each["steps"] for each in told), strict=True)
    medians = [Taken(*map(statistics.median, zip(*step, strict=True))) for step in steps]
    return medians, max(each["memory"] for each in told)


def compared(path: Path, times: int) -> None:
    (kit, queries), memory = turns("door", path, times)
    (bare,), bare_memory = turns("engine", path, times)
    reference = Taken(bare.clock + queries.clock, bare.cpu + queries.cpu)
    print(Line(f"{path.suffix[1:]}, {path.stat().st_size >> 20} MB", kit, reference, GOAL))
    for what, taken in (("bare read", bare), ("the checks' own queries", queries)):
        print(f"  {what:51}{1000 * taken.cpu:10.1f}")
    print(f"  most memory: {memory:.0f} MB, bare {bare_memory:.0f} MB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how fast files are read and checked.")
    home = Path(os.environ.get("KPI_REAL_DATA", "data")) / "completejourney"
    parser.add_argument("folder", type=Path, nargs="?", default=home)
    parser.add_argument("--times", type=int, default=5, help="turns of each side")
    parser.add_argument("--side", choices=SIDES, help="one turn of a side, told as JSON")
    given = parser.parse_args()
    if given.side:
        steps = SIDES[given.side](given.folder)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"steps": steps, "memory": memory}))
        return
    print(HEADER)
    parquet = given.folder / "transactions.parquet"
    with tempfile.TemporaryDirectory() as name:
        text = Path(name) / "transactions.csv"
        duckdb.execute(f"COPY (FROM '{parquet}') TO '{text}' (HEADER)")
        for path in (text, parquet):
            compared(path, given.times)


if __name__ == "__main__":
    main()
