"""What an earlier report wrote and is no longer so, as sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.language import Terms, text
from kpi_helpers.units import COUNT, DAYS, PERCENT, write, write_change
from kpi_helpers.wording.told import Row, Told
from kpi_helpers.wording.when import label_of

if TYPE_CHECKING:
    import pandas as pd

SAID, FIRST = 5, 2
NAMED = ("kpi", "label", "unit", "period", "start", "end")


class Restated(NamedTuple):
    """What an earlier report wrote and is no longer so.

    ``figures``: ``kpi, label, unit, period, start, end, before, after``, ``definition`` (whether it
    changed) and ``moved`` (how many rows did, where that is known). ``rows``: ``kpi, period, key,
    counts_before, of_before, counts_after, of_after, moved``. ``report``: ``period, start, end`` of
    the earlier one, its ``currency``, and ``settings``, those that changed since.
    """

    figures: pd.DataFrame
    rows: pd.DataFrame
    report: dict[str, Any]


def restatements(
    restated: Restated, lang: str, terms: Terms | None = None, currency: str = "EUR"
) -> list[str]:
    """Return what was restated, the largest changes first; or that nothing was.

    Parameters
    ----------
    restated : Restated
    lang, terms, currency
        As for `sentence`.
    """
    rows, report = restated.figures.to_dict("records"), restated.report
    if not rows:
        period = label_of(report["period"], report, lang)
        return [text("wording.restated.nothing", lang, period=period)]
    said = [_sentence(row, lang, terms, (report["currency"], currency)) for row in rows[:SAID]]
    if len(rows) > SAID:
        said.append(text("wording.restated.more", lang, n=len(rows) - SAID))
    if report["settings"]:
        keys = ", ".join(report["settings"])
        said.append(text("wording.restated.settings", lang, keys=keys))
    return said


def opened_with(
    found: pd.DataFrame,
    restated: Restated | None,
    lang: str,
    terms: Terms | None = None,
    currency: str = "EUR",
) -> pd.DataFrame:
    """Put the largest restatements before the findings, for the first page of a report.

    Parameters
    ----------
    found : DataFrame
        What `findings` returns.
    restated : Restated or None
    lang, terms, currency
        As for `sentence`.
    """
    import pandas as pd

    if restated is None or restated.figures.empty:
        return found
    said = restatements(restated, lang, terms, currency)[: min(len(restated.figures), FIRST)]
    rows = [str(place) for place in range(1, len(said) + 1)]
    first = {"kind": "finding", "sentence": said, "sureness": -1, "table": "restated", "rows": rows}
    return pd.concat([pd.DataFrame(first), found], ignore_index=True)[list(found)]


def _sentence(row: Row, lang: str, terms: Terms | None, currencies: tuple[str, str]) -> str:
    told, what = Told(row, lang, terms), dated(row, lang, terms)
    before, after, _ = apart(row["before"], row["after"], row["unit"], lang, currencies)
    figure = told.text("restated.figure", what=what, before=before, after=after)
    if row["definition"]:
        return told.text("restated.definition", figure=figure)
    if not row["moved"] > 0:
        return told.text("restated.alone", figure=figure)
    table = f"cases.{REGISTRY[row['kpi']].table}"
    number = int(row["moved"])
    key = table if told.has_text(table) else "cases.cases"
    cases = told.text(key, n=number, number=write(number, COUNT, lang))
    return told.text("restated.moved", figure=figure, cases=cases, n=number)


def dated(row: Row, lang: str, terms: Terms | None = None) -> str:
    """Return the name of a figure with its period, whatever else its row holds."""
    return Told({name: row[name] for name in NAMED}, lang, terms).name("dated")


def apart(
    before: float | None,
    after: float | None,
    unit: str,
    lang: str,
    currencies: tuple[str, str] = ("EUR", "EUR"),
) -> tuple[str, str, str]:
    """Return two figures and their difference, with the decimals it takes to tell them apart.

    Examples
    --------
    >>> apart(0.2519, 0.2521, "percent", "en")
    ('25.19%', '25.21%', '+0.02 points')
    """
    for digits in (None, 1, 2, 3, 4, 6, 9):
        first = write(before, unit, lang, currencies[0], digits)
        second = write(after, unit, lang, currencies[1], digits)
        if first != second:
            break
    change = None if before is None or after is None else after - before
    return first, second, write_change(change, unit, lang, currencies[1], digits)


def counted(counts: float | None, of: float | None, unit: str, lang: str, currency: str) -> str:
    """Return what a row counts for: its part of a share, its days in a cohort, else its value.

    Examples
    --------
    >>> counted(0, 1, "percent", "en", "EUR"), counted(900, None, "money", "en", "EUR")
    ('0 of 1', '€900')
    """
    if unit != PERCENT:
        return write(counts, unit, lang, currency)
    if of is None or of != of:
        return write(counts, DAYS, lang)
    k, n = (write(part, COUNT, lang) for part in (counts, of))
    return text("wording.part", lang, k=k, n=n)
