"""What is said of figures month by month: which left their usual variation, and which did not."""

from __future__ import annotations

import pandas as pd

from kpi_helpers.language import Terms, text
from kpi_helpers.wording.told import TIDY, Row, Told, plain
from kpi_helpers.wording.when import label_of

TOLD, NAMED = 2, 3


def control_findings(
    latest: pd.DataFrame,
    lang: str,
    terms: Terms | None = None,
    currency: str = "EUR",
    table: str = "control",
) -> pd.DataFrame:
    """Return the KPIs that left their usual variation, and how many call for nothing.

    Parameters
    ----------
    latest : DataFrame
        What `kpi_helpers.control.latest` returns.
    lang, terms, currency
        As for `kpi_helpers.wording.sentence`.
    table : str
        Name under which the frame is handed on.

    Returns
    -------
    pandas.DataFrame
        The columns of `kpi_helpers.wording.findings`, at most three rows.
    """
    rows = latest.to_dict("records")
    news = [place for place, row in enumerate(rows) if row["news"]]
    said = [_left(rows[place], lang, terms, currency) for place in news[:TOLD]]
    sure = [0 if rows[place]["sure"] and _season_is_known(rows[place]) else 1 for place in news]
    behind = [[place] for place in news[:TOLD]]
    rest = [_name(rows[place], lang, terms) for place in news[TOLD:]]
    quiet = [place for place in range(len(rows)) if place not in news]
    last = [text("wording.control.more", lang, names=_listed(rest, lang))] if rest else []
    last += [text("wording.control.quiet", lang, n=len(quiet))] if quiet else []
    if last:
        said.append(" ".join(last))
        behind.append([*news[TOLD:], *quiet])
    return pd.DataFrame(
        {
            "kind": "finding",
            "sentence": said,
            "sureness": [*sure[:TOLD], 1][: len(said)],
            "money_at_stake": float("nan"),
            "table": table,
            "rows": [", ".join(str(place + 1) for place in places) for places in behind],
        }
    )


def control_title(latest: pd.DataFrame, lang: str, terms: Terms | None = None) -> str:
    """Return the finding of control charts as a title: how many KPIs left, and which.

    Parameters
    ----------
    latest, lang, terms
        As for `control_findings`.
    """
    names = [_name(row, lang, terms) for row in latest[latest["news"]].to_dict("records")]
    if not names:
        return text("wording.control.title_none", lang)
    return text("wording.control.title", lang, n=len(names), names=_listed(names, lang))


def lasted(row: Row, lang: str) -> str:
    """Return since when a row's KPI has been outside and how often; nothing for one that is not.

    Parameters
    ----------
    row, lang
        A row of `kpi_helpers.control.latest`.
    """
    if not row["news"]:
        return ""
    since = label_of(row["since"], row, lang)
    return text("wording.control.lasted", lang, n=row["months"], k=row["signals"], since=since)


def _left(row: Row, lang: str, terms: Terms | None, currency: str) -> str:
    told = _told(row, lang, terms, currency)
    kind = "shift" if row["rule"] != "outside" else "often" if row["signals"] > 1 else "once"
    said = [
        text(
            f"wording.control.{kind}",
            lang,
            what=told.text("said", what=told.name("dated"), figure=told.value()),
            range=_usual(row, lang, terms, currency),
            lasted=lasted(row, lang),
        )
    ]
    if row["event"]:
        said.append(text("wording.control.event", lang, event=plain(row["event"])))
    if not _season_is_known(row):
        said.append(text("wording.control.season", lang))
    return " ".join(said)


def _usual(row: Row, lang: str, terms: Terms | None, currency: str) -> str:
    within = {"low": row["lower"], "high": row["upper"], "method": ""}
    return _told({**row, **within}, lang, terms, currency).range()


def _season_is_known(row: Row) -> bool:
    return bool(row["season"] != "unknown")


def _name(row: Row, lang: str, terms: Terms | None) -> str:
    return _told(row, lang, terms).name()


def _told(row: Row, lang: str, terms: Terms | None, currency: str = "EUR") -> Told:
    return Told({name: row[name] for name in TIDY if name in row}, lang, terms, currency)


def _listed(names: list[str], lang: str) -> str:
    """Name the first few, and count the others."""
    said = ", ".join(names[:NAMED])
    rest = len(names) - NAMED
    return text("wording.more", lang, names=said, n=rest) if rest > 0 else said
