"""Weak signals and alerts: the rule behind them, loops, hand-made companies, the sample."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import kpi_helpers as kh
from kpi_helpers.compare import through
from kpi_helpers.control.limits import ALL, CHANCE, ONE, RECENT, WEIGHT, limits, recent
from kpi_helpers.sources import Dataset

# --- The rule: in short; ``benchmarks/alerts.py`` prints it in full -------------------------------


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
        yield importlib.import_module("alerts")


def far_by_a_loop(far: list[float], size: int) -> list[bool]:
    """Whether the mean of the latest months, by hand, is beyond the limit of a baseline."""
    first, found = far[:size], []
    error = stats.tstd(first) * np.sqrt(WEIGHT / (2 - WEIGHT) + 1 / size)
    for last in range(len(far)):
        weights = [(1 - WEIGHT) ** (last - month) for month in range(last + 1)]
        mean = sum(w * x for w, x in zip(weights, far, strict=False)) / sum(weights)
        found.append(abs(mean) > stats.t.ppf(1 - CHANCE / 2, size - 1) * error)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_latest_months_by_a_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    far = rng.normal(0, 0.3, 36) + np.where(np.arange(36) < 28, 0, 0.4)
    far[::2], far[1::2] = far[::2] + 0.2, far[1::2] - 0.2  # nothing that goes along
    assert recent(pd.Series(far), 24).tolist() == far_by_a_loop(far.tolist(), 24)


def test_months_that_go_along_have_wider_limits() -> None:
    slow = np.sin(np.arange(24) / 3)
    slow = slow - slow.mean()
    shuffled = np.random.default_rng(1).permutation(slow)
    higher = np.full(12, 1.4)
    ends = [recent(pd.Series([*first, *higher]), 24)[-1] for first in (slow, shuffled)]
    assert ends == [False, True]


def test_a_baseline_without_variation_judges_nothing() -> None:
    starts = pd.date_range("2022-01-01", periods=30, freq="MS")
    frame = pd.DataFrame({"kpi": "one", "start": starts, "method": "exact", "value": 5.0})
    frame["period"] = starts.strftime("%Y-%m")
    assert not limits(frame, RECENT)["signal"].any()


@pytest.mark.parametrize("what", ["amounts", "shares that vary more", "counts with a season"])
def test_where_nothing_changes_few_months_are_signals(bench: ModuleType, what: str) -> None:
    draw = bench.unusual.STEADY[what]
    row = bench.quiet(f"{what}, {bench.SIDE}", draw, RECENT, 80, 5, bench.MOST_ALARMS)
    assert row.verdict == "holds", bench.line(row)


@pytest.mark.parametrize(("size", "within", "often"), [(1.5, 8, 0.8), (3.0, 2, 0.9)])
def test_a_change_that_lasts_is_seen_in_time(
    bench: ModuleType, size: float, within: int, often: float
) -> None:
    row = bench.seen(size, within, RECENT, bench.BASELINE, 80, 5)
    assert (row.least, row.verdict) == (often, "holds"), bench.line(row)
    others = [bench.seen(size, within, rules, bench.BASELINE, 80, 5) for rules in (ONE, ALL)]
    assert min(other.found for other in others) < row.found


# --- Several periods at once ----------------------------------------------------------------------


@pytest.mark.parametrize("by", [(), ("team",)])
def test_several_periods_are_compared_as_each_by_itself(
    sample: Dataset, by: tuple[str, ...]
) -> None:
    kpis, calendar = ["bookings", "win_rate_count", "sales_cycle_duration"], sample.config.calendar
    names = ["2025Q4", "2026Q1", "2026-05"]
    found = through(sample, kpis, [calendar.parse(name) for name in names], "year_ago", by)
    for name in names:
        one = kh.compare(sample, kpis, name, "year_ago", by)
        rows = found[found["period"] == name].reset_index(drop=True)
        pd.testing.assert_frame_equal(rows[list(one)], one)
