"""Scenarios that were agreed, as the settings hold them: a name and the factors of its levers.

Their ``target`` is what the quarter is to bring, by default what the data say.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from kpi_helpers.errors import nearest
from kpi_helpers.language import Phrase

# Lever → the least factor that `kpi_helpers.funnel.what_if` takes; ``target`` is an amount.
LEVERS = {"volume": 0.0, "cycle": 0.25, "amount": 0.0, "target": 0.0}
NAME, RATES, BASE = "name", "rates", "base"
Fault = tuple[str, Any, object]


def faults(scenarios: Sequence[Any]) -> Iterator[Fault]:
    """Yield what cannot be used: its place in the settings, the value and what is expected.

    Examples
    --------
    >>> next(faults([{"name": "More leads", "volum": 1.2}]))
    ('scenarios[0].volum', 1.2, 'volume')
    """
    names: list[Any] = [BASE]
    for place, row in enumerate(scenarios):
        if not isinstance(row, Mapping):
            yield f"scenarios[{place}]", row, Phrase("expected.table")
            continue
        name = row.get(NAME)
        if not isinstance(name, str) or not name.strip() or name in names:
            yield f"scenarios[{place}].name", name or "", Phrase("expected.own_name")
        names.append(name)
        for key, value, expected in _wrong(row):
            yield f"scenarios[{place}].{key}", value, expected


def _wrong(row: Mapping[str, Any]) -> Iterator[Fault]:
    """Each key of a scenario that is unknown, or holds no factor."""
    rates = row.get(RATES, {})
    if not isinstance(rates, Mapping):
        yield RATES, rates, Phrase("expected.factors")
        rates = {}
    steps = {f"{RATES}.{step}": (factor, 0.0) for step, factor in rates.items()}
    for key, value in row.items():
        if key not in (NAME, RATES, *LEVERS):
            yield key, value, _meant(key, (NAME, RATES, *LEVERS))
    levers = {key: (row[key], least) for key, least in LEVERS.items() if key in row}
    for key, (factor, least) in (levers | steps).items():
        known = isinstance(factor, int | float) and not isinstance(factor, bool)
        if not (known and math.isfinite(factor) and factor >= least):
            yield key, factor, Phrase("expected.factor")


def _meant(key: str, allowed: Collection[str]) -> str:
    return ", ".join(nearest(key, allowed) or sorted(allowed))
