"""An executed notebook as a page to read: no code, no network, nothing that runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kpi_helpers.language import lines, text
from kpi_helpers.reports.sections import ANNEX, arranged, sections

if TYPE_CHECKING:
    from nbformat import NotebookNode

TEMPLATE = Path(__file__).parent / "template"
# What a notebook shows to those who run it, and a page does not show to those who read it.
HIDDEN = {"parameters", "injected-parameters", "end"}
TITLE = re.compile(r"^# (.+)\n*")
LINE = re.compile(r"^(#* ?)(.+)$", re.MULTILINE)
COLUMN = re.compile(r'<th [^>]*scope="col" id="([^"]+)">(.*?)</th>', re.DOTALL)
CELL = re.compile(r'<td [^>]*?headers="[^"]*?(?P<id>[^" ]+)"')
# An amount with its sign, and a range: a browser would end a line before € and after the dash.
SIGN = "[$¢-¥₠-⃀]"
AMOUNT = rf"{SIGN}?\d[\d.,]*\w*"
SIGNED, RANGE = rf"[−+]{SIGN}\d[\d.,]*\w*", f"{AMOUNT}–{AMOUNT}%?"
WHOLE = re.compile(rf"<(svg|style|title)\b.*?</\1>|<[^>]*>|({SIGNED}|{RANGE})", re.DOTALL)


def page(
    notebook: NotebookNode,
    facts: Mapping[str, str],
    lang: str,
    only: str = "",
    brand: Mapping[str, str] | None = None,
) -> str:
    """Return the HTML page of an executed notebook.

    Parameters
    ----------
    notebook : NotebookNode
        Its Markdown cells are tagged ``lang-fr`` or ``lang-en``, or meant for every reader; in a
        further language the English ones are read, line by line as its file of texts has them. A
        section whose heading is tagged ``first`` or ``annex`` goes there. Tables are HTML that
        escapes its data; figures are PNG or SVG, with ``alt`` in their metadata.
    facts : mapping
        Label → value of what stands at the top, such as the period; plain text.
    lang : str
    only : str
        Tag of the sections to show, such as ``meeting``; by default all.
    brand : mapping, optional
        What `kpi_helpers.sources.brand.brand` returns.
    """
    from nbconvert.exporters import TemplateExporter

    read, annex, absent = arranged(readable(notebook, lang), lang, only)
    named = title(notebook, lang)
    contents = {name.replace(" ", "-"): name for cell in read for name in sections(cell)}
    exporter = TemplateExporter(
        template_file="page.html.j2", extra_template_paths=[str(TEMPLATE)], file_extension=".html"
    )
    resources = {
        "lang": lang,
        "view": only,
        "title": named,
        "heading": _heading(named, facts),
        "facts": dict(facts),
        "contents": text("report.contents", lang),
        "sections": contents | ({ANNEX: text("report.annex", lang)} if annex else {}),
        "annex": {"at": len(read), "name": text("report.annex", lang)},
        "absent": {"name": text("report.absent", lang), "reasons": absent},
        "brand": brand or {},
        "style": (TEMPLATE / "page.css").read_text("utf-8"),
    }
    shown = notebook.copy()
    shown.cells = [_without_title(cell) for cell in [*read, *annex]]
    html, _ = exporter.from_notebook_node(shown, resources)
    return _whole(_labelled(html))


def title(notebook: NotebookNode, lang: str) -> str:
    """Return the heading of a page, nothing where it has none."""
    return next(filter(None, map(_title, readable(notebook, lang))), "")


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


def _whole(html: str) -> str:
    """Keep each amount with its sign, and each range, on one line."""

    def kept(found: re.Match[str]) -> str:
        return f'<span class="whole">{found[2]}</span>' if found[2] else found[0]

    return WHOLE.sub(kept, html)


def readable(notebook: NotebookNode, lang: str) -> Iterator[NotebookNode]:
    """Return the cells that are meant for the readers of a language."""
    tagged = [set(cell.metadata.get("tags", ())) for cell in notebook.cells]
    spoken = f"lang-{lang}" if f"lang-{lang}" in set().union(*tagged) else "lang-en"
    for cell, tags in zip(notebook.cells, tagged, strict=True):
        if not (tags & HIDDEN or any(tag.startswith("lang-") for tag in tags - {spoken})):
            yield _translated(cell, lang) if spoken in tags else cell


def _translated(cell: NotebookNode, lang: str) -> NotebookNode:
    """Return a cell with each line as the file of a language has it, else as it is."""
    known, own = lines("notebooks", lang), cell.copy()
    own.source = LINE.sub(lambda line: line[1] + known.get(line[2], line[2]), cell.source)
    return own


def _title(cell: NotebookNode) -> str:
    found = TITLE.match(cell.source) if cell.cell_type == "markdown" else None
    return found[1] if found else ""


def _without_title(cell: NotebookNode) -> NotebookNode:
    if not _title(cell):
        return cell
    rest = cell.copy()
    rest.source = TITLE.sub("", cell.source)
    return rest
