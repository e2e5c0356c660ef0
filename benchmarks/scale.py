"""How cost grows: ``python benchmarks/scale.py [--sizes N …] [--lines N] [--times N] [--keep F]``.

Companies of as many deals (and orders, and the histories of the deals) and a shop of order lines,
in parquet files, are asked for the heaviest KPIs by month and team over half a year, for the
funnel, for the way through the stages and for cohorts. The kit is set against SQL by hand
(`by_sql`, `by_month`, `by_stage`) and pandas by hand (`by_pandas`, up to `PANDAS` rows) on the same
files. All must give the same numbers, else the run fails. Each side of each figure is a process of
its own, that loads the files (told apart, as *load*), asks once to be warm, and then ``--times``
times: the median, in seconds of the processor, and the most memory that the process ever had.

The ten KPIs are the heaviest of ``benchmarks/catalogue.py`` (every KPI measured on a made company),
of each way of asking (`kpi_helpers.measure.ask`) the two heaviest at most: looking at a whole
period (RFM, repurchase), at what stood (weighted and stalled pipeline), at who stayed, at clusters,
at sums over old rows, at first times, at cohorts of stages and at a stock.

With ``--engine spark`` the same KPIs are asked of Spark on this machine (``local[2]``): seconds by
the clock, for how they grow; how fast they are there says nothing of a cluster.
"""

from __future__ import annotations

import argparse
import json
import pickle
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import by_month
import by_pandas
import by_sql
import by_stage
import duckdb
import made
import numpy as np
import pandas as pd
from timing import Taken

from kpi_helpers import load, measure
from kpi_helpers.sources import Dataset

MEDIAN_GOAL, GOAL, MEMORY_GOAL, CAP, PANDAS = 1.3, 1.8, 0.5, "6GB", 10_000_000
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

    quiet = {"spark.ui.enabled": "false", "spark.log.level": "ERROR"}
    quiet |= {"spark.sql.session.timeZone": "UTC", "spark.sql.shuffle.partitions": "4"}
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


def turn(folder: Path, side: str, name: str, times: int) -> Told | None:
    """One side of a figure in this process; what it found is kept beside the files."""
    begun = time.process_time()
    opened = {"kit": loaded, "spark": on_spark, "sql": connected}.get(side, lambda _: None)(folder)
    load_ = time.process_time() - begun
    ask: Callable[[], Any] = {
        "sql": lambda: sql(opened, folder, name),
        "pandas": lambda: pandas(folder, name),
    }.get(side, lambda: kit(opened, name))
    found, taken = ask(), []
    if found is None:
        return None
    (folder / f"{name}.{side}.pickle").write_bytes(pickle.dumps(found))
    for _ in range(times):
        clock, cpu = time.perf_counter(), time.process_time()
        ask()
        taken.append(Taken(time.perf_counter() - clock, time.process_time() - cpu))
    median = Taken(*map(statistics.median, zip(*taken, strict=True)))
    return Told(load_, median, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


def apart(folder: Path, side: str, name: str, times: int) -> Told | None:
    """`turn` in a process of its own."""
    command = [sys.executable, __file__, "--turn", str(folder), side, name, "--times", str(times)]
    told = json.loads(subprocess.check_output(command))
    return told and Told(told[0], Taken(*told[1]), told[2])


def same(folder: Path, name: str, side: str, other: str) -> None:
    """Fail unless both processes found the same."""
    frames = [pickle.loads((folder / f"{name}.{s}.pickle").read_bytes()) for s in (side, other)]
    assert_same(*frames, name=f"{name}, {other}")


def assert_same(kit: pd.DataFrame, hand: pd.DataFrame, name: str) -> None:
    """The same values to a part in a thousand million; what has no row by hand is none or zero."""
    found, expected = (
        frame.set_index([c for c in sorted(frame.columns) if c != "value"])["value"]
        for frame in (kit, hand)
    )
    for each in (found, expected):
        each.index = pd.Index([" ".join(map(_word, np.atleast_1d(cell))) for cell in each.index])
    assert expected.any(), (name, "nothing to compare")
    assert not expected.index.difference(found.index).size, (name, expected.index, found.index)
    found, expected = (
        each.astype("float64").reindex(found.index).fillna(0.0) for each in (found, expected)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-6, err_msg=name)


def _word(value: object) -> str:
    return f"{value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) else str(value)


def compared(folder: Path, rows: int, names: tuple[str, ...], times: int) -> Iterator[pd.Series]:
    """Each figure: seconds and GB of each side, once they say the same."""
    for name in names:
        sides = ("kit", "sql", "pandas") if rows <= PANDAS else ("kit", "sql")
        told = {side: apart(folder, side, name, times) for side in sides}
        told = {side: each for side, each in told.items() if each}
        for other in told:
            same(folder, name, "kit", other)
        line = {"rows": rows, "figure": name}
        for side, each in told.items():
            line |= {side: each.taken.cpu, f"{side} load": each.load, f"{side} GB": each.memory}
        yield pd.Series(line)


HEADER = (
    f"{'':26}{'kit s':>9}{'SQL s':>9}{'ratio':>7}{'pandas s':>10}{'ratio':>7}"
    f"{'kit GB':>8}{'SQL GB':>8}{'pandas':>8}{'ratio':>7}"
)


def told(line: pd.Series) -> str:
    """One figure at one size."""
    line = line.reindex([*line.index, "pandas", "pandas GB"]).loc[lambda s: ~s.index.duplicated()]
    ratio, cheaper = line["kit"] / line["sql"], line["kit"] / line["pandas"]
    less = line["kit GB"] / line["pandas GB"]
    text = (
        f"{line['figure']:26}{line['kit']:9.2f}{line['sql']:9.2f}{ratio:7.2f}"
        f"{line['pandas']:10.2f}{cheaper:7.2f}"
        f"{line['kit GB']:8.2f}{line['sql GB']:8.2f}{line['pandas GB']:8.2f}{less:7.2f}"
    )
    return text.replace("nan", "  –")


def summary(lines: pd.DataFrame, rows: int) -> str:
    """What a size comes to."""
    ratio, less = lines["kit"] / lines["sql"], lines["kit GB"] / lines.get("pandas GB", np.nan)
    loads = [f"{lines[f'{side} load'].median():.1f} s {side}" for side in ("kit", "sql")]
    return (
        f"{rows:,}: ratio to SQL {ratio.median():.2f} in the median, goal {MEDIAN_GOAL}; at most "
        f"{ratio.max():.2f}, goal {GOAL}; memory {less.max():.2f} of pandas at most, goal "
        f"{MEMORY_GOAL}; load {', '.join(loads)}\n"
    )


def measured(folder: Path, rows: int, names: tuple[str, ...], times: int) -> pd.DataFrame:
    """Print and return the figures of a folder."""
    print(f"{f'{rows:,} rows':26}{HEADER[26:]}", flush=True)
    lines = []
    for line in compared(folder, rows, names, times):
        lines.append(line)
        print(told(line), flush=True)
    print(summary(pd.DataFrame(lines), rows), flush=True)
    return pd.DataFrame(lines)


def slopes(lines: pd.DataFrame) -> str:
    """Time over that at the size before, over how much larger it is: 1 grows with the rows."""
    seconds = lines.pivot_table("kit", "figure", "rows", sort=False).sort_index(axis=1)
    sizes = seconds.columns.to_numpy(float)
    growth = seconds / seconds.shift(axis=1) / np.r_[np.nan, sizes[1:] / sizes[:-1]]
    grown = growth.iloc[:, 1:].map("{:.2f}".format).rename(columns="{:,}".format)
    return f"Growth of time over that of rows\n{grown.to_string()}\n" if len(sizes) > 1 else ""


def capped() -> None:
    """Let no engine of this process take more memory than `CAP`, and none write a bar."""
    connect = duckdb.connect

    def bounded(*given: Any, **named: Any) -> duckdb.DuckDBPyConnection:
        con = connect(*given, **named)
        con.execute(f"SET memory_limit = '{CAP}'; SET enable_progress_bar = false")
        return con

    duckdb.connect = bounded


def on_spark_too(home: Path, given: argparse.Namespace) -> None:
    """The kit on Spark at each size, by the clock, once it says what SQL says."""
    found = []
    for rows in given.sizes or [10_000, 100_000, 1_000_000]:
        folder = _made(home, rows, made.write, histories=made.HISTORIES)
        for name in _asked(given, (*HEAVIEST, *OF_STAGES)):
            spark, _ = (apart(folder, side, name, given.times) for side in ("spark", "sql"))
            same(folder, name, "spark", "sql")
            found.append({"rows": rows, "figure": name, "kit": spark.taken.clock})
            print(f"{rows:>12,}  {name:26}{spark.taken.clock:9.2f} s by the clock", flush=True)
    print(slopes(pd.DataFrame(found)))


def on_duckdb(home: Path, given: argparse.Namespace) -> None:
    """Every figure at every size, of companies and then of lines."""
    found = []
    for rows in given.sizes or [100_000, 1_000_000, 10_000_000]:
        folder = _made(home, rows, made.write, histories=made.HISTORIES)
        found.append(measured(folder, rows, _asked(given, (*HEAVIEST, *OF_STAGES)), given.times))
    print(slopes(pd.concat(found)))
    found = []
    for rows in (given.lines // 100, given.lines // 10, given.lines) if given.lines else ():
        folder = _made(home, rows, made.lines)
        found.append(measured(folder, rows, _asked(given, OF_LINES), given.times))
    print(slopes(pd.concat(found)) if found else "")


def _asked(given: argparse.Namespace, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name in (given.figures or names))


def _made(home: Path, rows: int, make: Callable[..., Path], **more: Any) -> Path:
    folder = home / f"{make.__name__}-{rows}"
    if not (folder / "reps.parquet").exists():
        folder.mkdir(parents=True, exist_ok=True)
        make(folder, rows, **more)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how cost grows with the rows.")
    parser.add_argument("--sizes", type=int, nargs="*", help="deals of each company")
    parser.add_argument("--lines", type=int, default=100_000_000, help="order lines, 0 for none")
    parser.add_argument("--figures", nargs="*", help="some of them, by name")
    parser.add_argument("--times", type=int, default=3, help="turns of each figure")
    parser.add_argument("--engine", choices=("duckdb", "spark"), default="duckdb")
    parser.add_argument("--keep", type=Path, help="folder that keeps the files")
    parser.add_argument("--turn", nargs=3, help="folder, side and figure of one process")
    given = parser.parse_args()
    if given.turn:
        capped()
        folder, side, name = given.turn
        print(json.dumps(turn(Path(folder), side, name, given.times)))
        return
    with tempfile.TemporaryDirectory() as name:
        {"duckdb": on_duckdb, "spark": on_spark_too}[given.engine](given.keep or Path(name), given)


if __name__ == "__main__":
    main()
