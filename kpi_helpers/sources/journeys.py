"""The whole way of a case, from the lead through the stages of its deal to the order.

Without the lead in it, what is lost before there is a deal would not be seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

import ibis
import ibis.expr.types as ir

from kpi_helpers.errors import Unavailable
from kpi_helpers.language import Phrase
from kpi_helpers.sources.course import Known, entries, ladder
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.derived import days_between
from kpi_helpers.sources.facts import JOURNEYS
from kpi_helpers.sources.schema import Table
from kpi_helpers.sources.tables import DEALS, LEADS

LEAD, QUALIFIED, DEAL, WON = ("lead", "qualified", "deal", "won")
_LENT = "_lent_"  # before the names of the dimensions of a lead, which its deal may have too
_OF_LEADS = {"lead_id": "string", "_lead_at": "date", "_sql_at": "date"}
_OF_DEALS = {
    **{"deal_id": "string", "amount": "float64", "outcome": "string"},
    **{"_of": "string", "_deal_at": "date", "ended_at": "date"},
}
_NEVER: ir.DateScalar = ibis.null("date")
# Of several deals of one lead, the one that got furthest says how it went.
_RANK = {"won": 0, "open": 1, "lost": 2}


def way(data: Dataset) -> tuple[str, ...]:
    """The steps from a lead to a won deal, in order: those of which the source tells the day.

    Raises
    ------
    Unavailable
        When the source has neither deals, leads nor a history of stages.

    Examples
    --------
    >>> import pandas as pd
    >>> from kpi_helpers.sources import load
    >>> deals = {"deal_id": ["1"], "lead_id": ["7"], "created_at": ["2026-01-09"],
    ...          "status": ["open"]}
    >>> leads = {"lead_id": ["7", "8"], "created_at": ["2026-01-05", "2026-01-06"]}
    >>> way(load({"deals": pd.DataFrame(deals), "leads": pd.DataFrame(leads)}))
    ('lead', 'deal', 'won')
    """
    steps = [LEAD] if _linked(data) else []
    steps += [QUALIFIED] if steps and "sql_at" in data.filled("leads") else []
    steps += [DEAL] if "deals" in data.base else []
    steps += ladder(data).steps if "stage_history" in data.base else ()
    if not steps:
        raise Unavailable(what=Phrase("history.way"), needs="deals", candidates=[*data.tables])
    return (*steps, WON)


def _linked(data: Dataset) -> bool:
    """Whether leads are known, and which deal each of them became."""
    if "deals" in data.base:
        return "leads" in data.base and "lead_id" in data.filled("deals")
    return "leads" in data.base and "stage_history" not in data.base


def journeys(data: Dataset, tables: Mapping[str, ir.Table]) -> ir.Table:
    """A row a case and step that it reached: when, and when it went on or was lost there.

    Each row also holds the days of all steps (``reached``), so that cases need not be put together
    again of their rows.

    Parameters
    ----------
    data
        The data set.
    tables
        Its canonical tables as of its day; each deal stands on one row.
    """
    steps, day = way(data), ibis.literal(data.as_of)
    cases = _cases(data, tables)
    if "stage_history" in tables:
        stays = _stages(Known(tables, ladder(data), day, None))
        cases = cases.left_join(stays, "deal_id").drop("deal_id_right")
    # Beyond the last step there is no day; an index out of bounds is an error to Spark.
    cases = cases.mutate(reached=ibis.array([*_reached(cases, steps), _NEVER]))
    rows = cases.mutate(place=ibis.array([*range(len(steps))]).unnest())
    rows = rows.mutate(
        step=ibis.array([*steps])[rows.place],
        entered_at=rows.reached[rows.place],
        advanced_at=rows.reached[rows.place + 1],
    )
    rows = rows.filter(rows.entered_at.notnull())
    lost_here = rows.advanced_at.isnull() & (rows.outcome == "lost")
    lost_at = ibis.ifelse(lost_here, rows.ended_at, _NEVER)
    rows = rows.mutate(lost_at=lost_at, age_days=days_between(rows.entered_at, day))
    own = [c for c in JOURNEYS.names if c in rows.columns]
    return rows.select(*own, *(c for c in rows.columns if c not in own and not c.startswith("_")))


def _cases(data: Dataset, tables: Mapping[str, ir.Table]) -> ir.Table:
    """A row a lead, and a deal without one: its days, how it ended, its amount and dimensions."""
    if not _linked(data):
        deals = _deals(data, tables)
        return deals.mutate(case_id=deals.deal_id, **_blank(_OF_LEADS))
    leads = _leads(tables["leads"], data)
    if "deals" not in tables:
        both = leads.mutate(**_blank(_OF_DEALS))
    else:
        deals = _deals(data, tables)
        both = leads.outer_join(deals, leads.lead_id == deals._of)
        both = both if data.unique("deals", "lead_id") else _one_each(both)
    return _told(both)


def _told(both: ir.Table) -> ir.Table:
    """Leads beside their deals: what is said of the lead holds for all that became of it.

    What only its deal says would be missing where there is none, so that every group would win.
    """
    is_lead, has_deal = both.lead_id.notnull(), both.deal_id.notnull()
    names = [c.removeprefix(_LENT) for c in both.columns if c.startswith(_LENT)]
    lent = {
        c: ibis.ifelse(is_lead, both[_LENT + c], both[c]) if c in both.columns else both[_LENT + c]
        for c in names
    }
    return both.mutate(
        # A deal of the same name as a lead is another case.
        case_id=both.lead_id.coalesce(ibis.literal("deal ") + both.deal_id),
        outcome=both.outcome.coalesce(both._fate),
        ended_at=ibis.ifelse(has_deal, both.ended_at, both._converted),
        **lent,
    )


def _one_each(both: ir.Table) -> ir.Table:
    """Of several deals of a lead, the one that got furthest, with the amounts that ended as it."""
    place = ibis.cases(*((both.outcome == name, rank) for name, rank in _RANK.items()), else_=3)
    both = both.mutate(_rank=place)
    alike = ibis.window(group_by=["lead_id", "_rank"])
    best = ibis.window(group_by="lead_id", order_by=["_rank", "_deal_at", "deal_id"])
    both = both.mutate(_sum=both.amount.sum().over(alike), _place=ibis.row_number().over(best))
    several = both.lead_id.notnull()
    both = both.filter(~several | (both._place == 0))
    return both.mutate(amount=ibis.ifelse(several, both._sum, both.amount))


def _leads(leads: ir.Table, data: Dataset) -> ir.Table:
    """Each lead once, with its days, what became of it, and its dimensions set apart."""
    if not data.unique("leads", "lead_id"):
        first = ibis.window(group_by="lead_id", order_by=["created_at", "sql_at", "converted_at"])
        leads = leads.mutate(_copy=ibis.row_number().over(first)).filter(lambda t: t._copy == 0)
    fate = ibis.cases(
        (leads.converted_at.notnull(), "won"),
        (leads.rejected_reason.notnull(), "lost"),
        else_="open",
    )
    return leads.select(
        "lead_id",
        _lead_at=leads.created_at,
        _sql_at=leads.sql_at,
        _converted=leads.converted_at,
        _fate=fate,
        **{_LENT + c: leads[c] for c in _carried(data, LEADS, leads)},
    )


def _deals(data: Dataset, tables: Mapping[str, ir.Table]) -> ir.Table:
    """Each deal with its days, how it ended, its amount and its dimensions."""
    if "deals" not in tables:
        ids = tables["stage_history"].select("deal_id").distinct()
        return ids.mutate(**{c: v for c, v in _blank(_OF_DEALS).items() if c != "deal_id"})
    deals = tables["deals"]
    days = {"_deal_at": deals.created_at, "ended_at": deals.left_at, "outcome": deals.status}
    lent = {c: deals[c] for c in _carried(data, DEALS, deals)}
    return deals.select("deal_id", "amount", _of=deals.lead_id, **days, **lent)


def _carried(data: Dataset, table: Table, rows: ir.Table) -> list[str]:
    """What goes with a case: columns that sort into groups, and the customer."""
    taken = {"step", "place", "case_id", "outcome", *_OF_LEADS, *_OF_DEALS}
    filled = [c for c in rows.columns if c in data.filled(table.name) and c not in taken]
    known = {c.name: c.dimension or c.name == "customer_id" for c in table}
    return [c for c in filled if known.get(c, True)]


def _blank(kinds: Mapping[str, str]) -> dict[str, ir.Value]:
    return {name: ibis.null(kind) for name, kind in kinds.items()}


def _stages(known: Known) -> ir.Table:
    """The first day of each deal in each stage, by place, and last in one that means won."""
    rows = entries(known)
    days = {
        f"_stage{place}": ibis.ifelse(rows.place == place, rows.entered_on, _NEVER).min()
        for place in range(len(known.stages.steps) + 1)
    }
    return rows.group_by("deal_id").agg(**days)


def _reached(cases: ir.Table, steps: Sequence[str]) -> list[ir.Value]:
    """The day on which each step, or a later one, was first reached; a step skipped is reached."""
    *stages, end = [cases[c] for c in cases.columns if c.startswith("_stage")] or [_NEVER]
    before = steps[: len(steps) - len(stages) - 1]
    is_won = cases.outcome.isnull() | (cases.outcome == "won")
    won = ibis.ifelse(is_won, cases.ended_at.coalesce(end), _NEVER)
    own = {LEAD: cases._lead_at, QUALIFIED: cases._sql_at, DEAL: cases._deal_at}
    days = [*(own[name] for name in before), *stages, won]
    days = [*accumulate(days[::-1], lambda later, day: ibis.least(day, later))][::-1]
    # A deal without a lead has not passed what a lead passes.
    leads = sum(name != DEAL for name in before)
    ours = cases.lead_id.notnull()
    return [*(ibis.ifelse(ours, day, _NEVER) for day in days[:leads]), *days[leads:]]
