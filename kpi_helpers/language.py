"""The texts a person reads: one TOML file a language, looked up by dotted key.

A language is one file in ``texts/``; adding a file adds a language. English and French hold the
same keys with the same placeholders; a text that a further language lacks is English there. What
French and English say elsewhere, a further language says in three tables more of its file: the KPIs
(``[kpis.<id>]`` with ``name``, ``definition`` and ``pitfall``), and, by the English line, the
Markdown cells of the notebooks (``[notebooks]``) and the published figures (``[published]``).

A text that depends on a number is a table with one entry for each plural form of the language
(``one``, ``other``), chosen by the placeholder ``n``. A text that uses a noun which a company may
have its own word for (lead, deal) names it as a placeholder, and agrees with it:
``{lead:Other} {lead:générés|générées}``.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

_FOLDER = files("kpi_helpers") / "texts"
_PLURAL_FORMS = {"zero", "one", "two", "few", "many", "other"}

Entry = str | dict[str, str]
Terms = Mapping[str, Mapping[str, Mapping[str, str]]]

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


@dataclass(frozen=True)
class Noun:
    """A word that texts agree with, as a placeholder's format says.

    ``{lead:one}`` and ``{lead:other}`` are the singular and the plural, with a capital where the
    format has one; ``{lead:converti|convertie}`` is the form for its gender.

    Examples
    --------
    >>> "{lead:Other} {lead:convertis|converties}".format(lead=Noun("demande", "demandes", "f"))
    'Demandes converties'
    """

    one: str
    other: str
    gender: str = "n"

    def __format__(self, form: str) -> str:
        if "|" in form:
            masculine, feminine = form.split("|")
            return feminine if self.gender == "f" else masculine
        word = {"one": self.one, "other": self.other}[form.lower()]
        return word[:1].upper() + word[1:] if form[0].isupper() else word


def nouns(lang: str, terms: Terms | None = None) -> dict[str, Noun]:
    """Return the nouns of the texts by name, with a company's own words in their stead.

    Parameters
    ----------
    lang : str
    terms : mapping, optional
        Name of a noun → language → ``one``, ``other`` and ``gender`` (``m``, ``f`` or ``n``).

    Examples
    --------
    >>> own = {"lead": {"fr": {"one": "demande", "other": "demandes", "gender": "f"}}}
    >>> nouns("fr", own)["lead"].other, nouns("en", own)["lead"].other
    ('demandes', 'leads')
    """
    own = {name: Noun(**words[lang]) for name, words in (terms or {}).items() if lang in words}
    return _usual_nouns(lang) | own


def typeset(said: str) -> str:
    """Return a French text as it was typed, with the no-break spaces of French typography.

    With ordinary spaces, a sign could begin a line.

    Examples
    --------
    >>> typeset("Marge : 12 % ; sans les « frais » ?").count("\u00a0")
    6
    """
    return re.sub(r" (?=[:;!?%€»])|(?<=«) ", "\u00a0", said)


@cache
def _usual_nouns(lang: str) -> dict[str, Noun]:
    names = {key.split(".")[1] for key in texts(lang) if key.startswith("nouns.")}
    forms = ("one", "other", "gender")
    return {name: Noun(*(text(f"nouns.{name}.{form}", lang) for form in forms)) for name in names}


@cache
def texts(lang: str) -> dict[str, Entry]:
    """Return all texts of a language by dotted key, English ones where it lacks its own.

    A plural is a dict by plural form.

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
    return written("en") | written(lang)


@cache
def lines(table: str, lang: str) -> dict[str, str]:
    """Return English lines with what a further language says for them, from a table of its file.

    Examples
    --------
    >>> lines("notebooks", "es")["Findings"], lines("notebooks", "en")
    ('Conclusiones', {})
    """
    start = f"{table}."
    return {
        key[len(start) :]: str(said) for key, said in texts(lang).items() if key.startswith(start)
    }


@cache
def written(lang: str) -> dict[str, Entry]:
    """Return the texts that the file of a language holds, by dotted key.

    Examples
    --------
    >>> written("fr")["language.name"]
    'Français'
    """
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
