"""Columns that a table takes from the rows of other tables: which campaign brought a customer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

import ibis
import ibis.expr.types as ir

Tables = Mapping[str, ir.Table]
MONTHS_OF_TENURE, RAMPED = 12, 0.8


class Linked(NamedTuple):
    """What a table takes from others.

    Parameters
    ----------
    columns
        Columns that it gains.
    made
        The tables → these columns beside the keys by which they are joined.
    others
        Tables that it looks at where they are there.
    needs
        What must be there, as ``table.column``.
    dimensions
        Those of ``columns`` by which figures may be broken down.
    """

    columns: tuple[str, ...]
    made: Callable[[Tables], ir.Table]
    others: tuple[str, ...]
    needs: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()


def one_value(value: ir.Column) -> ir.Scalar:
    """The value that all rows of a group have, missing where they differ.

    One of several would depend on how the engine sorts text.
    """
    least = value.min()
    return ibis.ifelse(least == value.max(), least, ibis.null(value.type()))


def _won_through(tables: Tables) -> ir.Table:
    """The campaign of the lead that became each customer, and the day on which that lead came."""
    leads = tables["leads"]
    known = leads.filter(leads.customer_id.notnull() & leads.converted_at.notnull())
    first = known.group_by("customer_id").agg(first=known.converted_at.min())
    won = known.join(first, "customer_id").filter(lambda row: row.converted_at == row["first"])
    return won.group_by("customer_id").agg(
        campaign=one_value(won.campaign), lead_at=won.created_at.min()
    )


def _won_leads(tables: Tables) -> ir.Table:
    """Day on which each lead was first converted or won."""
    leads, deals = tables["leads"], tables["deals"]
    won = deals.filter(deals.is_won).select("lead_id", day="closed_at")
    days = leads.select("lead_id", day="converted_at").union(won)
    return days.group_by("lead_id").agg(lead_won_at=days.day.min())


def _deal_leads(tables: Tables) -> ir.Table:
    """The lead behind each deal, and the day on which it was first converted or won."""
    deals = tables["deals"].group_by("deal_id").agg(lead=one_value(tables["deals"].lead_id))
    won = _won_leads(tables)
    both = deals.left_join(won, deals.lead == won.lead_id)
    return both.select(deals.deal_id, deal_lead=deals.lead, deal_lead_won_at=won.lead_won_at)


def _last_notes(tables: Tables) -> ir.Table:
    """Day of the last note on each deal, and the words of the longest; none without activities."""
    if "activities" not in tables:
        none = {"note_at": ibis.null("date"), "note_words": ibis.null("float64")}
        return tables["deals"].select("deal_id").distinct().mutate(**none, has_notes=False)
    notes = tables["activities"].filter(lambda row: row.type == "note")
    last = notes.group_by("deal_id").agg(
        note_at=notes.started_at.max().cast("date"), note_words=notes.note_words.max()
    )
    deals = tables["deals"].select("deal_id").distinct()
    both = deals.left_join(last, "deal_id")
    return both.select(deals.deal_id, last.note_at, last.note_words).mutate(has_notes=True)


def _ramped(tables: Tables) -> ir.Table:
    """Months from each rep's arrival to the end of the first whole quarter that was good enough.

    Good enough is `RAMPED` of what the median rep of at least a year's standing wins in it.
    """
    deals, reps = tables["deals"], tables["reps"]
    won = deals.filter(deals.is_won & deals.closed_at.notnull() & deals.amount.notnull())
    won = won.mutate(until_month=won.closed_at.year() * 12 + won.closed_at.quarter() * 3)
    sold = won.group_by("owner", "until_month").agg(sold=won.amount.sum())
    people = reps.select("owner", "first_month", "last_month", "known_month").distinct()
    grid = sold.select("until_month").distinct().cross_join(people)
    grid = grid.filter(
        grid.until_month <= grid.known_month, grid.until_month - 3 <= grid.last_month
    )
    each = grid.left_join(sold, ["owner", "until_month"]).select(
        grid.owner, grid.until_month, grid.first_month, sold=sold.sold.fill_null(0.0)
    )
    old = each.filter(each.first_month + MONTHS_OF_TENURE <= each.until_month - 3)
    usual = old.group_by("until_month").agg(usual=old.sold.median())
    good = each.join(usual, "until_month")
    good = good.filter(good.until_month > good.first_month, good.sold >= RAMPED * good.usual)
    good = good.filter(good.usual > 0)
    good = good.group_by("owner").agg(month=good.until_month.min())
    # Of who came before the first deals, nobody saw the ramp.
    begin = sold.until_month.min().as_scalar() - 3
    new = people.filter(people.first_month >= begin).left_join(good, "owner")
    months = new.month - new.first_month
    return new.select(new.owner, ramp_months=months, came=new.first_month)


def _actuals(tables: Tables) -> ir.Table:
    """What came of each forecast of revenue or bookings, by the days that it was made for."""
    forecasts = tables["forecasts"]
    spans = forecasts.select("metric", "period_start", "period_end").distinct()
    days = {}
    if "orders" in tables:
        orders = tables["orders"]
        days["revenue"] = orders.select(day=orders.order_date, x=orders.amount_net)
    if "deals" in tables:
        won = tables["deals"].filter(tables["deals"].is_won)
        days["bookings"] = won.select(day=won.closed_at, x=won.amount)
    if not days:
        return spans.mutate(actual=ibis.null("float64"))
    every = ibis.union(*(each.mutate(what=ibis.literal(what)) for what, each in days.items()))
    inside = [spans.metric == every.what, every.day >= spans.period_start]
    both = spans.filter(spans.metric.isin(list(days)))
    both = both.left_join(every, [*inside, every.day <= spans.period_end])
    came = both.group_by("metric", "period_start", "period_end").agg(actual=both.x.sum())
    return came.mutate(actual=came.actual.fill_null(0.0))


_ATTRIBUTED = ("leads.customer_id", "leads.converted_at", "leads.campaign")
_CALLED = ("leads.converted_at", "deals.lead_id")
_BOTH = ("leads", "deals")
_LINKED: Mapping[str, tuple[Linked, ...]] = {
    "orders": (
        Linked(("campaign", "lead_at"), _won_through, ("leads",), _ATTRIBUTED, ("campaign",)),
    ),
    "activities": (
        Linked(("lead_won_at",), _won_leads, _BOTH, _CALLED),
        Linked(("deal_lead", "deal_lead_won_at"), _deal_leads, _BOTH, _CALLED),
    ),
    "deals": (Linked(("note_at", "note_words", "has_notes"), _last_notes, ("activities",)),),
    "reps": (
        Linked(("ramp_months", "came"), _ramped, ("deals",), ("deals.owner", "deals.amount")),
    ),
    "forecasts": (Linked(("actual",), _actuals, ("orders", "deals")),),
}


def linked(name: str, columns: Collection[str] | None = None) -> list[Linked]:
    """What a table takes from others: all of it, or what gives some of these columns."""
    every = _LINKED.get(name, ())
    return [each for each in every if columns is None or {*columns} & {*each.columns}]


def links(name: str, tables: Collection[str]) -> list[str]:
    """The columns that a table can take from others, where these are among ``tables``."""
    able = [each for each in linked(name) if _tables(each.needs) <= {*tables}]
    return [column for each in able for column in each.columns]


def _tables(needs: Collection[str]) -> set[str]:
    return {need.partition(".")[0] for need in needs}


def lacking(wanted: Collection[Linked], filled: Mapping[str, Collection[str]]) -> list[str]:
    """What some links need and the source has not got, as ``table`` or ``table.column``.

    Parameters
    ----------
    wanted
        The links.
    filled
        Table → the columns of it that the source has.
    """
    needs = [need.partition(".") for each in wanted for need in each.needs]
    tables = [table for table, _, _ in needs if table not in filled]
    return tables or [f"{t}.{column}" for t, _, column in needs if column not in filled[t]]


def linked_dimensions(name: str, filled: Mapping[str, Collection[str]]) -> set[str]:
    """Columns from other tables by which the figures of a table may be broken down."""
    return {c for each in linked(name) if not lacking([each], filled) for c in each.dimensions}
