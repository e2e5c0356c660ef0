"""How often a figure that varies as ever is said to be outside its usual variation.

``python benchmarks/unusual.py [--runs N] [--seed S]``: months in which nothing changes are drawn
and judged by `kpi_helpers.control.limits`. Of the twelve months after the baseline at most 2 % may
be signals by the single rule, 5 % by all rules; a goal may be missed by two Monte-Carlo errors (of
runs: the months of a run share their baseline). The rows of a shift are without goal: they say how
soon a change of 1.5 standard deviations that lasts is seen.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from kpi_helpers.control import limits
from kpi_helpers.control.limits import ALL, ONE, RECENT

GOALS = {ONE: 0.02, ALL: 0.05, RECENT: 0.02}
JUDGED = 12
SEASON = (0.95, 1, 1.1, 1, 0.92, 1.08, 0.92, 0.6, 1.15, 1.15, 1.1, 1.03)
DAYS = (20.0, 21.0, 22.0, 23.0)

Draw = Callable[[np.random.Generator, int], dict[str, Any]]


class Row(NamedTuple):
    """Share of judged months, or of runs, with a signal."""

    what: str
    rules: str
    baseline: int
    runs: int
    found: float
    error: float
    goal: float | None

    @property
    def verdict(self) -> str:
        """Whether the share is within its goal, but for two errors."""
        if self.goal is None:
            return ""
        return "holds" if self.found <= self.goal + 2 * self.error else "MISSES"


def amounts(rng: np.random.Generator, months: int) -> dict[str, Any]:
    """Totals, the tenth of their mean apart."""
    return {"value": rng.normal(100, 10, months), "method": "exact"}


def skewed(rng: np.random.Generator, months: int) -> dict[str, Any]:
    """Means of some thirty deals, whose amounts are log-normal."""
    return {"value": np.exp(rng.normal(0, 0.8, (months, 30))).mean(axis=1), "method": "hall"}


def shares(rng: np.random.Generator, months: int, spread: float = 0.0) -> dict[str, Any]:
    """Shares of 25 % among cases of varying number, perhaps of varying chance."""
    n = rng.integers(60, 200, months)
    k = rng.binomial(n, np.clip(rng.normal(0.25, spread, months), 0.01, 0.99))
    return {"value": k / n, "numerator": k, "denominator": n, "method": "wilson"}


def visits(rng: np.random.Generator, months: int) -> dict[str, Any]:
    """Shares of visits, which vary by more than chance."""
    return shares(rng, months, spread=0.05)


def counts(rng: np.random.Generator, months: int, mean: float = 40.0) -> dict[str, Any]:
    """Counts by the day worked."""
    days = rng.choice(DAYS, months)
    return {"value": rng.poisson(mean * days / 21.5), "exposure": days, "method": "garwood"}


def lots(rng: np.random.Generator, months: int) -> dict[str, Any]:
    """Counts of what comes in lots: variance three times the mean."""
    days = rng.choice(DAYS, months)
    value = 3 * rng.poisson(40 * days / 21.5 / 3)
    return {"value": value, "exposure": days, "method": "garwood"}


def few(rng: np.random.Generator, months: int) -> dict[str, Any]:
    """Four cases a month."""
    return counts(rng, months, mean=4.0)


def seasonal(rng: np.random.Generator, months: int) -> dict[str, Any]:
    """Counts with the season of the sample company's leads."""
    days, season = rng.choice(DAYS, months), np.resize(SEASON, months)
    value = rng.poisson(420 * season * days / 21.5)
    return {"value": value, "exposure": days, "method": "garwood"}


def seasonal_amounts(rng: np.random.Generator, months: int) -> dict[str, Any]:
    """Amounts with the same season."""
    return {"value": rng.normal(1, 0.07, months) * np.resize(SEASON, months), "method": "exact"}


STEADY: dict[str, Draw] = {
    "amounts": amounts,
    "means of 30 deals": skewed,
    "shares": shares,
    "shares that vary more": visits,
    "counts": counts,
    "counts in lots": lots,
    "four a month": few,
    "counts with a season": seasonal,
    "amounts with a season": seasonal_amounts,
}


def judged(draw: Draw, rules: str, baseline: int, runs: int, seed: int) -> pd.DataFrame:
    """The months after the baseline, of many runs."""
    rng, months = np.random.default_rng(seed), baseline + JUDGED
    starts = pd.date_range("2023-01-01", periods=months, freq="MS")
    named = {"period": starts.strftime("%Y-%m"), "start": starts}
    frames = [pd.DataFrame(named | draw(rng, months)).assign(kpi=run) for run in range(runs)]
    found = limits(pd.concat(frames, ignore_index=True), rules)
    return found[found.groupby("kpi").cumcount() >= baseline]


def alarms(what: str, rules: str, baseline: int, runs: int, seed: int) -> Row:
    """Share of the months after the baseline that are signals where nothing has changed."""
    found = judged(STEADY[what], rules, baseline, runs, seed)
    rate = found.groupby("kpi")["signal"].mean()
    error = float(rate.std() / np.sqrt(runs))
    return Row(what, rules, baseline, runs, float(rate.mean()), error, GOALS[rules])


def seen(months: int, rules: str, baseline: int, runs: int, seed: int) -> Row:
    """Share of runs in which a shift of 1.5 standard deviations is seen within so many months."""

    def shifted(rng: np.random.Generator, length: int) -> dict[str, Any]:
        made = amounts(rng, length)
        return made | {"value": made["value"] + np.where(np.arange(length) >= baseline, 15.0, 0.0)}

    found = judged(shifted, rules, baseline, runs, seed)
    share = float(found.groupby("kpi").head(months).groupby("kpi")["signal"].any().mean())
    error = float(np.sqrt(share * (1 - share) / runs))
    return Row(f"shift seen within {months} months", rules, baseline, runs, share, error, None)


def table(runs: int, seed: int) -> Iterator[Row]:
    """The rows one after the other."""
    for rules in (ONE, ALL):
        for baseline in (12, 24):
            for what in STEADY:
                yield alarms(what, rules, baseline, runs, seed)
            for months in (3, 8):
                yield seen(months, rules, baseline, runs, seed)


def line(row: Row) -> str:
    """One row as it is printed."""
    goal = "none" if row.goal is None else f"{row.goal:.2f}"
    return (
        f"{row.what:<28}{row.rules:<6}{row.baseline:>9}{row.runs:>7}{row.found:>8.4f}"
        f"{row.error:>8.4f}{goal:>9}  {row.verdict}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how often limits give a false alarm.")
    parser.add_argument("--runs", type=int, default=1000, help="series of a row")
    parser.add_argument("--seed", type=int, default=20260930)
    chosen = parser.parse_args()
    print(
        f"{'situation':<28}{'rules':<6}{'baseline':>9}{'runs':>7}{'found':>8}{'error':>8}{'allowed':>9}"
        "  verdict"
    )
    missed = 0
    for row in table(chosen.runs, chosen.seed):
        print(line(row), flush=True)
        missed += row.verdict == "MISSES"
    print(f"{missed} rows miss their goal")


if __name__ == "__main__":
    main()
