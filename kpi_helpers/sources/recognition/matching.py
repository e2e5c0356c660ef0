"""How well the headers of a raw table fit what a vendor writes."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from kpi_helpers.errors import nearest
from kpi_helpers.sources.expressions import names_in
from kpi_helpers.sources.recognition.names import header_key
from kpi_helpers.sources.recognition.profiles import KIT, Profile, profiles, stage_of
from kpi_helpers.sources.schema import Table
from kpi_helpers.sources.tables import STAND_INS

SURE = 5


@dataclass(frozen=True)
class Match:
    """A raw table's headers beside one table of one vendor.

    Parameters
    ----------
    profile
        The vendor's table.
    language
        That of most of its labels: ``"en"``, ``"fr"``, ``"api"``, or empty.
    found
        Canonical column or part → column of the source.
    entered
        Stage → column that holds the day of entering it.
    derived
        Canonical column → expression on canonical columns and ``{parts}``.
    known, total
        How many of the source's columns the vendor is known to write, and how many there are.
    missing
        Required columns that nothing supplies.
    fits
        Whether nothing speaks against it.
    ties
        Other vendors whose labels fit as well.
    """

    profile: Profile
    language: str
    found: Mapping[str, str]
    entered: Mapping[str, str]
    derived: Mapping[str, str]
    known: int
    total: int
    missing: tuple[str, ...]
    fits: bool = True
    ties: tuple[str, ...] = ()

    @property
    def is_kit(self) -> bool:
        """Whether the columns bear canonical names."""
        return self.profile.vendor == KIT

    @property
    def said(self) -> dict[str, object]:
        """The vendor, its language, the table, and the columns known, for texts."""
        vendor = (
            f"{self.profile.vendor} ({self.language})" if self.language else self.profile.vendor
        )
        table = self.profile.table.name
        return {"vendor": vendor, "table": table, "known": self.known, "total": self.total}

    @property
    def is_sure(self) -> bool:
        """Whether the headers alone say what the table is."""
        return (
            self.fits and not self.missing and (self.known >= SURE or 2 * self.known >= self.total)
        )

    def reads(self, name: str) -> tuple[str, ...]:
        """Columns and parts that a column is made of."""
        return _names_of(self.derived[name]) if name in self.derived else (name,)

    @property
    def score(self) -> tuple[bool, bool, int]:
        """What is compared: whether all that is required is there, then the columns known."""
        return self.fits and not self.missing, self.fits, self.known


def _names_of(text: str) -> tuple[str, ...]:
    return names_in(text.format_map(_Itself()))


def best(columns: Iterable[str], table: Table | None = None) -> Match:
    """The vendor's table that the headers fit best, with those that fit as well.

    Parameters
    ----------
    columns
        Headers of the source.
    table
        The canonical table, where it is known.

    Examples
    --------
    >>> match = best(["Record ID", "Nom de la transaction", "Phase de la transaction",
    ...               "Date de création", "Montant"])
    >>> match.profile.vendor, match.language, match.profile.table.name, match.known, match.total
    ('HubSpot', 'fr', 'deals', 5, 5)
    """
    headers = list(columns)
    tried = [_match(headers, each) for each in profiles() if table in (None, each.table)]
    found = max(tried, key=lambda match: match.score)
    others = {m.profile.vendor for m in tried if m.score == found.score and m.found != found.found}
    ties = sorted(others - {found.profile.vendor, KIT}) if not found.is_kit else []
    return dataclasses.replace(found, ties=tuple(ties))


def candidates(table: Table, column: str, columns: Collection[str]) -> list[str]:
    """Columns of a source whose name is like one that a vendor gives to a canonical column."""
    keys = {header_key(name): name for name in columns}
    labels = [key for each in profiles() if each.table == table for _, key in each.labels[column]]
    close = [name for label in (column, *labels) for name in nearest(label, keys, 1)]
    return [keys[key] for key in dict.fromkeys(close)][:3]


def _match(columns: list[str], profile: Profile) -> Match:
    keys: dict[str, str] = {}
    for column in columns:
        keys.setdefault(header_key(column), column)
    found, languages = {}, Counter[str]()
    for name, labels in profile.labels.items():
        key = next((key for _, key in labels if key in keys), None)
        if key is not None:
            found[name] = keys[key]
            spoken = [language for language, label in labels if label == key]
            languages.update(spoken[:1] if len(set(spoken)) == 1 else [])
    stages = {stage_of(profile.entered, column): column for column in columns}
    entered = {stage: column for stage, column in stages.items() if stage is not None}
    derived = _derived(profile, found)
    known = {*found.values(), *entered.values(), *(keys[k] for k in profile.kept if k in keys)}
    fits = not profile.unless & {*keys} and not _is_kits(profile, found)
    supplied = {*found, *derived, *_implied(profile.table, found)}
    missing = tuple(name for name in profile.table.required if name not in supplied)
    language = next((each for each, _ in languages.most_common() if each != KIT), "")
    return Match(
        profile, language, found, entered, derived, len(known), len(columns), missing, fits
    )


def _is_kits(profile: Profile, found: Mapping[str, str]) -> bool:
    """Whether half of the names are written as the kit's: then the other columns are its own."""
    own = sum("_" in name and source == name for name, source in found.items())
    foreign = sum(header_key(source) != name for name, source in found.items())
    return profile.vendor != KIT and own >= max(foreign, 1)


def _implied(table: Table, found: Mapping[str, str]) -> set[str]:
    """Columns that another may stand for: the status of a deal is in its stage."""
    return {name for name, other in STAND_INS.get(table.name, {}).items() if other in found}


def _derived(profile: Profile, found: Mapping[str, str]) -> dict[str, str]:
    """For each derived column the first of its expressions whose columns are all there."""
    chosen: dict[str, str] = {}
    for name, texts in profile.derived.items():
        for text in texts:
            if {*_names_of(text)} <= {*found, *chosen, *_implied(profile.table, found)}:
                chosen |= {name: text} if text != name else {}
                break
    return chosen


class _Itself(dict[str, str]):
    """Every part under its own name."""

    def __missing__(self, part: str) -> str:
        return part
