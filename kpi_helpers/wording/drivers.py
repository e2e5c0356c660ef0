"""Why a figure moved, in a sentence: what each driver brought, and how sure its own change is."""

from __future__ import annotations

import pandas as pd

from kpi_helpers.language import Terms, nouns, text, texts
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
    return text(f"wording.drivers.method.{steps['bridge'].iloc[0]}", lang, **nouns(lang, terms))


def bridged(
    steps: pd.DataFrame, lang: str, terms: Terms | None = None, currency: str = "EUR"
) -> str:
    """Return how far a figure moved, and the step that brought the most of it.

    Parameters
    ----------
    steps : DataFrame
        As for `kpi_helpers.charts.waterfall`.
    lang, terms, currency
        As for `kpi_helpers.wording.sentence`.
    """
    rows = steps.to_dict("records")
    before, after = Told(rows[0], lang, terms, currency), Told(rows[-1], lang, terms, currency)
    told = {
        "what": text(f"wording.drivers.bridges.{rows[0]['bridge']}", lang, **nouns(lang, terms)),
        "period": after.period(),
        "after": after.figure(rows[-1]["amount"]),
        "before": before.figure(rows[0]["amount"]),
        "when": after.text(f"in.{kind_of(rows[0]['period'])}", period=before.period()),
        "change": after.difference(rows[-1]["amount"] - rows[0]["amount"]),
    }
    said = after.text("drivers.moved", **told)
    largest = largest_step(steps)
    if largest is None:
        return said
    name = step_name(largest, lang, terms)
    # The name of an account keeps the letters it has.
    name = name if plain(largest["name"]) else f"{Said(name):low}"
    lever = {"name": name, "amount": after.difference(largest["amount"])}
    return said + after.text("drivers.mostly", **lever)


def largest_step(steps: pd.DataFrame) -> Row | None:
    """Return the largest step that is no chance, a named one before others; none where none is."""
    sure = steps[(steps["kind"] == "change") & steps["certainty"].isin(SURE)]
    sure = sure[sure["amount"].ne(0)]
    named = sure[sure["name"].notna()]
    ranked = (sure if named.empty else named).sort_values(
        "amount", key=lambda amount: -amount.abs(), kind="stable"
    )
    return next(iter(ranked.to_dict("records")), None)
