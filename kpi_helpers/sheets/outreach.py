"""Calls and answers to leads, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kpi_helpers.language import Terms, nouns, text
from kpi_helpers.sheets.table import Row, absent, build, records
from kpi_helpers.units import COUNT, PERCENT, write, write_range
from kpi_helpers.wording import name, reading
from kpi_helpers.wording.told import TIDY

if TYPE_CHECKING:
    from great_tables import GT

Line = dict[str, str]


def calls(steps: pd.DataFrame, lang: str, terms: Terms | None = None) -> GT:
    """Show what becomes of calls, step by step.

    Parameters
    ----------
    steps : DataFrame
        What `kpi_helpers.outreach.call_steps` returns.
    lang, terms
        As for `kpi_helpers.wording.sentence`.
    """
    lines = [_of(f"names.{row['step']}", row, lang, terms) for row in records(steps)]
    return _table("call_steps", "step", lines, lang, terms)


def call_times(times: pd.DataFrame, lang: str) -> GT:
    """Show how long callers wait and how long one talks.

    Parameters
    ----------
    times : DataFrame
        What `kpi_helpers.outreach.call_times` returns.
    lang : str
    """
    lines = []
    for row in records(times):
        within = write_range(row["low"], row["high"], COUNT, lang, digits=0)
        line = {"name": _text(f"names.{row['time']}", lang), "n": write(row["n"], COUNT, lang)}
        for column, said in (
            ("seconds", write(row["value"], COUNT, lang, digits=0)),
            ("range", within),
        ):
            line[column] = _text("seconds", lang, value=said) if said else ""
        lines.append(line)
    return _table("call_times", "time", lines, lang)


def missed(missed: pd.DataFrame, lang: str) -> GT:
    """Show for each hour of the week how many calls were missed, beside all other hours.

    Parameters
    ----------
    missed : DataFrame
        What `kpi_helpers.outreach.missed` returns.
    lang : str
    """
    lines = [
        {"group": _text(f"days.{row['weekday']}", lang)}
        | _of("hour_of", row, lang, hour=int(row["hour"]))
        for row in records(missed)
    ]
    return _table("missed", "when", lines, lang)


def responses(responses: pd.DataFrame, lang: str, terms: Terms | None = None) -> GT:
    """Show what becomes of leads by how soon they had an answer.

    Parameters
    ----------
    responses : DataFrame
        What `kpi_helpers.outreach.responses` returns.
    lang, terms
        As for `kpi_helpers.wording.sentence`.
    """
    lines = [
        {"group": name({column: row[column] for column in TIDY}, lang, terms)}
        | _of(f"bands.{row['band']}", {**row, "k": row["numerator"]}, lang)
        for row in records(responses)
    ]
    return _table("responses", "when", lines, lang)


def agreed(
    agreed: pd.DataFrame, lang: str, terms: Terms | None = None, currency: str = "EUR"
) -> GT:
    """Show the figures of marketing and those of sales beside their targets.

    Parameters
    ----------
    agreed : DataFrame
        What `kpi_helpers.outreach.agreed` returns.
    lang, terms, currency
        As for `kpi_helpers.wording.sentence`.
    """
    lines = [
        {
            "group": _text(row["side"], lang),
            "name": name({column: row[column] for column in TIDY}, lang, terms),
            **{
                heading: "" if absent(row[of]) else write(row[of], row["unit"], lang, currency)
                for heading, of in (("figure", "value"), ("target", "target"))
            },
            "reading": reading(row, lang, terms, currency),
        }
        for row in records(agreed)
    ]
    return _table("agreed", "kpi", lines, lang)


def _of(key: str, row: Row, lang: str, terms: Terms | None = None, **values: object) -> Line:
    """Return a line with k of n, their share and its range, and what it stands beside."""
    counted = {of: write(row[of], COUNT, lang) for of in ("k", "n")}
    line = {
        "name": _text(key, lang, **nouns(lang, terms), **values),
        "n": text("wording.part", lang, **counted),
        "value": write(row["value"], PERCENT, lang),
        "range": write_range(row["low"], row["high"], PERCENT, lang),
    }
    if "rest" not in row:
        return line
    rest = {"rest": "" if absent(row["rest"]) else write(row["rest"], PERCENT, lang)}
    return line | rest | {"reading": _text(f"apart.{row['apart']}", lang) if row["apart"] else ""}


def _table(table: str, first: str, lines: list[Line], lang: str, terms: Terms | None = None) -> GT:
    columns = [column for column in lines[0] if column not in ("group", "name")]
    headings = {column: _text(f"columns.{column}", lang) for column in columns}
    headings |= {"name": _text(f"columns.{first}", lang)}
    right = [column for column in columns if column != "reading"]
    ordered = [{"name": line["name"], **line} for line in lines]  # the first heads its row
    return build(table, ordered, lang, headings, right)


def _text(key: str, lang: str, **values: object) -> str:
    return text(f"outreach.{key}", lang, **values)
