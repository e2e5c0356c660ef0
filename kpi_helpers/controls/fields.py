"""Fields of a control: what a person chooses from, moves or types.

Labels and options are plain text: nothing that comes from data becomes markup in them. A field
tells of a change when it is made, not on the way there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets

from kpi_helpers.language import text

Value = Any
_STYLE = {"description_width": "12em"}
WIDTH = "28em"


def choice(label: str, options: Mapping[str, Value], value: Value) -> widgets.Dropdown:
    """One of a few: shown text → value.

    Examples
    --------
    >>> choice("KPI", {"CAC": "cac", "Revenue": "revenue"}, "revenue").value
    'revenue'
    """
    return widgets.Dropdown(options=[*options.items()], value=value, **_shape(label))


def choices(
    label: str, options: Mapping[str, Value], values: tuple[Value, ...]
) -> widgets.SelectMultiple:
    """Several of a few: shown text → value."""
    shown = min(8, max(3, len(options)))
    return widgets.SelectMultiple(
        options=[*options.items()], value=values, rows=shown, **_shape(label)
    )


def slider(
    label: str, value: float, low: float, high: float, step: float, form: str = ".0%"
) -> widgets.FloatSlider:
    """A number between two, written as ``form`` (of d3, as `ipywidgets` takes it) says.

    Examples
    --------
    >>> slider("Volume", 1.0, 0.5, 2.0, 0.05).max
    2.0
    """
    ends: dict[str, Any] = {"min": low, "max": high, "step": step}
    shape = _shape(label) | {"readout_format": form, "continuous_update": False}
    return widgets.FloatSlider(value=value, **ends, **shape)


def steps(label: str, options: Mapping[str, Value], value: Value) -> widgets.SelectionSlider:
    """One of several in their order, such as periods: shown text → value.

    Examples
    --------
    >>> steps("Period", {"Q1 2026": "2026Q1", "Q2 2026": "2026Q2"}, "2026Q2").index
    1
    """
    shape = _shape(label) | {"continuous_update": False}
    return widgets.SelectionSlider(options=[*options.items()], value=value, **shape)


def number(label: str, value: float, low: float, high: float, step: float) -> widgets.Widget:
    """A number that is typed."""
    ends: dict[str, Any] = {"min": low, "max": high, "step": step}
    return widgets.BoundedFloatText(value=value, **ends, **_shape(label))


def switch(label: str, value: bool) -> widgets.Checkbox:
    """Yes or no."""
    return widgets.Checkbox(value=value, indent=False, **_shape(label))


def words(label: str, value: str = "", hint: str = "") -> widgets.Text:
    """A line of text."""
    return widgets.Text(value=value, placeholder=hint, continuous_update=False, **_shape(label))


def day(label: str, value: str = "") -> widgets.DatePicker:
    """A day of the calendar, by default none."""
    chosen = dt.date.fromisoformat(value) if value else None
    return widgets.DatePicker(value=chosen, **_shape(label))


def button(key: str, lang: str, icon: str = "", style: str = "") -> widgets.Button:
    """A button whose text stands under ``controls.<key>``."""
    return widgets.Button(description=text(f"controls.{key}", lang), icon=icon, button_style=style)


def _shape(label: str) -> dict[str, Any]:
    # A label that is cut tells its whole in a tooltip.
    layout = widgets.Layout(width=WIDTH, max_width="100%")
    return {"description": label, "tooltip": label, "style": _STYLE, "layout": layout}
