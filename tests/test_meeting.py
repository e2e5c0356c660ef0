"""A meeting held in the workshop, in a browser: what is agreed stands in the next report."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packs import SAMPLE
from served import expect_shown, seen_in_browser, served

from kpi_helpers.catalogue import find
from kpi_helpers.controls import choosing, levered, offered
from kpi_helpers.language import text
from kpi_helpers.reports import opened, places, run
from kpi_helpers.selection import CHOSEN

pytestmark = pytest.mark.thorough

FRENCH = Path(__file__).parents[1] / "data" / "exports" / "hubspot.csv"
AGREED = {
    "finding": "Les demandes attendent",
    "root_cause": "Personne n’est de garde",
    "action": "Rappeler chaque demande en un jour",
    "owner": "Zoé <b>Ünal</b>",
    "start_date": "2026-10-05",
    "due_date": "2026-10-30",
    "expected_effect": "5",
    "expected_by": "2026-12-31",
}


class Meeting:
    """A page of the workshop in a language, and the words that stand on it."""

    def __init__(self, page: Any, lang: str) -> None:
        self.page, self.lang = page, lang

    def said(self, key: str, **values: object) -> str:
        return text(f"controls.{key}", self.lang, **values)

    def screen(self, name: str) -> Any:
        """Return the control of a screen, which is looked at."""
        self.page.get_by_role("tab", name=self.said(f"screens.{name}")).click()
        return self.page.locator(".kpi-control:visible")

    def imports(self, project: Path) -> Any:
        """Take a file over; return the data that the meeting goes on with."""
        panel = self.screen("importing")
        with self.page.expect_file_chooser() as asked:
            panel.get_by_role("button", name=self.said("importing.file")).click()
        expected = offered(
            opened(str(SAMPLE), lang=self.lang), str(FRENCH), folder=str(project), share=True
        )
        asked.value.set_files(FRENCH)
        expect_shown(panel, expected)
        panel.get_by_role("button", name=self.said("importing.use")).click()
        panel.get_by_text(self.said("importing.used", file=f"data/{FRENCH.name}")).wait_for()
        return opened(str(project / "data"), str(project / "kpi.toml"), lang=self.lang, share=True)

    def chooses(self, data: Any) -> list[str]:
        """Choose by objective in the page and beside it; return the KPIs that both come to."""
        wizard, beside = self.screen("choosing"), choosing(data)
        (label,) = (
            name for name, value in beside.fields["objective"].options if value == "revenue"
        )
        wizard.get_by_label(
            text("selection.columns.objective", self.lang), exact=True
        ).select_option(label)
        beside.set(objective="revenue")
        expect_shown(wizard, beside.shown)
        wizard.get_by_role("button", name=self.said("choosing.save")).click()
        wizard.get_by_text("+kpis = ").first.wait_for()
        found = beside.shown.frame
        return found.loc[found["verdict"] == CHOSEN, "kpi"].tolist()

    def moves_a_lever(self, data: Any) -> None:
        panel = self.screen("levers")
        panel.locator(".noUi-handle").first.press("ArrowRight")
        expect_shown(panel, levered(data, volume=1.05))

    def agrees(self) -> None:
        board = self.screen("acting")
        for column, value in AGREED.items():
            field = board.get_by_label(self.said(f"acting.columns.{column}"), exact=True)
            field.fill(value)
            field.press("Tab")
        named = {"kpi_id": find("win_rate_value").label(self.lang), "expected_unit": "%"}
        for column, value in named.items():
            board.get_by_label(self.said(f"acting.columns.{column}"), exact=True).select_option(
                value
            )
        board.get_by_role("button", name=self.said("acting.save")).click()
        board.get_by_text("actions.csv").first.wait_for()


@pytest.fixture(scope="module", params=["fr"])
def held(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Give the project of a meeting that began with nothing, and what was chosen in it."""
    home = tmp_path_factory.mktemp("meeting")
    project = home / "project"
    project.mkdir()
    with (
        served(["workshop", "--lang", request.param], project, home) as server,
        seen_in_browser(server) as (page, strange),
    ):
        meeting = Meeting(page, request.param)
        data = meeting.imports(project)
        kpis = meeting.chooses(data)
        meeting.moves_a_lever(data)
        meeting.agrees()
        assert strange == []
    return project, kpis, request.param


def test_what_is_agreed_stands_in_the_next_report(
    held: tuple[Path, list[str], str], tmp_path: Path
) -> None:
    project, kpis, lang = held
    assert tomllib.loads((project / "kpi.toml").read_text("utf-8"))["kpis"] == kpis
    asked = {"data": str(project / "data"), "config": str(project / "kpi.toml"), "lang": lang}
    plan = places.notebooks() / "05_action_plan.ipynb"
    pack = run(asked, tmp_path, sources=[plan])
    page = (pack / "05_action_plan.html").read_text("utf-8")
    assert AGREED["action"] in page
    assert "<b>Ünal" not in page
    assert {*json.loads((pack / "run.json").read_text("utf-8"))["kpis"]} == {*kpis}
