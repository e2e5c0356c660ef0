"""Names: those of a source's columns, and what becomes of the ones that the kit does not know."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Collection, Iterable

from kpi_helpers.sources.derived import unbound
from kpi_helpers.sources.schema import ADDED_COLUMNS, TIDY_COLUMNS, Table

_UNIT = re.compile(r"[(\[] *(?:[kKM] ?€|k?eur|k?usd|k?£|h|s|min|j|jours|days) *[)\]] *$", re.I)
# Words of their own wherever they stand: ``CA k€``, ``CA (en milliers)``. A small m is no million.
_MONEY = "(?:[€$£]|EUR|USD|GBP)"
_THOUSANDS = re.compile(rf"(?<!\w)k ?{_MONEY}(?!\w)|\b(?:milliers|thousands|en miles)\b", re.I)
_MILLIONS = re.compile(rf"(?<!\w)M ?{_MONEY}(?!\w)|\b(?i:millions|millones)\b")


def fold(name: str) -> str:
    """A name as snake case, without accents.

    Examples
    --------
    >>> fold("Date de clôture *"), fold("Propriétaire de l’affaire")
    ('date_de_cloture', 'proprietaire_de_l_affaire')
    """
    straight = name.lower().replace("\u2019", "'")
    plain = unicodedata.normalize("NFKD", straight).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or "column"


def header_key(header: str) -> str:
    """A header as it is compared: folded, without a unit in brackets or the number of a copy.

    Examples
    --------
    >>> header_key("Montant HT (k€)"), header_key("Stage (2)")
    ('montant_ht', 'stage')
    """
    return fold(_UNIT.sub("", re.sub(r" \(\d+\)$", "", header)))


def unit_of(header: str) -> int:
    """How much an amount under this header stands for: 1,000 under ``Montant (k€)``.

    Examples
    --------
    >>> [unit_of(each) for each in ("CA (kEUR)", "CA K€ HT", "en milliers d'euros", "M€", "Risk €")]
    [1000, 1000, 1000, 1000000, 1]
    """
    if _THOUSANDS.search(header):
        return 1_000
    return 1_000_000 if _MILLIONS.search(header) else 1


def dimension_names(
    columns: Iterable[str], table: Table, besides: Collection[str]
) -> dict[str, str]:
    """A name of its own for each column that is not canonical, and its name in the source."""
    ours = {*TIDY_COLUMNS, *ADDED_COLUMNS, *unbound(table.name).columns} - {*table.names}
    named: dict[str, str] = {}
    for source in columns:
        if source in besides:
            continue
        name = fold(source)
        name = f"dim_{name}" if name in ours else name
        taken = {*named, *table.names}
        again = (f"{name}_{number}" for number in itertools.count(2))
        while name in taken:
            name = next(again)
        named[name] = source
    return named
