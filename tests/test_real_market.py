"""The market and our peers on published data: ten years of cars, and the places of one company."""

import tomllib

import numpy as np
import pandas as pd
import pytest
from packs import HERE, published

import kpi_helpers as kh
from kpi_helpers import benchmarking
from kpi_helpers.benchmarking.market import US

pytestmark = pytest.mark.thorough


def test_ten_years_of_cars_and_one_month() -> None:
    folder = published("norway_cars")
    data = kh.load(folder, HERE / "real" / "norway_cars.toml")
    raw = pd.read_csv(folder / "norway_new_car_sales_by_make.csv")
    raw["Make"] = raw["Make"].fillna("unnamed").str.strip().replace("NA", "unnamed")
    by_year = raw.pivot_table("Quantity", "Make", "Year", "sum", fill_value=0)
    share = by_year / by_year.sum()
    for us in ("Tesla", "Volkswagen"):
        sold = benchmarking.sellers(data, "2017-01", us)
        shown = sold.pivot_table("value", "entity", "period", fill_value=0)
        expected = share.loc[shown.index].to_numpy()
        assert np.abs(shown.to_numpy() - expected).max() < 1e-5  # one car is told twice
        assert sold.loc[sold["part"], "period"].unique().tolist() == ["2017"]
        years = benchmarking.concentration(sold).set_index("period")
        hhi = ((100 * share.drop("unnamed")) ** 2).sum()
        assert years["hhi_low"].to_numpy() == pytest.approx(hhi.to_numpy(), rel=1e-4)
        assert years["leader"].ne(us).all()
        gained = benchmarking.gains(data, "2017-01", us).set_index("entity")
        assert set(gained["period"] + gained["period_before"]) == {"20162015"}
        change = 100 * (share[2016] - share[2015])
        assert gained["gain"].to_dict() == pytest.approx(
            change.loc[gained.index].to_dict(), abs=1e-3
        )
        assert gained.index[0] == "BMW"
        assert gained.loc[us, "kind"] == US
    assert years["came"].str.contains("Tesla").pipe(lambda seen: seen.index[seen].tolist()) == [
        "2009"
    ]
    for year in range(2008, 2017):
        was, now = (by_year.index[by_year[each] > 0] for each in (year - 1, year))
        moved = {"came": now.difference(was), "went": was.difference(now)}
        for column, names in moved.items():
            told = set(years.loc[str(year), column].split(", ")) - {""}
            assert told == set(names) - {"unnamed"}
    assert years.loc[["2007", "2017"], ["came", "went"]].eq("").all(axis=None)
    first = benchmarking.sellers(data, "2009", "Tesla").query("entity == 'Tesla'")
    assert first["period"].tolist() == ["2009"]
    assert benchmarking.gains(data, "2009").set_index("entity").loc["Tesla", "seen"] == "new"


def test_territories_are_peers_within_their_group_without_themselves() -> None:
    folder = published("adventureworks")
    own = tomllib.loads((HERE / "real" / "adventureworks.toml").read_text("utf-8"))
    del own["tables"]["targets"]
    query = own["tables"]["order_lines"]["query"].replace(
        "FROM FactResellerSales AS sales",
        ", place.SalesTerritoryRegion AS territory, place.SalesTerritoryGroup AS zone\n"
        "FROM FactResellerSales AS sales JOIN DimSalesTerritory AS place USING (SalesTerritoryKey)",
    )
    own["tables"]["order_lines"]["query"] = query
    data = kh.load(folder, own)
    found = benchmarking.peers(data, "revenue", "2013Q2", "territory", "zone")
    sizes = {"Europe": 3, "North America": 6, "Pacific": 1}
    assert found.groupby("group").size().to_dict() == sizes
    for row in found.to_dict("records"):
        same = found["group"].eq(row["group"]) & found["unit_name"].ne(row["unit_name"])
        others = found.loc[same, "value"]
        assert row["peers"] == len(others)
        if len(others):
            assert row["middle"] == others.median()
            assert row["place"] == pytest.approx((others < row["value"]).mean())
            assert row["best"] == others.max()
        else:
            assert np.isnan(row["place"])
