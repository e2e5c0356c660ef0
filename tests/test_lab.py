"""``kpi lab`` as an analyst meets it: JupyterLab for this computer alone, whatever is set."""

import json

import pytest
from served import Served, seen_in_browser, served, status

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


def test_it_shows_the_notebooks_and_reaches_nothing_else(lab: Served) -> None:
    with seen_in_browser(lab) as (page, strange):
        page.get_by_text("01_kpi_evaluation.ipynb").first.wait_for()
        assert strange == []
