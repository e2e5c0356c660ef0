"""What was agreed is shown by the next report, and handed round as a protocol."""

import dataclasses
import shutil
from pathlib import Path

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from pptx import Presentation

import kpi_helpers as kh
from kpi_helpers import charts, funnel, sheets, wording
from kpi_helpers.actions import effects
from kpi_helpers.cli import main
from kpi_helpers.errors import UnknownName
from kpi_helpers.funnel.habits import Prepared
from kpi_helpers.reports import chosen, decided, kept, save, write_protocol
from kpi_helpers.reports.places import sample as shipped
from kpi_helpers.sources import Dataset

pytestmark = pytest.mark.thorough

HOSTILE = "<img src=x onerror=alert(1)>"
SCENARIOS = (
    {"name": f"More leads {HOSTILE}", "volume": 1.2},
    {"name": "Faster", "cycle": 0.8, "rates": {"Proposition": 1.15}, "target": 2e6},
)
ACTION = {
    **{"action_id": "W1", "kpi_id": "win_rate_count", "root_cause": "skills", "action": HOSTILE},
    **{"owner": "=HYPERLINK(1)", "start_date": "2026-10-15", "due_date": "2026-11-30"},
    **{"expected_effect": "3", "expected_unit": "points", "created_at": "2026-09-30"},
    "status": "open",
}
LOGGED = {
    **{"date": "2026-09-30", "kpi_id": "win_rate_count", "reason": "too short"},
    **{"old_definition": "windows.win_rate_count = 90", "new_definition": "as in the contract"},
}


@pytest.fixture(scope="module")
def sample() -> Dataset:
    return kh.load(shipped())


@pytest.fixture(scope="module")
def prepared(sample: Dataset) -> Prepared:
    return funnel.outlook(sample)


def agreeing(sample: Dataset, *scenarios: dict[str, object]) -> Dataset:
    return dataclasses.replace(
        sample, config=dataclasses.replace(sample.config, scenarios=scenarios)
    )


def test_each_scenario_is_what_its_levers_bring(sample: Dataset, prepared: Prepared) -> None:
    found = funnel.agreed(agreeing(sample, *SCENARIOS), prepared)
    assert found is not None
    assert found["lever"].unique().tolist() == ["base", *(each["name"] for each in SCENARIOS)]
    faster = funnel.what_if(prepared, rates={"Proposition": 1.15}, cycle=0.8)
    ours = found.tail(2).reset_index(drop=True)
    pd.testing.assert_frame_equal(ours[faster.columns], faster)
    assert ours["chance"][0] == funnel.chance_of(faster, 2e6)[0] > ours["base_chance"][0]
    assert found["base_chance"][0] == found["chance"][0] == found["base_chance"][2]
    assert found["target"].tolist()[::2] == [found["target"][0]] * 2 + [2e6]
    assert (ours["change"] == faster["value"] - found["value"].head(2)).all()


def test_nothing_is_shown_of_none_and_a_step_that_is_gone_is_named(
    sample: Dataset, prepared: Prepared
) -> None:
    assert funnel.agreed(sample, prepared) is None
    assert funnel.agreed(agreeing(sample, *SCENARIOS), None) is None
    with pytest.raises(UnknownName, match="Proposition"):
        funnel.agreed(agreeing(sample, {"name": "x", "rates": {"Propositon": 1.1}}), prepared)


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_scenario_reads_and_looks_alike(sample: Dataset, prepared: Prepared, lang: str) -> None:
    found = funnel.agreed(agreeing(sample, *SCENARIOS), prepared)
    assert found is not None
    told = wording.what_if_findings(found, lang=lang)["sentence"]
    figures = {"en": ("€1.80m", "+€465k", "€2.00m"), "fr": ("1,80 M€", "+465 k€", "2,00 M€")}
    assert all(figure.replace(" ", "\u00a0") in told[1] for figure in figures[lang])
    table = sheets.levers(found, lang, name="what_ifs").as_raw_html()
    assert "<img" not in table
    assert table.count("2.00m" if lang == "en" else "2,00") == 1
    assert "alert(1)" in charts.alt(charts.lever_ranges(found, title=told[0], lang=lang))


# --- the protocol -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample as a project of one's own, after a meeting."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "data").mkdir()
    for path in shipped().glob("*.parquet"):
        if path.stem not in ("actions", "events", "kpi_log"):
            shutil.copy(path, folder / "data")
    settings = (shipped() / "kpi.toml").read_text("utf-8")
    said = f'language = "en"\nowner = "Ann"\nparticipants = ["{HOSTILE}", "Zoé"]'
    (folder / "kpi.toml").write_text(settings.replace('language = "fr"', said), "utf-8")
    agreed = {"kpis": ["win_rate_count", "bookings"], "scenarios": list(SCENARIOS)}
    rows = {"actions": pd.DataFrame([ACTION]), "kpi_log": pd.DataFrame([LOGGED])}
    rows["events"] = pd.DataFrame([{"date": "2026-10-12", "label": "Meeting", "type": "process"}])
    save(kh.load(folder / "data"), agreed | {"windows": {"win_rate_count": 120}}, rows)
    return folder


@pytest.fixture(scope="module")
def data(project: Path) -> Dataset:
    return kh.load(project / "data")


def test_the_next_report_has_the_kpis_and_the_action(data: Dataset) -> None:
    assert chosen(data, data.config.kpis) == ["win_rate_count", "bookings"]
    (row,) = effects(data).to_dict("records")
    assert (row["action"], row["state"], row["announced"]) == (HOSTILE, "planned", 0.03)


def test_the_protocol_says_what_was_decided(data: Dataset) -> None:
    parts = {part.name: part.lines for part in decided(data)}
    assert [*parts] == ["kpis", "scenarios", "definitions", "actions", "events"]
    assert parts["kpis"][0]["target"] == "Q4 2026: 25.0%"
    assert parts["kpis"][0]["definition"].endswith("\nWindow: 120 days")
    before, now = (parts["definitions"][0][f"{of}_definition"] for of in ("old", "new"))
    assert (before, now) == ("Window: 90 days", "as in the contract")
    assert parts["scenarios"][1]["levers"] == "Length of the cycle −20%\nProposition +15%"
    assert parts["actions"][0]["effect"] == "+3.0 points"
    assert parts["events"][0]["date"] == "12 October 2026"  # after the last day of the data
    seen = kept(data, "actions")
    done = seen.assign(status="dropped")
    save(data, rows={"actions": done}, seen={"actions": seen})
    assert "actions" not in [part.name for part in decided(data)]
    save(data, rows={"actions": done.assign(status="open")}, seen={"actions": done})


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_page_and_slides_are_inert_and_the_same_again(
    data: Dataset, lang: str, tmp_path: Path
) -> None:
    spoken = dataclasses.replace(data, config=dataclasses.replace(data.config, language=lang))
    page, slides = write_protocol(spoken, tmp_path, ["pptx"])
    once = page.read_bytes(), slides.read_bytes()
    again = write_protocol(spoken, tmp_path / "again", ["pptx"])
    assert tuple(path.read_bytes() for path in again) == once
    html = BeautifulSoup(once[0], "html.parser")
    assert html.select(f'html[lang="{lang}"]')
    assert not html.select("img, script, [onerror], link")
    assert html.get_text().count(HOSTILE) >= 3
    assert [each.name for each in html.select("h1, h2, h3")] == ["h1"] + ["h2"] * 5
    shapes = [shape for slide in Presentation(str(slides)).slides for shape in slide.shapes]
    cells = [c.text for s in shapes if s.has_table for row in s.table.rows for c in row.cells]
    assert {HOSTILE, "=HYPERLINK(1)"} <= {*cells}


def test_the_command_prints_what_it_wrote(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    assert main(["protocol", "--lang", "fr"]) == 0
    path = Path(capsys.readouterr().out.strip())
    assert path == Path("reports/protocol-2026-09-30.html")
    assert "Ce qui a été décidé" in BeautifulSoup(path.read_bytes(), "html.parser").get_text()


def test_where_nothing_was_decided_the_page_says_so(sample: Dataset, tmp_path: Path) -> None:
    early = dataclasses.replace(sample.at("2024-03-31"), paths={})
    assert decided(early) == []
    (path,) = write_protocol(early, tmp_path / "out")
    shown = BeautifulSoup(path.read_bytes(), "html.parser").get_text()
    assert "Rien n’est encore décidé" in shown
