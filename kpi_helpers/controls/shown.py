"""What a control shows, and what its plain function returns: sentences, figures, chart, table."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import pandas as pd

from kpi_helpers.charts.picture import alt, image

NONE: Mapping[str, str] = {}
# Height of the letters of widgets in JupyterLab.
LETTERS = 13


@dataclass(frozen=True)
class Shown:
    """An answer as a person reads it; a notebook shows it as a control does.

    ``sentences`` say what is found, ``figures`` name the few numbers that scenarios are compared
    by (label → written figure); ``figure`` is a chart, ``table`` one of `kpi_helpers.sheets` or
    several, ``frame`` holds all numbers, and ``lines`` are what changes in files, as a diff.

    Examples
    --------
    >>> Shown(("Up by 3 <b>points</b>.",))._repr_html_()
    '<ul class="kpi-said"><li>Up by 3 &lt;b&gt;points&lt;/b&gt;.</li></ul>'
    """

    sentences: tuple[str, ...] = ()
    figures: Mapping[str, str] = field(default_factory=lambda: NONE)
    figure: Any = None
    table: Any = None
    frame: pd.DataFrame | None = None
    lines: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        parts = (said(self.sentences), beside({"": self.figures}), picture(self.figure))
        return "\n".join(filter(None, [*parts, listed(self.table), changes(self.lines)]))


def said(sentences: tuple[str, ...]) -> str:
    """Return sentences as a list, whatever signs they hold."""
    lines = "".join(f"<li>{escape(each)}</li>" for each in sentences)
    return f'<ul class="kpi-said">{lines}</ul>' if lines else ""


def listed(table: Any) -> str:
    """Return a table, or several under each other."""
    tables = table if isinstance(table, tuple) else () if table is None else (table,)
    return "\n".join(each.as_raw_html() for each in tables)


def changes(lines: Sequence[str]) -> str:
    """Return lines of a diff as they are."""
    told = escape("\n".join(lines))
    return f'<pre class="kpi-changes">{told}</pre>' if lines else ""


def picture(figure: Any) -> str:
    """Return a chart as an image with its alt text."""
    if figure is None:
        return ""
    content = b64encode(image(figure, small=False)).decode()
    # It grows with the letters around it: 100 dots an inch beside those of JupyterLab.
    width = 100 / LETTERS * figure.get_size_inches()[0]
    style = f"width: {width:.1f}em; max-width: 100%; height: auto"
    return (
        f'<img src="data:image/png;base64,{content}" alt="{escape(alt(figure))}" style="{style}">'
    )


def beside(columns: Mapping[str, Mapping[str, str]]) -> str:
    """Return figures side by side: a column each for name → label → written figure.

    Examples
    --------
    >>> beside({"Base": {"Won": "10 €"}, "More": {}}).count("<td>")
    3
    """
    labels = list(dict.fromkeys(label for figures in columns.values() for label in figures))
    if not labels:
        return ""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    rows = [
        f'<tr><th scope="row">{escape(label)}</th>'
        + "".join(f"<td>{escape(figures.get(label, '–'))}</td>" for figures in columns.values())
        + "</tr>"
        for label in labels
    ]
    head = f"<thead><tr><td></td>{head}</tr></thead>" if any(columns) else ""
    return f'<table class="kpi-beside">{head}<tbody>{"".join(rows)}</tbody></table>'
