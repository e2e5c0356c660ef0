"""A pack as one PDF: the index, what a director reads of each page, the annexes, the methods."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from kpi_helpers.errors import KpiError, ReportFailed
from kpi_helpers.language import text
from kpi_helpers.reports.index import METHODS
from kpi_helpers.reports.pack import MARK
from kpi_helpers.reports.sections import ANNEX, VIEWS

# A document of BeautifulSoup or an element of one; our pages hold all that is asked of them.
Html = Any

FILE, INDEX = "report.pdf", "index.html"
USELESS = "nav, .anchor-link"
VARIABLE = "KPI_BROWSER"
LONGEST = 300_000  # milliseconds that a browser may take for a step, on a busy machine
COMMANDS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    *("microsoft-edge", "microsoft-edge-stable", "msedge"),
)
# Where browsers stand that are no commands, below the folders of programs.
PROGRAMS = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
WINDOWS = ("Google/Chrome/Application/chrome.exe", "Microsoft/Edge/Application/msedge.exe")
MACOS = ("Google Chrome", "Microsoft Edge", "Chromium")
# Attributes that name other elements of their page.
NAMING = ("headers", "for", "aria-labelledby", "aria-describedby")
SELECTOR = re.compile(r"^( ?)#(?=[^\s{]+ [^\n]*\{)", re.MULTILINE)
STAMP = re.compile(rb"(?<=Date \(D:)\d{14}[+-]\d\d'\d\d'")
FOOTER = (
    '<div style="width:100%;margin:0 14mm;display:flex;justify-content:space-between;'
    'font:7.5pt sans-serif;color:#5b6470"><span class="title"></span>'
    '<span><span class="pageNumber"></span>&nbsp;/&nbsp;<span class="totalPages"></span></span>'
    "</div>"
)


def browser() -> str:
    """Return the path of the system's Chromium, Chrome or Edge.

    The environment variable ``KPI_BROWSER`` names another one.

    Raises
    ------
    KpiError
        When there is none.
    """
    named = os.environ.get(VARIABLE)
    commands = (named,) if named else COMMANDS
    found = filter(None, map(shutil.which, commands))
    places = () if named else filter(os.path.isfile, _places())
    path = next(found, None) or next(iter(places), None)
    if path is None:
        raise KpiError("no_browser", variable=VARIABLE)
    return str(path)


def _places() -> Iterator[Path]:
    for folder in filter(None, map(os.environ.get, PROGRAMS)):
        yield from (Path(folder, name) for name in WINDOWS)
    for home in (Path("/"), Path.home()):
        yield from (home / f"Applications/{name}.app/Contents/MacOS/{name}" for name in MACOS)


def write_pdf(folder: Path, path: str | None = None) -> Path:
    """Print the pages of a pack into its ``report.pdf``: tagged, with bookmarks and page numbers.

    Parameters
    ----------
    folder : Path
        A pack: its pages, and its run record.
    path : str, optional
        The browser that prints it; by default what `browser` finds.

    Raises
    ------
    ReportFailed
        When the browser cannot be started, or does not print.
    """
    day = json.loads((folder / MARK).read_text("utf-8"))["as_of"]
    soup = combined(folder)
    with _printer(path or browser()) as printed:
        number(soup, printed(str(soup)))
        content = printed(str(soup))
    target = folder / FILE
    target.write_bytes(_dated(content, day))
    return target


def print_page(html: str, day: str) -> bytes:
    """Return a page that stands by itself as a PDF, as `write_pdf` makes that of a pack.

    Parameters
    ----------
    html : str
        What `kpi_helpers.reports.page.page` returns.
    day : str
        That of the data, as ISO text.
    """
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(html, "html.parser")
    for each in soup.select(USELESS):
        each.decompose()
    with _printer(browser()) as printed:
        return _dated(printed(str(soup)), day)


def _dated(content: bytes, day: str) -> bytes:
    """Browsers write the time of printing; let it be the day of the data: equal stays equal."""
    return STAMP.sub(f"{day.replace('-', '')}000000+00'00'".encode(), content)


@contextmanager
def _printer(path: str) -> Iterator[Callable[[str], bytes]]:
    """Give what prints HTML as PDF, in a browser without a network and without scripts."""
    from playwright.sync_api import Error

    try:
        with (
            _driver() as tool,
            tool.chromium.launch(executable_path=path, timeout=LONGEST) as shown,
        ):
            page = shown.new_context(offline=True, java_script_enabled=False).new_page()
            page.set_default_timeout(LONGEST)

            def printed(html: str) -> bytes:
                page.set_content(html)
                return page.pdf(
                    tagged=True,
                    outline=True,
                    prefer_css_page_size=True,
                    display_header_footer=True,
                    header_template="<i></i>",
                    footer_template=FOOTER,
                )

            yield printed
    except Error as error:
        raise ReportFailed("not_printed", browser=path, reason=error.message) from error


@contextmanager
def _driver() -> Iterator[Any]:
    """Give what drives the browser: a program of its own, which has needs of its own."""
    from playwright.sync_api import sync_playwright

    driver = sync_playwright()
    try:
        tool = driver.start()
    except Exception as error:  # it raises bare ones, having told the reason itself
        raise ReportFailed("not_printed", browser="playwright", reason=error) from error
    try:
        yield tool
    finally:
        tool.stop()


def combined(folder: Path) -> Html:
    """Put the pages of a pack into one document in which no two of them share an id.

    Returns
    -------
    BeautifulSoup
        The index and what comes before the annex of each page, in the order of the index, then
        the annexes and the methods. Links to pages lead inside and tell a sheet, still ``000``;
        those to other files are text.
    """
    whole = _read(folder / INDEX)
    pages = {INDEX: whole, **{name: _read(folder / name) for name in _contents(whole)}}
    prefixes = {name: f"p{place}" for place, name in enumerate(pages)}
    parts: list[Html] = []
    annexes: list[Html] = []
    for name, page in pages.items():
        _rename(page, prefixes[name])
        _lead(page, name, prefixes)
        part, annex = _halves(page, prefixes[name])
        (annexes if name == METHODS else parts).append(part)
        annexes += [annex] if annex else []
    whole.body.clear()
    whole.body["class"] = "pack"
    whole.body.extend([*parts, *annexes])
    ids = {unquote(each["id"]) for each in whole.find_all(id=True)}
    for link in whole.find_all("a", href=True):
        if unquote(link["href"]).removeprefix("#") in ids:
            _refer(whole, link)
        else:
            del link["href"]
    return whole


def number(soup: Html, printed: bytes) -> None:
    """Write into each link the page on which a first print has what it leads to."""
    from pypdf import PdfReader

    reader: Any = PdfReader(BytesIO(printed))
    places = {unquote(name): place for name, place in reader.named_destinations.items()}
    for link in soup.find_all("a", href=True):
        place = places[unquote(link["href"]).replace("#", "/", 1)]
        link.b.string = str(reader.get_destination_page_number(place) + 1)


def _read(path: Path) -> Html:
    from bs4 import BeautifulSoup

    return BeautifulSoup(path.read_text("utf-8"), "html.parser")


def _contents(cover: Html) -> list[str]:
    """Return the pages that an index lists, and leave of that list their names."""
    found = []
    for link in cover.select('.links a[href$=".html"]'):
        if link["href"].endswith(tuple(f".{view}.html" for view in VIEWS)):
            link.parent.decompose()
            continue
        for said in [*link.next_siblings]:
            said.extract()
        found.append(link["href"])
    return found


def _rename(page: Html, prefix: str) -> None:
    """Put a prefix before every id of a page, where it is given and where it is meant."""
    for each in page.find_all(id=True):
        each["id"] = f"{prefix}-{each['id']}"
    for name in NAMING:
        for each in page.find_all(attrs={name: True}):
            ids = " ".join(each.get_attribute_list(name)).split()
            each[name] = " ".join(f"{prefix}-{one}" for one in ids)
    for style in page.body.find_all("style"):
        style.string = SELECTOR.sub(rf"\1#{prefix}-", style.string)


def _lead(page: Html, own: str, prefixes: Mapping[str, str]) -> None:
    """Let the links of a page lead inside the document; leave out what a screen alone needs."""
    for each in page.select(USELESS if own == INDEX else f"{USELESS}, header dl"):
        each.decompose()
    for link in page.find_all("a", href=True):
        file, _, anchor = link["href"].partition("#")
        inside = prefixes.get(file or own, "")
        link["href"] = f"#{inside}-{anchor}" if anchor else f"#{inside}"


def _refer(page: Html, link: Html) -> None:
    """Add to a link the number of a page, always as wide, so that filling it in moves nothing."""
    at, place = page.new_tag("span", attrs={"class": "at"}), page.new_tag("b", string="000")
    at.extend([text("report.page_reference", page.html["lang"]), place])
    link.append(at)


def _halves(page: Html, prefix: str) -> tuple[Html, Html | None]:
    """Cut a page into what a director reads and its annex, under a title of its own."""
    part = page.new_tag("section", attrs={"id": prefix})
    mark = page.find(id=f"{prefix}-{ANNEX}")
    if mark is None:
        part.extend([page.header, page.main])
        return part, None
    named = mark.get_text()
    link = page.new_tag("a", attrs={"href": f"#{mark['id']}"}, string=named)
    page.header.append(link)
    annex = page.new_tag("section")
    # What is absent comes first: at the end it might stand alone on a sheet.
    behind = sorted(mark.next_siblings, key=lambda each: each.name != "section")
    annex.extend([mark, *behind])
    mark.name = "h1"
    mark.string = f"{named} · {page.header.h1.get_text()}"
    part.extend([page.header, page.main])
    return part, annex
