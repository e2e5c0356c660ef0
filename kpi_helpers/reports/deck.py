"""Slides as they are drawn: a title that says it all, text, a picture, a table, nothing over."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from textwrap import wrap
from typing import IO, TYPE_CHECKING, NamedTuple

from kpi_helpers.charts.theme import INK, VALUE
from kpi_helpers.wording.told import plain

if TYPE_CHECKING:
    from pptx.presentation import Presentation
    from pptx.slide import Slide
    from pptx.text.text import TextFrame
    from pptx.util import Length


class Box(NamedTuple):
    """A place on a slide, in inches."""

    left: float
    top: float
    width: float
    height: float


SHEET, HEADING = Box(0, 0, 13.333, 7.5), Box(0.55, 0.35, 12.2, 1.45)
BODY, FOOT = Box(0.55, 2.0, 12.2, 4.8), Box(0.55, 6.95, 12.2, 0.4)
CHART, BESIDE = Box(0.55, 2.0, 7.6, 4.8), Box(8.45, 2.0, 4.3, 4.8)
ALONE = BODY._replace(width=8.2)
MADE = dt.datetime(2000, 1, 1)
OLDEST = (1980, 1, 1, 0, 0, 0)  # that an archive can say
TITLE_ONLY = 5  # among the layouts of the template
# Points of letters, the largest that fit are taken; their height and width in points each.
TITLES, TEXTS, SMALL = (32, 28, 24, 20, 18), (24, 20, 18, 16, 14, 12, 11, 10), 12
LINE, LETTER, INCH, MARGIN = 1.25, 0.53, 72, 0.1
FONT = "Arial"
WORDS = re.compile("[ \n]")  # a figure and its unit stay together


def begun() -> Presentation:
    """Return an empty deck, as wide as a screen."""
    from pptx import Presentation
    from pptx.util import Inches

    deck = Presentation()
    deck.slide_width, deck.slide_height = Inches(SHEET.width), Inches(SHEET.height)
    return deck


def begin(deck: Presentation, said: str) -> Slide:
    """Add a slide of this title."""
    slide = deck.slides.add_slide(deck.slide_layouts[TITLE_ONLY])
    title = slide.shapes.title
    assert title is not None
    title.left, title.top, title.width, title.height = _placed(HEADING)
    said = plain(said, longest=None)
    size = _size([[said]], [HEADING.width], HEADING.height, TITLES)
    _fill(title.text_frame, [said], size, VALUE, bold=True)
    return slide


def told(deck: Presentation, title: str, paragraphs: Sequence[str]) -> None:
    """Add a slide of paragraphs."""
    size = _size([[said] for said in paragraphs], [BODY.width], BODY.height, TEXTS)
    write(begin(deck, title), BODY, paragraphs, size, INK)


def write(slide: Slide, box: Box, paragraphs: Sequence[str], size: int, colour: str) -> None:
    """Write paragraphs into a box."""
    frame = slide.shapes.add_textbox(*_placed(box)).text_frame
    _fill(frame, [plain(said, longest=None) for said in paragraphs], size, colour)


def picture(slide: Slide, image: bytes, alt: str) -> None:
    """Add a chart, as large as it can be beside the rows behind it."""
    from pptx.util import Inches

    shown = slide.shapes.add_picture(BytesIO(image), *_placed(CHART)[:2])
    wide, high = shown.width.inches, shown.height.inches
    scale = min(CHART.width / wide, CHART.height / high)
    shown.width, shown.height = Inches(wide * scale), Inches(high * scale)
    shown._element.xpath("./p:nvPicPr/p:cNvPr")[0].set("descr", plain(alt, longest=None))


def table_of(slide: Slide, cells: Sequence[Sequence[str]], box: Box) -> None:
    """Add a table whose first line is its head, in the largest letters that fit."""
    from pptx.util import Inches

    widths = _widths(cells, box.width)
    size = _size(cells, widths, box.height, TEXTS)
    rows, columns = len(cells), len(widths)
    height = min(box.height, sum(_heights(cells, widths, size)))
    table = slide.shapes.add_table(rows, columns, *_placed(box._replace(height=height))).table
    table.horz_banding = False
    for place, width in enumerate(widths):
        table.columns[place].width = Inches(width)
    for row, line in enumerate(cells):
        for column, said in enumerate(line):
            cell = table.cell(row, column)
            cell.fill.solid()
            cell.fill.fore_color.rgb = _colour(VALUE if row == 0 else "#ffffff")
            colour = "#ffffff" if row == 0 else INK
            _fill(cell.text_frame, said.split("\n"), size, colour, bold=row == 0 or column == 0)


def note(slide: Slide, paragraphs: Sequence[str]) -> None:
    """Write what its speaker sees beside a slide."""
    frame = slide.notes_slide.notes_text_frame
    if frame is not None:
        frame.text = "\n".join(plain(said, longest=None) for said in paragraphs)


def save(deck: Presentation, path: Path | IO[bytes], facts: Sequence[str]) -> None:
    """Write a deck, the same bytes for the same slides."""
    about, drawn = deck.core_properties, BytesIO()
    about.title = plain(" · ".join(facts[:2]))
    about.author = about.last_modified_by = "kpi-helpers"
    about.created = about.modified = about.last_printed = MADE
    deck.save(drawn)
    with zipfile.ZipFile(drawn) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name, OLDEST), old.read(name), zipfile.ZIP_DEFLATED)


def _fill(
    frame: TextFrame, paragraphs: Sequence[str], size: int, colour: str, bold: bool = False
) -> None:
    from pptx.enum.text import PP_ALIGN
    from pptx.util import Pt

    frame.word_wrap = True
    for number, said in enumerate(paragraphs):
        paragraph = frame.add_paragraph() if number else frame.paragraphs[0]
        paragraph.alignment = PP_ALIGN.LEFT
        run = paragraph.add_run()
        run.text = said
        font = run.font
        font.size, font.bold, font.name, font.color.rgb = Pt(size), bold, FONT, _colour(colour)


def _size(
    cells: Sequence[Sequence[str]], widths: Sequence[float], height: float, sizes: Sequence[int]
) -> int:
    """The largest letters in which lines of cells fit without a word that is broken."""

    def fits(size: int) -> bool:
        words = [
            max(map(len, WORDS.split(said))) <= _room(width, size)
            for line in cells
            for said, width in zip(line, widths, strict=True)
        ]
        return all(words) and sum(_heights(cells, widths, size)) <= height

    return next(filter(fits, sizes), sizes[-1])


def _heights(cells: Sequence[Sequence[str]], widths: Sequence[float], size: int) -> list[float]:
    """Height of each line of cells, in inches."""
    lines = [
        max(
            sum(max(1, len(wrap(part, _room(width, size)))) for part in said.split("\n"))
            for said, width in zip(line, widths, strict=True)
        )
        for line in cells
    ]
    return [LINE * size / INCH * number + MARGIN for number in lines]


def _room(width: float, size: int) -> int:
    """Letters that a line holds."""
    return max(1, int((width - 2 * MARGIN) * INCH / (LETTER * size)))


def _widths(cells: Sequence[Sequence[str]], width: float) -> list[float]:
    """Widths of columns, in proportion to their longest texts within limits."""
    parts = [
        [part for said in column for part in said.split("\n")]
        for column in zip(*cells, strict=True)
    ]
    wanted = [min(max(12, *map(len, column)), 45) for column in parts]
    return [width * each / sum(wanted) for each in wanted]


def _placed(box: Box) -> tuple[Length, Length, Length, Length]:
    from pptx.util import Inches

    return Inches(box.left), Inches(box.top), Inches(box.width), Inches(box.height)


def _colour(said: str) -> object:
    from pptx.dml.color import RGBColor

    return RGBColor.from_string(said.removeprefix("#").upper())
