"""What is said of the market and of peers: what may be compared, who gains, how far we are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from kpi_helpers.benchmarking.market import OTHERS, RIVAL, US
from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.language import Terms, lines, text
from kpi_helpers.sources.derived import OURSELVES
from kpi_helpers.units import (
    COUNT,
    MONEY,
    PERCENT,
    POINTS,
    SCORE,
    TIMES,
    UNITS,
    write,
    write_change,
    write_change_range,
    write_compact,
)
from kpi_helpers.wording.lines import NO_MONEY, Line, Look, as_findings
from kpi_helpers.wording.told import plain
from kpi_helpers.wording.when import label_of

SURE, CHANCE, MOST = 0, 1, 3


def market_findings(
    found: pd.DataFrame,
    table: str,
    lang: str,
    terms: Terms | None = None,
    currency: str = "EUR",
) -> pd.DataFrame:
    """Return what a reader should know of what `kpi_helpers.benchmarking` found.

    Parameters
    ----------
    found : DataFrame
        What its function of that name returns.
    table : str
        ``sources`` (what ``register`` returns), ``context``, ``concentration``, ``gains``, ``gaps``
        (at stake: what the top quarter of peers would bring), ``peers``, ``perception`` or
        ``verdicts``.
    lang, terms, currency
        As for `kpi_helpers.wording.sentence`.

    Returns
    -------
    pandas.DataFrame
        The columns of `kpi_helpers.wording.findings`, at most three rows.
    """
    lines = sorted(TELLERS[table](found, Look(lang, terms, currency)), key=lambda line: line[1])
    return as_findings(lines[:MOST], table)


def _register(register: pd.DataFrame, look: Look) -> Sequence[Line]:
    """How many figures of others may be compared, and why some may not."""
    used = register["use"] == "judged"
    aside = register[~used].groupby("reason", sort=False)["rows"].sum()
    said = [f"{_say(f'reason.{why}', look)} ({n})" for why, n in aside.items()]
    key = "sources_aside" if said else "sources"
    counts = {"judged": register.loc[used, "rows"].sum(), "n": register["rows"].sum()}
    told = {of: write(n, COUNT, look.lang) for of, n in counts.items()}
    oldest = write(register["age"].max(), COUNT, look.lang)
    line = _say(key, look, **told, oldest=oldest, why=", ".join(said))
    return [(line, CHANCE, range(len(register)), NO_MONEY)]


def _context(context: pd.DataFrame, look: Look) -> Sequence[Line]:
    """How many published figures are defined as ours, and that none of them judges."""
    alike, n = (
        write(count, COUNT, look.lang) for count in (context["reference"].count(), len(context))
    )
    return [(_say("published", look, alike=alike, n=n), CHANCE, range(len(context)), NO_MONEY)]


def _concentration(concentration: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Our share of each market in its last full year, beside that of the largest other."""
    lines: list[Line] = []
    full = concentration[~concentration["part"] & concentration["leader"].notna()]
    for _, rows in full.groupby("metric", sort=False):
        row = rows.iloc[-1]
        share, leads = (write(row[of], PERCENT, look.lang) for of in ("share", "leader_share"))
        times = write(row["relative"], TIMES, look.lang)
        known = "known_share" if pd.notna(row["share"]) else "no_share"
        what = _metric(row["metric"], look)
        named = {"leader": plain(row["leader"]), "period": row["period"], "what": what}
        said = _say(known, look, share=share, leads=leads, times=times, **named)
        lines.append((said, CHANCE, [int(str(row.name))], NO_MONEY))
    return lines


def _gains(gains: pd.DataFrame, look: Look) -> Sequence[Line]:
    """How our share moved, and the two who gained the most."""
    named, first = with_sellers(gains, look.lang), gains["metric"].iloc[0]
    rows = named[(named["metric"] == first) & (named["kind"] != OTHERS)]
    ours, rivals = rows[rows["kind"] == US], rows[(rows["kind"] == RIVAL) & (rows["gain"] > 0)]
    lines: list[Line] = []
    for place, row in pd.concat([rivals.head(MOST - len(ours)), ours]).iterrows():
        sure = SURE if row["holds"] and row["match"] == "yes" else CHANCE
        lost = row["kind"] == US and row["gain"] < 0 and row["unit"] == MONEY
        side = "lost" if row["gain"] < 0 else "won"
        who = "rival" if row["kind"] == RIVAL else "us"
        key = f"{who}_{'new' if row['seen'] == 'new' else side}"
        said = _say(key, look, **_gained(row, look))
        said += " " + _say(f"robust.{row['holds']}", look) + "."
        lines.append((said, sure, [int(str(place))], -row["share_effect"] if lost else NO_MONEY))
    return lines


def _gained(row: pd.Series[Any], look: Look) -> dict[str, str]:
    lang, _, currency = look
    amount = write_compact(abs(row["share_effect"]), lang, currency)
    count = write(abs(round(row["share_effect"])), COUNT, lang)
    shares = {of: write(row[of], PERCENT, lang) for of in ("before", "after")}
    periods = {"then": row["period_before"], "now": row["period"]}
    gain = (write if row["kind"] == RIVAL else write_change)(row["gain"], POINTS, lang)
    worth = amount if row["unit"] == MONEY else count
    return shares | periods | {"who": plain(row["entity"]), "gain": gain, "worth": worth}


def _gaps(gaps: pd.DataFrame, look: Look) -> Sequence[Line]:
    """The KPIs that are behind the top quarter of peers, the farthest first."""
    lang, _, currency = look
    lines: list[Line] = []
    for place, row in gaps.iterrows():
        figures = {of: write(row[of], row["unit"], lang, currency) for of in ("value", "reference")}
        key = "behind" if row["change_verdict"] == "worse" else row["change_verdict"]
        money = key == "behind" and pd.notna(row["reach"])
        said = _say(f"gap_{key}", look, label=plain(row["label"]), **figures, **_best(row, look))
        if money:
            reach = write_compact(row["reach"], lang, currency)
            ends = (write_compact(row[f"reach_{end}"], lang, currency) for end in ("low", "high"))
            within = text("units.range", lang, **dict(zip(("low", "high"), ends, strict=True)))
            said += " " + _say("reach", look, reach=reach, within=within)
        sure = CHANCE if key.startswith("no") or row["estimated"] else SURE
        stake = row["reach"] if money else NO_MONEY
        lines.append((said, sure, [int(str(place))], stake))
    return lines


def _best(row: pd.Series[Any], look: Look) -> dict[str, str]:
    lang, _, currency = look
    best = write(row["best"], row["unit"], lang, currency)
    return {"best": best, "who": plain(row["best_entity"]), "n": write(row["peers"], COUNT, lang)}


def _peers(peers: pd.DataFrame, look: Look) -> Sequence[Line]:
    """The units of ours that are behind or ahead of all their peers together."""
    lines: list[Line] = []
    for verdict in ("worse", "better"):
        for place, row in peers[peers["change_verdict"] == verdict].head(2).iterrows():
            unit, named = row["unit"], {"who": plain(row["unit_name"])}
            for of in ("value", "reference"):
                named[of] = write(row[of], unit, look.lang, look.currency)
            said = _say(f"peer_{verdict}", look, label=plain(row["label"]), **named)
            lines.append((said, SURE, [int(str(place))], NO_MONEY))
    n = write(len(peers), COUNT, look.lang)
    none = (_say("no_peer", look, n=n), CHANCE, range(len(peers)), NO_MONEY)
    return lines or [none]


def _perception(perception: pd.DataFrame, look: Look) -> Sequence[Line]:
    """On which attributes customers mark us lower or higher than a competitor."""
    lines: list[Line] = []
    for key in ("worse", "better"):
        rows = perception[perception["change_verdict"] == key]
        for place, row in (rows if key == "worse" else rows[::-1]).head(2).iterrows():
            figures = {of: write(row[of], SCORE, look.lang) for of in ("value", "reference")}
            figures["n"] = write(row["n"], COUNT, look.lang)
            within = write_change_range(row["change_low"], row["change_high"], SCORE, look.lang)
            named = {"attribute": plain(row["attribute"]), "subject": plain(row["subject"])}
            said = _say(f"marked_{key}", look, **figures, **named, within=within)
            lines.append((said, SURE, [int(str(place))], NO_MONEY))
    return lines or [(_say("alike", look), CHANCE, range(len(perception)), NO_MONEY)]


def _verdicts(verdicts: pd.DataFrame, look: Look) -> Sequence[Line]:
    """What target and market together call for."""
    lines: list[Line] = []
    for place, row in verdicts.iterrows():
        label, verdict = plain(row["label"]), _say(f"verdict.{row['verdict']}", look)
        sides = {
            of: _say(f"{of}.{row[of]}", look).lower() for of in ("target_verdict", "market_verdict")
        }
        shaky = "" if row["holds"] else " " + _say("robust.False", look) + "."
        period = label_of(row["period"], row.to_dict(), look.lang)
        said = _say("judged", look, label=label, period=period, verdict=verdict, **sides) + shaky
        known = row["certainty"] in ("exact", "established") and row["holds"]
        sure = SURE if known and row["verdict"] != "open" else CHANCE
        lines.append((said, sure, [int(str(place))], NO_MONEY))
    return lines


def with_sellers(found: pd.DataFrame, lang: str) -> pd.DataFrame:
    """Return a frame whose sellers and metrics have names that a reader knows."""
    look = Look(lang)
    if "use" in found:
        known = {name: kpi.label(lang) for name, kpi in REGISTRY.items()}
        found = found.assign(metric=found["metric"].replace(known))
    if "kind" in found:
        ours = (found["kind"] == US) & found["entity"].str.lower().isin(OURSELVES)
        named = [_say("others", look), _say("us", look)]
        entity = np.select([found["kind"] == OTHERS, ours], named, found["entity"])
        found = found.assign(entity=entity)
    if "came" in found:
        few = {of: [_few(names) for names in found[of]] for of in ("came", "went")}
        found = found.assign(**few)
    if "published" in found:
        of = dict.fromkeys(("definition", "population"), "_fr" if lang == "fr" else "")
        said = [found[name + end].replace(lines("published", lang)) for name, end in of.items()]
        figures = zip(found["published"], found["published_unit"], strict=True)
        found = found.assign(
            published=[_published(figure, unit, lang) for figure, unit in figures],
            definition=said[0] + " (" + said[1] + ")",
            publisher=found["publisher"] + ", " + found["year"] + " (" + found["level"] + ")",
        )
    return found


def _few(names: str) -> str:
    """Return the first of several names, with an ellipsis for the others."""
    shown = names.split(", ")
    return ", ".join(shown[:MOST]) + ("…" if len(shown) > MOST else "")


def _published(figures: str, unit: str, lang: str) -> str:
    """Write one figure or several as they were published: no digit more, none less."""
    own = (unit, "EUR") if unit in UNITS else (MONEY, unit)
    scale = 100 if unit == PERCENT else 1
    said = (
        write(float(each) / scale, own[0], lang, own[1], digits=len(each.partition(".")[2]))
        for each in figures.split(" / ")
    )
    return " / ".join(said)


def _metric(name: str, look: Look) -> str:
    return _say("in_value", look) if name == "market_sales" else plain(name)


def _say(key: str, look: Look, **values: object) -> str:
    return text(f"market.{key}", look.lang, **values)


TELLERS = {
    "sources": _register,
    "context": _context,
    "concentration": _concentration,
    "gains": _gains,
    "gaps": _gaps,
    "peers": _peers,
    "perception": _perception,
    "verdicts": _verdicts,
}
