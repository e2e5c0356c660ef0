"""Two sides timed in turns: the machine may be shared, so that only ratios of one run say much."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

Call = Callable[[int], object]


class Taken(NamedTuple):
    """Median seconds of one side: by the clock, and of all processors together."""

    clock: float
    cpu: float


class Line(NamedTuple):
    """What was compared, and by how much the kit may take longer than the reference."""

    what: str
    kit: Taken
    reference: Taken
    goal: float | None = None

    @property
    def ratio(self) -> float:
        """Processor time of the kit over that of the reference."""
        return self.kit.cpu / self.reference.cpu

    def __str__(self) -> str:
        clock = self.kit.clock / self.reference.clock
        goal = "" if self.goal is None else f"{self.goal:6.2f}"
        verdict = "" if self.goal is None else "holds" if self.ratio <= self.goal else "MISSES"
        return (
            f"{self.what:42}{1000 * self.kit.cpu:10.1f}{1000 * self.reference.cpu:11.1f}"
            f"{self.ratio:7.2f}{clock:7.2f}{goal:>7}  {verdict}"
        )


HEADER = f"{'':42}{'kit ms':>10}{'by hand ms':>11}{'ratio':>7}{'clock':>7}{'goal':>7}"


def in_turns(kit: Call, reference: Call, times: int, warm: int = 2) -> tuple[Taken, Taken]:
    """Medians of both sides; each call is told its turn, and so many turns warm up before."""
    taken: tuple[list[Taken], list[Taken]] = ([], [])
    for turn in range(-warm, times):
        for side, call in zip(taken, (kit, reference), strict=True):
            clock, cpu = time.perf_counter(), time.process_time()
            call(turn)
            if turn >= 0:
                side.append(Taken(time.perf_counter() - clock, time.process_time() - cpu))
    first, second = (
        [statistics.median(each) for each in zip(*side, strict=True)] for side in taken
    )
    return Taken(*first), Taken(*second)
