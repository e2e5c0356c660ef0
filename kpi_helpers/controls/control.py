"""A control: fields, and what a plain function of the same arguments shows of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets
from traitlets import TraitError

from kpi_helpers.controls.fields import button, words
from kpi_helpers.controls.shown import Shown, beside, changes, listed, picture, said
from kpi_helpers.errors import KpiError
from kpi_helpers.language import text

Values = dict[str, Any]
Fields = Mapping[str, Any]

STYLE = """<style>
.kpi-said { margin: 0; padding-left: 1.2em; font-size: 1.1em; line-height: 1.45 }
.kpi-beside { border-collapse: collapse; margin: .6em 0 }
.kpi-beside th, .kpi-beside td { padding: .25em .8em; text-align: right; border: 0;
  border-bottom: 1px solid #e2e7ec }
.kpi-beside th[scope=row] { text-align: left; font-weight: normal }
.kpi-control :is(td, th) { white-space: pre-line }
.kpi-fault { border-left: 4px solid #9a3412; padding: .4em .8em }
</style>"""


class Control(widgets.VBox):
    """Fields beside what they show; a change of one asks the plain function again.

    Parameters
    ----------
    show
        The plain function: the fields' values → `Shown`.
    fields
        Argument → widget with a value, or, for an argument that is a mapping, name → widget.
    lang
        Language of the buttons and errors.
    name
        Of the control: that of its state in ``[workshop]`` of the settings and of its exports.
    folder
        Where charts and slides are exported to; by default they are not.

    Attributes
    ----------
    shown : Shown
        What the fields show now.
    scenarios : dict
        Name → the values that were kept under it.
    listeners : list
        Functions that are told the values after a change.
    first : dict
        The values at the start.
    offers : dict
        Key → the button that `offer` added.
    acted : list
        Functions that are told the key of an offer that was taken.

    Examples
    --------
    >>> from kpi_helpers.controls.fields import slider
    >>> double = lambda x: Shown(figures={"Twice": f"{2 * x:g}"})
    >>> control = Control(double, {"x": slider("x", 1.0, 0.0, 5.0, 1.0)}, "en", "double")
    >>> control.set(x=4.0)
    >>> control.shown.figures["Twice"], control.values
    ('8', {'x': 4.0})
    >>> control.undo()
    >>> control.values
    {'x': 1.0}
    """

    def __init__(
        self,
        show: Callable[..., Shown],
        fields: Fields,
        lang: str,
        name: str,
        folder: Path | None = None,
    ) -> None:
        self.show, self.fields, self.lang, self.name = show, fields, lang, name
        self.folder, self.listeners = folder, list[Callable[[Values], None]]()
        self.shown, self.scenarios = Shown(), dict[str, Values]()
        self.offers = dict[str, widgets.Button]()
        self.acted = list[Callable[[str], None]]()
        self.first = self._now = self.values
        self._past, self._held = list[Values](), False
        self._kept = dict[str, Mapping[str, str]]()
        self._fault, self._said, self._side, self._chart, self._table = (
            widgets.HTML() for _ in range(5)
        )
        for field in _flat(fields):
            field.observe(self._moved, "value")
        self.tools = self._tools()
        self.left = widgets.VBox([*_flat(fields), self.tools], layout={"flex": "0 1 30em"})
        answer = [self._fault, self._said, self._side, self._chart, self._table]
        right = widgets.VBox(answer, layout={"flex": "1 1 32em", "min_width": "0"})
        row = widgets.Box([self.left, right], layout={"flex_flow": "row wrap", "width": "100%"})
        super().__init__([widgets.HTML(STYLE), row])
        self.add_class("kpi-control")
        self.refresh()

    @property
    def values(self) -> Values:
        """What the fields say: the arguments of the plain function."""
        return {
            name: {of: each.value for of, each in field.items()}
            if isinstance(field, Mapping)
            else field.value
            for name, field in self.fields.items()
        }

    def set(self, **values: Any) -> None:
        """Set fields, and ask once; what a field does not take is an error of its own."""
        with self._holding():
            for name, value in values.items():
                field = self.fields[name]
                if isinstance(field, Mapping):
                    for of, own in value.items():
                        field[of].value = own
                else:
                    field.value = value

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Set those of the saved values that a field still takes: a step may be gone by now."""
        with self._holding():
            for field, value in _pairs(self.fields, saved):
                with suppress(TraitError):
                    field.value = value

    def undo(self) -> None:
        """Go back to the values before the last change."""
        if self._past:
            before = self._past.pop()
            self.set(**before)
            self._past.pop()

    def reset(self) -> None:
        """Go back to the values at the start, which can be undone too."""
        self.set(**self.first)

    def keep(self, label: str) -> None:
        """Keep the values and their figures under a name, side by side with the others."""
        self.scenarios[label] = self.values
        self._kept[label] = self.shown.figures
        self._draw_side()

    def export(self, kind: str, folder: Path | None = None) -> Path:
        """Write the chart (``png``) or a slide of it (``pptx``); return the file.

        Raises
        ------
        KpiError
            Where there is no chart, or the file cannot be written.
        """
        from kpi_helpers.controls.exporting import exported

        return exported(self.shown, self.name, kind, folder or self.folder or Path())

    def offer(self, key: str, act: Callable[[Values], Sequence[str]]) -> None:
        """Add a button that does something with the values; its answer or its error is told.

        The first line of an answer is a sentence, further ones are what changed in a file.
        """

        def done() -> None:
            try:
                self.tell("")
                self._side.value = _answer(*act(self.values))
                for tell in self.acted:
                    tell(key)
            except KpiError as error:
                self.tell(error.render(self.lang))

        self.offers[key] = _does(button(key, self.lang, style="primary"), done)
        self.offers[key].layout.width = "max-content"
        self.left.children = (*self.left.children, self.offers[key])

    def refresh(self) -> None:
        """Ask the plain function, and show its answer or its error."""
        try:
            self.shown, fault = self.show(**self._now), ""
        except KpiError as error:
            self.shown, fault = Shown(), error.render(self.lang)
        self.tell(fault)
        # What a person looks at first is sent first.
        self._chart.value = picture(self.shown.figure)
        self._said.value = said(self.shown.sentences)
        self._table.value = listed(self.shown.table) + changes(self.shown.lines)
        self._draw_side()

    def tell(self, fault: str) -> None:
        """Show what is wrong, or that nothing is any more."""
        self._fault.value = (
            f'<p class="kpi-fault" role="alert">{escape(fault)}</p>' if fault else ""
        )

    def _draw_side(self) -> None:
        now = text("controls.now", self.lang) if self._kept else ""
        self._side.value = beside({**self._kept, now: self.shown.figures})

    def _moved(self, _: object) -> None:
        if not self._held:
            self._settle()

    def _settle(self) -> None:
        values = self.values
        if values != self._now:
            self._past.append(self._now)
            self._now = values
            self.refresh()
            for tell in self.listeners:
                tell(values)

    @contextmanager
    def _holding(self) -> Iterator[None]:
        """Let several fields change before the function is asked."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
            self._settle()

    def _tools(self) -> widgets.Widget:
        """The buttons under the fields."""
        tools = {"undo": self.undo, "reset": self.reset}
        named = words(text("controls.scenario", self.lang))
        if self.folder is not None:
            tools |= {
                "chart": lambda: self._export("png"),
                "slide": lambda: self._export("pptx"),
            }
        made = [_does(button(key, self.lang), act) for key, act in tools.items()]
        kept = _does(button("keep", self.lang), lambda: self._keep(named))
        return widgets.VBox([named, widgets.Box([kept, *made], layout={"flex_flow": "row wrap"})])

    def _keep(self, named: widgets.Text) -> None:
        number = text("controls.unnamed", self.lang, n=len(self.scenarios) + 1)
        self.keep(named.value.strip() or number)
        named.value = ""

    def _export(self, kind: str) -> None:
        try:
            self.tell("")
            path = self.export(kind)
            self._side.value += f"<p>{escape(text('controls.exported', self.lang, file=path))}</p>"
        except KpiError as error:
            self.tell(error.render(self.lang))


def _answer(sentence: str, *lines: str) -> str:
    """What was done, and what changed in files."""
    return f'<div role="status"><p>{escape(sentence)}</p>{changes(lines)}</div>'


def refused(error: KpiError, lang: str, name: str) -> Control:
    """Return a control of nothing, which says why the data do not carry it."""

    def show() -> Shown:
        raise error

    return Control(show, {}, lang, name)


def _does(made: widgets.Button, act: Callable[[], object]) -> widgets.Button:
    made.on_click(lambda _: act())
    return made


def _pairs(fields: Fields, values: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    """The widgets for which there are values, with these."""
    for name in (each for each in fields if each in values):
        if not isinstance(fields[name], Mapping):
            yield fields[name], values[name]
        elif isinstance(values[name], Mapping):
            yield from _pairs(fields[name], values[name])


def _flat(fields: Fields) -> list[Any]:
    """All widgets, those of mappings too."""
    every = [f.values() if isinstance(f, Mapping) else [f] for f in fields.values()]
    return [field for some in every for field in some]
