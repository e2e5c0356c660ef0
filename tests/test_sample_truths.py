"""Each truth of the sample company is in its tables, computed naively: pandas, no kit.

The sizes come from ``data/sample/truths.json``; tests of counts use the textbook z of two rates.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kpi_helpers.samples import company

FILE = Path(__file__).parents[1] / "data" / "sample" / "truths.json"
TRUTHS = json.loads(FILE.read_text("utf-8"))
AS_OF = pd.Timestamp("2026-09-30")
YEAR = AS_OF - pd.DateOffset(years=1)
FOUND, SILENT = 2.81, 1.96  # |z| at p = .005 and .05


@pytest.fixture(scope="module")
def sample() -> dict[str, pd.DataFrame]:
    return company()


def decided_in(sample: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Deals decided in the last twelve months."""
    deals = sample["deals"]
    return deals[deals["closed_at"] > YEAR].assign(won=deals["status"] == "won")


@pytest.fixture(scope="module")
def decided(sample: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return decided_in(sample)


def z_of(a: pd.Series, b: pd.Series) -> float:
    """Test statistic of two rates, given the cases as true and false."""
    pooled = pd.concat([a, b]).mean()
    return float((a.mean() - b.mean()) / (pooled * (1 - pooled) * (1 / len(a) + 1 / len(b))) ** 0.5)


def months(rows: pd.DataFrame, column: str, first: str, last: str) -> pd.DataFrame:
    return rows[rows[column].dt.strftime("%Y-%m").between(first, last)]


def quarter_of(leads: pd.DataFrame, name: str) -> pd.DataFrame:
    rows = leads[leads["created_at"].dt.to_period("Q") == pd.Period(name, "Q")]
    return rows.assign(qualified=rows["sql_at"].notna())


def within_channel(before: pd.DataFrame, after: pd.DataFrame) -> float:
    """Rate after over that of before, with the channels of after."""
    rate = before.groupby("source")["qualified"].mean()
    return float(after["qualified"].mean() / after["source"].map(rate).mean())


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
    cure, leads = TRUTHS["cure"], sample["leads"].merge(sample["reps"][["owner", "team"]])
    before = months(leads, "created_at", "2025-07", "2025-12")
    after = months(leads, "created_at", "2026-01", "2026-07")
    change = {}
    for team in ("Équipe A", "Équipe B"):
        pair = [rows[rows["team"] == team] for rows in (before, after)]
        change[team] = within_channel(*(r.assign(qualified=r["sql_at"].notna()) for r in pair))
    assert change[cure["team"]] == pytest.approx(cure["factor"], abs=0.13)
    assert change["Équipe B"] == pytest.approx(1, abs=0.13)
    assert change[cure["team"]] / change["Équipe B"] > 1.12


def cac(sample: dict[str, Any], channel: str) -> float:
    """Media a customer, of the leads since the bottleneck that are old enough to have converted."""
    spend = months(sample["spend"], "date", "2025-07", "2026-03")
    leads = months(sample["leads"], "created_at", "2025-07", "2026-03")
    media = spend[(spend["channel"] == channel) & (spend["cost_type"] == "media")]["amount"].sum()
    return float(media / leads[leads["source"] == channel]["converted_at"].notna().sum())


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
    best, worst = TRUTHS["reps"]["wins"]
    assert (by_rep["mean"].idxmax(), by_rep["mean"].idxmin()) == (best, worst)
    assert by_rep["mean"][[best, worst]].tolist() == pytest.approx([0.40, 0.11], abs=0.04)
    base = decided.groupby("source")["won"].mean()
    expected = decided["source"].map(base)
    surprise = (decided["won"] - expected).groupby(decided["owner"]).sum() / (
        (expected * (1 - expected)).groupby(decided["owner"]).sum() ** 0.5
    )
    assert set(surprise.index[surprise.abs() > FOUND]) == {best, worst}


def slipped(sample: dict[str, Any], name: str) -> pd.Series:
    """Large deals that were to close in a quarter, as said the day before: whether they did not."""
    quarter = pd.Period(name, "Q")
    history = sample["close_date_history"].query("changed_at < @quarter.start_time")
    expected = history.groupby("deal_id")["expected_close"].last()
    deals = sample["deals"].set_index("deal_id").loc[expected.index]
    due = expected.between(quarter.start_time, quarter.end_time)
    due &= ~(deals["closed_at"] < quarter.start_time)
    due &= deals["amount"] > TRUTHS["slippage"]["over"]
    return ~(deals["closed_at"][due] <= quarter.end_time)


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
    logs = np.log(days)
    spread = (logs[public].var() / public.sum() + logs[~public].var() / (~public).sum()) ** 0.5
    assert (logs[public].mean() - logs[~public].mean()) / spread > FOUND


def test_deals_against_competitor_b_are_lost(decided: pd.DataFrame) -> None:
    b = decided[decided["competitor"] == "Concurrent B"]["won"]
    others = decided[decided["competitor"].isin(["Concurrent A", "Concurrent C"])]["won"]
    assert (len(b), len(others)) == pytest.approx((220, 600), rel=0.1)
    assert (b.mean(), others.mean()) == pytest.approx((0.14, 0.27), abs=0.03)
    assert z_of(others, b) > FOUND


def test_fewer_contracts_are_renewed(sample: dict[str, Any]) -> None:
    size = TRUTHS["renewal"]
    contracts = sample["customers"].dropna(subset=["contract_start"])
    rows = []
    for start, end in contracts[["contract_start", "contract_end"]].itertuples(index=False):
        for year in range(1, 12):
            due = start + pd.DateOffset(years=year)
            if pd.Timestamp("2023-04-01") <= due <= min(end, AS_OF):
                rows.append((due, due < end))
    due = pd.DataFrame(rows, columns=["due", "renewed"])
    before = due[due["due"] < size["from"]]["renewed"]
    after = due[due["due"] >= size["from"]]["renewed"]
    assert (before.mean(), after.mean()) == pytest.approx(
        (size["before"], size["after"]), abs=0.025
    )
    assert z_of(before, after) > FOUND
    assert (contracts["contract_end"] > AS_OF).sum() == pytest.approx(560, rel=0.06)


def test_recommendation_falls_in_the_last_wave(sample: dict[str, Any]) -> None:
    answers = sample["surveys"].query("type == 'nps'")
    value = (answers["score"] >= 9).astype(int) - (answers["score"] <= 6)
    waves = value.groupby(answers["wave"]).agg(["mean", "var", "size"])
    assert waves["size"].tolist() == [400] * 7
    last, previous = waves.iloc[-1], waves.iloc[-2]
    told = (TRUTHS["nps"]["before"], TRUTHS["nps"]["after"])
    assert (100 * previous["mean"], 100 * last["mean"]) == pytest.approx(told, abs=4)
    z = (previous["mean"] - last["mean"]) / ((previous["var"] + last["var"]) / 400) ** 0.5
    assert z > SILENT


def test_monday_morning_calls_are_missed(sample: dict[str, Any]) -> None:
    size = TRUTHS["missed_calls"]
    calls = sample["activities"].query("type == 'call' and direction == 'in'")
    at = calls["started_at"].dt
    monday = (at.day_of_week == 0) & at.hour.isin([9, 10])
    missed = calls["outcome"] == "missed"
    rates = (missed[monday].mean(), missed[~monday].mean())
    assert rates == pytest.approx((size["monday_9_to_11"], size["else"]), abs=0.02)
    assert z_of(missed[monday], missed[~monday]) > FOUND


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
    sales = sample["benchmarks"].pivot(index="entity", columns="period", values="value")
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
    deals = sample["deals"].assign(won=sample["deals"]["status"] == "won")
    before = months(deals, "closed_at", "2024-10", "2025-09")["won"]
    assert before.mean() == pytest.approx(TRUTHS["win_rate"]["before"], abs=0.02)
    assert decided["won"].mean() == pytest.approx(TRUTHS["win_rate"]["after"], abs=0.02)
    assert abs(z_of(before, decided["won"])) < SILENT


def test_the_landing_page_does_nothing(sample: dict[str, Any]) -> None:
    action = sample["actions"].set_index("action_id").loc[TRUTHS["landing_page"]["action_id"]]
    leads = sample["leads"].merge(sample["reps"][["owner", "team"]])
    search = leads[(leads["source"] == "Recherche en ligne")]
    start = action["start_date"]
    before = search[search["created_at"].between("2026-01-01", start - pd.Timedelta(1, "D"))]
    after = search[search["created_at"].between(start, "2026-08-15")]
    assert abs(z_of(before["sql_at"].notna(), after["sql_at"].notna())) < SILENT


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


def test_a_rep_looks_weak_by_his_channels_alone(decided: pd.DataFrame) -> None:
    own = decided[decided["owner"] == TRUTHS["weak_by_mix"]["owner"]]
    others = decided[decided["owner"] != TRUTHS["weak_by_mix"]["owner"]]
    social = [(rows["source"] == "Réseaux sociaux").mean() for rows in (own, others)]
    assert social[0] > 1.5 * social[1]
    assert own["won"].mean() < others["won"].mean() - 0.02
    expected = own["source"].map(others.groupby("source")["won"].mean())
    spread = (expected * (1 - expected)).sum() ** 0.5
    assert abs(own["won"].sum() - expected.sum()) < SILENT * spread


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
