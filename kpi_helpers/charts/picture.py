"""A figure that carries its finding: as alt text, in a notebook, and as bytes that do not vary."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from matplotlib.figure import Figure

from kpi_helpers.charts.theme import theme

# A chart has few colours: a palette of them makes a file of a third of the size.
COLOURS = 128


class Chart(Figure):
    """A matplotlib figure that a notebook shows with its alt text, without pyplot."""

    def _repr_mimebundle_(self, **asked: object) -> tuple[dict[str, bytes], dict[str, Any]]:
        width, height = (round(100 * inches) for inches in self.get_size_inches())
        shown = {"alt": alt(self), "width": width, "height": height}
        return {"image/png": image(self)}, {"image/png": shown}


def alt(figure: Figure) -> str:
    """Return the alt text of a chart: its finding, or nothing for a figure that is none of ours.

    Examples
    --------
    >>> alt(Figure())
    ''
    """
    return str(figure.get_label() or "")


def image(figure: Figure, small: bool = True) -> bytes:
    """Return a figure as the bytes of a PNG file, the same each time.

    Parameters
    ----------
    figure : Figure
    small : bool
        Take the time to make a file of a third of the size; not for a screen that someone waits at.

    Examples
    --------
    >>> image(Figure())[1:4]
    b'PNG'
    """
    from PIL import Image

    drawn, file = BytesIO(), BytesIO()
    with theme():
        figure.savefig(drawn, format="png", facecolor="white")
    if not small:
        return drawn.getvalue()
    few = Image.open(drawn).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(file, "png", optimize=True)
    return file.getvalue()
