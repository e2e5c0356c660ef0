"""What the checks of the data found, and the rows they found it in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.language import text
from kpi_helpers.sheets.table import (
    LOUD,
    NOTHING,
    Row,
    absent,
    build,
    coloured,
    consequence,
    finding,
    noted,
    plain,
    records,
)
from kpi_helpers.sources.recognition.understood import (
    evidence,
    meanings,
    understood,
    vendor_line,
)
from kpi_helpers.sources.tables import TABLES
from kpi_helpers.units import COUNT, MONEY, PERCENT, write

if TYPE_CHECKING:
    from great_tables import GT

    from kpi_helpers.sources import Dataset

NAMED = 3
# Background and letters of a cell, by weight: darker is graver, also in grey.
HEAT = {"block": (LOUD, "#ffffff"), "warn": ("#f3c9a5", "#1b2430"), "info": ("#eef1f4", "#1b2430")}


def quality_table(frame: pd.DataFrame, lang: str, currency: str = "EUR") -> GT:
    """Show what the checks of the data found, the most serious first.

    Parameters
    ----------
    frame : DataFrame
        What `kpi_helpers.quality` or `kpi_helpers.funnel.integrity` returns.
    lang, currency
        As for `scorecard`.
    """
    rows = _files_together(records(frame), lang)
    lines = [
        {
            "check": finding(row["consequence"]),
            "severity": text(f"sheets.severities.{row['severity']}", lang),
            **_extent(row, lang),
            "share": write(row["share"], PERCENT, lang),
            "money": write(row["money"], MONEY, lang, currency),
            "examples": plain(row.get("examples", "")),
            "consequence": consequence(row["consequence"]),
            "fix": plain(row["fix"]),
        }
        for row in rows
    ]
    table = build("quality", lines, lang, right=("rows", "deals", "share", "money"))
    blocking = [i for i, row in enumerate(rows) if row["severity"] == "block"]
    return coloured(table, blocking, ["severity"], LOUD)


def _extent(row: Row, lang: str) -> dict[str, str]:
    """Say where and how often: of histories the deals, which are more to a reader than rows."""
    if "deals" in row:
        return {"deals": write(row["deals"], COUNT, lang)}
    return {"where": _joined(row), "rows": write(row["rows"], COUNT, lang)}


def heat(frame: pd.DataFrame, lang: str) -> GT:
    """Show where the checks found something: a check a row, a table a column, by its weight.

    A cell holds the share of the table's rows and, in words and in colour, how much that weighs;
    a cell without anything holds nothing. Under the table stands which KPIs suffer.

    Parameters
    ----------
    frame : DataFrame
        What `kpi_helpers.quality` returns.
    lang : str
    """
    from great_tables import loc, style

    rows = [row for row in records(frame) if row["table"] in TABLES]
    tables = list(dict.fromkeys(row["table"] for row in rows))
    checks: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        cells = checks.setdefault(finding(row["consequence"]), {name: [] for name in tables})
        cells[row["table"]].append(row)
    lines = [
        {"check": check, **{name: _heat(found, lang) for name, found in cells.items()}}
        for check, cells in checks.items()
    ]
    table = build(
        "heat", lines, lang, {name: text(f"sheets.tables.{name}", lang) for name in tables}
    )
    for place, cells in enumerate(checks.values()):
        for name, found in cells.items():
            if found:
                fill, ink = HEAT[found[0]["severity"]]
                shown = [style.fill(fill), style.text(color=ink)]
                table = table.tab_style(shown, loc.body([name], [place]))
    return noted(table, *_suffering(rows, lang))


def _heat(found: list[Row], lang: str) -> str:
    """Say the largest share of the rows that a check found in a table, and the gravest weight."""
    if not found:
        return ""
    share = max((row["share"] for row in found if not absent(row["share"])), default=None)
    weight = text(f"sheets.severities.{found[0]['severity']}", lang)
    return weight if share is None else f"{write(share, PERCENT, lang)} · {weight}"


def _suffering(rows: list[Row], lang: str) -> list[str]:
    """Return one line for each weight and check with the KPIs whose figures suffer from it."""
    lines = dict.fromkeys(
        text(
            f"sheets.suffering.{row['severity']}",
            lang,
            check=finding(row["consequence"]),
            kpis=", ".join(REGISTRY[kpi].label(lang) for kpi in row["kpis"].split(", ")),
        )
        for row in rows
        if row["kpis"] and row["severity"] != "info"
    )
    return list(lines) or [text("sheets.suffering.none", lang)]


def _files_together(rows: list[Row], lang: str) -> list[Row]:
    """Return findings with one row for all files that are no table and have the same fault."""
    found: dict[object, list[Row]] = {}
    for place, row in enumerate(rows):
        alike = place if row["table"] in TABLES else (row["consequence"], row["fix"])
        found.setdefault(alike, []).append(row)
    return [{**same[0], "table": _first_few(same, lang)} for same in found.values()]


def _first_few(rows: list[Row], lang: str) -> str:
    names = ", ".join(plain(row["table"]) for row in rows[:NAMED])
    rest = len(rows) - NAMED
    return text("wording.more", lang, names=names, n=rest) if rest > 0 else names


def rows_left_out(frame: pd.DataFrame, lang: str, limit: int = 3, currency: str = "EUR") -> GT:
    """Show the rows that were left out, then those that were flagged, the most money first.

    Rows without a line of their own that differ in nothing else share one line of the table.

    Parameters
    ----------
    frame : DataFrame
        What `kpi_helpers.left_out` returns.
    limit : int
        Rows shown for each reason; a note under the table says how many there are in all.
    lang, currency
        As for `scorecard`.
    """
    alike = ["table", "file", "line", "column", "value", "reason", "action"]
    counted = frame.assign(rows=1).groupby(alike, dropna=False, sort=False, as_index=False)
    once = counted.agg({"rows": "sum", "money": _known_sum})
    most = once.assign(size=-once["money"].abs()).sort_values(["action", "size"], kind="stable")
    few = most.groupby(["action", "table", "column", "reason"], sort=False).head(limit)
    lines = [
        {
            "row": _place(row, lang),
            "where": _joined(row),
            "value": plain(row["value"]) or NOTHING,
            "reason": finding(text(f"quality.{row['reason']}", lang)),
            "action": text(f"sheets.actions.{row['action']}", lang),
            "money": write(row["money"], MONEY, lang, currency),
        }
        for row in records(few.sort_values(["action", "reason", "table"], kind="stable"))
    ]
    table = build("left_out", lines, lang, right=("money",))
    if len(few) == len(most):
        return table
    total = write(len(frame), COUNT, lang)
    return noted(table, text("sheets.shown", lang, limit=limit, total=total))


def accounts(frame: pd.DataFrame, score: int, lang: str, currency: str = "EUR") -> GT:
    """Show what became of every row that was read, and of its money; the score stands below.

    Parameters
    ----------
    frame : DataFrame
        What `kpi_helpers.accounting` returns; without ``file``, where that is not to be shown.
    score : int
        That of `kpi_helpers.score`.
    lang, currency
        As for `scorecard`.
    """
    counts, amounts = ("rows", "used", "excluded", "flagged"), ("money", "money_excluded")
    lines = [
        {
            "table": text(f"sheets.tables.{row['table']}", lang),
            "file": plain(row.get("file")),
            **{name: write(row[name], COUNT, lang) for name in counts},
            **{name: write(row[name], MONEY, lang, currency) for name in amounts},
        }
        for row in records(frame)
    ]
    table = build("accounting", lines, lang, right=(*counts, *amounts))
    said = f"{text('score.said', lang, score=score)} {text('score.rule', lang)}"
    return noted(table, said)


def mapping(data: Dataset) -> GT:
    """Show which column of a source is which of ours, how its text was read, and its words.

    Parameters
    ----------
    data : Dataset
    """
    lang = data.config.lang
    lines = [
        {
            "ours": column,
            "theirs": theirs,
            "read_as": evidence(data.mapped[table["table"]], column, lang),
            "group": vendor_line(data.mapped[table["table"]], table["file"], lang),
            "words": "\n".join(meanings(table["values"].get(column, {}), lang)),
        }
        for table in understood(data)
        for column, theirs in table["columns"].items()
    ]
    apart = ", ".join(name for table in understood(data) for name in table["dimensions"])
    notes = [text("understood.dimensions", lang, names=apart)] if apart else []
    return noted(build("mapping", lines, lang), *notes)


def _joined(row: Row) -> str:
    return ".".join(plain(row[part]) for part in ("table", "column") if plain(row[part]))


def _place(row: Row, lang: str) -> str:
    if not absent(row["line"]):
        line = text("errors.places.line", lang, line=int(row["line"]))
        return ", ".join(part for part in (plain(row["file"]), line) if part)
    rows = write(row["rows"], COUNT, lang)
    return text("sheets.rows", lang, file=plain(row["file"]), rows=rows, n=int(row["rows"]))


def _known_sum(money: pd.Series[Any]) -> float:
    return float(money.sum(min_count=1))
