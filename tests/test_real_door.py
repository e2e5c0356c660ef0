"""Every published data set comes through the door with the rows and sums that are known of it."""

from functools import cache

import pandas as pd
import pytest
from packs import REAL, opened

import kpi_helpers as kh
from kpi_helpers.sources import Dataset

pytestmark = pytest.mark.thorough

ROWS = {
    "adventureworks": {"order_lines": 60_855, "orders": 3_796, "targets": 163},
    "bank_calls": {"activities": 33_344 - 278},
    "cdnow": {"orders": 69_659},
    "completejourney": {
        "customers": 801,
        "orders": 155_848,
        "order_lines": 1_469_307,
        "products": 92_331,
    },
    "facebook_ads": {"spend": 1_143},
    "helpdesk": {"stage_history": 21_348, "activities": 4_580},
    "maven_crm": {"deals": 8_800, "customers": 85, "reps": 35, "products": 7},
    "norway_cars": {"benchmarks": 4_377},
    "nps_bank": {"surveys": 5_000},
    "olist": {"deals": 842, "leads": 8_000},
    "online_retail": {"order_lines": 541_909, "orders": 25_900},
    "telco_churn": {"customers": 7_043},
}
data_set = cache(opened)


def total(name: str, table: str, column: str) -> float:
    return float(data_set(name)[table][column].sum())


def found(data: Dataset) -> dict[tuple[str, str], int]:
    return kh.quality(data).set_index(["check", "table"])["rows"].to_dict()


def test_every_published_set_has_its_settings() -> None:
    if not REAL.is_dir():
        pytest.skip(f"there are no data sets in {REAL}: set KPI_REAL_DATA to their folder")
    assert {path.name for path in REAL.iterdir() if path.is_dir()} == {*ROWS}


@pytest.mark.parametrize("name", ROWS)
def test_every_row_arrives(name: str) -> None:
    data = data_set(name)
    counted = {table: int(data.table(table).count().to_pyarrow().as_py()) for table in data.tables}
    assert {table: counted[table] for table in ROWS[name]} == ROWS[name]
    excluded = kh.left_out(data).query("action == 'excluded'")
    assert excluded.empty


def test_calls_are_answered_or_missed() -> None:
    calls = data_set("bank_calls")["activities"]
    assert calls["outcome"].value_counts().to_dict() == {"answered": 27_162, "missed": 5_904}
    assert calls["started_at"].min() >= pd.Timestamp("1999-02-01")


def test_purchases_keep_their_cents_and_their_zeros() -> None:
    assert total("cdnow", "orders", "amount_net") == pytest.approx(2_500_315.63)
    orders = data_set("cdnow")["orders"]
    assert (orders["amount_net"] == 0).sum() == 80
    assert orders["customer_id"].nunique() == 23_570


def test_baskets_add_up_to_their_lines() -> None:
    assert total("completejourney", "orders", "amount_net") == pytest.approx(4_596_039.58)
    lines = data_set("completejourney")["order_lines"]
    assert lines["customer_id"].nunique() == 2_469
    assert (lines["order_date"] >= pd.Timestamp("2018-01-01")).sum() == 534
    assert found(data_set("completejourney"))["not_in_entity", "order_lines"] > 0


def test_answers_keep_their_score() -> None:
    scores = data_set("nps_bank")["surveys"]["score"]
    assert ((scores >= 9).sum(), (scores <= 6).sum()) == (2_309, 1_719)


def test_steps_that_stand_twice_are_flagged() -> None:
    assert found(data_set("helpdesk"))["duplicate_key", "stage_history"] == 127


def test_what_ads_cost_and_subscribers_pay() -> None:
    assert total("facebook_ads", "spend", "amount") == pytest.approx(58_705.23, abs=0.005)
    assert total("telco_churn", "customers", "mrr") == pytest.approx(456_116.6)


def test_makes_are_the_market() -> None:
    cars = data_set("norway_cars")["benchmarks"]
    assert cars["value"].sum() == 1_347_250
    assert (cars["entity"] == "unnamed").sum() == 10
