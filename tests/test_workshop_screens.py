"""The app of a workshop, screen by screen: what is saved is found again."""

import shutil
from pathlib import Path

import pytest

from kpi_helpers import controls
from kpi_helpers.controls.workshop import SCREENS, Workshop
from kpi_helpers.reports.places import sample
from kpi_helpers.sources.config import read_config

pytestmark = pytest.mark.thorough


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(sample(), tmp_path / "data", ignore=shutil.ignore_patterns("kpi.toml"))
    shutil.copy(sample() / "kpi.toml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def opened() -> Workshop:
    return controls.workshop("data", "kpi.toml", lang="en")


@pytest.mark.thorough
def test_a_screen_is_made_when_it_is_looked_at(project: Path) -> None:
    shop = opened()
    assert [*shop.made] == ["explorer"]
    for name in SCREENS:
        assert shop.show(name).shown.sentences or name == "importing", name
    assert {*shop.made} == {*SCREENS}
    assert not [*project.glob("reports/*")]


@pytest.mark.thorough
def test_state_and_scenarios_are_saved_and_found_again(project: Path) -> None:
    shop = opened()
    shop.show("explorer").set(period="2026Q2", kpi="win_rate_count")
    levers = shop.show("levers")
    levers.set(volume=1.5, rates={"Qualification": 1.2})
    levers.keep("More leads")
    outcome = shop.show("outcome")
    assert '+name = "More leads"' in outcome.shown.lines
    outcome.offers["outcome.save"].click()
    kept = read_config(project / "kpi.toml")
    assert kept.scenarios == (
        {"name": "More leads", "volume": 1.5, "rates": {"Qualification": 1.2}},
    )
    again = opened()
    assert again.show("explorer").values["period"] == "2026Q2"
    assert again.show("outcome").shown.lines == ()


@pytest.mark.thorough
def test_the_sample_is_not_written_over() -> None:
    outcome = controls.workshop(lang="en").show("outcome")
    outcome.offers["outcome.save"].click()
    assert "sample" in outcome._fault.value


@pytest.mark.thorough
def test_a_protocol_tells_what_was_saved(project: Path) -> None:
    shop = opened()
    shop.show("levers").set(volume=1.5)
    shop.made["levers"].keep("More leads")
    outcome = shop.show("outcome")
    for key in ("save", "protocol"):
        outcome.offers[f"outcome.{key}"].click()
    assert "More leads" in (project / "reports" / "protocol-2026-09-30.html").read_text("utf-8")
