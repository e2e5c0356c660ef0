"""Trends of published data: AdventureWorks, cars of Norway by make, a gift wholesaler by week."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from packs import HERE, opened, published

import kpi_helpers as kh
from kpi_helpers import charts, forecasting, wording
from kpi_helpers.language import LANGUAGES

pytestmark = pytest.mark.thorough

MAKES = ("Toyota", "Volkswagen", "Tesla", "Ford", "Volvo", "Opel")


def adventureworks() -> pd.DataFrame:
    """Reseller revenue through its settings; internet revenue straight from its lines."""
    place = published("adventureworks")
    resold = kh.load(place, HERE / "real" / "adventureworks.toml")
    lines = pd.read_parquet(place / "FactInternetSales.parquet")
    orders = lines.groupby("SalesOrderNumber", as_index=False).agg(
        order_date=("OrderDate", "first"), amount_net=("SalesAmount", "sum")
    )
    orders = orders.rename(columns={"SalesOrderNumber": "order_id"})
    online = kh.load({"orders": orders}, {"country": "US", "currency": "USD", "language": "en"})
    both = {"Reseller": resold, "Internet": online}
    found = [
        forecasting.series(data, "revenue", "2013Q4").assign(kpi=name, label=name)
        for name, data in both.items()
    ]
    return forecasting.decomposed(pd.concat(found, ignore_index=True))


def norway() -> pd.DataFrame:
    """Monthly registrations of a few makes, 2012 to 2016."""
    cars = pd.read_csv(published("norway_cars") / "norway_new_car_sales_by_make.csv")
    cars = cars[cars["Make"].str.strip().isin(MAKES) & cars["Year"].between(2012, 2016)]
    start = pd.to_datetime({"year": cars["Year"], "month": cars["Month"], "day": 1})
    facts = {"unit": "count", "better": "higher", "method": "exact", "status": "ok", "note": ""}
    named = {"kpi": cars["Make"].str.strip(), "label": cars["Make"].str.strip(), "start": start}
    blank = dict.fromkeys(("numerator", "denominator", "n", "low", "high"), np.nan)
    frame = cars[[]].assign(**named, value=cars["Quantity"].astype(float), **facts, **blank)
    frame["end"] = frame["start"] + pd.offsets.MonthBegin()
    frame["period"] = frame["start"].dt.strftime("%Y-%m")
    whole = frame.groupby("kpi")["start"].transform("size") == 60
    return forecasting.decomposed(forecasting.with_adjusted(frame[whole], 12))


def weekly() -> pd.DataFrame:
    """Weekly revenue of the wholesaler."""
    data = opened("online_retail")
    return forecasting.course(data, "revenue", "2011-11", grain="week")


@pytest.mark.parametrize("made", [adventureworks, norway, weekly])
def test_published_series_have_trends_that_are_drawn_and_told(made, tmp_path: Path) -> None:
    parts = made()
    found = forecasting.trends(parts)
    assert found["per_year"].between(found["per_year_low"], found["per_year_high"]).all()
    sums = parts[["trend", "seasonal", "rest"]].sum(axis=1)[parts["trend"].notna()]
    assert sums.to_numpy() == pytest.approx(parts["adjusted"].dropna().to_numpy())
    for lang in LANGUAGES:
        figure = charts.trend_lines(parts, found, lang=lang, currency="USD")
        told = wording.trends_findings(found, lang, currency="USD")["sentence"]
        assert charts.alt(figure) == told.iloc[0]
        path = tmp_path / f"{made.__name__}_{lang}.png"
        figure.savefig(path)
        assert path.stat().st_size > 10_000


def test_cars_of_norway_have_a_season_and_some_a_trend() -> None:
    found = forecasting.trends(norway()).set_index("kpi")
    assert (found["turns"] == "shown").sum() >= 3
    assert found.loc["Ford", "verdict"] == "worse"


def test_a_week_without_sales_is_no_fall() -> None:
    """The wholesaler is closed over Christmas, which one year of weeks cannot tell from a spike."""
    found = weekly()
    assert found.loc[found["spike"], "period"].tolist() == ["2010W52"]
    assert forecasting.trends(found)["turns"].tolist() == ["unknown"]
