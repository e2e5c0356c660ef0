"""Bottlenecks, what is lost at each step and what levers would bring, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kpi_helpers.funnel.bottleneck import PASSING
from kpi_helpers.language import Terms, nouns, text
from kpi_helpers.sheets.table import LOUD, Row, absent, build, coloured, plain, records
from kpi_helpers.units import COUNT, DAYS, MONEY, PERCENT, write_relative
from kpi_helpers.wording.bottleneck import step_name
from kpi_helpers.wording.landing import chances
from kpi_helpers.wording.told import Told

if TYPE_CHECKING:
    from great_tables import GT


def bottlenecks(
    found: pd.DataFrame, lang: str, terms: Terms | None = None, currency: str = "EUR"
) -> GT:
    """Show each step beside its own past, what can be gained there, and how it reads.

    Parameters
    ----------
    found : DataFrame
        What `kpi_helpers.funnel.bottlenecks` returns; `leak` and `levers` for the next two.
    lang, terms, currency
        As for `kpi_helpers.wording.sentence`.
    """
    lines = []
    for row in records(found):
        unit = PERCENT if row["measure"] == PASSING else DAYS
        line = {"group": text(f"funnel.measures.{row['measure']}", lang).capitalize()}
        line["name"] = step_name(row["step"], lang, terms)
        line |= {name: _of(row, name, unit, lang) for name in ("now", "reference", "best")}
        cases = {name: _of(row, of, COUNT, lang) for name, of in (("k", "n"), ("n", "entered"))}
        line["read"] = text("wording.part", lang, **cases)
        line["gain"] = _within(row, lang, currency) if row["value"] > 0 else ""
        lines.append(line | {"reading": text(f"funnel.verdicts.{row['verdict']}", lang)})
    table = _table("bottleneck", lines, lang, terms)
    named = [i for i, row in enumerate(records(found)) if row["verdict"] in ("bottleneck", "worse")]
    return coloured(table, named, ["reading"], LOUD)


def leak(found: pd.DataFrame, lang: str, terms: Terms | None = None, currency: str = "EUR") -> GT:
    """Show what was lost at each step and why, and what one point more there would bring."""
    lines = []
    for row in records(found):
        step, whole = step_name(row["step"], lang, terms), absent(row["reason"])
        reason = plain(row["reason"]) or text("sheets.blank", lang)
        line = {"group": text("funnel.columns.all", lang) if whole else step}
        line |= {"name": step if whole else reason, "n": _of(row, "n", COUNT, lang)}
        line |= {"lost": _of(row, "lost", MONEY, lang, currency)}
        line["expected"] = _within(row, lang, currency)
        line["rate"] = _of(row, "rate", PERCENT, lang) if whole else ""
        line["point"] = _of(row, "point", MONEY, lang, currency) if whole else ""
        lines.append(line)
    return _table("leak", lines, lang, terms)


def levers(
    found: pd.DataFrame,
    lang: str,
    terms: Terms | None = None,
    currency: str = "EUR",
    name: str = "levers",
) -> GT:
    """Show what is expected in this quarter and the next, what levers change, and the target."""
    lines, aimed = [], "target" in found and found["target"].notna().any()
    for row in records(found.sort_values("start", kind="stable")):
        told, moved = Told(row, lang, terms, currency), row["lever"] != "base"
        line = {"group": told.period(), "name": step_name(row["lever"], lang, terms)}
        alone = moved and not absent(row["factor"])  # several levers have no factor in common
        line["factor"] = f"({write_relative(row['factor'] - 1, lang, 0)})" if alone else ""
        line["expected"] = _within(row, lang, currency)
        line["change"] = told.difference(row["change"]) if moved else ""
        if aimed:
            line["target"] = _of(row, "target", MONEY, lang, currency)
            line["chance"] = chances(row["chance"], lang) if row["target"] > 0 else ""
        lines.append(line)
    return _table(name, lines, lang, terms)


def _of(row: Row, name: str, unit: str, lang: str, currency: str = "EUR") -> str:
    told = Told(row | {"unit": unit}, lang, None, currency)
    return "" if absent(row[name]) else told.figure(row[name])


def _within(row: Row, lang: str, currency: str) -> str:
    """Return an amount, and under it its range."""
    told = Told(row, lang, None, currency)
    return "\n".join(filter(None, [told.figure(row["value"]), told.range()]))


def _table(name: str, lines: list[dict[str, str]], lang: str, terms: Terms | None) -> GT:
    ordered = [{"name": line["name"], **line} for line in lines]  # the first heads its row
    columns = [column for column in ordered[0] if column != "group"]
    headings = {c: text(f"funnel.columns.{c}", lang, **nouns(lang, terms)) for c in columns}
    right = [column for column in columns if column not in ("name", "reading")]
    return build(name, ordered, lang, headings, right)
