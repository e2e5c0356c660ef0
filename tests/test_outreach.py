"""Calls and answers to leads: steps, missed hours, times, bands of response."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from naive import TRUTHS

import kpi_helpers as kh
from kpi_helpers import charts, outreach, sheets, wording
from kpi_helpers.compare.apart import with_others
from kpi_helpers.errors import Unavailable
from kpi_helpers.samples import company

SAMPLE = Path(__file__).parents[1] / "data" / "sample"


@pytest.fixture(scope="module")
def sample() -> Any:
    return kh.load(SAMPLE)


@pytest.fixture(scope="module")
def missed(sample: Any) -> pd.DataFrame:
    return outreach.missed(sample, "2026Q3")


@pytest.fixture(scope="module")
def responses(sample: Any) -> pd.DataFrame:
    return outreach.responses(sample, "2026Q3")


def last_year(sample: Any, direction: str) -> pd.DataFrame:
    rows = sample["activities"]
    rows = rows[(rows["type"] == "call") & (rows["direction"] == direction)]
    return rows[rows["started_at"] >= "2025-10-01"]


def test_monday_morning_is_named_and_nothing_else(sample: Any, missed: pd.DataFrame) -> None:
    block = missed[missed["block"].notna()]
    assert block[["weekday", "hour"]].values.tolist() == [[0, 9], [0, 10]]
    size, row = TRUTHS["missed_calls"], block.iloc[0]
    assert row["block_value"] == pytest.approx(size["monday_9_to_11"], abs=0.03)
    assert row["usual_value"] == pytest.approx(size["else"], abs=0.02)
    (said,) = wording.missed_findings(missed, "en")["sentence"]
    assert said.startswith("Monday from 9:00 to 11:00: 19.5% of calls missed (57 of 293;")
    calls = last_year(sample, "in")
    at, lost = calls["started_at"].dt, calls["outcome"].isin(["missed", "voicemail"])
    for cell in missed.head(12).to_dict("records"):
        own = lost[(at.day_of_week == cell["weekday"]) & (at.hour == cell["hour"])]
        assert (cell["k"], cell["n"]) == (own.sum(), len(own))
    assert missed["n"].sum() == len(calls)


def test_hours_that_are_alike_are_not_told_apart() -> None:
    tables = company(missed_monday=0.08)
    found = outreach.missed(kh.load({"activities": tables["activities"]}), "2026Q3")
    assert found["block"].isna().all()
    (said,) = wording.missed_findings(found, "en")["sentence"]
    assert "no hour of the week shown to differ" in said


def test_days_without_an_hour_make_no_map() -> None:
    rows = pd.DataFrame({"activity_id": range(40), "type": "call", "direction": "in"})
    rows = rows.assign(outcome="missed", started_at="2026-02-03")
    with pytest.raises(Unavailable, match="with their hour"):
        outreach.missed(kh.load({"activities": rows}), "2026Q1")


def test_false_alarms_are_as_rare_as_said() -> None:
    """Fifty alike hours: a hour is named in no more than 5 of 100 worlds (and a little)."""
    rng = np.random.default_rng(9)
    worlds = 200
    named = sum(
        bool((with_others(_hours(rng))["apart"] != "none_shown").any()) for _ in range(worlds)
    )
    assert named / worlds <= 0.05 + 2 * (0.05 * 0.95 / worlds) ** 0.5


def _hours(rng: np.random.Generator) -> pd.DataFrame:
    n = rng.poisson(90, 50).astype(float)
    return pd.DataFrame({"n": n, "k": rng.binomial(n.astype(int), 0.08).astype(float)})


def test_steps_of_calls_are_those_that_one_counts(sample: Any) -> None:
    found = outreach.call_steps(sample, "2026Q3").set_index("step")
    calls, deals = last_year(sample, "out"), sample["deals"]
    calls = calls[~calls["is_empty"]]
    spoke, booked = (
        calls["outcome"].isin(["answered", "booked"]),
        calls[calls["outcome"] == "booked"],
    )
    assert found.loc["spoke", ["k", "n"]].tolist() == [spoke.sum(), len(calls)]
    assert found.loc["booked", ["k", "n"]].tolist() == [len(booked), spoke.sum()]
    won = deals[deals["status"] == "won"]
    hit = booked["deal_id"].isin(won["deal_id"]) | booked["lead_id"].isin(won["lead_id"].dropna())
    assert found.loc["won", ["k", "n"]].tolist() == [hit.sum(), len(booked)]
    assert (found["low"] < found["value"]).all()
    assert (found["value"] < found["high"]).all()


def test_without_deals_the_chain_ends_with_the_meeting() -> None:
    rows = pd.DataFrame({"activity_id": range(40), "type": "call", "direction": "out"})
    rows = rows.assign(
        outcome=["booked", "missed"] * 20, started_at="2026-02-03 10:00", deal_id="D"
    )
    found = outreach.call_steps(kh.load({"activities": rows}), "2026Q1")
    assert found[["step", "k", "n"]].values.tolist() == [["spoke", 20, 40], ["booked", 20, 20]]
    inbound = kh.load({"activities": rows.assign(direction="in")})
    with pytest.raises(Unavailable, match="outbound calls"):
        outreach.call_steps(inbound, "2026Q1")


def test_times_are_means_of_calls(sample: Any) -> None:
    found = outreach.call_times(sample, "2026Q3").set_index("time")
    calls = last_year(sample, "in")
    spoke = calls["outcome"].isin(["answered", "booked"])
    for name, of in (
        ("wait_answered", calls["wait_s"][spoke]),
        ("wait_missed", calls["wait_s"][~spoke]),
    ):
        assert found.loc[name, "value"] == pytest.approx(of.mean())
        assert found.loc[name, "n"] == of.notna().sum()
    assert found.loc["talk", "value"] == pytest.approx(calls["duration_s"][spoke].mean())
    assert (found["low"] < found["value"]).all()


def test_leads_by_how_soon_they_were_answered(sample: Any, responses: pd.DataFrame) -> None:
    bands = ["hour", "day", "three_days", "later", "none"]
    assert responses["band"].tolist() == 2 * bands
    whole = kh.measure(sample, "lead_qualification_rate", "2025-10-01:2026-09-30").iloc[0]
    own = responses[responses["kpi"] == "lead_qualification_rate"]
    assert own["n"].sum() == whole["n"]
    assert own["numerator"].sum() == whole["numerator"]
    assert responses.loc[responses["band"] == "none", "apart"].eq("").all()


def test_the_bands_of_a_source_that_knows_days_only() -> None:
    after = pd.to_timedelta([0, 1, 3, 9], unit="D")
    days = pd.Timestamp("2026-01-05") + after
    leads = pd.DataFrame({"created_at": "2026-01-05", "first_response_at": [*days, pd.NaT]})
    leads = pd.concat([leads] * 10, ignore_index=True)
    leads = leads.assign(lead_id=range(50), sql_at=pd.Timestamp("2026-01-20"))
    data = kh.load({"leads": leads}, {"as_of": "2026-12-31"})
    found = outreach.responses(data, "2026Q1")
    own = found[found["kpi"] == "lead_qualification_rate"]
    assert own["band"].tolist() == ["same_day", "next_day", "third_day", "later", "none"]
    assert own["n"].tolist() == [10] * 5
    with pytest.raises(Unavailable, match="first_response_at"):
        outreach.responses(kh.load({"leads": leads[["lead_id", "created_at"]]}), "2026Q1")


def test_targets_of_both_sides_stand_beside_each_other(sample: Any) -> None:
    found = outreach.agreed(sample, "2026Q3")
    assert set(found["side"]) == {"marketing", "sales"}
    assert found.loc[found["kpi"] == "leads_generated", "target"].tolist() == [1380]
    assert {"lead_acceptance_rate", "lead_handover_sla"} <= set(found["kpi"])
    html = sheets.agreed(found, "fr").as_raw_html()
    assert "Marketing" in html
    assert "Ventes" in html


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_what_is_drawn_and_said(
    sample: Any, missed: pd.DataFrame, responses: pd.DataFrame, lang: str
) -> None:
    steps = outreach.call_steps(sample, "2026Q3")
    told = [
        *wording.missed_findings(missed, lang)["sentence"],
        *wording.calls_findings(steps, lang)["sentence"],
        *wording.responses_findings(responses, lang)["sentence"],
    ]
    assert len(told) == 4
    assert not any(wording.banned(said, lang) or "{" in said for said in told)
    figure = charts.missed_map(missed, lang=lang)
    outlined = [each for each in figure.axes[0].patches if each.get_gid() == "block"]
    assert [each.get_xy() for each in outlined] == [(-0.5, 0.5), (-0.5, 1.5)]
    assert charts.alt(figure) == told[0]
    assert charts.alt(charts.response_bars(responses, lang=lang)) == told[2]
    html = sheets.missed(missed, lang).as_raw_html()
    assert {"en": "29 of 147", "fr": "29 sur 147"}[lang] in html
    assert {"en": "2,302 of 4,467", "fr": "2\u202f302 sur 4\u202f467"}[lang] in sheets.calls(
        steps, lang
    ).as_raw_html()
    assert "s" in sheets.call_times(outreach.call_times(sample, "2026Q3"), lang).as_raw_html()
    assert sheets.responses(responses, lang).as_raw_html().count("<tr") == 13
