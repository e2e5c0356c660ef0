"""Every combination of what a row knows against what may be said; and how much is lacking."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kpi_helpers import intervals
from kpi_helpers.compare.stake import money_at_stake, stake_range
from kpi_helpers.compare.verdicts import among_many, or_year_ago, verdicts

NAN = float("nan")
STATUSES = ("ok", "indicative", "insufficient", "immature", "missing")
METHODS = ("wilson", "garwood", "exact", "hall", "propagated")
TARGETS = (NAN, 40.0, 45.0, 50.0, 55.0, 60.0)  # beside a value of 50 (45 to 55)
CHANGES = (NAN, -8.0, 0.0, 8.0)
TESTS = ((NAN, 0.0), (0.1, 0.5), (0.1001, 0.5), (0.01, 2.0))  # adjusted p, half a width ÷ change
COLUMNS = ("status", "method", "better", "complete", "target", "change", "test")


def row(**given: Any) -> dict[str, Any]:
    known = {"status": "ok", "method": "wilson", "better": "higher", "complete": True}
    numbers = {"value": 50.0, "low": 45.0, "high": 55.0, "n": 100.0, "target": NAN}
    compared = dict.fromkeys(("change", "change_low", "change_high", "p_value", "p_adjusted"), NAN)
    return known | numbers | compared | given


def told(**given: Any) -> dict[str, Any]:
    found = verdicts(pd.DataFrame([row(**given)]))
    return {name: np.asarray(values)[0] for name, values in found.items()}


def combination(values: dict[str, Any]) -> dict[str, Any]:
    p, width = values.pop("test")
    change = values["change"]
    half = width * abs(change) if p == p else NAN
    p = NAN if change != change else p
    return row(
        p_value=p, p_adjusted=p, change_low=change - half, change_high=change + half, **values
    )


def change_said(given: dict[str, Any]) -> str:
    """What may be said of a change, one case after the other."""
    if (
        given["status"] in ("insufficient", "immature", "missing")
        or given["change"] != given["change"]
    ):
        return "no_reference"
    if given["p_value"] != given["p_value"]:
        shown = given["method"] in ("exact", "garwood") and given["change"] != 0
    else:
        excluded = given["change_low"] > 0 or given["change_high"] < 0
        shown = given["p_adjusted"] <= 0.10 and excluded
    if not shown:
        return "none_shown"
    if given["better"] == "neutral":
        return "changed"
    return "better" if (given["change"] > 0) == (given["better"] == "higher") else "worse"


def target_said(given: dict[str, Any]) -> str:
    unreadable = given["status"] in ("insufficient", "immature", "missing")
    if unreadable or given["target"] != given["target"] or given["better"] == "neutral":
        return "none"
    fact = given["method"] in ("exact", "garwood")
    if fact and not given["complete"] and given["value"] < given["target"]:
        return "none"  # it can still be reached
    gap = given["value"] - given["target"]
    return "met" if (gap >= 0 if given["better"] == "higher" else gap <= 0) else "missed"


def certainty_said(given: dict[str, Any]) -> str:
    if given["status"] in ("insufficient", "immature", "missing"):
        return str(given["status"])
    fact = given["method"] in ("exact", "garwood")
    if target_said(given) != "none":
        inside = given["low"] <= given["target"] <= given["high"]
        return "exact" if fact else "not_established" if inside else "established"
    if fact and given["p_value"] != given["p_value"]:
        return "exact"
    shown = change_said(given) in ("better", "worse", "changed")
    return "established" if shown else "not_established"


def test_every_combination_says_what_it_may() -> None:
    betters = ("higher", "lower", "neutral")
    combinations = product(STATUSES, METHODS, betters, (True, False), TARGETS, CHANGES, TESTS)
    rows = [combination(dict(zip(COLUMNS, values, strict=True))) for values in combinations]
    found = pd.DataFrame(verdicts(pd.DataFrame(rows)))
    expected = [(target_said(r), change_said(r), certainty_said(r)) for r in rows]
    said = found[["target_verdict", "change_verdict", "certainty"]]
    assert list(said.itertuples(index=False, name=None)) == expected
    assert len(set(expected)) >= 30


def test_every_word_is_one_that_is_agreed() -> None:
    found = told(target=40.0, change=8.0, change_low=4.0, change_high=12.0, p_adjusted=0.01)
    assert found["target_verdict"] == "met"
    assert (found["change_verdict"], found["certainty"]) == ("better", "established")


def test_a_frame_without_rows_has_no_verdict() -> None:
    empty = pd.DataFrame([row()]).iloc[:0]
    assert all(len(np.asarray(values)) == 0 for values in verdicts(empty).values())


@pytest.mark.parametrize(
    ("k", "n", "target"), [(12, 40, 0.25), (87, 370, 0.252), (3, 30, 0.2), (40, 50, 0.75)]
)
def test_that_many_more_cases_set_a_share_apart_from_its_target(
    k: int, n: int, target: float
) -> None:
    low, high = (float(x) for x in intervals.wilson(k, n))
    more = told(value=k / n, low=low, high=high, n=float(n), target=target)["more_needed"]
    assert more > 0
    for count, apart in ((n + more, True), (n + more - 2, False)):
        low, high = intervals.wilson(k / n * count, count)
        assert ((low > target) or (high < target)) == apart


def mean_of(x: np.ndarray, times: float) -> tuple[float, float]:
    """The interval of a mean, had there been so many times the same amounts."""
    low, high = intervals.hall(
        *(times * total for total in (x.size, *((x**p).sum() for p in (1, 2, 3))))
    )
    return float(low), float(high)


def test_that_many_more_cases_set_a_mean_apart_from_its_target() -> None:
    x = np.random.default_rng(2).lognormal(9, 0.8, 80)
    low, high = mean_of(x, 1)
    for target in (x.mean() * 1.1, x.mean() * 0.9):
        more = told(method="hall", value=x.mean(), low=low, high=high, n=80.0, target=target)[
            "more_needed"
        ]
        least, most = mean_of(x, 1 + 1.15 * more / 80)
        assert least > target or most < target
        # The long limit of skewed amounts comes nearer faster than the root of n says.
        least, most = mean_of(x, 1 + 0.7 * more / 80)
        assert least < target < most


@pytest.mark.parametrize(("k1", "n1", "k2", "n2"), [(20, 40, 12, 40), (87, 370, 101, 401)])
def test_that_many_more_cases_on_both_sides_show_a_change(
    k1: int, n1: int, k2: int, n2: int
) -> None:
    change = k1 / n1 - k2 / n2

    def limits(times: float) -> tuple[float, float]:
        low, high = intervals.newcombe(times * k1, times * n1, times * k2, times * n2)
        return float(low), float(high)

    low, high = limits(1)
    given = {
        "change": change,
        "change_low": low,
        "change_high": high,
        "p_value": 0.5,
        "p_adjusted": 0.5,
    }
    more = told(value=k1 / n1, n=float(n1), **given)["more_needed"]
    for times, shown in ((1 + 1.1 * more / n1, True), (1 + 0.8 * more / n1, False)):
        low, high = limits(times)
        assert (low > 0 or high < 0) == shown


@pytest.mark.parametrize(
    "given",
    [
        {"method": "garwood", "target": 51.0},
        {"method": "exact", "target": 51.0, "low": NAN, "high": NAN},
        {"target": 40.0},
        {"target": 50.0},
        {"target": 50.000001},
        {"status": "insufficient", "target": 51.0},
        {"change": 8.0, "change_low": 4.0, "change_high": 12.0, "p_value": 0.01, "p_adjusted": 0.2},
        {},
    ],
)
def test_nothing_more_is_needed_where_it_would_say_nothing(given: dict[str, Any]) -> None:
    assert np.isnan(told(**given)["more_needed"])


def test_a_fall_from_the_year_before_stands_where_none_is_shown_from_the_period_before() -> None:
    """a has moved since last quarter, b and c since last year only, d never; c has a target."""
    shared = {"kpi": ["a", "b", "c", "d"], "target_verdict": ["none", "none", "missed", "none"]}
    now = pd.DataFrame(shared).assign(
        change_verdict=["better", "none_shown", "none_shown", "none_shown"],
        reference_period="2026Q2",
        certainty=["established", *["not_established"] * 3],
        p_value=0.5,
        more_needed=9.0,
    )
    earlier = now.assign(
        change_verdict=["worse", "worse", "worse", "none_shown"],
        reference_period="2025Q3",
        certainty="established",
        p_value=[0.01, 0.01, 0.01, np.nan],
        more_needed=np.nan,
    ).sample(frac=1, random_state=1)
    found = or_year_ago(now, earlier)
    assert found["reference_period"].tolist() == ["2026Q2", "2025Q3", "2025Q3", "2026Q2"]
    assert found["change_verdict"].tolist() == ["better", "worse", "worse", "none_shown"]
    sure = ["established", "established", "not_established", "not_established"]
    assert found["certainty"].tolist() == sure
    assert now["reference_period"].eq("2026Q2").all()


def test_what_is_at_stake_is_the_gap_to_a_target_that_is_missed_else_the_change() -> None:
    rows = {"kpi": "revenue", "unit": "money", "n": 9.0, "target": 100.0, "value": 85.0}
    rows |= {"low": [80.0, 90, 80, 80], "high": [90.0, 110, 90, 90]}
    rows |= {"change": -7.0, "change_low": [-9.0, -9, -9, 2], "change_high": [-5.0, -5, 3, 4]}
    compared = pd.DataFrame(rows | {"target_verdict": ["missed", "missed", "met", "none"]})
    assert money_at_stake(compared).tolist() == [15, 15, 7, 7]
    least, most = stake_range(compared)
    assert least.tolist() == [10, 0, 0, 2]
    assert most.tolist() == [20, 10, 9, 4]


@pytest.mark.parametrize(
    ("low", "high", "beyond"),
    [(0.1, 0.2, True), (-0.2, -0.1, True), (-0.1, 0.1, False), (0, 0.2, False), (-0.2, 0, False)],
)
def test_a_change_beyond_its_range_may_still_be_one_of_many(
    low: float, high: float, beyond: bool
) -> None:
    found = {"change_low": low, "change_high": high}
    assert among_many(found | {"change_verdict": "none_shown"}) is beyond
    assert among_many(found | {"change_verdict": "better"}) is False
