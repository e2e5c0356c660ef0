"""The sample company has the volumes it was ordered with, and its tables agree."""

import itertools
import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kpi_helpers.errors import UnknownName
from kpi_helpers.samples import Parameters, company, write
from kpi_helpers.samples.draws import intensity, whole_months, working_day

AS_OF = pd.Timestamp("2026-09-30")
START = pd.Timestamp("2023-04-01")
DATA = Path(__file__).parents[1] / "data"
SEASON = (0.95, 1, 1.1, 1, 0.92, 1.08, 0.92, 0.60, 1.15, 1.15, 1.1, 1.03)

# The order for the company: share of leads before and after, qualified, won of qualified, media.
CHANNELS = {
    "Réseaux sociaux": (0.22, 0.38, 0.20, 0.12, 70),
    "Recherche en ligne": (0.26, 0.21, 0.40, 0.25, 60),
    "Salons": (0.16, 0.13, 0.45, 0.24, 120),
    "Recommandation": (0.13, 0.10, 0.55, 0.36, 10),
    "Partenaires": (0.10, 0.08, 0.48, 0.30, 25),
    "Prospection": (0.13, 0.10, 0.34, 0.20, 55),
}
KEYS = {
    "deals": ["deal_id"],
    "stage_history": ["deal_id", "stage", "entered_at"],
    "close_date_history": ["deal_id", "changed_at"],
    "mrr": ["customer_id", "month"],
    "activities": ["activity_id"],
    "web_funnel": ["date", "source", "device"],
    "benchmarks": ["metric", "entity", "period"],
    "actions": ["action_id"],
    "leads": ["lead_id"],
    "customers": ["customer_id"],
    "orders": ["order_id"],
    "spend": ["date", "channel", "cost_type"],
    "targets": ["metric", "period_start", "scope_type", "scope_value"],
    "reps": ["owner"],
}
# Dates that are plans, and may therefore lie after as_of.
PLANS = {
    ("deals", "expected_close"),
    ("close_date_history", "expected_close"),
    ("actions", "start_date"),
    ("actions", "due_date"),
    ("actions", "expected_by"),
    ("customers", "contract_end"),
    ("targets", "period_start"),
    ("targets", "period_end"),
}


@pytest.fixture(scope="module")
def sample() -> dict[str, pd.DataFrame]:
    return company()


def is_rate(k: int, n: int, p: float) -> bool:
    """Whether k of n is within 3 standard errors of p."""
    return abs(k - n * p) <= 3 * (n * p * (1 - p)) ** 0.5


# --- Volumes ------------------------------------------------------------------------------------


def test_tables_have_the_ordered_sizes(sample):
    orders = sample["orders"]
    assert len(sample["leads"]) == pytest.approx(19_000, rel=0.02)
    assert len(sample["deals"]) == pytest.approx(6_450, rel=0.03)
    # The rates that were ordered (25.2, then 23.5 % of those decided) make some 1,500 of 1,600.
    assert (sample["deals"]["status"] == "won").sum() == pytest.approx(1_600, rel=0.08)
    assert is_rate((sample["deals"]["sector"] == "public").sum(), len(sample["deals"]), 0.13)
    calls = sample["activities"]["type"].isin(["call", "meeting"])
    assert calls.sum() == pytest.approx(36_000, rel=0.02)
    assert len(sample["customers"]) == pytest.approx(1_700, rel=0.03)
    assert (orders["type"] == "order").sum() == pytest.approx(21_000, rel=0.05)
    assert (sample["customers"]["contract_end"] > AS_OF).sum() == pytest.approx(560, rel=0.05)
    assert len(sample["reps"]) == 10
    assert sample["reps"]["team"].value_counts().tolist() == [5, 5]
    last_year = sample["deals"][sample["deals"]["closed_at"] > AS_OF - pd.DateOffset(years=1)]
    assert last_year["owner"].value_counts().between(100, 200).all()


def test_a_year_brings_about_15_million(sample):
    orders = sample["orders"]
    year = orders.groupby(orders["order_date"].dt.year)["amount_net"].sum()
    assert year[[2024, 2025]].tolist() == pytest.approx([15e6] * 2, rel=0.07)
    # The key account is missing in five months of nine.
    assert year[2026] / 9 * 12 == pytest.approx(15e6 * (1 - 0.09 * 5 / 9), rel=0.08)


def test_revenue_does_not_wait_for_the_crm(sample):
    orders = sample["orders"]
    machines = orders[orders["product_family"] == "machines"]
    quarter = machines.groupby(machines["order_date"].dt.to_period("Q"))["amount_net"].sum()
    assert quarter["2023Q2"] > 0.7 * quarter["2024Q2"]


def test_leads_follow_season_and_growth(sample):
    created = sample["leads"]["created_at"].dt.to_period("M")
    counts = created.value_counts().sort_index()
    assert list(counts.index) == list(pd.period_range("2023-04", "2026-09", freq="M"))
    years = np.arange(42) / 12 + 1 / 24
    expected = 420 * 1.05**years * np.array([SEASON[month.month - 1] for month in counts.index])
    z = (counts.to_numpy() - expected) / np.sqrt(expected)
    assert np.abs(z).max() < 3.5
    assert 0.5 < (z**2).mean() < 1.7


def test_channel_shares_change_in_april_2025(sample):
    leads = sample["leads"]
    assert set(leads["source"]) == set(CHANNELS)
    parts = (("2023-04", "2025-03", 0), ("2025-04", "2025-06", 1), ("2025-07", "2026-09", 1))
    for first, last, after in parts:
        part = leads[leads["created_at"].dt.to_period("M").between(first, last)]
        for channel, figures in CHANNELS.items():
            assert is_rate((part["source"] == channel).sum(), len(part), figures[after]), channel


@pytest.mark.parametrize("channel", CHANNELS)
def test_each_channel_has_its_rates(sample, channel):
    _, _, qualified, won, media = CHANNELS[channel]
    leads = sample["leads"].query("source == @channel")
    before = leads[leads["created_at"] < "2025-07-01"]
    assert is_rate(before["sql_at"].notna().sum(), len(before), qualified)
    decided = sample["deals"].query("source == @channel and status != 'open'")
    assert is_rate((decided["status"] == "won").sum(), len(decided), won)
    spend = sample["spend"].query("channel == @channel and cost_type == 'media'")
    assert spend["amount"].sum() / len(leads) == pytest.approx(media, rel=0.03)


def test_delays(sample):
    leads, deals = sample["leads"], sample["deals"]
    to_qualify = (leads["sql_at"] - leads["created_at"]).dt.days.dropna()
    assert to_qualify.median() == pytest.approx(14, abs=1)
    assert to_qualify.between(1, 45).all()
    # Deals of the last year are left aside: the slow ones among them are still open.
    cycle = (deals["closed_at"] - deals["created_at"]).dt.days[deals["created_at"] < "2025-10-01"]
    assert cycle.median() == pytest.approx(58, abs=3)
    assert np.log(cycle.dropna()).std() == pytest.approx(0.75, abs=0.03)
    to_win = (leads["converted_at"] - leads["created_at"]).dt.days
    assert to_win.quantile(0.9) == pytest.approx(170, rel=0.05)


def test_amounts(sample):
    deals, orders = sample["deals"], sample["orders"]
    assert deals["amount"].median() == pytest.approx(9_000, rel=0.03)
    assert np.log(deals["amount"]).std() == pytest.approx(0.8, abs=0.03)
    invoices = orders[(orders["type"] == "order") & (orders["product_family"] != "machines")]
    assert invoices["amount_net"].median() == pytest.approx(1_000, rel=0.03)
    assert np.log(invoices["amount_net"]).std() == pytest.approx(1, abs=0.03)
    assert (sample["orders"].query("type == 'order'")["amount_net"] > 0).all()


# --- Agreement between the tables ---------------------------------------------------------------


@pytest.mark.parametrize("table", KEYS)
def test_keys_are_unique_and_complete(sample, table):
    keys = sample[table][KEYS[table]]
    assert not keys.isna().any(axis=None)
    assert not keys.duplicated().any()


REFERENCES = {
    "reps": [f"{t}.owner" for t in ("deals", "leads", "orders", "activities", "actions")],
    "customers": [
        f"{t}.customer_id" for t in ("deals", "leads", "orders", "activities", "surveys", "mrr")
    ],
    "leads": ["deals.lead_id", "activities.lead_id"],
    "deals": ["stage_history.deal_id", "close_date_history.deal_id", "activities.deal_id"],
    "orders": ["orders.original_order_id"],
}


@pytest.mark.parametrize("target", REFERENCES)
def test_references_resolve(sample, target):
    known = sample[target][KEYS[target][0]]
    for reference in REFERENCES[target]:
        table, column = reference.split(".")
        assert sample[table][column].dropna().isin(known).all(), reference


def test_only_plans_lie_after_as_of(sample):
    for table, frame in sample.items():
        for column in frame.select_dtypes("datetime"):
            if (table, column) not in PLANS:
                assert not (frame[column] > AS_OF + pd.Timedelta(1, "D")).any(), (table, column)
    for table, column in (("leads", "created_at"), ("orders", "order_date")):
        assert sample[table][column].min() >= START


def test_deals_are_their_qualified_leads(sample):
    leads = sample["leads"].set_index("lead_id")
    deals = sample["deals"].set_index("lead_id")
    assert deals.index.is_unique
    assert set(deals.index) == set(leads.index[leads["sql_at"].notna()])
    lead = leads.loc[deals.index]
    assert (lead["sql_at"] == deals["created_at"]).all()
    for column in ("source", "owner", "segment", "region"):
        assert (lead[column] == deals[column]).all(), column
    won = deals["status"] == "won"
    assert (lead["converted_at"][won] == deals["closed_at"][won]).all()
    assert leads["converted_at"].notna().sum() == won.sum()
    assert (lead["customer_id"][won] == deals["customer_id"][won]).all()


def test_status_agrees_with_dates(sample):
    deals = sample["deals"]
    is_open = deals["status"] == "open"
    assert is_open.sum() > 300
    assert (deals["closed_at"].isna() == is_open).all()
    assert (deals["closed_at"][~is_open] > deals["created_at"][~is_open]).all()
    assert deals["expected_close"].notna().all()
    assert (deals["lost_reason"].notna() == (deals["status"] == "lost")).all()


def test_customers_are_what_their_deals_say(sample):
    deals, customers = sample["deals"], sample["customers"].set_index("customer_id")
    known = deals[deals["customer_id"].notna()]
    customer = customers.loc[known["customer_id"]].reset_index()
    for column in ("segment", "region", "sector"):
        assert (customer[column].to_numpy() == known[column].to_numpy()).all(), column
    new = deals[(deals["deal_type"] == "new") & (deals["status"] == "won")]
    assert new["customer_id"].is_unique
    assert (customers.loc[new["customer_id"], "first_seen"].to_numpy() == new["closed_at"]).all()
    prospects = deals[(deals["deal_type"] == "new") & (deals["status"] != "won")]
    assert prospects["customer_id"].isna().all()
    assert (customers["first_seen"] < START).sum() == len(customers) - len(new)
    assert not (customers["contract_end"] <= customers["contract_start"]).any()


def test_every_won_deal_is_invoiced_once_near_its_amount(sample):
    deals, orders = sample["deals"], sample["orders"]
    due = AS_OF - pd.Timedelta(30, "D")
    won = deals[(deals["status"] == "won") & (deals["closed_at"] <= due)]
    won = won[won["deal_type"] == "new"]
    machines = orders[(orders["product_family"] == "machines") & (orders["type"] == "order")]
    machines = machines[machines["customer_id"].isin(won["customer_id"])]
    both = won.merge(machines, on="customer_id", how="left", validate="1:1")
    assert (both["order_date"] - both["closed_at"]).dt.days.between(1, 30).all()
    assert (both["amount_net"] / both["amount"]).between(0.96, 1).all()
    assert (both["owner_x"] == both["owner_y"]).all()
    net = orders[orders["product_family"] == "machines"].groupby("customer_id")["amount_net"].sum()
    gap = 1 - net[won["customer_id"]].sum() / won["amount"].sum()
    assert 0 < gap < 0.10


def test_refunds(sample):
    orders = sample["orders"].set_index("order_id")
    refunds = orders[orders["type"] == "refund"]
    invoices = orders[orders["type"] == "order"]
    assert is_rate(len(refunds), len(invoices), 0.03)
    original = invoices.loc[refunds["original_order_id"]]
    assert (refunds["amount_net"] < 0).all()
    assert (-refunds["amount_net"].to_numpy() <= original["amount_net"].to_numpy()).all()
    assert (refunds["customer_id"].to_numpy() == original["customer_id"].to_numpy()).all()
    assert (refunds["order_date"].to_numpy() > original["order_date"].to_numpy()).all()
    assert invoices["original_order_id"].isna().all()


def test_stages_agree_with_the_deals(sample):
    deals = sample["deals"].set_index("deal_id")
    history = sample["stage_history"]
    by_deal = history.groupby("deal_id")
    first, last = by_deal.first().loc[deals.index], by_deal.last().loc[deals.index]
    assert (first["stage"] == "Qualification").all()
    assert (first["entered_at"].dt.normalize() == deals["created_at"]).all()
    assert (last["stage"] == deals["stage"]).all()
    closed = deals["status"] != "open"
    assert (last["entered_at"].dt.normalize()[closed] == deals["closed_at"][closed]).all()
    assert (
        deals["stage"].map({"Gagné": "won", "Perdu": "lost"}).fillna("open") == deals["status"]
    ).all()
    gaps = by_deal["entered_at"].diff().dropna()
    assert (gaps > pd.Timedelta(0)).all()
    assert history["entered_at"].dt.hour.between(8, 17).all()
    assert (history["entered_at"].dt.day_of_week < 5).all()


def test_stages_come_in_order_with_a_handful_of_skips(sample):
    order = [stage.name for stage in Parameters().stages]
    steps = sample["stage_history"][sample["stage_history"]["stage"] != "Perdu"]
    position = steps["stage"].map({name: n for n, name in enumerate([*order, "Gagné"])})
    jump = position.groupby(steps["deal_id"]).diff().dropna()
    assert (jump >= 1).all()
    won = sample["deals"].query("status == 'won'")["deal_id"]
    skipping = steps[steps["deal_id"].isin(won)].groupby("deal_id").size() < 5
    assert is_rate(skipping.sum(), len(won), 0.03)


def test_spend_has_every_month_and_type(sample):
    spend = sample["spend"]
    months = pd.date_range("2023-04-01", "2026-09-01", freq="MS")
    cells = [(channel, "media") for channel in CHANNELS]
    cells += [("Entreprise", kind) for kind in ("tools", "salaries", "indirect")]
    expected = {(month, *cell) for month, cell in itertools.product(months, cells)}
    assert set(spend[["date", "channel", "cost_type"]].itertuples(index=False)) == expected
    assert (spend["amount"] > 0).all()


def test_targets_add_up_over_teams_and_stretch_the_reps(sample):
    targets = sample["targets"]
    for metric in ("revenue", "bookings"):
        own = targets[targets["metric"] == metric]
        quarter = own["period_start"].dt.to_period("Q")
        total = own.groupby([quarter, "scope_type"])["value"].sum().unstack()
        assert np.allclose(total["team"], total["company"], rtol=1e-3)
        assert np.allclose(total["rep"], total["company"] * 1.04, rtol=1e-3)
        months = own[own["scope_type"] == "company"]["period_start"]
        assert list(months) == list(pd.date_range("2023-04-01", "2026-12-01", freq="MS"))
    reps = targets[targets["scope_type"] == "rep"]
    assert set(reps["scope_value"]) == set(sample["reps"]["owner"])
    lengths = (targets["period_end"] - targets["period_start"]).dt.days + 1
    assert set(lengths[targets["scope_type"] != "company"]) <= {90, 91, 92}


# --- Generation ---------------------------------------------------------------------------------


def test_another_seed_other_tables(sample):
    other = company(seed=1)
    for name in ("deals", "stage_history", "leads", "customers", "orders", "spend"):
        assert not other[name].equals(sample[name]), name


def test_a_change_leaves_the_other_steps_alone(sample):
    changed = company(refund_rate=0.0, cycle_median=40.0)
    pd.testing.assert_series_equal(changed["leads"]["created_at"], sample["leads"]["created_at"])
    pd.testing.assert_series_equal(changed["deals"]["amount"], sample["deals"]["amount"])
    assert (changed["orders"]["type"] == "order").all()


def test_a_lower_chance_only_takes_deals_away(sample):
    fewer = tuple(replace(c, qualified=0.7 * c.qualified) for c in Parameters().channels)
    before = sample["deals"].set_index("lead_id")
    after = company(channels=fewer)["deals"].set_index("lead_id")
    assert set(after.index) < set(before.index)
    columns = ["created_at", "status", "closed_at", "amount", "competitor", "lost_reason"]
    pd.testing.assert_frame_equal(after[columns], before.loc[after.index, columns])


def test_other_dates():
    tables = company(start=date(2024, 1, 1), as_of=date(2024, 6, 14), leads_a_month=100)
    assert tables["leads"]["created_at"].between("2024-01-01", "2024-06-14").all()
    assert tables["orders"]["order_date"].between("2024-01-01", "2024-06-14").all()


def test_unknown_change_names_the_nearest():
    with pytest.raises(UnknownName, match="leads_a_month"):
        company(lead_a_month=100)


def test_a_month_of_intensity_adds_up_to_its_season():
    days = whole_months(date(2023, 4, 1), date(2026, 9, 30))
    weights = pd.Series(intensity(days, SEASON, [1, 1, 1, 1, 1, 0.5, 0]), pd.DatetimeIndex(days))
    months = weights.groupby(weights.index.to_period("M")).sum()
    assert np.allclose(months, [SEASON[month.month - 1] for month in months.index])
    assert (weights[weights.index.day_of_week == 6] == 0).all()


def test_working_day_is_a_plain_loop():
    days = np.arange("2026-01-01", "2026-02-01", dtype="M8[D]")
    for day, moved in zip(days.tolist(), working_day(days).tolist(), strict=True):
        while day.weekday() > 4:
            day = date.fromordinal(day.toordinal() + 1)
        assert moved == day


# --- Files --------------------------------------------------------------------------------------


def test_committed_files_equal_a_fresh_generation(tmp_path):
    fresh = {path.relative_to(tmp_path): path.read_bytes() for path in write(tmp_path)}
    files = {*DATA.glob("sample/*.parquet"), *DATA.glob("exports/*"), DATA / "truths.toml"}
    assert {path.relative_to(DATA) for path in files} == set(fresh)
    for name, content in fresh.items():
        assert (DATA / name).read_bytes() == content, name
    assert sum(map(len, fresh.values())) < 2_000_000


def test_settings_agree_with_the_parameters():
    settings = tomllib.loads((DATA / "sample" / "kpi.toml").read_text(encoding="utf-8"))
    p = Parameters()
    assert settings["as_of"] == p.as_of.isoformat()
    assert settings["stages"] == [*(stage.name for stage in p.stages), p.won_stage]
