"""The forms in which a pack is handed over, read back as plain data."""

import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import nbformat
from packs import SAMPLE
from pptx import Presentation
from pptx.slide import Slide
from python_calamine import CalamineWorkbook

from kpi_helpers.reports.exporting import Made
from kpi_helpers.reports.facts import facts
from kpi_helpers.reports.opening import chosen, opened

FINISHED = re.compile(r"<finished: (.*)>")


def made_again(folder: Path, lang: str, period: str) -> Made:
    """Return a pack of the sample company as a report has it before it writes further forms."""
    data = opened(str(SAMPLE), lang=lang)
    books = {path.stem: nbformat.read(path, 4) for path in sorted(folder.glob("*.ipynb"))}
    tables = {folder / "tables" / "findings.csv": ""}
    for stem, book in books.items():
        (last,) = book.cells[-1].outputs
        for name in FINISHED.fullmatch(last["data"]["text/plain"])[1].split(", "):
            own = folder / "tables" / f"{stem[:2]}_{name}.csv"
            place = own if own.exists() else folder / "tables" / f"{name}.csv"
            if place.exists():
                tables.setdefault(place, stem)
    day = data.config.calendar.parse(period, data.as_of, data.first)
    return Made(folder, data, facts(data, day), books, tables, chosen(data, [], period))


def sheets(path: Path) -> dict[str, list[list[object]]]:
    """Return the cells of each sheet of a workbook."""
    book = CalamineWorkbook.from_path(path)
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def parts(path: Path) -> dict[str, bytes]:
    """Return the files inside a workbook or a deck."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def outside(path: Path) -> list[str]:
    """Return the addresses outside itself that a workbook or a deck leads to."""
    links = [ElementTree.fromstring(p) for n, p in parts(path).items() if n.endswith(".rels")]
    return [each.get("Target", "") for tree in links for each in tree if each.get("TargetMode")]


def slides(path: Path) -> list[Slide]:
    return list(Presentation(str(path)).slides)


def title_of(slide: Slide) -> str:
    return slide.shapes.title.text_frame.text


def cells_of(slide: Slide) -> list[list[str]]:
    """Return the table of a slide, nothing where it has none."""
    tables = [shape.table for shape in slide.shapes if shape.has_table]
    return [[cell.text for cell in row.cells] for table in tables for row in table.rows]


def alts_of(slide: Slide) -> list[str]:
    """Return the alt text of each picture of a slide."""
    names = "./p:nvPicPr/p:cNvPr"
    return [s._element.xpath(names)[0].get("descr", "") for s in slide.shapes if s.shape_type == 13]
