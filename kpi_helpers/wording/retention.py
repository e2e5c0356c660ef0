"""Whether customers stay, in a sentence: when they leave, and who has stopped buying."""

from __future__ import annotations

import pandas as pd

from kpi_helpers.customers.retention import CONTRACTS, by_age
from kpi_helpers.customers.rfm import ABSENT
from kpi_helpers.language import Terms, nouns, text
from kpi_helpers.units import COUNT, PERCENT, write, write_compact, write_range
from kpi_helpers.wording.headlines import findings

GOOD, GONE = ("best", "loyal"), ("at_risk", "asleep", ABSENT)


def stays(triangle: pd.DataFrame, lang: str, terms: Terms | None = None) -> str:
    """Return when customers leave most, or how many order again, of all cohorts together.

    Parameters
    ----------
    triangle : DataFrame
        What `kpi_helpers.customers.cohorts` returns.
    lang, terms
        As for `kpi_helpers.wording.sentence`.
    """
    ages = by_age(triangle)
    return _said(ages, _place(ages), lang, terms)


def retention_findings(
    ages: pd.DataFrame,
    lang: str,
    terms: Terms | None = None,
    currency: str = "EUR",
    table: str = "ages",
) -> pd.DataFrame:
    """Return the sentence of `stays` as a finding.

    Parameters
    ----------
    ages : DataFrame
        What `kpi_helpers.customers.by_age` returns.
    lang, terms, currency, table
        As for `kpi_helpers.wording.findings`, whose columns it has.
    """
    place = _place(ages)
    return _finding(_said(ages, place, lang, terms), place, None, table)


def recurring_findings(
    compared: pd.DataFrame,
    lang: str,
    terms: Terms | None = None,
    currency: str = "EUR",
    table: str = "recurring",
) -> pd.DataFrame:
    """Return the two most important findings of what is kept of contracts.

    Parameters
    ----------
    compared : DataFrame
        What `kpi_helpers.customers.recurring` returns.
    lang, terms, currency, table
        As for `kpi_helpers.wording.findings`, whose columns it has.
    """
    found = findings(compared, lang, terms, currency=currency, table=table)
    return found[found["kind"] == "finding"].head(2)


def moved(moves: pd.DataFrame, lang: str, terms: Terms | None = None, currency: str = "EUR") -> str:
    """Return the move away of good customers that weighs most.

    Parameters
    ----------
    moves : DataFrame
        What `kpi_helpers.customers.moves` returns.
    lang, terms, currency
        As for `kpi_helpers.wording.sentence`.
    """
    place = _largest(moves)
    if place is None:
        return text("wording.retention.none_left", lang, **nouns(lang, terms))
    row = moves.to_dict("records")[place]
    own = nouns(lang, terms)
    ends = {e: text(f"wording.retention.{e}.{row[e]}", lang, **own) for e in ("before", "after")}
    told = {
        "number": write(row["customers"], COUNT, lang),
        "share": write(row["share"], PERCENT, lang),
        "amount": write_compact(row["amount"], lang, currency),
    }
    n = int(row["customers"])
    return text("wording.retention.moved", lang, n=n, **ends, **told, **own)


def moves_findings(
    moves: pd.DataFrame,
    lang: str,
    terms: Terms | None = None,
    currency: str = "EUR",
    table: str = "moves",
) -> pd.DataFrame:
    """Return the sentence of `moved` as a finding, with what these customers had bought.

    Parameters
    ----------
    moves : DataFrame
        What `kpi_helpers.customers.moves` returns.
    lang, terms, currency, table
        As for `kpi_helpers.wording.findings`, whose columns it has.
    """
    place = _largest(moves)
    money = None if place is None else moves["amount"].to_list()[place]
    return _finding(moved(moves, lang, terms, currency), place, money, table)


def segment(name: str, lang: str) -> str:
    """Return the name of a segment of customers.

    Examples
    --------
    >>> segment("at_risk", "en")
    'At risk'
    """
    return text(f"wording.retention.segments.{name}", lang)


def _place(ages: pd.DataFrame) -> int | None:
    """The age at which most leave; of those who order, the first; none where none is known."""
    if ages.empty:
        return None
    return int(ages["lost"].to_numpy().argmax()) if ages["kind"].iloc[0] == CONTRACTS else 0


def _said(ages: pd.DataFrame, place: int | None, lang: str, terms: Terms | None) -> str:
    if place is None:
        return text("wording.retention.too_early", lang, **nouns(lang, terms))
    row = ages.to_dict("records")[place]
    key = row["kind"] if row["kind"] != CONTRACTS or row["lost"] > 0 else "all_stay"
    told = {name: write(row[name], COUNT, lang) for name in ("active", "n", "lost")}
    told |= {"share": write(row["value"], PERCENT, lang)}
    told |= {"range": write_range(row["low"], row["high"], PERCENT, lang)}
    when = text(f"wording.retention.after.{row['grain']}", lang, n=int(row["age"]))
    return text(f"wording.retention.{key}", lang, when=when, **told, **nouns(lang, terms))


def _largest(moves: pd.DataFrame) -> int | None:
    left = moves["before"].isin(GOOD) & moves["after"].isin(GONE) & (moves["customers"] > 0)
    return (
        int(moves["amount"].where(left, float("-inf")).to_numpy().argmax()) if left.any() else None
    )


def _finding(said: str, place: int | None, money: float | None, table: str) -> pd.DataFrame:
    rows = "" if place is None else str(place + 1)
    line = {
        "kind": "finding",
        "sentence": f"{said}.",
        "sureness": 0 if rows else 2,
        "money_at_stake": money,
    }
    frame = pd.DataFrame([{**line, "table": table if rows else "", "rows": rows}])
    return frame.astype({"money_at_stake": float})
