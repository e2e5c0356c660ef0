"""What the exports of known software look like: one TOML file a vendor.

A file holds, for each canonical table, the labels of its columns by language (``en``, ``fr``, and
``api`` for field names), the words of their values, and what else is particular:

``columns``
    Canonical column → language → labels, the best first.
``parts``
    Columns that are not canonical but that ``derived`` needs, in the same form.
``derived``
    Canonical column → expression, or several of which the first that can be computed is taken;
    ``{part}`` stands for the column of a part.
``values``
    Canonical column → canonical value → the vendor's words.
``kept``, ``unless``
    Labels that are known but stay dimensions, and those that show that it is another table.
``entered``
    Patterns of the columns that hold the day of entering a stage; their group is the stage.
``changes_of``
    Rows on which this column has not changed are no entry.

``[habits.<language>]`` gives the ``date_order`` where no row decides, and the
``source_time_zone``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from kpi_helpers.sources.recognition.names import header_key
from kpi_helpers.sources.schema import Table
from kpi_helpers.sources.tables import TABLES

KIT = "kpi-helpers"
# How a list of deals of one's own calls the day of entering a stage.
ENTERED = (r"(?:date_)?entered_(?!(?:at|on|by|from|date|time)$)(.+)", "date_entr[eé]e_(.+)")


@dataclass(frozen=True)
class Profile:
    """How one vendor writes one canonical table; the fields are those of the file.

    ``labels`` holds for each column and part its (language, folded label), the best first; the
    canonical names come last, so that they survive among those of a vendor. ``values`` holds
    folded words.
    """

    vendor: str
    table: Table
    labels: Mapping[str, tuple[tuple[str, str], ...]]
    derived: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    habits: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()
    unless: frozenset[str] = frozenset()
    entered: tuple[str, ...] = ()
    changes_of: str | None = None


@cache
def profiles() -> tuple[Profile, ...]:
    """Every vendor's tables: the kit's own names first, lists without a vendor last."""
    read = [tomllib.loads(each.read_text("utf-8")) for each in _files()]
    ours = [Profile(KIT, table, _labels(table, {})) for table in TABLES.values()]
    ordered = sorted(read, key=lambda content: content.get("generic", False))
    return (*ours, *(profile for content in ordered for profile in _profiles(content)))


def _files() -> list[Any]:
    found = [each for each in files(__name__).iterdir() if each.name.endswith(".toml")]
    return sorted(found, key=lambda each: each.name)


def _profiles(content: Mapping[str, Any]) -> Iterator[Profile]:
    for name, own in content.items():
        if name in ("vendor", "generic", "habits"):
            continue
        derived = own.get("derived", {})
        yield Profile(
            content["vendor"],
            TABLES[name],
            _labels(TABLES[name], own.get("columns", {}) | own.get("parts", {})),
            {
                column: (one,) if isinstance(one, str) else tuple(one)
                for column, one in derived.items()
            },
            {column: _words(means) for column, means in own.get("values", {}).items()},
            content.get("habits", {}),
            _keys(own.get("kept", ())),
            _keys(own.get("unless", ())),
            tuple(own.get("entered", ())),
            own.get("changes_of"),
        )


def _labels(table: Table, columns: Mapping[str, Any]) -> dict[str, tuple[tuple[str, str], ...]]:
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for name in (*table.names, *columns):
        labels = [
            (place, language, header_key(label))
            for language, each in columns.get(name, {}).items()
            for place, label in enumerate(each)
        ]
        best_first = sorted(labels, key=lambda label: label[0])
        own = ((KIT, name),) if name in table.names else ()
        found[name] = (*((language, key) for _, language, key in best_first), *own)
    return found


def _words(means: Mapping[str, list[str]]) -> dict[str, str]:
    return {header_key(word): meaning for meaning, words in means.items() for word in words}


def _keys(labels: Any) -> frozenset[str]:
    return frozenset(header_key(label) for label in labels)


def stage_of(patterns: Iterable[str], header: str) -> str | None:
    """The stage whose day of entry a column holds, by its header."""
    found = (re.fullmatch(pattern, header.strip(), re.IGNORECASE) for pattern in patterns)
    return next((match[1].strip() for match in found if match), None)


def stages_in(headers: Iterable[str]) -> dict[str, str]:
    """The stages whose days of entry stand in columns with names as the kit's own.

    Examples
    --------
    >>> stages_in(["deal_id", "entered_offer", "entered_by", "date_entree_signature"])
    {'offer': 'entered_offer', 'signature': 'date_entree_signature'}
    """
    found = {stage_of(ENTERED, header): header for header in headers}
    return {stage: header for stage, header in found.items() if stage is not None}
