"""The few sentences that a reader who stops early must have read."""

from __future__ import annotations

import pandas as pd

from kpi_helpers.actions import money_at_stake
from kpi_helpers.compare.verdicts import UNREADABLE
from kpi_helpers.language import Terms, text
from kpi_helpers.measure.judge import MISSING
from kpi_helpers.wording.sentences import sentence
from kpi_helpers.wording.told import OWN, Said, Told

CERTAIN = ("exact", "established")
NAMED = 5


def headline(
    frame: pd.DataFrame,
    lang: str,
    terms: Terms | None = None,
    limit: int = 10,
    currency: str = "EUR",
) -> list[str]:
    """Return the most important findings of a comparison, and what they lead one to propose.

    What is certain comes before what may be chance, then the most money at stake, then what is
    worse before what is better. What is too early, or has too few cases, comes last; a figure
    without target or reference is no finding.

    Parameters
    ----------
    frame : DataFrame
        What `kpi_helpers.compare` returns.
    lang, terms, currency
        As for `sentence`.
    limit : int
        Most sentences in all; the last one or two say what is proposed.
    """
    told = [Told(row, lang, terms, currency) for row in frame.to_dict("records")]
    stakes = money_at_stake(frame, [str(column) for column in frame if column not in OWN])
    ranked = sorted(zip(told, stakes, strict=True), key=lambda pair: _rank(pair[0], pair[1]))
    found = [each for each, _ in ranked if _is_finding(each)]
    proposed = _proposals(found)[:limit]
    first = found[: limit - len(proposed)]
    said = [sentence(each.row, lang, terms, currency) for each in first] + proposed
    return said or [text("wording.nothing", lang)]


def _is_finding(told: Told) -> bool:
    if told.certainty in UNREADABLE:
        return told.certainty != MISSING
    return told.aimed != "none" or told.changed != "no_reference"


def _rank(told: Told, stake: float) -> tuple[int, float, int]:
    """Place a finding: how sure it is, the money at stake where something is, its direction."""
    if told.certainty in UNREADABLE:
        return 2, 0.0, 0
    moved = told.changed in ("better", "worse", "changed")
    money = stake if (moved or told.aimed == "missed") and stake == stake else 0.0
    direction = 0 if _is_bad(told) else 1 if moved or told.aimed == "met" else 2
    return 0 if _is_certain(told) else 1, -money, direction


def _is_bad(told: Told) -> bool:
    return told.aimed == "missed" or (told.aimed == "none" and told.changed == "worse")


def _is_certain(told: Told) -> bool:
    """Tell whether the finding is sure; a change of a fact that nothing tests is no finding."""
    tested = told.aimed != "none" or told.knows("p_value")
    return told.certainty in CERTAIN and tested


def _proposals(found: list[Told]) -> list[str]:
    """Say what calls for an action, and what is missed but may be chance."""
    act = [each for each in found if _is_certain(each) and _is_bad(each)]
    wait = [e for e in found if e.certainty == "not_established" and e.aimed == "missed"]
    sentences = [("propose_action", act), ("propose_patience", wait)]
    return [told[0].text(key, names=_names(told)) for key, told in sentences if told]


def _names(told: list[Told]) -> str:
    names = ", ".join(f"{Said(each.name()):low}" for each in told[:NAMED])
    rest = len(told) - NAMED
    return told[0].text("more", names=names, n=rest) if rest > 0 else names
