"""What people write in a register for a status and for the unit of an effect."""

from __future__ import annotations

from typing import Any

import pandas as pd

from kpi_helpers.sources.registers import PROPOSED_WORDS
from kpi_helpers.units import COUNT, DAYS, HOURS, MONEY, MONTHS, PERCENT, POINTS, SCORE, TIMES

DONE, DROPPED, PROPOSED = "done", "dropped", "proposed"
# Status → how it is written; one without a word of its own follows from the days.
STATUSES: dict[str, tuple[str, ...]] = {
    PROPOSED: PROPOSED_WORDS,
    "planned": ("planned", "prévu", "prévue"),
    "open": ("open", "under way", "in progress", "en cours", "late", "en retard", ""),
    DONE: ("done", "fait", "faite", "terminé", "terminée", "done, late", "faite en retard"),
    DROPPED: ("dropped", "cancelled", "abandoned", "abandonné", "abandonnée", "annulé", "annulée"),
}
RELATIVE, IN_POINTS, IN_UNIT = "relative", "points", "unit"
PERCENTS = ("%", "percent", "per cent", "pourcent", "pour cent")
# Unit of a KPI → how it is written; of a rate, that is in points.
UNITS: dict[str, tuple[str, ...]] = {
    PERCENT: ("points", "point", "pts", "pt"),
    POINTS: ("points", "point", "pts", "pt"),
    MONEY: ("€", "$", "£", "eur", "euro", "euros", "usd", "gbp", "chf"),
    COUNT: ("nombre", "number", "count"),
    DAYS: ("jours", "jour", "days", "day"),
    MONTHS: ("mois", "months", "month"),
    HOURS: ("heures", "heure", "hours", "hour"),
    TIMES: ("×", "x", "fois", "times"),
    SCORE: ("note", "score"),
}
ANY = ("unité", "unit")


def status_of(said: Any) -> str:
    """Return the status that a word means; empty for a word that is none.

    Examples
    --------
    >>> status_of("Terminée"), status_of(None), status_of("maybe")
    ('done', 'open', '')
    """
    word = _word(said)
    return next((status for status, words in STATUSES.items() if word in words), "")


def unit_of(said: Any, unit: str = "") -> str:
    """Return how an expected effect is meant: relative, in points, in the KPI's unit, or unknown.

    Parameters
    ----------
    said
        What stands in the register.
    unit
        The unit of the KPI; without one any unit is taken.

    Examples
    --------
    >>> unit_of("relative", "money"), unit_of("€", "money"), unit_of("€", "percent"), unit_of(None)
    ('relative', 'unit', '', '')
    """
    word = _word(said)
    if is_percent(said) or word in (RELATIVE, "relatif", "relative"):
        return RELATIVE
    if word not in units_of(unit):
        return ""
    return IN_POINTS if word in UNITS[POINTS] else IN_UNIT


def units_of(unit: str = "") -> tuple[str, ...]:
    """Return the words for the unit of a KPI; for all of them without one.

    Examples
    --------
    >>> units_of("days")
    ('jours', 'jour', 'days', 'day', 'unité', 'unit')
    """
    words = UNITS.get(unit) or tuple(word for each in UNITS.values() for word in each)
    return (*words, *ANY)


def is_percent(said: Any) -> bool:
    """Tell whether an effect is said in percent."""
    return _word(said) in PERCENTS


def _word(said: Any) -> str:
    return str(said).strip().lower() if pd.notna(said) else ""
