"""Which proposals to take first: the money, how likely it comes, and the work it takes."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd

from kpi_helpers.actions.proposing import proposals
from kpi_helpers.compare import compare
from kpi_helpers.errors import Unavailable
from kpi_helpers.language import Phrase
from kpi_helpers.measure import carries
from kpi_helpers.sources.dataset import Dataset, Where

# What may be behind a finding, in the order in which it is cheapest to rule out.
CAUSES = (
    *("tracking", "mix", "seasonality", "price", "product", "competitor"),
    *("process", "skills", "capacity"),
)
USUAL_EFFORT = 2
# Figures that are money, or of which each case has a known worth, with what it is worth.
PRICED = (
    *("revenue", "bookings", "deals_won_count", "avg_deal_value", "win_rate_count"),
    *("lead_to_customer_rate", "new_customers", "revenue_per_customer"),
)
# What one printed page of an audience has room for: rows, and letters of each text.
ROWS = {"management": 4, "team": 8, "rep": 12}
LETTERS = {"what": 60, "owner": 30, "label": 40}


def priorities(proposed: pd.DataFrame, found: pd.DataFrame | None = None) -> pd.DataFrame:
    """Rank proposals by the money at stake times its chance, for the effort.

    The chance is the company's own: of the actions that could be measured the share that worked,
    with one that did and one that did not added, so that none makes it a half (Laplace). Effort and
    suggestion are those of the library of actions; both are for people to change.

    Parameters
    ----------
    proposed
        What `proposals` and `noted` return.
    found
        What `effects` returns, where there is a register.

    Returns
    -------
    pandas.DataFrame
        The proposals whose money is known, with ``suggestion`` and ``cause`` (ids; empty where the
        library has none for the KPI), ``effort`` (1 to 3), ``chance`` and ``score``; the highest
        first.

    Examples
    --------
    >>> said = {"kpi": ["win_rate_count", "revenue"], "money_at_stake": [90.0, 100.0]}
    >>> ranked = priorities(pd.DataFrame(said).assign(finding="worse", label="?"))
    >>> ranked[["suggestion", "score"]].values.tolist()
    [['campaign', 25.0], ['training', 22.5]]
    """
    known = proposed[proposed["money_at_stake"] > 0].reset_index(drop=True)
    usual = [suggested(kpi) for kpi in known["kpi"]]
    named = {of: [each[of] for each in usual] for of in ("suggestion", "cause", "effort")}
    known = known.assign(**named, chance=_chance(found))
    score = known["money_at_stake"] * known["chance"] / known["effort"]
    ranked = known.assign(score=score).sort_values("score", ascending=False, kind="stable")
    return ranked.reset_index(drop=True)


def ranked(
    data: Dataset, period: str, where: Where = None, found: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Rank what the figures with money behind them propose, beside a year ago and the targets.

    Parameters
    ----------
    data, period, where
        As for `kpi_helpers.compare`.
    found
        As for `priorities`.
    """
    asked = data.config.calendar.parse(period, data.as_of, data.first)
    kpis = [kpi for kpi in PRICED if carries(data, kpi, asked)]
    if not kpis:
        raise Unavailable(what=Phrase("effects.ranked"), needs=["deals", "orders"])
    return priorities(proposals(compare(data, kpis, period, "year_ago", where=where)), found)


def suggested(kpi: str) -> dict[str, Any]:
    """Return the least costly action of the library for a KPI, the cause it cures and its effort.

    Examples
    --------
    >>> suggested("missed_call_rate")
    {'suggestion': 'call_hours', 'cause': 'capacity', 'effort': 1}
    """
    fitting = [(each["effort"], name) for name, each in library().items() if kpi in each["kpis"]]
    if not fitting:
        return {"suggestion": "", "cause": "", "effort": USUAL_EFFORT}
    effort, name = min(fitting)
    return {"suggestion": name, "cause": library()[name]["cause"], "effort": effort}


def checklist() -> pd.DataFrame:
    """Return the causes to rule out, in order, each with what is usually done about it.

    Examples
    --------
    >>> checklist().iloc[0].tolist()
    ['tracking', 'check']
    """
    cures = [(each["cause"], name) for name, each in library().items()]
    found = [(why, name) for why in CAUSES for cause, name in cures if cause == why]
    idle = [(why, "check") for why in CAUSES if why not in dict(cures)]
    order = {why: place for place, why in enumerate(CAUSES)}
    rows = sorted(found + idle, key=lambda row: order[row[0]])
    return pd.DataFrame(rows, columns=["cause", "suggestion"])


def page(found: pd.DataFrame, audience: str) -> pd.DataFrame:
    """Return the actions that an audience speaks about in its meeting.

    Parameters
    ----------
    found
        What `effects` returns.
    audience
        ``management`` (what was done, and what it brought), ``team`` (what is to be done, by when)
        or ``rep`` (the same, by who has to do it).

    Returns
    -------
    pandas.DataFrame
        The columns of `effects`, and ``what`` and ``outcome``: as many rows as a printed page has
        room for, long texts cut, with how many more there are (``left``).
    """
    told = found.rename(columns={"action": "what"})
    if audience == "management":
        measured = told[~told["reason"].isin(("not_started", "dropped"))]
        return _fitting(measured.assign(outcome=measured["verdict"])[::-1], ROWS[audience])
    due = told[~told["state"].isin(("done", "done_late", "dropped"))]
    keys = ["owner", "due_date"] if audience == "rep" else ["due_date", "owner"]
    due = due.sort_values(keys, kind="stable")
    return _fitting(due.assign(outcome=due["state"], effect=float("nan")), ROWS[audience])


def _fitting(told: pd.DataFrame, rows: int) -> pd.DataFrame:
    shown = told.head(rows).reset_index(drop=True)
    cut = {of: [_cut(said, most) for said in shown[of].fillna("")] for of, most in LETTERS.items()}
    return shown.assign(**cut, left=len(told) - len(shown))


def _cut(said: str, most: int) -> str:
    return said if len(said) <= most else f"{said[: most - 1]}…"


def _chance(found: pd.DataFrame | None) -> float:
    if found is None:
        return 0.5
    measured = found["verdict"][found["verdict"] != "not_measurable"]
    return float(((measured == "established").sum() + 1) / (len(measured) + 2))


@cache
def library() -> dict[str, Any]:
    """Return the actions that are usually taken: KPIs, effort and the cause that each cures."""
    return tomllib.loads((files("kpi_helpers.actions") / "library.toml").read_text("utf-8"))
