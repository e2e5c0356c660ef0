"""What is said of alerts and of weak signals."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kpi_helpers.alerts import FALSE_ALARMS
from kpi_helpers.alerts.raised import CHANCE, ENDED, FIGURES, MISSED
from kpi_helpers.alerts.weak import MONTHS, SEGMENT
from kpi_helpers.language import text
from kpi_helpers.units import PERCENT, write
from kpi_helpers.wording.lines import NO_MONEY, Line, Look, finds
from kpi_helpers.wording.told import Row, Told, plain
from kpi_helpers.wording.when import label_of

TOLD, NAMED = 2, 3


@finds("alerts")
def alert_findings(alerts: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return the alerts of the most money, how many others there are, and which are over.

    Parameters
    ----------
    alerts : DataFrame
        What `kpi_helpers.alerts.raised` returns.
    """
    rows = alerts.to_dict("records")
    going = [place for place, row in enumerate(rows) if row["status"] != ENDED]
    over = [place for place, row in enumerate(rows) if row["status"] == ENDED]
    lines: list[Line] = [
        (alert_line(rows[place], look), 0, [place], float(rows[place]["money_at_stake"]))
        for place in going[:TOLD]
    ]
    rest = [("more", going[TOLD:]), ("over", over)]
    said = [_counted(f"alerts.{key}", rows, places, look) for key, places in rest if places]
    if not going:
        said = [text("wording.alerts.none", look.lang), *said]
    return [*lines, (" ".join(said), 1, [*going[TOLD:], *over], NO_MONEY)] if said else lines


@finds("signals")
def signal_findings(signals: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return the weak signals of the most money, and the names of the others.

    Parameters
    ----------
    signals : DataFrame
        What `kpi_helpers.alerts.signals` returns.
    """
    rows = signals.to_dict("records")
    worse = [place for place, row in enumerate(rows) if row["verdict"] == "worse"]
    better = [place for place, row in enumerate(rows) if row["verdict"] != "worse"]
    lines: list[Line] = [
        (_signal(rows[place], look), int(not rows[place]["sure"]), [place], NO_MONEY)
        for place in worse[:TOLD]
    ]
    rest = [("more", worse[TOLD:]), ("better", better)]
    said = [_counted(f"signals.{key}", rows, places, look) for key, places in rest if places]
    if not rows:
        said = [text("wording.signals.none", look.lang)]
    return [*lines, (" ".join(said), 1, [*worse[TOLD:], *better], NO_MONEY)] if said else lines


def alert_line(row: Row, look: Look) -> str:
    """Return an alert as a sentence: the figure, why it is one, since when, who answers for it.

    Parameters
    ----------
    row
        One of `kpi_helpers.alerts.raised`.
    look
        Language, words and currency.
    """
    told, rule = told_of(row, look), str(row["rule"])
    since, until = (month_of(row[edge], look.lang) for edge in ("first", "last"))
    owner = {"owner": plain(row["owner"])}
    said = [
        _why(told, row, rule),
        told.text(f"alerts.{row['status']}", since=since, until=until),
        told.text("alerts.owner", **owner) if owner["owner"] else told.text("alerts.unowned"),
    ]
    return " ".join(said)


def rate_said(lang: str) -> str:
    """Return how often these rules give a false alarm."""
    rates = {rule: write(rate, PERCENT, lang) for rule, rate in FALSE_ALARMS.items()}
    return text("wording.alerts.rate", lang, **rates)


def told_of(row: Row, look: Look) -> Told:
    """Return the figure of an alert or a signal, with the group that it is of."""
    group = {row["dimension"]: row["scope"]} if row["dimension"] else {}
    figures = {name: row[name] for name in FIGURES} | {"status": "ok", "note": ""}
    return Told(figures | group, *look)


def _why(told: Told, row: Row, rule: str) -> str:
    if rule == CHANCE:
        of = told.figure(told.number("target"))
        target = told.text("alerts.of", target=of) if told.knows("target") else ""
        tenths = round(10 * float(row["chance"]))
        return told.text("alerts.chance", what=told.name("dated"), n=tenths, target=target)
    values = {"what": told.name("dated"), "value": told.value()} | _before(told)
    if rule != MISSED:
        return told.text(f"alerts.{rule}", **values)
    kinds = str(row["unusual"]).split(", ")
    unusual = ", ".join(told.text(f"alerts.{kind}", **values) for kind in kinds)
    target = told.figure(told.number("target"))
    return told.text("alerts.missed", **values, target=target, unusual=unusual)


def _signal(row: Row, look: Look) -> str:
    told, kind, verdict = told_of(row, look), str(row["kind"]), str(row["verdict"])
    values = {"what": told.name("dated"), "value": told.value()}
    if kind == MONTHS:
        key = kind if verdict == "worse" else f"{kind}_{verdict}"
        usual = told.figure(told.number("reference"))
        since = month_of(row["since"], look.lang)
        return told.text(f"signals.{key}", **values, reference=usual, since=since)
    if kind == SEGMENT:
        values["contribution"] = told.difference(float(row["contribution"]))
    return told.text(f"signals.{kind}", **values, **_before(told))


def _before(told: Told) -> dict[str, str]:
    if not told.knows("reference"):
        return {}
    return {"reference": told.figure(told.number("reference")), "when": told.reference_when()}


def _counted(key: str, rows: Sequence[Row], places: Sequence[int], look: Look) -> str:
    """How many others there are, and the names of the first."""
    names = list(dict.fromkeys(told_of(rows[place], look).name() for place in places))
    said = ", ".join(names[:NAMED])
    if len(names) > NAMED:
        said = text("wording.more", look.lang, names=said, n=len(names) - NAMED)
    return text(f"wording.{key}", look.lang, n=len(places), names=said)


def month_of(day: object, lang: str) -> str:
    """Return the month of a day (ISO text).

    Examples
    --------
    >>> month_of("2026-07-01", "fr")
    'juil. 2026'
    """
    start = pd.Timestamp(str(day)).replace(day=1)
    ends = {"start": start, "end": start + pd.offsets.MonthBegin()}
    return label_of(f"{start:%Y-%m}", ends, lang)
