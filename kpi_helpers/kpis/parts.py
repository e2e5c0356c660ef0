"""What the body of a KPI returns: the parts of a figure, as terms of one row.

A KPI never divides. It says what each row contributes; the engine adds the contributions up, and
`measure` divides, so that every figure comes with its n and its interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir

from kpi_helpers.sources.derived import as_number
from kpi_helpers.sources.engine import END, START

# The ten largest, and how many where there are not ten.
LARGEST = (10, 3)


@dataclass(frozen=True)
class Parts:
    """The kind of a figure and what each row contributes to it.

    ``where`` selects the rows that count; ``cluster`` names what rows belong to together (orders
    of a customer), so that the interval does not take them for independent. ``window``
    is how many days a conversion may take where the settings do not say, ``setting`` the KPI under
    whose id they say it, where that is another.
    """

    kind: str
    terms: Mapping[str, Any]
    where: ir.BooleanValue
    cluster: ir.Value | None = None
    window: int | None = None
    setting: str = ""


def _and(known: ir.BooleanValue, where: ir.BooleanValue | None) -> ir.BooleanValue:
    return known if where is None else known & where


def count(where: ir.BooleanValue) -> Parts:
    """How many rows; interval of Garwood."""
    return Parts("count", {"k": where}, where)


def total(amount: ir.NumericValue, where: ir.BooleanValue | None = None) -> Parts:
    """A sum of amounts, exact for the past; missing where half of the rows or more have none."""
    terms = {"x": amount, "lacking": _and(amount.isnull(), where)}
    return Parts("total", terms, _and(amount.notnull(), where))


def decided(amount: ir.NumericValue, where: ir.BooleanValue | None = None) -> Parts:
    """A sum that somebody decides (spend, targets): when it changes, that is no chance."""
    return Parts("decided", {"x": amount}, _and(amount.notnull(), where))


def share(part: ir.BooleanValue, of: ir.BooleanValue) -> Parts:
    """Rows of ``of`` for which ``part`` holds too, as a share; interval of Wilson."""
    return Parts("share", {"k": part & of, "n": of}, of)


def clustered_share(part: ir.Value, of: ir.Value, cluster: ir.Value) -> Parts:
    """A share of cases that come in clusters: several answers of a customer, visits of a day.

    ``part`` and ``of`` are tests or counts of the row. Wilson's interval, on the number of
    independent cases that would say as much.
    """
    terms = {"a": as_number(part), "b": as_number(of)}
    return Parts("clustered_share", terms, part.notnull() & of.notnull(), cluster)


def share_of_entities(part: ir.BooleanValue, of: ir.BooleanValue, entity: ir.Value) -> Parts:
    """Entities (deals) with a row that passes ``part``, as a share of those with one of ``of``."""
    return Parts("clustered_share", {"a": part & of, "b": of}, of, entity)


def ratio(
    amount: ir.NumericValue,
    over: ir.NumericValue,
    where: ir.BooleanValue | None = None,
    cluster: ir.Value | None = None,
) -> Parts:
    """A ratio of two sums; interval of Fieller, on clusters where they are named."""
    kind = "ratio" if cluster is None else "clustered_ratio"
    counted = _and(amount.notnull() & over.notnull(), where)
    return Parts(kind, {"a": amount, "b": over}, counted, cluster)


def mature_ratio(
    amount: ir.NumericValue, over: ir.NumericValue, old: ir.BooleanValue, where: ir.BooleanValue
) -> Parts:
    """A ratio over the rows that are ``old`` enough; the others of ``where`` are counted."""
    counted = _and(amount.notnull() & over.notnull(), where)
    terms = {"a": amount, "b": over, "of": counted}
    return Parts("mature_ratio", terms, counted & old)


def value_share(amount: ir.NumericValue, part: ir.BooleanValue, of: ir.BooleanValue) -> Parts:
    """Share of an amount, among the rows of ``of`` that carry one; the others are counted.

    It is missing where no row outside ``part`` carries an amount.
    """
    priced = of & amount.notnull() & (amount != 0)
    outside = {"outside": of & ~part, "outside_priced": priced & ~part}
    terms = {"a": part.ifelse(amount, 0.0), "b": amount, "of": of, **outside}
    return Parts("value_share", terms, priced)


def exact_ratio(
    amount: ir.NumericValue,
    over: ir.NumericValue,
    where: ir.BooleanValue | None = None,
    squares: ir.NumericValue | None = None,
) -> Parts:
    """A ratio of two sums that are facts of the past, not a sample: no interval.

    ``squares`` are those of the rows behind ``amount``, so that its change can be tested.
    """
    counted = _and(amount.notnull() & over.notnull(), where)
    terms = {"a": amount, "b": over} | ({} if squares is None else {"squares": squares})
    return Parts("exact_ratio", terms, counted)


def average(amount: ir.NumericValue, where: ir.BooleanValue | None = None) -> Parts:
    """A mean of amounts; Hall's interval, which allows for their skewness."""
    return Parts("average", {"x": amount}, _and(amount.notnull(), where))


def stars(
    score: ir.NumericValue,
    least: ir.NumericValue,
    most: ir.NumericValue,
    where: ir.BooleanValue | None = None,
) -> Parts:
    """A mean mark, read on a scale of 1 to 5 whatever its own; Hall's interval within the scale."""
    place = (score - least) / (most - least).nullif(0)
    return Parts("stars", {"x": 1 + 4 * place}, _and((place >= 0) & (place <= 1), where))


def promoters(score: ir.NumericValue, where: ir.BooleanValue) -> Parts:
    """Promoters (9 and 10) less detractors (0 to 6), in points; adjusted Wald interval.

    Only whole scores from 0 to 10 count; the others are counted as strange.
    """
    valid = (score == score.floor()) & (score >= 0) & (score <= 10) & where
    side = ibis.cases((valid & (score >= 9), 1.0), (valid & (score <= 6), -1.0), else_=0.0)
    terms = {"k": side, "n": valid, "extreme": side != 0, "strange": where & ~valid}
    return Parts("promoters", terms, where)


def average_per(entity: ir.Value, amount: ir.NumericValue, present: ir.BooleanValue) -> Parts:
    """A sum divided by the entities (customers) of which some row is ``present``."""
    counted = entity.notnull() & amount.notnull()
    return Parts("clustered_ratio", {"a": amount, "b": present}, counted, entity)


def distinct(identity: ir.Value, where: ir.BooleanValue | None = None) -> Parts:
    """How many different ones; adds over nothing."""
    return Parts("distinct", {"id": identity}, _and(identity.notnull(), where))


def duration(days: ir.IntegerValue, won: ir.BooleanValue, lost: ir.BooleanValue) -> Parts:
    """Median time to win among those that win; losing competes, open ones are censored."""
    return Parts("duration", {"days": days, "won": won, "lost": lost}, days.notnull() & (days >= 0))


def waiting(
    hours: ir.NumericValue, ended: ir.BooleanValue, unknown: ir.BooleanValue | None = None
) -> Parts:
    """Median time until something happens; where it has not happened yet, the time so far.

    ``unknown`` marks rows to be counted and said as left out, for want of their beginning.
    """
    terms = {"days": hours, "won": ended, "lost": ended & False}
    terms |= {} if unknown is None else {"unknown": unknown}
    return Parts("waiting", terms, hours.notnull() & (hours >= 0))


def cohort(days: ir.IntegerValue, age: ir.IntegerValue, window: int | None = None) -> Parts:
    """Share converted within the window, among those old enough to have had it.

    Parameters
    ----------
    days
        From creation to conversion, missing where there was none.
    age
        From creation to today.
    window
        Days that it may take where the settings do not say; by default what nine in ten needed.
    """
    return Parts("cohort", {"days": days, "age": age}, age.notnull(), window=window)


def standing(amount: ir.NumericValue, opened: ir.DateValue, left: ir.DateValue) -> Parts:
    """A stock at the end of the period: what was opened before, less what had left."""
    return Parts("standing", {"x": amount, "opened": opened, "left": left}, opened.notnull())


def retained(identity: ir.Value, base: ir.BooleanValue, kept: ir.BooleanValue) -> Parts:
    """Share of a population at the start that is still there at the end; interval of Wilson.

    ``base`` and ``kept`` are tests on a row that use `START` and `END` of the period; one row that
    passes is enough for its ``identity``.
    """
    return Parts("retained", {"id": identity, "base": base, "kept": kept}, identity.notnull())


def carried(
    kind: str,
    identity: ir.Value,
    worth: ir.NumericValue,
    base: ir.BooleanValue,
    kept: ir.BooleanValue,
) -> Parts:
    """What became of those there at the start of the period, and of what they were worth.

    ``churned`` and ``upsold`` are shares of them; ``kept_gross`` and ``kept_net`` are shares of
    what they were worth, without and with what those who stayed added. ``base`` and ``kept`` are
    tests as for `retained`.
    """
    terms = {"id": identity, "worth": worth, "base": base, "kept": kept}
    return Parts(kind, terms, identity.notnull() & worth.notnull())


def varied(identity: ir.Value, of: ir.Value, where: ir.BooleanValue) -> Parts:
    """Share of entities with two different ``of`` or more, among those with any."""
    counted = identity.notnull() & of.notnull() & where
    return Parts("varied", {"id": identity, "of": of}, counted)


def at_risk(
    identity: ir.Value,
    day: ir.DateValue,
    amount: ir.NumericValue,
    kept: ir.BooleanValue,
    where: ir.BooleanValue,
) -> Parts:
    """Share of the entities that came often and for much, but not lately, beside one another.

    ``kept`` are the rows that count as a visit; ``where`` uses `START` and `END` of the period.
    """
    counted = identity.notnull() & amount.notnull() & where
    return Parts("at_risk", {"id": identity, "day": day, "x": amount, "kept": kept}, counted)


def present(weight: ir.NumericValue, since: ir.DateValue, until: ir.DateValue) -> Parts:
    """A sum of weights, each for the part of the period in which it was there, both ends in."""
    where = (since < END) & (until >= START)
    return Parts("present", {"x": weight, "since": since, "until": until}, where)


def of_newcomers(
    amount: ir.NumericValue, identity: ir.Value, first: ir.DateValue, day: ir.DateValue
) -> Parts:
    """Share of an amount that is of those who came for the first time in the period."""
    new = (first >= START) & (first < END)
    counted = identity.notnull() & (day >= START) & (day < END)
    return Parts("newcomers", {"a": new.ifelse(amount, 0.0), "b": amount}, counted, identity)


def largest(identity: ir.Value, amount: ir.NumericValue, where: ir.BooleanValue) -> Parts:
    """Share of an amount that is of the largest; ``where`` uses `START` and `END` of the period."""
    counted = identity.notnull() & amount.notnull() & where
    return Parts("largest", {"id": identity, "x": amount}, counted)


def outside(benchmarks: ir.Table, where: ir.BooleanValue) -> Parts:
    """What the surest source says of a period, with its range; of several entities the largest."""
    sound = benchmarks.is_sourced & (benchmarks.definition_match != "no") & (benchmarks.middle > 0)
    return Parts("outside", {"x": benchmarks.middle}, where & sound)


def behind_best(benchmarks: ir.Table, where: ir.BooleanValue) -> Parts:
    """How far the KPI that ``metric`` names is behind the best of what sources say of others."""
    return Parts("gap", {"x": benchmarks.middle}, where & benchmarks.middle.notnull())


def beside_control(actions: ir.Table) -> Parts:
    """How much more the KPI of ``kpi_id`` moved where an action was taken than elsewhere."""
    return Parts("effect", {"x": actions.expected_effect}, actions.start_date.notnull())


def cohort_total(amount: ir.NumericValue, days: ir.IntegerValue, age: ir.IntegerValue) -> Parts:
    """The amounts of what a `cohort` counts."""
    unknown = amount.fill_null(0.0) == 0
    terms = {"days": days, "age": age, "x": amount, "unknown": unknown}
    return Parts("cohort_total", terms, age.notnull())
