"""The rows behind a number."""

from __future__ import annotations

import datetime as dt

import ibis.expr.types as ir
import pandas as pd

from kpi_helpers.catalogue import Kpi
from kpi_helpers.errors import Unavailable
from kpi_helpers.kpis.parts import Parts
from kpi_helpers.measure.answer import chosen
from kpi_helpers.measure.ask import PLANNED, Question, questions
from kpi_helpers.measure.facts import fact, require
from kpi_helpers.measure.held import held
from kpi_helpers.sources.dataset import Dataset, Where
from kpi_helpers.sources.engine import END, START, fetch, filled, template
from kpi_helpers.sources.registers import ACHIEVEMENTS


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
    require(data, declared, (), where)
    calendar = data.config.calendar
    (asked,) = questions([calendar.parse(period, as_of=data.as_of, first=data.first)], (), where)
    known = data.as_of + dt.timedelta(days=1)
    end = asked.end if declared.dated in PLANNED else min(asked.end, known)
    sql = template(data.con, _counted(data, declared, asked))
    return fetch(data.con, filled(sql, asked.start, max(end, asked.start)))


def _counted(data: Dataset, kpi: Kpi, asked: Question) -> ir.Table:
    table = fact(data, [kpi], (), asked.where, whole=True)
    if kpi.table == ACHIEVEMENTS.name:
        table = held(data, table, asked.span, asked.days())
        table = table.filter(~table.is_cut).drop("is_cut")
    parts: Parts = kpi.body(table)
    if parts.kind == "standing":
        left = parts.terms["left"]
        present = (parts.terms["opened"] < END) & (left.isnull() | (left >= END))
    elif parts.kind == "retained":
        present = parts.terms["base"] | parts.terms["kept"]
    else:
        day = table[str(kpi.dated)]
        present = (day >= START) & (day < END)
    shown = {f"part_{name}": term for name, term in parts.terms.items()}
    return table.mutate(**shown).filter(present, parts.where)
