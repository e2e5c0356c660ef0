"""Words of the method, which a page for directors leaves to the page on the method."""

from __future__ import annotations

import re
from functools import cache

from kpi_helpers.language import text


def banned(said: str, lang: str) -> list[str]:
    """Return the words of a text that a director is not to read, in the order of the ban list.

    Case, the kind of dash and a plural make no difference.

    Examples
    --------
    >>> banned("The quantiles of a kaplan-meier curve; St Wilsonia.", "en")
    ['Kaplan–Meier', 'quantile']
    """
    return [word for word, pattern in _patterns(lang) if pattern.search(said)]


@cache
def _patterns(lang: str) -> list[tuple[str, re.Pattern[str]]]:
    return [(word, _pattern(word)) for word in text("wording.banned", lang).split("|")]


def _pattern(word: str) -> re.Pattern[str]:
    parts = r"[\s\-–]".join(map(re.escape, re.split(r"[\s\-–]", word)))
    return re.compile(rf"(?<!\w){parts}(?:e?s)?(?!\w)", re.IGNORECASE)
