"""What is said of a funnel: how many get through, where that changed, who differs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from kpi_helpers.funnel.passages import OWN as OF_PASSAGES
from kpi_helpers.language import Terms, nouns, text, texts
from kpi_helpers.measure.judge import IMMATURE, OK
from kpi_helpers.units import COUNT, PERCENT, write, write_range
from kpi_helpers.wording.lines import NO_MONEY, Line, Look, finds
from kpi_helpers.wording.sentences import sentence
from kpi_helpers.wording.told import plain
from kpi_helpers.wording.when import label_of

KNOWN, CHANCE, EARLY, MOST = 0, 1, 2, 3


def place_name(step: str, lang: str, terms: Terms | None = None) -> str:
    """Return the name of a step; a stage bears its own."""
    key = f"passages.steps.{step}"
    return text(key, lang, **nouns(lang, terms)) if key in texts(lang) else plain(step)


def _names(passages: pd.DataFrame, lang: str, terms: Terms | None) -> dict[int, str]:
    """Return the name of each place; places of one name bear their number too."""
    steps = dict(zip(passages["place"] - 1, passages["after"], strict=True))
    steps |= dict(zip(passages["place"], passages["step"], strict=True))
    names = {place: place_name(steps[place], lang, terms) for place in sorted(steps)}
    said = [*names.values()]
    return {
        place: f"{name} ({place + 1})" if said.count(name) > 1 else name
        for place, name in names.items()
    }


def passage_rows(
    passages: pd.DataFrame,
    lang: str,
    terms: Terms | None = None,
    currency: str = "EUR",
    short: bool = False,
) -> pd.DataFrame:
    """Return passages as rows of a comparison, each step as a KPI of its own.

    Parameters
    ----------
    passages : DataFrame
        What a function of `kpi_helpers.funnel` returns of passages.
    lang, terms, currency
        As for `kpi_helpers.wording.sentence`.
    short : bool
        Whether only the step that is reached is named, behind its arrow.

    Returns
    -------
    pandas.DataFrame
        As `kpi_helpers.compare` returns, for charts and tables of such.
    """
    names = _names(passages, lang, terms)
    label = [
        text(
            "passages.step", lang, before="" if short else names[place - 1], step=names[place]
        ).strip()
        for place in passages["place"]
    ]
    return passages.assign(kpi=label, label=label).drop(columns=list(OF_PASSAGES), errors="ignore")


def funnel_rows(
    conversion: pd.DataFrame, lang: str, terms: Terms | None = None, currency: str = "EUR"
) -> pd.DataFrame:
    """Return a funnel read three ways, for `kpi_helpers.charts.bars` by step.

    Those old enough as a share of all that entered; the newest, which it is too early to read; and
    the reading that misleads, where those at a step now are set beside those at the first one.

    Parameters
    ----------
    conversion : DataFrame
        What `kpi_helpers.funnel.conversion` returns.
    lang, terms, currency
        As for `kpi_helpers.wording.sentence`.
    """
    told = conversion.assign(step=conversion["place"].map(_names(conversion, lang, terms)))
    told = told[["unit", "better", "period", "start", "end", "method", "note", "step"]]
    told = told.assign(low=math.nan, high=math.nan, numerator=math.nan, denominator=math.nan)
    whole = {"value": "whole", "low": "whole_low", "high": "whole_high"}
    limits = conversion[[*whole.values()]].set_axis([*whole], axis=1)
    young = conversion["so_far"] / conversion["young"].where(conversion["young"] > 0)
    frames = {
        "whole": told.assign(n=conversion["started"], status=conversion["status"], **limits),
        "young": told.assign(n=conversion["young"], status=IMMATURE, value=young),
        "naive": told.assign(n=conversion["standing"], status=OK, value=conversion["naive"]),
    }
    named = [
        rows.assign(kpi=name, label=text(f"passages.{name}", lang))
        for name, rows in frames.items()
        if rows["value"].notna().any()
    ]
    return pd.concat(named, ignore_index=True)


@finds("conversion")
def conversion_findings(conversion: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return how many got through, and the steps that changed for certain.

    Parameters
    ----------
    conversion : DataFrame
        What `kpi_helpers.funnel.conversion` or `checkout` returns.
    """
    lang, terms, _ = look
    first, last = conversion.iloc[0], conversion.iloc[-1]
    names = _names(conversion, lang, terms)
    lines = _moved(conversion, lang, terms)
    if math.isfinite(last["whole"]):
        window = conversion.get("window", pd.Series([None])).iloc[0]
        within = "" if pd.isna(window) else text("passages.within", lang, window=int(window))
        said = text(
            "passages.through",
            lang,
            value=write(last["whole"], PERCENT, lang),
            first=names[first["place"] - 1],
            last=names[last["place"]],
            within=within,
            started=write(last["started"], COUNT, lang),
            k=write(last["numerator"], COUNT, lang),
            range=write_range(last["whole_low"], last["whole_high"], PERCENT, lang),
        )
        if last["young"] > 0:
            young = text("passages.newest", lang, young=write(last["young"], COUNT, lang))
            said = f"{said} {young}"
        if "window" not in conversion:
            counts = {name: write(last[name], COUNT, lang) for name in ("numerator", "n")}
            share = write(last["value"], PERCENT, lang)
            said = f"{said} {text('passages.last', lang, value=share, **counts)}"
        known = [line for line in lines if line[1] != EARLY]
        lines = [(said, CHANCE, [len(conversion) - 1], NO_MONEY), *known]
    return lines[:MOST]


@finds("passages")
def passages_findings(passages: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return the steps of which the last figure that can be read changed for certain.

    Parameters
    ----------
    passages : DataFrame
        What `kpi_helpers.funnel.trend` or `around` returns.
    """
    lang, terms, _ = look
    lines = _moved(passages, lang, terms)[:MOST]
    if lines and "event" in passages and passages["event"].iloc[0]:
        event = plain(passages["event"].iloc[0])
        lines = [
            (text("passages.since", lang, event=event, said=said), sure, rows, money)
            for said, sure, rows, money in lines
        ]
    return lines


def _moved(passages: pd.DataFrame, lang: str, terms: Terms | None) -> list[Line]:
    """A line for each step that moved for certain, the surest first; else that none did."""
    rows = passage_rows(passages, lang, terms)
    read = rows[rows["change"].notna()].sort_values("start", kind="stable")
    read = read.groupby("kpi").tail(1)
    sure = read[read["change_verdict"].isin(["worse", "better"])].sort_values("p_adjusted")
    lines: list[Line] = [
        (sentence(row, lang, terms), KNOWN, [place], NO_MONEY)
        for place, row in zip(sure.index.to_list(), sure.to_dict("records"), strict=True)
    ]
    if lines:
        return lines
    if read.empty:
        return [(text("passages.unread", lang), EARLY, range(len(passages)), NO_MONEY)]
    last = read.to_dict("records")[-1]
    said = text("passages.same", lang, reference=label_of(last["reference_period"], last, lang))
    return [(said, CHANCE, sorted(read.index.to_list()), NO_MONEY)]
