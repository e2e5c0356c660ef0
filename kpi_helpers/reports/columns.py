"""What the columns of a pack's tables mean to a reader: a heading, a unit, words for ids."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import pandas as pd

from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.language import Noun, Terms, nouns, text, texts
from kpi_helpers.sheets.actions import TABLES as ACTIONS
from kpi_helpers.sheets.landing import TABLES as LANDING
from kpi_helpers.sheets.market import TABLES as MARKET
from kpi_helpers.sheets.selling import TABLES as SELLING
from kpi_helpers.sheets.table import OWN, absent
from kpi_helpers.units import (
    DAYS,
    MONEY,
    PERCENT,
    POINTS,
    TIMES,
    write,
    write_change,
    write_number,
)

ROOM = "export"
LIMIT = re.compile(r"(.+)_(low|high)")
PLACEHOLDER = re.compile(r"\{(\w+)")
DECIMALS = re.compile(r"(?<=[.,])\d{1,2}$")
# A difference has the sign and the unit of its row, that of two rates in points; a driver has one
# of its own.
CHANGE, DRIVER = "change", "driver"
# In the unit of the KPI that a row measures, which is not that of the row.
MEASURED = "measured"


def _alike(**units: str) -> dict[str, str]:
    return {column: unit for unit, columns in units.items() for column in columns.split()}


# Columns that mean the same in every table.
USUAL = _alike(
    percent="share rate chance win_rate conversion lead_share money_share missed_share response "
    "change_relative relative gap_relative announced_relative weight_before weight_after soon "
    "qualified_rest won_rest skill qualified_low qualified_high won_low won_high",
    money="amount money money_used money_excluded money_at_stake spend margin cac net cost worth "
    "point basket unpriced_money reach",
    days="usual_days days days_over days_late days_quiet",
    times="coverage required ratio returned",
    own="value low high reference target readable centre lower upper rest estimate mean best "
    "middle median whole lo80 hi80 lo95 hi95 low_95 high_95 low_998 high_998 year_ago missed trend "
    "adjusted seasonal without other before after control_before control_after revised so_far "
    "pooled standardised sales market reps_target company_target booked from_open from_new per_day",
    change="change gap effect detectable announced per_year per_period contribution",
    driver="driver_before driver_after",
)
# Columns that mean something else in one table.
PARTICULAR: Mapping[str, Mapping[str, str]] = {
    **LANDING,
    **MARKET,
    **SELLING,
    "ages": {"value": PERCENT},
    "bottleneck": dict.fromkeys(("now", "reference", "best"), MEASURED) | {"before": ""},
    "call_steps": {"value": PERCENT},
    "call_times": dict.fromkeys(("value", "low", "high"), ""),
    "coverage": {"low": TIMES, "high": TIMES, "due": MONEY, "missing": MONEY},
    "cycle": {"value": DAYS},
    "cycle_chances": dict.fromkeys(("won", "lost", "open"), PERCENT),
    "cycle_segments": {"value": DAYS, "reference": DAYS},
    "decided": {"low": CHANGE, "high": CHANGE},
    "economics": {"value": MONEY},
    "effects": {"low": CHANGE, "high": CHANGE},
    "leak": {"lost": MONEY},
    "losses": {**SELLING["losses"], "change": CHANGE},
    "missed": dict.fromkeys(("value", "rest", "block_value", "usual_value"), PERCENT),
    "next_steps": {"expected": MONEY},
    "outlook": {"value": MONEY, "gap": PERCENT},
    "products": dict.fromkeys(("volume", "mix", "price", "other", "before", "after"), MONEY),
    "rate_steps": {"mix": CHANGE},
    "sellers": {"value": PERCENT} | dict.fromkeys(("sales", "market", "low", "high"), OWN),
    "stalled": {"expected": MONEY},
    "themes": {"value": PERCENT},
    "verdicts": {**MARKET["verdicts"], "market": PERCENT},
}
# Room of the language files that has headings of its own for a table.
ROOMS = {
    **dict.fromkeys(LANDING, "landing"),
    **dict.fromkeys(MARKET, "market"),
    **dict.fromkeys(SELLING, "selling"),
    **dict.fromkeys(ACTIONS, "effects"),
    **dict.fromkeys(("economics", "outlook"), "economics"),
    **dict.fromkeys(("cycle", "cycle_chances", "cycle_segments", "stays"), "times"),
    **dict.fromkeys(("rounds", "parts", "themes", "reviews"), "voice"),
    **dict.fromkeys(("missed", "call_steps", "call_times", "responses", "agreed"), "outreach"),
    **dict.fromkeys(("stalled", "next_steps"), "pipeline"),
    **dict.fromkeys(("bottleneck", "leak", "levers", "what_ifs"), "funnel"),
    **{"team": "teams", "volumes": "associations", "selection": "selection"},
    "forecast_accuracy": "forecast_log",
}
# Texts that put the ids of a column in words, beside those of the room of its table.
WORDS = {
    **dict.fromkeys(("before", "after"), "wording.retention.segments"),
    **{"step": "wording.drivers.steps", "method": "landing.methods", "measure": "times.words"},
}
# What a slide has room for, in this order: names, figures, what they amount to. An id without
# words is not shown.
NAMES = _alike(
    name="label group name step stage channel competitor attribute subject entity owner team scope "
    "action what theme reason product source measure",
    id="scenario next before after amount_band lever step measure method",
)
FIGURES = _alike(
    figure="before after value lo80 hi80 amount n k reference target change customers share sales "
    "gain money expected chance coverage required late very_late now now_very_late from_open "
    "booked deals_needed lead_share cac per_year relative effect without announced_relative "
    "needed revised spend won_rate returned money_at_stake year_ago error age"
)


class Words(NamedTuple):
    """For whom columns are named and figures written."""

    lang: str
    terms: Terms | None = None
    currency: str = "EUR"


def headings(table: str, columns: Sequence[str], words: Words) -> dict[str, str]:
    """Return the heading of each column, no two alike; one without words keeps its own name.

    Examples
    --------
    >>> headings("weighed", ["label", "value", "value_low", "p_value"], Words("en"))
    {'label': 'KPI', 'value': 'Value', 'value_low': 'Value, from', 'p_value': 'p_value'}
    """
    said: dict[str, str] = {}
    for column in columns:
        name = _heading(table, column, words)
        said[column] = f"{name} ({column})" if name in said.values() else name
    return said


def _heading(table: str, column: str, words: Words) -> str:
    rooms = (f"{ROOM}.headings.{_plain(table)}", *(f"{room}.columns" for room in _rooms(table)))
    keys = (f"{room}.{column}" for room in rooms)
    name = next(filter(None, (_text(key, words) for key in keys)), "")
    limit = LIMIT.fullmatch(column)
    if name or not limit:
        return name or column
    return text(f"{ROOM}.{limit[2]}", words.lang, of=_heading(table, limit[1], words))


def worded(table: str, words: Words) -> Callable[[str, str], str]:
    """Return what puts an id of a column in the reader's words; a name of the data stays as it is.

    Examples
    --------
    >>> worded("weighed", Words("en"))("better", "higher")
    'higher is better'
    """

    @cache
    def word(column: str, value: str) -> str:
        keys = [f"{room}.{column}.{value}" for room in (*_rooms(table), "cards")]
        keys.append(f"{WORDS.get(column)}.{value}")
        return next(filter(None, (_text(key, words) for key in keys)), value)

    return word


def _rooms(table: str) -> list[str]:
    own = ROOMS.get(_plain(table))
    return [*([own] if own else []), ROOM, "sheets"]


def _plain(table: str) -> str:
    """Return the name that a table has in its notebook: another one may have the same."""
    return re.sub(r"^\d\d_", "", table)


def _text(key: str, words: Words) -> str:
    """Return a text that needs nothing but the company's words, else nothing."""
    entry, known = texts(words.lang).get(key), _nouns(words)
    plain = isinstance(entry, str) and set(PLACEHOLDER.findall(entry)) <= set(known)
    return text(key, words.lang, **known) if plain else ""


def _nouns(words: Words) -> dict[str, Noun]:
    return nouns(words.lang, words.terms)


def unit_of(column: str, table: str, row: Mapping[Any, Any]) -> tuple[str, bool]:
    """Return the unit of a cell, nothing for a plain number, and whether it is a difference.

    Examples
    --------
    >>> unit_of("change_low", "weighed", {"unit": "percent"})
    ('percent', True)
    """
    limit = LIMIT.fullmatch(column)
    names = [column, limit[1]] if limit else [column]
    own = PARTICULAR.get(_plain(table), {})
    # The limits of a table are those of its value.
    names += ["value"] if column in ("low", "high") and "value" in own else []
    known = [own, USUAL]
    unit = next((units[name] for units in known for name in names if name in units), "")
    steps = column == "amount" and bool(_known(row.get("bridge")))
    if unit == DRIVER:
        return _known(row.get("driver_unit")), False
    if unit == MEASURED:
        return REGISTRY[row["measure"]].unit, False
    if unit == CHANGE or (steps and row.get("kind") == "change"):
        return _known(row.get("unit")), True
    return (_known(row.get("unit")), False) if unit == OWN or steps else (unit, False)


def _known(unit: object) -> str:
    return "" if absent(unit) else str(unit)


def written(value: float, unit: str, is_change: bool, words: Words) -> str:
    """Return a cell as it is read on a page."""
    how = write_change if is_change else write
    return how(value, unit, words.lang, words.currency)


def shown(frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Return the columns that a slide shows of some rows, names and figures, if anything is there.

    Examples
    --------
    >>> shown(pd.DataFrame({"value": [0.2], "n": [None], "label": ["Win rate"]}))
    (['label'], ['value'])
    """
    held = [column for column in frame if frame[column].notna().any()]
    figures = [of for of in FIGURES if of in held and pd.api.types.is_numeric_dtype(frame[of])]
    return [of for of in NAMES if of in held and of not in figures], figures


def number_format(value: float, unit: str, is_change: bool, words: Words) -> str:
    """Return the number format with which a spreadsheet shows a value as `written` does.

    Examples
    --------
    >>> number_format(0.235, "percent", False, Words("en"))
    '#,##0.0%'
    >>> number_format(12, "days", True, Words("en"))
    '+#,##0" days";−#,##0" days";#,##0" days"'
    """
    unit = POINTS if is_change and unit == PERCENT else unit
    figures = write_number(abs(value), unit, words.lang)
    before, _, after = write(abs(value), unit, words.lang, words.currency).partition(figures)
    decimals = DECIMALS.search(figures)
    digits = "#,##0" + ("." + "0" * len(decimals[0]) if decimals else "")
    one = _quoted(before) + digits + _quoted(after)
    return f"+{one};−{one};{one}" if is_change else f"{one};−{one};{one}" if before else one


def _quoted(said: str) -> str:
    """Quote what is no code of a number format; the sign of percent is one, and scales."""
    return re.sub("[^%]+", lambda found: f'"{found[0]}"', said)
