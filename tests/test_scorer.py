"""The BANT scorer: answers of a person, open cases, and what the score has been worth."""

import numpy as np
import pandas as pd
import pytest
from test_funnel_scoring import drawn

import kpi_helpers as kh
from kpi_helpers import funnel
from kpi_helpers.controls import scored, scorer
from kpi_helpers.errors import UnknownName
from kpi_helpers.funnel.scoring import COLUMNS, ITEMS
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.pseudonyms import pseudonymised

HOSTILE = "<img src=x onerror=alert(1)>$x$ {lead}"


def answers(**known: float) -> pd.DataFrame:
    return pd.DataFrame([known])


def test_known_answers_have_the_chance_of_the_weights(sample: Dataset) -> None:
    found = funnel.bant(sample)
    assert found.weights is not None
    whole = answers(budget=1, authority=1, need=0, timeline=1)
    own, told = funnel.graded(found, whole).iloc[0], funnel.score(found.weights, whole).iloc[0]
    assert own["points"] == 3
    assert own[["chance", "low", "high"]].tolist() == pytest.approx(told.tolist())


def test_what_is_not_known_may_be_a_yes_or_a_no(sample: Dataset) -> None:
    found = funnel.bant(sample)
    assert found.weights is not None
    chance, low, high = 0.0, 1.0, 0.0
    for need in (0, 1):
        for timeline in (0, 1):
            weight = 1.0
            for item, level in (("need", need), ("timeline", timeline)):
                rows = found.items[found.items["item"] == item].set_index("answer")["n"]
                yes = rows["yes"] / (rows["yes"] + rows["no"])
                weight *= yes if level else 1 - yes
            each = answers(budget=1, authority=0, need=need, timeline=timeline)
            one = funnel.score(found.weights, each).iloc[0]
            chance += weight * one["chance"]
            low, high = min(low, one["low"]), max(high, one["high"])
    mixed = pd.concat([answers(budget=1, authority=0), answers(budget=1, authority=1, need=1)])
    own = funnel.graded(found, mixed).iloc[0]
    assert np.isnan(own["points"])
    assert own[["chance", "low", "high"]].tolist() == pytest.approx([chance, low, high])


def test_an_answer_that_the_past_lacks_too_has_its_own_weight() -> None:
    found = funnel.bant(kh.load({"deals": drawn()}).at("2026-06-30"), "2026Q2")
    assert found.weights is not None
    blank = answers(budget=1, authority=1, need=1)
    own = funnel.graded(found, blank)[["chance", "low", "high"]]
    pd.testing.assert_frame_equal(own, funnel.score(found.weights, blank))


def test_with_few_cases_points_have_their_rate() -> None:
    data = kh.load({"deals": drawn(60)}, {"language": "en"}).at("2026-06-30")
    shown = scored(data, "yes", "no", "yes", "yes")
    row = funnel.bant(data).scores.set_index("points").loc["3"]
    assert shown.figures["Chance to be won"].startswith(f"{row['value']:.0%}")
    assert "too few wins or losses" in shown.sentences[0]
    assert "give all four" in scored(data, "yes").sentences[0]


def test_open_deals_come_best_first(sample: Dataset) -> None:
    found = funnel.bant(sample)
    rows, deals = funnel.open_cases(sample, found), sample["deals"]
    noted = deals[[*COLUMNS]].notna().any(axis=1)
    assert sorted(rows["case"]) == sorted(deals.loc[deals["is_open"] & noted, "deal_id"])
    assert rows["chance"].is_monotonic_decreasing
    assert found.weights is not None
    told = funnel.score(found.weights, rows[[*ITEMS]])["chance"]
    assert rows["chance"].tolist() == pytest.approx(told.tolist())
    assert rows["expected"].tolist() == pytest.approx((rows["amount"] * told).tolist())
    owner = rows["owner"].iloc[0]
    assert len(funnel.open_cases(sample, found, {"owner": owner})) == (rows["owner"] == owner).sum()


def test_leads_that_are_neither_customers_nor_rejected_are_open() -> None:
    leads = drawn().rename(columns={"deal_id": "lead_id"})
    won = leads["status"] == "won"
    leads = leads.assign(converted_at=leads["closed_at"].where(won), sql_at="2025-02-01")
    leads = leads.drop(columns=["status", "closed_at"]).assign(created_at="2025-03-05")
    leads["rejected_reason"] = np.where(won | (leads.index % 2 == 0), None, "Budget")
    data = kh.load({"leads": leads}).at("2026-12-31")
    rows = funnel.open_cases(data, funnel.bant(data, "2025"))
    noted = leads[[*COLUMNS]].notna().any(axis=1)
    still = leads[~won & leads["rejected_reason"].isna() & noted]
    assert sorted(rows["case"].astype(int)) == still["lead_id"].tolist()
    assert rows["expected"].isna().all()


def test_the_control_shows_what_the_plain_function_gives(sample: Dataset) -> None:
    control = scorer(sample, budget="yes")
    control.set(need="no", timeline="yes")
    assert control.values == {"budget": "yes", "authority": "", "need": "no", "timeline": "yes"}
    plain = scored(sample, **control.values)
    assert (plain.sentences, plain.figures) == (control.shown.sentences, control.shown.figures)
    with pytest.raises(UnknownName, match="perhaps"):
        scored(sample, "perhaps")


def test_a_score_that_knows_the_outcome_is_to_be_redefined(sample: Dataset) -> None:
    deals = drawn()
    deals["bant_scored_at"] = np.where(deals["status"] == "won", "2026-06-01", None)
    data = kh.load({"deals": deals}, {"language": "en"}).at("2026-06-30")
    assert scored(data, "yes").sentences[-1].startswith("Decision: redefine")
    young = kh.load({"deals": drawn()}, {"language": "en"}).at("2026-06-30")
    assert scored(young, "yes").sentences[-1].startswith("Decision: none yet")
    assert "garder le score" in scored(sample, "yes").sentences[-1]


def test_names_are_text_and_pseudonyms_where_they_are_shared(sample: Dataset) -> None:
    deals = drawn().assign(owner=HOSTILE, stage=HOSTILE, amount=100.0)
    deals.loc[::5, ["status", "closed_at"]] = ["open", None]
    data = kh.load({"deals": deals}, {"language": "en"}).at("2026-06-30")
    html = scorer(data).shown._repr_html_()
    assert "&lt;img src=x" in html
    assert "<img src=x" not in html
    shared = scored(pseudonymised(sample)).frame
    assert shared is not None
    assert not set(shared["owner"]) & set(sample["deals"]["owner"])


def test_without_answers_the_reason_is_given(sample: Dataset) -> None:
    bare = sample["deals"][["deal_id", "created_at", "closed_at", "status", "amount"]]
    control = scorer(kh.load({"deals": bare}, {"language": "en"}))
    assert "bant_budget" in control._fault.value
    assert control.values == {}
