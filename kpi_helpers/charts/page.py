"""The sheet that a chart is drawn on: its axes, and the words above and below them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from kpi_helpers.charts.lettering import inert, width_of, wrapped
from kpi_helpers.charts.picture import Chart
from kpi_helpers.charts.reader import Reader, Row, known
from kpi_helpers.charts.scales import unclutter
from kpi_helpers.charts.theme import INCH, INK, QUIET, SMALL, TEXT, TITLE, theme
from kpi_helpers.wording.told import plain

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, EDGE = 6.8 * INCH, 9.0
# Height of a line in sizes of its letters, and what gives it that height.
LINE, SPACING = 1.4, 1.2
HANDLE, EMPTY = 40.0, 80.0


class Page:
    """A chart in the making; lengths are in points.

    Parameters
    ----------
    reader
        For whom.
    given
        Axes of the caller's own figure; without any, the page makes a figure and its axes.
    height
        Height of the axes of a new figure, with their labels and the key.
    grid
        How a new figure is divided: what `Figure.subplots` takes.
    """

    def __init__(
        self, reader: Reader, given: Sequence[Axes], height: float, grid: Mapping[str, Any]
    ) -> None:
        self.reader = reader
        self.own = len(given) == 0
        self.height = height
        self.title = self.subtitle = ""
        self.keys: dict[str, Artist] = {}
        self.axes: list[Axes] = list(given) or _new_axes(height, grid)
        for ax in self.axes:
            ax.spines[:].set_visible(False)
            ax.tick_params(length=0, colors=QUIET, labelsize=SMALL)

    @property
    def ax(self) -> Axes:
        """The axes of a chart that has one."""
        return self.axes[0]

    @property
    def figure(self) -> Figure:
        """The figure of the axes."""
        found = self.ax.get_figure(root=True)
        assert found is not None
        return found

    def head(self, title: str, paragraphs: Sequence[str]) -> None:
        """Say the finding, which is the alt text too, and what it is made of."""
        self.figure.set_label(inert(title))
        room = self._width()
        self.title = "\n".join(wrapped(title, room, TITLE, bold=True, most=5))
        lines = [line for each in paragraphs for line in wrapped(each, room, TEXT, most=2)]
        self.subtitle = "\n".join(lines)

    def key(self, said: str, artist: Artist) -> None:
        """Explain a sign under the axes, once."""
        self.keys.setdefault(said, artist)

    def empty(self, rows: Sequence[Row]) -> bool:
        """Where no row has a figure, say so, and why; tell whether that is the case."""
        if any(known(row["value"]) for row in rows):
            return False
        for ax in self.axes:
            ax.set(xticks=[], yticks=[])
        said = [self.reader.text("nothing")]
        for row in rows[-1:]:
            reason = plain(row["note"], longest=None) or self.reader.weight(row)
            said += wrapped(reason, 0.7 * self._width())
        style: dict[str, Any] = {"color": QUIET, "gid": "nothing", "linespacing": SPACING}
        style |= {"ha": "center", "va": "center"}
        if self.own:
            self.height = EMPTY
            self.figure.text(0.5, 0.3, "\n".join(said), **style)
        else:
            self.ax.text(0.5, 0.5, "\n".join(said), transform=self.ax.transAxes, **style)
        return True

    def settle(self) -> None:
        """Draw the words and fix the layout, so that every later drawing is the same."""
        if self.keys:
            self._draw_key()
        if self.own:
            self._head_of_figure()
            engine = ConstrainedLayoutEngine(w_pad=EDGE / INCH, h_pad=EDGE / INCH / 2)
            engine.set(rect=(0.0, 0.0, 1.0, self.height / INCH / self.figure.get_figheight()))
            self.figure.set_layout_engine(engine)
            engine.execute(self.figure)
            self.figure.set_layout_engine("none")
            for ax in self.axes:
                unclutter(ax.xaxis)
        elif len(self.axes) > 1:
            self.figure.suptitle(self.title, size=TITLE, weight="bold", parse_math=False)
        else:
            self._head_of_axes()

    def _head_of_figure(self) -> None:
        first = LINE * TITLE * (1 + self.title.count("\n"))
        rest = LINE * TEXT * (1 + self.subtitle.count("\n"))
        total = EDGE + first + rest + self.height
        self.figure.set_size_inches(WIDTH / INCH, total / INCH)
        place: dict[str, Any] = {"x": EDGE / WIDTH, "ha": "left", "va": "top"}
        place["linespacing"] = SPACING
        bold: dict[str, Any] = {"size": TITLE, "weight": "bold"}
        self.figure.suptitle(self.title, y=1 - EDGE / total, **bold, **place)
        below = 1 - (EDGE + first) / total
        self.figure.text(y=below, s=self.subtitle, color=QUIET, gid="subtitle", **place)

    def _head_of_axes(self) -> None:
        bold: dict[str, Any] = {"fontsize": TITLE, "fontweight": "bold", "color": INK}
        # The caller's axes have their titles already, made without our style.
        bold["parse_math"] = False
        room = LINE * TEXT * (1 + self.subtitle.count("\n")) + EDGE
        self.ax.set_title(self.title, loc="left", pad=room, **bold)
        apart: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
        self.ax.annotate(self.subtitle, (0, 1), (0, EDGE / 2), color=QUIET, gid="subtitle", **apart)

    def _draw_key(self) -> None:
        signs, said = list(self.keys.values()), list(self.keys)
        shape: dict[str, Any] = {"ncols": _columns(said, self._width()), "handlelength": 1.8}
        shape["columnspacing"] = 1.4
        if self.own:
            key = self.figure.legend(signs, said, loc="outside lower left", **shape)
        else:
            under = (0, -2.5 * SMALL / (self.ax.get_position().height * self._size()[1]))
            last = self.axes[-1]
            key = last.legend(signs, said, loc="upper left", bbox_to_anchor=under, **shape)
        for sign in key.legend_handles:
            if isinstance(sign, Line2D):
                sign.set_markersize(min(sign.get_markersize(), TEXT))

    def _width(self) -> float:
        """Room for a line of text."""
        alone = not self.own and len(self.axes) == 1
        return self._size()[0] * (self.ax.get_position().width if alone else 1) - 2 * EDGE

    def _size(self) -> tuple[float, float]:
        width, height = self.figure.get_size_inches()
        return float(width) * INCH, float(height) * INCH


@contextmanager
def page(reader: Reader, given: Sequence[Axes], height: float, **grid: Any) -> Iterator[Page]:
    """Give a sheet in our style, and settle it when the chart is drawn."""
    with theme():
        sheet = Page(reader, given, height, grid)
        yield sheet
        sheet.settle()


def _new_axes(height: float, grid: Mapping[str, Any]) -> list[Axes]:
    figure = Chart(figsize=(WIDTH / INCH, height / INCH))
    return list(np.ravel(figure.subplots(squeeze=False, **grid)))


def _columns(said: Sequence[str], room: float) -> int:
    """Return the most columns in which texts of a key, set downwards, fit side by side."""
    widths = [HANDLE + width_of(each, SMALL) for each in said]
    for columns in range(len(said), 1, -1):
        if sum(max(part) for part in np.array_split(widths, columns)) <= room:
            return columns
    return 1
