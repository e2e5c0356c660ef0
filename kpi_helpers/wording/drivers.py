"""Why a figure moved, in a sentence: what each driver brought, and how sure its own change is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from kpi_helpers.catalogue import find
from kpi_helpers.language import Terms, nouns, text, texts
from kpi_helpers.units import MONEY, PERCENT, write
from kpi_helpers.wording.lines import NO_MONEY, Line, Look, finds
from kpi_helpers.wording.told import Row, Said, Told, plain
from kpi_helpers.wording.when import kind_of, label_of

SURE = ("", "established")


def step_name(row: Row, lang: str, terms: Terms | None = None) -> str:
    """Return the name of a step, or of the account, product or group that it is of.

    Examples
    --------
    >>> step_name({"kind": "change", "step": "lost", "name": "ACME"}, "en")
    'ACME (did not buy)'
    """
    if row["kind"] != "change":
        return label_of(row["period"], row, lang)
    name, key = plain(row["name"]), f"wording.drivers.named.{row['step']}"
    if not name:
        return text(f"wording.drivers.steps.{row['step']}", lang, **nouns(lang, terms))
    return text(key, lang, name=name, **nouns(lang, terms)) if key in texts(lang) else name


def step_certainty(row: Row, lang: str) -> str:
    """Return whether a driver's own change is established; nothing of a fact."""
    key = f"wording.drivers.certainty.{row.get('certainty')}"
    return text(key, lang) if row["kind"] == "change" and key in texts(lang) else ""


def bridge_method(steps: pd.DataFrame, lang: str, terms: Terms | None = None) -> str:
    """Return what a bridge explains, and how it is cut."""
    key = f"wording.drivers.method.{steps['bridge'].iloc[0]}"
    key = key if key in texts(lang) else "wording.drivers.method.rate_mix"
    return text(key, lang, **nouns(lang, terms))


def bridged(
    steps: pd.DataFrame, lang: str, terms: Terms | None = None, currency: str = "EUR"
) -> str:
    """Return how far a figure moved, and what moved it most: a step, an account, or the mix.

    Parameters
    ----------
    steps : DataFrame
        As for `kpi_helpers.charts.waterfall`.
    lang, terms, currency
        As for `kpi_helpers.wording.sentence`.
    """
    rows = steps.to_dict("records")
    before, after = Told(rows[0], lang, terms, currency), Told(rows[-1], lang, terms, currency)
    change = after.difference(rows[-1]["amount"] - rows[0]["amount"])
    if after.knows("change_low", "change_high"):
        low, high = after.change_ends()
        change = after.text("drivers.within", change=change, low=low, high=high)
    said = after.text(
        "drivers.moved",
        what=_bridge_name(rows[0]["bridge"], lang, terms),
        period=after.period(),
        after=after.figure(rows[-1]["amount"]),
        before=before.figure(rows[0]["amount"]),
        when=after.text(f"in.{kind_of(rows[0]['period'])}", period=before.period()),
        change=change,
    )
    if after.row["certainty"]:
        return said + _rate_clause(steps, after)
    lever = main_step(steps)
    return said + (_lever_clause(lever, after) if lever else "")


@finds("steps")
def drivers_findings(steps: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return what `bridged` says as a finding, sure only as far as what moved the figure is.

    Parameters
    ----------
    steps : DataFrame
        As for `bridged`.
    """
    last, lever = steps.iloc[-1].to_dict(), main_step(steps)
    judged = last if last["certainty"] else lever or last
    sure = is_sure(judged)
    at_stake = judged["amount"] if lever and sure and last["unit"] == MONEY else NO_MONEY
    places = [0, lever["place"], len(steps) - 1] if lever else [0, len(steps) - 1]
    places = list(range(len(steps))) if last["certainty"] else places
    return [(f"{bridged(steps, *look)}.", int(not sure), places, at_stake)]


def is_sure(row: Row) -> bool:
    """Tell whether chance has no part in a step: it is a fact, or its cause is established."""
    return row.get("certainty", "") in SURE


def main_step(steps: pd.DataFrame) -> dict[Any, Any] | None:
    """Return the largest step the way the figure went, with its ``place``, one with a name first.

    A rise does not explain a fall; of a figure that did not move, the step that rose most.
    """
    change = steps["amount"].iloc[-1] - steps["amount"].iloc[0]
    way = -1 if change < 0 else 1
    moved = steps.assign(place=range(len(steps)), size=way * steps["amount"])
    moved = moved[(moved["kind"] == "change") & (moved["size"] > 0)]
    named = moved[moved["name"].notna()]
    ranked = (moved if named.empty else named).sort_values("size", ascending=False, kind="stable")
    return next(iter(ranked.to_dict("records")), None)


def _bridge_name(bridge: str, lang: str, terms: Terms | None) -> str:
    key = f"wording.drivers.bridges.{bridge}"
    return text(key, lang, **nouns(lang, terms)) if key in texts(lang) else find(bridge).label(lang)


def _lever_clause(lever: Row, after: Told) -> str:
    """Name the step that moved the figure most, and what is known of its own change."""
    name = step_name(lever, after.lang, after.terms)
    # The name of an account keeps the letters it has.
    name = name if plain(lever["name"]) else f"{Said(name):low}"
    told = {"name": name, "amount": after.difference(lever["amount"])}
    known = step_certainty(lever, after.lang)
    if known:
        return after.text("drivers.lever", **told, certainty=known)
    return after.text("drivers.mostly", **told)


def _rate_clause(steps: pd.DataFrame, after: Told) -> str:
    """Say whether a rate has moved for certain, and what of it is the mix of its groups."""
    if after.row["certainty"] != "established":
        return after.text("drivers.not_shown")
    mix = steps.loc[steps["step"] == "mix", "amount"].sum()
    groups = steps[(steps["step"] == "rate") & steps["name"].notna()]
    heavy = groups.sort_values("mix", ascending=mix < 0, kind="stable").iloc[0]
    weights = (write(heavy[f"weight_{side}"], PERCENT, after.lang) for side in ("before", "after"))
    then, now = weights
    told = {"amount": after.difference(mix), "name": plain(heavy["name"])}
    return after.text("drivers.mix", **told, then=then, now=now)
