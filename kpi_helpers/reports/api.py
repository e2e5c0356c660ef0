"""The functions of the package as pages to read: a page a room, an index of all names."""

from __future__ import annotations

import inspect
import pkgutil
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from html import escape
from importlib import import_module
from types import ModuleType
from typing import Any

from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.language import text
from kpi_helpers.reports.page import page
from kpi_helpers.units import COUNT, write

FACE, ERRORS = "kpi_helpers", "kpi_helpers.errors"
# The command line is no room to import from; the catalogue of KPIs has pages of its own.
CLOSED = ("cli", "__main__")
ASKED = ("measure", "compare", "rows")
_HEADING = re.compile(r"^([A-Z][A-Za-z ]+)\n-{3,}$", re.MULTILINE)
_NAME = re.compile(r"``([^`]+)``|`([^`]+)`")
_EXAMPLE = re.compile(r"^\s*(>>>|\.\.\.|- |\* |\|)", re.MULTILINE)


@dataclass(frozen=True)
class Place:
    """A public name: the room it is imported from, and what it is."""

    room: str
    name: str
    thing: Any = field(compare=False)


def api_pages(lang: str) -> dict[str, str]:
    """Return the pages of all public functions: name of a file → its HTML, the index first.

    Parameters
    ----------
    lang : str
        Of the headings and the index; what functions say of themselves is in English.

    Examples
    --------
    >>> pages = api_pages("en")
    >>> 'id="measure"' in pages["api.kpi_helpers.en.html"]
    True
    """
    rooms = {name: _public(name) for name in _rooms()}
    known = {f"{each.room}.{each.name}": each for room in rooms.values() for each in room}
    pages = {f"api.{lang}.html": _index(rooms, lang)}
    for name, places in rooms.items():
        pages[api_file(name, lang)] = _room_page(name, places, known, lang)
    return pages


def api_file(room: str, lang: str) -> str:
    """Return the name of the file that shows a room."""
    return f"api.{room.removeprefix(f'{FACE}.')}.{lang}.html"


def asked_with(lang: str) -> str:
    """Return the line of a KPI's card that leads to the functions that it is asked with."""
    places = [Place(FACE, name, None) for name in ASKED]
    links = ", ".join(f"<code>{_link(each, lang, f'kh.{each.name}')}</code>" for each in places)
    return f"<p>{text('api.asked', lang)} {links}</p>"


@cache
def _rooms() -> tuple[str, ...]:
    found = sorted(each.name for each in pkgutil.iter_modules(import_module(FACE).__path__))
    return FACE, *(f"{FACE}.{name}" for name in found if name not in CLOSED)


def _public(room: str) -> list[Place]:
    """Return the names that a room exports, or else the functions and classes written in it."""
    module = import_module(room)
    names = getattr(module, "__all__", None) or [
        name
        for name, thing in vars(module).items()
        if getattr(thing, "__module__", "") == room and not name.startswith("_")
    ]
    things = {name: getattr(module, name) for name in names}
    return [
        Place(room, name, things[name])
        for name in sorted(things, key=str.casefold)
        if not isinstance(things[name], ModuleType)
    ]


def _page(title: str, about: str, html: str, facts: Mapping[str, str], lang: str) -> str:
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

    output = new_output("display_data", {"text/html": html})
    cells = [new_markdown_cell(f"# {title}\n\n{about}"), new_code_cell(outputs=[output])]
    return page(new_notebook(cells=cells), facts, lang)


def _index(rooms: Mapping[str, list[Place]], lang: str) -> str:
    every = sorted((each for room in rooms.values() for each in room), key=_in_order)
    listed = "".join(
        f"<li><code>{_link(each, lang)}</code> {escape(each.room)}</li>" for each in every
    )
    each_room = "".join(
        f'<li><a href="{api_file(name, lang)}">{escape(name)}</a> {said}</li>'
        for name, said in ((name, _inline(_said(name), {}, lang)) for name in rooms)
    )
    html = (
        f'<h2>{text("api.rooms", lang)}</h2><ul class="links" lang="en">{each_room}</ul>'
        f'<h2>{text("api.names", lang)}</h2><ul class="links">{listed}</ul>'
    )
    about = text("api.about", lang, cards=f"catalogue.{lang}.html")
    return _page(
        text("api.title", lang),
        about,
        html,
        {text("api.count", lang): write(len(every), COUNT, lang)},
        lang,
    )


def _in_order(place: Place) -> tuple[str, str]:
    return place.name.casefold(), place.room


def _said(room: str) -> str:
    return (inspect.getdoc(import_module(room)) or "").split("\n\n")[0].replace("\n", " ")


def _room_page(room: str, places: list[Place], known: Mapping[str, Place], lang: str) -> str:
    own = {each.name: each for each in places}
    items = "".join(f"<li><code>{_link(each, lang)}</code></li>" for each in places)
    shown = "".join(_article(each, {**known, **own}, lang) for each in places)
    about = f"[{text('api.title', lang)}](api.{lang}.html)"
    said = f'<p lang="en">{_inline(_said(room), known, lang)}</p>'
    return _page(room, about, f'{said}<ul class="links">{items}</ul>{shown}', {}, lang)


def _article(place: Place, known: Mapping[str, Place], lang: str) -> str:
    """Return a name, how it is called, and what it says of itself; a value says its type."""
    thing = place.thing
    called = callable(thing) and not isinstance(thing, str)
    sign = f"{place.name}{_signature(thing)}" if called else place.name
    doc = (inspect.getdoc(thing) or "") if called else ""
    said = _documented(doc, known, lang) if doc else f"<p>{escape(type(thing).__name__)}</p>"
    more = "".join(_method(name, each, known, lang) for name, each in _methods(thing))
    return (
        f'<article class="card" id="{escape(place.name)}"><h2>{escape(place.name)}</h2>'
        f'<div lang="en"><pre>{escape(sign)}</pre>{said}{more}</div></article>'
    )


class _Bare(str):
    """The text of an annotation, which a signature would else put between quotes."""

    def __repr__(self) -> str:
        return str(self)


def _bare(annotation: Any) -> Any:
    return _Bare(annotation) if isinstance(annotation, str) else annotation


def _signature(thing: Any) -> str:
    try:
        sign = inspect.signature(thing)
    except (TypeError, ValueError):  # what is written in C says none
        return "(...)"
    given = [
        each.replace(annotation=_bare(each.annotation))
        for each in sign.parameters.values()
        if each.name != "self"
    ]
    return str(sign.replace(parameters=given, return_annotation=_bare(sign.return_annotation)))


def _methods(thing: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a class of ours can do, under the name that it is called by."""
    own = vars(thing) if inspect.isclass(thing) else {}
    for name in sorted(own):
        each = own[name].fget if isinstance(own[name], property) else own[name]
        each = getattr(each, "__func__", each)
        if not name.startswith("_") and inspect.isfunction(each) and each.__doc__:
            yield name, each


def _method(name: str, thing: Any, known: Mapping[str, Place], lang: str) -> str:
    sign = escape(f".{name}{_signature(thing)}")
    return f"<pre>{sign}</pre>{_documented(inspect.getdoc(thing) or '', known, lang)}"


def _documented(doc: str, known: Mapping[str, Place], lang: str) -> str:
    """Return a numpydoc text as HTML: paragraphs, then its sections."""
    first, *rest = _HEADING.split(doc)
    html = _paragraphs(first, known, lang)
    for heading, body in zip(rest[::2], rest[1::2], strict=True):
        key = heading.lower().replace(" ", "_")
        shown = _fields if key in ("parameters", "returns", "yields", "raises") else _paragraphs
        html += (
            f'<h3 lang="{lang}">{text(f"api.sections.{key}", lang)}</h3>{shown(body, known, lang)}'
        )
    return html


def _paragraphs(body: str, known: Mapping[str, Place], lang: str) -> str:
    parts = filter(str.strip, re.split(r"\n\s*\n", body))
    return "".join(
        f"<pre>{escape(textwrap.dedent(part).strip(chr(10)))}</pre>"
        if _EXAMPLE.search(part) or part.startswith("  ")
        else f"<p>{_inline(part.strip(), known, lang)}</p>"
        for part in parts
    )


def _fields(body: str, known: Mapping[str, Place], lang: str) -> str:
    """Return names with what is said of each: the lines under it, set in."""
    rows = re.split(r"\n(?=\S)", textwrap.dedent(body).strip())
    html = ""
    for row in rows:
        name, _, said = row.partition("\n")
        what = _paragraphs(textwrap.dedent(said), known, lang)
        html += f"<div><dt>{_errors(name, known, lang)}</dt><dd>{what}</dd></div>"
    return f"<dl>{html}</dl>"


def _errors(names: str, known: Mapping[str, Place], lang: str) -> str:
    """Escape what a row is about; each error of ours leads to its place."""
    places = {name: known.get(f"{ERRORS}.{name}") for name in names.split(", ")}
    return ", ".join(_link(at, lang) if at else escape(name) for name, at in places.items())


def _inline(said: str, known: Mapping[str, Place], lang: str) -> str:
    """Escape a text and set its names apart, each with its link where it is one of ours."""
    html, at = "", 0
    for found in _NAME.finditer(said):
        name = found[1] or found[2]
        html += escape(said[at : found.start()]) + f"<code>{_linked(name, known, lang)}</code>"
        at = found.end()
    return html + escape(said[at:])


def _linked(name: str, known: Mapping[str, Place], lang: str) -> str:
    bare = name.removesuffix("()")
    place = known.get(bare) or known.get(f"{FACE}.{bare}")
    if place is not None:
        return _link(place, lang, name)
    if bare in REGISTRY:
        return f'<a href="catalogue.{lang}.html#kpi-{escape(bare)}">{escape(name)}</a>'
    return escape(name)


def _link(place: Place, lang: str, shown: str = "") -> str:
    target = f"{api_file(place.room, lang)}#{place.name}"
    return f'<a href="{escape(target)}">{escape(shown or place.name)}</a>'
