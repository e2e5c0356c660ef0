"""The rows behind a number."""

from __future__ import annotations

import datetime as dt
import math

import ibis.expr.types as ir
import pandas as pd

from kpi_helpers.catalogue import Kpi
from kpi_helpers.errors import Unavailable
from kpi_helpers.measure.answer import chosen
from kpi_helpers.measure.ask import EACH_PERIOD, PLANNED
from kpi_helpers.measure.counted import parts_of
from kpi_helpers.measure.facts import fact, require
from kpi_helpers.measure.held import held
from kpi_helpers.measure.kinds import KINDS
from kpi_helpers.measure.question import Question, questions
from kpi_helpers.periods import Period
from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.engine import END, START, fetch, filled, template
from kpi_helpers.sources.facts import FACTS
from kpi_helpers.sources.registers import ACHIEVEMENTS

# The part of a figure that stands above the line, and the one below it, by what kinds call them.
COUNTED, OF = ("k", "x", "a", "kept", "days"), ("n", "b", "base")


def rows(data: Dataset, kpi: str, period: str, where: Where = None) -> pd.DataFrame:
    """The rows that a KPI counts in a period, with what each contributes.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load`.
    kpi
        Id of a KPI that is counted on a table; a derived one names those to ask for.
    period
        As for `measure`; one period.
    where
        As for `measure`.

    Returns
    -------
    pandas.DataFrame
        The table's columns, and the contributions as ``part_<name>``; they sum to the parts of the
        figure (for a standing figure: the rows in stock at the end).

    Raises
    ------
    Unavailable
        For a derived KPI, with the ones that it is made of.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> deals = pd.DataFrame({"deal_id": list("abc"), "status": ["won", "lost", "open"],
    ...     "created_at": ["2026-01-05"] * 3, "closed_at": ["2026-02-01", "2026-02-03", None]})
    >>> kh.rows(kh.load(deals), "win_rate_count", "2026Q1")["deal_id"].tolist()
    ['a', 'b']
    """
    declared = chosen(data, kpi)
    if declared.derived:
        raise Unavailable(what=kpi, needs=kpi, candidates=[o.kpi for o in declared.of.values()])
    return counted_in(data, declared, _period(data, period), where)


def keyed(data: Dataset, kpi: str, period: str, where: Where = None) -> pd.DataFrame:
    """The rows that a KPI counts in a period by their ids alone: no name, no other column.

    Parameters
    ----------
    data, kpi, period, where
        As for `rows`.

    Returns
    -------
    pandas.DataFrame
        ``key``, sorted; ``counts``, what it adds to the numerator or to the figure (days to the
        end for a duration or a cohort, where it came); ``of``, what it adds to the denominator.
        Rows of one id are added up. Where customers are counted, each of their rows is listed.

    Raises
    ------
    Unavailable
        For a derived KPI, and for one whose table has no id.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> deals = pd.DataFrame({"deal_id": list("abc"), "status": ["won", "lost", "open"],
    ...     "created_at": ["2026-01-05"] * 3, "closed_at": ["2026-02-01", "2026-02-03", None]})
    >>> keyed(kh.load(deals), "win_rate_count", "2026Q1").values.tolist()
    [['a', 1.0, 1.0], ['b', 0.0, 1.0]]
    """
    declared = chosen(data, kpi)
    names = FACTS[declared.table].keys if declared.table in FACTS else ()
    key = next((name for name in names if name.endswith("_id")), None)
    if key is None:
        raise Unavailable(what=kpi, needs=f"{declared.table or kpi}._id")
    found = counted_in(data, declared, _period(data, period), where, key=key)
    counts = _part(found, COUNTED, 1.0)
    if "part_won" in found:
        counts = counts.where(found["part_won"].astype("float64") == 1)
    listed = pd.DataFrame({"key": found[key], "counts": counts, "of": _part(found, OF, math.nan)})
    return listed.groupby("key", sort=True).sum(min_count=1).reset_index()


def _part(found: pd.DataFrame, names: tuple[str, ...], otherwise: float) -> pd.Series[float]:
    for name in names:
        if f"part_{name}" in found:
            return found[f"part_{name}"].astype("float64")
    return pd.Series(otherwise, found.index)


def counted_in(
    data: Dataset,
    declared: Kpi,
    period: Period,
    where: Where,
    until: dt.date = dt.date.max,
    key: str | None = None,
) -> pd.DataFrame:
    """The rows that a KPI counts in a period, up to a day that is not read, whole or by ids."""
    require(data, declared, (), where)
    (asked,) = questions([period], (), where)
    known = min(until, data.as_of + dt.timedelta(days=1))
    end = asked.end if declared.dated in PLANNED else min(asked.end, known)
    counted = _counted(data, declared, asked)
    if key is not None:
        counted = counted.select(key, *(c for c in counted.columns if c.startswith("part_")))
    sql = template(data.con, counted)
    return fetch(data.con, filled(sql, asked.start, max(end, asked.start)))


def _period(data: Dataset, said: str) -> Period:
    return data.config.calendar.parse(said, as_of=data.as_of, first=data.first)


def _counted(data: Dataset, kpi: Kpi, asked: Question) -> ir.Table:
    table = fact(data, [kpi], (), asked.where, whole=True)
    if kpi.table == ACHIEVEMENTS.name:
        table = held(data, table, asked.span, asked.days())
        table = table.filter(~table.is_cut).drop("is_cut")
    parts = parts_of(data, kpi, table)
    if parts.kind == "standing":
        left = parts.terms["left"]
        present = (parts.terms["opened"] < END) & (left.isnull() | (left >= END))
    elif KINDS[parts.kind].ask == "retained":
        present = parts.terms["base"] | parts.terms["kept"]
    elif KINDS[parts.kind].ask in EACH_PERIOD or kpi.dated == "period":
        present = parts.where
    else:
        day = table[str(kpi.dated)]
        present = (day >= START) & (day < END)
    whole = {} if parts.cluster is None else {"id": parts.cluster}
    shown = {f"part_{name}": term for name, term in {**whole, **parts.terms}.items()}
    return table.mutate(**shown).filter(present, parts.where)
