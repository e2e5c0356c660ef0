"""``kpi lab`` as an analyst meets it: JupyterLab for this computer alone, whatever is set."""

import json

import pytest
from packs import SAMPLE
from served import Served, expect_shown, seen_in_browser, served, status

from kpi_helpers.controls import explored, explorer
from kpi_helpers.language import text
from kpi_helpers.reports import opened

pytestmark = pytest.mark.thorough

# What somebody may have written once, for another purpose.
OPEN = {
    "ServerApp": {"ip": "0.0.0.0", "token": "", "allow_remote_access": True},
    "IdentityProvider": {"token": ""},
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory):
    """Give JupyterLab on a new project, started by somebody whose settings open it to all."""
    home = tmp_path_factory.mktemp("lab")
    (home / "project").mkdir()
    (home / "config").mkdir()
    (home / "config" / "jupyter_server_config.json").write_text(json.dumps(OPEN))
    with served(["lab"], home / "project", home) as server:
        yield server
    assert (server.code, server.left) == (0, [])


def test_nothing_is_shown_without_the_token(lab: Served) -> None:
    asked = ["lab", "lab?token=guessed", "api/contents", "api/kernels"]
    assert [status(lab.root, path) for path in asked] == [302, 302, 403, 403]
    assert status(lab.root, "lab", Host="example.com") == 403
    assert lab.listens_at() == {"127.0.0.1"}


def test_a_slider_and_a_dropdown_show_what_the_plain_function_gives(lab: Served) -> None:
    data = opened(str(SAMPLE))
    options = explorer(data).fields["kpi"].options
    (named,) = [name for name, kpi in options if kpi == "revenue"]
    label = text("controls.explorer.kpi", data.config.lang)
    with seen_in_browser(lab) as (page, strange):
        page.get_by_text("01_kpi_evaluation.ipynb").first.dblclick()
        page.get_by_text("| Idle").wait_for()
        page.get_by_text("Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        control = page.locator(".kpi-control").first
        control.scroll_into_view_if_needed()
        control.get_by_label(label, exact=True).select_option(named)
        expect_shown(control, explored(data, kpi="revenue", period="2026Q3"))
        control.locator(".noUi-handle").first.press("ArrowLeft")
        expect_shown(control, explored(data, kpi="revenue", period="2026Q2"))
        assert strange == []
