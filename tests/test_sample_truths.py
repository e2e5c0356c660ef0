"""Each truth of the sample company is in its tables, with its size, seen naively."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from naive import (
    AS_OF,
    FOUND,
    SILENT,
    TRUTHS,
    against,
    cac,
    decided_in,
    landed,
    lift,
    missed_calls,
    months,
    quarter_of,
    recommendation,
    renewals,
    slipped,
    slower,
    striking_reps,
    weakness,
    within_channel,
    won_before,
    z_of,
)

from kpi_helpers.samples import company


@pytest.fixture(scope="module")
def sample() -> dict[str, pd.DataFrame]:
    return company()


@pytest.fixture(scope="module")
def decided(sample: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return decided_in(sample)


# --- Must be found ------------------------------------------------------------------------------


def test_the_bottleneck_is_qualification_within_each_channel(sample: dict[str, Any]) -> None:
    leads = sample["leads"]
    before = months(leads, "created_at", "2023-04", "2025-03")
    assert before["sql_at"].notna().mean() == pytest.approx(0.385, abs=0.01)
    spring, autumn = quarter_of(leads, "2025Q2"), quarter_of(leads, "2025Q4")
    assert autumn["qualified"].mean() == pytest.approx(0.25, abs=0.02)
    assert within_channel(spring, autumn) == pytest.approx(TRUTHS["bottleneck"]["factor"], abs=0.08)
    known = autumn[autumn["created_at"] + pd.Timedelta(45, "D") <= "2025-12-31"]
    assert z_of(spring["qualified"], known["qualified"]) > FOUND


def test_the_training_lifts_team_a_and_not_team_b(sample: dict[str, Any]) -> None:
    (a, var_a), (b, var_b) = (lift(sample, team) for team in (TRUTHS["cure"]["team"], "Équipe B"))
    assert np.exp(a) == pytest.approx(TRUTHS["cure"]["factor"], abs=0.13)
    assert np.exp(b) == pytest.approx(1, abs=0.13)
    assert (a - b) / (var_a + var_b) ** 0.5 > SILENT


def test_one_channel_costs_more_than_its_customers_bring(sample: dict[str, Any]) -> None:
    bad, leads = TRUTHS["bad_channel"], months(sample["leads"], "created_at", "2025-07", "2026-03")
    social = leads["source"] == bad["channel"]
    won = leads["converted_at"].notna()
    assert won[social].mean() == pytest.approx(0.018, abs=0.005)
    assert won[~social].mean() == pytest.approx(0.092, abs=0.012)
    assert bad["cac"][0] < cac(sample, bad["channel"]) < bad["cac"][1]
    assert bad["beside_cac"][0] < cac(sample, bad["beside"]) < bad["beside_cac"][1]
    orders, customers = sample["orders"], sample["customers"]
    new = customers[customers["first_seen"] >= "2023-04-01"]["customer_id"]
    own = orders[orders["customer_id"].isin(new)]
    margin = (own["amount_net"] - own["cost"]).sum() / len(new)
    assert margin == pytest.approx(bad["margin_per_customer"], rel=0.1)
    assert cac(sample, bad["beside"]) < margin < cac(sample, bad["channel"])


def test_two_reps_and_no_other_stand_out(decided: pd.DataFrame) -> None:
    by_rep = decided.groupby("owner")["won"].agg(["mean", "size"])
    assert by_rep["size"].between(100, 200).all()
    assert decided["won"].mean() == pytest.approx(0.235, abs=0.02)
    best, worst = TRUTHS["reps"]
    assert (by_rep["mean"].idxmax(), by_rep["mean"].idxmin()) == (best, worst)
    assert by_rep["mean"][[best, worst]].tolist() == pytest.approx([0.40, 0.11], abs=0.04)
    assert striking_reps(decided) == {best, worst}


def test_large_deals_slip_from_the_second_quarter_of_2026(sample: dict[str, Any]) -> None:
    size = TRUTHS["slippage"]
    quarters = pd.period_range("2024Q2", "2026Q1", freq="Q")
    before = pd.concat([slipped(sample, str(quarter)) for quarter in quarters])
    after = pd.concat([slipped(sample, name) for name in ("2026Q2", "2026Q3")])
    assert before.mean() == pytest.approx(size["before"], abs=0.03)
    assert after.mean() == pytest.approx(size["after"], abs=0.05)
    assert z_of(slipped(sample, "2026Q3"), slipped(sample, "2025Q3")) > FOUND


def test_public_deals_take_longer(decided: pd.DataFrame) -> None:
    days = (decided["closed_at"] - decided["created_at"]).dt.days
    public = decided["sector"] == TRUTHS["public_cycle"]["sector"]
    assert public.sum() == pytest.approx(200, rel=0.15)
    factor = days[public].median() / days[~public].median()
    assert factor == pytest.approx(TRUTHS["public_cycle"]["factor"], abs=0.2)
    assert slower(decided) > FOUND


def test_deals_against_competitor_b_are_lost(decided: pd.DataFrame) -> None:
    b, others = against(decided)
    assert (len(b), len(others)) == pytest.approx((220, 600), rel=0.1)
    assert (b.mean(), others.mean()) == pytest.approx((0.14, 0.27), abs=0.03)
    assert z_of(others, b) > FOUND


def test_fewer_contracts_are_renewed(sample: dict[str, Any]) -> None:
    size, (before, after) = TRUTHS["renewal"], renewals(sample)
    assert (before.mean(), after.mean()) == pytest.approx(
        (size["before"], size["after"]), abs=0.025
    )
    assert z_of(before, after) > FOUND
    running = (sample["customers"]["contract_end"] > AS_OF).sum()
    assert running == pytest.approx(560, rel=0.06)


def test_recommendation_falls_in_the_last_wave(sample: dict[str, Any]) -> None:
    waves, z = recommendation(sample)
    assert waves["size"].tolist() == [400] * 7
    told = [TRUTHS["nps"]["before"], TRUTHS["nps"]["after"]]
    assert (100 * waves["mean"].iloc[-2:]).tolist() == pytest.approx(told, abs=4)
    assert z > SILENT


def test_monday_morning_calls_are_missed(sample: dict[str, Any]) -> None:
    size, (monday, others) = TRUTHS["missed_calls"], missed_calls(sample)
    rates = (size["monday_9_to_11"], size["else"])
    assert (monday.mean(), others.mean()) == pytest.approx(rates, abs=0.02)
    assert z_of(monday, others) > FOUND


def test_the_key_account_stops(sample: dict[str, Any]) -> None:
    key, orders = TRUTHS["key_account"], sample["orders"]
    own = orders[orders["customer_id"] == key["customer_id"]]
    year = months(orders, "order_date", "2025-05", "2026-04")["amount_net"].sum()
    share = months(own, "order_date", "2025-05", "2026-04")["amount_net"].sum() / year
    assert share == pytest.approx(key["share"], abs=0.006)
    sales = own[own["type"] == "order"]
    assert sales["order_date"].max() <= pd.Timestamp(key["from"]) + pd.Timedelta(3, "D")
    month = orders.groupby(orders["order_date"].dt.to_period("M"))["amount_net"].sum()
    change = month["2026-07":"2026-09"].sum() / month["2025-07":"2025-09"].sum() - 1
    noise = np.log(month).diff().std() / 2**0.5
    assert abs(change) < SILENT * noise


def test_we_gain_a_little_of_the_market_and_a_rival_more(sample: dict[str, Any]) -> None:
    told = sample["benchmarks"].query("metric == 'market_sales'")
    sales = told.pivot(index="entity", columns="period", values="value")
    share = sales / sales.loc["marché"]
    for name, (before, after) in TRUTHS["market"].items():
        assert share.loc[name].tolist() == pytest.approx([before, after], abs=5e-4), name
    assert (share["2025"] - share["2024"])["Concurrent B"] == pytest.approx(0.021, abs=1e-3)
    orders = sample["orders"]
    billed = orders.groupby(orders["order_date"].dt.year.astype(str))["amount_net"].sum()
    assert sales.loc["nous"].tolist() == pytest.approx(billed[["2024", "2025"]].tolist(), rel=1e-3)


def test_perceptions_are_paired(sample: dict[str, Any]) -> None:
    rows = sample["surveys"].query("type == 'perception'")
    pairs = rows.pivot(index=["response_id", "attribute"], columns="subject", values="score")
    assert pairs.notna().all(axis=None)
    assert len(pairs) == 180 * len(TRUTHS["perception"])
    gap = pairs["nous"] - pairs["Concurrent B"]
    for name, (ours, theirs) in TRUTHS["perception"].items():
        own = gap.xs(name, level="attribute")
        assert own.mean() == pytest.approx(ours - theirs, abs=3 * own.std() / 180**0.5), name


# --- Must stay silent ---------------------------------------------------------------------------


def test_the_win_rate_falls_no_more_than_chance(sample: dict[str, Any], decided: Any) -> None:
    before, after = won_before(sample), decided["won"]
    told = [TRUTHS["win_rate"]["before"], TRUTHS["win_rate"]["after"]]
    assert [before.mean(), after.mean()] == pytest.approx(told, abs=0.02)
    assert abs(z_of(before, after)) < SILENT


def test_the_landing_page_does_nothing(sample: dict[str, Any]) -> None:
    action = sample["actions"].set_index("action_id").loc[TRUTHS["landing_page"]["action_id"]]
    assert action["start_date"] == pd.Timestamp("2026-04-01")
    assert abs(z_of(*landed(sample))) < SILENT


def test_visits_double_and_orders_do_not(sample: dict[str, Any]) -> None:
    web = sample["web_funnel"].groupby("date").sum(numeric_only=True)
    later, ago = web["2026-04":"2026-09"].sum(), web["2025-04":"2025-09"].sum()
    change = later / ago
    assert change["sessions"] == pytest.approx(TRUTHS["visits"]["factor"], abs=0.15)
    assert (change[["orders", "carts", "checkouts", "product_views"]] < 1.1).all()
    steps = ["orders", "checkouts", "carts", "product_views", "sessions"]
    assert (web[steps].diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    shop = sample["orders"].query("channel == 'Boutique en ligne' and type == 'order'")
    assert web["orders"].sum() == len(shop)


def test_a_rep_looks_weak_by_the_channels_alone(decided: pd.DataFrame) -> None:
    own = decided["owner"] == TRUTHS["weak_by_mix"]["owner"]
    social = decided["source"] == "Réseaux sociaux"
    assert social[own].mean() > 1.5 * social[~own].mean()
    assert decided["won"][own].mean() < decided["won"][~own].mean() - 0.02
    assert abs(weakness(decided)) < SILENT


def test_a_rep_is_lucky_on_nine_deals(decided: pd.DataFrame) -> None:
    lucky = TRUTHS["lucky"]
    own = decided[decided["owner"] == lucky["owner"]]
    cell = own[own["product"] == lucky["product"]]["won"]
    assert (cell.sum(), len(cell)) == (lucky["won"], lucky["of"])
    assert abs(z_of(own["won"], decided["won"])) < SILENT


# --- Also planted -------------------------------------------------------------------------------


def test_the_definition_of_a_qualified_lead_changes(sample: dict[str, Any]) -> None:
    day = TRUTHS["definition"]["from"]
    for name in ("kpi_log", "events"):
        assert (sample[name]["date"] == day).any()
    leads = sample["leads"]
    marketing, later = leads["mql_at"].notna(), leads["created_at"] >= day
    other = leads["sql_at"].isna()
    assert marketing[other & ~later].mean() - marketing[other & later].mean() > 0.15
    spring = [
        leads["sql_at"].notna()[leads["created_at"].dt.to_period("Q") == q].mean()
        for q in ("2024Q3", "2024Q4")
    ]
    assert spring[0] == pytest.approx(spring[1], abs=0.04)


def test_some_leads_come_in_twice(sample: dict[str, Any]) -> None:
    leads = sample["leads"]
    phone = leads["phone"].str.replace(r"\D", "", regex=True).str[-8:]
    again = leads["email"].str.lower().duplicated()
    assert again.mean() == pytest.approx(TRUTHS["duplicates"]["share"], abs=0.004)
    assert leads[again]["sql_at"].isna().all()
    first = phone.groupby(leads["email"].str.lower()).transform("first")
    assert (phone == first).all()


def test_refunds_past_due_dates_and_young_cohorts(sample: dict[str, Any]) -> None:
    orders, deals, leads = sample["orders"], sample["deals"], sample["leads"]
    refunds = (orders["type"] == "refund").sum() / (orders["type"] == "order").sum()
    assert refunds == pytest.approx(TRUTHS["refunds"]["share"], abs=0.004)
    is_open = deals[deals["status"] == "open"]
    due = (is_open["expected_close"] <= AS_OF).mean()
    assert due == pytest.approx(TRUTHS["past_due"]["share"], abs=0.05)
    won = leads[leads["converted_at"].notna() & (leads["created_at"] < "2025-10-01")]
    quarter = won["created_at"].dt.to_period("Q")
    seen = [(won["converted_at"] <= (quarter + n).dt.end_time).mean() for n in (0, 1)]
    assert seen == pytest.approx([*TRUTHS["young"].values()], abs=0.03)


def test_targets_stand_at_every_level(sample: dict[str, Any]) -> None:
    targets = sample["targets"].query("metric == 'bookings'")
    year = targets[targets["period_start"].dt.year == 2025].groupby("scope_type")["value"].sum()
    stretch = 1 + TRUTHS["rep_targets"]["stretch"]
    assert year["rep"] == pytest.approx(year["company"] * stretch, rel=1e-3)
    assert year["team"] == pytest.approx(year["company"], rel=1e-3)
    assert year["product"] == pytest.approx(year["company"], rel=1e-3)


def test_addresses_and_numbers_are_of_nobody(sample: dict[str, Any]) -> None:
    for table in ("leads", "customers"):
        rows = sample[table]
        assert rows["email"].str.lower().str.endswith("@" + TRUTHS["personal"]["domain"]).all()
        digits = rows["phone"].str.replace(r"\D", "", regex=True)
        assert digits.str.match(r"^(0|33)(63998|19900|26191)\d{4}$").all()
    said = " ".join(sample["surveys"]["comment"].dropna().unique())
    assert "06 39 98" in said
    assert "@example.com" in said


# --- Switched off -------------------------------------------------------------------------------

OFF: dict[str, Any] = {
    **dict.fromkeys(("bottleneck", "training", "public_cycle", "visits"), 1.0),
    **dict.fromkeys(("slip_rate", "duplicate_rate", "key_account_parts"), 0.0),
    **{"rep_wins": (), "rival_wins": (), "weak_by_mix": ("Inès Caron", 1.0)},
    **{"renewal_after": 0.92, "nps_after": (0.55, 0.15), "missed_monday": 0.08},
    **{"lucky": ("Bruno Garnier", "Palettiseur", 0, 0), "mql_after": 0.45},
}


def test_an_effect_that_is_off_is_not_there() -> None:
    sample = company(**OFF)
    decided = decided_in(sample)
    spring, autumn = (quarter_of(sample["leads"], name) for name in ("2025Q2", "2025Q4"))
    assert within_channel(spring, autumn) == pytest.approx(1, abs=0.1)
    assert decided.groupby("owner")["won"].mean().between(0.13, 0.36).all()
    b = decided["competitor"] == "Concurrent B"
    assert abs(z_of(decided[b]["won"], decided[~b]["won"])) < FOUND
    assert slipped(sample, "2026Q3").mean() == pytest.approx(0.22, abs=0.12)
    days = (decided["closed_at"] - decided["created_at"]).dt.days.groupby(decided["sector"])
    assert days.median()["public"] == pytest.approx(days.median()["privé"], rel=0.25)
    calls = sample["activities"].query("type == 'call' and direction == 'in'")
    missed = (calls["outcome"] == "missed").groupby(calls["started_at"].dt.day_of_week).mean()
    assert missed.between(0.065, 0.095).all()
    web = sample["web_funnel"].groupby("date")["sessions"].sum()
    assert web["2026-04":"2026-09"].mean() == pytest.approx(web.mean(), rel=0.15)
    assert not sample["leads"]["email"].str.lower().duplicated().any()
    billed = sample["orders"].groupby("customer_id")["amount_net"].sum()
    assert billed.get("C00001", 0.0) < 0.01 * billed.sum()


def test_nobody_writes_down_what_is_still_to_come() -> None:
    sample = company(as_of=date(2025, 12, 31), leads_a_month=40)
    dated = {"actions": "created_at", "kpi_log": "date", "events": "date"}
    for name, column in (*dated.items(), ("benchmarks", "source_date")):
        assert len(sample[name]) > 0, name
        assert (sample[name][column] <= "2025-12-31").all(), name
