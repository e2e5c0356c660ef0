"""An executed notebook as a page to read: no code, no network, nothing that runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kpi_helpers.language import text

if TYPE_CHECKING:
    from nbformat import NotebookNode

TEMPLATE = Path(__file__).parent / "template"
# What a notebook shows to those who run it, and a page does not show to those who read it.
HIDDEN = {"parameters", "injected-parameters", "end"}
TITLE = re.compile(r"^# (.+)\n*")
COLUMN = re.compile(r'<th [^>]*scope="col" id="([^"]+)">(.*?)</th>', re.DOTALL)
CELL = re.compile(r'<td [^>]*?headers="[^"]*?(?P<id>[^" ]+)"')
HEADING = re.compile(r"^##+ ")
SECTION = re.compile(r"^## (.+)$", re.MULTILINE)


def page(notebook: NotebookNode, facts: Mapping[str, str], lang: str) -> str:
    """Return the HTML page of an executed notebook.

    Parameters
    ----------
    notebook : NotebookNode
        Its Markdown cells are tagged ``lang-fr`` or ``lang-en``, or meant for every reader. Tables
        are HTML that escapes its data; figures are PNG or SVG, with ``alt`` in their metadata.
    facts : mapping
        Label → value of what stands at the top, such as the period; plain text.
    lang : str
    """
    from nbconvert.exporters import TemplateExporter

    cells = list(_filled(_readable(notebook, lang)))
    named = title(notebook, lang)
    sections = [name for cell in cells for name in _sections(cell)]
    exporter = TemplateExporter(
        template_file="page.html.j2", extra_template_paths=[str(TEMPLATE)], file_extension=".html"
    )
    resources = {
        "lang": lang,
        "title": named,
        "heading": _heading(named, facts),
        "facts": dict(facts),
        "contents": text("report.contents", lang),
        "sections": {name.replace(" ", "-"): name for name in sections},
        "style": (TEMPLATE / "page.css").read_text("utf-8"),
    }
    shown = notebook.copy()
    shown.cells = [_without_title(cell) for cell in cells]
    html, _ = exporter.from_notebook_node(shown, resources)
    return _labelled(html)


def title(notebook: NotebookNode, lang: str) -> str:
    """Return the heading of a page, nothing where it has none."""
    return next(filter(None, map(_title, _readable(notebook, lang))), "")


def _heading(named: str, facts: Mapping[str, str]) -> str:
    """Return what the browser calls the page: its title, and of the facts what that lacks."""
    return " · ".join([named, *(fact for fact in facts.values() if fact not in named)][:3])


def _labelled(html: str) -> str:
    """Give each cell of a table the text of its column's header: a phone shows rows as cards."""
    headers = dict(COLUMN.findall(html))

    def label(cell: re.Match[str]) -> str:
        said = headers.get(cell["id"], "").replace('"', "&quot;")
        return f'{cell[0]} data-label="{said}"'

    return CELL.sub(label, html)


def _readable(notebook: NotebookNode, lang: str) -> Iterator[NotebookNode]:
    for cell in notebook.cells:
        tags = set(cell.metadata.get("tags", ()))
        other = any(tag.startswith("lang-") for tag in tags - {f"lang-{lang}"})
        if not (tags & HIDDEN or other):
            yield cell


def _filled(cells: Iterator[NotebookNode]) -> Iterator[NotebookNode]:
    """Leave out the sections whose code shows nothing."""
    section: list[NotebookNode] = []
    for cell in [*cells, None]:
        if cell is None or _is_heading(cell):
            code = [each for each in section if each.cell_type == "code"]
            if not code or any(each.outputs for each in code) or not _is_heading(section[0]):
                yield from section
            section = []
        if cell is not None:
            section.append(cell)


def _is_heading(cell: NotebookNode) -> bool:
    return cell.cell_type == "markdown" and bool(HEADING.match(cell.source))


def _title(cell: NotebookNode) -> str:
    found = TITLE.match(cell.source) if cell.cell_type == "markdown" else None
    return found[1] if found else ""


def _sections(cell: NotebookNode) -> list[str]:
    return SECTION.findall(cell.source) if cell.cell_type == "markdown" else []


def _without_title(cell: NotebookNode) -> NotebookNode:
    if not _title(cell):
        return cell
    rest = cell.copy()
    rest.source = TITLE.sub("", cell.source)
    return rest
