"""The catalogue as pages to read: every KPI, a page a language, or those of a report; the API."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kpi_helpers.catalogue import find
from kpi_helpers.errors import ReportFailed
from kpi_helpers.language import LANGUAGES, text
from kpi_helpers.reports.api import api_pages, asked_with
from kpi_helpers.reports.pack import reason
from kpi_helpers.reports.page import page
from kpi_helpers.reports.record import involved
from kpi_helpers.reports.tables import column
from kpi_helpers.sources.brand import brand
from kpi_helpers.units import COUNT, write

if TYPE_CHECKING:
    from kpi_helpers.sources import Dataset


START = "index.html"


def write_catalogue(folder: Path, lang: str) -> list[Path]:
    """Write the cards of all KPIs that are declared and the functions, in every language.

    Returns the pages that lead to all others: those of the cards, those that list the functions,
    and last the one to open, which leads to these.

    Parameters
    ----------
    folder : Path
        It is made where it is not there; other files in it stay as they are.
    lang : str
        Of the page to open.

    Raises
    ------
    ReportFailed
        When a page cannot be written; those that were there are then as they were.
    """
    names = [f"{name}.{each}.html" for name in ("catalogue", "api") for each in LANGUAGES]
    drafts: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)  # before the pages, which take their time
        pages = {folder / START: _start(lang)}
        for each in LANGUAGES:
            pages[folder / f"catalogue.{each}.html"] = catalogue_page(each)
            pages |= {folder / name: html for name, html in api_pages(each).items()}
        drafts = [path.with_name(f".{path.name}.new") for path in pages]
        for draft, html in zip(drafts, pages.values(), strict=True):
            draft.write_text(html, "utf-8")
        for draft, path in zip(drafts, pages, strict=True):
            os.replace(draft, path)
    except OSError as error:
        said = reason(error.strerror or str(error))
        raise ReportFailed("not_written", file=folder, reason=said) from error
    finally:
        for draft in drafts:
            if draft.is_file():
                draft.unlink()
    return [folder / name for name in (*names, START)]


def _start(lang: str) -> str:
    """Return the page that a browser opens first: the way to each language, the reader's first."""
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

    from kpi_helpers import sheets

    links = [
        (f"{name}.{each}.html", text(f"{texts}.title", each), text("language.name", each))
        for each in sorted(LANGUAGES, key=lambda known: known != lang)
        for name, texts in (("catalogue", "cards"), ("api", "api"))
    ]
    output = new_output("display_data", {"text/html": sheets.links(links)._repr_html_()})
    cells = [new_markdown_cell(f"# {text('cards.title', lang)}"), new_code_cell(outputs=[output])]
    return page(new_notebook(cells=cells), {}, lang)


def catalogue_page(lang: str) -> str:
    """Return the page of all KPIs that are declared: an index, then a card each.

    Parameters
    ----------
    lang : str

    Examples
    --------
    >>> 'id="kpi-win_rate_count"' in catalogue_page("en")
    True
    """
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

    from kpi_helpers.kpis import catalogue
    from kpi_helpers.sheets.cards import CATEGORIES, OWN, card_index, cards, family

    kpis = [find(name) for name in catalogue(lang).sort_values(["tier", "name"])["id"]]
    about = f"{text('cards.about', lang)} [{text('api.title', lang)}](api.{lang}.html)"
    about += f"\n\n{text('cards.sources', lang)}"
    cells = [new_markdown_cell(f"# {text('cards.title', lang)}\n\n{about}")]
    for group in (*CATEGORIES, OWN):
        own = [kpi for kpi in kpis if family(kpi) == group]
        html = cards(own, lang).html.replace("</article>", f"{asked_with(lang)}</article>")
        shown = [card_index(own, lang).html, html] if own else []
        outputs = [new_output("display_data", {"text/html": each}) for each in shown]
        heading = new_markdown_cell(f"## {text(f'cards.categories.{group}', lang)}")
        cells += [heading, new_code_cell(outputs=outputs)] if own else []
    facts = {text("cards.count", lang): write(len(kpis), COUNT, lang)}
    return page(new_notebook(cells=cells), facts, lang)


def methods_page(data: Dataset, facts: Mapping[str, str], tables: Iterable[Path]) -> str:
    """Return the page of how the figures of a report are made: its words, its KPIs.

    Parameters
    ----------
    data : Dataset
    facts : mapping
        As for `kpi_helpers.reports.page.page`.
    tables : iterable of Path
        The tables of the report: the KPIs that they hold are shown, and those these are made of.
    """
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

    from kpi_helpers.kpis import catalogue
    from kpi_helpers.sheets.cards import METHOD, cards, glossary

    lang = data.config.lang
    known = catalogue(lang).set_index("id")["name"]
    held = {kpi for path in tables for kpi in column(path, "kpi")} & {*known.index}
    used = {each for kpi in held for each in (kpi, *involved(data, kpi))}
    ordered = [find(kpi) for kpi in known.index if kpi in used]
    cells = [new_markdown_cell(f"# {text('methods.title', lang)}")]
    for name, shown in (("words", glossary(lang)), ("kpis", cards(ordered, lang, METHOD))):
        said = f"## {text(f'methods.{name}', lang)}\n\n{text(f'methods.{name}_about', lang)}"
        output = new_output("display_data", {"text/html": shown.html})
        cells += [new_markdown_cell(said), new_code_cell(outputs=[output])]
    return page(new_notebook(cells=cells), facts, lang, brand=brand(data.config))
