"""Channels, losses, competitors and BANT as sentences, charts and tables, in both languages."""

from typing import Any

import pandas as pd
import pytest
from naive import TRUTHS

from kpi_helpers import charts, funnel, sheets, wording
from kpi_helpers.sources import Dataset

SOCIAL = TRUTHS["bad_channel"]["channel"]
RIVAL = min(TRUTHS["competitor"], key=TRUTHS["competitor"].get)


@pytest.fixture(scope="module")
def results(sample: Dataset) -> dict[str, Any]:
    found = funnel.channels(sample)
    named = {"channels": found, "budget": funnel.moved_budget(found)}
    named |= {"losses": funnel.losses(sample), "rivals": funnel.rivals(sample)}
    scored = funnel.bant(sample)._asdict()
    return named | {f"bant_{part}": scored[part] for part in ("scores", "items", "quality")}


def told(results: dict[str, Any], lang: str) -> dict[str, pd.DataFrame]:
    return {name: wording.selling_findings(x, name, lang) for name, x in results.items()}


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_each_truth_is_one_sure_sentence_and_nothing_else_is(
    results: dict[str, Any], lang: str
) -> None:
    said = told(results, lang)
    for frame in said.values():
        assert 1 <= len(frame) <= 3
        assert not [word for each in frame["sentence"] for word in wording.banned(each, lang)]
    sure = {name: frame[frame["sureness"] == 0] for name, frame in said.items()}
    (social,) = sure["channels"].to_dict("records")
    assert social["sentence"].startswith(SOCIAL)
    assert social["money_at_stake"] > 50_000
    (rival,) = sure["rivals"].to_dict("records")
    assert rival["sentence"].startswith(RIVAL)
    assert sure["budget"].empty
    assert sure["losses"].empty
    assert sure["bant_quality"].empty
    assert len(sure["bant_scores"]) == len(sure["bant_items"]) == 1


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_title_of_each_chart_is_its_finding(results: dict[str, Any], lang: str) -> None:
    drawn = {"channels": charts.source_bars, "losses": charts.loss_bars}
    drawn |= {"rivals": charts.rival_bars, "bant_scores": charts.score_pairs}
    said = told(results, lang)
    for name, chart in drawn.items():
        assert charts.alt(chart(results[name], lang=lang)) == said[name]["sentence"].iloc[0]


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_tables_hold_the_figures_of_the_sentences(results: dict[str, Any], lang: str) -> None:
    pages = {name: sheets.selling(x, name, lang).as_raw_html() for name, x in results.items()}
    for page in pages.values():
        assert "selling." not in page
    assert SOCIAL in pages["channels"]
    assert ("0,46" if lang == "fr" else "0.46") in pages["channels"]
    assert ("14,8" if lang == "fr" else "14.8") in pages["rivals"]


def test_where_nothing_is_shown_it_is_said(results: dict[str, Any]) -> None:
    alike = results["channels"].assign(verdict="")
    assert wording.selling_findings(alike, "channels", "en")["sentence"].tolist() == [
        "Channels: no difference shown."
    ]
    kept = wording.selling_findings(funnel.moved_budget(alike), "budget", "en")["sentence"].iloc[0]
    assert "no move is proposed" in kept
    rivals = results["rivals"].assign(apart="none_shown", unnamed=0.0)
    assert wording.selling_findings(rivals, "rivals", "en")["sureness"].tolist() == [1]


def test_reasons_nobody_noted_and_scores_noted_too_late_are_told(results: dict[str, Any]) -> None:
    blank = results["losses"].head(1).assign(reason=None, value=1.0)
    assert (
        wording.selling_findings(blank, "losses", "en")["sentence"]
        .iloc[0]
        .startswith("No reason noted")
    )
    for change, start in (
        ({"late": 300.0, "scored": 900.0}, "BANT noted too late: 300 of 900"),
        ({"gap_low": 0.4, "known_won": 0.9, "known_lost": 0.4}, "BANT noted after the fact"),
        ({"oe_high": 0.9}, "The BANT score promises too much"),
    ):
        quality = results["bant_quality"].assign(**change)
        said = wording.selling_findings(quality, "bant_quality", "en")
        assert said["sentence"].iloc[0].startswith(start)
        assert said["sureness"].tolist() == [0]
