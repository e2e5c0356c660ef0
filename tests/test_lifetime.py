"""Lifetime value and payback against a plain loop over months."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kpi_helpers as kh
from kpi_helpers.catalogue import find
from kpi_helpers.errors import BadInput
from kpi_helpers.kpis.lifetime import cac_payback_months
from kpi_helpers.lifetime import lifetime_value, payback_months

rates = st.floats(0.0, 0.9)
amounts = st.floats(1.0, 10_000.0)


def summed(arpa: float, margin: float, churn: float, months: int, discount: float) -> float:
    still_there, total = 1.0, 0.0
    for month in range(months):
        total += arpa * margin * still_there / (1 + discount) ** month
        still_there *= 1 - churn
    return total


@given(amounts, rates, rates, st.integers(1, 120), rates)
def test_the_value_is_the_sum_over_the_months(
    arpa: float, margin: float, churn: float, months: int, discount: float
) -> None:
    value = lifetime_value(arpa, margin, churn, months, discount)
    assert value == pytest.approx(summed(arpa, margin, churn, months, discount), rel=1e-9)


@given(amounts, st.floats(0.01, 0.9), rates)
def test_all_months_are_very_many_months(arpa: float, churn: float, discount: float) -> None:
    endless = lifetime_value(arpa, 0.5, churn, months=None, discount=discount)
    assert endless == pytest.approx(lifetime_value(arpa, 0.5, churn, 5000, discount), rel=1e-9)


def test_a_vanishing_churn_tends_to_none() -> None:
    values = lifetime_value(100, 0.7, [1e-6, 1e-9, 1e-12, 1e-15, 1e-18, 0.0])
    assert values.tolist() == pytest.approx([4200.0] * 6, rel=1e-4)
    assert np.all(np.diff(values) >= 0)


def test_the_first_month_counts_whole_even_when_all_leave() -> None:
    assert lifetime_value(100, 0.7, 1.0).tolist() == 70.0
    assert lifetime_value(100, 0.7, 1.0, months=None).tolist() == 70.0


def test_without_churn_a_life_without_bound_has_no_length() -> None:
    assert np.isnan(lifetime_value(100, 0.7, 0.0, months=None, discount=0.01))


def test_missing_in_missing_out_and_shapes_are_kept() -> None:
    value = lifetime_value([[100.0], [np.nan]], 0.7, [0.1, 0.2, np.nan])
    assert value.shape == (2, 3)
    assert np.isnan(value).tolist() == [[False, False, True], [True] * 3]
    assert np.isnan(payback_months([500.0, np.nan], 100, 0.7, [0.0, 0.1])).tolist() == [False, True]


@given(amounts, amounts, st.floats(0.05, 1.0), st.floats(0.001, 0.5), st.integers(1, 80))
def test_payback_is_the_first_month_that_covers_the_cost(
    cac: float, arpa: float, margin: float, churn: float, months: int
) -> None:
    found = payback_months(cac, arpa, margin, churn, months)
    covered = [
        month
        for month in range(1, months + 1)
        if summed(arpa, margin, churn, month, 0.0) >= cac * (1 - 1e-12)
    ]
    assert np.isnan(found) if not covered else found == covered[0]


@pytest.mark.parametrize(
    ("cac", "arpa", "expected"), [(0, 100, 0.0), (4200, 100, 60.0), (4201, 100, np.nan)]
)
def test_payback_without_churn(cac: float, arpa: float, expected: float) -> None:
    assert payback_months(cac, arpa, 0.7) == pytest.approx(expected, nan_ok=True)


def test_no_margin_never_pays_back() -> None:
    never = payback_months(100, [0, -10, 0, -10], 0.5, [0, 0, 0.1, 0.1])
    assert np.isnan(never).all()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"churn": -0.01}, "column churn: '-0.01' is not 0 … 1"),
        ({"churn": [0.1, 4.0]}, "column churn: '4' is not 0 … 1"),
        ({"churn": 0.1, "months": 0}, "column months: '0' is not ≥ 1"),
        ({"churn": 0.1, "discount": -0.5}, "column discount: '-0.5' is not ≥ 0"),
    ],
)
def test_a_rate_out_of_range_is_refused(wrong: dict, said: str) -> None:
    with pytest.raises(BadInput, match="is not") as caught:
        lifetime_value(100, 0.7, **wrong)
    assert str(caught.value) == f"{said}."


def test_a_cost_that_is_never_earned_back_says_so() -> None:
    example = find(cac_payback_months.__name__).example
    assert example is not None
    frames = example.frames()
    frames["spend"]["amount"] = 1e6
    data = kh.load(frames, {**example.config, "language": "en"})
    (row,) = kh.measure(data, "cac_payback_months", example.period).itertuples()
    assert row.status == "missing"
    assert row.note.endswith("Not earned back within 60 months.")
