"""What is said of channels and their budget, of lost deals and competitors, and of BANT scores."""

from __future__ import annotations

import pandas as pd

from kpi_helpers.funnel import Bant
from kpi_helpers.language import Terms, nouns
from kpi_helpers.language import text as written
from kpi_helpers.units import COUNT, MONEY, PERCENT, write, write_compact, write_range
from kpi_helpers.wording.lines import NO_MONEY, Line, as_findings
from kpi_helpers.wording.outreach import share
from kpi_helpers.wording.told import Row, plain

SURE, CHANCE, MOST = 0, 1, 3
# Shares of what is not noted, and of what was noted late, from which a reader should know.
MUCH, LATE = 0.2, 0.05


def channels_findings(
    channels: pd.DataFrame,
    lang: str,
    terms: Terms | None = None,
    currency: str = "EUR",
    table: str = "channels",
) -> pd.DataFrame:
    """Return the channels that return less than the others for certain, the least first.

    Parameters
    ----------
    channels : DataFrame
        What `kpi_helpers.funnel.channels` returns; without money, its steps are told.
    lang, terms, currency
        As for `kpi_helpers.wording.sentence`.
    table : str
        Name under which the frame is handed on.

    Returns
    -------
    pandas.DataFrame
        The columns of `kpi_helpers.wording.findings`, at most three rows. At stake is what was
        spent beyond the margin it left.
    """
    paid = bool(channels["returned"].notna().any())
    worse = channels[(channels["verdict"] == "worse") if paid else channels["won_apart"] == "below"]
    lines: list[Line] = []
    worse = worse.sort_values("returned" if paid else "won_rate")
    for place, row in worse[
        (worse["returned_high"] < 1) | (worse.index == worse.index[:1].max())
    ].iterrows():
        rate = share(row["won"], row["leads"], row["won_low"], row["won_high"], lang)
        values = {"channel": _name(row["channel"], lang)} | rate
        values["rest"] = write(row["won_rest"], PERCENT, lang)
        low, high = row["returned_low"], row["returned_high"]
        values["within"] = write_range(low, high, MONEY, lang, currency)
        values["returned"] = write(row["returned"], MONEY, lang, currency)
        values["one"] = write(1, MONEY, lang, currency, digits=0)
        said = _text(f"returned_{row['valued']}" if paid else "converts", lang, terms, **values)
        lost = -row["net"] if row["valued"] == "margin" and row["net"] < 0 else NO_MONEY
        lines.append((said, SURE, [int(str(place))], lost))
    none = (_text("alike", lang, terms), CHANCE, range(len(channels)), NO_MONEY)
    return as_findings(lines[:MOST] or [none], table)


def budget_findings(
    budget: pd.DataFrame,
    lang: str,
    terms: Terms | None = None,
    currency: str = "EUR",
    table: str = "budget",
) -> pd.DataFrame:
    """Return in one sentence what moving money between channels would bring, as assumed.

    Parameters
    ----------
    budget : DataFrame
        What `kpi_helpers.funnel.moved_budget` returns.
    lang, terms, currency, table
        As for `channels_findings`.
    """
    each, whole = budget.iloc[1:], budget.iloc[0]
    less, more = (
        each[moved] for moved in (each["spend_after"] < each["spend"], each["change"] > 0)
    )
    if less.empty or more.empty:
        line = (_text("kept", lang, terms), CHANCE, range(len(budget)), NO_MONEY)
        return as_findings([line], table)
    ends = (whole[f"change{end}"] for end in ("", "_low", "_high"))
    change, low, high = (write_compact(end, lang, currency, plus=True) for end in ends)
    said = _text(
        "moved",
        lang,
        terms,
        spend=write_compact(less["spend"].sum(), lang, currency),
        spend_after=write_compact(less["spend_after"].sum(), lang, currency),
        channel=", ".join(plain(name) for name in less["channel"]),
        channels=", ".join(plain(name) for name in more["channel"]),
        change=change,
        within=written("units.range_signed", lang, low=low, high=high),
        elasticity=write(whole["elasticity"], COUNT, lang, digits=1),
    )
    behind = [0, *(int(place) for place in [*less.index, *more.index])]
    return as_findings([(said, CHANCE, sorted(behind), float(whole["change"]))], table)


def losses_findings(
    losses: pd.DataFrame,
    lang: str,
    terms: Terms | None = None,
    currency: str = "EUR",
    table: str = "losses",
) -> pd.DataFrame:
    """Return the first reason for losing deals, and how many have none.

    Parameters
    ----------
    losses : DataFrame
        What `kpi_helpers.funnel.losses` returns.
    lang, terms, currency, table
        As for `channels_findings`.
    """
    lines: list[Line] = []
    for missing in (False, True):
        rows = losses[losses["reason"].isna() == missing]
        if rows.empty or (missing and rows["value"].iloc[0] < MUCH):
            continue
        row = rows.iloc[0]
        values = share(row["k"], row["n"], row["low"], row["high"], lang)
        values["money"] = write_compact(row["money"], lang, currency)
        values["before"] = write(row["before"], PERCENT, lang)
        values["part"] = write(row["money_share"], PERCENT, lang)
        low, high = row["money_share_low"], row["money_share_high"]
        values["within"] = write_range(low, high, PERCENT, lang)
        values["change"] = _text(f"since.{row['changed'] or 'unknown'}", lang, terms, **values)
        key = "unnoted" if missing else "first" if row["money"] > 0 else "first_count"
        said = _text(key, lang, terms, reason=_name(row["reason"], lang), **values)
        sure = SURE if row["changed"] in ("up", "down") else CHANCE
        lines.append((said, sure, [int(rows.index[0])], float(row["money"])))
    return as_findings(lines, table)


def rivals_findings(
    rivals: pd.DataFrame,
    lang: str,
    terms: Terms | None = None,
    currency: str = "EUR",
    table: str = "rivals",
) -> pd.DataFrame:
    """Return the competitors against whom we win more or less often for certain.

    Parameters
    ----------
    rivals : DataFrame
        What `kpi_helpers.funnel.rivals` returns.
    lang, terms, currency, table
        As for `channels_findings`.
    """
    lines: list[Line] = []
    for place, row in rivals[rivals["apart"] != "none_shown"].iterrows():
        values = share(row["k"], row["n"], row["low"], row["high"], lang)
        values["rest"] = write(row["rest"], PERCENT, lang)
        values["cost"] = write_compact(row["cost"], lang, currency)
        said = _text(f"rival_{row['apart']}", lang, terms, rival=plain(row["competitor"]), **values)
        lines.append((said, SURE, [int(str(place))], float(row["cost"])))
    none = (_text("no_rival", lang, terms), CHANCE, range(len(rivals)), NO_MONEY)
    lines = lines[: MOST - 1] or [none]
    unnamed = rivals["unnamed"].iloc[0]
    if unnamed >= MUCH:
        said = _text("unnamed", lang, terms, unnamed=write(unnamed, PERCENT, lang))
        lines.append((said, CHANCE, range(len(rivals)), NO_MONEY))
    return as_findings(lines, table)


def bant_findings(
    bant: Bant,
    lang: str,
    terms: Terms | None = None,
    currency: str = "EUR",
    table: str = "bant",
) -> pd.DataFrame:
    """Return whether BANT sorts, whether it keeps its promise, and what weighs or was noted late.

    Parameters
    ----------
    bant : Bant
        What `kpi_helpers.funnel.bant` returns; handed on as ``bant_scores, bant_items,
        bant_quality``.
    lang, terms, currency, table
        As for `channels_findings`.
    """
    found = [as_findings(_sorts(bant, lang, terms), f"{table}_scores")]
    found.append(
        as_findings(_holds(bant.quality.to_dict("records")[0], lang, terms), f"{table}_quality")
    )
    found.append(as_findings(_weighs(bant.items, lang, terms), f"{table}_items"))
    return pd.concat(found, ignore_index=True).head(MOST)


def _sorts(bant: Bant, lang: str, terms: Terms | None) -> list[Line]:
    """Say what comes of few and of many points."""
    read = bant.scores[bant.scores["points"].notna() & bant.scores["value"].notna()]
    if len(read) < 2:
        return []
    least, most = (read.iloc[end] for end in (0, -1))
    values = {"fewest": least["points"], "most": most["points"]}
    values |= {
        "low": write(least["value"], PERCENT, lang),
        "high": write(most["value"], PERCENT, lang),
    }
    sure = bant.quality["trend_p"].iloc[0] < 0.05
    said = _text("sorts" if sure else "flat", lang, terms, **values)
    return [(said, int(not sure), [int(read.index[0]), int(read.index[-1])], NO_MONEY)]


def _holds(quality: Row, lang: str, terms: Terms | None) -> list[Line]:
    """Say whether scores were noted after the fact; else whether as many were won as expected."""
    known = {name: write(quality[name], PERCENT, lang) for name in ("known_won", "known_lost")}
    counts = {
        name: write(quality[name], COUNT, lang, digits=0)
        for name in ("won", "expected", "late", "scored")
    }
    if quality["late"] > LATE * quality["scored"]:
        return [(_text("late", lang, terms, **counts), SURE, [0], NO_MONEY)]
    if quality["gap_low"] > LATE:
        return [(_text("leak", lang, terms, **known), SURE, [0], NO_MONEY)]
    if quality["expected"] > 0:
        sides = {"less": quality["oe_high"] < 1, "more": quality["oe_low"] > 1}
        key = next((side for side, there in sides.items() if there), "as_expected")
        sure = CHANCE if key == "as_expected" else SURE
        return [(_text(key, lang, terms, **counts), sure, [0], NO_MONEY)]
    return []


def _weighs(items: pd.DataFrame, lang: str, terms: Terms | None) -> list[Line]:
    """Say which items go with wins, all else equal, and of which no effect is shown."""
    yes = items[items["odds"].notna()].sort_values("odds", ascending=False)
    sides = {"weigh": yes[yes["odds_low"] > 1], "idle": yes[~(yes["odds_low"] > 1)]}
    said = [
        _text(
            key,
            lang,
            terms,
            items=", ".join(_text(f"item.{i}", lang, terms) for i in rows["item"]),
        )
        for key, rows in sides.items()
        if len(rows)
    ]
    sure = CHANCE if sides["weigh"].empty else SURE
    return [(" ".join(said), sure, [int(place) for place in yes.index], NO_MONEY)] if said else []


def _name(value: object, lang: str) -> str:
    return plain(value) or written("selling.not_noted", lang)


def _text(key: str, lang: str, terms: Terms | None, **values: object) -> str:
    return written(f"selling.{key}", lang, **nouns(lang, terms), **values)
