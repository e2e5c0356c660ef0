"""What notebook 01 says of the sample company: each planted truth found, the rest left unsaid.

The calls are those of the notebook, on 2026Q3 and on 2025Q4 as it was seen on its last day. That
the truths stand in the tables at all is shown by ``test_sample_truths.py``, without the kit; how
large they are found to be, by the tests of each room. Here only: is it said, which way, how surely.
"""

from typing import Any

import pandas as pd
import pytest
from naive import TRUTHS

import kpi_helpers as kh
from kpi_helpers import control, customers, drivers, reports, teams, wording
from kpi_helpers.associations import OUTCOMES, crossed, lagged, volumes
from kpi_helpers.sources import Dataset

PERIOD, REPLAY, LAST_DAY = "2026Q3", "2025Q4", "2025-12-31"
YEAR = "2025-10-01:2026-09-30"
LARGE = f"amount > {TRUTHS['slippage']['over']:.0f}"
SURE = 0
WORSE, BETTER = ("worse", "established"), ("better", "established")
SILENT = ("none_shown", "not_established")
LOOK: dict[str, Any] = {"lang": "fr", "currency": "EUR"}


@pytest.fixture(scope="module")
def data() -> Dataset:
    return kh.load("data/sample")


@pytest.fixture(scope="module")
def then(data: Dataset) -> Dataset:
    return data.at(LAST_DAY)


@pytest.fixture(scope="module")
def selected(data: Dataset) -> list[str]:
    return reports.chosen(data, [])


@pytest.fixture(scope="module")
def compared(data: Dataset, selected: list[str]) -> pd.DataFrame:
    return kh.compare(data, selected, PERIOD).set_index("kpi")


@pytest.fixture(scope="module")
def year_ago(data: Dataset, selected: list[str]) -> pd.DataFrame:
    return kh.compare(data, selected, PERIOD, to="year_ago").set_index("kpi")


@pytest.fixture(scope="module")
def team(data: Dataset) -> pd.DataFrame:
    return teams.compared(data, PERIOD)


@pytest.fixture(scope="module")
def segments(data: Dataset) -> pd.DataFrame:
    return crossed(data, PERIOD)


def judged(row: Any) -> tuple[str, str]:
    """What is said of a change: which way, and how surely."""
    return row["change_verdict"], row["certainty"]


def first(told: pd.DataFrame) -> tuple[str, int]:
    """The sentence that a section opens with, and how sure it is."""
    return told["sentence"].iloc[0], told["sureness"].iloc[0]


# --- Must be found ------------------------------------------------------------------------------


def test_found_qualification_falls_within_each_channel_and_by_their_mix(then: Dataset) -> None:
    steps = drivers.rate_bridge(then, REPLAY)
    whole, groups = steps.iloc[-1], steps[steps["step"] == "rate"]
    assert whole["bridge"] == "lead_qualification_rate"
    assert whole["certainty"] == "established"
    assert whole["change_high"] < 0
    assert (groups["amount"] < 0).all()
    mix = steps.loc[steps["step"] == "mix", "amount"].item()
    assert groups["amount"].sum() < mix < 0
    within = whole["amount"] / (steps["amount"].iloc[0] + mix)
    assert within == pytest.approx(TRUTHS["bottleneck"]["factor"], abs=0.08)
    said, sureness = first(wording.drivers_findings(steps, **LOOK))
    assert sureness == SURE
    assert TRUTHS["bad_channel"]["channel"] in said


def test_found_the_bottleneck_is_named_with_the_month_it_began(then: Dataset) -> None:
    kpis = reports.chosen(then, [])
    said, sureness = first(
        wording.control_findings(control.latest(control.watched(then, kpis, REPLAY)), **LOOK)
    )
    assert sureness == SURE
    assert "aux de qualification" in said
    assert "juil. 2025" in said
    chain = drivers.bookings_chain(then, REPLAY)
    largest = chain.loc[chain["amount"].where(chain["kind"] == "change").idxmin()]
    assert (largest["step"], largest["certainty"]) == ("qualification", "established")


def test_found_the_training_of_team_a_beside_team_b(data: Dataset) -> None:
    """The action that the replay calls for is measured by the two groups."""
    effects = kh.measure(data, "action_effect", "2026Q1", by="action_id").set_index("action_id")
    assert effects.loc["ACT-01", ["status", "unit"]].tolist() == ["ok", "points"]
    assert effects.loc["ACT-01", "low"] > 0
    rates = kh.compare(data, "lead_qualification_rate", PERIOD, "year_ago", "team")
    rates = rates.set_index("team")
    assert judged(rates.loc[TRUTHS["cure"]["team"]]) == BETTER
    assert judged(rates.loc["Équipe B"]) == SILENT
    said, sureness = first(wording.segments_findings(crossed(data, PERIOD, "team"), **LOOK))
    assert said.startswith("Équipe B")
    assert sureness == SURE


@pytest.mark.thorough
def test_found_one_channel_costs_more_than_it_brings(data: Dataset, segments: pd.DataFrame) -> None:
    bad = TRUTHS["bad_channel"]
    economics = customers.economics(data, PERIOD)
    assert economics.loc[economics["verdict"] == "cut", "channel"].tolist() == [bad["channel"]]
    said, sureness = first(wording.economics_findings(economics, **LOOK))
    assert said.startswith(bad["channel"])
    assert bad["beside"] in said
    assert sureness == SURE
    signals = segments[segments["adverse"]].groupby("group")["kpi"].agg(set)
    assert signals[bad["channel"]] >= {"lead_qualification_rate", "lead_to_customer_rate"}


def test_found_two_reps_and_nobody_else(team: pd.DataFrame) -> None:
    apart = team[team["verdict"] != "none_shown"].set_index("owner")["verdict"].to_dict()
    planted = TRUTHS["reps"].items()
    assert apart == {name: "above" if times > 1 else "below" for name, times in planted}
    assert first(wording.teams_findings(team, **LOOK))[1] == SURE


def test_found_large_deals_slip(data: Dataset) -> None:
    for period in ("2026Q2", PERIOD):
        (slipped,) = kh.compare(data, "slippage_rate", period, "year_ago", where=LARGE).iloc
        assert judged(slipped) == WORSE
    (before,) = kh.compare(data, "slippage_rate", "2026Q1", "year_ago", where=LARGE).iloc
    assert judged(before) == SILENT
    small = kh.compare(data, "slippage_rate", PERIOD, "year_ago", where=f"not ({LARGE})")
    assert judged(small.iloc[0]) == SILENT


def test_found_public_deals_take_longer(segments: pd.DataFrame) -> None:
    cycle = segments[(segments["kpi"] == "sales_cycle_duration") & segments["adverse"]]
    assert cycle["group"].tolist() == [TRUTHS["public_cycle"]["sector"]]
    assert cycle["certainty"].tolist() == ["established"]
    told = wording.segments_findings(segments, **LOOK)
    named = wording.told.subject(TRUTHS["public_cycle"]["sector"], LOOK["lang"])
    told = told[told["sentence"].str.startswith(named)]
    assert told["sureness"].tolist() == [SURE]


def test_found_deals_against_competitor_b_are_lost(data: Dataset) -> None:
    """The breakdown of the notebook, by competitor: over a quarter and over a year."""
    rival = min(TRUTHS["competitor"], key=TRUTHS["competitor"].get)
    for period in (PERIOD, YEAR):
        rates = kh.compare(data, "win_rate_count", period, "others", "competitor")
        rates = rates.set_index("competitor")
        assert judged(rates.loc[rival]) == WORSE
        assert (rates.drop(rival)["change_verdict"] == "none_shown").all()


def test_found_fewer_contracts_are_renewed(data: Dataset, then: Dataset) -> None:
    kept = customers.recurring(data, PERIOD)
    assert judged(kept.set_index("kpi").loc["logo_churn_rate"]) == WORSE
    assert first(wording.recurring_findings(kept, **LOOK))[1] == SURE
    early = customers.recurring(then, REPLAY).set_index("kpi").loc["logo_churn_rate"]
    assert judged(early) == SILENT


def test_found_recommendation_falls_between_two_waves(year_ago: pd.DataFrame) -> None:
    wave = year_ago.loc["nps"]
    assert judged(wave) == WORSE
    planted = TRUTHS["nps"]
    assert wave["low"] < planted["after"] < wave["high"] < planted["before"]


def test_found_the_key_account_in_the_bridge_and_not_in_the_total(
    data: Dataset, compared: pd.DataFrame, year_ago: pd.DataFrame
) -> None:
    steps = drivers.customer_bridge(data, PERIOD)
    named = steps[steps["name"].notna()]
    foremost = named.loc[named["amount"].abs().idxmax()]
    own = data["customers"].set_index("customer_id")["customer_name"][
        TRUTHS["key_account"]["customer_id"]
    ]
    assert (foremost["name"], foremost["step"]) == (own, "lost")
    assert own in first(wording.drivers_findings(steps, **LOOK))[0]
    for total in (compared, year_ago):
        assert total.loc["revenue", "change_verdict"] == "none_shown"


def test_found_our_share_of_the_market_rises_a_little(data: Dataset) -> None:
    (share,) = kh.compare(data, "market_share", "2025").iloc
    assert judged(share) == ("better", "exact")
    planted = pytest.approx(TRUTHS["market"]["nous"], abs=5e-4)
    assert share[["reference", "value"]].tolist() == planted


# --- Must stay silent ---------------------------------------------------------------------------


def test_silent_the_win_rate(
    data: Dataset, then: Dataset, compared: pd.DataFrame, year_ago: pd.DataFrame
) -> None:
    silent = [compared.loc["win_rate_count"], year_ago.loc["win_rate_count"]]
    silent += [kh.compare(data, "win_rate_count", YEAR).iloc[0]]
    silent += [kh.compare(then, "win_rate_count", REPLAY).iloc[0]]
    for row in silent:
        assert judged(row) == SILENT
        assert row["change_low"] < 0 < row["change_high"]
    watched = control.latest(control.watched(data, "win_rate_count", PERIOD))
    assert not watched["news"].any()


def test_silent_the_landing_page(data: Dataset) -> None:
    """No group to compare it with: it is not measured, and its channel does not move either."""
    action = TRUTHS["landing_page"]["action_id"]
    effects = kh.measure(data, "action_effect", "2026", by="action_id").set_index("action_id")
    assert effects.loc[action, "status"] == "missing"
    assert "control_group" in effects.loc[action, "note"]
    where = data["actions"].set_index("action_id").loc[action, "population"]
    for period in ("2026Q2", PERIOD):
        (rate,) = kh.compare(data, "lead_qualification_rate", period, where=where).iloc
        assert judged(rate) == SILENT


def test_silent_visits_that_double_without_wins(data: Dataset, year_ago: pd.DataFrame) -> None:
    visits = kh.compare(data, "site_visits", PERIOD, "year_ago").iloc[0]
    times = visits["value"] / visits["reference"]
    assert times == pytest.approx(TRUTHS["visits"]["factor"], abs=0.2)
    assert visits["change_verdict"] == "changed"  # neither better nor worse
    linked = lagged(data, volumes(), OUTCOMES, PERIOD)
    assert not linked.loc[linked["kpi"] == "site_visits", "linked"].any()
    assert SURE not in set(wording.volumes_findings(linked, **LOOK)["sureness"])
    wins = year_ago.loc[["bookings", "deals_won_count", "new_customers", "revenue"]]
    assert (wins["change_verdict"] == "none_shown").all()


def test_silent_eight_average_reps(data: Dataset, team: pd.DataFrame) -> None:
    others = team.set_index("owner").drop(list(TRUTHS["reps"]))
    assert others["verdict"].tolist() == ["none_shown"] * 8
    weak, lucky = others.loc[TRUTHS["weak_by_mix"]["owner"]], TRUTHS["lucky"]
    assert weak["value"] < weak["standardised"]  # with the channels of all it would win more
    of_product = teams.compared(data, PERIOD, where=f"product == '{lucky['product']}'")
    cell = of_product.set_index("owner").loc[lucky["owner"]]
    assert cell[["numerator", "n"]].tolist() == [lucky["won"], lucky["of"]]
    assert cell["verdict"] == "none_shown"
