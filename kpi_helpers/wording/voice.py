"""What is said of what customers say: the score and its change, who answers, what comes up."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kpi_helpers.language import text
from kpi_helpers.periods.names import read
from kpi_helpers.units import COUNT, PERCENT, POINTS, write, write_change, write_range
from kpi_helpers.units import write_change_range as write_difference
from kpi_helpers.voice import SURE
from kpi_helpers.wording.lines import NO_MONEY, Line, Look, finds
from kpi_helpers.wording.told import Row, Told, plain, subject
from kpi_helpers.wording.when import label_of

KNOWN, CHANCE = 0, 1
LOW_RESPONSE, NAMED = 0.25, 3
KEYS = {"worse": "fell", "better": "rose", "none_shown": "none_shown", "no_reference": "alone"}


@finds("rounds")
def voice_findings(rounds: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return what the last round says beside the one before, and how many answered it.

    Parameters
    ----------
    rounds : DataFrame
        What `kpi_helpers.voice.rounds` returns.
    """
    lang, terms, currency = look
    place, row = len(rounds) - 1, rounds.iloc[-1].to_dict()
    told = Told(row, lang, terms, currency)
    said = text(
        f"voice.{KEYS[row['change_verdict']]}",
        lang,
        **{"what": told.kpi_name(), "wave": wave(row["wave"], row, lang)},
        **{"before": wave(row["reference_wave"], row, lang), "n": told.cases(row["n"])},
        **{"value": _points(row["value"], lang), "range": _range(row, lang)},
        reference=_points(row["reference"], lang),
        change=write_change(row["change"], POINTS, lang),
        change_range=write_difference(row["change_low"], row["change_high"], POINTS, lang),
    )
    sure = KNOWN if row["change_verdict"] in ("better", "worse") else CHANCE
    lines: list[Line] = [(said, sure, [place - 1, place] if place else [place], NO_MONEY)]
    few = row["response"] < LOW_RESPONSE
    key = "unknown" if pd.isna(row["response"]) else "answered_few" if few else "answered"
    counted = {"response": write(row["response"], PERCENT, lang)}
    counted["invited"] = write(row["invited"], COUNT, lang)
    lines.append((text(f"voice.{key}", lang, **counted), CHANCE, [place], NO_MONEY))
    return lines


@finds("parts")
def parts_findings(parts: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return which groups differ from the others, and whether some answer less than others.

    Parameters
    ----------
    parts : DataFrame
        What `kpi_helpers.voice.parts` returns.
    """
    lang = look.lang
    apart = parts[parts["change_verdict"].isin(["better", "worse"])].sort_values("p_value")
    lines: list[Line] = []
    for place, row in apart.head(NAMED - 1).iterrows():
        within = write_difference(row["change_low"], row["change_high"], POINTS, lang)
        values = {"value": _points(row["value"], lang), "range": _range(row.to_dict(), lang)}
        values |= {"reference": _points(row["reference"], lang), "change_range": within}
        said = text("voice.part", lang, group=subject(row["group"], lang), **values)
        lines.append((said, KNOWN, [int(str(place))], NO_MONEY))
    if not lines:
        ends = {"low": parts["value"].min(), "high": parts["value"].max()}
        values = {name: _points(value, lang) for name, value in ends.items()}
        said = text("voice.no_part", lang, n=len(parts), **values)
        lines.append((said, CHANCE, range(len(parts)), NO_MONEY))
    if parts["response_p"].iloc[0] < SURE:
        ends = {"few": parts["response"].idxmin(), "many": parts["response"].idxmax()}
        values = {name: plain(parts["group"][place]) for name, place in ends.items()}
        shares = parts["response"].agg(["min", "max"])
        low, high = (write(share, PERCENT, lang) for share in shares)
        said = text("voice.uneven", lang, low=low, high=high, **values)
        lines.append((said, KNOWN, [int(place) for place in ends.values()], NO_MONEY))
    return lines


@finds("themes")
def themes_findings(themes: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return what comments name most often.

    Parameters
    ----------
    themes : DataFrame
        What `kpi_helpers.voice.themes` returns.
    """
    lang = look.lang
    first = themes.head(NAMED).to_dict("records")
    said = [
        text(
            "voice.theme",
            lang,
            theme=text(f"voice.themes.{row['theme']}", lang),
            value=write(row["value"], PERCENT, lang),
            range=write_range(row["low"], row["high"], PERCENT, lang),
        )
        for row in first
    ]
    n = write(themes["n"].iloc[0], COUNT, lang)
    sentence = text("voice.most_said", lang, n=n, themes=", ".join(said))
    return [(sentence, CHANCE, range(len(first)), NO_MONEY)]


def wave(name: str, row: Row, lang: str) -> str:
    """Return the name of a round; one that is called by a period, as that is written."""
    return label_of(name, row, lang) if name and read(name, 1) else plain(name)


def _points(value: float, lang: str) -> str:
    return write(value, POINTS, lang)


def _range(row: Row, lang: str) -> str:
    return write_range(row["low"], row["high"], POINTS, lang)
