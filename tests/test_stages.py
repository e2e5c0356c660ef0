"""How deals go through their stages, and what is open: worked figures and known wrong answers."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

import kpi_helpers as kh
from kpi_helpers.catalogue import find
from kpi_helpers.kpis.stages import DEALS, HISTORY
from kpi_helpers.measure import chances
from kpi_helpers.measure.cells import Spread
from kpi_helpers.measure.chances import at_least, settle_chances
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.course import Ladder, ladder

HERE = Path(__file__).parent
WORKED: dict[str, Any] = json.loads((HERE / "data" / "worked_examples.json").read_text("utf-8"))
W16 = WORKED["W16"]
ORDER = {"stages": ["Qualif", "RDV", "Propo", "Gagné"], "as_of": W16["as_of"], "language": "en"}
NONE = {"windows": {"stage_conversion": "none", "stage_leak_value": "none"}}


def w16(config: dict[str, Any] | None = None, **moved: Any) -> Dataset:
    history = pd.DataFrame(W16["history"], columns=["deal_id", "stage", "entered_at"])
    deals = pd.DataFrame(DEALS).assign(**moved)
    return kh.load({"deals": deals, "stage_history": history}, ORDER | NONE | (config or {}))


def value(data: Dataset, kpi: str, period: str = "all", **more: Any) -> float:
    return float(kh.measure(data, kpi, period, **more)["value"].item())


def by_stage(data: Dataset, kpi: str) -> dict[str, float]:
    frame = kh.measure(data, kpi, "all", by="stage")
    return dict(zip(frame["stage"], frame["value"], strict=True))


def test_w16_the_history_of_the_declarations_is_that_of_the_worked_example() -> None:
    assert [list(move) for move in zip(*HISTORY.values(), strict=True)] == W16["history"]


def test_w16_a_stage_skipped_is_a_stage_reached() -> None:
    found = kh.measure(w16(), "stage_conversion", "all", by="stage").set_index("stage")
    order = found.loc[["Qualif", "RDV", "Propo"]]
    assert order["value"].tolist() == pytest.approx(W16["conversion"])
    assert order["n"].tolist() == W16["reached"][:-1]
    assert order["numerator"].tolist() == W16["reached"][1:]
    assert value(w16(), "stage_conversion") == pytest.approx(9 / 12)  # pooled


def test_w16_the_time_in_a_stage_counts_each_stay_and_those_that_last() -> None:
    medians, found = W16["km_median"], by_stage(w16(), "time_in_stage")
    assert found == {"Qualif": medians["Qualif"], "RDV": medians["RDV"], "Propo": 15.0}
    assert medians["Propo_visits"] == 15.0


def test_w16_one_deal_of_five_went_back() -> None:
    row = kh.measure(w16(), "stage_regression_rate", "all").iloc[0]
    assert (row["numerator"], row["denominator"]) == (W16["regressions"], 5)


def test_a_loss_counts_where_the_deal_had_got_to() -> None:
    assert by_stage(w16(), "stage_leak_value") == {"Qualif": 0.0, "RDV": 200.0, "Propo": 0.0}


@pytest.mark.parametrize("stages", [[], [*ORDER["stages"], "Perdu"]])
def test_the_ends_are_found_whatever_says_the_order(stages: list[str]) -> None:
    data = w16({"stages": stages})
    assert ladder(data) == Ladder(("Qualif", "RDV", "Propo"), ("Gagné",), ("Perdu",))
    assert value(data, "stage_conversion") == pytest.approx(0.75)


def test_a_deal_won_without_a_stage_of_its_own_has_passed_the_last_one() -> None:
    history = pd.DataFrame(W16["history"], columns=["deal_id", "stage", "entered_at"])
    steps = history[~history["stage"].isin(["Gagné", "Perdu"])]
    data = kh.load({"deals": pd.DataFrame(DEALS), "stage_history": steps}, ORDER | NONE)
    for kpi in ("stage_conversion", "time_in_stage", "stage_leak_value"):
        assert by_stage(data, kpi) == pytest.approx(by_stage(w16(), kpi))


@pytest.mark.parametrize(("hour", "back"), [("12:00", 0), ("23:00", 1)])
def test_a_misclick_put_right_within_a_day_is_no_way_back(hour: str, back: int) -> None:
    moves = [("D1", "A", "2026-01-05"), ("D1", "B", "2026-01-10 13:00")]
    moves += [("D1", "A", f"2026-01-11 {hour}"), ("D2", "A", "2026-01-31")]
    history = pd.DataFrame(moves, columns=["deal_id", "stage", "entered_at"])
    deals = {"deal_id": ["D1", "D2"], "created_at": "2026-01-05", "status": "open"}
    frames = {"deals": pd.DataFrame(deals), "stage_history": history}
    data = kh.load(frames, {"stages": ["A", "B", "C"], "as_of": "2026-01-31"})
    assert kh.measure(data, "stage_regression_rate", "all")["numerator"].item() == back


def test_without_a_history_the_stages_say_what_is_lacking() -> None:
    data = kh.load({"deals": pd.DataFrame(DEALS)}, {"as_of": "2026-03-31", "language": "en"})
    found = kh.measure(data, ["stage_conversion", "time_in_stage", "slippage_rate"], "2026Q1")
    assert found["value"].isna().all()
    lacking = ["stage_history", "stage_history", "close_date_history"]
    assert all(name in note for name, note in zip(lacking, found["note"], strict=True))
    assert value(data, "stalled_share") == 0.0  # by age, of which ten wins say what is usual


def forecast(deals: list[tuple[float, float]], target: float, booked: float) -> Dataset:
    """Open deals in stages of which ten decided deals each have been won as often as given."""
    rows, moves = [("won", "w", booked, "2026-01-10")], [("w", "Start")]
    for chance in sorted({chance for _, chance in deals}):
        for place in range(10):
            name = f"{chance} {place}"
            status = "won" if place < round(10 * chance) else "lost"
            rows.append((status, name, 1.0, "2025-12-30"))
            moves.append((name, str(chance)))
    for place, (amount, chance) in enumerate(deals):
        rows.append(("open", str(place), amount, None))
        moves.append((str(place), str(chance)))
    frame = pd.DataFrame(rows, columns=["status", "deal_id", "amount", "closed_at"])
    frame = frame.assign(created_at="2025-12-28", expected_close="2026-03-31")
    history = pd.DataFrame(moves, columns=["deal_id", "stage"]).assign(entered_at="2025-12-28")
    settings = [{"metric": "bookings", "period": "2026Q1", "value": target}]
    history.loc[~history["deal_id"].str.contains(" "), "entered_at"] = "2026-01-10"
    return kh.load(
        {"deals": frame, "stage_history": history}, {"as_of": "2026-01-11", "targets": settings}
    )


def test_w9_and_w20_the_probability_of_the_target_is_exact() -> None:
    w9, w20 = WORKED["W9"], WORKED["W20"]
    first = forecast(list(zip(w9["amounts_k"], w9["p"], strict=True)), 200, 80)
    assert value(first, "prob_hit_target", "2026Q1") == pytest.approx(w9["p_ge_120"])
    row = kh.measure(first, "weighted_pipeline", "2026Q1").iloc[0]
    assert (row["value"], row["denominator"]) == (pytest.approx(w9["weighted"]), w9["pipeline"])
    second = forecast([tuple(deal) for deal in w20["deals"]], w20["target"], w20["booked"])
    assert value(second, "prob_hit_target", "2026Q1") == pytest.approx(w20["p_hit"])
    assert value(second, "expected_wins", "2026Q1") == pytest.approx(w20["expected"])


def test_a_target_that_is_reached_is_certain() -> None:
    assert value(forecast([(100.0, 0.5)], 500, 600), "prob_hit_target", "2026Q1") == 1.0


def test_no_open_deal_at_all_has_no_pipeline_of_anyone() -> None:
    closed = {"deal_id": ["1", "2"], "status": ["won", "lost"], "amount": ["1", "2"]}
    dates = {"created_at": ["2026-01-05"] * 2, "closed_at": ["2026-02-01"] * 2}
    deals = pd.DataFrame({**closed, **dates, "owner": ["a", "b"], "stage": ["x", "y"]})
    data = kh.load({"deals": deals}, {"language": "en"})
    row = kh.measure(data, "weighted_pipeline", "2026Q1", by="owner").squeeze()
    assert row["status"] == "missing"


def test_an_open_deal_without_an_amount_is_not_one_of_nothing() -> None:
    amounts = [10.0] * 7 + [None, 0.0]
    deals = pd.DataFrame({"deal_id": range(9), "amount": amounts, "status": "open"})
    data = kh.load(deals.assign(created_at="2026-01-05"), {"language": "en"}, "2026-03-31")
    (row,) = kh.measure(data, "open_pipeline_value", "2026Q1").itertuples()
    assert (row.value, row.n) == (70, 9)
    assert "2 of 9" in row.note


sums = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 10)), min_size=1, max_size=7)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(sums, st.integers(0, 200))
def test_the_distribution_is_that_of_every_outcome(deals: list[tuple[int, int]], of: int) -> None:
    amount, chance = (np.array(each, dtype=float) for each in zip(*deals, strict=True))
    chance /= 10
    expected = 0.0
    for come in itertools.product([True, False], repeat=len(deals)):
        if amount[list(come)].sum() >= of:
            expected += np.prod(np.where(come, chance, 1 - chance))
    step, reached = at_least(amount, chance, np.ones(len(deals)))
    place = int(np.ceil(of / step))
    assert (reached[place] if place < len(reached) else 0.0) == pytest.approx(expected, abs=1e-9)


def test_the_limits_are_those_of_so_many_coins() -> None:
    """A hundred deals of 10 at one in two, and of another owner forty of 3 at one in four."""
    numbers = {"amount": [10.0, 3.0], "chance": [0.5, 0.25], "n": [100.0, 40.0]}
    found = {f"weighted_pipeline__{name}": np.array(each) for name, each in numbers.items()}
    settled = settle_chances(Spread(found, np.array([0, 1]), 2), find("weighted_pipeline"))
    assert settled.value.tolist() == [500, 30]
    for limit, level in ((settled.low, 0.025), (settled.high, 0.975)):
        expected = binom.ppf(level, [100, 40], [0.5, 0.25]) * [10, 3]
        assert limit == pytest.approx(expected)


def test_one_deal_of_a_hundred_among_a_thousand_comes_or_does_not() -> None:
    amount, count = np.array([1.0, 100.0]), np.array([1200.0, 1.0])
    _, reached = at_least(amount, np.array([0.5, 0.3]), count)
    less = np.arange(1300) - 1
    without, coming = binom.sf(less, 1200, 0.5), binom.sf(less - 100, 1200, 0.5)
    np.testing.assert_allclose(reached[:1300], 0.7 * without + 0.3 * coming, atol=1e-9)


def test_amounts_without_a_common_measure_keep_their_mean() -> None:
    amount = np.array([10_000 / 3, 777.77, 1_234.56] * 300)
    step, reached = at_least(amount, np.full(900, 0.3), np.ones(900))
    assert reached[1:].sum() * step == pytest.approx(0.3 * amount.sum(), rel=1e-6)


@pytest.mark.parametrize("unit", [1.0, 777.77])
def test_many_deals_are_told_as_by_their_exact_distribution(
    unit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a hundredth of the spread of what they may add up to."""
    draw = np.random.default_rng(7)
    amount, chance = unit * draw.integers(1, 6, 1200), draw.uniform(0.05, 0.6, 1200)
    curves = []
    for many in (1000, 1200):
        monkeypatch.setattr(chances, "MANY", many)
        step, reached = at_least(amount, chance, np.ones(1200))
        curves.append(
            np.interp([0.025, 0.1, 0.5, 0.9, 0.975], reached[::-1], np.arange(4001)[::-1])
        )
    spread = np.sqrt((chance * (1 - chance) * amount**2).sum()) / step
    normal, exact = curves
    assert (normal != exact).any()
    np.testing.assert_allclose(normal, exact, atol=spread / 100, rtol=0)


def test_w17_velocity() -> None:
    status = ["won"] * 25 + ["lost"] * 75 + ["open"] * 60
    days = ["2026-02-15"] * 25 + ["2026-01-11"] * 75 + [None] * 60
    deals = {"deal_id": range(160), "status": status, "closed_at": days, "amount": 12_000.0}
    created = ["2026-01-01"] * 100 + ["2026-03-31"] * 60
    data = kh.load(pd.DataFrame(deals).assign(created_at=created), {"as_of": "2026-03-31"})
    assert value(data, "sales_velocity", "2026Q1") == WORKED["W17"]["velocity_per_day"]


@pytest.mark.thorough
@pytest.mark.parametrize("grain", ["month", "quarter"])
def test_velocity_is_the_same_for_many_periods_and_one_at_a_time(
    sample: Dataset, grain: str
) -> None:
    data = sample.at("2026-05-15")
    together = kh.measure(data, "sales_velocity", "2025Q2:2026Q2", grain=grain, by="owner")
    names = together["period"].unique()
    alone = [kh.measure(data, "sales_velocity", name, by="owner") for name in names]
    keys = ["period", "owner"]
    each = pd.concat(alone).set_index(keys)["value"].dropna().sort_index()
    assert len(each) > len(names)
    found = together.set_index(keys)["value"].dropna().sort_index()
    pd.testing.assert_series_equal(found, each, rtol=1e-12)


STOCKS = ["stalled_share", "weighted_pipeline", "pipeline_age", "qualified_pipeline_share"]


def test_what_stood_in_the_past_knows_nothing_of_what_came_later(sample: Dataset) -> None:
    before = kh.measure(sample.at("2025-12-31"), STOCKS, "2025Q4", by="stage")
    now = kh.measure(sample, STOCKS, "2025Q4", by="stage")
    for kpi in STOCKS:
        numbers = (
            frame[frame["kpi"].eq(kpi) & frame["n"].gt(0)].set_index("stage")["value"]
            for frame in (now, before)
        )
        pd.testing.assert_series_equal(*numbers)


def test_the_weighted_pipeline_came_true(sample: Dataset) -> None:
    """Deals on their way out stay for longer: by stage alone the sum would be a third too much."""
    deals, ends = sample["deals"], pd.to_datetime(["2024-09-30", "2025-03-31", "2025-09-30"])
    found = actual = 0.0
    for end in ends:
        found += value(sample, "weighted_pipeline", str(end.to_period("Q")))
        stock = deals[(deals["created_at"] <= end) & ~(deals["closed_at"] <= end)]
        actual += stock.loc[stock["is_won"], "amount"].sum()
    assert found == pytest.approx(actual, rel=0.12)


def test_the_slippage_of_large_deals_is_found_and_that_of_small_ones_is_not(
    sample: Dataset,
) -> None:
    for where, change in (("amount > 15000", "worse"), ("amount <= 15000", "none")):
        row = kh.compare(sample, "slippage_rate", "2026Q3", to="year_ago", where=where).iloc[0]
        assert row["change_verdict"].startswith(change), where
    large = kh.measure(sample, "slippage_rate", "2025Q3:2026Q3", where="amount > 15000")
    assert large["value"].iloc[:3].max() < 0.25
    assert large["value"].iloc[3:].min() > 0.43


def test_a_sum_of_a_cohort_is_not_shown_as_final_while_it_grows(sample: Dataset) -> None:
    found = kh.measure(sample, "stage_leak_value", "2026Q1:2026Q3")
    assert found["status"].tolist() == ["ok", "immature", "immature"]
