"""The texts a person reads: one TOML file a language, looked up by dotted key.

A language is one file in ``texts/``; adding a file adds a language. Every file holds the same keys
with the same placeholders. A text that depends on a number is a table with one entry for each
plural form of the language (``one``, ``other``), chosen by the placeholder ``n``.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

_FOLDER = files("kpi_helpers") / "texts"
_PLURAL_FORMS = {"zero", "one", "two", "few", "many", "other"}

Entry = str | dict[str, str]

LANGUAGES = tuple(
    sorted(
        file.name.removesuffix(".toml") for file in _FOLDER.iterdir() if file.name.endswith(".toml")
    )
)


def text(key: str, /, lang: str, **values: object) -> str:
    """Return the text of a key in a language, its placeholders filled.

    Parameters
    ----------
    key : str
        Dotted key, such as ``"errors.unknown_name"``.
    lang : str
        One of ``LANGUAGES``.
    **values : object
        What the placeholders of the text stand for (``str.format``), already written as text where
        the writing depends on the language. ``n`` also chooses the plural form.

    Raises
    ------
    KeyError
        If the language, the key or a placeholder's value is unknown; it is named.

    Examples
    --------
    >>> text("language.name", "fr")
    'Français'
    """
    entry = _entry(key, lang)
    if isinstance(entry, dict):
        entry = entry.get(_plural_form(lang, values["n"]), entry["other"])
    return entry.format_map(values)


@dataclass(frozen=True)
class Phrase:
    """A text whose language is chosen later, by whoever shows it.

    Examples
    --------
    >>> Phrase("language.name").render("fr")
    'Français'
    """

    key: str
    values: Mapping[str, object] = field(default_factory=dict)

    def render(self, lang: str) -> str:
        """Return the text in a language."""
        return text(self.key, lang, **self.values)


@cache
def texts(lang: str) -> dict[str, Entry]:
    """Return all texts of a language by dotted key; a plural is a dict by plural form.

    Raises
    ------
    KeyError
        If there is no file of that language.

    Examples
    --------
    >>> texts("en")["language.name"]
    'English'
    """
    if lang not in LANGUAGES:
        raise KeyError(f"Unknown language: {lang!r}. Languages: {', '.join(LANGUAGES)}.")
    return dict(_flat(tomllib.loads((_FOLDER / f"{lang}.toml").read_text("utf-8"))))


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Entry]]:
    for name, value in table.items():
        if isinstance(value, dict) and not value.keys() <= _PLURAL_FORMS:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _entry(key: str, lang: str) -> Entry:
    try:
        return texts(lang)[key]
    except KeyError as error:
        if lang not in LANGUAGES:
            raise
        raise KeyError(f"No text {key!r} in texts/{lang}.toml") from error


def _plural_form(lang: str, n: Any) -> str:
    from babel import Locale

    return Locale.parse(lang).plural_form(n)
