"""How often reps are wrongly told apart: ``python benchmarks/reps.py [--runs N] [--seed S]``.

Reps who win at one rate may be called different in 5 % of runs. On the volumes of the sample
company (ten reps, 180 deals decided each, eight of them at 23.5 %) the one at 40 % and the one at
11 % must be exactly those found in 85 % of runs, and anybody else in 5 %. A goal may be missed by
two Monte-Carlo errors. Every run is judged by the kit's own `kpi_helpers.teams.rates.judged`.

The last rows show what else could have been chosen: tests without a correction, and no test at all
but the limits that chance has in 95 cases of 100.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kpi_helpers.teams.rates import ABOVE, BELOW, NONE_SHOWN, SURE, judged, limits

Judge = Callable[[np.ndarray, np.ndarray, np.ndarray | None], np.ndarray]
ALIKE, TRUE = 0.235, {8: (0.40, ABOVE), 9: (0.11, BELOW)}
# Won of the deals of each source, and the share of the deals that one has from each.
SOURCES = np.array([0.12, 0.25, 0.24, 0.36, 0.30, 0.20])
USUAL = np.array([0.25, 0.25, 0.15, 0.15, 0.10, 0.10])
WEAK = np.array([0.60, 0.12, 0.08, 0.04, 0.04, 0.12])


@dataclass(frozen=True)
class Row:
    """Share of runs in which something is said, with its Monte-Carlo error and its goal."""

    what: str
    found: float
    error: float
    goal: tuple[float, float] | None

    def __str__(self) -> str:
        verdict = ""
        if self.goal is not None:
            outside = max(self.goal[0] - self.found, self.found - self.goal[1])
            verdict = "holds" if outside <= 2 * self.error else "MISSES"
        goal = "" if self.goal is None else f"{self.goal[0]:.2f}-{self.goal[1]:.2f}"
        return f"{self.what:<58} {self.found:6.3f} ±{2 * self.error:.3f} {goal:>10} {verdict}"


def kit(k: np.ndarray, n: np.ndarray, expected: np.ndarray | None) -> np.ndarray:
    """Who is called different, as the kit does it."""
    return judged(k, n, expected)["verdict"].to_numpy()


def uncorrected(k: np.ndarray, n: np.ndarray, expected: np.ndarray | None) -> np.ndarray:
    """The same tests, each by itself."""
    found = judged(k, n, expected)
    side = np.where(k / n > found["pooled"], ABOVE, BELOW)
    return np.where(found["p_value"] <= SURE, side, NONE_SHOWN)


def outside(k: np.ndarray, n: np.ndarray, expected: np.ndarray | None) -> np.ndarray:
    """Whoever is outside of the limits of 95 cases in 100."""
    low, high = limits(k.sum() / n.sum(), n)
    return np.select([k / n < low, k / n > high], [BELOW, ABOVE], NONE_SHOWN)


def alike(
    rng: np.random.Generator, runs: int, reps: int, cases: int, judge: Judge = kit
) -> np.ndarray:
    """Whether anybody is called different among reps of one rate, run by run."""
    n = np.full(reps, float(cases))
    won = rng.binomial(cases, ALIKE, (runs, reps)).astype(float)
    return np.array([(judge(k, n, None) != NONE_SHOWN).any() for k in won])


def planted(
    rng: np.random.Generator, runs: int, judge: Judge = kit
) -> tuple[np.ndarray, np.ndarray]:
    """Whether exactly the two true reps are found, and whether anybody else is."""
    n, truth = np.full(10, 180.0), np.full(10, NONE_SHOWN, dtype=object)
    rates = np.full(10, ALIKE)
    for place, (rate, side) in TRUE.items():
        rates[place], truth[place] = rate, side
    called = np.array(
        [judge(k.astype(float), n, None) for k in rng.binomial(180, rates, (runs, 10))]
    )
    false = (called != truth) & (called != NONE_SHOWN)
    return (called == truth).all(axis=1), false.any(axis=1)


def by_mix(rng: np.random.Generator, runs: int, known: bool) -> np.ndarray:
    """Whether anybody is called different where one has poor sources, whether these are known."""
    n, found = np.full(10, 180.0), []
    for _ in range(runs):
        mixes = [rng.multinomial(180, WEAK if rep == 0 else USUAL) for rep in range(10)]
        cases = np.array(mixes)
        won = rng.binomial(cases, SOURCES)
        rate = won.sum(axis=0) / cases.sum(axis=0)
        expected = cases @ rate / n if known else None
        found.append((kit(won.sum(axis=1).astype(float), n, expected) != NONE_SHOWN).any())
    return np.array(found)


def covered(rng: np.random.Generator, runs: int) -> np.ndarray:
    """Share of true rates, from Beta(12, 39), in their ranges, by run in which they are shown."""
    inside, n = [], np.full(10, 180.0)
    for _ in range(runs):
        rates = rng.beta(12, 39, 10)
        found = judged(rng.binomial(180, rates).astype(float), n)
        within = found["estimate_low"].le(rates) & found["estimate_high"].ge(rates)
        inside += [within.mean()] if found["estimate"].notna().all() else []
    return np.array(inside)


def table(runs: int, seed: int) -> list[Row]:
    """Every row of the benchmark."""
    rng = np.random.default_rng(seed)
    few, sure = (0.0, 0.05), (0.85, 1.0)
    both, false = planted(rng, runs)
    one_by_one, false_alone = planted(rng, runs, uncorrected)
    drawn, false_drawn = planted(rng, runs, outside)
    rows = [
        *(
            (
                f"{reps} alike, {cases} cases each: anybody called",
                alike(rng, runs, reps, cases),
                few,
            )
            for reps, cases in ((8, 40), (8, 180), (30, 60))
        ),
        ("two true of ten: exactly these", both, sure),
        ("two true of ten: anybody else", false, few),
        ("one weak by his sources: anybody called", by_mix(rng, runs, known=True), few),
        ("… where the sources are not known", by_mix(rng, runs, known=False), None),
        (
            "ranges, where a difference is shown, hold the rate",
            covered(rng, runs),
            (0.92, 0.98),
        ),
        (
            "without correction, 8 alike of 180: anybody",
            alike(rng, runs, 8, 180, uncorrected),
            None,
        ),
        ("without correction, two true: exactly these", one_by_one, None),
        ("without correction, two true: anybody else", false_alone, None),
        ("limits of 95 in 100 alone, two true: exactly these", drawn, None),
        ("limits of 95 in 100 alone, two true: anybody else", false_drawn, None),
    ]
    return [
        Row(what, float(found.mean()), float(found.std() / np.sqrt(len(found))), goal)
        for what, found, goal in rows
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=73)
    given = parser.parse_args()
    for row in table(given.runs, given.seed):
        print(row)


if __name__ == "__main__":
    main()
