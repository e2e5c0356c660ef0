"""The pages of the functions: every public name has its place, and every link leads somewhere."""

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from browser import Seen

import kpi_helpers as kh
from kpi_helpers.reports.api import api_pages
from kpi_helpers.reports.catalogue import catalogue_page

LINK, ID = re.compile(r'href="([^"#]*)#?([^"]*)"'), re.compile(r'\bid="([^"]+)"')


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    cards = {f"catalogue.{lang}.html": catalogue_page(lang) for lang in ("en", "fr")}
    return cards | api_pages("en") | api_pages("fr")


def test_every_link_leads_to_a_page_and_a_place(pages: dict[str, str]) -> None:
    places = {name: set(ID.findall(html)) for name, html in pages.items()}
    for name, html in pages.items():
        links = LINK.findall(html)
        assert links
        for file, place in links:
            assert file in {"", *pages}, (name, file)
            assert {place, quote(place)} & {"", *places[file or name]}, (name, file, place)


def test_every_public_name_is_listed_and_shown(pages: dict[str, str]) -> None:
    for room in ("kpi_helpers", "funnel", "control", "charts", "reports", "controls", "sources"):
        module = kh if room == "kpi_helpers" else importlib.import_module(f"kpi_helpers.{room}")
        html = pages[f"api.{room}.fr.html"]
        for name in module.__all__:
            assert f'<article class="card" id="{name}">' in html
            assert f'href="api.{room}.fr.html#{name}"' in pages["api.fr.html"]


def test_a_function_says_how_it_is_called_and_where_its_names_lead(pages: dict[str, str]) -> None:
    html = pages["api.kpi_helpers.en.html"]
    shown = html[html.index('id="compare"') :].split("</article>")[0]
    assert "compare(data: Dataset" in shown
    assert '<h3 lang="en">Errors</h3>' in shown
    assert 'href="api.errors.en.html#UnknownName"' in shown
    assert "&gt;&gt;&gt;" in shown
    assert '<a href="api.kpi_helpers.fr.html#measure">kh.measure</a>' in pages["catalogue.fr.html"]
    assert "Paramètres" in pages["api.control.fr.html"]


def test_a_page_of_functions_runs_nothing(
    pages: dict[str, str], tmp_path: Path, seen: Callable[[Path], Seen]
) -> None:
    path = tmp_path / "api.control.fr.html"
    path.write_text(pages[path.name], "utf-8")
    page = seen(path)
    assert (page.lang, page.requests, page.said, page.active) == ("fr", [], [], [])
    assert page.accessibility == []
    assert all("<script" not in html for html in pages.values())
