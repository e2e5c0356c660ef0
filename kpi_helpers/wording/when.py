"""Periods as they stand in a sentence: in full, or without the year that goes without saying."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from kpi_helpers.periods import Period, label
from kpi_helpers.periods.names import read

SPAN = "span"


def kind_of(name: str) -> str:
    """Return the grain of a period by its name, ``fiscal_`` before that of a fiscal one.

    Examples
    --------
    >>> kind_of("2026-09"), kind_of("FY2026Q1"), kind_of("ytd")
    ('month', 'fiscal_quarter', 'span')
    """
    known = read(name, 1)
    return SPAN if known is None else f"{'fiscal_' * known[2]}{known[1]}"


def label_of(name: str, row: Mapping[Any, Any], lang: str) -> str:
    """Return a period in full.

    Parameters
    ----------
    name : str
        Name of the row's period or of its reference.
    row : mapping
        ``start`` and ``end`` give the days of a period that is not named by its own.
    lang : str
    """
    first, last = (date.fromisoformat(str(row[edge])[:10]) for edge in ("start", "end"))
    return label(Period(name, first, last, kind_of(name)), lang)


def named(name: str, lang: str) -> str:
    """Return a period that its name tells by itself, as that of every reference does.

    Examples
    --------
    >>> named("2024-10:2025-09", "en")
    'Oct 2024 – Sep 2025'
    """
    return label(Period(name, date.min, date.max, kind_of(name)), lang)


def short_label(name: str, row: Mapping[Any, Any], lang: str) -> str:
    """Return a period without its year where this is the row's own.

    Examples
    --------
    >>> row = {"start": "2026-07-01", "end": "2026-10-01"}
    >>> short_label("2026Q2", row, "en"), short_label("2025Q3", row, "fr")
    ('Q2', 'T3 2025')
    """
    full, year = label_of(name, row, lang), str(row["start"])[:4]
    same = name.startswith(year) and kind_of(name) != SPAN
    return full.removesuffix(f" {year}") if same else full
