"""The sides of the figures of `scale`: the kit, SQL and pandas, each in a process of its own."""

from __future__ import annotations

import argparse
import json
import pickle
import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import by_month
import by_pandas
import by_sql
import by_stage
import duckdb
import numpy as np
import pandas as pd
from timing import Taken

from kpi_helpers import load, measure
from kpi_helpers.sources import Dataset

CAP = "6GB"
PERIOD, MONTHS = "2025-07:2025-12", pd.date_range("2025-07-01", periods=6, freq="MS")
VALUES = {"first": "2025-07-01", "last": "2026-01-01", "as_of": by_stage.AS_OF}
VALUES |= {"tomorrow": "2025-12-31", "window": str(by_stage.WINDOW)}
HEAVIEST = (
    "rfm_segment_share",
    "weighted_pipeline",
    "stalled_share",
    "customer_retention_rate",
    "repurchase_rate",
    "new_vs_existing_revenue",
    "refund_rate",
    "new_customers",
    "stage_conversion",
    "open_pipeline_value",
)
OF_STAGES = ("funnel", "conversion", "time in stage", "cohorts")
OF_LINES = ("revenue", "aov", "new_customers", "cohorts")
STAGES = {
    "funnel": (by_stage.funnel, by_stage.funnel_by_hand),
    "conversion": (by_stage.passing, by_stage.passing_by_hand),
    "time in stage": (by_stage.stays, by_stage.stays_by_hand),
}
ORDERS = """CREATE TABLE orders AS SELECT order_id, min(order_date) AS order_date,
    sum(amount_net) AS amount_net, any_value(customer_id) AS customer_id,
    any_value(owner) AS owner, 'order' AS type
FROM '{folder}/order_lines.parquet' GROUP BY order_id"""


class Told(NamedTuple):
    """What a process tells of its side of a figure: seconds, and GB."""

    load: float
    taken: Taken
    memory: float


def kit(data: Dataset, name: str) -> pd.DataFrame:
    """What the kit says."""
    if name in STAGES:
        return STAGES[name][0](data)
    if name == "cohorts":
        return by_stage.cohorts(data)
    found = measure(data, name, PERIOD, by="team", grain="month")
    return found.assign(month=found["start"])[["month", "team", "value"]]


def sql(con: duckdb.DuckDBPyConnection, folder: Path, name: str) -> pd.DataFrame:
    """What SQL says; orders of lines are a table that stands."""
    table = "orders" if is_lines(folder) else f"'{folder}/orders.parquet'"
    if name in STAGES:
        return STAGES[name][1](con, folder)
    if name == "cohorts":
        return by_stage.cohorts_by_hand(con, table)
    values = {"folder": folder.as_posix(), **VALUES}
    if name not in by_sql.QUERIES:
        return by_month.asked(con, name, MONTHS, **values)[["month", "team", "value"]]
    query = by_sql.QUERIES[name].replace("quarter", "month").format(**values)
    return con.execute(query.replace(f"'{folder}/orders.parquet'", table)).df()[
        ["month", "team", "value"]
    ]


def pandas(folder: Path, name: str) -> pd.DataFrame | None:
    """What pandas says, where someone has written it."""
    told = by_pandas.OF_LINES if is_lines(folder) else by_pandas.OF_ORDERS
    return told[name](folder, VALUES) if name in told else None


def is_lines(folder: Path) -> bool:
    """Whether orders are told by their lines alone."""
    return (folder / "order_lines.parquet").exists()


def loaded(folder: Path) -> Dataset:
    """The files in the kit."""
    return load(folder, by_stage.SETTINGS)


def on_spark(folder: Path) -> Dataset:
    """The files in a Spark session on this machine."""
    import ibis
    from pyspark.sql import SparkSession

    quiet = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
    quiet |= {"spark.log.level": "ERROR", "spark.sql.session.timeZone": "UTC"}
    quiet |= {"spark.sql.shuffle.partitions": "4"}
    quiet |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    session = SparkSession.builder.master("local[2]").config(map=quiet).getOrCreate()
    for path in sorted(folder.glob("*.parquet")):
        session.read.parquet(str(path)).createOrReplaceTempView(path.stem)
    return load(ibis.pyspark.connect(session), by_stage.SETTINGS)


def connected(folder: Path) -> duckdb.DuckDBPyConnection:
    """An engine, with the orders of lines in a table."""
    con = duckdb.connect()
    if is_lines(folder):
        con.execute(ORDERS.format(folder=folder.as_posix()))
    return con


def _now() -> Taken:
    return Taken(time.perf_counter(), time.process_time())


def turn(folder: Path, side: str, name: str, times: int) -> Told | None:
    """One side of a figure in this process; what it found is kept beside the files."""
    begun = _now()
    opened = {"kit": loaded, "spark": on_spark, "sql": connected}.get(side, lambda _: None)(folder)
    load_ = _now().cpu - begun.cpu
    ask: Callable[[], Any] = {
        "sql": lambda: sql(opened, folder, name),
        "pandas": lambda: pandas(folder, name),
    }.get(side, lambda: kit(opened, name))
    moments = [_now()]
    for _ in range(times + 1):
        found = ask()
        moments.append(_now())
    if found is None:
        return None
    (folder / f"{name}.{side}.pickle").write_bytes(pickle.dumps(found))
    taken = [Taken(*np.subtract(end, start)) for start, end in pairwise(moments)]
    taken = taken[1:] or taken
    median = Taken(*map(statistics.median, zip(*taken, strict=True)))
    return Told(load_, median, _held())


def _held() -> float:
    """GB that this process held at most; ``getrusage`` also counts what its parent held."""
    told = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(told["VmHWM"].split()[0]) / 2**20


def capped() -> None:
    """Let no engine of this process take more memory than `CAP`, and none write a bar."""
    connect = duckdb.connect

    def bounded(*given: Any, **named: Any) -> duckdb.DuckDBPyConnection:
        con = connect(*given, **named)
        con.execute(f"SET memory_limit = '{CAP}'; SET enable_progress_bar = false")
        return con

    duckdb.connect = bounded


def main() -> None:
    """Print seconds and GB of one side of a figure as JSON; what it found is kept."""
    parser = argparse.ArgumentParser(description="Ask one side of a figure.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("side", choices=("kit", "sql", "pandas", "spark"))
    parser.add_argument("name")
    parser.add_argument("--times", type=int, default=1, help="0: the first time counts")
    given = parser.parse_args()
    capped()
    print(json.dumps(turn(given.folder, given.side, given.name, given.times)))
