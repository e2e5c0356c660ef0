"""Pages opened in the system's Chromium, and what was seen there as plain data.

The browser is closed again before a test goes on: while it is open its event loop would be in the
way of the notebooks that other fixtures run.
"""

import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from kpi_helpers.errors import KpiError
from kpi_helpers.reports.pdf import browser

PHONE, SCREEN = 360, 1400
SERIOUS = ("serious", "critical")

# What reaches out of the window, and what must be pushed sideways to be read. A table's head that
# a phone does not show is clipped; text may reach into its own padding by a pixel.
WIDE = """() => {
  const clipped = e => e && (getComputedStyle(e).clipPath !== 'none' || clipped(e.parentElement));
  const out = e => {
    const box = e.getBoundingClientRect();
    const inline = getComputedStyle(e).display === 'inline';
    return box.right > innerWidth + 1 || box.left < -1
      || (!inline && e.clientWidth && e.scrollWidth > e.clientWidth + 1);
  };
  return [...document.querySelectorAll('html, body, body *')]
    .filter(e => out(e) && !clipped(e))
    .map(e => `${e.tagName} ${e.className}: ${e.textContent.trim().slice(0, 40)}`);
}"""
SHOWN = """() => ({
  lang: document.documentElement.lang,
  title: document.title,
  text: document.body.innerText,
  code: [...document.querySelectorAll('pre, code')].map(e => e.innerText),
  headings: [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(e => +e.tagName[1]),
  findings: [...document.querySelectorAll('.findings li')].map(e => e.innerText),
  pictures: [...document.querySelectorAll('img, [role=img]')].map(
    e => e.getAttribute('alt') || e.getAttribute('aria-label') || ''),
  active: [...document.querySelectorAll('script, iframe, object, embed, form, base, [onload], '
    + '[onerror], [onclick], [onmouseover], [href^="javascript:" i]')].map(e => e.outerHTML),
  policy: document.querySelector('meta[http-equiv=Content-Security-Policy]')?.content || '',
})"""


@dataclass(frozen=True)
class Seen:
    """A page as a browser shows it: ``requests`` it made and what it ``said``, by itself."""

    lang: str
    title: str
    text: str
    code: list[str]
    headings: list[int]
    findings: list[str]
    pictures: list[str]
    active: list[str]
    policy: str
    requests: list[str]
    said: list[str]
    wide: dict[int, list[str]]
    accessibility: list[str]


def executable() -> str | None:
    """Return the browser of this system, or nothing."""
    try:
        return browser()
    except KpiError:
        return None


def installed() -> str:
    """Return the browser of this system; a test that needs one is skipped where there is none."""
    return executable() or pytest.skip("no browser is installed: Chromium, Chrome or Edge")


@contextmanager
def launched() -> Iterator[Any]:
    """Give the browser of this system, started."""
    from playwright.sync_api import sync_playwright

    path = installed()
    with sync_playwright() as tool, tool.chromium.launch(executable_path=path) as shown:
        yield shown


@contextmanager
def opened(path: Path, width: int) -> Iterator[tuple[Any, list[str], list[str]]]:
    """Give a page in a browser without a network, its requests, and what it says."""
    asked: list[str] = []
    said: list[str] = []
    with launched() as shown:
        page = shown.new_page(viewport={"width": width, "height": 900})
        page.route(lambda url: url != path.as_uri(), lambda route: route.abort())
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        page.goto(path.as_uri(), wait_until="load")
        yield page, asked, said


def look(path: Path) -> Seen:
    """Open a page and return what is seen on it, on a screen and on a phone."""
    from axe_playwright_python.sync_playwright import Axe

    with opened(path, SCREEN) as (page, asked, said):
        wide, broken = {}, []
        for width in (SCREEN, PHONE):
            page.set_viewport_size({"width": width, "height": 900})
            wide[width] = page.evaluate(WIDE)
            broken += [f"{width}: {said}" for said in _serious(Axe().run(page).response)]
            if width == SCREEN:
                shown = page.evaluate(SHOWN)
        asked = [url for url in asked if url != path.as_uri() and not url.startswith("data:")]
        return Seen(**shown, requests=asked, said=said, wide=wide, accessibility=broken)


def _serious(response: dict[str, Any]) -> list[str]:
    return [
        f"{found['id']}: {node['html'][:120]}"
        for found in response["violations"]
        if found["impact"] in SERIOUS
        for node in found["nodes"]
    ]


@pytest.fixture(scope="session")
def seen(common: Path) -> Callable[[Path], Seen]:
    """Return what looks at a page; the same page is opened once in all processes of a run."""
    installed()

    @cache
    def once(path: Path) -> Seen:
        told = common / f"seen {sha256(path.read_bytes()).hexdigest()}"
        if not told.exists():
            draft = told.with_suffix(f".{os.getpid()}")
            draft.write_bytes(pickle.dumps(look(path)))
            draft.replace(told)
        found: Seen = pickle.loads(told.read_bytes())
        return found

    return once
