"""How often an alert is false, and how soon a change that lasts is seen.

``python benchmarks/alerts.py [--runs N] [--seed S]``. Two things are measured.

Series of months are drawn and judged by `kpi_helpers.control.limits` with the rule of alerts,
``recent``. Where nothing changes at most 2 % of the months may be signals; as alerts are raised on
the worse side only, that is asked of either side (the larger one counts: what is skewed is so to
one side), and of both together where figures are normal. After a baseline of 24 months a change of
1.5 standard deviations that lasts is seen within eight months in 80 % of runs, one of 3 within two
months in 90 %. The rules ``one`` and ``all`` of control charts stand beside it: neither does both.

Then whole companies that stay the same for seven years, drawn row by row, are asked for the alerts
of `kpi_helpers.alerts` in their last 24 months: the share of the months of a KPI that are in one.
Their targets are what they reach on average, so that half of the quarters miss them, or half as
much again, which all miss: that is what an alert's second condition is worth. What is printed last
is what `kpi_helpers.alerts.FALSE_ALARMS` holds.

A goal may be missed by two Monte-Carlo errors. Months that go along with those before them
(correlation .3 and .5) are without goal: 24 months hardly tell that from a change.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import steady
import unusual
from unusual import Draw

import kpi_helpers as kh
from kpi_helpers import alerts
from kpi_helpers.control.limits import ALL, ONE, RECENT

MOST_ALARMS = 0.02
# Standard deviations of a change, the months it may take, and how often it must be seen.
CHANGES = ((1.5, 8, 0.8), (3.0, 2, 0.9))
BASELINE = 24
SIDE = "either side"
YEARS, PERIODS = 7, "1991Q1:1996Q4"
SETTINGS: dict[str, Any] = {"country": "FR"}
AIMED = [
    *("revenue", "bookings", "leads_generated", "win_rate_count"),
    *("deals_won_count", "avg_deal_value", "new_customers"),
]


class Row(NamedTuple):
    """A share of months or runs, and what it may be at most (or, of changes seen, at least)."""

    what: str
    rules: str
    baseline: int
    runs: int
    found: float
    error: float
    most: float | None = None
    least: float | None = None

    @property
    def verdict(self) -> str:
        """Whether the share is within its goal, but for two errors."""
        if self.most is None and self.least is None:
            return ""
        over = self.found - self.most if self.most is not None else 0.0
        under = self.least - self.found if self.least is not None else 0.0
        return "holds" if max(over, under) <= 2 * self.error else "MISSES"


def tied(along: float) -> Draw:
    """Return a draw of months that go along with the month before them."""

    def draw(rng: np.random.Generator, months: int) -> dict[str, Any]:
        value = rng.normal(0, 10, months)
        for month in range(1, months):
            value[month] = along * value[month - 1] + np.sqrt(1 - along**2) * value[month]
        return {"value": 100 + value, "method": "exact"}

    return draw


def quiet(
    what: str, draw: Draw, rules: str, runs: int, seed: int, most: float | None = None
) -> Row:
    """Share of the months after the baseline that are signals where nothing has changed.

    ``either side`` counts the side that has more of them.
    """
    found = unusual.judged(draw, rules, BASELINE, runs, seed)
    signal = found["signal"]
    if what.endswith(SIDE):
        sides = [signal & (found["far"] * sign > 0) for sign in (-1, 1)]
        signal = max(sides, key=lambda side: side.mean())
    rate = signal.groupby(found["kpi"]).mean()
    error = float(rate.std() / np.sqrt(runs))
    return Row(what, rules, BASELINE, runs, float(rate.mean()), error, most)


def seen(size: float, within: int, rules: str, baseline: int, runs: int, seed: int) -> Row:
    """Share of runs in which a change of so many deviations is seen within so many months."""

    def changed(rng: np.random.Generator, months: int) -> dict[str, Any]:
        made = unusual.amounts(rng, months)
        return made | {
            "value": made["value"] + np.where(np.arange(months) < baseline, 0, 10 * size)
        }

    found = unusual.judged(changed, rules, baseline, runs, seed)
    share = float(found.groupby("kpi").head(within).groupby("kpi")["signal"].any().mean())
    what, error = (
        f"{size} deviations in {within} months",
        float(np.sqrt(share * (1 - share) / runs)),
    )
    least = {change[:2]: change[2] for change in CHANGES}[size, within]
    judged = rules == RECENT and baseline >= BASELINE
    return Row(what, rules, baseline, runs, share, error, least=least if judged else None)


def signals(runs: int, seed: int) -> Iterator[Row]:
    """The rows of single series."""
    yield quiet("amounts", unusual.amounts, RECENT, runs, seed, MOST_ALARMS)
    for what, draw in unusual.STEADY.items():
        yield quiet(f"{what}, {SIDE}", draw, RECENT, runs, seed, MOST_ALARMS)
    for rules in (ONE, ALL):
        yield quiet("amounts", unusual.amounts, rules, runs, seed)
    for correlation in (0.3, 0.5):
        for rules in (RECENT, ONE, ALL):
            yield quiet(f"correlated by {correlation}", tied(correlation), rules, runs, seed)
    for rules, baseline in ((RECENT, 24), (RECENT, 12), (ONE, 24), (ALL, 24)):
        for size, within, _ in CHANGES:
            yield seen(size, within, rules, baseline, runs, seed)


def company(rng: np.random.Generator, times: float) -> pd.DataFrame:
    """The months of a company whose targets are so many times what it reaches on average."""
    tables = steady.tables(rng, steady.Law(), YEARS)
    del tables["targets"]
    reached = kh.measure(kh.load(tables, SETTINGS), AIMED, PERIODS).groupby("kpi")["value"].mean()
    quarters = sorted({*kh.measure(kh.load(tables, SETTINGS), "revenue", PERIODS)["period"]})
    aims = [
        {"metric": kpi, "period": quarter, "value": float(value * times)}
        for kpi, value in reached.items()
        for quarter in quarters
    ]
    data = kh.load(tables, SETTINGS | {"targets": aims})
    return alerts.replayed(data, quarters[-1], AIMED)


def companies(runs: int, seed: int) -> Iterator[Row]:
    """The rows of whole companies."""
    rng = np.random.default_rng(seed)
    for times, said in ((1.0, "half of the targets missed"), (1.5, "all targets missed")):
        flags = [company(rng, times).assign(run=run) for run in range(runs)]
        rates = pd.concat(flags).groupby(["rule", "run"])["on"].mean().unstack()
        for rule, own in rates.iterrows():
            what, error = f"company, {said}: {rule}", float(own.std() / np.sqrt(runs))
            yield Row(what, RECENT, BASELINE, runs, float(own.mean()), error, MOST_ALARMS)


def line(row: Row) -> str:
    """One row as it is printed."""
    goals = [f"{sign} {goal:.2f}" for sign, goal in (("<=", row.most), (">=", row.least)) if goal]
    return (
        f"{row.what:<46}{row.rules:<8}{row.baseline:>9}{row.runs:>7}{row.found:>8.4f}"
        f"{row.error:>8.4f}{''.join(goals) or 'none':>9}  {row.verdict}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how often alerts are false or late.")
    parser.add_argument("--runs", type=int, default=2000, help="series of a row")
    parser.add_argument("--companies", type=int, default=60, help="companies of a row")
    parser.add_argument("--seed", type=int, default=20260930)
    chosen = parser.parse_args()
    print(
        f"{'situation':<46}{'rules':<8}{'baseline':>9}{'runs':>7}{'found':>8}{'error':>8}{'goal':>9}"
    )
    missed = 0
    rows = [signals(chosen.runs, chosen.seed), companies(chosen.companies, chosen.seed)]
    for row in itertools.chain(*rows):
        print(line(row), flush=True)
        missed += row.verdict == "MISSES"
    print(f"{missed} rows miss their goal")


if __name__ == "__main__":
    main()
