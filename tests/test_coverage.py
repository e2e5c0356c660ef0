"""The cover that is promised, in short; ``benchmarks/interval_cover.py`` prints it in full."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy import stats

from kpi_helpers import intervals

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def coverage() -> ModuleType:
    home = Path(__file__).parents[1] / "benchmarks" / "interval_cover.py"
    spec = importlib.util.spec_from_file_location("kpi_coverage", home)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_shares_counts_and_scores_keep_their_promise(coverage: ModuleType) -> None:
    rows = list(coverage.enumerated())
    assert {row.n for row in rows} >= {30, 100, 1000}
    assert [coverage.line(row) for row in rows if row.verdict != "holds"] == []


def test_durations_and_amounts_keep_their_promise(coverage: ModuleType) -> None:
    rows = list(coverage.simulated(runs=500, seed=1, sizes=(30, 100)))
    assert [coverage.line(row) for row in rows if row.verdict == "MISSES"] == []
    assert {row.kind.split(":")[0] for row in rows} >= {"amount", "time to win", "duration"}


def test_an_interval_that_breaks_its_promise_is_seen(coverage: ModuleType) -> None:
    def wald(k: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        half = 1.96 * np.sqrt(k / n * (1 - k / n) / n)
        return k / n - half, k / n + half

    def t_interval(n: int, sx: np.ndarray, sxx: np.ndarray, _: np.ndarray) -> tuple:
        half = stats.t.ppf(0.975, n - 1) * np.sqrt((sxx / n - (sx / n) ** 2) / (n - 1))
        return sx / n - half, sx / n + half

    assert coverage.share_cover(wald, 0.05, 30) < 0.82
    cover, _ = coverage.simulate(coverage.amount_trial(t_interval, 1.0), 30, 2000, 1)
    assert cover < 0.9


def test_the_enumerated_covers_agree_with_a_simulation(coverage: ModuleType) -> None:
    rng = np.random.default_rng(5)
    k = rng.binomial(40, 0.1, 20_000)
    simulated = coverage.held(intervals.wilson(k, 40), 0.1).mean()
    assert coverage.share_cover(intervals.wilson, 0.1, 40) == pytest.approx(simulated, abs=0.006)
    count = rng.poisson(7, 20_000)
    simulated = coverage.held(intervals.garwood(count), 7).mean()
    assert coverage.count_cover(intervals.garwood, 7) == pytest.approx(simulated, abs=0.006)
    mix = (0.5, 0.2, 0.3)
    simulated = coverage.held(intervals.nps(*rng.multinomial(40, mix, 20_000).T), 20).mean()
    assert coverage.score_cover(intervals.nps, mix, 40) == pytest.approx(simulated, abs=0.006)


def test_the_truth_of_a_world_is_what_a_million_deals_show(coverage: ModuleType) -> None:
    world = coverage.Deals(0.4, 58, 100_000)
    won, _, _ = world.counts(np.random.default_rng(3), 1, 1_000_000)
    come = won[0, :300].cumsum()
    for horizon in (90, 250):
        found = np.flatnonzero(come >= come[horizon] / 2)[0]
        assert abs(world.median_until(np.array(horizon)) - found) <= 1
