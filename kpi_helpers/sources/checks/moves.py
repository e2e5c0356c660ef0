"""What is odd about the moves of deals between stages: pointed at, never mended."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from kpi_helpers.errors import Unavailable, unknown
from kpi_helpers.language import Phrase
from kpi_helpers.sources.checks.crowds import CROWD
from kpi_helpers.sources.checks.finding import COLUMNS, finding, never
from kpi_helpers.sources.checks.marks import INFO, WARN, Mark
from kpi_helpers.sources.course import MISCLICK_SECONDS, Known, entries, ladder
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.files.headers import FILE, LINE

# Each check with the column that it is about, of the history but for the last one.
_COLUMN = {
    **dict.fromkeys(("moved_after_end", "bulk_move", "before_creation"), "entered_at"),
    **{"sign_change": "amount_at_entry", "no_deal": "deal_id", "no_history": "deal_id"},
    **dict.fromkeys(("reopened", "stage_not_in_map", "skipped", "moved_back"), "stage"),
    **dict.fromkeys(("same_second", "after_as_of"), "entered_at"),
}
CHECKS = tuple(_COLUMN)
_OWN = ("deal_id", "stage_before", "stage", "entered_at", "amount_at_entry", "amount", "entered_on")
USUAL = ("skipped", "moved_back", "after_as_of")  # and no fault of whoever keeps the history


def integrity(data: Dataset, period: str | None = None) -> pd.DataFrame:
    """What is odd about the histories of the deals: reported, and left as it is.

    Parameters
    ----------
    data
        A data set with a history of stages.
    period
        Whose moves are looked at (of deals without history: who was created then); by default all.

    Returns
    -------
    pandas.DataFrame
        The columns of `kpi_helpers.quality`, a row a check that found something; ``rows`` are
        moves, ``deals`` and ``of`` deals, ``share`` the one of the other, ``money`` the amounts of
        these deals, ``examples`` their first and last id (none where names are hidden).

    Raises
    ------
    Unavailable
        When there is no history of stages.

    Examples
    --------
    >>> from kpi_helpers.sources import load
    >>> deals = {"deal_id": ["1"], "created_at": ["2026-01-09"], "status": ["open"]}
    >>> moves = {"deal_id": ["1", "2"], "stage": "Offer", "entered_at": ["2026-01-05"] * 2}
    >>> data = load({"deals": pd.DataFrame(deals), "stage_history": pd.DataFrame(moves)})
    >>> integrity(data)[["check", "deals", "of", "examples"]].to_numpy().tolist()
    [['before_creation', 1, 2, '1'], ['no_deal', 1, 2, '2']]
    """
    rows = _of_period(data, odd_moves(data), period)
    counts = {check: rows[check].sum() for check in CHECKS}
    each = rows.group_by("deal_id").agg(_amount=rows.amount.max(), **counts)
    total = {"of": each.count(), "amounts": each._amount.abs().sum()}
    for check in CHECKS:
        hit = each[check] > 0
        total |= {f"rows {check}": each[check].sum(), f"deals {check}": each.count(where=hit)}
        total |= {f"money {check}": each._amount.sum(where=hit)}
        total |= {f"{end} {check}": getattr(each.deal_id, end)(where=hit) for end in ("min", "max")}
    sums = frame_of(data.con, each.agg(**total)).iloc[0]
    found = [_found(data, check, sums) for check in CHECKS if sums[f"deals {check}"] > 0]
    frame = pd.DataFrame(found, columns=[*COLUMNS, "deals", "of", "examples"])
    order = ["severity", "deals", "check"]  # a warning before an information
    return frame.sort_values(order, ascending=[False, False, True], ignore_index=True)


def _found(data: Dataset, check: str, sums: pd.Series) -> dict[str, Any]:
    mark = Mark(check, _COLUMN[check], never, severity=INFO if check in USUAL else WARN)
    rows, deals, money, *ids = (
        sums[f"{n} {check}"] for n in ("rows", "deals", "money", "min", "max")
    )
    row = finding(data, _table(check), mark, deals, (sums["of"], sums["amounts"]), money)
    shown = "" if data.masked else ", ".join(dict.fromkeys(ids))
    own = {"deals": int(deals), "of": int(sums["of"]), "examples": shown}
    return row | {"rows": int(rows)} | own


def _table(check: str) -> str:
    return "deals" if check == "no_history" else "stage_history"


def odd_rows(data: Dataset, check: str, period: str | None = None) -> pd.DataFrame:
    """The moves, or deals, that a check of `integrity` is about.

    Parameters
    ----------
    data, period
        As for `integrity`.
    check
        One of those it reports.

    Returns
    -------
    pandas.DataFrame
        ``deal_id, stage_before, stage, entered_at, amount, file, line, column, value``, in the
        order of deals and times; ``line`` is that of the file (missing for a database).

    Raises
    ------
    UnknownName
        When there is no such check.
    """
    if check not in CHECKS:
        raise unknown("value", check, CHECKS)
    name = _table(check)
    rows, raw = _of_period(data, odd_moves(data), period), data.mapped[name].expr
    keys = ("deal_id",) if name == "deals" else ("deal_id", "stage", "entered_at")
    lines = {LINE: raw[LINE].min().cast("int64")} if LINE in raw.columns else {}
    files = {FILE: raw[FILE].min()} if FILE in raw.columns else {}
    places = raw.group_by(*keys).agg(_rows=raw.count(), **lines, **files)
    wanted = rows.filter(rows[check]).select(*_OWN).left_join(places, list(keys))
    frame = frame_of(data.con, wanted).reindex(columns=[*_OWN, FILE, LINE])
    frame = frame.rename(columns={FILE: "file", LINE: "line"}).drop(columns="entered_on")
    frame["file"] = frame["file"].astype("string").fillna(data.files[name])
    frame["column"] = data.mapped[name].columns[_COLUMN[check]]
    frame["value"] = None if data.masked else frame[_COLUMN[check]].astype("string")
    return frame.sort_values(["deal_id", "entered_at", "stage"], ignore_index=True)


def _of_period(data: Dataset, rows: ir.Table, period: str | None) -> ir.Table:
    if period is None:
        return rows
    asked = data.config.calendar.parse(period, data.as_of, data.first)
    return rows.filter(rows.entered_on >= asked.start, rows.entered_on < asked.end)


def odd_moves(data: Dataset) -> ir.Table:
    """Every entry into a stage, and every deal without one, with a flag for each of `CHECKS`.

    Parameters
    ----------
    data
        A data set with a history of stages.

    Returns
    -------
    ibis table
        ``deal_id, stage, entered_at, stage_before, entered_on`` (of a deal without history its
        creation), ``amount`` of the deal, and the flags. A move back within a day puts a slip
        right; midnight stands for no hour, so that moves of one day are neither in one second nor
        in one minute; what lies after the day of the data set is only that.

    Raises
    ------
    Unavailable
        When there is no history of stages.
    """
    if "stage_history" not in data.base:
        what = Phrase("history.integrity")
        raise Unavailable(what=what, needs="stage_history", candidates=[*data.tables])
    stages, day = ladder(data), ibis.literal(data.as_of)
    known = Known({"stage_history": data.base["stage_history"]}, stages, day, None)
    rows = _with_deals(data, _with_before(entries(known), len(stages.steps)))
    rows = _crowded(rows)
    flags = _flags(rows, len(stages.steps))
    later = rows.entered_on > day
    flags = {name: flag & ~later for name, flag in flags.items()} | {"after_as_of": later}
    rows = rows.mutate(**{name: flag.fill_null(False) for name, flag in flags.items()})
    rows = rows.mutate(no_history=ibis.literal(False)).select(*_OWN, *CHECKS)
    return ibis.union(rows, _unmoved(data, rows)) if "deals" in data.base else rows


def _with_before(moves: ir.Table, end: int) -> ir.Table:
    """Moves with the one before of the same deal, and how far it had got by then."""
    order = [moves.entered_at, moves.place.fill_null(end + 2)]
    last = ibis.window(group_by="deal_id", order_by=order)
    so_far = ibis.window(group_by="deal_id", order_by=order, rows=(None, -1))
    ahead = ibis.ifelse(moves.place <= end, moves.place, ibis.null("int64"))
    return moves.mutate(
        stage_before=moves.stage.lag().over(last),
        _place=moves.place.lag().over(last),
        _at=moves.entered_at.lag().over(last),
        _amount=moves.amount_at_entry.lag().over(last),
        _furthest=ahead.max().over(so_far).fill_null(-1),
    )


def _with_deals(data: Dataset, moves: ir.Table) -> ir.Table:
    """Moves with the first and last day of their deals, and their amounts."""
    if "deals" not in data.base:
        never, none = ibis.null("date"), ibis.null("float64")
        return moves.mutate(_created=never, _left=never, amount=none, _no_deal=False)
    deals = data.table("deals")
    one_each = deals.group_by("deal_id").agg(
        _created=deals.created_at.min(), _left=deals.left_at.max(), amount=deals.amount.sum()
    )
    rows = moves.left_join(one_each, "deal_id")
    return rows.mutate(_no_deal=rows.deal_id_right.isnull()).drop("deal_id_right")


def _crowded(moves: ir.Table) -> ir.Table:
    """Moves with whether more deals than one moves by hand entered a stage in that minute."""
    minute = moves.entered_at.truncate("m")
    moves = moves.mutate(_minute=minute, _timed=moves.entered_at != moves.entered_at.truncate("D"))
    crowds = moves.filter(moves._minute != minute.truncate("D")).group_by("_minute")
    crowds = crowds.agg(_n=lambda t: t.deal_id.nunique()).filter(lambda t: t._n > CROWD)
    return moves.left_join(crowds, "_minute").drop("_minute_right")


def _flags(rows: ir.Table, end: int) -> dict[str, ir.BooleanValue]:
    place, before = rows.place, rows._place
    stayed = rows.entered_at.epoch_seconds() - rows._at.epoch_seconds()
    at_work, over = place < end, rows.entered_on > rows._left
    ended = (before >= end) & ~over.fill_null(False)
    turned = rows.amount_at_entry * rows._amount < 0
    return {
        "skipped": (place <= end) & (place - rows._furthest > 1),
        "moved_back": (before < end) & (place < before) & (stayed >= MISCLICK_SECONDS),
        "reopened": at_work & ended,
        "moved_after_end": at_work & over,
        "bulk_move": rows._n.notnull(),
        "same_second": rows._timed
        & (rows._at == rows.entered_at)
        & (rows.stage != rows.stage_before),
        "before_creation": rows.entered_on < rows._created,
        "stage_not_in_map": place.isnull() & rows.stage.notnull(),
        "sign_change": turned.fill_null(False) | (rows.amount_at_entry * rows.amount < 0),
        "no_deal": rows._no_deal,
    }


def _unmoved(data: Dataset, moves: ir.Table) -> ir.Table:
    """The deals that have entered no stage, in the columns of those that have."""
    deals = data.table("deals").anti_join(data.base["stage_history"], "deal_id")
    rows = deals.select("deal_id", "amount", entered_on="created_at")
    blank = {c: ibis.null(moves[c].type()) for c in _OWN if c not in rows.columns}
    flags = {name: ibis.literal(name == "no_history") for name in CHECKS}
    return rows.mutate(**blank, **flags).select(*_OWN, *CHECKS)
