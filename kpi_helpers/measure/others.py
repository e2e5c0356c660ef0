"""Everything but a group: summed from the other groups, or asked for where sums do not tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kpi_helpers.catalogue import Kpi
from kpi_helpers.measure.cells import PLACE, Cells, Spread
from kpi_helpers.measure.facts import kind_of
from kpi_helpers.measure.repeated import joined
from kpi_helpers.sources.dataset import Where
from kpi_helpers.sources.engine import Columns
from kpi_helpers.sources.registers import ACHIEVEMENTS

# Queries whose rows belong to one group each; a customer may belong to several.
ADD_UP = ("flow", "counted", "standing", "stood", "stood_counted")


Asked = Callable[[tuple[str, ...], Where], Columns]


def of_others(
    kpis: Sequence[Kpi],
    asked: Sequence[Asked],
    cells: Cells,
    where: Where,
    others: Mapping[Any, str],
) -> list[Spread]:
    """Queries' results, laid over cells that each stand for everything but a group.

    Parameters
    ----------
    kpis
        For each query one of those that it is for.
    asked
        Each query's result for a breakdown and a filter.
    cells
        Their combinations are the groups of one dimension.
    where
        The filter of the call.
    others
        For each group the filter of all the others.
    """
    return [
        cells.over_others(ask(cells.by, where))
        if kind_of(kpi).ask in ADD_UP and kpi.table != ACHIEVEMENTS.name
        else _apart(ask, cells, others)
        for kpi, ask in zip(kpis, asked, strict=True)
    ]


def _apart(ask: Asked, cells: Cells, others: Mapping[Any, str]) -> Spread:
    """The results of one query a group, each under the group that it leaves out."""
    each = {group: ask((), rest) for group, rest in others.items()}
    found = joined([*each.values()])
    found |= {cells.by[0]: [group for group, rows in each.items() for _ in rows[PLACE]]}
    return cells.over(found, cells.places(found))
