"""What so many cases can show, and over which period there are enough of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kpi_helpers as kh
from kpi_helpers.compare.enough import readable_grain
from kpi_helpers.errors import BadInput
from kpi_helpers.wording import reading

# DOMAIN's table: 80 % power, two groups of n, from 25 % and from 2 %, in points.
PUBLISHED = [
    *((0.25, 50, 27, 0), (0.25, 100, 19, 0), (0.25, 200, 13, 0), (0.25, 400, 9, 0)),
    *((0.25, 1000, 5.6, 1), (0.02, 1000, 2.2, 1), (0.02, 5000, 0.9, 1), (0.02, 20000, 0.4, 1)),
]


@pytest.mark.parametrize(("base", "n", "points", "digits"), PUBLISHED)
def test_the_published_table(base: float, n: int, points: float, digits: int) -> None:
    assert round(100 * kh.detectable(base, n), digits) == points


@pytest.mark.parametrize(("n", "beside"), [(400, 400), (150, 900), (900, 150)])
def test_a_rise_of_that_size_is_found_four_times_in_five(n: int, beside: int) -> None:
    base, rng = 0.25, np.random.default_rng(7)
    rise = kh.detectable(base, n, beside)
    now, then = rng.binomial(n, base + rise, 20_000), rng.binomial(beside, base, 20_000)
    pooled = (now + then) / (n + beside)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / beside))
    found = (now / n - then / beside) / error > 1.959964
    assert found.mean() == pytest.approx(0.8, abs=0.015)


@given(st.floats(0, 0.9), st.integers(20, 10**6))
def test_more_cases_show_less_and_none_is_beyond_everything(base: float, n: int) -> None:
    few, many = kh.detectable(base, [n, 4 * n])
    assert np.isnan(few) or 0 < many < few <= 1 - base
    assert np.isnan(kh.detectable(0.9, 3))


def test_a_share_in_percent_is_refused() -> None:
    with pytest.raises(BadInput, match="between 0 and 1"):
        kh.detectable(25, 100)


@pytest.mark.parametrize(
    ("n", "days", "grain"),
    [
        *((17, 31, "quarter"), (5, 31, "year"), (2, 31, "none"), (29, 28, "quarter")),
        *((8, 7, "month"), (29, 92, "year"), (6, 92, "none"), (29, 365, "none")),
    ],
)
def test_the_next_period_with_thirty_cases(n: float, days: float, grain: str) -> None:
    assert readable_grain("win_rate_count", n, days) == grain


def test_thirty_cases_are_thirty() -> None:
    month, quarter = 365.25 / 12, 365.25 / 4
    for n, days, grain in ((10, month, "quarter"), (2.5, month, "year"), (7.5, quarter, "year")):
        assert readable_grain("win_rate_count", n, days) == grain
        assert readable_grain("win_rate_count", n - 0.001, days) != grain
    assert readable_grain("win_rate_count", 29.9, 1.001 * quarter / 1.15) == "year"
    assert readable_grain("win_rate_count", 29.9, 0.999 * quarter / 1.15) == "quarter"
    assert readable_grain("win_rate_count", 6.9, 7) == "month"
    assert readable_grain("win_rate_count", 6.899, 7) == "quarter"
    assert readable_grain("win_rate_count", 30, 365.25) == "none"


def test_customers_at_the_start_do_not_grow_with_the_period() -> None:
    assert readable_grain("customer_retention_rate", 20, 31) == ""
    assert readable_grain("unknown", 20, 31) == ""


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", "Read with care: 17 deals. Over a quarter there would be enough."),
        (
            "fr",
            "À prendre avec prudence\u00a0: 17 affaires. Sur un trimestre, il y en aurait assez.",
        ),
    ],
)
def test_the_scorecard_says_so_beside_its_warning(lang: str, said: str) -> None:
    row = {"kpi": "win_rate_count", "label": "Win rate (count)", "unit": "percent"}
    row |= {"better": "higher", "period": "2026-07", "start": "2026-07-01", "end": "2026-08-01"}
    row |= {"value": 4 / 17, "numerator": 4, "denominator": 17, "n": 17, "low": 0.1, "high": 0.5}
    row |= {"method": "wilson", "status": "indicative", "note": ""}
    assert reading(row, lang) == said
    assert said.split(". ")[1] not in reading({**row, "n": 170, "status": "ok"}, lang)
