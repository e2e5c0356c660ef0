"""Limits of the usual variation against worked figures, loops, the sample and simulation."""

import importlib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kpi_helpers as kh
from kpi_helpers import control
from kpi_helpers.control.limits import ALL, ONE, limits, moving_ranges
from kpi_helpers.errors import Unavailable, UnknownName
from kpi_helpers.kpis.headline import FIRST
from kpi_helpers.measure.monthly import by_period, periods_to
from kpi_helpers.sources import Dataset

W13: dict[str, Any] = json.loads(
    (Path(__file__).parent / "data" / "worked_examples.json").read_text("utf-8")
)["W13"]


def monthly(value: Any, method: str = "exact", **more: Any) -> pd.DataFrame:
    starts = pd.date_range("2022-01-01", periods=len(value), freq="MS")
    columns = {"kpi": "one", "period": starts.strftime("%Y-%m"), "start": starts, "method": method}
    return pd.DataFrame({**columns, "value": np.asarray(value, dtype=float), **more})


def of_cases(k: list[int], n: list[int]) -> pd.DataFrame:
    return monthly(np.divide(k, n), "wilson", numerator=k, denominator=n)


@pytest.fixture(scope="module")
def watched(sample: Dataset) -> pd.DataFrame:
    return control.watched(sample, [*FIRST, "site_visits"], "2026Q3")


@pytest.fixture(scope="module")
def latest(watched: pd.DataFrame) -> pd.DataFrame:
    return control.latest(watched).set_index("kpi")


# --- Worked figures and loops ---------------------------------------------------------------------


def test_w13_single_values() -> None:
    centre, lower, upper, jump = moving_ranges(np.array(W13["x"], dtype=float))
    assert [centre, round(lower, 2), round(upper, 2)] == [W13["mean"], *W13["limits"]]
    assert jump == pytest.approx(W13["url"], abs=1e-6)
    assert upper < W13["next"]
    _, low, high, _ = moving_ranges(np.array([*W13["x"], W13["next"]], dtype=float))
    assert [round(low, 2), round(high, 2)] == [86.31, 119.69]


def test_w13_shares() -> None:
    """The five months four times over; then eleven as usual, and 30 of 80."""
    k, n = ([*(W13["p_chart"][name] * 4)] for name in ("k", "n"))
    found = limits(of_cases([*k, *[19] * 11, 30], [*n, *[100] * 11, 80])).iloc[-1]
    assert found["centre"] == pytest.approx(100 / 520)
    assert found["upper"] == pytest.approx(0.3245, abs=5e-5)
    assert (found["chart"], found["rule"], found["signal"]) == ("p", "outside", True)


def test_single_values_by_a_loop() -> None:
    x = np.random.default_rng(1).normal(100, 10, 30)
    found = limits(monthly(x))
    first = x[:18]
    steps = [abs(b - a) for a, b in itertools.pairwise(first)]
    half = 2.66 * sum(steps) / len(steps)
    mean = sum(first) / 18
    assert found["lower"].tolist() == pytest.approx([mean - half] * 30)
    assert found["signal"].tolist() == [abs(each - mean) > half for each in x]
    assert found["baseline"].unique().tolist() == ["2022-01:2023-06"]


@pytest.mark.parametrize("spread", [0.0, 0.1])
def test_shares_by_a_loop(spread: float) -> None:
    rng = np.random.default_rng(2)
    n = rng.integers(100, 300, 36)
    k = rng.binomial(n, np.clip(rng.normal(0.3, spread, 36), 0, 1))
    found = limits(of_cases(k.tolist(), n.tolist()))
    p = sum(k[:24]) / sum(n[:24])
    errors = [np.sqrt(p * (1 - p) / each) for each in n]
    z = [(a / b - p) / e for a, b, e in zip(k, n, errors, strict=True)]
    wider = max(1.0, np.mean([abs(z[i + 1] - z[i]) for i in range(23)]) / 1.128)
    expected = [min(p + 3 * wider * error, 1.0) for error in errors]
    assert found["upper"].tolist() == pytest.approx(expected)
    assert found["chart"].iloc[0] == ("p'" if wider > 1 else "p")
    assert (wider > 1.5) == (spread > 0)


def test_counts_move_with_the_days_worked() -> None:
    days = np.array([20.0, 22.0] * 12)
    found = limits(monthly(days * 2, "garwood", exposure=days))
    assert found["centre"].tolist() == (days * 2).tolist()
    assert found["upper"].tolist() == pytest.approx([d * 2 + 3 * np.sqrt(d * 2) for d in days])
    assert not found["signal"].any()


# --- Rules, phases, seasons -----------------------------------------------------------------------


def test_the_rules() -> None:
    quiet = [99.0, 101.0] * 12
    cases = {
        "run": (quiet[:-8] + [100.5] * 8, "run"),
        "near": ([*quiet[:-4], 103.0, 100.2, 103.0, 103.0], "near"),
        "none": ([*quiet[:-4], 103.0, 100.2, 99.0, 103.0], ""),
        "outside": ([*quiet[:-1], 130.0], "outside"),
    }
    for name, (values, rule) in cases.items():
        assert limits(monthly(values), ALL)["rule"].iloc[-1] == rule, name
    assert not limits(monthly(cases["run"][0]), ONE)["signal"].any()


def test_a_new_definition_has_a_baseline_of_its_own() -> None:
    values = [100.0, 104.0] * 9 + [50.0, 54.0] * 6 + [52.0]
    one = limits(monthly(values))
    two = limits(monthly(values, phase=[0] * 18 + [1] * 13))
    assert one["signal"].iloc[18:].all()
    assert not two["signal"].any()
    assert two["baseline"].iloc[-1] == "2023-07:2024-06"
    short = limits(monthly(values, phase=[0] * 24 + [1] * 7))
    assert short["centre"].iloc[24:].isna().all()


def test_what_may_not_be_judged_judges_nothing() -> None:
    values = np.array([100.0, 104.0] * 12)
    usable = np.arange(24) != 3
    odd = np.where(usable, values, 1e6)
    found = limits(monthly(odd, usable=usable))
    assert found.loc[~usable, ["centre", "far"]].isna().all(axis=None)
    assert found.loc[~usable, "signal"].tolist() == [False]
    assert found["upper"].max() < 120


def test_a_figure_that_never_varied_has_no_limits() -> None:
    assert limits(monthly([7.0] * 24))["centre"].isna().all()
    assert limits(of_cases([0] * 24, [50] * 24))["centre"].isna().all()


def test_a_season_moves_the_limits_along() -> None:
    season = np.resize([1, 1, 1, 1, 1, 1, 1, 0.5, 1.1, 1.2, 1.1, 1.1], 36)
    value = 100 * season * (1 + 0.02 * np.random.default_rng(4).standard_normal(36))
    found = limits(monthly(value))
    assert set(found["season"]) == {"adjusted"}
    assert not found["signal"].any()
    flat = found.groupby(found["start"].dt.month)["centre"].mean()
    assert flat[8] / flat[1] == pytest.approx(0.5, abs=0.03)
    assert set(limits(monthly(value[:20]))["season"]) == {"unknown"}
    noise = np.random.default_rng(5).normal(100, 5, 36)
    assert set(limits(monthly(noise))["season"]) == {"none"}


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(1, 1000), min_size=12, max_size=40), st.floats(0.01, 100), st.randoms())
def test_scale_and_row_order_change_nothing(values: list[float], times: float, order: Any) -> None:
    frame = monthly(values)
    found, before = limits(frame, ALL), frame.copy()
    scaled = limits(frame.assign(value=frame["value"] * times), ALL)
    rows = order.sample(range(len(values)), len(values))
    shuffled = limits(frame.iloc[rows], ALL).sort_index()
    for name in ("centre", "lower", "upper"):
        close = {"rel": 1e-6, "abs": 1e-9, "nan_ok": True}
        assert scaled[name].tolist() == pytest.approx((found[name] * times).tolist(), **close)
    pd.testing.assert_frame_equal(shuffled, found)
    pd.testing.assert_frame_equal(frame, before)


# --- The sample company ---------------------------------------------------------------------------


def test_the_fall_of_qualification_is_seen_when_it_begins(latest: pd.DataFrame) -> None:
    row = latest.loc["lead_qualification_rate"]
    assert latest.index[0] == "lead_qualification_rate"
    assert (row["news"], row["sure"], row["since"]) == (True, True, "2025-07")
    assert row["event"] == "Nouveau script d’appel"
    assert row["value"] < row["lower"]


@pytest.mark.parametrize(
    "kpi",
    [
        *("win_rate_count", "win_rate_value", "lead_to_customer_rate", "csat", "missed_call_rate"),
        *("revenue", "bookings", "deals_won_count", "leads_generated", "sales_cycle_duration"),
    ],
)
def test_what_did_not_change_stays_silent(latest: pd.DataFrame, kpi: str) -> None:
    assert not latest.loc[kpi, "news"]
    assert (latest.loc[kpi, "signals"], latest.loc[kpi, "since"]) == (0, "")


def test_visits_double_and_conversion_falls_with_them(latest: pd.DataFrame) -> None:
    visits, conversion = latest.loc["site_visits"], latest.loc["site_conversion_rate"]
    assert (visits["since"], conversion["since"]) == ("2026-04", "2026-04")
    assert visits["far"] > 1
    assert conversion["far"] < -1


def test_a_changed_definition_starts_anew_for_its_kpi_alone(watched: pd.DataFrame) -> None:
    baselines = watched[watched["centre"].notna()].groupby("kpi")["baseline"].unique()
    assert baselines["qualified_leads"].tolist() == ["2023-04:2024-03", "2024-10:2025-09"]
    assert len(baselines["leads_generated"]) == 1


def test_a_baseline_starts_anew_only_where_an_event_says_so(sample: Dataset) -> None:
    kpi = "lead_qualification_rate"
    found = control.watched(sample, kpi, "2026Q3", rebase=["2025-07-01"])
    assert found[found["start"] >= "2025-07-01"]["baseline"].str.startswith("2025-07").sum() >= 12
    with pytest.raises(UnknownName, match="2025-07-01"):
        control.watched(sample, kpi, "2026Q3", rebase=["2025-08-01"])


def test_stocks_and_running_months_are_left_out(sample: Dataset, watched: pd.DataFrame) -> None:
    assert "open_pipeline_value" not in set(watched["kpi"])
    part = control.watched(sample.at("2026-09-15"), "revenue", "2026Q3")
    assert part["period"].iloc[-1] == "2026-08"


def test_a_young_cohort_is_not_judged(watched: pd.DataFrame) -> None:
    rows = watched[watched["kpi"] == "lead_qualification_rate"].set_index("period")
    assert rows.loc["2026-09", "status"] == "immature"
    assert np.isnan(rows.loc["2026-09", "centre"])
    assert rows.loc["2026-07", "centre"] > 0


@pytest.mark.parametrize("months", [0, 11])
def test_too_short_a_history_says_so(months: int) -> None:
    days = pd.date_range("2025-01-01", periods=30 * months + 20, freq="D")
    orders = pd.DataFrame({"order_id": range(len(days)), "order_date": days, "amount_net": 10.0})
    with pytest.raises(Unavailable, match="twelve whole months"):
        control.watched(kh.load({"orders": orders}), "revenue", "2025Q4")


# --- Simulation: in short; ``benchmarks/unusual.py`` prints it in full ----------------------------


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
        yield importlib.import_module("unusual")


@pytest.mark.parametrize(
    ("what", "rules"),
    [
        *(("amounts", ONE), ("amounts", ALL), ("shares that vary more", ONE)),
        *(("counts in lots", ONE), ("counts with a season", ALL)),
    ],
)
def test_where_nothing_changes_little_is_said(bench: ModuleType, what: str, rules: str) -> None:
    row = bench.alarms(what, rules, 24, 60, 3)
    assert row.verdict == "holds", bench.line(row)


def test_a_lasting_shift_is_seen(bench: ModuleType) -> None:
    assert bench.seen(8, ALL, 24, 60, 3).found > 0.7


def test_limits_that_ignore_what_varies_more_would_be_seen(bench: ModuleType) -> None:
    found = bench.judged(bench.lots, ONE, 24, 60, 3)
    careless = (found["value"] - found["centre"]).abs() > 3 * np.sqrt(found["centre"])
    assert careless.mean() > 0.05


def test_without_events_the_months_say_nothing() -> None:
    deals = {"deal_id": ["1", "2"], "created_at": ["2025-11-03", "2026-02-02"], "status": "won"}
    data = kh.load(pd.DataFrame({**deals, "closed_at": ["2025-12-01", "2026-03-31"]}))
    found = by_period(data, ["deals_won_count"], periods_to(data, "2026-03", 1))
    assert found["event"].tolist() == [""] * len(found) != []


def test_rules_that_do_not_exist_are_refused() -> None:
    with pytest.raises(UnknownName, match="'every'. Allowed: one, all"):
        limits(pd.DataFrame({"kpi": ["aov"], "value": [1.0]}), "every")
