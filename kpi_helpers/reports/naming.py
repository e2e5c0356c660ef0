"""How a report is called: its folder, and the filter it is about."""

from __future__ import annotations

import hashlib
import re

from kpi_helpers.language import text

LONGEST = 40
SIGNS = {">=": "≥", "<=": "≤", "==": "=", "!=": "≠"}
QUOTED = re.compile(r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")
WORD = re.compile(r">=|<=|==|!=|\b(?:and|or|not|in)\b")


def folder_name(period: str, segment: str = "", share: bool = False) -> str:
    """Return the name of a report's folder; no two reports share one, and none lies elsewhere.

    Examples
    --------
    >>> folder_name("2026Q3"), folder_name("2026Q3", "large", share=True)
    ('2026Q3', 'shared-2026Q3-large')
    >>> folder_name("2025Q1:2025Q4", "../../etc")
    '2025Q1_2025Q4-_etc-74ccf3'
    """
    parts = ["shared"] if share else []
    parts.append(_safe(period))
    if segment:
        safe = _safe(segment)[:LONGEST]
        digest = hashlib.sha256(segment.encode()).hexdigest()[:6]
        parts.append(safe if safe == segment else f"{safe}-{digest}")
    return "-".join(parts)


def overview_name(folder: str, dimension: str) -> str:
    """Return the name of the page over the reports of each value of a dimension.

    Examples
    --------
    >>> overview_name(folder_name("2026Q3"), "team")
    '2026Q3-each-team.html'
    """
    return f"{folder}-each-{_safe(dimension)}.html"


def _safe(name: str) -> str:
    return re.sub(r"[^\w-]+", "_", name)


def filter_said(where: str, lang: str) -> str:
    """Return a filter in the words of a reader; what it quotes stays as it is.

    Examples
    --------
    >>> filter_said("amount >= 15000 and team != 'A and B'", "fr")
    "amount ≥ 15000 et team ≠ 'A and B'"
    """
    parts = QUOTED.split(where)
    parts[::2] = [WORD.sub(lambda found: _word(found[0], lang), part) for part in parts[::2]]
    return "".join(parts)


def _word(found: str, lang: str) -> str:
    return SIGNS[found] if found in SIGNS else text(f"report.filter.{found}", lang)
