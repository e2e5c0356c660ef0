"""How fast the kit answers, against what an expert would write by hand; one table of ratios.

``python benchmarks/measure.py [--rows 10000000]``

1. Ten KPIs by quarter and team on 9,000 deals, with a period that moves, against pandas.
2. Each main KPI by quarter and team on parquet files of ``--rows`` rows, against DuckDB SQL.
3. CPU of ``import kpi_helpers`` against ``import pandas, ibis``.

Both sides are timed in turns in one run, and medians are compared: the machine may be shared.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import by_hand
import by_sql
import duckdb
import ibis.expr.types as ir
import made
import pandas as pd

import kpi_helpers as kh
from kpi_helpers.kpis.parts import Parts, count, total
from kpi_helpers.units import COUNT, MONEY

SMALL, AS_OF = 9_000, "2025-12-30"
QUARTERS = [f"{year}Q{quarter}" for year in range(2022, 2026) for quarter in range(1, 5)]
FIRST, LAST = "2024-01-01", "2025-01-01"


@kh.kpi(
    names=("Affaires créées", "Deals created"),
    definition_fr="Affaires créées.",
    unit=COUNT,
    dated="created_at",
)
def deals_added(deals: ir.Table) -> Parts:
    """Deals created in the period."""
    return count(deals.deal_id.notnull())


@kh.kpi(
    names=("Valeur créée", "Value created"),
    definition_fr="Montants créés.",
    unit=MONEY,
    dated="created_at",
)
def value_added(deals: ir.Table) -> Parts:
    """Amounts of the deals created in the period."""
    return total(deals.amount)


def in_turns(
    ours: Callable[[int], object], theirs: Callable[[int], object], times: int
) -> tuple[float, float]:
    """Median seconds of each side, run in turns; the argument counts the turns."""
    taken: tuple[list[float], list[float]] = ([], [])
    for turn in range(-2, times):
        for side, call in zip(taken, (ours, theirs), strict=True):
            start = time.perf_counter()
            call(turn)
            if turn >= 0:
                side.append(time.perf_counter() - start)
    return statistics.median(taken[0]), statistics.median(taken[1])


def small(folder: Path, times: int = 40) -> tuple[float, float]:
    """Ten KPIs on 9,000 deals; every turn asks for other quarters."""
    made.write(folder, SMALL)
    deals, reps = (pd.read_parquet(folder / f"{name}.parquet") for name in ("deals", "reps"))
    days = ("created_at", "closed_at", "expected_close")
    deals = deals.assign(**{day: pd.to_datetime(deals[day]) for day in days})
    data = kh.load({"deals": deals, "reps": reps}, {"as_of": AS_OF, "language": "en"})
    ready = by_hand.prepared(deals, reps, pd.Timestamp(AS_OF))

    def span(turn: int) -> tuple[str, str]:
        start = turn % (len(QUARTERS) - 4)
        return QUARTERS[start], QUARTERS[start + 3]

    return in_turns(
        lambda turn: kh.measure(data, by_hand.KPIS, ":".join(span(turn)), by="team"),
        lambda turn: by_hand.ten_kpis(ready, *span(turn)),
        times,
    )


def large(folder: Path, rows: int, times: int = 5) -> dict[str, tuple[float, float]]:
    """Every main KPI, and five at once, on parquet files of many rows."""
    made.write(folder, rows)
    data = kh.load(folder, {"as_of": AS_OF, "language": "en"})
    con = duckdb.connect()
    con.execute("SET enable_progress_bar = false")
    values = {"folder": folder.as_posix(), "first": FIRST, "last": LAST, "as_of": AS_OF}
    sets = {**{name: [name] for name in by_sql.QUERIES}, "together": list(by_sql.SET)}
    return {
        name: in_turns(
            lambda turn, kpis=kpis: kh.measure(data, kpis, "2024Q1:2024Q4", by="team"),
            lambda turn, name=name: by_sql.asked(con, name, **values),
            times,
        )
        for name, kpis in sets.items()
    }


def cpu(code: str, times: int = 7) -> float:
    """Median CPU seconds of a Python process that runs ``code``."""
    ask = "import time\n" + code + "\nprint(time.process_time())"
    runs = [
        subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
        for _ in range(times)
    ]
    return statistics.median(float(run.stdout) for run in runs)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="Measure how fast the kit answers.")
    parser.add_argument("--rows", type=int, default=10_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as name:
        few, many = Path(name) / "few", Path(name) / "many"
        few.mkdir()
        many.mkdir()
        table = {"ten KPIs, 9,000 deals / pandas": small(few)}
        ratios = {f"{kpi}, {rows:,} rows / SQL": pair for kpi, pair in large(many, rows).items()}
    table |= ratios
    table["CPU import kpi_helpers / pandas, ibis"] = (
        cpu("import kpi_helpers"),
        cpu("import pandas, ibis"),
    )
    table["CPU import kpi_helpers.cli / bare Python"] = (cpu("import kpi_helpers.cli"), cpu("pass"))
    for what, (ours, reference) in table.items():
        print(f"{what:55} {1000 * ours:9.1f} ms {1000 * reference:9.1f} ms {ours / reference:6.2f}")
    each = [ours / reference for ours, reference in ratios.values()]
    print(f"{'large: median ratio, largest':55} {statistics.median(each):6.2f} {max(each):6.2f}")


if __name__ == "__main__":
    main()
