"""Figures that are withheld, or to be read with care, for what the data are."""

import pandas as pd
import pytest
from test_measure import deals_of

import kpi_helpers as kh
from kpi_helpers.reports.places import sample


def test_an_export_of_successes_has_no_win_rate() -> None:
    found = kh.measure(
        kh.load(deals_of(["won"] * 5, amount=100.0), {"language": "en"}), "win_rate_count", "all"
    )
    assert (found["status"].iloc[0], pd.isna(found["value"].iloc[0])) == ("missing", True)
    assert "no lost and no open one" in found["note"].iloc[0]


@pytest.mark.parametrize(("unpriced", "status"), [(0, "ok"), (1, "indicative"), (5, "missing")])
def test_a_stock_partly_without_amounts_is_read_with_care(unpriced: int, status: str) -> None:
    amounts = [100.0] * (10 - unpriced) + [None] * unpriced
    data = kh.load(deals_of(["open"] * 10, amount=amounts), as_of="2026-03-31")
    assert kh.measure(data, "open_pipeline_value", "2026Q1")["status"].iloc[0] == status


def test_a_customer_who_is_handed_over_has_not_left() -> None:
    orders = pd.DataFrame(
        {
            "order_id": ["1", "2", "3"],
            "order_date": ["2025-03-01", "2026-03-01", "2025-03-02"],
            "amount_net": 10.0,
            "customer_id": ["X", "X", "Y"],
            "owner": ["Ann", "Bob", "Ann"],
        }
    )
    early = orders.head(1).assign(order_id="0", order_date="2023-01-01", customer_id="Z")
    data = kh.load({"orders": pd.concat([orders, early])}, as_of="2026-03-31")
    both = {"customer_retention_rate": "2026Q1", "repurchase_rate": "2026Q1"}
    for kpi, period in both.items():
        found = kh.measure(data, kpi, period, by="owner").set_index("owner")
        assert found.loc["Ann", ["numerator", "denominator"]].tolist() == [1, 2]
        only = kh.measure(data, kpi, period, where={"owner": "Ann"})
        assert only[["numerator", "denominator"]].iloc[0].tolist() == [1, 2]


def test_a_source_without_deals_is_asked_all_the_same() -> None:
    orders = pd.DataFrame({"order_id": ["1"], "order_date": "2026-01-05", "amount_net": 1.0})
    found = kh.measure(kh.load({"orders": orders}), ["revenue", "win_rate_count"], "2026Q1")
    assert found.set_index("kpi")["status"]["win_rate_count"] == "missing"


def test_a_wait_is_the_same_beside_whatever_it_is_compared_with() -> None:
    data = kh.load(sample(), {"language": "en"})
    alone = kh.measure(data, "service_response_time", "2026Q3")["value"].iloc[0]
    for to in ("previous", "year_ago"):
        beside = kh.compare(data, "service_response_time", "2026Q3", to=to)
        assert beside["value"].iloc[0] == alone
