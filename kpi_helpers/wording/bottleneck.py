"""What is said of bottlenecks, of what is lost at each step, and of what levers would bring."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from kpi_helpers.funnel.bottleneck import PASSING
from kpi_helpers.language import Terms, nouns, text, texts
from kpi_helpers.units import COUNT, DAYS, PERCENT, write, write_relative
from kpi_helpers.wording.landing import chances
from kpi_helpers.wording.lines import NO_MONEY, Line, Look, finds
from kpi_helpers.wording.passages import place_name
from kpi_helpers.wording.told import TIDY, Row, Told, plain

KNOWN, CHANCE, EARLY = 0, 1, 2
TIDY_ROWS = tuple(name for name in TIDY if name not in ("numerator", "denominator"))
AMOUNTS = ("value", "point", "lost", "booked", "target")


@finds("bottleneck")
def bottleneck_findings(found: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return which steps are bottlenecks, or that none is shown, and what cannot be read yet.

    Parameters
    ----------
    found : DataFrame
        What `kpi_helpers.funnel.bottlenecks` returns; `leak` and `levers` for the next two.
    """
    lang, terms, _ = look
    rows = found.to_dict("records")
    judged = found[found["verdict"].isin(["bottleneck", "worse"])].sort_values("rank")
    lines: list[Line] = []
    for place in judged.index[:2]:
        row, named = rows[place], rows[place]["verdict"] == "bottleneck"
        verdict = text(f"funnel.verdicts.{row['verdict']}", lang)
        said = _said(row["measure"], row, look, verdict=verdict)
        said += " " + _said(f"gain.{row['measure']}", row, look) if named else ""
        lines.append((said, KNOWN, [place], float(row["value"]) if named else NO_MONEY))
    if not lines:
        lines.append((_said("none", rows[0], look), CHANCE, range(len(rows)), NO_MONEY))
    unread = found[(found["verdict"] == "unread") & (found["measure"] == PASSING)]
    if len(unread):
        names = ", ".join(step_name(step, lang, terms) for step in unread["step"])
        said = _said("unread", rows[0], look, steps=names)
        lines.append((said, EARLY, [*unread.index], NO_MONEY))
    return lines


@finds("leak")
def leak_findings(found: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return at which step and for which reason most is lost; as for `bottleneck_findings`."""
    rows = found.to_dict("records")
    lines: list[Line] = []
    whole, enough = found["reason"].isna(), found["status"] == "ok"
    for key, of in (("most", whole), ("reason", ~whole & (found["reason"] != "") & enough)):
        value = found["value"].where(of, 0.0).to_numpy()
        place = int(value.argmax())
        if value[place] > 0:
            said = _said(key, rows[place], look, reason=plain(rows[place]["reason"]))
            # The first step always loses most: that money is not there to be won back.
            stake = NO_MONEY if key == "most" else float(value[place])
            lines.append((said, CHANCE if enough[place] else EARLY, [place], stake))
    if not lines:
        lines.append((_said("no_loss", rows[0], look), EARLY, range(len(rows)), NO_MONEY))
    return lines


@finds("levers")
def levers_findings(found: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return what is expected, and which lever brings most; as for `bottleneck_findings`."""
    rows = found.to_dict("records")
    brought = found[found["lever"] != "base"].groupby("lever", sort=False)["change"].sum()
    told = {"base": "base", str(brought.idxmax()): "most"}
    told.setdefault("cycle", "cycle")
    return [_of_both(f"levers.{key}", rows, lever, look) for lever, key in told.items()]


@finds("moved")
def moved_findings(found: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return what moved levers bring, what the cycle does alone, and how likely the target is.

    Parameters
    ----------
    found : DataFrame
        Rows of `kpi_helpers.funnel.levers`, the base first and the levers together last, with the
        ``target`` of their quarter, or none, and its ``chance``.
    """
    rows = found.to_dict("records")
    last, is_moved = len(rows) - 2, len(rows) > 2
    lines = [] if is_moved else [_of_both("levers.base", rows, "base", look)]
    for place in (0, 1) if is_moved else ():
        today = {f"base_{name}": said for name, said in _values(rows[place], look).items()}
        said = _said("levers.moved", rows[last + place], look, **today)
        lines.append((said, CHANCE, [place, last + place], NO_MONEY))
    if (found["lever"] == "cycle").any():
        lines.append(_of_both("levers.delay", rows, "cycle", look))
    for place in (0, 1):
        base, row = rows[place], rows[last + place]
        if row["target"] > 0:
            odds = {"chances": row["chance"], "base_chances": base["chance"]}
            told = {name: chances(chance, look.lang) for name, chance in odds.items()}
            said = _said("levers.target_moved" if is_moved else "levers.target", row, look, **told)
            lines.append((said, CHANCE, [place, last + place], NO_MONEY))
    return lines


@finds("what_ifs")
def what_if_findings(found: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return what each agreed scenario brings, and how likely the target is with it.

    Parameters
    ----------
    found : DataFrame
        What `kpi_helpers.funnel.agreed` returns.
    """
    rows, lines = found.to_dict("records"), list[Line]()
    for row in rows[2::2]:
        said, sure, places, money = _of_both("levers.scenario", rows, row["lever"], look)
        if row["target"] > 0:
            odds = {f"{of}chances": chances(row[f"{of}chance"], look.lang) for of in ("", "base_")}
            said += " " + _said("levers.target_moved", row, look, **odds)
        lines.append((said, sure, places, money))
    return lines


def step_name(step: str, lang: str, terms: Terms | None = None) -> str:
    """Return a step, called as everywhere, or a lever as it is told."""
    key = f"funnel.steps.{step}"
    known = key in texts(lang)
    return text(key, lang, **nouns(lang, terms)) if known else place_name(step, lang, terms)


def step_rows(found: pd.DataFrame, lang: str, terms: Terms | None) -> pd.DataFrame:
    """Return the rows of an analysis in money as `kpi_helpers.charts.bars` draws them."""
    names = [step_name(step, lang, terms) for step in found["step"]]
    return found[list(TIDY_ROWS)].assign(step=names)


def _said(key: str, row: Any, look: Look, **values: str) -> str:
    said = {**nouns(look.lang, look.terms), **_values(row, look), **values}
    return text(f"funnel.{key}", look.lang, **said)


def _of_both(key: str, rows: Sequence[Any], lever: str, look: Look) -> Line:
    """Say of a lever what it does in this quarter and in the next."""
    first, then = (place for place, row in enumerate(rows) if row["lever"] == lever)
    later = {f"next_{name}": said for name, said in _values(rows[then], look).items()}
    return _said(key, rows[first], look, **later), CHANCE, [first, then], NO_MONEY


def _values(row: Row, look: Look) -> dict[str, str]:
    """Return the figures of a row as they are told."""
    lang, terms, currency = look
    told = Told(row, lang, terms, currency)
    said = {name: told.figure(told.number(name)) for name in AMOUNTS if name in row}
    few = text("funnel.few", lang)
    said |= {
        "range": told.range() or few,
        "period": told.period(),
        "n": write(row["n"], COUNT, lang),
    }
    said["before"] = write(row.get("before"), COUNT, lang)
    said["mix"] = text("funnel.mix", lang) if row.get("has_channels") else ""
    said["step"] = step_name(row["step" if "step" in row else "lever"], lang, terms)
    said["change"] = told.difference(told.number("change"))
    said["factor"] = write_relative(row.get("factor", math.nan) - 1, lang, 0)
    unit = PERCENT if row.get("measure") == PASSING else DAYS
    return said | {n: write(row[n], unit, lang) for n in ("now", "reference", "best") if n in row}
