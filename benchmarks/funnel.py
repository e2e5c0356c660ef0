"""How fast funnels are: ``python benchmarks/funnel.py [--deals N] [--times N] [--notebook]``.

A made company of N deals (by default 1 million) with four times as many moves between stages stands
in parquet files. The funnel by quarter and channel and the time in each stage are asked of the kit
and set against raw SQL on the same files, with the engine's own number of threads on both sides, in
turns. Both must give the same numbers, else the run fails. Times are of the processor; memory is
that of a process that asks the kit alone. With ``--notebook``, notebook 02 is run on the same files
instead: its slowest cells by the clock, and the most memory of the report and of its kernel.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import made
import numpy as np
import pandas as pd
from timing import HEADER, Line, in_turns

from kpi_helpers import load, measure, reports
from kpi_helpers.funnel import Asked, Way, attempts, counted
from kpi_helpers.reports.places import notebooks
from kpi_helpers.sources import Dataset

GOAL, MEMORY_GOAL = 1.3, 4.0
SLOWEST = 8
WINDOW, STAGES, AS_OF = 90, 6, "2025-12-30"
SETTINGS = {
    "as_of": AS_OF,
    "language": "en",
    "windows": {"stage_conversion": WINDOW},
    "stages": [f"stage {place}" for place in range(STAGES)],
}
PERIOD = "2023Q1:2025Q4"
# Two to six stages, four on average, at even steps until the deal is decided.
MOVES = """
SELECT deal_id, 'stage ' || step AS stage,
    created_at + to_hours((9 + 24 * (closes - created_at) * step / steps)::INTEGER) AS entered_at,
FROM (
    SELECT deal_id, created_at, coalesce(closed_at, DATE '2025-12-30') AS closes,
        2 + (hash(deal_id, 7) % 5)::INTEGER AS steps, unnest(range(steps)) AS step,
    FROM '{folder}/deals.parquet'
)
"""
FUNNEL = """
WITH firsts AS (
    SELECT deal_id, {firsts}
    FROM '{folder}/stage_history.parquet' WHERE stage IN ({all}) GROUP BY deal_id
), cases AS (
    SELECT region, date_trunc('quarter', at_0) AS quarter, {flags}
    FROM firsts JOIN '{folder}/deals.parquet' USING (deal_id)
    WHERE at_0 >= DATE '2023-01-01' AND at_0 < DATE '2026-01-01'
        AND date_diff('day', at_0::DATE, DATE '{as_of}') >= {window}
)
SELECT region, quarter, count(*) AS reached_0, {sums} FROM cases GROUP BY region, quarter
"""
STAYS = """
WITH stays AS (
    SELECT stage, deal_id, entered_at::DATE AS since,
        lead(entered_at::DATE) OVER (PARTITION BY deal_id ORDER BY entered_at) AS next_at,
    FROM '{folder}/stage_history.parquet'
)
SELECT stage, date_diff('day', since, coalesce(next_at, closed_at, DATE '{as_of}')) AS days,
    count(*) FILTER (WHERE coalesce(next_at, closed_at) IS NOT NULL) AS ended, count(*) AS n,
FROM stays JOIN '{folder}/deals.parquet' USING (deal_id)
WHERE since >= DATE '2025-01-01' AND since < DATE '2026-01-01'
GROUP BY ALL
"""


def funnel(data: Dataset) -> pd.DataFrame:
    """How many deals reached each stage, by quarter and region."""
    way = Way(tuple(SETTINGS["stages"]), window=WINDOW)
    moves = data.table("stage_history")
    moves = moves.select("entered_at", case_id=moves.deal_id, step=moves.stage)
    deals = data.table("deals")
    tried = attempts(moves, way).join(deals.select("region", case_id=deals.deal_id), "case_id")
    spans = data.config.calendar.periods(PERIOD)
    return counted(data.con, tried, way, Asked(spans, dt.date.fromisoformat(AS_OF), ("region",)))


def funnel_by_hand(con: duckdb.DuckDBPyConnection, folder: Path) -> pd.DataFrame:
    """The same in SQL."""
    later = [", ".join(f"'{name}'" for name in SETTINGS["stages"][n:]) for n in range(STAGES)]
    steps = range(STAGES)
    words = {
        "firsts": ", ".join(
            f"min(entered_at) FILTER (WHERE stage IN ({later[n]})) AS at_{n}" for n in steps
        ),
        "flags": ", ".join(
            f"date_diff('day', at_0::DATE, at_{n}::DATE) <= {WINDOW} AS in_{n}" for n in steps
        ),
        "sums": ", ".join(f"count(*) FILTER (WHERE in_{n}) AS reached_{n}" for n in steps[1:]),
    }
    query = FUNNEL.format(folder=folder, all=later[0], as_of=AS_OF, window=WINDOW, **words)
    return con.execute(query).df()


def stays(data: Dataset) -> pd.DataFrame:
    """The median time in each stage, of the stays begun in a year."""
    return measure(data, "time_in_stage", "2025", by="stage")


def stays_by_hand(con: duckdb.DuckDBPyConnection, folder: Path) -> pd.DataFrame:
    """The same in SQL, and the median of Kaplan and Meier from its counts."""
    counts = con.execute(STAYS.format(folder=folder, as_of=AS_OF)).df()
    counts = counts.sort_values("days", ignore_index=True)
    at_risk = counts.iloc[::-1].groupby("stage")["n"].cumsum()
    counts["left"] = (1 - counts["ended"] / at_risk).groupby(counts["stage"]).cumprod()
    half = counts[counts["left"] <= 0.5 + 1e-12]
    return half.groupby("stage", as_index=False)["days"].min()


def assert_same(data: Dataset, con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """The numbers of both sides."""
    kit = funnel(data).pivot_table(index=["region", "start"], columns="place", values="numerator")
    hand = funnel_by_hand(con, folder).set_index(["region", "quarter"]).sort_index()
    read = kit[kit[0] > 0].sort_index()
    np.testing.assert_array_equal(read, hand[hand["reached_0"] > 0])
    kit = stays(data).dropna(subset="value").set_index("stage")["value"].sort_index()
    np.testing.assert_array_equal(kit, stays_by_hand(con, folder).set_index("stage")["days"])


def table(folder: Path, times: int) -> None:
    """Print both comparisons, and what they come to."""
    command = [sys.executable, __file__, "--folder", str(folder)]
    subprocess.run(command, check=True)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    data, lines = load(folder, SETTINGS), []
    print(HEADER)
    with duckdb.connect() as con:
        con.execute("SET enable_progress_bar = false")
        assert_same(data, con, folder)
        for name, kit, hand in (
            ("funnel by quarter and region", funnel, funnel_by_hand),
            ("time in each stage", stays, stays_by_hand),
        ):
            taken = in_turns(lambda _, f=kit: f(data), lambda _, f=hand: f(con, folder), times)
            lines.append(Line(name, *taken, goal=GOAL))
            print(lines[-1], flush=True)
    median = statistics.median(line.ratio for line in lines)
    print(f"median ratio {median:.2f}, goal {GOAL}; {memory:.1f} GB at most, goal {MEMORY_GOAL}")


def notebook(folder: Path) -> None:
    """Print how long the cells of notebook 02 take, the slowest first, and its memory."""
    source = notebooks() / "02_funnel_pipeline.ipynb"
    config = folder / "kpi.toml"
    stages = json.dumps(SETTINGS["stages"])
    config.write_text(f'as_of = "{AS_OF}"\nlanguage = "en"\nstages = {stages}\n', "utf-8")
    begun = [("reading", time.perf_counter())]

    def progress(step: str, **counted: int) -> None:
        begun.append((f"cell {counted['n']}" if counted else step, time.perf_counter()))

    values = {"data": str(folder), "config": str(config), "period": "2025Q4"}
    reports.run(values, folder / "reports", progress, [source])
    names, moments = zip(*begun, strict=True)
    seconds = pd.Series(np.diff(moments), names[:-1]).sort_values(ascending=False)
    print(seconds.head(SLOWEST).map("{:6.1f} s".format).to_string())
    report, kernel = (
        resource.getrusage(who).ru_maxrss / 2**20
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(
        f"notebook 02: {seconds.sum():.0f} s by the clock; {report:.1f} GB at most for the report, "
        f"{kernel:.1f} for its kernel, goal {MEMORY_GOAL}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how fast funnels are.")
    parser.add_argument("--deals", type=int, default=1_000_000, help="deals of the company")
    parser.add_argument("--times", type=int, default=5, help="turns of each comparison")
    parser.add_argument("--folder", type=Path, help="files to ask the kit of once")
    parser.add_argument("--notebook", action="store_true", help="run notebook 02 instead")
    given = parser.parse_args()
    if given.folder:
        data = load(given.folder, SETTINGS)
        funnel(data), stays(data)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = made.write(Path(name), given.deals)
        moves = MOVES.format(folder=folder.as_posix())
        with duckdb.connect() as con:
            con.execute(f"COPY ({moves}) TO '{folder}/stage_history.parquet' (FORMAT parquet)")
        notebook(folder) if given.notebook else table(folder, given.times)


if __name__ == "__main__":
    main()
