"""How fast controls answer: ``python benchmarks/controls.py [--deals N …] [--times N]``.

A made company of N deals (by default 9,000, then a million), with twice as many leads and five
times as many orders. Each control is moved back and forth, as a person does it; times are of the
processor, medians of moves after a first round.

- *bare*: the chart function of the same figure on a frame that is there, drawn as PNG the same way.
- *callback*: from the change of a field to the new value of the picture's widget; at most 1.3 times
  that.
- *whole*: the same until sentences and table stand there too.
- *again*: what the plain function takes without its chart; at most 30 ms, 100 of a million deals.
- *first*: the same on the first visit of a place, when the engine may have to be asked.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from unittest.mock import patch

import made

import kpi_helpers as kh
from kpi_helpers import charts
from kpi_helpers.controls import CONTROLS, Control, views
from kpi_helpers.sources import Dataset

GOAL, LIMITS = 1.3, {9_000: 30.0, 1_000_000: 100.0}
SETTINGS = {"as_of": "2025-12-30", "language": "en", "name": "Made"}
QUARTERS = [{"period": f"{year}Q{quarter}"} for year in (2024, 2025) for quarter in (1, 2, 3)]
KPIS = [{"kpi": kpi} for kpi in ("win_rate_count", "bookings", "deals_won_count", "avg_deal_value")]
HEADER = f"{'bare':>8}{'callback':>10}{'ratio':>7}{'whole':>8}{'again':>8}{'first':>8}"
LEVERS = import_module("kpi_helpers.controls.levers")  # a function bears the same name
Values = dict[str, Any]


class Taken(NamedTuple):
    """Milliseconds, as the columns say."""

    bare: float
    callback: float
    whole: float
    again: float
    first: float


class Case(NamedTuple):
    """A control as it starts, the places that it is moved between, and where its chart is drawn."""

    name: str
    control: str
    start: Values
    moves: list[Values]
    home: ModuleType = views


CASES = [
    Case("a KPI, slider of periods", "explorer", KPIS[0], QUARTERS),
    Case("a period, choice of KPIs", "explorer", {}, KPIS),
    Case("the KPIs of a report, slider", "explorer", {}, QUARTERS[-3:]),
    Case("a KPI by region, slider", "explorer", {**KPIS[0], "by": "region"}, QUARTERS[-3:]),
    Case("why it moved, slider", "explorer", {"view": "drivers"}, QUARTERS[-3:]),
    Case("forecast, choice of KPIs", "explorer", {"view": "forecast"}, KPIS),
    Case("funnel, slider", "explorer", {"view": "funnel"}, QUARTERS[-2:]),
    Case("levers", "levers", {}, [{"volume": by} for by in (1.1, 1.2, 0.9, 1.5)], LEVERS),
]


class Drawn:
    """In place of the charts: remembers what each call would draw, and draws nothing."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], Any]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **more: self.calls.append(
            partial(getattr(charts, name), *args, **more)
        )


def cpu(call: Callable[[], object]) -> float:
    begun = time.process_time()
    call()
    return 1000 * (time.process_time() - begun)


def callback(control: Control, move: Values) -> tuple[float, float]:
    """Milliseconds until the picture is there, and until everything is."""
    seen: list[float] = []
    control._chart.observe(lambda _: seen.append(time.process_time()), "value")
    begun = time.process_time()
    control.set(**move)
    whole = time.process_time() - begun
    control._chart.unobserve_all()
    return 1000 * (seen[-1] - begun), 1000 * whole


def taken(data: Dataset, case: Case, times: int) -> Taken:
    """Medians over all places, after a first round."""
    make = CONTROLS[case.control][1]
    with patch.object(case.home, "charts", Drawn()) as drawn:
        control = make(data.at(data.as_of), **case.start)
        shows = [partial(control.show, **{**control.values, **move}) for move in case.moves]
        drawn.calls.clear()
        first = [cpu(show) for show in shows]
        again = [cpu(show) for _ in range(times) for show in shows]
    control = make(data, **case.start)
    control.set(**case.moves[-1])
    rounds = [
        (cpu(partial(bare, own)), *callback(control, move))
        for _ in range(times + 1)
        for own, move in zip(drawn.calls, case.moves, strict=False)
    ]
    warm = zip(*rounds[len(shows) :], strict=True)
    return Taken(*map(statistics.median, (*warm, again, first)))


def bare(own: Callable[[], Any]) -> None:
    charts.image(own(), small=False)


def line(case: Case, found: Taken, limit: float | None) -> str:
    ratio = found.callback / found.bare
    holds = ratio <= GOAL and (limit is None or found.again <= limit)
    numbers = f"{found.bare:8.0f}{found.callback:10.0f}{ratio:7.2f}{found.whole:8.0f}"
    verdict = "holds" if holds else "MISSES"
    return f"{case.name:32}{numbers}{found.again:8.0f}{found.first:8.0f}  {verdict}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--deals", type=int, nargs="+", default=[*LIMITS])
    parser.add_argument("--times", type=int, default=5)
    asked = parser.parse_args()
    for deals in asked.deals:
        with tempfile.TemporaryDirectory() as folder:
            data = kh.load(made.company(Path(folder), deals), SETTINGS)
            print(f"{f'{deals:,} deals':32}{HEADER}")
            for case in CASES:
                print(line(case, taken(data, case, asked.times), LIMITS.get(deals)), flush=True)


if __name__ == "__main__":
    main()
