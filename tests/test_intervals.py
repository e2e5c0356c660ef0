"""Intervals against independent libraries, the sources' formulas, worked figures and laws."""

import json
from collections.abc import Callable
from math import isfinite, sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from kpi_helpers.intervals import (
    fieller,
    garwood,
    hall,
    newcombe,
    nps,
    product,
    quotient,
    ratio,
    wilson,
)

WORKED = json.loads((Path(__file__).parent / "data" / "worked_examples.json").read_text("utf-8"))

LEVELS = st.sampled_from([0.5, 0.8, 0.95, 0.99])


@st.composite
def shares(draw: st.DrawFn, most: int = 2000) -> tuple[int, int]:
    n = draw(st.integers(1, most))
    return draw(st.integers(0, n)), n


def near(limits: tuple, expected: tuple | list, rel: float = 1e-9) -> None:
    assert np.allclose(limits, expected, rtol=rel, atol=1e-9), (limits, expected)


# Shares


@given(shares(), LEVELS)
def test_wilson_is_that_of_statsmodels(share: tuple[int, int], level: float) -> None:
    near(wilson(*share, level=level), proportion_confint(*share, 1 - level, method="wilson"))


@given(shares(), LEVELS)
def test_wilson_stays_in_0_to_1_and_holds_the_share(share: tuple[int, int], level: float) -> None:
    (k, n), (low, high) = share, wilson(*share, level=level)
    assert 0 <= low <= k / n <= high <= 1


@given(shares(200), st.integers(2, 9))
def test_wilson_narrows_with_n(share: tuple[int, int], times: int) -> None:
    k, n = share
    low, high = wilson([k, k * times], [n, n * times])
    assert high[1] - low[1] < high[0] - low[0]


@given(shares())
def test_wilson_of_the_others_is_the_mirror(share: tuple[int, int]) -> None:
    (k, n), (low, high) = share, wilson(*share)
    near(wilson(n - k, n), (1 - high, 1 - low))


@given(shares(), shares(), LEVELS)
def test_newcombe_is_that_of_statsmodels(
    one: tuple[int, int], two: tuple[int, int], level: float
) -> None:
    expected = confint_proportions_2indep(
        *one, *two, method="newcomb", compare="diff", alpha=1 - level
    )
    near(newcombe(*one, *two, level=level), expected)


@given(shares(), shares())
def test_newcombe_turns_with_its_groups(one: tuple[int, int], two: tuple[int, int]) -> None:
    low, high = newcombe(*one, *two)
    near(newcombe(*two, *one), (-high, -low))
    assert -1 - 1e-12 <= low <= one[0] / one[1] - two[0] / two[1] <= high <= 1 + 1e-12


@pytest.mark.parametrize("share", WORKED["W2"]["wilson"])
def test_worked_shares(share: str) -> None:
    k, n = map(int, share.split("/"))
    near(wilson(k, n), WORKED["W2"]["wilson"][share])


def test_worked_differences_and_shares_of_other_chapters() -> None:
    near(newcombe(20, 40, 12, 40), WORKED["W2"]["newcombe_20_40_vs_12_40"])
    near(wilson(59, 900), WORKED["W8"]["naive_ci"])
    near(wilson(52, 520), WORKED["W8"]["mature_ci"])
    near(wilson(4, 5), WORKED["W6"]["logo_retention_ci"])
    assert wilson(0, 40)[1] == pytest.approx(WORKED["W10"]["upper_0_of_40_wilson"])


def test_ten_of_ten_reaches_one() -> None:
    assert wilson(10, 10)[1] == 1.0
    assert wilson(0, 10)[0] == 0.0


# Counts


@given(st.integers(0, 10**6), st.floats(0.01, 1e4), LEVELS)
def test_garwood_is_the_chi_square_formula(count: int, exposure: float, level: float) -> None:
    tail = (1 - level) / 2
    low = stats.chi2.ppf(tail, 2 * count) / 2 if count else 0.0
    high = stats.chi2.ppf(1 - tail, 2 * count + 2) / 2
    near(garwood(count, exposure, level), (low / exposure, high / exposure))


@given(st.integers(0, 500))
def test_garwood_is_exact(count: int) -> None:
    """At each limit, what was seen or something more extreme has probability 2.5 %."""
    low, high = garwood(count)
    assert stats.poisson.cdf(count, high) == pytest.approx(0.025)
    assert count == 0 or stats.poisson.sf(count - 1, low) == pytest.approx(0.025)


def test_worked_cost_of_a_customer() -> None:
    near(garwood(12), WORKED["W7"]["poisson_12"])
    near(quotient(30_000, 30_000, 30_000, 12, *garwood(12)), WORKED["W7"]["cac_ci"])


# Amounts


def sums(x: np.ndarray) -> tuple[float, float, float, float]:
    return x.size, x.sum(), (x**2).sum(), (x**3).sum()


def plain_hall(x: np.ndarray, level: float) -> tuple[float, float]:
    """Hall (1992): g(t) = t + g1 t^2 / 3 sqrt(n) + g1^2 t^3 / 27 n + g1 / 6 sqrt(n), inverted."""
    n, mean = len(x), x.mean()
    skew = ((x - mean) ** 3).mean() / ((x - mean) ** 2).mean() ** 1.5
    error = x.std(ddof=1) / sqrt(n)

    def inverse(value: float) -> float:
        cube = 1 + skew / sqrt(n) * (value - skew / (6 * sqrt(n)))
        return 3 * sqrt(n) / skew * (np.cbrt(cube) - 1)

    reach = stats.t.ppf((1 + level) / 2, n - 1)
    return mean - error * inverse(reach), mean - error * inverse(-reach)


@given(st.integers(0, 10**6), st.integers(3, 400), st.floats(0.2, 1.5), LEVELS)
def test_hall_is_the_published_formula(seed: int, n: int, sigma: float, level: float) -> None:
    x = 9000 * np.exp(sigma * np.random.default_rng(seed).standard_normal(n))
    near(hall(*sums(x), level=level), plain_hall(x, level), rel=1e-6)


@pytest.mark.parametrize("tilt", [-3.0, -0.1, 0.4, 5.0])
def test_the_published_transformation_takes_the_limits_back_to_student(tilt: float) -> None:
    x = np.sign(tilt) * np.random.default_rng(4).gamma(1 / tilt**2, size=25)
    skew = stats.skew(x)
    t = (x.mean() - np.array(hall(*sums(x)))) / (x.std(ddof=1) / 5)
    back = t + skew * t**2 / (3 * 5) + skew**2 * t**3 / (27 * 25) + skew / (6 * 5)
    assert back == pytest.approx(stats.t.ppf([0.975, 0.025], 24))


def test_hall_without_skewness_is_the_t_interval() -> None:
    x = np.array([-3.0, -1.0, 0.0, 1.0, 3.0]) + 10
    near(hall(*sums(x)), stats.t.interval(0.95, 4, 10, x.std(ddof=1) / sqrt(5)))


def test_hall_leans_to_the_long_tail() -> None:
    x = np.random.default_rng(1).lognormal(size=200)
    low, high = hall(*sums(x))
    assert high - x.mean() > 1.2 * (x.mean() - low)


def test_hall_of_equal_amounts_is_a_point() -> None:
    low, high = hall(*sums(np.full(7, 1234.56)))
    assert low == high == pytest.approx(1234.56)


def test_hall_keeps_its_precision_far_from_zero() -> None:
    x = 1e6 + 1e3 * np.random.default_rng(3).gamma(2, size=50)
    near(hall(*sums(x)), plain_hall(x, 0.95), rel=1e-7)


@given(st.integers(0, 10**6), st.floats(1e-3, 1e3))
def test_hall_scales_with_the_currency(seed: int, rate: float) -> None:
    x = np.random.default_rng(seed).lognormal(size=12)
    near(hall(*sums(x * rate)), np.multiply(hall(*sums(x)), rate), rel=1e-6)


# Ratios of sums


def moments(a: np.ndarray, b: np.ndarray) -> tuple[float, ...]:
    return a.size, a.sum(), b.sum(), (a * a).sum(), (b * b).sum(), (a * b).sum()


@given(st.integers(0, 10**6), st.integers(2, 300))
def test_ratio_is_the_row_by_row_delta_method(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    b = rng.lognormal(size=n)
    a = b * rng.random(n)
    value = a.sum() / b.sum()
    error = np.std((a - value * b) / b.mean(), ddof=1) / sqrt(n)
    reach = stats.t.ppf(0.975, n - 1) * error
    near(ratio(*moments(a, b)), (value - reach, value + reach), rel=1e-6)


@given(st.integers(0, 10**6), st.integers(20, 300))
def test_at_fiellers_limits_the_row_by_row_t_test_is_at_its_edge(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    b = rng.gamma(3, size=n)
    a = b * rng.random(n)
    edges = [stats.ttest_1samp(a - limit * b, 0).statistic for limit in fieller(*moments(a, b))]
    assert edges == pytest.approx([stats.t.ppf(0.975, n - 1), -stats.t.ppf(0.975, n - 1)])


@given(st.integers(0, 10**6), st.integers(3, 300))
def test_a_ratio_to_the_number_of_cases_is_a_mean(seed: int, n: int) -> None:
    a = np.random.default_rng(seed).normal(5, 2, n)
    expected = stats.t.interval(0.95, n - 1, a.mean(), stats.sem(a))
    near(ratio(*moments(a, np.ones(n))), expected, rel=1e-6)
    near(fieller(*moments(a, np.ones(n))), expected, rel=1e-6)


def test_fieller_is_missing_where_the_denominator_may_be_0() -> None:
    b = np.array([1.0, 1.0, 100.0])
    assert np.isnan(fieller(*moments(b / 2, b))).all()


def test_ratio_agrees_with_the_bootstrap_of_clusters() -> None:
    """Orders of one customer go together: only the clustered sums know how sure the ratio is."""
    rng = np.random.default_rng(11)
    customer = rng.integers(0, 400, 4000)
    margin = rng.normal(0.3, 0.1, 400)[customer]
    sales = rng.gamma(4, 250, 4000)
    won = np.bincount(customer, margin * sales, 400)
    sold = np.bincount(customer, sales, 400)
    draws = rng.integers(0, 400, (4000, 400))
    spread = (won[draws].sum(1) / sold[draws].sum(1)).std()
    low, high = ratio(*moments(won, sold))
    assert (high - low) / 2 == pytest.approx(1.966 * spread, rel=0.04)
    blind_low, blind_high = ratio(*moments(margin * sales, sales))
    assert (blind_high - blind_low) < 0.5 * (high - low)


# Promoters


@pytest.mark.parametrize("answers", ["12/5/3", "20/0/0"])
def test_worked_promoter_scores(answers: str) -> None:
    near(nps(*map(int, answers.split("/"))), WORKED["W4"][f"{answers}_adj"]["ci"])


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 300))
def test_nps_is_the_multinomial_variance_with_three_more_answers(p: int, s: int, d: int) -> None:
    rows = [100.0] * p + [0.0] * s + [-100.0] * d
    weights = [1.0] * len(rows) + [0.75, 1.5, 0.75]
    rows += [100.0, 0.0, -100.0]
    centre = np.average(rows, weights=weights)
    spread = np.average((np.array(rows) - centre) ** 2, weights=weights)
    half = stats.norm.ppf(0.975) * sqrt(spread / sum(weights))
    near(nps(p, s, d), (max(centre - half, -100), min(centre + half, 100)))


# Two estimates combined


def plain_fieller(a: float, va: float, b: float, vb: float) -> np.ndarray:
    z2 = stats.norm.ppf(0.975) ** 2
    return np.sort(np.roots([b * b - z2 * vb, -2 * a * b, a * a - z2 * va]).real)


@given(st.floats(-50, 50), st.floats(0.1, 9), st.floats(5, 50), st.floats(0.1, 2))
def test_quotient_of_symmetric_limits_is_fiellers(a: float, sa: float, b: float, sb: float) -> None:
    z = stats.norm.ppf(0.975)
    limits = quotient(a, a - z * sa, a + z * sa, b, b - z * sb, b + z * sb)
    assert np.allclose(limits, plain_fieller(a, sa**2, b, sb**2), rtol=1e-6, atol=1e-6)


@given(
    st.floats(-100, 100), st.floats(0, 90), st.floats(0, 90), st.floats(1, 99), st.floats(0, 400)
)
def test_quotient_limits_put_the_difference_at_its_limit(
    a: float, down: float, up: float, b: float, more: float
) -> None:
    """By definition of MOVER-R: the limits of a - r b (Zou and Donner 2008) touch 0 there."""
    b_low, b_high = b / 2, b + more
    low, high = quotient(a, a - down, a + up, b, b_low, b_high)
    assert low <= a / b + 1e-9
    assert high >= a / b - 1e-9
    under = low * (b_high - b) if low > 0 else low * (b - b_low)
    over = high * (b - b_low) if high > 0 else high * (b_high - b)
    assert a - low * b == pytest.approx(np.hypot(down, under), abs=1e-6, rel=1e-6)
    assert high * b - a == pytest.approx(np.hypot(up, over), abs=1e-6, rel=1e-6)


def test_quotient_at_its_edges() -> None:
    low, high = wilson(8, 200)
    near(quotient(70, 70, 70, 0.04, low, high), WORKED["W10"]["ltv_ci_8_200"])
    near(quotient([0, 3], [0, 0], [3, 6], [10, 2], [10, 0], [10, 2]), ([0, 0], [0.3, np.inf]))
    near(quotient(6, 5, 8, 2, 2, 2), (2.5, 4))
    near(quotient(0.5, 0.5, 0.5, 1, 0.5, 2), (0.25, 1))  # the two forms part where b_high is 2 b
    assert quotient(6, 5, 8, 2, 0, 4)[1] == np.inf
    assert quotient(6, 5, 8, 2, -1, 4)[1] == np.inf
    assert np.isnan(quotient(6, 5, 8, 0, 0, 4)).all()
    assert np.isnan(quotient(0, 0, 3, 0, 0, 4)).all()


@given(*[st.floats(0.01, 0.99) for _ in range(4)], st.floats(1, 9), st.floats(1, 9))
def test_product_is_the_sum_of_logarithms(
    a: float, b: float, la: float, lb: float, ua: float, ub: float
) -> None:
    low, high = product(a, a * la, a * ua, b, b * lb, b * ub)
    under = sqrt(np.log(la) ** 2 + np.log(lb) ** 2)
    over = sqrt(np.log(ua) ** 2 + np.log(ub) ** 2)
    near((low, high), (a * b * np.exp(-under), a * b * np.exp(over)))
    near(product(b, b * lb, b * ub, a, a * la, a * ua), (low, high))
    assert a * b * la * lb <= low * (1 + 1e-9)
    assert high <= a * b * ua * ub * (1 + 1e-9)


def test_product_at_its_edges() -> None:
    near(product(0, 0, 0.2, 50, 40, 60), (0, 12))
    near(product(0.1, 0, 0.2, 50, 50, 50), (0, 10))
    near(product(0.1, -0.1, 0.2, 50, 50, 50), (0, 10))
    negative = ([-0.1, -0.1, 2], [-0.2, -0.2, 1], [0.2, 0.2, 3], [50, 0, -1], [40, 0, -2], 60)
    assert np.isnan(product(*negative)).all()


# Laws that all of them keep

CALLS: dict[str, tuple[Callable, tuple[float, ...]]] = {
    "wilson": (wilson, (12, 40)),
    "newcombe": (newcombe, (20, 40, 12, 40)),
    "garwood": (garwood, (12, 2)),
    "hall": (hall, (5, 20.0, 162.0, 1770.0)),
    "ratio": (ratio, (3, 60.0, 6.0, 1368.0, 14.0, 138.0)),
    "fieller": (fieller, (9, 60.0, 27.0, 600.0, 90.0, 200.0)),
    "nps": (nps, (12, 5, 3)),
    "quotient": (quotient, (6, 5, 8, 2, 1, 4)),
    "product": (product, (6, 5, 8, 2, 1, 4)),
}


@pytest.mark.parametrize("name", CALLS)
def test_an_array_is_its_elements_one_by_one(name: str) -> None:
    call, arguments = CALLS[name]
    rows = [np.array(arguments) * factor for factor in (1, 2, 3)]
    low, high = call(*np.array(rows).T)
    near((low, high), np.array([call(*row) for row in rows]).T, rel=1e-12)
    shaped = call(*[np.reshape(part, (3, 1)) for part in np.array(rows).T])
    assert shaped[0].shape == (3, 1)


@pytest.mark.parametrize("name", CALLS)
def test_missing_in_missing_out(name: str) -> None:
    call, arguments = CALLS[name]
    assert all(isfinite(limit) for limit in call(*arguments))
    for place in range(len(arguments)):
        holed = [*arguments[:place], np.nan, *arguments[place + 1 :]]
        assert np.isnan(call(*holed)).any(), place
    assert np.isnan(call(*[np.nan] * len(arguments))).all()


@pytest.mark.parametrize(
    ("name", "nothing"),
    [
        ("wilson", (0, 0)),
        ("newcombe", (0, 0, 12, 40)),
        ("newcombe", (12, 40, 0, 0)),
        ("garwood", (3, 0)),
        ("hall", (0, 0, 0, 0)),
        ("hall", (1, 5.0, 25.0, 125.0)),
        ("ratio", (1, 5.0, 2.0, 25.0, 4.0, 10.0)),
        ("ratio", (3, 5.0, 0.0, 25.0, 0.0, 0.0)),
        ("fieller", (1, 5.0, 2.0, 25.0, 4.0, 10.0)),
        ("nps", (0, 0, 0)),
    ],
)
def test_without_cases_the_limits_are_missing(name: str, nothing: tuple[float, ...]) -> None:
    assert np.isnan(CALLS[name][0](*nothing)).all()


@pytest.mark.parametrize("name", ["wilson", "newcombe", "garwood", "hall", "nps"])
def test_more_confidence_is_a_wider_interval(name: str) -> None:
    call, arguments = CALLS[name]
    (low, high), (wider_low, wider_high) = call(*arguments, level=0.8), call(*arguments, level=0.99)
    assert wider_low < low < high < wider_high


@pytest.mark.parametrize("name", CALLS)
def test_the_parts_are_left_as_they_were(name: str) -> None:
    call, arguments = CALLS[name]
    parts = [np.array([value, 0.0, np.nan]) for value in arguments]
    before = [part.copy() for part in parts]
    call(*parts)
    for part, kept in zip(parts, before, strict=True):
        assert np.array_equal(part, kept, equal_nan=True)
