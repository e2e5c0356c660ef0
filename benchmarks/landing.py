"""How good the landing of a quarter is: ``python benchmarks/landing.py [--runs N] [--seed S]``.

Companies whose habits change: deals come with a season and a level that drifts, pass three stages
with a chance that drifts too and that the deals of a quarter share, by a shock of 0 to 12 %, and
are large or small (log-normal). Each has a target a quarter, 80 to 125 % of the year before. The
forecast is replayed on four days of each of its last twelve quarters: what is said then must be
better than saying how often targets are hit, its chances must come true (a slope of .8 to 1.2 of
what came on what was said), four in five ranges of 80 % must hold, to three points, and it must
miss by less than what is booked so far pro rata. Then the sample company, beside the CRM's own.
"""

from __future__ import annotations

import argparse
import datetime as dt
import time

import numpy as np
import pandas as pd

import kpi_helpers as kh
from kpi_helpers import landing
from kpi_helpers.funnel import Cases
from kpi_helpers.funnel.habits import NEVER
from kpi_helpers.periods import Calendar

FIRST, LAST = dt.date(2022, 1, 1), dt.date(2026, 3, 31)
SEASON = np.array([0.95, 1, 1.1, 1, 0.92, 1.08, 0.92, 0.6, 1.15, 1.15, 1.1, 1.03])
STEPS = ("deal", "meeting", "offer")
TARGETS, SLOPE, COVER = (0.8, 1.25), (0.8, 1.2), (0.77, 0.83)


def company(rng: np.random.Generator) -> Cases:
    """The deals of a company of 55 to 450 a quarter, as the funnel asks for them."""
    days = np.arange(np.datetime64(FIRST), np.datetime64(LAST) + 1)
    months, first = days.astype("M8[M]").astype(int), int(days[0].astype(int))
    quarter = months // 3 - months[0] // 3
    size = quarter[-1] + 1
    level = np.exp(np.cumsum(rng.normal(0, rng.uniform(0, 0.06), size)))
    chance = np.exp(np.cumsum(rng.normal(0, rng.uniform(0, 0.05), size)))
    chance *= np.exp(rng.normal(0, rng.uniform(0, 0.12), size))
    come = rng.poisson(rng.uniform(0.6, 5) * SEASON[months % 12] * level[quarter])
    at = first + np.repeat(np.arange(len(days)), come)
    amount = rng.lognormal(9.1, rng.uniform(0.5, 1), len(at)).round(-1) + 10
    ids, there, rows = np.arange(len(at)).astype(str), np.ones(len(at), dtype=bool), []
    for place in range(len(STEPS)):
        stay = rng.gamma(1.5, rng.uniform(10, 30) / 1.5, len(at)).round().astype(int)
        then = quarter[np.minimum(at + stay - first, len(days) - 1)]
        goes = rng.random(len(at)) < np.minimum(rng.uniform(0.5, 0.8) * chance[then], 0.97)
        ends = np.where(goes, at + stay, NEVER), np.where(goes, NEVER, at + stay)
        rows.append(_rows(place, ids, amount, at, *ends)[there])
        there, at = there & goes, at + stay
    never = np.full(len(at), NEVER)
    rows.append(_rows(len(STEPS), ids, amount, at, never, never)[there])
    every = pd.concat(rows, ignore_index=True)
    return Cases(STEPS, 0, every[every["entered"] < first + len(days)], Calendar())


def _rows(place: int, ids: object, amount: object, *days: object) -> pd.DataFrame:
    when = dict(zip(("entered", "advanced", "lost"), days, strict=True))
    return pd.DataFrame({"deal_id": ids, "amount": amount, **when}).assign(
        place=place, is_new=place == 0
    )


def replayed(seed: int) -> pd.DataFrame:
    """What would have been said of the quarters of a company."""
    rng = np.random.default_rng(seed)
    past = landing.past(company(rng))
    quarters = past.known.calendar.split(
        past.known.calendar.parse("2023Q1:2026Q1", LAST), "quarter"
    )
    targets = {}
    for each in quarters:
        ago = past.known.calendar.shift(each, -4)
        targets[each.name] = past.sold.between(ago.start, ago.end) * rng.uniform(*TARGETS)
    return landing.replay(past, LAST, targets)


def judged(found: pd.DataFrame) -> dict[str, float]:
    """How good the chances and ranges were, and by what share the forecasts missed."""
    whole = landing.reliability(found).iloc[0]
    missed = landing.scores(found).set_index("method")["error"]
    rows = found.dropna(subset=["chance", "hit"])
    slope = np.polyfit(rows["chance"], rows["hit"], 1)[0]
    cover = found["actual"].between(found["low"], found["high"]).mean()
    return {
        **{"n": len(rows), "brier": whole["brier"], "base": whole["base"]},
        **{"slope": slope, "cover": cover, **missed},
    }


def holds(of: dict[str, float]) -> bool:
    """Whether all of it is as it must be."""
    right = SLOPE[0] <= of["slope"] <= SLOPE[1] and COVER[0] <= of["cover"] <= COVER[1]
    return right and of["brier"] < of["base"] and of["combined"] < of["linear"]


def table(runs: int, seed: int) -> pd.DataFrame:
    """All replays, then those of each part of the quarter."""
    found = pd.concat([replayed(seed + run) for run in range(runs)], ignore_index=True)
    rows = {"all": judged(found)}
    rows |= {f"{part:.0%} over": judged(own) for part, own in found.groupby("part") if part}
    return pd.DataFrame(rows).T


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the landing of quarters.")
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7400)
    chosen = parser.parse_args()
    pd.set_option("display.width", 200)
    found = table(chosen.runs, chosen.seed)
    print(found.round(3).to_string())
    print("holds" if holds(found.loc["all"].to_dict()) else "MISSES")
    data = kh.load("data/sample")
    start = time.process_time()
    sample = landing.landing(data)
    print(f"\nsample company, {time.process_time() - start:.1f} CPU s")
    print(sample.scores.round(3).to_string(index=False))
    print(sample.reliability.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
