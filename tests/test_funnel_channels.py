"""What channels bring for their money: against a plain loop, planted truths and published data."""

import datetime as dt
from collections import defaultdict
from typing import Any

import numpy as np
import pandas as pd
import pytest
from naive import TRUTHS
from packs import REAL, opened
from scipy.stats import beta, chi2

import kpi_helpers as kh
from kpi_helpers.errors import Unavailable
from kpi_helpers.funnel import channels, concordance, duels, moved_budget
from kpi_helpers.funnel.channels import _drawn, judged, usual_size
from kpi_helpers.sources import Dataset

SOCIAL = TRUTHS["bad_channel"]["channel"]


@pytest.fixture(scope="module")
def found(sample: Dataset) -> pd.DataFrame:
    return channels(sample)


def made(margin: list[float], spend: list[float], size: Any = 1.0) -> pd.DataFrame:
    """Channels a, b, c … as `channels` returns them, judged."""
    rows = pd.DataFrame({"channel": [*"abcdefgh"[: len(margin)]], "margin": margin, "spend": spend})
    return judged(rows.assign(size=size, returned=rows["margin"] / rows["spend"]))


def test_a_plain_loop_finds_the_same(sample: Dataset, found: pd.DataFrame) -> None:
    start, end = found["start"].iloc[0], found["end"].iloc[0]
    window = dt.timedelta(days=176)  # what nine in ten customers took, as the KPI's note says
    assert start == dt.date(2025, 4, 1)
    assert end + window <= sample.as_of + dt.timedelta(days=1) < end + window + 31 * dt.timedelta(1)
    leads = sample["leads"]
    leads = leads[(leads["created_at"].dt.date >= start) & (leads["created_at"].dt.date < end)]
    came = {row.lead_id: row for row in leads.itertuples()}
    counts, margin, spend = defaultdict(int), defaultdict(float), defaultdict(float)
    for lead in came.values():
        soon = lead.converted_at <= lead.created_at + window
        counts[lead.source] += 1
        counts[lead.source, "won"] += bool(soon)
    orders = sample["orders"]
    orders = orders[orders["order_date"].dt.date.between(start, end - dt.timedelta(1))]
    rate = 1 - orders["cost"].sum() / orders["amount_net"].sum()
    for deal in sample["deals"].query("is_won").itertuples():
        lead = came.get(deal.lead_id)
        if lead is not None and deal.closed_at <= lead.created_at + window:
            margin[lead.source] += deal.amount * rate
    for row in sample["spend"].query("cost_type == 'media'").itertuples():
        if start <= row.date.date() < end:
            spend[row.channel] += row.amount
    for row in found.itertuples():
        assert row.leads == counts[row.channel]
        assert row.won == counts[row.channel, "won"]
        assert row.margin == pytest.approx(margin[row.channel], rel=1e-6)
        assert row.returned == pytest.approx(row.margin / spend[row.channel])


def test_the_planted_bad_channel_is_found(found: pd.DataFrame) -> None:
    """Leads from social become customers in 1.8 % of cases, against 9.2 %."""
    social = found.set_index("channel").loc[SOCIAL]
    assert social["won_low"] < 0.018 < social["won_high"] < 0.03
    assert social["won_apart"] == "below"
    assert social["won_rest"] == pytest.approx(0.092, abs=0.01)
    assert social["verdict"] == "worse"
    assert found.loc[found["returned"].idxmin(), "channel"] == SOCIAL
    assert social["returned_high"] < found.loc[found["verdict"] == "better", "returned_low"].min()


def test_money_leaves_the_worst_channel_only_and_brings_more(found: pd.DataFrame) -> None:
    moved = moved_budget(found)
    whole, each = moved.iloc[0], moved.iloc[1:]
    assert whole["spend_after"] == pytest.approx(whole["spend"])
    assert each.loc[each["spend_after"] < each["spend"], "channel"].tolist() == [SOCIAL]
    assert 0 < whole["change_low"] < whole["change"] < whole["change_high"]
    assert each["change"].sum() == pytest.approx(whole["change"])


def test_ranges_of_equal_amounts_are_those_of_poisson_counts() -> None:
    leads = pd.DataFrame({"lead_id": range(200), "created_at": "2025-01-05", "source": "web"})
    won = leads.head(12)
    leads["converted_at"] = ["2025-02-01"] * 12 + [None] * 188
    deals = won[["lead_id"]].assign(deal_id=range(12), created_at="2025-01-10", status="won")
    deals = deals.assign(closed_at="2025-02-01", amount=500.0)
    spend = pd.DataFrame({"date": ["2025-01-02"], "amount": [3000.0], "channel": ["web"]})
    data = kh.load({"leads": leads, "deals": deals, "spend": spend.assign(cost_type="media")})
    (row,) = channels(data.at("2025-12-31"), "2025").to_dict("records")
    exact = chi2.ppf([0.025, 0.975], [24, 26]) / 2 * 500 / 3000
    assert row["valued"] == "revenue"
    assert [row["returned"], row["cac"]] == [2.0, 250.0]
    assert [row["returned_low"], row["returned_high"]] == pytest.approx(list(exact))
    assert [row["chance"], row["verdict"]] == [pytest.approx(np.nan, nan_ok=True), ""]


@pytest.mark.parametrize("sales", [8, 30])
def test_channels_that_are_alike_are_seldom_told_apart(sales: int) -> None:
    """One in ten times at most, with two Monte-Carlo errors; a pair of them in most worlds."""
    rng, worlds, named, naive = np.random.default_rng(7), 60, 0, 0
    for _ in range(worlds):
        each = [rng.lognormal(9, 1, rng.poisson(sales)) for _ in range(6)]
        x, xx = (pd.Series([(one**power).sum() for one in each]) for power in (1, 2))
        rows = made(list(x), [1e5] * 6, usual_size(x, xx))
        named += (rows["verdict"] != "").any()
        naive += duels(rows).to_numpy().max() >= 0.9
    assert named / worlds <= 0.10 + 2 * np.sqrt(0.1 * 0.9 / worlds)
    assert naive / worlds > 0.3


def test_the_chance_to_beat_is_that_of_two_gamma_laws() -> None:
    chance = duels(made([30.0, 20.0], [10.0, 10.0]))
    assert chance.loc["a", "b"] == pytest.approx(beta.sf(0.5, 30.5, 20.5), abs=0.01)
    assert chance.loc["a", "b"] + chance.loc["b", "a"] == pytest.approx(1)


def test_the_better_of_two_is_named_from_39_of_40_on() -> None:
    """One chance in ten of a false name, for both sides and two channels: 0.1 / 2 / 2."""
    for first, named in ((34.0, ""), (35.0, "better")):
        rows = made([first, 20.0], [10.0, 10.0])
        exact = beta.sf(0.5, first + 0.5, 20.5)
        assert rows["chance"].tolist() == pytest.approx([exact, 1 - exact], abs=0.004)
        assert (exact > 0.975) == (named == "better")
        assert rows["verdict"].tolist() == [named, "worse" if named else ""]


def test_what_margins_may_be_counts_half_an_amount_more() -> None:
    """The gamma law of a count with Jeffreys' half: even a channel that sold nothing may sell."""
    drawn = _drawn(made([3000.0, 0.0], [10.0, 10.0], size=100.0))
    assert drawn.mean(axis=0) == pytest.approx([3050, 50], rel=0.03)
    assert drawn.std(axis=0) == pytest.approx([100 * 30.5**0.5, 100 * 0.5**0.5], rel=0.03)


def test_another_budget_follows_the_elasticity() -> None:
    rows = made([300.0, 20.0], [100.0, 100.0])
    straight = moved_budget(rows, {"a": 200.0}, elasticity=1.0).set_index("channel")
    assert straight.loc["a", "change"] == pytest.approx(300)
    bent = moved_budget(rows, {"a": 200.0, "b": 0.0}).set_index("channel")
    assert bent.loc["a", "margin_after"] == pytest.approx(300 * 2**0.7)
    assert bent.loc["b", "margin_after"] == 0
    assert (bent["elasticity"] == 0.7).all()


def said(both: list[list[int]]) -> Dataset:
    names = [("web", "Web "), ("web", "fair"), ("fair", "web"), ("fair", "Fair")]
    counts = [n for row in both for n in row]
    pairs = [pair for pair, n in zip(names, counts, strict=True) for _ in range(n)]
    leads = pd.DataFrame(pairs, columns=["source", "self_reported_source"])
    return kh.load({"leads": leads.assign(lead_id=range(len(leads)), created_at="2026-01-05")})


def test_concordance_of_a_worked_table() -> None:
    """35 of 50 agree where chance alone gives half: κ = .4, from .151 to .649."""
    (row,) = concordance(said([[20, 5], [10, 15]]), "2026Q1").round(3).to_dict("records")
    assert row == {
        **{"n": 50.0, "agreed": 0.7, "kappa": 0.4, "low": 0.151, "high": 0.649},
        **{"tracked": "fair", "named": "web", "swapped": 10.0},
    }


def test_concordance_needs_both_columns(sample: Dataset) -> None:
    with pytest.raises(Unavailable, match="self_reported_source"):
        concordance(sample)
    with pytest.raises(Unavailable):
        concordance(said([[20, 0], [0, 0]]), "2026Q1")


def test_without_cost_or_money_the_steps_are_still_told(sample: Dataset) -> None:
    leads = sample["leads"].drop(columns=["age_days", "is_converted", "hours_to_response"])
    alone = kh.load({"leads": leads}).at(sample.as_of)
    rows = channels(alone, "2026Q3")
    assert rows["won_apart"].eq("below").sum() == 1
    assert rows[["margin", "spend", "returned", "chance"]].isna().all(axis=None)
    assert (rows["verdict"] == "").all()
    with pytest.raises(Unavailable, match="spend"):
        moved_budget(rows)


def test_leads_without_a_channel_or_too_young_are_said_to_be_missing() -> None:
    leads = pd.DataFrame({"lead_id": range(9), "created_at": "2026-03-05", "converted_at": None})
    with pytest.raises(Unavailable, match=r"leads\.source"):
        channels(kh.load({"leads": leads}), "2026Q1")
    with pytest.raises(Unavailable):
        channels(
            kh.load({"deals": leads.rename(columns={"lead_id": "deal_id"}).assign(status="open")})
        )
    young = kh.load({"leads": leads.assign(source="web")}).at("2026-03-31")
    with pytest.raises(Unavailable, match="old enough"):
        channels(young, "2026Q1")


def test_a_channel_of_one_lead_is_there_too() -> None:
    leads = pd.DataFrame({"lead_id": range(60), "created_at": "2025-01-05", "source": "web"})
    leads.loc[7, "source"] = "fair"
    leads["converted_at"] = ["2025-02-01"] * 12 + [None] * 48
    found = channels(kh.load({"leads": leads}).at("2025-12-31"), "2025").set_index("channel")
    assert found["leads"].to_dict() == {"web": 59, "fair": 1}
    assert found["won"].to_dict() == {"web": 11, "fair": 1}


def test_olist_by_channel_is_what_the_files_say() -> None:
    data = opened("olist")
    rows = channels(data, "2018Q2").set_index("channel")
    folder = REAL / "olist"
    leads = pd.read_csv(folder / "olist_marketing_qualified_leads_dataset.csv")
    won = pd.read_csv(folder / "olist_closed_deals_dataset.csv")
    leads = leads[leads["first_contact_date"].between("2017-07-01", "2018-06-30")]
    both = leads.merge(won, "left", "mql_id", indicator=True)
    by = both.groupby("origin", dropna=True)["_merge"].agg(["size", lambda x: (x == "both").sum()])
    known = rows[rows.index.notna()]
    assert known["leads"].to_dict() == by["size"].to_dict()
    assert (known["won"] - by.iloc[:, 1]).abs().max() <= 1  # one was won before its first contact
    assert known.loc["paid_search", "won_apart"] == "above"
    assert known.loc["social", "won_apart"] == "below"
    assert rows["spend"].isna().all()
    people = kh.measure(data, "new_customers_won", "2018Q2", by=["source", "sdr_id", "owner"])
    closed = won[won["won_date"].between("2018-04-01", "2018-06-30 99")].merge(
        leads, "left", "mql_id"
    )
    by = ["sdr_id", "sr_id"]
    pairs = closed.groupby(by).size()
    assert people.groupby(["sdr_id", "owner"])["value"].sum().to_dict() == pairs.to_dict()
