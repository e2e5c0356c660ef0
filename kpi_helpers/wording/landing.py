"""What is said of where the quarter lands, of what would move it, and of past forecasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from kpi_helpers.language import nouns, text
from kpi_helpers.measure.judge import OK
from kpi_helpers.units import COUNT, DAYS, PERCENT, write, write_compact
from kpi_helpers.wording.lines import NO_MONEY, Line, Look, finds
from kpi_helpers.wording.when import label_of

KNOWN, CHANCE, EARLY = 0, 1, 2
# Below this chance a target calls for a decision, and above the rest it is as good as reached.
TENTH, SELDOM = 0.1, 0.2
FROM, SHOCKS = {"win_rate": PERCENT, "cycle": DAYS}, ("win_rate", "cycle", "key_deal")


@finds("landing")
def landing_findings(quarter: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return where the quarter lands, and how likely its target is.

    Parameters
    ----------
    quarter : DataFrame
        The ``quarter`` that `kpi_helpers.landing.landing` returns.
    """
    lang, _, currency = look
    row = quarter.iloc[0].to_dict()
    names = ("value", "low", "high", "target", "booked")
    told = {name: write_compact(row[name], lang, currency) for name in names}
    told |= {"period": label_of(row["period"], row, lang)}
    told["rest"] = text("landing.booked", lang, **told) if row["booked"] > 0 else ""
    told["lands"], chance = text("landing.lands", lang, **told), row["chance"]
    if pd.isna(chance):
        said = text("landing.no_target", lang, **told)
    else:
        told["decide"] = text("landing.decide", lang) if chance < SELDOM else ""
        told |= {"chances": chances(chance, lang), "needed": _needed(row["deals_needed"], look)}
        said = text("landing.target", lang, **told)
    sure = KNOWN if chance < SELDOM or chance > 1 - SELDOM else CHANCE
    missing = row["target"] - row["value"]
    stake = missing if missing > 0 else NO_MONEY
    return [(said, sure if row["status"] == OK else EARLY, range(len(quarter)), stake)]


@finds("scenarios")
def scenario_findings(scenarios: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return what the named shocks would cost; of the ``scenarios``, as for `landing_findings`."""
    lang = look.lang
    costs = scenarios[scenarios["scenario"].isin(SHOCKS) & ~(scenarios["change"] >= 0)]
    costs = costs.sort_values("change", kind="stable")
    if costs.empty:
        return []
    rows, told = costs.to_dict("records"), []
    for row in rows:
        change = write_compact(row["change"], lang, look.currency, plus=True)
        told.append(text("landing.cost", lang, what=scenario(row, look), change=change))
    period = label_of(rows[0]["period"], rows[0], lang)
    said = text("landing.shocks", lang, period=period, costs=text("landing.next", lang).join(told))
    return [(said, CHANCE, [int(place) for place in costs.index], NO_MONEY)]


@finds("landing_scores")
def landing_scores_findings(scores: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return by how much such forecasts missed; of the ``scores``, as for `landing_findings`."""
    lang = look.lang
    own = scores[scores["method"] == "combined"]
    others = scores[scores["method"].isin(["linear", "crm"])]
    if own["error"].isna().all() or others.empty:
        return []
    told = [
        text(f"landing.than.{row['method']}", lang, error=write(row["error"], PERCENT, lang))
        for row in others.to_dict("records")
    ]
    row = own.iloc[0]
    counts = {of: write(row[of], COUNT, lang) for of in ("n", "quarters")}
    error = write(row["error"], PERCENT, lang)
    than = text("landing.and", lang).join(told)
    said = text("landing.missed", lang, error=error, than=than, **counts)
    return [(said, CHANCE, [int(place) for place in [*own.index, *others.index]], NO_MONEY)]


def chances(chance: float, lang: str) -> str:
    """Return how likely something is, in tenths.

    Examples
    --------
    >>> chances(0.42, "en"), chances(0.01, "en"), chances(0.99, "fr")
    ('4 chances in 10', 'less than 1 chance in 10', 'plus de 9 chances sur 10')
    """
    if TENTH <= chance <= 1 - TENTH:
        tenths = round(10 * chance)
        return text("landing.chances", lang, n=tenths, tenths=write(tenths, COUNT, lang))
    return text(f"landing.{'most' if chance > TENTH else 'least'}", lang)


def scenario(row: Mapping[Any, Any], look: Look) -> str:
    """Return a scenario as it is told, with what it starts from."""
    lang, terms, currency = look
    name, start = row["scenario"], write_compact(row["from"], lang, currency)
    if name in FROM:
        start = write(row["from"], FROM[name], lang)
    return text(f"landing.scenarios.{name}", lang, start=start, **nouns(lang, terms))


def _needed(deals: float, look: Look) -> str:
    if not deals > 0:
        return ""
    said = write(deals, COUNT, look.lang)
    return text("landing.needed", look.lang, n=deals, deals=said, **nouns(look.lang, look.terms))
