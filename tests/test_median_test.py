"""Whether two sides take the same time to win: against counts by hand, a bootstrap and chance."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import test_proportions_2indep as two_shares

from kpi_helpers.survival import conditional_median, median_test

Counts = list[np.ndarray]


def world(rng: np.random.Generator, runs: int, n: int, median: float, window: int = 400) -> Counts:
    """Won, lost and open by day: deals of which a third are won, seen for up to a year."""
    end = np.ceil(median * np.exp(0.75 * rng.normal(size=(runs, n))))
    seen, wins = rng.integers(0, 365, (runs, n)), rng.random((runs, n)) < 1 / 3
    day = np.minimum(end, seen).astype(int) + window * np.arange(runs)[:, None]
    kinds = (end <= seen) & wins, (end <= seen) & ~wins, end > seen
    return [np.bincount(day[k], minlength=runs * window).reshape(runs, window) for k in kinds]


DAYS = np.arange(400.0)


def test_without_losses_or_open_deals_two_shares_are_compared() -> None:
    rng = np.random.default_rng(4)
    one, other = (
        np.bincount(rng.integers(1, top, n), minlength=60) for top, n in ((50, 90), (60, 70))
    )
    none = np.zeros(60)
    days = np.arange(60.0)
    found = median_test(days, (one, none, none), (other, none, none), 59)
    middle = np.flatnonzero((one + other).cumsum() >= 80)[0]
    k1, k2 = one[: middle + 1].sum(), other[: middle + 1].sum()
    z = two_shares(k1, 90, k2, 70, method="wald", correction=False).statistic
    assert float(found) == pytest.approx(2 * stats.t.sf(abs(z), 69))


def test_standard_errors_are_those_of_a_bootstrap() -> None:
    rng = np.random.default_rng(8)
    one, other = ([counts[0] for counts in world(rng, 1, n, m)] for n, m in ((300, 55), (250, 70)))
    p = float(median_test(DAYS, one, other, 200))
    middle, _ = conditional_median(DAYS, *(a + b for a, b in zip(one, other, strict=True)), 200)

    def share(counts: Counts) -> np.ndarray:
        won, lost, still = (np.asarray(c, dtype=float) for c in counts)
        at_risk = (won + lost + still)[:, ::-1].cumsum(axis=1)[:, ::-1]
        before = np.cumprod(1 - (won + lost) / np.maximum(at_risk, 1), axis=1)
        before = np.hstack([np.ones((len(won), 1)), before[:, :-1]])
        come = (before * won / np.maximum(at_risk, 1)).cumsum(axis=1)
        return come[:, int(middle)] / come[:, 200]

    drawn = []
    for counts in (one, other):
        flat = np.concatenate(counts)
        draws = rng.multinomial(int(flat.sum()), flat / flat.sum(), 4000)
        drawn.append(share(np.split(draws, 3, axis=1)))
    change = share([c[None] for c in one]) - share([c[None] for c in other])
    z = float(change[0] / np.hypot(*(d.std() for d in drawn)))
    freedom = min(side[0][:201].sum() for side in (one, other)) - 1
    assert stats.t.isf(p / 2, freedom) == pytest.approx(abs(z), rel=0.05)


@pytest.mark.parametrize("n", [60, 400])
def test_where_nothing_differs_it_finds_something_as_often_as_it_says(n: int) -> None:
    rng = np.random.default_rng(n)
    p = median_test(DAYS, world(rng, 3000, n, 58), world(rng, 3000, n, 58), np.full(3000, 200.0))
    for level, most in ((0.05, 0.06), (0.01, 0.015)):
        assert level / 3 < (p < level).mean() < most


def test_a_longer_cycle_is_found() -> None:
    rng = np.random.default_rng(1)
    p = median_test(DAYS, world(rng, 500, 400, 58), world(rng, 500, 400, 87), np.full(500, 300.0))
    assert (p < 0.05).mean() > 0.75


def test_sides_can_be_exchanged_and_runs_stand_alone() -> None:
    rng = np.random.default_rng(2)
    one, other = world(rng, 3, 100, 58), world(rng, 3, 80, 70)
    p = median_test(DAYS, one, other, np.full(3, 250.0))
    assert median_test(DAYS, other, one, np.full(3, 250.0)) == pytest.approx(p)
    for run in range(3):
        alone = median_test(DAYS, [c[run] for c in one], [c[run] for c in other], 250)
        assert float(alone) == pytest.approx(p[run])


def test_without_two_wins_on_a_side_there_is_no_test() -> None:
    won, none = np.array([0, 3, 3, 0]), np.zeros(4)
    one_win = np.array([0, 1, 0, 5])
    assert np.isnan(median_test(np.arange(4.0), (won, none, won), (one_win, none, none), 2))
    two = median_test([10, 20, 30], ([1, 1, 0], *[[0] * 3] * 2), ([0, 1, 1], *[[0] * 3] * 2), 30)
    assert 0.3 < two < 0.5
