"""Sections of a page: what comes first, what goes to the annex, and what has nothing to show."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from kpi_helpers.language import text
from kpi_helpers.reports.attempting import ABSENT

if TYPE_CHECKING:
    from nbformat import NotebookNode

HEADING = re.compile(r"^##+ ")
SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
FIRST, ANNEX, MEETING = "first", "annex", "meeting"
# Parts of a notebook that have a page of their own, each for other readers.
VIEWS = (MEETING, "management", "team", "rep")
Block = list["NotebookNode"]


def arranged(
    cells: Iterable[NotebookNode], lang: str, only: str = ""
) -> tuple[Block, Block, dict[str, str]]:
    """Put the cells of a page in the order in which it is read.

    A section whose heading is tagged ``first`` opens the page, as the findings do, which a notebook
    can only compute last. What is tagged ``annex`` goes there: a section, a part of one, or a cell.
    Sections and parts whose code shows nothing are left out.

    Parameters
    ----------
    cells : iterable of NotebookNode
        Those of one language.
    lang : str
    only : str
        Tag of the sections to keep, without an annex; by default all.

    Returns
    -------
    tuple
        The cells to read, those of the annex, and section → reason where data are missing.
    """
    opening, *blocks = _blocks(cells)
    absent = {sections(block[0])[0]: why for block in blocks if (why := _absent(block))}
    halves = [_halves(block, lang) for block in blocks]
    if only:
        whole = [read or behind for read, behind in halves]
        absent, halves = {}, [(block, []) for block in whole if block and _tagged(block[0], only)]
    read = [_filled(block) for block, _ in halves]
    read.sort(key=lambda block: not (block and _tagged(block[0], FIRST)))
    behind = [_filled(block) for _, block in halves]
    return opening + _joined(read), _joined(behind), absent


def has(notebook: NotebookNode, tag: str) -> bool:
    """Tell whether a notebook has sections of a tag that show anything."""
    tagged = [block for block in _blocks(notebook.cells) if block and _tagged(block[0], tag)]
    return any(_shows(cell) for block in tagged for cell in _code(block))


def sections(cell: NotebookNode) -> list[str]:
    """Return the names of the sections that open in a cell."""
    return SECTION.findall(cell.source) if cell.cell_type == "markdown" else []


def _blocks(cells: Iterable[NotebookNode]) -> list[Block]:
    """Cut a page into what stands before its first section, and its sections."""
    blocks: list[Block] = [[]]
    for cell in cells:
        if sections(cell):
            blocks.append([])
        blocks[-1].append(cell)
    return blocks


def _halves(block: Block, lang: str) -> tuple[Block, Block]:
    """Cut a section into what is read and what goes to the annex, under a heading of its own."""
    if _tagged(block[0], ANNEX):
        return [], block
    halves: tuple[Block, Block] = ([], [])
    behind = False
    for cell in block:
        if _is_heading(cell):
            behind = _tagged(cell, ANNEX)
        halves[behind or _tagged(cell, ANNEX)].append(cell)
    if halves[1]:
        heading = block[0].copy()
        heading.source = "## " + text("report.behind", lang, section=sections(block[0])[0])
        heading.id += "-annex"
        halves[1].insert(0, heading)
    return halves


def _filled(block: Block) -> Block:
    """Leave out the parts of a section whose code shows nothing, and the whole if all do."""
    parts: list[Block] = []
    for cell in block:
        if _is_heading(cell):
            parts.append([])
        parts[-1].append(cell)
    kept = [part for part in parts if not _code(part) or any(map(_shows, _code(part)))]
    shown = not _code(block) or any(map(_shows, _code(block)))
    return _joined(kept) if shown else []


def _absent(block: Block) -> str:
    """Say why a section shows nothing, where it does not and its code knows."""
    if any(map(_shows, _code(block))):
        return ""
    outputs = [output for cell in _code(block) for output in cell.outputs]
    return next((output.metadata[ABSENT] for output in outputs), "")


def _joined(blocks: Iterable[Block]) -> Block:
    return [cell for block in blocks for cell in block]


def _code(cells: Block) -> Block:
    return [cell for cell in cells if cell.cell_type == "code"]


def _shows(cell: NotebookNode) -> bool:
    return any(ABSENT not in output.get("metadata", {}) for output in cell.outputs)


def _tagged(cell: NotebookNode, tag: str) -> bool:
    return tag in cell.metadata.get("tags", ())


def _is_heading(cell: NotebookNode) -> bool:
    return cell.cell_type == "markdown" and bool(HEADING.match(cell.source))
