"""What is said of open deals: which no longer move, whether they are enough, whether dates hold."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kpi_helpers.language import Terms, nouns, text
from kpi_helpers.units import COUNT, MONEY, PERCENT, TIMES, write, write_compact, write_range
from kpi_helpers.wording.drivers import drivers_findings
from kpi_helpers.wording.lines import NO_MONEY, Line, Look, finds
from kpi_helpers.wording.sentences import sentence
from kpi_helpers.wording.when import label_of

KNOWN, CHANCE, MOST = 0, 1, 3
BANDS = ("amount_band", "times_put_off")


@finds("next_steps")
def stalled_findings(steps: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return how many open deals no longer move, and what to do with them.

    Parameters
    ----------
    steps : DataFrame
        What `kpi_helpers.funnel.next_steps` returns.
    """
    lang, terms, currency = look
    lines = []
    for place, row in enumerate(steps.to_dict("records")):
        if row["next"] not in ("stalled", "revive", "close") or not row["n"]:
            continue
        reasons = [
            text(f"pipeline.{why}", lang, n=write(row[why], COUNT, lang))
            for why in ("over", "late", "quiet")
            if row[why]
        ]
        counts = {"n": write(row["n"], COUNT, lang), "why": ", ".join(reasons)}
        sums = {of: write_compact(row[of], lang, currency) for of in ("amount", "expected")}
        rates = {of: write(row[of], PERCENT, lang) for of in ("share", "win_rate")}
        told = {**counts, **sums, **rates, "open": write(steps["n"].iloc[0], COUNT, lang)}
        priced = row["n"] > row["unpriced"] and pd.notna(row["expected"])
        said = text(f"pipeline.{row['next']}", lang, **told, **nouns(lang, terms))
        said += text("pipeline.worth" if priced else "pipeline.unpriced", lang, **told)
        stake = row["expected"] if priced and row["next"] != "stalled" else NO_MONEY
        lines.append((said, KNOWN, [0, place], stake))
    if not lines:
        n = write(steps["n"].iloc[0], COUNT, lang)
        said = text("pipeline.none", lang, n=n, **nouns(lang, terms))
        lines = [(said, KNOWN, [0], NO_MONEY)]
    return lines


def movement_findings(
    steps: pd.DataFrame,
    lang: str,
    terms: Terms | None = None,
    currency: str = "EUR",
    table: str = "movement",
) -> pd.DataFrame:
    """Return how far the open pipeline or its velocity moved, which is no money to be won.

    Parameters
    ----------
    steps : DataFrame
        What `kpi_helpers.funnel.movement` or `kpi_helpers.drivers.velocity_chain` returns.
    lang, terms, currency, table
        As for `stalled_findings`.
    """
    return drivers_findings(steps, lang, terms, currency, table).assign(money_at_stake=NO_MONEY)


@finds("coverage")
def coverage_findings(covered: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return how the pipeline due stands beside what the win rate requires.

    Parameters
    ----------
    covered : DataFrame
        What `kpi_helpers.funnel.coverage` returns.
    """
    lang, terms, currency = look
    row = covered.iloc[0].to_dict()
    told = {name: write(row[name], TIMES, lang) for name in ("coverage", "required")}
    told |= {name: write_compact(row[name], lang, currency) for name in ("due", "missing")}
    told["win_rate"] = write(row["win_rate"], PERCENT, lang)
    told["range"] = write_range(row["low"], row["high"], TIMES, lang)
    period, n = label_of(row["period"], row, lang), write(row["n"], COUNT, lang)
    said = text("pipeline.covers", lang, period=period, n=n, **told, **nouns(lang, terms))
    said += text(f"pipeline.{row['verdict']}", lang)
    sure = CHANCE if row["verdict"] == "open" else KNOWN
    short = row["missing"] - row["due"] * row["win_rate"]
    stake = short if row["verdict"] == "short" else NO_MONEY
    return [(said, sure, [0], stake)]


@finds("slipped")
def bands_findings(compared: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return the bands of deals that differ for certain, or of the first one that it does not.

    Parameters
    ----------
    compared : DataFrame
        What `kpi_helpers.funnel.slipped` or `put_off` returns.
    """
    lang, terms, currency = look
    rows = with_bands(compared, lang, currency).to_dict("records")
    told = [(place, row) for place, row in enumerate(rows) if pd.notna(row["change"])]
    sure = [(place, row) for place, row in told if row["change_verdict"] in ("better", "worse")]
    worth = compared["worth"] if "worth" in compared else pd.Series(NO_MONEY, compared.index)
    stakes = compared["change"] * compared["n"] * worth
    lines = [
        (
            sentence(row, lang, terms, currency),
            KNOWN if sure else CHANCE,
            [place],
            stakes.iloc[place] if row["change_verdict"] == "worse" else NO_MONEY,
        )
        for place, row in (sure or told[:1])[:MOST]
    ]
    return lines


def with_bands(compared: pd.DataFrame, lang: str, currency: str = "EUR") -> pd.DataFrame:
    """Return what `kpi_helpers.funnel.slipped` or `put_off` returns with bands a reader knows."""
    column = next(name for name in BANDS if name in compared)
    cut = write(compared["cut"].iloc[0], MONEY, lang, currency) if "cut" in compared else ""
    names = {
        band: text(f"pipeline.{column}.{str(band).strip('+')}", lang, cut=cut)
        for band in compared[column].dropna().unique()
    }
    named = compared.assign(**{column: compared[column].map(names)})
    return named.drop(columns=["cut", "worth"], errors="ignore")
