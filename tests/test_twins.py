"""Every KPI against its naive twin, on the sample company and on random ones."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import twins
import twins_kept
import twins_market
import twins_outlook
import twins_pipeline
import twins_service
import twins_worth
from hypothesis import given
from hypothesis import strategies as st
from strategies import AS_OF, COHORTS, QUARTERS, WINDOW, Frames, companies, opened, quick, some
from twins import Asked, Row, rows_of, twins_in

import kpi_helpers as kh
from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.errors import Unavailable
from kpi_helpers.kpis import catalogue
from kpi_helpers.sources import Dataset

MODULES = (twins, twins_kept, twins_market, twins_outlook, twins_pipeline, twins_service)
MODULES += (twins_worth,)
TWINS = {name: twin for module in MODULES for name, twin in twins_in(module).items()}
SAMPLE = Path(__file__).parents[1] / "data" / "sample"
WINDOW_OF_SAMPLE = 90
SETTINGS = {
    "language": "en",
    "as_of": "2026-08-14",
    "windows": dict.fromkeys(COHORTS, WINDOW_OF_SAMPLE),
    "lags": {"cac": 1},
}
NOT_COVERED = ("Read for a period that has not ended", "No data in", "Period still to come")
KPIS = catalogue()["id"].tolist()
ON_SPEND = [
    *("acquisition_spend", "media_spend", "cac", "cost_per_lead", "cost_per_qualified_lead"),
    *("sales_marketing_ratio", "ltv_cac_ratio", "cac_payback_months"),
    *("campaign_spend", "campaign_spend_matured", "roas", "campaign_romi"),
]
ON_CONTRACTS = [
    *("arpa", "monthly_churn", "ltv", "ltv_discounted"),
    *("logo_churn_rate", "gross_revenue_retention", "net_revenue_retention", "upsell_rate"),
]
ON_FORECASTS = ["forecast_accuracy", "forecast_bias", "email_open_rate"]
ON_TARGETS = ["revenue_attainment", "bookings_target", "pipeline_coverage", "prob_hit_target"]
ON_TARGETS += ["target_pacing"]
ON_DEALS = [
    *("win_rate_count", "win_rate_value", "bookings", "avg_deal_value", "deals_won_count"),
    *("new_customers_won", "open_pipeline_value", "pipeline_due", "sales_cycle_duration"),
    *("discount_rate", "pipeline_created", "no_decision_rate", "open_deals", "sales_velocity"),
    *("stalled_share", "qualified_pipeline_share", "weighted_pipeline", "pipeline_age"),
    *("time_in_stage", "stage_regression_rate", "slippage_rate"),
    "crm_report_quality",
]
ON_LEADS = [
    *("leads_generated", "qualified_leads", "marketing_qualified_leads", "lead_velocity_rate"),
    *COHORTS,
    *("referral_rate", "lead_response_time", "bant_score"),
]
ON_ORDERS = [
    *("revenue", "revenue_growth", "new_customers", "revenue_per_customer", "aov"),
    *("customer_retention_rate", "repurchase_rate", "gross_margin_rate"),
    *("orders_placed", "refund_rate"),
    *("new_vs_existing_revenue", "purchase_frequency"),
    *("new_vs_existing_revenue", "campaign_revenue", "campaign_margin"),
]
BY_YEAR = ["revenue_concentration", "cross_sell_rate", "rfm_segment_share"]
ON_WEB = ["cart_abandonment_rate", "site_conversion_rate", "site_visits"]
ON_SURVEYS = ["csat", "nps", "ces", "review_score", "review_count", "perception_gap"]
ON_ACTIVITIES = [
    *("calls_made", "calls_received", "calls_handled", "missed_call_rate", "answer_rate"),
    *("call_to_meeting_rate", "meetings_booked", "service_response_time"),
    *("activities_per_rep", "complaints", "active_prospects"),
]
NO_TEAM = [*ON_SPEND, *ON_CONTRACTS, *ON_WEB, *ON_SURVEYS, *ON_FORECASTS]
BREAKDOWNS = {
    "team": [name for name in KPIS if name not in NO_TEAM],
    "source": [*ON_DEALS, *ON_LEADS, *ON_WEB],
    "channel": [*ON_ORDERS, *BY_YEAR, "acquisition_spend", "media_spend", "cac"],
    "touchpoint": [name for name in ON_SURVEYS if name not in ("nps", "perception_gap")],
}


@pytest.fixture(scope="module")
def sample() -> Dataset:
    return kh.load(SAMPLE, SETTINGS)


@pytest.fixture(scope="module")
def sample_frames() -> Frames:
    return {path.stem: pd.read_parquet(path) for path in SAMPLE.glob("*.parquet")}


def _none(value: Any) -> Any:
    return None if pd.isna(value) else value


def compare(found: pd.DataFrame, tables: dict[str, list[Row]], ask: Asked, by: str = "") -> int:
    """Hold every row of a tidy frame against its twin; return how many had a value."""
    known = 0
    for row in found.to_dict("records"):
        value = _none(row[by]) if by else None
        asked = ask._replace(
            start=row["start"].date(),
            end=row["end"].date(),
            keep=(lambda each, v=value: each.get(by) == v) if by else ask.keep,
            scope=("team", value) if by == "team" else ("company", None),
        )
        twin = TWINS[row["kpi"]](tables, asked)
        if row["status"] != "missing":
            got = [row[name] for name in ("value", "numerator", "denominator", "n")]
            close = 1e-3 if row["kpi"] == "prob_hit_target" else 1e-9  # it is read on a grid
            np.testing.assert_allclose(got, twin, rtol=1e-9, atol=close, err_msg=str(row))
            known += 1
        else:
            empty = bool(by) and value is None and twin.n == 0  # a breakdown without any row
            excused = empty or any(reason in row["note"] for reason in NOT_COVERED)
            assert np.isnan(twin.value) or excused, f"{row['kpi']}: {row['note']}"
    return known


@pytest.mark.thorough
@pytest.mark.parametrize(("by", "kpis"), [("", KPIS), *BREAKDOWNS.items()])
def test_the_sample_company_as_its_twins_count_it(
    sample: Dataset, sample_frames: Frames, by: str, kpis: list[str]
) -> None:
    found = kh.measure(sample, kpis, "2026Q2:2026Q3", by=by or ())
    tables = rows_of(sample_frames, sample.as_of)
    ask = Asked(sample.as_of, sample.as_of, sample.as_of, window=WINDOW_OF_SAMPLE, lag=1)
    known = compare(found, tables, ask, by)
    assert set(found["kpi"]) == set(kpis)
    assert known > 0.7 * len(found)
    assert not found["note"].str.startswith("No data").any()


@pytest.mark.thorough
@some(5)
@given(
    companies(),
    st.sampled_from(["", *BREAKDOWNS]),
    st.sampled_from([AS_OF, dt.date(2026, 2, 28)]),
)
def test_random_companies_as_their_twins_count_them(
    frames: Frames, by: str, as_of: dt.date
) -> None:
    kpis = BREAKDOWNS.get(by, KPIS)
    if by == "team":  # the random companies have no targets of teams
        kpis = [name for name in kpis if name not in ON_TARGETS]
    data = quick(opened(frames).at(as_of))
    found = kh.measure(data, kpis, "2026-01:2026-03" if as_of < AS_OF else QUARTERS, by=by or ())
    compare(found, rows_of(frames, as_of), Asked(as_of, as_of, as_of, window=WINDOW, lag=1), by)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "kpi",
    [
        *(*ON_DEALS, *ON_ORDERS, *ON_LEADS, *ON_WEB, *ON_SURVEYS, *ON_ACTIVITIES),
        "acquisition_spend",
    ],
)
def test_the_rows_behind_a_number_add_up_to_it(sample: Dataset, kpi: str) -> None:
    if REGISTRY[kpi].derived:
        with pytest.raises(Unavailable, match="revenue|qualified_leads|open_deals"):
            kh.rows(sample, kpi, "2026Q2")
        return
    period = "2026Q2" if kpi in COHORTS else "2026Q3"
    period = {"nps": "2026Q1", "perception_gap": "2026Q2", "refund_rate": "2026Q2"}.get(kpi, period)
    (figure,) = kh.measure(sample, kpi, period).itertuples()
    rows = kh.rows(sample, kpi, period)
    got = READ_OFF.get(figure.method, READ_OFF["exact"])(rows)
    expected = [figure.numerator, figure.denominator]
    assert got == pytest.approx([e for e in expected if not np.isnan(e)])


def _of(column: str) -> Callable[[pd.DataFrame], float]:
    return lambda rows: float(rows[column].sum())


def _exact(rows: pd.DataFrame) -> list[float]:
    if "part_x" not in rows:  # the middle one of all
        return [float(len(rows))]
    if "part_age" not in rows:
        return [float(rows["part_x"].sum())]
    old = (rows["part_age"] >= WINDOW_OF_SAMPLE) & (rows["part_days"] <= WINDOW_OF_SAMPLE)
    return [float(rows["part_x"][old].sum())]


def _clusters(rows: pd.DataFrame) -> list[float]:
    """Counts add up; a test on the rows of a deal holds for it once."""
    if rows["part_b"].dtype == bool:
        rows = rows.groupby("deal_id")[["part_a", "part_b"]].any()
    return [float(rows[f"part_{name}"].sum()) for name in "ab"]


def _chances(rows: pd.DataFrame) -> list[float]:
    expected = rows["part_amount"] * rows["part_chance"]
    return [float(expected.sum()), float(rows["part_amount"][rows["part_chance"].notna()].sum())]


def _wilson(rows: pd.DataFrame) -> list[float]:
    if "part_age" in rows:  # a cohort: those that have had the window, and those of them in time
        days = rows["part_days"].astype("float64")
        possible = (rows["part_age"] >= WINDOW_OF_SAMPLE) & ~(days < 0)
        return [float((possible & (days <= WINDOW_OF_SAMPLE)).sum()), float(possible.sum())]
    if "part_base" not in rows:
        return [float(rows["part_k"].sum()), float(rows["part_n"].sum())]
    each = rows.groupby("part_id")[["part_base", "part_kept"]].any()
    return [float(each.all(axis=1).sum()), float(each["part_base"].sum())]


def _hall(rows: pd.DataFrame) -> list[float]:
    return [float(rows["part_x"].sum()), float(len(rows))]


def _clustered(rows: pd.DataFrame) -> list[float]:
    """A test counts once for each customer of whom some row passes it."""
    over = rows["part_b"]
    who = ["owner", rows["started_at"].dt.date] if "started_at" in rows else "customer_id"
    once = rows.groupby(who)["part_b"].any() if over.dtype == bool else over
    return [float(rows["part_a"].sum()), float(once.sum())]


def _garwood(rows: pd.DataFrame) -> list[float]:
    return [float(rows["part_id"].nunique() if "part_id" in rows else rows["part_k"].sum())]


READ_OFF: dict[str, Callable[[pd.DataFrame], list[float]]] = {
    "exact": _exact,
    "garwood": _garwood,
    "wilson": _wilson,
    "hall": _hall,
    "adjusted wald": _wilson,
    "clustered wilson": _clusters,
    "convolution": _chances,
    "kaplan-meier": lambda rows: [float(rows["part_won"].sum()), float(len(rows))],
    "aalen-johansen": lambda rows: [float(rows["part_won"].sum()), float(len(rows))],
    "fieller": lambda rows: [float(rows[f"part_{name}"].sum()) for name in "ab"],
    "clustered fieller": _clustered,
}
