"""Text as it is set in a chart: harmless whatever the data say, and as wide as there is room.

Widths are in points.
"""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from kpi_helpers.charts.theme import FONT, TEXT

if TYPE_CHECKING:
    from matplotlib.font_manager import FontProperties

ELLIPSIS, UNKNOWN = "…", "□"
LONGEST = 300
_BREAKS = dict.fromkeys(map(ord, "\t\n\v\f\r\u0085\u2028\u2029"), " ")
# Controls, marks that reorder or join, private use, and halves of characters.
_UNSEEN = {"Cc", "Cf", "Co", "Cs"}


def inert(value: object) -> str:
    r"""Return a value as one line that a chart can show; what the font lacks becomes a box.

    Examples
    --------
    >>> inert("François\n\u202e& fils \U0001f680")
    'François & fils □'
    """
    # A name of thousands of characters is cut long before it is measured.
    line = unicodedata.normalize("NFC", str(value)[: 4 * LONGEST].translate(_BREAKS))
    seen = [c for c in line if unicodedata.category(c) not in _UNSEEN and not _is_selector(c)]
    words = "".join(c if ord(c) in _letters() else UNKNOWN for c in seen).split(" ")
    return _cut(" ".join(word for word in words if word), LONGEST)


def fitted(value: object, width: float, size: float = TEXT, bold: bool = False) -> str:
    """Return a value as one line no wider than there is room, cut with an ellipsis.

    Examples
    --------
    >>> fitted("A very long name of a customer", 80)
    'A very long na…'
    """
    line = inert(value)
    if width_of(line, size, bold) <= width:
        return line
    short, long = 0, len(line)
    while long - short > 1:
        middle = (short + long) // 2
        fits = width_of(_cut(line, middle), size, bold) <= width
        short, long = (middle, long) if fits else (short, middle)
    return _cut(line, max(short, 1))


def wrapped(
    value: object, width: float, size: float = TEXT, bold: bool = False, most: int = 3
) -> list[str]:
    """Return a text as lines no wider than there is room; the last of `most` lines is cut.

    Examples
    --------
    >>> wrapped("A finding that is too long for one line", 110)
    ['A finding that is too', 'long for one line']
    """
    lines: list[str] = []
    words = inert(value).split(" ")
    while words and len(lines) < most - 1:
        taken = 1
        while taken < len(words) and width_of(" ".join(words[: taken + 1]), size, bold) <= width:
            taken += 1
        lines.append(fitted(" ".join(words[:taken]), width, size, bold))
        words = words[taken:]
    return lines + ([fitted(" ".join(words), width, size, bold)] if words else [])


def width_of(line: str, size: float = TEXT, bold: bool = False) -> float:
    """Return the width of a line of text.

    Examples
    --------
    >>> width_of("mm") > width_of("ii") > 0
    True
    """
    return _width(line, bold) * size


@cache
def _letters() -> frozenset[int]:
    """Every character that the font has, regular and bold."""
    from matplotlib.font_manager import findfont
    from matplotlib.ft2font import FT2Font

    regular, bold = (FT2Font(findfont(_font(weight))).get_charmap() for weight in (False, True))
    return frozenset(regular) & frozenset(bold)


@lru_cache(4096)
def _width(line: str, bold: bool) -> float:
    from matplotlib.textpath import text_to_path

    width, _, _ = text_to_path.get_text_width_height_descent(line, _font(bold), ismath=False)
    return float(width)


@cache
def _font(bold: bool) -> FontProperties:
    from matplotlib.font_manager import FontProperties

    return FontProperties(family=FONT, weight="bold" if bold else "normal", size=1)


def _is_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f"


def _cut(line: str, most: int) -> str:
    return line if len(line) <= most else line[: most - 1].rstrip(" \u00a0\u202f,;:") + ELLIPSIS
