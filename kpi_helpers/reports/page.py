"""An executed notebook as a page to read: no code, no network, nothing that runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kpi_helpers.language import text
from kpi_helpers.reports.attempting import ABSENT

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
# Where a section stands on the page; in a notebook the findings come last, once all is computed.
FIRST, BETWEEN, LAST = range(3)


def page(notebook: NotebookNode, facts: Mapping[str, str], lang: str) -> str:
    """Return the HTML page of an executed notebook.

    Parameters
    ----------
    notebook : NotebookNode
        Its Markdown cells are tagged ``lang-fr`` or ``lang-en``, or meant for every reader; a
        section whose heading is tagged ``first`` or ``annex`` goes there. Tables are HTML that
        escapes its data; figures are PNG or SVG, with ``alt`` in their metadata.
    facts : mapping
        Label → value of what stands at the top, such as the period; plain text.
    lang : str
    """
    from nbconvert.exporters import TemplateExporter

    opening, *blocks = _blocks(list(_readable(notebook, lang)))
    absent = {_name(block): why for block in blocks if (why := _absent(block))}
    blocks = sorted((b for b in map(_filled, blocks) if b), key=_place)
    cells = [*opening, *(cell for block in blocks for cell in block)]
    annex = next((block[0].id for block in blocks if _place(block) == LAST), "")
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
        "annex": {"id": annex, "name": text("report.annex", lang)},
        "absent": {"name": text("report.absent", lang), "reasons": absent},
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


def _blocks(cells: list[NotebookNode]) -> list[list[NotebookNode]]:
    """Cut a page into what stands before its first section, and its sections."""
    blocks: list[list[NotebookNode]] = [[]]
    for cell in cells:
        if _sections(cell):
            blocks.append([])
        blocks[-1].append(cell)
    return blocks


def _filled(block: list[NotebookNode]) -> list[NotebookNode]:
    """Leave out the parts of a section whose code shows nothing, and the whole if all do."""
    parts: list[list[NotebookNode]] = []
    for cell in block:
        if _is_heading(cell):
            parts.append([])
        parts[-1].append(cell)
    kept = [part for part in parts if not _code(part) or any(map(_shows, _code(part)))]
    shown = not _code(block) or any(map(_shows, _code(block)))
    return [cell for part in kept for cell in part] if shown else []


def _code(cells: list[NotebookNode]) -> list[NotebookNode]:
    return [cell for cell in cells if cell.cell_type == "code"]


def _shows(cell: NotebookNode) -> bool:
    return any(ABSENT not in output.get("metadata", {}) for output in cell.outputs)


def _absent(block: list[NotebookNode]) -> str:
    """Say why a section shows nothing, where it does not and its code knows."""
    if any(map(_shows, _code(block))):
        return ""
    outputs = [output for cell in _code(block) for output in cell.outputs]
    return next((output.metadata[ABSENT] for output in outputs), "")


def _name(block: list[NotebookNode]) -> str:
    return _sections(block[0])[0]


def _place(block: list[NotebookNode]) -> int:
    """Tell the findings, which stand first, and the annex from the other sections."""
    tags = block[0].metadata.get("tags", ())
    return FIRST if "first" in tags else LAST if "annex" in tags else BETWEEN


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
