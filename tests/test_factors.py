"""Shares of a product's change and of a rate's: fair, without residual, whatever comes and goes."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_helpers.drivers import lmdi, rate_mix, shapley
from kpi_helpers.errors import BadInput, MissingColumn

NAMES = ["a", "b", "c", "d"]
number = st.one_of(st.just(0.0), st.floats(-1e3, 1e4).map(lambda x: round(x, 3)))
tables = st.dictionaries(
    st.sampled_from(["web", "fair", "phone", None]), st.tuples(number, number, number), max_size=4
).map(lambda rows: pd.DataFrame.from_dict(rows, "index", columns=NAMES[:3], dtype=float))
cases = st.integers(0, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
groups = st.lists(st.tuples(st.sampled_from(["web", "fair", None]), cases), max_size=5).map(
    lambda rows: pd.DataFrame(
        [(group, k, n) for group, (k, n) in rows], columns=["group", "k", "n"]
    )
)


def by_permutations(before: list[float], after: list[float]) -> list[float]:
    """Every order of the factors, one after the other; the mean of what each of them brings."""
    brought = [0.0] * len(before)
    orders = list(itertools.permutations(range(len(before))))
    for order in orders:
        values = list(before)
        for factor in order:
            was = math.prod(values)
            values[factor] = after[factor]
            brought[factor] += (math.prod(values) - was) / len(orders)
    return brought


@given(st.lists(st.tuples(number, number), min_size=1, max_size=4))
@settings(max_examples=60)
def test_shares_are_the_mean_over_all_orders(pairs: list[tuple[float, float]]) -> None:
    before, after = ([*side] for side in zip(*pairs, strict=True))
    names = NAMES[: len(pairs)]
    found = shapley(dict(zip(names, before, strict=True)), dict(zip(names, after, strict=True)))
    scale = max(1.0, *map(abs, (math.prod(before), math.prod(after))))
    largest = max(scale, math.prod(max(abs(a), abs(b), 1) for a, b in pairs))
    expected = by_permutations(before, after)
    assert found[names].iloc[0].tolist() == pytest.approx(expected, abs=1e-9 * largest)


@given(tables, tables)
@settings(max_examples=40)
def test_nothing_is_left_over_whatever_comes_and_goes(
    before: pd.DataFrame, after: pd.DataFrame
) -> None:
    largest = pd.concat([before, after]).abs().clip(1).max().prod()
    for method in (shapley, lmdi):
        found = method(before, after)
        was, is_now = (
            side.prod(axis=1).reindex(found.index, fill_value=0.0) for side in (before, after)
        )
        change = (is_now - was).to_numpy()
        left = found[NAMES[:3]].sum(axis=1).to_numpy() - change
        # The size of the largest product on the way from one side to the other.
        assert np.abs(left).max(initial=0) <= 1e-9 * max(1, largest)


def test_ten_factors_take_no_time() -> None:
    names = [f"factor {i}" for i in range(10)]
    before = pd.DataFrame(1.0, index=range(500), columns=names)
    found = shapley(before, before * 1.1)
    assert np.allclose(found[names], (1.1**10 - 1) / 10)


def test_a_segment_that_appears_or_vanishes_is_volume() -> None:
    before = pd.DataFrame({"leads": [100], "rate": [0.1], "value": [50.0]}, index=["web"])
    after = pd.DataFrame({"leads": [40], "rate": [0.2], "value": [500.0]}, index=["fair"])
    found = shapley(before, after)
    assert found.loc["web", ["leads", "rate", "value"]].tolist() == pytest.approx([-500, 0, 0])
    assert found.loc["fair", ["leads", "rate", "value"]].tolist() == pytest.approx([4000, 0, 0])


def test_a_rate_that_is_not_known_on_one_side_has_not_moved() -> None:
    found = shapley(
        {"leads": 100, "rate": 0, "value": None}, {"leads": 100, "rate": 0.1, "value": 70}
    )
    assert found[["leads", "rate", "value"]].iloc[0].tolist() == pytest.approx([0, 700, 0])


@given(st.lists(st.tuples(st.floats(0.1, 9), st.floats(0.1, 9)), min_size=3, max_size=3))
@settings(max_examples=30)
def test_both_methods_nearly_agree_where_little_moves(pairs: list[tuple[float, float]]) -> None:
    before = {name: a for name, (a, _) in zip(NAMES, pairs, strict=False)}
    after = {name: a * (1 + b / 100) for name, (a, b) in zip(NAMES, pairs, strict=False)}
    fair, logs = shapley(before, after), lmdi(before, after)
    assert logs["method"].tolist() == ["lmdi"]
    names = [*before]
    assert np.allclose(fair[names].astype(float), logs[names].astype(float), rtol=0.01)


@pytest.mark.parametrize("rate", [0.0, -0.1])
def test_logarithms_fall_back_where_they_are_not_defined_and_say_so(rate: float) -> None:
    before, after = (
        {"leads": 0, "rate": 0.1, "value": 1000},
        {"leads": 50, "rate": rate, "value": 9},
    )
    pd.testing.assert_series_equal(
        lmdi(before, after).iloc[0], shapley(before, after).iloc[0], check_names=False
    )
    assert lmdi(before, after)["method"].item() == "shapley"


def test_nothing_moves_where_nothing_has() -> None:
    same = {"leads": 3, "rate": 0.5, "value": 7}
    assert lmdi(same, same)[["leads", "rate", "value"]].iloc[0].tolist() == [0, 0, 0]


def test_sides_with_other_factors_are_refused() -> None:
    with pytest.raises(MissingColumn, match=r"Table before needs the column 'value'.*basket"):
        shapley({"leads": 1, "basket": 2}, {"leads": 1, "value": 2})
    with pytest.raises(BadInput):
        shapley({"leads": 1, "basket": math.inf}, {"leads": 1, "basket": 2})


def test_the_sidesare_left_as_they_are() -> None:
    before = pd.DataFrame({"leads": [1.0], "rate": [None]}, index=["web"])
    copy = before.copy()
    shapley(before, before)
    pd.testing.assert_frame_equal(before, copy)


@given(groups, groups)
@settings(max_examples=40)
def test_a_rate_is_cut_without_residual(before: pd.DataFrame, after: pd.DataFrame) -> None:
    cut = rate_mix(before, after)
    if not (before["n"].sum() and after["n"].sum()):
        assert not len(cut) or cut[["rate", "mix"]].isna().all(axis=None)
        return
    change = after["k"].sum() / after["n"].sum() - before["k"].sum() / before["n"].sum()
    assert cut[["rate", "mix"]].to_numpy().sum() == pytest.approx(change, abs=1e-12)


def test_a_group_that_appears_moves_the_whole_by_its_weight_alone() -> None:
    before = pd.DataFrame({"group": ["web"], "k": [10], "n": [100]})
    after = pd.DataFrame({"group": ["web", "fair"], "k": [10, 80], "n": [100, 100]})
    cut = rate_mix(before, after).set_index("group")
    assert cut["rate"].tolist() == [0, 0]
    assert cut["mix"].sum() == pytest.approx(0.35)
    assert cut["standardised"].sum() == pytest.approx(0.10)


def test_the_mix_of_a_group_is_its_distance_from_the_whole() -> None:
    """More of what converts badly takes away, and so does less of what converts well."""
    before = pd.DataFrame({"group": ["social", "fair"], "k": [10, 50], "n": [100, 100]})
    after = pd.DataFrame({"group": ["social", "fair"], "k": [15, 25], "n": [150, 50]})
    cut = rate_mix(before, after)
    assert cut["rate"].tolist() == [0, 0]
    assert (cut["mix"] < 0).all()
    assert cut["mix"].sum() == pytest.approx(-0.1)
