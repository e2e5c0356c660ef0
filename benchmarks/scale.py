"""How cost grows: ``python benchmarks/scale.py [--sizes N …] [--lines N] [--times N] [--keep F]``.

Without sizes up to a million rows; ``--sizes 10000000 --lines 100000000`` takes hours on two cores.

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

Measured on two cores shared with others, so that only ratios say much, all with the same numbers.
Ten million deals (630 MB of files): seconds of the kit over those of SQL.

    repurchase .35 · stage conversion .57 · refunds .72 · retention .90 · RFM 1.05
    open pipeline 1.05 · funnel 1.09 · cohorts 1.09 · new against existing 1.19 · stalled 1.34
    new customers 1.34 · weighted pipeline 1.50 · time in stage 1.58 · conversion 1.71

Of ten times the rows, from one to ten million, the time grew by that times .50 (repurchase) to 1.26
(conversion), 1.5 for time in stage and 1.9 for stalled deals, whose histories no longer fit.

The kit opens large files with 64 MB and asks them with 280, and gives what needs more as much as
there is (`kpi_helpers.sources.files.readers`); SQL by hand has `CAP`. It holds .28 to .57 GB, .81
for weighted pipeline (SQL up to 3.6); of what pandas holds that is .48 for retention, .46 for
refunds, .37 or less for the others.

A hundred million order lines (810 MB) are opened in 112 s with .50 GB (SQL 2.5); revenue is then
.45 s (2.4 of SQL, which keeps all orders in memory), average order value 1.3 (2.2), new customers
3.5 (1.7), cohorts 7.3 (1.3). At ten million the ratios are 1.03 to 1.37.

On Spark six figures took .13 to .28 of ten times as long at a million deals as at 100,000.
"""

from __future__ import annotations

import argparse
import json
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import made
import numpy as np
import pandas as pd
from sides import HEAVIEST, OF_LINES, OF_STAGES, Told
from timing import Taken

MEDIAN_GOAL, GOAL, MEMORY_GOAL, PANDAS = 1.3, 1.8, 0.5, 10_000_000


def apart(folder: Path, side: str, name: str, times: int) -> Told | None:
    """`sides.turn` in a process of its own."""
    ask = [sys.executable, "-c", "import sides; sides.main()"]
    of = [str(folder.resolve()), side, name, "--times", str(times)]
    told = json.loads(subprocess.check_output([*ask, *of], cwd=Path(__file__).parent))
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
        asked = ("kit", "sql", "pandas") if rows <= PANDAS else ("kit", "sql")
        told = {side: apart(folder, side, name, times) for side in asked}
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
    memory = f"memory {less.max():.2f} of pandas at most, goal {MEMORY_GOAL}; "
    return (
        f"{rows:,}: ratio to SQL {ratio.median():.2f} in the median, goal {MEDIAN_GOAL}; at most "
        f"{ratio.max():.2f}, goal {GOAL}; {memory if less.any() else ''}load {', '.join(loads)}\n"
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


def on_spark_too(home: Path, given: argparse.Namespace) -> None:
    """The kit on Spark at each size, by the clock, once it says what SQL says."""
    found = []
    for rows in given.sizes:
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
    for rows in given.sizes:
        folder = _made(home, rows, made.write, histories=made.HISTORIES)
        found.append(measured(folder, rows, _asked(given, (*HEAVIEST, *OF_STAGES)), given.times))
    print(slopes(pd.concat(found)) if found else "")
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
    parser.add_argument("--sizes", type=int, nargs="*", help="deals of each company, none at all")
    parser.set_defaults(sizes=[100_000, 1_000_000])
    parser.add_argument("--lines", type=int, default=1_000_000, help="order lines, 0 for none")
    parser.add_argument("--figures", nargs="*", help="some of them, by name")
    parser.add_argument(
        "--times", type=int, default=3, help="turns of each figure; 0: the first counts"
    )
    parser.add_argument("--engine", choices=("duckdb", "spark"), default="duckdb")
    parser.add_argument("--keep", type=Path, help="folder that keeps the files")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        {"duckdb": on_duckdb, "spark": on_spark_too}[given.engine](given.keep or Path(name), given)


if __name__ == "__main__":
    main()
