"""What is said of calls and of answers to leads."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kpi_helpers.language import nouns, text
from kpi_helpers.units import COUNT, PERCENT, write, write_range
from kpi_helpers.wording.lines import NO_MONEY, Line, Look, finds
from kpi_helpers.wording.told import TIDY, Told

KNOWN, CHANCE, MOST = 0, 1, 3


@finds("missed")
def missed_findings(missed: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return when calls are missed more often than usual for certain, the most of them first.

    Parameters
    ----------
    missed : DataFrame
        What `kpi_helpers.outreach.missed` returns.
    """
    lang = look.lang
    lines: list[Line] = []
    blocks = [rows for _, rows in missed.groupby("block")]
    surplus = [float((rows["k"] - rows["n"] * rows["usual_value"]).sum()) for rows in blocks]
    for _, rows in sorted(zip(surplus, blocks, strict=True), key=lambda pair: -pair[0])[:MOST]:
        row = rows.iloc[0]
        said = text(
            "outreach.block",
            lang,
            day=text(f"outreach.days.{row['weekday']}", lang),
            start=hour(row["block_from"], lang),
            end=hour(row["block_to"], lang),
            usual=write(row["usual_value"], PERCENT, lang),
            **{name: write(row[name], COUNT, lang) for name in ("usual_k", "usual_n")},
            **share(row["block_k"], row["block_n"], row["block_low"], row["block_high"], lang),
        )
        lines.append((said, KNOWN, [int(place) for place in rows.index], NO_MONEY))
    if not lines:
        row = missed.iloc[0]
        whole = share(row["usual_k"], row["usual_n"], row["usual_low"], row["usual_high"], lang)
        said = text("outreach.no_block", lang, **whole)
        lines.append((said, CHANCE, range(len(missed)), NO_MONEY))
    return lines


@finds("call_steps")
def calls_findings(steps: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return in one sentence what becomes of calls.

    Parameters
    ----------
    steps : DataFrame
        What `kpi_helpers.outreach.call_steps` returns.
    """
    lang, terms, _ = look
    said = []
    for row in steps.to_dict("records"):
        values = {"value": write(row["value"], PERCENT, lang)}
        values["pending"] = write(row["pending"], COUNT, lang)
        said.append(text(f"outreach.{row['step']}", lang, **values, **nouns(lang, terms)))
    n = write(steps["n"].iloc[0], COUNT, lang)
    sentence = text("outreach.chain", lang, n=n, parts=", ".join(said))
    return [(sentence, CHANCE, range(len(steps)), NO_MONEY)]


@finds("responses")
def responses_findings(responses: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return, a KPI a sentence, what becomes of leads that had the soonest answer.

    Parameters
    ----------
    responses : DataFrame
        What `kpi_helpers.outreach.responses` returns.
    """
    lang, terms, currency = look
    lines = []
    for place, row in responses.drop_duplicates("kpi").iterrows():
        told = Told({name: row[name] for name in TIDY}, lang, terms, currency)
        key = "same" if row["apart"] == "none_shown" else row["apart"]
        said = text(
            f"outreach.{key}",
            lang,
            what=told.kpi_name(),
            band=text(f"outreach.bands.{row['band']}", lang),
            value=told.figure(row["value"]),
            range=told.range(),
            rest=told.figure(row["rest"]),
            **nouns(lang, terms),
        )
        lines.append((said, CHANCE, [int(str(place))], NO_MONEY))
    return lines[:MOST]


def hour(number: float, lang: str) -> str:
    """Return an hour of the day."""
    return text("outreach.hour_of", lang, hour=int(number))


def share(k: float, n: float, low: float, high: float, lang: str) -> dict[str, str]:
    """Return k of n as words of a sentence: ``k, n, value, range``."""
    said = {"k": write(k, COUNT, lang), "n": write(n, COUNT, lang)}
    said["range"] = write_range(low, high, PERCENT, lang)
    return said | {"value": write(k / n, PERCENT, lang)}
