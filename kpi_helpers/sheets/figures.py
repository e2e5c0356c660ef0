"""Figures as tables: the scorecard, a KPI a row, and what stands beside a reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from kpi_helpers import wording
from kpi_helpers.compare.verdicts import among_many, or_year_ago
from kpi_helpers.language import Terms, text
from kpi_helpers.measure.judge import MISSING, OK
from kpi_helpers.sheets.table import (
    COLOURS,
    LOUD,
    Row,
    absent,
    alike,
    build,
    coloured,
    digits_of,
    finding,
    noted,
    plain,
    records,
)
from kpi_helpers.units import (
    COUNT,
    PERCENT,
    write,
    write_change,
    write_change_range,
    write_range,
    write_relative,
)
from kpi_helpers.wording.told import OWN, TIDY, Told
from kpi_helpers.wording.when import label_of

if TYPE_CHECKING:
    from great_tables import GT

CERTAIN = ("exact", "established")
# The numbers of a column, in the unit of the KPI.
RANGES = {"value_range": ("low", "high"), "change_range": ("change_low", "change_high")}
COLUMNS = {of: (of,) for of in ("value", "reference", "change")} | RANGES
NUMBERS = {name: ("own", *fields) for name, fields in COLUMNS.items()}


def scorecard(
    compared: pd.DataFrame,
    year_ago: pd.DataFrame,
    lang: str,
    currency: str = "EUR",
    terms: Terms | None = None,
) -> GT:
    """Show one row a KPI: its figure, target, what it was before and a year ago, how to read it.

    KPIs that have no value at all are named under the table, with the reason.

    Parameters
    ----------
    compared : DataFrame
        What `kpi_helpers.compare` returns, perhaps by `kpi_helpers.wording.with_readable`.
    year_ago : DataFrame
        The same beside the same period a year ago.
    lang : str
    currency : str
        ISO code of the amounts.
    terms : mapping, optional
        The company's own words.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> data = kh.load("data/sample", {"language": "en"})
    >>> both = [kh.compare(data, "revenue", "2026Q3", to=to) for to in ("previous", "year_ago")]
    >>> "% of target" in scorecard(*both, "en").as_raw_html()
    True
    """
    rows, earlier = records(compared), _by_kpi(year_ago)
    read = _by_kpi(or_year_ago(compared, year_ago))
    known = [row for row in rows if row["status"] != MISSING or not absent(row["reference"])]
    lines = [
        {
            **_names(row, (), lang, terms),
            "value": _figure(row, lang, currency, terms),
            "target": _target(row, lang, currency),
            "before": _before(row, lang, currency),
            "year_ago": _before(earlier.get(row["kpi"], {}), lang, currency),
            "reading": wording.reading(read[row["kpi"]], lang, terms, currency),
        }
        for row in known
    ]
    headings = {"value": _heading(rows, lang)}
    headings |= {"before": _period(rows, "reference_period", lang)}
    headings |= {"year_ago": _period(records(year_ago), "reference_period", lang)}
    right = ("value", "target", "before", "year_ago")
    table = build("scorecard", lines, lang, headings, right)
    certain = [
        i
        for i, row in enumerate(known)
        if row["target_verdict"] == "missed" and row["certainty"] in CERTAIN
    ]
    table = coloured(table, certain, ["reading"], LOUD)
    return noted(table, *_unavailable([row for row in rows if row not in known], lang, terms))


def changes(
    compared: pd.DataFrame,
    lang: str,
    currency: str = "EUR",
    terms: Terms | None = None,
    by: Sequence[str] = (),
    name: str = "changes",
) -> GT:
    """Show each figure beside its reference: the difference, its plausible range, the verdict.

    Parameters
    ----------
    compared : DataFrame
        What `kpi_helpers.compare` returns; rows without reference are left out unless they are
        groups.
    lang, currency, terms
        As for `scorecard`.
    by : sequence of str
        Its dimensions.
    name : str
        Id of the table.
    """
    known = [row for row in records(compared) if by or not absent(row["change"])]
    rows = alike(known, NUMBERS)
    lines = [
        {
            **_names(row, by, lang, terms),
            "before": _value(row, lang, currency, "reference")
            if not absent(row["reference"])
            else "",
            "value": _value(row, lang, currency),
            "range": _range(row, lang, currency) if by else "",
            "n": write(row["n"], COUNT, lang) if by else "",
            "change": _change(row, lang, currency),
            "change_range": _change_range(row, lang, currency),
            "verdict": _verdict(row, lang),
            "needed": _needed(row, lang),
        }
        for row in rows
    ]
    headings = {"before": _period(rows, "reference_period", lang)}
    headings |= {"value": _period(rows, "period", lang)}
    right = ("before", "value", "range", "n", "change", "change_range", "needed")
    table = build(name, lines, lang, headings, right)
    for verdict, colour in COLOURS.items():
        places = [
            i for i, row in enumerate(rows) if _is_sure(row) and row["change_verdict"] == verdict
        ]
        table = coloured(table, places, ["verdict"], colour)
    return table


def measured(
    tidy: pd.DataFrame, lang: str, currency: str = "EUR", terms: Terms | None = None
) -> GT:
    """Show each figure with its plausible range, its cases and how to read it.

    Parameters
    ----------
    tidy : DataFrame
        What `kpi_helpers.measure` or `kpi_helpers.compare` returns.
    lang, currency, terms
        As for `scorecard`.
    """
    by, rows = [str(column) for column in tidy if column not in OWN], records(tidy)
    lines = [
        {
            **_names(row, by, lang, terms),
            "period": label_of(row["period"], row, lang),
            "value": _value(even, lang, currency),
            "range": _range(even, lang, currency),
            "n": write(row["n"], COUNT, lang),
            "reading": "" if row["status"] == OK else wording.reading(row, lang, terms, currency),
        }
        for row, even in zip(rows, alike(rows, NUMBERS), strict=True)
    ]
    return build("measured", lines, lang, right=("value", "range", "n"))


def _by_kpi(compared: pd.DataFrame) -> dict[str, Row]:
    return {row["kpi"]: row for row in records(compared)}


def _names(row: Row, by: Sequence[str], lang: str, terms: Terms | None) -> dict[str, str]:
    kpi = wording.name({name: row[name] for name in TIDY}, lang, terms)
    if not by:
        return {"kpi": kpi}
    place = " · ".join(plain(row[group]) or text("sheets.blank", lang) for group in by)
    return {"group": kpi, "kpi": place}


def _value(row: Row, lang: str, currency: str, of: str = "value") -> str:
    return write(row[of], row["unit"], lang, currency, digits_of(row, of))


def _figure(row: Row, lang: str, currency: str, terms: Terms | None) -> str:
    """Return a value; under it its plausible range, then its number of cases."""
    said = [_value(row, lang, currency), _range(row, lang, currency)]
    if not absent(row["value"]) and not absent(row["n"]) and row["unit"] != COUNT:
        said.append(Told(row, lang, terms).cases(row["n"]))
    return "\n".join(filter(None, said))


def _range(row: Row, lang: str, currency: str) -> str:
    if absent(row["low"]) and absent(row["high"]):
        return ""
    digits = digits_of(row, "value_range")
    return write_range(row["low"], row["high"], row["unit"], lang, currency, digits)


def _target(row: Row, lang: str, currency: str) -> str:
    """Return the target, and under it what part of it is attained."""
    if absent(row["target"]):
        return ""
    said = [_value(row, lang, currency, "target")]
    if not absent(row["value"]) and row["target"] > 0:
        share = write(row["value"] / row["target"], PERCENT, lang)
        said.append(text("sheets.attained", lang, share=share))
    return "\n".join(said)


def _before(row: Row, lang: str, currency: str) -> str:
    """Return what the figure was; under it the change, then whether this is shown."""
    if not row or absent(row["reference"]):
        return ""
    said = [_value(row, lang, currency, "reference")]
    if not absent(row["change"]):
        said += [_change(row, lang, currency), _verdict(row, lang)]
    return "\n".join(said)


def _change(row: Row, lang: str, currency: str) -> str:
    """Return a change as it is and, where both figures are above 0, in relation to the first."""
    if absent(row["change"]):
        return ""
    said = write_change(row["change"], row["unit"], lang, currency, digits_of(row, "change"))
    if not (row["reference"] > 0 and row["value"] > 0):
        return said
    return f"{said} ({write_relative(row['change_relative'], lang)})"


def _change_range(row: Row, lang: str, currency: str) -> str:
    if absent(row["change_low"]) or absent(row["change_high"]):
        return ""
    low, high, digits = row["change_low"], row["change_high"], digits_of(row, "change_range")
    return write_change_range(low, high, row["unit"], lang, currency, digits)


def _verdict(row: Row, lang: str) -> str:
    """Return what is known of a change; of a fact that nothing tests, that it is one."""
    if absent(row["change"]):
        return ""
    if among_many(row):
        return text("sheets.changes.among_many", lang)
    sure = row["change_verdict"] != "none_shown" and not _is_sure(row)
    return text(f"sheets.changes.{'fact' if sure else row['change_verdict']}", lang)


def _needed(row: Row, lang: str) -> str:
    """Return how many more cases would settle a change; those that settle a target stand there."""
    open_ = row["change_verdict"] == "none_shown" and row["target_verdict"] == "none"
    return write(row["more_needed"], COUNT, lang) if open_ and row["more_needed"] > 0 else ""


def _is_sure(row: Row) -> bool:
    return not absent(row["p_value"])


def _unavailable(rows: Sequence[Row], lang: str, terms: Terms | None) -> list[str]:
    """Return one line a reason, with the KPIs it holds for."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        reason = finding(plain(row["note"])) or text("sheets.statuses.missing", lang)
        reasons.setdefault(reason.rstrip("."), []).append(_names(row, (), lang, terms)["kpi"])
    return [
        text("sheets.unavailable", lang, reason=reason, kpis=", ".join(labels))
        for reason, labels in reasons.items()
    ]


def _heading(rows: Sequence[Row], lang: str) -> str:
    return "\n".join([_period(rows, "period", lang), text("sheets.under", lang)])


def _period(rows: Sequence[Row], of: str, lang: str) -> str:
    """Return the heading of a column: its period, or that it holds other rows of the same."""
    named = [row for row in rows if plain(row[of])]
    if not named:
        return ""
    if of != "period" and named[0][of] == named[0]["period"]:
        return text("sheets.others", lang)
    return label_of(named[0][of], named[0], lang)
