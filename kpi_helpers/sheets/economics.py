"""Cost and value of a customer by channel, and the purchases expected, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kpi_helpers.language import Terms, nouns, text
from kpi_helpers.sheets.table import (
    LOUD,
    Row,
    absent,
    alike,
    build,
    coloured,
    digits_of,
    noted,
    plain,
    records,
    within,
)
from kpi_helpers.units import COUNT, MONEY, PERCENT, TIMES, write, write_date

if TYPE_CHECKING:
    from great_tables import GT

    from kpi_helpers.customers import Outlook

COSTS = ("channel", "spend", "leads", "customers", "cac", "value", "ratio", "payback", "verdict")
RANGES = {f"{of}_range": (MONEY, f"{of}_low", f"{of}_high") for of in ("cac", "value")}
NUMBERS = {of: (MONEY, of) for of in ("spend", "cac", "value")} | RANGES
NUMBERS |= {"payback": (COUNT, "payback", "payback_seen")}
BOUGHT = ("part", "known", "alive", "expected", "seen", "worth")


def economics(
    found: pd.DataFrame, lang: str, terms: Terms | None = None, currency: str = "EUR"
) -> GT:
    """Show what customers cost and leave, a row a channel under that of everything.

    Parameters
    ----------
    found : DataFrame
        What `kpi_helpers.customers.economics` returns.
    lang, terms, currency
        As for `kpi_helpers.wording.sentence`.
    """
    rows, look = alike(records(found), NUMBERS), (lang, terms)
    lines = [
        {
            "channel": plain(row["channel"]) if row["basis"] == "media" else _text("all", *look),
            "spend": write(row["spend"], MONEY, lang, currency, digits_of(row, "spend")),
            "leads": _leads(row, lang),
            "customers": write(row["customers"], COUNT, lang),
            **{of: within(row, of, MONEY, lang, currency) for of in ("cac", "value")},
            "ratio": within(row, "ratio", TIMES, lang),
            "payback": payback(row, lang),
            "verdict": _verdict(row, *look),
        }
        for row in rows
    ]
    headings = {name: _text(f"columns.{name}", *look) for name in COSTS}
    table = build("economics", lines, lang, headings, COSTS[1:-1])
    lost = [place for place, row in enumerate(rows) if row["verdict"] == "loss"]
    one = rows[0]
    notes = [_text(f"by_{one['through']}", *look)]
    notes += [_text("lag", *look, n=one["lag"])] if one["lag"] else []
    if one["model"]:
        what = _text(one["valued"], *look)
        notes.append(_text(one["model"], *look, what=what, months=one["months"]))
        notes.append(_text("payback", *look))
    return noted(coloured(table, lost, ["verdict"], LOUD), *notes)


def outlook(found: Outlook, lang: str, terms: Terms | None = None, currency: str = "EUR") -> GT:
    """Show the purchases expected of the customers there are, and those once put to the test.

    Parameters
    ----------
    found : Outlook
        What `kpi_helpers.customers.outlook` returns.
    lang, terms, currency
        As for `economics`.
    """
    look, lines = (lang, terms), []
    for row in records(found.parts):
        days = {end: write_date(row[end].date(), lang) for end in ("start", "end")}
        known = row | {"known": row["customers"]}
        counts = {name: write(known[name], COUNT, lang, digits=0) for name in BOUGHT[1:5]}
        worth = f"{write(row['value'], MONEY, lang, currency)} ({_text(row['valued'], *look)})"
        part = _text(f"outlook.part_{row['part']}", lang, terms, **days)
        lines.append({"part": part, **counts, "worth": worth})
    headings = {name: _text(f"columns.{name}", *look) for name in BOUGHT}
    return build("outlook", lines, lang, headings, BOUGHT[1:])


def _text(key: str, lang: str, terms: Terms | None, **values: object) -> str:
    return text(f"economics.{key}", lang, **nouns(lang, terms), **values)


def _leads(row: Row, lang: str) -> str:
    """Return the leads, and under them how many become customers."""
    if absent(row["leads"]):
        return ""
    said = [write(row["leads"], COUNT, lang), within(row, "conversion", PERCENT, lang)]
    return "\n".join(filter(None, said))


def payback(row: Row, lang: str) -> str:
    """Return the months at an even pace, and with those who leave; or that it takes longer."""
    if absent(row["ratio"]):
        return ""
    digits = digits_of(row, "payback")
    months = (write(row[of], COUNT, lang, digits=digits) for of in ("payback", "payback_seen"))
    late = f"> {row['months']}"
    both = (row["payback"], row["payback_seen"])
    even, seen = (late if absent(each) else said for each, said in zip(both, months, strict=True))
    return even if even == seen else f"{even} ({seen})"


def _verdict(row: Row, lang: str, terms: Terms | None) -> str:
    if row["valued"] != "margin" or absent(row["ratio"]):
        return ""
    return _text(f"verdicts.{row['verdict'] or 'open'}", lang, terms)
