"""How often a bottleneck is named: ``python benchmarks/bottlenecks.py [--quarters N] [--seed S]``.

Companies of the sample's make and volumes, whose mix of channels shifts. Where no step gets worse,
one may be named in 10 % of the quarters; where qualification falls to .72 of itself, it must be
named in 80 % of the first quarters, and no other step more often than where nothing happens. A goal
may be missed by two Monte-Carlo errors. Each quarter is judged on its last day.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

import kpi_helpers as kh
from kpi_helpers import funnel
from kpi_helpers.samples import company
from kpi_helpers.samples.parameters import Parameters

TABLES = ("leads", "deals", "stage_history")
# Nothing else happens to leads and deals than the shift of the mix.
STEADY = {"training": 1.0, "slip_rate": 0.0}
QUARTERS = [str(each) for each in pd.period_range("2024Q3", "2026Q3", freq="Q")]
FALL, STEP = 0.72, "lead"
MOST_ALARMS, LEAST_FOUND = 0.10, 0.80


class Row(NamedTuple):
    """Share of quarters in which something is named, and what it may or must be."""

    what: str
    quarters: int
    named: float
    goal: float
    at_most: bool

    @property
    def error(self) -> float:
        """Monte-Carlo error of the share."""
        return float(np.sqrt(self.named * (1 - self.named) / self.quarters))

    @property
    def holds(self) -> bool:
        """Whether the share is within its goal, but for two errors."""
        beyond = self.named - self.goal if self.at_most else self.goal - self.named
        return beyond <= 2 * self.error


def named(seed: int, quarters: list[str], **changes: object) -> list[set[str]]:
    """The steps that are named in each of these quarters of a company."""
    tables = company(seed, **STEADY, **changes)
    stages = [stage.name for stage in Parameters().stages]
    settings = {"as_of": "2026-09-30", "country": "FR", "stages": [*stages, Parameters().won_stage]}
    data = kh.load({name: tables[name] for name in TABLES}, settings)
    found = []
    for quarter in quarters:
        last = pd.Period(quarter, "Q").end_time.date()
        judged = funnel.bottlenecks(data.at(last), quarter)
        found.append({*judged.loc[judged["verdict"] == "bottleneck", "step"]})
    return found


def quiet(seed: int, quarters: int) -> Iterator[set[str]]:
    """What is named where nothing gets worse."""
    companies = -(-quarters // len(QUARTERS))
    every = [found for n in range(companies) for found in named(seed + n, QUARTERS, bottleneck=1.0)]
    yield from every[:quarters]


def fallen(seed: int, quarters: int) -> Iterator[set[str]]:
    """What is named in the quarter in which qualification falls, a company each."""
    for n in range(quarters):
        yield named(seed + n, ["2025Q3"], bottleneck=FALL)[0]


def table(quarters: int, seed: int) -> list[Row]:
    """The rows; a company is dear, so that falls are fewer."""
    none, few = list(quiet(seed, quarters)), max(quarters // 6, 1)
    fall = list(fallen(seed + 1000, few))
    others = [bool(each - {STEP}) for each in fall]
    return [
        Row("nothing got worse: any step named", len(none), share(none), MOST_ALARMS, True),
        Row(
            "qualification x .72: it is named",
            few,
            share([STEP in s for s in fall]),
            LEAST_FOUND,
            False,
        ),
        Row("qualification x .72: another is named", few, share(others), MOST_ALARMS, True),
    ]


def quickest(deals: int = 10_000) -> float:
    """Milliseconds that a what-if of so many open deals takes, once it is prepared."""
    prepared, took = funnel.outlook(kh.load("data/sample")), []
    several = pd.concat([prepared.open] * -(-deals // len(prepared.open)), ignore_index=True)
    for cycle in np.linspace(0.8, 1.2, 9):
        start = time.perf_counter()
        funnel.what_if(prepared._replace(open=several[:deals]), cycle=float(cycle))
        took.append(1000 * (time.perf_counter() - start))
    return min(took)


def share(found: list[set[str]] | list[bool]) -> float:
    return float(np.mean([bool(each) for each in found]))


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how often a bottleneck is named.")
    parser.add_argument("--quarters", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7300)
    chosen = parser.parse_args()
    print(f"what-if of 10,000 open deals: {quickest():.0f} ms (at most 100)")
    print(f"{'situation':<42}{'quarters':>9}{'named':>8}{'error':>8}{'goal':>8}")
    for row in table(chosen.quarters, chosen.seed):
        goal = f"{'<=' if row.at_most else '>='} {row.goal:.2f}"
        said = "holds" if row.holds else "MISSES"
        print(f"{row.what:<42}{row.quarters:>9}{row.named:>8.3f}{row.error:>8.3f}{goal:>8}  {said}")


if __name__ == "__main__":
    main()
