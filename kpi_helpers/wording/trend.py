"""What is said of trends: which KPIs rise or fall, whose level moved at once, which do not."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kpi_helpers.language import text
from kpi_helpers.units import PERCENT, POINTS, write_change, write_change_range, write_relative
from kpi_helpers.wording.lines import NO_MONEY, Line, Look, finds
from kpi_helpers.wording.told import TIDY, Row, Told, plain
from kpi_helpers.wording.when import label_of

TOLD, NAMED = 2, 3
SURE, CHANCE = 0, 1
QUIET, UNKNOWN = "none_shown", "unknown"


@finds("trends")
def trends_findings(found: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return the levels that moved at once, the trends that are shown, and how many are not.

    Parameters
    ----------
    found : DataFrame
        What `kpi_helpers.forecasting.trends` returns.
    """
    rows = list(enumerate(found.to_dict("records")))
    told = [(place, row, _broke(row, look)) for place, row in rows if row["broke"]]
    moving = [(place, row) for place, row in rows if row["verdict"] != QUIET]
    moving.sort(key=lambda each: (each[1]["verdict"] != "worse", each[1]["p_adjusted"]))
    told += [(place, row, _moves(row, look)) for place, row in moving]
    lines: list[Line] = [
        (said, CHANCE if row["turns"] == UNKNOWN else SURE, [place], NO_MONEY)
        for place, row, said in told[:TOLD]
    ]
    rest = [(place, row) for place, row, _ in told[TOLD:]]
    still = [(place, row) for place, row in rows if row["verdict"] == QUIET and not row["broke"]]
    last = [
        _say(key, look, n=len(each), names=_listed([_name(row, look) for _, row in each], look))
        for key, each in (("more", rest), ("quiet", still))
        if each
    ]
    behind = [place for place, _ in (*rest, *still)]
    return [*lines, *([(" ".join(last), CHANCE, behind, NO_MONEY)] if last else [])]


def a_year(row: Row, lang: str, currency: str = "EUR") -> tuple[str, str]:
    """Return what a KPI changes in a year, in percent of itself or as it is, and the range of it.

    Parameters
    ----------
    row, lang, currency
        A row of `kpi_helpers.forecasting.trends`.
    """
    change, low, high = (row[f"per_year{end}"] for end in ("", "_low", "_high"))
    if row["unit"] in (PERCENT, POINTS) or pd.isna(row["relative"]):
        within = write_change_range(low, high, row["unit"], lang, currency)
        return write_change(change, row["unit"], lang, currency), within
    change, low, high = (
        write_relative(row[f"relative{end}"], lang) for end in ("", "_low", "_high")
    )
    return change, text("units.range_signed", lang, low=low, high=high)


def _moves(row: Row, look: Look) -> str:
    by, within = a_year(row, look.lang, look.currency)
    said = _say("moves", look, name=_name(row, look), by=by, range=within)
    return f"{said} {_sure(row, look, 'cause' if row['verdict'] == 'worse' else 'confirmed')}"


def _broke(row: Row, look: Look) -> str:
    figures = {of: told_of(row, look).figure(row[of]) for of in ("before", "after")}
    month = label_of(row["break_period"], row, look.lang)
    said = [_say("broke", look, name=_name(row, look), month=month, **figures)]
    said.append(_sure(row, look, "changed"))
    if row["event"]:
        said.append(_say("event", look, event=plain(row["event"], longest=None)))
    return " ".join(said)


def _sure(row: Row, look: Look, key: str) -> str:
    """What follows where the season is known; else that it may be one."""
    return _say("season" if row["turns"] == UNKNOWN else key, look)


def told_of(row: Row, look: Look) -> Told:
    """Return the KPI of a row as a reader is told it.

    Parameters
    ----------
    row, look
        A row of `kpi_helpers.forecasting.trends`, and for whom.
    """
    return Told({name: row[name] for name in TIDY if name in row}, *look)


def _name(row: Row, look: Look) -> str:
    return str(told_of(row, look).name())


def _listed(names: list[str], look: Look) -> str:
    said, rest = ", ".join(names[:NAMED]), len(names) - NAMED
    return text("wording.more", look.lang, names=said, n=rest) if rest > 0 else said


def _say(key: str, look: Look, **values: object) -> str:
    return text(f"wording.trend.{key}", look.lang, **values)
