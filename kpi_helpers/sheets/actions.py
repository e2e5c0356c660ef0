"""Actions as tables: what was decided, what each changed, what is due, what is adapted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kpi_helpers.language import Terms, nouns, text, texts
from kpi_helpers.sheets.table import Row, absent, build, noted, plain, records
from kpi_helpers.units import COUNT, PERCENT, write, write_compact, write_date, write_relative
from kpi_helpers.wording.effects import announced, change_of, least, reason_said
from kpi_helpers.wording.lines import Look
from kpi_helpers.wording.told import Told
from kpi_helpers.wording.when import label_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from great_tables import GT

TABLES = {
    "decided": "date what owner label announced effect outcome",
    "effects": "action before after without effect announced verdict placebos beside",
    "register": "action root_cause owner state due_date announced detectable reason",
    "adapted": "label reason example feedback decided_by period by_old by_new definition",
    "revised": "label target basket reference value needed revised",
    "priorities": "label money_at_stake chance effort score cause suggestion",
    "causes": "cause suggestion",
    "pages": "what label owner due_date announced effect outcome",
    "own": "what label due_date announced outcome owner",
}
ONCE = {"adapted": ["kpi", "date"], "causes": ["cause"]}
SAID = ("label", "reason", "example", "feedback", "decided_by", "cause")
DATES = ("date", "due_date")
# Ids, and under which texts they stand.
NAMED = dict.fromkeys(("outcome", "verdict", "state"), "effects.outcome")
NAMED |= {of: f"effects.{of}" for of in ("effort", "cause", "suggestion")}
FIGURES = (
    *("before", "after", "without", "target", "value", "reference", "revised"),
    *("by_old", "by_new"),
)
AMOUNTS = ("money_at_stake", "score")
RIGHT = (*FIGURES, *AMOUNTS, "period", "effect", "announced", "detectable", "needed", "chance")


def actions(
    found: pd.DataFrame,
    table: str,
    lang: str,
    terms: Terms | None = None,
    currency: str = "EUR",
) -> GT:
    """Show what `kpi_helpers.actions` says of what was decided.

    Parameters
    ----------
    found : DataFrame
        What a function of `kpi_helpers.actions` returns.
    table : str
        Which of the tables: ``decided, effects, register, adapted, revised, priorities, causes,
        pages, own`` (grouped by who has to do it).
    lang, terms, currency
        As for `kpi_helpers.wording.sentence`.
    """
    look = Look(lang, terms, currency)
    if table in ONCE:  # what holds for several rows stands once
        again = found.duplicated(ONCE[table])
        found = found.assign(**{of: found[of].mask(again) for of in SAID if of in found})
    columns = [of for of in TABLES[table].split() if of in found]
    lines = [{of: _cell(row, of, look) for of in columns} for row in records(found)]
    if table == "own":
        lines = [
            {("group" if of == "owner" else of): said for of, said in line.items()}
            for line in lines
        ]
    headings = {of: text(f"effects.columns.{of}", lang) for of in columns}
    right = [of for of in columns if of in RIGHT]
    notes = [text(f"effects.notes.{table}", lang)]
    notes += [why for why in found.get("why", pd.Series(dtype=object)).dropna().unique() if why]
    if left := int(found["left"].max()) if "left" in found and len(found) else 0:
        notes.append(text("effects.more", lang, n=left))
    return noted(build(table, lines, lang, headings, right), *notes)


def _cell(row: Row, of: str, look: Look) -> str:
    """A cell as text; nothing where it is missing."""
    value, lang = row[of], look.lang
    if row.get("kind") == "forecast" and of in FORETOLD:
        return FORETOLD[of](row, look)
    if of == "announced":
        return announced(row, look) if not absent(row["unit"]) else ""
    if of == "reason" and "method" in row and "verdict" in row:
        return reason_said(row, look)
    if absent(value) or value == "":
        return ""
    if of in NAMED:
        key = f"{NAMED[of]}.{value}"
        return text(key, lang, **nouns(lang, look.terms)) if key in texts(lang) else plain(value)
    if of in DATES:
        return write_date(value, lang)
    if of == "effect":
        told, relative = change_of(row, look), write_relative(row["relative"], lang, digits=0)
        return "\n".join([told.change(), told.change_range(), relative])
    if of == "period":
        return label_of(value, row, lang)
    if of in FIGURES:
        return Told(row, *look).figure(value)
    return _number(row, of, look)


def _when(row: Row, look: Look) -> str:
    return text("effects.foretold", look.lang, period=label_of(row["what"], row, look.lang))


def _range(row: Row, look: Look) -> str:
    """The plausible range of the money at stake; of what is counted to the end there is none."""
    low, high = (row[f"money_{end}"] for end in ("low", "high"))
    if absent(low) or absent(high):
        return text("effects.exact", look.lang)
    ends = {"low": low, "high": high}
    said = {of: write_compact(end, look.lang, look.currency) for of, end in ends.items()}
    return text("units.range", look.lang, **said)


# Of a forecast: the period, what was said of it and what came.
FORETOLD: dict[str, Callable[[Row, Look], str]] = {
    "what": _when,
    "announced": lambda row, look: Told(row, *look).figure(row["announced"]),
    "effect": lambda row, look: Told(row, *look).figure(row["value"]),
}


def _number(row: Row, of: str, look: Look) -> str:
    value, lang = row[of], look.lang
    if of in AMOUNTS:
        said = write_compact(value, lang, look.currency)
        return said if of == "score" else f"{said}\n{_range(row, look)}"
    if of == "detectable":
        return least(row, look)
    if of in ("needed", "chance"):
        return write(value, COUNT if of == "needed" else PERCENT, lang, digits=0)
    if of == "placebos":
        counts = {"n": int(value), "found": int(row["placebos_found"])}
        return text("effects.placebos", lang, **counts)
    return plain(value)
