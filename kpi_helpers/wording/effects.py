"""Whether actions worked beside what was announced, what is due, and which targets to revise."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kpi_helpers.language import nouns, text
from kpi_helpers.units import (
    COUNT,
    PERCENT,
    POINTS,
    write,
    write_compact,
    write_date,
    write_relative,
)
from kpi_helpers.wording.lines import NO_MONEY, Line, Look, finds
from kpi_helpers.wording.told import Row, Said, Told, plain

MOST = 3
SURENESS = {"established": 0, "opposite": 0, "not_conclusive": 1, "not_measurable": 2}
VERDICTS = ("established", "opposite", "not_conclusive")
WAITING, UNDONE = ("not_started", "dropped"), ("late", "open", "planned")


@finds("effects")
def effects_findings(found: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return what each action changed, beside what was announced, the surest first.

    Parameters
    ----------
    found : DataFrame
        What `kpi_helpers.actions.effects` returns.
    """
    told = found[~found["reason"].isin(WAITING)].reset_index(names="place")
    told = told.sort_values("verdict", key=lambda of: of.map(SURENESS), kind="stable")
    return [
        (effect_said(row, look), SURENESS[row["verdict"]], [row["place"]], NO_MONEY)
        for row in told.head(MOST).to_dict("records")
    ]


@finds("decided")
def decided_findings(found: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return how many of the last year's actions are done and worked, and what means another thing.

    Parameters
    ----------
    found : DataFrame
        What `kpi_helpers.actions.decided` returns.
    """
    recent = found[found["recent"].astype(bool)].reset_index(names="place")
    begun = recent[recent["kind"] == "action"]
    lines: list[Line] = []
    if len(begun):
        counts = {of: int((begun["state"] == of).sum()) for of in ("done", "done_late", "late")}
        counts |= {of: int((begun["outcome"] == of).sum()) for of in VERDICTS}
        counts |= {"all_done": counts["done"] + counts["done_late"]}
        counts |= {"measured": sum(counts[of] for of in VERDICTS)}
        said = _said("begun", look, n=len(begun), **counts)
        lines.append((said, 0, begun["place"].tolist(), NO_MONEY))
    for row in recent[recent["kind"] == "definition"].to_dict("records")[:MOST]:
        what = {"label": row["label"], "what": plain(row["what"])}
        said = _said("redefined", look, **what, day=write_date(row["date"], look.lang))
        lines.append((said, 0, [row["place"]], NO_MONEY))
    return lines


@finds("register")
def register_findings(found: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return which actions are late, and which announce less than could be seen.

    Parameters
    ----------
    found : DataFrame
        What `kpi_helpers.actions.effects` returns.
    """
    lines: list[Line] = []
    for place, row in enumerate(found.to_dict("records")):
        key = ""
        if row["state"] == "late":
            key = "is_late"
        elif row["state"] in UNDONE and abs(row["announced"]) < row["detectable"]:
            key = "unseen"
        if key:
            values = {"announced": announced(row, look), "least": least(row, look)}
            said = _said(key, look, action=plain(row["action"]), **values, due=_due(row, look))
            lines.append((said, 0, [place], NO_MONEY))
    return lines[:MOST]


@finds("revised")
def revised_findings(found: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return which targets to revise as what each sale is worth has changed.

    Parameters
    ----------
    found : DataFrame
        What `kpi_helpers.actions.revised` returns.
    """
    lines = []
    for place, row in enumerate(found.to_dict("records")):
        changed = row["change_verdict"] in ("better", "worse", "changed")
        money = {of: Told(row, *look).figure(row[of]) for of in ("target", "revised")}
        money |= {of: Told(row, *look).figure(row[of]) for of in ("value", "reference")}
        counts = {of: write(row[of], COUNT, look.lang, digits=0) for of in ("needed",)}
        names = {"label": row["label"], "basket": row["basket"]}
        said = _said("revise" if changed else "keep", look, **names, **money, **counts)
        lines.append((said, 0 if changed else 1, [place], NO_MONEY))
    return lines


def first_said(ranked: pd.DataFrame, look: Look) -> str:
    """Return which proposal of `kpi_helpers.actions.ranked` to begin with, if there is any."""
    if ranked.empty:
        return _said("nothing_first", look)
    row = ranked.iloc[0]
    key = f"suggestion.{row['suggestion'] or 'check'}"
    usual = Said(_said(key, look))
    score = write_compact(row["score"], look.lang, look.currency)
    return _said("first", look, label=row["label"], suggestion=usual, score=score)


def proposed_said(row: Row, lang: str) -> str:
    """Say what a report found: of a comparison by its KPI, of an analysis in its own sentence."""
    found = str(row["finding"])
    if found not in ("target_missed", "worse"):
        return found
    return text(f"sheets.decide.{found}", lang, what=row["label"])


def effect_said(row: Row, look: Look) -> str:
    """Return the sentence of an action's effect."""
    action = plain(row["action"])
    if row["verdict"] == "not_measurable":
        reason = reason_said(row, look)
        return _said("unmeasured", look, action=action, reason=reason)
    how = "two_groups" if row["method"] == "two_groups" else "series"
    low, high = change_of(row, look).change_ends()
    ends = {"low": low, "high": high}
    relative = write_relative(row["relative"], look.lang, digits=0)
    effect = _change(row, "effect", look)
    said = _said(how, look, action=action, effect=effect, **ends, relative=relative)
    if announced(row, look):
        said += _said("announced", look, announced=announced(row, look))
    key = f"told.{row['verdict']}_{row['agreed'] or 'yes'}"
    said += _said(key, look, least=least(row, look))
    doubts = [row["reason"], "late" if row["late_start"] else ""]
    return said + "".join(_said(f"doubt.{each}", look) for each in doubts if each)


def reason_said(row: Row, look: Look) -> str:
    """Return why an effect cannot be measured, believed or held against; nothing where it can."""
    values = {"kpi": plain(row["kpi"]), "label": plain(row["label"]), "note": row["note"]}
    reasons = [each for each in (row["reason"], row["flag"]) if each]
    return " ".join(_said(f"reason.{each}", look, **values) for each in reasons)


def announced(row: Row, look: Look) -> str:
    """Return the expected effect as it was announced; nothing where it has no unit."""
    if pd.notna(row["announced_relative"]):
        return write_relative(row["announced_relative"], look.lang, digits=0)
    return _change(row, "announced", look) if pd.notna(row["announced"]) else ""


def least(row: Row, look: Look) -> str:
    """Return the least effect that could be seen, without a sign."""
    value, unit = row["detectable"], row["unit"]
    if unit == PERCENT:
        return write(100 * value, POINTS, look.lang)
    return Told(row, *look).figure(value)


def change_of(row: Row, look: Look) -> Told:
    """Return the effect as a change with its range."""
    ends = {"change": row["effect"], "change_low": row["low"], "change_high": row["high"]}
    return Told({**row, **ends}, *look)


def _change(row: Row, of: str, look: Look) -> str:
    return Told(row, *look).difference(row[of])


def _due(row: Row, look: Look) -> str:
    return write_date(row["due_date"], look.lang) if pd.notna(row["due_date"]) else ""


def _said(key: str, look: Look, **values: object) -> str:
    return text(f"effects.{key}", look.lang, **nouns(look.lang, look.terms), **values)
