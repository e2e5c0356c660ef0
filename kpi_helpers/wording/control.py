"""What is said of figures month by month: which left their usual variation, and which did not."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kpi_helpers.language import Terms, text
from kpi_helpers.wording.lines import NO_MONEY, Line, Look, finds
from kpi_helpers.wording.told import TIDY, Row, Told, plain
from kpi_helpers.wording.when import label_of

TOLD, NAMED = 2, 3
UNKNOWN = "unknown"


@finds("control")
def control_findings(latest: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return the KPIs that left their usual variation, and how many call for nothing.

    Parameters
    ----------
    latest : DataFrame
        What `kpi_helpers.control.latest` returns.
    """
    lang, terms, currency = look
    lines, names = [], []
    quiet = [place for place, row in enumerate(latest["news"]) if not row]
    for place, row in enumerate(latest[latest["news"]].to_dict("records")):
        told = _told(row, lang, terms, currency)
        unsure = not row["sure"] or row["season"] == UNKNOWN
        lines.append((_left(row, told), int(unsure), [place], NO_MONEY))
        names.append(told.name())
    rest = range(TOLD, len(lines))
    last = [text("wording.control.more", lang, names=_listed(names[TOLD:], lang))] if rest else []
    last += [text("wording.control.quiet", lang, n=len(quiet))] if quiet else []
    closing = [(" ".join(last), 1, [*rest, *quiet], NO_MONEY)] if last else []
    return [*lines[:TOLD], *closing]


def control_title(latest: pd.DataFrame, lang: str, terms: Terms | None = None) -> str:
    """Return how many KPIs left their usual variation, and which, as the title of a chart.

    Parameters
    ----------
    latest, lang, terms
        As for `control_findings`.
    """
    news = latest[latest["news"]].to_dict("records")
    if not news:
        return text("wording.control.title_none", lang)
    names = [_told(row, lang, terms).name() for row in news]
    return text("wording.control.title", lang, n=len(names), names=_listed(names, lang))


def lasted(row: Row, lang: str) -> str:
    """Return since when a KPI has been outside and how often; nothing where it is not.

    Parameters
    ----------
    row, lang
        A row of `kpi_helpers.control.latest`.
    """
    if not row["news"]:
        return ""
    since = label_of(row["since"], row, lang)
    return text("wording.control.lasted", lang, n=row["months"], k=row["signals"], since=since)


def _left(row: Row, told: Told) -> str:
    lang, kind = told.lang, "often" if row["signals"] > 1 else "once"
    usual = {**told.row, "low": row["lower"], "high": row["upper"], "method": ""}
    values = {
        "what": told.text("said", what=told.name("dated"), figure=told.value()),
        "range": Told(usual, lang, told.terms, told.currency).range(),
        "lasted": lasted(row, lang),
    }
    said = [
        text(f"wording.control.{kind if row['rule'] == 'outside' else 'shift'}", lang, **values)
    ]
    if row["event"]:
        said.append(text("wording.control.event", lang, event=plain(row["event"])))
    if row["season"] == UNKNOWN:
        said.append(text("wording.control.season", lang))
    return " ".join(said)


def _told(row: Row, lang: str, terms: Terms | None = None, currency: str = "EUR") -> Told:
    return Told({name: row[name] for name in TIDY if name in row}, lang, terms, currency)


def _listed(names: list[str], lang: str) -> str:
    """Name the first few, and count the others."""
    said = ", ".join(names[:NAMED])
    rest = len(names) - NAMED
    return text("wording.more", lang, names=said, n=rest) if rest > 0 else said
