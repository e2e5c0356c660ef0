"""What an index shows besides findings: where things are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from urllib.parse import quote


@dataclass(frozen=True)
class Links:
    """Files beside a page: address, name and what is said of each."""

    items: tuple[tuple[str, str, str], ...]

    def _repr_html_(self) -> str:
        each = (
            f'<li><a href="{quote(address)}">{escape(name)}</a>{_beside(said)}</li>'
            if address
            else f"<li>{escape(name)}{_beside(said)}</li>"
            for address, name, said in self.items
        )
        return f'<ul class="links">{"".join(each)}</ul>'


def _beside(said: str) -> str:
    return f" · {escape(said)}" if said else ""


def links(items: Iterable[tuple[str, str, str]]) -> Links:
    """Show where files are; text from data stays text.

    Parameters
    ----------
    items : iterable of tuple
        Address relative to the page, name, and what is said of it. Without an address, no link.

    Examples
    --------
    >>> links([("a b.html", "A & B", "")])._repr_html_()
    '<ul class="links"><li><a href="a%20b.html">A &amp; B</a></li></ul>'
    """
    return Links(tuple(items))
