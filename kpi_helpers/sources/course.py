"""The course of the deals: tables made of their histories, a row a stage reached, stay or date.

Each row carries the columns of its deal, so that figures are broken down as those of deals are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import ibis
import ibis.expr.types as ir

from kpi_helpers.sources.chances import FEWEST, won_later
from kpi_helpers.sources.config import Config
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.derived import days_between
from kpi_helpers.sources.engine import END, frame_of
from kpi_helpers.sources.stages import stage_order

# Three in four of those that were won had left the stage by then.
USUAL = 0.75
MISCLICK_SECONDS = 24 * 3600
# The stage under which whole lives of deals stand, beside the stays in stages.
LIFE = ""
_OF_STAGE = ("stage", "since", "usual_days", "win_chance")


class Ladder(NamedTuple):
    """The stages in which deals are worked on, in order, then those that mean won, or lost.

    ``former`` holds stages that the settings had before, each with the last one before it that is
    still there: who entered it had got as far as that.
    """

    steps: tuple[str, ...]
    won: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    former: tuple[tuple[str, str], ...] = ()


def ladder(data: Dataset) -> Ladder:
    """The stages of a data set; one that deals mostly enter as they are decided is an end.

    Without deals the last stage is the end.
    """
    found: Ladder = data.remember("ladder", lambda: _ladder(data))
    return found


def _ladder(data: Dataset) -> Ladder:
    order = stage_order(data).names
    if "deals" not in data.base:
        return Ladder(order[:-1], order[-1:], former=_former(data.config, order))
    moves = data.table("stage_history").select("deal_id", "stage", "entered_at")
    last = moves.group_by("deal_id").agg(entered_at=moves.entered_at.max())
    deals = data.table("deals").select("deal_id", "is_won", "is_lost", "left_at")
    ends = moves.semi_join(last, ["deal_id", "entered_at"]).join(deals, "deal_id")
    at_once = ends.left_at <= ends.entered_at.cast("date")
    sums = {name: (at_once & ends[f"is_{name}"]).sum() for name in ("won", "lost")}
    counts = frame_of(data.con, ends.group_by("stage").agg(n=ends.count(), **sums))
    counts = counts.dropna(subset="stage").set_index("stage").sort_index()
    over = counts[2 * (counts["won"] + counts["lost"]) > counts["n"]]
    won = tuple(over.index[over["won"] >= over["lost"]])
    lost = tuple(over.index[over["won"] < over["lost"]])
    steps = tuple(name for name in order if name not in {*over.index})
    return Ladder(steps, won, lost, _former(data.config, (*order, *over.index)))


def _former(config: Config, known: Sequence[str]) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for names in (config.stages, *config.stages_from.values()):
        for place, name in enumerate(names):
            before = [each for each in names[:place] if each in known]
            if name not in known and before:
                found.setdefault(name, before[-1])
    return tuple(found.items())


class Known(NamedTuple):
    """The tables as known on a day, the stages, and the columns asked for (None for all)."""

    tables: Mapping[str, ir.Table]
    stages: Ladder
    day: ir.DateScalar
    columns: tuple[str, ...] | None

    def asks(self, *columns: str) -> bool:
        """Whether one of the columns is asked for: what nobody reads makes a query longer."""
        return self.columns is None or not {*self.columns}.isdisjoint(columns)


def entries(known: Known) -> ir.Table:
    """Entries into stages with the place of each: steps from 0, then won, then lost."""
    moves = known.tables["stage_history"]
    moves = moves.select("deal_id", "stage", "entered_at", "amount_at_entry")
    end = len(known.stages.steps)
    places = {name: place for place, name in enumerate(known.stages.steps)}
    places |= dict.fromkeys(known.stages.won, end) | dict.fromkeys(known.stages.lost, end + 1)
    places |= {name: places[before] for name, before in known.stages.former}
    cases = [(moves.stage == name, place) for name, place in places.items()]
    none = ibis.null("int64")
    place = ibis.cases(*cases, else_=none).cast("int64") if cases else none
    return moves.mutate(place=place, entered_on=moves.entered_at.cast("date"))


def _of_deals(rows: ir.Table, known: Known) -> ir.Table:
    """Rows with the columns of their deals; of a source without deals, nothing is decided."""
    if "deals" not in known.tables:
        no, never = ibis.literal(False), ibis.null("date")
        return rows.mutate(is_won=no, is_lost=no, left_at=never)
    deals = known.tables["deals"]
    own = [c for c in deals.columns if c not in rows.columns]
    return rows.join(deals.select("deal_id", *own), "deal_id")


def steps(known: Known) -> ir.Table:
    """A row a deal and stage that it reached, skipped ones too: when, and how it went on."""
    moves, never = entries(known), ibis.null("date")
    names = known.stages.steps or ("",)
    moves = moves.filter(moves.place <= len(known.stages.steps))
    firsts = {
        f"_{place}": ibis.ifelse(moves.place >= place, moves.entered_on, never).min()
        for place in range(len(names) + 1)
    }
    each = _of_deals(moves.group_by("deal_id").agg(**firsts), known)
    reached = []
    for place, name in enumerate(names):
        days = {"entered_at": each[f"_{place}"], "advanced_at": each[f"_{place + 1}"]}
        there = each.mutate(stage=ibis.literal(name), **days).drop(*firsts)
        reached.append(there.filter(there.entered_at.notnull()))
    rows = _union(reached)
    rows = rows.mutate(age_days=days_between(rows.entered_at, known.day))
    won_at, lost_at = (ibis.ifelse(t, rows.left_at, never) for t in (rows.is_won, rows.is_lost))
    advanced_at = rows.advanced_at.coalesce(won_at)
    lost_here = ibis.ifelse(advanced_at.isnull(), lost_at, never)
    return rows.mutate(advanced_at=advanced_at, lost_at=lost_here)


def _union(tables: list[ir.Table]) -> ir.Table:
    return ibis.union(*tables) if len(tables) > 1 else tables[0]


def visits(known: Known) -> ir.Table:
    """A row a stay of a deal in a stage: since when, until when, and whether it came back to it.

    A stay ends when the next begins or the deal is decided; what is won or lost stays nowhere.
    """
    moves, end = entries(known), len(known.stages.steps)
    # What is sorted is as narrow as can be: histories are long.
    moves = moves.mutate(_order=moves.place.fill_null(end + 2).cast("int16"))
    order = ibis.window(group_by="deal_id", order_by=["entered_at", "_order"])
    made = {"next_on": moves.entered_at.lead().over(order).cast("date")}
    if known.asks("is_back"):
        before = moves.entered_at.lag().over(order)
        stayed = moves.entered_at.epoch_seconds() - before.epoch_seconds()
        back = (moves.place < moves.place.lag().over(order)) & (stayed >= MISCLICK_SECONDS)
        made["is_back"] = back.fill_null(False)
    moves = moves.mutate(**made)
    if known.stages.steps and not known.stages.former:  # then its place tells a stage
        names = [(moves._order == place, name) for place, name in enumerate(known.stages.steps)]
        moves = moves.mutate(stage=ibis.cases(*names))
    moves = moves.mutate(entered_on=moves.entered_at.cast("date")).filter(moves._order < end)
    rows = _of_deals(moves.drop("place", "_order", "amount_at_entry"), known)
    gone_at = rows.next_on.coalesce(rows.left_at)
    there = days_between(rows.entered_on, gone_at.coalesce(known.day))
    return rows.mutate(gone_at=gone_at, days_there=there).drop("next_on")


def closing_dates(known: Known) -> ir.Table:
    """A row a closing date that was said of a deal: from when to when it was."""
    return _of_deals(_dates(known), known)


def _dates(known: Known) -> ir.Table:
    said = known.tables["close_date_history"].select("deal_id", "changed_at", "expected_close")
    order = ibis.window(group_by="deal_id", order_by=["changed_at", "expected_close"])
    until = said.changed_at.lead().over(order)
    return said.mutate(changed_at=said.changed_at.cast("date"), until_at=until.cast("date"))


def standing_deals(known: Known) -> ir.Table:
    """The deals open on the last day before `END`, as they stood then.

    ``since`` is the day of entering the stage (without a history of stages, of the deal's
    creation), ``usual_days`` what three in four of the deals won by then took for that stage,
    ``win_chance`` that of a win after as long in it (`won_later`).
    """
    deals = known.tables["deals"]
    open_then = (deals.opened_at < END) & (deals.left_at.isnull() | (deals.left_at >= END))
    rows = deals.filter(open_then)
    if "close_date_history" in known.tables and known.asks("expected_close", "is_late"):
        rows = _as_said(rows, _dates(known))
    rows = rows.mutate(is_late=(days_between(rows.expected_close, END) > 1).fill_null(False))
    return _in_stage(rows, known) if known.asks(*_OF_STAGE) else rows


def _in_stage(rows: ir.Table, known: Known) -> ir.Table:
    """Open deals with their stage, and what became of others in it."""
    stays = _stays(known)
    there = (stays.entered_on < END) & (stays.gone_at.isnull() | (stays.gone_at >= END))
    now = stays.filter(there)
    now = now.select("deal_id", since=now.entered_on, _stage=now.stage)
    rows = rows.left_join(now, "deal_id").drop("deal_id_right")
    if known.asks("usual_days"):
        rows = rows.left_join(_usual(stays), "_stage").drop("_stage_right")
    rows = rows.mutate(since=rows.since.coalesce(rows.opened_at))
    if known.asks("win_chance"):
        every = ibis.union(stays, _lives(known)) if "stage_history" in known.tables else stays
        rows = _with_chance(rows, won_later(every, known.day), known.day)
    return rows.mutate(stage=rows._stage.nullif(LIFE).coalesce(rows.stage)).drop("_stage")


def _with_chance(rows: ir.Table, law: ir.Table, day: ir.DateScalar) -> ir.Table:
    """Open deals with the chance of their stage; of a stage without habits, that of their age."""
    ages = [
        # Nobody stays beyond the day that is known, however far ahead the period ends.
        ibis.least(days_between(since, END) - 1, days_between(since, day))
        for since in (rows.since, rows.opened_at)
    ]
    rows = rows.mutate(_there=ages[0], _alive=ages[1])
    own = law.select(_own=law.stage, _there=law.days, _chance=law.chance)
    alike = [rows._stage == own._own, rows._there == own._there]
    rows = rows.left_join(own, alike).drop("_there", "_there_right")
    all_lives = law.filter(law.stage == LIFE).select(_alive=law.days, _pooled=law.chance)
    rows = rows.left_join(all_lives, "_alive")
    chance = ibis.ifelse(rows._own.notnull(), rows._chance, rows._pooled)
    return rows.mutate(win_chance=chance).drop(
        "_own", "_chance", "_alive", "_alive_right", "_pooled"
    )


def _stays(known: Known) -> ir.Table:
    """Stays in stages; without a history of stages, a deal's whole life is one."""
    if "stage_history" not in known.tables:
        return _lives(known)
    return visits(known).select("deal_id", "stage", "entered_on", "gone_at", "left_at", "is_won")


def _lives(known: Known) -> ir.Table:
    deals = known.tables["deals"]
    life = {"stage": ibis.literal(LIFE), "entered_on": deals.opened_at, "gone_at": deals.left_at}
    return deals.select("deal_id", **life, left_at=deals.left_at, is_won=deals.is_won)


def _as_said(deals: ir.Table, dates: ir.Table) -> ir.Table:
    """Deals with the closing date that was expected then, where it is known."""
    holds = (dates.changed_at < END) & (dates.until_at.isnull() | (dates.until_at >= END))
    then = dates.filter(holds).select("deal_id", _then=dates.expected_close)
    rows = deals.left_join(then, "deal_id").drop("deal_id_right")
    return rows.mutate(expected_close=rows._then.coalesce(rows.expected_close)).drop("_then")


def _usual(stays: ir.Table) -> ir.Table:
    """What three in four of the deals won took for a stage; by day first, once for all periods."""
    won = stays.filter(stays.is_won)
    days = days_between(won.entered_on, won.gone_at)
    won = won.select("stage", days=days, seen_on=ibis.greatest(won.entered_on, won.left_at))
    daily = won.group_by(["stage", "days", "seen_on"]).agg(n=won.count())
    daily = daily.filter(daily.seen_on < END)
    won = daily.group_by(["stage", "days"]).agg(n=daily.n.sum())
    so_far = won.n.sum().over(ibis.cumulative_window(group_by="stage", order_by="days"))
    every = won.n.sum().over(ibis.window(group_by="stage"))
    late = won.mutate(late=so_far.cast("float64") >= USUAL * every, every=every)
    late = late.filter(late.late, late.every >= FEWEST)
    return late.group_by(_stage=late.stage).agg(usual_days=late.days.min())
