"""``kpi workshop`` as people meet it: in a browser, in two languages, for nobody else."""

import socket
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
from served import PATIENCE, seen_in_browser, served, status

from kpi_helpers.cli import main
from kpi_helpers.language import text

# voila runs a file of this name in the current folder; data may lie there.
TRAP = "from pathlib import Path\nPath('trapped').touch()\n"
DEALS = """deal_id,created_at,status,closed_at,amount
1,2026-01-05,won,2026-02-01,900
2,2026-01-09,lost,2026-03-01,400
3,2026-02-01,open,,100
"""


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], SimpleNamespace]:
    """Return what opens the workshop in a language, and tells what was seen before and after."""

    @cache
    def visited(lang: str) -> SimpleNamespace:
        home = tmp_path_factory.mktemp(f"workshop-{lang}")
        project = home / "project"
        project.mkdir()
        (project / "voila.py").write_text(TRAP)
        with served(["workshop", "--lang", lang], project, home) as server:
            told = SimpleNamespace(server=server, refused=refused(server.root))
            with seen_in_browser(server) as (page, strange):
                page.wait_for_selector("#loading")
                told.first = page.inner_text("#loading")
                page.wait_for_selector(".kpi-control")
                paint = "performance.getEntriesByType('paint')[0].startTime"
                told.paint, told.html = page.evaluate(paint), page.content()
                told.lang, told.title = page.get_attribute("html", "lang"), page.title()
                told.text, told.strange, told.address = page.inner_text("main"), strange, page.url
                told.letter = page.evaluate(SMALLEST)
            told.addresses = server.listens_at()
            processes = [server.process, *server.process.children(recursive=True)]
        told.alive = [each for each in processes if each.is_running()]
        told.trapped = (project / "trapped").exists()
        return told

    return visited


# The smallest letters that are shown, in pixels.
SMALLEST = """() => Math.min(...[...document.querySelectorAll('main *')]
  .filter(e => e.offsetParent && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
  .map(e => parseFloat(getComputedStyle(e).fontSize)))"""


def refused(root: str) -> dict[str, int]:
    """Return what a stranger on this computer is answered, by what was asked."""
    kernel = "00000000-0000-0000-0000-000000000000"
    return {
        "page": status(root, ""),
        "wrong token": status(root, "?token=guessed"),
        "kernel": status(root, f"api/kernels/{kernel}/channels"),
        "file": status(root, "voila/files/workshop.ipynb"),
        "other host": status(root, "", Host="example.com"),
    }


@pytest.mark.thorough
def test_nothing_is_shown_without_the_token(visit: Callable[[str], SimpleNamespace]) -> None:
    # 302 leads to a form that asks for the token.
    assert visit("fr").refused == {
        "page": 302,
        "wrong token": 302,
        "kernel": 403,
        "file": 403,
        "other host": 403,
    }


@pytest.mark.thorough
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_it_speaks_a_language(visit: Callable[[str], SimpleNamespace], lang: str) -> None:
    told = visit(lang)
    assert told.lang == lang
    assert told.title == {"fr": "L’atelier", "en": "The workshop"}[lang]
    assert told.first.splitlines()[0] == text("cli.workshop.heading", lang)
    assert ("Chaque écran" in told.text, "Each screen" in told.text) == (lang == "fr", lang == "en")


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_it_reaches_nothing_else(visit: Callable[[str], SimpleNamespace], lang: str) -> None:
    told = visit(lang)
    assert told.strange == []
    assert told.addresses == {"127.0.0.1"}
    assert not told.trapped


def test_it_is_to_be_read_from_afar_and_shows_no_code(
    visit: Callable[[str], SimpleNamespace],
) -> None:
    told = visit("fr")
    assert told.letter >= 20
    assert "reports.opened" not in told.html
    assert "token" not in told.address  # a beamer shows it to everybody
    assert told.paint < PATIENCE / 60


def test_it_leaves_nothing(visit: Callable[[str], SimpleNamespace]) -> None:
    told = visit("fr")
    assert (told.server.code, told.server.left, told.alive) == (0, [], [])


def test_a_port_is_free_or_named(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["workshop", "--lang", "en", "--port", port]) == 2
    assert f"The port {port} is taken" in capsys.readouterr().err
    assert main(["workshop", "--lang", "en", "--port", "80a"]) == 2
    assert "expected a whole number" in capsys.readouterr().err


def test_without_voila_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "voila.app", None)
    assert main(["workshop", "--lang", "en", "--port", "0"]) == 2
    assert 'pip install "kpi-helpers[workshop]"' in capsys.readouterr().err


def test_it_works_in_a_folder_that_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["workshop", str(tmp_path / "absent"), "--lang", "en"]) == 2
    assert "File not found" in capsys.readouterr().err


def test_check_says_what_is_missing_before_the_meeting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KPI_BROWSER", sys.executable)  # whatever can be run will do
    words = ["workshop", str(tmp_path), "--check", "--lang", "en", "--port", "0"]
    (tmp_path / "kpi.toml").write_text("schema = 1\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "deals.csv").write_text(DEALS)
    assert main(words) == 0
    said = capsys.readouterr().out.splitlines()
    assert "[x] What is agreed can be saved." in said
    (lacking,) = [line for line in said if "Beside others" in line]
    assert lacking.startswith("[ ] Beside others – ")
    (tmp_path / "data" / "deals.csv").write_text(DEALS.replace("2026-02-01", "01/02/2026"))
    assert main(words) == 1
    assert "[ ] " in capsys.readouterr().out
