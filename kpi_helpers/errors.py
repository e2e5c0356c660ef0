"""What can go wrong, said so that it can be put right: the thing, the allowed values, the fix.

Raise an error with the key of its text (``errors.<key>`` in the language files; each class brings
one of its own) and the values of its placeholders. Some values are understood by every error and
add a sentence to its text: ``nearest`` (names that were perhaps meant), ``candidates`` (what the
source has instead), ``allowed`` (names or forms that are accepted), ``fix`` (what to do). Any value
may be a ``Phrase``, which follows the language the error is shown in, or a list.
"""

import difflib
import os
import re
import unicodedata
from collections.abc import Iterable, Set

from kpi_helpers.language import Phrase, text

# So many allowed names are listed beside the nearest one, and so many where none is near.
LONGEST_LIST, LONGEST_ALONE = 12, 60
CLOSE_ENOUGH = 0.6
LONGEST_NAME = 100
# Nobody reads more of a value: a cell may hold a book.
LONGEST_VALUE = 500
URL = re.compile(r"\s*[A-Za-z][\w+.-]*:/")
HINTS = ("years", "nearest", "candidates", "allowed", "fix")


class KpiError(Exception):
    """An error with a text in every language.

    Parameters
    ----------
    key : str, optional
        Which text, under ``errors``; by default the one of the class.
    **values : object
        The placeholders of the text; those in ``HINTS`` add a sentence each.

    Examples
    --------
    >>> error = NotAddable(kpi="distinct_buyers", over="month")
    >>> print(error)
    distinct_buyers does not add up over month. Ask for it at the level you want to show.
    """

    key: str
    exit_code = 2

    def __init__(self, key: str | None = None, /, **values: object) -> None:
        super().__init__(key)
        self.key = key or type(self).key
        self.values = values

    def __str__(self) -> str:
        return self.render("en")

    def render(self, lang: str) -> str:
        """Return the text of the error in a language."""
        said = {name: _said(value, lang) for name, value in self.values.items()}
        sentences = [text(f"errors.{self.key}", lang, **said, **self._location(lang))]
        for hint in HINTS:
            if self._shows(hint):
                sentences.append(text(f"errors.hints.{hint}", lang, **{hint: said[hint]}))
        return _without_secrets(" ".join(sentences))

    def _shows(self, hint: str) -> bool:
        value = self.values.get(hint)
        names = len(value) if isinstance(value, list | tuple) else 1
        most = LONGEST_LIST if self.values.get("nearest") else LONGEST_ALONE
        return bool(value) and not (hint == "allowed" and names > most)

    def _location(self, lang: str) -> dict[str, str]:
        return {}


class UnknownName(KpiError):
    """A name that does not exist; built by `unknown`."""

    key = "unknown_name"


class BadPeriod(KpiError):
    """A text that is not a period: ``text``."""

    key = "bad_period"


class BadInput(KpiError):
    """A value in a file that cannot be used: ``file, line, column, value, expected``.

    ``file``, ``line`` and ``column`` may be left out; those given make up the placeholder
    ``{where}`` of the text.
    """

    key = "bad_input"

    def _location(self, lang: str) -> dict[str, str]:
        places = [
            text(f"errors.places.{place}", lang, **{place: _said(self.values[place], lang)})
            for place in ("file", "line", "column")
            if self.values.get(place) is not None
        ]
        return {"where": ", ".join(places) or text("errors.places.input", lang)}


class BadConfig(KpiError):
    """A setting that cannot be used: ``file, key, value, expected``."""

    key = "bad_config"


class MissingColumn(KpiError):
    """A required column that is not there: ``table, column, candidates``."""

    key = "missing_column"


class MixedCurrencies(KpiError):
    """Amounts in several currencies without rates or a declaration: ``table, currencies``."""

    key = "mixed_currencies"


class Unavailable(KpiError):
    """Something cannot be computed on this source: ``what, needs``."""

    key = "unavailable"


class NotAddable(KpiError):
    """Parts of a KPI do not add over periods or a dimension: ``kpi, over``."""

    key = "not_addable"


class ReportFailed(KpiError):
    """A report that could not be made, with nothing written: ``report, reason``."""

    key = "report_failed"
    exit_code = 1


def unknown(kind: str, name: object, allowed: Iterable[object]) -> UnknownName:
    """Return the error for a name that is not among those allowed, with the nearest ones.

    Parameters
    ----------
    kind : str
        What the name should have been, a key of ``kinds`` in the language files: ``"kpi"``,
        ``"dimension"``, ``"column"``...
    name : object
        The name that was given.
    allowed : iterable
        The names that exist; they are listed when there are at most twelve of them, or sixty
        where none is near.

    Examples
    --------
    >>> print(unknown("status", "wonn", ["won", "lost", "open"]))
    Unknown status: 'wonn'. Did you mean won? Allowed: won, lost, open.
    """
    ordered = sorted(allowed, key=str) if isinstance(allowed, Set) else allowed
    names = [str(each) for each in ordered]
    return UnknownName(
        kind=Phrase(f"kinds.{kind}"), name=name, nearest=nearest(str(name), names), allowed=names
    )


def nearest(name: str, allowed: Iterable[str], n: int = 3) -> list[str]:
    """Return up to `n` names that look like the one given, the most alike first.

    Case, accents and separators do not count: a name equal but for these is returned alone. A name
    that contains the other is close. A name longer than any that a person writes has no other.

    Examples
    --------
    >>> nearest("Equipe", ["owner", "équipe", "equipe_commerciale"])
    ['équipe']
    """
    if len(name) > LONGEST_NAME:
        return [candidate for candidate in allowed if candidate == name]
    scores = {c: _likeness(name, c) for c in allowed if len(c) <= LONGEST_NAME}
    best = max(scores.values(), default=0.0)
    least = 1.0 if best == 1.0 else CLOSE_ENOUGH
    close = [candidate for candidate, score in scores.items() if score >= least]
    return sorted(close, key=lambda candidate: (-scores[candidate], candidate))[:n]


def _likeness(name: str, candidate: str) -> float:
    a, b = _folded(name), _folded(candidate)
    ratio = difflib.SequenceMatcher(None, a, b).ratio()
    contained = min(len(a), len(b)) > 2 and (a in b or b in a)
    return max(ratio, CLOSE_ENOUGH) if contained else ratio


def _folded(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in letters if letter.isalnum())


def public(address: str) -> str:
    """Return the URL of a database without user, password and query; other text as it is.

    In whatever place such a URL was given, what may be a part of its password is not repeated: all
    that stands before its last ``@``.

    Examples
    --------
    >>> public("postgresql://ann:s3/cr@t@db:5432/sales?sslmode=require")
    'postgresql://***@db:5432/sales'
    >>> public("ann:s3cr@t@db/sales?next=http://x")
    '***@db/sales?next=http://x'
    >>> public("ann@acme.example")
    'ann@acme.example'
    """
    scheme, mark, rest = address.partition(":/")
    mark = "" if "@" in scheme else mark
    login, at, place = (rest if mark else address).rpartition("@")
    if not mark:
        return f"***@{place}" if ":" in login else address
    # Behind a question mark an @ may be of a password too.
    place = "" if "?" in login else place.partition("?")[0]
    slash = "/" if rest.startswith("/") else ""
    return f"{scheme}:/{slash}***@{place}" if at else f"{scheme}:/{place}"


def _without_secrets(words: str) -> str:
    return re.sub(r"[^\s'\"(]\S*", lambda word: public(word[0]), words)


def shown(value: object) -> str:
    """Return a value as text; its type, where it has thousands of digits or no end of brackets.

    Examples
    --------
    >>> shown(9.5), shown(1 << 99_999)
    ('9.5', 'int')
    """
    try:
        return str(value)
    except (RecursionError, ValueError):
        return type(value).__name__


def first_line(error: Exception) -> str:
    """Return what the system or an engine says is wrong, without the query it quotes.

    Examples
    --------
    >>> first_line(FileNotFoundError(2, "No such file", "deals.csv"))
    'No such file'
    """
    said = getattr(error, "strerror", None) or str(error)
    return str(said).strip().partition("\n")[0]


def _listed(value: object, lang: str) -> str:
    # A list within a list is data of somebody, however deep, and no list of names of ours.
    return _shortened(shown(value)) if isinstance(value, list) else shown(_said(value, lang))


def _said(value: object, lang: str) -> object:
    if isinstance(value, Phrase):
        return value.render(lang)
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(_listed(each, lang) for each in value)
    if isinstance(value, str | os.PathLike):
        return _shortened(public(str(value)) if URL.match(str(value)) else str(value))
    # A number as such, for it may choose a plural.
    return shown(value) if isinstance(value, int) and abs(value) >> 64 else value


def _shortened(value: str) -> str:
    if len(value) <= LONGEST_VALUE:
        return value
    # Of an address that is cut, nothing would tell the password.
    return _without_secrets(value)[:LONGEST_VALUE] + "…"
