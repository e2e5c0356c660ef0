"""How often a comparison speaks up: ``python benchmarks/false_alarms.py [--runs N] [--seed S]``.

Where nothing has changed between two quarters, a headline family of 25 KPIs may show an established
change in 10 % of cases; a conversion that falls from 25 to 17.5 %, with 900 leads a quarter, must
be established in 80 % of cases among 25 tests. A goal may be missed by two Monte-Carlo errors. A
fact (spend, the stock of deals) has no test: however it moves, it is no established change.

- *sums*: the sums of two quarters are drawn, settled by the kit's own code and compared as
  `compare` does. Deals are seen as they are when the second quarter ends: of the young ones only
  the quick wins have come. Customers keep their habits from one quarter to the next.
- *tables*: `kpi_helpers.compare` itself, on the tables of companies of 40 years, for every KPI of
  the catalogue; pairs of quarters that do not overlap are runs.

Leads, deals and orders come by the day worked, of which quarters have 61 to 66; a count or total
must change as it is and by the day. The rows without a goal show what no test can mend. A season
makes the quarter before a bad reference (the year before is a good one), and what comes in lots
varies more than what comes one by one.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import steady
from steady import Law

import kpi_helpers as kh
from kpi_helpers.catalogue import find
from kpi_helpers.compare.difference import Figures, adjusted, difference
from kpi_helpers.compare.durations import same_horizon
from kpi_helpers.compare.verdicts import verdicts
from kpi_helpers.kpis.settled import Settled

MOST_ALARMS, LEAST_POWER = (0.0, 0.10), (0.80, 1.0)
BATCH = 100
SIDE = ("numerator", "denominator", "n", "low", "high", "pace")
DAYS = (61.0, 62.0, 63.0, 64.0, 65.0, 66.0)

RATE, DROP = "lead_to_customer_rate", 0.3
STEADY = Law()
BEFORE = Law(leads=900.0, conversion=0.25)
AFTER = replace(BEFORE, conversion=0.25 * (1 - DROP))

YEARS, SETTLED_YEARS = 40, range(1998, 2028)  # after the first customers, before the last day

# Long enough for every conversion.
SETTINGS = {"country": "FR", "windows": {RATE: 240}}

# Leads and orders of a third and of a second quarter, in the sample company.
SUMMER, SPRING = (
    replace(STEADY, leads=STEADY.leads * leads, orders_each=STEADY.orders_each * orders)
    for leads, orders in ((0.89, 0.917), (1.00, 1.013))
)


@dataclass(frozen=True)
class Row:
    """Share of runs in which something is established, and within what it should lie."""

    what: str
    how: str
    tests: float
    runs: int
    found: float
    goal: tuple[float, float] | None

    @property
    def error(self) -> float:
        """Monte-Carlo error of the share."""
        return float(np.sqrt(self.found * (1 - self.found) / self.runs))

    @property
    def verdict(self) -> str:
        """Whether the share is within its goal, but for two errors."""
        if self.goal is None:
            return ""
        outside = max(self.goal[0] - self.found, self.found - self.goal[1])
        return "holds" if outside <= 2 * self.error else "MISSES"


class Quarter(NamedTuple):
    """The figures of one quarter in many runs, and its days worked."""

    figures: dict[str, Settled]
    days: float


# From sums


def from_sums(seed: int, now: Law, then: Law, runs: int) -> pd.DataFrame:
    """Compare a quarter with the one before it: a row a KPI and run."""
    rng = np.random.default_rng(seed)
    frames = []
    for start in range(0, runs, BATCH):
        frame = _compared(*_quarters(rng, now, then, min(BATCH, runs - start)))
        frames.append(frame.assign(run=frame["run"] + start))
    return pd.concat(frames, ignore_index=True)


def _quarters(rng: np.random.Generator, now: Law, then: Law, runs: int) -> list[Quarter]:
    """The quarter that has just ended and the one before, each with its growth on a year ago."""
    known = steady.buyers(rng, then, runs)
    both = []
    for law, age in ((now, 0), (then, steady.QUARTER_DAYS)):
        days = rng.choice(DAYS)
        figures = steady.quarter(rng, law, days, known, age)
        year_ago = days + rng.integers(-1, 2)
        before = steady.quarter(rng, law, year_ago, known, age)["revenue"]
        growth = find("revenue_growth").body(now=figures["revenue"], before=before)
        both.append(Quarter({**figures, "revenue_growth": growth}, float(days)))
    return both


def _compared(now: Quarter, then: Quarter) -> pd.DataFrame:
    frame = pd.concat([_rows(name, now, then) for name in now.figures], ignore_index=True)
    of_run = frame.groupby("run")["p_value"]
    frame["p_adjusted"] = of_run.transform(lambda p: adjusted(p.to_numpy()))
    return frame.assign(**verdicts(frame))


def _rows(name: str, now: Quarter, then: Quarter) -> pd.DataFrame:
    frame = _columns(now.figures[name], "", "value")
    frame |= _columns(then.figures[name], "reference_", "reference")
    frame = pd.DataFrame(frame).assign(note="", method=now.figures[name].method)
    frame = same_horizon(frame, "en")
    one, other = (
        _side(frame, prefix, value, quarter.days)
        for prefix, value, quarter in (("", "value", now), ("reference_", "reference", then))
    )
    found = difference(one, other, frame["method"])
    frame = frame.assign(change=found.change, p_value=found.p_value)
    frame = frame.assign(change_low=found.low, change_high=found.high, run=frame.index, kpi=name)
    return frame.assign(better="higher", status="ok", complete=True, target=np.nan)


def _columns(settled: Settled, prefix: str, value: str) -> dict[str, Any]:
    """One side of the frame that `compare` makes, a row a run."""
    blank, size = np.full(len(settled.value), np.nan), len(settled.value)
    columns = {f"{prefix}{name}": getattr(settled, name) for name in SIDE}
    columns[f"{prefix}spread"] = blank if settled.spread is None else settled.spread
    ages = np.full(size, None, object)
    if settled.ages is not None:
        for run, counts in enumerate(zip(*settled.ages[1:], strict=True)):
            ages[run] = (settled.ages[0], *counts)
    return columns | {value: settled.value, f"{prefix}ages": ages}


def _side(frame: pd.DataFrame, prefix: str, value: str, days: float) -> Figures:
    names = ("numerator", "denominator", "low", "high", "spread")
    columns = {name: frame[prefix + name].to_numpy(float) for name in names}
    columns |= {"pace": frame[prefix + "pace"].to_numpy(float), "days": np.full(len(frame), days)}
    ages = frame[f"{prefix}ages"].to_numpy(object)
    return Figures(value=frame[value].to_numpy(float), ages=ages, **columns)


# From tables


def from_tables(seed: int, law: Law, runs: int, drop: float = 0.0) -> pd.DataFrame:
    """Run `compare` on companies that are drawn row by row: a row a KPI and run."""
    kpis = list(kh.catalogue()["id"])
    names = [f"{year}Q{quarter}" for year in SETTLED_YEARS for quarter in (2, 4)]
    frames: list[pd.DataFrame] = []
    while len(frames) < runs:
        rng = np.random.default_rng([seed, len(frames)])
        data = kh.load(steady.tables(rng, law, YEARS, drop), SETTINGS)
        for name in names[: runs - len(frames)]:
            frames.append(kh.compare(data, kpis, name).assign(run=len(frames)))
    return pd.concat(frames, ignore_index=True)


# The table


def alarms(what: str, how: str, frame: pd.DataFrame, goal: Any = None) -> Row:
    """Share of runs in which any KPI has an established change."""
    any_ = _established(frame).groupby(frame["run"]).any()
    return Row(what, how, _tests(frame), len(any_), float(any_.mean()), goal)


def power(what: str, how: str, frame: pd.DataFrame, goal: Any = None) -> Row:
    """Share of runs in which the conversion that fell is established to be worse."""
    own = frame[frame["kpi"] == RATE]
    fell = _established(own) & (own["change_verdict"] == "worse")
    return Row(what, how, _tests(frame), len(own), float(fell.mean()), goal)


def _established(frame: pd.DataFrame) -> pd.Series[bool]:
    return frame["change_verdict"].isin(["better", "worse"]) & frame["p_value"].notna()


def _tests(frame: pd.DataFrame) -> float:
    return float(frame["p_value"].notna().groupby(frame["run"]).sum().mean())


def table(runs: int, seed: int) -> Iterator[Row]:
    """The rows one after the other; tables are dear and get a quarter of the runs."""
    few = max(runs // 4, 1)
    quiet, fall = "nothing changed", "25 % conversion, 30 % less, 900 leads"
    yield alarms(quiet, "sums", from_sums(seed, STEADY, STEADY, runs), MOST_ALARMS)
    yield alarms(quiet, "tables", from_tables(seed, STEADY, few), MOST_ALARMS)
    yield power(fall, "sums", from_sums(seed + 1, AFTER, BEFORE, runs), LEAST_POWER)
    yield power(fall, "tables", from_tables(seed + 1, BEFORE, few // 2, DROP), LEAST_POWER)
    yield alarms("summer beside spring", "sums", from_sums(seed + 2, SUMMER, SPRING, few))
    yield alarms("summer beside summer", "sums", from_sums(seed + 3, SUMMER, SUMMER, few))
    for burst in (2.0, 4.0):
        lots = replace(STEADY, burst=burst)
        row = from_sums(seed + 4, lots, lots, few)
        yield alarms(f"leads in lots: variance {burst:.0f} x mean", "sums", row)


def line(row: Row) -> str:
    """One row as it is printed."""
    goal = "none" if row.goal is None else f"{row.goal[0]:.2f}-{row.goal[1]:.2f}"
    return (
        f"{row.what:<40}{row.how:<8}{row.tests:>6.1f}{row.runs:>7}{row.found:>8.3f}"
        f"{row.error:>8.3f}{goal:>11}  {row.verdict}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how often a comparison speaks up.")
    parser.add_argument("--runs", type=int, default=2400, help="runs of a row from sums")
    parser.add_argument("--seed", type=int, default=20260930)
    chosen = parser.parse_args()
    print(
        f"{'situation':<40}{'from':<8}{'tests':>6}{'runs':>7}{'found':>8}{'error':>8}{'allowed':>11}"
        "  verdict"
    )
    missed = 0
    for row in table(chosen.runs, chosen.seed):
        print(line(row), flush=True)
        missed += row.verdict == "MISSES"
    print(f"{missed} rows miss their goal")


if __name__ == "__main__":
    main()
