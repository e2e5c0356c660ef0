"""The forecast of one series against loops, another library, properties and simulation."""

import importlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_helpers.errors import BadInput, KpiError, Unavailable, UnknownName
from kpi_helpers.forecasting import Forecast, forecast, seasons, smoothing
from kpi_helpers.forecasting.cleaning import cleaned
from kpi_helpers.forecasting.members import autoregression, theta
from kpi_helpers.forecasting.seasons import indices, is_seasonal
from kpi_helpers.forecasting.smoothing import grid, run

YEAR = np.array([-30, -20, 0, 5, 10, 15, -5, -10, 0, 10, 15, 10.0])
numbers = st.floats(-1e9, 1e9, allow_subnormal=False)


def simulated(seed: int, n: int = 48, season: int = 12) -> np.ndarray:
    """A random walk with noise and a season, above 0."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(0.002, 0.03, n)) + rng.normal(0, 0.08, n)
    share = np.resize(YEAR / 100 * rng.uniform(0, 2), n) if season == 12 else 0.0
    return 100 * np.exp(walk + share)


def sane(found: Forecast, horizon: int) -> None:
    assert all(part.shape == (horizon,) and np.isfinite(part).all() for part in found)
    order = [found.lo95, found.lo80, found.mean, found.hi80, found.hi95]
    for low, high in itertools.pairwise(order):
        assert (low <= high + 1e-6 * np.abs(high)).all()


# --- The pieces, by loops and by another library --------------------------------------------------


@pytest.mark.parametrize("column", [0, 20, 149, 300])
def test_a_model_of_the_grid_by_a_loop(column: int) -> None:
    x, start, models = np.log(simulated(1)), YEAR / 100, grid(True)
    states = run(x, start, models)
    alpha, beta, phi, _, gamma, _ = (part[column] for part in models)
    level, trend, season = states.level[0, column], states.trend[0, column], list(start)
    for t, value in enumerate(x):
        expected = level + phi * trend + season[t]
        error = value - expected
        assert states.error[t, column] == pytest.approx(error)
        level, trend = level + phi * trend + alpha * error, phi * trend + beta * error
        season.append(season[t] + gamma * error)
    assert states.level[-1, column] == pytest.approx(level)


def test_past_misses_are_those_of_forecasts_made_then() -> None:
    """With one model left, a miss ``h`` steps ahead is its path from the states before, by hand."""
    x = simulated(2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(smoothing, "mixed", lambda criterion: 1.0 * (np.arange(len(criterion)) == 40))
        path, missed = smoothing.smoothed(x, 5, np.zeros(1), 3)
    models = grid(False)
    states = run(x, np.zeros(1), models)
    for origin, h in ((0, 0), (10, 4), (43, 3)):
        trend = sum(models.damped[40] ** k for k in range(1, h + 2)) * states.trend[origin, 40]
        expected = x[origin + h] - states.level[origin, 40] - trend
        assert missed[origin + h, h] == pytest.approx(expected)
    assert np.isnan(missed).sum() == 1 + 2 + 3 + 4
    assert path[0] == pytest.approx(states.level[-1, 40] + models.damped[40] * states.trend[-1, 40])


def test_indices_are_those_of_classical_decomposition(monkeypatch: pytest.MonkeyPatch) -> None:
    from statsmodels.tsa.seasonal import seasonal_decompose

    monkeypatch.setattr(seasons, "DECAY", 1.0)
    for season in (4, 5, 12):
        x = simulated(3, 60, season)
        expected = seasonal_decompose(x, period=season).seasonal[:season]
        assert indices(x, season)[0] == pytest.approx(expected)


def test_a_season_is_seen_and_noise_is_shrunk() -> None:
    rng = np.random.default_rng(4)
    noise = rng.normal(0, 1, (200, 48))
    assert np.mean([is_seasonal(row, 12) for row in noise]) < 0.25
    assert np.mean([indices(row, 12)[1] for row in noise]) < 0.35
    strong = noise + np.resize(YEAR, 48) / 5
    assert np.mean([is_seasonal(row, 12) for row in strong]) > 0.95
    assert np.mean([indices(row, 12)[1] for row in strong]) > 0.9


def test_theta_goes_on_by_half_the_slope() -> None:
    path = theta(3.0 * np.arange(40), 6)
    assert np.diff(path) == pytest.approx([1.5] * 5)
    assert theta(np.full(20, 7.0), 3) == pytest.approx([7.0] * 3)


def test_autoregression_finds_what_made_the_series() -> None:
    rng = np.random.default_rng(5)
    change = np.zeros(2000)
    for t in range(1, 2000):
        change[t] = 0.6 * change[t - 1] + rng.normal()
    x = np.cumsum(change)
    expected = x[-1] + change[-1] * np.cumsum(0.6 ** np.arange(1, 5))
    assert autoregression(x, 1, 4, 0.0) == pytest.approx(expected, abs=1.0)
    repeated = np.resize(YEAR, 60)
    assert autoregression(repeated, 12, 12, 0.5) == pytest.approx(YEAR)


# --- Any series -----------------------------------------------------------------------------------


@settings(max_examples=60)
@given(st.lists(numbers, min_size=3, max_size=40), st.integers(1, 50), st.sampled_from([1, 4, 12]))
def test_any_series_has_a_forecast(y: list[float], horizon: int, season: int) -> None:
    given_values = np.array(y)
    kept = given_values.copy()
    sane(forecast(given_values, horizon, season), horizon)
    assert (given_values == kept).all()


@settings(max_examples=60)
@given(st.lists(st.floats(0, 1), min_size=3, max_size=40), st.sampled_from([1, 4, 12]))
def test_what_has_a_range_stays_in_it(y: list[float], season: int) -> None:
    amounts, rates = forecast(np.array(y) * 1e6, 12, season), forecast(y, 12, season, "logit")
    for found in (amounts, rates):
        sane(found, 12)
        assert min(part.min() for part in found) >= 0
    assert max(part.max() for part in rates) <= 1


@given(st.integers(0, 1000), st.floats(1e-3, 1e6))
@settings(max_examples=15)
def test_another_currency_changes_nothing_else(seed: int, rate: float) -> None:
    y = simulated(seed)
    one, other = forecast(y, 6, 12), forecast(y * rate, 6, 12)
    for a, b in zip(one, other, strict=True):
        assert b == pytest.approx(a * rate, rel=1e-6)


# --- Bad input ------------------------------------------------------------------------------------


def test_few_points_go_on_at_their_rate() -> None:
    """Four values, mean 10, deviation 2: Student's t of 3 degrees is 3.182."""
    found = forecast([8.0, 10, 12, 10], 3, scale="plain")
    half = 3.18245 * np.std([8, 10, 12, 10], ddof=1) * np.sqrt(1.25)
    assert found.mean == pytest.approx([10.0] * 3)
    assert found.hi95 == pytest.approx([10 + half] * 3, rel=1e-4)


@pytest.mark.parametrize("value", [0.0, 5.0, -3.0])
def test_what_never_moved_goes_on(value: float) -> None:
    found = forecast([value] * 24, 30, 12)
    for part in found:
        assert part == pytest.approx([value] * 30, abs=1e-6)


def test_gaps_are_filled_with_the_season() -> None:
    y = 100 + np.resize(YEAR, 48)
    with_gaps = y.copy()
    with_gaps[[5, 12, 13, 30]] = np.nan
    series = cleaned(np.r_[np.nan, np.nan, with_gaps], 12)
    assert series.gaps.nonzero()[0].tolist() == [5, 12, 13, 30]
    assert series.values == pytest.approx(y, abs=4)
    assert forecast(with_gaps, 12, 12).mean == pytest.approx(forecast(y, 12, 12).mean, rel=0.05)


@pytest.mark.parametrize("at", [0, 1, 20, 46, 47])
def test_a_spike_is_damped_and_moves_little(at: int) -> None:
    y = simulated(6)
    spiked = y.copy()
    spiked[at] *= 1000
    assert cleaned(spiked, 12).spikes.nonzero()[0].tolist() == [at]
    found, calm = forecast(spiked, 6, 12), forecast(y, 6, 12)
    assert found.mean == pytest.approx(calm.mean, rel=0.25)
    assert (found.hi95 < 3 * calm.hi95).all()


def test_a_new_level_or_a_strong_december_is_no_spike() -> None:
    assert not cleaned(np.array([10.0] * 12 + [100.0] * 12), 12).spikes.any()
    assert not cleaned(np.resize([10.0] * 11 + [200.0], 48), 12).spikes.any()
    assert not np.concatenate([cleaned(simulated(seed), 12).spikes for seed in range(50)]).any()


@pytest.mark.parametrize(
    ("y", "horizon", "season", "error", "says"),
    [
        ([1.0, 2, np.inf, 4], 3, 1, BadInput, "finite"),
        ([1.0, 2, 1e298, 4], 3, 1, BadInput, "150 digits"),
        ([1.0, 2], 3, 1, Unavailable, "3 values"),
        ([np.nan] * 20, 3, 1, Unavailable, "it has 0"),
        ([], 3, 1, Unavailable, "it has 0"),
        ([1.0, 2, 3], 0, 1, BadInput, "whole number"),
        ([1.0, 2, 3], 3, 0, BadInput, "whole number"),
    ],
)
def test_what_cannot_be_forecast_is_said(
    y: list[float], horizon: int, season: int, error: type[KpiError], says: str
) -> None:
    with pytest.raises(error, match=says):
        forecast(y, horizon, season)


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ({"y": ["a", "b", "c"]}, BadInput, "list of numbers"),
        ({"y": {"a": 1}}, BadInput, "list of numbers"),
        ({"horizon": True}, BadInput, "whole number"),
        ({"scale": "logarithm"}, UnknownName, "logit"),
        ({"model": "prophet"}, UnknownName, "seasonal_naive"),
    ],
)
def test_what_is_asked_wrongly_is_said(
    asked: dict[str, Any], error: type[KpiError], says: str
) -> None:
    with pytest.raises(error, match=says):
        forecast(**{"y": [1.0, 2, 3], "horizon": 3} | asked)


# --- Intervals hold what they promise -------------------------------------------------------------


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
        yield importlib.import_module("forecast_intervals")


@pytest.fixture(scope="module")
def errors(bench: ModuleType) -> pd.DataFrame:
    rows = []
    for seed in range(150):
        y = simulated(seed, 50 + seed % 40)
        rows.append({"group": "made", "season": 12, "train": y[:-18], "test": y[-18:]})
    return bench.collected(pd.DataFrame(rows))


def test_cover_of_simulated_series(bench: ModuleType, errors: pd.DataFrame) -> None:
    """150 series: the shipped constants cover within three errors of what they promise."""
    cover = bench.covers(errors, np.array(bench.MULTIPLIERS)).loc["made"]
    assert 0.74 < cover["cover80"] < 0.88
    assert 0.91 < cover["cover95"] < 0.985


def test_fitted_constants_cover_what_they_were_fitted_to(
    bench: ModuleType, errors: pd.DataFrame
) -> None:
    """A quantile regression leaves the share asked for on either side; they are like those shipped.

    The table of the shipped ones is printed by the script, from series that are not shipped.
    """
    multipliers = bench.fitted(errors)
    cover = bench.covers(errors, multipliers).loc["made"]
    assert cover.tolist() == pytest.approx([0.8, 0.95], abs=0.006)
    x = np.stack(errors["features"]).mean(axis=0)
    far = multipliers @ x
    assert far == pytest.approx(np.array(bench.MULTIPLIERS) @ x, abs=0.25)
    assert far[2] > far[0]
    assert far[3] > far[1]


def test_the_cover_of_each_group_is_held(bench: ModuleType, errors: pd.DataFrame) -> None:
    """A group whose errors are half as large again is left uncovered by one regression for all."""
    second = errors["series"] >= 120
    group = np.where(second, "wild", "made")
    apart = errors.assign(group=group, error=errors["error"] * np.where(second, 1.5, 1.0))
    plain = bench.fitted(apart)
    kept = bench.held(apart, plain)
    before, after = (bench.covers(apart, each)["cover95"] for each in (plain, kept))
    assert before["wild"] < 0.915
    assert after.between(0.925, 0.975).all()
    assert (kept[:2] == plain[:2]).all()


def test_the_table_beside_others() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
        bench = importlib.import_module("forecast")
    ys = [simulated(seed, 66) for seed in range(20)]
    rows = [{"group": "made", "season": 12, "train": y[:-18], "test": y[-18:]} for y in ys]
    found = bench.table(pd.DataFrame(rows), ("four", "seasonal_naive")).set_index("model")
    assert found.loc["four", "owa"] < 1
    assert found.loc["four", "owa"] < found.loc["seasonal_naive", "owa"]
    missed = [np.abs(y[-18:] - y[36:48][np.arange(18) % 12]).mean() for y in ys]
    unit = [np.abs(y[12:-18] - y[:-30]).mean() for y in ys]
    assert found.loc["seasonal_naive", "mase"] == pytest.approx(np.mean(np.divide(missed, unit)))


@pytest.mark.parametrize("seasonal", [False, True])
def test_models_are_charged_for_each_figure_that_they_fit(seasonal: bool) -> None:
    """A level, a drift or (with its damping) two and a half for a trend, and a moving season."""
    models = grid(seasonal)
    trend = np.where(models.trend > 0, 1.5, models.drift > 0)
    assert models.free == pytest.approx(1 + trend + (models.season > 0))
    assert (models.season > 0).any() == seasonal
