"""The time to win as sentences, charts and tables: what is planted is said, in both languages."""

from typing import Any

import pandas as pd
import pytest
from naive import TRUTHS
from packs import opened

import kpi_helpers as kh
from kpi_helpers import charts, funnel, sheets, wording
from kpi_helpers.sheets.times import AGES
from kpi_helpers.sources import Dataset
from kpi_helpers.wording.ban import banned

PERIOD, LANGUAGES = "2026Q3", ("fr", "en")
NAMES = ("cycle", "cycle_chances", "cycle_segments", "stays")


@pytest.fixture(scope="module")
def frames(sample: Dataset) -> dict[str, pd.DataFrame]:
    return {name: getattr(funnel, name)(sample, PERIOD) for name in NAMES}


def told(frame: pd.DataFrame, lang: str = "en") -> list[str]:
    return wording.cycle_findings(frame, lang)["sentence"].tolist()


# Sentences


def test_the_cycle_is_said_with_its_range_and_how_long_to_wait(frames: Any) -> None:
    (said,) = told(frames["cycle"])
    half, most = frames["cycle"]["value"].iloc[:2]
    low, high = frames["cycle"].loc[0, ["low", "high"]]
    for words in (f"{half:.0f} days or less", f"{low:.0f}–{high:.0f} days", f"ten {most:.0f} days"):
        assert words in said
    assert "from creation" in said


@pytest.mark.parametrize(
    ("clock", "words"), [("first_contact", "le premier contact"), ("qualified", "la qualification")]
)
def test_the_clock_is_named(sample: Dataset, clock: str, words: str) -> None:
    frame = funnel.cycle_chances(sample, PERIOD, clock)
    chart = charts.cycle_shares(frame, lang="fr")
    subtitle = next(each.get_text() for each in chart.texts if each.get_gid() == "subtitle")
    assert f"depuis {words}" in told(frame, "fr")[0]
    assert f"depuis {words}" in subtitle.replace("\n", " ")


def test_the_slow_sector_is_the_only_segment_named(frames: Any) -> None:
    found = wording.cycle_findings(frames["cycle_segments"], "fr", table="cycle_segments")
    (said,) = found["sentence"]
    assert said.startswith(f"Segment «\u00a0{TRUTHS['public_cycle']['sector']}\u00a0»")
    assert found["sureness"].tolist() == [0]
    (row,) = (int(each) - 1 for each in found["rows"])
    assert frames["cycle_segments"]["group"].iloc[row] == TRUTHS["public_cycle"]["sector"]


def test_where_no_segment_is_slow_none_is_said_to_be(frames: Any) -> None:
    even = frames["cycle_segments"].assign(apart="none_shown")
    found = wording.cycle_findings(even, "en")
    assert found["sentence"].tolist() == ["Time to win: no difference between segments is shown."]
    assert found["sureness"].tolist() == [1]


def test_the_age_to_stop_at_is_said_where_it_is_shown_only(sample: Dataset, frames: Any) -> None:
    assert "at no age" in told(frames["cycle_chances"])[0]
    leads = funnel.cycle_chances(sample, PERIOD, "first_contact")
    found = wording.cycle_findings(leads, "en")
    first = leads[leads["past"]].iloc[0]
    assert f"Undecided after {first['age']:.0f} days from the first contact" in found["sentence"][0]
    assert found["sureness"].tolist() == [0]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_findings_have_no_words_of_the_method(frames: Any, lang: str) -> None:
    for name, frame in frames.items():
        found = wording.cycle_findings(frame, lang, table=name)
        assert 1 <= len(found) <= 2
        assert set(found["table"]) == {name}
        for said in found["sentence"]:
            assert banned(said, lang) == []
            assert "nan" not in said


def test_deals_that_all_end_on_their_first_day_have_a_cycle_and_no_age_to_stop_at() -> None:
    ended = {"created_at": "2026-09-01", "closed_at": "2026-09-01"}
    deals = pd.DataFrame({"deal_id": range(9), "status": ["won"] * 5 + ["lost"] * 4, **ended})
    data = kh.load(deals, as_of="2026-09-30")
    begun = "Of the deals begun 1 Oct 2025 – 30 Sep 2026, half of those that are won take 0 days"
    assert told(funnel.cycle(data, PERIOD))[0].startswith(begun)
    chances = funnel.cycle_chances(data, PERIOD)
    assert told(chances) == []
    assert charts.alt(charts.cycle_shares(chances, title="At once")) == "At once"


# Charts and tables


def artists(chart: Any, gid: str) -> list[Any]:
    return chart.axes[0].findobj(lambda each: each.get_gid() == gid)


def test_the_areas_are_the_shares(frames: Any) -> None:
    frame = frames["cycle_chances"]
    chart = charts.cycle_shares(frame)
    (won,), (lost,) = (artists(chart, name) for name in ("won", "lost"))
    edge = won.get_paths()[0].vertices
    assert edge[:, 1].max() == pytest.approx(frame["won"].iloc[-1])
    assert lost.get_paths()[0].vertices[:, 1].max() == pytest.approx(1)
    labels = [each.get_text() for each in artists(chart, "won_by")]
    shown = frame.set_index("age").loc[[30, 60, 90, 180], "won"]
    assert labels == [f"{100 * share:.1f}%" for share in shown]
    assert charts.alt(chart) == told(frame)[0]


def test_a_stage_that_is_not_left_has_a_mean_instead(frames: Any) -> None:
    blank = dict.fromkeys(("value", "late", "very_late", "low", "high"))
    none = {"now_late": 0, "now_very_late": 0}
    frame = frames["stays"].assign(**blank, **none, mean=12.0)
    html = sheets.times(frame.astype(dict.fromkeys(blank, float)), "en").as_raw_html()
    assert "12 days" in html
    assert "nan" not in html


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_frame_has_its_table(frames: Any, lang: str) -> None:
    for name, frame in frames.items():
        html = sheets.times(frame, lang, name=name).as_raw_html()
        assert f'id="{name}"' in html
        assert "times." not in html
    page = sheets.times(frames["cycle_chances"], lang).as_raw_html()
    assert page.count("<tr") == 1 + frames["cycle_chances"]["age"].isin(AGES).sum()


def test_names_of_the_data_stay_text(frames: Any) -> None:
    evil = frames["cycle_segments"].assign(group="<script>alert(1)</script>")
    assert "<script>alert" not in sheets.times(evil, "en").as_raw_html()


# Published data


def test_maven_crm_has_a_cycle_without_a_history() -> None:
    data = opened("maven_crm")
    found = funnel.cycle(data, "2017Q4").set_index("measure")
    days = data["deals"].query("is_won and created_at >= '2017-01-01'")["age_days"]
    assert (found.loc["half", "n"], found.loc["naive", "value"]) == (len(days), days.mean())
    assert found.loc["half", "value"] == pytest.approx(days.median(), abs=10)
    chances = funnel.cycle_chances(data, "2017Q4")
    assert chances["past"].any()
    assert (chances[["won", "lost", "open"]].sum(axis=1) - 1).abs().max() < 1e-9
