"""What is said of the cost and the value of a customer, and of the purchases to come."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kpi_helpers import language
from kpi_helpers.customers.outlook import Outlook
from kpi_helpers.language import nouns
from kpi_helpers.units import (
    COUNT,
    MONEY,
    PERCENT,
    TIMES,
    write,
    write_date,
    write_range,
    write_relative,
)
from kpi_helpers.wording.landing import chances
from kpi_helpers.wording.lines import Line, Look, finds
from kpi_helpers.wording.told import Row, plain, subject
from kpi_helpers.wording.when import SPAN, label_of

MOST, ENOUGH, EVEN = 3, 5, 0.5
OF = {"cac": MONEY, "value": MONEY, "ratio": TIMES}


@finds("economics")
def economics_findings(economics: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return which channels cost more than they bring, what customers cost in all, which pay.

    Parameters
    ----------
    economics : DataFrame
        What `kpi_helpers.customers.economics` returns.
    """
    rows = economics.to_dict("records")
    cuts = sorted(_places(rows, "cut"), key=lambda place: -_lost(rows[place]))
    lines = [_cut(rows, place, look) for place in cuts]
    lines.append((_whole(rows[0], look), int(not rows[0]["verdict"]), [0], float("nan")))
    scale = _places(rows, "scale")
    if scale:
        names = ", ".join(plain(rows[place]["channel"]) for place in scale)
        lines.append((_said("scale", look, rows[0], channels=names), 0, scale, float("nan")))
    elif not cuts:
        lines += _apart(rows, look)
    return lines[:MOST]


@finds("outlook")
def outlook_findings(outlook: Outlook, look: Look) -> Sequence[Line]:
    """Return what is expected of the customers there are, and how well that held before.

    Parameters
    ----------
    outlook : Outlook
        What `kpi_helpers.customers.outlook` returns.
    """
    lang, _, currency = look
    lines: list[Line] = []
    for place, row in enumerate(outlook.parts.to_dict("records")):
        counts = {name: write(round(row[name]), COUNT, lang) for name in ("customers", "alive")}
        counts["expected"] = write(round(row["expected"]), COUNT, lang)
        if row["part"] == "held_out":
            counts["seen"] = write(row["seen"], COUNT, lang)
            counts["gap"] = write_relative(row["gap"], lang, 0)
        days = {end: write_date(row[end].date(), lang) for end in ("start", "end")}
        worth = {"value": write(row["value"], MONEY, lang, currency)}
        worth["what"] = language.text(f"economics.{row['valued']}", lang)
        said = _text(f"outlook.{row['part']}", look, **counts, **days, **worth)
        lines.append((said, int(row["part"] == "ahead"), [place], float("nan")))
    return lines


@finds("worth")
def worth_findings(found: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return what a customer costs and leaves with levers, how surely that pays, and when.

    Parameters
    ----------
    found : DataFrame
        What `kpi_helpers.customers.with_levers` returns, or its first row alone.
    """
    rows, behind = found.to_dict("records"), [*range(len(found))]
    base, row = rows[0], rows[-1]
    if row["value"] != row["value"]:
        return [(_text("unknown", look), 1, behind, float("nan"))]
    said = {
        f"base_{of}": write(base[of], unit, look.lang, look.currency) for of, unit in OF.items()
    }
    said |= {"ratio": write(row["ratio"], TIMES, look.lang)}
    said["ratio_range"] = write_range(row["ratio_low"], row["ratio_high"], TIMES, look.lang)
    said["what"] = language.text(f"economics.{row['valued']}", look.lang)
    whole = row["basis"] == "loaded"
    said["all"] = _text("all", look)
    said["who"] = said["all"] if whole else plain(row["channel"])
    keys = ["costs_moved" if len(rows) > 1 else "costs"]
    if row["above_1"] == row["above_1"]:
        said |= {of: chances(row[of], look.lang) for of in ("above_1", "above_3")}
        keys.append("ratio_moved" if len(rows) > 1 else "ratio")
        keys += ["triple"] if row["above_1"] > EVEN else []
    late = f"> {row['months']}"
    for of in ("payback", "payback_seen"):
        said[of] = late if row[of] != row[of] else write(row[of], COUNT, look.lang)
    if row["valued"] == "margin":
        keys.append("back" if row["payback"] == row["payback"] else "never")
    else:
        keys.append("in_revenue")
    keys += [] if whole else ["media"]
    return [(_said(f"levers.{key}", look, row, **said), 1, behind, float("nan")) for key in keys]


def _places(rows: Sequence[Row], verdict: str) -> list[int]:
    return [place for place, row in enumerate(rows) if row["verdict"] == verdict]


def _lost(row: Row) -> float:
    return float(row["customers"] * (row["cac"] - row["value"]))


def _cut(rows: Sequence[Row], place: int, look: Look) -> Line:
    """Say what a channel costs, beside the one that brings most of those that pay."""
    row, behind = rows[place], [place]
    share, beside = "", ""
    if row["lead_share"] > 0:
        written = write(row["lead_share"], PERCENT, look[0], digits=0)
        share = _text("share", look, share=written)
        behind.append(0)
    others = _places(rows, "scale")
    if others:
        best = max(others, key=lambda other: rows[other]["customers"])
        beside = _said("beside", look, rows[best])
        behind.append(best)
    channel = subject(row["channel"], look.lang, "channel")
    more = {
        "share": share,
        "beside": beside,
        "channel": channel,
        "days": label_of(SPAN, row, look.lang),
    }
    said = _said("cut", look, row, **more)
    return said, 0, sorted(behind), _lost(row)


def _whole(row: Row, look: Look) -> str:
    known = row["valued"] == "margin" and row["ratio"] == row["ratio"]
    return _said(row["verdict"] or ("open" if known else "costs"), look, row)


def _apart(rows: Sequence[Row], look: Look) -> list[Line]:
    """Say between what costs channels lie, and whether chance explains it."""
    known = [i for i, row in enumerate(rows) if i and row["customers"] >= ENOUGH]
    known = [i for i in known if rows[i]["cac"] == rows[i]["cac"]]
    if len(known) < 2:
        return []
    low, high = (pick(known, key=lambda i: rows[i]["cac"]) for pick in (min, max))
    sure = rows[low]["cac_high"] < rows[high]["cac_low"]
    key = "apart" if sure else "none_apart"
    ends = {"least": _said("end", look, rows[low]), "most": _said("end", look, rows[high])}
    return [(_text(key, look, **ends), int(not sure), [low, high], float("nan"))]


def _said(key: str, look: Look, row: Row, **values: str) -> str:
    """Return a text with the figures of a row."""
    lang, _, currency = look
    figures = {name: write(row[name], MONEY, lang, currency) for name in ("cac", "value")}
    for name in ("cac", "value"):
        ends = (row[f"{name}_low"], row[f"{name}_high"])
        figures[f"{name}_range"] = write_range(*ends, MONEY, lang, currency)
    figures["channel"] = plain(row["channel"])
    return _text(key, look, months=str(row["months"]), **figures | values)


def _text(key: str, look: Look, **values: str) -> str:
    lang, terms, _ = look
    return language.text(f"economics.{key}", lang, **nouns(lang, terms), **values)
