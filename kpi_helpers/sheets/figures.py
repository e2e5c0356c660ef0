"""The scorecard: a KPI a row, its figure beside the one before it, and how to read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from kpi_helpers.language import text
from kpi_helpers.measure.judge import ENOUGH, INDICATIVE, INSUFFICIENT, MISSING, OK
from kpi_helpers.periods import Period, label
from kpi_helpers.sheets.table import NOTHING, Row, absent, build, finding, noted, plain, records
from kpi_helpers.units import COUNT, write, write_range

if TYPE_CHECKING:
    from great_tables import GT

TIDY = (
    *("kpi", "label", "unit", "better", "period", "start", "end", "value", "numerator"),
    *("denominator", "n", "low", "high", "method", "status", "note"),
)


def scorecard(tidy: pd.DataFrame, lang: str, currency: str = "EUR") -> GT:
    """Show one row a KPI and group: the period with its interval, beside the one before it.

    KPIs that have no value at all are named under the table, with the reason.

    Parameters
    ----------
    tidy : DataFrame
        What `kpi_helpers.measure` returns for one period or two; the later one is the period
        shown. Columns that a tidy frame does not have by itself are groups.
    lang : str
    currency : str
        ISO code of the amounts.

    Examples
    --------
    >>> row = {"kpi": "win_rate_count", "label": "Win rate", "unit": "percent", "value": 0.25,
    ...        "period": "2026Q3", "start": "2026-07-01", "end": "2026-10-01", "n": 370,
    ...        "low": 0.21, "high": 0.30, "status": "ok", "note": ""}
    >>> "Q3 2026" in scorecard(pd.DataFrame([row]), "en").as_raw_html()
    True
    """
    groups = [column for column in tidy.columns if column not in TIDY]
    *earlier, now = [rows for _, rows in tidy.groupby("start", sort=True)]
    before = earlier[-1] if earlier else tidy.head(0)
    both = _pairs(_by_key(now, groups), _by_key(before, groups))
    known = {
        named["kpi"] for pair in both for named in pair if named and named["status"] != MISSING
    }
    pairs = [pair for pair in both if (pair[0] or pair[1])["kpi"] in known]
    lines = [_score(row, past, groups, lang, currency) for row, past in pairs]
    if not earlier:
        lines = [{name: said for name, said in line.items() if name != "before"} for line in lines]
    name = "-".join(["scorecard", *groups])
    headings = {"value": _period(now, lang), "before": _period(before, lang)}
    table = build(name, lines, lang, headings, right=("value", "range", "n", "before"))
    return noted(table, *_unavailable(now[~now["kpi"].isin(known)], lang))


def _score(row: Row, past: Row, groups: Sequence[str], lang: str, currency: str) -> dict[str, str]:
    named = row or past
    said = {
        "value": _value(row, lang, currency),
        "range": _range(row, lang, currency),
        "n": write(row.get("n"), COUNT, lang),
        "before": _value(past, lang, currency),
        "reading": _reading(row, past, lang),
    }
    if not groups:
        return {"kpi": plain(named["label"]), **said}
    place = " · ".join(plain(named[group]) or text("sheets.blank", lang) for group in groups)
    return {"group": plain(named["label"]), "kpi": place, **said}


def _value(row: Row, lang: str, currency: str) -> str:
    return write(row.get("value"), row["unit"], lang, currency) if row else NOTHING


def _range(row: Row, lang: str, currency: str) -> str:
    if not row or (absent(row["low"]) and absent(row["high"])):
        return NOTHING
    return write_range(row["low"], row["high"], row["unit"], lang, currency)


def _reading(row: Row, past: Row, lang: str) -> str:
    """Say how far the two figures can be trusted, the earlier one only where it cannot."""
    said = [_caveat(row, lang)] if row else []
    if past and past["status"] not in (OK, MISSING):
        said.append(f"{_period(pd.DataFrame([past]), lang)} – {_caveat(past, lang)}")
    return _sentences(said)


def _caveat(row: Row, lang: str) -> str:
    """Return the reason where there is one; that the cases are few is said in any event."""
    cases = 0 if absent(row["n"]) else int(row["n"])
    few = row["status"] in (INSUFFICIENT, INDICATIVE) and cases < ENOUGH
    if row["status"] == OK or (row["note"] and not few):
        return plain(row["note"])
    return _sentences([text(f"sheets.statuses.{row['status']}", lang, n=cases), plain(row["note"])])


def _sentences(parts: Sequence[str]) -> str:
    return ". ".join(part.rstrip(".") for part in parts if part)


def _unavailable(tidy: pd.DataFrame, lang: str) -> list[str]:
    """Return one line a reason, with the KPIs it holds for."""
    reasons: dict[str, list[str]] = {}
    for row in records(tidy.drop_duplicates("kpi")):
        reason = finding(plain(row["note"])) or text("sheets.statuses.missing", lang)
        reasons.setdefault(reason.rstrip("."), []).append(plain(row["label"]))
    return [
        text("sheets.unavailable", lang, reason=reason, kpis=", ".join(labels))
        for reason, labels in reasons.items()
    ]


def _pairs(now: Mapping[Any, Row], before: Mapping[Any, Row]) -> list[tuple[Row, Row]]:
    """Pair the rows of two periods by KPI and group, in the order of the KPIs."""
    kpis = list(dict.fromkeys(key[0] for key in (*now, *before)))
    keys = sorted(dict.fromkeys((*now, *before)), key=lambda key: kpis.index(key[0]))
    return [(now.get(key, {}), before.get(key, {})) for key in keys]


def _by_key(tidy: pd.DataFrame, groups: Sequence[str]) -> dict[Any, Row]:
    return {(row["kpi"], *(plain(row[g]) for g in groups)): row for row in records(tidy)}


def _period(tidy: pd.DataFrame, lang: str) -> str:
    if tidy.empty:
        return ""
    row = tidy.iloc[0]
    start, end = (pd.Timestamp(row[edge]).date() for edge in ("start", "end"))
    named_by_dates = ":" in row["period"] or row["period"] in ("all", "ytd")
    return label(Period(row["period"], start, end, "span" if named_by_dates else "day"), lang)
