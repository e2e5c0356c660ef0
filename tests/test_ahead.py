"""Forecasts of a data set's headline KPIs, their quarters, and how good they were before."""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from test_forecasting import simulated
from test_forecasts import monthly

import kpi_helpers as kh
from kpi_helpers.errors import Unavailable, UnknownName
from kpi_helpers.forecasting import ahead, forecast
from kpi_helpers.forecasting.bands import steadied
from kpi_helpers.forecasting.frames import series_of
from kpi_helpers.forecasting.headline import Ahead
from kpi_helpers.forecasting.totals import alike, totals
from kpi_helpers.measure.judge import MISSING
from kpi_helpers.samples import company
from kpi_helpers.sources import Dataset


@pytest.fixture(scope="module")
def found(sample: Dataset) -> Ahead:
    return ahead(sample, 6)


def test_days_are_not_forecast(sample: Dataset) -> None:
    with pytest.raises(UnknownName, match="Unknown grain: 'day'.*week, month, quarter, year"):
        ahead(sample, grain="day")


# --- Quarters -------------------------------------------------------------------------------------


def test_the_limits_of_a_sum_are_those_of_a_random_walk() -> None:
    """Three steps on, the sum's error is 3 e1 + 2 e2 + e3: a variance of 14 steps, not of 6."""
    past = monthly(np.r_[-1.0, simulated(1, 44)])
    ahead = kh.forecast(past, 3, model="naive")
    (one,) = totals(series_of(past), ahead).to_dict("records")
    first = ahead["hi95"].iloc[0] - ahead["value"].iloc[0]
    assert one["value"] == pytest.approx(3 * past["value"].iloc[-1])
    assert one["hi95"] - one["value"] == pytest.approx(first * np.sqrt(14))
    assert one["value"] - one["lo95"] == pytest.approx(first * np.sqrt(14))


def test_months_of_a_quarter_that_are_known_are_added_and_certain() -> None:
    past = monthly(simulated(2, 44))  # up to August 2024
    ahead = kh.forecast(past, 4)
    first, second = totals(series_of(past), ahead).to_dict("records")
    known = past["value"].iloc[-2:].sum()
    for name in ("value", "lo80", "hi95"):
        assert first[name] == pytest.approx(known + ahead[name].iloc[0])
    assert (first["period"], second["period"]) == ("2024Q3", "2024Q4")
    rest = ahead.iloc[1:]
    assert second["value"] == pytest.approx(rest["value"].sum())
    alone = np.sqrt(((rest["hi80"] - rest["value"]) ** 2).sum())
    assert alone < second["hi80"] - second["value"] < (rest["hi80"] - rest["value"]).sum()


def test_a_quarter_with_a_gap_or_a_month_beyond_is_none() -> None:
    past = monthly(simulated(2, 44)).drop(index=42)
    ahead = kh.forecast(past, 3)
    assert totals(series_of(past), ahead).empty


def test_how_alike_errors_are_by_law_and_as_seen() -> None:
    y = np.random.default_rng(3).normal(100, 5, 400)
    assert alike("run_rate", y[:4], 2, 1).tolist() == [[1.0, 0.2], [0.2, 1.0]]
    assert alike("seasonal_naive", y, 5, 4)[0].round(3).tolist() == [1, 0, 0, 0, 0.707]
    seen = alike("four", y, 3, 1)
    assert seen[0, 1] < 0.1
    assert np.diag(seen) == pytest.approx([1.0] * 3)
    walk = alike("four", np.cumsum(y - 99), 3, 1)
    assert walk[0, 1] == pytest.approx(np.sqrt(1 / 2), abs=0.1)
    assert np.linalg.eigvalsh(walk).min() > 0
    assert (alike("four", y[:9], 3, 1) == 1).all()


# --- A data set -----------------------------------------------------------------------------------


def test_headline_kpis_go_on_from_their_last_readable_month(found: Ahead) -> None:
    ahead = found.ahead.set_index("kpi")
    first = ahead.groupby(level=0, sort=False)["period"].first()
    assert first["revenue"] == "2026-10"
    assert first["lead_to_customer_rate"] == "2026-04"  # its young cohorts are no end of a trend
    assert "bookings" not in first
    nps = ahead.loc["nps"]
    assert (nps["status"] == MISSING).all()
    assert nps["note"].ne("").all()
    quarters = ahead.loc["revenue", "period"].tolist()[-2:]
    assert quarters == ["2026Q4", "2027Q1"]
    assert ahead.loc["lead_to_customer_rate", "period"].str.contains("Q").sum() == 0
    rates = ahead.loc["lead_to_customer_rate", ["lo95", "hi95"]]
    assert rates.stack().between(0, 1).all()


def test_errors_of_the_past_by_a_loop(found: Ahead) -> None:
    past = found.past.loc[found.past["kpi"] == "leads_generated", "value"].to_numpy(float)
    off, size = [], 0.0
    for t in range(len(past) - 13, len(past) - 5):
        path = forecast(past[:t], 6, 12).mean
        off.append(abs(path[3:].sum() - past[t + 3 : t + 6].sum()))
        size += past[t + 3 : t + 6].sum()
    row = found.ahead[(found.ahead["kpi"] == "leads_generated")].iloc[-1]
    assert row["period"] == "2027Q1"
    assert row["missed"] == pytest.approx(np.mean(off))
    assert row["missed_share"] == pytest.approx(sum(off) / size)
    assert row["year_ago"] == past[-9:-6].sum()


def test_the_baselines_are_always_in_the_table_and_beaten_or_shipped(found: Ahead) -> None:
    for kpi, rows in found.tested.groupby("kpi"):
        assert {"naive", "seasonal_naive", "drift", "four"} <= {*rows["model"]}, kpi
        mase = rows.groupby("model")["mase"].mean()
        (shipped,) = rows.loc[rows["shipped"], "model"].unique()
        assert shipped == "seasonal_naive" or mase[shipped] <= mase["seasonal_naive"], kpi
    tried = found.tried[found.tried["kpi"] == "revenue"]
    actual = found.past[found.past["kpi"] == "revenue"].set_index("period")["value"]
    assert tried["actual"].tolist() == actual[tried["period"]].tolist()


def test_an_earlier_day_reads_nothing_later(found: Ahead) -> None:
    """In mid-July nothing is known of July, though some of it is in the data."""
    before = ahead(kh.load("data/sample", {"as_of": "2026-07-14"}), 3, kpis="revenue")
    assert before.ahead["period"].tolist() == ["2026-07", "2026-08", "2026-09", "2026Q3"]
    assert before.past["period"].iloc[-1] == "2026-06"
    months = found.past[found.past["kpi"] == "revenue"].iloc[:-3]
    alone = kh.forecast(months, 3)
    assert before.ahead["value"].iloc[:3].tolist() == alone["value"].tolist()


@pytest.mark.parametrize("months", [3, 7, 11])
def test_short_histories_have_limits_or_a_reason(months: int) -> None:
    days = pd.date_range("2025-01-01", periods=months, freq="MS")
    orders = {"order_id": [f"{n}" for n in range(months)], "order_date": days}
    frame = pd.DataFrame({**orders, "amount_net": 100.0 + np.arange(months)})
    data = kh.load({"orders": frame})
    if months == 3:
        assert (ahead(data, 3, kpis="revenue").ahead["status"] == MISSING).all()
        return
    made = ahead(data, 3, kpis="revenue")
    assert made.ahead["value"].notna().all()
    assert set(made.ahead["status"]) <= {"insufficient", "indicative"}


def test_without_any_figure_there_is_a_reason() -> None:
    deals = {"deal_id": ["1"], "status": ["won"], "created_at": ["2026-01-05"]}
    data = kh.load(pd.DataFrame({**deals, "closed_at": ["2026-02-01"]}))
    with pytest.raises(Unavailable):
        ahead(data, 3, kpis="leads_generated")


# --- Intervals hold what they promise -------------------------------------------------------------


def test_what_chance_explains_of_a_share_does_not_grow_with_the_horizon() -> None:
    """With few cases the whole width stays; with very many it grows as it would have."""
    levels = np.array([[0.5, 0.5], [0.4, 0.3], [0.6, 0.7], [0.35, 0.2], [0.65, 0.8]])
    few, many = steadied(levels, 10), steadied(levels, 1e9)
    assert few[:, 1] == pytest.approx(levels[:, 0])
    assert many == pytest.approx(levels)
    half = steadied(levels, 80)
    assert half[:, 0] == pytest.approx(levels[:, 0])
    assert levels[2, 0] < half[2, 1] < levels[2, 1]
    assert (steadied(levels, 0) == levels).all()


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
        yield importlib.import_module("forecast_cover")


def test_simulated_companies_are_those_of_the_generator(bench: ModuleType) -> None:
    """The same seed gives the months of the sample itself, by its own tables."""
    tables, until = company(5, leads_a_month=60), pd.Timestamp("2026-09-30").date()
    found = bench.company(5, leads_a_month=60, as_of=until)
    orders, leads = tables["orders"], tables["leads"]
    revenue = orders["amount_net"].groupby(orders["order_date"].dt.to_period("M")).sum()
    pd.testing.assert_series_equal(found["revenue"], revenue, check_names=False)
    by_month = leads.groupby(leads["created_at"].dt.to_period("M"))
    assert found["leads"].tolist() == by_month.size().tolist()
    days = leads["converted_at"] - leads["created_at"]
    soon = (days <= pd.Timedelta(days=bench.WINDOW)).groupby(leads["created_at"].dt.to_period("M"))
    assert found["won"].tolist() == soon.sum().tolist()


def test_cover_over_simulated_companies(bench: ModuleType) -> None:
    """Six companies, 36 forecasts each by month: 300 are run by the script."""
    found = bench.table(range(6))
    months = found[found.index.str.endswith("months")]
    assert 0.70 < months["cover80"].mean() < 0.92
    assert months["cover95"].mean() > 0.91


# --- Bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda y: np.where(np.arange(30) == 20, 1000 * y, y), "2024-09"),
        (lambda y: np.where(np.arange(30) % 7 == 3, -y, y), ""),
        (lambda y: np.full(30, 50.0), "never moved"),
        (lambda y: np.zeros(30), "never moved"),
    ],
    ids=["spike", "negative", "equal", "zero"],
)
def test_odd_months_of_a_source_have_a_forecast_with_its_limits(
    change: Callable[[np.ndarray], np.ndarray], says: str
) -> None:
    days = pd.date_range("2023-01-01", periods=31, freq="MS")
    amounts = np.r_[change(simulated(4, 30)), 1.0]
    orders = {"order_id": [f"{n}" for n in range(31)], "order_date": days, "amount_net": amounts}
    frame = pd.DataFrame(orders).sample(frac=1, random_state=1)  # in no order
    found = ahead(kh.load({"orders": frame}, {"language": "en"}), 40, kpis="revenue")
    steps = found.ahead[found.ahead["part"] == "step"]
    figures = steps[["value", "lo80", "hi80", "lo95", "hi95"]].to_numpy()
    assert np.isfinite(figures).all()
    assert np.abs(figures).max() < 1e5
    assert (amounts < 0).any() or figures.min() >= 0
    assert steps["note"].str.contains(says).all()
    assert steps["note"].str.contains("longer than the past").all()
