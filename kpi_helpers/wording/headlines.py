"""The few sentences that a reader who stops early must have read."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from kpi_helpers.compare.stake import money_at_stake
from kpi_helpers.compare.verdicts import UNREADABLE
from kpi_helpers.language import Terms, text
from kpi_helpers.measure.judge import MISSING
from kpi_helpers.wording.sentences import sentence
from kpi_helpers.wording.told import OWN, Told
from kpi_helpers.wording.when import short_label

# kind, sentence, places of the rows behind it, sureness, minus the money at stake
Line = tuple[str, str, list[int], int, float]

CERTAIN = ("exact", "established")
NAMED = 5


def headline(
    frame: pd.DataFrame,
    lang: str,
    terms: Terms | None = None,
    limit: int = 10,
    currency: str = "EUR",
) -> list[str]:
    """Return the sentences of `findings`."""
    return list(findings(frame, lang, terms, limit, currency)["sentence"])


def findings(
    frame: pd.DataFrame,
    lang: str,
    terms: Terms | None = None,
    limit: int = 10,
    currency: str = "EUR",
    table: str = "compared",
) -> pd.DataFrame:
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
    table : str
        Name under which the frame is handed on.

    Returns
    -------
    pandas.DataFrame
        Columns ``kind`` (``finding``, ``propose_action``, ``propose_patience`` or ``nothing``),
        ``sentence``, ``sureness`` (0 certain, 1 may be chance, 2 too early or too few),
        ``money_at_stake`` where the finding is of money, and ``table`` with ``rows``: the numbers
        of the rows behind it, the first being 1.
    """
    told = _told(frame, lang, terms, currency)
    stakes = money_at_stake(frame, [str(column) for column in frame if column not in OWN])
    ranks = [_rank(each, stake) for each, stake in zip(told, stakes, strict=True)]
    places = sorted(range(len(told)), key=ranks.__getitem__)
    places = [place for place in places if _is_finding(told[place])]
    proposed = _proposals(told, places)[:limit]
    said = [
        ("finding", sentence(told[p].row, lang, terms, currency), [p], *ranks[p][:2])
        for p in places[: limit - len(proposed)]
    ] + proposed
    said = said or [("nothing", text("wording.nothing", lang), [], 2, 0.0)]
    rows = [", ".join(str(place + 1) for place in behind) for _, _, behind, *_ in said]
    return pd.DataFrame(
        {
            "kind": [kind for kind, *_ in said],
            "sentence": [words for _, words, *_ in said],
            "sureness": [sure for *_, sure, _ in said],
            "money_at_stake": [-money or None for *_, money in said],
            "table": [table if behind else "" for behind in rows],
            "rows": rows,
        }
    ).astype({"money_at_stake": float})


def aims(frame: pd.DataFrame, lang: str, terms: Terms | None = None, currency: str = "EUR") -> str:
    """Return which targets a comparison shows to be missed or met for certain, by name.

    Parameters
    ----------
    frame, lang, terms, currency
        As for `headline`.
    """
    told = _told(frame, lang, terms, currency)
    aimed = [each for each in told if each.aimed != "none"]
    if not aimed:
        return moves(frame, lang, terms, currency)
    certain = [each for each in aimed if _is_certain(each)]
    kinds = {kind: [e for e in certain if e.aimed == kind] for kind in ("missed", "met")}
    return _overview("aims", aimed[0], kinds)


def moves(frame: pd.DataFrame, lang: str, terms: Terms | None = None, currency: str = "EUR") -> str:
    """Return which changes a comparison establishes, for the worse and for the better, by name.

    Parameters
    ----------
    frame, lang, terms, currency
        As for `headline`.
    """
    told = _told(frame, lang, terms, currency)
    tested = [each for each in told if each.knows("p_value")]
    if not tested:
        return text("wording.nothing", lang)
    kinds = {
        kind: [e for e in tested if e.changed == kind] for kind in ("worse", "better", "changed")
    }
    one = tested[0]
    if _beside_others(one):
        return _overview("others", one, kinds)
    before = short_label(str(one.row["reference_period"]), one.row, lang)
    return _overview("moves", one, kinds, reference=before)


def _overview(key: str, one: Told, kinds: Mapping[str, list[Told]], **values: str) -> str:
    """Join what is said of each kind; each names its first few."""
    said = [
        one.text(f"overview.{key}_{kind}", names=_names(told))
        for kind, told in kinds.items()
        if told
    ]
    found = (
        text("wording.overview.join", one.lang).join(said)
        if said
        else one.text(f"overview.{key}_none", **values)
    )
    return one.text("said", what=one.period(), figure=found)


def _beside_others(told: Told) -> bool:
    return bool(told.row["reference_period"] == told.row["period"])


def _told(frame: pd.DataFrame, lang: str, terms: Terms | None, currency: str) -> list[Told]:
    return [Told(row, lang, terms, currency) for row in frame.to_dict("records")]


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


def _proposals(told: list[Told], places: list[int]) -> list[Line]:
    """Say what calls for an action, and what is missed but may be chance."""
    act = [p for p in places if _is_certain(told[p]) and _is_bad(told[p])]
    wait = [
        p for p in places if told[p].certainty == "not_established" and told[p].aimed == "missed"
    ]
    lines = []
    for sure, (kind, behind) in enumerate((("propose_action", act), ("propose_patience", wait))):
        named = [told[place] for place in behind]
        if named:
            said = named[0].text(kind, names=_names(named))
            lines.append((kind, said, behind, sure, 0.0))
    return lines


def _names(told: list[Told]) -> str:
    """Name the first few; the groups of one KPI stand together behind its name."""
    groups: dict[str, list[str]] = {}
    for each in told[:NAMED]:
        groups.setdefault(f"{each.kpi_name():low}", []).extend(each.groups())
    one = told[0]
    names = ", ".join(
        one.text("grouped", what=what, group=", ".join(those)) if those else what
        for what, those in groups.items()
    )
    rest = len(told) - NAMED
    return told[0].text("more", names=names, n=rest) if rest > 0 else names
