"""How long notebook 02 takes: ``python benchmarks/funnel.py [--deals N]``.

On a made company of N deals (by default 1 million) with their histories in parquet files: its
slowest cells by the clock, and the most memory of the report and of its kernel. Funnels against SQL
and pandas by hand are in ``benchmarks/scale.py``.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import by_stage
import made
import numpy as np
import pandas as pd

from kpi_helpers import reports
from kpi_helpers.reports.places import notebooks

MEMORY_GOAL, SLOWEST = 4.0, 8


def notebook(folder: Path) -> None:
    """Print how long the cells of notebook 02 take, the slowest first, and its memory."""
    source = notebooks() / "02_funnel_pipeline.ipynb"
    config = folder / "kpi.toml"
    stages = json.dumps(by_stage.SETTINGS["stages"])
    config.write_text(f'as_of = "{by_stage.AS_OF}"\nlanguage = "en"\nstages = {stages}\n', "utf-8")
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
    parser = argparse.ArgumentParser(description="Measure how long notebook 02 takes.")
    parser.add_argument("--deals", type=int, default=1_000_000, help="deals of the company")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        notebook(made.write(Path(name), given.deals, histories=("stage_history",)))


if __name__ == "__main__":
    main()
