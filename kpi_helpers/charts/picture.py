"""A figure that carries its finding: as alt text, in a notebook, and as bytes that do not vary."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from matplotlib.figure import Figure

from kpi_helpers.charts.theme import theme
from kpi_helpers.errors import unknown

# What would change from run to run, or from version to version, is left out of the file.
_METADATA: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Creator": None, "Date": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
FORMATS = tuple(_METADATA)


class Chart(Figure):
    """A matplotlib figure that a notebook shows with its alt text, without pyplot."""

    def _repr_mimebundle_(self, **asked: object) -> tuple[dict[str, bytes], dict[str, Any]]:
        return _bundle(self)


def alt(figure: Figure) -> str:
    """Return the alt text of a chart: its finding, or nothing for a figure that is none of ours.

    Examples
    --------
    >>> alt(Figure())
    ''
    """
    return str(figure.get_label() or "")


def show(figure: Figure) -> None:
    """Display a figure in a notebook with its alt text, also one that was drawn into `ax`."""
    from IPython.display import display

    data, metadata = _bundle(figure)
    display(data, raw=True, metadata=metadata)


def image(figure: Figure, kind: str = "png") -> bytes:
    """Return a figure as the bytes of a file, the same each time.

    Parameters
    ----------
    figure : Figure
    kind : str
        One of ``FORMATS``.

    Raises
    ------
    UnknownName
        If there is no such format.

    Examples
    --------
    >>> image(Figure())[1:4]
    b'PNG'
    """
    if kind not in FORMATS:
        raise unknown("format", kind, FORMATS)
    file = BytesIO()
    with theme():
        figure.savefig(file, format=kind, metadata=_METADATA[kind], facecolor="white")
    return file.getvalue()


def _bundle(figure: Figure) -> tuple[dict[str, bytes], dict[str, Any]]:
    width, height = (round(100 * inches) for inches in figure.get_size_inches())
    shown = {"alt": alt(figure), "width": width, "height": height}
    return {"image/png": image(figure)}, {"image/png": shown}
