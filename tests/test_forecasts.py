"""Forecasts of tidy frames, named models, back-tests and the worked figures."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_forecasting import simulated

import kpi_helpers as kh
from kpi_helpers import forecasting
from kpi_helpers.errors import BadInput, Unavailable, UnknownName
from kpi_helpers.forecasting import MODELS, backtest, errors, together
from kpi_helpers.sources import Dataset

WORKED: dict[str, Any] = json.loads(
    (Path(__file__).parent / "data" / "worked_examples.json").read_text("utf-8")
)
LONG = pd.date_range("2021-01-01", periods=60, freq="MS")


def monthly(value: Any, kpi: str = "revenue", method: str = "exact", **more: Any) -> pd.DataFrame:
    start = LONG[: len(value)]
    end = start + pd.offsets.MonthBegin()
    columns = {"kpi": kpi, "period": start.strftime("%Y-%m"), "start": start, "end": end}
    columns |= {"value": np.asarray(value, float), "method": method, "status": "ok"}
    return pd.DataFrame({**columns, **more})


# --- Worked figures -------------------------------------------------------------------------------


def test_w19_errors() -> None:
    case = WORKED["W19"]
    found = errors(case["actual"], case["forecast"], scale=10.0)
    assert found == pytest.approx({name: case[name] for name in found})
    assert np.isnan(errors([0, 0], [1, 1])["wape"])


def test_w21_combination() -> None:
    case = WORKED["W21"]
    for name, correlation in (("indep", 0.0), ("rho05", 0.5)):
        found = together(tuple(case["ts"]), tuple(case["pipe"]), correlation)
        assert found == pytest.approx([case[name][key] for key in ("w", "mean", "sd")])
    assert together((1, 10), (2, 1), 0.9)[0] == 0.0


# --- Named models ---------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("season", [1, 12])
def test_every_model_answers_alike(model: str, season: int) -> None:
    y = simulated(7, 40)
    found = forecasting.forecast(y, 6, season, model=model)
    order = np.stack([found.lo95, found.lo80, found.mean, found.hi80, found.hi95])
    assert (np.diff(order, axis=0) > 0).all()
    assert (found.mean > y.min() / 2).all()
    assert (found.mean < y.max() * 2).all()


def test_statsmodels_are_asked_as_they_are() -> None:
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    y = simulated(8, 40) - 200
    fit = SARIMAX(y / np.abs(y).mean(), order=(0, 1, 1)).fit(disp=False)
    low, high = fit.get_forecast(4).conf_int(alpha=0.05).T * np.abs(y).mean()
    found = forecasting.forecast(y, 4, model="sarimax")
    assert found.lo95 == pytest.approx(low)
    assert found.hi95 == pytest.approx(high)


def test_baselines_by_hand() -> None:
    y = np.array([-1.0, 2, 4, 3, 5, 4, 8, 7, 9, 8])
    naive, drift = (forecasting.forecast(y, 3, model=name) for name in ("naive", "drift"))
    assert naive.mean.tolist() == [8.0] * 3
    assert drift.mean == pytest.approx([9.0, 10.0, 11.0])
    half = naive.hi95 - naive.mean
    assert half / half[0] == pytest.approx(np.sqrt([1, 2, 3]))
    seasonal = forecasting.forecast(y, 6, 4, model="seasonal_naive")
    assert seasonal.mean == pytest.approx([8.0, 7, 9, 8, 8, 7])


def test_a_model_that_is_not_there_or_not_fitted_is_said() -> None:
    with pytest.raises(UnknownName, match="ets"):
        forecasting.forecast(simulated(1), 3, model="prophet")
    with pytest.raises(Unavailable, match="longer"):
        forecasting.forecast(simulated(1)[:9], 3, model="ets")


# --- Back-test ------------------------------------------------------------------------------------


def test_a_back_test_by_a_loop() -> None:
    y = simulated(9, 40)
    found = backtest(y, 2, 12, ("naive",)).set_index("h")
    missed = [[abs(y[t + h] - y[t - 1]) for h in range(2)] for t in range(31, 39)]
    units = [np.abs(y[12:t] - y[: t - 12]).mean() for t in range(31, 39)]
    expected = np.mean([np.array(m) / u for m, u in zip(missed, units, strict=True)], axis=0)
    assert found["mase"].tolist() == pytest.approx(expected.tolist())
    assert found["origins"].tolist() == [8, 8]


def test_a_back_test_reads_nothing_later() -> None:
    """What comes after changes no forecast: with the last origin only, by any continuation."""
    y = simulated(10, 30)
    wild = np.r_[y[:-1], y[-1] * 1000]
    calm, odd = (backtest(each, 1, 12, ("four",)) for each in (y, wild))
    before = forecasting.forecast(y[:-1], 1, 12)
    unit = np.abs(y[12:-1] - y[:-13]).mean()
    change = (abs(wild[-1] - before.mean[0]) - abs(y[-1] - before.mean[0])) / unit / 8
    assert odd["mase"][0] - calm["mase"][0] == pytest.approx(change)


def test_too_short_a_series_is_not_tested() -> None:
    with pytest.raises(Unavailable, match="11 values"):
        backtest(simulated(1)[:10], 3)


# --- Tidy frames ----------------------------------------------------------------------------------


def test_many_series_of_their_own_range(sample: Dataset) -> None:
    kpis = ["revenue", "win_rate_count", "nps", "site_visits"]
    tidy = kh.measure(sample, kpis, "2022-10:2026-09", grain="month")
    kept = tidy.copy()
    found = kh.forecast(tidy, 6)
    pd.testing.assert_frame_equal(tidy, kept)
    assert found["kpi"].unique().tolist() == kpis
    assert found.groupby("kpi").size().tolist() == [6] * 4
    rate = found[found["kpi"] == "win_rate_count"]
    assert rate[["lo95", "hi95"]].stack().between(0, 1).all()
    one = tidy.loc[tidy["kpi"] == "revenue", "value"].to_numpy(float)
    alone = forecasting.forecast(one, 6, 12)
    assert found.loc[found["kpi"] == "revenue", "hi80"].tolist() == pytest.approx(alone.hi80)
    few = found[found["kpi"] == "nps"]
    assert (few["status"] == "missing").all()
    assert few["note"].str.contains("two periods of three").all()


def test_dimensions_and_row_order() -> None:
    parts = [monthly(simulated(seed), team=name) for seed, name in ((1, "A"), (2, None))]
    tidy = pd.concat(parts, ignore_index=True)
    found = kh.forecast(tidy, 3)
    assert found["team"].isna().tolist() == [False] * 3 + [True] * 3
    mixed = pd.concat([part.sample(frac=1, random_state=1) for part in parts])
    pd.testing.assert_frame_equal(found, kh.forecast(mixed, 3))


def test_periods_go_on_under_their_names(sample: Dataset) -> None:
    tidy = kh.measure(sample, "revenue", "2022Q1:2026Q3", grain="quarter")
    assert kh.forecast(tidy, 2)["period"].tolist() == ["2026Q4", "2027Q1"]
    fiscal = tidy.assign(period=[f"FY{1 + p.year + (p.month > 6)}" for p in tidy["start"]])
    with pytest.raises(BadInput, match="same length"):
        kh.forecast(fiscal, 2)


def test_a_frame_that_was_read_from_a_file_is_forecast_alike() -> None:
    tidy = monthly(simulated(1))
    read = tidy.assign(start=tidy["start"].astype(str), end=tidy["end"].astype(str))
    again = kh.forecast(read, 3)
    pd.testing.assert_frame_equal(again, kh.forecast(tidy, 3), check_dtype=False)


def test_the_baseline_is_shipped_where_it_does_better_and_that_is_said() -> None:
    """A fall that stops: who goes on with the last value is right."""
    fallen = np.r_[130 - 3.0 * np.arange(11), np.full(9, 99.0)]
    found = kh.forecast(monthly(fallen), 2, lang="fr")
    assert found["model"].unique().tolist() == ["naive"]
    assert (found["status"] == "indicative").all()
    assert found["note"].str.contains("c’est elle qui est montrée").all()


def test_a_score_is_forecast_as_the_share_that_it_is() -> None:
    """From -100 to 100 it is a share from 0 to 1 on another scale, and so is all that is said."""
    share = 0.6 + 0.1 * np.sin(np.arange(40)) + 0.002 * np.arange(40)
    score = 200 * share - 100
    numbers = ["mean", "lo80", "hi80", "lo95", "hi95"]
    one, two = (
        kh.forecast(monthly(y, "nps", method), 4)
        for y, method in ((share, "wilson"), (score, "adjusted wald"))
    )
    shown = [name for name in numbers if name in one] or ["value", "low", "high"]
    assert two[shown].to_numpy() == pytest.approx(200 * one[shown].to_numpy() - 100)
    adjusted = [
        forecasting.with_adjusted(monthly(y, "nps", method), 12)["adjusted"].to_numpy()
        for y, method in ((share, "wilson"), (score, "adjusted wald"))
    ]
    assert adjusted[1] == pytest.approx(200 * adjusted[0] - 100)
    assert adjusted[0] == pytest.approx(share, abs=0.05)


def test_the_baseline_is_tried_from_the_first_series_that_six_origins_fit_into() -> None:
    """Eight points to begin with, and six that are forecast from the one before."""
    walk = 50 + np.random.default_rng(1).normal(0, 1, 40).cumsum()
    for n in (13, 14, 15, 19, 20):
        found = kh.forecast(monthly(walk[:n]), 6, lang="en")
        assert found["note"].str.contains("Too few points").any() == (n < 14), n


@pytest.mark.parametrize(
    ("tidy", "status", "says"),
    [
        (monthly([5, 6, 7, 5, 6]), "insufficient", "^5 points, no model"),
        (monthly([0.0] * 30), "ok", "never moved"),
        (monthly(simulated(1)[:20]), "indicative", ""),
        (monthly(simulated(1)).assign(value=np.nan), "missing", "it has 0"),
        (monthly(simulated(1)).assign(status="immature"), "missing", "it has 0"),
        (monthly(simulated(1)).drop(index=[30]), "ok", "no value: 2023-07"),
        (monthly(np.r_[simulated(1)[:40], 1e6, simulated(1)[41:]]), "ok", "damped: 2024-05"),
    ],
)
def test_limits_are_stated(tidy: pd.DataFrame, status: str, says: str) -> None:
    found = kh.forecast(tidy, 6)
    assert found["status"].unique().tolist() == [status]
    assert found["note"].str.contains(says).all()
    figures = found[["value", "lo80", "hi80", "lo95", "hi95"]]
    assert figures.isna().all(axis=None) == (status == "missing")
    assert (figures.fillna(0) >= 0).all(axis=None)


def test_a_long_horizon_is_said() -> None:
    tidy = monthly(simulated(1)[:12])
    assert kh.forecast(tidy, 18)["note"].str.contains("longer than the past").all()
    assert kh.forecast(tidy.iloc[:0], 2).empty


@pytest.mark.parametrize(
    ("as_of", "first"),
    [("2021-11-29", "2021-11"), ("2021-11-30", "2021-12"), ("2021-12-15", "2021-12")],
)
def test_a_period_is_whole_from_its_last_day_on(as_of: str, first: str) -> None:
    found = kh.forecast(monthly(simulated(1)[:12]), 1, as_of=as_of)
    assert found["period"].tolist() == [first]


@pytest.mark.parametrize(
    ("tidy", "says"),
    [
        (pd.concat([monthly(simulated(1)), monthly([3.0])]), "2021-01.*once"),
        (monthly([*simulated(1)[:20], np.inf]), r"value \(revenue 2022-09\): 'inf' .* finite"),
        (monthly([*simulated(1)[:20], -1.2e308]), "'-1.2e.308' .* 150 digits"),
        (monthly([1.0] * 9).assign(value="many"), "'many' is not a finite number"),
        (monthly([0.3, 1.5] * 9, method="wilson"), r"2021-02\): '1.5' .* from 0 to 1"),
        (monthly([1.0] * 9).assign(start="soon"), "column start: 'soon' is not a day"),
        (monthly([1.0] * 9).drop(columns="status"), "frame of figures by period"),
        (
            pd.concat([monthly([1.0] * 9), monthly([2.0] * 12).iloc[9:].assign(end=LONG[40])]),
            "same length",
        ),
    ],
)
def test_what_is_no_series_is_an_error(tidy: pd.DataFrame, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        kh.forecast(tidy, 3)


@pytest.mark.parametrize("asked", ["revenue", 3, pd.DataFrame({"value": [1.0]})])
def test_anything_but_figures_by_period_is_refused_with_the_fix(asked: Any) -> None:
    with pytest.raises(BadInput, match=r'measure\(data, "revenue", .*grain="month"\)'):
        kh.forecast(asked, 3)
