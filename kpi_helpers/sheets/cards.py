"""What a KPI is, as a card: everything that its declaration says, and what follows from it."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import zip_longest
from typing import Any

from kpi_helpers.catalogue import Ago, Kpi, find
from kpi_helpers.kpis.tried import tried
from kpi_helpers.language import LANGUAGES, text, texts
from kpi_helpers.measure.facts import columns_read, entity_of
from kpi_helpers.measure.kinds import KINDS
from kpi_helpers.sources.facts import MADE
from kpi_helpers.sources.registers import ACHIEVEMENTS
from kpi_helpers.sources.tables import TABLES
from kpi_helpers.units import write

VANITY, OWN = "vanity", "own"
# Fields of a card that say how a figure was made.
METHOD = ("id", "dated", "kind", "made", "unit", "better", "pitfalls", "version")
WORDS = ("range", "confirmed", "chance", "exact", "care", "few", "young", "points", "version")
# Kinds of which a missing figure says itself what it needs.
TOLD = {"gap": "notes.gap_none", "effect": "notes.effect_unknown"}


@dataclass(frozen=True)
class Written:
    """HTML in which every text that is not ours is escaped."""

    html: str

    def _repr_html_(self) -> str:
        return self.html


def card_index(kpis: Iterable[Kpi], lang: str) -> Written:
    """List the names of KPIs, each leading to its card.

    Parameters
    ----------
    kpis : iterable of Kpi
    lang : str
    """
    items = "".join(
        f'<li><a href="#{_anchor(kpi)}">{escape(kpi.label(lang))}</a> {_badges(kpi, lang)}</li>'
        for kpi in kpis
    )
    return Written(f'<ul class="links">{items}</ul>')


def cards(kpis: Iterable[Kpi], lang: str, only: Collection[str] = ()) -> Written:
    """Show what KPIs are, a card each.

    Parameters
    ----------
    kpis : iterable of Kpi
        As they are declared; those that they are made of are declared too.
    lang : str
    only : collection of str
        The fields to show, such as `METHOD`, without other languages, badges and examples; by
        default all.

    Examples
    --------
    >>> import kpi_helpers.kpis
    >>> "Wilson" in cards([find("win_rate_count")], "en")._repr_html_()
    True
    """
    return Written("".join(_card(kpi, lang, only) for kpi in kpis))


def glossary(lang: str) -> Written:
    """Say what the words of a report mean that stand beside its figures.

    Examples
    --------
    >>> "<dt>Plausible range</dt>" in glossary("en").html
    True
    """
    said = (
        (text(f"glossary.{name}.word", lang), text(f"glossary.{name}.means", lang))
        for name in WORDS
    )
    rows = "".join(f"<div><dt>{word}</dt><dd>{means}</dd></div>" for word, means in said)
    return Written(f'<div class="card"><dl>{rows}</dl></div>')


def _anchor(kpi: Kpi) -> str:
    return escape(f"kpi-{kpi.id}")


def _badges(kpi: Kpi, lang: str) -> str:
    said = [kpi.tier, *([text("cards.vanity", lang)] if VANITY in kpi.category else [])]
    return " ".join(f'<span class="badge">{escape(each)}</span>' for each in said)


def _card(kpi: Kpi, lang: str, only: Collection[str]) -> str:
    others = "".join(
        f' <span lang="{other}">{escape(kpi.label(other))}</span>'
        for other in LANGUAGES
        if other != lang
    )
    facts = "".join(
        f"<div><dt>{text(f'cards.fields.{name}', lang)}</dt><dd>{said}</dd></div>"
        for name, said in _facts(kpi, lang).items()
        if name in only or not only
    )
    beside, below = ("", "") if only else (f"{others} {_badges(kpi, lang)}", _example(kpi, lang))
    return (
        f'<article class="card" id="{_anchor(kpi)}"><h3>{escape(kpi.label(lang))}{beside}</h3>'
        f"<p>{escape(kpi.definition(lang))}</p><dl>{facts}</dl>{below}</article>"
    )


def _facts(kpi: Kpi, lang: str) -> dict[str, str]:
    """Name of a field → its HTML; what is empty is left out."""
    kind = "derived" if kpi.derived else tried(kpi).kind
    said = {
        "id": f"<code>{escape(kpi.id)}</code>",
        "dated": _dated(kpi, lang),
        "kind": text(f"cards.kinds.{kind}", lang),
        "made": _made(kpi, lang),
        "needs": _needs(kpi),
        "edges": _edges(kpi, lang),
        "unit": text(f"cards.units.{kpi.unit}", lang),
        "better": text(f"cards.better.{kpi.better}", lang),
        "pitfalls": escape(kpi.pitfall(lang)),
        "category": ", ".join(_word("categories", each, lang) for each in kpi.category),
        "tags": ", ".join(_word("tags", each, lang) for each in kpi.tags),
        "seeds": escape(kpi.seeds),
        "version": f"<code>{escape(kpi.version)}</code>",
    }
    return {name: html for name, html in said.items() if html}


def _word(kind: str, name: str, lang: str) -> str:
    """What the texts call it; a word of a project's own stays as it is."""
    key = f"cards.{kind}.{name}"
    return text(key, lang) if key in texts(lang) else escape(name)


# In the order of the page; a project's own KPIs come last.
CATEGORIES = (
    *("volume", "quantitative", "quality", "qualitative", "leading", "lagging", "impact"),
    *("process", "risk", "benchmark", "SMarketing", VANITY),
)


def family(kpi: Kpi) -> str:
    """The group of the catalogue in which a KPI stands: its first category, or `OWN`.

    Examples
    --------
    >>> import kpi_helpers.kpis
    >>> family(find("site_visits")), family(find("win_rate_count"))
    ('vanity', 'quality')
    """
    ours = kpi.body.__module__.startswith("kpi_helpers.")
    return next((each for each in kpi.category if ours and each in CATEGORIES), OWN)


def _dated(kpi: Kpi, lang: str) -> str:
    if kpi.derived:
        return text("cards.dated_as_parts", lang)
    if kpi.dated == "period":
        return text("cards.dated_by_name", lang)
    column = f"<code>{escape(_table(kpi))}.{escape(str(kpi.dated))}</code>"
    return text("cards.dated_by", lang, column=column)


def _made(kpi: Kpi, lang: str) -> str:
    """The body as it was written, and the KPIs that it is made of."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kpi.body)))
    body = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)).body[1:]
    parts = [f"<code>{name}</code> = {_link(other, lang)}" for name, other in kpi.of.items()]
    code = f"<pre>{escape(chr(10).join(map(ast.unparse, body)))}</pre>"
    return "<br>".join(parts) + code


def _link(other: Ago, lang: str) -> str:
    kpi = find(other.kpi)
    ago = text("cards.ago", lang, months=escape(str(other.months))) if other.months else ""
    return f'<a href="#{_anchor(kpi)}">{escape(kpi.label(lang))}</a>{ago}'


def _table(kpi: Kpi) -> str:
    return "targets" if kpi.table == ACHIEVEMENTS.name else kpi.table


def _needs(kpi: Kpi) -> str:
    columns = _columns_needed(kpi)
    return "; ".join(
        f"<code>{escape(table)}</code> ({escape(', '.join(sorted(names)))})"
        for table, names in sorted(columns.items())
    )


def _columns_needed(kpi: Kpi) -> Mapping[str, set[str]]:
    """Table → columns without which there is no figure, of all that a KPI is made of."""
    needed: dict[str, set[str]] = {}
    if not kpi.derived:
        name, read = _table(kpi), columns_read(kpi) | {str(kpi.dated)}
        for each in MADE.get(name, (name,)):
            table = TABLES[each]
            needed[each] = {*table.required} | (read & {*table.names})
        lent = {*read} & {*TABLES[entity_of(name)].names} - set().union(*needed.values())
        return needed | ({entity_of(name): lent} if lent else {})
    for other in kpi.of.values():
        for name, columns in _columns_needed(find(other.kpi)).items():
            needed.setdefault(name, set()).update(columns)
    return needed


def _edges(kpi: Kpi, lang: str) -> str:
    """What happens at the edges: no cases, few of them, and sums over periods and groups."""
    if kpi.derived:
        return text("cards.edges.derived", lang)
    name = tried(kpi).kind
    if name in TOLD:
        return text(TOLD[name], lang)
    kind = KINDS[name]
    few = text(f"cards.edges.{'sampled' if kind.sampled else 'exact'}", lang)
    over = "_and_".join(kind.adds_over) or "nothing"
    return f"{few} {text(f'cards.edges.adds_{over}', lang)}"


def _example(kpi: Kpi, lang: str) -> str:
    if kpi.example is None:
        return ""
    gives = write(kpi.example.gives, kpi.unit, lang)
    period = escape(kpi.example.period)
    key = "cards.gives_in_all" if period == "all" else "cards.gives"
    said = text(key, lang, period=f"<code>{period}</code>", value=escape(gives))
    tables = "".join(_rows(name, columns) for name, columns in kpi.example.tables.items())
    return f'<div class="example">{tables}<p>{said}</p></div>'


def _rows(name: str, columns: Mapping[str, Sequence[Any]]) -> str:
    """A little table; each cell knows its column, for a phone shows rows as cards."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    rows = (zip(columns, row, strict=True) for row in zip_longest(*columns.values()))
    body = "".join(f"<tr>{''.join(_cell(*each) for each in row)}</tr>" for row in rows)
    caption = f"<caption><code>{escape(name)}</code></caption>"
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(column: str, value: Any) -> str:
    whole = isinstance(value, float) and value.is_integer()
    said = "" if value is None else escape(str(int(value) if whole else value))
    return f'<td data-label="{escape(column)}">{said}</td>'
