"""From sums to figures, kind by kind: plain arithmetic, and the case from which each rule holds."""

from typing import Any

import numpy as np
import pytest

from kpi_helpers import intervals
from kpi_helpers.kpis.settled import Settled
from kpi_helpers.measure.kinds import KINDS
from kpi_helpers.measure.tidy import _bounded
from kpi_helpers.units import UNITS


def settled(kind: str, **sums: list[float]) -> Settled:
    return KINDS[kind].settle({name: np.array(each, float) for name, each in sums.items()})


def said(found: Settled) -> dict[str, list[bool]]:
    return {remark.key: remark.where.tolist() for remark in found.remarks}


def test_a_sum_is_known_unless_half_of_a_stock_or_all_of_a_flow_lacks_its_amount() -> None:
    lacking = [0.0, 1, 2, 9, 10, 11, 20]
    of = {"x": [80.0] * 7, "xx": [900.0] * 7}
    stock = settled("standing", **of, n=[20] * 7, unknown=lacking)
    assert np.isnan(stock.value).tolist() == [False] * 4 + [True] * 3
    assert stock.doubtful.tolist() == [False] * 2 + [True] * 5  # a tenth of 20 is 2
    assert said(stock) == {"notes.unknown_amounts": [False, *[True] * 6]}
    flow = settled("total", **of, n=[20, 19, 18, 11, 10, 9, 0], lacking=lacking)
    assert np.isnan(flow.value).tolist() == [False] * 6 + [True]
    assert flow.doubtful.tolist() == [False] * 2 + [True] * 5
    assert flow.spread.tolist() == [30.0] * 7
    assert flow.pace == stock.pace == 1
    assert np.isnan(settled("total", x=[0], xx=[0], n=[0], lacking=[0]).value).tolist() == [False]
    assert np.isnan(settled("decided", x=[0.0, 0], n=[0, 1]).value).tolist() == [True, False]


def test_a_ratio_needs_something_below_and_five_cases_for_its_range() -> None:
    """Ten cases of b = 2 and a = 1 or 3 by turns: the ratio of means is that of a to 2."""
    ns = np.array([4, 6, 10, 10])
    sums = {"n": ns, "a": 2 * ns, "b": 2 * ns, "aa": 5 * ns, "bb": 4 * ns, "ab": 4 * ns}
    sums["b"] = sums["b"] * [1, 1, 1, 0]
    found = settled("ratio", **{name: each.tolist() for name, each in sums.items()})
    assert found.value[:3].tolist() == [1, 1, 1]
    assert np.isnan(found.value[3])
    assert (
        np.isnan(found.low).tolist() == np.isnan(found.high).tolist() == [True, False, False, True]
    )
    half = 2.2621572 * np.sqrt(1 / 9) / 2  # Student's quantile, and a's spread of 1 over b = 2
    assert (found.high - found.low)[2] / 2 == pytest.approx(half, rel=1e-6)
    part = settled("mature_ratio", **{n: e.tolist() for n, e in sums.items()}, of=[4, 7, 10, 11])
    assert said(part) == {"notes.partly_young": [False, True, False, True]}
    none = {name: [0.0, 0.0] for name in sums}
    assert settled("mature_ratio", **none, of=[0, 1]).young.tolist() == [False, True]


def test_a_share_of_money_is_blind_where_nothing_outside_it_has_an_amount() -> None:
    ones = {name: [10.0, 10, 10] for name in ("n", "b", "bb")} | {"of": [10, 12, 12]}
    half = {name: [5.0, 5, 5] for name in ("a", "aa", "ab")}
    found = settled("value_share", **ones, **half, outside=[0, 5, 5], outside_priced=[0, 0, 5])
    assert np.isnan(found.value).tolist() == np.isnan(found.low).tolist() == [False, True, False]
    assert found.value[0] == 0.5
    assert said(found) == {
        "notes.outside_unknown": [False, True, False],
        "notes.unknown_amounts": [False, False, True],
    }


def test_the_largest_are_ten_or_of_few_three() -> None:
    sums: dict[str, Any] = {"top_10": [90.0] * 3, "top_3": [60.0] * 3, "b": [100.0] * 3}
    found = settled("largest", **sums, n=[0, 9, 10])
    assert found.value.tolist() == [0.6, 0.6, 0.9]
    assert said(found) == {"notes.few_entities": [False, True, False]}


def test_what_is_expected_by_today_bounds_what_is_done() -> None:
    sums = {"a": [30.0] * 4, "b": [40.0, 40, 100, 0], "whole": [100.0] * 4, "n": [1.0] * 4}
    range_ = {"least": [30.0, 40, 100, 0], "most": [50.0, 40, 100, 0], "linear": [0.0, 1, 0, 0]}
    found = settled("paced", **sums, **range_)
    assert found.value[:3] == pytest.approx([0.75, 0.75, 0.3])
    assert np.isnan(found.value[3])
    assert [found.low[0], found.high[0]] == pytest.approx([0.6, 1])
    assert np.isnan(found.low[1:]).all()
    assert said(found) == {
        "notes.paced_linear": [False, True, False, False],
        "notes.paced_seasonal": [True, False, False, False],
    }


def test_limits_without_end_are_none_and_said() -> None:
    x = np.array([1.0, 1, np.nan, 1])
    low, high = np.array([0, -np.inf, -np.inf, 0]), np.array([np.inf, 2, 2, 3])
    found = _bounded(Settled(x, x, x, x, low, high, "fieller"))
    assert np.isnan(found.low).tolist() == np.isnan(found.high).tolist() == [True] * 3 + [False]
    assert said(found) == {"notes.unbounded": [True, True, False, False]}


@pytest.mark.parametrize("mixed", [0.5, 4.0, 400.0])
def test_a_share_of_clusters_is_that_of_as_many_cases_as_say_as_much(mixed: float) -> None:
    """Kish's design effect, by a loop; answers spread more evenly than by chance count once."""
    rng = np.random.default_rng(3)
    sizes = rng.integers(3, 30, 40).astype(float)
    ones = np.rint(sizes * rng.beta(0.3 * mixed, 0.7 * mixed, 40))
    n, k = sizes.sum(), ones.sum()
    between = sum((a - k / n * b) ** 2 for a, b in zip(ones, sizes, strict=True)) * 40 / 39
    effect = max(between / (n**2 / (n - 1) * k / n * (1 - k / n)), 1)
    products = {"aa": ones @ ones, "bb": sizes @ sizes, "ab": ones @ sizes}
    cell = {name: [float(each)] for name, each in {"n": 40, "a": k, "b": n, **products}.items()}
    found = settled("clustered_share", **cell)
    limits = intervals.wilson(k / effect, n / effect)
    assert [found.low[0], found.high[0]] == pytest.approx([float(each) for each in limits])
    assert (effect == 1) == (mixed == 400)
    wrong = settled("clustered_share", **cell | {"a": [n + 1]})
    assert np.isnan(wrong.value).all()
    assert said(wrong) == {"notes.more_than_all": [True]}


def test_marks_that_are_all_alike_have_wilsons_range_on_their_scale() -> None:
    n, mark = np.array([4.0, 6, 6, 6]), np.array([5.0, 5, 3, 1])
    found = settled("stars", n=n, x=n * mark, xx=n * mark**2, xxx=n * mark**3)
    assert np.isnan([found.low[0], found.high[0]]).all()
    low, high = (1 + 4 * each for each in intervals.wilson(6 * (mark - 1) / 4, 6))
    assert found.low[1:].tolist() == low[1:].tolist()
    assert found.high[1:].tolist() == high[1:].tolist()
    assert [found.high[1], found.low[3]] == [5, 1]
    few = np.array([1.0, 1, 1, 1, 1, 5])
    spread = settled("stars", **{"n": [6], "x": [10], "xx": [30], "xxx": [130]})
    sums = (len(few), few.sum(), (few**2).sum(), (few**3).sum())
    assert [spread.low[0], spread.high[0]] == [1, min(intervals.hall(*sums)[1], 5)]


def test_spend_that_nobody_wrote_down_is_not_known_and_may_be_too_young() -> None:
    """Nothing at all, only young rows, both old and young ones, and an old one of zero."""
    found = settled("spent", x=[0, 0, 50, 0], k=[0, 0, 2, 1], young=[0, 1, 1, 0])
    assert np.isnan(found.value).tolist() == [True, True, False, False]
    assert found.value[2:].tolist() == found.numerator[2:].tolist() == [50, 0]
    assert found.young.tolist() == [False, True, False, False]
    assert said(found) == {"notes.window_open": [False, True, True, False]}
    assert found.pace == 1  # it grows with the days worked


def test_figures_of_several_things_are_none_and_each_keeps_its_unit() -> None:
    """No case; one in points, with a range; one in money, alone; two; one that is not known."""
    cases, known, ranged = [0, 1, 1, 2, 1], [0, 1, 1, 2, 0], [0, 1, 0, 2, 0]
    unit = [0, UNITS.index("points"), UNITS.index("money"), 4, 0]
    sums = {"x": [0, 7, 50, 57, 0], "low": [0, 5, 50, 55, 0], "high": [0, 9, 50, 59, 0]}
    found = settled("gap", cases=cases, known=known, ranged=ranged, unit=unit, n=cases, **sums)
    assert found.units == ["", "points", "money", "", ""]
    assert found.value[1:3].tolist() == [7, 50]
    assert (found.low[1], found.high[1]) == (5, 9)
    assert np.isnan(found.value[[0, 3, 4]]).all()
    assert np.isnan([found.low[[0, 2, 3, 4]], found.high[[0, 2, 3, 4]]]).all()
    assert said(found) == {
        "notes.gap_none": [True, False, False, False, False],
        "notes.gap_several": [False, False, False, True, False],
        "notes.gap_unknown": [False, False, False, False, True],
    }


def kept(kind: str, *fees: float) -> Settled:
    """Of fees that were 10 each."""
    a, b = np.array(fees), np.full(len(fees), 10.0)
    a = np.minimum(a, b) if kind == "kept_gross" else a
    products = {"n": len(a), "a": a.sum(), "b": b.sum(), "aa": a @ a, "bb": b @ b, "ab": a @ b}
    return settled(kind, **{name: [float(each)] for name, each in products.items()})


def test_no_more_than_all_is_kept_but_for_what_was_sold_on_top() -> None:
    gross, net = kept("kept_gross", 10, 10, 10, 10, 20, 5), kept("kept_net", 10, 10, 10, 10, 10, 5)
    assert gross.value[0] == net.value[0] == 55 / 60
    assert (gross.low[0], gross.high[0]) == (net.low[0], 1)
    assert net.high[0] > 1
    little = kept("kept_gross", 0, 0, 0, 0, 0, 5)
    assert little.low[0] == 0 < little.value[0] < little.high[0]


def test_fees_that_rise_and_fall_alike_have_moved() -> None:
    """Where none has moved nothing is known of how much may."""
    still, moved = kept("kept_net", *[10] * 6), kept("kept_net", 10, 10, 10, 10, 15, 5)
    assert still.value[0] == moved.value[0] == 1
    assert np.isnan([still.low[0], still.high[0]]).all()
    assert moved.low[0] < 1 < moved.high[0]
