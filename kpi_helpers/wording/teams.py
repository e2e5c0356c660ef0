"""What is said of reps: who stands apart from the others, and how their targets add up."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.language import Terms, nouns, text
from kpi_helpers.teams.rates import ABOVE, BELOW, NONE_SHOWN, SURE
from kpi_helpers.teams.reps import NOBODY
from kpi_helpers.units import PERCENT, write, write_range
from kpi_helpers.wording.lines import NO_MONEY, Line, Look, finds
from kpi_helpers.wording.told import TIDY, Row, Told

LISTED, SAME = 3, 0.005


@finds("team")
def teams_findings(team: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return who stands apart, what pay hangs on, and what nobody owns.

    Parameters
    ----------
    team : DataFrame
        What `kpi_helpers.teams.compared` returns.
    """
    lang, terms, _ = look
    rows = team.to_dict("records")
    lines = [_apart(team, lang, terms)]
    paid = str(team["paid"].iloc[0])
    if paid:
        named = [_told({"kpi": kpi}, lang, terms).kpi_name() for kpi in paid.split(", ")]
        said = text("teams.paid", lang, kpis=", ".join(named), **nouns(lang, terms))
        lines.append((said, 0, range(len(rows)), NO_MONEY))
    for place in [place for place, row in enumerate(rows) if row["verdict"] == NOBODY]:
        told = _told(rows[place], lang, terms)
        said = text("teams.unowned", lang, what=told.kpi_name(), cases=told.cases(told.number("n")))
        lines.append((said, 0, [place], NO_MONEY))
    return lines


@finds("rep_targets")
def rep_targets_findings(targets: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return how the reps' targets add up to the company's, for the KPI where they do so least.

    Parameters
    ----------
    targets : DataFrame
        What `kpi_helpers.teams.targets` returns.
    """
    lang, terms, currency = look
    place = int(targets["gap_relative"].abs().round(6).argmax())
    row = targets.to_dict("records")[place]
    told, gap = _told(row, lang, terms, currency), row["gap_relative"]
    key = "equal" if abs(gap) < SAME else "more" if gap > 0 else "less"
    said = text(
        f"teams.{key}",
        lang,
        what=told.name("dated"),
        n=int(row["reps"]),
        reps=told.figure(row["reps_target"]),
        company=told.figure(row["company_target"]),
        share=write(abs(gap), PERCENT, lang),
    )
    return [(said, 0, [place], NO_MONEY)]


def _apart(team: pd.DataFrame, lang: str, terms: Terms | None) -> Line:
    """Say who is reliably above or below the others; or that no difference is shown."""
    judged = team[team["verdict"].isin([ABOVE, BELOW, NONE_SHOWN])]
    what = _told(judged.iloc[0].to_dict(), lang, terms).kpi_name()
    found = ""
    for side in (ABOVE, BELOW):
        rates = judged.loc[judged["verdict"] == side, "value"].sort_values(ascending=side == BELOW)
        if len(rates):
            key = f"also_{side}" if found else side
            values = _values(list(rates), lang)
            found = text(f"teams.{key}", lang, n=len(rates), values=values, first=found)
    places = [int(place) for place in team.index.get_indexer(judged.index)]
    if not found:
        shown = judged["dispersion_p"].iloc[0] <= SURE
        within = write_range(judged["value"].min(), judged["value"].max(), PERCENT, lang)
        key = "nobody_apart" if shown else "none_shown"
        return (
            text(f"teams.{key}", lang, what=what, n=len(judged), range=within),
            1,
            places,
            NO_MONEY,
        )
    rest = int((judged["verdict"] == NONE_SHOWN).sum())
    others = text("teams.rest" if rest else "teams.rest_none", lang, n=rest)
    return text("teams.found", lang, what=what, found=found, rest=others), 0, places, NO_MONEY


def _values(rates: list[float], lang: str) -> str:
    """Write a few rates one by one, more of them as the range that they fill."""
    if len(rates) > LISTED:
        return write_range(min(rates), max(rates), PERCENT, lang)
    *others, last = (write(rate, PERCENT, lang) for rate in rates)
    return text("teams.values", lang, first=", ".join(others), last=last) if others else last


def _told(row: Row, lang: str, terms: Terms | None, currency: str = "EUR") -> Told:
    """Return a row as it is told, of which the rep is no group."""
    own = {name: row[name] for name in TIDY if name in row}
    label = REGISTRY[row["kpi"]].label(lang) if row["kpi"] in REGISTRY else row["kpi"]
    return Told({"label": label, **own}, lang, terms, currency)
