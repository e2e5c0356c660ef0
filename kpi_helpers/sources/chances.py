"""The one law of what becomes of open deals: the chance to be won, by stage and days in it.

Deals still open count for as long as they were followed, and wins compete with losses
(`kpi_helpers.survival.aalen_johansen`, here in the data's own engine): of those in a stage after
so many days, the share that will be won in it, or will go on and be won after it, as those that
went on after about as many days were.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from kpi_helpers.sources.derived import days_between
from kpi_helpers.sources.engine import END

# Of fewer deals a stage has no habits of its own, and nothing is promised.
FEWEST = 10
# After stays of about as many days, deals went on alike.
AGES = (0, 7, 14, 30, 60, 120)
HERE = -1
NONE = 1e-12  # the logarithm of 0 is an error to some engines


def won_later(stays: ir.Table, day: ir.DateScalar) -> ir.Table:
    """The chance to be won of the deals open on the last day before `END`, as known then.

    Parameters
    ----------
    stays
        Stays in stages: ``stage, entered_on, gone_at``, with ``left_at, is_won`` of their deals.
    day
        The last day that is known.

    Returns
    -------
    ibis.Table
        ``stage, days, chance`` for every length of a stay that was seen, in stages with ten stays;
        missing where fewer than ten were followed for longer.
    """
    rows = _curves(_counts(_spells(stays), day))
    after = rows.filter(rows.after >= 0).group_by("stage", went=rows.after)
    after = after.agg(won_after=rows.won_now.sum())
    rows = rows.filter(rows.after == HERE).mutate(went=_band(rows.days))
    rows = rows.left_join(after, ["stage", "went"])
    come = rows.won_now + rows.moved_now * rows.won_after.fill_null(0.0)
    rows = rows.mutate(come=come)
    longer = ibis.cumulative_window(group_by="stage", order_by=ibis.desc("days"))
    rows = rows.mutate(
        rest=rows.come.sum().over(longer) - rows.come,
        of=rows.n.sum().over(ibis.window(group_by="stage")),
    )
    share = ibis.greatest(rows.rest, 0.0) / rows.left
    chance = ibis.ifelse(rows.risk - rows.n >= FEWEST, share, ibis.null("float64"))
    return rows.filter(rows.of >= FEWEST).select("stage", "days", chance=chance)


def _spells(stays: ir.Table) -> ir.Table:
    """How many stays lasted from when to when, and what came after them where a deal went on."""
    alike = stays.group_by("stage", "entered_on", "gone_at", "left_at", "is_won")
    stays = alike.agg(n=stays.count().cast("float64"))
    decided = (stays.left_at <= stays.gone_at).fill_null(False)
    here, moved = ibis.literal(HERE, "int64"), stays.gone_at.notnull() & ~decided
    there = {"began": stays.entered_on, "ended": stays.gone_at, "after": here}
    there |= {"n": stays.n, "won": decided & stays.is_won, "moved": moved}
    went = _band(days_between(stays.entered_on, stays.gone_at))
    later = {"began": stays.gone_at, "ended": stays.left_at, "after": went}
    later |= {"n": stays.n, "won": stays.is_won, "moved": ibis.literal(False)}
    return ibis.union(stays.select("stage", **there), stays.filter(moved).select("stage", **later))


def _band(days: ir.IntegerValue) -> ir.IntegerValue:
    cases = [(days >= least, least) for least in reversed(AGES)]
    return ibis.cases(*cases, else_=AGES[0]).cast("int64")


def _counts(spells: ir.Table, day: ir.DateScalar) -> ir.Table:
    """How many spells lasted how long, and how many of them ended so, as known before `END`.

    By day first, which is made once for all periods.
    """
    daily = spells.group_by([c for c in spells.columns if c != "n"]).agg(n=spells.n.sum())
    daily = daily.filter(daily.began < END)
    ended = (daily.ended < END).fill_null(False)
    open_for = ibis.least(days_between(daily.began, END) - 1, days_between(daily.began, day))
    days = ibis.ifelse(ended, days_between(daily.began, daily.ended), open_for)
    counts = {"won": daily.won, "moved": daily.moved, "over": ibis.literal(True)}
    sums = {name: ibis.ifelse(ended & test, daily.n, 0.0) for name, test in counts.items()}
    daily = daily.select("stage", "after", "n", days=days, **sums)
    daily = daily.filter(daily.days >= 0)
    names = ("n", *sums)
    return daily.group_by(["stage", "after", "days"]).agg(
        **{name: daily[name].sum() for name in names}
    )


def _curves(counts: ir.Table) -> ir.Table:
    """Who was there after so many days, the share still there after them, and who went how."""
    of = ["stage", "after"]
    longer = ibis.cumulative_window(group_by=of, order_by=ibis.desc("days"))
    rows = counts.mutate(risk=counts.n.sum().over(longer))
    kept = ibis.greatest(1 - rows.over / rows.risk, NONE).ln()
    rows = rows.mutate(left=kept.sum().over(ibis.cumulative_window(group_by=of, order_by="days")))
    rows = rows.mutate(left=rows.left.exp())
    before = rows.left.lag().over(ibis.window(group_by=of, order_by="days")).fill_null(1.0)
    return rows.mutate(
        won_now=before * rows.won / rows.risk, moved_now=before * rows.moved / rows.risk
    )
