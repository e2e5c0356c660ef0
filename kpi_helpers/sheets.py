"""Tables for a reader: a frame in, a great_tables table out, its numbers written in a language.

Nothing is computed here. Text that comes from data reaches the table as plain text, which
great_tables escapes; every table has a fixed id, so that the same frame gives the same page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from kpi_helpers.language import text
from kpi_helpers.measure.judge import ENOUGH, INDICATIVE, INSUFFICIENT, MISSING, OK
from kpi_helpers.periods import Period, label
from kpi_helpers.units import COUNT, MONEY, PERCENT, write, write_range

if TYPE_CHECKING:
    from great_tables import GT

Row = dict[Any, Any]

TIDY = (
    *("kpi", "label", "unit", "better", "period", "start", "end", "value", "numerator"),
    *("denominator", "n", "low", "high", "method", "status", "note"),
)
NOTHING = "–"
QUIET, LOUD = "#5b6470", "#9a3412"


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
    headings = {"value": _period(now, lang), "before": _period(before, lang)}
    table = _table(
        "-".join(["scorecard", *groups]),
        lines,
        lang,
        headings,
        right=("value", "range", "n", "before"),
    )
    table = table if earlier else table.cols_hide("before")
    return _noted(table, *_unavailable(now[~now["kpi"].isin(known)], lang))


def quality_table(frame: pd.DataFrame, lang: str, currency: str = "EUR") -> GT:
    """Show what the checks of the data found, the most serious first.

    Parameters
    ----------
    frame : DataFrame
        What `kpi_helpers.quality` returns.
    lang, currency
        As for `scorecard`.
    """
    lines = [
        {
            "check": _finding(row["consequence"]),
            "severity": text(f"sheets.severities.{row['severity']}", lang),
            "where": _joined(row),
            "rows": write(row["rows"], COUNT, lang),
            "share": write(row["share"], PERCENT, lang),
            "money": write(row["money"], MONEY, lang, currency),
            "consequence": _consequence(row["consequence"]),
        }
        for row in _records(frame)
    ]
    table = _table("quality", lines, lang, {}, right=("rows", "share", "money"))
    blocking = [i for i, row in enumerate(_records(frame)) if row["severity"] == "block"]
    return _coloured(table, blocking, ["severity"], LOUD)


def rows_left_out(frame: pd.DataFrame, lang: str, limit: int = 20, currency: str = "EUR") -> GT:
    """Show the rows that were left out, then those that were flagged, the most money first.

    Rows without a line of their own that differ in nothing else share one line of the table.

    Parameters
    ----------
    frame : DataFrame
        What `kpi_helpers.left_out` returns.
    limit : int
        Rows shown; a note under the table says how many there are.
    lang, currency
        As for `scorecard`.
    """
    alike = ["table", "file", "line", "column", "value", "reason", "action"]
    counted = frame.assign(rows=1).groupby(alike, dropna=False, sort=False, as_index=False)
    once = counted.agg({"rows": "sum", "money": _known_sum})
    most = once.assign(size=-once["money"].abs()).sort_values(["action", "size"], kind="stable")
    lines = [
        {
            "row": _place(row, lang),
            "where": _joined(row),
            "value": _text(row["value"]) or NOTHING,
            "reason": _finding(text(f"quality.{row['reason']}", lang)),
            "action": text(f"sheets.actions.{row['action']}", lang),
            "money": write(row["money"], MONEY, lang, currency),
        }
        for row in _records(most.head(limit))
    ]
    table = _table("left_out", lines, lang, {}, right=("money",))
    if len(most) <= limit:
        return table
    shown, total = (
        write(number, COUNT, lang) for number in (most["rows"].head(limit).sum(), len(frame))
    )
    return _noted(table, text("sheets.shown", lang, shown=shown, total=total))


def _known_sum(money: pd.Series[Any]) -> float:
    return float(money.sum(min_count=1))


def _joined(row: Row) -> str:
    return ".".join(_text(row[part]) for part in ("table", "column") if _text(row[part]))


def _finding(said: str) -> str:
    """Return what was found, of a text that goes on to say what follows from it."""
    return said.partition(":")[0].strip(" \u00a0")


def _consequence(said: str) -> str:
    rest = said.partition(":")[2].strip(" \u00a0")
    return rest[:1].upper() + rest[1:]


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
        return {"kpi": _text(named["label"]), **said}
    place = " · ".join(_text(named[group]) or text("sheets.blank", lang) for group in groups)
    return {"group": _text(named["label"]), "kpi": place, **said}


def _value(row: Row, lang: str, currency: str) -> str:
    return write(row.get("value"), row["unit"], lang, currency) if row else NOTHING


def _range(row: Row, lang: str, currency: str) -> str:
    if not row or (_absent(row["low"]) and _absent(row["high"])):
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
    cases = 0 if _absent(row["n"]) else int(row["n"])
    few = row["status"] in (INSUFFICIENT, INDICATIVE) and cases < ENOUGH
    if row["status"] == OK or (row["note"] and not few):
        return _text(row["note"])
    return _sentences([text(f"sheets.statuses.{row['status']}", lang, n=cases), _text(row["note"])])


def _sentences(parts: Sequence[str]) -> str:
    return ". ".join(part.rstrip(".") for part in parts if part)


def _unavailable(tidy: pd.DataFrame, lang: str) -> list[str]:
    """Return one line a reason, with the KPIs it holds for."""
    reasons: dict[str, list[str]] = {}
    for row in _records(tidy.drop_duplicates("kpi")):
        reasons.setdefault(_text(row["note"]), []).append(_text(row["label"]))
    return [
        text("sheets.unavailable", lang, kpis=", ".join(labels), reason=reason)
        for reason, labels in reasons.items()
    ]


def _pairs(now: Mapping[Any, Row], before: Mapping[Any, Row]) -> list[tuple[Row, Row]]:
    """Pair the rows of two periods by KPI and group, in the order of the KPIs."""
    kpis = list(dict.fromkeys(key[0] for key in (*now, *before)))
    keys = sorted(dict.fromkeys((*now, *before)), key=lambda key: kpis.index(key[0]))
    return [(now.get(key, {}), before.get(key, {})) for key in keys]


def _by_key(tidy: pd.DataFrame, groups: Sequence[str]) -> dict[Any, Row]:
    return {(row["kpi"], *(_text(row[g]) for g in groups)): row for row in _records(tidy)}


def _records(frame: pd.DataFrame) -> list[Row]:
    return [dict(record) for record in frame.to_dict("records")]


def _period(tidy: pd.DataFrame, lang: str) -> str:
    if tidy.empty:
        return ""
    row = tidy.iloc[0]
    start, end = (pd.Timestamp(row[edge]).date() for edge in ("start", "end"))
    named_by_dates = ":" in row["period"] or row["period"] in ("all", "ytd")
    return label(Period(row["period"], start, end, "span" if named_by_dates else "day"), lang)


def _place(row: Row, lang: str) -> str:
    if not _absent(row["line"]):
        line = text("errors.places.line", lang, line=int(row["line"]))
        return ", ".join(part for part in (_text(row["file"]), line) if part)
    rows = write(row["rows"], COUNT, lang)
    return text("sheets.rows", lang, file=_text(row["file"]), rows=rows, n=int(row["rows"]))


def _text(value: object) -> str:
    return "" if _absent(value) else str(value)


def _absent(value: object) -> bool:
    return value is None or value is pd.NA or value != value


def _table(
    name: str,
    lines: list[dict[str, str]],
    lang: str,
    headings: Mapping[str, str],
    right: Sequence[str],
) -> GT:
    from great_tables import GT

    if not lines:
        lines = [{"check": text("sheets.nothing", lang)}]
        right = ()
    frame = pd.DataFrame(lines)
    first = "kpi" if "kpi" in frame else str(frame.columns[0])
    group = "group" if "group" in frame else None
    labels = {c: text(f"sheets.columns.{c}", lang) for c in frame.columns if c != "group"}
    table = GT(frame, id=name, rowname_col=first, groupname_col=group)
    table = table.tab_stubhead(labels.pop(first)).cols_label({**labels, **headings})
    return _calm(table.cols_align("right", list(right)) if right else table)


def _calm(table: GT) -> GT:
    """Give a table thin lines, room, and no frame."""
    return table.tab_options(
        table_font_size="14px",
        table_width="100%",
        table_border_top_style="none",
        table_border_bottom_style="none",
        column_labels_font_weight="600",
        data_row_padding="7px",
        data_row_padding_horizontal="10px",
        column_labels_padding_horizontal="10px",
        row_group_padding_horizontal="10px",
        source_notes_padding_horizontal="10px",
        row_group_font_weight="600",
        stub_border_style="none",
    )


def _noted(table: GT, *notes: str) -> GT:
    """Add lines under a table; great_tables would read plain text as Markdown."""
    from great_tables import html

    for note in notes:
        table = table.tab_source_note(html(escape(note)))
    return table


def _coloured(table: GT, rows: list[int], columns: list[str], colour: str) -> GT:
    from great_tables import loc, style

    if not rows:
        return table
    return table.tab_style(style.text(color=colour, weight="600"), loc.body(columns, rows))
