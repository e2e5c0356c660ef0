"""How a company looks: its logo and two colours, out of ``[brand]`` of the settings."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from kpi_helpers.errors import BadConfig, unknown
from kpi_helpers.language import Phrase

if TYPE_CHECKING:
    from kpi_helpers.sources.config import Config

COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
EXAMPLE = ("#17375e", "#b8400e")
# Of text on white, by the Web Content Accessibility Guidelines 2.2, level AA.
CONTRAST = 4.5
# What a logo may measure before it is read, and what it measures on a page, in pixels.
MOST_PIXELS, WIDTH, HEIGHT = 16_000_000, 480, 120


def contrast(colour: str) -> float:
    """Return how many times lighter white is than a colour: 1 for white, 21 for black.

    The ratio of relative luminances of the Web Content Accessibility Guidelines 2.2.

    Examples
    --------
    >>> contrast("#000000"), round(contrast("#767676"), 2)
    (21.0, 4.54)
    """
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    light = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    luminance = 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2]
    return 1.05 / (luminance + 0.05)


def unfit(colours: Sequence[str]) -> str | Phrase | None:
    """Return what is expected instead of colours that a page cannot be read in.

    Examples
    --------
    >>> unfit(["#17375e", "#b8400e"]), unfit(["red"])
    (None, '["#17375e", "#b8400e"]')
    >>> unfit(["#ffd700"]).render("en")
    'a colour with a contrast of 4.5 to 1 on white; #ffd700 has 1.4 to 1, take a darker one'
    """
    if len(colours) > len(EXAMPLE) or not all(map(COLOUR.fullmatch, colours)):
        return str([*EXAMPLE]).replace("'", '"')
    for colour in colours:
        if (found := contrast(colour)) < CONTRAST:
            whole, tenth = divmod(int(found * 10), 10)
            said = {"colour": colour, "whole": whole, "tenth": tenth}
            return Phrase("expected.contrast", said)
    return None


def brand(config: Config) -> dict[str, str]:
    """Return what makes a page look like the company's: ``logo, name, first, second``.

    Parameters
    ----------
    config : Config
        Its logo is a PNG or JPEG picture beside the settings. Others, such as SVG, can hold code.

    Returns
    -------
    dict
        The logo as a data URI, drawn anew so that nothing but the picture is handed on, the
        company's name, and the colours; what is not set is absent.

    Raises
    ------
    UnknownName
        When there is no such file.
    BadConfig
        When it is no picture of these kinds, or a huge one.
    """
    colours = config.brand.get("colours", ())
    said = dict(zip(("first", "second"), [*colours, *colours[:1]], strict=False))
    if logo := config.brand.get("logo"):
        said |= {"logo": _drawn(Path(config.file).parent / logo, config), "name": config.name}
    return said


def _drawn(path: Path, config: Config) -> str:
    from PIL import Image

    file = BytesIO()
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise ValueError(picture.size)
            small = picture.convert("RGBA")
        small.thumbnail((WIDTH, HEIGHT))
        small.save(file, "png", optimize=True)
    except FileNotFoundError as error:
        raise unknown("file", path.name, _beside(path)) from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        said = {"file": Path(config.file).name, "key": "brand.logo", "value": path.name}
        raise BadConfig(**said, expected=Phrase("expected.logo")) from error
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _beside(path: Path) -> list[str]:
    found = path.parent.iterdir() if path.parent.is_dir() else ()
    return sorted(each.name for each in found if each.suffix.lower() in (".png", ".jpg", ".jpeg"))
