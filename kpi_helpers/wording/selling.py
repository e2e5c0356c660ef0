"""What is said of channels and their budget, of lost deals and competitors, and of BANT scores."""

from __future__ import annotations

import pandas as pd

from kpi_helpers.language import Terms, nouns, text
from kpi_helpers.units import COUNT, MONEY, PERCENT, write, write_compact, write_range
from kpi_helpers.wording.lines import NO_MONEY, Line, as_findings
from kpi_helpers.wording.outreach import share
from kpi_helpers.wording.told import plain, subject
from kpi_helpers.wording.when import SPAN, label_of

SURE, CHANCE, MOST = 0, 1, 3
# Shares of what is not noted, and of what was noted late, from which a reader should know.
MUCH, LATE = 0.2, 0.05
Look = tuple[str, Terms | None, str]


def selling_findings(
    found: pd.DataFrame,
    table: str,
    lang: str,
    terms: Terms | None = None,
    currency: str = "EUR",
) -> pd.DataFrame:
    """Return what a reader should know of one of the tables of `kpi_helpers.sheets.selling`.

    Parameters
    ----------
    found : DataFrame
        What `kpi_helpers.funnel` says of it.
    table : str
        ``channels`` (those that return less than the others for certain; at stake is what was spent
        beyond the margin), ``budget``, ``losses``, ``rivals``, ``bant_scores``, ``bant_items`` or
        ``bant_quality``, or ``bant_graded``; the name under which the frame is handed on.
    lang, terms, currency
        As for `kpi_helpers.wording.sentence`.

    Returns
    -------
    pandas.DataFrame
        The columns of `kpi_helpers.wording.findings`, at most three rows.
    """
    return as_findings(TELLERS[table](found, (lang, terms, currency))[:MOST], table)


def _channels(found: pd.DataFrame, look: Look) -> list[Line]:
    """The worst channel; and of the others those that do not pay, or convert less where unpaid."""
    lang, _, currency = look
    paid = bool(found["returned"].notna().any())
    worse = found[(found["verdict"] == "worse") if paid else found["won_apart"] == "below"]
    worse = worse.sort_values("returned" if paid else "won_rate")
    lines: list[Line] = []
    for place, row in worse.iterrows():
        if lines and paid and not row["returned_high"] < 1:
            continue
        rate = share(row["won"], row["leads"], row["won_low"], row["won_high"], lang)
        low, high = row["returned_low"], row["returned_high"]
        said = _say(
            f"returned_{row['valued']}" if paid else "converts",
            look,
            **rate,
            days=label_of(SPAN, row.to_dict(), lang),
            channel=subject(_name(row["channel"], look), lang, "channel"),
            rest=write(row["won_rest"], PERCENT, lang),
            one=write(1, MONEY, lang, currency, digits=0),
            returned=write(row["returned"], MONEY, lang, currency),
            within=write_range(low, high, MONEY, lang, currency),
        )
        lost = -row["net"] if row["valued"] == "margin" and row["net"] < 0 else NO_MONEY
        lines.append((said, SURE, [int(str(place))], lost))
    return lines or [_line("alike", found, look)]


def _budget(found: pd.DataFrame, look: Look) -> list[Line]:
    """What moving money between channels would bring, as assumed."""
    lang, _, currency = look
    each, whole = found.iloc[1:], found.iloc[0]
    less, more = each[each["change"] < 0], each[each["change"] > 0]
    if less.empty or more.empty:
        return [_line("kept", found, look)]
    ends = (whole[f"change{end}"] for end in ("", "_low", "_high"))
    change, low, high = (write_compact(end, lang, currency, plus=True) for end in ends)
    said = _say(
        "moved",
        look,
        spend=write_compact(less["spend"].sum(), lang, currency),
        spend_after=write_compact(less["spend_after"].sum(), lang, currency),
        channel=", ".join(map(plain, less["channel"])),
        channels=", ".join(map(plain, more["channel"])),
        change=change,
        within=text("units.range_signed", lang, low=low, high=high),
        elasticity=write(whole["elasticity"], COUNT, lang, digits=1),
    )
    behind = [0, *sorted([*less.index, *more.index])]
    return [(said, CHANCE, behind, float(whole["change"]))]


def _losses(found: pd.DataFrame, look: Look) -> list[Line]:
    """The first reason for losing deals, and how many have none."""
    lang, _, currency = look
    named, blank = found[found["reason"].notna()], found[found["reason"].isna()]
    lines: list[Line] = []
    for place, row in [*named.head(1).iterrows(), *blank[blank["value"] >= MUCH].iterrows()]:
        before = write(row["before"], PERCENT, lang)
        low, high = row["money_share_low"], row["money_share_high"]
        said = _say(
            "unnoted" if plain(row["reason"]) == "" else "first" if row["money"] > 0 else "counted",
            look,
            **share(row["k"], row["n"], row["low"], row["high"], lang),
            reason=_name(row["reason"], look),
            money=write_compact(row["money"], lang, currency),
            part=write(row["money_share"], PERCENT, lang),
            within=write_range(low, high, PERCENT, lang),
            change=_say(f"since.{row['changed'] or 'unknown'}", look, before=before),
        )
        sure = SURE if row["changed"] in ("up", "down") else CHANCE
        lines.append((said, sure, [int(str(place))], float(row["money"])))
    return lines


def _rivals(found: pd.DataFrame, look: Look) -> list[Line]:
    """The competitors against whom we win more or less often, and how many are not noted."""
    lang, _, currency = look
    lines: list[Line] = []
    for place, row in found[found["apart"] != "none_shown"].iterrows():
        said = _say(
            f"rival_{row['apart']}",
            look,
            **share(row["k"], row["n"], row["low"], row["high"], lang),
            rival=plain(row["competitor"]),
            rest=write(row["rest"], PERCENT, lang),
            cost=write_compact(row["cost"], lang, currency),
        )
        lines.append((said, SURE, [int(str(place))], float(row["cost"])))
    unnamed = found["unnamed"].iloc[0]
    blank = _line("unnamed", found, look, unnamed=write(unnamed, PERCENT, lang))
    told = lines[: MOST - 1] or [_line("no_rival", found, look)]
    return [*told, blank] if unnamed >= MUCH else told


def _scores(found: pd.DataFrame, look: Look) -> list[Line]:
    """What comes of few points and of many."""
    read = found[found["points"].notna() & found["value"].notna()]
    if len(read) < 2:
        return []
    least, most = (read.iloc[end] for end in (0, -1))
    low, high = (write(row["value"], PERCENT, look[0]) for row in (least, most))
    sure = SURE if least["trend_p"] < 0.05 else CHANCE
    said = {"fewest": least["points"], "most": most["points"], "low": low, "high": high}
    line = _say("flat" if sure else "sorts", look, **said)
    return [(line, sure, [int(read.index[0]), int(read.index[-1])], NO_MONEY)]


def _quality(found: pd.DataFrame, look: Look) -> list[Line]:
    """Whether scores were noted after the fact; else whether as many were won as expected."""
    (row,) = found.to_dict("records")
    cases = {
        "late": row["late"] > LATE * row["scored"],
        "leak": row["gap_low"] > LATE,
        "less": row["oe_high"] < 1,
        "more": row["oe_low"] > 1,
        "as_expected": row["expected"] > 0,
    }
    key = next((key for key, there in cases.items() if there), "")
    if not key:
        return []
    said = {of: write(row[of], COUNT, look[0], digits=0) for of in ("won", "expected", "late")}
    said |= {of: write(row[of], PERCENT, look[0]) for of in ("known_won", "known_lost")}
    scored = write(row["scored"], COUNT, look[0])
    sure = CHANCE if key == "as_expected" else SURE
    return [(_say(key, look, **said, scored=scored), sure, [0], NO_MONEY)]


def _items(found: pd.DataFrame, look: Look) -> list[Line]:
    """Which items go with wins, all else equal, and of which no effect is shown."""
    yes = found[found["odds"].notna()].sort_values("odds", ascending=False)
    weighs = yes["odds_low"] > 1
    lines: list[Line] = []
    for key, sure, rows in (("weigh", SURE, yes[weighs]), ("idle", CHANCE, yes[~weighs])):
        names = ", ".join(_say(f"item.{item}", look) for item in rows["item"])
        if names:
            lines.append((_say(key, look, items=names), sure, [*map(int, rows.index)], NO_MONEY))
    return lines


def _graded(found: pd.DataFrame, look: Look) -> list[Line]:
    """The chance that answers give; of which the ``items`` are not known, ``all`` is the rate."""
    row, lang = found.iloc[0], look[0]
    if row["chance"] != row["chance"]:
        return [_line("ungraded", found, look)]
    names = ", ".join(_say(f"item.{item}", look) for item in row["items"])
    said = {of: write(row[of], PERCENT, lang, digits=0) for of in ("chance", "all")}
    said["range"] = write_range(row["low"], row["high"], PERCENT, lang)
    lines = [_line("graded" if row["weighed"] else "graded_few", found, look, **said)]
    return lines + ([_line("unsure", found, look, items=names)] if names else [])


def _line(key: str, found: pd.DataFrame, look: Look, **values: str) -> Line:
    """A sentence of a whole table that shows no difference."""
    return _say(key, look, **values), CHANCE, range(len(found)), NO_MONEY


def _name(value: object, look: Look) -> str:
    return plain(value) or _say("not_noted", look)


def _say(key: str, look: Look, **values: object) -> str:
    return text(f"selling.{key}", look[0], **nouns(look[0], look[1]), **values)


TELLERS = {
    "channels": _channels,
    "budget": _budget,
    "losses": _losses,
    "rivals": _rivals,
    "bant_scores": _scores,
    "bant_quality": _quality,
    "bant_items": _items,
    "bant_graded": _graded,
}
