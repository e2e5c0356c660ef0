"""A pack on paper: all of its pages in one PDF, the same each time, in which nothing runs."""

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from browser import Seen, installed
from paper import active, objects, words
from pypdf import PdfReader

from kpi_helpers.errors import KpiError, ReportFailed
from kpi_helpers.reports import pdf
from kpi_helpers.reports.sections import VIEWS

pytestmark = pytest.mark.thorough

A4 = (595, 842)
NUMBER = r"\d[\d.,\u202f\u00a0]*"
MOST_ON_COVER = 1
Pack = Callable[[str], Path]


@pytest.fixture(scope="module")
def printed(pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of a pack with its PDF."""
    installed()
    folder = tmp_path_factory.mktemp("printed") / "2026Q3"
    shutil.copytree(pack("sample fr"), folder)
    pdf.write_pdf(folder)
    return folder


def pages_of(folder: Path) -> list[Path]:
    """Return the pages that are printed, without the views of a few of their sections."""
    views = tuple(f".{view}.html" for view in VIEWS)
    return [path for path in sorted(folder.glob("*.html")) if not path.name.endswith(views)]


def figures(said: str, number: str = NUMBER) -> set[str]:
    """Return the numbers of a text, without the blanks that a line's end eats."""
    return {re.sub(r"[\u202f\u00a0]|[.,]$", "", found) for found in re.findall(number, said)}


def titles(outline: Any, depth: int = 0) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for each in outline:
        found += titles(each, depth + 1) if isinstance(each, list) else [(depth, each.title)]
    return found


def test_the_figures_are_those_of_the_pages(printed: Path, seen: Callable[[Path], Seen]) -> None:
    pictures = [str(each["/Alt"]) for each in objects(printed / pdf.FILE) if "/Alt" in each]
    on_paper = figures("\n".join([words(printed / pdf.FILE), *pictures]))
    for path in pages_of(printed):
        # A sign such as #268b7d9e may be broken where a line ends.
        on_page = figures(seen(path).text, rf"(?<![\w#]){NUMBER}(?!\w)")
        assert len(on_page) > 5
        assert on_page - on_paper == set(), path.name


def test_it_is_the_same_each_time(printed: Path) -> None:
    before = (printed / pdf.FILE).read_bytes()
    assert pdf.write_pdf(printed).read_bytes() == before


def test_it_is_tagged_with_bookmarks_in_its_language_on_a4(printed: Path) -> None:
    reader = PdfReader(printed / pdf.FILE)
    root: Any = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "fr"
    assert {tuple(map(round, page.mediabox[2:])) for page in reader.pages} == {A4}
    first = [said for depth, said in titles(reader.outline) if depth == 0]
    named = [re.search("<h1>(.*)</h1>", path.read_text("utf-8")) for path in pages_of(printed)]
    asked = {found[1] for found in named if found}
    assert asked <= set(first)
    assert len(first) > len(asked)
    for at, page in enumerate(reader.pages, 1):
        assert f"{at} / {len(reader.pages)}" in page.extract_text().replace("\u00a0", " ")


def test_a_link_tells_the_sheet_that_it_leads_to(printed: Path) -> None:
    reader: Any = PdfReader(printed / pdf.FILE)
    cover = reader.pages[0].extract_text().replace("\u00a0", " ")
    told = [int(number) for number in re.findall(r"p\. (\d+)", cover)]
    links = [each.get_object()["/Dest"] for each in reader.pages[0]["/Annots"]]
    places = reader.named_destinations
    led = {reader.get_destination_page_number(places[link]) + 1 for link in links}
    assert set(told) == led
    assert len(led) >= len(pages_of(printed)) - MOST_ON_COVER
    # What comes first on the sheet after the cover is what the first link says.
    assert min(led) == MOST_ON_COVER + 1


def test_nothing_in_it_runs_or_leads_out(printed: Path) -> None:
    assert active(printed / pdf.FILE) == []


def test_every_picture_is_told(printed: Path) -> None:
    told = [each for each in objects(printed / pdf.FILE) if each.get("/S") == "/Figure"]
    assert len(told) > 10
    assert all(each.get("/Alt") for each in told)


def test_without_a_browser_nothing_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    monkeypatch.setattr(pdf.os.path, "isfile", lambda path: False)
    with pytest.raises(KpiError) as caught:
        pdf.browser()
    assert "Chromium, Chrome or Edge" in caught.value.render("en")
    assert "Chromium, Chrome ou Edge" in caught.value.render("fr")


@pytest.mark.parametrize(
    ("variable", "below"),
    [
        ("PROGRAMFILES", "Google/Chrome/Application/chrome.exe"),
        ("PROGRAMFILES(X86)", "Microsoft/Edge/Application/msedge.exe"),
        ("HOME", "Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge"),
    ],
)
def test_a_browser_is_found_where_it_usually_stands(
    variable: str, below: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / below
    place.parent.mkdir(parents=True)
    place.touch()
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    monkeypatch.setenv(variable, str(tmp_path))
    assert pdf.browser() == str(place)


def test_a_browser_that_does_not_start_is_named(tmp_path: Path, pack: Pack) -> None:
    broken = tmp_path / "browser"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(ReportFailed, match=re.escape(str(broken))):
        pdf.write_pdf(pack("sample fr"), str(broken))


def test_a_tool_that_drives_no_browser_is_named(
    pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYWRIGHT_NODEJS_PATH", "false")
    with pytest.raises(ReportFailed, match="The browser playwright could not print"):
        pdf.write_pdf(pack("sample fr"), sys.executable)
