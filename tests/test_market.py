"""How we stand in the market, by what sources say of it; and what an action changed."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import twins_market
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from stores import Tables, kept
from strategies import opened
from twins import Asked, rows_of, twins_in

import kpi_helpers as kh
from kpi_helpers.samples import company
from kpi_helpers.sources import Dataset

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
WORKED: dict[str, Any] = json.loads(
    (Path(__file__).parent / "data" / "worked_examples.json").read_text("utf-8")
)
CONFIG = {"language": "en", "as_of": "2026-03-31"}
MARKET = ["market_sales", "leader_sales", "market_share", "relative_market_share"]
MARKET += ["market_share_gain", "share_of_growth", "growth_vs_market"]


def said(**columns: Any) -> pd.DataFrame:
    """Rows of benchmarks of 2025, unless the columns say otherwise."""
    usual = {"metric": "market_sales", "entity": "Marché", "period": "2025", "source": "panel"}
    usual |= {"source_date": "2026-02-01", "definition_match": "yes", "confidence": "A"}
    size = max(len(column) for column in columns.values())
    return pd.DataFrame({**{k: [v] * size for k, v in usual.items()}, **columns})


def sold(before: float, now: float) -> pd.DataFrame:
    days = ["2024-01-01", "2024-12-31", "2025-01-01", "2025-12-31"]
    amounts = [before - 1, 1.0, now - 1, 1.0]
    return pd.DataFrame({"order_id": list("abcd"), "order_date": days, "amount_net": amounts})


def measured(benchmarks: pd.DataFrame, kpi: str, ours: tuple[float, float] = (20, 24)) -> Any:
    data = kh.load({"orders": sold(*ours), "benchmarks": benchmarks}, CONFIG)
    (row,) = kh.measure(data, kpi, "2025").itertuples()
    return row


@pytest.mark.parametrize("who", WORKED["W11"]["s0"])
def test_w11_shares_gains_and_growth(who: str) -> None:
    """Each company of the example once as ours: its own row is then called ours."""
    given = WORKED["W11"]
    named = [("us" if each == who else each) for each in given["s0"]]
    both = [*given["s0"].values(), 100.0], [*given["s1"].values(), 120.0]
    rows = said(
        entity=[*named, "Marché"] * 2,
        period=["2024"] * 5 + ["2025"] * 5,
        value=[float(value) for year in both for value in year],
    )
    ours = float(given["s0"][who]), float(given["s1"][who])
    data = kh.load({"orders": sold(*ours), "benchmarks": rows}, CONFIG)
    found = kh.measure(data, MARKET, "2025").set_index("kpi")["value"]
    assert found["market_share"] == pytest.approx(given["share1"][who])
    assert found["market_share_gain"] == pytest.approx(given["gain_pts"][who])
    assert found["share_of_growth"] == pytest.approx(given["share_of_growth"][who])
    assert found["growth_vs_market"] == pytest.approx(given["evi"][who])
    largest = max(v for name, v in given["s1"].items() if name not in (who, "Autres"))
    assert found["relative_market_share"] == pytest.approx(ours[1] / largest)
    if who == "Nous":
        assert found["relative_market_share"] == pytest.approx(given["rel"][1])


def test_w24_penetration_of_counted_accounts() -> None:
    value, low, high = WORKED["W24"]["penetration"]
    ids = [str(number) for number in range(150)]
    orders = pd.DataFrame({"order_id": ids, "customer_id": ids, "amount_net": 1.0})
    orders = orders.assign(order_date=["2025-01-01", *["2025-12-31"] * 149])
    accounts = said(metric=["addressable_accounts"], value=[2000.0])
    (row,) = kh.measure(
        kh.load({"orders": orders, "benchmarks": accounts}, CONFIG), "penetration_rate", "2025"
    ).itertuples()
    assert (row.value, row.low, row.high) == pytest.approx((value, low, high))
    assert (row.numerator, row.n, row.status) == (150, 2000, "ok")
    wide = accounts.assign(value_low=[1500.0], value_high=[3000.0])
    data = kh.load({"orders": orders, "benchmarks": wide}, CONFIG)
    (row,) = kh.measure(data, "penetration_rate", "2025").itertuples()
    assert (row.value, row.low, row.high) == pytest.approx((0.075, 0.05, 0.1))
    assert row.method == "source range"


RANGED = said(
    period=["2024", "2025"], value=[100.0, 120.0], value_low=[90.0, 115.0], value_high=[104.0, 125]
)


CARRIED = {
    "market_sales": (115, 125),
    "market_share": (24 / 125, 24 / 115),
    "market_share_gain": (100 * (24 / 125 - 20 / 90), 100 * (24 / 115 - 20 / 104)),
    "share_of_growth": (4 / 35, 4 / 11),
    "growth_vs_market": (100 * (24 / 125) / (20 / 90), 100 * (24 / 115) / (20 / 104)),
}


def test_the_range_of_the_source_is_carried_through() -> None:
    found, alone = (
        kh.measure(
            kh.load({"orders": sold(20, 24), "benchmarks": each}, CONFIG), [*CARRIED], "2025"
        )
        for each in (RANGED, RANGED.drop(columns=["value_low", "value_high"]))
    )
    np.testing.assert_allclose(found[["low", "high"]].to_numpy(), [*CARRIED.values()])
    assert found["value"].between(found["low"], found["high"], inclusive="neither").all()
    assert (found["method"] == "source range").all()
    assert (found["status"] == "ok").all()
    assert alone["value"].tolist() == found["value"].tolist()
    assert alone[["low", "high"]].isna().all(axis=None)
    assert (alone["method"] == "exact").all()
    once = RANGED.assign(value_low=[90.0, None], value_high=[104.0, None])
    data = kh.load({"orders": sold(20, 24), "benchmarks": once}, CONFIG)
    found = kh.measure(data, [*CARRIED][2:], "2025").set_index("kpi")
    assert (found["method"] == "source range").all()
    assert found.loc["market_share_gain", "low"] == pytest.approx(100 * (24 / 120 - 20 / 90))
    assert found.loc["share_of_growth", "high"] == pytest.approx(4 / 16)


def test_a_range_alone_says_what_lies_in_the_middle() -> None:
    row = measured(said(value=[None], value_low=[100.0], value_high=[140.0]), "market_sales")
    assert (row.value, row.low, row.high) == (120, 100, 140)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"confidence": ["D"]}, "a confidence of A to C"),
        ({"definition_match": ["no"]}, "a definition that matches"),
        ({"unit": ["M€"]}, "the currency of the project"),
        ({"unit": ["USD"]}, "the currency of the project"),
        ({"period": ["2024"]}, "cover: 2024."),
        ({"period": ["2025Q4"]}, "cover: 2025Q4."),
        ({"period": ["soon"]}, "cover: –."),
        ({"value": [0.0]}, "exactly this period"),
        ({"entity": ["Alpha"]}, "exactly this period"),
        ({"source_date": ["2026-04-01"]}, "exactly this period"),
        ({"value": [23.0]}, "larger than the whole"),
    ],
)
def test_what_the_source_does_not_carry_is_missing(change: dict[str, Any], reason: str) -> None:
    row = measured(said(**{"value": [120.0], **change}), "market_share")
    assert row.status == "missing"
    assert np.isnan([row.value, row.low, row.high]).all()
    assert reason in row.note


def test_a_partly_matching_definition_and_the_currency_itself_are_read() -> None:
    rows = said(value=[120.0], definition_match=["partial"], unit=["eur"])
    assert measured(rows, "market_share").value == pytest.approx(0.2)
    assert measured(rows.assign(unit="€"), "market_share").value == pytest.approx(0.2)


def test_the_surest_then_the_newest_source_counts() -> None:
    rows = said(
        source=["vendor", "old", "new"],
        confidence=["C", "B", "B"],
        source_date=["2026-03-01", "2026-01-01", "2026-02-01"],
        value=[100.0, 150.0, 120.0],
    )
    assert measured(rows, "market_sales").value == 120


@pytest.mark.parametrize("then", [120.0, 130.0])
def test_there_is_no_share_of_a_growth_that_is_not(then: float) -> None:
    rows = said(period=["2024", "2025"], value=[then, 120.0])
    row = measured(rows, "share_of_growth")
    assert row.status == "missing"
    assert "no growth to have a share of" in row.note


def deals(**columns: Any) -> pd.DataFrame:
    size = max(len(column) for column in columns.values() if isinstance(column, list))
    ids = [str(number) for number in range(size)]
    frame = pd.DataFrame({"deal_id": ids, "created_at": "2025-06-01", **columns})
    return frame


BEST = said(
    metric=["win_rate_count"] * 5,
    entity=["Alpha", "Alpha", "Beta", "Gamma", "market"],
    period=["2023", "2025", "2024", "2025", "2025"],
    definition_match=["yes", "yes", "yes", "partial", "yes"],
    value=[0.9, 0.3, 0.35, 0.8, 0.7],
)


def test_the_best_is_the_best_of_the_latest_comparable_figures() -> None:
    won = ["won"] * 25 + ["lost"] * 75
    data = kh.load({"deals": deals(status=won, closed_at="2026-01-10"), "benchmarks": BEST}, CONFIG)
    (row,) = kh.measure(data, "best_in_class_gap", "2026Q1").itertuples()
    (ours,) = kh.measure(data, "win_rate_count", "2026Q1").itertuples()
    assert (row.value, row.unit, row.n) == (pytest.approx(10.0), "points", 100)
    limits = 100 * (0.35 - ours.high), 100 * (0.35 - ours.low)
    assert (row.low, row.high) == pytest.approx(limits)


def test_a_figure_of_which_less_is_better_is_behind_when_it_is_more() -> None:
    rows = said(metric=["avg_deal_value", "sales_cycle_duration"], entity=["A", "A"], value=[90, 9])
    won = deals(status=["won"] * 40, closed_at="2025-06-21", amount=[100.0] * 40)
    data = kh.load({"deals": won, "benchmarks": rows}, CONFIG)
    found = kh.measure(data, "best_in_class_gap", "2025Q2", by="metric").set_index("metric")
    assert found["value"].to_dict() == {"avg_deal_value": -10.0, "sales_cycle_duration": 11.0}
    assert found["unit"].to_dict() == {"avg_deal_value": "money", "sales_cycle_duration": "days"}
    (whole,) = kh.measure(data, "best_in_class_gap", "2025Q2").itertuples()
    assert "Figures of 2 KPIs" in whole.note
    (one,) = kh.measure(
        data, "best_in_class_gap", "2025Q2", where={"metric": "sales_cycle_duration"}
    ).itertuples()
    assert (one.value, one.unit) == (11.0, "days")


def test_without_comparable_figures_it_says_what_is_needed() -> None:
    data = kh.load({"deals": deals(status=["won"] * 9), "benchmarks": said(value=[1.0])}, CONFIG)
    (row,) = kh.measure(data, "best_in_class_gap", "2025Q2").itertuples()
    assert "definition_match = yes" in row.note


def trained(**change: Any) -> Dataset:
    """The groups of W22: 40 of 200 to 52 of 200, and 66 of 300 to 69 of 300."""
    groups = [("A", 40, 200, "2025-12"), ("A", 52, 200, "2026-02")]
    groups += [("B", 66, 300, "2025-12"), ("B", 69, 300, "2026-02")]
    parts = [
        deals(status=["won"] * k + ["lost"] * (n - k), closed_at=f"{month}-05", segment=who)
        for who, k, n, month in groups
    ]
    every = pd.concat(parts, ignore_index=True)
    every["deal_id"] = [str(number) for number in range(len(every))]
    usual = {"action_id": "T", "kpi_id": "win_rate_count", "root_cause": "?", "action": "train"}
    usual |= {"owner": "Ann", "created_at": "2025-12-20", "start_date": "2026-01-01"}
    usual |= {"due_date": "2026-01-31", "expected_effect": 5.0, "expected_by": "2026-03-31"}
    usual |= {"population": "segment == 'A'", "control_group": "segment == 'B'"}
    return kh.load({"deals": every, "actions": pd.DataFrame([{**usual, **change}])}, CONFIG)


def test_w22_the_difference_of_two_differences() -> None:
    (row,) = kh.measure(trained(), "action_effect", "2026Q1").itertuples()
    assert row.value == pytest.approx(100 * WORKED["W22"]["did"])
    half = 196 * WORKED["W22"]["se"]
    assert (row.low, row.high) == pytest.approx((5 - half, 5 + half), abs=0.06)
    assert [f"{end:.1f}" for end in (row.low, row.high)] == ["-5.6", "15.6"]
    assert (row.unit, row.n, row.status) == ("points", 200, "ok")


@pytest.mark.thorough
@pytest.mark.parametrize(
    "change",
    [
        {"control_group": None},
        {"population": None},
        {"control_group": "segment == "},
        {"control_group": "colour == 'red'"},
        {"control_group": "segment == 'C'"},
        {"kpi_id": "win_rat"},
        {"kpi_id": "action_effect"},
        {"kpi_id": "nps"},
        {"kpi_id": "open_pipeline_value"},
        {"start_date": "2025-06-10"},
        {"start_date": "2026-03-31", "expected_by": "2026-03-15"},
    ],
)
def test_what_cannot_be_computed_says_what_is_needed(change: dict[str, Any]) -> None:
    start = str(change.get("start_date", "2026-01-01"))
    (row,) = kh.measure(trained(**change), "action_effect", start[:7]).itertuples()
    assert (row.status, row.n) == ("missing", pytest.approx(np.nan, nan_ok=True))
    assert "needs population and control_group" in row.note


@pytest.mark.thorough
def test_the_sample_company_trained_a_team_and_gained_a_little_of_its_market() -> None:
    data = kh.load(SAMPLE, SAMPLE / "kpi.toml")
    market = kh.measure(data, MARKET, "2025").set_index("kpi")
    assert market.loc["market_share", "value"] == pytest.approx(0.121, abs=0.0005)
    assert market.loc["market_share_gain", "value"] == pytest.approx(0.3, abs=0.05)
    assert (market["status"] == "ok").all()
    quarter = kh.measure(data, MARKET, "2026Q3")
    assert (quarter["status"] == "missing").all()
    assert quarter["note"].str.contains("2024 – 2025").all()
    effects = kh.measure(data, "action_effect", "2026", by="action_id").set_index("action_id")
    assert effects.loc["ACT-01", "low"] > 0
    assert effects.loc["ACT-01", "value"] == pytest.approx(8.0, abs=2)
    assert effects["value"].notna().tolist() == [True, False, False]
    rivals = kh.measure(data, "competitive_win_rate", "2025-10:2026-09", "competitor", grain="year")
    rivals = rivals.groupby("competitor")[["numerator", "denominator"]].sum()
    rates = rivals["numerator"] / rivals["denominator"]
    assert rates["Concurrent B"] < 0.2 < rates.drop("Concurrent B").min()


TWINS = twins_in(twins_market)
KPIS = [*MARKET, "addressable_accounts", "buying_customers", "penetration_rate"]
rows = st.tuples(
    st.sampled_from(["market_sales", "market_sales", "addressable_accounts"]),
    st.sampled_from(["market", "MARKET", "Alpha", "Beta", "us", "others"]),
    st.sampled_from(["2024", "2025", "2025Q1", "2025Q2", "?"]),
    st.sampled_from(["p", "q"]),
    st.one_of(st.none(), st.integers(0, 90).map(float)),
    st.one_of(st.none(), st.integers(1, 30).map(float)),
    st.sampled_from(["EUR", "EUR", "USD", None]),
    st.sampled_from(["yes", "partial", "no"]),
    st.sampled_from(["2025-06-01", "2026-01-01", "2026-06-01"]),
    st.sampled_from("ABCD"),
)
NAMES = ["metric", "entity", "period", "source", "value", "value_low", "unit", "definition_match"]
NAMES += ["source_date", "confidence"]
USUAL = ("market_sales", "market", "2025", "usual", 70.0, 60.0, "EUR", "yes", "2026-01-01", "B")


@pytest.mark.thorough
@settings(max_examples=10, deadline=None, derandomize=True, phases=[Phase.generate])
@given(st.lists(rows, max_size=40, unique_by=lambda row: row[:4]))
def test_random_sources_as_their_twins_read_them(given: list[tuple[Any, ...]]) -> None:
    frame = pd.DataFrame([USUAL, *given], columns=NAMES)
    frame["value_high"] = frame["value_low"] * 7
    frame["source_date"] = pd.to_datetime(frame["source_date"])
    orders = sold(20, 24).assign(customer_id=["a", "b", "a", "c"], type="order")
    orders["order_date"] = pd.to_datetime(orders["order_date"])
    tables = {"orders": orders, "benchmarks": frame}
    data = opened(tables, CONFIG, dt.date(2026, 3, 31))
    plain = rows_of(tables, data.as_of)
    for row in kh.measure(data, KPIS, "2024:2025").to_dict("records"):
        days = row["start"].date(), row["end"].date(), data.as_of
        twin = TWINS[row["kpi"]](plain, Asked(*days))
        got = [row[name] for name in ("value", "numerator", "denominator", "n")]
        if row["status"] == "missing":
            assert np.isnan(twin.value) or "For the period compared" in row["note"], row
        else:
            np.testing.assert_allclose(got, twin, rtol=1e-9, err_msg=str(row))


@pytest.fixture(scope="module")
def in_frames() -> tuple[Tables, list[pd.DataFrame]]:
    tables = company(leads_a_month=40)
    return tables, _asked(kh.load(tables))


def _asked(data: Dataset) -> list[pd.DataFrame]:
    return [
        kh.measure(data, KPIS, "2024:2025"),
        kh.measure(data, "action_effect", "2026", by="action_id"),
        kh.measure(data, "competitive_win_rate", "2025", by="competitor"),
    ]


@pytest.mark.thorough
@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
def test_the_market_is_the_same_on_every_engine(
    in_frames: tuple[Tables, list[pd.DataFrame]], engine: str
) -> None:
    tables, expected = in_frames
    with kept(tables, engine) as source:
        found = _asked(kh.load(source))
    assert expected[0]["value"].notna().sum() > 10
    for one, other in zip(found, expected, strict=True):
        pd.testing.assert_frame_equal(one, other, rtol=1e-9, check_exact=False)
