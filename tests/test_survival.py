"""Survival from counts against statsmodels, plain loops, worked figures and laws."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight

from kpi_helpers.survival import (
    aalen_johansen,
    conditional_median,
    conditional_median_interval,
    kaplan_meier,
    median,
    median_interval,
    restricted_mean,
)
from kpi_helpers.survival.medians import _cell_quantile

WORKED = json.loads((Path(__file__).parent / "data" / "worked_examples.json").read_text("utf-8"))
W3 = WORKED["W3"]
OPEN, WON, LOST = 0, 1, 2

CASES = st.lists(st.tuples(st.integers(0, 40), st.sampled_from([OPEN, WON, LOST])), min_size=1)


def counts(cases: list[tuple[float, int]]) -> tuple[list, list[int], list[int], list[int]]:
    """Return times and the numbers won, lost and open at each, by plain counting."""
    tally = Counter(cases)
    time = sorted({day for day, _ in cases})
    won, lost, still = ([tally[day, kind] for day in time] for kind in (WON, LOST, OPEN))
    return time, won, lost, still


def random_cases(seed: int, n: int, whole_days: bool = True) -> list[tuple[float, int]]:
    """Deals of which 6 in 10 would be won, seen until a random day of the year before."""
    rng = np.random.default_rng(seed)
    wins = rng.random(n) < 0.6
    end = np.where(wins, rng.lognormal(4, 0.75, n), rng.lognormal(3.8, 0.9, n))
    seen = rng.random(n) * 365
    day = np.minimum(end, seen)
    kind = np.where(end <= seen, np.where(wins, WON, LOST), OPEN)
    return list(zip((np.floor(day) if whole_days else day).tolist(), kind.tolist(), strict=True))


def worked_cases() -> list[tuple[int, int]]:
    kinds = {"won": WON, "lost": LOST, "open": OPEN}
    return [(day, kinds[end]) for day, end in zip(W3["days"], W3["outcome"], strict=True)]


# Against statsmodels


@given(CASES)
def test_kaplan_meier_is_that_of_statsmodels(cases: list[tuple[int, int]]) -> None:
    time, won, lost, still = counts(cases)
    curve = kaplan_meier(time, np.add(won, lost), still)
    with np.errstate(divide="ignore", invalid="ignore"):
        oracle = SurvfuncRight([day for day, _ in cases], [kind != OPEN for _, kind in cases])
    kept = np.isin(time, oracle.surv_times)
    assert np.allclose(curve.survival[kept], oracle.surv_prob)
    assert np.array_equal(curve.at_risk[kept], oracle.n_risk)
    inside = curve.survival[kept] > 1e-12
    assert np.allclose(np.sqrt(curve.variance[kept][inside]), oracle.surv_prob_se[inside])


@given(CASES)
def test_aalen_johansen_is_that_of_statsmodels(cases: list[tuple[int, int]]) -> None:
    cases = [*cases, (41, WON), (41, LOST)]  # statsmodels counts kinds by the highest code
    shares = aalen_johansen(*counts(cases))
    with np.errstate(divide="ignore", invalid="ignore"):
        oracle = CumIncidenceRight(*np.array(cases).T)
    assert np.array_equal(shares.time, oracle.times)
    assert np.allclose([shares.won, shares.lost], oracle.cinc)


def limits_of_the_end(cases: list[tuple[float, int]]) -> tuple[tuple, tuple[float, float]]:
    """Return the limits of the median time to any end: ours, and those of statsmodels."""
    time, won, lost, still = counts(cases)
    ours = median_interval(kaplan_meier(time, np.add(won, lost), still))
    with np.errstate(divide="ignore", invalid="ignore"):
        oracle = SurvfuncRight([day for day, _ in cases], [kind != OPEN for _, kind in cases])
        return ours, oracle.quantile_ci(0.5, method="cloglog")


@pytest.mark.parametrize("seed", range(20))
def test_the_interval_of_the_median_is_that_of_statsmodels(seed: int) -> None:
    """On a continuous clock, where the correction for whole days has nothing to do."""
    ours, usual = limits_of_the_end(random_cases(seed, 60, whole_days=False))
    assert np.allclose(ours, usual)


def test_whole_days_make_the_limits_tighter_never_wider() -> None:
    saved = []
    for seed in range(10):
        (low, high), (usual_low, usual_high) = limits_of_the_end(random_cases(seed, 1000))
        assert usual_low <= low < high <= usual_high
        saved.append(usual_high - usual_low - (high - low))
    assert 0.5 <= np.mean(saved) <= 1.5


@pytest.mark.parametrize(("step", "cell"), [(0.25, 0.25), (1, 1), (7, 1)])
def test_limits_are_those_of_a_value_known_up_to_its_day(step: float, cell: float) -> None:
    """By the equation of Imbens and Manski; where deals end weeks apart, a day is still a day."""
    for seed in range(12):
        narrow = np.random.default_rng(seed).poisson(20, 300).tolist()
        cases = random_cases(seed, 25 + 5 * seed) if seed % 2 else [(day, WON) for day in narrow]
        time, won, lost, still = counts(cases)
        days, curve = np.array(time) * step, kaplan_meier(time, np.add(won, lost), still)
        s, z975 = curve.survival, stats.norm.ppf(0.975)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.log(np.log(s) / np.log(0.5)) * np.abs(s * np.log(s)) / np.sqrt(curve.variance)
        low, high = days[z >= -z975][0], [*days[z > z975], np.inf][0]
        days_wide = min(cell, np.diff(days).min())
        share = 2 * z975 * days_wide / max(high - low - days_wide, days_wide / 2)
        reach = optimize.brentq(
            lambda c, x=share: stats.norm.cdf(c + x) - stats.norm.cdf(-c) - 0.95, -1, 5
        )
        expected = days[z >= -reach][0], [*days[z > reach], np.inf][0]
        assert median_interval(kaplan_meier(days, np.add(won, lost), still)) == expected


# Worked figures


def test_worked_cycle() -> None:
    time, won, lost, still = counts(worked_cases())
    curve = kaplan_meier(time, won, np.add(lost, still))
    steps = np.isin(time, W3["km_times"])
    assert np.allclose(curve.survival[steps], W3["km_surv"])
    assert median(curve) == W3["km_median"]
    assert [float(limit) for limit in median_interval(curve)] == [20.0, np.inf]
    assert 1 - curve.survival[-1] == pytest.approx(W3["one_minus_km"])
    any_end = kaplan_meier(time, np.add(won, lost), still)
    assert median(any_end) == W3["any_close_median"]
    shares = aalen_johansen(time, won, lost, still)
    assert shares.won[-1] == pytest.approx(W3["aj_won"])
    assert shares.lost[-1] == pytest.approx(W3["aj_lost"])


def test_worked_time_to_win_at_both_horizons() -> None:
    parts = counts(worked_cases())
    assert conditional_median(*parts, horizon=120) == (W3["cond_median_win_H120"], 120)
    assert conditional_median(*parts) == (W3["cond_median_win_H60"], 60)


def test_worked_second_sample_and_ties() -> None:
    second = W3["second"]
    events = np.array(second["event"])
    assert median(kaplan_meier(second["days"], events, 1 - events)) == second["median"]
    ties = W3["ties"]
    shares = aalen_johansen(*counts(list(zip(ties["days"], ties["status"], strict=True))))
    assert shares.won[-1] == pytest.approx(ties["aj_won"])
    assert shares.lost[-1] == pytest.approx(ties["aj_lost"])


def test_a_median_is_the_first_time_at_one_half() -> None:
    """1, 2, 3, 4 give 2 (statsmodels' quantile says 3), and so does 3/4 * 2/3 of W16."""
    assert median(kaplan_meier([1, 2, 3, 4], [1] * 4, [0] * 4)) == W3["tie_rule_1234"]
    for n in range(2, 60, 2):  # the product of 1 - 1/24, 1 - 1/23, … is a little above one half
        assert median(kaplan_meier(range(1, n + 1), [1] * n, [0] * n)) == n / 2
    stages = {
        "Qualif": [(10, WON), (13, WON), (20, WON), (10, WON), (58, OPEN)],
        "RDV": [(17, WON), (21, WON), (14, WON), (17, WON)],
        "Propo_visits": [(20, WON), (15, WON), (7, WON), (30, OPEN)],
    }
    for stage, cases in stages.items():
        time, won, _, still = counts(cases)
        assert median(kaplan_meier(time, won, still)) == WORKED["W16"]["km_median"][stage]


# Plain twins


def plain_shares(cases: list[tuple[float, int]], upto: float) -> tuple[float, float, float]:
    """Won, lost and open after a time, deal by deal."""
    won = lost = 0.0
    left = 1.0
    for day in sorted({day for day, kind in cases if kind != OPEN and day <= upto}):
        at_risk = sum(other >= day for other, _ in cases)
        wins, losses = (sum(case == (day, kind) for case in cases) for kind in (WON, LOST))
        won, lost = won + left * wins / at_risk, lost + left * losses / at_risk
        left *= 1 - (wins + losses) / at_risk
    return won, lost, left


def plain_variance(cases: list[tuple[float, int]], day: float, horizon: float) -> float:
    """Var(won(day) - won(horizon) / 2), moving every hazard by hand (multinomial delta method)."""
    times = sorted({time for time, _ in cases if time <= horizon})
    at_risk = {t: sum(other >= t for other, _ in cases) for t in times}
    base = {(t, k): cases.count((t, k)) / at_risk[t] for t in times for k in (WON, LOST)}

    def contrast(hazard: dict) -> float:
        left, won, result = 1.0, 0.0, 0.0
        for t in times:
            won += left * hazard[t, WON]
            left *= 1 - hazard[t, WON] - hazard[t, LOST]
            result = won if t <= day else result
        return result - won / 2

    def slope(t: float, k: int) -> float:
        up, down = ({**base, (t, k): base[t, k] + step} for step in (1e-6, -1e-6))
        return (contrast(up) - contrast(down)) / 2e-6

    total = 0.0
    for t in times:
        a, b, p, q = slope(t, WON), slope(t, LOST), base[t, WON], base[t, LOST]
        total += (a * a * p + b * b * q - (a * p + b * q) ** 2) / at_risk[t]
    return total


@pytest.mark.parametrize("seed", range(6))
def test_limits_of_the_time_to_win_are_the_plain_tests(seed: int) -> None:
    cases = random_cases(seed, 40, whole_days=False)
    time, won, lost, still = counts(cases)
    value, horizon = conditional_median(time, won, lost, still)
    half = plain_shares(cases, horizon)[0] / 2

    def kept(day: float) -> bool:
        gap = plain_shares(cases, day)[0] - half
        return day < horizon and abs(gap) <= 1.96 * plain_variance(cases, day, horizon) ** 0.5

    inside = [day for day in time if kept(day)]
    low, high = conditional_median_interval(time, won, lost, still, horizon)
    after = [day for day in time if day > inside[-1] and plain_shares(cases, day)[0] > half]
    assert low == inside[0]
    assert high == min(after[0], horizon)
    assert value == next(day for day in time if plain_shares(cases, day)[0] >= half - 1e-12)


@given(CASES, st.integers(1, 40))
def test_restricted_mean_is_the_plain_area(cases: list[tuple[int, int]], horizon: int) -> None:
    time, won, lost, still = counts(cases)
    curve = kaplan_meier(time, np.add(won, lost), still)
    area = sum(plain_shares(cases, day)[2] for day in range(horizon))
    known = horizon <= max(time) or curve.survival[-1] < 1e-12
    assert np.allclose(restricted_mean(curve, horizon), area if known else np.nan, equal_nan=True)


def test_without_losses_or_open_deals_the_limits_are_those_of_the_sign_test() -> None:
    days = np.sort(np.random.default_rng(2).lognormal(4, 1, 41))
    low, high = conditional_median_interval(days, np.ones(41), np.zeros(41), np.zeros(41), days[-1])
    wins = np.arange(1, 42)
    gap = wins - 20.5
    inside = np.abs(gap) <= 1.96 * np.sqrt(41 / 4 - gap**2 / 41)
    assert low == days[inside][0]
    assert high == days[np.flatnonzero(inside)[-1] + 1]


def test_limits_agree_with_the_bootstrap_of_counts() -> None:
    rng = np.random.default_rng(8)
    parts = counts(random_cases(8, 1500))
    time, share = parts[0], np.ravel(parts[1:]) / 1500
    value, horizon = conditional_median(*parts)
    drawn = rng.multinomial(1500, share, 2000).reshape(2000, 3, -1)
    again = conditional_median(time, drawn[:, 0], drawn[:, 1], drawn[:, 2], horizon)[0]
    low, high = conditional_median_interval(*parts, horizon)
    assert low <= value <= high
    assert np.abs(np.nanquantile(again, [0.025, 0.975]) - [low, high]).max() <= 2


@pytest.mark.parametrize("cell", [0.0, 0.3, 1.0, 4.0, 30.0])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.99])
def test_the_quantile_for_whole_days_solves_its_equation(cell: float, level: float) -> None:
    root = optimize.brentq(lambda c: stats.norm.cdf(c + cell) - stats.norm.cdf(-c) - level, -0.1, 5)
    assert _cell_quantile(level, np.array(cell)) == pytest.approx(root)


# Laws


@given(CASES)
def test_won_lost_and_open_are_all_there_is(cases: list[tuple[int, int]]) -> None:
    time, won, lost, still = counts(cases)
    shares = aalen_johansen(time, won, lost, still)
    assert np.allclose(shares.won + shares.lost + shares.open, 1)
    assert (np.diff(shares.won, prepend=0) >= 0).all()
    assert (np.diff(shares.lost, prepend=0) >= 0).all()
    blind = kaplan_meier(time, won, np.add(lost, still))
    assert (1 - blind.survival >= shares.won - 1e-12).all()
    assert np.allclose(shares.won[-1], plain_shares(cases, 40)[0])


@given(CASES)
def test_limits_hold_the_median_and_widen_with_the_level(cases: list[tuple[int, int]]) -> None:
    parts = counts(cases)
    value, horizon = conditional_median(*parts, min_at_risk=1)
    low, high = conditional_median_interval(*parts, horizon)
    assert np.isnan(value) == np.isnan(low) == np.isnan(high)
    if not np.isnan(value):
        wider = conditional_median_interval(*parts, horizon, level=0.999)
        assert wider[0] <= low <= value <= high <= wider[1] <= horizon


@given(CASES)
def test_open_deals_added_at_the_start_change_no_estimate(cases: list[tuple[int, int]]) -> None:
    """A deal created today is at risk on no later day."""
    later = [(day + 1, kind) for day, kind in cases]
    shares, more = (aalen_johansen(*counts(some)) for some in (later, [(0, OPEN)] * 9 + later))
    assert np.allclose(more.won[1:], shares.won)
    assert np.allclose(more.open[1:], shares.open)


def test_many_groups_at_once_are_each_on_its_own() -> None:
    groups = [random_cases(seed, 80) for seed in range(5)]
    time = np.arange(366)
    won, lost, still = (
        np.array([[group.count((day, kind)) for day in time] for group in groups])
        for kind in (WON, LOST, OPEN)
    )
    values, horizons = conditional_median(time, won, lost, still)
    limits = conditional_median_interval(time, won, lost, still, horizons)
    curve = kaplan_meier(time, won + lost, still)
    for i, group in enumerate(groups):
        parts = counts(group)
        value, horizon = conditional_median(*parts)
        assert (values[i], horizons[i]) == (value, horizon)
        expected = conditional_median_interval(*parts, horizon)
        assert (limits[0][i], limits[1][i]) == expected
        alone = kaplan_meier(parts[0], np.add(parts[1], parts[2]), parts[3])
        assert median(curve)[i] == median(alone)
        assert restricted_mean(curve, 200)[i] == pytest.approx(restricted_mean(alone, 200))
        assert [limit[i] for limit in median_interval(curve)] == list(median_interval(alone))


# Edges


def test_what_is_not_reached_is_missing() -> None:
    curve = kaplan_meier([10, 20], [1, 0], [0, 3])
    assert np.isnan(median(curve))
    assert np.isnan(restricted_mean(curve, 30))
    both = kaplan_meier([10, 30], [[1, 0], [1, 0]], [[2, 0], [0, 2]])  # one is followed to day 10
    assert restricted_mean(both, 20) == pytest.approx([np.nan, 10 / 3 + 2 / 3 * 20], nan_ok=True)
    nobody_won = [10, 20], [0, 0], [3, 2], [2, 1]
    value, horizon = conditional_median(*nobody_won)
    assert np.isnan(value)
    assert horizon == 10
    assert np.isnan(conditional_median_interval(*nobody_won, horizon)).all()


def test_a_horizon_needs_enough_deals_that_were_followed_so_far() -> None:
    parts = counts(worked_cases())
    assert conditional_median(*parts, min_at_risk=1)[1] == 120
    assert np.isnan(conditional_median(*parts, min_at_risk=11)).all()
    assert np.isnan(conditional_median(*parts, horizon=121)[0])
    assert conditional_median([10, 20], [3, 3], [0, 0], [0, 0], horizon=90)[0] == 10


def test_no_deals_give_missing_values() -> None:
    nothing = [[]] * 4
    assert np.isnan(conditional_median(*nothing)).all()
    assert np.isnan(median(kaplan_meier([], [], [])))
    empty_group = [10, 20], [0, 0], [0, 0], [0, 0]
    assert np.isnan(conditional_median(*empty_group)).all()
    assert np.isnan(median_interval(kaplan_meier(*empty_group[:3]))).all()
    assert np.isnan(restricted_mean(kaplan_meier(*empty_group[:3]), 10))


def test_missing_counts_give_missing_values() -> None:
    assert np.isnan(median(kaplan_meier([1, 2], [1, np.nan], [0, 0])))
    assert np.isnan(conditional_median([1, 2], [1, np.nan], [0, 1], [0, 0], horizon=1)[0])


def test_what_holds_or_not_counts_as_one_or_none() -> None:
    assert kaplan_meier([1, 2], [True, True], [True, False]).at_risk.tolist() == [3, 1]
    assert aalen_johansen([1], [True], [True], [True]).open == pytest.approx(1 / 3)


def test_all_on_one_day_is_that_day() -> None:
    assert conditional_median_interval([10], [6], [2], [0], 10) == (10, 10)
    for level in (0.2, 0.95):  # the end of all has no variance, and rejects nothing
        assert median_interval(kaplan_meier([10], [8], [0]), level) == (10, np.inf)


def test_counts_are_left_as_they_were() -> None:
    parts = [np.array(part, dtype=float) for part in counts(worked_cases())]
    before = [part.copy() for part in parts]
    conditional_median_interval(*parts, conditional_median(*parts)[1])
    assert all(np.array_equal(part, kept) for part, kept in zip(parts, before, strict=True))
