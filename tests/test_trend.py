"""Trends and breaks against loops, scipy, statsmodels, simulation and the sample's truths."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import ndtr, ndtri, stdtrit
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.tsa.seasonal import STL

import kpi_helpers as kh
from kpi_helpers import forecasting
from kpi_helpers.errors import BadInput, Unavailable
from kpi_helpers.forecasting.slopes import echo, level_break, logistic, slope
from kpi_helpers.sources import Dataset

W20: dict[str, Any] = json.loads(
    (Path(__file__).parent / "data" / "worked_examples.json").read_text("utf-8")
)["W20"]
KPIS = ("revenue", "leads_generated", "win_rate_count", "lead_qualification_rate")
KPIS += ("lead_to_customer_rate", "avg_deal_value")


def noise(n: int, repeated: float, rng: np.random.Generator) -> Any:
    x = rng.standard_normal(n + 60)
    for at in range(1, n + 60):
        x[at] += repeated * x[at - 1]
    return x[60:]


def monthly(value: Any, method: str = "exact", kpi: str = "one", **more: Any) -> pd.DataFrame:
    """Return a tidy frame of one KPI, a row a month."""
    starts = pd.date_range("2022-01-01", periods=len(value), freq="MS")
    ends = starts + pd.offsets.MonthBegin()
    facts = {"kpi": kpi, "label": kpi, "unit": "count", "better": "higher", "method": method}
    facts |= {"period": starts.strftime("%Y-%m"), "start": starts, "end": ends, "status": "ok"}
    counts = {"numerator": np.nan, "denominator": np.nan, "n": np.nan, "note": ""}
    return pd.DataFrame({**facts, **counts, "value": np.asarray(value, dtype=float), **more})


def read(value: Any, **more: Any) -> pd.Series:
    """Return the trend of one series of months."""
    found = forecasting.with_adjusted(monthly(value, **more), 12)
    return forecasting.trends(forecasting.decomposed(found)).iloc[0]


@pytest.fixture(scope="module")
def parts(sample: Dataset) -> pd.DataFrame:
    return forecasting.decomposed(forecasting.series(sample, KPIS, "2026Q3"))


@pytest.fixture(scope="module")
def found(parts: pd.DataFrame) -> pd.DataFrame:
    return forecasting.trends(parts).set_index("kpi")


# --- Slopes against scipy and loops ---------------------------------------------------------------


@pytest.mark.parametrize("ties", [False, True])
def test_without_echo_a_slope_is_that_of_scipy(ties: bool) -> None:
    """A series that turns at each step repeats nothing: what is left differs by Student's law."""
    at = np.arange(30.0)
    x = 0.15 * at + 2.5 * (-1) ** np.arange(30) + np.random.default_rng(2).normal(0, 1, 30)
    x = x.round() if ties else x
    own = slope(x, np.zeros(30), at)
    far = -stdtrit(28, own.p_value / 2)
    assert far == pytest.approx(-ndtri(stats.kendalltau(at, x, method="asymptotic").pvalue / 2))
    level = 1 - 2 * ndtr(-stdtrit(28, 0.975))
    assert own[:3] == pytest.approx(
        [getattr(stats.theilslopes(x, at, level), n) for n in ("slope", "low_slope", "high_slope")]
    )


def test_slopes_within_phases_by_a_loop() -> None:
    rng = np.random.default_rng(4)
    at, phase = np.arange(40.0), (np.arange(40) >= 15).astype(float)
    x = 0.1 * at - 30 * phase + rng.normal(0, 1, 40)
    pairs = [(i, j) for i, j in itertools.combinations(range(40), 2) if phase[i] == phase[j]]
    own = slope(x, phase, at)
    assert own.value == pytest.approx(np.median([(x[j] - x[i]) / (j - i) for i, j in pairs]))
    rest = x - own.value * at
    left = [v - np.median(rest[phase == p]) for v, p in zip(rest, phase, strict=True)]
    repeated, variance = echo(np.array(left), 3), 0.0
    for n in (15, 25):
        usual, weight = n * (n - 1) * (2 * n + 5) / 18, 0.0
        for k in range(1, n):
            ranks = 6 / np.pi * np.arcsin(repeated**k / 2)
            weight += (n - k) * (n - k - 1) * (n - k - 2) * ranks
        variance += usual * (1 + 2 * weight / (n * (n - 1) * (n - 2)))
    score = sum(np.sign(x[j] - x[i]) for i, j in pairs)
    assert -stdtrit(37, own.p_value / 2) == pytest.approx(abs(score) / np.sqrt(variance))
    assert own.low < 0.1 < own.high


def test_an_echo_makes_a_slope_less_sure() -> None:
    rng = np.random.default_rng(6)
    at, x = np.arange(48.0), noise(48, 0.8, rng) + 0.03 * np.arange(48)
    own = slope(x, at * 0, at)
    low, high = stats.theilslopes(x, at)[2:]
    assert own.high - own.low > 1.5 * (high - low)


def test_a_logistic_slope_is_never_surer_than_chance() -> None:
    rng, at = np.random.default_rng(8), np.arange(36.0)
    n = rng.integers(200, 500, 36).astype(float)
    for spread, least in ((0.0, 1.0), (0.4, 2.0)):
        odds = -1.0 - 0.02 * at + rng.normal(0, spread, 36)
        k = rng.binomial(n.astype(int), 1 / (1 + np.exp(-odds))).astype(float)
        own = logistic(k, n, at * 0, at, at * 0)
        model = np.column_stack([at, np.ones(36)])
        both = GLM(np.column_stack([k, n - k]), model, family=Binomial()).fit()
        assert own.value == pytest.approx(both.params[0])
        far = stdtrit(34, 0.975) * both.bse[0]
        assert own.high - own.value > 0.999 * least * far


# --- Breaks ---------------------------------------------------------------------------------------


def test_a_break_is_found_by_a_loop_over_all_places() -> None:
    rng, at = np.random.default_rng(10), np.arange(42.0)
    x = rng.normal(0, 1, 42) + 0.05 * at - 7 * (at >= 27)
    own = level_break(x, at * 0, at, at * 0)
    left = {}
    for place in range(4, 39):
        model = np.column_stack([np.ones(42), at, at**2, at >= place])
        left[place] = np.linalg.lstsq(model, x, rcond=None)[1][0]
    assert own is not None
    assert own.place == min(left, key=lambda place: left[place]) == 27
    assert own.p_value < 0.01


def test_a_trend_and_a_season_are_no_break() -> None:
    rng, at = np.random.default_rng(12), np.arange(48.0)
    x = 0.3 * at + 3 * np.sin(at * np.pi / 6) + rng.normal(0, 0.5, 48)
    own = level_break(x, at * 0, at, at % 12)
    assert own is not None
    assert own.p_value > 0.2


def test_no_break_is_sought_in_short_or_flat_series() -> None:
    at = np.arange(9.0)
    assert level_break(at % 2, at * 0, at, at * 0) is None
    assert level_break(np.ones(30), np.zeros(30), np.arange(30.0), np.zeros(30)) is None


@pytest.mark.parametrize("n", [24, 42])
def test_noise_that_echoes_is_rarely_called_a_trend_or_a_break(n: int) -> None:
    """A small run of ``benchmarks/trends.py``: at most 6 %, but for two Monte-Carlo errors."""
    rng, at = np.random.default_rng(14), np.arange(n * 1.0)
    runs = [noise(n, 0.3, rng) for _ in range(120)]
    lines = [slope(x, at * 0, at).p_value < 0.05 for x in runs]
    breaks = [level_break(x, at * 0, at, at * 0) for x in runs]
    sure = [each is not None and each.p_value < 0.05 for each in breaks]
    assert max(np.mean(lines), np.mean(sure)) <= 0.06 + 2 * np.sqrt(0.06 * 0.94 / 120)


# --- Decomposition --------------------------------------------------------------------------------


def test_the_parts_are_those_of_statsmodels_and_add_up() -> None:
    rng, at = np.random.default_rng(16), np.arange(42.0)
    value = np.exp(5 + 0.01 * at + 0.3 * np.sin(at * np.pi / 6) + rng.normal(0, 0.05, 42))
    parts = forecasting.decomposed(forecasting.with_adjusted(monthly(value), 12))
    assert parts["turns"].unique().tolist() == ["shown"]
    x = np.log(value)
    known = STL(x, 12, seasonal=421, seasonal_deg=0, robust=True).fit()
    assert parts["trend"].to_numpy() == pytest.approx(np.exp(known.trend))
    both = (parts["trend"] + parts["seasonal"]).to_numpy()
    assert both == pytest.approx(np.exp(known.trend + known.seasonal))
    assert (both + parts["rest"]).to_numpy() == pytest.approx(value)
    told = forecasting.trends(parts).iloc[0]
    assert told["relative_low"] < np.exp(0.12) - 1 < told["relative_high"]
    assert (told["verdict"], told["broke"]) == ("better", False)


def test_a_season_is_only_taken_out_where_it_is_shown() -> None:
    rng = np.random.default_rng(18)
    turns = read(rng.normal(100, 10, 42))["turns"], read(rng.normal(100, 10, 23))["turns"]
    assert turns == ("none_shown", "unknown")


def test_rates_stay_rates() -> None:
    rng, at = np.random.default_rng(20), np.arange(30)
    n = np.full(30, 40.0)
    k = rng.binomial(40, 0.97, 30).astype(float)
    rates = monthly(k / n, "wilson", numerator=k, denominator=n)
    parts = forecasting.decomposed(forecasting.with_adjusted(rates, 12))
    assert parts["trend"].between(0, 1).all()
    told = forecasting.trends(parts).iloc[0]
    assert -1 < told["per_year_low"] <= told["per_year"] <= told["per_year_high"] < 1
    assert at.size == told["n"]


# --- Series ---------------------------------------------------------------------------------------


def test_w20_pacing() -> None:
    linear, seasonal = forecasting.paced(380, 45 / 92, 0.38)
    assert linear == pytest.approx(W20["pacing_linear"])
    assert seasonal == pytest.approx(W20["pacing_seasonal"])
    assert np.isnan(forecasting.paced(380, 0.0)).all()  # nothing had come by then


def test_a_running_quarter_is_paced_as_in_past_years() -> None:
    """Of the quarter a year ago 38 % had come by the same day worked; 380 are done."""
    days = ["2025-07-10", "2025-09-20", "2026-07-20", "2026-01-15"]
    orders = {"order_id": list("abcd"), "order_date": days, "amount_net": [38.0, 62.0, 380.0, 50.0]}
    data = kh.load({"orders": pd.DataFrame(orders)}, {"language": "en"}, "2026-08-14")
    found = forecasting.series(data, "revenue", "2026Q3", grain="quarter")
    last = found.iloc[-1]
    assert (last["period"], last["status"], last["usable"]) == ("2026Q3", "immature", False)
    assert last["value"] == pytest.approx(W20["pacing_seasonal"])
    assert "past years" in last["note"]
    filtered = forecasting.series(data, "revenue", "2026Q3", "amount_net > 0", "quarter").iloc[-1]
    worked = data.config.calendar.working_days
    start, end = filtered["start"].date(), filtered["end"].date()
    share = worked(start, pd.Timestamp("2026-08-15").date()) / worked(start, end)
    assert filtered["value"] == pytest.approx(380 / share)


def test_a_running_month_has_no_rate(sample: Dataset) -> None:
    early = kh.load("data/sample", as_of="2026-08-12")
    found = forecasting.series(early, ["revenue", "win_rate_count"], "2026-08").groupby("kpi")
    revenue, rate = (found.get_group(name).iloc[-1] for name in ("revenue", "win_rate_count"))
    whole = kh.measure(sample, "revenue", "2026-08")["value"].iloc[0]
    assert revenue["low"] <= revenue["value"] <= revenue["high"]
    assert revenue["value"] == pytest.approx(whole, rel=0.15)
    assert np.isnan(rate["value"])
    assert rate["note"]


def test_months_of_more_days_are_no_rise(sample: Dataset) -> None:
    found = forecasting.series(sample, "leads_generated", "2026Q3")
    days = [
        sample.config.calendar.working_days(start.date(), end.date())
        for start, end in zip(found["start"], found["end"], strict=True)
    ]
    assert found["per_day"].to_numpy() == pytest.approx(found["value"] / days)
    usual = found["per_day"] * np.mean(days)
    assert found["adjusted"].to_numpy() == pytest.approx(usual.to_numpy())
    assert forecasting.series(sample, "nps", "2026Q3")["per_day"].isna().all()


def test_gaps_and_spikes_are_said() -> None:
    value = np.r_[np.nan, np.random.default_rng(22).normal(10, 1, 35)]
    value[[10, 20]] = np.nan, 10_000.0
    found = forecasting.with_adjusted(monthly(value), 12)
    assert found["period"].iloc[0] == "2022-02"
    assert found.loc[found["gap"], "period"].tolist() == ["2022-11"]
    assert found.loc[found["spike"], "period"].tolist() == ["2023-09"]
    assert found["adjusted"].between(5, 20).all()
    told = read(value)
    assert (told["n"], told["left_out"]) == (34, 1)


BAD = {
    "equal": [5.0] * 30,
    "zero": [0.0] * 30,
    "negative": np.random.default_rng(24).normal(0, 10, 30),
    "some zeros": [0.0, 0.0, 3.0] * 10,
    "spike": [*[10.0, 11.0, 9.0] * 10, 10_000.0],
    "two phases": [*[5.0] * 20, *[9.0] * 20],
}


@pytest.mark.parametrize("name", BAD)
def test_odd_series_have_an_answer_with_its_limits(name: str) -> None:
    told = read(BAD[name])
    assert told[["per_year", "per_year_low", "per_year_high", "p_value"]].notna().all()
    assert told["verdict"] == "none_shown"


def test_wrong_series_are_refused_with_the_reason() -> None:
    good = monthly(np.arange(30.0) + 5)
    quarter = good.tail(1).assign(end=good["end"].iloc[-1] + pd.DateOffset(months=2))
    cases = {
        "twice": pd.concat([good, good.tail(1)]),
        "same length": pd.concat([good.iloc[:-1], quarter]),
        "row for each period": good.drop(index=7),
        "finite": good.assign(value=np.inf),
    }
    said = {"twice": "once", "same length": "same length"}
    for name, frame in cases.items():
        with pytest.raises(BadInput, match=said.get(name, name)):
            forecasting.with_adjusted(frame, 12)
    mixed = good.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(
        forecasting.with_adjusted(mixed, 12), forecasting.with_adjusted(good, 12)
    )


@pytest.mark.parametrize("value", [[], [1.0] * 7, [np.nan] * 20, [1.0, np.nan, np.nan, np.nan] * 5])
def test_too_short_series_say_so(value: Any) -> None:
    with pytest.raises(Unavailable):
        read(value)


def test_sources_without_values_say_so(sample: Dataset) -> None:
    with pytest.raises(Unavailable):
        forecasting.series(sample, [], "2026Q3")
    with pytest.raises(Unavailable, match="8"):
        forecasting.decomposed(forecasting.series(sample, "nps", "2026Q3", grain="year"))


# --- What is planted in the sample ----------------------------------------------------------------


def test_leads_rise_by_about_five_percent_a_year(found: pd.DataFrame) -> None:
    row = found.loc["leads_generated"]
    assert (row["verdict"], row["turns"]) == ("better", "shown")
    assert row["relative_low"] < 0.05 < row["relative_high"]


def test_the_win_rate_shows_no_trend(found: pd.DataFrame) -> None:
    row = found.loc["win_rate_count"]
    assert (row["verdict"], row["broke"]) == ("none_shown", False)


def test_the_qualification_broke_in_summer_2025_beside_what_was_noted(found: pd.DataFrame) -> None:
    row = found.loc["lead_qualification_rate"]
    assert row["broke"]
    assert "2025-05" <= row["break_period"] <= "2025-09"
    assert row["after"] < row["before"] - 0.05
    assert "Nouveau script d’appel" in row["event"]
    assert not found["broke"].drop("lead_qualification_rate").any()


def test_young_cohorts_are_left_out_and_counted(found: pd.DataFrame, parts: pd.DataFrame) -> None:
    row = found.loc["lead_to_customer_rate"]
    assert (row["verdict"], row["left_out"] > 3) == ("worse", True)
    young = parts[(parts["kpi"] == "lead_to_customer_rate") & (parts["status"] == "immature")]
    assert young["trend"].isna().tolist() == [True] * len(young) != []
